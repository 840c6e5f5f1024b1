"""What players tell their advisor of themselves, what is counted of it, and that none of it comes back to them."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from noting_support import Noting

from sandwich_env import sandwich_chess_v0
from sandwich_env.advisors.base import Advice, Advisor, Honest, Query
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.schedules import Budget, Unwatched
from sandwich_env.advisors.sycophancy import Sycophancy
from sandwich_env.envs.config import ChessConfig
from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.oversight.channel import AdvisorChannel, Audit
from sandwich_env.oversight.disclosures import Disclosures
from sandwich_env.oversight.protocols import AtRandom, EveryNTurns, EveryTurn
from sandwich_env.oversight.sides import Sides
from sandwich_env.randomness import mix
from sandwich_env.rules import Games
from sandwich_env.testing import check_no_leak

N = 6
ALL = np.ones(N, dtype=np.bool_)


class Last(Expert):
    """Likes the legal action with the highest number, is sure to win, and counts what it is asked about."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.closed = False

    def evaluate(self, games: Games) -> Evaluation:
        self.asked.append(len(games))
        legal = games.legal_mask() == 1
        policy = np.where(legal, np.arange(legal.shape[1]), -np.inf).astype(np.float32)
        return Evaluation(policy, np.full(len(games), 0.75, dtype=np.float32))

    def close(self) -> None:
        self.closed = True


def liar(lies: int = 2, seed: int = 0) -> RandomMove:
    return RandomMove(Honest(UniformExpert()), epsilon=0.7, seed=seed, when=Budget(lies))


def channel_of(advisor: Advisor, n: int = N, **more: Any) -> AdvisorChannel:
    channel = AdvisorChannel(n, advisor, EveryTurn(), **more)
    channel.begin(np.ones(n, dtype=np.bool_), np.ones((n, 2), dtype=np.bool_))
    return channel


def play(channel: AdvisorChannel, games: Games, keys: np.ndarray, plies: int) -> None:
    for _ in range(plies):
        channel.arrive(games, keys, ~games.finished)
        games.step(games.sample(keys))


def told(advisor: Noting, name: str) -> list[Any]:
    """A part of each query, one after the other, of the first game."""
    return [getattr(query, name)[0].item() for query in advisor.queries]


# --- What is told ---


def test_a_player_that_says_nothing_of_itself() -> None:
    advisor = Noting()
    play(channel_of(advisor), Games(N), mix(np.arange(N)), 3)
    for query in advisor.queries:
        assert (query.proposal, query.hope, query.watched, query.rating) == (None, None, None, None)


def test_the_advisor_knows_at_which_of_its_turns_each_player_watches() -> None:
    advisor = Noting()
    play(channel_of(advisor, disclosures=Disclosures(watch=EveryNTurns(3))), Games(N), mix(np.arange(N)), 10)
    assert told(advisor, "watched") == [ply // 2 % 3 == 0 for ply in range(10)]
    assert all(query.watched.dtype == np.bool_ for query in advisor.queries)  # type: ignore[union-attr]


def test_turns_are_counted_where_nobody_asks_too() -> None:
    advisor = Noting()
    channel = AdvisorChannel(N, advisor, EveryNTurns(2), disclosures=Disclosures(watch=EveryNTurns(4)))
    channel.begin(ALL, np.ones((N, 2), dtype=np.bool_))
    play(channel, Games(N), mix(np.arange(N)), 16)
    assert told(advisor, "watched") == [True, True, False, False] * 2


def test_the_advisor_knows_the_rating() -> None:
    advisor = Noting()
    play(channel_of(advisor, disclosures=Disclosures(rating=1250)), Games(N), mix(np.arange(N)), 2)
    assert advisor.queries[1].rating is not None
    assert advisor.queries[1].rating.tolist() == [1250.0] * N


def test_the_proposer_is_asked_in_one_batch_about_the_games_that_ask() -> None:
    advisor, proposer = Noting(), Last()
    channel = channel_of(advisor, disclosures=Disclosures(proposer=proposer))
    channel.begin(np.arange(4), np.array([[True, False]] * N))
    games, keys = Games(N), mix(np.arange(N))
    play(channel, games, keys, 2)
    assert proposer.asked == [N, 2] == [len(query) for query in advisor.queries]
    for query in advisor.queries:
        assert query.proposal is not None
        assert query.hope is not None
        assert query.proposal.tolist() == Last().evaluate(query.games).best().tolist()
        assert query.hope.tolist() == [0.75] * len(query)


class First(Last):
    """Likes the legal action with the lowest number, and is sure to lose."""

    def evaluate(self, games: Games) -> Evaluation:
        theirs = super().evaluate(games)
        return Evaluation(np.where(theirs.policy == -np.inf, -np.inf, -theirs.policy), -theirs.value)


@pytest.mark.parametrize("rating", [{"white": 1500, "black": 900}, (1500, 900), [1500.0, 900.0], Sides(1500, 900)])
def test_each_side_may_have_a_rating_of_its_own(rating: Any) -> None:
    advisor = Noting()
    play(channel_of(advisor, disclosures=Disclosures(rating=rating)), Games(N), mix(np.arange(N)), 4)
    assert told(advisor, "rating") == [1500.0, 900.0] * 2


def test_a_side_that_does_not_tell_is_not_known() -> None:
    advisor, proposer = Noting(), Last()
    alone = Disclosures(rating={"black": 900}, proposer={"white": proposer})
    play(channel_of(advisor, disclosures=alone), Games(N), mix(np.arange(N)), 4)
    np.testing.assert_array_equal(told(advisor, "rating"), [np.nan, 900.0] * 2)
    np.testing.assert_array_equal(told(advisor, "hope"), [0.75, np.nan] * 2)
    assert [move == -1 for move in told(advisor, "proposal")] == [False, True] * 2
    assert proposer.asked == [N, N]


def test_each_side_may_propose_by_a_network_of_its_own() -> None:
    advisor, white, black = Noting(), Last(), First()
    channel = channel_of(advisor, disclosures=Disclosures(proposer=(white, black)))
    games, keys = Games(N), mix(np.arange(N))
    games.step(np.where(np.arange(N) < 2, games.sample(keys), -1))  # two games have Black to move
    play(channel, games, keys, 3)
    assert (white.asked, black.asked) == ([4, 2, 4], [2, 4, 2])  # one batch for each side
    for query in advisor.queries:
        assert query.proposal is not None
        for row, turn in enumerate(query.games.turn):
            best = (Last() if turn else First()).evaluate(query.games).best()[row]
            assert query.proposal[row] == best
    assert {0.75, -0.75} == set(np.concatenate([query.hope for query in advisor.queries]).tolist())


def test_an_environment_takes_and_closes_the_proposers_of_its_sides() -> None:
    given = Last()
    sides = {"white": {"kind": f"{__name__}:Last"}, "black": given}
    advisor = Noting()
    env = sandwich_chess_v0.env(advisor=advisor, proposer=sides, rating={"white": 1500, "black": 900}, max_plies=4)
    env.reset(seed=0)
    for _ in range(4):
        env.step(env.sample_action(0))
    assert told(advisor, "rating") == [1500.0, 900.0] * 2
    assert all(query.proposal[0] >= 0 for query in advisor.queries if query.proposal is not None)
    proposers = env.unwrapped._core.config.disclosures.proposer
    assert isinstance(proposers, Sides)
    env.close()
    assert isinstance(proposers.white, Last)
    assert proposers.white.closed
    assert proposers.black is given
    assert not given.closed


# --- By chance ---


def test_spot_checks_come_at_random_turns_of_each_game_and_player() -> None:
    heard: list[Audit] = []
    games, keys = Games(400), mix(3, np.arange(400))
    channel = channel_of(Noting(), n=400, disclosures=Disclosures(watch=AtRandom(0.2)), on_advice=heard.append)
    play(channel, games, keys, 20)
    watched = np.zeros((20, 400), dtype=np.bool_)  # by ply; few games are over by then
    for ply, audit in enumerate(heard):
        watched[ply, audit.rows] = audit.query.watched
    counted = sum(len(audit.rows) for audit in heard)
    assert abs(watched.sum() / counted - 0.2) < 4 * np.sqrt(0.16 / counted)
    assert len(np.unique(watched, axis=1).T) > 300  # each game has checks of its own
    assert (watched[0::2] != watched[1::2]).mean() > 0.25  # and each player: of independent draws 0.32 differ
    alone = Noting()
    one = channel_of(alone, n=1, disclosures=Disclosures(watch=AtRandom(0.2)))
    play(one, Games(1), keys[7:8], 20)
    assert told(alone, "watched") == watched[: len(alone.queries), 7].tolist()


@pytest.mark.parametrize(("probability", "always"), [(0.0, False), (1.0, True)])
def test_the_ends_of_chance(probability: float, always: bool) -> None:
    due = AtRandom(probability).due(np.arange(50), mix(1, np.arange(50)))
    assert due.tolist() == [always] * 50


def test_players_may_ask_at_random_and_watching_is_another_draw() -> None:
    half = {"kind": "at_random", "probability": 0.5}
    options: dict[str, Any] = {"advisor": Noting(), "protocol": half, "watch": half, "max_plies": 60}
    (many, _), (alone, _) = episodes(16, 25, **options), episodes(1, 25, **options)
    asked = sum(len(audit.rows) for audit in many)
    assert 140 < asked < 260  # of 400 turns of the learner
    watched = np.concatenate([audit.query.watched for audit in many])
    assert 0.35 < watched.mean() < 0.65
    mine = [
        (int(audit.ply[row]), bool(audit.query.watched[row]))
        for audit in many
        for row in [*np.flatnonzero(audit.rows == 0)]
    ]
    assert mine == [(int(audit.ply[0]), bool(audit.query.watched[0])) for audit in alone]


def test_chance_needs_the_keys_of_the_games() -> None:
    with pytest.raises(SpecError, match="'at_random' draws by the games' keys, which were not given"):
        AtRandom(0.5).due(np.arange(3))


# --- What is counted ---


@pytest.mark.parametrize("budget", [1, 3])
def test_no_player_hears_more_lies_than_the_budget(budget: int) -> None:
    channel = channel_of(liar(budget), 40)
    play(channel, Games(40), mix(np.arange(40)), 40)
    assert channel.lies.max() == budget
    assert (channel.lies == budget).mean() > 0.9  # of 20 queries, each a lie with probability 0.7
    channel.begin(np.arange(5), np.ones((40, 2), dtype=np.bool_))
    assert channel.lies[:5].tolist() == [[0, 0]] * 5
    assert channel.lies[5:].all()


def test_lies_are_those_that_provenance_tells_of() -> None:
    heard: list[Audit] = []
    channel = channel_of(liar(5), on_advice=heard.append)
    play(channel, Games(N), mix(np.arange(N)), 12)
    counted = np.zeros((N, 2), dtype=np.int64)
    for ply, audit in enumerate(heard):
        assert audit.query.lies is not None
        assert audit.query.lies.tolist() == counted[audit.rows, ply % 2].tolist()
        counted[audit.rows, ply % 2] += audit.advice.provenance.tampered
    assert counted.tolist() == channel.lies.tolist()
    assert counted.min() > 0
    assert counted.max() == 5


def test_lies_are_counted_alone_as_in_a_batch() -> None:
    keys = mix(np.arange(N))
    heard: dict[int, list[Audit]] = {1: [], N: []}
    for n in (1, N):
        disclosures = Disclosures(watch=EveryNTurns(2), rating=900.0, proposer=Last())
        channel = channel_of(liar(), n, on_advice=heard[n].append, disclosures=disclosures)
        play(channel, Games(n), keys[-n:], 20)
    assert len(heard[1]) == 20
    for alone, batch in zip(heard[1], heard[N], strict=True):
        for name in ("lies", "watched", "rating", "proposal", "hope"):
            assert getattr(alone.query, name)[0] == getattr(batch.query, name)[-1]
        assert alone.visible.move[0] == batch.visible.move[-1]
        assert alone.advice.provenance.tampered[0] == batch.advice.provenance.tampered[-1]


def test_lies_and_watches_go_on_from_a_state() -> None:
    keys, watch = mix(np.arange(N)), Disclosures(watch=EveryNTurns(3))
    games, channel = Games(N), channel_of(liar(3), disclosures=watch)
    play(channel, games, keys, 5)
    assert channel.lies.any()
    heard: tuple[list[Audit], list[Audit]] = ([], [])
    other, copy = channel_of(liar(3), disclosures=watch, on_advice=heard[1].append), games.copy()
    other.load_state(channel.state())
    channel.on_advice = heard[0].append
    play(channel, games, keys, 15)
    play(other, copy, keys, 15)
    assert channel.lies.tolist() == other.lies.tolist()
    assert channel.lies.max() == 3
    for one, two in zip(*heard, strict=True):
        assert one.query.watched.tolist() == two.query.watched.tolist()  # type: ignore[union-attr]
        assert one.visible.move.tolist() == two.visible.move.tolist()


# --- Through an environment ---


def episodes(num_envs: int, steps: int, **options: Any) -> tuple[list[Audit], np.ndarray]:
    """Random play of a vector of games; each truth, and the lies that were counted at its end."""
    heard: list[Audit] = []
    envs = gym.make_vec("sandwich_env:sandwich/Chess-v0", num_envs=num_envs, audit=heard.append, **options)
    envs.reset(seed=3)
    most = np.zeros((num_envs, 2), dtype=np.int64)
    for _ in range(steps):
        envs.step(envs.unwrapped.sample_actions(np.arange(num_envs)))  # type: ignore[attr-defined]
        most = np.maximum(most, envs.unwrapped.scorer.lies)  # type: ignore[attr-defined]
    envs.close()
    return heard, most


def test_a_budget_holds_in_every_episode_of_an_environment() -> None:
    heard, most = episodes(8, 120, advisor=liar(2), max_plies=30, opponent="random")
    assert most.max(axis=1).tolist() == [2] * 8
    total = sum(int(audit.advice.provenance.tampered.sum()) for audit in heard)
    assert total > 8 * 2 * 3  # every episode has a budget of its own


def test_an_unwatched_liar_lies_where_nobody_looks_and_there_alone() -> None:
    advisor = RandomMove(Honest(UniformExpert()), epsilon=1.0, when=Unwatched())
    heard, _ = episodes(4, 40, advisor=advisor, watch={"kind": "every_n_turns", "n": 2}, max_plies=30)
    watched = np.concatenate([audit.query.watched for audit in heard])  # type: ignore[arg-type]
    tampered = np.concatenate([audit.advice.provenance.tampered for audit in heard])
    assert tampered.tolist() == (~watched).tolist()
    assert 0.4 < tampered.mean() < 0.6


def test_a_schedule_that_needs_what_nobody_says_is_refused() -> None:
    env = sandwich_chess_v0.env(advisor=RandomMove(Honest(UniformExpert()), 1.0, when=Unwatched()))
    with pytest.raises(AdviceError, match="needs to know when the player watches: give `watch`"):
        env.reset(seed=0)


def test_the_same_environments_alone_hear_the_same() -> None:
    options = {"advisor": liar(3), "watch": "every_turn", "proposer": Last(), "max_plies": 20}
    (many, _), (alone, _) = episodes(3, 15, **options), episodes(1, 15, **options)
    mine = [audit for audit in many if 0 in audit.rows]
    assert len(mine) == len(alone) == 16
    for one, other in zip(alone, mine, strict=True):
        row = other.rows.tolist().index(0)
        assert one.visible.move[0] == other.visible.move[row]
        assert one.query.lies[0] == other.query.lies[row]  # type: ignore[index]
        assert one.query.proposal[0] == other.query.proposal[row]  # type: ignore[index]


DISCLOSING: dict[str, Any] = {"watch": "every_turn", "rating": 800, "proposer": UniformExpert()}


def shown(**options: Any) -> list[Any]:
    """All that the players of a game are told."""
    env, found = sandwich_chess_v0.env(advisor=Honest(UniformExpert()), max_plies=20, **options), []
    env.reset(seed=5)
    for _ in env.agent_iter():
        seen, *rest = env.last()
        found.append(({key: np.asarray(part).tolist() for key, part in seen.items()}, *rest))
        env.step(None if rest[1] or rest[2] else int(np.argmax(seen["action_mask"])))
    return found


def test_a_player_is_told_nothing_of_what_it_told() -> None:
    assert shown() == shown(**DISCLOSING)


@pytest.mark.parametrize("advisor", [liar(2), Sycophancy(liar(2), epsilon=0.5, flatters="move")])
def test_nothing_of_the_truth_comes_back(advisor: Advisor) -> None:
    found = check_no_leak(
        lambda a: sandwich_chess_v0.env(advisor=a, max_plies=30, **DISCLOSING), advisor, steps=60, seed=1
    )
    assert found.steps > 60


# --- Bad input ---


@pytest.mark.parametrize("rating", ["strong", float("nan"), float("inf"), True])
def test_a_rating_is_a_number(rating: Any) -> None:
    with pytest.raises(SpecError, match=f"rating is {rating!r}: it must be a finite number, an Elo such as 1200"):
        sandwich_chess_v0.env(rating=rating)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"watch": "every_turns"}, r"unknown kind 'every_turns': did you mean 'every_turn'\?"),
        ({"watch": "random"}, r"describes RandomPlayer\(\), which is no Protocol"),
        ({"proposer": "every_turn"}, r"describes EveryTurn\(\), which is no Expert"),
        ({"proposer": {"white": "every_turn"}}, r"describes EveryTurn\(\), which is no Expert"),
        ({"proposer": {"whit": "uniform"}}, r"unknown side 'whit': did you mean 'white'\?"),
        ({"proposer": ["uniform"]}, "give one for both sides, or a pair, White's and Black's"),
        ({"rating": {"black": "strong"}}, "rating is 'strong': it must be a finite number"),
        ({"rating": {"player_0": 1200}}, "unknown side 'player_0'"),
        ({"rating": (1, 2, 3)}, r"rating is \(1, 2, 3\): give one for both sides, or a pair"),
        ({"watch": {"kind": "at_random", "probability": 2}}, "probability of 'at_random' is 2: it must be a prob"),
        ({"proposr": "uniform"}, r"unknown argument 'proposr': did you mean 'proposer'\?"),
    ],
)
def test_who_watches_and_proposes_is_checked(options: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        sandwich_chess_v0.env(**options)


def test_an_environment_closes_the_proposer_that_it_made_and_no_other() -> None:
    given = Last()
    env = sandwich_chess_v0.env(advisor=Noting(), proposer=given)
    env.close()
    assert not given.closed
    made = ChessConfig.of({"proposer": {"kind": f"{__name__}:Last"}}, advised="both")
    for close in made.closing:
        close()
    assert isinstance(made.disclosures.proposer, Last)
    assert made.disclosures.proposer.closed


def test_an_advisor_whose_provenance_has_another_length_is_refused() -> None:
    class Wrong(Noting):
        def advise(self, query: Query) -> Advice:
            advice = super().advise(query)
            object.__setattr__(advice.provenance, "tampered", np.zeros(2, dtype=np.bool_))
            return advice

    with pytest.raises(
        AdviceError, match=r"Wrong was asked about 6 games, but its provenance.tampered has shape \(2,\)"
    ):
        channel_of(Wrong()).arrive(Games(N), mix(np.arange(N)), ALL)
