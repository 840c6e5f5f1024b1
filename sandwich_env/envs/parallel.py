"""The turn-based environment behind PettingZoo's parallel API.

PettingZoo's `turn_based_aec_to_parallel` gives a 4-tuple after the end and cannot be told an action is missing, so
this is our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from sandwich_env.errors import GameOverError, IllegalActionError, SpecError, did_you_mean


class SandwichChessParallel(ParallelEnv):  # type: ignore[misc]
    """All agents send an action at every step; that of the agent to move is played, the others are not looked at.

    Args:
        aec_env: what `sandwich_chess_v0.env()` makes.
    """

    def __init__(self, aec_env: Any) -> None:
        self.aec_env = aec_env
        self.metadata = dict(aec_env.metadata)
        self.render_mode = aec_env.render_mode
        self.possible_agents = list(aec_env.possible_agents)
        self.agents: list[str] = []

    @property
    def unwrapped(self) -> Any:
        return self.aec_env.unwrapped

    def observation_space(self, agent: str) -> spaces.Dict:
        space: spaces.Dict = self.aec_env.observation_space(agent)
        return space

    def action_space(self, agent: str) -> spaces.Space[Any]:
        space: spaces.Space[Any] = self.aec_env.action_space(agent)
        return space

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Deal a new game; observations and infos of all agents. See `SandwichChessAEC.reset`."""
        self.aec_env.reset(seed=seed, options=options)
        self.agents = list(self.aec_env.agents)
        return self._seen(), self._infos()

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Play the action of the agent to move: `infos[agent]["active_agent"]` of the step before names it.

        Raises:
            SpecError: an action for an agent that does not exist.
            IllegalActionError: none for the agent to move, or one out of range.
            GameOverError: the game is over.
        """
        for agent in actions:
            if agent not in self.possible_agents:
                known = did_you_mean(str(agent), self.possible_agents)
                raise SpecError(f"an action for an unknown agent {agent!r}: {known}")
        if not self.agents:
            raise GameOverError(f"actions {dict(actions)!r} after the end of the game: call reset() for the next one")
        mover = self.aec_env.agent_selection
        if mover not in actions:
            raise IllegalActionError(f"it is the turn of {mover!r}, but the actions are those of {sorted(actions)}")
        self.aec_env.step(actions[mover])
        rewards = {agent: float(self.aec_env.rewards[agent]) for agent in self.possible_agents}
        terminations, truncations = dict(self.aec_env.terminations), dict(self.aec_env.truncations)
        seen, infos = self._seen(), self._infos()
        while self.aec_env.agents and (terminations[mover] or truncations[mover]):
            self.aec_env.step(None)
        self.agents = list(self.aec_env.agents)
        return seen, rewards, terminations, truncations, infos

    def _seen(self) -> dict[str, Any]:
        return {agent: self.aec_env.observe(agent) for agent in self.possible_agents}

    def _infos(self) -> dict[str, dict[str, Any]]:
        active = {"active_agent": self.aec_env.agent_selection}
        return {agent: self.aec_env.infos[agent] | active for agent in self.possible_agents}

    def render(self) -> str | NDArray[np.uint8] | None:
        picture: str | NDArray[np.uint8] | None = self.aec_env.render()
        return picture

    def close(self) -> None:
        self.aec_env.close()
