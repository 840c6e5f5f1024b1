"""The games of the turn-based environment, held against python-chess ply for ply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chess
import numpy as np

from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.oversight.channel import AGENTS
from sandwich_env.rules import NUM_ACTIONS, action_to_move, move_to_action

_REASONS: dict[str, Callable[[chess.Board], bool]] = {
    "checkmate": chess.Board.is_checkmate,
    "stalemate": chess.Board.is_stalemate,
    "insufficient_material": chess.Board.is_insufficient_material,
    "seventyfive_moves": chess.Board.is_seventyfive_moves,
    "fivefold_repetition": chess.Board.is_fivefold_repetition,
    "fifty_moves": chess.Board.is_fifty_moves,
    "threefold_repetition": lambda board: board.is_repetition(3),
}
_ASKS = 0.2
"""How often a player asks, where it may."""

_PIECES = (chess.KNIGHT, chess.BISHOP, chess.ROOK, chess.QUEEN, chess.KING)
_OWN_CHANNEL, _OTHER_CHANNEL = 7, 13


def check_chess_games(
    env_fn: Callable[[], Any], games: int = 10, seed: int = 0, max_plies: int = 512, claim_draws: bool = True
) -> None:
    """Play legal games to their ends, at random but for mates, and hold each ply against python-chess.

    Of every ply: the mask holds exactly the legal moves, the pieces are seen from the agent's side, the other agent
    sees no legal action and no advice, observations lie in their space, nobody is paid before the end. Of every end: it
    is one by the rules, rewards are +1/-1 or 0/0 as the board says, `last()` gives the accumulated reward, and both
    agents leave by `step(None)`.

    Where players ask by actions, each asks now and then: the answer is there, the question cannot be asked again, and
    nothing else has changed.

    Args:
        env_fn: makes an environment such as `sandwich_chess_v0.env()`, with the reward "result"; asking is free.
        games: how many games to play.
        seed: of the first game, and of the moves.
        max_plies: the ply cap that the environment was made with.
        claim_draws: whether it was made so that threefold repetition and fifty moves end a game.

    Raises:
        AssertionError: what was wrong, and in which position.
    """
    env, rng = env_fn(), np.random.default_rng(seed)
    for k in range(games):
        env.reset(seed=seed + k)
        _play_game(env, rng, max_plies, claim_draws)
    env.close()


def _play_game(env: Any, rng: np.random.Generator, max_plies: int, claim_draws: bool) -> None:
    board = env.unwrapped.board()
    earned = dict.fromkeys(AGENTS, 0.0)
    while not any(env.terminations.values()) and not any(env.truncations.values()):
        agent = env.agent_selection
        _check_turn(env, agent, board, earned)
        _check_goes_on(board, max_plies, claim_draws)
        if rng.random() < _ASKS and env.observe(agent)["action_mask"][NUM_ACTIONS:].any():
            _check_asking(env, agent, board, rng)
            _check_turn(env, agent, board, earned)
        action = _choose(board, env.observe(agent)["action_mask"][:NUM_ACTIONS], rng)
        assert env.step(action) is None, "step() returned something"
        board.push(action_to_move(action, board))
        for name in AGENTS:
            earned[name] += float(env.rewards[name])
    _check_end(env, board, earned, max_plies)


def _check_asking(env: Any, agent: str, board: chess.Board, rng: np.random.Generator) -> None:
    """The agent to move asks something that its mask allows."""
    before = env.observe(agent)
    action = int(rng.choice(NUM_ACTIONS + np.flatnonzero(before["action_mask"][NUM_ACTIONS:])))
    where = f"after the question {action} in {board.fen()!r}"
    env.step(action)
    assert env.agent_selection == agent, f"it is {env.agent_selection}'s turn {where}, not {agent}'s again"
    after = env.observe(agent)
    assert env.unwrapped.board().fen() == board.fen(), f"the position is {env.unwrapped.board().fen()!r} {where}"
    assert np.array_equal(before["observation"], after["observation"]), f"the planes have changed {where}"
    moves = (seen["action_mask"][:NUM_ACTIONS] for seen in (before, after))
    assert np.array_equal(*moves), f"the legal moves have changed {where}"
    assert not after["action_mask"][action], f"it may be asked again {where}"
    assert after["advice_available"].any(), f"there is no answer {where}"
    left = float(after["queries_left"][0])
    assert left in (-1, float(before["queries_left"][0]) - 1), f"{left} questions are left {where}"


def _choose(board: chess.Board, mask: Any, rng: np.random.Generator) -> int:
    """A mate where there is one, so that games are won and lost; else a random legal action."""
    for move in board.legal_moves:
        if board.gives_check(move):
            board.push(move)
            mate = board.is_checkmate()
            board.pop()
            if mate:
                return move_to_action(move, board)
    return int(rng.choice(np.flatnonzero(mask)))


def _check_turn(env: Any, agent: str, board: chess.Board, earned: dict[str, float]) -> None:
    where = f"in {board.fen()!r}"
    assert agent == AGENTS[0 if board.turn == chess.WHITE else 1], f"{agent} is to move {where}"
    seen, reward, terminated, truncated, info = env.last()
    assert not terminated, f"the game is over {where}"
    assert not truncated, f"the game is cut short {where}"
    assert info == {}, f"info is {info!r} {where}"
    assert reward == 0, f"last() gives the reward {reward!r} {where}"
    assert set(earned.values()) == {0.0}, f"rewards before the end: {earned} {where}"
    legal = {move_to_action(move, board) for move in board.legal_moves}
    given = set(np.flatnonzero(seen["action_mask"][:NUM_ACTIONS]).tolist())
    assert given == legal, f"the mask lacks {sorted(legal - given)} and has {sorted(given - legal)} too many {where}"
    if seen["advice_available"][0]:
        assert int(seen["advice_move"]) in legal, f"the advice {int(seen['advice_move'])} is not legal {where}"
    other = AGENTS[1 - AGENTS.index(agent)]
    hidden = env.observe(other)
    assert not hidden["action_mask"].any(), f"{other}, not to move, has legal actions {where}"
    blind = int(hidden["advice_move"]) == NO_MOVE and not hidden["advice_value"].any()
    assert blind, f"{other}, not to move, sees advice {where}"
    assert not hidden["advice_available"].any(), f"{other}, not to move, has advice {where}"
    for name, view in ((agent, seen), (other, hidden)):
        assert env.observation_space(name).contains(view), f"{name}'s observation is outside its space {where}"
        _check_pieces(view["observation"], board, chess.WHITE if name == AGENTS[0] else chess.BLACK)


def _check_pieces(planes: Any, board: chess.Board, viewer: chess.Color) -> None:
    """Pieces other than pawns, whose place also shows en passant rights."""
    for piece in _PIECES:
        for first, color in ((_OWN_CHANNEL, viewer), (_OTHER_CHANNEL, not viewer)):
            seen = {(int(row), int(column)) for row, column in np.argwhere(planes[:, :, first + piece - 1])}
            there = {
                (7 - square // 8 if viewer == chess.WHITE else square // 8, square % 8)
                for square in board.pieces(piece, color)
            }
            assert seen == there, (
                f"{chess.COLOR_NAMES[viewer]} sees {chess.COLOR_NAMES[color]} {chess.piece_name(piece)}s on "
                f"(row, column) {sorted(seen)}, they are on {sorted(there)} in {board.fen()!r}"
            )


def _check_goes_on(board: chess.Board, max_plies: int, claim_draws: bool) -> None:
    over = board.outcome() is not None or len(board.move_stack) >= max_plies
    over |= claim_draws and (board.is_fifty_moves() or board.is_repetition(3))
    assert not over, f"the game goes on after {len(board.move_stack)} plies in {board.fen()!r}, where it is over"


def _check_end(env: Any, board: chess.Board, earned: dict[str, float], max_plies: int) -> None:
    where = f"in {board.fen()!r}"
    info = env.infos[AGENTS[0]]
    reason, white = info["termination"], float(info["outcome"])
    if reason == "ply_cap":
        assert len(board.move_stack) == max_plies, f"cut short after {len(board.move_stack)} plies {where}"
        assert all(env.truncations.values()), f"the ply cap is not shown as a truncation {where}"
        assert not any(env.terminations.values()), f"the ply cap is shown as a termination {where}"
    else:
        assert reason in _REASONS, f"unknown termination {reason!r} {where}"
        assert _REASONS[reason](board), f"the environment says {reason!r}, which is not so {where}"
        assert all(env.terminations.values()), f"{reason} is not shown as a termination {where}"
        assert not any(env.truncations.values()), f"{reason} is shown as a truncation {where}"
    won = 0.0 if not board.is_checkmate() else (-1.0 if board.turn == chess.WHITE else 1.0)
    assert white == won, f"the outcome is {white} for White, it is {won} {where}"
    assert earned == {AGENTS[0]: won, AGENTS[1]: -won}, f"the rewards are {earned}, White's is {won} {where}"
    left = []
    while env.agents:
        agent = env.agent_selection
        seen, reward, terminated, truncated, _ = env.last()
        assert terminated or truncated, f"{agent} goes on after the end {where}"
        assert reward == earned[agent], f"last() gives {agent} {reward!r}, it earned {earned[agent]!r} {where}"
        assert not seen["action_mask"].any(), f"{agent} has legal actions after the end {where}"
        left.append(agent)
        env.step(None)
    assert sorted(left) == list(AGENTS), f"after the end {left} left, each agent should once {where}"
