"""The network of E and of H: a residual tower with a policy head and a value head.

After AlphaZero (Silver et al. 2018), with squeeze-and-excitation in each block (Hu et al. 2018, as Lc0 uses it) and a
policy head that also compares the two squares of a move (Lc0's attention policy).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sandwich_env.nets.geometry import PLANES, from_to_pairs
from sandwich_env.nets.shape import INPUT_PLANES, NetworkShape


def _convolution(inputs: int, outputs: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class ResidualBlock(nn.Module):
    """Two convolutions, a scale and a shift of each channel from the board's mean, and the way around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels, 3)
        self.second = _convolution(channels, channels, 3)
        self.squeeze = nn.Linear(channels, channels // 2)
        self.excite = nn.Linear(channels // 2, 2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.relu(self.first(x)))
        context = self.excite(functional.relu(self.squeeze(y.mean(dim=(2, 3)))))
        scale, shift = context[:, :, None, None].chunk(2, dim=1)
        return functional.relu(x + torch.sigmoid(scale) * y + shift)


class PolicyValueNetwork(nn.Module):
    """Planes in, logits over the actions and a value out.

    Args:
        shape: blocks, channels and heads.
    """

    pairs: Tensor

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        self.stem = _convolution(INPUT_PLANES, shape.channels, 3)
        self.tower = nn.Sequential(*[ResidualBlock(shape.channels) for _ in range(shape.blocks)])
        self.policy_trunk = _convolution(shape.channels, shape.channels, 1)
        self.policy_planes = nn.Conv2d(shape.channels, PLANES, 1)
        self.policy_squares = nn.Conv2d(shape.channels, 2 * shape.policy_channels, 1)
        self.value_trunk = _convolution(shape.channels, shape.value_channels, 1)
        self.value_hidden = nn.Linear(64 * shape.value_channels, shape.value_hidden)
        self.value_out = nn.Linear(shape.value_hidden, 1)
        self.register_buffer("pairs", torch.from_numpy(from_to_pairs()), persistent=False)

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of all actions, legal or not, and the expected result for the player to move.

        Args:
            planes: float [B, 20, 8, 8], `Games.observe(history=1)` with the planes first.

        Returns:
            Logits [B, 4672] and values [B] from -1 to 1.
        """
        return self.heads(self.tower(functional.relu(self.stem(planes))))

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [B, 4672] and values [B] from what the tower makes of the planes, [B, channels, 8, 8]."""
        return self._policy(functional.relu(self.policy_trunk(x))), self._value(x)

    def _policy(self, x: Tensor) -> Tensor:
        # An action counts squares by file, then by rank from the bottom; the image's rows run from the top.
        by_plane = self.policy_planes(x).permute(0, 3, 2, 1).flip(2).reshape(len(x), -1)
        source, target = self.policy_squares(x).flatten(2).chunk(2, dim=1)
        by_squares = torch.bmm(source.transpose(1, 2), target) * self.shape.policy_channels**-0.5
        logits: Tensor = by_plane + by_squares.flatten(1).index_select(1, self.pairs)
        return logits

    def _value(self, x: Tensor) -> Tensor:
        y = functional.relu(self.value_trunk(x.to(self.value_out.weight.dtype))).flatten(1)
        return torch.tanh(self.value_out(functional.relu(self.value_hidden(y)))).squeeze(1)


def parameter_count(network: nn.Module) -> int:
    """How many numbers training sets."""
    return sum(parameter.numel() for parameter in network.parameters())


def new_network(shape: NetworkShape, seed: int) -> PolicyValueNetwork:
    """A network with random weights that depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PolicyValueNetwork(shape)
