"""What an engine says about a move, and what that means as an expected result."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import chess
import chess.engine

LICHESS_SLOPE = 0.00368208
"""Of the win probability by centipawns, fitted by Lichess to games of players rated 2300 in rapid."""


@dataclass(frozen=True)
class Line:
    """A move that an engine scored.

    Attributes:
        rank: 1 for the move that it prefers, 2 for the next.
        move: the first move of the line.
        score: for the player to move.
        wdl: chances of the player to move as the engine sees them, in thousandths; None if it does not tell.
    """

    rank: int
    move: chess.Move
    score: chess.engine.Score
    wdl: chess.engine.Wdl | None

    def expected(self, by_wdl: bool = False) -> float:
        """Expected result of the player to move, -1 to 1: by `expected_result`, or by the engine's own chances."""
        if by_wdl and self.wdl is not None:
            return 2.0 * self.wdl.expectation() - 1.0
        return expected_result(self.score)


def parse_answer(heard: str, multipv: int, *, by_move: bool = False) -> tuple[chess.Move, tuple[Line, ...]]:
    """The move that an engine chose, and the last exact score of each line, by rank.

    Args:
        heard: all that it said, `bestmove` included.
        multipv: how many lines it was asked for.
        by_move: the last exact score of each move instead. A search that ends in the middle of a depth leaves a rank
            without a new score, and its old one may be of a move that has another rank by now.

    Raises:
        chess.engine.EngineError: it chose no move, or something that is none.
    """
    _, _, answer = heard.rpartition("readyok")
    said, _, chosen = answer.rpartition("\nbestmove")
    words = chosen.split(maxsplit=1)
    if not words or words[0] in NO_MOVE:
        raise chess.engine.EngineError("it gave no move")
    try:
        best = chess.Move.from_uci(words[0])
    except chess.InvalidMoveError as error:
        raise chess.engine.EngineError(f"it chose what is no move: {error}") from error
    lines: dict[int | chess.Move, Line] = {}
    for text in reversed(said.splitlines()):  # what it said last counts, and the rest is not looked at
        line = parse_line(text) if text.startswith("info ") else None
        if line is not None and (key := line.move if by_move else line.rank) not in lines:
            lines[key] = line
            if len(lines) == multipv:
                break
    return best, tuple(sorted(lines.values(), key=lambda line: line.rank))


NO_MOVE = ("(none)", "NULL", "0000")
"""What engines answer where they see no move."""


USUAL_LINE = re.compile(
    r"info depth \d+ (?:seldepth \d+ )?(?:multipv (?P<rank>\d+) )?score (?P<unit>cp|mate) (?P<number>-?\d+) "
    r"(?:wdl (?P<win>\d+) (?P<draw>\d+) (?P<loss>\d+) )?(?:nodes|nps|hashfull|tbhits|time)(?: [a-z]* ?\d+)* "
    r"pv (?P<move>[a-h][1-8][a-h][1-8][nbrq]?)(?: |$)"
)
"""Words in the order in which most engines put them; a bound has one word more."""


def parse_line(text: str) -> Line | None:
    """The line that an `info` of an engine tells; None where it gives no exact score of a move."""
    usual = USUAL_LINE.match(text)
    if usual is not None:
        rank, unit, number, *chances, move = usual.groups()
        wdl = None if chances[0] is None else chess.engine.Wdl(*map(int, chances))
        return Line(int(rank or 1), chess.Move.from_uci(move), _SCORES[unit](int(number)), wdl)
    return _parse_words(text.split())


def _parse_words(words: list[str]) -> Line | None:
    """The same for words in any order."""
    if not {"score", "pv"} <= set(words) or not {"string", "lowerbound", "upperbound"}.isdisjoint(words):
        return None
    try:
        unit, number = _after(words, "score", 2)
        rank = _after(words, "multipv", 1)[0] if "multipv" in words else "1"
        wdl = [int(chance) for chance in _after(words, "wdl", 3)] if "wdl" in words else None
        return Line(
            rank=int(rank),
            move=chess.Move.from_uci(_after(words, "pv", 1)[0]),
            score=_SCORES[unit](int(number)),
            wdl=None if wdl is None else chess.engine.Wdl(*wdl),
        )
    except (KeyError, ValueError, TypeError):  # garbled: it tells nothing
        return None


_SCORES: dict[str, Callable[[int], chess.engine.Score]] = {"cp": chess.engine.Cp, "mate": chess.engine.Mate}


def _after(words: list[str], name: str, count: int) -> list[str]:
    at = words.index(name) + 1
    if at + count > len(words):
        raise ValueError(f"{name!r} is cut off")
    return words[at : at + count]


def expected_result(score: chess.engine.Score) -> float:
    """Expected result, -1 to 1, of the player whose score it is.

    `2 / (1 + exp(-0.00368208 * centipawns)) - 1`, which is Lichess's win probability stretched to [-1, 1]
    (https://lichess.org/page/accuracy); a forced mate is 1 or -1.
    """
    centipawns = score.score()
    if centipawns is None:
        return 1.0 if score > chess.engine.Cp(0) else -1.0
    return math.tanh(LICHESS_SLOPE * centipawns / 2.0)
