"""Nothing of the truth reaches a player, in any environment; and each way for it to leak is caught."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

from sandwich_env import sandwich_chess_v0
from sandwich_env.advisors.base import Advice, Advisor, Honest, Query
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.envs.aec import SandwichChessAEC
from sandwich_env.envs.parallel import SandwichChessParallel
from sandwich_env.envs.single import ChessEnv
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.testing import Findings, check_no_leak
from sandwich_env.testing.leak import LEAK_RULES

ID = "sandwich_env:sandwich/Chess-v0"
OPTIONS: dict[str, Any] = {"max_plies": 14}
MODES = ("NextStep", "SameStep", "Disabled")


def advisor() -> Advisor:
    return ValueNoise(RandomMove(Honest(UniformExpert()), epsilon=0.5), scale=0.3)


def vector(mode: str) -> Callable[..., Any]:
    def make(**options: Any) -> Any:
        return gymnasium.make_vec(
            ID, num_envs=3, opponent="random", advised="both", autoreset_mode=mode, render_mode="ansi", **options
        )

    return make


KINDS: dict[str, tuple[Callable[..., Any], set[str]]] = {
    "aec": (lambda **options: sandwich_chess_v0.env(render_mode="ansi", **options), {"masks"}),
    "raw aec": (lambda **options: sandwich_chess_v0.raw_env(render_mode="ansi", **options), {"masks"}),
    "parallel": (lambda **options: sandwich_chess_v0.parallel_env(render_mode="ansi", **options), {"masks"}),
    "single": (lambda **options: gymnasium.make(ID, opponent="random", render_mode="ansi", **options), {"state"}),
    "self-play": (lambda **options: gymnasium.make(ID, render_mode="ansi", **options), {"state"}),
    **{f"vector, {mode}": (vector(mode), {"state"}) for mode in MODES},
}
"""Each environment, and the rules that do not apply to it."""


@pytest.mark.parametrize(
    ("kind", "asks"), [*((kind, "both") for kind in KINDS), ("aec", "move"), ("single", "value"), ("parallel", "value")]
)
def test_no_environment_leaks(kind: str, asks: Any) -> None:
    make, does_not_apply = KINDS[kind]
    found = check_no_leak(lambda a: make(advisor=a, asks=asks, **OPTIONS), advisor(), steps=24)
    assert set(found.not_reached()) == does_not_apply
    assert found.games >= 3


def test_no_picture_leaks() -> None:
    pytest.importorskip("cairosvg")
    found = check_no_leak(
        lambda a: ChessEnv(advisor=a, opponent="random", render_mode="rgb_array", **OPTIONS), advisor(), steps=3
    )
    assert found.held["pictures"] > 9


def test_rewards_of_ones_own_see_no_truth_either() -> None:
    def plies(games: Any, played: Any, outcome: Any) -> Any:
        return np.stack([games.ply, -games.ply], axis=1) / 100

    check_no_leak(lambda a: ChessEnv(advisor=a, reward=plies, **OPTIONS), advisor(), steps=40)


# --- One environment for each rule, leaking in that point ---


class Leaky(ChessEnv):
    """Where the leaks differ: in what is told."""

    def tell(self, seen: Any, info: Any, truth: Any) -> None:
        """Put something of the truth (None before there is one) into what is told."""

    @property
    def truth(self) -> Any:
        return None if self.scorer.last is None else self.scorer.last.advice.provenance

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        seen, info = super().reset(seed=seed, options=options)
        self.tell(seen, info, self.truth)
        return seen, info

    def step(self, action: Any) -> Any:
        seen, reward, terminated, truncated, info = super().step(action)
        self.tell(seen, info, self.truth)
        return seen, reward, terminated, truncated, info


class StepRaises(Leaky):
    def step(self, action: Any) -> Any:
        raise RuntimeError("no step today")


class StripsProvenance(Advisor):
    def __init__(self, inner: Advisor) -> None:
        self.inner = inner

    def advise(self, query: Query) -> Advice:
        advice = self.inner.advise(query)
        nobody = np.full(len(query), "", dtype=object)
        return replace(advice, provenance=replace(advice.provenance, by=nobody))


class TellsInInfo(Leaky):
    def tell(self, seen: Any, info: Any, truth: Any) -> None:
        info["tampered"] = bool(truth.tampered[0])


class TellsHonestMove(Leaky):
    def tell(self, seen: Any, info: Any, truth: Any) -> None:
        seen["advice_move"] = np.int64(truth.honest_move[0])


class TellsName(Leaky):
    def tell(self, seen: Any, info: Any, truth: Any) -> None:
        info["by"] = str(truth.by[0])


class TellsNameInAKey(Leaky):
    def tell(self, seen: Any, info: Any, truth: Any) -> None:
        info[str(truth.by[0])] = 1


class GivesAudit(Leaky):
    def tell(self, seen: Any, info: Any, truth: Any) -> None:
        info["advice"] = np.array([self.scorer.last], dtype=object)


class PaysForTruth(Leaky):
    def step(self, action: Any) -> Any:
        seen, reward, *rest = super().step(action)
        return (seen, reward + 0.01 * float(self.truth.tampered[0]), *rest)


class DrawsTruth(Leaky):
    def render(self) -> Any:
        return f"{super().render()}{'!' if self.truth.tampered[0] else ''}"


class MasksTruth(Leaky):
    def action_masks(self) -> Any:
        return super().action_masks() | self.truth.tampered[0]


class Equal:
    """Equal to anything, whatever it holds."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Equal)

    __hash__ = None  # type: ignore[assignment]


class HidesInAnObject(Leaky):
    def tell(self, seen: Any, info: Any, truth: Any) -> None:
        info["held"] = Equal(float(truth.honest_value[0]))


class HidesBehindAView(Leaky):
    def tell(self, seen: Any, info: Any, truth: Any) -> None:
        both = np.array([seen["advice_value"][0], truth.honest_value[0]], dtype=np.float32)
        seen["advice_value"] = both[:1]


class StateOfTruth(SandwichChessAEC):
    def state(self) -> Any:
        return self.scorer.last.advice.provenance.honest_move.copy()


class PolicyInInfo(SandwichChessAEC):
    def step(self, action: Any) -> None:
        super().step(action)
        if self.agents:
            self.infos[self.agents[0]]["peak"] = float(self.scorer.last.advice.policy.max())


class HonestValueForTheOther(SandwichChessAEC):
    """The agent that waits sees the truth."""

    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        if agent != self.agent_selection:
            seen["advice_value"] = self.scorer.last.advice.provenance.honest_value.copy()
        return seen


class ParallelTells(SandwichChessParallel):
    def step(self, actions: Any) -> Any:
        *told, infos = super().step(actions)
        truth = self.unwrapped.scorer.last.advice.provenance
        return (*told, {agent: info | {"rate": float(truth.tampered.mean())} for agent, info in infos.items()})


class VectorTells(ChessVectorEnv):
    def step(self, actions: Any) -> Any:
        seen, *rest = super().step(actions)
        last = self.scorer.last
        if last is not None:
            seen["advice_value"][last.rows, 0] = last.advice.provenance.honest_value
        return (seen, *rest)


class VectorCounts(ChessVectorEnv):
    """How many of the games were tampered with."""

    def step(self, actions: Any) -> Any:
        *told, infos = super().step(actions)
        last = self.scorer.last
        number = 0 if last is None else int(last.advice.provenance.tampered.sum())
        return (*told, infos | {"tampered": np.full(2, number), "_tampered": np.ones(2, dtype=np.bool_)})


LEAKS: list[tuple[Callable[..., Any], str, str]] = [
    (StepRaises, "works", "step 0 raised RuntimeError: no step today"),
    (lambda **options: ChessEnv(protocol="never", **options), "asked", "the advisor was never asked"),
    (
        lambda advisor, **options: ChessEnv(advisor=StripsProvenance(advisor), **options),
        "varied",
        "the audit does not show",
    ),
    (TellsInInfo, "told", r"\['tampered'\]: (False here, True|True here, False) there"),
    (TellsHonestMove, "told", r"\['advice_move'\]: "),
    (PaysForTruth, "told", r"step \d+.*: (0.0 here, 0.01|0.01 here, 0.0) there"),
    (PolicyInInfo, "told", r"\['peak'\]: "),
    (HonestValueForTheOther, "told", r"\['advice_value'\]: "),
    (lambda **options: ParallelTells(sandwich_chess_v0.env(**options)), "told", r"\['rate'\]: "),
    (lambda **options: VectorTells(2, **options), "told", r"\['advice_value'\]: the arrays differ"),
    (lambda **options: VectorCounts(2, **options), "told", r"\['tampered'\]: the arrays differ"),
    (lambda **options: DrawsTruth(render_mode="ansi", **options), "pictures", "pictures"),
    (StateOfTruth, "state", "state"),
    (MasksTruth, "masks", "masks"),
    (HidesInAnObject, "pickles", "pickles"),
    (HidesBehindAView, "memory", "memory"),
    (GivesAudit, "objects", "holds a Audit"),
    (TellsName, "names", r"\['by'\] names who tampered"),
    (TellsNameInAKey, "names", "a key names who tampered"),
]


@pytest.mark.parametrize(("leaky", "rule", "says"), LEAKS, ids=lambda value: getattr(value, "__name__", None))
def test_a_leak_is_caught(leaky: Callable[..., Any], rule: str, says: str) -> None:
    def make(a: Advisor) -> Any:
        return leaky(advisor=a, **OPTIONS)

    found = check_no_leak(make, advisor(), steps=20, findings=Findings(LEAK_RULES, collect=True))
    assert re.search(says, found.broken[rule])
    with pytest.raises(AssertionError, match=r" \[[a-z-]+\]$"):
        check_no_leak(make, advisor(), steps=20)


def test_each_rule_is_seen_to_catch_something() -> None:
    assert {rule for _, rule, _ in LEAKS} == set(LEAK_RULES)
