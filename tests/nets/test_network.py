"""The network: its geometry agrees with the rules, and running it gives the same bits however it is batched."""

from __future__ import annotations

import chess
import numpy as np
import pytest
import torch

from sandwich_env.errors import SpecError, WeightsError
from sandwich_env.nets.geometry import from_to_pairs, mirrored_actions
from sandwich_env.nets.residual import new_network, parameter_count
from sandwich_env.nets.running import NetworkRunner
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.rules import Games, move_to_action

SMALL = NetworkShape(blocks=2, channels=16)

POSITIONS = [
    chess.STARTING_FEN,
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
    "r2q1rk1/pP1p2pp/Q4n2/bbp1p3/Np6/1B3NBn/pPPP1PPP/R3K2R b KQ - 0 1",
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1",
    "8/P7/8/8/8/8/7p/K1k5 w - - 0 1",
]


def trained_a_little(shape: NetworkShape, seed: int = 0):
    """A network whose running means are not those it began with, so that fusing them is put to the test."""
    network = new_network(shape, seed)
    torch.manual_seed(seed)
    for _ in range(3):
        network(torch.rand(32, 20, 8, 8))
    return network.eval()


def positions(count: int) -> np.ndarray:
    games = Games(count, max_plies=200)
    seeds = np.arange(count, dtype=np.uint64)
    for _ in range(30):
        over = games.terminated | games.truncated
        games.step(np.where(over, -1, games.sample(seeds)))
    return games.observe(history=1)


def test_the_squares_of_an_action_are_those_of_its_move():
    pairs = from_to_pairs()
    for fen in POSITIONS:
        board = chess.Board(fen)
        for move in board.legal_moves:
            source, target = divmod(int(pairs[move_to_action(move, board)]), 64)
            squares = [move.from_square, move.to_square]
            if board.turn == chess.BLACK:
                squares = [chess.square_mirror(square) for square in squares]
            assert [source, target] == [(7 - s // 8) * 8 + s % 8 for s in squares], move


def test_the_image_of_a_man_is_where_its_moves_begin():
    pairs = from_to_pairs()
    for fen in POSITIONS:
        board = chess.Board(fen)
        own = Games.from_fens([fen]).observe(history=1)[0, :, :, 7:13].any(axis=2)
        for move in board.legal_moves:
            row, column = divmod(int(pairs[move_to_action(move, board)]) // 64, 8)
            assert own[row, column], (fen, move)


def test_mirrored_actions_are_the_moves_of_the_mirrored_board():
    mirrored = mirrored_actions()
    assert (mirrored[mirrored] == np.arange(4672)).all()
    for fen in POSITIONS:
        board = chess.Board(fen)
        board.castling_rights = chess.BB_EMPTY
        twin = board.transform(chess.flip_horizontal)
        expected = {move_to_action(move, twin) for move in twin.legal_moves}
        assert {int(mirrored[move_to_action(move, board)]) for move in board.legal_moves} == expected


def test_the_same_position_gets_the_same_bits_alone_and_in_any_batch():
    planes = positions(300)
    runner = NetworkRunner(trained_a_little(NetworkShape()), device="cpu", precision="float32")
    logits, values = runner.run(planes)
    assert logits.shape == (300, 4672)
    assert values.shape == (300,)
    for size in (1, 2, 5, 16, 17, 40, 128, 129, 200):
        some_logits, some_values = runner.run(planes[:size])
        assert np.array_equal(some_logits, logits[:size]), size
        assert np.array_equal(some_values, values[:size]), size
    alone = [runner.run(planes[i : i + 1]) for i in range(40)]
    assert np.array_equal(np.concatenate([some for some, _ in alone]), logits[:40])
    assert np.array_equal(np.concatenate([some for _, some in alone]), values[:40])
    assert runner.run(planes[:0])[0].shape == (0, 4672)


def test_fusing_the_norms_changes_nothing_but_rounding():
    network = trained_a_little(SMALL)
    planes = positions(16)
    logits, values = NetworkRunner(network, device="cpu", precision="float32").run(planes)
    with torch.no_grad():
        plain_logits, plain_values = network(torch.from_numpy(planes).float().permute(0, 3, 1, 2))
    assert np.allclose(logits, plain_logits.numpy(), atol=1e-5)
    assert np.allclose(values, plain_values.numpy(), atol=1e-5)
    assert (np.abs(values) <= 1).all()


def test_bfloat16_is_close_to_float32():
    network = trained_a_little(SMALL)
    planes = positions(16)
    exact, _ = NetworkRunner(network, device="cpu", precision="float32").run(planes)
    rough, _ = NetworkRunner(network, device="cpu", precision="bfloat16").run(planes)
    assert np.linalg.norm(rough - exact) / np.linalg.norm(exact) < 0.05
    assert not np.array_equal(rough, exact)


def test_the_seed_alone_sets_the_first_weights():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one, other, different = (new_network(SMALL, seed) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert not torch.equal(one.stem[0].weight, different.stem[0].weight)
    assert parameter_count(one) == parameter_count(different)


@pytest.mark.parametrize(("key", "value"), [("blocks", 0), ("channels", -1), ("channels", 2.5)])
def test_a_shape_that_is_none_is_refused(key, value):
    with pytest.raises(WeightsError, match=key):
        NetworkShape(**{key: value})


def test_a_misspelt_part_of_a_shape_is_answered_with_the_right_one():
    with pytest.raises(WeightsError, match="did you mean 'channels'"):
        NetworkShape.from_dict({"chanels": 16})


def test_a_device_or_precision_that_is_not_there_is_refused():
    network = new_network(SMALL, 0)
    with pytest.raises(SpecError, match="'gpu'"):
        NetworkRunner(network, device="gpu")
    with pytest.raises(SpecError, match="float16"):
        NetworkRunner(network, device="cpu", precision="float16")
