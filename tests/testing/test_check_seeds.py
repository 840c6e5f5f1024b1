"""The check of seeds passes what is right, in every kind of environment, and each rule catches what breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from toy_envs import Nim, NimParallel, NimSingle, look

from sandwich_env import sandwich_chess_v0
from sandwich_env.envs.single import ChessEnv
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.errors import SpecError
from sandwich_env.testing import Findings, check_seeds
from sandwich_env.testing.seeds import SEED_RULES

NOISY = {"kind": "random_move", "inner": {"kind": "honest", "expert": {"kind": "uniform"}}, "epsilon": 0.5}
OPTIONS: dict[str, Any] = {"advisor": NOISY, "max_plies": 20}
ENDGAMES = ["7k/8/5KQ1/8/8/8/8/8 w - - 0 1", "4k3/8/8/8/8/8/4P3/4K3 b - - 96 80", "8/P6k/8/8/8/8/p6K/8 w - - 0 1"]


def sync(mode: AutoresetMode) -> SyncVectorEnv[Any, Any]:
    return SyncVectorEnv([NimSingle] * 3, autoreset_mode=mode)


@pytest.mark.parametrize(
    "env_fn",
    [Nim, NimSingle, NimParallel, *(lambda mode=mode: sync(mode) for mode in AutoresetMode)],
    ids=["aec", "single", "parallel", *(mode.name for mode in AutoresetMode)],
)
def test_a_right_environment_of_each_kind_passes(env_fn: Callable[[], Any]) -> None:
    found = check_seeds(env_fn, seeds=3, steps=40, stochastic=True)
    assert found.not_reached() == []
    assert found.steps > 150


def test_an_environment_of_gymnasium_passes() -> None:
    check_seeds(lambda: gymnasium.make("CartPole-v1"), seeds=2, steps=40, stochastic=True)
    check_seeds(lambda: gymnasium.make("Pendulum-v1"), seeds=2, steps=20, stochastic=True)


@pytest.mark.parametrize(
    "env_fn",
    [
        lambda: sandwich_chess_v0.env(starts=ENDGAMES, **OPTIONS),
        lambda: sandwich_chess_v0.parallel_env(starts=ENDGAMES, **OPTIONS),
        lambda: ChessEnv(opponent="random", **OPTIONS),
        lambda: ChessVectorEnv(3, opponent="random", learner_color="random", **OPTIONS),
    ],
    ids=["aec", "parallel", "single", "vector"],
)
def test_each_of_ours_passes(env_fn: Callable[[], Any]) -> None:
    assert check_seeds(env_fn, seeds=2, steps=25, stochastic=True).not_reached() == []


@pytest.mark.slow
def test_whole_games_of_ours_pass() -> None:
    found = check_seeds(lambda: sandwich_chess_v0.env(advisor=NOISY), seeds=1)
    assert found.steps > 200 * found.games
    check_seeds(lambda: ChessEnv(advisor=NOISY, opponent="random"), seeds=1, stochastic=True)
    options: dict[str, Any] = {"advisor": NOISY, "opponent": "random", "advised": "both", "max_plies": 120}
    check_seeds(lambda: ChessVectorEnv(4, **options), seeds=1, steps=100, stochastic=True)


def test_what_is_no_environment_is_refused() -> None:
    with pytest.raises(SpecError, match="3 is no environment: it must be an AECEnv"):
        check_seeds(lambda: 3)


# --- One environment for each rule, broken in that point ---


class Deals(NimSingle):
    """Where the broken ones differ: from how many stones a game starts."""

    def stones_for(self, seed: int | None) -> int:
        raise NotImplementedError

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.stones = self.stones_for(seed)
        return look(self.stones, 0), {}


class Raises(Deals):
    def stones_for(self, seed: int | None) -> int:
        raise RuntimeError("no stones today")


class StepRaises(NimSingle):
    def step(self, action: Any) -> Any:
        raise RuntimeError("no step today")


class OverAtOnce(NimParallel):
    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        told = super().reset(seed, options)
        self.agents = []
        return told

    def step(self, actions: Any) -> Any:
        raise AssertionError("never called")


class IgnoresSeed(Deals):
    _fresh = np.random.default_rng(3)

    def stones_for(self, seed: int | None) -> int:
        return int(self._fresh.integers(6, 40))


class EachSeedOnce(Deals):
    """Another game each time that a seed comes again."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[int | None, int] = {}

    def stones_for(self, seed: int | None) -> int:
        self._seen[seed] = self._seen.get(seed, 0) + 1
        return 6 + self._seen[seed] + (seed or 0) % 20


class Remembers(Deals):
    """Depends on how many steps were taken before."""

    plies = 0

    def stones_for(self, seed: int | None) -> int:
        return self.stones + self.plies % 5

    def step(self, action: Any) -> Any:
        self.plies += 1
        return super().step(action)


class SeriesFromElsewhere(Deals):
    """Games after the seeded one are drawn from a generator that all objects share."""

    _shared = np.random.default_rng(4)

    def stones_for(self, seed: int | None) -> int:
        return self.stones if seed is not None else int(self._shared.integers(6, 40))


class CountsObjects(Deals):
    """The third object of the class, and those after it, deal other games."""

    made = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).made += 1
        self.number = self.made

    def stones_for(self, seed: int | None) -> int:
        return self.stones + (self.number > 2)


class DrawsGlobally(Deals):
    def stones_for(self, seed: int | None) -> int:
        return int(np.random.randint(6, 40))  # noqa: NPY002


class SeedsGlobally(Deals):
    def stones_for(self, seed: int | None) -> int:
        np.random.seed(seed)  # noqa: NPY002
        return self.stones


class OneGame(NimSingle):
    """The seed is taken, and nothing comes of it."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return super().reset(seed=5)


class SameGameAgain(NimSingle):
    _last: int | None = None

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self._last = self._last if seed is None else seed
        return super().reset(seed=self._last)


class SeededByDefault(NimSingle):
    def __init__(self) -> None:
        super().__init__()
        super().reset(seed=0)


BROKEN: list[tuple[Callable[[], Any], str, str]] = [
    (Raises, "plays", "seed 0, game 0 raised RuntimeError: no stones today"),
    (StepRaises, "plays", "seed 0, game 0 raised RuntimeError: no step today"),
    (OverAtOnce, "steps", "seed 0, game 0 is over before the first step"),
    (IgnoresSeed, "same-seed", "seed 0 in another environment"),
    (EachSeedOnce, "same-seed-again", "seed 0 again"),
    (Remembers, "history", "seed 0 in one that played another game before"),
    (SeriesFromElsewhere, "series", r"the games after seed \d"),
    (CountsObjects, "new-object", "seed 0 in an environment made later"),
    (DrawsGlobally, "global-state", "the global random state"),
    (SeedsGlobally, "global-state", "the global random state"),
    (OneGame, "seeds-differ", "the seeds 0 to 2 give one and the same game"),
    (SameGameAgain, "series-moves-on", "deals the seeded game once more"),
    (SeededByDefault, "unseeded", "6 environments that were never seeded"),
]


@pytest.mark.parametrize(("broken", "rule", "says"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_environment_is_caught(broken: Callable[[], Any], rule: str, says: str) -> None:
    CountsObjects.made = 0
    found = check_seeds(broken, seeds=3, steps=40, stochastic=True, findings=Findings(SEED_RULES, collect=True))
    assert re.search(says, found.broken[rule])
    CountsObjects.made = 0
    with pytest.raises(AssertionError, match=r" \[[a-z-]+\]$"):
        check_seeds(broken, seeds=3, steps=40, stochastic=True)


def test_each_rule_is_seen_to_catch_something() -> None:
    assert {rule for _, rule, _ in BROKEN} == set(SEED_RULES)


def test_the_global_generators_are_left_as_they_were() -> None:
    np.random.seed(11)  # noqa: NPY002
    expected = np.random.RandomState(11).random(3)
    check_seeds(Nim, seeds=1)
    np.testing.assert_array_equal(np.random.random(3), expected)  # noqa: NPY002


def test_a_broken_parallel_turn_based_and_vector_environment_is_caught_too() -> None:
    class Series(Nim):
        def reset(self, seed: Any = None, options: Any = None) -> None:
            super().reset(seed, options)
            if seed is None:
                self.stones = int(SeriesFromElsewhere._shared.integers(6, 40))

    class ParallelSeries(NimParallel):
        def __init__(self) -> None:
            super().__init__()
            self.game = Series()

    def vector() -> Any:
        return SyncVectorEnv([SeriesFromElsewhere] * 2)

    for env_fn, says in ((Series, "games after"), (ParallelSeries, "games after"), (vector, "another environment")):
        with pytest.raises(AssertionError, match=says):
            check_seeds(env_fn, seeds=2)
