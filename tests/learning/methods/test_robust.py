"""Robust losses as a method: it plays and teaches as another, and is fitted by the loss that it names."""

from __future__ import annotations

import functools
from dataclasses import fields
from typing import Any

import chess
import numpy as np
import pytest

from sandwich_env.advisors.base import Honest
from sandwich_env.errors import SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.co_teaching import CoTeachingFit
from sandwich_env.learning.corpus import VisibleCorpus
from sandwich_env.learning.examples import Examples
from sandwich_env.learning.methods.base import Lesson, Method
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.learning.methods.robust import Robust
from sandwich_env.learning.robust_losses import (
    RobustFit,
    generalized_cross_entropy,
    symmetric_cross_entropy,
)
from sandwich_env.learning.self_play import Table, play_games
from sandwich_env.learning.supervised import FitConfig
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.oversight.protocols import EveryNTurns
from sandwich_env.players.random_player import RandomPlayer
from sandwich_env.specs import from_spec

SHAPE = NetworkShape(blocks=1, channels=8, policy_channels=4, value_channels=2, value_hidden=8)


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    table = Table(
        advisor=Honest(UniformExpert()),
        advised="both",
        protocol=EveryNTurns(2),
        asks="both",
        starts=[chess.STARTING_FEN],
        max_plies=20,
    )
    corpus = play_games(RandomPlayer(), table, np.arange(6), seed=0, round=1).visible()
    return Lesson(corpus, UniformExpert(), 1, np.random.default_rng(0))


def columns(examples: Examples) -> list[bytes]:
    return [getattr(examples, field.name).tobytes() for field in fields(Examples)]


def test_it_plays_and_teaches_as_the_method_within(lesson: Lesson) -> None:
    inner = Imitate(explore_plies=4, temperature=0.5, values=False)
    method = Robust(play=inner)
    assert repr(method.player(UniformExpert())) == repr(inner.player(UniformExpert()))
    assert columns(method.examples(lesson)) == columns(inner.examples(lesson))
    assert columns(method.examples(lesson)) != columns(Imitate(explore_plies=0).examples(lesson))
    assert method.trust(lesson) is None
    weighed = method.weigh(lesson, Imitate(explore_plies=0).targets(lesson))
    assert np.array_equal(weighed.policy_weight, inner.targets(lesson).policy_weight)
    assert repr(Robust().play) == repr(Imitate())


class Opinionated(Imitate):
    """Believes everything, asks for values alone, and is told the truth."""

    heeds = ("value",)
    privileged = True
    consults = False

    def trust(self, lesson: Lesson) -> np.ndarray:
        return np.ones(len(lesson.corpus), dtype=np.float32)


def test_what_is_said_of_the_method_within_holds_of_it(lesson: Lesson) -> None:
    method = Robust(play=Opinionated())
    assert (method.heeds, method.privileged, method.consults) == (("value",), True, False)
    assert (Robust().heeds, Robust().privileged, Robust().consults) == (("move",), False, True)
    trust = method.trust(lesson)
    assert trust is not None
    assert (trust == 1).all()


@pytest.mark.parametrize(
    ("arguments", "losses"),
    [
        ({"loss": "generalized", "q": 0.4}, functools.partial(generalized_cross_entropy, q=0.4)),
        (
            {"loss": "symmetric", "alpha": 2.0, "beta": 0.5},
            functools.partial(symmetric_cross_entropy, alpha=2.0, beta=0.5),
        ),
    ],
)
def test_it_is_fitted_by_the_loss_that_it_names(lesson: Lesson, arguments: dict[str, Any], losses: Any) -> None:
    method, config = Robust(**arguments), FitConfig(steps=2, batch_size=16)
    examples = method.examples(lesson)
    fit = method.fitting(new_network(SHAPE, 0), examples, config)
    assert float(fit.loss().detach()) == float(
        RobustFit(new_network(SHAPE, 0), examples, config, losses).loss().detach()
    )
    assert float(fit.loss().detach()) != float(
        Imitate().fitting(new_network(SHAPE, 0), examples, config).loss().detach()
    )


def test_co_teaching_takes_its_arguments(lesson: Lesson) -> None:
    method = Robust("co_teaching", forget=0.3, ramp=0.6)
    fit = method.fitting(new_network(SHAPE, 0), method.examples(lesson), FitConfig(steps=2))
    assert isinstance(fit, CoTeachingFit)
    assert (fit.forget, fit.ramp) == (0.3, 0.6)


def test_its_spec() -> None:
    method = from_spec({"kind": "robust", "loss": "symmetric", "play": {"kind": "imitate", "explore_plies": 3}}, Method)
    assert isinstance(method, Robust)
    assert isinstance(method.play, Imitate)
    assert method.play.explore_plies == 3
    assert from_spec(method.to_spec(), Method).to_spec() == method.to_spec()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"loss": "symetric"}, r"unknown loss of 'robust' 'symetric': did you mean 'symmetric'"),
        ({"q": 0.0}, r"q of 'robust' is 0: it must be above 0"),
        ({"q": 1.5}, r"q of 'robust' is 1.5"),
        ({"alpha": -1.0}, r"alpha of 'robust' is -1.0"),
        ({"alpha": 0.0, "beta": 0.0}, r"alpha and beta of 'robust' are both 0"),
        ({"forget": 1.0}, r"forget of 'robust' is 1: no move would be learnt"),
        ({"ramp": 2.0}, r"ramp of 'robust' is 2.0"),
        ({"play": "robust"}, r"play of 'robust' is 'robust', which says itself how H is fitted"),
        ({"play": {"kind": "chain", "methods": ["imitate"]}}, r"is 'chain', .* put 'robust' behind it in a chain"),
        ({"play": "uniform"}, r"play of 'robust'"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        Robust(**arguments)


def test_the_corpus_that_it_sees_is_the_visible_one(lesson: Lesson) -> None:
    assert type(lesson.corpus) is VisibleCorpus
