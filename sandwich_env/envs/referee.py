"""The turn-based environment with PettingZoo's checks built in.

PettingZoo's own wrappers do the same one around the other, at more than the price of a ply: each asks the one inside
for every attribute. Here they are a class: `OrderEnforcingWrapper`'s errors, and `TerminateIllegalWrapper`'s end.
"""

from __future__ import annotations

from typing import Any, Unpack

from numpy.typing import NDArray
from pettingzoo.utils.env import AECIterable, AECIterator
from pettingzoo.utils.env_logger import EnvLogger

from sandwich_env.envs.aec import SandwichChessAEC
from sandwich_env.envs.config import ChessOptions
from sandwich_env.envs.standing import ILLEGAL_ACTION
from sandwich_env.oversight.channel import AGENTS

_AFTER_RESET = frozenset(("agents", "num_agents", "agent_selection", "rewards", "terminations", "truncations", "infos"))


class RefereedChessAEC(SandwichChessAEC):
    """`SandwichChessAEC` in which an illegal action ends the game, with -1 for who sent it and 0 for the other.

    Both agents are then terminated and truncated, as in PettingZoo's `TerminateIllegalWrapper`. What is asked before
    `reset()`, and a loop over `agent_iter()` without a `step()`, is refused as by its `OrderEnforcingWrapper`.

    Args:
        render_mode: "ansi", "rgb_array" or "human".
        **options: see `ChessOptions`.
    """

    _forfeit = True

    def __init__(self, *, render_mode: str | None = None, **options: Unpack[ChessOptions]) -> None:
        super().__init__(render_mode=render_mode, **options)
        del self.agents  # there are none before reset()
        self._has_reset = False
        self._has_stepped = False

    def __getattr__(self, name: str) -> Any:
        """Called for what is not there."""
        if name in _AFTER_RESET:
            raise AttributeError(f"{name} cannot be accessed before reset")
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        self._has_reset = self._has_stepped = True
        super().reset(seed, options)

    def step(self, action: Any) -> None:
        """Play the action of `agent_selection`; None, once that agent's game is over. An illegal action loses.

        Raises:
            IllegalActionError: what is no whole number from 0 to 4671.
            GameOverError: an action for an agent whose game is over.
            AssertionError: `reset()` was not called.
        """
        if not self._has_reset:
            EnvLogger.error_step_before_reset()
        self._has_stepped = True
        if not self.agents:
            EnvLogger.warn_step_after_terminated_truncated()
            return
        super().step(action)

    def _end(self, agent: str) -> None:
        super()._end(agent)
        if self._core.termination(0) == ILLEGAL_ACTION:
            EnvLogger.warn_on_illegal_move()
            if (why := self._core.refusal(0)) is not None:
                EnvLogger.get_logger().warning(f"[WARNING]: {why}")
            self.truncations = dict.fromkeys(self._names, True)
            self.rewards = dict.fromkeys(self._names, 0.0) | {agent: -1.0}

    def _mover(self) -> str:
        return AGENTS[0] if self._core.num_forfeited else super()._mover()

    def observe(self, agent: str) -> dict[str, Any]:
        """What an agent sees, from its own side; no legal action and no advice when it is not its turn."""
        if not self._has_reset:
            EnvLogger.error_observe_before_reset()
        return super().observe(agent)

    def render(self) -> str | NDArray[Any] | None:
        if not self._has_reset:
            EnvLogger.error_render_before_reset()
        return super().render()

    def agent_iter(self, max_iter: int = 2**63) -> _Turns:
        """The agents in their turns, for a loop that steps once in each round."""
        if not self._has_reset:
            EnvLogger.error_agent_iter_before_reset()
        return _Turns(self, max_iter)


class _Turns(AECIterable):  # type: ignore[misc]
    def __iter__(self) -> _Turn:
        return _Turn(self.env, self.max_iter)


class _Turn(AECIterator):  # type: ignore[misc]
    def __next__(self) -> str:
        agent: str = super().__next__()
        if not self.env._has_stepped:
            raise AssertionError("need to call step() or reset() in a loop over `agent_iter`")
        self.env._has_stepped = False
        return agent
