"""Chess planes, 8 x 8 x 111, against python-chess: of this package's environment and of PettingZoo's chess_v6."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules import NUM_ACTIONS, action_to_move, move_to_action
from sandwich_env.testing.driving import Chooser, mask_of
from sandwich_env.testing.findings import Findings

CHESS_RULES = {
    "first-observation": "the first observation shows the pieces",
    "castling": "White sees White's right to castle queen side and king side in channels 0 and 1, Black's in 2 and 3",
    "castling-black": "so does Black, by colour or with its own rights first",
    "colour": "channel 4 is ones for Black and zeros for White",
    "clock": "in channel 5, element n of the flattened plane is set after n moves without capture or pawn move",
    "ones": "channel 6 is ones",
    "pieces": "channels 7-18 show the viewer's pawns, knights, bishops, rooks, queens, king, and the other's",
    "en-passant": "a pawn that may be taken en passant stands on its own first row",
    "repetition": "channel 19 is ones where the position has been there before",
    "history": "channels 20-110 show the seven positions before, with the position that the game began from",
    "mask": "the mask of the player to move holds exactly the legal moves",
    "mask-waiting": "the mask of the other player holds nothing",
    "ends-late": "a game that is over on the board goes no further",
    "ends-early": "a game that ends is over on the board: a draw that could be claimed by announcing a move is not",
    "cost": "to show the board to the waiting player does not take more and more as the game grows (function calls)",
    "result": "the rewards are 1 and -1 after a mate, and 0 otherwise",
}
"""Channels are numbered from 0, as in the documentation of both."""

SHAPE = (8, 8, 111)
_BOARD = 13
_HISTORY = 7
_FIRST = 7

_COST_EVERY, _COST_GROWTH, _COST_SLACK = 40, 2, 100
"""Every how many plies function calls are counted, and to what they may grow: a factor, and a few more."""

Planes = NDArray[np.bool_]


def is_chess(env: Any) -> bool:
    """Whether a turn-based environment shows chess in these planes and has the board at hand."""
    space = env.observation_space(env.possible_agents[0])
    try:
        return space["observation"].shape == SHAPE and hasattr(env.unwrapped, "board")
    except (KeyError, TypeError):
        return False


def check_chess_observation(
    env_fn: Callable[[], Any],
    games: int = 12,
    seed: int = 0,
    *,
    max_plies: int = 400,
    claim_draws: bool = True,
    findings: Findings | None = None,
) -> Findings:
    """Play random games and hold planes, masks, ends and results against python-chess.

    The rules are those of `CHESS_RULES`, which are what the documentation of chess_v6 says of its observation, where
    the documentation of this package does not say otherwise (docs/rules.md).

    Args:
        env_fn: makes a turn-based environment with the planes and actions of chess_v6, and a `board` in what it wraps.
        games: how many games to play; each third one prefers castling, pawn jumps and moves back.
        seed: of the moves.
        max_plies: leave a game after so many plies.
        claim_draws: whether threefold repetition and fifty moves end a game.
        findings: where to note broken rules; without it the first one raises.

    Returns:
        The findings, with the numbers of games and plies.

    Raises:
        AssertionError: the first broken rule, in which position, unless `findings` collects them.
    """
    found = Findings(CHESS_RULES) if findings is None else findings
    env, rng = env_fn(), np.random.default_rng(seed)
    for k in range(games):
        env.reset(seed=seed + k)
        _play(env, rng, found, max_plies, claim_draws, lively=k % 3 == 2)
        found.games += 1
    env.close()
    return found


def _board_of(env: Any) -> chess.Board:
    board = env.unwrapped.board
    copied: chess.Board = (board() if callable(board) else board).copy()
    return copied


def _play(
    env: Any, rng: np.random.Generator, found: Findings, max_plies: int, claim_draws: bool, *, lively: bool
) -> None:
    board = _board_of(env)
    seats, chooser = list(env.possible_agents)[:2], Chooser(seed=0)  # White and Black come first
    past: tuple[list[Planes], list[Planes]] = ([], [])
    calls: list[tuple[int, int]] = []
    for _ in range(max_plies):
        while env.agent_selection not in seats and not any(env.terminations.values()):
            agent = env.agent_selection  # who plays no chess, such as an advisor
            env.step(chooser.choose(env.action_space(agent), mask_of(env.observe(agent), env.infos[agent])))
        _check_views(env, board, seats, past, found)
        over = any(env.terminations.values())
        if over or any(env.truncations.values()):
            _check_end(env, board, seats, found, terminated=over)
            return
        late = board.is_game_over() or (claim_draws and (board.is_fifty_moves() or board.is_repetition(3)))
        if not found.expect("ends-late", not late, lambda: f"the game goes on in {board.fen()!r}, where it is over"):
            return
        move = _choose(board, rng, lively)
        if board.ply() % _COST_EVERY == 0:
            calls.append((board.ply(), _calls(lambda: env.observe(seats[int(board.turn == chess.WHITE)]))))
            grown = calls[-1][1] > _COST_GROWTH * calls[0][1] + _COST_SLACK
            found.expect("cost", not grown, f"(plies, function calls to show the board): {calls}")
        env.observe(env.agent_selection)  # chess_v6 knows no action that it has not listed
        env.step(move_to_action(move, board))
        board.push(move)
        found.steps += 1


def _calls(look: Callable[[], object]) -> int:
    """How many functions are called in `look`: a measure of its cost that a busy machine does not change."""
    number, watched = 0, sys.getprofile()

    def count(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        look()
    finally:
        sys.setprofile(watched)
    return number


def _choose(board: chess.Board, rng: np.random.Generator, lively: bool) -> chess.Move:
    moves = list(board.legal_moves)
    if lively:
        last = board.move_stack[-2] if len(board.move_stack) > 1 else chess.Move.null()
        back = chess.Move(last.to_square, last.from_square)
        special = [
            move
            for move in moves
            if board.is_castling(move)
            or board.is_en_passant(move)
            or (board.piece_type_at(move.from_square) == chess.PAWN and abs(move.to_square - move.from_square) == 16)
            or (move == back and rng.random() < 0.5)
        ]
        moves = special or moves
    return moves[int(rng.integers(len(moves)))]


def _check_views(
    env: Any, board: chess.Board, seats: list[str], past: tuple[list[Planes], list[Planes]], found: Findings
) -> None:
    for seat, agent in enumerate(seats):
        seen = env.observe(agent)
        where = f"{agent} in {board.fen()!r}, ply {board.ply()}"
        now = board_planes(board, seat)
        _check_planes(seen["observation"], board, (now, past[seat]), where, found, seat=seat)
        past[seat].append(now)
        if any(env.terminations.values()) or any(env.truncations.values()):
            continue
        given = set(np.flatnonzero(seen["action_mask"]).tolist())
        if agent == env.agent_selection:
            given = {action for action in given if action < NUM_ACTIONS}  # what comes after the moves asks an advisor
            legal = {move_to_action(move, board) for move in board.legal_moves}
            diff = [str(action_to_move(action, board)) for action in sorted(given ^ legal)[:4]]
            found.expect("mask", given == legal, f"{where}: the mask differs from the legal moves at {diff}")
        else:
            found.expect("mask-waiting", not given, f"{where}: {len(given)} legal actions, though it is not to move")


def _check_planes(
    planes: Any, board: chess.Board, boards: tuple[Planes, list[Planes]], where: str, found: Findings, *, seat: int
) -> None:
    now, past = boards
    rights = [bool(board.castling_rights & square) for square in (chess.BB_A1, chess.BB_H1, chess.BB_A8, chess.BB_H8)]
    flat = planes.reshape(64, planes.shape[-1])
    shown = [bool(flat[0, k]) for k in range(4)] if (flat[:, :4] == flat[0, :4]).all() else None
    if seat == 0:
        found.expect("castling", shown == rights, f"{where}: channels 0-3 are {shown}, the rights {rights}")
    else:
        either = (rights, rights[2:] + rights[:2])
        found.expect("castling-black", shown in either, f"{where}: channels 0-3 are {shown}, the rights {rights}")
    found.expect("colour", (flat[:, 4] == seat).all(), f"{where}: channel 4 holds {np.unique(flat[:, 4])}")
    clock, wanted = np.flatnonzero(flat[:, 5]).tolist(), [min(63, board.halfmove_clock // 2)]
    found.expect("clock", clock == wanted, f"{where}: elements {clock} of channel 5 are set, not {wanted}")
    found.expect("ones", flat[:, 6].all(), f"{where}: channel 6 holds zeros")
    if not past:
        number = int(planes[..., _FIRST : _FIRST + 12].sum())
        pieces = len(board.piece_map())
        found.expect("first-observation", number == pieces, f"{where}: {number} pieces are shown of {pieces}")
    else:
        rule = "pieces" if board.ep_square is None else "en-passant"
        wrong = _differing(planes[..., _FIRST : _FIRST + 12], now[..., :12], _FIRST)
        found.expect(rule, not wrong, f"{where}: channels {wrong} differ")
        last = int(planes[..., _FIRST + 12].sum())
        found.expect(
            "repetition",
            last == int(now[..., 12].sum()),
            f"{where}: {last} ones in channel 19",
        )
    for k in range(1, _HISTORY + 1):
        first = _FIRST + k * _BOARD
        before = past[-k] if k <= len(past) else np.zeros_like(now)
        wrong = _differing(planes[..., first : first + _BOARD], before, first)
        if not found.expect("history", not wrong, f"{where}: channels {wrong}, of {k} plies earlier, differ"):
            break


def _differing(given: Any, right: Planes, first: int) -> list[int]:
    return [first + int(k) for k in np.flatnonzero((given != right).any(axis=(0, 1)))]


def board_planes(board: chess.Board, seat: int) -> Planes:
    """The 13 planes of one position as the player in `seat` (0 for White) sees it, bool [8, 8, 13].

    The viewer's own back rank is row 7. A pawn that has just made a double step stands on its own first row.
    """
    seen = board if seat == 0 else board.copy(stack=False).mirror()
    planes = np.zeros((8, 8, _BOARD), dtype=np.bool_)
    for square, piece in seen.piece_map().items():
        row = 7 - chess.square_rank(square)
        if piece.piece_type == chess.PAWN and seen.ep_square is not None:
            jumped = seen.ep_square + (8 if seen.ep_square < 32 else -8)
            if square == jumped:
                row = 7 if piece.color == chess.WHITE else 0
        channel = piece.piece_type - 1 + (0 if piece.color == chess.WHITE else 6)
        planes[row, chess.square_file(square), channel] = True
    planes[..., 12] = board.is_repetition(2)
    return planes


def _check_end(env: Any, board: chess.Board, seats: list[str], found: Findings, *, terminated: bool) -> None:
    over = board.is_game_over() or board.is_fifty_moves() or board.is_repetition(3)
    claimable = "; one of them could be claimed by announcing a move" if board.can_claim_draw() else ""
    found.expect(
        "ends-early",
        over or not terminated,
        lambda: (
            f"the game ended after {board.ply()} plies in {board.fen()!r}: no mate, no stalemate, no draw on the "
            f"board{claimable}"
        ),
    )
    white = 0.0 if not board.is_checkmate() else (-1.0 if board.turn == chess.WHITE else 1.0)
    rewards = [float(env.rewards[agent]) for agent in seats]
    found.expect("result", rewards == [white, -white], lambda: f"the rewards are {rewards} in {board.fen()!r}")
