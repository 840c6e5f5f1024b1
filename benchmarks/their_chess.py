"""PettingZoo's chess_v6 as learners with H's network want it: the planes of the present position, none of advice."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from pettingzoo.classic import chess_v6
from pettingzoo.utils import BaseWrapper

SHAPE = (30, 8, 8)


class Planes(BaseWrapper):  # type: ignore[misc]
    """chess_v6 with float32 planes [30, 8, 8], of which the last ten, the advisor's, are 0, and the mask."""

    def __init__(self) -> None:
        super().__init__(chess_v6.env())

    def observation_space(self, agent: str) -> gym.spaces.Dict:
        mask = self.env.observation_space(agent)["action_mask"]
        return gym.spaces.Dict({"action_mask": mask, "observation": gym.spaces.Box(-1.0, 1.0, SHAPE, np.float32)})

    def observe(self, agent: str) -> dict[str, Any]:
        seen = self.env.observe(agent)
        planes = np.zeros(SHAPE, np.float32)
        planes[:20] = np.moveaxis(seen["observation"][:, :, :20], 2, 0)
        return {"action_mask": seen["action_mask"].astype(np.int8), "observation": planes}


class BothSides(gym.Env[Any, np.int64]):
    """chess_v6 as an environment of Gymnasium's, whose one learner moves both sides: a step is a ply.

    Args:
        mask_in_info: whether the mask is in the info, and the planes are all that is seen.
    """

    def __init__(self, mask_in_info: bool = False) -> None:
        self.games = Planes()
        both = self.games.observation_space("player_0")
        self.observation_space = both["observation"] if mask_in_info else both
        self.action_space = gym.spaces.Discrete(4672)
        self.mask_in_info = mask_in_info

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.games.reset(seed=seed)
        return self._look()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        mover = self.games.agent_selection
        self.games.step(int(action))
        seen, info = self._look()
        return seen, self.games.rewards[mover], self.games.terminations[mover], self.games.truncations[mover], info

    def _look(self) -> tuple[Any, dict[str, Any]]:
        seen = self.games.observe(self.games.agent_selection)
        return (seen["observation"], {"action_mask": seen["action_mask"]}) if self.mask_in_info else (seen, {})
