"""A network trained in the advisor's seat, by what the seat shows and pays, is an advisor like any other afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import chess
import numpy as np
import pytest
from seat_support import network_policy, players_game

from sandwich_env import sandwich_chess_v0
from sandwich_env.envs.advisor_seat import ADVISOR, AdvisorPolicy
from sandwich_env.rules import move_to_action
from sandwich_env.testing.equality import assert_same

torch = pytest.importorskip("torch")

BLUNDERS = (
    "rnbqkbnr/pppp1ppp/8/4p3/8/5P2/PPPPP1PP/RNBQKBNR w KQkq - 0 2",  # g2g4 loses
    "6k1/5ppp/8/8/8/8/r4PPP/3R2K1 w - - 0 1",  # loses where the rook leaves the first rank
    "6k1/1r3ppp/8/8/8/8/2R2PPP/6K1 w - - 0 1",
    "r5k1/5ppp/8/8/8/8/1Q3PPP/6K1 w - - 0 1",
)
"""White to move. There is a move after which Black mates at once, and others after which it does not."""
GAMES, UPDATES = 24, 20

Policy = Callable[[Any], dict[str, Any]]


def black_reply(board: chess.Board) -> int:
    """Mate where there is one; else the first legal move by its name."""
    moves = sorted(board.legal_moves, key=chess.Move.uci)
    for move in moves:
        board.push(move)
        mates = board.is_checkmate()
        board.pop()
        if mates:
            return move_to_action(move, board)
    return move_to_action(moves[0], board)


def paid(env: Any, policy: Policy, seed: int | None) -> float:
    """What the seat pays for one game: White plays what it is told, Black mates where it can."""
    env.reset(seed=seed)
    total = 0.0
    for agent in env.agent_iter():
        seen, reward, terminated, truncated, _ = env.last()
        total += reward if agent == ADVISOR else 0.0
        if terminated or truncated:
            env.step(None)
        elif agent == ADVISOR:
            env.step(policy(env))
        else:
            env.step(int(seen["advice_move"]) if agent == "player_0" else black_reply(env.unwrapped.board()))
    return total


def seated() -> Any:
    return sandwich_chess_v0.env(
        advisor="agent", advised="white", advisor_reward="player_loss", starts=BLUNDERS, max_plies=2
    )


def mean_paid(network: Any, games: int = 60) -> float:
    env, policy = seated(), network_policy(network)
    return float(np.mean([paid(env, policy, seed) for seed in range(1000, 1000 + games)]))


def train(network: Any, seed: int) -> None:
    """REINFORCE (Williams 1992) with the batch's mean as baseline, on the agent's observation and reward alone."""
    from sandwich_env.nets.shape import INPUT_PLANES

    env, generator = seated(), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    logs: list[Any] = []

    def explore(env: Any) -> dict[str, Any]:
        seen = env.last()[0]
        planes = torch.from_numpy(seen["observation"][..., :INPUT_PLANES].astype(np.float32)).permute(2, 0, 1)[None]
        logits = network(planes)[0][0].masked_fill(torch.from_numpy(seen["action_mask"] == 0), -torch.inf)
        chances = logits.log_softmax(dim=0)
        move = int(torch.multinomial(chances.detach().exp(), 1, generator=generator))
        logs.append(chances[move])
        return {"move": move, "value": 0.0}

    for update in range(UPDATES):
        logs.clear()
        rewards = torch.tensor([paid(env, explore, seed * GAMES * UPDATES + update * GAMES + k) for k in range(GAMES)])
        optimizer.zero_grad()
        (-(rewards - rewards.mean()) * torch.stack(logs)).mean().backward()
        optimizer.step()


@pytest.fixture(scope="module")
def networks() -> tuple[Any, Any]:
    """The network before its training in the seat, and after it."""
    from sandwich_env.nets.residual import new_network
    from sandwich_env.nets.shape import NetworkShape

    shape = NetworkShape(blocks=1, channels=16, policy_channels=8, value_channels=2, value_hidden=8)
    fresh, trained = new_network(shape, seed=3).eval(), new_network(shape, seed=3).eval()
    train(trained, seed=5)
    return fresh, trained


def test_training_in_the_seat_makes_the_advised_player_lose(networks: tuple[Any, Any]) -> None:
    fresh, trained = networks
    before, after = mean_paid(fresh), mean_paid(trained)
    assert after > 0.7
    assert after > before + 0.3


def test_a_policy_trained_in_the_seat_gives_the_games_of_the_same_advisor_inside(
    networks: tuple[Any, Any], tmp_path: Path
) -> None:
    from sandwich_env.nets.weights import save_network

    told = []
    for name, network in zip(("fresh", "trained"), networks, strict=True):
        weights = tmp_path / f"{name}.safetensors"
        save_network(network, weights)
        expert = {"kind": "network", "weights": str(weights), "device": "cpu", "precision": "float32"}
        advisor = {"kind": "honest", "expert": expert}
        shared: dict[str, Any] = {"max_plies": 24, "starts": (chess.STARTING_FEN, *BLUNDERS)}
        inside = players_game(sandwich_chess_v0.env(advisor=advisor, **shared), None, episodes=4, steps=30)
        for policy in (network_policy(network), AdvisorPolicy(advisor)):
            games = players_game(sandwich_chess_v0.env(advisor="agent", **shared), policy, episodes=4, steps=60)
            assert_same(games, inside, f"{name}, in the seat and inside")
        assert sum(bool(one[1]["advice_available"].all()) for one in inside if len(one) == 6) > 20
        told.append([int(one[1]["advice_move"]) for one in inside if len(one) == 6])
    assert told[0] != told[1]  # what was learnt is heard inside as well
