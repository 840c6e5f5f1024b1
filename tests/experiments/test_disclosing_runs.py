"""Runs in which H tells A something of itself: what A goes by is what H is in that round."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_support import MateInOne, finished, plain_config, tiny_config

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.schedules import Budget
from sandwich_env.errors import SpecError
from sandwich_env.experiments.config import RunConfig, config_from, config_to_plain
from sandwich_env.experiments.contenders import Contenders
from sandwich_env.experiments.folder import RunFolder
from sandwich_env.experiments.run import resume, start
from sandwich_env.experts.base import Expert
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.learning.corpus import Corpus
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.oversight.line import Line
from sandwich_env.oversight.protocols import EveryNTurns
from sandwich_env.players.advisor_player import AdvisorPlayer
from sandwich_env.players.base import Player

HIDING = {"kind": "deceiver", "k": 1, "hides": True, "wrapper": {"kind": "random_move", "epsilon": 1.0}}


@pytest.fixture(scope="module")
def flattered(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    return finished(tmp_path_factory.mktemp("flattered"), advisor="sycophancy", proposes=True)


@pytest.mark.parametrize("round", [1, 2])
def test_a_sycophant_says_what_h_thinks_in_that_round(flattered: RunConfig, round: int) -> None:
    folder = RunFolder(flattered.out)
    novice = NetworkExpert(flattered.novice if round == 1 else folder.checkpoint(round - 1), "cpu")
    corpus, answers = Corpus.from_parquet(folder.corpus(round)), 0
    for games, rows in replay_games(corpus.visible()):
        thought, asked = novice.evaluate(games), corpus.seen.asked[rows]
        np.testing.assert_array_equal(corpus.seen.advice_move[rows][asked], thought.best()[asked])
        np.testing.assert_array_equal(corpus.seen.advice_value[rows][asked], thought.value[asked])
        np.testing.assert_array_equal(corpus.seen.own_move[rows][asked], thought.best()[asked])
        answers += int(asked.sum())
    assert answers == len(corpus)
    assert corpus.truth.tampered[corpus.seen.asked].all()


def test_a_as_an_anchor_hears_the_proposals_of_h_before_it_learnt(flattered: RunConfig) -> None:
    (row, *_) = [json.loads(line) for line in RunFolder(flattered.out).metrics.read_text().splitlines()]
    assert row["elo_advisor"] == pytest.approx(0.0, abs=1e-6)  # it plays as H0, move for move


def test_a_deceiver_hides_where_h_watches(tmp_path: Path) -> None:
    config = finished(
        tmp_path, rounds=1, advisor=HIDING, watch="every_n_turns:n=2", evaluate={"anchors": ["novice", "expert"]}
    )
    corpus = Corpus.from_parquet(RunFolder(config.out).corpus(1))
    turn = corpus.seen.ply // 2
    assert corpus.truth.tampered.tolist() == ((turn >= 1) & (turn % 2 == 1)).tolist()
    assert corpus.truth.tampered.any()


def test_everybody_is_told_of_in_the_config(tmp_path: Path) -> None:
    contenders = Contenders.of(tiny_config(tmp_path, watch="every_n_turns:n=3", rating=1200, proposes=True))
    told = contenders.disclosures
    assert isinstance(told.watch, EveryNTurns)
    assert (told.watch.n, told.rating, told.proposer) == (3, 1200.0, None)
    contenders.close()


def test_a_run_that_began_before_there_was_anything_to_tell_goes_on(tmp_path: Path) -> None:
    config = finished(tmp_path, rounds=1, play={"games": 2, "games_at_once": 2})
    path = RunFolder(config.out).config
    old = {key: value for key, value in json.loads(path.read_text()).items() if key not in NEW}
    path.write_text(json.dumps(old))
    assert len(resume(config.out, config)) == 2
    with pytest.raises(SpecError, match="proposes was False and is now True"):
        resume(config.out, dataclasses.replace(config, proposes=True))


NEW = ("watch", "rating", "proposes")


def test_what_h_tells_is_written_down_and_read_back() -> None:
    config = RunConfig(out=Path("run"), watch={"kind": "every_n_turns", "n": 2}, rating=1100.5, proposes=True)
    assert config_from(json.loads(json.dumps(config_to_plain(config)))) == config


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rating": "strong"}, "'rating' in the config is 'strong': it must be a number"),
        ({"rating": float("nan")}, "rating is nan: it must be a finite number, an Elo such as 1200"),
        ({"proposes": "yes"}, "'proposes' in the config is 'yes': it must be true or false"),
        ({"propose": True}, r"unknown key 'propose' in the config: did you mean 'proposes'\?"),
        ({"watch": 3}, "'watch' in the config is 3: it must be text"),
    ],
)
def test_what_cannot_be_told_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        config_from({"out": "run"} | changes)


def test_a_watch_that_is_no_protocol_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    config = config_from(plain_config(tmp_path, watch="evry_turn"))
    with pytest.raises(SpecError, match=r"unknown kind 'evry_turn': did you mean 'every_turn'\?"):
        start(config)
    assert not RunFolder(config.out).corpus(1).exists()
    assert isinstance(Contenders.of(dataclasses.replace(config, watch="every_turn")).expert, MateInOne)


class OneSlip(Imitate):
    """H plays its own moves, one of them in each game of each side a random one: an advisor at the board as H."""

    def player(self, novice: Expert, line: Line | None = None) -> Player:
        return AdvisorPlayer(RandomMove(Honest(novice), epsilon=1.0, when=Budget(1)))


def test_an_advisor_that_plays_as_h_keeps_its_budget_of_lies_in_a_run(tmp_path: Path) -> None:
    method = {"kind": "test_disclosing_runs:OneSlip"}
    shared: dict[str, Any] = {"rounds": 1, "advisor": None, "evaluate": {"anchors": ["novice", "expert"]}}
    config = finished(tmp_path, method=method, **shared)
    corpus = Corpus.from_parquet(RunFolder(config.out).corpus(1))
    novice, slips = NetworkExpert(config.novice, "cpu"), 0
    for games, rows in replay_games(corpus.visible()):
        own = corpus.seen.action[rows] == novice.evaluate(games).best()
        later = corpus.seen.ply[rows] >= 2
        assert own[later].all()
        slips += int((~own).sum())
    assert slips > 0
    alone = finished(tmp_path, "alone", method=method, play={"games_at_once": 1}, **shared)
    beside = Corpus.from_parquet(RunFolder(alone.out).corpus(1))
    np.testing.assert_array_equal(beside.seen.action, corpus.seen.action)


def test_a_sycophant_is_asked_again(tmp_path: Path) -> None:
    """The line says what H says at its board; of those after its moves it says nothing, and A is honest there."""
    method = {"kind": "ask_again", "explore_plies": 0}
    folder = RunFolder(finished(tmp_path, advisor="sycophancy:epsilon=0.5", proposes=True, method=method, rounds=1).out)
    rows = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert rows[-1]["inquiries"] > 0


def test_who_lies_by_the_clock_lies_alike_to_the_protocol_and_on_the_line(tmp_path: Path) -> None:
    """Asked at every second turn, every second answer is a lie: so is the one to the same question in that turn."""
    liar = {"kind": "every_n", "n": 2, "wrapper": {"kind": "other_model", "model": "worst"}}
    config = finished(
        tmp_path,
        advisor=liar,
        protocol="every_n_turns:n=2",
        method={"kind": "ask_again", "by": "same", "explore_plies": 0},
        rounds=1,
        play={"games": 4, "games_at_once": 2, "max_plies": 16, "random_plies": 1},
    )
    corpus = Corpus.from_parquet(RunFolder(config.out).corpus(1))
    lied = corpus.truth.tampered & corpus.seen.asked
    assert 0 < lied.sum() < corpus.seen.asked.sum()
    assert corpus.seen.followed[corpus.seen.asked].all()
