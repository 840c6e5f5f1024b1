"""The public checkers of PettingZoo and Gymnasium, run as they are, each as one rule."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

from gymnasium.utils.env_checker import check_env
from pettingzoo.test import (
    api_test,
    max_cycles_test,
    parallel_api_test,
    parallel_seed_test,
    render_test,
    seed_test,
    state_test,
    test_save_obs,
)
from pettingzoo.utils import turn_based_aec_to_parallel

from sandwich_env.testing.driving import Kind
from sandwich_env.testing.findings import Findings
from sandwich_env.testing.named import NamedEnv

PETTINGZOO_RULES = {
    "api_test": "pettingzoo.test.api_test",
    "seed_test": "pettingzoo.test.seed_test",
    "render_test": "pettingzoo.test.render_test, all render modes",
    "parallel_api_test": "pettingzoo.test.parallel_api_test; an AEC environment through turn_based_aec_to_parallel",
    "parallel_seed_test": "pettingzoo.test.parallel_seed_test, which sends unmasked actions",
    "max_cycles_test": "pettingzoo.test.max_cycles_test, where the module's environments take max_cycles",
    "state_test": "pettingzoo.test.state_test, where there is a state()",
    "test_save_obs": "pettingzoo.test.test_save_obs, where the observation is an image",
}
GYMNASIUM_RULES = {"check_env": "gymnasium.utils.env_checker.check_env"}

_CYCLES = 100
_SEED = 0


def check_public(named: NamedEnv, kind: Kind, *, findings: Findings) -> Findings:
    """Run the public checkers that apply to an environment.

    One that does not apply is not looked at (`findings.not_reached()`).
    """
    if kind == "single":
        _run(findings, "check_env", lambda: check_env(_sampling(named.make().unwrapped), skip_render_check=True))
        return findings

    def made(**more: Any) -> Any:
        return _seeded(named.make(**more))

    if kind == "parallel":
        _run(findings, "parallel_api_test", lambda: parallel_api_test(made(), num_cycles=_CYCLES))
        _run(findings, "parallel_seed_test", lambda: parallel_seed_test(made, num_cycles=_CYCLES))
        return findings
    _run(findings, "api_test", lambda: api_test(made(), num_cycles=_CYCLES))
    _run(findings, "seed_test", lambda: seed_test(made, num_cycles=_CYCLES))
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    _run(findings, "render_test", lambda: render_test(made))
    _run(
        findings,
        "parallel_api_test",
        lambda: parallel_api_test(turn_based_aec_to_parallel(made()), num_cycles=_CYCLES),
    )
    if _takes_max_cycles(named):
        _run(findings, "max_cycles_test", lambda: max_cycles_test(_SeededModule(named.module)))
    env = named.make()
    if _has_state(env):
        _run(findings, "state_test", lambda: state_test(made(), turn_based_aec_to_parallel(made())))
    if _shows_images(env):
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            _run(findings, "test_save_obs", lambda: test_save_obs(made()))
    return findings


class _SeededModule:
    """A module whose environments are seeded, for the checker that takes a module."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def env(self, **options: Any) -> Any:
        return _seeded(self.module.env(**options))

    def parallel_env(self, **options: Any) -> Any:
        return _seeded(self.module.parallel_env(**options))


def _seeded(env: Any) -> Any:
    """The environment of a checker that resets and samples without a seed: what it finds, it finds every time."""
    env.reset(seed=_SEED)
    return _sampling(env)


def _sampling(env: Any) -> Any:
    """The environment, with action spaces that give the same samples in each run."""
    if not hasattr(env, "possible_agents"):
        env.action_space.seed(_SEED)
        return env
    for number, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(_SEED + number)
    return env


def _run(findings: Findings, rule: str, test: Callable[[], object]) -> None:
    """Run one of them; it says much, and warns much: what counts is whether it raises."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            test()
    except Exception as error:
        findings.expect(rule, False, f"{type(error).__name__}: {error}")
    else:
        findings.expect(rule, True, rule)


def _takes_max_cycles(named: NamedEnv) -> bool:
    if named.is_id or not hasattr(named.module, "parallel_env"):
        return False
    try:
        named.make(max_cycles=4).close()
    except (TypeError, ValueError):
        return False
    return True


def _has_state(env: Any) -> bool:
    env.reset(seed=0)
    try:
        env.state()
    except (NotImplementedError, AttributeError):
        return False
    return True


def _shows_images(env: Any) -> bool:
    space = env.observation_space(env.possible_agents[0])
    return getattr(space, "high", None) is not None and bool((space.high == 255).all())
