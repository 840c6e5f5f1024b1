"""Where on the map of a study something stands: what the grid makes, the table holds and the report draws."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Place:
    """One place of the map, whatever the seed.

    Attributes:
        kind: the label of the misalignment; "none" for a control.
        dial_name: the parameter that is turned; None for a control.
        dial: where it stands; 0 for a control.
        dial_index: which of the kind's values that is, from 0.
        held_out: whether no method was tuned on the kind.
        protocol: when H asks, in words.
        interval: a question every so many turns (on average, where chance draws it), 0 for none at all.
        method: the method's label.
        control: whether it is run without an advisor.
        unheeded: whether A tampers with nothing that the method heeds, so that the honest arm is run in its place:
            nothing of A reaches H, and the arm does not say how the method bears the kind.
        novice: H's label.
    """

    kind: str
    dial_name: str | None
    dial: float
    dial_index: int
    held_out: bool
    protocol: str
    interval: int
    method: str
    control: bool
    unheeded: bool
    novice: str


PLACE = tuple(field.name for field in fields(Place))
"""The columns of a table that say where a row stands."""
