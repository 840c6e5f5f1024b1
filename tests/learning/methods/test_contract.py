"""What holds for every way to learn: it sees no truth, it can be written down, and it can be done again to the bit."""

from __future__ import annotations

import functools
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lessons_support import TABLE, lesson, played, right_in, unasked, with_outcomes

from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.errors import DataError
from sandwich_env.learning.corpus import Corpus, Truth
from sandwich_env.learning.examples import Examples
from sandwich_env.learning.fine_tune import fine_tune
from sandwich_env.learning.methods.base import Lesson, Method
from sandwich_env.learning.supervised import FitConfig
from sandwich_env.nets.residual import PolicyValueNetwork, new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import save_network
from sandwich_env.specs import KINDS, from_spec

TINY = NetworkShape(blocks=1, channels=8)
SHORT = replace(TABLE, max_plies=14)
CONFIG = FitConfig(steps=3, batch_size=8, seed=5)

KNOWN = sorted(kind for kind, target in KINDS.items() if ".learning.methods." in target)
SPECS: dict[str, Any] = {
    **{kind: {"kind": kind} for kind in KNOWN if kind != "chain"},
    "outcome by advantage": {"kind": "outcome", "by": "advantage"},
    "trust by outcomes": {"kind": "trust", "by": "outcomes"},
    "trust by both": {"kind": "trust", "by": "both"},
    "chain": {"kind": "chain", "methods": [{"kind": "trust"}, {"kind": "robust"}]},
    "chain of chains": {
        "kind": "chain",
        "methods": [{"kind": "chain", "methods": ["gate", "trust"]}, {"kind": "outcome", "draws": 0.5}],
    },
}
EVERY = pytest.mark.parametrize("name", SPECS)


def method_of(name: str) -> Method:
    return from_spec(SPECS[name], Method)


@functools.cache
def games_of(name: str) -> Corpus:
    return played(method_of(name), range(5), SHORT)


def a_lesson(name: str, corpus: Corpus) -> Lesson:
    return lesson(corpus, right=right_in(corpus) if method_of(name).privileged else None)


def taught(name: str, corpus: Corpus) -> list[bytes]:
    """The bytes of everything that a method makes of a corpus: targets, examples, trust."""
    method, given = method_of(name), a_lesson(name, corpus)
    trust = method.trust(given)
    return [
        *contents(method.targets(given)),
        *contents(method.examples(given)),
        b"" if trust is None else trust.tobytes(),
    ]


def contents(columns: Any) -> list[bytes]:
    return [getattr(columns, f.name).tobytes() for f in fields(columns)]


def altered(truth: Truth) -> dict[str, Truth]:
    """For each column of the truth, one in which every value is another."""
    other = {
        "tampered": ~truth.tampered,
        "by": np.array(["every_n"] * len(truth), dtype=object),
        "honest_move": (truth.honest_move + 1) % NO_MOVE,
        "honest_value": np.where(np.isnan(truth.honest_value), 1, np.nan).astype(np.float32),
    }
    assert set(other) == {f.name for f in fields(Truth)}
    return {column: replace(truth, **{column: values}) for column, values in other.items()}


@EVERY
def test_no_column_of_the_truth_reaches_it(name: str) -> None:
    corpus = games_of(name)
    before, privileged = taught(name, corpus), method_of(name).privileged
    for column, truth in altered(corpus.truth).items():
        other = taught(name, Corpus(corpus.seen, truth))
        assert (other == before) == (not privileged or column != "honest_move"), column


@EVERY
def test_a_lesson_that_tells_the_truth_teaches_no_more_but_to_a_privileged_method(name: str) -> None:
    corpus, method = games_of(name), method_of(name)
    told = [contents(method.targets(lesson(corpus, right=right))) for right in (right_in(corpus), ~right_in(corpus))]
    assert (told[0] == told[1]) == (not method.privileged)


@EVERY
def test_its_spec_makes_it_again(name: str) -> None:
    method = method_of(name)
    again = from_spec(method.to_spec(), Method)
    assert type(again) is type(method)
    assert again.to_spec() == method.to_spec()
    assert (again.consults, again.heeds, again.privileged) == (method.consults, method.heeds, method.privileged)


@EVERY
def test_it_says_what_it_heeds(name: str) -> None:
    method = method_of(name)
    assert set(method.heeds) <= {"move", "value"}
    assert bool(method.heeds) == method.consults


HEED_ONE = [name for name in SPECS if len(from_spec(SPECS[name], Method).heeds) == 1]


@pytest.mark.parametrize("name", HEED_ONE)
def test_the_part_of_an_answer_that_it_does_not_heed_makes_no_difference(name: str) -> None:
    """A run asks for what a method heeds, and nothing else."""
    method, corpus = method_of(name), games_of(name)
    other = played(method, range(5), replace(SHORT, asks=method.heeds[0]))
    assert np.array_equal(other.seen.action, corpus.seen.action)
    assert contents(method.targets(a_lesson(name, other))) == contents(method.targets(a_lesson(name, corpus)))


@EVERY
def test_its_games_are_the_same_alone_and_in_a_batch(name: str) -> None:
    whole, method = games_of(name), method_of(name)
    for game in (0, 3):
        alone, beside = played(method, [game], SHORT).seen, whole.seen.select([game])
        for column in ("action", "asked", "advice_move", "advice_value"):
            assert np.array_equal(getattr(alone, column), getattr(beside, column)), (game, column)


@EVERY
def test_its_fit_goes_on_from_any_step_to_the_same_weights(name: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    save_network(new_network(TINY, 0), tmp_path / "h.safetensors")
    corpus, method = games_of(name), method_of(name)
    examples = method.examples(a_lesson(name, corpus))
    whole = fitted(method, examples, tmp_path, "whole")
    assert whole != [tensor.numpy().tobytes() for tensor in new_network(TINY, 0).state_dict().values()]
    for stop in (1, 2):
        with pytest.raises(StopError):
            fitted(method, examples, tmp_path, f"fit {stop}", stop)
        assert fitted(method, examples, tmp_path, f"fit {stop}") == whole, stop


class StopError(Exception):
    """What a test stops a fit with."""


def fitted(method: Method, examples: Examples, folder: Path, name: str, stop: int | None = None) -> list[bytes]:
    """The weights of a fit, which may be stopped in the step after one."""

    def show(step: int, total: int) -> None:
        if stop is not None and step == stop + 1:
            raise StopError

    def fitting(network: PolicyValueNetwork, examples: Examples, config: FitConfig) -> Any:
        return method.fitting(network, examples, config)

    network = fine_tune(
        folder / "h.safetensors",
        examples,
        CONFIG,
        checkpoint=folder / name,
        checkpoint_every=1,
        on_progress=show,
        fitting=fitting,
    )
    return [tensor.numpy().tobytes() for tensor in network.state_dict().values()]


@EVERY
def test_games_without_a_result_teach_finite_numbers(name: str) -> None:
    corpus = games_of(name)
    one, none = corpus.games.outcome.copy(), np.full(len(corpus.games), np.nan, dtype=np.float32)
    one[0] = np.nan
    check_finite(name, with_outcomes(corpus, one), may_be_empty=False)
    check_finite(name, with_outcomes(corpus, none), may_be_empty=True)


@EVERY
def test_games_in_which_nobody_asked_teach_finite_numbers(name: str) -> None:
    corpus = unasked(games_of(name))
    check_finite(name, corpus, may_be_empty=True)
    trust = method_of(name).trust(a_lesson(name, corpus))
    assert trust is None or np.isnan(trust).all()


@EVERY
def test_trust_is_a_share_where_a_move_was_advised_and_nothing_elsewhere(name: str) -> None:
    corpus = games_of(name)
    trust = method_of(name).trust(a_lesson(name, corpus))
    if trust is not None:
        advised = corpus.seen.advice_available[:, 0] == 1
        assert advised.any()
        assert np.array_equal(np.isfinite(trust), advised)
        assert ((trust[advised] >= 0) & (trust[advised] <= 1)).all()


def check_finite(name: str, corpus: Corpus, *, may_be_empty: bool) -> None:
    """Targets and examples hold finite numbers; if there are none, the targets teach nothing."""
    method, given = method_of(name), a_lesson(name, corpus)
    targets = method.targets(given)
    for column in (targets.policy_weight, targets.value, targets.value_weight):
        assert np.isfinite(column).all()
    assert (targets.policy_weight >= 0).all()
    assert (targets.value_weight >= 0).all()
    try:
        examples = method.examples(given)
    except DataError:
        assert may_be_empty
        assert not targets.policy_weight.any()
        assert not targets.value_weight.any()
    else:
        assert len(examples)
        assert np.isfinite(examples.value).all()
