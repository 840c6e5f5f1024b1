"""`Games`: N games of chess as arrays. The one implementation of the rules that everything else stands on."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import chess
import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.errors import GameOverError, IllegalActionError, InvalidPositionError
from sandwich_env.rules import _layout as layout
from sandwich_env.rules._checks import (
    action_array,
    boolean,
    game_index,
    game_indices,
    integer,
    output_buffer,
    pool_of_fens,
    recorded_games,
    seed_array,
)
from sandwich_env.rules.actions import NO_ACTION, NUM_ACTIONS, complete_move, decode_action, describe_legal
from sandwich_env.rules.positions import parse_start, write_fen
from sandwich_env.rules.termination import Termination

MAX_HISTORY = layout.HISTORY
OBSERVATION_SHAPE = (8, 8, layout.CHANNELS)
MAX_PLIES = 20_000
"""The largest ply cap: no game lasts longer under the seventy-five move rule."""

View = Literal["mover", "white", "black"]
_VIEWS: dict[str, int] = {"mover": 0, "white": 1, "black": 2}
_STATE_VERSION = 1


@functools.cache
def _kernels() -> Any:
    """The compiled kernels; Numba is imported here, when the first games are made, and not before."""
    from sandwich_env.rules import _kernels as kernels

    return kernels


def observation_shape(history: int = MAX_HISTORY) -> tuple[int, int, int]:
    """Shape of one observation that holds the last `history` positions: (8, 8, 7 + 13 * history)."""
    return (8, 8, layout.AUXILIARY_CHANNELS + layout.BOARD_CHANNELS * integer("history", history, 1, MAX_HISTORY))


class Games:
    """N games of standard chess, stepped together.

    Two positions are the same, for repetitions, if the same men stand on the same squares, the same side is to move,
    and castling rights and legal en passant captures are the same. Game i of N comes out as it would alone.

    Args:
        n: How many games.
        starts: FENs to start from, 1 to n of them: game i starts from `starts[i % len(starts)]`. None is the standard
            starting position. A position that is over already makes a game that is over at ply 0.
        max_plies: A game that is not over after so many plies is truncated, and counts as a draw.
        claim_draws: Whether a position's third occurrence and the fifty-move rule end a game at once. If not, only the
            fifth occurrence and the seventy-five-move rule do.

    Raises:
        InvalidPositionError: If a FEN is malformed or cannot be played on from.
    """

    def __init__(
        self, n: int, starts: Sequence[str] | None = None, max_plies: int = 512, *, claim_draws: bool = True
    ) -> None:
        self._allocate(
            integer("n", n, 0, 2**31),
            integer("max_plies", max_plies, 1, MAX_PLIES),
            boolean("claim_draws", claim_draws),
        )
        self._set_starts(np.arange(n), pool_of_fens(starts, n) or [chess.STARTING_FEN] * n)
        self.reset()

    @classmethod
    def from_fens(cls, fens: Iterable[str], max_plies: int = 512, *, claim_draws: bool = True) -> Games:
        """One game from each FEN; see `Games`."""
        if isinstance(fens, str):
            raise TypeError(f"fens is a sequence of FENs: write [{fens!r}]")
        starts = list(fens)
        return cls(len(starts), starts or None, max_plies, claim_draws=claim_draws)

    def _allocate(self, n: int, max_plies: int, claim_draws: bool) -> None:
        self._max_plies = max_plies
        self._claim_draws = claim_draws
        self._state = np.zeros((n, layout.STATE_WORDS), dtype=np.uint64)
        self._legal = np.zeros((n, layout.MAX_LEGAL), dtype=np.uint16)
        self._history = np.zeros((n, layout.HISTORY_WORDS), dtype=np.uint16)
        self._moves = np.zeros((n, max_plies), dtype=np.uint16)
        self._starts = np.zeros((n, layout.START_WORDS), dtype=np.uint64)
        self._start_fens = np.full(n, chess.STARTING_FEN, dtype=object)

    def _set_starts(self, indices: NDArray[np.int64], fens: list[str]) -> None:
        words = []
        for i, fen in zip(indices, fens, strict=True):
            try:
                words.append(parse_start(fen))
            except InvalidPositionError as error:
                raise InvalidPositionError(f"game {i}: {error}") from error
        if words:
            self._starts[indices] = words
            self._start_fens[indices] = fens

    @property
    def _arrays(self) -> tuple[NDArray[Any], ...]:
        """Everything that is copied with a game; the first axis is the game."""
        return (self._state, self._legal, self._history, self._moves, self._starts, self._start_fens)

    def __len__(self) -> int:
        return len(self._state)

    def __repr__(self) -> str:
        return (
            f"<Games: {len(self)}, {int(self.finished.sum())} finished, "
            f"max_plies={self._max_plies}, claim_draws={self._claim_draws}>"
        )

    # --- Playing ---

    def reset(self, mask: ArrayLike | None = None, starts: Sequence[str] | None = None) -> None:
        """Start games again, each from its own starting position or from a new one.

        Args:
            mask: bool [N], or indices: the games to reset. None is all of them.
            starts: New FENs for the games that are reset, in the order of the indices, and cycled as in `Games`. They
                stay theirs.

        Raises:
            ValueError: If there are starts, and the indices name a game twice.
            InvalidPositionError: If a FEN is refused; then no game has changed.
        """
        indices = np.arange(len(self)) if mask is None else game_indices(mask, len(self))
        if len(indices) == 0:
            return
        chosen = np.zeros(len(self), dtype=np.bool_)
        chosen[indices] = True
        if starts is not None:
            if len(indices) != np.count_nonzero(chosen):
                raise ValueError("indices name a game twice: which start is its own?")
            self._set_starts(indices, pool_of_fens(starts, len(indices)))
        _kernels().restart(
            self._state, self._legal, self._history, self._starts, chosen, np.uint64(self._max_plies), self._claim_draws
        )

    def step(self, actions: ArrayLike) -> None:
        """Play one action in each game.

        Args:
            actions: Integers [N]. `NO_ACTION` (-1) leaves that game as it is, finished or not.

        Raises:
            IllegalActionError: If an action is not legal; then no game has changed.
            GameOverError: If an action was sent to a finished game; then no game has changed.
        """
        checked = action_array(actions, len(self))
        kernels = _kernels()
        bad = kernels.find_illegal(self._state, self._legal, checked)
        if bad >= 0:
            raise self._illegal(bad, int(checked[bad]))
        kernels.advance(
            self._state,
            self._legal,
            self._history,
            self._moves,
            checked,
            np.uint64(self._max_plies),
            self._claim_draws,
        )

    def _illegal(self, i: int, action: int) -> IllegalActionError | GameOverError:
        reason = Termination(int(self._state[i, layout.TERMINATION]))
        board = chess.Board(self._fen(i))
        if reason is not Termination.PLAYING:
            name = reason.name.lower().replace("_", " ")
            return GameOverError(
                f"game {i} is over ({name}) in {board.fen()!r}: action {action!r} cannot be played, "
                f"send NO_ACTION ({NO_ACTION}) or reset the game"
            )
        if not 0 <= action < NUM_ACTIONS:
            what = f"action {action!r} is out of range [0, {NUM_ACTIONS})"
        else:
            move = complete_move(action, board)
            what = f"action {action!r} ({'off the board' if move is None else move.uci()}) is not legal"
        return IllegalActionError(f"game {i}: {what} in {board.fen()!r}: {describe_legal(board)}")

    def sample(self, seeds: ArrayLike) -> NDArray[np.int64]:
        """Draw a legal action for each game, uniformly.

        The draw is a hash of the game's seed and ply and nothing else: the same seed plays the same game, alone or in
        any batch.

        Args:
            seeds: Non-negative integers [N], one for each game.

        Returns:
            int64 [N]; `NO_ACTION` where the game is over.
        """
        actions = np.empty(len(self), dtype=np.int64)
        _kernels().draw(self._state, self._legal, seed_array(seeds, len(self)), actions)
        return actions

    def are_legal(self, actions: ArrayLike) -> NDArray[np.bool_]:
        """Whether each game's action is legal, without a mask of all the others.

        Args:
            actions: Integers [N]; `NO_ACTION`, and whatever else is no action, is not legal.

        Returns:
            bool [N]: False in a game that is over.
        """
        legal = np.empty(len(self), dtype=np.bool_)
        _kernels().find_legal(self._state, self._legal, action_array(actions, len(self)), legal)
        return legal

    # --- What a player sees ---

    def legal_actions(self) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
        """The legal actions of all games, one game after the other: what the mask holds, in a fraction of the bytes.

        Returns:
            uint16 [M], and how many of them each game has, int64 [N]. Equal positions have theirs in the same order.
        """
        counts = self.legal_counts
        listed = np.arange(counts.max(initial=0)) < counts[:, None]
        return self._legal[:, : listed.shape[1]][listed], counts

    def legal_mask(self, out: NDArray[np.int8] | None = None) -> NDArray[np.int8]:
        """Which actions are legal.

        Args:
            out: A buffer to write to: int8 [N, 4672], C-contiguous. None makes a new one.

        Returns:
            int8 [N, 4672]: 1 where legal. All 0 once a game is over.
        """
        mask = output_buffer(out, (len(self), NUM_ACTIONS), np.int8)
        _kernels().write_mask(self._state, self._legal, mask)
        return mask

    def observe(
        self, out: NDArray[np.bool_] | None = None, history: int = MAX_HISTORY, view: View = "mover"
    ) -> NDArray[np.bool_]:
        """The planes of chess_v6, its defects mended; `docs/rules.md` draws them.

        Args:
            out: A buffer to write to: bool [N, 8, 8, 7 + 13 * history], C-contiguous. None makes a new one.
            history: How many positions to show, 1 to 8, the current one first. Networks here look at one.
            view: Whose eyes: the side to move's, or always White's or Black's.

        Returns:
            bool [N, 8, 8, 7 + 13 * history], the viewer's first rank in row 7 and the a-file in column 0.
        """
        planes = output_buffer(out, (len(self), *observation_shape(history)), np.bool_)
        if view not in _VIEWS:
            raise ValueError(f"view is 'mover', 'white' or 'black', not {view!r}")
        channels = planes.shape[-1]
        flat = planes.view(np.uint8).reshape(len(self), 64 * channels)
        _kernels().write_planes(self._state, self._history, flat, np.uint64(history), np.uint64(_VIEWS[view]))
        return planes

    # --- Where the games stand: new arrays [N], yours to keep ---

    def _words(self, k: int) -> NDArray[np.int64]:
        return self._state[:, k].astype(np.int64)

    def _flags(self, k: int, value: int) -> NDArray[np.bool_]:
        flags: NDArray[np.bool_] = self._state[:, k] == value
        return flags

    @property
    def turn(self) -> NDArray[np.bool_]:
        """bool [N]: True where White is to move, as `chess.WHITE`."""
        return self._flags(layout.WHITE_TO_MOVE, 1)

    @property
    def ply(self) -> NDArray[np.int64]:
        """int64 [N]: plies played since the start of each game."""
        return self._words(layout.PLY)

    @property
    def termination(self) -> NDArray[np.int8]:
        """int8 [N]: a `Termination` each, 0 while the game goes on."""
        return self._state[:, layout.TERMINATION].astype(np.int8)

    @property
    def terminated(self) -> NDArray[np.bool_]:
        """bool [N]: over by the rules of chess."""
        return self.finished & ~self.truncated

    @property
    def truncated(self) -> NDArray[np.bool_]:
        """bool [N]: stopped by `max_plies`, and not over by the rules of chess."""
        return self._flags(layout.TERMINATION, Termination.PLY_CAP)

    @property
    def finished(self) -> NDArray[np.bool_]:
        """bool [N]: terminated or truncated."""
        return ~self._flags(layout.TERMINATION, Termination.PLAYING)

    @property
    def outcome(self) -> NDArray[np.float32]:
        """float32 [N], from White's side: +1 won, 0 drawn or truncated, -1 lost, NaN while the game goes on."""
        result = self._state[:, layout.RESULT].astype(np.float32) - np.float32(1)
        result[~self.finished] = np.nan
        return result

    @property
    def over_count(self) -> int:
        """How many games are over; much cheaper than `finished.sum()`."""
        return int(np.count_nonzero(self._state[:, layout.TERMINATION]))

    @property
    def in_check(self) -> NDArray[np.bool_]:
        """bool [N]: whether the side to move is in check."""
        return self._flags(layout.CHECK, 1)

    @property
    def repetitions(self) -> NDArray[np.int64]:
        """int64 [N]: how often the current position has occurred before in its game."""
        return self._words(layout.REPETITIONS)

    @property
    def halfmove_clock(self) -> NDArray[np.int64]:
        """int64 [N]: plies since the last capture or pawn move, those before the starting FEN included."""
        return self._words(layout.HALFMOVES)

    @property
    def legal_counts(self) -> NDArray[np.int64]:
        """int64 [N]: how many actions are legal, 0 once a game is over."""
        return self._words(layout.LEGAL_COUNT)

    @property
    def max_plies(self) -> int:
        """The ply cap."""
        return self._max_plies

    @property
    def claim_draws(self) -> bool:
        """Whether threefold repetition and the fifty-move rule end a game."""
        return self._claim_draws

    # --- Edges: python-chess ---

    def _index(self, i: int) -> int:
        return game_index(i, len(self))

    def _fen(self, i: int) -> str:
        words = self._state[i].tolist()
        start = self._starts[i].tolist()
        black_began = 1 - start[layout.WHITE_TO_MOVE]
        return write_fen(words, start[layout.FULLMOVE] + (words[layout.PLY] + black_began) // 2)

    def fens(self) -> list[str]:
        """The FEN of each position, as `chess.Board.fen()`: an en passant square only where a capture is legal."""
        return [self._fen(i) for i in range(len(self))]

    def start_fens(self) -> list[str]:
        """The FEN that each game started from."""
        return list(self._start_fens)

    def played(self, i: int) -> NDArray[np.uint16]:
        """The actions played so far in game i, uint16 [ply]."""
        i = self._index(i)
        return self._moves[i, : int(self._state[i, layout.PLY])].copy()

    def board(self, i: int) -> chess.Board:
        """Game i as a `chess.Board`, with its moves since the start on the stack."""
        i = self._index(i)
        board = chess.Board(self._start_fens[i])
        for action in self.played(i).tolist():
            move = complete_move(action, board)
            if move is None:
                raise AssertionError(f"game {i} holds action {action}, {decode_action(action, board.turn)!r}")
            board.push(move)
        return board

    # --- Some games out of many ---

    def select(self, indices: ArrayLike) -> Games:
        """A copy of some of the games, histories included.

        Args:
            indices: Indices [K], which may repeat, or a boolean mask [N].
        """
        rows = game_indices(indices, len(self))
        chosen = Games.__new__(type(self))
        chosen._max_plies, chosen._claim_draws = self._max_plies, self._claim_draws
        (
            chosen._state,
            chosen._legal,
            chosen._history,
            chosen._moves,
            chosen._starts,
            chosen._start_fens,
        ) = (array[rows] for array in self._arrays)
        return chosen

    def copy(self) -> Games:
        """A copy of all games."""
        return self.select(np.arange(len(self)))

    def assign(self, indices: ArrayLike, other: Games) -> None:
        """Put other games in the place of some of these.

        Args:
            indices: Distinct indices [K], or a boolean mask [N] of K games.
            other: K games with the same `max_plies` and `claim_draws`.
        """
        if not isinstance(other, Games):
            raise TypeError(f"other is Games, not {type(other).__name__}")
        rows = game_indices(indices, len(self))
        if len(rows) != len(other):
            raise ValueError(f"{len(other)} games cannot take the place of {len(rows)}")
        if len(np.unique(rows)) != len(rows):
            raise ValueError("indices name a game twice")
        if (self._max_plies, self._claim_draws) != (other._max_plies, other._claim_draws):
            raise ValueError(f"the games play by other rules: {other!r} cannot be put into {self!r}")
        for array, new in zip(self._arrays, other._arrays, strict=True):
            array[rows] = new

    # --- Checkpoints ---

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything needed to go on later, as plain arrays: where each game started, and its moves.

        Returns:
            `starts` str [N], `moves` uint16 [N, longest game], `ply` int64 [N], and 0-D `max_plies`, `claim_draws`,
            `version`.
        """
        longest = int(self.ply.max(initial=0))
        return {
            "version": np.array(_STATE_VERSION),
            "max_plies": np.array(self._max_plies),
            "claim_draws": np.array(self._claim_draws),
            "starts": np.array(self.start_fens(), dtype=np.str_),
            "ply": self.ply,
            "moves": self._moves[:, :longest].copy(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Games:
        """The games of a `state()`, played again from their starts, so that a damaged state is found out.

        Raises:
            TypeError: If the state is no mapping.
            ValueError: If it lacks an entry, has another version, an entry has not its type, shape or range, or the
                moves are not legal.
        """
        max_plies, claim_draws, starts, plies, moves = recorded_games(state, _STATE_VERSION)
        games = cls.from_fens(starts, max_plies, claim_draws=claim_draws)
        for ply in range(int(plies.max(initial=0))):
            try:
                games.step(np.where(ply < plies, moves[:, ply], NO_ACTION))
            except (IllegalActionError, GameOverError) as error:
                raise ValueError(f"the recorded moves are not legal: {error}") from error
        return games
