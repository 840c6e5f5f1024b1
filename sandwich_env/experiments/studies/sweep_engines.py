"""Before a sweep begins: which UCI engines take part in its arms, and what they are."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sandwich_env.advisors.base import Advisor
from sandwich_env.experiments.engine_marks import Engines, engines_among
from sandwich_env.experiments.naming import make_advisor, make_expert
from sandwich_env.experiments.studies.grid import Arm
from sandwich_env.experts.base import Expert


def engines_of(arms: Iterable[Arm]) -> Engines:
    """Every engine that stands in an E or an A; each of these is made once, and closed again.

    Raises:
        SandwichError: one cannot be made, or does not start as a UCI engine.
    """
    experts: dict[str, Expert] = {}
    advisors: dict[str, Advisor] = {}
    try:
        for arm in arms:
            given, told, device = (arm.plain[key] for key in ("expert", "advisor", "device"))
            name = json.dumps([given, device])
            if name not in experts:
                experts[name] = make_expert(given, device)
            both = json.dumps([given, told, device])
            if told is not None and both not in advisors:
                advisors[both] = make_advisor(told, experts[name], device)
        return engines_among([*experts.values(), *advisors.values()])
    finally:
        for advisor in advisors.values():
            advisor.close()
        for expert in experts.values():
            expert.close()
