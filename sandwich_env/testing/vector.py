"""The contract of the vector environment: N single environments, step for step, in every autoreset mode."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from gymnasium import Env
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from sandwich_env.testing.equality import assert_not_shared, assert_same


class MakeVector(Protocol):
    """Makes the vector environment in an autoreset mode."""

    def __call__(self, *, autoreset_mode: AutoresetMode) -> VectorEnv[Any, Any, Any]: ...


def check_vector_env(
    make_vec_fn: MakeVector,
    make_single_fn: Callable[[], Env[Any, Any]],
    steps: int = 150,
    seed: int = 0,
    check_aliasing: bool = True,
) -> None:
    """Hold a vector environment against as many single ones, through random legal games, in all autoreset modes.

    Sub-environment i of a vector environment reset with the seed s has to be the single environment reset with s + i:
    the same observations, rewards, ends and infos, to the bit, through every automatic reset; an info of one game is an
    array with a mask beside it. `final_obs` and `final_info` are there when they should be; `reset_mask` resets what it
    says and nothing else, and is refused where it is malformed; no array is used twice.

    Args:
        make_vec_fn: makes the vector environment, in the mode that it is given as `autoreset_mode`.
        make_single_fn: makes a single environment with the same arguments.
        steps: how many steps to take in each mode; enough for games to end (make them short with `max_plies`).
        seed: of the games and of the moves.
        check_aliasing: whether arrays must be new at every call; not so for one made with `copy=False`.

    Raises:
        AssertionError: what was wrong, in which mode and at which step.
    """
    for mode in AutoresetMode:
        check = _Check(make_vec_fn(autoreset_mode=mode), make_single_fn, mode, check_aliasing)
        try:
            check.run(steps, seed)
        finally:
            check.close()


class _Check:
    """One vector environment beside single ones that are reset by hand."""

    def __init__(
        self,
        vec: VectorEnv[Any, Any, Any],
        make_single_fn: Callable[[], Env[Any, Any]],
        mode: AutoresetMode,
        check_aliasing: bool,
    ) -> None:
        self.vec, self.mode, self.check_aliasing = vec, mode, check_aliasing
        self.n = vec.num_envs
        self.singles = [make_single_fn() for _ in range(self.n)]
        self.ended = np.zeros(self.n, dtype=np.bool_)
        self.seen: list[Any] = [None] * self.n
        self.kept: list[tuple[Any, Any]] = []
        self.ends = 0

    def run(self, steps: int, seed: int) -> None:
        self._check_spaces()
        self._reset(seed)
        rng = np.random.default_rng(seed)
        for t in range(steps):
            masks = [seen["action_mask"] for seen in self.seen]
            actions = np.array([rng.choice(np.flatnonzero(mask)) if mask.any() else 0 for mask in masks])
            self._step(actions, f"{self.mode.name}, step {t}")
        assert self.ends >= 2, f"{self.mode.name}: {self.ends} games ended in {steps} steps, too few to test resets"
        self._check_reset_mask(rng)

    def close(self) -> None:
        self.vec.close()
        for single in self.singles:
            single.close()

    def _check_spaces(self) -> None:
        single = self.singles[0]
        given = self.vec.metadata.get("autoreset_mode")
        assert given is self.mode, f"metadata says {given!r}, made for {self.mode!r}"
        assert self.vec.single_observation_space == single.observation_space, "single_observation_space is another"
        assert self.vec.single_action_space == single.action_space, "single_action_space is another"

    def _reset(self, seed: int) -> None:
        seen, infos = self.vec.reset(seed=seed)
        expected = [single.reset(seed=seed + i) for i, single in enumerate(self.singles)]
        self._compare(seen, infos, expected, f"{self.mode.name}, reset(seed={seed})")

    def _step(self, actions: NDArray[np.int64], where: str) -> None:
        seen, rewards, terminated, truncated, infos = self.vec.step(actions)
        expected: list[tuple[Any, dict[str, Any]]] = []
        finals: dict[int, tuple[Any, dict[str, Any]]] = {}
        paid = np.zeros(self.n)
        over = np.zeros((2, self.n), dtype=np.bool_)
        for i, single in enumerate(self.singles):
            if self.ended[i]:
                expected.append(single.reset())
                continue
            one, reward, over[0, i], over[1, i], info = single.step(actions[i])
            paid[i] = float(reward)
            if over[:, i].any() and self.mode is AutoresetMode.SAME_STEP:
                finals[i] = (one, info)
                one, info = single.reset()
            expected.append((one, info))
        assert_same(rewards, paid, f"{where}: rewards")
        assert_same(terminated, over[0], f"{where}: terminations")
        assert_same(truncated, over[1], f"{where}: truncations")
        self._compare(seen, infos, expected, where, finals)
        self._check_kept((seen, rewards, terminated, truncated, infos), where)
        done: NDArray[np.bool_] = np.logical_or(over[0], over[1])
        self.ends += int(done.sum())
        if self.mode is AutoresetMode.NEXT_STEP:
            self.ended = done
        elif self.mode is AutoresetMode.DISABLED and done.any():
            self._reset_some(done, f"{where}, reset_mask")

    def _reset_some(self, mask: NDArray[np.bool_], where: str, seed: int | None = None) -> None:
        options = {"reset_mask": mask.copy()}
        seen, infos = self.vec.reset(seed=seed, options=options)
        assert_same(options, {"reset_mask": mask}, f"{where}: the options that were passed")
        expected: list[tuple[Any, dict[str, Any] | None]] = []
        for i, single in enumerate(self.singles):
            if mask[i]:
                expected.append(single.reset(seed=None if seed is None else seed + i))
            else:
                expected.append((self.seen[i], None))
        self.ended &= ~mask
        self._compare(seen, infos, expected, where)
        self._check_kept((seen, infos), where)

    def _compare(
        self,
        seen: Any,
        infos: dict[str, Any],
        expected: list[Any],
        where: str,
        finals: dict[int, tuple[Any, dict[str, Any]]] | None = None,
    ) -> None:
        assert self.vec.observation_space.contains(seen), f"{where}: the observation is outside the space"
        for i, (one, _) in enumerate(expected):
            given = {key: values[i] for key, values in seen.items()}
            assert_same(given, one, f"{where}: observation of game {i}")
        self.seen = [copy.deepcopy(one) for one, _ in expected]
        right = _batch_infos([info for _, info in expected])
        if finals:
            right |= _batch_finals(finals, self.n)
        assert_same(dict(infos), right, f"{where}: infos")

    def _check_kept(self, returned: tuple[Any, ...], where: str) -> None:
        """What earlier calls returned has not changed, and nothing new lies in its memory."""
        if not self.check_aliasing:
            return
        for old, as_it_was in self.kept:
            assert_same(old, as_it_was, f"{where}: what an earlier call returned has changed")
            assert_not_shared(old, returned, where)
        self.kept = [*self.kept[-1:], (returned, copy.deepcopy(returned))]

    def _check_reset_mask(self, rng: np.random.Generator) -> None:
        mask = np.arange(self.n) % 2 == 0
        self._reset_some(mask, f"{self.mode.name}, reset_mask {mask}")
        self._reset_some(~mask, f"{self.mode.name}, reset_mask {~mask} with a seed", seed=99)
        none = np.zeros(self.n, dtype=np.bool_)
        for wrong in (none, mask[:-1], mask.astype(np.int64), mask.tolist()):
            _check_refused(self.vec, wrong)
        actions = np.array([int(np.argmax(seen["action_mask"])) for seen in self.seen])
        self._step(actions, f"{self.mode.name}, the step after malformed reset masks")


def _check_refused(vec: VectorEnv[Any, Any, Any], mask: Any) -> None:
    try:
        vec.reset(options={"reset_mask": mask})
    except (TypeError, ValueError):
        return
    raise AssertionError(f"the reset mask {mask!r} was taken, though it is malformed")


def _batch_infos(infos: list[dict[str, Any] | None]) -> dict[str, Any]:
    """Infos of single environments in a vector environment's form: an array and a mask for each key."""
    n = len(infos)
    batched: dict[str, Any] = {}
    for i, info in enumerate(infos):
        for key, value in (info or {}).items():
            if key not in batched:
                plain = isinstance(value, (bool, int, float, np.number))
                batched[key] = np.zeros(n, dtype=type(value)) if plain else np.full(n, None, dtype=object)
                batched[f"_{key}"] = np.zeros(n, dtype=np.bool_)
            batched[key][i] = value
            batched[f"_{key}"][i] = True
    return batched


def _batch_finals(finals: dict[int, tuple[Any, dict[str, Any]]], n: int) -> dict[str, Any]:
    seen, there = np.full(n, None, dtype=object), np.zeros(n, dtype=np.bool_)
    for i, (one, _) in finals.items():
        seen[i], there[i] = one, True
    infos = _batch_infos([finals[i][1] if i in finals else None for i in range(n)])
    return {"final_obs": seen, "_final_obs": there, "final_info": infos, "_final_info": there.copy()}
