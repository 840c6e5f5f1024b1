"""Runs: what a folder holds, and that a run stopped anywhere ends with the bytes of one that never was."""

from __future__ import annotations

import dataclasses
import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from run_support import contents, finished, moved, plain_config, tiny_config

from sandwich_env.errors import DataError, RunLockedError, SpecError
from sandwich_env.experiments.config import RunConfig, config_from, config_to_plain
from sandwich_env.experiments.folder import RunFolder
from sandwich_env.experiments.measure import COLUMNS
from sandwich_env.experiments.progress import Reporter, Update
from sandwich_env.experiments.run import measure_anchors, resume, start
from sandwich_env.learning.corpus import Corpus, Truth
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import load_network, save_network


class StopError(Exception):
    """What a test stops a run with."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def whole(home: Path) -> RunConfig:
    """A run that was never stopped."""
    return finished(home, "whole")


def no_number(word: str) -> float:
    raise AssertionError(f"{word} is no JSON")


def rows_of(config: RunConfig) -> list[dict[str, Any]]:
    lines = RunFolder(config.out).metrics.read_text().splitlines()
    return [json.loads(line, parse_constant=no_number) for line in lines]


def differing(one: Path, other: Path) -> list[str]:
    mine, theirs = contents(one), contents(other)
    return sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))


def test_a_run_leaves_all_files_of_its_folder(whole: RunConfig) -> None:
    pairs = ("E_A", "E_H0", "A_H0")
    expected = {"config.json", "about.json", "metrics.jsonl", "anchors/puzzles_E.json", "anchors/puzzles_H0.json"}
    expected |= {"anchors/loss_E.json", "anchors/loss_H0.json"}
    expected |= {f"anchors/{pair}.json" for pair in pairs}
    for round in (1, 2):
        expected |= {f"corpus/round_{round}_counts.json"}
        expected |= {f"corpus/round_{round}.parquet", f"games/round_{round}.pgn"}
        expected |= {f"checkpoints/round_{round}.safetensors"}
        expected |= {f"matches/round_{round}_{anchor}.json" for anchor in ("H0", "A", "E")}
    assert set(contents(whole.out)) == expected
    assert (whole.out / "seconds.json").is_file()


def test_a_row_for_each_round_with_every_column(whole: RunConfig) -> None:
    rows = rows_of(whole)
    assert [row["round"] for row in rows] == [0, 1, 2]
    for row in rows:
        assert list(row) == list(COLUMNS)
    first, *learnt = rows
    assert (first["elo"], first["pgr"]) == (0.0, 0.0)
    assert first["games"] is None
    for row in learnt:
        assert row["elo_expert"] > 50
        assert row["pgr"] == pytest.approx(row["elo"] / row["elo_expert"])
        assert row["pgr_refused"] is None
        assert row["games"] == 4
        assert row["queries"] == row["plies"] == row["examples"]
        assert 0 < row["advice_honest"] < 1
    assert learnt[0]["agreement_probability"] != learnt[1]["agreement_probability"] != first["agreement_probability"]


def test_the_rows_tell_what_the_corpus_holds(whole: RunConfig) -> None:
    for round, row in enumerate(rows_of(whole)[1:], 1):
        corpus = Corpus.from_parquet(RunFolder(whole.out).corpus(round))
        assert (corpus.games.round == round).all()
        assert row["plies"] == len(corpus)
        assert row["tampered"] == pytest.approx(corpus.truth.tampered.mean())
        assert row["followed"] == pytest.approx(corpus.seen.followed.mean())
        assert row["decisive"] == pytest.approx(np.mean(corpus.games.outcome != 0))


def test_a_finished_run_comes_back_as_it_is(whole: RunConfig) -> None:
    before = contents(whole.out)
    written = {path: path.stat().st_mtime_ns for path in whole.out.rglob("*") if path.name != ".lock"}
    assert resume(whole.out) == resume(whole.out, whole) == rows_of(whole)
    assert contents(whole.out) == before
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_another_seed_is_another_run_and_other_batches_are_not(whole: RunConfig, home: Path) -> None:
    other = finished(home, "seed", seed=1, rounds=1)
    assert rows_of(other)[1] != rows_of(whole)[1]
    batches = finished(home, "batches", rounds=1, play={"games_at_once": 3})
    assert rows_of(batches) == rows_of(whole)[:2]
    name = "checkpoints/round_1.safetensors"
    assert contents(batches.out)[name] == contents(whole.out)[name]


def go_on(config: RunConfig, reporter: Reporter | None = None) -> None:
    if RunFolder(config.out).config.is_file():
        resume(config.out, reporter=reporter)
    else:
        start(config, reporter)


def until_it_ends(attempt: Callable[[], None], error: type[Exception]) -> int:
    """Go on with a run until nothing stops it any more; returns how often something did."""
    for stopped in range(200):
        try:
            attempt()
        except error:
            continue
        return stopped
    raise AssertionError("the run does not get on")


@pytest.mark.parametrize("full", [True, False], ids=["full disk", "stopped after the write"])
def test_stopped_once_at_every_file_it_writes_a_run_ends_with_the_same_bytes(
    whole: RunConfig, home: Path, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    config = moved(whole, home / f"stopped_{full}")
    replace, struck = Path.replace, set()

    def failing(self: Path, target: Path) -> Path:
        first = target not in struck and config.out in Path(target).parents
        struck.add(target)
        if first and full:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = replace(self, target)
        if first:
            raise StopError
        return done

    monkeypatch.setattr(Path, "replace", failing)
    stopped = until_it_ends(lambda: go_on(config), OSError if full else StopError)
    names = {str(Path(path).relative_to(config.out)) for path in struck if config.out in Path(path).parents}
    # The first stage that was stopped could not write down what it took either: two files, and the run stopped once.
    assert stopped == len(names - {"seconds.json"})
    kept = (".parquet", "_counts.json")
    unfinished = {f"unfinished/round_{r}_part_{p}{end}" for r in (1, 2) for p in (0, 1) for end in kept}
    unfinished |= {f"unfinished/round_{r}_fit.safetensors" for r in (1, 2)}
    assert names == set(contents(whole.out)) | unfinished | {"seconds.json"}
    assert differing(config.out, whole.out) == []


def test_a_full_disk_is_said_and_leaves_what_there_was(
    whole: RunConfig, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = moved(whole, home / "full")
    write = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).name == "round_1.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match=r"could not write .*round_1\.safetensors.*No space left") as caught:
        start(config)
    assert caught.value.errno == errno.ENOSPC
    kept = contents(config.out)
    assert "corpus/round_1.parquet" in kept
    assert "unfinished/round_1_fit.safetensors" in kept
    assert {name: kept[name] for name in kept.keys() & contents(whole.out).keys() - {"metrics.jsonl"}} == {
        name: data for name, data in contents(whole.out).items() if name in kept and name != "metrics.jsonl"
    }
    assert rows_of(config) == rows_of(whole)[:1]


class StopsInTheMiddle(Reporter):
    """Stops the run once in each stage, at the second sign of progress."""

    def __init__(self) -> None:
        self.struck: set[str] = set()

    def stage(self, name: str, total: int) -> Update:
        heard = 0

        def update(done: int) -> None:
            nonlocal heard
            heard += 1
            if heard == 2 and name not in self.struck:
                self.struck.add(name)
                raise StopError

        return update

    def say(self, text: str) -> None:
        if text not in self.struck:
            self.struck.add(text)
            raise StopError


def test_stopped_in_the_middle_of_every_stage_a_run_ends_with_the_same_bytes(whole: RunConfig, home: Path) -> None:
    config, reporter = moved(whole, home / "middle"), StopsInTheMiddle()
    stopped = until_it_ends(lambda: go_on(config, reporter), StopError)
    assert stopped == len(reporter.struck)
    assert {"E against H0: games", "round 1: games", "round 2: steps", "H2 against E: games"} <= reporter.struck
    assert len([text for text in reporter.struck if "PGR" in text]) == 3
    assert differing(config.out, whole.out) == []


def test_the_truth_of_a_corpus_does_not_reach_the_next_h(whole: RunConfig, home: Path) -> None:
    """H is learnt again from a corpus whose every truth column was turned over, and has the same bytes."""
    config = moved(whole, home / "truth")
    folder, source = RunFolder(config.out), RunFolder(whole.out)
    for path in (source.about, source.corpus(1), source.counts(1)):
        copy = config.out / path.relative_to(whole.out)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    folder.config.write_text(json.dumps(config_to_plain(config)))
    corpus = Corpus.from_parquet(folder.corpus(1))
    truth = Truth(
        tampered=~corpus.truth.tampered,
        by=np.full(len(corpus), "every_n", dtype=object),
        honest_move=(corpus.truth.honest_move + 1) % 4672,
        honest_value=-corpus.truth.honest_value - 1,
    )
    Corpus(corpus.seen, truth).to_parquet(folder.corpus(1))
    rows = resume(config.out)
    assert folder.checkpoint(1).read_bytes() == source.checkpoint(1).read_bytes()
    assert folder.checkpoint(2).read_bytes() == source.checkpoint(2).read_bytes()
    assert rows[1]["tampered"] != rows_of(whole)[1]["tampered"]


def test_earlier_rounds_are_learnt_from_again_if_asked_for(whole: RunConfig, home: Path) -> None:
    rows = rows_of(finished(home, "replay", learn={"replay_rounds": 1}))
    assert rows[1] == rows_of(whole)[1]
    assert rows[2]["examples"] == rows[1]["plies"] + rows[2]["plies"]


def test_without_an_advisor_nobody_is_asked(home: Path) -> None:
    config = finished(home, "control", advisor=None, rounds=1)
    row = rows_of(config)[1]
    assert (row["asked"], row["queries"]) == (0.0, 0)
    assert row["followed"] is None
    assert row["score_advisor"] is None
    assert row["elo_advisor"] is None
    assert not (config.out / "anchors" / "E_A.json").exists()


def test_where_e_is_h_pgr_is_refused_and_the_row_says_why(home: Path) -> None:
    novice = plain_config(home)["novice"]
    rows = rows_of(finished(home, "no_gap", expert=novice, advisor="honest", rounds=1))
    for row in rows:
        assert row["pgr"] is row["pgr_low"] is row["pgr_high"] is row["puzzles_pgr"] is None
        assert "50 Elo" in row["pgr_refused"]
    assert rows[1]["score_expert"] is not None


def test_a_folder_with_a_run_is_not_begun_again(whole: RunConfig) -> None:
    with pytest.raises(DataError, match=r"holds a run already.*--resume"):
        start(whole)


def test_a_folder_without_a_run_cannot_be_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no run in .*nothing"):
        resume(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_going_on_with_another_config_names_each_key_that_differs(whole: RunConfig, home: Path) -> None:
    other = config_from({**plain_config(home, "whole", play={"games": 5}), "seed": 3})
    with pytest.raises(SpecError, match=r"seed was 0 and is now 3; play\.games was 4 and is now 5"):
        resume(whole.out, other)
    with pytest.raises(SpecError, match=r"advisor was 'random_move:epsilon=0\.3' and is now 'honest'"):
        resume(whole.out, dataclasses.replace(whole, advisor="honest"))


def test_weights_that_changed_since_are_refused(tmp_path: Path) -> None:
    config = finished(tmp_path, rounds=1)
    save_network(new_network(NetworkShape(blocks=1, channels=8), 1), Path(config.novice))
    with pytest.raises(SpecError, match=r"weights .*novice\.safetensors.* are not those"):
        resume(config.out)


def test_a_second_process_is_kept_out(whole: RunConfig) -> None:
    """The lock belongs to an open file, so that a second holder in one process stands for a second process."""
    with RunFolder(whole.out).locked():
        for attempt in (lambda: start(whole), lambda: resume(whole.out), lambda: measure_anchors(whole)):
            with pytest.raises(RunLockedError, match=r"another process is at work on .*whole"):
                attempt()
    assert resume(whole.out) == rows_of(whole)


def test_anchors_measured_before_are_those_of_the_run(whole: RunConfig, home: Path) -> None:
    config = moved(whole, home / "anchored")
    measure_anchors(config)
    names = {name for name in contents(whole.out) if name.startswith("anchors/")}
    assert set(contents(config.out)) == names
    assert start(config) == rows_of(whole)
    assert differing(config.out, whole.out) == []


def test_what_a_kill_left_half_written_is_swept_away(whole: RunConfig) -> None:
    left = whole.out / "corpus" / ".round_1.parquet.123.partial"
    left.write_bytes(b"half")
    resume(whole.out)
    assert not left.exists()


def test_damaged_metrics_are_refused_with_their_line(whole: RunConfig, home: Path) -> None:
    config = tiny_config(home, "damaged")
    config.out.mkdir()
    for name in ("config.json", "about.json", "metrics.jsonl"):
        (config.out / name).write_bytes((whole.out / name).read_bytes())
    metrics = RunFolder(config.out).metrics
    metrics.write_text(metrics.read_text()[:-40])
    with pytest.raises(DataError, match=r"metrics\.jsonl.*line 3 is damaged"):
        resume(config.out)


def test_a_book_too_short_to_be_split_is_refused(home: Path) -> None:
    with pytest.raises(DataError, match="has 10 openings, and 10 are kept"):
        start(tiny_config(home, "short", evaluate={"openings": 10}))
    assert not RunFolder(home / "short").config.exists()


@pytest.mark.parametrize("method", ["self_play", "imitate"])
def test_a_misspelt_advisor_is_found_whether_the_method_asks_it_or_not(home: Path, method: str) -> None:
    config = tiny_config(home, "misspelt", advisor="random_mvoe:epsilon=0.5", method=method)
    with pytest.raises(SpecError, match="did you mean 'random_move'"):
        start(config)
    assert not RunFolder(config.out).config.exists()


@pytest.mark.parametrize(("method", "asks"), [("imitate", "value"), ("values", "move"), ("ask_again", "move")])
def test_a_method_that_would_never_be_told_what_it_goes_by_is_refused(home: Path, method: str, asks: str) -> None:
    config = config_from(plain_config(home, "deaf", method=method, asks=asks))
    with pytest.raises(SpecError, match=rf"{method!r} goes by the advised \w+, and asks is {asks!r}"):
        start(config)


def test_games_that_teach_nothing_leave_h_as_it_is(home: Path) -> None:
    """Nobody to ask, nothing followed, no values: there is nothing to learn, which is no failure."""
    config = finished(home, "idle", advisor=None, rounds=1, method={"kind": "gate", "values": False})
    start_row, row = rows_of(config)
    assert (row["examples"], row["steps"]) == (0, 0)
    folder = RunFolder(config.out)
    before, after = load_network(config.novice).state_dict(), load_network(folder.checkpoint(1)).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert row["puzzles"] == start_row["puzzles"]


def test_questions_beyond_the_protocol_are_counted_and_stay_counted(home: Path) -> None:
    config = finished(home, "again", rounds=1, method="ask_again")
    (_, row) = rows_of(config)
    assert row["inquiries"] > 0
    assert row["expert_calls"] >= row["queries"] + row["inquiries"]
    folder = RunFolder(config.out)
    folder.metrics.unlink()  # as if it had been killed while it measured
    assert resume(config.out)[1] == row
    folder.counts(1).unlink()
    folder.metrics.unlink()
    with pytest.raises(DataError, match="begun by an earlier version, which did not count"):
        resume(config.out)


def test_the_order_in_which_anchors_are_named_is_nothing(home: Path) -> None:
    one, other = (
        finished(home, f"anchors{index}", rounds=1, evaluate={"anchors": anchors})
        for index, anchors in enumerate((["novice", "expert"], ["expert", "novice"]))
    )
    assert rows_of(one) == rows_of(other)
