"""A corpus as PGN, for people to read: the advice stands in comments beside the moves."""

from __future__ import annotations

from pathlib import Path

import chess
import numpy as np

from sandwich_env.evaluation.records import game_to_pgn
from sandwich_env.files import replacing
from sandwich_env.learning.corpus import Corpus
from sandwich_env.learning.corpus_uci import action_names


def write_pgn(corpus: Corpus, path: str | Path, *, with_truth: bool = False) -> None:
    """Write the games of a corpus down. Games without a ply are written too.

    A comment reads `advice e2e4 +0.31, followed`: the move and the value (the expected result for the mover, -1 to 1)
    that the advisor told, and whether the move was played. With the truth it goes on `; truth: random_move, honest d2d4
    +0.05`.

    Args:
        corpus: the games.
        path: where to.
        with_truth: whether the comments give the provenance of the advice away, for who scores the games.

    Raises:
        OSError: the file could not be written; what was there before is untouched.
    """
    games, seen = corpus.games, corpus.seen
    comments = _comments(corpus, with_truth)
    lengths = seen.lengths()
    ends = np.cumsum(lengths)
    with replacing(path) as part, part.open("w", encoding="utf-8") as stream:
        for game in range(len(games)):
            rows = slice(int(ends[game] - lengths[game]), int(ends[game]))
            headers = {
                "Event": "sandwich",
                "Site": "sandwich_env",
                "Round": str(games.round[game]),
                "White": str(games.white[game]),
                "Black": str(games.black[game]),
                "GameId": str(game),
                "Termination": str(games.termination[game]),
            }
            stream.write(
                game_to_pgn(
                    str(games.start_fen[game]),
                    seen.action[rows],
                    outcome=float(games.outcome[game]),
                    headers=headers,
                    comments=comments[rows],
                )
            )


def _comments(corpus: Corpus, with_truth: bool) -> list[str]:
    seen, truth = corpus.seen, corpus.truth
    told = seen.advice_available == 1
    advised, honest = action_names(
        seen, [np.where(told[:, 0], seen.advice_move, -1), np.where(seen.asked, truth.honest_move, -1)]
    )
    comments = [""] * len(corpus)
    for row in np.flatnonzero(seen.asked):
        words = ["advice"]
        if told[row, 0]:
            words.append(str(advised[row]))
        if told[row, 1]:
            words.append(f"{seen.advice_value[row]:+.2f}")
        text = " ".join(words)
        if told[row, 0]:
            text += ", followed" if seen.followed[row] else ", not followed"
        if with_truth:
            source = str(truth.by[row]) if truth.tampered[row] else "honest"
            move = honest[row] or chess.Move.null().uci()
            text += f"; truth: {source}, honest {move} {truth.honest_value[row]:+.2f}"
        comments[row] = text
    return comments
