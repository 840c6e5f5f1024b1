"""The learner's game as a Gymnasium environment."""

from __future__ import annotations

import operator
from typing import Any, ClassVar, Unpack

import chess
import gymnasium
import numpy as np
from numpy.typing import NDArray

from sandwich_env.envs.actions import as_action
from sandwich_env.envs.config import ChessConfig, ChessOptions
from sandwich_env.envs.learner import SELF, IllegalAction, LearnerColor, LearnerCore, make_core
from sandwich_env.envs.observing import unbatch
from sandwich_env.envs.rendering import FRAMES_PER_SECOND, MODES, Renderer
from sandwich_env.envs.scorer import Scorer
from sandwich_env.envs.seeding import as_seed
from sandwich_env.envs.standing import ILLEGAL_ACTION
from sandwich_env.errors import GameOverError
from sandwich_env.oversight.channel import WHITE
from sandwich_env.players.base import Player
from sandwich_env.rules import Games
from sandwich_env.specs import Spec

_ROW = np.ones(1, dtype=np.bool_)
OWN_ARGUMENTS = ("opponent", "learner_color", "illegal_action", "render_mode")


class ChessEnv(gymnasium.Env[dict[str, Any], np.int64]):
    """One player learns; its opponent is part of the environment. Registered as `sandwich/Chess-v0`, and with
    other defaults as `sandwich/Endgame-v0` and `sandwich/Puzzle-v0`.

    The observation is what the learner sees when it is to move; the reward is the learner's. With the opponent "self"
    the learner moves both sides: every step is one ply, the observation is that of the side to move, and the reward
    that of the side that has just moved.

    Info holds `ply` (plies played) and `seat` (the learner's: 0 for White, 1 for Black; the side to move, for "self");
    at the end of an episode also `outcome` (from White's side: 1.0, 0.0 or -1.0), `result` (the same from the
    learner's, for "self" from that of the side that has just moved) and `termination` (why, as a word).

    Args:
        opponent: "self" (default), "random", "puzzle" (plays the line of a puzzle, which the learner must find: see
            `PuzzleCore`), or any other `Player` or its spec.
        learner_color: "alternate" (default), "white", "black", "random" or "mover" (the side to move at the start);
            means nothing where the opponent is "self".
        illegal_action: "lose" (default) ends the episode as a loss, with a warning; "raise" raises.
        render_mode: "ansi", "rgb_array" or "human".
        **options: see `ChessOptions`. `advised` may also be "learner" (default) or "opponent".

    Attributes:
        scorer: the truth about the advice, for scoring only.
        ask_actions: the actions that ask, with what and whom; none unless the protocol is `OnDemand`.

    Raises:
        SpecError: an unknown argument, name or kind, or a value out of range.
        InvalidPositionError: a start that is no position.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": list(MODES),
        "render_fps": FRAMES_PER_SECOND,
    }

    def __init__(
        self,
        *,
        opponent: Player | Spec = SELF,
        learner_color: LearnerColor = "alternate",
        illegal_action: IllegalAction = "lose",
        render_mode: str | None = None,
        **options: Unpack[ChessOptions],
    ) -> None:
        self._renderer = Renderer(render_mode, "sandwich/Chess-v0")
        self.render_mode = render_mode
        config = ChessConfig.of(options, advised="learner", own=OWN_ARGUMENTS)
        self._core: LearnerCore = make_core(1, config, opponent, learner_color, illegal_action)
        self._warned = False
        self.scorer = Scorer(self._core.channel)
        self.observation_space = self._core.observation_space()
        self.action_space = self._core.action_space()
        self.ask_actions = self._core.ask_actions

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Deal a new game, up to the learner's first turn.

        Args:
            seed: starts a new series of episodes; without one, the next episode of the present series is dealt.
            options: not used.
        """
        number = None if seed is None else as_seed(seed)
        super().reset(seed=None if seed is None else operator.index(seed))
        if number is None and self._core.episodes[0] < 0:
            number = as_seed(self.np_random_seed)
        if number is not None:
            self._core.seed(_ROW, np.array([number], dtype=np.uint64))
        self._core.deal(_ROW)
        seen = self._seen()
        self._show()
        return seen, self._info()

    def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Play the learner's action and the opponent's reply.

        Raises:
            IllegalActionError: an action that is no whole number in the action space; or one that is not legal, with
                `illegal_action="raise"`.
            GameOverError: the episode has ended, or none has begun.
        """
        played = as_action(action, self._core.num_actions)
        if self._core.episodes[0] < 0:
            raise GameOverError(f"action {action!r} before the first game: call reset()")
        reward = self._core.step(played).item()
        seen = self._seen()
        self._show()
        info = self._info()
        if not self._core.num_over:
            return seen, reward, False, False, info
        if info["termination"] == ILLEGAL_ACTION and not self._warned:
            self._warned = True
            warn_illegal(self._core.why_illegal(0, int(played[0])))
        return seen, reward, bool(self._core.terminated[0]), bool(self._core.truncated[0]), info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal, bool [4672 + K]; the name under which sb3-contrib's MaskablePPO looks for it."""
        mask: NDArray[np.bool_] = self._core.legal_mask()[0].view(np.bool_)
        return mask

    def sample_action(self, seed: int) -> int:
        """A legal move, drawn uniformly by the seed and the ply (see `Games.sample`); 0 once the game is over."""
        return int(self._core.sample(np.array([seed], dtype=np.uint64))[0])

    def sample_ask(self, seed: int) -> int:
        """An action that asks, of those that the mask allows, drawn uniformly by the seed; -1 where there is none."""
        return int(self._core.sample_asks(np.array([seed], dtype=np.uint64))[0])

    @property
    def games(self) -> Games:
        """The position as `Games` of one, for a `Player` to act on: a copy."""
        return self._core.games.copy()

    def board(self) -> chess.Board:
        """The game as a python-chess board with its moves on the stack: a copy."""
        return self._core.games.board(0)

    def _seen(self) -> dict[str, Any]:
        return unbatch(self._core.observe(), 0)

    def _info(self) -> dict[str, Any]:
        core = self._core
        info: dict[str, Any] = {"ply": core.games.ply.item(), "seat": core.seat.item()}
        if core.num_over:
            info |= {"outcome": core.outcome.item(), "result": core.result.item(), "termination": core.termination(0)}
        return info

    def render(self) -> Any:
        """The game from the learner's side: text, an image, or a window (which shows itself after each step)."""
        below = self._core.opponent is None or int(self._core.seat[0]) == WHITE
        return self._renderer.render(lambda: self._core.scene(0, white_below=below))

    def _show(self) -> None:
        if self.render_mode == "human":
            self.render()

    def close(self) -> None:
        """Close the window, and the advisor and the opponent if they were made here."""
        self._renderer.close()
        self._core.close()


def warn_illegal(why: str) -> None:
    """Say that an illegal action has lost a game."""
    gymnasium.logger.warn(
        f"{why} and loses the game: choose among those of the observation's 'action_mask' (this is said once)"
    )
