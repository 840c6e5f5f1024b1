"""What a corpus holds, what of it H may see, and how one is filled."""

from __future__ import annotations

import gc
from dataclasses import fields, replace
from typing import Any

import chess
import numpy as np
import pytest
from corpus_support import STARTS, assert_equal, recorded

from sandwich_env.advisors.base import NO_MOVE, Provenance, VisibleAdvice
from sandwich_env.errors import DataError
from sandwich_env.evaluation.reliance import measure_reliance
from sandwich_env.learning.corpus import UNFINISHED, Corpus, Truth, VisibleCorpus
from sandwich_env.learning.corpus_recorder import CorpusRecorder
from sandwich_env.rules import NUM_ACTIONS, Games, Termination, move_to_action


def opening_action(uci: str, *before: str) -> int:
    board = chess.Board()
    for move in before:
        board.push_uci(move)
    return move_to_action(chess.Move.from_uci(uci), board)


E4, E5, NF3, D4 = (
    opening_action("e2e4"),
    opening_action("e7e5", "e2e4"),
    opening_action("g1f3", "e2e4", "e7e5"),
    opening_action("d2d4"),
)


def told(*moves: int, value: float = 0.25) -> VisibleAdvice:
    count = len(moves)
    return VisibleAdvice(np.array(moves), np.full(count, value, np.float32), np.ones((count, 2), dtype=np.int8))


def behind(*moves: int, tampered: bool = False) -> Provenance:
    count = len(moves)
    by = np.full(count, "random_move" if tampered else "", dtype=object)
    return Provenance(np.full(count, tampered), by, np.array(moves), np.full(count, 0.5, dtype=np.float32))


def test_a_corpus_by_hand() -> None:
    recorder = CorpusRecorder()
    first = recorder.begin([chess.STARTING_FEN], white="H", black="E", round=3)
    second = recorder.begin(["4k3/8/8/8/8/8/8/R3K3 b - - 0 1"], white="A", black="H", round=4)
    assert first.tolist() == [0]
    assert second.tolist() == [1]
    black_move = move_to_action(chess.Move.from_uci("e8e7"), chess.Board("4k3/8/8/8/8/8/8/R3K3 b - - 0 1"))
    # Both games move; the second one asks and is told a move that it does not play.
    recorder.append(
        [0, 1],
        [E4, black_move],
        own_move=[-1, 7],
        asked=[False, True],
        advice=told(99),
        provenance=behind(55, tampered=True),
    )
    recorder.end(second, [1.0], [Termination.CHECKMATE])
    recorder.append([0], [E5], own_move=[5], asked=[True], advice=told(E5, value=-0.5), provenance=behind(E5))
    corpus = recorder.build()
    seen, truth = corpus.visible(), corpus.truth
    assert seen.game_id.tolist() == [0, 0, 1]
    assert seen.ply.tolist() == [0, 1, 0]
    assert seen.mover.tolist() == [0, 1, 1]
    assert seen.action.tolist() == [E4, E5, black_move]
    assert seen.own_move.tolist() == [-1, 5, 7]
    assert seen.asked.tolist() == [False, True, True]
    assert seen.advice_move.tolist() == [NO_MOVE, E5, 99]
    assert seen.advice_value.tolist() == [0.0, -0.5, 0.25]
    assert seen.advice_available.tolist() == [[0, 0], [1, 1], [1, 1]]
    assert seen.followed.tolist() == [False, True, False]
    assert seen.lengths().tolist() == [2, 1]
    assert np.isnan(seen.outcome[:2]).all()
    assert (seen.outcome[2], seen.result[2]) == (1.0, -1.0)
    assert seen.termination.tolist() == [UNFINISHED, UNFINISHED, "checkmate"]
    assert corpus.games.white.tolist() == ["H", "A"]
    assert corpus.games.black.tolist() == ["E", "H"]
    assert corpus.games.round.tolist() == [3, 4]
    assert truth.tampered.tolist() == [False, False, True]
    assert truth.by.tolist() == ["", "", "random_move"]
    assert truth.honest_move.tolist() == [-1, E5, 55]
    assert np.isnan(truth.honest_value[0])


def test_advice_of_a_value_alone() -> None:
    recorder = CorpusRecorder()
    ids = recorder.begin([chess.STARTING_FEN], white="H", black="H")
    only_value = VisibleAdvice(np.array([NO_MOVE]), np.array([0.5], np.float32), np.array([[0, 1]], dtype=np.int8))
    recorder.append(ids, [E4], asked=[True], advice=only_value, provenance=behind(E4))
    seen = recorder.build().visible()
    assert not seen.followed.any()
    assert seen.advice_value.tolist() == [0.5]


def test_drawn_games_have_no_negative_zero() -> None:
    corpus = recorded(6, max_plies=3)
    assert (corpus.games.outcome == 0).all()
    assert not np.signbit(corpus.seen.result).any()


def everything_reachable(root: object) -> list[object]:
    """Every object that can be reached from `root` without going through a module, a class or a function."""
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type) or callable(thing) or type(thing).__name__ == "module":
            continue
        seen[id(thing)] = thing
        waiting += gc.get_referents(thing)
        if isinstance(thing, np.ndarray) and thing.base is not None:
            waiting.append(thing.base)
    return list(seen.values())


def test_no_way_leads_from_what_is_visible_to_the_truth() -> None:
    corpus = recorded()
    assert corpus.truth.tampered.any()
    names = {f.name for f in fields(VisibleCorpus)} | {f.name for f in fields(type(corpus.games))}
    assert not names & {f.name for f in fields(Truth)}
    reached = everything_reachable(corpus.visible())
    assert any(thing is corpus.seen.action for thing in reached)
    assert not any(isinstance(thing, (Truth, Corpus, Provenance)) for thing in reached)
    assert not any(thing is getattr(corpus.truth, f.name) for thing in reached for f in fields(Truth))
    assert "random_move" not in [thing for thing in reached if isinstance(thing, str)]
    assert any(isinstance(thing, Truth) for thing in everything_reachable(corpus))


def test_what_is_visible_does_not_depend_on_the_truth() -> None:
    seen = []
    for tampered in (False, True):
        recorder = CorpusRecorder()
        ids = recorder.begin([chess.STARTING_FEN], white="H", black="H")
        recorder.append(ids, [E4], asked=[True], advice=told(E4), provenance=behind(D4, tampered=tampered))
        seen.append(recorder.build())
    assert_equal(seen[0], replace(seen[1], truth=seen[0].truth))


def test_real_games_are_recorded_as_they_were_played() -> None:
    corpus = recorded()
    seen = corpus.visible()
    assert len(corpus) == len(seen) == seen.lengths().sum()
    assert 0 < seen.followed.sum() < seen.asked.sum() < len(seen)
    # Every second turn of each player: plies 0, 1, 4, 5, ...
    assert np.array_equal(seen.asked, seen.ply % 4 < 2)
    assert np.array_equal(seen.action[~seen.asked], seen.own_move[~seen.asked])
    for game in range(len(corpus.games)):
        rows = seen.game_id == game
        one = Games.from_fens([corpus.games.start_fen[game]], max_plies=40)
        for action, mover in zip(seen.action[rows], seen.mover[rows], strict=True):
            assert one.turn[0] == (mover == 0)
            one.step([action])
        assert one.finished[0]
        assert one.outcome[0] == corpus.games.outcome[game]
        name = Termination(int(one.termination[0])).name.lower().replace("_", " ")
        assert corpus.games.termination[game] == name


def test_reliance_is_measured_from_a_corpus() -> None:
    corpus = recorded(40)
    seen, truth = corpus.seen, corpus.truth
    found = measure_reliance(corpus)
    assert found.asked is not None
    assert found.asked.value == seen.asked.mean()
    assert found.tampered is not None
    assert 0.5 in found.tampered.interval  # the advisor's epsilon
    assert found.followed_tampered is not None
    assert found.followed_tampered.value == seen.followed[truth.tampered].mean()
    assert found.followed_tampered.count == truth.tampered.sum()
    assert found.honest_move is not None
    assert 0.5 < found.honest_move.value < 1.0  # random moves are honest by chance


def test_some_games_of_a_corpus() -> None:
    corpus = recorded()
    chosen = corpus.games.termination != "ply cap"
    assert 0 < chosen.sum() < len(chosen)
    some = corpus.select(chosen)
    assert len(some.games) == chosen.sum()
    assert np.array_equal(some.seen.action, corpus.seen.action[chosen[corpus.seen.game_id]])
    assert np.array_equal(some.truth.by, corpus.truth.by[chosen[corpus.seen.game_id]])
    assert np.array_equal(np.unique(some.seen.game_id), np.arange(chosen.sum()))
    assert_equal(some, corpus.select(np.flatnonzero(chosen)))
    visible = corpus.visible().select(chosen)
    assert np.array_equal(visible.outcome, some.seen.outcome, equal_nan=True)
    assert len(corpus.select([])) == 0
    for bad in ([0, 0], [3, 1], [-1], np.ones(3, dtype=np.bool_)):
        with pytest.raises(DataError):
            corpus.select(bad)


def test_corpora_are_joined_and_taken_apart() -> None:
    parts = [recorded(4, seed=1), recorded(5, seed=2, round=2), recorded(1, seed=3, round=3)]
    whole = Corpus.concatenate(parts)
    assert whole.games.round.tolist() == [1] * 4 + [2] * 5 + [3]
    assert len(whole) == sum(map(len, parts))
    first = 0
    for part in parts:
        last = first + len(part.games)
        assert_equal(part, whole.select(np.arange(first, last)))
        first = last
    with pytest.raises(DataError, match="no corpora"):
        Corpus.concatenate([])


def test_an_empty_corpus() -> None:
    corpus = CorpusRecorder().build()
    assert (len(corpus), len(corpus.games)) == (0, 0)
    assert len(corpus.visible().result) == 0
    assert len(Corpus.concatenate([corpus, recorded(2)]).games) == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"ids": [0], "action": [-1]}, "game 0 moved, but its action is recorded as a negative number"),
        ({"ids": [0, 0], "action": [E4, E4]}, "named twice"),
        ({"ids": [2], "action": [E4]}, "there is no game 2: 2 were begun"),
        ({"ids": [1], "action": [E4]}, "game 1 has ended"),
        ({"ids": [0], "action": [E4, E5]}, r"'action' has shape \(2,\), where 1 games moved"),
        ({"ids": [0], "action": [E4], "asked": [True]}, "1 of 1 games asked for advice, but 'advice' is not given"),
        ({"ids": [0], "action": [E4], "asked": [True], "advice": told(E4)}, "'provenance' is not given"),
        (
            {"ids": [0], "action": [E4], "asked": [True], "advice": told(E4, E4), "provenance": behind(E4)},
            "1 games asked, but advice has 2 rows and provenance 1",
        ),
        ({"ids": [0], "action": [E4], "asked": [False], "advice": told(E4), "provenance": behind(E4)}, "0 games asked"),
    ],
)
def test_what_cannot_be_recorded(arguments: dict[str, Any], error: str) -> None:
    recorder = CorpusRecorder()
    recorder.begin([chess.STARTING_FEN] * 2, white="H", black="H")
    recorder.append([1], [E4])
    recorder.end([1], [0.0], [Termination.PLY_CAP])
    with pytest.raises(DataError, match=error):
        recorder.append(**arguments)
    assert len(recorder.build()) == 1  # nothing of it was recorded


def test_ends_that_are_none() -> None:
    recorder = CorpusRecorder()
    ids = recorder.begin([chess.STARTING_FEN], white="H", black="H")
    with pytest.raises(DataError, match="game 0 ended with outcome"):
        recorder.end(ids, [np.nan], [Termination.PLY_CAP])
    recorder.end(ids, [0.0], [Termination.STALEMATE])
    with pytest.raises(DataError, match="game 0 has ended"):
        recorder.end(ids, [0.0], [Termination.STALEMATE])


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("ply", 5, "has ply 5 where ply 3 is due"),
        ("game_id", 99, "must be ordered by game"),
        ("action", NUM_ACTIONS, "actions outside 0 to 4671"),
        ("advice_move", NO_MOVE + 1, "advised moves outside 0 to 4672"),
    ],
)
def test_columns_that_make_no_corpus(name: str, value: int, error: str) -> None:
    seen = recorded(3, starts=STARTS[:1]).visible()
    column = getattr(seen, name).copy()
    column[3] = value
    with pytest.raises(DataError, match=error):
        replace(seen, **{name: column})
    with pytest.raises(DataError, match="values of 'mover'"):
        replace(seen, mover=seen.mover[:-1])
