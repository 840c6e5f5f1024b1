"""Games whose advisor is an agent: all that the players are told of them, and a network in the advisor's seat."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from sandwich_env.envs.advisor_seat import ADVISOR


def players_game(env: Any, policy: Any, *, episodes: int, steps: int) -> list[Any]:
    """All that the players are told in a few games, some of them left in the middle. They follow some of the advice."""
    told: list[Any] = []
    rng = np.random.default_rng(11)
    for episode in range(episodes):
        env.reset(seed=5 if episode == 0 else None)
        for _ in range(steps):
            if env.agents and env.agent_selection == ADVISOR:
                dead = env.terminations[ADVISOR] or env.truncations[ADVISOR]
                env.step(None if dead else policy(env))
                continue
            if not env.agents:
                break
            seen, reward, terminated, truncated, info = env.last()
            told.append((env.agent_selection, copy.deepcopy(seen), float(reward), terminated, truncated, dict(info)))
            legal = np.flatnonzero(seen["action_mask"])
            action = None
            if not terminated and not truncated:
                drawn, follows = int(legal[rng.integers(len(legal))]), rng.random() < 0.5
                action = int(seen["advice_move"]) if seen["advice_available"][0] and follows else drawn
            env.step(action)
        told.append((env.board().fen(), env.scorer.queries.tolist()))
    return told


def network_policy(network: Any) -> Any:
    """A network in the seat that sees the agent's observation and nothing else: its best legal move, and its value."""
    from sandwich_env.nets.running import NetworkRunner
    from sandwich_env.nets.shape import INPUT_PLANES

    runner = NetworkRunner(network, "cpu", "float32")

    def policy(env: Any) -> dict[str, Any]:
        seen = env.last()[0]
        logits, value = runner.run(np.ascontiguousarray(seen["observation"][None, ..., :INPUT_PLANES]))
        return {"move": int(np.argmax(np.where(seen["action_mask"] == 1, logits[0], -np.inf))), "value": value}

    return policy
