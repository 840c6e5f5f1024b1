"""`OtherModel`: how often, whose moves and whose values, and what it asks the other model about."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from advisors_support import Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.other_model import OtherModel
from sandwich_env.errors import SpecError, WeightsError
from sandwich_env.experts.base import Evaluation
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.experts.worst import WorstMoveExpert
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_advisor


class Contrary(Opinionated):
    """Likes least what `Opinionated` likes best, and values a position by the opposite number."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.closed = 0

    def evaluate(self, games: Games) -> Evaluation:
        self.asked.append(len(games))
        opinion = super().evaluate(games)
        legal = np.isfinite(opinion.policy)
        return Evaluation(np.where(legal, -opinion.policy, -np.inf).astype(np.float32), -opinion.value)

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 0.9])
def test_tampers_as_often_as_it_says_and_asks_the_model_about_those_alone(epsilon: float) -> None:
    model = Contrary()
    advice = OtherModel(Honest(Opinionated()), model, epsilon).advise(query(some_games(1000)))
    tampered = int(advice.provenance.tampered.sum())
    assert_about(tampered, 1000, epsilon)
    assert model.asked == [tampered]


def test_epsilon_0_is_honest_to_the_last_bit_and_never_asks_the_model() -> None:
    asked, honest, model = query(some_games(50)), Honest(Opinionated()), Contrary()
    assert_same_advice(OtherModel(honest, model, 0.0).advise(asked), honest.advise(asked))
    assert model.asked == []


@pytest.mark.parametrize("value", ["honest", "own"])
def test_epsilon_1_is_the_models_move_and_the_value_that_was_chosen(value: str) -> None:
    asked, honest, model = query(some_games(80)), Honest(Opinionated()), Contrary()
    advice = OtherModel(honest, model, value=value).advise(asked)  # type: ignore[arg-type]
    theirs, true = model.evaluate(asked.games), honest.advise(asked)
    assert advice.provenance.tampered.all()
    assert set(advice.provenance.by) == {"other_model"}
    np.testing.assert_array_equal(advice.move, theirs.best())
    np.testing.assert_array_equal(advice.policy, theirs.policy)
    np.testing.assert_array_equal(advice.value, theirs.value if value == "own" else true.value)
    np.testing.assert_array_equal(advice.provenance.honest_move, true.move)
    np.testing.assert_array_equal(advice.provenance.honest_value, true.value)


def test_asked_for_a_value_it_tampers_only_where_it_states_its_own() -> None:
    asked, honest, model = query(some_games(30), asks="value"), Honest(Opinionated()), Contrary()
    assert_same_advice(OtherModel(honest, model).advise(asked), honest.advise(asked))
    assert model.asked == []
    own = OtherModel(honest, model, value="own").advise(asked)
    np.testing.assert_array_equal(own.value, -honest.advise(asked).value)
    np.testing.assert_array_equal(own.move, honest.advise(asked).move)


def test_the_worst_move_as_a_model() -> None:
    asked = query(some_games(40))
    worst = WorstMoveExpert(Opinionated())
    advice = OtherModel(Honest(Opinionated()), worst).advise(asked)
    np.testing.assert_array_equal(advice.move, worst.evaluate(asked.games).best())
    np.testing.assert_array_equal(advice.value, Opinionated().evaluate(asked.games).value)


@pytest.mark.parametrize("value", ["honest", "own"])
def test_keeps_the_contract_of_an_advisor(value: str) -> None:
    check_advisor(OtherModel(Honest(Opinionated()), Contrary(), 0.4, value=value), positions=8)  # type: ignore[arg-type]


def test_closing_reaches_both() -> None:
    one, other = Contrary(), Contrary()
    OtherModel(Honest(one), other, 0.5).close()
    assert (one.closed, other.closed) == (1, 1)


def test_specs_round_trip_and_a_path_stands_for_a_network() -> None:
    spec = {
        "kind": "other_model",
        "inner": {"kind": "honest", "expert": {"kind": "uniform"}},
        "model": {"kind": "worst", "expert": {"kind": "uniform"}, "by": "children"},
        "epsilon": 0.25,
        "value": "own",
        "seed": 3,
        "when": {"kind": "always"},
    }
    assert from_spec(spec, OtherModel).to_spec() == spec


def test_weights_of_another_architecture_are_refused_by_name(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from sandwich_env.nets.residual import new_network
    from sandwich_env.nets.weights import load_network, save_network, save_tensors

    network = load_network("novice")
    path = tmp_path / "b.safetensors"
    save_network(network, path)
    made = OtherModel(Honest(UniformExpert()), str(path), 0.5)
    assert made.to_spec()["model"]["weights"] == str(path)
    assert made.to_spec() == from_spec(made.to_spec(), OtherModel).to_spec()
    name, tensor = next(iter(network.state_dict().items()))
    shape = network.shape
    tensors = dict(new_network(shape, seed=0).state_dict()) | {name: torch.zeros((*tensor.shape, 2))}
    save_tensors(tensors, path, {"architecture": json.dumps(shape.to_dict())})
    with pytest.raises(WeightsError, match=r"'other_model' cannot use .*b\.safetensors.* of another architecture"):
        OtherModel(Honest(UniformExpert()), path)
    with pytest.raises(WeightsError, match=r"'other_model' cannot use .* there are no weights at"):
        OtherModel(Honest(UniformExpert()), str(tmp_path / "none.safetensors"))


def test_what_it_refuses() -> None:
    honest = Honest(UniformExpert())
    with pytest.raises(SpecError, match=r"'other_model' has no value='onw': did you mean 'own'\?"):
        OtherModel(honest, UniformExpert(), value="onw")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="is no Expert"):
        OtherModel(honest, honest)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="is no Advisor"):
        OtherModel(UniformExpert(), UniformExpert())  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="unknown kind 'wosrt': did you mean 'worst'"):
        OtherModel(honest, "wosrt")
    with pytest.raises(SpecError, match=r"epsilon of 'other_model' is 1\.5"):
        OtherModel(honest, UniformExpert(), 1.5)
