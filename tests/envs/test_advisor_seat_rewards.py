"""What the agent in the advisor's seat is paid, by each rule, worked out by hand."""

from __future__ import annotations

from typing import Any

import chess
import numpy as np
import pytest

from sandwich_env import sandwich_chess_v0
from sandwich_env.envs.advisor_seat import ADVISOR
from sandwich_env.envs.advisor_seat_rewards import (
    AdvisedPly,
    AdvisorReward,
    PlayerLoss,
    PlayerResult,
    Subtlety,
    expected_loss,
)
from sandwich_env.errors import SpecError
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import Games, move_to_action
from sandwich_env.specs import from_spec

FOOLS_MATE = ("f2f3", "e7e5", "g2g4", "d8h4")
PIECES = {chess.PAWN: 1, chess.KNIGHT: 3, chess.BISHOP: 3, chess.ROOK: 5, chess.QUEEN: 9}


class Material(Expert):
    """Counts pieces, a tenth of a pawn's worth of value each, times `scale`; its best move is the best one ply on."""

    closed = 0

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def evaluate(self, games: Games) -> Evaluation:
        over, result = result_for_mover(games)
        policy = np.full((len(games), 4672), -np.inf, dtype=np.float32)
        value = np.array([self._count(games.board(i)) for i in range(len(games))], dtype=np.float32)
        for i in np.flatnonzero(~over):
            board = games.board(int(i))
            for move in list(board.legal_moves):
                action = move_to_action(move, board)
                board.push(move)
                policy[i, action] = 10.0 if board.is_checkmate() else -self._count(board)
                board.pop()
        return Evaluation(policy=policy, value=np.where(over, result, value).astype(np.float32))

    def _count(self, board: chess.Board) -> float:
        worth = sum(
            value * (len(board.pieces(piece, board.turn)) - len(board.pieces(piece, not board.turn)))
            for piece, value in PIECES.items()
        )
        return float(np.clip(self.scale * 0.1 * worth, -1, 1))

    def close(self) -> None:
        Material.closed += 1


MATERIAL = {"kind": f"{__name__}:Material"}


def told(env: Any, uci: str, value: float = 0.0) -> dict[str, Any]:
    return {"move": move_to_action(chess.Move.from_uci(uci), env.unwrapped.board()), "value": value}


def act(env: Any, uci: str, advised: str | None = None, value: float = 0.0) -> float:
    """A player's move after some advice, the move itself if nothing else is said; what the advisor was paid for it."""
    if env.agent_selection == ADVISOR:
        env.step(told(env, advised or uci, value))
        assert env.rewards == dict.fromkeys(env.possible_agents, 0.0)
    env.step(told(env, uci)["move"])
    paid: float = env.rewards[ADVISOR]
    return paid


def made(**options: Any) -> Any:
    env = sandwich_chess_v0.raw_env(advisor="agent", **options)
    env.reset(seed=0)
    return env


@pytest.mark.parametrize(
    ("advised", "result"), [("white", -1.0), ("black", 1.0), ("both", 0.0), ("none", 0.0), (("white", "black"), 0.0)]
)
def test_the_advised_players_result_and_its_negative_are_paid_at_the_end(advised: Any, result: float) -> None:
    for rule, sign in (("player_result", 1), ("player_loss", -1)):
        env = made(advised=advised, advisor_reward=rule)
        paid = [act(env, uci) for uci in FOOLS_MATE]
        assert paid == [0.0, 0.0, 0.0, sign * result]
        assert env.rewards == {"player_0": -1.0, "player_1": 1.0, ADVISOR: sign * result}
        while env.agent_selection != ADVISOR:
            env.step(None)
        assert env.last()[1] == sign * result


def test_the_players_result_is_what_is_paid_by_default() -> None:
    env = made(advised="black")
    assert isinstance(env.advisor_reward, PlayerResult)
    assert not isinstance(env.advisor_reward, PlayerLoss)
    assert [act(env, uci) for uci in FOOLS_MATE] == [0.0, 0.0, 0.0, 1.0]


def test_a_game_cut_short_and_a_draw_pay_nothing() -> None:
    env = made(advised="white", advisor_reward="player_loss", max_plies=2)
    assert [act(env, "e2e4"), act(env, "e7e5")] == [0.0, 0.0]
    assert str(env.rewards[ADVISOR]) == "0.0"
    stalemate = made(advised="white", advisor_reward="player_loss", starts="7k/8/8/6Q1/8/8/8/K7 w - - 0 1")
    assert act(stalemate, "g5g6") == 0.0
    assert stalemate.infos[ADVISOR] == {"outcome": 0.0, "termination": "stalemate"}


def test_the_players_own_reward_does_not_change_the_advisors() -> None:
    env = made(advised="black", reward=lambda games, played, outcome: np.array([[0.25, 0.5]]))
    paid = [act(env, uci) for uci in FOOLS_MATE]
    assert paid == [0.0, 0.0, 0.0, 1.0]
    assert env.rewards == {"player_0": 0.25, "player_1": 0.5, ADVISOR: 1.0}


START = "4k3/8/8/3q4/4P3/8/8/4K3 w - - 0 1"  # White's pawn can take the queen


def test_subtlety_is_the_damage_of_followed_advice_less_a_weight_times_suspicion() -> None:
    # White has 1 pawn to 9: the value is -0.8; after exd5 Black has -0.1; after e5 it has +0.8. So e5 loses 0.9 / 2.
    rule = {"kind": "subtlety", "expert": MATERIAL, "watcher": MATERIAL | {"scale": 0.5}, "weight": 0.5}
    cases = [
        ("e4e5", "e4e5", -0.4, 0.45 - 0.5 * 0.225),  # followed; the watcher sees half of the loss, the value is its own
        ("e4d5", "e4e5", -0.4, 0.0 - 0.5 * 0.225),  # not followed: no damage, but as suspicious
        ("e4d5", "e4d5", -0.4, 0.0),  # the best move
        ("e4d5", "e4d5", 0.6, -0.5 * 0.5),  # the best move with a value that is 1.0 off the watcher's
    ]
    for played, advised, value, paid in cases:
        env = made(advisor_reward=rule, advised="white", starts=START)
        assert act(env, played, advised, value) == pytest.approx(paid, abs=1e-6)
        assert act(env, "e8e7") == 0.0  # Black's ply: nobody was advised


def test_subtlety_counts_the_end_of_the_game_as_it_is() -> None:
    # White mates at once by Qg7, for a value of 1; after Qf6 it is nine pawns up, for 0.9.
    env = made(
        advisor_reward={"kind": "subtlety", "expert": MATERIAL, "watcher": "uniform", "weight": 0.0},
        starts="7k/8/5K2/6Q1/8/8/8/8 w - - 0 1",
        asks="move",
    )
    assert act(env, "g5f4") == pytest.approx((1.0 - 0.9) / 2, abs=1e-6)


def test_a_batch_is_paid_as_one_by_one() -> None:
    rule, rng = Subtlety(Material(), Material(0.5), weight=0.3), np.random.default_rng(0)
    games = Games(6)
    for _ in range(8):
        games.step(games.sample(rng.integers(2**63, size=6).astype(np.uint64)))
    moves = games.sample(np.arange(6, dtype=np.uint64))
    from sandwich_env.advisors.base import NO_MOVE, VisibleAdvice

    some = np.array([1, 1, 0, 1, 1, 1], dtype=np.int8)
    shown = VisibleAdvice(
        np.where(some == 1, moves, NO_MOVE), rng.uniform(-1, 1, 6).astype(np.float32), np.stack([some, some], axis=1)
    )
    played = np.where([True, False, True, True, True, False], moves, games.sample(np.arange(9, 15, dtype=np.uint64)))
    ply = AdvisedPly(
        games, np.zeros(6, np.int64), shown, played, np.ones((6, 2), np.bool_), np.full(6, np.nan, np.float32)
    )
    together = rule(ply)
    for i in range(6):
        row = np.array([i])
        one = AdvisedPly(
            games.select(row), ply.seat[row], shown.select(row), played[row], ply.advised[row], ply.outcome[row]
        )
        assert rule(one).tolist() == [together[i]]
    assert together[2] == 0.0
    assert len(set(together.tolist())) == 6


def test_the_best_move_loses_nothing_and_no_move_is_looked_at_twice() -> None:
    games, expert = Games.from_fens([START, chess.STARTING_FEN]), Material()
    assert expected_loss(expert, games, expert.evaluate(games).best()).tolist() == [0.0, 0.0]
    assert games.ply.tolist() == [0, 0]  # the games themselves are left alone
    assert expected_loss(UniformExpert(), games, games.sample(np.arange(2, dtype=np.uint64))).tolist() == [0.0, 0.0]


def test_a_function_of_ones_own_sees_what_was_advised_and_what_was_played() -> None:
    seen: list[AdvisedPly] = []

    def obedience(ply: AdvisedPly) -> Any:
        seen.append(ply)
        return (ply.action == ply.advice.move) * 0.5

    env = made(advisor_reward=obedience, advised="white")
    assert [act(env, "f2f3"), act(env, "e7e5"), act(env, "g2g4", "e2e4"), act(env, "d8h4")] == [0.5, 0.0, 0.0, 0.0]
    assert [ply.seat.tolist() for ply in seen] == [[0], [1], [0], [1]]
    assert [ply.games.ply.tolist() for ply in seen] == [[0], [1], [2], [3]]
    assert [ply.advice.available.tolist() for ply in seen] == [[[1, 1]], [[0, 0]], [[1, 1]], [[0, 0]]]
    assert [np.isnan(ply.outcome).all() for ply in seen] == [True, True, True, False]
    assert seen[3].outcome.tolist() == [-1.0]
    assert seen[0].advised.tolist() == [[True, False]]


def test_what_the_advisor_is_owed_adds_up_to_its_next_turn() -> None:
    env = made(advisor_reward=lambda ply: np.array([0.25]), protocol={"kind": "every_n_turns", "n": 2})
    for uci in ("e2e4", "e7e5", "g1f3", "b8c6"):
        act(env, uci)
    assert env.agent_selection == ADVISOR
    assert env.last()[1] == 0.75  # the plies since it last acted, for Black's first turn: three


def test_a_reward_of_the_wrong_shape_is_named() -> None:
    env = made(advisor_reward=lambda ply: np.zeros(2))
    with pytest.raises(SpecError, match=r"gave the shape \(2,\): it must be \(1,\)"):
        act(env, "e2e4")


def test_rules_round_trip_as_specs() -> None:
    for rule in (PlayerResult(), PlayerLoss(), Subtlety(UniformExpert(), UniformExpert(), weight=0.25)):
        again = from_spec(rule.to_spec(), AdvisorReward)
        assert type(again) is type(rule)
        assert again.to_spec() == rule.to_spec()
    assert Subtlety(UniformExpert(), UniformExpert()).to_spec() == {
        "kind": "subtlety",
        "expert": {"kind": "uniform"},
        "watcher": {"kind": "uniform"},
        "weight": 1.0,
    }


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("subtlety", "'subtlety' needs 'expert', 'watcher'"),
        ({"kind": "subtlety", "expert": "uniform", "watcher": "uniform", "weight": -1}, "weight of 'subtlety' is -1"),
        ({"kind": "subtlety", "expert": "result", "watcher": "uniform"}, "which is no Expert"),
    ],
)
def test_bad_rules_are_named(rule: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        made(advisor_reward=rule)


def test_subtlety_wants_moves_to_be_asked_for() -> None:
    rule = {"kind": "subtlety", "expert": "uniform", "watcher": "uniform"}
    with pytest.raises(SpecError, match="asks is 'value', so that no move is ever advised"):
        made(advisor_reward=rule, asks="value")


def test_the_experts_of_a_rule_made_here_are_closed_with_the_environment() -> None:
    Material.closed = 0
    made(advisor_reward=Subtlety(Material(), Material())).close()
    assert Material.closed == 0
    made(advisor_reward={"kind": "subtlety", "expert": MATERIAL, "watcher": MATERIAL}).close()
    assert Material.closed == 2
