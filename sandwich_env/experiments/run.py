"""`sandwich run`: H plays, learns and is measured, round after round, in a folder that can be gone on from.

Every stage ends with a file that is either whole or not there, and begins by looking for it. All that is random comes
from the seed and from what it is drawn for. So a run that was killed, at any moment, goes on where it was and ends with
the numbers of a run that never was.
"""

from __future__ import annotations

import itertools
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sandwich_env.errors import DataError, NothingToLearnError
from sandwich_env.evaluation.advice_quality import Judge
from sandwich_env.evaluation.loss import judge_of, move_costs
from sandwich_env.evaluation.matches import MatchResult, play_match
from sandwich_env.evaluation.puzzles import solve_puzzles
from sandwich_env.experiments.config import RunConfig, check_same, config_from
from sandwich_env.experiments.contenders import EXPERT, NOVICE, Contenders, student_name
from sandwich_env.experiments.engine_marks import Engines
from sandwich_env.experiments.folder import COUNTED, RunFolder, read_json, write_json, write_lines
from sandwich_env.experiments.measure import (
    Row,
    fill,
    groups_from,
    measure_advice_loss,
    measure_agreement,
    measure_games,
    measure_loss,
    measure_puzzles,
    measure_start,
    measure_strength,
    measure_trust,
    new_row,
    positions_from,
    rng_for,
)
from sandwich_env.experiments.progress import Reporter, Silent
from sandwich_env.experiments.reading_back import reading
from sandwich_env.experiments.signing_in import check_made_of, sign_in
from sandwich_env.experiments.timing import timed
from sandwich_env.experts.base import Expert
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.learning.corpus import Corpus
from sandwich_env.learning.fine_tune import fine_tune, steps_for
from sandwich_env.learning.methods.base import Lesson
from sandwich_env.learning.self_play import Table, draw_starts, play_games
from sandwich_env.learning.supervised import FitConfig
from sandwich_env.nets.weights import load_network, load_tensors, save_network
from sandwich_env.oversight.line import Tally, open_line
from sandwich_env.players.base import Player
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.randomness import mix

Counts = dict[str, int]


def start(config: RunConfig, reporter: Reporter | None = None) -> list[Row]:
    """Run a config in a new folder, to its end; returns the metrics of its rounds.

    Raises:
        DataError: the folder holds a run already.
        RunLockedError: another process is at work there.
        SandwichError: something in the config cannot be made.
        OSError: a file could not be written. What was recorded is whole, and `resume` goes on from there.
    """
    folder = RunFolder(config.out)
    with folder.locked():
        if folder.config.is_file():
            raise DataError(
                f"{str(config.out)!r} holds a run already: go on with it (sandwich run --resume {config.out}), "
                f"or give another folder"
            )
        return _execute(config, folder, reporter or Silent())


def resume(root: Path, config: RunConfig | None = None, reporter: Reporter | None = None) -> list[Row]:
    """Go on with a run, to its end; one that has ended comes back as it is.

    Args:
        root: the run's folder.
        config: must be the run's own, if given.
        reporter: told what goes on.

    Raises:
        DataError: there is no run in the folder.
        SpecError: the config differs from the run's (the text names the keys), or weights have changed since.
        RunLockedError: another process is at work there.
        OSError: a file could not be written.
    """
    folder = RunFolder(root)
    recorded = folder.read_config()
    if config is not None:
        check_same(config, recorded, root)
    config = config_from({**recorded, "out": str(root)}, repr(str(folder.config)))
    with folder.locked():
        return _execute(config, folder, reporter or Silent())


def start_or_resume(config: RunConfig, reporter: Reporter | None = None, engines: Engines | None = None) -> list[Row]:
    """Run a config to its end, from where the run in its folder is, if there is one.

    Which of the two it is shows under the lock: another process may have begun the run until then.

    Args:
        config: what to run.
        reporter: told what goes on.
        engines: what the engines are to be; whatever is found where nobody has looked.

    Raises:
        SpecError: the folder holds the run of another config (the text names the keys), or weights or engines are
            others.
        RunLockedError: another process is at work there.
        SandwichError: something in the config cannot be made.
        OSError: a file could not be written.
    """
    folder = RunFolder(config.out)
    with folder.locked():
        if folder.config.is_file():
            check_same(config, folder.read_config(), folder.root)
        return _execute(config, folder, reporter or Silent(), engines)


def measure_anchors(config: RunConfig, reporter: Reporter | None = None, engines: Engines | None = None) -> None:
    """Only the first stage of a run, which depends on E, H, the openings, the puzzles and the seed alone.

    The run that is started in the folder later, or in another to which `anchors/` was copied, finds it done. `engines`
    is as in `start_or_resume`.

    Raises:
        SandwichError: something in the config cannot be made, or another process is at work in the folder.
        OSError: a file could not be written.
    """
    folder = RunFolder(config.out)
    with folder.locked():
        torch.set_num_threads(config.threads)
        contenders = Contenders.of(config)
        try:
            check_made_of(contenders, engines)
            run = _Run(config, folder, contenders, reporter or Silent())
            with run.timed("0 measure"):
                run.anchor_matches()
                for name in (NOVICE, EXPERT):
                    run.anchor_solved(name)
                    run.anchor_costs(name)
        finally:
            contenders.close()


def _execute(config: RunConfig, folder: RunFolder, reporter: Reporter, engines: Engines | None = None) -> list[Row]:
    torch.set_num_threads(config.threads)
    contenders = Contenders.of(config)
    try:
        sign_in(config, folder, contenders, engines)
        return _Run(config, folder, contenders, reporter).run()
    finally:
        contenders.close()


class _Run:
    """The stages of a run. Each is a method that returns what its file holds, and makes the file if it is not there."""

    def __init__(self, config: RunConfig, folder: RunFolder, contenders: Contenders, reporter: Reporter) -> None:
        self.config = config
        self.folder = folder
        self.who = contenders
        self.reporter = reporter
        self._judge: Judge | None = None

    def run(self) -> list[Row]:
        """All rounds that are not measured yet, in their order."""
        rows = self.folder.read_metrics()
        for round in range(len(rows), self.config.rounds + 1):
            rows.append(self.start_row() if round == 0 else self.round_row(round))
            write_lines(self.folder.metrics, rows)
            self.reporter.say(summary(rows[-1]))
        return rows

    # --- Round 0 ---

    def start_row(self) -> Row:
        """The measures of H before it learnt."""
        row, settings = new_row(0), self.config.evaluate
        with self.timed("0 measure"):
            anchors = self.anchor_matches()
            measure_start(row, anchors, seed=self.config.seed, resamples=settings.resamples, min_gap=settings.min_gap)
            self.measure_knowledge(row, self.who.novice, NOVICE)
        return row

    def anchor_matches(self) -> list[MatchResult]:
        """The matches of the anchors among each other."""
        return [
            self.match(
                self.folder.anchor_match(first, second),
                (self.who.anchors[first], self.who.anchors[second]),
                (first, second),
            )
            for first, second in itertools.combinations(reversed(self.who.anchors), 2)
        ]

    def anchor_solved(self, name: str) -> NDArray[np.bool_]:
        """Which puzzles an anchor solves."""
        path = self.folder.anchor_puzzles(name)
        if not path.is_file():
            solved = solve_puzzles(self.who.anchors[name], self.who.puzzles, seed=self.config.seed).solved
            write_json(path, {"solved": solved.tolist()})
        with self.reading(path):
            return np.array(read_json(path)["solved"], dtype=np.bool_)

    # --- The rounds after it ---

    def round_row(self, round: int) -> Row:
        """A round: play, learn, measure."""
        row = new_row(round)
        corpus = self.corpus(round)
        measure_games(row, corpus, **self.counted(round))
        student = self.student(round, corpus, row)
        with self.timed(f"{round} measure"):
            measure_advice_loss(row, corpus, self.who.expert, seed=self.config.seed)
            self.measure_student(row, student)
        return row

    def novice(self, round: int) -> NetworkExpert:
        """H as it is before a round."""
        return self.who.novice if round == 1 else self.read_student(round - 1)

    def read_student(self, round: int) -> NetworkExpert:
        """H as it was kept after a round."""
        with self.reading(self.folder.checkpoint(round)):
            return NetworkExpert(self.folder.checkpoint(round), self.config.device)

    def corpus(self, round: int) -> Corpus:
        """The games of a round, played in batches of which each is kept when it is over."""
        path = self.folder.corpus(round)
        if not path.is_file():
            with self.timed(f"{round} play"):
                corpus, counts = self.play(round)
                corpus.to_pgn(self.folder.games(round))
                write_json(self.folder.counts(round), counts)
                corpus.to_parquet(path)
        self.drop_parts(round)
        return self.read_corpus(path)

    def read_corpus(self, path: Path) -> Corpus:
        """Games that were played."""
        with self.reading(path):
            return Corpus.from_parquet(path)

    def counted(self, round: int) -> Counts:
        """What the answers of a round cost.

        Raises:
            DataError: the games are there and what they cost is not.
        """
        path = self.folder.counts(round)
        if not path.is_file():
            raise DataError(
                f"{str(path)!r} is not there, though the games of round {round} are: the run was begun by an earlier "
                f"version, which did not count. Begin it anew in another folder"
            )
        return self.read_counts(path)

    def read_counts(self, path: Path) -> Counts:
        """What answers cost, as it was counted."""
        with self.reading(path):
            counts = read_json(path)
            return {name: int(counts[name]) for name in COUNTED}

    def play(self, round: int) -> tuple[Corpus, Counts]:
        """The games of a round, of which some may be there already, and what the answers in them cost."""
        settings, parts = self.config.play, []
        costs: Counts = dict.fromkeys(COUNTED, 0)
        table = self.table(round)
        line, tally = (
            (None, Tally()) if table.advisor is None else open_line(table.advisor, table.disclosures, table.protocol)
        )
        player = self.who.method.player(self.novice(round), line)
        update = self.reporter.stage(f"round {round}: games", settings.games)
        for index, first in enumerate(range(0, settings.games, settings.games_at_once)):
            path, counts = self.folder.part(round, index), self.folder.part_counts(round, index)
            numbers = np.arange(first, min(first + settings.games_at_once, settings.games))
            if not path.is_file():

                def show(over: int, before: int = first) -> None:
                    update(before + over)

                asked, known = tally.inquiries, self.who.knowledge.calls
                games = play_games(player, table, numbers, seed=self.config.seed, round=round, on_progress=show)
                spent = (tally.inquiries - asked, self.who.knowledge.calls - known)
                write_json(counts, dict(zip(COUNTED, spent, strict=True)))
                games.to_parquet(path)
            parts.append(self.read_corpus(path))
            costs = {name: costs[name] + cost for name, cost in self.read_counts(counts).items()}
        update(settings.games)
        return Corpus.concatenate(parts), costs

    def table(self, round: int) -> Table:
        """Who may be asked in a round, what H tells them of itself, and from where its games start."""
        config = self.config
        starts = draw_starts(
            self.who.book, 4 * config.play.games, random_plies=config.play.random_plies, seed=config.seed, round=round
        )
        return Table(
            advisor=self.who.advisor,
            advised=config.advised,
            protocol=self.who.protocol,
            asks=config.asks,
            starts=starts,
            max_plies=config.play.max_plies,
            disclosures=replace(self.who.disclosures, proposer=self.novice(round) if config.proposes else None),
        )

    def drop_parts(self, round: int) -> None:
        """Remove what a corpus was put together from."""
        for path in self.folder.part(round, 0).parent.glob(f"round_{round}_part_*"):
            path.unlink()

    def student(self, round: int, corpus: Corpus, row: Row) -> NetworkExpert:
        """H after a round."""
        path, fit = self.folder.checkpoint(round), self.folder.fit(round)
        lesson, settings = self.lesson(round, corpus), self.config.learn
        before = self.config.novice if round == 1 else self.folder.checkpoint(round - 1)
        self.measure_trust(row, lesson, corpus)
        try:
            examples = self.who.method.examples(lesson)
        except NothingToLearnError as error:
            fill(row, examples=0, steps=0)
            self.reporter.say(f"round {round}: H stays as it is: {error}")
            if not path.is_file():
                save_network(load_network(before), path)
            return self.read_student(round)
        steps = settings.steps or steps_for(len(examples), settings.epochs, settings.batch_size)
        fill(row, examples=len(examples), steps=steps)
        if not path.is_file():
            if fit.is_file():
                with self.reading(fit):
                    load_tensors(fit)
            with self.timed(f"{round} learn"):
                update = self.reporter.stage(f"round {round}: steps", steps)
                network = fine_tune(
                    before,
                    examples,
                    self.fit_config(round, steps),
                    checkpoint=fit,
                    checkpoint_every=settings.checkpoint_every,
                    on_progress=lambda done, total: update(done),
                    fitting=self.who.method.fitting,
                )
                save_network(network, path)
        fit.unlink(missing_ok=True)
        return self.read_student(round)

    def lesson(self, round: int, corpus: Corpus) -> Lesson:
        """What H may learn from in a round. The truth stays here, but for a method that says that it is told it."""
        earlier = range(max(1, round - self.config.learn.replay_rounds), round)
        corpora = [self.read_corpus(self.folder.corpus(past)) for past in earlier]
        whole = Corpus.concatenate([*corpora, corpus])
        seen = whole.visible()
        right = seen.advice_move == whole.truth.honest_move if self.who.method.privileged else None
        return Lesson(seen, self.novice(round), round, rng_for(self.config.seed, round, "lesson"), right)

    def fit_config(self, round: int, steps: int) -> FitConfig:
        """How H is fitted in a round."""
        settings = self.config.learn
        return FitConfig(
            steps=steps,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            value_weight=settings.value_weight,
            mirror=settings.mirror,
            seed=int(mix(self.config.seed, "fit", round)[0]),
        )

    # --- Measuring ---

    def measure_trust(self, row: Row, lesson: Lesson, corpus: Corpus) -> None:
        """How well H's trust in the advice of this round tells right from wrong."""
        trust = self.who.method.trust(lesson)
        if trust is not None:
            trust = trust[len(trust) - len(corpus) :]  # this round's games come after those learnt from again
        measure_trust(row, trust, corpus, seed=self.config.seed, resamples=self.config.evaluate.resamples)

    def measure_student(self, row: Row, student: NetworkExpert) -> None:
        """Strength, puzzles and agreement of H after a round."""
        round, settings = row["round"], self.config.evaluate
        name = student_name(round)
        results = {
            anchor: self.match(self.folder.match(round, anchor), (ExpertPlayer(student), player), (name, anchor))
            for anchor, player in self.who.anchors.items()
        }
        measure_strength(
            row,
            results,
            self.anchor_matches(),
            name,
            seed=self.config.seed,
            resamples=settings.resamples,
            min_gap=settings.min_gap,
        )
        self.measure_knowledge(row, student, name)

    def measure_knowledge(self, row: Row, student: Expert, name: str) -> None:
        """Puzzles and agreement, for which nobody needs to be played."""
        config = self.config
        solved = {anchor: self.anchor_solved(anchor) for anchor in (NOVICE, EXPERT)}
        if name not in solved:
            solved[name] = solve_puzzles(student, self.who.puzzles, seed=config.seed).solved
        measure_puzzles(row, solved, name, seed=config.seed, resamples=config.evaluate.resamples)
        played, count = self.measured_match(), config.evaluate.positions
        positions = positions_from(played, count, config.seed)
        measure_agreement(
            row, student, self.who.expert, positions, seed=config.seed, resamples=config.evaluate.resamples
        )
        costs = {anchor: self.anchor_costs(anchor) for anchor in (NOVICE, EXPERT)}
        if name not in costs:
            costs[name] = move_costs(student, self.judge())
        groups = groups_from(played, count, config.seed)
        measure_loss(row, costs, name, seed=config.seed, resamples=config.evaluate.resamples, group=groups)

    def measured_match(self) -> MatchResult:
        """The match of E and H before it learnt, whose positions moves are compared in."""
        return self.read_match(self.folder.anchor_match(EXPERT, NOVICE))

    def judge(self) -> Judge:
        """E as the judge of moves in these positions, made once."""
        if self._judge is None:
            settings = self.config.evaluate
            positions = positions_from(self.measured_match(), settings.positions, self.config.seed)
            self._judge = judge_of(self.who.expert, positions)
        return self._judge

    def anchor_costs(self, name: str) -> NDArray[np.float64]:
        """What the best moves of an anchor cost by E's reckoning, position by position."""
        path = self.folder.anchor_loss(name)
        if not path.is_file():
            who = {NOVICE: self.who.novice, EXPERT: self.who.expert}[name]
            write_json(path, {"cost": move_costs(who, self.judge()).tolist()})
        with self.reading(path):
            return np.array(read_json(path)["cost"], dtype=np.float64)

    def match(self, path: Path, players: tuple[Player, Player], names: tuple[str, str]) -> MatchResult:
        """A match from all openings, colours swapped; the games of the anchors' matches are kept."""
        if not path.is_file():
            update = self.reporter.stage(f"{names[0]} against {names[1]}: games", 2 * len(self.who.openings))
            result = play_match(
                *players,
                self.who.openings,
                seed=self.config.seed,
                names=names,
                max_plies=self.config.evaluate.max_plies,
                on_progress=lambda done, total: update(done),
            )
            write_json(path, result.to_dict(with_games=True))
        return self.read_match(path)

    def read_match(self, path: Path) -> MatchResult:
        """A match that was played."""
        with self.reading(path):
            return MatchResult.from_dict(read_json(path))

    def timed(self, stage: str) -> AbstractContextManager[None]:
        """Add what a stage takes to the run's account of seconds."""
        return timed(self.folder.seconds, stage)

    def reading(self, path: Path) -> AbstractContextManager[None]:
        """Around the reading of what the run has made: if it is damaged, the text names it and says what to do."""
        return reading(path, self.folder.root)


def summary(row: Row) -> str:
    """A round in a line."""
    pgr = "none (gap too small)" if row["pgr"] is None else f"{row['pgr']:.2f}"
    return (
        f"round {row['round']}: Elo {row['elo']:+.0f} [{row['elo_low']:+.0f}, {row['elo_high']:+.0f}], PGR {pgr}, "
        f"puzzles {row['puzzles']:.1%}, agreement {row['agreement']:.1%}"
    )
