"""The advisor's stated value as a reward, worked out by hand; and the true result beside it."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from noting_support import Noting
from rewards_support import COUNTER, Counter, act, play

from sandwich_env import sandwich_chess_v0
from sandwich_env.advisors.base import Advisor
from sandwich_env.envs.rewards import AnyReward
from sandwich_env.envs.rewards_judged import Judged
from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.experts.base import Expert
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_no_leak, check_vector_env
from sandwich_env.testing.equality import assert_same

ID = "sandwich_env:sandwich/Chess-v0"
JUDGE = {"kind": "honest", "expert": COUNTER}
FLIPPED = {"kind": "value_flip", "epsilon": 1.0, "inner": JUDGE}
NOISY = {"kind": "value_noise", "epsilon": 0.5, "scale": 0.3, "inner": JUDGE}
MATE_IN_ONE = "7k/8/5KQ1/8/8/8/8/8 w - - 0 1"


def judged(advisor):
    return {"kind": "judged", "advisor": advisor}


def test_captures_by_hand():
    env = sandwich_chess_v0.env(reward=judged(JUDGE))
    env.reset(seed=0)
    shown = []
    for uci in ("e2e4", "d7d5", "e4d5", "d8d5", "b1c3", "g8f6", "c3d5"):
        act(env, uci)
        shown.append(tuple(env.rewards.values()))
    # A pawn is won, then won back, then a queen: who takes is paid, who loses something is not made to pay.
    wanted = [(0, 0), (0, 0), (0.1, 0), (0, 0.1), (0, 0), (0, 0), (0.9, 0)]
    np.testing.assert_allclose(shown, wanted, atol=1e-6)


def test_a_learner_is_paid_for_its_own_plies_alone():
    env = gymnasium.make(ID, reward=judged(JUDGE), opponent="self")
    env.reset(seed=0)
    rewards = [act(env, uci)[1] for uci in ("e2e4", "d7d5", "e4d5", "d8d5")]
    np.testing.assert_allclose(rewards, [0, 0, 0.1, 0.1], atol=1e-6)  # each for the side that has moved
    against = gymnasium.make(ID, reward=judged(JUDGE), opponent={"kind": "expert", "expert": "uniform"}, max_plies=60)
    losses = [reward for reward, _, _ in play(against, seed=4)]
    assert any(reward > 0 for reward in losses)
    assert all(reward >= 0 for reward in losses)


def test_a_flipped_judge_pays_the_opposite_and_nothing_else_differs():
    def told(advisor):
        env = gymnasium.make(ID, reward=judged(advisor), opponent="random", max_plies=60)
        rng = np.random.default_rng(0)
        steps, rewards = [], []
        for seed in (1, 2):
            seen, info = env.reset(seed=seed)
            steps.append((seen, info))
            ended = False
            while not ended:
                seen, reward, *ends, info = env.step(int(rng.choice(np.flatnonzero(seen["action_mask"]))))
                ended = any(ends)
                steps.append((seen, ends, info))
                rewards.append(reward)
        return steps, np.array(rewards)

    (honest, paid), (flipped, opposite) = told(JUDGE), told(FLIPPED)
    assert_same(honest, flipped, "two judges")
    assert np.count_nonzero(paid) > 5
    np.testing.assert_array_equal(opposite, -paid)


@pytest.mark.parametrize("judge", [JUDGE, FLIPPED])
def test_the_result_is_not_paid_and_stands_in_the_info(judge):
    for color, opponent, result in (("white", "random", 1.0), ("white", "self", 1.0)):
        env = gymnasium.make(ID, reward=judged(judge), starts=MATE_IN_ONE, learner_color=color, opponent=opponent)
        env.reset(seed=0)
        _, reward, terminated, _, info = act(env, "g6g7")
        assert reward == 0.0
        assert terminated
        assert (info["outcome"], info["result"], info["termination"]) == (1.0, result, "checkmate")


def test_the_result_is_the_learners():
    black = "rnbqkbnr/pppp1ppp/8/4p3/6P1/5P2/PPPPP2P/RNBQKBNR b KQkq - 0 2"
    env = gymnasium.make(ID, starts=black, learner_color="black", opponent="random")
    env.reset(seed=0)
    *_, info = act(env, "d8h4")
    assert (info["outcome"], info["result"]) == (-1.0, 1.0)
    lost = gymnasium.make(ID, opponent="self", disable_env_checker=True)
    lost.reset(seed=0)
    act(lost, "e2e4")
    with pytest.warns(UserWarning, match="is not legal"):
        _, reward, _, _, info = lost.step(0)
    assert (reward, info["outcome"], info["result"]) == (-1.0, 1.0, -1.0)  # Black's doing, and Black's loss
    drawn = gymnasium.make(ID, opponent="random", max_plies=2)
    assert [info.get("result") for _, _, info in play(drawn, seed=0)] == [0.0]


def test_a_vector_is_its_single_environments():
    options = {"reward": judged(NOISY), "max_plies": 14, "opponent": "random"}
    check_vector_env(
        lambda *, autoreset_mode: gymnasium.make_vec(ID, num_envs=3, autoreset_mode=autoreset_mode, **options),
        lambda: gymnasium.make(ID, disable_env_checker=True, **options),
        steps=16,
    )


def test_a_position_is_judged_once_and_alike_from_both_sides():
    judge = Noting(from_spec(NOISY, Advisor))
    env = sandwich_chess_v0.env(reward=Judged(judge), max_plies=9)
    env.reset(seed=3)
    while not env.terminations["player_0"] and not env.truncations["player_0"]:
        env.step(env.unwrapped.sample_action(0))
    assert len(judge.queries) == 8  # the ninth ply ends the game, and leads to no position
    for before, after in zip(judge.queries, judge.queries[1:], strict=False):
        assert len(before) == 2
        assert before.asks == "value"
        assert before.lies is None
        assert before.keys[1] == after.keys[0]
        assert before.count[1] == after.count[0]
        first, second = judge.inner.advise(before).value[1], judge.inner.advise(after).value[0]
        assert first == second
    counts = [query.count.tolist() for query in judge.queries]
    assert counts == [[k, k + 1] for k in range(8)]
    assert len({int(query.keys[0]) for query in judge.queries}) == 1


def test_the_judges_chances_are_not_the_advisors():
    heard, judge = [], Noting(from_spec(NOISY, Advisor))
    env = sandwich_chess_v0.env(reward=Judged(judge), advisor=NOISY, audit=heard.append)
    env.reset(seed=3)
    env.step(env.unwrapped.sample_action(0))
    asked = {int(key) for audit in heard for key in audit.query.keys}
    assert not asked & {int(key) for query in judge.queries for key in query.keys}


def test_nothing_of_the_judges_truth_reaches_the_player():
    check_no_leak(
        lambda advisor: gymnasium.make(ID, advisor=advisor, reward=Judged(advisor), max_plies=12),
        from_spec(FLIPPED, Advisor),
        steps=30,
    )


def test_what_was_made_here_is_closed_and_nothing_else():
    Counter.closed = 0
    sandwich_chess_v0.env(reward=judged(JUDGE)).close()
    assert Counter.closed == 1
    gymnasium.make_vec(ID, num_envs=2, reward=judged(JUDGE)).close()
    assert Counter.closed == 2
    mine = Judged(JUDGE)
    sandwich_chess_v0.env(reward=mine).close()
    assert Counter.closed == 2
    mine.close()
    assert Counter.closed == 3


def test_specs_and_refusals():
    spec = judged(FLIPPED)
    assert from_spec(from_spec(spec, AnyReward).to_spec(), AnyReward).to_spec() == from_spec(spec, AnyReward).to_spec()
    with pytest.raises(SpecError, match="which is no Advisor"):
        Judged("uniform")
    with pytest.raises(SpecError, match="'judged' needs 'advisor'"):
        sandwich_chess_v0.env(reward="judged")
    with pytest.raises(SpecError, match=r"unknown kind 'judge'.*did you mean 'judged'"):
        sandwich_chess_v0.env(reward="judge")
    with pytest.raises(SpecError, match=r"describes .* which is no AnyReward"):
        sandwich_chess_v0.env(reward="uniform")
    watched = {"kind": "value_flip", "epsilon": 1.0, "when": "unwatched", "inner": JUDGE}
    env = sandwich_chess_v0.env(reward=judged(watched))
    env.reset(seed=0)
    with pytest.raises(AdviceError, match="unwatched"):
        act(env, "e2e4")


def test_a_judge_off_the_scale_is_refused():
    class Loud(Counter):
        def of_board(self, board):
            return 1.5

    from sandwich_env.advisors.base import Honest

    expert: Expert = Loud()
    env = sandwich_chess_v0.env(reward=Judged(Honest(expert)))
    env.reset(seed=0)
    with pytest.raises(AdviceError, match=r"gives the value 1\.5"):
        act(env, "e2e4")
