"""What is measured after each round; columns.py says what the columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.errors import DataError, TooSmallGapError
from sandwich_env.evaluation.agreement import Agreement, move_agreement
from sandwich_env.evaluation.detection import score_trust
from sandwich_env.evaluation.elo import EloTable, fit_elo
from sandwich_env.evaluation.intervals import Estimate, share_of
from sandwich_env.evaluation.loss import judge_of, mean_cost, pgr_loss
from sandwich_env.evaluation.matches import MatchResult
from sandwich_env.evaluation.pgr import Pgr, pgr_elo, pgr_paired
from sandwich_env.evaluation.reliance import measure_reliance
from sandwich_env.experiments.columns import COLUMNS
from sandwich_env.experiments.contenders import ADVISOR, EXPERT, NOVICE
from sandwich_env.experts.base import Expert
from sandwich_env.learning.corpus import Corpus
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.randomness import mix
from sandwich_env.rules import Games

__all__ = [
    "ADVISED",
    "COLUMNS",
    "Row",
    "fill",
    "groups_from",
    "measure_advice_loss",
    "measure_agreement",
    "measure_games",
    "measure_loss",
    "measure_pgr",
    "measure_puzzles",
    "measure_start",
    "measure_strength",
    "measure_trust",
    "new_row",
    "positions_from",
    "rng_for",
]

Row = dict[str, Any]

ADVISED = 300
"""The most advised positions of a round that E judges: their mean cost is then known to about 0.01."""


def rng_for(seed: int, round: int, purpose: str) -> np.random.Generator:
    """A generator that depends on the run's seed, the round and the purpose alone."""
    return np.random.default_rng(int(mix(seed, round, purpose)[0]))


def new_row(round: int) -> Row:
    """A row of metrics with nothing measured yet."""
    return dict.fromkeys(COLUMNS) | {"round": round}


def fill(row: Row, **values: Any) -> None:
    """Put values into columns; a misspelt column is an error."""
    for name, value in values.items():
        if name not in row:
            raise KeyError(name)
        row[name] = value


def measure_strength(
    row: Row,
    results: Mapping[str, MatchResult],
    anchors: list[MatchResult],
    student: str,
    *,
    seed: int,
    resamples: int,
    min_gap: float,
) -> None:
    """Elo and PGR of H.

    Args:
        row: is filled in.
        results: H's matches, by the name of the anchor.
        anchors: the matches of the anchors among each other.
        student: H's name in the matches.
        seed: of the run.
        resamples: of the bootstrap.
        min_gap: the least gap, in Elo, that PGR is divided by.
    """
    rng = rng_for(seed, row["round"], "elo")
    table = fit_elo([*anchors, *results.values()], NOVICE, rng=rng, resamples=resamples)
    interval = table.interval(student)
    fill(
        row,
        elo=table.rating(student),
        elo_low=interval.low,
        elo_high=interval.high,
        elo_one_sided=_rough(table, student),
        elo_expert=table.rating(EXPERT),
        elo_advisor=table.rating(ADVISOR) if ADVISOR in table.names else None,
        score_novice=results[NOVICE].score,
        score_expert=results[EXPERT].score,
        score_advisor=results[ADVISOR].score if ADVISOR in results else None,
    )
    measure_pgr(row, table, student, min_gap)


def measure_start(row: Row, anchors: list[MatchResult], *, seed: int, resamples: int, min_gap: float) -> None:
    """Elo and PGR of H before it learnt: 0 by definition. E's Elo, and whether its gap is wide enough, are measured."""
    table = fit_elo(anchors, NOVICE, rng=rng_for(seed, 0, "elo"), resamples=resamples)
    rough = _rough(table, NOVICE)
    fill(row, elo=0.0, elo_low=0.0, elo_high=0.0, elo_one_sided=rough, elo_expert=table.rating(EXPERT))
    fill(row, elo_advisor=table.rating(ADVISOR) if ADVISOR in table.names else None)
    measure_pgr(row, table, NOVICE, min_gap)


def _rough(table: EloTable, student: str) -> bool:
    """Whether H's rating or E's, which PGR divides by, is a rough bound."""
    return bool(table.one_sided[[table.index(student), table.index(EXPERT)]].any())


def measure_pgr(row: Row, table: EloTable, student: str, min_gap: float) -> None:
    """PGR by Elo, or why there is none."""
    try:
        found = pgr_elo(table, weak=NOVICE, student=student, strong=EXPERT, min_gap=min_gap)
    except TooSmallGapError as error:
        fill(row, pgr_refused=str(error))
        return
    fill(row, pgr=found.value, pgr_low=_finite(found.interval.low), pgr_high=_finite(found.interval.high))


def measure_puzzles(row: Row, solved: dict[str, NDArray[np.bool_]], student: str, *, seed: int, resamples: int) -> None:
    """How many puzzles H solves, and PGR by them. `solved` has a bool [N] for H, for H before it learnt and for E."""
    share = share_of(solved[student])
    fill(row, puzzles=share.value, puzzles_low=share.interval.low, puzzles_high=share.interval.high)
    try:
        found: Pgr = pgr_paired(
            solved[NOVICE],
            solved[student],
            solved[EXPERT],
            rng=rng_for(seed, row["round"], "puzzles"),
            resamples=resamples,
        )
    except TooSmallGapError:
        return  # the column's null says so; Elo's refusal says why
    fill(
        row,
        puzzles_pgr=found.value,
        puzzles_pgr_low=_finite(found.interval.low),
        puzzles_pgr_high=_finite(found.interval.high),
    )


def measure_loss(
    row: Row,
    costs: Mapping[str, ArrayLike],
    student: str,
    *,
    seed: int,
    resamples: int,
    group: NDArray[np.int64] | None = None,
) -> None:
    """Loss of win probability by H's moves in fixed positions, and PGR by it.

    Args:
        row: is filled in.
        costs: what the moves cost (`evaluation.loss.move_costs`), [N], by name: of H before it learnt, of E and of H.
        student: H's name.
        seed: of the run.
        resamples: of the bootstrap.
        group: int64 [N], from 0, the positions that are resampled together (`groups_from`); one by one without it.
    """
    round = row["round"]
    loss = mean_cost(costs[student], rng=rng_for(seed, round, "loss"), group=group, resamples=resamples)
    fill(row, loss=loss.value, loss_low=loss.interval.low, loss_high=loss.interval.high)
    fill(row, loss_expert=float(np.asarray(costs[EXPERT], dtype=np.float64).mean()))
    try:
        found = pgr_loss(
            costs[NOVICE],
            costs[student],
            costs[EXPERT],
            rng=rng_for(seed, round, "loss"),
            group=group,
            resamples=resamples,
        )
    except TooSmallGapError:
        return  # as in `measure_puzzles`
    fill(
        row,
        loss_pgr=found.value,
        loss_pgr_low=_finite(found.interval.low),
        loss_pgr_high=_finite(found.interval.high),
    )


def measure_agreement(
    row: Row, student: Expert, expert: Expert, positions: Games, *, seed: int, resamples: int
) -> None:
    """How far H agrees with E on positions."""
    found: Agreement = move_agreement(
        student, expert, positions, rng=rng_for(seed, row["round"], "agreement"), resamples=resamples
    )
    same = found.same_move
    fill(
        row,
        agreement=same.value,
        agreement_low=same.interval.low,
        agreement_high=same.interval.high,
        agreement_probability=found.expert_move_probability.value,
        value_distance=found.value_distance.value,
    )


def measure_games(row: Row, corpus: Corpus, *, inquiries: int = 0, expert_calls: int = 0) -> None:
    """What happened in the games of the round, and how good the advice was.

    Args:
        row: is filled in.
        corpus: the games, with the truth behind the advice.
        inquiries: questions that H asked beyond its protocol.
        expert_calls: positions that E was asked about on behalf of A.
    """
    reliance = measure_reliance(corpus)
    fill(
        row,
        asked=_value(reliance.asked),
        tampered=_value(reliance.tampered),
        advice_honest=_value(reliance.honest_move),
        followed=_value(reliance.followed),
        followed_right=_value(reliance.followed_right),
        followed_wrong=_value(reliance.followed_wrong),
        games=len(corpus.games),
        plies=len(corpus),
        queries=int(corpus.seen.asked.sum()),
        inquiries=inquiries,
        expert_calls=expert_calls,
        decisive=float(np.mean(np.abs(corpus.games.outcome) == 1.0)),
    )


def measure_trust(row: Row, trust: NDArray[np.float32] | None, corpus: Corpus, *, seed: int, resamples: int) -> None:
    """H's trust as a detector of wrong advice.

    Args:
        row: is filled in.
        trust: [P], for each ply of the corpus H's probability that the move it was advised is right; NaN where it holds
            no opinion. None where its way to learn knows no trust.
        corpus: the games of the round, with the truth behind the advice.
        seed: of the run.
        resamples: of the bootstrap.

    Raises:
        DataError: trust that does not fit the corpus, or is no probability.
    """
    if trust is None:
        return
    if trust.shape != (len(corpus),):
        raise DataError(f"trust is of shape {trust.shape}, and the corpus has {len(corpus)} plies")
    scored = _advised(corpus) & ~np.isnan(trust)
    fill(row, trust_count=int(scored.sum()))
    if not scored.any():
        return
    found = score_trust(
        trust[scored],
        (corpus.seen.advice_move == corpus.truth.honest_move)[scored],
        corpus.seen.game_id[scored],
        rng=rng_for(seed, row["round"], "trust"),
        resamples=resamples,
    )
    fill(row, trust_calibration=found.calibration)
    if found.auroc is not None:
        ends = found.auroc.interval
        fill(row, trust_auroc=found.auroc.value, trust_auroc_low=ends.low, trust_auroc_high=ends.high)


def measure_advice_loss(row: Row, corpus: Corpus, expert: Expert, *, seed: int, count: int = ADVISED) -> None:
    """What the moves advised in the games of the round cost, by E's reckoning; null where none was advised.

    Args:
        row: is filled in.
        corpus: the games, of which at most `count` advised positions are drawn.
        expert: E.
        seed: of the run.
        count: how many.

    Raises:
        DataError: a recorded action is not legal where it was played.
    """
    advised = np.flatnonzero(_advised(corpus))
    if len(advised) == 0:
        return
    drawn = rng_for(seed, row["round"], "advice loss").choice(len(advised), min(count, len(advised)), replace=False)
    at = np.sort(advised[drawn])
    judge = judge_of(expert, _positions_at(corpus, at))
    fill(row, advice_loss=float(judge.cost(corpus.seen.advice_move[at]).mean()))


def positions_from(match: MatchResult, count: int, seed: int) -> Games:
    """Positions drawn without putting back from all those of a match's games in which somebody was to move.

    Returns:
        `count` games, or as many as there are.
    """
    game, ply = _drawn(match, count, seed)
    games = Games.from_fens(
        [match.openings[k // 2] for k in game], max_plies=max(len(actions) for actions in match.actions) + 1
    )
    for at in range(int(ply.max())):
        games.step([int(match.actions[k][at]) if at < last else -1 for k, last in zip(game, ply, strict=True)])
    return Games.from_fens(games.fens())


def groups_from(match: MatchResult, count: int, seed: int) -> NDArray[np.int64]:
    """Which of the positions that `positions_from` draws come from one opening, int64 [N], numbered from 0."""
    game, _ = _drawn(match, count, seed)
    return np.unique(game // 2, return_inverse=True)[1].astype(np.int64)


def _drawn(match: MatchResult, count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Game and ply of positions drawn from a match."""
    lengths = np.array([len(actions) for actions in match.actions])
    total = int(lengths.sum())
    drawn = np.sort(rng_for(seed, 0, "positions").choice(total, size=min(count, total), replace=False))
    game = np.searchsorted(np.cumsum(lengths), drawn, side="right")
    return game, drawn - (np.cumsum(lengths) - lengths)[game]


def _advised(corpus: Corpus) -> NDArray[np.bool_]:
    """Whether H was told a move. [P]"""
    advised: NDArray[np.bool_] = corpus.seen.asked & (corpus.seen.advice_available[:, 0] == 1)
    return advised


def _positions_at(corpus: Corpus, at: NDArray[np.int64]) -> Games:
    """The positions of some plies of a corpus, rows ascending, with the moves before them."""
    chosen = np.zeros(len(corpus), dtype=np.bool_)
    chosen[at] = True
    # All games side by side, so that the parts are alike in `max_plies` and can be put together.
    parts = list(replay_games(corpus.visible(), rows=chosen, games_at_once=len(corpus.games)))
    first = parts[0][0]
    together = Games(len(at), max_plies=first.max_plies, claim_draws=first.claim_draws)
    for games, rows in parts:
        together.assign(np.searchsorted(at, rows), games)
    return together


def _value(share: Estimate | None) -> float | None:
    return None if share is None else share.value


def _finite(end: float) -> float | None:
    """JSON has no infinity: an interval without an end there has null."""
    return end if np.isfinite(end) else None
