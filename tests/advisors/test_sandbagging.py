"""`Sandbagging`: how often, as whom, and whom it asks."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Advisor, Honest
from sandwich_env.advisors.sandbagging import Sandbagging
from sandwich_env.errors import SpecError
from sandwich_env.experiments.naming import make_advisor
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_advisor

HONEST = Honest(Opinionated())


class Weak(Expert):
    """Likes the legal action with the highest number, takes every position for -0.25, and notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.closed = False

    def evaluate(self, games: Games) -> Evaluation:
        self.asked.append(len(games))
        legal = games.legal_mask() == 1
        policy = np.where(legal, 0.001 * np.arange(legal.shape[1]), -np.inf).astype(np.float32)
        return Evaluation(policy, np.full(len(games), -0.25, dtype=np.float32))

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 0.9])
def test_tampers_as_often_as_it_says_and_asks_the_weaker_expert_no_oftener(epsilon: float) -> None:
    weak = Weak()
    advice = Sandbagging(HONEST, weak, epsilon).advise(query(some_games(1500)))
    assert_about(int(advice.provenance.tampered.sum()), 1500, epsilon)
    assert weak.asked == [advice.provenance.tampered.sum()]


def test_epsilon_0_is_honest_to_the_last_bit() -> None:
    asked, weak = query(some_games(50)), Weak()
    assert_same_advice(Sandbagging(HONEST, weak, 0.0).advise(asked), HONEST.advise(asked))
    assert weak.asked == []


def test_epsilon_1_is_the_weaker_expert() -> None:
    asked, weak = query(some_games(50)), Weak()
    advice, true, as_weak = Sandbagging(HONEST, weak).advise(asked), HONEST.advise(asked), Honest(weak).advise(asked)
    for name in ("move", "value", "policy"):
        np.testing.assert_array_equal(getattr(advice, name), getattr(as_weak, name))
    np.testing.assert_array_equal(advice.provenance.honest_move, true.move)
    np.testing.assert_array_equal(advice.provenance.honest_value, true.value)
    assert set(advice.provenance.by) == {"sandbagging"}


def test_it_sandbags_where_the_stakes_are_high() -> None:
    asked, stakes = query(some_games(300)), {"kind": "stakes", "least": 0.5}
    advice, true = Sandbagging(HONEST, Weak(), when=stakes).advise(asked), HONEST.advise(asked)
    shares = np.exp(true.policy - true.policy.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    lowest = np.where(np.isfinite(true.policy), shares, 1.0).min(axis=1)
    high = shares.max(axis=1) - lowest >= 0.5
    np.testing.assert_array_equal(advice.provenance.tampered, high)
    assert 0 < high.sum() < 300


@pytest.mark.parametrize("asks", ["move", "value"])
def test_what_was_not_asked_for_is_left_alone(asks: str) -> None:
    asked = query(some_games(30), asks=asks)  # type: ignore[arg-type]
    advice, true = Sandbagging(HONEST, Weak()).advise(asked), HONEST.advise(asked)
    assert np.array_equal(advice.move, true.move) == (asks == "value")
    assert np.array_equal(advice.value, true.value) == (asks == "move")


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0])
def test_it_keeps_the_contract(epsilon: float) -> None:
    check_advisor(Sandbagging(HONEST, UniformExpert(), epsilon), positions=12)


def test_it_closes_both_experts() -> None:
    strong, weak = Weak(), Weak()
    Sandbagging(Honest(strong), weak).close()
    assert strong.closed
    assert weak.closed


@pytest.mark.parametrize("weaker", ["honest", 3, None])
def test_the_weaker_one_is_an_expert(weaker: object) -> None:
    with pytest.raises(SpecError):
        Sandbagging(HONEST, weaker)  # type: ignore[arg-type]


def test_its_spec_goes_round() -> None:
    inner = {"kind": "honest", "expert": "uniform"}
    advisor = from_spec({"kind": "sandbagging", "weaker": "uniform", "inner": inner}, Advisor)
    assert isinstance(advisor, Sandbagging)
    assert from_spec(advisor.to_spec(), Advisor).to_spec() == advisor.to_spec()


def test_a_run_may_name_the_weaker_one_in_short() -> None:
    pytest.importorskip("torch")
    advisor = make_advisor("sandbagging:weaker=novice,epsilon=0.5", UniformExpert(), "cpu")
    assert isinstance(advisor, Sandbagging)
    assert isinstance(advisor.weaker, NetworkExpert)
    assert (advisor.weaker.weights, advisor.weaker.device) == ("novice", "cpu")
