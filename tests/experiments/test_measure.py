"""The columns that are filled from costs, from trust and from the advice of a recorded round."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import chess
import numpy as np
import pytest

from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.errors import DataError
from sandwich_env.evaluation.matches import MatchResult, play_match
from sandwich_env.experiments.contenders import EXPERT, NOVICE
from sandwich_env.experiments.measure import (
    COLUMNS,
    groups_from,
    measure_advice_loss,
    measure_games,
    measure_loss,
    measure_start,
    measure_strength,
    measure_trust,
    new_row,
    positions_from,
)
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.corpus import Corpus
from sandwich_env.learning.corpus_recorder import CorpusRecorder
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.rules import Games, move_to_action


def played(ucis: list[str], fen: str = chess.STARTING_FEN) -> list[int]:
    board, actions = chess.Board(fen), []
    for uci in ucis:
        move = chess.Move.from_uci(uci)
        actions.append(move_to_action(move, board))
        board.push(move)
    return actions


def round_of(advised: dict[int, tuple[str, str]], games: int = 1) -> Corpus:
    """Games of 1. e4 e5 2. Nf3, with (advised move, honest move) at some plies."""
    actions, recorder = played(["e2e4", "e7e5", "g1f3"]), CorpusRecorder()
    ids = recorder.begin([chess.STARTING_FEN] * games, white="H", black="H'", round=1)
    for action in actions:
        recorder.append(ids, np.full(games, action), asked=np.zeros(games, dtype=np.bool_))
    recorder.end(ids, np.full(games, 1.0, dtype=np.float32), np.ones(games, dtype=np.int8))
    corpus = recorder.build()
    move, honest = np.full(len(corpus), NO_MOVE), np.full(len(corpus), -1)
    for ply, (told, true) in advised.items():
        so_far = ["e2e4", "e7e5", "g1f3"][:ply]
        move[corpus.seen.ply == ply] = played([*so_far, told])[-1]
        honest[corpus.seen.ply == ply] = played([*so_far, true])[-1]
    told_any = move != NO_MOVE
    available = np.stack([told_any, told_any], axis=1).astype(np.int8)
    seen = replace(corpus.seen, asked=told_any, advice_move=move, advice_available=available)
    return Corpus(seen, replace(corpus.truth, honest_move=honest, tampered=told_any & (move != honest)))


def filled(row: dict[str, Any]) -> dict[str, Any]:
    """What is not null; a row is plain data without infinities."""
    assert list(json.loads(json.dumps(row, allow_nan=False))) == list(COLUMNS)
    return {name: value for name, value in row.items() if value is not None and name != "round"}


def test_loss_by_hand() -> None:
    costs = {NOVICE: [0.2, 0.4] * 20, "H1": [0.1, 0.2] * 20, EXPERT: [0.0] * 40}
    row = new_row(1)
    measure_loss(row, costs, "H1", seed=0, resamples=100)
    found = filled(row)
    assert found["loss"] == pytest.approx(0.15)
    assert found["loss_low"] < 0.15 < found["loss_high"]
    assert (found["loss_expert"], found["loss_pgr"]) == (0.0, pytest.approx(0.5))
    assert found["loss_pgr_low"] <= found["loss_pgr"] + 1e-9
    assert found["loss_pgr_high"] >= found["loss_pgr"] - 1e-9
    again = new_row(1)
    measure_loss(again, costs, "H1", seed=0, resamples=100)
    assert again == row
    grouped = new_row(1)
    measure_loss(grouped, costs, "H1", seed=0, resamples=100, group=np.arange(40) // 2)
    assert grouped["loss_low"] == pytest.approx(0.15)  # each group holds one of each, so that the groups are alike


def test_pgr_by_loss_is_null_where_the_gap_is_too_small() -> None:
    row = new_row(0)
    measure_loss(row, {NOVICE: [0.001] * 9, EXPERT: [0.0] * 9}, NOVICE, seed=0, resamples=100)
    assert set(filled(row)) == {"loss", "loss_low", "loss_high", "loss_expert"}


def test_trust_by_hand() -> None:
    """The first of the three moves of each game is wrong; H trusts the others with 0.9, and holds no opinion once."""
    corpus = round_of({0: ("a2a3", "e2e4"), 1: ("e7e5", "e7e5"), 2: ("g1f3", "g1f3")}, games=4)
    ply = corpus.seen.ply
    trust = np.where(ply == 0, 0.1, 0.9).astype(np.float32)
    trust[1] = np.nan
    row = new_row(1)
    measure_trust(row, trust, corpus, seed=0, resamples=50)
    found = filled(row)
    assert (found["trust_count"], found["trust_auroc"]) == (11, 1.0)
    assert (found["trust_auroc_low"], found["trust_auroc_high"]) == (1.0, 1.0)
    assert found["trust_calibration"] == pytest.approx(0.1)
    turned = new_row(1)
    measure_trust(turned, 1 - trust, corpus, seed=0, resamples=50)
    assert turned["trust_auroc"] == 0.0
    assert turned["trust_calibration"] == pytest.approx(0.9)


def test_where_there_is_no_trust_to_score() -> None:
    corpus = round_of({2: ("a2a3", "a2a3")})
    row = new_row(1)
    measure_trust(row, None, corpus, seed=0, resamples=50)
    assert filled(row) == {}
    measure_trust(row, np.array([0.5, 0.5, np.nan], dtype=np.float32), corpus, seed=0, resamples=50)
    assert filled(row) == {"trust_count": 0}  # an opinion of plies without advice is none of advice
    measure_trust(row, np.full(3, 0.75, dtype=np.float32), corpus, seed=0, resamples=50)
    assert filled(row) == {"trust_count": 1, "trust_calibration": 0.25}  # one sort alone: no AUROC
    with pytest.raises(DataError, match=r"shape \(2,\), and the corpus has 3 plies"):
        measure_trust(row, np.zeros(2, dtype=np.float32), corpus, seed=0, resamples=50)


class Counting(Expert):
    """Values a position by the mover's pawns past their third rank less the other's, in tenths; likes pawns to e4."""

    def __init__(self) -> None:
        self.asked = 0

    def evaluate(self, games: Games) -> Evaluation:
        self.asked += len(games)
        over, value = result_for_mover(games)
        policy = np.where(games.legal_mask() == 1, np.float32(0), np.float32(-np.inf))
        for row in range(len(games)):
            board = games.board(row)
            far = [bin(board.pawns & board.occupied_co[color] & chess.BB_RANKS[rank]).count("1")
                   for color, rank in ((chess.BLACK, 4), (chess.WHITE, 3))]  # fmt: skip
            value[row] = (far[board.turn] - far[not board.turn]) / 10
            for uci in ("e2e4", "e7e5", "d2d4"):
                if chess.Move.from_uci(uci) in board.legal_moves:
                    policy[row, move_to_action(chess.Move.from_uci(uci), board)] = 1.0
                    break
        assert not over.any()
        return Evaluation(policy, value)


def test_the_loss_by_advice_by_hand() -> None:
    """e2e4 leaves White a pawn ahead, a2a3 none: 0.55 against 0.5. So does d2d4 after 1. e4 e5, and a2a3 does not."""
    corpus = round_of({0: ("a2a3", "e2e4"), 1: ("e7e5", "e7e5"), 2: ("a2a3", "d2d4")}, games=3)
    row, expert = new_row(1), Counting()
    measure_advice_loss(row, corpus, expert, seed=0)
    assert filled(row) == {"advice_loss": pytest.approx((0.05 + 0.0 + 0.05) / 3)}
    assert expert.asked <= 9 * 3
    some = new_row(1)
    measure_advice_loss(some, round_of({1: ("a7a6", "e7e5")}, games=50), Counting(), seed=0, count=7)
    assert some["advice_loss"] == pytest.approx(0.05)


def test_at_most_so_many_advised_positions_are_judged() -> None:
    corpus = round_of({0: ("a2a3", "e2e4"), 1: ("e7e5", "e7e5")}, games=20)
    losses = []
    for seed in range(8):
        row, expert = new_row(1), Counting()
        measure_advice_loss(row, corpus, expert, seed=seed, count=5)
        assert expert.asked <= 3 * 5
        losses.append(row["advice_loss"])
    assert len(set(losses)) > 1
    assert {round(loss * 5 / 0.05, 6) for loss in losses} <= set(range(6))
    repeated = new_row(1)
    measure_advice_loss(repeated, corpus, Counting(), seed=7, count=5)
    assert repeated["advice_loss"] == losses[-1]


def test_without_advice_nothing_is_judged() -> None:
    row, expert = new_row(1), Counting()
    measure_advice_loss(row, round_of({}), expert, seed=0)
    assert (filled(row), expert.asked) == ({}, 0)


def test_what_was_asked_beyond_the_protocol_is_counted() -> None:
    corpus, row = round_of({0: ("a2a3", "e2e4")}), new_row(1)
    measure_games(row, corpus)
    assert (row["queries"], row["inquiries"], row["expert_calls"]) == (1, 0, 0)
    measure_games(row, corpus, inquiries=5, expert_calls=7)
    assert (row["queries"], row["inquiries"], row["expert_calls"]) == (1, 5, 7)


def test_positions_and_their_groups_come_from_the_same_draw() -> None:
    """The number of the move, which begins at 1, 101, 201 and 301, tells from which opening a position comes."""
    player = ExpertPlayer(UniformExpert())
    openings = [chess.STARTING_FEN.removesuffix("1") + f"{number}" for number in (1, 101, 201, 301)]
    match = play_match(player, player, openings, seed=0, max_plies=12)
    positions, group = positions_from(match, 20, seed=3), groups_from(match, 20, seed=3)
    assert len(positions) == len(group) == 20
    assert set(group.tolist()) == {0, 1, 2, 3}
    assert [positions.board(i).fullmove_number // 100 for i in range(20)] == group.tolist()
    assert len(groups_from(match, 10**6, seed=3)) == sum(len(actions) for actions in match.actions)


def scored(first: str, second: str, *pairs: tuple[float, float]) -> MatchResult:
    shape = np.zeros((len(pairs), 2), dtype=np.int64)
    fens = tuple(f"opening {at}" for at in range(len(pairs)))
    return MatchResult(first, second, fens, np.array(pairs), shape.astype(np.int8), shape)


@pytest.mark.parametrize(
    ("of_novice", "of_expert", "rough"),
    [((1, 0), (0.5, 0), False), ((1, 0), (0, 0), True), ((1, 1), (0.5, 0), True), ((0, 0), (0, 0), True)],
)
def test_elo_is_rough_where_h_or_e_won_or_lost_all(
    of_novice: tuple[float, float], of_expert: tuple[float, float], rough: bool
) -> None:
    """E beats H0 throughout. Only where H took points from E, and H0 from H, is everybody bounded on both sides."""
    anchors = [scored(EXPERT, NOVICE, *[(1, 1)] * 20)]
    results = {
        NOVICE: scored("H", NOVICE, *[of_novice] * 20),
        EXPERT: scored("H", EXPERT, *[of_expert] * 20),
    }
    row, start = new_row(1), new_row(0)
    measure_strength(row, results, anchors, "H", seed=0, resamples=50, min_gap=1.0)
    assert row["elo_one_sided"] is rough
    measure_start(start, anchors, seed=0, resamples=50, min_gap=1.0)
    assert start["elo_one_sided"] is True
    measure_start(start, [scored(EXPERT, NOVICE, *[(1, 0.5)] * 20)], seed=0, resamples=50, min_gap=1.0)
    assert start["elo_one_sided"] is False
