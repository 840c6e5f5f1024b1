"""The native vector environment as stable-baselines3 wants it: a `VecEnv` of its own kind."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from sandwich_env.errors import MissingExtraError, SpecError
from sandwich_env.layouts.base import MASK

try:
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import VecEnv
except ModuleNotFoundError as error:
    raise MissingExtraError("stable_baselines3", "sb3") from error


class SandwichVecEnv(VecEnv):
    """N games for stable-baselines3 and sb3-contrib, stepped together.

    `MaskablePPO` asks for `action_masks()`, so that the mask is no part of the observation. Infos are those of N
    environments with a `Monitor` around each: `episode` (`r`, `l`, `t`), `terminal_observation` and
    `TimeLimit.truncated` at the end of each game.

    Args:
        envs: `gym.make_vec("sandwich_env:sandwich/Chess-v0", autoreset_mode="SameStep", ...)`, with
            layouts around it or not.

    Raises:
        SpecError: no vector environment, one with another autoreset mode, or a layout that stable-baselines3 refuses.
        MissingExtraError: stable-baselines3 is not installed (when this module is imported).
    """

    def __init__(self, envs: VectorEnv[Any, Any, Any]) -> None:
        _check(envs)
        self.envs = envs
        shown = envs.single_observation_space
        if isinstance(shown, spaces.Dict):
            shown = spaces.Dict({key: part for key, part in shown.spaces.items() if key != MASK})
        self._actions: NDArray[np.int64] | None = None
        self._returns = np.zeros(envs.num_envs)
        self._lengths = np.zeros(envs.num_envs, dtype=np.int64)
        self._began = time.time()
        super().__init__(envs.num_envs, shown, envs.single_action_space)

    def reset(self) -> Any:
        """Deal new games, with the seeds of `seed()` where there are some."""
        seeds = list(self._seeds)
        seen, infos = self.envs.reset(seed=None if seeds[0] is None else seeds)  # type: ignore[arg-type]
        self._reset_seeds()
        self._reset_options()
        self._returns[:] = 0
        self._lengths[:] = 0
        self.reset_infos = [_info(infos, i) for i in range(self.num_envs)]
        return _unmasked(seen)

    def step_async(self, actions: NDArray[np.int64]) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Play the actions that were sent: observations, rewards, which games have ended, and infos."""
        seen, rewards, terminated, truncated, infos = self.envs.step(self._actions)
        self._returns += rewards
        self._lengths += 1
        done = terminated | truncated
        ends = np.flatnonzero(done)
        told = [_info(infos, i) | {"TimeLimit.truncated": False} for i in range(self.num_envs)]
        for i in ends.tolist():
            told[i] = self._end(i, infos) | {"TimeLimit.truncated": bool(truncated[i] and not terminated[i])}
        self._returns[ends] = 0
        self._lengths[ends] = 0
        return _unmasked(seen), rewards.astype(np.float32), done, told

    def _end(self, i: int, infos: dict[str, Any]) -> dict[str, Any]:
        """The info of a game that has ended, as `Monitor` and stable-baselines3's own vector environments give it."""
        info = _info(infos["final_info"], i)
        seconds = round(time.time() - self._began, 6)
        info["episode"] = {"r": round(float(self._returns[i]), 6), "l": int(self._lengths[i]), "t": seconds}
        info["terminal_observation"] = _unmasked(infos["final_obs"][i])
        return info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal, bool [N, actions]."""
        masks: NDArray[np.bool_] = self.envs.unwrapped.action_masks()  # type: ignore[attr-defined]
        return masks

    def close(self) -> None:
        self.envs.close()

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        pictures = self.envs.render()
        return [None] * self.num_envs if pictures is None else list(pictures)  # type: ignore[arg-type]

    # --- What stable-baselines3 asks each environment ---

    def has_attr(self, attr_name: str) -> bool:
        return (
            hasattr(self, attr_name) if attr_name == "action_masks" else bool(hasattr(self.envs.unwrapped, attr_name))
        )

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of the vector environment, once for each game; `action_masks` are functions of one game."""
        rows = self._rows(indices)
        if attr_name == "action_masks":
            return [lambda i=i: self.action_masks()[i] for i in rows]
        return [getattr(self.envs.unwrapped, attr_name)] * len(rows)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refused: the games share one environment.

        Raises:
            SpecError: always.
        """
        raise SpecError(f"{attr_name!r} cannot be set to {value!r}: the games share one environment, make it anew")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """What a method of each game gives; `action_masks` is the one that counts, and is asked once for all.

        Raises:
            AttributeError: any other but `render`, `board`, which the vector environment does not have for one game.
        """
        rows = self._rows(indices)
        if method_name == "action_masks":
            masks = self.action_masks()
            return [masks[i] for i in rows]
        if method_name == "board":
            return [self.envs.unwrapped.board(i) for i in rows]  # type: ignore[attr-defined]
        if method_name == "render":
            pictures = self.envs.render()
            return [None if pictures is None else pictures[i] for i in rows]
        raise AttributeError(f"the games have no method {method_name!r}: known: action_masks, board, render")

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> list[bool]:
        """True for `Monitor`, whose infos these are: `evaluate_policy` reads returns and lengths from them."""
        return [wrapper_class is Monitor] * len(self._rows(indices))

    def _rows(self, indices: int | Iterable[int] | None) -> list[int]:
        return list(self._get_indices(indices))


def _check(envs: object) -> None:
    if not isinstance(envs, VectorEnv):
        raise SpecError(
            f"{envs!r} is no vector environment: give gym.make_vec(..., autoreset_mode='SameStep'); a single one "
            "goes into stable-baselines3 as it is, or with layouts.wrap around it"
        )
    if not hasattr(envs.unwrapped, "action_masks"):
        raise SpecError(f"{envs!r} has no action_masks(): make it with vectorization_mode='vector_entry_point'")
    mode = envs.metadata.get("autoreset_mode")
    if mode is not AutoresetMode.SAME_STEP:
        raise SpecError(
            f"autoreset_mode is {mode!r}: stable-baselines3 sees a new game in the step that ended the last one, so "
            "make the environment with autoreset_mode='SameStep'"
        )
    shown = envs.single_observation_space
    for key, part in shown.spaces.items() if isinstance(shown, spaces.Dict) else ():
        if isinstance(part, spaces.Dict):
            raise SpecError(
                f"stable-baselines3 takes no Dict in a Dict, and {key!r} is one: leave NestedMask away; the mask "
                "is asked for by action_masks()"
            )


def _unmasked(seen: Any) -> Any:
    return {key: part for key, part in seen.items() if key != MASK} if isinstance(seen, dict) else seen


def _info(infos: dict[str, Any], i: int) -> dict[str, Any]:
    """Game i's info, as a single environment would give it, but for the mask."""
    info: dict[str, Any] = {}
    for key, part in infos.items():
        if key.startswith("_") or key in (MASK, "final_obs", "final_info"):
            continue
        if infos[f"_{key}"][i]:
            number = part[i]
            info[key] = number.item() if isinstance(number, np.generic) else number
    return info
