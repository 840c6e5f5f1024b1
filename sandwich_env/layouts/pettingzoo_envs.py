"""Layouts around PettingZoo's environments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gymnasium import spaces
from pettingzoo.utils import BaseParallelWrapper, BaseWrapper

from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.layouts.base import Stack, alone, tree_row
from sandwich_env.specs import Spec, from_spec

_CHANNEL = "advice_available"


class LaidOut:
    """The layouts of some of an environment's agents: their spaces, their observations, what moves to their infos.

    Args:
        env: any of PettingZoo's.
        stack: the layouts.
        agents: whose observations are laid out; None are those who see an advisor channel.

    Raises:
        SpecError: an agent that does not exist, nobody at all, or a layout that cannot be put over what one sees.
    """

    def __init__(self, env: Any, stack: Stack, agents: str | Sequence[str] | None) -> None:
        self._over = {agent: stack.over(env.observation_space(agent)) for agent in _named(env, agents)}
        self.spaces = {agent: space for agent, (_, space) in self._over.items()}

        self.tells = stack.tells

    def show(self, agent: str, seen: Any) -> Any:
        """What an agent sees, laid out if it is one of those."""
        return tree_row(self._over[agent][0](alone(seen)), 0) if agent in self._over else seen

    def tell(self, agent: str, seen: Any) -> dict[str, Any]:
        """What moves from an agent's observation to its info."""
        return dict(tree_row(self._over[agent][0].told(alone(seen)), 0)) if agent in self._over else {}


def _named(env: Any, agents: str | Sequence[str] | None) -> list[str]:
    known = list(env.possible_agents)
    if agents is None:
        chosen = [agent for agent in known if _CHANNEL in getattr(env.observation_space(agent), "spaces", {})]
        if not chosen:
            raise SpecError(f"nobody among {known} sees an advisor channel ({_CHANNEL!r}): name the agents")
        return chosen
    chosen = [agents] if isinstance(agents, str) else list(agents)
    for agent in chosen:
        if agent not in known:
            raise SpecError(f"unknown agent {agent!r}: {did_you_mean(str(agent), known)}")
    return chosen


class _Layout:
    """What the layouts around both kinds of environments have in common; PettingZoo's wrapper comes behind it.

    Args:
        env: the environment.
        stack: the layouts, or their spec.
        agents: whose observations are laid out; None are those who see an advisor channel.
    """

    env: Any

    def __init__(self, env: Any, stack: Stack | Spec, agents: str | Sequence[str] | None = None) -> None:
        super().__init__(env)  # type: ignore[call-arg]
        self._laid_out = LaidOut(env, from_spec(stack, Stack), agents)

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return self._laid_out.spaces.get(agent) or self.env.observation_space(agent)


class LayoutAEC(_Layout, BaseWrapper):  # type: ignore[misc]
    """A turn-based environment with its observations laid out anew."""

    _told: dict[str, dict[str, Any]] | None = None

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        self._told = None
        super().reset(seed=seed, options=options)

    def step(self, action: Any) -> None:
        self._told = None
        super().step(action)

    def observe(self, agent: str) -> Any:
        return self._laid_out.show(agent, self.env.observe(agent))

    @property
    def infos(self) -> dict[str, dict[str, Any]]:
        """Each agent's info, with what the layouts moved there."""
        inner: dict[str, dict[str, Any]] = self.env.infos
        if not self._laid_out.tells:
            return inner
        if self._told is None:
            tell, look = self._laid_out.tell, self.env.observe
            self._told = {agent: info | tell(agent, look(agent)) for agent, info in inner.items()}
        return self._told


class LayoutParallel(_Layout, BaseParallelWrapper):  # type: ignore[misc]
    """A parallel environment with its observations laid out anew."""

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        seen, infos = self.env.reset(seed=seed, options=options)
        return self._shown(seen), self._infos(seen, infos)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Any]:
        seen, rewards, terminated, truncated, infos = self.env.step(actions)
        return self._shown(seen), rewards, terminated, truncated, self._infos(seen, infos)

    def _shown(self, seen: dict[str, Any]) -> dict[str, Any]:
        return {agent: self._laid_out.show(agent, one) for agent, one in seen.items()}

    def _infos(self, seen: dict[str, Any], infos: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        if not self._laid_out.tells:
            return infos
        return {agent: info | self._laid_out.tell(agent, seen[agent]) for agent, info in infos.items()}
