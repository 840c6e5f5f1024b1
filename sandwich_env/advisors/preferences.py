"""What a biased advisor may like: a score for each legal move, computed for all games at once.

A user's own preference is a function of the move, named as "my_module:function": it gets a `chess.Board` (the game so
far, on which the move is not yet played) and a `chess.Move`, and returns a finite number.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.men import PAWNS_WORTH, PIECES, men_on
from sandwich_env.errors import AdviceError, SpecError, did_you_mean
from sandwich_env.experts.legal import LegalLogits
from sandwich_env.rules import Games, action_to_move
from sandwich_env.rules.actions import NUM_PLANES, PLANE_VECTORS

_VECTORS = np.array(PLANE_VECTORS)
_AT_ONCE = 4096  # so many games are copied at a time, 20 MB

Scores = NDArray[np.float64]
Preference = Callable[[Games, LegalLogits], Scores]


class _Moves(NamedTuple):
    """The legal moves as the board shows them, all [M].

    Attributes:
        row: the game.
        piece: which of `PIECES` moves.
        taken: which of `PIECES` is taken, -1 where none is.
        file: where it goes to, 0 (a) to 7 (h).
    """

    row: NDArray[np.int64]
    piece: NDArray[np.int64]
    taken: NDArray[np.int64]
    file: NDArray[np.int64]


def find(name: object) -> Preference:
    """The scores that a name stands for.

    Raises:
        SpecError: an unknown name, a function that cannot be found, or no name at all.
    """
    if callable(name):
        raise SpecError(
            f"preference of 'bias' is {name!r}: a function cannot be written to a spec, so name it as "
            f"'my_module:function'"
        )
    if isinstance(name, str) and name in _NAMED:
        return _NAMED[name]
    if not isinstance(name, str) or ":" not in name:
        known = f"{did_you_mean(str(name), _NAMED)} A function of your own is named as 'my_module:function'"
        raise SpecError(f"preference of 'bias' is {name!r}: {known}")
    return _users(name)


def _moves(games: Games, legal: LegalLogits) -> _Moves:
    row, (cell, plane) = legal.rows(), np.divmod(legal.actions.astype(np.int64), NUM_PLANES)
    from_file, from_rank = np.divmod(cell, 8)
    file, rank = from_file + _VECTORS[plane, 0], from_rank + _VECTORS[plane, 1]
    men = men_on(games)
    piece = men[row, from_rank, from_file, :6].argmax(axis=1)
    there = men[row, rank, file, 6:]
    taken = np.where(there.any(axis=1), there.argmax(axis=1), -1)
    en_passant = (piece == 0) & (file != from_file) & (taken < 0)
    return _Moves(row, piece, np.where(en_passant, 0, taken), file)


def _of_piece(kind: int) -> Preference:
    return lambda games, legal: (_moves(games, legal).piece == kind).astype(np.float64)


def _captures(games: Games, legal: LegalLogits) -> Scores:
    return (_moves(games, legal).taken >= 0).astype(np.float64)


def _kingside(games: Games, legal: LegalLogits) -> Scores:
    return (_moves(games, legal).file >= 4).astype(np.float64)


def _queenside(games: Games, legal: LegalLogits) -> Scores:
    return (_moves(games, legal).file < 4).astype(np.float64)


def _checks(games: Games, legal: LegalLogits) -> Scores:
    return np.concatenate([np.zeros(0), *(after.in_check.astype(np.float64) for after in _after_each(games, legal))])


def _draws(games: Games, legal: LegalLogits) -> Scores:
    """1 for a move that draws by the rules, 1/2 for one that repeats a position; else the share of material taken.

    That share is what the move takes, of all that stands on the board (both sides, in pawns).
    """
    drawn, repeats = [np.zeros(0, dtype=np.bool_)], [np.zeros(0, dtype=np.bool_)]
    for after in _after_each(games, legal):
        drawn.append(after.terminated & (after.outcome == 0))
        repeats.append(after.repetitions > 0)
    moves = _moves(games, legal)
    total = np.maximum(men_on(games).sum(axis=(1, 2)) @ np.tile(PAWNS_WORTH, 2), 1)
    share = np.append(PAWNS_WORTH, 0)[moves.taken] / total[moves.row]
    return np.where(np.concatenate(drawn), 1.0, np.where(np.concatenate(repeats), 0.5, share))


def _after_each(games: Games, legal: LegalLogits) -> Iterator[Games]:
    """The games after each legal move, [M] in all, a few thousand at a time."""
    rows, actions = legal.rows(), legal.actions.astype(np.int64)
    for start in range(0, len(rows), _AT_ONCE):
        after = games.select(rows[start : start + _AT_ONCE])
        after.step(actions[start : start + _AT_ONCE])
        yield after


def _users(name: str) -> Preference:
    """The scores that a user's own function of a board and a move gives."""
    module, _, attribute = name.partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ModuleNotFoundError, TypeError, ValueError) as error:  # the last two: a relative name, or an empty one
        if isinstance(error, ModuleNotFoundError) and not module.startswith(error.name or " "):
            raise
        raise SpecError(f"preference of 'bias' is {name!r}: there is no module {module!r}") from error
    except AttributeError as error:
        raise SpecError(f"preference of 'bias' is {name!r}: the module {module!r} has no {attribute!r}") from error
    if not callable(function):
        raise SpecError(f"preference of 'bias' is {name!r}: that is {function!r}, not a function")

    def scores(games: Games, legal: LegalLogits) -> Scores:
        given, at = np.empty(len(legal.actions), dtype=np.float64), 0
        for i, count in enumerate(legal.counts.tolist()):
            board = games.board(i)
            for action in legal.actions[at : at + count].tolist():
                move = action_to_move(action, board)
                given[at] = _checked(name, function(board.copy(), move), move, board)
                at += 1
        return given

    return scores


def _checked(name: str, score: object, move: chess.Move, board: chess.Board) -> float:
    if isinstance(score, (bool, int, float, np.number, np.bool_)) and math.isfinite(score):
        return float(score)
    raise AdviceError(
        f"the preference {name!r} of 'bias' gives {score!r} for {move.uci()!r} in {board.fen()!r}: "
        f"it must be a finite number"
    )


_NAMED: dict[str, Preference] = {
    **{name: _of_piece(kind) for kind, name in enumerate(PIECES)},
    "captures": _captures,
    "checks": _checks,
    "kingside": _kingside,
    "queenside": _queenside,
    "draws": _draws,
}
PREFERENCES = tuple(_NAMED)
"""The preferences that have a name."""
