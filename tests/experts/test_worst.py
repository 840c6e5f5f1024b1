"""`WorstMoveExpert`: every legal move is looked at, the worst one liked best, and the value stays true."""

from __future__ import annotations

import chess
import numpy as np
import pytest
from children_support import SCHOLARS, SCHOLARS_MATE, after, same_alone_as_in_a_batch, some_games
from test_uci import fake, needs_stockfish

from sandwich_env.errors import EngineError, SpecError
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.experts.engine_lines import parse_answer
from sandwich_env.experts.legal import LegalLogits, as_policy
from sandwich_env.experts.uci import UciExpert
from sandwich_env.experts.worst import WorstMoveExpert
from sandwich_env.rules import Games, action_to_move, move_to_action
from sandwich_env.specs import from_spec

INTO_MATE = "rnbqkbnr/pppp1ppp/8/4p3/8/5P2/PPPPP1PP/RNBQKBNR w KQkq - 0 2"  # g2g4 allows mate by Qh4
QUEEN_OUT = "r1bqkbnr/pppp1ppp/2n5/4p2Q/4P3/8/PPPP1PPP/RNB1KBNR w KQkq - 2 3"
VALUES = {None: 0, chess.PAWN: 1, chess.KNIGHT: 3, chess.BISHOP: 3, chess.ROOK: 5, chess.QUEEN: 9, chess.KING: 0}


class Counting(Expert):
    """Values the difference of material, and likes all moves alike but for the order of their actions."""

    def __init__(self) -> None:
        self.asked = 0
        self.closed = 0

    def evaluate(self, games: Games) -> Evaluation:
        self.asked += len(games)
        over, value = result_for_mover(games)
        actions, counts = games.legal_actions()
        for i, fen in enumerate(games.fens()):
            if not over[i]:
                board = chess.Board(fen)
                men = board.piece_map().values()
                balance = sum(VALUES[man.piece_type] * (1 if man.color == board.turn else -1) for man in men)
                value[i] = np.tanh(balance / 20)
        return Evaluation(as_policy(LegalLogits(actions, counts, actions.astype(np.float32))), value)

    def close(self) -> None:
        self.closed += 1


def test_the_worst_move_is_the_one_after_which_the_opponent_stands_best() -> None:
    games, expert = some_games(40), Counting()
    evaluation = WorstMoveExpert(expert).evaluate(games)
    for i, fen in enumerate(games.fens()):
        board = chess.Board(fen)
        worth = {}
        for move in board.legal_moves:
            action = move_to_action(move, board)
            worth[action] = -float(Counting().evaluate(after(games, i, action)).value[0])
        least = min(worth.values())
        equals = [action for action, one in worth.items() if one == least]
        assert evaluation.best()[i] == min(equals), fen  # `Counting` likes the lowest action least
        order = np.argsort(-evaluation.policy[i], kind="stable")[: len(worth)]
        np.testing.assert_allclose([worth[action] for action in order], sorted(worth.values()), atol=1e-6)


def test_every_legal_move_is_looked_at_once_and_the_value_stays_true() -> None:
    games, expert = some_games(30), Counting()
    evaluation = WorstMoveExpert(expert).evaluate(games)
    assert expert.asked == 30 + int(games.legal_mask().sum())
    np.testing.assert_array_equal(evaluation.value, Counting().evaluate(games).value)
    np.testing.assert_array_equal(np.isfinite(evaluation.policy), games.legal_mask() == 1)


def test_by_policy_reverses_the_order_and_looks_at_nothing_else() -> None:
    games, expert = some_games(30), Counting()
    evaluation = WorstMoveExpert(expert, by="policy").evaluate(games)
    assert expert.asked == 30
    lowest = [int(np.flatnonzero(mask)[0]) for mask in games.legal_mask()]
    assert evaluation.best().tolist() == lowest
    np.testing.assert_array_equal(evaluation.value, Counting().evaluate(games).value)


@pytest.mark.parametrize("by", ["children", "policy"])
def test_answers_do_not_depend_on_the_batch_and_finished_games_have_no_move(
    by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expert = WorstMoveExpert(Counting(), by=by)  # type: ignore[arg-type]
    _, whole = same_alone_as_in_a_batch(expert, monkeypatch, at_once=7)
    assert whole.value[0] == -1.0


def test_the_games_asked_about_are_left_as_they_are() -> None:
    games = some_games(5)
    before = games.state()
    WorstMoveExpert(Counting()).evaluate(games)
    for name, array in games.state().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_move_that_ends_the_game_counts_with_its_result() -> None:
    evaluation = WorstMoveExpert(Counting()).evaluate(Games.from_fens([SCHOLARS]))
    legal = np.flatnonzero(np.isfinite(evaluation.policy[0]))
    assert evaluation.policy[0, SCHOLARS_MATE] == evaluation.policy[0, legal].min()


def test_specs_round_trip_and_closing_reaches_the_expert() -> None:
    spec = {"kind": "worst", "expert": {"kind": "uniform"}, "by": "policy"}
    assert from_spec(spec, Expert).to_spec() == spec
    inner = Counting()
    WorstMoveExpert(inner).close()
    assert inner.closed == 1


def test_what_it_refuses() -> None:
    with pytest.raises(SpecError, match=r"'worst' has no by='childern': did you mean 'children'\?"):
        WorstMoveExpert(Counting(), by="childern")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="3 is no Expert"):
        WorstMoveExpert(3)  # type: ignore[arg-type]
    with fake(multipv=4) as engine, pytest.raises(SpecError, match="multipv='all', not 4: the worst of some moves"):
        WorstMoveExpert(engine, by="policy")


def test_an_engine_is_asked_for_the_score_of_every_legal_move() -> None:
    games = some_games(4)
    with fake(multipv="all") as engine:
        found = engine.search([games.board(i) for i in range(4)])
        evaluation = WorstMoveExpert(engine, by="policy").evaluate(games)
        assert from_spec(engine.to_spec(), UciExpert).multipv == "all"
    for i, one in enumerate(found):
        board = games.board(i)
        assert {line.move for line in one.lines} == set(board.legal_moves)
        assert evaluation.best()[i] == move_to_action(one.lines[-1].move, board)


def test_a_search_that_left_a_move_out_is_refused() -> None:
    with (
        fake("forgets", multipv="all") as engine,
        pytest.raises(EngineError, match="it scored 19 of 20 legal moves") as e,
    ):
        engine.evaluate(Games(1))
    assert chess.STARTING_FEN in str(e.value)
    with fake("plain", multipv="all") as engine, pytest.raises(EngineError, match="has no MultiPV"):
        engine.evaluate(Games(1))


def test_each_move_keeps_its_last_exact_score_when_ranks_change_in_mid_search() -> None:
    told = (
        "readyok\n"
        "info depth 1 multipv 1 score cp 30 nodes 1 pv e2e4\n"
        "info depth 1 multipv 2 score cp 20 nodes 1 pv d2d4\n"
        "info depth 1 multipv 3 score cp 10 nodes 1 pv c2c4\n"
        "info depth 2 multipv 1 score cp 40 nodes 1 pv c2c4\n"
        "info depth 2 multipv 2 score cp 35 lowerbound nodes 1 pv d2d4\n"
        "info depth 1 multipv 3 score cp 20 nodes 1 pv d2d4\n"
        "bestmove c2c4\n"
    )
    _, by_rank = parse_answer(told, 3)
    assert [line.move.uci() for line in by_rank] == ["c2c4", "d2d4", "d2d4"]  # e2e4 is lost
    _, by_move = parse_answer(told, 218, by_move=True)
    assert {line.move.uci(): line.score.score() for line in by_move} == {"c2c4": 40, "d2d4": 20, "e2e4": 30}


@pytest.mark.engine
@needs_stockfish
@pytest.mark.parametrize("by", ["children", "policy"])
def test_stockfishs_worst_moves_walk_into_mate_and_give_the_queen_away(by: str) -> None:
    with UciExpert(nodes=2000, multipv="all" if by == "policy" else 1) as engine:
        worst = WorstMoveExpert(engine, by=by)  # type: ignore[arg-type]
        games = Games.from_fens([INTO_MATE, QUEEN_OUT])
        evaluation, true = worst.evaluate(games), engine.evaluate(games)
    np.testing.assert_array_equal(evaluation.value, true.value)
    into_mate, away = (action_to_move(int(action), games.board(i)) for i, action in enumerate(evaluation.best()))
    assert into_mate == chess.Move.from_uci("g2g4")
    board = games.board(1)
    assert board.piece_type_at(away.from_square) == chess.QUEEN
    assert board.is_attacked_by(chess.BLACK, away.to_square)
    assert not board.is_capture(away)


@pytest.mark.engine
@needs_stockfish
def test_stockfish_scores_every_legal_move_of_many_positions() -> None:
    boards = [games.board(0) for plies in range(4, 44, 4) for games in [some_games(1, plies)]]
    with UciExpert(nodes=200, multipv="all") as engine:
        for board, found in zip(boards, engine.search(boards), strict=True):
            assert {line.move for line in found.lines} == set(board.legal_moves), board.fen()
