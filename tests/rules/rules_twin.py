"""The same games in python-chess: a batch of boards beside a `Games`, and everything about it compared at once.

The boards say what is legal, who is in check and how a game ended; the observation is put together here from their
bitboards, after the table in docs/rules.md, and shares no code with the kernels. Comparisons run over whole batches,
for there are a million of them to make.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Sequence

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules import NO_ACTION, Games, Termination
from sandwich_env.rules.actions import encode_move

NUM_ACTIONS = 4672
BOARDS = 8


def _action_table(turn: chess.Color) -> list[int]:
    """Actions by `from_square << 6 | to_square`; -1 where no piece moves like that."""
    table = [-1] * 4096
    for start in chess.SQUARES:
        reach = chess.BB_KNIGHT_ATTACKS[start] | chess.BB_DIAG_ATTACKS[start][0] | chess.BB_RANK_ATTACKS[start][0]
        for end in chess.SquareSet(reach | chess.BB_FILE_ATTACKS[start][0]):
            table[start << 6 | end] = encode_move(chess.Move(start, end), turn)
    return table


_ACTIONS = (_action_table(chess.BLACK), _action_table(chess.WHITE))


def action_of(move: chess.Move, turn: chess.Color) -> int:
    if move.promotion is None or move.promotion == chess.QUEEN:
        return _ACTIONS[turn][move.from_square << 6 | move.to_square]
    return encode_move(move, turn)


def spread(bitboards: Sequence[int]) -> NDArray[np.bool_]:
    """Bitboards [K] as planes, bool [K, 8 ranks from the first, 8 files]."""
    octets = np.array(bitboards, dtype="<u8").view(np.uint8)
    return np.unpackbits(octets, bitorder="little").reshape(-1, 8, 8).astype(np.bool_)


def packed(bits: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Eight elements of the last axis to a byte, the first in its lowest bit."""
    return np.packbits(bits.astype(np.bool_), axis=-1, bitorder="little")


def packed_planes(planes: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Planes [N, 8, 8, channels] as uint8 [N, channels, 8]: a byte for each row, the a-file lowest."""
    return packed(planes.transpose(0, 3, 1, 2))[..., 0]


class Twin:
    """A batch of python-chess boards that plays what a `Games` plays.

    Attributes:
        boards: the games.
        moves: the legal moves of each position, as python-chess lists them, whether or not the game is over.
        seen: how many positions were compared, and how many had what is rare.
    """

    def __init__(self, fens: Iterable[str], max_plies: int, claim_draws: bool) -> None:
        self.starts = list(fens)
        self.max_plies, self.claim_draws = max_plies, claim_draws
        self.seen: Counter[str] = Counter()
        n = len(self.starts)
        self.boards = [chess.Board()] * n
        self.moves: list[list[chess.Move]] = [[]] * n
        self.occurrences: list[Counter[object]] = [Counter()] * n
        self.repetitions = np.zeros(n, dtype=np.int64)
        self.reasons = np.zeros(n, dtype=np.int8)
        self.outcomes = np.zeros(n, dtype=np.float32)
        self.checks = np.zeros(n, dtype=np.bool_)
        # The last positions, newest first: [N, 8, 13 channels, 8 ranks, 8 files] with White's men before Black's.
        self.history = np.zeros((n, BOARDS, 13, 8, 8), dtype=np.bool_)
        self.restart(range(n))

    def fan_out(self) -> Twin:
        """A batch with one game for each legal move of the only game here; the move is yet to be played."""
        fan, n = copy.copy(self), len(self.moves[0])
        for name in ("starts", "moves"):
            setattr(fan, name, getattr(self, name) * n)
        fan.boards = [self.boards[0].copy() for _ in range(n)]
        fan.occurrences = [self.occurrences[0].copy() for _ in range(n)]
        for name in ("repetitions", "reasons", "outcomes", "checks", "history"):
            setattr(fan, name, np.repeat(getattr(self, name), n, axis=0))
        return fan

    # --- Playing ---

    def restart(self, rows: Iterable[int]) -> None:
        rows = list(rows)
        for i in rows:
            self.boards[i] = chess.Board(self.starts[i])
            self.occurrences[i] = Counter()
        self.history[rows] = False
        self._arrive(rows)

    def push(self, moves: dict[int, chess.Move]) -> NDArray[np.int64]:
        """Play a move in some games; returns the actions, int64 [N]."""
        actions = np.full(len(self.boards), NO_ACTION)
        for i, move in moves.items():
            board = self.boards[i]
            actions[i] = action_of(move, board.turn)
            self._note(board, move)
            board.push(move)
        rows = list(moves)
        self.history[rows, 1:] = self.history[rows, :-1]
        self._arrive(rows)
        return actions

    def _note(self, board: chess.Board, move: chess.Move) -> None:
        if move.promotion is not None:
            self.seen[f"promotion to {chess.piece_name(move.promotion)}"] += 1
        if board.kings >> move.from_square & 1 and abs(move.from_square - move.to_square) == 2:
            self.seen[f"castling to {chess.square_name(move.to_square)}"] += 1
        elif move.to_square == board.ep_square and board.pawns >> move.from_square & 1:
            self.seen["en passant"] += 1
        elif board.occupied >> move.to_square & 1:
            self.seen["capture"] += 1

    def _arrive(self, rows: list[int]) -> None:
        for i in rows:
            board = self.boards[i]
            self.moves[i] = list(board.generate_legal_moves())
            key = board._transposition_key()
            self.repetitions[i] = self.occurrences[i][key]
            self.occurrences[i][key] += 1
            self.checks[i] = checked = board.is_check()
            self.reasons[i] = reason = self._judge(i, board, checked)
            won = -1 if board.turn == chess.WHITE else 1
            self.outcomes[i] = np.nan if not reason else won if reason == Termination.CHECKMATE else 0
            self.seen[Termination(reason).name] += 1
            self.seen["check"] += checked
            if board.ep_square is not None:
                legal = any(move.to_square == board.ep_square and board.is_en_passant(move) for move in self.moves[i])
                self.seen["legal en passant" if legal else "phantom en passant"] += 1
        self.seen["positions"] += len(rows)
        self._record(rows)

    def _judge(self, i: int, board: chess.Board, checked: bool) -> int:  # noqa: PLR0911 (one for each rule)
        if not self.moves[i] and checked:
            return Termination.CHECKMATE
        if board.is_insufficient_material():
            return Termination.INSUFFICIENT_MATERIAL
        if not self.moves[i]:
            return Termination.STALEMATE
        if board.halfmove_clock >= 150:
            return Termination.SEVENTYFIVE_MOVES
        if self.repetitions[i] >= 4:
            return Termination.FIVEFOLD_REPETITION
        if self.claim_draws and board.halfmove_clock >= 100:
            return Termination.FIFTY_MOVES
        if self.claim_draws and self.repetitions[i] >= 2:
            return Termination.THREEFOLD_REPETITION
        if len(board.move_stack) >= self.max_plies:
            return Termination.PLY_CAP
        return Termination.PLAYING

    def _record(self, rows: list[int]) -> None:
        words: list[int] = []
        for i in rows:
            board = self.boards[i]
            white, black = board.occupied_co[chess.WHITE], board.occupied_co[chess.BLACK]
            pawns = board.pawns
            kinds = (board.knights, board.bishops, board.rooks, board.queens, board.kings)
            ours, theirs = pawns & white, pawns & black
            if board.ep_square is not None:  # a pawn that has just advanced by two stands on its own first rank
                if board.turn == chess.BLACK:
                    ours ^= 1 << board.ep_square + 8 | 1 << board.ep_square - 16
                else:
                    theirs ^= 1 << board.ep_square - 8 | 1 << board.ep_square + 16
            words += [ours, *(kind & white for kind in kinds), theirs, *(kind & black for kind in kinds)]
        self.history[rows, 0, :12] = spread(words).reshape(len(rows), 12, 8, 8)
        self.history[rows, 0, 12] = (self.repetitions[rows] > 0)[:, None, None]

    # --- What is expected of `Games` ---

    def observe(self, black: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The observations as White sees them or, where `black`, as Black does: bool [N, 8, 8, 111]."""
        n = len(self.boards)
        planes = np.zeros((n, 8, 8, 7 + 13 * BOARDS), dtype=np.bool_)
        rights = spread([board.castling_rights for board in self.boards])
        white_rights, black_rights = rights[:, 0, [0, 7]], rights[:, 7, [0, 7]]  # queen side, king side
        planes[..., 0:2] = np.where(black[:, None], black_rights, white_rights)[:, None, None]
        planes[..., 2:4] = np.where(black[:, None], white_rights, black_rights)[:, None, None]
        clocks = np.array([min(board.halfmove_clock // 2, 63) for board in self.boards])
        planes[np.arange(n), clocks // 8, clocks % 8, 5] = True
        planes[..., 4] = black[:, None, None]
        planes[..., 6] = True
        boards = self.history.transpose(0, 3, 4, 1, 2)  # [N, ranks, files, 8, 13]
        swapped = boards[..., [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12]]
        seen = np.where(black[:, None, None, None, None], swapped, boards[:, ::-1])
        planes[..., 7:] = seen.reshape(n, 8, 8, 13 * BOARDS)
        return planes

    def legal(self) -> list[list[int]]:
        """The legal actions of each game in ascending order; none where it is over."""
        return [
            [] if reason else sorted([action_of(move, board.turn) for move in moves])
            for board, moves, reason in zip(self.boards, self.moves, self.reasons.tolist(), strict=True)
        ]

    def compare(self, games: Games, *, planes: bool = True, fens: bool = True) -> None:
        """Everything that can be seen of the games is as python-chess has it."""
        boards = self.boards
        self._equal("termination", games.termination, self.reasons)
        self._equal("repetitions", games.repetitions, self.repetitions)
        self._equal("in_check", games.in_check, self.checks)
        self._equal("outcome", games.outcome, self.outcomes)
        self._equal("turn", games.turn, np.array([board.turn for board in boards], dtype=np.bool_))
        self._equal(
            "halfmove_clock", games.halfmove_clock, np.array([board.halfmove_clock for board in boards], np.int64)
        )
        self._equal("ply", games.ply, np.array([len(board.move_stack) for board in boards], dtype=np.int64))
        self._equal("truncated", games.truncated, self.reasons == Termination.PLY_CAP)
        self._equal("terminated", games.terminated, (self.reasons > 0) & (self.reasons != Termination.PLY_CAP))
        legal = self.legal()
        counts = np.array([len(actions) for actions in legal], dtype=np.int64)
        self._equal("legal_counts", games.legal_counts, counts)
        mask = np.zeros((len(boards), NUM_ACTIONS), dtype=np.int8)
        mask[np.repeat(np.arange(len(boards)), counts), [action for actions in legal for action in actions]] = 1
        self._equal("legal_mask", games.legal_mask(), mask)
        if planes:
            black = np.array([board.turn == chess.BLACK for board in boards], dtype=np.bool_)
            expected = self.observe(black)
            self._equal("observe", games.observe(), expected)
            self._equal("observe_packed", games.observe_packed(), packed_planes(expected))
            self._equal("legal_mask_packed", games.legal_mask_packed(), packed(mask))
            self._compare_legal_actions(games, mask)
            self._compare_status(games, self.seen["positions"] % max(len(boards), 1))
        if fens:
            self._equal("fens", np.array(games.fens()), np.array([board.fen() for board in boards]))

    def _compare_legal_actions(self, games: Games, mask: NDArray[np.int8]) -> None:
        actions, counts = games.legal_actions()
        self._equal("legal_actions", counts, mask.sum(axis=1, dtype=np.int64))
        listed = np.sort(np.repeat(np.arange(len(mask)) * NUM_ACTIONS, counts) + actions)
        np.testing.assert_array_equal(listed, np.flatnonzero(mask), err_msg="legal_actions")

    def _compare_status(self, games: Games, i: int) -> None:
        status, board = games.status(i), self.boards[i]
        expected = (
            *(board.turn, len(board.move_stack), int(games.legal_counts[i]), bool(self.checks[i])),
            *(int(self.repetitions[i]), int(self.reasons[i]), float(self.outcomes[i])),
        )
        np.testing.assert_equal(tuple(status), expected, err_msg=f"status of game {i}: {self.starts[i]!r}")
        cap = self.reasons[i] == Termination.PLY_CAP
        over = self.reasons[i] > 0
        assert (status.finished, status.truncated, status.terminated) == (over, cap, over and not cap)

    def _equal(self, what: str, ours: NDArray[np.generic], expected: NDArray[np.generic]) -> None:
        if np.array_equal(ours, expected, equal_nan=what == "outcome"):
            return
        for i, board in enumerate(self.boards):
            line = " ".join(move.uci() for move in board.move_stack)
            np.testing.assert_array_equal(
                ours[i], expected[i], err_msg=f"{what} of game {i}: {self.starts[i]!r} after {line or 'no moves'}"
            )
        raise AssertionError(f"{what}: shapes {ours.shape} and {expected.shape}")
