"""`RiskiestMoveExpert`: risk by chances and by refutation, against figures worked out by hand."""

from __future__ import annotations

import zlib

import chess
import numpy as np
import pytest
from children_support import FOOLS_MATE, SCHOLARS, SCHOLARS_MATE, after, same_alone_as_in_a_batch, some_games
from numpy.typing import NDArray
from test_uci import fake, needs_stockfish

from sandwich_env.errors import EngineError, SpecError
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.experts.children import legal_moves
from sandwich_env.experts.legal import LegalLogits, as_policy
from sandwich_env.experts.riskiest import RiskiestMoveExpert, TellsOutcomes
from sandwich_env.experts.uci import UciExpert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games, move_to_action
from sandwich_env.specs import from_spec


class Told(Expert):
    """Chances, a value that follows from them, and logits, drawn for each position from a hash of its men."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.closed = 0

    def outcomes(self, games: Games) -> NDArray[np.float64]:
        over, value = result_for_mover(games)
        rng = Streams(mix(np.array([zlib.crc32(fen.encode()) for fen in games.fens()]), "told"))
        win, loss = rng.random() / 2, rng.random() / 2
        chances = np.stack([win, 1 - win - loss, loss], axis=1)
        ended = np.stack([value == 1, value == 0, value == -1], axis=1).astype(np.float64)
        return np.where(over[:, None], ended, chances)

    def evaluate(self, games: Games) -> Evaluation:
        self.asked.append(len(games))
        chances = self.outcomes(games)
        actions, counts = games.legal_actions()
        logits = (actions.astype(np.int64) % 7 / 3).astype(np.float32)
        return Evaluation(as_policy(LegalLogits(actions, counts, logits)), (chances[:, 0] - chances[:, 2]).astype("f4"))

    def close(self) -> None:
        self.closed += 1


def test_by_wdl_risk_is_the_variance_of_the_result() -> None:
    games, expert = some_games(5), Told()
    moves = legal_moves(games)
    risk, worth = RiskiestMoveExpert(expert).judge(games, moves)
    results = np.array([1.0, 0.0, -1.0])
    for k, (row, action) in enumerate(zip(moves.rows(), moves.actions, strict=True)):
        (chances,) = expert.outcomes(after(games, int(row), int(action)))
        mean = chances @ results
        assert risk[k] == pytest.approx(chances @ (results - mean) ** 2)
        assert worth[k] == pytest.approx(-mean)
    assert risk.min() >= 0
    assert risk.max() <= 1
    best = RiskiestMoveExpert(expert).evaluate(games).best()
    for row in range(5):
        mine = moves.rows() == row
        assert best[row] == moves.actions[mine][risk[mine].argmax()]


def test_by_refutation_risk_is_what_the_best_reply_costs_more_than_the_usual_one() -> None:
    games, expert = some_games(3), Told()
    moves = legal_moves(games)
    risk, worth = RiskiestMoveExpert(expert, by="refutation", replies=4).judge(games, moves)
    for k, (row, action) in enumerate(zip(moves.rows(), moves.actions, strict=True)):
        child = after(games, int(row), int(action))
        assert worth[k] == pytest.approx(-expert.evaluate(child).value[0])
        policy = expert.evaluate(child).policy[0]
        favourites = np.argsort(-policy, kind="stable")[: min(4, int(np.isfinite(policy).sum()))]
        values = np.array([expert.evaluate(after(child, 0, int(reply))).value[0] for reply in favourites])
        weights = np.exp(policy[favourites]) / np.exp(policy[favourites]).sum()
        assert risk[k] == pytest.approx(weights @ values - values.min(), abs=1e-5)
    assert risk.min() >= 0


@pytest.mark.parametrize("by", ["wdl", "refutation"])
def test_within_keeps_to_moves_that_cost_no_more(by: str) -> None:
    games, expert = some_games(20), Told()
    moves = legal_moves(games)
    risk, worth = RiskiestMoveExpert(expert, by=by).judge(games, moves)  # type: ignore[arg-type]
    for within in (0.0, 0.1, 0.5, 2.0):
        best = RiskiestMoveExpert(expert, by=by, within=within).evaluate(games).best()  # type: ignore[arg-type]
        for row in range(20):
            mine = moves.rows() == row
            sound = mine & (worth >= worth[mine].max() - within)
            (chosen,) = np.flatnonzero(mine & (moves.actions == best[row]))
            assert sound[chosen]
            assert risk[chosen] == risk[sound].max()


@pytest.mark.parametrize("by", ["wdl", "refutation"])
def test_the_value_stays_true_and_answers_do_not_depend_on_the_batch(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expert = RiskiestMoveExpert(Told(), by=by)  # type: ignore[arg-type]
    games, whole = same_alone_as_in_a_batch(expert, monkeypatch, at_once=11)
    np.testing.assert_array_equal(whole.value, Told().evaluate(games).value)
    np.testing.assert_array_equal(np.isfinite(whole.policy), games.legal_mask() == 1)


def test_a_move_that_ends_the_game_risks_nothing() -> None:
    games = Games.from_fens([SCHOLARS])
    moves = legal_moves(games)
    mate = moves.actions == SCHOLARS_MATE
    for by in ("wdl", "refutation"):
        risk, worth = RiskiestMoveExpert(Told(), by=by).judge(games, moves)  # type: ignore[arg-type]
        assert risk[mate] == 0
        assert worth[mate] == 1


def test_specs_round_trip_and_closing_reaches_the_expert() -> None:
    spec = {"kind": "riskiest", "expert": {"kind": "uniform"}, "by": "refutation", "within": 0.2, "replies": 3}
    assert from_spec(spec, Expert).to_spec() == spec
    inner = Told()
    RiskiestMoveExpert(inner).close()
    assert inner.closed == 1


def test_what_it_refuses() -> None:
    with pytest.raises(SpecError, match=r"'riskiest' has no by='wld': did you mean 'wdl'\?"):
        RiskiestMoveExpert(Told(), by="wld")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="within of 'riskiest' is -1: it must be a finite number"):
        RiskiestMoveExpert(Told(), within=-1)
    with pytest.raises(SpecError, match="replies of 'riskiest' is 1: it must be a whole number, 2 or more"):
        RiskiestMoveExpert(Told(), replies=1)
    with pytest.raises(
        SpecError, match=r"chances .* which UniformExpert\(\) does not give: take an engine with wdl=True"
    ):
        RiskiestMoveExpert(UniformExpert())
    with fake() as engine, pytest.raises(SpecError, match="does not give: take an engine with wdl=True"):
        RiskiestMoveExpert(engine)


def test_an_engine_tells_its_own_chances() -> None:
    games = Games.from_fens([FOOLS_MATE, chess.STARTING_FEN, "7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"])
    with fake(wdl=True) as engine:
        assert isinstance(engine, TellsOutcomes)
        np.testing.assert_allclose(engine.outcomes(games), [[0, 0, 1], [0.3, 0.5, 0.2], [0, 1, 0]])
        risk, worth = RiskiestMoveExpert(engine).judge(games, legal_moves(games))
    np.testing.assert_allclose(risk, np.full(20, 0.3 + 0.2 - 0.1**2))
    np.testing.assert_allclose(worth, np.full(20, -0.1))
    with fake() as engine, pytest.raises(SpecError, match="is not asked for chances: give it wdl=True"):
        engine.outcomes(games)


@pytest.mark.parametrize(
    ("fault", "text"),
    [("plain", "has no UCI_ShowWDL"), ("no-wdl", "it gave a score without win, draw and loss")],
)
def test_an_engine_without_chances_is_named_with_the_position(fault: str, text: str) -> None:
    games = Games(1)
    with fake(fault, wdl=True, multipv=1) as engine:
        riskiest = RiskiestMoveExpert(engine)
        with pytest.raises(EngineError, match=text) as error:
            riskiest.evaluate(games)
    assert "python" in str(error.value)
    assert "'riskiest'" in str(error.value)
    assert chess.STARTING_FEN in str(error.value)


@pytest.mark.engine
@needs_stockfish
def test_stockfish_finds_a_mate_certain_and_an_edge_between_win_and_draw_risky() -> None:
    scholars = "r1bqkb1r/pppp1ppp/2n2n2/4p2Q/2B1P3/8/PPPP1PPP/RNB1K1NR w KQkq - 4 4"
    games = Games.from_fens([chess.STARTING_FEN, scholars])
    moves = legal_moves(games)
    with UciExpert(nodes=1000, wdl=True, multipv=1) as engine:
        riskiest = RiskiestMoveExpert(engine)
        risk, worth = riskiest.judge(games, moves)
        best = riskiest.evaluate(games).best()
        sound = RiskiestMoveExpert(engine, within=0.0).evaluate(games).best()
    first = moves.rows() == 0
    assert best[0] == moves.actions[first][risk[first].argmax()]
    assert worth[first][risk[first].argmax()] < worth[first].max() - 0.2  # what is even is drawn: risk costs something
    assert sound[1] == move_to_action(chess.Move.from_uci("h5f7"), chess.Board(scholars))
    assert best[1] != sound[1]
