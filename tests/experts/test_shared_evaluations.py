"""However many wrappers, players and scorers ask: each network is run once for each position."""

from __future__ import annotations

import zlib
from pathlib import Path

import chess
import numpy as np
import pytest
import torch

from sandwich_env.advisors.base import Advice, Honest, Query, Wrapper
from sandwich_env.advisors.policy_noise import PolicyNoise
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.evaluation.agreement import move_agreement
from sandwich_env.evaluation.matches import play_match
from sandwich_env.experts.base import Expert
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.learning.self_play import Table, play_games
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.sharing import position_keys
from sandwich_env.nets.weights import load_network, save_network
from sandwich_env.oversight.channel import Audit
from sandwich_env.oversight.protocols import EveryTurn
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.players.explore import Explore
from sandwich_env.players.random_player import RandomPlayer
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

GAMES = 8


def weights_for(name: str, folder: Path) -> Path:
    """A network of the test's own, so that no other test has asked it."""
    path = folder / "weights.safetensors"
    save_network(new_network(NetworkShape(blocks=1, channels=16), seed=zlib.crc32(name.encode())), path)
    return path


@pytest.fixture
def weights(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return weights_for(request.node.name, tmp_path)


@pytest.fixture
def others(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The weights of a second network."""
    folder = tmp_path / "others"
    folder.mkdir()
    return weights_for(f"others of {request.node.name}", folder)


class Runs:
    """Writes down every position that a network is run on."""

    def __init__(self, expert: NetworkExpert, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keys: list[bytes] = []
        runner = expert._evaluator.runner
        run = runner.run_legal

        def noted(planes, actions, counts):
            self.keys += position_keys(planes, actions, counts)
            return run(planes, actions, counts)

        monkeypatch.setattr(runner, "run_legal", noted)

    def assert_once(self, expert: NetworkExpert) -> None:
        assert len(self.keys) == len(set(self.keys)) == expert.evaluations > 0


class SecondLook(Wrapper):
    """Asks an expert again, as a wrapper does that wants to know what it spoils."""

    def __init__(self, inner, expert: Expert, seed: int = 0) -> None:
        super().__init__(inner, seed)
        self.expert = from_spec(expert, Expert)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        seen = self.expert.evaluate(query.games)
        return advice.tampered(rng.random() < 0.3, by=self.kind, value=-seen.value)


def network(weights: Path) -> dict[str, str]:
    """A spec: whoever is given it makes an expert of its own."""
    return {"kind": "network", "weights": str(weights), "device": "cpu"}


def after(plies: int, count: int) -> Games:
    games = Games(count)
    for _ in range(plies):
        games.step(games.sample(np.arange(count, dtype=np.uint64)))
    return games


def test_a_position_that_all_games_share_is_run_once(weights):
    expert = NetworkExpert(weights, "cpu")
    together = expert.evaluate(Games(256))
    assert expert.evaluations == 1
    assert (together.policy == together.policy[0]).all()
    alone = NetworkExpert.of(load_network(weights), weights, "cpu")
    assert np.array_equal(alone.evaluate(Games(1)).policy[0], together.policy[17])
    assert alone.evaluations == 1


def test_games_that_are_over_are_not_run(weights):
    expert = NetworkExpert(weights, "cpu")
    games = Games.from_fens(["7k/6Q1/5K2/8/8/8/8/8 b - - 0 1", chess.STARTING_FEN])
    assert expert.evaluate(games).value[0] == -1.0
    assert expert.evaluations == 1


def test_an_en_passant_capture_is_not_forgotten(weights):
    stem = "rnbqkbnr/ppp1pppp/8/8/3pP3/8/PPPP1PPP/RNBQKBNR b KQkq"
    games = Games.from_fens([f"{stem} e3 0 3", f"{stem} - 0 3"])
    expert = NetworkExpert(weights, "cpu")
    for order in ([0, 1], [1, 0]):
        some = games.select(order)
        assert np.array_equal(np.isfinite(expert.evaluate(some).policy), some.legal_mask() == 1)


def test_wrappers_players_and_scorers_of_separate_specs_ask_one_network(weights):
    games = after(11, 50)
    query = Query(games, mix(np.arange(50)), np.zeros(50, dtype=np.int64))
    advisor = SecondLook(SecondLook(Honest(network(weights)), network(weights)), network(weights))
    player, scorer = ExpertPlayer(network(weights)), NetworkExpert(weights, "cpu")
    advice = advisor.advise(query)
    moves = player.act(games, None, Streams(query.keys))
    assert np.array_equal(moves, scorer.evaluate(games).best())
    assert np.array_equal(moves, advice.provenance.honest_move)
    assert scorer.evaluations == 50


def test_agreement_with_oneself_is_one_evaluation(weights):
    games = after(11, 30)
    one, other = NetworkExpert(weights, "cpu"), NetworkExpert(weights, "cpu")
    agreement = move_agreement(one, other, games, rng=np.random.default_rng(0), resamples=10)
    assert agreement.same_move.value == 1.0
    assert one.evaluations == 30


def test_a_round_of_self_play(weights, others, monkeypatch):
    expert, novice = NetworkExpert(weights, "cpu"), NetworkExpert(others, "cpu")
    asked, ran = Runs(expert, monkeypatch), Runs(novice, monkeypatch)
    table = Table(
        advisor=SecondLook(SecondLook(Honest(network(weights)), network(weights)), network(weights)),
        advised="both",
        protocol=EveryTurn(),
        asks="both",
        starts=(chess.STARTING_FEN, "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1"),
        max_plies=30,
    )
    player = Explore(ExpertPlayer(network(others), temperature=1.0), RandomPlayer(), plies=4)
    corpus = play_games(player, table, np.arange(GAMES), seed=1, round=1)
    asked.assert_once(expert)
    ran.assert_once(novice)
    assert corpus.seen.asked.all()
    assert expert.evaluations < len(corpus.seen.asked) <= 30 * GAMES  # all games share their starts at the least


def test_a_match_of_a_network_against_its_copy_and_a_scorer(weights, others, monkeypatch):
    expert, other = NetworkExpert(weights, "cpu"), NetworkExpert(others, "cpu")
    ran, beside = Runs(expert, monkeypatch), Runs(other, monkeypatch)

    class Watched(ExpertPlayer):
        """Its moves are scored by both networks."""

        def act(self, games, advice, rng):
            for scorer in (expert, other):
                scorer.evaluate(games)
            return super().act(games, advice, rng)

    openings = after(4, 6).fens()
    first, second = (Watched(from_spec(network(weights), Expert), temperature=1.0) for _ in range(2))
    result = play_match(first, second, openings, seed=3, max_plies=25)
    assert result.plies.sum() > 100
    ran.assert_once(expert)
    beside.assert_once(other)
    assert set(ran.keys) == set(beside.keys)


def test_an_environment_with_wrappers_and_an_auditor(weights, monkeypatch):
    expert = NetworkExpert(weights, "cpu")
    runs, audited = Runs(expert, monkeypatch), []

    def audit(batch: Audit) -> None:
        audited.append(NetworkExpert(weights, "cpu").evaluate(batch.query.games).best() == batch.advice.move)

    env = ChessVectorEnv(
        GAMES,
        opponent=ExpertPlayer(network(weights), temperature=1.0),
        advisor=RandomMove(PolicyNoise(Honest(network(weights)), scale=0.5), epsilon=0.25),
        advised="both",
        audit=audit,
    )
    seen, _ = env.reset(seed=0)
    for _ in range(20):
        seen, *_ = env.step(seen["advice_move"])
    env.close()
    runs.assert_once(expert)
    assert not np.concatenate(audited).all()


def test_training_in_place_is_never_answered_from_memory(weights):
    games = after(7, 20)
    trained = load_network(weights)
    before = NetworkExpert.of(trained, weights, "cpu")
    answers = before.evaluate(games).policy
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.mul_(1.1)
    fresh = NetworkExpert.of(trained, weights, "cpu")
    assert not np.array_equal(fresh.evaluate(games).policy, answers)
    assert np.array_equal(before.evaluate(games).policy, answers)
    assert (before.evaluations, fresh.evaluations) == (20, 20)


def test_weights_written_over_are_other_weights(weights):
    games = after(7, 5)
    before = NetworkExpert(weights, "cpu")
    answers = before.evaluate(games).policy
    save_network(new_network(NetworkShape(blocks=1, channels=16), seed=77), weights)
    assert not np.array_equal(NetworkExpert(weights, "cpu").evaluate(games).policy, answers)
    assert np.array_equal(before.evaluate(games).policy, answers)


def test_what_callers_do_to_an_answer_stays_with_them(weights):
    expert, games = NetworkExpert(weights, "cpu"), after(5, 4)
    answer = expert.evaluate(games)
    kept = answer.policy.copy(), answer.value.copy()
    answer.policy[:] = 0.0
    answer.value[:] = 9.0
    again = expert.evaluate(games)
    assert np.array_equal(again.policy, kept[0])
    assert np.array_equal(again.value, kept[1])
