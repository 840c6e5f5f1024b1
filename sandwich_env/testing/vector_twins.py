"""A vector environment played beside N single ones that are reset by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import Env, spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import iterate
from numpy.typing import NDArray

from sandwich_env.testing.driving import Chooser, mask_of
from sandwich_env.testing.equality import assert_not_shared
from sandwich_env.testing.findings import Findings, Halt
from sandwich_env.testing.values import why_outside

Bools = NDArray[np.bool_]
One = tuple[Any, dict[str, Any] | None]
"""An observation and an info of one game; the info is None where nothing was said of the game."""


class Twins:
    """A vector environment and, where they are given, single ones that have to tell the same.

    Args:
        vec: the vector environment.
        singles: one environment for each of its games, or none at all.
        mode: the autoreset mode that `vec` was made in.
        found: where broken rules are noted.
        seed: of the actions.
        check_aliasing: whether every call has to return new arrays.

    Attributes:
        speaks: a rule that differences break, in the place of the rule of what differs; None for none.
        apart: whether the two sides have told different things since the last full reset; then they are on different
            ways, and are not compared until the next one.
        ended: bool [N], the games that have ended and were not dealt again.
        ends: how many games have ended.
    """

    def __init__(
        self,
        vec: VectorEnv[Any, Any, Any],
        singles: list[Env[Any, Any]],
        mode: AutoresetMode,
        found: Findings,
        *,
        seed: int,
        check_aliasing: bool,
    ) -> None:
        self.vec, self.singles, self.mode, self.found = vec, singles, mode, found
        self.n = vec.num_envs
        self.check_aliasing = check_aliasing
        self.speaks: str | None = None
        self.apart = False
        self.ended: Bools = np.zeros(self.n, dtype=np.bool_)
        self.ends = 0
        self.seen: Any = None
        self.infos: dict[str, Any] = {}
        self._single_seen: list[Any] = [None] * self.n
        self._chooser = Chooser(seed)
        self._kept: list[tuple[Any, Any]] = []

    # --- The two sides of a call ---

    def reset(self, seed: int | list[int | None] | None, where: str) -> None:
        """Reset all games, by one seed or by a list."""
        given: Any = seed  # Gymnasium's type does not name the list that its documentation allows
        self.seen, self.infos = self._call(lambda: self.vec.reset(seed=given), where)
        seeds = [None if seed is None else seed + i for i in range(self.n)] if not isinstance(seed, list) else seed
        expected: list[One] = [single.reset(seed=seeds[i]) for i, single in enumerate(self.singles)]
        self.ended[:] = False
        self.apart = False
        self._hold((self.seen, self.infos), expected, where)

    def reset_some(self, mask: Bools, where: str, seed: int | None = None) -> None:
        """Reset the games of a mask, and nothing else."""
        options, before = {"reset_mask": mask.copy()}, self.seen
        self.seen, self.infos = self._call(lambda: self.vec.reset(seed=seed, options=options), where)
        self.found.same("options-kept", options, {"reset_mask": mask}, f"{where}: the options that were passed")
        for i in np.flatnonzero(~mask):
            untouched = (self._one(self.seen, i), self._one(before, i))
            self.found.same("reset-mask", *untouched, f"{where}: game {i}, which was to be left alone")
        expected: list[One] = [
            single.reset(seed=None if seed is None else seed + i) if mask[i] else (self._single_seen[i], None)
            for i, single in enumerate(self.singles)
        ]
        self.ended &= ~mask
        self._hold((self.seen, self.infos), expected, where)

    def actions(self) -> Any:
        """Legal actions for all games."""
        masks, space = mask_of(self.seen, self.infos), self.vec.single_action_space
        if isinstance(space, spaces.Discrete):
            chosen = [self._chooser.choose(space, None if masks is None else masks[i]) for i in range(self.n)]
            return np.array(chosen, dtype=space.dtype)
        return self._chooser.choose(self.vec.action_space)

    def step(self, where: str) -> None:
        """Take a step by legal actions on both sides."""
        actions = self.actions()
        returned = self._call(lambda: self.vec.step(actions), where)
        self.seen, rewards, terminated, truncated, self.infos = returned
        right = self._types(rewards, terminated, truncated, where)
        if self.mode is AutoresetMode.NEXT_STEP and right:
            idle = not (rewards[self.ended].any() or terminated[self.ended].any() or truncated[self.ended].any())
            self.found.expect(
                "next-step", idle, lambda: f"{where}: games that are dealt again are paid {rewards}, over {terminated}"
            )
        finals = self._step_singles(actions, (rewards, terminated, truncated), where)
        done: Bools = np.logical_or(terminated, truncated)
        self._hold(returned, finals[0], where, done=done, finals=finals[1])
        self.ends += int(done.sum())
        self.ended = done.copy() if self.mode is not AutoresetMode.SAME_STEP else np.zeros_like(done)

    def _step_singles(self, actions: Any, given: tuple[Any, ...], where: str) -> tuple[list[One], dict[int, One]]:
        """Step the single environments; what they tell, and the ends that were followed by a reset."""
        if not self.singles or self.apart:
            return [], {}
        expected: list[One] = []
        finals: dict[int, One] = {}
        paid, over = np.zeros(self.n), np.zeros((2, self.n), dtype=np.bool_)
        for i, action in enumerate(iterate(self.vec.action_space, actions)):
            single = self.singles[i]
            if self.ended[i]:
                expected.append(single.reset())
                continue
            one, reward, over[0, i], over[1, i], info = single.step(action)
            paid[i] = float(reward)
            if over[:, i].any() and self.mode is AutoresetMode.SAME_STEP:
                finals[i] = (one, info)
                one, info = single.reset()
            expected.append((one, info))
        names = ("rewards", "terminations", "truncations")
        for name, value, right in zip(names, given, (paid, over[0], over[1]), strict=True):
            self._same(name, value, right, f"{where}: {name}")
        return expected, finals

    # --- What is held against what ---

    def _call(self, call: Callable[[], Any], where: str) -> Any:
        return self.found.attempt((self.speaks if self.singles else None) or "works", call, where)

    def _same(self, rule: str, first: Any, second: Any, where: str) -> None:
        if not self.apart:
            self.apart = not self.found.same(self.speaks or rule, first, second, where)

    def _one(self, seen: Any, i: Any) -> Any:
        """The observation of game i, out of those of all games."""
        return plain(self.vec.single_observation_space, list(iterate(self.vec.observation_space, seen))[i])

    def _types(self, rewards: Any, terminated: Any, truncated: Any, where: str) -> bool:
        right = _is_array(rewards, "f", self.n) and _is_array(terminated, "b", self.n)
        right = right and _is_array(truncated, "b", self.n)
        return self.found.expect(
            "types",
            right,
            lambda: f"{where}: not {self.n} floats and bools: {rewards!r}, {terminated!r}, {truncated!r}",
        )

    def _hold(
        self,
        returned: tuple[Any, ...],
        expected: list[One],
        where: str,
        done: Bools | None = None,
        finals: dict[int, One] | None = None,
    ) -> None:
        found, seen, infos = self.found, returned[0], returned[-1]
        why = why_outside(self.vec.observation_space, seen)
        if why is None and not self.vec.observation_space.contains(seen):
            why = "observation is not contained in the space"
        if not found.expect("observation-space", why is None, f"{where}: {why}"):
            return
        self._hold_infos(infos, where, done)
        if expected and not self.apart:
            space = self.vec.single_observation_space
            for i, one in enumerate(iterate(self.vec.observation_space, seen)):
                right = plain(space, expected[i][0])
                self._same("observations", plain(space, one), right, f"{where}: observation of game {i}")
            self._single_seen = [copy.deepcopy(one) for one, _ in expected]
            self._same("infos", dict(infos), self._batched([info for _, info in expected], finals), f"{where}: infos")
        if self.check_aliasing:
            self._hold_kept(returned, where)

    def _hold_infos(self, infos: Any, where: str, done: Bools | None) -> None:
        found = self.found
        if not found.expect("types", isinstance(infos, dict), f"{where}: infos are a {type(infos).__name__}"):
            raise Halt("types")
        why = why_no_infos(infos, self.n)
        found.expect("info-masks", why is None, f"{where}: {why}")
        ended: Bools = np.zeros(self.n, dtype=np.bool_)
        if done is not None and self.mode is AutoresetMode.SAME_STEP:
            ended = done
        for key in ("final_obs", "final_info"):
            there = np.asarray(infos.get(f"_{key}", np.zeros(self.n, dtype=np.bool_)))
            right = np.array_equal(there, ended) and (key in infos) == bool(ended.any())
            found.expect("final", right, lambda: f"{where}: games {np.flatnonzero(ended)} ended, infos {sorted(infos)}")

    def _batched(self, infos: list[dict[str, Any] | None], finals: dict[int, One] | None) -> dict[str, Any]:
        """Infos of single environments in a vector environment's form, as Gymnasium itself makes it."""
        maker: VectorEnv[Any, Any, Any] = VectorEnv()
        maker.num_envs = self.n
        batched: dict[str, Any] = {}
        for i, info in enumerate(infos):
            if finals and i in finals:
                one, last = finals[i]
                batched = maker._add_info(batched, {"final_obs": one, "final_info": last}, i)
            batched = maker._add_info(batched, info or {}, i)
        return batched

    def _hold_kept(self, returned: tuple[Any, ...], where: str) -> None:
        """What earlier calls returned has not changed, and nothing new lies in its memory."""
        for old, as_it_was in self._kept:
            self.found.same("aliasing", old, as_it_was, f"{where}: what an earlier call returned has changed")
            try:
                assert_not_shared(old, returned, where)
            except AssertionError as error:
                self.found.expect("aliasing", False, str(error))
        self._kept = [*self._kept[-1:], (returned, copy.deepcopy(returned))]


def plain(space: Any, value: Any) -> Any:
    """An observation with plain dicts, and whole numbers as `int`: an element of a batch comes as NumPy's."""
    if isinstance(space, spaces.Dict):
        return {key: plain(space[key], value[key]) for key in sorted(value)}
    if isinstance(space, spaces.Tuple):
        return tuple(plain(part, one) for part, one in zip(space.spaces, value, strict=True))
    return int(value) if isinstance(space, spaces.Discrete) else value


def why_no_infos(infos: dict[str, Any], n: int) -> str | None:
    """What is wrong with the form of a vector environment's infos; None if nothing is."""
    for key, value in infos.items():
        if key.startswith("_") and key[1:] in infos:
            if not _is_array(value, "b", n):
                return f"infos[{key!r}] is {value!r}, not {n} bools"
            continue
        if f"_{key}" not in infos:
            return f"infos[{key!r}] has no mask infos['_{key}']"
        if isinstance(value, dict):
            why = why_no_infos(value, n)
            if why:
                return f"in infos[{key!r}]: {why}"
        elif not isinstance(value, np.ndarray) or value.shape[:1] != (n,):
            return f"infos[{key!r}] is {value!r}, not an array with {n} rows"
    return None


def _is_array(value: Any, kind: str, n: int) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == kind and value.shape == (n,)
