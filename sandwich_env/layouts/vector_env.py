"""Layouts around a Gymnasium vector environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from sandwich_env.layouts.base import Arrays, Stack, tree_row
from sandwich_env.specs import Spec, from_spec

_FINAL, _FINAL_INFO = "final_obs", "final_info"


if TYPE_CHECKING:
    _Wrapper: TypeAlias = VectorWrapper[Any, Any, Any, Any, Any]
else:
    _Wrapper = VectorWrapper  # which takes no parameters in Gymnasium 1.2, RLlib's version


class LayoutVectorEnv(_Wrapper):
    """A vector environment with its observations laid out anew, the final ones of `SAME_STEP` included.

    Args:
        env: whose observations are a Dict.
        stack: the layouts, or their spec.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], stack: Stack | Spec) -> None:
        super().__init__(env)
        self._stack, self.single_observation_space = from_spec(stack, Stack).over(env.single_observation_space)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """What happens to a game that has ended; TorchRL asks for it, and Gymnasium's wrappers do not pass it on."""
        mode: AutoresetMode = self.env.metadata["autoreset_mode"]
        return mode

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Deal new games; see the environment inside."""
        seen, infos = self.env.reset(seed=seed, options=options)  # type: ignore[arg-type]
        rows = None if options is None else options.get("reset_mask")
        return self._laid_out(seen, infos, rows)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Play an action in each game; see the environment inside."""
        seen, rewards, terminated, truncated, infos = self.env.step(actions)
        shown, told = self._laid_out(seen, infos)
        return shown, rewards, terminated, truncated, told

    def _laid_out(
        self, seen: Arrays, infos: dict[str, Any], rows: NDArray[np.bool_] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """The observations, and infos that tell of the games where `rows` [N] is true, or of all."""
        shown, told = self._stack.both(seen)
        if rows is None:
            rows = np.ones(self.num_envs, dtype=np.bool_)
        else:
            index = np.flatnonzero(rows)
            told = {key: _spread(part[index], index, self.num_envs) for key, part in told.items()}
        infos = dict(infos) | _with_masks(told, rows)
        if _FINAL in infos:
            self._lay_out_ends(infos)
        return shown, infos

    def _lay_out_ends(self, infos: dict[str, Any]) -> None:
        ended = infos[f"_{_FINAL}"]
        index = np.flatnonzero(ended)
        ends = infos[_FINAL]
        batch = {key: np.stack([ends[i][key] for i in index]) for key in ends[index[0]]}
        shown, told = self._stack.both(batch)
        final = np.empty(self.num_envs, dtype=object)
        for k, i in enumerate(index):
            final[i] = tree_row(shown, k)
        spread = {key: _spread(part, index, self.num_envs) for key, part in told.items()}
        infos[_FINAL] = final
        infos[_FINAL_INFO] = dict(infos[_FINAL_INFO]) | _with_masks(spread, ended)


def _with_masks(told: Arrays, rows: NDArray[np.bool_]) -> dict[str, Any]:
    """Arrays as Gymnasium's vector infos have them: each with a mask of the games that it is about."""
    return dict(told) | {f"_{key}": rows.copy() for key in told}


def _spread(part: NDArray[Any], index: NDArray[np.int64], count: int) -> NDArray[Any]:
    """Rows for some of the games as an array for all of them, 0 for the others."""
    spread = np.zeros((count, *part.shape[1:]), dtype=part.dtype)
    spread[index] = part
    return spread
