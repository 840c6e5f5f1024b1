"""`Games`: N games of chess as arrays. The one implementation of the rules that everything else stands on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
    pool_of_fens,
    recorded_games,
    seed_array,
)
from sandwich_env.rules.actions import NO_ACTION, NUM_ACTIONS, complete_move, decode_action, describe_legal
from sandwich_env.rules.buffers import mask_buffer, observation_buffer
from sandwich_env.rules.positions import parse_start, write_fen
from sandwich_env.rules.sight import Sight, View, new_arrays, playing_kernels
from sandwich_env.rules.team import MAX_THREADS
from sandwich_env.rules.termination import Termination

WORTH_SHARING = 512
"""Drawing an action, or starting again, is quick: fewer games than this are not worth handing over to other threads."""
MAX_PLIES = 20_000
"""The largest ply cap: no game lasts longer under the seventy-five move rule."""

_STATE_VERSION = 1
_FEW = 16
"""So many games are looked at one by one in less time than it takes to copy them."""


class Games(Sight):
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
        threads: How many threads may share the work of one call, from 64 games on. The games come out the same.

    Raises:
        InvalidPositionError: If a FEN is malformed or cannot be played on from.
    """

    def __init__(
        self,
        n: int,
        starts: Sequence[str] | None = None,
        max_plies: int = 512,
        *,
        claim_draws: bool = True,
        threads: int = 1,
    ) -> None:
        self._threads = integer("threads", threads, 1, MAX_THREADS)
        self._allocate(
            integer("n", n, 0, 2**31),
            integer("max_plies", max_plies, 1, MAX_PLIES),
            boolean("claim_draws", claim_draws),
        )
        self._set_starts(np.arange(n), pool_of_fens(starts, n) or [chess.STARTING_FEN] * n)
        self.reset()

    @classmethod
    def from_fens(
        cls, fens: Iterable[str], max_plies: int = 512, *, claim_draws: bool = True, threads: int = 1
    ) -> Games:
        """One game from each FEN; see `Games`."""
        if isinstance(fens, str):
            raise TypeError(f"fens is a sequence of FENs: write [{fens!r}]")
        starts = list(fens)
        return cls(len(starts), starts or None, max_plies, claim_draws=claim_draws, threads=threads)

    def _allocate(self, n: int, max_plies: int, claim_draws: bool) -> None:
        self._max_plies = max_plies
        self._claim_draws = claim_draws
        self._state = np.zeros((n, layout.STATE_WORDS), dtype=np.uint64)
        self._legal = np.zeros((n, layout.MAX_LEGAL), dtype=np.uint16)
        self._history = np.zeros((n, layout.HISTORY_WORDS), dtype=np.uint16)
        self._moves = np.zeros((n, max_plies), dtype=np.uint16)
        self._start_fens = np.full(n, chess.STARTING_FEN, dtype=object)
        self._lay_out()

    def _set_starts(self, indices: NDArray[np.int64], fens: list[str]) -> None:
        words = []
        for i, fen in zip(indices, fens, strict=True):
            try:
                words.append(parse_start(fen))
            except InvalidPositionError as error:
                raise InvalidPositionError(f"game {i}: {error}") from error
        if words:
            self._state[indices, layout.START : layout.START + layout.START_WORDS] = words
            self._start_fens[indices] = fens

    @property
    def _arrays(self) -> tuple[NDArray[Any], ...]:
        """Everything that is copied with a game; the first axis is the game."""
        return (self._state, self._legal, self._history, self._moves, self._start_fens)

    def __len__(self) -> int:
        return len(self._state)

    def __repr__(self) -> str:
        return (
            f"<Games: {len(self)}, {int(self.finished.sum())} finished, "
            f"max_plies={self._max_plies}, claim_draws={self._claim_draws}>"
        )

    @property
    def max_plies(self) -> int:
        """The ply cap."""
        return self._max_plies

    @property
    def claim_draws(self) -> bool:
        """Whether threefold repetition and the fifty-move rule end a game."""
        return self._claim_draws

    @property
    def threads(self) -> int:
        """How many threads may share the work of a call."""
        return self._threads

    @property
    def bytes_per_game(self) -> int:
        """Bytes of memory that each game takes, its moves included; 2 for each ply of `max_plies`."""
        return sum(array.itemsize * math.prod(array.shape[1:]) for array in self._arrays)

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
        n = len(self)
        if starts is None and type(mask) is np.ndarray and mask.dtype == np.bool_ and mask.shape == (n,):
            chosen, count = mask, int(np.count_nonzero(mask))
        else:
            indices = np.arange(n) if mask is None else game_indices(mask, n)
            chosen, count = np.zeros(n, dtype=np.bool_), len(indices)
            chosen[indices] = True
            if starts is not None and count:
                if count != np.count_nonzero(chosen):
                    raise ValueError("indices name a game twice: which start is its own?")
                self._set_starts(indices, pool_of_fens(starts, count))
        if count:
            self._order(layout.RESTART, np.where(chosen, 0, NO_ACTION), few=count < WORTH_SHARING)

    def step(self, actions: ArrayLike) -> None:
        """Play one action in each game.

        Args:
            actions: Integers [N]. `NO_ACTION` (-1) leaves that game as it is, finished or not.

        Raises:
            IllegalActionError: If an action is not legal; then no game has changed.
            GameOverError: If an action was sent to a finished game; then no game has changed.
        """
        self.play(actions)

    def play(
        self,
        actions: ArrayLike,
        observation: NDArray[np.bool_] | None = None,
        mask: NDArray[np.int8] | None = None,
        view: View = "mover",
    ) -> None:
        """Play one action in each game, and write what is then to be seen: `step`, `observe` and `legal_mask` in one.

        Threads are woken once instead of three times, so this is the call for a loop that must be fast.

        Args:
            actions: As in `step`.
            observation: A buffer as in `observe`, or uint8 as in `observe_packed`, for as many positions as its shape
                says. None leaves it out.
            mask: A buffer as in `legal_mask`, or uint8 as in `legal_mask_packed`. None leaves it out.
            view: As in `observe`.

        Raises:
            IllegalActionError: As `step`; then nothing has been written either.
            GameOverError: As `step`; then nothing has been written either.
        """
        n = len(self)
        checked = action_array(actions, n)
        planes = None if observation is None else observation_buffer(observation, n)
        shown_mask = None if mask is None else mask_buffer(mask, n)
        bad = self._order(layout.PLAY, checked, planes, shown_mask, view)
        if bad >= 0:
            raise self._illegal(bad, int(checked[bad]))

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
        self._order(layout.SAMPLE, actions, seeds=seed_array(seeds, len(self)), few=len(self) < WORTH_SHARING)
        return actions

    def are_legal(self, actions: ArrayLike) -> NDArray[np.bool_]:
        """Whether each game's action is legal, without a mask of all the others.

        Args:
            actions: Integers [N]; `NO_ACTION`, and whatever else is no action, is not legal.

        Returns:
            bool [N]: False in a game that is over.
        """
        legal = np.empty(len(self), dtype=np.bool_)
        playing_kernels().find_legal(self._state, self._legal, action_array(actions, len(self)), legal)
        return legal

    # --- Edges: python-chess ---

    def _index(self, i: int) -> int:
        return game_index(i, len(self))

    def _fen(self, i: int) -> str:
        words = self._state[i].tolist()
        start = words[layout.START :]
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
        chosen._max_plies, chosen._claim_draws, chosen._threads = (self._max_plies, self._claim_draws, self._threads)
        (chosen._state, chosen._legal, chosen._history, chosen._moves, chosen._start_fens) = (
            array[rows] for array in self._arrays
        )
        chosen._lay_out()
        return chosen

    def look_at(
        self, indices: ArrayLike, view: View = "mover", *, packed: bool = False
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """`look` at some of the games: what `select(indices).look()` gives, faster for a few out of many.

        Args:
            indices: Indices [K], which may repeat, or a boolean mask [N].
            view: As in `observe`.
            packed: Whether both are packed.

        Returns:
            bool [K, 8, 8, 111] and int8 [K, 4672]; packed, uint8 [K, 111, 8] and uint8 [K, 584].
        """
        rows = game_indices(indices, len(self))
        if len(rows) > _FEW:
            return self.select(rows).look(view, packed=packed)
        planes, mask = new_arrays(len(rows), packed=packed)
        self._show_one_by_one(rows, planes, mask, range(len(rows)), view)
        return planes, mask

    def show_at(self, indices: ArrayLike, observation: NDArray[Any], mask: NDArray[Any], view: View = "mover") -> None:
        """`show`, but only the rows of some of the games are sure to be written; the buffers have rows for all N.

        Args:
            indices: Indices [K], or a boolean mask [N].
            observation, mask, view: As in `play`, but both are given.
        """
        n = len(self)
        rows = game_indices(indices, n)
        planes, shown_mask = observation_buffer(observation, n), mask_buffer(mask, n)
        if np.may_share_memory(planes, shown_mask):  # whole buffers, so their bounds tell
            raise ValueError("observation and mask share memory")
        if len(rows) > _FEW:
            self._order(0, planes=planes, mask=shown_mask, view=view)
        else:
            self._show_one_by_one(rows, planes, shown_mask, rows.tolist(), view)

    def _show_one_by_one(
        self, rows: NDArray[np.int64], planes: NDArray[Any], mask: NDArray[Any], to: Sequence[int], view: View
    ) -> None:
        """Show some games in the rows `to` [K] of buffers that have been checked."""
        one = Games.__new__(type(self))  # a batch of one, whose job points into the arrays of this one
        one.__dict__.update(self.__dict__)
        one._threads, one._job = 1, self._job.copy()
        one._job[layout.JOB_GAMES] = 1
        places = [(word, int(self._job[word]), array.strides[0]) for word, array in self._addressed]
        for i, k in zip(rows.tolist(), to, strict=True):
            for word, address, stride in places:
                one._job[word] = address + i * stride
            one._order(0, planes=planes[k : k + 1], mask=mask[k : k + 1], view=view)

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
