"""The network as an expert: legal policies, values for the mover, the same answers anywhere, the shipped pair."""

from __future__ import annotations

import sys

import chess
import numpy as np
import pytest
import torch

from sandwich_env.errors import MissingExtraError, SpecError, WeightsError
from sandwich_env.evaluation.puzzles import solve_puzzles
from sandwich_env.experts.base import Expert
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.learning.adversary.looking import legal_logits
from sandwich_env.learning.adversary.play import reach
from sandwich_env.learning.adversary.tables import judge
from sandwich_env.nets.residual import new_network, parameter_count
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import SHIPPED, load_card, load_network, resolve, save_network
from sandwich_env.reading.puzzles import read_puzzles
from sandwich_env.rules import Games, action_to_move
from sandwich_env.specs import from_spec

MATED = "7k/6Q1/5K2/8/8/8/8/8 b - - 0 1"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("nets") / "small.safetensors"
    save_network(new_network(NetworkShape(blocks=1, channels=16), 0), path)
    return path


def after_random_moves(count: int, plies: int) -> Games:
    games = Games(count, max_plies=300)
    seeds = np.arange(count, dtype=np.uint64)
    for _ in range(plies):
        games.step(np.where(games.terminated, -1, games.sample(seeds)))
    return games


def test_logits_are_finite_where_legal_and_minus_infinity_elsewhere(weights):
    games = after_random_moves(40, 25)
    evaluation = NetworkExpert(weights, device="cpu").evaluate(games)
    assert evaluation.policy.shape == (40, 4672)
    assert evaluation.policy.dtype == evaluation.value.dtype == np.float32
    assert np.array_equal(np.isfinite(evaluation.policy), games.legal_mask().astype(bool))
    assert (np.abs(evaluation.value) <= 1).all()
    assert (games.legal_mask()[np.arange(40), evaluation.best()] == 1).all()


def test_a_finished_game_has_no_policy_and_its_result_as_value(weights):
    games = Games.from_fens([MATED, chess.STARTING_FEN, "7k/5Q2/5K2/8/8/8/8/8 b - - 0 1"])
    evaluation = NetworkExpert(weights, device="cpu").evaluate(games)
    assert np.isneginf(evaluation.policy[[0, 2]]).all()
    assert evaluation.value[[0, 2]].tolist() == [-1.0, 0.0]
    assert evaluation.best()[0] == -1


def test_the_same_position_gets_the_same_answer_in_any_company(weights):
    games = after_random_moves(50, 12)
    expert = NetworkExpert(weights, device="cpu", precision="float32")
    together = expert.evaluate(games)
    for row in (0, 17, 49):
        alone = expert.evaluate(games.select([row]))
        assert np.array_equal(alone.policy[0], together.policy[row])
        assert alone.value[0] == together.value[row]


def test_it_is_its_spec(weights):
    expert = NetworkExpert(weights, device="cpu")
    again = from_spec(expert.to_spec(), Expert)
    games = after_random_moves(4, 6)
    assert np.array_equal(again.evaluate(games).policy, expert.evaluate(games).policy)


def test_an_expert_of_a_network_does_not_change_with_it(weights):
    network = load_network(weights)
    games = after_random_moves(4, 6)
    expert = NetworkExpert.of(network, weights, device="cpu")
    before = expert.evaluate(games)
    with torch.no_grad():
        network.policy_planes.bias += torch.arange(73)
    assert np.array_equal(expert.evaluate(games).policy, before.policy)
    assert not np.array_equal(NetworkExpert.of(network, weights, device="cpu").evaluate(games).policy, before.policy)


def test_bad_arguments_are_named(weights):
    with pytest.raises(WeightsError, match="did you mean 'novice'"):
        NetworkExpert("novise")
    with pytest.raises(SpecError, match="'tpu9'"):
        NetworkExpert(weights, device="tpu9")


def test_without_torch_the_extra_is_named(weights, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("sandwich_env.nets")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"sandwich_env\[train\]"):
        NetworkExpert(weights)


PAIR = ("expert", "novice")


def test_the_shipped_networks_are_of_one_architecture_small_and_described():
    expert, novice, adversary = (load_network(name) for name in SHIPPED)
    assert expert.shape == novice.shape == adversary.shape
    assert parameter_count(expert) == parameter_count(novice)
    assert sum(resolve(name).stat().st_size for name in SHIPPED) < 8_000_000
    assert resolve("adversary").stat().st_size < 3_000_000
    cards = {name: load_card(name) for name in SHIPPED}
    assert cards["novice"]["samples_seen"] < cards["expert"]["samples_seen"]
    assert cards["novice"]["steps"] < cards["expert"]["steps"]
    for name, card in cards.items():
        assert card["positions" if name == "adversary" else "data"]
        assert card["scores"]


def test_the_shipped_adversary_loses_where_the_expert_does_not():
    novice, expert, adversary = (NetworkExpert.load(name) for name in ("novice", "expert", "adversary"))
    fens, game = reach(novice, expert, np.arange(12), per_game=6, follows=0.5, seed=9, max_plies=80)
    table = judge(fens, game, expert, [novice])
    told = [legal_logits(Games.from_fens(fens), one).logits for one in (expert, adversary)]
    honest, lost = (table.loss[table.favourites(logits)].mean() for logits in told)
    assert lost > 3 * honest, "it gives away a multiple of what E does, on positions that it has not learnt from"


def test_the_shipped_expert_mates_where_it_can():
    fens = ["6k1/5ppp/8/8/8/8/8/R3K3 w - - 0 1", "7k/8/5K2/8/8/8/8/6Q1 w - - 0 1"]
    games = Games.from_fens(fens)
    for row, action in enumerate(NetworkExpert.load("expert").evaluate(games).best()):
        board = chess.Board(fens[row])
        board.push(action_to_move(action, board))
        assert board.is_checkmate()


def test_the_shipped_expert_solves_what_the_shipped_novice_does_not():
    puzzles = read_puzzles("default")
    expert, novice = (solve_puzzles(NetworkExpert.load(name), puzzles).solved.mean() for name in PAIR)
    assert expert > 2 * novice
