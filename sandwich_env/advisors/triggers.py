"""Triggers: schedules that look at the position, at the player, or at what the expert thinks.

Each refuses, when it is made, what no game could ever reach: a trigger that cannot fire is a mistake.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

import chess
import numpy as np

from sandwich_env.advisors.advice import Advice, Query
from sandwich_env.advisors.men import PAWNS_WORTH, men_on
from sandwich_env.advisors.per_action import log_probabilities, of_each
from sandwich_env.advisors.schedules import Bools, Schedule
from sandwich_env.errors import AdviceError, SpecError, did_you_mean
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import MAX_PLIES
from sandwich_env.specs import check_count, check_number, check_share

Side = Literal["both", "mover", "opponent"]
_MEN, _PAWNS = 15, 8  # of one side, the king not counted


class SameChance(Schedule):
    """At each query with probability `epsilon`, and for all wrappers that are given the same seed at the same queries.

    `by_chance` tosses a coin for each wrapper; here several share one, so that a move and a value fail together.

    Args:
        epsilon: 0 to 1.
        seed: of the coin.
    """

    def __init__(self, epsilon: float, seed: int = 0) -> None:
        self.epsilon = check_share("epsilon of 'same_chance'", epsilon)
        self.seed = check_count("seed of 'same_chance'", seed, least=0)

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        keys = np.broadcast_to(mix(query.keys, query.count, self.seed, "same_chance"), query.keys.shape)
        return Streams(keys).random() < self.epsilon


class PlyBetween(Schedule):
    """At plies `least` to `most` of the game, counted from 0 at its start (the FEN that it began from).

    Args:
        least: 0 or more.
        most: None is the end of the game.
    """

    of_board = True

    def __init__(self, least: int = 0, most: int | None = None) -> None:
        self.least = check_count("least of 'ply_between'", least, least=0)
        self.most = None if most is None else check_count("most of 'ply_between'", most, least=0)
        if least > MAX_PLIES:
            raise _never("ply_between", least, most, f"no game lasts more than {MAX_PLIES} plies")
        if most is not None and least > most:
            raise _never("ply_between", least, most)

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        ply = query.games.ply
        due: Bools = (ply >= self.least) & (ply <= (MAX_PLIES if self.most is None else self.most))
        return due


class Material(Schedule):
    """Where the material on the board, in pawns, lies between `least` and `most`.

    Knights and bishops are worth 3, rooks 5, queens 9 (Shannon 1950, "Programming a Computer for Playing Chess").

    Args:
        least: 0 or more.
        most: None is all that a board can hold.
        side: whose: of "both", of the "mover" or of the "opponent".
    """

    of_board = True

    def __init__(self, least: int = 0, most: int | None = None, side: Side = "both") -> None:
        self.least = check_count("least of 'material'", least, least=0)
        self.most = None if most is None else check_count("most of 'material'", most, least=0)
        if side not in get_args(Side):
            raise SpecError(f"side of 'material' is {side!r}: {did_you_mean(str(side), get_args(Side))}")
        self.side = side
        if most is not None and least > most:
            raise _never("material", least, most)
        possible = _possible_material(2 if side == "both" else 1)
        if not any(least <= worth <= (possible[-1] if most is None else most) for worth in possible):
            raise _never("material", least, most, f"{side!r} can have up to {possible[-1]}, and not every number below")

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        men = men_on(query.games).sum(axis=(1, 2))
        mover, opponent = men[:, :6] @ PAWNS_WORTH, men[:, 6:] @ PAWNS_WORTH
        worth = {"mover": mover, "opponent": opponent, "both": mover + opponent}[self.side]
        due: Bools = (worth >= self.least) & (worth <= (math.inf if self.most is None else self.most))
        return due


class OnBoard(Schedule):
    """Where certain men stand on certain squares, whoever is to move.

    Args:
        pattern: what stands on which square, such as {"e4": "P", "e5": "p", "d4": "empty"}: letters as in a FEN,
            White's men in capitals.
    """

    of_board = True

    def __init__(self, pattern: Mapping[str, str]) -> None:
        if not isinstance(pattern, Mapping) or not pattern:
            raise SpecError(f"pattern of 'on_board' is {pattern!r}: give one square or more, such as {{'e4': 'P'}}")
        for square, man in pattern.items():
            if square not in chess.SQUARE_NAMES:
                raise SpecError(f"pattern of 'on_board' names {square!r}: a square is one of a1 to h8")
            if man not in _LETTERS and man != _EMPTY:
                raise SpecError(
                    f"pattern of 'on_board' has {man!r} on {square}: it must be one of {_LETTERS}, or {_EMPTY!r}"
                )
        fault = _fault(pattern)
        if fault:
            raise SpecError(f"the pattern {dict(pattern)!r} of 'on_board' can never fire: {fault}")
        self.pattern = dict(pattern)

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        men = men_on(query.games, "white")
        there = np.ones(len(query), dtype=np.bool_)
        for name, man in self.pattern.items():
            rank, file = divmod(chess.parse_square(name), 8)
            here = men[:, rank, file]
            there &= ~here.any(axis=1) if man == _EMPTY else here[:, _LETTERS.index(man)]
        return there


class Rating(Schedule):
    """Where the player's Elo, as far as the advisor knows it, lies between `least` and `most`.

    Args:
        least: in Elo; None is any.
        most: in Elo; None is any. One of both is given.
    """

    def __init__(self, least: float | None = None, most: float | None = None) -> None:
        if least is None and most is None:
            raise SpecError("'rating' needs least or most, in Elo")
        for name, elo in (("least", least), ("most", most)):
            if elo is not None:
                check_number(f"{name} of 'rating'", elo)
        if least is not None and most is not None and least > most:
            raise _never("rating", least, most)
        self.least, self.most = least, most

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        if query.rating is None:
            raise AdviceError("the trigger 'rating' needs the player's rating, which nobody has told the advisor here")
        least, most = -math.inf if self.least is None else self.least, math.inf if self.most is None else self.most
        due: Bools = (query.rating >= least) & (query.rating <= most)  # NaN, a player who is not known, is in no range
        return due


class ChanceOfWinning(Schedule):
    """Where the mover's chance, as the expert honestly has it, lies between `least` and `most`.

    The value is an expected result, from -1 to 1; the chance is (1 + value) / 2, in which a draw counts as half a win.

    Args:
        least: 0 to 1.
        most: 0 to 1.
    """

    def __init__(self, least: float = 0.0, most: float = 1.0) -> None:
        self.least = check_share("least of 'chance_of_winning'", least)
        self.most = check_share("most of 'chance_of_winning'", most)
        if least > most:
            raise _never("chance_of_winning", least, most)

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        chance = (1.0 + advice.provenance.honest_value.astype(np.float64)) / 2.0
        due: Bools = (chance >= self.least) & (chance <= self.most)
        return due


class Stakes(Schedule):
    """Where it matters which move is played: highest less lowest probability of a legal move, between two bounds.

    This is the preference c(s) by which Lin et al. 2017, "Tactics of Adversarial Attack on Deep Reinforcement Learning
    Agents" (arXiv:1703.06748), choose when to strike: near 0 where all moves are alike (or there is only one), near 1
    where the policy, as the wrapper is given it, would play one move alone.

    Args:
        least: 0 to 1.
        most: 0 to 1.
    """

    def __init__(self, least: float = 0.0, most: float = 1.0) -> None:
        self.least = check_share("least of 'stakes'", least)
        self.most = check_share("most of 'stakes'", most)
        if least > most:
            raise _never("stakes", least, most)

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        legal = advice.legal_logits(query.games)
        shares = np.exp(log_probabilities(legal))
        spread = of_each(np.maximum, shares, legal.counts, 0.0) - of_each(np.minimum, shares, legal.counts, 0.0)
        due: Bools = (spread >= self.least) & (spread <= self.most)
        return due


_LETTERS = "PNBRQKpnbrqk"
_EMPTY = "empty"


def _fault(pattern: Mapping[str, str]) -> str:
    """Why no position can show a pattern; "" if one can."""
    board = chess.Board.empty()
    for name, man in pattern.items():
        if man != _EMPTY:
            board.set_piece_at(chess.parse_square(name), chess.Piece.from_symbol(man))
    faults = []
    if board.pawns & chess.BB_BACKRANKS:
        faults.append("a pawn stands on the first or last rank")
    for color, side in ((chess.WHITE, "White"), (chess.BLACK, "Black")):
        kings, pawns = (len(board.pieces(piece, color)) for piece in (chess.KING, chess.PAWN))
        men = chess.popcount(board.occupied_co[color]) - kings
        if kings > 1:
            faults.append(f"{side} has {kings} kings")
        if pawns > _PAWNS:
            faults.append(f"{side} has {pawns} pawns")
        if men > _MEN:
            faults.append(f"{side} has {men} men beside the king, and can have {_MEN}")
    kings = chess.popcount(board.kings)
    if kings == 2 and chess.square_distance(*chess.SquareSet(board.kings)) == 1:
        faults.append("the kings stand next to each other")
    if len(pattern) - kings > 62:
        faults.append("it leaves no squares for the kings")
    return "; ".join(faults)


def _possible_material(sides: int) -> list[int]:
    """What one side's men, or both sides', may be worth together, sorted, whatever pawns became."""
    officers = {0}
    by_count = [officers]
    for _ in range(_MEN):
        by_count.append({worth + int(one) for worth in by_count[-1] for one in PAWNS_WORTH[1:5]})
    one_side = {
        worth + pawns
        for count, worths in enumerate(by_count)
        for worth in worths
        for pawns in range(_PAWNS + 1)
        if count + pawns <= _MEN
    }
    return sorted(one_side if sides == 1 else {mine + theirs for mine in one_side for theirs in one_side})


def _never(kind: str, least: float, most: float | None, why: str = "least is more than most") -> SpecError:
    return SpecError(f"{kind!r} from {least!r} to {'the end' if most is None else repr(most)} can never fire: {why}")
