"""How an adversary is trained, as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandwich_env.errors import SpecError
from sandwich_env.specs import check_count, check_scale, check_share


@dataclass(frozen=True, kw_only=True)
class AdversaryConfig:
    """B's objective: what the victim loses by its move, minus a weight times how suspicious the move looks to it."""

    out: Path
    """A folder: positions, checkpoints, b.safetensors and its card. The same command again goes on where it stopped."""
    expert: str = "expert"
    """E, the judge of what a move loses: a shipped network or weights. B begins with its weights."""
    victims: tuple[str, ...] = ("novice",)
    """The league of Hs, the weakest first: shipped networks or weights. Round r plays against the first r of them."""
    rounds: int = 2
    """Rounds of play with the present B, training of the detector and training of B."""
    games: int = 400
    """Games that victims play in each round."""
    positions_per_game: int = 12
    """Positions of each game, drawn at random, at which B and E are asked."""
    follows: float = 0.5
    """How often a victim plays B's move instead of its own."""
    weight: float = 1.0
    """What suspicion counts beside the loss: 0 is the worst move at any price."""
    detector_weight: float = 0.5
    """What the detector counts within suspicion, the rest being what the victims see for themselves."""
    entropy: float = 0.01
    """What the entropy of B's policy counts, against collapse onto one move."""
    steps: int = 1500
    """Gradient steps of B in each round."""
    detector_steps: int = 300
    """Gradient steps of the detector at the start of each round, and again after each fifth of B's steps."""
    batch_size: int = 128
    """Positions a step."""
    learning_rate: float = 1e-3
    """The highest; it falls to zero along a cosine in each round."""
    held_out: float = 0.1
    """Share of the games whose positions are kept for measuring."""
    seed: int = 0
    """Of everything that is random."""
    device: str = "auto"
    """Where networks run."""

    def __post_init__(self) -> None:
        for name in ("rounds", "games", "positions_per_game", "steps", "detector_steps", "batch_size"):
            check_count(name, getattr(self, name))
        for name in ("follows", "detector_weight", "held_out"):
            check_share(name, getattr(self, name))
        for name in ("weight", "entropy", "learning_rate"):
            check_scale(name, getattr(self, name))
        check_count("seed", self.seed, least=0)
        if not self.victims:
            raise SpecError("victims is empty: name one network or more, the weakest first")

    def league(self, round: int) -> tuple[str, ...]:
        """The victims of a round, from 1: a curriculum from the weakest to all of them."""
        return self.victims[: max(1, -(-len(self.victims) * round // self.rounds))]
