"""The check of the vector environment catches what is broken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from sandwich_env.envs.single import ChessEnv
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.testing import check_vector_env

OPTIONS: dict[str, Any] = {"opponent": "random", "max_plies": 7, "learner_color": "random"}


class WrongSeeds(ChessVectorEnv):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=None if seed is None else seed + 1, options=options)


class NoFinal(ChessVectorEnv):
    def step(self, actions: Any) -> Any:
        *result, infos = super().step(actions)
        infos.pop("final_obs", None)
        return (*result, infos)


class NoMasks(ChessVectorEnv):
    def step(self, actions: Any) -> Any:
        *result, infos = super().step(actions)
        return (*result, {key: value for key, value in infos.items() if key != "_ply"})


class IgnoresMask(ChessVectorEnv):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        if options is not None:
            assert isinstance(options["reset_mask"], np.ndarray | list)
            options = None
        return super().reset(seed=seed, options=options)


class TakesAnyMask(ChessVectorEnv):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        if options is not None and not (isinstance(options["reset_mask"], np.ndarray) and options["reset_mask"].any()):
            return self._seen(), {}
        return super().reset(seed=seed, options=options)


class TakesTheMaskAway(ChessVectorEnv):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        result = super().reset(seed=seed, options=options)
        if options is not None:
            options.pop("reset_mask")
        return result


class SharesRewards(ChessVectorEnv):
    _kept = np.zeros(4)

    def step(self, actions: Any) -> Any:
        seen, rewards, *rest = super().step(actions)
        self._kept[:] = rewards
        return (seen, self._kept, *rest)


class LateReward(ChessVectorEnv):
    _last = np.zeros(4)

    def step(self, actions: Any) -> Any:
        seen, rewards, *rest = super().step(actions)
        rewards, self._last = self._last, rewards
        return (seen, rewards, *rest)


class WrongMode(ChessVectorEnv):
    def __init__(self, *args: Any, autoreset_mode: Any, **options: Any) -> None:
        super().__init__(*args, autoreset_mode=autoreset_mode, **options)
        self.metadata = self.metadata | {"autoreset_mode": AutoresetMode.DISABLED}


class FloatRewards(ChessVectorEnv):
    def step(self, actions: Any) -> Any:
        seen, rewards, *rest = super().step(actions)
        return (seen, rewards.astype(np.float32), *rest)


def check(kind: type[ChessVectorEnv], **more: Any) -> None:
    check_vector_env(
        lambda *, autoreset_mode: kind(4, autoreset_mode=autoreset_mode, **OPTIONS | more),
        lambda: ChessEnv(**OPTIONS),
        steps=24,
    )


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (WrongSeeds, r"NEXT_STEP, reset\(seed=0\): observation of game"),
        (NoFinal, r"SAME_STEP, step \d+: infos: keys"),
        (NoMasks, r"NEXT_STEP, step 0: infos: keys"),
        (IgnoresMask, "NEXT_STEP, reset_mask"),
        (TakesAnyMask, "was taken, though it is malformed"),
        (TakesTheMaskAway, "the options that were passed"),
        (SharesRewards, "what an earlier call returned has changed|share memory"),
        (LateReward, "rewards: the arrays differ"),
        (WrongMode, "metadata says .*DISABLED"),
        (FloatRewards, "rewards: dtype float32 here, float64 there"),
    ],
)
def test_a_broken_vector_environment_is_caught(broken: type[ChessVectorEnv], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check(broken)


def test_reused_arrays_are_caught() -> None:
    with pytest.raises(AssertionError, match=r"what an earlier call returned has changed|share memory"):
        check(ChessVectorEnv, copy=False)


def test_games_that_never_end_are_too_little_to_go_by() -> None:
    with pytest.raises(AssertionError, match="0 games ended in 3 steps, too few to test resets"):
        check_vector_env(lambda *, autoreset_mode: ChessVectorEnv(2, autoreset_mode=autoreset_mode), ChessEnv, steps=3)
