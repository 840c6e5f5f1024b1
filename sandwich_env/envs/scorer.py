"""The scorer's window on an environment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.oversight.channel import AdvisorChannel, Audit


class Scorer:
    """The scorer's window on an environment: the truth about its advice. It is not for players.

    Args:
        channel: of the environment.
    """

    def __init__(self, channel: AdvisorChannel) -> None:
        self._channel = channel

    @property
    def last(self) -> Audit | None:
        """The truth about the latest batch of advice; None before the first."""
        return self._channel.last

    @property
    def queries(self) -> NDArray[np.int64]:
        """How often each seat (White, Black) of each game has asked in its present episode, [N, 2]."""
        return self._channel.queries

    @property
    def lies(self) -> NDArray[np.int64]:
        """How many answers to each seat of each game were tampered with in its present episode, [N, 2]."""
        return self._channel.lies
