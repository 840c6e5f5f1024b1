"""Fitting: it learns, mirrors rightly, weighs what it is told to, and goes on from a checkpoint as if never stopped."""

from __future__ import annotations

import chess
import numpy as np
import pytest
import torch

from sandwich_env.errors import DataError, SpecError
from sandwich_env.learning import supervised
from sandwich_env.learning.examples import Examples, unpack_legal, unpack_planes
from sandwich_env.learning.supervised import Fit, FitConfig, score
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.rules import Games, move_to_action

SMALL = NetworkShape(blocks=1, channels=16)


def random_games(count: int, plies: int) -> Games:
    games = Games(count, max_plies=400)
    seeds = np.arange(count, dtype=np.uint64)
    for _ in range(plies):
        games.step(np.where(games.terminated, -1, games.sample(seeds)))
    return games


def first_legal(games: Games) -> np.ndarray:
    return np.argmax(games.legal_mask(), axis=1)


@pytest.fixture(scope="module")
def examples() -> Examples:
    parts = []
    for plies in (4, 9, 16):
        games = random_games(64, plies)
        games = games.select(np.flatnonzero(~games.terminated))
        parts.append(Examples.of(games, first_legal(games), np.where(games.turn, 1.0, -1.0)))
    return Examples.join(parts)


def test_examples_unpack_to_what_the_rules_say():
    games = random_games(20, 12)
    packed = Examples.of(games, first_legal(games), np.zeros(20))
    assert packed.planes.shape == (20, 160)
    assert packed.legal.shape == (20, 584)
    assert np.array_equal(unpack_planes(packed.planes), games.observe(history=1))
    assert np.array_equal(unpack_legal(packed.legal), games.legal_mask().astype(bool))


def test_an_illegal_move_cannot_be_learnt():
    games = Games(1)
    illegal = int(np.argmin(games.legal_mask()[0]))
    with pytest.raises(DataError, match=rf"action {illegal} .*{chess.STARTING_FEN.split()[0]}"):
        Examples.of(games, [illegal], [0.0])
    assert len(Examples.of(games, [illegal], [0.0], policy_weight=0.0)) == 1


def test_a_fit_learns_moves_and_results(examples):
    network = new_network(SMALL, 0)
    before = score(network, examples)
    Fit(network, examples, FitConfig(steps=150, batch_size=64, mirror=False)).run()
    after = score(network, examples)
    assert after.accuracy > before.accuracy + 0.3
    assert after.policy_loss < before.policy_loss - 1.0
    assert after.value_loss < 0.3 < before.value_loss


def test_weights_of_zero_teach_nothing(examples):
    silent = Examples(
        examples.planes,
        examples.legal,
        examples.action,
        examples.value,
        np.zeros_like(examples.policy_weight),
        np.zeros_like(examples.value_weight),
    )
    network = new_network(SMALL, 0)
    Fit(network, silent, FitConfig(steps=3, batch_size=16, weight_decay=0.0)).run()
    untouched = new_network(SMALL, 0)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), untouched.parameters(), strict=True))


@pytest.mark.parametrize("stop", [1, 7, 13])
def test_a_stopped_fit_ends_with_the_same_weights(examples, stop):
    config = FitConfig(steps=20, batch_size=32, seed=3)
    whole = Fit(new_network(SMALL, 1), examples, config)
    whole.run()
    first = Fit(new_network(SMALL, 1), examples, config)
    first.run(until=stop)
    second = Fit(new_network(SMALL, 99), examples, config)
    second.load_state(first.state())
    assert second.step == stop
    second.run()
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name]), name


def test_mirrored_examples_are_the_mirrored_positions():
    fens = ["8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 5 1", "4k3/P7/8/3pP3/8/2n5/8/4K2R w - d6 0 9", chess.STARTING_FEN]
    boards = [chess.Board(fen) for fen in fens]
    moves = [next(iter(board.legal_moves)) for board in boards]
    actions = [move_to_action(move, board) for move, board in zip(moves, boards, strict=True)]
    examples = Examples.of(Games.from_fens(fens), actions, np.zeros(3))
    planes, legal, action = supervised._batch(examples, np.arange(3), np.ones(3, dtype=bool))
    for row, board in enumerate(boards[:2]):
        twin = board.transform(chess.flip_horizontal)
        expected = Games.from_fens([twin.fen()])
        assert np.array_equal(planes[row].permute(1, 2, 0).numpy(), expected.observe(history=1)[0])
        assert np.array_equal(legal[row].numpy(), expected.legal_mask()[0].astype(bool))
        move = moves[row]
        turned = chess.Move(move.from_square ^ 7, move.to_square ^ 7, move.promotion)
        assert int(action[row]) == move_to_action(turned, twin)
    # With castling rights a position has no mirror image.
    assert np.array_equal(planes[2].permute(1, 2, 0).numpy(), Games(1).observe(history=1)[0])
    assert int(action[2]) == actions[2]


def test_groups_are_drawn_by_their_shares(examples):
    groups = np.repeat([0, 1], [30, len(examples) - 30])
    fit = Fit(new_network(SMALL, 0), examples, FitConfig(steps=10, batch_size=40), groups, (3.0, 1.0))
    seen = []
    for fit.step in range(10):
        rows, _ = fit._draw()
        assert (groups[rows] == 0).sum() == 30
        seen.append(rows[groups[rows] == 0])
    assert all(np.array_equal(np.sort(rows), np.arange(30)) for rows in seen)
    assert not np.array_equal(seen[0], seen[1])


def test_what_cannot_be_fitted_is_refused(examples):
    with pytest.raises(DataError, match="no examples"):
        Fit(new_network(SMALL, 0), examples.select(slice(0, 0)), FitConfig(steps=1))
    with pytest.raises(DataError, match="no examples"):
        Examples.join([])
    with pytest.raises(SpecError, match="batch_size 0"):
        FitConfig(steps=1, batch_size=0)
    with pytest.raises(SpecError, match=r"learning_rate is -1\.0"):
        FitConfig(steps=1, learning_rate=-1.0)
