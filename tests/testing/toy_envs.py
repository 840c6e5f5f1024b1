"""Small right environments of every kind, for the tests to break in one point at a time."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from pettingzoo import AECEnv, ParallelEnv

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

    def __init__(self, render_mode: str | None = "ansi", low: int = 6, high: int = 20) -> None:
        super().__init__()
        self.possible_agents = list(PLAYERS)
        self.agents = list(PLAYERS)
        self.render_mode = render_mode
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

    def close(self) -> None:
        """Nothing is held."""


class NimSingle(gymnasium.Env[dict[str, Any], np.int64]):
    """The same game against an opponent that takes stones at random; the learner begins."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi"]}  # type: ignore[misc]

    def __init__(self, low: int = 6, high: int = 20) -> None:
        self.render_mode = "ansi"
        self.low, self.high = low, high
        self.observation_space = stones_space()
        self.action_space = spaces.Discrete(TAKE)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        super().reset(seed=seed)
        self.stones = int(self.np_random.integers(self.low, self.high))
        return look(self.stones, 0), {"left": self.stones}

    def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        if not self.action_space.contains(action) or action >= self.stones:
            raise ValueError(f"{action!r} is not legal with {self.stones} stones")
        self.stones -= int(action) + 1
        reward = float(self.stones == 0)
        if self.stones:
            self.stones -= int(self.np_random.integers(1, min(TAKE, self.stones) + 1))
            reward -= float(self.stones == 0)
        info: dict[str, Any] = {"left": self.stones}
        if self.stones == 0:
            info["winner"] = "learner" if reward > 0 else "opponent"
        return look(self.stones, 0), reward, self.stones == 0, False, info

    def render(self) -> Any:
        return "o" * self.stones


class NimParallel(ParallelEnv):  # type: ignore[misc]
    """The turn-based game behind the parallel API: the action of the agent to move counts."""

    metadata: ClassVar[dict[str, Any]] = {"name": "nim_parallel_v0", "render_modes": ["ansi"]}

    def __init__(self, **options: Any) -> None:
        self.game = Nim(**options)
        self.possible_agents = list(PLAYERS)
        self.agents: list[str] = []
        self.render_mode = "ansi"

    def observation_space(self, agent: str) -> spaces.Dict:
        return self.game.observation_space(agent)

    def action_space(self, agent: str) -> spaces.Discrete:
        return self.game.action_space(agent)

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.game.reset(seed, options)
        self.agents = list(PLAYERS)
        return {agent: self.game.observe(agent) for agent in PLAYERS}, {agent: {} for agent in PLAYERS}

    def step(self, actions: Any) -> Any:
        self.game.step(actions[self.game.agent_selection])
        seen = {agent: self.game.observe(agent) for agent in PLAYERS}
        over, cut = dict(self.game.terminations), dict(self.game.truncations)
        self.agents = [] if all(over.values()) else list(PLAYERS)
        return seen, dict(self.game.rewards), over, cut, {agent: {} for agent in PLAYERS}

    def render(self) -> str:
        return self.game.render()
