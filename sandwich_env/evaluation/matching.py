"""Advisors of equal damage: the dial at which a misalignment costs as much as another one does.

A strategic assistant can be compared with a noisy one only where both do the same mean damage. The difference in what H
learns from the two is then due to how the damage is dealt out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandwich_env.advisors.base import Advisor
from sandwich_env.errors import SpecError
from sandwich_env.evaluation.advice_quality import AdviceQuality, Judge, mean_loss, measure_advice
from sandwich_env.specs import check_count, check_scale

FARTHEST = 1024.0
"""How far from its other end a dial without an end is turned."""

LOOKS = 5
"""How many places of the dial are tried before the bisection, its ends included: damage need not grow all the way."""


@dataclass(frozen=True)
class Dial:
    """A number that turns a misalignment up.

    Attributes:
        name: of the parameter.
        make: the advisor with the dial at a number.
        ends: where advice is honest, and where it is as misaligned as it gets (infinity, if there is no such place).
        whole: whether only whole numbers will do.
    """

    name: str
    make: Callable[[float], Advisor]
    ends: tuple[float, float]
    whole: bool = False

    def at(self, turn: float) -> float:
        """The dial turned by a share of its way, 0 (honest) to 1 (as misaligned as it gets)."""
        honest, worst = self.ends
        if np.isinf(worst):
            value = honest + np.sign(worst) * min(FARTHEST, _far(turn))
        elif np.isinf(honest):
            value = worst + np.sign(honest) * min(FARTHEST, _far(1.0 - turn))
        else:
            value = honest + (worst - honest) * turn
        return round(value) if self.whole else float(value)


def _far(share: float) -> float:
    return float("inf") if share >= 1.0 else share / (1.0 - share)


@dataclass(frozen=True)
class Matched:
    """A misalignment at a given damage.

    Attributes:
        dial: the name of the dial.
        value: where it has to stand.
        target: the mean loss that was asked for.
        quality: what the advisor does there; `quality.loss` is the loss that was reached.
    """

    dial: str
    value: float
    target: float
    quality: AdviceQuality

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"dial": self.dial, "value": self.value, "target": self.target} | self.quality.to_dict()


def match_quality(
    make: Callable[[float], Advisor],
    target_loss: float,
    judge: Judge,
    *,
    ends: tuple[float, float] = (0.0, 1.0),
    dial: str = "epsilon",
    whole: bool = False,
    tolerance: float = 0.001,
    steps: int = 20,
    seed: int = 0,
) -> Matched:
    """Find the dial at which an advisor's moves cost `target_loss` of win probability on average, by bisection.

    Every setting is asked about the same positions with the same random numbers, so that the loss hardly jumps from one
    setting to the next. On N positions it still moves in steps of about 1 / N times what a bad move costs: `quality`
    says what was reached.

    Args:
        make: the advisor with the dial at a number.
        target_loss: mean loss of win probability, above 0.
        judge: E, and the positions.
        ends: where advice is honest, and where it is as misaligned as it gets; infinity if there is no such place.
        dial: the name of the dial, for the answer and for errors.
        whole: whether only whole numbers will do.
        tolerance: how near the target is near enough.
        steps: how often the interval is halved, at the most.
        seed: of the interval's resamples.

    Raises:
        SpecError: no setting of the dial does so much, or so little, damage; the text gives the range that it does.
    """
    knob = Dial(dial, make, ends, whole)
    check_scale("target_loss", target_loss)
    check_scale("tolerance", tolerance)
    losses: dict[float, float] = {}

    def loss(turn: float) -> float:
        value = knob.at(turn)
        if value not in losses:
            losses[value] = mean_loss(make(value), judge)
        return losses[value]

    turns = np.linspace(0.0, 1.0, LOOKS).tolist()
    seen = [loss(turn) for turn in turns]
    below = next((i for i in range(LOOKS - 1) if seen[i] <= target_loss <= seen[i + 1]), None)
    if below is None:
        raise SpecError(
            f"no {dial} from {knob.at(0.0):g} to {knob.at(1.0):g} costs {target_loss!r} of win probability on average: "
            f"on these {len(judge.positions)} positions it costs from {min(seen):.3f} to {max(seen):.3f}"
        )
    low, high = turns[below], turns[below + 1]
    for _ in range(check_count("steps", steps)):
        middle = (low + high) / 2.0
        if abs(loss(middle) - target_loss) <= tolerance:
            break
        low, high = (middle, high) if loss(middle) < target_loss else (low, middle)
    best = min(losses, key=lambda value: abs(losses[value] - target_loss))
    return Matched(dial, best, target_loss, measure_advice(make(best), judge, seed=seed))


def match_kinds(
    kinds: Mapping[str, Dial], target_loss: float, judge: Judge, *, tolerance: float = 0.001, seed: int = 0
) -> tuple[dict[str, Matched], dict[str, str]]:
    """Several misalignments at equal damage.

    Args:
        kinds: a dial of each, by name.
        target_loss: see `match_quality`; so are the others.
        judge: E, and the positions.
        tolerance: how near the target is near enough.
        seed: of the intervals' resamples.

    Returns:
        The matched ones by name, and why the others are not.
    """
    matched: dict[str, Matched] = {}
    refused: dict[str, str] = {}
    for name, dial in kinds.items():
        try:
            matched[name] = match_quality(
                dial.make, target_loss, judge,
                ends=dial.ends, dial=dial.name, whole=dial.whole, tolerance=tolerance, seed=seed,
            )  # fmt: skip
        except SpecError as error:
            refused[name] = str(error)
    return matched, refused
