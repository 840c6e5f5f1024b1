"""Does anything of the truth behind the advice reach the player? Tested by changing the truth and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium import Env
from gymnasium.vector import VectorEnv

from sandwich_env.advisors.base import Advice, Advisor, Provenance, Query, VisibleAdvice
from sandwich_env.experts.base import Expert
from sandwich_env.oversight.channel import Audit
from sandwich_env.testing.equality import assert_same

MARK = "the-player-must-not-read-this"
"""The name that stands in the provenance of a `Disguised` advisor."""

_SECRET = (Advice, Advisor, Audit, Expert, Provenance, Query, VisibleAdvice)


class Disguised(Advisor):
    """Says what another advisor says, over a provenance that is false in every point.

    Args:
        inner: the other advisor.
    """

    def __init__(self, inner: Advisor) -> None:
        self.inner = inner

    def advise(self, query: Query) -> Advice:
        advice = self.inner.advise(query)
        truth = advice.provenance
        return replace(
            advice,
            policy=np.full_like(advice.policy, 7.0),
            provenance=Provenance(
                tampered=~truth.tampered,
                by=np.full(len(query), MARK, dtype=object),
                honest_move=truth.honest_move + 1,
                honest_value=-1 - truth.honest_value,
            ),
        )


def check_no_leak(make_env: Callable[[Advisor], Any], advisor: Advisor, steps: int = 120, seed: int = 0) -> None:
    """Two advisors that say the same, with different truths behind it, must leave the player with the same to see.

    Plays the same random legal actions in two environments, one with the advisor and one with its `Disguised` double,
    and compares every observation, reward, end and info to the bit; then walks through all of it for objects that
    hold the truth and for the mark that the double leaves in it.

    Args:
        make_env: makes an environment of any kind (PettingZoo's AEC, Gymnasium's single or vector) for an advisor.
        advisor: an advisor that is asked in it.
        steps: how many actions to take.
        seed: of the games and the actions.

    Raises:
        AssertionError: where the two differ, or where the truth lies.
    """
    double = Disguised(advisor)
    plain, disguised = make_env(advisor), make_env(double)
    first, second = _told(plain, steps, seed), _told(disguised, steps, seed)
    asked = plain.unwrapped.scorer.last
    assert asked is not None, "the advisor was never asked: a check that nothing leaks needs advice"
    for t, (here, there) in enumerate(zip(first, second, strict=True)):
        assert_same(here, there, f"step {t}, with the advisor and with another truth behind its advice")
    _walk(second, "what the player is told")
    plain.close()
    disguised.close()


def _told(env: Any, steps: int, seed: int) -> list[Any]:
    """All that the player is told while random legal actions are played."""
    rng = np.random.default_rng(seed)
    if isinstance(env, VectorEnv):
        return _told_by_vector(env, steps, seed, rng)
    return _told_by_single(env, steps, seed, rng) if isinstance(env, Env) else _told_by_aec(env, steps, seed, rng)


def _told_by_vector(env: Any, steps: int, seed: int, rng: np.random.Generator) -> list[Any]:
    told: list[Any] = [env.reset(seed=seed)]
    for _ in range(steps):
        masks = told[-1][0]["action_mask"]
        told.append(env.step(np.array([_draw(mask, rng) for mask in masks])))
    return told


def _told_by_single(env: Any, steps: int, seed: int, rng: np.random.Generator) -> list[Any]:
    told: list[Any] = [env.reset(seed=seed)]
    for _ in range(steps):
        over = len(told[-1]) > 2 and (told[-1][2] or told[-1][3])
        told.append(env.reset() if over else env.step(_draw(told[-1][0]["action_mask"], rng)))
    return told


def _told_by_aec(env: Any, steps: int, seed: int, rng: np.random.Generator) -> list[Any]:
    told: list[Any] = []
    env.reset(seed=seed)
    for _ in range(steps):
        views = {agent: env.observe(agent) for agent in env.agents}
        seen, reward, terminated, truncated, info = env.last()
        told.append((env.agent_selection, views, seen, float(reward), terminated, truncated, dict(info), env.infos))
        env.step(None if terminated or truncated else _draw(seen["action_mask"], rng))
        if not env.agents:
            env.reset()
    return told


def _draw(mask: Any, rng: np.random.Generator) -> int:
    return int(rng.choice(np.flatnonzero(mask))) if mask.any() else 0


def _walk(data: Any, where: str) -> None:
    assert not isinstance(data, _SECRET), f"{where} holds a {type(data).__name__}"
    if isinstance(data, str):
        assert MARK not in data, f"{where} names who tampered: {data!r}"
    elif isinstance(data, Mapping):
        for key, value in data.items():
            _walk(key, f"{where}, a key")
            _walk(value, f"{where}[{key!r}]")
    elif isinstance(data, (list, tuple)):
        for k, value in enumerate(data):
            _walk(value, f"{where}[{k}]")
    elif isinstance(data, np.ndarray) and data.dtype == object:
        _walk(data.tolist(), where)
    elif hasattr(data, "__dict__"):
        _walk(vars(data), f"{where}.__dict__")
