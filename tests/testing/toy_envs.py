"""Small right environments of every kind, for the tests to break in one point at a time."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from pettingzoo import AECEnv

PLAYERS = ["player_0", "player_1"]
TAKE = 3


def stones_space() -> spaces.Dict:
    return spaces.Dict(
        {
            "observation": spaces.Box(0, 40, (2,), dtype=np.int16),
            "action_mask": spaces.Box(0, 1, (TAKE,), dtype=np.int8),
        }
    )


def look(stones: int, own: int) -> dict[str, Any]:
    mask = np.array([stones > k for k in range(TAKE)], dtype=np.int8)
    return {"observation": np.array([stones, own], dtype=np.int16), "action_mask": mask}


class Nim(AECEnv):  # type: ignore[misc]
    """Two players take 1, 2 or 3 stones in turn; who takes the last one wins. A game may also be cut short."""

    metadata: ClassVar[dict[str, Any]] = {"name": "nim_v0", "render_modes": ["ansi"], "is_parallelizable": False}

    def __init__(self, low: int = 12, high: int = 40) -> None:
        super().__init__()
        self.possible_agents = list(PLAYERS)
        self.agents = list(PLAYERS)
        self.render_mode = "ansi"
        self.low, self.high = low, high
        self.observation_spaces = {agent: stones_space() for agent in PLAYERS}
        self.action_spaces = {agent: spaces.Discrete(TAKE) for agent in PLAYERS}
        self.np_random: np.random.Generator | None = None

    def observation_space(self, agent: str) -> spaces.Dict:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Discrete:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        if seed is not None or self.np_random is None:
            self.np_random, _ = seeding.np_random(seed)
        self.stones = int(self.np_random.integers(self.low, self.high))
        self.agents = list(PLAYERS)
        self.rewards = dict.fromkeys(PLAYERS, 0.0)
        self._cumulative_rewards = dict.fromkeys(PLAYERS, 0.0)
        self.terminations = dict.fromkeys(PLAYERS, False)
        self.truncations = dict.fromkeys(PLAYERS, False)
        self.infos: dict[str, Any] = {agent: {} for agent in PLAYERS}
        self.agent_selection = PLAYERS[0]
        self._skip_agent_selection = None

    def observe(self, agent: str) -> dict[str, Any]:
        over = self.terminations.get(agent, True) or agent != self.agent_selection
        seen = look(self.stones, PLAYERS.index(agent))
        if over:
            seen["action_mask"][:] = 0
        return seen

    def step(self, action: int | None) -> None:
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        if action is None or not 0 <= action < TAKE or action >= self.stones:
            raise ValueError(f"{action!r} is not legal with {self.stones} stones")
        self.stones -= action + 1
        other = PLAYERS[1 - PLAYERS.index(agent)]
        self._cumulative_rewards[agent] = 0.0
        self.rewards = dict.fromkeys(PLAYERS, 0.0)
        if self.stones == 0:
            self.rewards = {agent: 1.0, other: -1.0}
            self.terminations = dict.fromkeys(PLAYERS, True)
        self._accumulate_rewards()
        self.agent_selection = other

    def render(self) -> str:
        return "o" * self.stones
