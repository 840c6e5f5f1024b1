"""Arms and cells: the parts that a sweep's results are made of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandwich_env.evaluation.intervals import Estimate, Interval
from sandwich_env.experiments.place import Place
from sandwich_env.experiments.sweep_report.seeds import over_seeds

Row = Mapping[str, Any]

DONE, FAILED, DIVERGED, UNFINISHED, ABSENT = "done", "failed", "diverged", "unfinished", "absent"

HONEST = "honest"
"""The advisor that says what E knows."""

_WORST_FIRST = (DIVERGED, FAILED, UNFINISHED, ABSENT)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One arm as a cell sees it.

    Attributes:
        name: the arm's id, the name of its folder.
        seed: of everything that is random in it.
        status: "done", "unfinished", "failed" or "diverged".
        error: what went wrong, where something did.
        rows: what was measured, round by round; none where nothing was yet.
    """

    name: str
    seed: int
    status: str
    error: str | None
    rows: tuple[Row, ...]

    @property
    def last(self) -> Row | None:
        """The row after the last round; None where the arm has not reached it."""
        return self.rows[-1] if self.status == DONE and self.rows else None

    @property
    def honest(self) -> bool:
        """Whether it was run with an A that says what E knows, whatever cells it stands in."""
        text = self.rows[-1].get("advisor") if self.rows else None
        spec = None if text is None else json.loads(text)
        return spec == HONEST or (isinstance(spec, dict) and spec.get("kind") == HONEST and "expert" not in spec)

    def value(self, column: str) -> float | None:
        """A measure after the last round; None where there is none."""
        return None if self.last is None else number(self.last, column)


@dataclass(frozen=True, kw_only=True)
class Cell(Place):
    """One place of the map, over its seeds.

    Attributes:
        arms: one a seed, by seed. Where it is `unheeded`, the honest ones.
    """

    arms: tuple[Arm, ...]

    @property
    def query(self) -> tuple[int, str]:
        """How often H asks, so that it sorts: the interval, and the protocol's name."""
        return self.interval, self.protocol

    @property
    def status(self) -> str:
        """ "done" where one arm is or more; otherwise the worst that became of any."""
        found = {arm.status for arm in self.arms}
        return DONE if DONE in found else next((one for one in _WORST_FIRST if one in found), ABSENT)

    @property
    def lack(self) -> str:
        """Why there is no number: the worst that became of an arm that is not done; "done" where all of them are."""
        found = {arm.status for arm in self.arms}
        return next((one for one in _WORST_FIRST if one in found), DONE)

    def values(self, column: str) -> list[float]:
        """A measure after the last round, one for each arm that has it."""
        return [value for arm in self.arms if (value := arm.value(column)) is not None]

    def estimate(self, column: str) -> Estimate | None:
        """The mean of a measure over the seeds that have it; None where no seed has.

        Its interval is the t interval over seeds. One seed has none: its interval is the arm's own, from the bootstrap
        of its measurement, where the table has it; it says nothing of another seed.
        """
        values = self.values(column)
        if len(values) != 1:
            return over_seeds(values) if values else None
        (row,) = (arm.last for arm in self.arms if arm.last is not None and arm.value(column) is not None)
        low, high = (number(row, f"{column}_{end}") for end in ("low", "high"))
        return Estimate(values[0], Interval(math.nan if low is None else low, math.nan if high is None else high), 1)

    def flagged(self, column: str) -> bool:
        """Whether a flag is set after the last round of any arm."""
        return any(arm.last is not None and bool(arm.last.get(column)) for arm in self.arms)

    def rounds(self, column: str) -> list[tuple[int, float]]:
        """The mean of a measure by round, over the arms that are done and have it in that round."""
        found: dict[int, list[float]] = {}
        for arm in self.arms:
            for row in arm.rows if arm.status == DONE else ():
                value = number(row, column)
                if value is not None:
                    found.setdefault(row["round"], []).append(value)
        return [(at, sum(values) / len(values)) for at, values in sorted(found.items())]


def number(row: Row, column: str) -> float | None:
    """A finite number in a row; None where there is nothing, NaN or infinity."""
    value = row.get(column)
    return float(value) if value is not None and math.isfinite(value) else None
