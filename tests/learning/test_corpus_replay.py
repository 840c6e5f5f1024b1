"""Replaying a corpus, and the names of its moves."""

from __future__ import annotations

from dataclasses import replace

import chess
import numpy as np
import pytest
from corpus_support import STARTS, recorded

from sandwich_env.errors import DataError, SpecError
from sandwich_env.learning.corpus_recorder import CorpusRecorder
from sandwich_env.learning.corpus_replay import replay, replay_games
from sandwich_env.learning.corpus_uci import action_names
from sandwich_env.rules import NUM_ACTIONS, Games, action_to_move, move_to_action

CORPUS = recorded(30, max_plies=60)
SEEN = CORPUS.visible()


@pytest.mark.parametrize("history", [1, 3])
@pytest.mark.parametrize("games_at_once", [1, 7, 1000])
def test_every_ply_is_shown_once_as_its_player_saw_it(history: int, games_at_once: int) -> None:
    planes = np.zeros((len(SEEN), 8, 8, 7 + 13 * history), dtype=np.bool_)
    legal = np.zeros((len(SEEN), NUM_ACTIONS), dtype=np.int8)
    shown = np.zeros(len(SEEN), dtype=np.int64)
    for batch in replay(SEEN, history=history, games_at_once=games_at_once):
        assert len(batch) <= games_at_once
        planes[batch.rows], legal[batch.rows] = batch.planes, batch.legal
        shown[batch.rows] += 1
    assert (shown == 1).all()
    for game in range(0, 30, 7):
        one = Games.from_fens([CORPUS.games.start_fen[game]], max_plies=60)
        for row in np.flatnonzero(SEEN.game_id == game):
            assert np.array_equal(planes[row], one.observe(history=history)[0])
            assert np.array_equal(legal[row], one.legal_mask()[0])
            one.step(SEEN.action[[row]])


def test_some_rows() -> None:
    rows = SEEN.asked & (SEEN.mover == 1) & (SEEN.game_id > 3)
    found = np.concatenate([batch.rows for batch in replay(SEEN, rows=rows)])
    assert np.array_equal(np.sort(found), np.flatnonzero(rows))
    whole = {int(r): b.planes[i] for b in replay(SEEN) for i, r in enumerate(b.rows)}
    for batch in replay(SEEN, rows=rows, games_at_once=5):
        for i, row in enumerate(batch.rows):
            assert np.array_equal(batch.planes[i], whole[int(row)])
    assert list(replay(SEEN, rows=np.zeros(len(SEEN), dtype=np.bool_))) == []
    for bad in (np.arange(3), np.ones(3, dtype=np.bool_)):
        with pytest.raises(DataError, match="rows is a bool"):
            next(replay(SEEN, rows=bad))
    with pytest.raises(SpecError, match="games_at_once is 0"):
        next(replay(SEEN, games_at_once=0))


def test_games_can_be_shown_to_an_expert() -> None:
    for games, rows in replay_games(SEEN):
        assert np.array_equal(games.ply, SEEN.ply[rows])
        assert np.array_equal(games.turn, SEEN.mover[rows] == 0)
        games.step(SEEN.action[rows])  # a copy: the replay goes on all the same


@pytest.mark.parametrize("claim_draws", [True, False])
def test_games_that_run_through_repetitions(claim_draws: bool) -> None:
    games = Games(1, max_plies=30, claim_draws=claim_draws)
    shuffle = ["g1f3", "g8f6", "f3g1", "f6g8"]
    recorder = CorpusRecorder()
    ids = recorder.begin(games.start_fens(), white="H", black="H")
    for ply in range(30):
        if games.finished.all():
            break
        action = move_to_action(chess.Move.from_uci(shuffle[ply % 4]), games.board(0))
        recorder.append(ids, [action])
        games.step([action])
    recorder.end(ids, games.outcome, games.termination)
    corpus = recorder.build()
    assert len(corpus) == (8 if claim_draws else 16)
    assert sum(len(batch) for batch in replay(corpus.visible())) == len(corpus)


def test_a_corpus_that_was_tampered_with_is_found_out() -> None:
    action = SEEN.action.copy()
    row = int(np.flatnonzero((SEEN.game_id == 6) & (SEEN.ply == 4))[0])
    action[row] = 0
    with pytest.raises(DataError, match="ply 4 of game 6 of the corpus is action 0, not legal in"):
        list(replay(replace(SEEN, action=action)))


def test_names_of_moves_are_python_chess_s() -> None:
    advised = np.where(SEEN.advice_available[:, 0] == 1, SEEN.advice_move, -1)
    played, proposed = action_names(SEEN, [SEEN.action, advised])
    promotions = 0
    for game in range(30):
        board = chess.Board(str(CORPUS.games.start_fen[game]))
        for row in np.flatnonzero(SEEN.game_id == game):
            move = action_to_move(SEEN.action[row], board)
            assert played[row] == move.uci()
            if advised[row] < 0:
                assert proposed[row] is None
            else:
                assert proposed[row] == action_to_move(advised[row], board).uci()
            promotions += move.promotion is not None
            board.push(move)
    assert promotions > 10


def test_every_kind_of_move_is_named() -> None:
    fens = [
        "8/P6k/8/8/8/8/7p/K7 b - - 0 1",
        "8/P6k/8/8/8/8/7p/K7 w - - 0 1",
        STARTS[2],
        "3r4/4R3/8/8/8/k7/8/K7 w - - 0 1",
        "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1",
        "r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 0 1",
    ]
    recorder = CorpusRecorder()
    expected: list[str] = []
    for fen in fens:
        board = chess.Board(fen)
        for move in board.legal_moves:
            ids = recorder.begin([fen], white="H", black="H")
            recorder.append(ids, [move_to_action(move, board)])
            expected.append(move.uci())
    corpus = recorder.build()
    assert action_names(corpus.visible(), [corpus.seen.action])[0].tolist() == expected
    assert {"h2h1q", "h2h1n", "a7a8q", "a7a8r", "b7b8b", "e7e8", "e7d7", "e1g1", "e8c8"} <= set(expected)
