"""Recorded games from PGN files: what was played and how it ended, without comments and side lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import chess
import chess.pgn

from sandwich_env.errors import DataError, InvalidPositionError, SpecError
from sandwich_env.files import open_text
from sandwich_env.rules.positions import parse_board

RESULTS = {"1-0": 1.0, "0-1": -1.0, "1/2-1/2": 0.0}
"""White's result of each outcome that PGN knows."""


@dataclass(frozen=True)
class RecordedGame:
    """A game as it was played.

    Attributes:
        moves: the moves, from `start_fen` on; legal, at least one.
        start_fen: the position that they start from.
        result: White's result: 1, 0 or -1.
        white_rating: White's rating, None where the file does not tell.
        black_rating: Black's.
        headers: the tags of the game as the file has them.
    """

    moves: list[chess.Move]
    start_fen: str
    result: float
    white_rating: int | None
    black_rating: int | None
    headers: Mapping[str, str]


def open_games(
    path: str | Path,
    *,
    min_rating: int | None = None,
    max_rating: int | None = None,
    counts: Counter[str] | None = None,
    any_start: bool = False,
) -> Iterator[RecordedGame]:
    """The games of a PGN file (.pgn, .pgn.gz or .pgn.zst), one after the other, read as they are asked for.

    Games that cannot be learnt from are left out and counted, by the reasons `"variant"` (not standard chess),
    `"start"` (from a set-up position, which `any_start` takes if it is legal), `"unfinished"` (no result), `"rating"`
    (a rating is unknown or outside the limits), `"illegal"` (an illegal move), `"cut"` (the text ends before the game
    does) and `"no moves"`. A compressed file that was cut short gives all its whole games first, and then the error.

    Args:
        path: the file.
        min_rating: both players must be rated this or more.
        max_rating: both players must be rated this or less.
        counts: is filled with the number of games `"read"` and of those left out, by reason.
        any_start: whether games from set-up positions are read.

    Raises:
        DataError: the file is missing, empty, truncated, or holds no PGN game (when it is first read, or at its end).
        SpecError: the limits leave no rating.
    """
    if min_rating is not None and max_rating is not None and min_rating > max_rating:
        raise SpecError(f"min_rating is {min_rating!r}, above max_rating, {max_rating!r}: no game can be in between")
    return _read(Path(path), min_rating, max_rating, Counter() if counts is None else counts, any_start)


def _read(
    path: Path, min_rating: int | None, max_rating: int | None, counts: Counter[str], any_start: bool
) -> Iterator[RecordedGame]:
    anything = False
    visitor = _Visitor(min_rating, max_rating, any_start=any_start)
    try:
        with open_text(path, errors="replace") as text:  # many a PGN has names in Latin-1
            while chess.pgn.read_game(text, Visitor=lambda: visitor) is not None:
                if visitor.is_noise():
                    continue
                anything = True
                if visitor.refused:
                    counts[visitor.refused] += 1
                else:
                    counts["read"] += 1
                    yield visitor.game()
    except DataError as error:
        if not anything:
            raise
        raise DataError(f"{error} (after {counts['read']} games)") from error
    if not anything:
        raise DataError(f"{str(path)!r} holds no game: it is empty, or not PGN")


class _Visitor(chess.pgn.BaseVisitor[bool]):
    """Collects one game after another; stops reading a game as soon as it is refused."""

    def __init__(self, min_rating: int | None, max_rating: int | None, *, any_start: bool) -> None:
        self.any_start = any_start
        self.low = -(10**9) if min_rating is None else min_rating
        self.high = 10**9 if max_rating is None else max_rating
        self.rated = min_rating is not None or max_rating is not None

    def begin_game(self) -> None:
        self.headers: dict[str, str] = {}
        self.moves: list[chess.Move] = []
        self.refused = ""
        self.ended = False

    def begin_headers(self) -> None:
        return None

    def visit_header(self, tagname: str, tagvalue: str) -> None:
        self.headers[tagname] = tagvalue

    def end_headers(self) -> chess.pgn.SkipType | None:
        self.tagged = bool(self.headers)
        self.refused = self._refuse()
        return chess.pgn.SKIP if self.refused else None

    def _refuse(self) -> str:
        headers = self.headers
        if headers.get("Variant", "Standard").lower() not in ("standard", "chess", "from position"):
            return "variant"
        self.start_fen = headers.get("FEN", chess.STARTING_FEN)
        if self.start_fen != chess.STARTING_FEN and not (self.any_start and _is_legal(self.start_fen)):
            return "start"
        if headers.get("Result") in ("*", "?"):
            return "unfinished"
        self.ratings = _rating(headers.get("WhiteElo")), _rating(headers.get("BlackElo"))
        if self.rated and not all(rating is not None and self.low <= rating <= self.high for rating in self.ratings):
            return "rating"
        return ""

    def begin_variation(self) -> chess.pgn.SkipType:
        return chess.pgn.SKIP

    def visit_move(self, board: chess.Board, move: chess.Move) -> None:
        self.moves.append(move)

    def visit_result(self, result: str) -> None:
        self.ended = True
        self.headers.setdefault("Result", result)

    def handle_error(self, error: Exception) -> None:
        self.refused = self.refused or "illegal"

    def end_game(self) -> None:
        if not self.refused:
            self.refused = self._refuse_text()

    def _refuse_text(self) -> str:
        if not self.ended:
            return "cut"
        if not self.moves:
            return "no moves"
        return "" if self.headers["Result"] in RESULTS else "unfinished"

    def is_noise(self) -> bool:
        """Whether what was read is no game at all: no tags, and no moves that end with a result."""
        return not self.tagged and self.refused in ("illegal", "cut", "no moves")

    def game(self) -> RecordedGame:
        white, black = self.ratings
        return RecordedGame(
            moves=self.moves,
            start_fen=self.start_fen,
            result=RESULTS[self.headers["Result"]],
            white_rating=white,
            black_rating=black,
            headers=self.headers,
        )

    def result(self) -> bool:
        return True


def _is_legal(fen: str) -> bool:
    try:
        parse_board(fen)
    except InvalidPositionError:
        return False
    return True


def _rating(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() else None
