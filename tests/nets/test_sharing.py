"""One evaluator for all who ask the same network: what it remembers is exact, bounded, and safe to share."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import threading
import tracemalloc
import weakref
import zlib

import chess
import numpy as np
import pytest
import torch

from sandwich_env.nets.residual import PolicyValueNetwork, new_network
from sandwich_env.nets.running import NetworkRunner
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.sharing import REMEMBERED, SharedEvaluator, position_keys, share
from sandwich_env.rules import Games, move_to_action

SHAPE = NetworkShape(blocks=1, channels=16)


@pytest.fixture
def network(request: pytest.FixtureRequest) -> PolicyValueNetwork:
    """A network that no other test shares."""
    return new_network(SHAPE, seed=zlib.crc32(request.node.name.encode())).eval()


def after(plies: int, count: int = 20, seed: int = 0) -> Games:
    games = Games(count)
    seeds = np.arange(count, dtype=np.uint64) + np.uint64(1000 * seed)
    for _ in range(plies):
        games.step(np.where(games.finished, -1, games.sample(seeds)))
    return games.select(np.flatnonzero(~games.finished))


def question(games: Games):
    return games.observe(history=1), *games.legal_actions()


def assert_same(answers, others) -> None:
    for one, other in zip(answers, others, strict=True):
        assert one.dtype == other.dtype == np.float32
        assert np.array_equal(one, other)


def test_the_answers_are_the_bits_of_the_whole_network(network):
    games = after(20)
    evaluator = share(network, "cpu")
    logits, values = NetworkRunner(network, "cpu").run(games.observe(history=1))
    actions, counts = games.legal_actions()
    expected = logits[np.repeat(np.arange(len(games)), counts), actions], values
    assert_same(evaluator.evaluate(*question(games)), expected)  # from the network
    assert_same(evaluator.evaluate(*question(games)), expected)  # from memory
    assert evaluator.evaluations == len(games)


def test_new_known_and_repeated_positions_come_back_in_their_places(network):
    games = after(9, 30)
    everything = NetworkRunner(network, "cpu").run_legal(*question(games))
    ends = np.cumsum(games.legal_counts)
    evaluator = share(network, "cpu")
    evaluator.evaluate(*question(games.select(np.arange(5, 15))))
    order = np.array([3, 7, 3, 20, 8, 8, 29, 0, 14, 0])
    logits, values = evaluator.evaluate(*question(games.select(order)))
    assert np.array_equal(
        logits, np.concatenate([everything[0][ends[i] - games.legal_counts[i] : ends[i]] for i in order])
    )
    assert np.array_equal(values, everything[1][order])
    assert evaluator.evaluations == 10 + 4


def test_nothing_asked_is_nothing_answered(network):
    logits, values = share(network, "cpu").evaluate(*question(Games(0)))
    assert logits.shape == values.shape == (0,)
    assert logits.dtype == values.dtype == np.float32


def test_positions_that_differ_anywhere_have_keys_that_differ():
    fens = [
        chess.STARTING_FEN,
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQk - 0 1",  # a castling right
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 2 1",  # the clock
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPP1/RNBQKBNR w KQkq - 0 1",  # a man
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR b KQkq - 0 1",  # the turn
        "rnbqkbnr/ppp1pppp/8/8/3pP3/8/PPPP1PPP/RNBQKBNR b KQkq e3 0 3",  # an en passant capture
        "rnbqkbnr/ppp1pppp/8/8/3pP3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 3",
    ]
    repeated = Games(1)
    for move in ("g1f3", "g8f6", "f3g1", "f6g8"):
        from_square, to_square = chess.parse_square(move[:2]), chess.parse_square(move[2:])
        repeated.step([move_to_action(chess.Move(from_square, to_square), repeated.board(0))])
    keys = position_keys(*question(Games.from_fens(fens))) + position_keys(*question(repeated))
    assert len(set(keys)) == len(fens) + 1
    again = position_keys(*question(Games.from_fens(fens)))
    assert keys[: len(fens)] == again


def test_one_evaluator_for_equal_weights_and_another_for_others(network):
    evaluator = share(network, "cpu")
    assert share(copy.deepcopy(network), "cpu", "float32") is evaluator
    assert share(network, torch.device("cpu").type) is evaluator
    assert share(network, "cpu", "bfloat16") is not evaluator
    assert share(new_network(SHAPE, seed=5).eval(), "cpu") is not evaluator
    with torch.no_grad():
        network.stem[1].running_mean += 1.0  # no parameter, but it counts
    assert share(network, "cpu") is not evaluator


def test_training_on_changes_no_answer_and_the_trained_network_has_its_own(network):
    games = after(12)
    before = share(network, "cpu")
    answers = before.evaluate(*question(games))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.01)
    assert_same(before.evaluate(*question(games)), answers)
    before.forget()
    assert_same(before.evaluate(*question(games)), answers)
    trained = share(network, "cpu").evaluate(*question(games))
    assert not np.array_equal(trained[0], answers[0])
    assert_same(trained, NetworkRunner(network, "cpu").run_legal(*question(games)))


def test_only_the_latest_positions_are_remembered(network):
    evaluator = SharedEvaluator(NetworkRunner(network, "cpu"), remembered=25)
    old, new = after(10, 20, seed=1), after(10, 20, seed=2)
    evaluator.evaluate(*question(old))
    evaluator.evaluate(*question(old.select([0])))  # asked about again, so not the oldest any more
    evaluator.evaluate(*question(new))
    assert len(evaluator) == 25
    assert evaluator.evaluations == 40
    evaluator.evaluate(*question(new))
    evaluator.evaluate(*question(old.select([0])))
    assert evaluator.evaluations == 40
    evaluator.evaluate(*question(old.select([1])))
    assert evaluator.evaluations == 41


def test_a_batch_larger_than_the_memory_is_answered_all_the_same(network):
    evaluator = SharedEvaluator(NetworkRunner(network, "cpu"), remembered=5)
    games = after(10).select(np.tile(np.arange(20), 2))
    expected = NetworkRunner(network, "cpu").run_legal(*question(games))
    assert_same(evaluator.evaluate(*question(games)), expected)
    assert evaluator.evaluations == 20
    assert len(evaluator) == 5


def test_the_memory_takes_about_three_megabytes():
    class Zeros:
        def run_legal(self, planes, actions, counts):
            return np.zeros(len(actions), np.float32), np.zeros(len(planes), np.float32)

    questions = [question(after(30, 512, seed)) for seed in range(11)]
    evaluator = SharedEvaluator(Zeros())
    tracemalloc.start()
    for asked in questions:
        evaluator.evaluate(*asked)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(evaluator) == REMEMBERED
    assert 2e6 < held < 3.5e6


def test_another_number_of_threads_is_another_way_to_sum(network):
    evaluator, asked, threads = share(network, "cpu"), question(after(8)), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        evaluator.evaluate(*asked)
        torch.set_num_threads(2)
        assert_same(evaluator.evaluate(*asked), NetworkRunner(network, "cpu").run_legal(*asked))
        assert evaluator.evaluations == 2 * len(asked[0])
    finally:
        torch.set_num_threads(threads)


def test_nobody_holds_it_so_it_goes(network):
    evaluator = share(network, "cpu")
    evaluator.evaluate(*question(after(5)))
    gone = weakref.ref(evaluator)
    del evaluator
    gc.collect()
    assert gone() is None
    assert share(network, "cpu").evaluations == 0


def test_threads_that_ask_at_once_get_one_evaluation(network):
    asked = question(after(15, 60))
    expected = NetworkRunner(network, "cpu").run_legal(*asked)
    barrier, got = threading.Barrier(6), []

    def ask() -> None:
        barrier.wait()
        evaluator = share(network, "cpu")
        got.append((evaluator, evaluator.evaluate(*asked)))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(evaluator) for evaluator, _ in got}) == 1
    assert got[0][0].evaluations == len(asked[0])
    for _, answers in got:
        assert_same(answers, expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python warns of threads and forks, the case tested
def test_a_child_forked_while_another_thread_asks_is_not_stuck(network):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the child of a process with OpenMP's threads must not start any
    try:
        asked = question(after(6))
        evaluator = share(network, "cpu")
        expected = evaluator.evaluate(*asked)
        with evaluator._lock:  # as if another thread were asking
            child = os.fork()
            if child == 0:
                same = all(map(np.array_equal, share(network, "cpu").evaluate(*asked), expected))
                joined = share(network, "cpu") is evaluator
                os._exit(0 if same and joined and evaluator.evaluations == 2 * len(asked[0]) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        torch.set_num_threads(threads)


def test_copies_and_pickles_join_or_begin_anew(network):
    asked = question(after(6))
    evaluator = share(network, "cpu")
    expected = evaluator.evaluate(*asked)
    assert copy.deepcopy(evaluator) is evaluator
    written = pickle.dumps(evaluator)
    assert pickle.loads(written) is evaluator
    del evaluator
    gc.collect()
    again = pickle.loads(written)
    assert again is share(network, "cpu")
    assert again.evaluations == len(again) == 0
    assert_same(again.evaluate(*asked), expected)
