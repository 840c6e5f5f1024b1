"""Reinforcement: the probabilities that moves were drawn with, the advantages, and what H learns from won games."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import chess
import numpy as np
import pytest
import torch

from sandwich_env.advisors.base import Honest
from sandwich_env.errors import DataError, SpecError
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.corpus import Corpus, VisibleCorpus
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.learning.methods.base import Lesson, Method, Targets
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.learning.methods.reinforce import Reinforce
from sandwich_env.learning.played_examples import PlayedExamples
from sandwich_env.learning.policy_gradient import PolicyGradientFit
from sandwich_env.learning.self_play import Table, play_games
from sandwich_env.learning.supervised import FitConfig
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import load_network, save_network
from sandwich_env.oversight.protocols import EveryNTurns
from sandwich_env.players.lean import Lean
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

SHAPE = NetworkShape(blocks=1, channels=8, policy_channels=4, value_channels=2, value_hidden=8)


class Known(Expert):
    """All legal moves alike, and a value that is told by the number of plies."""

    def evaluate(self, games: Games) -> Evaluation:
        legal = np.where(games.legal_mask() == 1, 0.0, -np.inf).astype(np.float32)
        return Evaluation(legal, (games.ply / 100).astype(np.float32))


def played(method: Method, novice: Expert, *, round: int = 1, count: int = 6, plies: int = 12) -> VisibleCorpus:
    """Games in which every second turn is advised; White wins the even ones and Black the others."""
    table = Table(
        advisor=Honest(UniformExpert()),
        advised="both",
        protocol=EveryNTurns(2),
        asks="move",
        starts=[chess.STARTING_FEN],
        max_plies=plies,
    )
    seen = play_games(method.player(novice), table, np.arange(count), seed=3, round=round).visible()
    outcome = np.where(np.arange(count) % 2, -1.0, 1.0).astype(np.float32)
    return replace(seen, games=replace(seen.games, outcome=outcome))


def lesson(corpus: VisibleCorpus, novice: Expert, round: int = 1) -> Lesson:
    return Lesson(corpus, novice, round, np.random.default_rng(0))


def rows_of(corpus: VisibleCorpus, chosen: np.ndarray) -> np.ndarray:
    return np.concatenate([at for _, at in replay_games(corpus, rows=chosen)])


def test_probabilities_and_advantages_by_hand() -> None:
    method = Reinforce(lean=2.0, temperature=0.5)
    corpus = played(method, Known())
    examples = method.examples(lesson(corpus, Known()))
    assert isinstance(examples, PlayedExamples)
    rows = rows_of(corpus, np.ones(len(corpus), dtype=np.bool_))
    assert len(examples) == len(corpus) == 72
    advised = np.where(corpus.advice_available[:, 0] == 1, corpus.advice_move, -1)[rows]
    assert np.array_equal(examples.advised, advised)
    assert np.array_equal(examples.action, corpus.action[rows])
    legal = np.unpackbits(examples.legal, axis=1).sum(axis=1)
    # n moves of weight 1, of which the advised one has weight e^2.
    followed = examples.action == advised
    total = np.where(advised >= 0, legal - 1 + np.exp(2.0), legal)
    expected = np.log(np.where(followed, np.exp(2.0), 1.0) / total)
    assert examples.log_probability == pytest.approx(expected, abs=1e-5)
    assert followed.any()
    assert ((advised >= 0) & ~followed).any()
    advantage = corpus.result[rows] - corpus.ply[rows] / 100
    assert examples.advantage == pytest.approx(advantage - advantage.mean(), abs=1e-5)
    assert np.array_equal(examples.value, corpus.result[rows])
    assert (examples.policy_weight == 1).all()
    assert (examples.value_weight == 1).all()


def test_only_finished_games_of_the_latest_round_count() -> None:
    method = Reinforce()
    first, second = (played(method, Known(), round=round, count=3) for round in (1, 2))
    second.games.outcome[1] = np.nan
    blank = play_truth(len(first))
    both = Corpus.concatenate([Corpus(part, blank) for part in (first, second)]).visible()
    examples = method.examples(lesson(both, Known(), round=2))
    rows = rows_of(both, np.isin(both.game_id, [3, 5]))
    assert np.array_equal(examples.action, both.action[rows])
    with pytest.raises(DataError, match=r"round 3 of the games holds none that ended"):
        method.examples(lesson(both, Known(), round=3))


def play_truth(plies: int) -> Any:
    from sandwich_env.learning.corpus import Truth

    return Truth(
        np.zeros(plies, np.bool_),
        np.array([""] * plies, dtype=object),
        np.full(plies, -1),
        np.full(plies, np.nan, np.float32),
    )


@pytest.fixture
def start(tmp_path: Path) -> Path:
    torch.set_num_threads(1)
    save_network(new_network(SHAPE, 0), tmp_path / "h.safetensors")
    return tmp_path / "h.safetensors"


def test_what_is_drawn_under_the_network_has_a_ratio_of_one(start: Path) -> None:
    """The probabilities that the player drew with are those of the fit before its first step."""
    method, novice = Reinforce(lean=1.0, temperature=0.7), NetworkExpert(start, "cpu")
    examples = method.examples(lesson(played(method, novice), novice))
    assert isinstance(examples, PlayedExamples)
    fit = method.fitting(load_network(start), examples, FitConfig(steps=3, batch_size=64, value_weight=0.0))
    assert isinstance(fit, PolicyGradientFit)
    fit.to_training()
    batch = fit.batch()
    _, diverged = fit._policy_loss(fit.network(batch.planes)[0], batch)
    assert diverged < 1e-5  # who plays sums in another order, and less precisely


def test_moves_that_won_become_likelier(start: Path) -> None:
    method = Reinforce(lean=1.0, max_kl=10.0, rate=1.0)
    novice = NetworkExpert(start, "cpu")
    corpus = played(method, novice, count=4)
    examples = method.examples(lesson(corpus, novice))
    fit = method.fitting(load_network(start), examples, FitConfig(steps=15, batch_size=48, learning_rate=1e-2))
    for _ in fit.advance(15):
        pass
    after = method.examples(lesson(corpus, NetworkExpert.of(fit.network, "after")))
    assert isinstance(examples, PlayedExamples)
    assert isinstance(after, PlayedExamples)
    change = after.log_probability - examples.log_probability
    won = examples.value > 0
    assert change[won].mean() > 0.05
    assert change[~won].mean() < -0.05


def test_where_every_game_is_drawn_as_expected_h_stays_as_it_is(tmp_path: Path) -> None:
    network = new_network(SHAPE, 0)
    for parameter in network.value_out.parameters():
        torch.nn.init.zeros_(parameter)
    save_network(network, tmp_path / "h.safetensors")
    method, novice = Reinforce(rate=1.0), NetworkExpert(tmp_path / "h.safetensors", "cpu")
    corpus = played(method, novice)
    corpus.games.outcome[:] = 0.0
    examples = method.examples(lesson(corpus, novice))
    fit = method.fitting(load_network(tmp_path / "h.safetensors"), examples, FitConfig(steps=4, batch_size=32))
    for _ in fit.advance(4):
        pass
    for name, tensor in load_network(tmp_path / "h.safetensors").state_dict().items():
        assert torch.equal(tensor, fit.network.state_dict()[name]), name
    corpus.games.outcome[0] = 1.0  # and a single game that is not drawn does move it
    fit = method.fitting(
        load_network(tmp_path / "h.safetensors"),
        method.examples(lesson(corpus, novice)),
        FitConfig(steps=4, batch_size=32),
    )
    for _ in fit.advance(4):
        pass
    assert not torch.equal(network.stem[0].weight, fit.network.stem[0].weight)


def test_the_fit_takes_the_methods_settings(start: Path) -> None:
    method = Reinforce(lean=1.5, temperature=0.6, clip=0.3, max_kl=0.07, rate=0.2)
    examples = method.examples(lesson(played(method, Known()), Known()))
    fit = method.fitting(load_network(start), examples, FitConfig(steps=3, learning_rate=1e-3))
    assert isinstance(fit, PolicyGradientFit)
    assert (fit.lean, fit.temperature, fit.clip, fit.max_kl) == (1.5, 0.6, 0.3, 0.07)
    assert fit.learning_rate == pytest.approx(2e-4)
    imitated = Imitate().examples(lesson(played(method, Known()), Known()))
    with pytest.raises(DataError, match="not to Examples"):
        method.fitting(load_network(start), imitated, FitConfig(steps=3))


def test_it_must_be_alone() -> None:
    corpus = played(Reinforce(), Known())
    given = lesson(corpus, Known())
    targets = Imitate().targets(given)
    assert isinstance(targets, Targets)
    with pytest.raises(SpecError, match=r"'reinforce' learns from results .* use it alone"):
        Reinforce().weigh(given, targets)


def test_it_leans_and_its_spec() -> None:
    method = from_spec({"kind": "reinforce", "lean": 1.5, "temperature": 0.5}, Method)
    player = method.player(UniformExpert())
    assert isinstance(player, Lean)
    assert (player.lean, player.temperature) == (1.5, 0.5)
    assert from_spec(method.to_spec(), Method).to_spec() == method.to_spec()


@pytest.mark.parametrize("argument", ["temperature", "clip", "max_kl", "rate"])
def test_what_cannot_be_is_refused(argument: str) -> None:
    for value, told in ((0.0, "is 0: it must be above 0"), (-1.0, "is -1.0")):
        with pytest.raises(SpecError, match=rf"{argument} of 'reinforce' {told}"):
            Reinforce(**{argument: value})
    with pytest.raises(SpecError, match=r"lean of 'reinforce' is inf"):
        Reinforce(lean=float("inf"))
