"""A corpus as a Parquet file: one flat table with a row for each ply, for programs and data frames.

Beside the columns of `VisibleCorpus` and `GameTable` and those of `Truth` (named `truth_...`), the file has some that
other programs like to find and that are not read back: `uci`, `own_uci`, `advice_uci`, `followed` and `result`.
A value that is not there (advice where nobody asked, the outcome of a game not finished) is null.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.errors import DataError, MissingExtraError
from sandwich_env.files import replacing
from sandwich_env.learning.corpus import Corpus, GameTable, Truth, VisibleCorpus
from sandwich_env.learning.corpus_uci import action_names
from sandwich_env.reading.recorded import CORPUS_FORMAT, CORPUS_VERSION, corpus_table

_READ = (
    *("game_id", "ply", "mover", "action", "own_move", "asked", "advice_move", "advice_value"),
    *("advice_has_move", "advice_has_value"),
    *("start_fen", "white", "black", "round", "outcome", "termination"),
    *("truth_tampered", "truth_by", "truth_honest_move", "truth_honest_value"),
)
"""The columns that are read back."""


def write_parquet(corpus: Corpus, path: str | Path) -> None:
    """Write a corpus whole. Games in which no ply was played leave no trace.

    Raises:
        MissingExtraError: pyarrow is not installed.
        OSError: the file could not be written (a full disk, say); what was there before is untouched.
    """
    pa, pq = _arrow()
    table = pa.table(_columns(corpus, pa)).replace_schema_metadata({CORPUS_FORMAT: CORPUS_VERSION})
    with replacing(path) as part:
        pq.write_table(table, part, compression="zstd")


def read_parquet(path: str | Path) -> Corpus:
    """Read a corpus that `write_parquet` wrote.

    Raises:
        MissingExtraError: pyarrow is not installed.
        DataError: the file is not there, is truncated, or is not a corpus.
    """
    table = corpus_table(path, _READ)
    try:
        return _corpus({name: table.column(name) for name in _READ})
    except DataError as error:
        raise DataError(f"{str(path)!r}: {error}") from error


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise MissingExtraError("pyarrow", "train") from error
    return pa, pq


def _columns(corpus: Corpus, pa: Any) -> dict[str, Any]:
    seen, truth, games, ids = corpus.seen, corpus.truth, corpus.games, corpus.seen.game_id

    def optional(values: NDArray[Any], there: NDArray[np.bool_], dtype: Any) -> Any:
        return pa.array(values, type=dtype, mask=~there)

    def words(values: NDArray[np.object_]) -> Any:
        return pa.array(values.tolist(), type=pa.string()).dictionary_encode()

    has_move, has_value = seen.advice_available[:, 0] == 1, seen.advice_available[:, 1] == 1
    says_own = seen.own_move >= 0
    names = action_names(seen, [seen.action, seen.own_move, np.where(has_move, seen.advice_move, -1)])
    return {
        "game_id": ids,
        "ply": seen.ply,
        "mover": seen.mover,
        "action": pa.array(seen.action, type=pa.int16()),
        "uci": words(names[0]),
        "own_move": optional(seen.own_move, says_own, pa.int16()),
        "own_uci": words(names[1]),
        "asked": seen.asked,
        "advice_move": optional(seen.advice_move, has_move, pa.int16()),
        "advice_uci": words(names[2]),
        "advice_value": optional(seen.advice_value, has_value, pa.float32()),
        "advice_has_move": has_move,
        "advice_has_value": has_value,
        "followed": seen.followed,
        "result": optional(seen.result, np.isfinite(seen.result), pa.float32()),
        "round": games.round[ids],
        "white": words(games.white[ids]),
        "black": words(games.black[ids]),
        "start_fen": words(games.start_fen[ids]),
        "outcome": optional(seen.outcome, np.isfinite(seen.outcome), pa.float32()),
        "termination": words(seen.termination),
        "truth_tampered": truth.tampered,
        "truth_by": words(truth.by),
        "truth_honest_move": optional(truth.honest_move, seen.asked, pa.int16()),
        "truth_honest_value": optional(truth.honest_value, seen.asked, pa.float32()),
    }


def _corpus(columns: dict[str, Any]) -> Corpus:
    def numbers(name: str, dtype: Any, absent: float = 0) -> NDArray[Any]:
        try:
            column = columns[name]
            filled = column.fill_null(absent) if column.null_count else column
            return np.asarray(filled.to_numpy()).astype(dtype)
        except (TypeError, ValueError, NotImplementedError) as error:  # pyarrow's errors derive from these
            raise DataError(f"column {name!r} does not hold {np.dtype(dtype).name}: {error}") from error

    def words(name: str, rows: NDArray[np.int64] | None = None) -> NDArray[np.object_]:
        values = np.array(columns[name].to_pylist(), dtype=object)
        return values if rows is None else values[rows]

    ids = numbers("game_id", np.int64)
    renumbered = np.cumsum(np.append(0, np.diff(ids) != 0)[: len(ids)])
    first = np.flatnonzero(np.append(True, np.diff(ids) != 0)[: len(ids)])
    games = GameTable(
        start_fen=words("start_fen", first),
        white=words("white", first),
        black=words("black", first),
        round=numbers("round", np.int32)[first],
        outcome=numbers("outcome", np.float32, float("nan"))[first],
        termination=words("termination", first),
    )
    seen = VisibleCorpus(
        games=games,
        game_id=renumbered.astype(np.int64),
        ply=numbers("ply", np.int32),
        mover=numbers("mover", np.int8),
        action=numbers("action", np.int64),
        own_move=numbers("own_move", np.int64, -1),
        asked=numbers("asked", np.bool_),
        advice_move=numbers("advice_move", np.int64, NO_MOVE),
        advice_value=numbers("advice_value", np.float32),
        advice_available=np.stack([numbers("advice_has_move", np.int8), numbers("advice_has_value", np.int8)], axis=1),
    )
    truth = Truth(
        tampered=numbers("truth_tampered", np.bool_),
        by=words("truth_by"),
        honest_move=numbers("truth_honest_move", np.int64, -1),
        honest_value=numbers("truth_honest_value", np.float32, float("nan")),
    )
    return Corpus(seen, truth)
