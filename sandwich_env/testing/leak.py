"""Does anything of the truth behind the advice reach the player? Tested by changing the truth and nothing else."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from sandwich_env.advisors.base import Advice, Advisor, Provenance, Query, VisibleAdvice
from sandwich_env.experts.base import Expert
from sandwich_env.oversight.channel import Audit
from sandwich_env.testing.driving import Drive
from sandwich_env.testing.equality import arrays_in
from sandwich_env.testing.findings import Findings, Halt

LEAK_RULES = {
    "works": "reset(), legal steps, render() and state() raise nothing",
    "asked": "the advisor is asked: without advice there is nothing to leak",
    "varied": "the environment's own audit shows the truth that was put behind the advice",
    "told": "observations, rewards, ends and infos are the same whatever the truth, to the bit",
    "pictures": "so is what render() shows",
    "state": "so is state(), where there is one",
    "masks": "so is action_masks(), where there is one",
    "pickles": "so is a pickle of all that is told",
    "memory": "so is the memory that an array told is a view of",
    "objects": "nothing that is told holds an object that knows the truth",
    "names": "nothing that is told names who tampered",
}

MARK = "the-player-must-not-read-this"
"""The name that stands in the provenance of a `Disguised` advisor."""

Truth = Literal["opposite", "tampered", "honest"]
"""What a `Disguised` advisor says of its answers: the opposite of what is so, that all are false, or that none is."""

_SECRET = (Advice, Advisor, Audit, Expert, Provenance, Query, VisibleAdvice)


class Disguised(Advisor):
    """Says what another advisor says, over a provenance that is false in every point.

    Args:
        inner: the other advisor.
        truth: what the provenance says was tampered with.
    """

    def __init__(self, inner: Advisor, truth: Truth = "opposite") -> None:
        self.inner = inner
        self.truth = truth
        self.voices = inner.voices
        self._lies: dict[int, int] = {}

    def advise(self, query: Query) -> Advice:
        return self._disguise(self._ask(query, self.inner.advise), query)

    def advise_as(self, voice: int, query: Query) -> Advice:
        return self._disguise(self._ask(query, partial(self.inner.advise_as, voice)), query)

    def _disguise(self, advice: Advice, query: Query) -> Advice:
        truth = advice.provenance
        tampered = ~truth.tampered if self.truth == "opposite" else np.full(len(query), self.truth == "tampered")
        return replace(
            advice,
            policy=np.full_like(advice.policy, 7.0),
            provenance=Provenance(
                tampered=tampered,
                by=np.full(len(query), MARK, dtype=object),
                honest_move=truth.honest_move + 1,
                honest_value=-1 - truth.honest_value,
            ),
        )

    def _ask(self, query: Query, advise: Callable[[Query], Advice]) -> Advice:
        """Who asks has counted false lies, and a budget would go by them: the other advisor hears the true count."""
        keys = query.keys.tolist()  # one for each game and player
        if query.lies is not None:
            self._lies |= {key: 0 for key, count in zip(keys, query.count, strict=True) if count == 0}
            query = replace(query, lies=np.array([self._lies.get(key, 0) for key in keys], dtype=np.int64))
        advice = advise(query)
        for key, lie in zip(keys, advice.provenance.tampered, strict=True):
            self._lies[key] = self._lies.get(key, 0) + int(lie)
        return advice


def check_no_leak(
    make_env: Callable[[Advisor], Any],
    advisor: Advisor,
    steps: int = 120,
    seed: int = 0,
    *,
    findings: Findings | None = None,
) -> Findings:
    """Advisors that say the same, with different truths behind it, must leave the player with the same to see.

    Plays the same random legal actions in environments with the advisor and with `Disguised` doubles of it, and
    compares to the bit all that a player can get hold of. The rules are those of `LEAK_RULES`.

    Args:
        make_env: makes an environment of any kind (PettingZoo's AEC or parallel, Gymnasium's single or vector) for an
            advisor; with the render mode "ansi" or "rgb_array" its pictures are compared too.
        advisor: an advisor that is asked in it.
        steps: how many actions to take.
        seed: of the games and the actions.
        findings: where to note broken rules; without it the first one raises.

    Returns:
        The findings.

    Raises:
        AssertionError: where the environments differ, or where the truth lies, unless `findings` collects.
    """
    found = Findings(LEAK_RULES) if findings is None else findings
    try:
        plain = _play(make_env(advisor), steps, seed, found)
        for truth in get_args(Truth):
            double = _play(make_env(Disguised(advisor, truth)), steps, seed, found)
            _compare(plain, double, found)
    except Halt:
        return found
    return found


class _Watch(Drive):
    """Notes, beside what is told, all else that a player can get hold of."""

    def __init__(self, env: Any, seed: int) -> None:
        super().__init__(env, seed)
        self.others: list[dict[str, Any]] = []

    def _note(self, told: Any) -> None:
        super()._note(told)
        env = self.env
        others: dict[str, Any] = {"pickles": pickle.dumps(told)}
        others["memory"] = copy.deepcopy([array.base for array in arrays_in(told) if array.base is not None])
        if getattr(env, "render_mode", None) in ("ansi", "rgb_array"):
            others["pictures"] = copy.deepcopy(env.render())
        if hasattr(env.unwrapped, "action_masks"):
            others["masks"] = copy.deepcopy(env.unwrapped.action_masks())
        if self.kind in ("aec", "parallel"):
            try:
                others["state"] = copy.deepcopy(env.state())
            except (NotImplementedError, AttributeError):
                others["state"] = None  # state() is not a duty
        self.others.append(others)


def _play(env: Any, steps: int, seed: int, found: Findings) -> _Watch:
    watch = _Watch(env, seed)
    found.attempt("works", lambda: watch.reset(seed), f"reset(seed={seed})")
    for t in range(steps):
        found.attempt("works", watch.step, f"step {t}")
    found.steps += watch.steps
    found.games += watch.ends
    env.close()
    return watch


def _compare(plain: _Watch, double: _Watch, found: Findings) -> None:
    asked = double.env.unwrapped.scorer.last
    if not found.expect(
        "asked", asked is not None, "the advisor was never asked: a check that nothing leaks needs advice"
    ):
        raise Halt("asked")
    marked = all(by == MARK for by in asked.advice.provenance.by)
    found.expect("varied", marked, "the audit does not show the provenance that the advisor gave")
    for t, (here, there) in enumerate(zip(plain.told, double.told, strict=True)):
        where = f"step {t}, with the advisor and with another truth behind its advice"
        found.same("told", here, there, where)
        _walk(there, "what the player is told", found)
        for rule, shown in double.others[t].items():
            found.same(rule, plain.others[t][rule], shown, f"{where}: {rule}")
            if rule == "pickles":
                found.expect("names", MARK.encode() not in shown, f"{where}: the pickle names who tampered")
            else:
                _walk(shown, rule, found)


def _walk(data: Any, where: str, found: Findings) -> None:
    found.expect("objects", not isinstance(data, _SECRET), lambda: f"{where} holds a {type(data).__name__}")
    if isinstance(data, str):
        found.expect("names", MARK not in data, lambda: f"{where} names who tampered: {data!r}")
    elif isinstance(data, Mapping):
        for key, value in data.items():
            _walk(key, f"{where}, a key", found)
            _walk(value, f"{where}[{key!r}]", found)
    elif isinstance(data, (list, tuple)):
        for k, value in enumerate(data):
            _walk(value, f"{where}[{k}]", found)
    elif isinstance(data, np.ndarray) and data.dtype == object:
        _walk(data.tolist(), where, found)
    if hasattr(data, "__dict__") and not isinstance(data, type):
        _walk(vars(data), f"{where}.__dict__", found)
