"""H's network with eyes for the advisor channel: for any learner in torch.

The board goes through a `PolicyValueNetwork`. What the advisor says comes in at two places: as planes beside those of
the board, and as *trust*, a number that is added to the advised move's logit and that depends on the position, on
the move and on what else was said. Both begin at zero where one likes, so that H's weights start as H.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sandwich_env.nets.geometry import PLANES, from_to_pairs
from sandwich_env.nets.legal_policy import LegalPolicy
from sandwich_env.nets.residual import PolicyValueNetwork, new_network
from sandwich_env.nets.shape import INPUT_PLANES, NetworkShape
from sandwich_env.nets.weights import load_network
from sandwich_env.specs import check_count

ADVICE_PLANES = 10
"""What `layouts.AdvicePlanes` puts behind the board's planes."""
_FROM, _TO, _UNDERPROMOTION, _MOVE_GIVEN = 0, 1, slice(2, 5), 5
_TRUST_HIDDEN = 32


class AdvisedNetwork(nn.Module):
    """A policy over moves and questions, and a value, from the board and the advice.

    The batch norms keep their statistics in training too, as small batches of one kind of position would shift them.

    Args:
        shape: of the network that looks at the board.
        asks: K, how many actions of the environment are questions (those from 4672 on).
        seed: of the weights that are drawn.
        trust: what the advised move's logit is raised by before anything is learnt. With 0 advice is not heard at
            first, and a learner that explores at random seldom asks and then follows.
        asking: likewise, what the logits of questions begin with.
    """

    actions: Tensor

    def __init__(
        self, shape: NetworkShape, asks: int = 0, seed: int = 0, trust: float = 0.0, asking: float = 0.0
    ) -> None:
        super().__init__()
        self.asks = check_count("asks", asks, least=0)
        self.board = new_network(shape, seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + 1)
            _scale(self.board)
            self.advice_stem = nn.Conv2d(ADVICE_PLANES, shape.channels, 3, padding=1, bias=False)
            self.trust_hidden = nn.Linear(3 * shape.channels + 1, _TRUST_HIDDEN)
            self.trust_out = nn.Linear(_TRUST_HIDDEN, 1)
            self.ask = nn.Linear(shape.channels, self.asks) if self.asks else None
        for silent in (self.advice_stem, self.trust_out, self.ask):
            for parameter in () if silent is None else silent.parameters():
                nn.init.zeros_(parameter)
        nn.init.constant_(self.trust_out.bias, trust)
        if self.ask is not None:
            nn.init.constant_(self.ask.bias, asking)
        self.register_buffer("actions", torch.from_numpy(_actions_by_squares()), persistent=False)
        self.train()

    @classmethod
    def from_weights(
        cls, weights: str | Path, asks: int = 0, trust: float = 0.0, asking: float = 0.0
    ) -> AdvisedNetwork:
        """A network that plays as the given one does, but for its trust in an advised move, until it is trained.

        Args:
            weights: "novice", "expert", or the path of a network's weights.
            asks, trust, asking: see the class.

        Raises:
            WeightsError: there are none, or they are damaged.
        """
        board = load_network(weights)
        advised = cls(board.shape, asks, trust=trust, asking=asking)
        advised.board.load_state_dict(board.state_dict())
        return advised

    def plain(self) -> PolicyValueNetwork:
        """How it plays with no advisor to ask: a copy, for `save_network` and `sandwich match`."""
        board = PolicyValueNetwork(self.board.shape)
        board.load_state_dict({name: tensor.detach().cpu() for name, tensor in self.board.state_dict().items()})
        return board.eval()

    def train(self, mode: bool = True) -> AdvisedNetwork:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of all actions, legal or not, and the expected return.

        Args:
            planes: float [B, 30, 8, 8]: `AdvicePlanes`, then `ChannelsFirst(history=1)`.

        Returns:
            Logits [B, 4672 + K] and values [B], -1 to 1.

        Raises:
            ValueError: another number of planes.
        """
        if planes.shape[1:] != (INPUT_PLANES + ADVICE_PLANES, 8, 8):
            raise ValueError(
                f"planes have the shape {tuple(planes.shape)}: give [B, {INPUT_PLANES + ADVICE_PLANES}, 8, 8], "
                "AdvicePlanes and then ChannelsFirst(history=1)"
            )
        board, advice = planes[:, :INPUT_PLANES], planes[:, INPUT_PLANES:]
        x = self.board.tower(functional.relu(self.board.stem(board) + self.advice_stem(advice)))
        logits, value = self.board.heads(x)
        pooled = x.mean(dim=(2, 3))
        logits = self._trusting(logits, x, pooled, advice)
        if self.ask is not None:
            logits = torch.cat([logits, self.ask(pooled)], dim=1)
        return logits, value

    def policy(self, planes: Tensor, legal: Tensor) -> tuple[LegalPolicy, Tensor]:
        """The policy over the actions in the lists `legal` (`layouts.legal_lists`), and the values [B]."""
        logits, value = self(planes)
        return LegalPolicy(logits, legal), value

    def _trusting(self, logits: Tensor, x: Tensor, pooled: Tensor, advice: Tensor) -> Tensor:
        """The logits with the trust in the advised move added to its own."""
        source, target = advice[:, _FROM], advice[:, _TO]
        move = self.advised_move(advice)[:, None]
        there = torch.einsum("bcij,bij->bc", x, source)
        then = torch.einsum("bcij,bij->bc", x, target)
        likely = logits.gather(1, move) - logits.mean(dim=1, keepdim=True)
        about = torch.cat([there, then, pooled, likely.detach() / 10], dim=1)
        trust = self.trust_out(functional.relu(self.trust_hidden(about))) * advice[:, _MOVE_GIVEN, :1, 0]
        return logits.scatter_add(1, move, trust)

    def advised_move(self, advice: Tensor) -> Tensor:
        """The advised action that advice planes [B, 10, 8, 8] stand for, int64 [B]; an arbitrary one where none is."""
        source, target = (advice[:, plane].flatten(1).argmax(dim=1) for plane in (_FROM, _TO))
        piece = advice[:, _UNDERPROMOTION].amax(dim=(2, 3))
        under = torch.where(piece.amax(dim=1) > 0, 1 + piece.argmax(dim=1), 0)
        move: Tensor = self.actions[source, target, under]
        return move


def _scale(board: PolicyValueNetwork) -> None:
    """Orthogonal weights that keep the size of what they pass on (Saxe et al. 2014).

    New norms whose statistics are never updated change nothing, so that the usual small weights would let the signal
    of a few men on an empty board die away from layer to layer.
    """
    for module in board.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.orthogonal_(module.weight, 2**0.5)
    for head, gain in ((board.policy_planes, 0.1), (board.policy_squares, 0.5), (board.value_out, 0.1)):
        nn.init.orthogonal_(head.weight, gain)


def _actions_by_squares() -> NDArray[np.int64]:
    """The action of each pair of squares on the 8x8 image and each underpromotion (none, knight, bishop, rook).

    Returns:
        int64 [64, 64, 4], 0 where there is none.
    """
    pairs = from_to_pairs()
    actions = np.zeros((64, 64, 4), dtype=np.int64)
    for action, pair in enumerate(pairs.tolist()):
        source, target = divmod(pair, 64)
        if source != target:  # else it leaves the board
            plane = action % PLANES
            actions[source, target, 0 if plane < 64 else 1 + (plane - 64) % 3] = action
    return actions
