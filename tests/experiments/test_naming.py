"""Names: what a person may write for an expert, an advisor or a player, and how a wrong one is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.every_n import EveryN
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.errors import SpecError, WeightsError
from sandwich_env.experiments.naming import make_advisor, make_expert, make_player, parse_spec, plain_spec
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.experts.search import SearchExpert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import save_network
from sandwich_env.players.advisor_player import AdvisorPlayer
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.players.random_player import RandomPlayer


@pytest.fixture
def weights(tmp_path: Path) -> str:
    path = tmp_path / "h.safetensors"
    save_network(new_network(NetworkShape(blocks=1, channels=8), 0), path)
    return str(path)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("honest", "honest"),
        ("my_module:MyAdvisor", "my_module:MyAdvisor"),
        ("random_move:epsilon=0.5", {"kind": "random_move", "epsilon": 0.5}),
        ("random_move:epsilon=0.5, seed=3", {"kind": "random_move", "epsilon": 0.5, "seed": 3}),
        ("network:weights=a/b.safetensors", {"kind": "network", "weights": "a/b.safetensors"}),
        ("imitate:values=false", {"kind": "imitate", "values": False}),
        ("gate:own_moves=True,values=False", {"kind": "gate", "own_moves": True, "values": False}),
        ("trust:honest_temperature=None", {"kind": "trust", "honest_temperature": None}),
        ('{"kind": "every_n", "n": 4}', {"kind": "every_n", "n": 4}),
        ('  {"kind": "honest"}', {"kind": "honest"}),
    ],
)
def test_a_text_stands_for_a_spec(text: str, spec: object) -> None:
    assert parse_spec(text) == spec


@pytest.mark.parametrize(
    ("text", "said"), [('{"kind": ', "is not JSON"), ("random_move:epsilon=0.5,seed", "'seed' in .* has no value")]
)
def test_a_text_that_is_no_spec_is_refused(text: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        parse_spec(text)


def test_an_expert_by_path_by_kind_by_spec_and_as_itself(weights: str) -> None:
    network = make_expert(weights, "cpu")
    assert isinstance(network, NetworkExpert)
    assert (network.weights, network.device) == (weights, "cpu")
    assert isinstance(make_expert("uniform"), UniformExpert)
    assert isinstance(make_expert({"kind": "network", "weights": weights}), NetworkExpert)
    assert isinstance(make_expert(f"network:weights={weights},device=cpu"), NetworkExpert)
    assert make_expert(network) is network


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("exprt", r"no expert 'exprt'.*did you mean 'expert'\?"),
        ("stokfish", r"did you mean 'stockfish'\?"),
        ("unifrm", r"did you mean 'uniform'\?"),
        ("network:weight=x", r"takes no 'weight'.*did you mean 'weights'\?"),
        ("honest:expert=uniform", "which is no Expert|no Expert"),
    ],
)
def test_a_wrong_expert_is_answered_with_the_nearest_name(name: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        make_expert(name)


def test_a_search_has_the_shipped_expert_unless_it_names_another(weights: str) -> None:
    for given, inside in [
        ("search", "expert"),
        ("search:simulations=7", "expert"),
        ("search:simulations=7,expert=novice", "novice"),
        (f"search:expert={weights}", weights),
        ({"kind": "search", "expert": {"kind": "network", "weights": weights}}, weights),
    ]:
        for made in (make_expert(given), make_player(given).expert):
            assert isinstance(made, SearchExpert)
            assert isinstance(made.expert, NetworkExpert)
            assert made.expert.weights == inside
            assert make_expert(made.to_spec()).to_spec() == made.to_spec()
    assert make_expert("search:simulations=7").simulations == 7
    assert isinstance(make_expert("search:expert=uniform").expert, UniformExpert)


def test_weights_that_are_not_there_are_said() -> None:
    with pytest.raises(WeightsError, match=r"no weights at 'nowhere\.safetensors'"):
        make_expert("nowhere.safetensors")


def test_what_an_advisor_leaves_out_is_made_of_the_expert() -> None:
    expert = UniformExpert()
    honest = make_advisor("honest", expert)
    assert isinstance(honest, Honest)
    assert honest.expert is expert
    noisy = make_advisor("random_move:epsilon=0.25", expert)
    assert isinstance(noisy, RandomMove)
    assert noisy.epsilon == 0.25
    assert isinstance(noisy.inner, Honest)
    assert noisy.inner.expert is expert
    nested = make_advisor(
        {"kind": "random_move", "epsilon": 0.1, "inner": {"kind": "value_noise", "scale": 0.2}}, expert
    )
    assert isinstance(nested, RandomMove)
    assert isinstance(nested.inner, ValueNoise)
    assert nested.inner.inner.expert is expert
    assert make_advisor(nested, UniformExpert()) is nested


def test_an_advisor_may_bring_an_expert_of_its_own() -> None:
    own = UniformExpert()
    advisor = make_advisor({"kind": "honest", "expert": own}, UniformExpert())
    assert isinstance(advisor, Honest)
    assert advisor.expert is own


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("honst", r"did you mean 'honest'\?"),
        ("random_move:epsilom=0.5", r"takes no 'epsilom'.*did you mean 'epsilon'\?"),
        ("random_move:epsilon=2", "epsilon"),
        ("uniform", "no Advisor"),
    ],
)
def test_a_wrong_advisor_is_answered(name: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        make_advisor(name, UniformExpert())


def test_a_player_from_an_expert_a_path_a_kind_and_as_itself(weights: str) -> None:
    by_path = make_player(weights, "cpu")
    assert isinstance(by_path, ExpertPlayer)
    assert isinstance(by_path.expert, NetworkExpert)
    uniform = make_player("uniform")
    assert isinstance(uniform, ExpertPlayer)
    assert isinstance(uniform.expert, UniformExpert)
    assert isinstance(make_player("random"), RandomPlayer)
    warm = make_player({"kind": "expert", "expert": {"kind": "uniform"}, "temperature": 0.5})
    assert isinstance(warm, ExpertPlayer)
    assert warm.temperature == 0.5
    assert make_player(warm) is warm


def test_an_advisor_with_an_expert_of_its_own_is_a_player() -> None:
    player = make_player({"kind": "random_move", "epsilon": 0.5, "inner": {"kind": "honest", "expert": "uniform"}})
    assert isinstance(player, AdvisorPlayer)
    assert isinstance(player.advisor, RandomMove)


@pytest.mark.parametrize(
    ("name", "said"), [("randon", r"no player 'randon'.*did you mean 'random'\?"), ("every_turn", "no Player")]
)
def test_a_wrong_player_is_answered(name: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        make_player(name)


def test_objects_and_specs_are_written_down_alike() -> None:
    advisor = make_advisor("random_move:epsilon=0.25", UniformExpert())
    assert plain_spec(advisor) == advisor.to_spec()
    assert plain_spec("honest") == "honest"
    assert plain_spec({"kind": "honest"}) == {"kind": "honest"}


def test_what_a_wrapper_by_the_clock_holds_is_filled_in_as_well() -> None:
    expert = UniformExpert()
    made = make_advisor({"kind": "every_n", "n": 4, "wrapper": "random_move:epsilon=1.0"}, expert)
    held = RandomMove(Honest(expert), epsilon=1.0)
    assert made.to_spec() == EveryN(held, n=4).to_spec()
    with pytest.raises(SpecError, match="'every_n' needs 'wrapper'"):
        make_advisor({"kind": "every_n", "n": 4}, expert)
