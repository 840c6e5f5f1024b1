"""Methods: what H takes from its games, and that the truth behind the advice is no part of it."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from corpus_support import recorded

from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.errors import SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.corpus import Corpus, Truth, VisibleCorpus
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.learning.examples import Examples, unpack_legal, unpack_planes
from sandwich_env.learning.fine_tune import fine_tune
from sandwich_env.learning.methods.base import Lesson, Method
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.learning.supervised import FitConfig
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import save_network
from sandwich_env.players.explore import Explore
from sandwich_env.specs import from_spec

TINY = NetworkShape(blocks=1, channels=8)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return recorded(12)


def lesson(corpus: Corpus) -> Lesson:
    return Lesson(corpus.visible(), UniformExpert(), 1, np.random.default_rng(0))


def columns(examples: Examples) -> list[bytes]:
    return [getattr(examples, f.name).tobytes() for f in fields(Examples)]


def alterations(truth: Truth) -> dict[str, Truth]:
    """For each column of the truth: the column permuted, and the column with every value another one."""
    order = np.random.default_rng(3).permutation(len(truth))
    other = {
        "tampered": ~truth.tampered,
        "by": np.array(["every_n"] * len(truth), dtype=object),
        "honest_move": (truth.honest_move + 1) % NO_MOVE,
        "honest_value": np.where(np.isnan(truth.honest_value), 1, np.nan).astype(np.float32),
    }
    changed = {}
    for f in fields(Truth):
        column = getattr(truth, f.name)
        changed[f"{f.name} permuted"] = replace(truth, **{f.name: column[order]})
        changed[f"{f.name} altered"] = replace(truth, **{f.name: other[f.name]})
        for name in ("permuted", "altered"):
            assert not np.array_equal(getattr(changed[f"{f.name} {name}"], f.name), column), (f.name, name)
    return changed


def test_no_column_of_the_truth_reaches_the_examples_or_the_weights(corpus: Corpus, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    save_network(new_network(TINY, 0), tmp_path / "h.safetensors")
    config = FitConfig(steps=2, batch_size=16)

    def learn(examples: Examples) -> list[bytes]:
        network = fine_tune(
            tmp_path / "h.safetensors", examples, config, checkpoint=tmp_path / "fit", checkpoint_every=100
        )
        return [tensor.numpy().tobytes() for tensor in network.state_dict().values()]

    taught = Imitate().examples(lesson(corpus))
    weights = learn(taught)
    assert weights != [tensor.numpy().tobytes() for tensor in new_network(TINY, 0).state_dict().values()]
    changed = alterations(corpus.truth)
    for name, truth in changed.items():
        assert columns(Imitate().examples(lesson(Corpus(corpus.seen, truth)))) == columns(taught), name
    every = {f.name: getattr(changed[f"{f.name} altered"], f.name) for f in fields(Truth)}
    assert learn(Imitate().examples(lesson(Corpus(corpus.seen, Truth(**every))))) == weights


def test_what_the_learner_sees_does_move_the_examples(corpus: Corpus) -> None:
    """The test above could fail: another visible column does change what is learnt."""
    seen = corpus.seen
    turned = replace(seen, games=replace(seen.games, outcome=-seen.games.outcome))
    unadvised = replace(seen, advice_move=np.full(len(seen), NO_MOVE))
    before = columns(Imitate().examples(lesson(corpus)))
    assert columns(Imitate().examples(lesson(Corpus(turned, corpus.truth)))) != before
    assert columns(Imitate().examples(lesson(Corpus(unadvised, corpus.truth)))) != before


def test_a_lesson_leads_to_no_truth(corpus: Corpus) -> None:
    given = lesson(corpus)
    names = {f.name for f in fields(VisibleCorpus)} | set(dir(given.corpus)) | set(dir(given.corpus.games))
    assert type(given.corpus) is VisibleCorpus
    assert not names & ({f.name for f in fields(Truth)} | {"truth", "provenance"})


def by_position(corpus: Corpus, examples: Examples, taught: np.ndarray) -> np.ndarray:
    """The rows of the corpus that the examples are of, in their order."""
    rows = np.concatenate([at for _, at in replay_games(corpus.visible(), rows=taught)])
    assert len(rows) == len(examples)
    return rows


def test_imitate_learns_the_moves_played_in_the_positions_they_were_played_in(corpus: Corpus) -> None:
    examples = Imitate(explore_plies=0).examples(lesson(corpus))
    everything = np.ones(len(corpus), dtype=np.bool_)
    rows = by_position(corpus, examples, everything)
    assert np.array_equal(np.sort(rows), np.arange(len(corpus)))
    assert np.array_equal(examples.action, corpus.seen.action[rows])
    assert (examples.policy_weight == 1).all()
    assert np.array_equal(examples.value, corpus.seen.result[rows])
    games, at = next(iter(replay_games(corpus.visible(), rows=everything)))
    first = np.arange(len(at))
    assert np.array_equal(unpack_planes(examples.planes[first]), games.observe(history=1))
    assert np.array_equal(unpack_legal(examples.legal[first]), games.legal_mask() == 1)


def test_explored_plies_teach_a_move_only_where_it_was_advised(corpus: Corpus) -> None:
    examples = Imitate(explore_plies=6).examples(lesson(corpus))
    rows = by_position(corpus, examples, np.ones(len(corpus), dtype=np.bool_))
    explored = corpus.seen.ply[rows] < 6
    followed = corpus.seen.followed[rows]
    assert (explored & followed).any()
    assert (explored & ~followed).any()
    assert np.array_equal(examples.policy_weight == 0, explored & ~followed)
    assert (examples.value_weight == 1).all()


def test_where_nothing_is_explored_every_move_is_learnt(corpus: Corpus) -> None:
    examples = Imitate(explore_plies=6, explore_share=0.0).examples(lesson(corpus))
    assert (examples.policy_weight == 1).all()


def test_without_values_the_moves_alone_are_learnt(corpus: Corpus) -> None:
    examples = Imitate(explore_plies=6, values=False).examples(lesson(corpus))
    taught = (corpus.seen.ply >= 6) | corpus.seen.followed
    assert len(examples) == taught.sum() < len(corpus)
    assert (examples.value_weight == 0).all()
    assert (examples.policy_weight == 1).all()


def test_a_game_without_a_result_teaches_its_moves_alone(corpus: Corpus) -> None:
    outcome = corpus.games.outcome.copy()
    outcome[0] = np.nan
    cut = Corpus(replace(corpus.seen, games=replace(corpus.games, outcome=outcome)), corpus.truth)
    examples = Imitate(explore_plies=0).examples(lesson(cut))
    rows = by_position(cut, examples, np.ones(len(cut), dtype=np.bool_))
    assert np.array_equal(examples.value_weight == 0, cut.seen.game_id[rows] == 0)
    assert np.isfinite(examples.value).all()


def test_imitate_follows_and_explores() -> None:
    method = from_spec({"kind": "imitate", "explore_plies": 3, "explore_share": 0.25, "temperature": 0.5}, Method)
    player = method.player(UniformExpert())
    assert isinstance(player, Explore)
    assert (player.plies, player.share, player.explorer.temperature) == (3, 0.25, 0.5)
    assert from_spec(method.to_spec(), Method).to_spec() == method.to_spec()


@pytest.mark.parametrize(("argument", "value"), [("temperature", -1.0), ("explore_plies", -1), ("explore_share", 1.5)])
def test_arguments_out_of_range_are_refused_by_name(argument: str, value: float) -> None:
    with pytest.raises(SpecError, match=rf"{argument}.*{value!r}"):
        Imitate(**{argument: value})
