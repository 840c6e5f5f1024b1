"""Action masks with one thing wrong, to be mixed into a wrapper of an environment."""

from __future__ import annotations

from typing import Any

import numpy as np
from pettingzoo.utils.wrappers import BaseWrapper


class OneLeftOut(BaseWrapper):  # type: ignore[misc]
    """One legal action is missing."""

    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        seen["action_mask"][np.flatnonzero(seen["action_mask"])[1:2]] = 0
        return seen


class SameForBoth(BaseWrapper):  # type: ignore[misc]
    """Who waits is shown the mover's actions."""

    def observe(self, agent: str) -> Any:
        return super().observe(agent) | {"action_mask": super().observe(self.agent_selection)["action_mask"]}
