"""Potential-based shaping: returns differ by a constant of the start, whatever is played. Exact, and by hand."""

from __future__ import annotations

import itertools

import gymnasium
import numpy as np
import pytest
from rewards_support import COUNTER, FIRST_MOVE, WHIM, Counter, Whim, act, play, whim_for

from sandwich_env import sandwich_chess_v0
from sandwich_env.envs.rewards import AnyReward, Reward, Transition, TransitionReward
from sandwich_env.envs.rewards_shaped import Shaped
from sandwich_env.errors import SpecError
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_vector_env

ID = "sandwich_env:sandwich/Chess-v0"
KQK = "8/8/8/8/8/2k5/4q3/K7 b - - 0 1"
KRK = "8/8/8/8/8/1k6/7r/K7 b - - 0 1"
MATE_IN_ONE = "7k/8/5KQ1/8/8/8/8/8 w - - 0 1"
GAMMA = 0.9


def shaped(expert=WHIM, **more):
    return {"kind": "shaped", "expert": expert, **more}


class Lengths(Reward):
    """A cost for each ply to the side that has played it."""

    def __call__(self, games, played, outcome):
        return np.where(np.stack([~games.turn, games.turn], axis=1), -0.01, 0.0)


LENGTHS = {"kind": f"{__name__}:Lengths"}


def total(env, seed, discount, ask=False):
    """The discounted return of a random game, as its learner reckons it, and that learner's first board and side.

    Where one learner moves both sides, the side changes from ply to ply, and with it the sign.
    """
    alone = env.unwrapped._core.alone
    sum_, factor = 0.0, 1.0
    for reward, asked, info in play(env, seed, ask):  # noqa: B007 (the last one is given back)
        sum_ += factor * reward
        factor *= discount * (-1.0 if alone and not asked else 1.0)
    return sum_, info


def start_of(env, seed):
    env.reset(seed=seed)
    board = env.unwrapped.board()
    return whim_for(board, board.turn)


CASES = {
    "opponent": {"opponent": "random", "max_plies": 13},
    "to the end": {"opponent": "random", "starts": KQK, "learner_color": "alternate", "max_plies": 40},
    "self": {"opponent": "self", "max_plies": 12},
    "questions": {"opponent": "random", "max_plies": 9, "advisor": "HONEST", "protocol": "ON_DEMAND"},
    "questions, self": {"opponent": "self", "max_plies": 9, "advisor": "HONEST", "protocol": "ON_DEMAND"},
    "puzzles": {"opponent": "puzzle"},
}
NAMED = {
    "HONEST": {"kind": "honest", "expert": "uniform"},
    "ON_DEMAND": {"kind": "on_demand", "budget": 4, "cost": 0.05},
}


@pytest.mark.parametrize("discount", [1.0, GAMMA])
@pytest.mark.parametrize("case", CASES)
def test_returns_differ_by_the_potential_of_the_start(case, discount):
    options = {key: NAMED.get(value, value) for key, value in CASES[case].items()}
    plain = gymnasium.make(ID, **options)
    changed = gymnasium.make(ID, reward=shaped(weight=0.7, discount=discount), **options)
    ask = case.startswith("questions")
    results, differences = set(), []
    for seed in range(6):
        without, info = total(plain, seed, discount, ask)
        results.add((info["termination"], info["result"]))
        assert total(changed, seed, discount, ask)[1] == info
        differences.append(total(changed, seed, discount, ask)[0] - without + 0.7 * start_of(plain, seed))
    np.testing.assert_allclose(differences, 0, atol=1e-6)
    assert case != "to the end" or len(results) > 1  # games that end by the rules are among them


def test_every_plan_in_a_small_ending_is_worth_the_same_less_a_constant():
    """All that a learner could do in three plies from a won ending, with the mates that it may find."""

    def worth(reward):
        options = {"starts": KRK, "learner_color": "black", "opponent": FIRST_MOVE, "max_plies": 3, "reward": reward}
        env = gymnasium.make(ID, disable_env_checker=True, **options)
        values = {}
        env.reset(seed=0)
        for first in np.flatnonzero(env.unwrapped.action_masks()).tolist():
            seen, _ = env.reset(seed=0)
            seen, reward_one, *ends, _ = env.step(first)
            if any(ends):
                values[first,] = reward_one
                continue
            for second in np.flatnonzero(seen["action_mask"]).tolist():
                env.reset(seed=0)
                env.step(first)
                values[first, second] = reward_one + GAMMA * env.step(second)[1]
        return values

    before, after = worth("result"), worth(shaped(weight=2.0, discount=GAMMA))
    assert before.keys() == after.keys()
    assert len(before) > 200
    assert {1.0, 0.0} <= set(before.values())
    start = 2.0 * start_of(gymnasium.make(ID, starts=KRK), 0)
    np.testing.assert_allclose([after[plan] - before[plan] for plan in before], -start, atol=1e-6)
    best = max(before.values())
    assert {plan for plan in before if before[plan] > best - 1e-6} == {
        plan for plan in after if after[plan] > max(after.values()) - 1e-5
    }


def test_a_capture_by_hand():
    env = sandwich_chess_v0.env(reward=shaped(COUNTER, discount=0.5))
    env.reset(seed=0)
    paid = []
    for uci in ("e2e4", "d7d5", "e4d5", "d8d5"):
        act(env, uci)
        paid.append(tuple(env.rewards.values()))
    # A pawn is worth 0.1 to who is ahead. White's own ply is paid in full; for Black the step ends with it, where
    # what is lost counts half; and so with the signs turned when Black takes back.
    np.testing.assert_allclose(paid, [(0, 0), (0, 0), (0.1, -0.05), (-0.1, 0.1)], atol=1e-6)


def test_both_agents_of_the_turn_based_environment():
    for seed in range(4):
        sums = []
        for reward in ("result", shaped(weight=1.5)):
            env, rng = (
                sandwich_chess_v0.env(reward=reward, max_plies=8, starts=[KQK, MATE_IN_ONE]),
                np.random.default_rng(0),
            )
            env.reset(seed=seed)
            start = 1.5 * whim_for(env.board(), True)
            totals = dict.fromkeys(env.possible_agents, 0.0)
            for agent in env.agent_iter():
                seen, paid, terminated, truncated, _ = env.last()
                totals[agent] += paid
                over = terminated or truncated
                env.step(None if over else int(rng.choice(np.flatnonzero(seen["action_mask"]))))
            sums.append(list(totals.values()))
        np.testing.assert_allclose(np.subtract(sums[1], sums[0]), [-start, start], atol=1e-6)


@pytest.mark.parametrize("opponent", ["random", "self"])
@pytest.mark.parametrize("max_plies", [5, 6])
def test_a_learner_that_goes_on_from_its_own_value_at_the_cap(opponent, max_plies):
    options = {"opponent": opponent, "learner_color": "white", "max_plies": max_plies}
    env = gymnasium.make(ID, reward=shaped(discount=GAMMA, bootstraps=True), **options)
    steps = list(play(env, seed=1))
    sign = -1.0 if opponent == "self" else 1.0
    sum_ = sum((sign * GAMMA) ** t * reward for t, (reward, _, _) in enumerate(steps))
    last = env.unwrapped.board()
    mine = last.turn if opponent == "self" else True
    end = (sign * GAMMA) ** len(steps) * whim_for(last, mine)
    assert steps[-1][2]["termination"] == "ply_cap"
    assert sum_ == pytest.approx(end - start_of(env, 1), abs=1e-6)


def test_over_another_reward_and_over_itself():
    options = {"opponent": "random", "max_plies": 9}
    inner = shaped(COUNTER, inner=LENGTHS)
    plain, changed = (
        gymnasium.make(ID, reward=LENGTHS, **options),
        gymnasium.make(ID, reward=shaped(inner=inner), **options),
    )
    for seed in range(3):
        shift = total(changed, seed, 1.0)[0] - total(plain, seed, 1.0)[0]
        board_value = start_of(plain, seed)
        assert shift == pytest.approx(-board_value, abs=1e-6)  # material is even after the opponent's first ply


def test_a_vector_is_its_single_environments():
    options = {"reward": shaped(discount=GAMMA, inner=LENGTHS), "max_plies": 7, "opponent": "random"}
    check_vector_env(
        lambda *, autoreset_mode: gymnasium.make_vec(ID, num_envs=3, autoreset_mode=autoreset_mode, **options),
        lambda: gymnasium.make(ID, disable_env_checker=True, **options),
        steps=16,
    )


class Watch(TransitionReward):
    """Pays nothing, and keeps what it is shown."""

    def __init__(self):
        self.seen = []

    def __call__(self, transition: Transition):
        copied = Transition(**{**vars(transition), "after": transition.after.copy()})
        self.seen.append(copied)
        return np.zeros((len(transition.played), 2))


def test_what_a_transition_holds():
    watch = Watch()
    envs = gymnasium.make_vec(ID, num_envs=3, reward=watch, opponent="random", learner_color="white", max_plies=4)
    envs.reset(seed=0)
    for _ in range(3):  # the last of these deals
        envs.step(envs.unwrapped.sample_actions(np.arange(3)))
    assert [one.played.tolist() for one in watch.seen[:5]] == [[True] * 3] * 4 + [[False] * 3]
    for one, after in itertools.pairwise(watch.seen[:4]):
        assert one.after.fens() == after.before.fens() != one.before.fens()
    for one in watch.seen[:4]:
        for i, action in enumerate(one.actions.tolist()):
            assert one.after.played(i)[-1] == action
    assert watch.seen[3].over.all()
    assert watch.seen[3].truncated.all()
    assert not watch.seen[2].over.any()
    assert not watch.seen[0].alone
    np.testing.assert_array_equal(watch.seen[0].keys, envs.unwrapped._core.keys * 0 + watch.seen[3].keys)


def test_a_reward_of_another_shape_is_refused():
    class Odd(TransitionReward):
        def __call__(self, transition):
            return np.zeros(3)

    env = sandwich_chess_v0.env(reward=Odd())
    env.reset(seed=0)
    with pytest.raises(SpecError, match=r"Odd.*gave the shape \(3,\): it must be \(1, 2\)"):
        act(env, "e2e4")


def test_what_was_made_here_is_closed_and_nothing_else():
    Counter.closed = Whim.closed = 0
    sandwich_chess_v0.env(reward=shaped(inner=shaped(COUNTER))).close()
    assert (Counter.closed, Whim.closed) == (1, 1)
    mine = Shaped(Counter())
    gymnasium.make(ID, reward=mine).close()
    assert Counter.closed == 1


def test_specs_and_refusals():
    spec = shaped(weight=0.5, discount=0.99, bootstraps=True, inner={"kind": "result"})
    assert from_spec(spec, AnyReward).to_spec() == spec
    for more, words in (
        ({"weight": float("nan")}, "weight is nan"),
        ({"discount": 1.5}, "discount is 1.5: it must be a probability"),
        ({"inner": "random"}, "which is no AnyReward"),
        ({"expert": "honest"}, "'honest' needs 'expert'"),
        ({"scale": 2.0}, "'shaped' takes no 'scale'"),
    ):
        with pytest.raises(SpecError, match=words):
            sandwich_chess_v0.env(reward=shaped() | more)
