from __future__ import annotations

import io
import json

import chess
import chess.pgn
import numpy as np
import pytest
from numpy.typing import NDArray
from scripted import Scripted

from sandwich_env.advisors.base import Advice, Honest, Query, VisibleAdvice
from sandwich_env.errors import DataError, IllegalActionError, InvalidPositionError, SpecError
from sandwich_env.evaluation.matches import MatchResult, play_match
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.players.advisor_player import AdvisorPlayer
from sandwich_env.players.base import Player
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.players.random_player import RandomPlayer
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games, Termination
from sandwich_env.specs import from_spec

WHITE_MATES = "6k1/5ppp/8/8/8/8/8/R3K3 w - - 0 1"
BLACK_MATES = "r3k3/8/8/8/8/8/5PPP/6K1 b - - 0 1"
OPENINGS = [chess.STARTING_FEN, WHITE_MATES, "4k3/pppppppp/8/8/8/8/PPPPPPPP/4K3 b - - 0 1"]


def equal(one: MatchResult, other: MatchResult) -> bool:
    return (
        one.to_dict(with_games=True) == other.to_dict(with_games=True)
        and len(one.actions) == len(other.actions) == one.games
    )


def test_hand_worked_pairs() -> None:
    """Only the first player sees the mates: it wins the game in which it may deliver one."""
    knows = Scripted({WHITE_MATES: "a1a8", BLACK_MATES: "a8a1"})
    result = play_match(knows, Scripted(), [WHITE_MATES, BLACK_MATES], seed=0, max_plies=1)
    assert result.scores.tolist() == [[1.0, 0.5], [0.5, 1.0]]
    mate, cap = Termination.CHECKMATE, Termination.PLY_CAP
    assert result.terminations.tolist() == [[mate, cap], [cap, mate]]
    assert (result.wins, result.draws, result.losses, result.games) == (2, 2, 0, 4)
    assert result.score == 0.75
    assert result.pair_scores.tolist() == [0.75, 0.75]
    swapped = play_match(Scripted(), knows, [WHITE_MATES, BLACK_MATES], seed=0, max_plies=1)
    assert swapped.scores.tolist() == [[0.5, 0.0], [0.0, 0.5]]


def test_players_are_asked_once_a_ply_for_all_their_games() -> None:
    first, second = Scripted(), Scripted()
    result = play_match(first, second, OPENINGS * 4, seed=0, max_plies=5)
    assert result.plies.max() == 5
    assert first.asked == [12] * 5
    assert second.asked == [12] * 5


@pytest.mark.parametrize("batch_size", [2, 3, 4, 7, 1000])
def test_batch_size_changes_nothing(batch_size: int) -> None:
    players = (RandomPlayer(), ExpertPlayer(UniformExpert(), temperature=1.0))
    whole = play_match(*players, OPENINGS, seed=5, max_plies=60)
    assert equal(whole, play_match(*players, OPENINGS, seed=5, max_plies=60, batch_size=batch_size))


def test_a_pair_does_not_depend_on_later_ones_but_on_the_seed() -> None:
    play = [play_match(RandomPlayer(), RandomPlayer(), OPENINGS[:n], seed=5, max_plies=60) for n in (1, 3)]
    for game in range(2):
        assert np.array_equal(play[0].actions[game], play[1].actions[game])
    other = play_match(RandomPlayer(), RandomPlayer(), OPENINGS, seed=6, max_plies=60)
    assert not np.array_equal(play[1].actions[0], other.actions[0])


def test_repeated_openings_and_the_two_seats_have_random_numbers_of_their_own() -> None:
    result = play_match(RandomPlayer(), RandomPlayer(), [chess.STARTING_FEN] * 4, seed=1, max_plies=30)
    assert len({actions.tobytes() for actions in result.actions}) == 8
    # The start is symmetric: were both seats given the same numbers, Black would copy White's first move.
    assert any(actions[0] != actions[1] for actions in result.actions)


class Draws(Scripted):
    """Remembers the first random number that it is given for each game at each ply."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[float] = []

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        self.numbers += rng.random().tolist()
        return super().act(games, advice, rng)


def test_no_random_number_comes_twice() -> None:
    first, second = Draws(), Draws()
    play_match(first, second, [chess.STARTING_FEN] * 3, seed=0, max_plies=8)
    numbers = first.numbers + second.numbers
    assert len(numbers) == len(set(numbers)) == 6 * 8


def test_progress_counts_games() -> None:
    seen: list[tuple[int, int]] = []
    play_match(
        RandomPlayer(),
        RandomPlayer(),
        OPENINGS,
        seed=0,
        max_plies=9,
        batch_size=2,
        on_progress=lambda *a: seen.append(a),
    )
    assert seen[-1] == (6, 6)
    assert [over for over, _ in seen] == sorted(over for over, _ in seen)
    assert len(seen) > 9


def test_result_survives_json() -> None:
    result = play_match(RandomPlayer(), RandomPlayer(), OPENINGS, seed=0, max_plies=20, names=("H", "E"))
    assert equal(result, MatchResult.from_dict(json.loads(json.dumps(result.to_dict(with_games=True)))))
    lean = MatchResult.from_dict(json.loads(json.dumps(result.to_dict())))
    assert lean.to_dict() == result.to_dict()
    assert lean.actions == ()
    with pytest.raises(DataError, match="lacks 'scores'"):
        MatchResult.from_dict({k: v for k, v in result.to_dict().items() if k != "scores"})


def test_pgn_holds_the_games(tmp_path) -> None:
    result = play_match(RandomPlayer(), RandomPlayer(), OPENINGS, seed=0, max_plies=300, names=("H", "E"))
    path = tmp_path / "match.pgn"
    result.to_pgn(path, event="round 1")
    stream = io.StringIO(path.read_text())
    for game in range(6):
        read = chess.pgn.read_game(stream)
        assert read is not None
        assert not read.errors
        pair, seat = divmod(game, 2)
        assert read.headers["White"] == ("H", "E")[seat]
        assert read.headers["Round"] == f"{pair + 1}.{seat + 1}"
        assert read.headers["Event"] == "round 1"
        assert read.board().fen() == OPENINGS[pair]
        end = read.end().board()
        assert end.ply() - read.board().ply() == result.plies[pair, seat]
        points = {"1-0": (1.0, 0.0), "0-1": (0.0, 1.0), "1/2-1/2": (0.5, 0.5)}[read.headers["Result"]]
        assert points[seat] == result.scores[pair, seat]
        if result.terminations[pair, seat] == Termination.CHECKMATE:
            assert end.is_checkmate()
            assert end.result() == read.headers["Result"]
    assert chess.pgn.read_game(stream) is None
    with pytest.raises(DataError, match="holds no games"):
        MatchResult.from_dict(result.to_dict()).to_pgn(path)


class Answers(Player):
    def __init__(self, actions: object) -> None:
        self.actions = actions

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        return np.array(self.actions)


@pytest.mark.parametrize(
    ("answer", "text"),
    [([4671], "'bad' made no legal move"), ([99999], "'bad' made no legal move"), ([-1], "'bad' gave no action")],
)
def test_a_player_that_breaks_the_rules_is_named(answer: list[int], text: str) -> None:
    with pytest.raises(IllegalActionError, match=text):
        play_match(Scripted(), Answers(answer), OPENINGS[:1], seed=0, names=("good", "bad"))
    with pytest.raises(IllegalActionError, match=text):
        play_match(Answers(answer), Scripted(), OPENINGS[:1], seed=0, names=("bad", "good"))


def test_bad_arguments() -> None:
    player = Scripted()
    with pytest.raises(DataError, match="one opening or more"):
        play_match(player, player, [], seed=0)
    with pytest.raises(SpecError, match="batch_size is 1"):
        play_match(player, player, OPENINGS, seed=0, batch_size=1)
    with pytest.raises(InvalidPositionError, match="not a fen"):
        play_match(player, player, ["not a fen"], seed=0)
    for over in ("7k/5KQ1/8/8/8/8/8/8 b - - 0 1", "7k/5K2/6Q1/8/8/8/8/8 b - - 0 1"):
        with pytest.raises(InvalidPositionError, match="the game is over in the opening"):
            play_match(player, player, [*OPENINGS, over], seed=0)
    with pytest.raises(IllegalActionError, match="asked for 2 actions"):
        play_match(Answers([1, 2, 3]), player, OPENINGS[:2], seed=0)


class Counts(Honest):
    """An honest advisor that remembers what it was asked."""

    def __init__(self, expert: UniformExpert) -> None:
        super().__init__(expert)
        self.counts: list[list[int]] = []

    def advise(self, query: Query) -> Advice:
        self.counts.append(query.count.tolist())
        return super().advise(query)


def test_advisor_player_plays_the_advice_and_counts_its_queries() -> None:
    advisor = Counts(UniformExpert())
    result = play_match(AdvisorPlayer(advisor), Scripted(), OPENINGS[:1], seed=0, max_plies=6)
    # One game each as White and Black. In both, each of its turns is a query.
    assert advisor.counts == [[0], [0], [1], [1], [2], [2]]
    assert equal(result, play_match(Scripted(), Scripted(), OPENINGS[:1], seed=0, max_plies=6))


def test_advisor_player_round_trips_through_its_spec() -> None:
    spec = {"kind": "advisor_player", "advisor": {"kind": "honest", "expert": {"kind": "uniform"}}}
    player = from_spec(spec, AdvisorPlayer)
    assert player.to_spec() == spec | {"proposer": None, "rating": None, "watch": None}
    with pytest.raises(SpecError, match="3 is no Advisor"):
        AdvisorPlayer(3)  # type: ignore[arg-type]
