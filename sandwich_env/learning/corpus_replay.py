"""Steps through the games of a corpus, all side by side, and shows what their players saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.errors import DataError, IllegalActionError
from sandwich_env.learning.corpus import VisibleCorpus
from sandwich_env.rules import Games
from sandwich_env.specs import check_count

GAMES_AT_ONCE = 1024


@dataclass(frozen=True)
class ReplayBatch:
    """Some plies of a corpus, with the positions that they were played in.

    Attributes:
        rows: int64 [B], the plies' rows in the corpus.
        planes: bool [B, 8, 8, 7 + 13 * history], the observation in the mover's view.
        legal: int8 [B, 4672], 1 where an action was legal.
    """

    rows: NDArray[np.int64]
    planes: NDArray[np.bool_]
    legal: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.rows)


def replay(
    corpus: VisibleCorpus, *, history: int = 1, rows: ArrayLike | None = None, games_at_once: int = GAMES_AT_ONCE
) -> Iterator[ReplayBatch]:
    """The positions of a corpus, a ply of many games at a time. Every chosen row comes exactly once.

    Args:
        corpus: the recorded games.
        history: how many positions the planes show.
        rows: bool [P], which plies to show; all of them without it.
        games_at_once: how many games are stepped side by side, the most that a batch holds.

    Raises:
        DataError: `rows` does not fit the corpus, or a recorded action is not legal where it was played.
    """
    for positions, at in replay_games(corpus, rows=rows, games_at_once=games_at_once):
        yield ReplayBatch(at, positions.observe(history=history), positions.legal_mask())


def replay_games(
    corpus: VisibleCorpus, *, rows: ArrayLike | None = None, games_at_once: int = GAMES_AT_ONCE
) -> Iterator[tuple[Games, NDArray[np.int64]]]:
    """As `replay`, but with the positions as `Games` (to show to an expert), and the rows int64 [B] beside them."""
    chosen = np.ones(len(corpus), dtype=np.bool_) if rows is None else np.asarray(rows)
    if chosen.shape != (len(corpus),) or chosen.dtype != np.bool_:
        raise DataError(f"rows is a bool [{len(corpus)}], not {chosen.dtype} {chosen.shape}")
    check_count("games_at_once", games_at_once)
    lengths = corpus.lengths()
    first_row = np.cumsum(lengths) - lengths
    wanted = np.flatnonzero(np.bincount(corpus.game_id[chosen], minlength=len(corpus.games)))
    for start in range(0, len(wanted), games_at_once):
        yield from _replay_some(corpus, wanted[start : start + games_at_once], first_row, lengths, chosen)


def _replay_some(
    corpus: VisibleCorpus,
    ids: NDArray[np.int64],
    first_row: NDArray[np.int64],
    lengths: NDArray[np.int64],
    chosen: NDArray[np.bool_],
) -> Iterator[tuple[Games, NDArray[np.int64]]]:
    ids = ids[np.argsort(-lengths[ids], kind="stable")]  # the longest first, so that games end from the back
    longest = int(lengths[ids[0]])
    # No draw is claimed, so that games recorded under either rule can be replayed.
    games = Games.from_fens(corpus.games.start_fen[ids].tolist(), max_plies=longest + 1, claim_draws=False)
    for ply in range(longest):
        playing = int(np.searchsorted(-lengths[ids], -ply))  # games with more than `ply` plies
        if playing < len(games):
            games = games.select(np.arange(playing))
            ids = ids[:playing]
        at = first_row[ids] + ply
        shown = np.flatnonzero(chosen[at])
        if len(shown):
            yield games.select(shown), at[shown]
        _step(games, corpus.action[at], ids, ply)


def _step(games: Games, actions: NDArray[np.int64], ids: NDArray[np.int64], ply: int) -> None:
    try:
        games.step(actions)
    except (IllegalActionError, RuntimeError) as error:
        legal = games.legal_mask()[np.arange(len(games)), actions] == 1
        bad = int(np.argmin(legal))
        raise DataError(
            f"ply {ply} of game {ids[bad]} of the corpus is action {actions[bad]}, not legal in {games.fens()[bad]!r}"
        ) from error
