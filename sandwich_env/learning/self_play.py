"""H against a copy of itself, with A to ask: the games of one round, recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import Advisor, Asks, Provenance, VisibleAdvice
from sandwich_env.envs.config import ChessConfig
from sandwich_env.envs.core import ChessCore
from sandwich_env.errors import DataError
from sandwich_env.learning.corpus import Corpus
from sandwich_env.learning.corpus_recorder import CorpusRecorder
from sandwich_env.oversight.channel import Audit
from sandwich_env.oversight.disclosures import SILENT, Disclosures
from sandwich_env.oversight.on_demand import PLAYERS_DO_NOT_ASK, refuse_on_demand
from sandwich_env.oversight.protocols import Protocol
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import NO_ACTION, Games

Progress = Callable[[int], None]
"""Called with how many games are over."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Where H plays itself: what every game of a round has in common.

    Attributes:
        advisor: whom H may ask; None for nobody.
        advised: which sides may ask: "both", "white", "black", "none".
        protocol: at which of its turns a player asks.
        asks: what it is told.
        starts: FENs, of which each game draws one.
        max_plies: a game that lasts longer is cut off, as a draw.
        disclosures: what H lets the advisor know of itself.
    """

    advisor: Advisor | None
    advised: str
    protocol: Protocol
    asks: Asks
    starts: Sequence[str]
    max_plies: int
    disclosures: Disclosures = SILENT


def play_games(
    player: Player,
    table: Table,
    games: NDArray[np.int64],
    *,
    seed: int,
    round: int,
    on_progress: Progress | None = None,
) -> Corpus:
    """Play some of the games of a round side by side, and record everything.

    What happens in a game depends on the seed, the round and the game's number, whatever else is played with it.

    Args:
        player: plays both sides.
        table: who may be asked, and from where the games start.
        games: int64 [N], the numbers of the games in their round.
        seed: of the run.
        round: from 1.
        on_progress: is told after each ply how many games are over.

    Raises:
        SpecError: the protocol is `OnDemand`: a player gives moves, and cannot ask by an action.
        AdviceError: the advisor gives an answer that nobody could be shown.
        IllegalActionError: the player answers with an action that is not legal.
    """
    refuse_on_demand("protocol", type(table.protocol), PLAYERS_DO_NOT_ASK)
    audits = _Audits()
    config = ChessConfig.of(
        {
            "advisor": table.advisor,
            "advised": table.advised,
            "protocol": table.protocol,
            "asks": table.asks,
            "watch": table.disclosures.watch,
            "rating": table.disclosures.rating,
            "proposer": table.disclosures.proposer,
            "starts": table.starts,
            "max_plies": table.max_plies,
            "audit": audits.append,
        },
        advised="both",
    )
    core = ChessCore(len(games), config)
    everyone = np.ones(len(games), dtype=np.bool_)
    core.seed(everyone, np.broadcast_to(mix(seed, "self-play", round, games), (len(games),)))
    core.deal(everyone)
    recorder = CorpusRecorder()
    ids = recorder.begin(core.games.start_fens(), white="H", black="H", round=round)
    while not core.over.all():
        _play_ply(core, player, audits, recorder, ids)
        if on_progress is not None:
            on_progress(int(core.over.sum()))
    recorder.end(ids, core.games.outcome, core.games.termination)
    return recorder.build()


def _play_ply(
    core: ChessCore, player: Player, audits: _Audits, recorder: CorpusRecorder, ids: NDArray[np.int64]
) -> None:
    rows = np.flatnonzero(~core.over)
    playing = core.games.select(rows)
    advice = None if core.config.advisor is None else core.channel.visible.select(rows)
    keys = core.keys[rows]
    rng = Streams(mix(keys, "player", playing.ply), origin=keys)
    actions = np.full(len(core), NO_ACTION, dtype=np.int64)
    actions[rows] = player.act(playing, advice, rng)
    audit = audits.take()
    core.play(actions)
    recorder.append(ids[rows], actions[rows], **_recorded(rows, audit))


class _Recorded(TypedDict):
    """What is written down of the answers to a ply's questions."""

    asked: NDArray[np.bool_]
    own_move: NDArray[np.int64] | None
    advice: VisibleAdvice | None
    provenance: Provenance | None


def _recorded(rows: NDArray[np.int64], audit: Audit | None) -> _Recorded:
    """Which of the games `rows` asked, what their players said that they would play, and the answers in their order."""
    if audit is None:
        return _Recorded(asked=np.zeros(len(rows), dtype=np.bool_), own_move=None, advice=None, provenance=None)
    asked, own_move = np.isin(rows, audit.rows), None
    if audit.query.proposal is not None:
        own_move = np.full(len(rows), -1, dtype=np.int64)
        own_move[asked] = audit.query.proposal
    return _Recorded(asked=asked, own_move=own_move, advice=audit.visible, provenance=audit.advice.provenance)


@dataclass
class _Audits:
    """What the channel told the scorer since the last ply."""

    latest: list[Audit] = field(default_factory=list)

    def append(self, audit: Audit) -> None:
        self.latest.append(audit)

    def take(self) -> Audit | None:
        """The questions and answers of this ply; None where nobody asked."""
        audits, self.latest = self.latest, []
        if len(audits) > 1:
            raise AssertionError("the channel asked twice within one ply")
        return audits[0] if audits else None


def draw_starts(book: Sequence[str], count: int, *, random_plies: int, seed: int, round: int) -> list[str]:
    """Starting positions for a round: openings of a book, each after a few random moves.

    Args:
        book: FENs.
        count: how many positions are drawn. A position may be drawn twice.
        random_plies: how many random legal moves are played at the most; each number from 0 to it is as likely.
        seed: of the run.
        round: from 1.

    Returns:
        `count` FENs or fewer: those in which the game is over are left out.

    Raises:
        DataError: no position is left.
    """
    keys = np.broadcast_to(mix(seed, "starts", round, np.arange(count)), (count,))
    streams = Streams(keys)
    drawn = streams.integers(len(book))
    games = Games.from_fens([book[i] for i in drawn])
    plies = streams.integers(random_plies + 1)
    for ply in range(random_plies):
        games.step(np.where(plies > ply, games.sample(keys), NO_ACTION))
    starts = [fen for fen, over in zip(games.fens(), games.finished, strict=True) if not over]
    if not starts:
        raise DataError("every game of the book is over where it should begin: give other openings")
    return starts
