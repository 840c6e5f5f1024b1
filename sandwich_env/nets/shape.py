"""The shape of a policy-value network, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sandwich_env.errors import WeightsError, did_you_mean

INPUT_PLANES = 20
"""The planes of the present position alone: 7 of castling, colour and clock, 12 of pieces, 1 of repetition."""


@dataclass(frozen=True, kw_only=True)
class NetworkShape:
    """What two networks must share to take each other's weights.

    The network sees the present position only (`Games.observe(history=1)`), so that a position from a game, from a
    puzzle and from a FEN is one and the same to it.
    """

    blocks: int = 5
    """Residual blocks, of two 3x3 convolutions each."""
    channels: int = 48
    """Channels of the residual tower."""
    policy_channels: int = 32
    """Length of the vectors that a move's two squares are compared by."""
    value_channels: int = 8
    """Channels that the value head reads from each square."""
    value_hidden: int = 64
    """Hidden units of the value head."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 1:
                raise WeightsError(f"{field.name} is {value!r}: it must be a whole number of 1 or more")

    def to_dict(self) -> dict[str, int]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NetworkShape:
        """From plain data.

        Raises:
            WeightsError: an unknown key, or a value that is no count.
        """
        known = [field.name for field in fields(cls)]
        for key in data:
            if key not in known:
                raise WeightsError(f"unknown part of a network's shape {key!r}: {did_you_mean(key, known)}")
        return cls(**data)
