"""The check of vector environments passes what is right, and each of its rules catches what breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from toy_envs import NimSingle

from sandwich_env.envs.single import ChessEnv
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.testing import Findings, check_vector_env
from sandwich_env.testing.vector import VECTOR_RULES

CHESS: dict[str, Any] = {"opponent": "random", "max_plies": 7, "learner_color": "random"}
KNOWN_OF_GYMNASIUM = ("options-kept", "refused-harmless")
"""What Gymnasium's SyncVectorEnv breaks: it takes the mask out of the options, and steps games before it refuses."""


class Safe(SyncVectorEnv[Any, Any]):
    """Gymnasium's own, without what it breaks: the environment that the others here break in one point."""

    single: type[NimSingle] = NimSingle

    def __init__(self, *, autoreset_mode: AutoresetMode) -> None:
        super().__init__([self.single] * 3, autoreset_mode=autoreset_mode)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=seed, options=None if options is None else dict(options))

    def step(self, actions: Any) -> Any:
        chosen = np.asarray(actions)
        inside = chosen.dtype.kind == "i" and chosen.shape == (3,) and self.action_space.contains(chosen)
        if not inside or (self.autoreset_mode is AutoresetMode.DISABLED and self._autoreset_envs.any()):
            raise ValueError(f"actions {actions!r}, games over {self._autoreset_envs}")
        return super().step(actions)


def check(vec: Callable[..., Any], single: Any = NimSingle, **more: Any) -> Findings:
    return check_vector_env(vec, single, steps=24, **more)


def test_a_right_environment_passes() -> None:
    found = check(Safe)
    assert found.not_reached() == []
    assert found.games > 20


def test_ours_passes() -> None:
    found = check(
        lambda *, autoreset_mode: ChessVectorEnv(4, autoreset_mode=autoreset_mode, **CHESS), lambda: ChessEnv(**CHESS)
    )
    assert found.not_reached() == []


def cartpoles(*, autoreset_mode: AutoresetMode) -> Any:
    return SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 3, autoreset_mode=autoreset_mode)


def test_gymnasiums_own_passes_but_for_two_known_rules() -> None:
    found = check_vector_env(cartpoles, lambda: gymnasium.make("CartPole-v1"), steps=60, waive=KNOWN_OF_GYMNASIUM)
    assert found.not_reached() == []
    found = Findings(VECTOR_RULES, collect=True)
    check_vector_env(cartpoles, lambda: gymnasium.make("CartPole-v1"), steps=60, findings=found)
    assert set(found.broken) == set(KNOWN_OF_GYMNASIUM)


def test_without_single_environments_the_rest_is_looked_at() -> None:
    found = check(Safe, None)
    unreached = {"observations", "rewards", "terminations", "truncations", "infos", "seed-list", "refused-harmless"}
    assert set(found.not_reached()) == unreached


# --- One environment for each rule, broken in that point ---


class StepFails(Safe):
    def step(self, actions: Any) -> Any:
        raise RuntimeError("no step today")


class WrongMode(Safe):
    def __init__(self, *, autoreset_mode: AutoresetMode) -> None:
        super().__init__(autoreset_mode=autoreset_mode)
        self.metadata = self.metadata | {"autoreset_mode": AutoresetMode.DISABLED}


class OtherSpaces(Safe):
    def __init__(self, *, autoreset_mode: AutoresetMode) -> None:
        super().__init__(autoreset_mode=autoreset_mode)
        self.single_action_space = spaces.Discrete(4)


class SpaceOfOneMore(Safe):
    def __init__(self, *, autoreset_mode: AutoresetMode) -> None:
        super().__init__(autoreset_mode=autoreset_mode)
        self.action_space = spaces.MultiDiscrete([3, 3, 3, 3])


class Told(Safe):
    """Where others differ: in what a step tells."""

    def tell(self, seen: Any, rewards: Any, over: Any, cut: Any, infos: Any) -> Any:
        raise NotImplementedError

    def step(self, actions: Any) -> Any:
        return self.tell(*super().step(actions))


class OutsideSpace(Told):
    def tell(self, seen: Any, *rest: Any) -> Any:
        return (seen | {"observation": seen["observation"] - 40}, *rest)


class OtherDtype(Told):
    def tell(self, seen: Any, *rest: Any) -> Any:
        return (seen | {"observation": seen["observation"].astype(np.int64)}, *rest)


class RewardsInAList(Told):
    def tell(self, seen: Any, rewards: Any, *rest: Any) -> Any:
        return (seen, rewards.tolist(), *rest)


class Float32Rewards(Told):
    def tell(self, seen: Any, rewards: Any, *rest: Any) -> Any:
        return (seen, rewards.astype(np.float32), *rest)


class IntegerFlags(Told):
    def tell(self, seen: Any, rewards: Any, over: Any, cut: Any, infos: Any) -> Any:
        return seen, rewards, over.astype(int), cut, infos


class InfoList(Told):
    def tell(self, *rest: Any) -> Any:
        return (*rest[:-1], [])


class WrongSeeds(Safe):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=seed + 1 if isinstance(seed, int) else seed, options=options)


class LateRewards(Told):
    _last = np.zeros(3)

    def tell(self, seen: Any, rewards: Any, *rest: Any) -> Any:
        rewards, self._last = self._last, rewards
        return (seen, rewards, *rest)


class EndsSwapped(Told):
    def tell(self, seen: Any, rewards: Any, over: Any, cut: Any, infos: Any) -> Any:
        return seen, rewards, cut, over, infos


class EverythingIsCut(Told):
    def tell(self, seen: Any, rewards: Any, over: Any, cut: Any, infos: Any) -> Any:
        return seen, rewards, over, over.copy(), infos


class OtherInfo(Told):
    def tell(self, *told: Any) -> Any:
        infos = told[-1]
        if "left" in infos:
            infos["left"] = infos["left"] + 1
        return told


class NoMasks(Told):
    def tell(self, *told: Any) -> Any:
        return (*told[:-1], {key: value for key, value in told[-1].items() if key != "_left"})


class ShortMasks(Told):
    def tell(self, *told: Any) -> Any:
        return (*told[:-1], told[-1] | {"_left": told[-1]["_left"][:2]} if "_left" in told[-1] else told[-1])


class NoFinal(Told):
    def tell(self, *told: Any) -> Any:
        return (*told[:-1], {key: value for key, value in told[-1].items() if "final_obs" not in key})


class FinalOfTheNext(Told):
    """The last observation is that of the game that is dealt next."""

    def tell(self, seen: Any, rewards: Any, over: Any, cut: Any, infos: Any) -> Any:
        for i in np.flatnonzero(over) if "final_obs" in infos else []:
            infos["final_obs"][i] = {key: value[i].copy() for key, value in seen.items()}
        return seen, rewards, over, cut, infos


class PaysForTheDeal(Safe):
    def step(self, actions: Any) -> Any:
        dealt = self._autoreset_envs.copy()
        seen, rewards, *rest = super().step(actions)
        return (seen, rewards - dealt, *rest)


class StepsOn(Safe):
    """Deals a game by itself that is to be dealt by hand."""

    def step(self, actions: Any) -> Any:
        if self.autoreset_mode is AutoresetMode.DISABLED and self._autoreset_envs.any():
            self.reset(options={"reset_mask": self._autoreset_envs.copy()})
        return super().step(actions)


class IgnoresMask(Safe):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=seed, options=options if options is None else {"reset_mask": np.ones(3, np.bool_)})


class MaskIgnoresSeed(Safe):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=None if options else seed, options=options)


class TakesAnyMask(Safe):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        if options is not None:
            mask = np.resize(np.asarray(options["reset_mask"], dtype=np.bool_), 3)
            options = {"reset_mask": mask} if mask.any() else None
        return super().reset(seed=seed, options=options)


class RefusesMaskTooLate(Safe):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        if options is not None and not isinstance(options["reset_mask"], np.ndarray):
            super().reset()
        return super().reset(seed=seed, options=options)


class TakesTheMaskAway(Safe):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        told = super().reset(seed=seed, options=options)
        if options:
            options.pop("reset_mask")
        return told


class FirstSeedForAll(Safe):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=[seed[0]] * len(seed) if isinstance(seed, list) else seed, options=options)


class NoneIsZero(Safe):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=[one or 0 for one in seed] if isinstance(seed, list) else seed, options=options)


class LongSeeds(Safe):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=(seed * 2)[:3] if isinstance(seed, list) else seed, options=options)


class Clips(Safe):
    def step(self, actions: Any) -> Any:
        chosen = np.asarray(actions)
        if chosen.dtype.kind == "i" and chosen.shape == (3,):
            left = np.array([env.unwrapped.stones for env in self.envs])
            actions = np.where((chosen < 0) | (chosen > 2), np.clip(left - 1, 0, 0), chosen)
        return super().step(actions)


class Rounds(Safe):
    def step(self, actions: Any) -> Any:
        chosen = np.asarray(actions)
        return super().step(chosen.astype(np.int64) if chosen.dtype.kind == "f" else actions)


class Fills(Safe):
    def step(self, actions: Any) -> Any:
        chosen = np.asarray(actions)
        return super().step(np.resize(chosen, 3) if chosen.shape == (2,) else actions)


class StepsBeforeItRefuses(Safe):
    def step(self, actions: Any) -> Any:
        try:
            return super().step(actions)
        except ValueError:
            self.envs[0].unwrapped.stones = 6
            self.envs[0].step(2)
            raise


class OneArray(Told):
    _kept = np.zeros(3)

    def tell(self, seen: Any, rewards: Any, *rest: Any) -> Any:
        self._kept[:] = rewards
        return (seen, self._kept, *rest)


class KeepsMasks(Told):
    """An array of the infos that is the same at every call, and never changes."""

    _mask = np.ones(3, dtype=np.bool_)

    def tell(self, *told: Any) -> Any:
        infos = told[-1]
        if "_left" in infos and infos["_left"].all():
            infos["_left"] = self._mask
        return told


class LongGame(NimSingle):
    def step(self, action: Any) -> Any:
        self.stones += int(action) + 4
        return super().step(action)


class NeverEnds(Safe):
    single = LongGame


class CloseOnce(Safe):
    def close(self, **options: Any) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        super().close(**options)


BROKEN: list[tuple[type[Safe], str, str]] = [
    (StepFails, "works", "NEXT_STEP, step 0 raised RuntimeError: no step today"),
    (WrongMode, "mode", "metadata says .*DISABLED"),
    (OtherSpaces, "spaces", r"single_action_space is Discrete\(4\)"),
    (SpaceOfOneMore, "batched-spaces", "action_space is not single_action_space batched for 3 games"),
    (OutsideSpace, "observation-space", "is -.*, outside"),
    (OtherDtype, "observation-space", "has the dtype int64, not int16"),
    (RewardsInAList, "types", "not 3 floats and bools"),
    (IntegerFlags, "types", "not 3 floats and bools"),
    (InfoList, "types", "infos are a list"),
    (WrongSeeds, "observations", r"NEXT_STEP, reset\(seed=0\): observation of game"),
    (LateRewards, "rewards", "rewards: the arrays differ"),
    (Float32Rewards, "rewards", "rewards: dtype float32 here, float64 there"),
    (EndsSwapped, "terminations", "terminations: the arrays differ"),
    (EverythingIsCut, "truncations", "truncations: the arrays differ"),
    (OtherInfo, "infos", r"infos\['left'\]: the arrays differ"),
    (FinalOfTheNext, "infos", r"SAME_STEP, step \d+: infos\['final_obs'\]"),
    (NoMasks, "info-masks", r"infos\['left'\] has no mask infos\['_left'\]"),
    (ShortMasks, "info-masks", r"infos\['_left'\] is .*, not 3 bools"),
    (NoFinal, "final", r"SAME_STEP, step \d+: games .* ended, infos"),
    (PaysForTheDeal, "next-step", "games that are dealt again are paid .*-1"),
    (StepsOn, "disabled", "a step though games .* have ended was taken"),
    (IgnoresMask, "reset-mask", "game 1, which was to be left alone"),
    (MaskIgnoresSeed, "reset-mask", "seed 99: observation of game"),
    (TakesAnyMask, "reset-mask-refused", "the reset mask .* was taken"),
    (RefusesMaskTooLate, "refused-harmless", "the step after malformed reset masks"),
    (TakesTheMaskAway, "options-kept", "the options that were passed"),
    (FirstSeedForAll, "seed-list", r"reset\(seed=\[3, 10, 17\]\): observation of game"),
    (NoneIsZero, "seed-list", r"None, 2\]\): observation of game 1"),
    (LongSeeds, "seed-list-refused", r"the seeds \[0, 0, 0, 0\] was taken"),
    (Clips, "actions-refused", r"one too high, \[.*3\], as actions was taken"),
    (Rounds, "actions-refused", "fractions, .* as actions was taken"),
    (Fills, "actions-refused", "too few, .* as actions was taken"),
    (StepsBeforeItRefuses, "refused-harmless", "the step after too few as actions"),
    (OneArray, "aliasing", "what an earlier call returned has changed|share memory"),
    (KeepsMasks, "aliasing", "share memory"),
    (NeverEnds, "ends", "0 games ended in 24 steps, too few to test resets"),
    (CloseOnce, "close", "a second time, raised RuntimeError: closed already"),
]


@pytest.mark.parametrize(("broken", "rule", "says"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_vector_environment_is_caught(broken: type[Safe], rule: str, says: str) -> None:
    found = check(broken, broken.single, findings=Findings(VECTOR_RULES, collect=True))
    assert re.search(says, found.broken[rule])
    with pytest.raises(AssertionError, match=r" \[[a-z-]+\]$"):
        check(broken, broken.single)


def test_each_rule_is_seen_to_catch_something() -> None:
    assert {rule for _, rule, _ in BROKEN} == set(VECTOR_RULES)


def test_reused_arrays_of_ours_are_caught_and_may_be_allowed() -> None:
    def reusing(*, autoreset_mode: AutoresetMode) -> ChessVectorEnv:
        return ChessVectorEnv(4, autoreset_mode=autoreset_mode, copy=False, **CHESS)

    with pytest.raises(AssertionError, match=r"what an earlier call returned has changed|share memory"):
        check(reusing, lambda: ChessEnv(**CHESS))
    found = check(reusing, lambda: ChessEnv(**CHESS), check_aliasing=False, waive=("reset-mask",))
    assert found.not_reached() == ["aliasing"]
