"""Playing any kind of environment with random legal actions, and noting all that the players are told."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from gymnasium import Env, spaces
from gymnasium.vector import VectorEnv
from pettingzoo import AECEnv, ParallelEnv

from sandwich_env.errors import SpecError

Kind = Literal["aec", "parallel", "single", "vector"]


def kind_of(env: Any) -> Kind:
    """Which of the four interfaces an environment has.

    Raises:
        SpecError: none of them.
    """
    known: tuple[tuple[type, Kind], ...] = (
        (AECEnv, "aec"),
        (ParallelEnv, "parallel"),
        (VectorEnv, "vector"),
        (Env, "single"),
    )
    for base, kind in known:
        if isinstance(env, base):
            return kind
    raise SpecError(f"{env!r} is no environment: it must be an AECEnv, a ParallelEnv, a gymnasium Env or a VectorEnv")


def mask_of(seen: Any, info: Any = None) -> Any:
    """The legal actions that an observation or an info shows; None if they show none."""
    for holder in (seen, info):
        if isinstance(holder, Mapping) and "action_mask" in holder:
            return holder["action_mask"]
    return None


def unpacked(mask: Any, n: int) -> Any:
    """A mask of `n` actions, one to an element; where it has eight to a byte (`numpy.packbits`, little), unpacked."""
    packed = isinstance(mask, np.ndarray) and mask.dtype == np.uint8 and mask.shape == (-(-n // 8),) != (n,)
    return np.unpackbits(mask, count=n, bitorder="little") if packed else mask


class Chooser:
    """Random legal actions, drawn from a generator of its own.

    Args:
        seed: of the actions.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._samplers: dict[int, tuple[Any, Any]] = {}

    def choose(self, space: spaces.Space[Any], mask: Any = None) -> Any:
        """A legal action: of those in the mask, or of all; the first where the mask holds none."""
        if isinstance(space, spaces.Discrete):
            if mask is None:
                return int(space.start + self.rng.integers(space.n))
            legal = np.flatnonzero(unpacked(mask, int(space.n)))
            return int(space.start + (legal[self.rng.integers(len(legal))] if len(legal) else 0))
        return self._sampler(space).sample(mask)

    def _sampler(self, space: spaces.Space[Any]) -> Any:
        """A copy of the space, so that its own generator is left alone."""
        if id(space) not in self._samplers:
            own = copy.deepcopy(space)
            own.seed(int(self.rng.integers(2**31)))
            self._samplers[id(space)] = (space, own)  # the space is kept, or its id could go to another
        return self._samplers[id(space)][1]


class Drive:
    """An environment of any kind, played by random legal actions; `told` is what the players were told, in order.

    Args:
        env: an AEC, parallel, single or vector environment.
        seed: of the actions.
        views: whether to note, in an AEC environment, what every agent sees at each turn, not the one to move alone.

    Attributes:
        kind: of the environment.
        told: a copy of every return value so far.
        actions: every action so far, with the place in `told` of what came of it.
        steps: how many steps were taken.
        ends: how many games have ended.
    """

    def __init__(self, env: Any, seed: int, views: bool = True) -> None:
        self.env = env
        self.kind = kind_of(env)
        self.views = views
        self.told: list[Any] = []
        self.actions: list[tuple[Any, int]] = []
        self.steps = 0
        self.ends = 0
        self._chooser = Chooser(seed)
        self._now: Any = None
        self._over = True

    def reset(self, seed: int | None = None) -> None:
        """Deal a game."""
        self._now = self.env.reset() if seed is None else self.env.reset(seed=seed)
        self._over = self.kind == "parallel" and not self.env.agents
        if self.kind == "aec":
            self.look()
        else:
            self._note(self._now)

    def step(self) -> None:
        """Take a legal action; where the game is over, deal the next one without a seed."""
        if self._over:
            self.reset()
            return
        self.steps += 1
        getattr(self, f"_step_{self.kind}")()

    def play(self, steps: int) -> None:
        """Take so many steps, or fewer if the game ends before."""
        for _ in range(steps):
            if self._over:
                return
            self.step()

    def _note(self, told: Any) -> None:
        self.told.append(copy.deepcopy(told))

    def _record(self, action: Any) -> None:
        self.actions.append((copy.deepcopy(action), len(self.told)))

    def _end(self, over: bool) -> None:
        self._over = over
        self.ends += over

    def _step_single(self) -> None:
        seen, info = self._now[0], self._now[-1]
        action = self._chooser.choose(self.env.action_space, mask_of(seen, info))
        self._record(action)
        self._now = self.env.step(action)
        self._note(self._now)
        self._end(bool(self._now[2]) or bool(self._now[3]))

    def _step_vector(self) -> None:
        env, masks = self.env, mask_of(self._now[0], self._now[-1])
        if masks is None:
            actions = self._chooser.choose(env.action_space)
        else:
            actions = np.array([self._chooser.choose(env.single_action_space, mask) for mask in masks])
        self._record(actions)
        self._now = env.step(actions)
        self._note(self._now)
        ended = np.logical_or(self._now[2], self._now[3])
        self.ends += int(ended.sum())
        if ended.any() and str(env.metadata.get("autoreset_mode")).endswith("DISABLED"):
            seen, infos = env.reset(options={"reset_mask": ended})
            self._now = (seen, infos)
            self._note(self._now)

    def _step_parallel(self) -> None:
        env = self.env
        seen, infos = self._now[0], self._now[-1]
        actions = {
            agent: self._chooser.choose(env.action_space(agent), mask_of(seen.get(agent), infos.get(agent)))
            for agent in env.agents
        }
        self._record(actions)
        self._now = env.step(actions)
        self._note((list(env.agents), *self._now))
        self._end(not env.agents)

    def _step_aec(self) -> None:
        env = self.env
        seen, _, terminated, truncated, info = self._now
        action = None
        if not terminated and not truncated:
            action = self._chooser.choose(env.action_space(env.agent_selection), mask_of(seen, info))
        self._record(action)
        env.step(action)
        self.look()

    def look(self) -> None:
        """Note what the agents of an AEC environment are told now."""
        env = self.env
        self._end(not env.agents)
        if self._over:
            self._note(("all agents have left",))
            return
        views = {agent: env.observe(agent) for agent in env.agents} if self.views else {}
        self._now = env.last()
        state = (env.rewards, env.terminations, env.truncations, env.infos)
        self._note((env.agent_selection, list(env.agents), views, *self._now, *state))
