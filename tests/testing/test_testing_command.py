"""The command that runs every check on an environment by its name; replays in another process."""

from __future__ import annotations

import json
import re
import sys
import types
from collections.abc import Iterator
from typing import Any

import gymnasium
import pytest
from entropy_support import fix_entropy
from pettingzoo.utils.env_logger import EnvLogger
from toy_envs import Nim, NimParallel, NimSingle

from sandwich_env.errors import SpecError
from sandwich_env.testing import Findings, check_replay
from sandwich_env.testing.command import main
from sandwich_env.testing.named import NamedEnv
from sandwich_env.testing.public import GYMNASIUM_RULES, PETTINGZOO_RULES, check_public
from sandwich_env.testing.replay import REPLAY_RULES

OURS = "sandwich_env.sandwich_chess_v0"


class Told(Nim):
    """Cannot be played by who does not look: a step without a look before it is an error."""

    looked = False

    def observe(self, agent: str) -> Any:
        self.looked = True
        return super().observe(agent)

    def step(self, action: Any) -> None:
        if not self.looked:
            raise RuntimeError("look first")
        super().step(action)


class Hashed(NimSingle):
    """Depends on the hashes of strings, which are others in each process."""

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        seen, info = super().reset(seed=seed, options=options)
        return seen, info | {"hash": hash("sandwich")}

    def step(self, action: Any) -> Any:
        *told, info = super().step(action)
        return (*told, info | {"hash": hash("sandwich")})


@pytest.mark.parametrize("cls", ["Nim", "NimSingle", "NimParallel"])
def test_a_replay_comes_to_the_same(cls: str) -> None:
    found = check_replay(f"toy_envs:{cls}", {"low": 12})
    assert found.steps >= 3
    assert found.not_reached() == []


def test_ours_replays_with_actions_of_every_kind() -> None:
    check_replay(f"{OURS}:raw_env", steps=20)
    check_replay("sandwich/Chess-v0", {"opponent": "random", "max_plies": 20})
    check_replay("Pendulum-v1", steps=5)


BROKEN_REPLAYS = [
    ("Told", "replay-works", r"step\(\d\), the action number 0, raised RuntimeError: look first"),
    ("Hashed", "replay-same", r"the new process is told other things"),
]


@pytest.mark.parametrize(("cls", "rule", "says"), BROKEN_REPLAYS)
def test_a_broken_replay_is_caught(cls: str, rule: str, says: str) -> None:
    with pytest.raises(AssertionError, match=f"{says} \\[{rule}\\]$"):
        check_replay(f"test_testing_command:{cls}")
    found = check_replay(f"test_testing_command:{cls}", findings=Findings(REPLAY_RULES, collect=True))
    assert set(found.broken) == {rule}


def test_each_rule_of_the_replay_is_seen_to_catch_something() -> None:
    assert {rule for _, rule, _ in BROKEN_REPLAYS} == set(REPLAY_RULES)


def test_a_process_that_dies_is_an_error() -> None:
    with pytest.raises(SpecError, match="unknown environment 'toy_envs:Nimm': did you mean 'Nim'"):
        check_replay("toy_envs:Nimm")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_such_module:env", "unknown environment 'no_such_module:env': No module named"),
        ("toy_envs:Nym", "did you mean 'Nim'"),
        ("NoSuch-v0", "unknown environment 'NoSuch-v0'"),
    ],
)
def test_an_unknown_environment_is_named(name: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name])
    assert stopped.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["max_plies"], "'max_plies' is no option: give name=value"), (["--check", "check_x"], "no check 'check_x'")],
)
def test_a_wrong_argument_is_named(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"{OURS}:env", *arguments])
    assert says in capsys.readouterr().err


def test_a_right_environment_gives_0_and_names_each_rule(capsys: pytest.CaptureFixture[str]) -> None:
    before = gymnasium.logger.min_level, EnvLogger._output
    assert main(["toy_envs:Nim", "low=8", "--games", "16", "--steps", "40", "--stochastic"]) == 0
    assert (gymnasium.logger.min_level, EnvLogger._output) == before
    said = capsys.readouterr().out
    for line in ("check_aec (16 games, ", "pass  mask-not-empty", "pass  api_test", "pass  unseeded", "0 are broken"):
        assert line in said


def test_a_broken_environment_gives_1_and_its_first_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test_testing_command:Told", "--check", "check_replay"]) == 1
    said = capsys.readouterr().out
    assert "FAIL  replay-works: test_testing_command:Told: step(" in said
    assert "0 rules hold, 1 are broken" in said


def test_the_verdicts_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["toy_envs:NimParallel", "--json", "--check", "check_seeds", "--steps", "20"]) == 0
    (ran,) = json.loads(capsys.readouterr().out)
    assert (ran["check"], ran["games"] > 3) == ("check_seeds", True)
    assert {"check": "check_seeds", "rule": "same-seed", "verdict": "pass", "message": ""} in ran["verdicts"]


class Interrupted(Nim):
    """Breaks off a check at a place that no rule speaks of."""

    @property
    def possible_agents(self) -> list[str]:
        if getattr(self, "begun", False):
            raise OSError("the disk is gone")
        return ["player_0", "player_1"]

    @possible_agents.setter
    def possible_agents(self, agents: list[str]) -> None:
        pass

    def step(self, action: Any) -> None:
        super().step(action)
        self.begun = True


def test_a_check_that_is_broken_off_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test_testing_command:Interrupted", "--games", "2", "--check", "check_aec"]) == 1
    assert "FAIL  goes-through: OSError: the disk is gone" in capsys.readouterr().out


def test_ours_by_all_that_apply(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["max_plies=16", "--games", "8", "--steps", "20"]
    quick = ["check_aec", "check_seeds", "check_chess_observation", "check_no_leak", "check_replay"]
    assert main([f"{OURS}:raw_env", *options, *(word for name in quick for word in ("--check", name))]) == 0
    assert main(["sandwich/Chess-v0", *options, "--check", "public", "--check", "check_vector_env"]) == 0
    assert main([f"{OURS}:parallel_env", *options, "--check", "public", "--check", "check_no_leak"]) == 0
    assert capsys.readouterr().out.count("0 are broken") == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", [f"{OURS}:env", f"{OURS}:raw_env", f"{OURS}:parallel_env", "sandwich/Chess-v0"])
def test_ours_passes_all(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As the command runs them, but few games: the tests of the single checks play many."""
    assert main([name, "--games", "6"]) == 0, capsys.readouterr().out


# --- The public checkers are run, and believed ---


@pytest.fixture
def toy_module(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    module = types.ModuleType("toy_module")
    monkeypatch.setitem(sys.modules, "toy_module", module)
    return module


class NotInSpace(Nim):
    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        seen["observation"][0] = -1
        return seen


class Unseeded(Nim):
    def reset(self, seed: Any = None, options: Any = None) -> None:
        super().reset(None, options)
        self.stones = next(self._series)

    _series = iter(range(6, 10_000))


class Stops(Nim):
    def step(self, action: Any) -> None:
        if self.stones < 6:
            raise RuntimeError("no more stones")
        super().step(action)


class NoPicture(Nim):
    def render(self) -> Any:
        return 3


class BadState(Nim):
    state_space = gymnasium.spaces.Discrete(2)

    def state(self) -> Any:
        return 7


class BadParallel(NimParallel):
    def step(self, actions: Any) -> Any:
        return ({}, *super().step(actions)[1:])


class UnseededParallel(NimParallel):
    def __init__(self) -> None:
        super().__init__()
        self.game = Unseeded()


class BadSingle(NimSingle):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=seed)[0]


class MaxCycles(Nim):
    """Takes `max_cycles`, and does not stop after so many."""

    def __init__(self, render_mode: Any = None, max_cycles: int = 9) -> None:
        super().__init__(render_mode, low=16, high=20)


class Picture(Nim):
    """An image as the observation, which cannot be saved: it is not there."""

    def __init__(self, render_mode: Any = None) -> None:
        super().__init__(render_mode)
        self.observation_spaces = dict.fromkeys(
            self.possible_agents, gymnasium.spaces.Box(0, 255, (4, 4, 3), dtype="uint8")
        )

    def observe(self, agent: str) -> Any:
        raise OSError("no camera")


PUBLIC: list[tuple[Any, Any, str, str]] = [
    (NotInSpace, "aec", "api_test", "AssertionError: Out of bounds observation"),
    (Unseeded, "aec", "seed_test", "AssertionError: Incorrect"),
    (NoPicture, "aec", "render_test", "TypeError|AssertionError"),
    (Stops, "aec", "parallel_api_test", "RuntimeError: no more stones"),
    (MaxCycles, "aec", "max_cycles_test", "Error"),
    (BadState, "aec", "state_test", "AssertionError"),
    (Picture, "aec", "test_save_obs", "OSError: no camera"),
    (BadParallel, "parallel", "parallel_api_test", "Error"),
    (UnseededParallel, "parallel", "parallel_seed_test", "AssertionError"),
    (BadSingle, "single", "check_env", "AssertionError"),
]


@pytest.mark.parametrize(("cls", "kind", "rule", "says"), PUBLIC)
def test_what_a_public_checker_finds_is_told(
    cls: Any, kind: Any, rule: str, says: str, toy_module: types.ModuleType
) -> None:
    toy_module.env = cls  # type: ignore[attr-defined]
    toy_module.parallel_env = lambda **options: NimParallel(low=16)  # type: ignore[attr-defined]
    rules = GYMNASIUM_RULES if kind == "single" else PETTINGZOO_RULES
    found = check_public(NamedEnv("toy_module:env", {}), kind, findings=Findings(rules, collect=True))
    assert re.search(says, found.broken[rule])


class Recorder(Nim):
    """Notes what it is told to do; takes `max_cycles`, so that this checker runs too."""

    def __init__(self, render_mode: Any = None, max_cycles: int = 9) -> None:
        super().__init__(render_mode)

    def reset(self, seed: Any = None, options: Any = None) -> None:
        super().reset(seed, options)
        told.append(("reset", seed, self.stones))

    def step(self, action: Any) -> None:
        told.append(("step", action, self.stones))
        super().step(action)


class RecorderParallel(NimParallel):
    def __init__(self, max_cycles: int = 9) -> None:
        super().__init__()
        self.game = Recorder()


class RecorderSingle(NimSingle):
    def step(self, action: Any) -> Any:
        told.append(("step", action, self.stones))
        return super().step(action)


told: list[tuple[str, Any, int]] = []


@pytest.mark.parametrize(
    ("cls", "kind"), [(Recorder, "aec"), (RecorderParallel, "parallel"), (RecorderSingle, "single")]
)
def test_a_public_checker_does_the_same_each_time(cls: Any, kind: Any, toy_module: types.ModuleType) -> None:
    """They reset and sample without seeds, so that each run of the checks would find other things."""
    toy_module.env = cls  # type: ignore[attr-defined]
    toy_module.parallel_env = RecorderParallel  # type: ignore[attr-defined]
    runs = []
    for entropy in (1, 2):
        fix_entropy(str(entropy))
        told.clear()
        rules = GYMNASIUM_RULES if kind == "single" else PETTINGZOO_RULES
        found = check_public(NamedEnv("toy_module:env", {}), kind, findings=Findings(rules, collect=True))
        runs.append((list(told), found.broken))
    assert len(runs[0][0]) > 3
    assert runs[0] == runs[1]


def test_each_public_checker_is_seen_to_find_something() -> None:
    assert {rule for _, _, rule, _ in PUBLIC} == set(PETTINGZOO_RULES) | set(GYMNASIUM_RULES)
