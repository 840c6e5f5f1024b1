"""Two players and their advisor as a PettingZoo environment: the agents act in turn."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import chess
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import AECEnv

from sandwich_env.envs.actions import as_action
from sandwich_env.envs.config import ChessConfig, ChessOptions
from sandwich_env.envs.core import ChessCore
from sandwich_env.envs.observing import unbatch
from sandwich_env.envs.rendering import FRAMES_PER_SECOND, MODES, Renderer
from sandwich_env.envs.scorer import Scorer
from sandwich_env.envs.seeding import as_seed, fresh_seed
from sandwich_env.errors import GameOverError, SpecError, did_you_mean
from sandwich_env.oversight.channel import AGENTS, BLACK, WHITE
from sandwich_env.rules import Games

_ROW = np.ones(1, dtype=np.bool_)
_SEATS = {agent: seat for seat, agent in enumerate(AGENTS)}


class SandwichChessAEC(AECEnv):  # type: ignore[misc]
    """Chess between `player_0` (White) and `player_1` (Black), each of whom an advisor may tell a move and a value.

    An action that is not legal raises; `sandwich_chess_v0.env()` wraps this so that it loses instead.

    Args:
        render_mode: "ansi", "rgb_array" or "human".
        **options: see `ChessOptions`.

    Attributes:
        scorer: the truth about the advice, for scoring only.
        ask_actions: the actions that ask, with what and whom; none unless the protocol is `OnDemand`.

    Raises:
        SpecError: an unknown argument, name or kind, or a value out of range.
        InvalidPositionError: a start that is no position.
    """

    _forfeit: ClassVar[bool] = False
    _names: ClassVar[tuple[str, ...]] = AGENTS
    metadata: ClassVar[dict[str, Any]] = {
        "name": "sandwich_chess_v0",
        "render_modes": list(MODES),
        "render_fps": FRAMES_PER_SECOND,
        "is_parallelizable": False,
    }

    def __init__(self, *, render_mode: str | None = None, **options: Unpack[ChessOptions]) -> None:
        super().__init__()
        self._renderer = Renderer(render_mode, "sandwich_chess_v0")
        self.render_mode = render_mode
        self._core = self._make_core(options)
        self.scorer = Scorer(self._core.channel)
        self.possible_agents = list(self._names)
        self.agents = list(self._names)
        self.observation_spaces = {agent: self._core.observation_space() for agent in AGENTS}
        self.action_spaces: dict[str, spaces.Space[Any]] = {agent: self._core.action_space() for agent in AGENTS}
        self.ask_actions = self._core.ask_actions
        self._skip_agent_selection: str | None = None

    def _make_core(self, options: ChessOptions) -> ChessCore:
        return ChessCore(1, ChessConfig.of(options, advised="both", own=("render_mode",)))

    def observation_space(self, agent: str) -> spaces.Dict:
        return self.observation_spaces[self._known(agent)]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        return self.action_spaces[self._known(agent)]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Deal a new game.

        Args:
            seed: starts a new series of episodes; without one, the next episode of the present series is dealt.
            options: not used.

        Raises:
            SpecError: a seed that is not a whole number, 0 or more.
        """
        if seed is not None or self._core.episodes[0] < 0:
            number = fresh_seed() if seed is None else as_seed(seed)
            self._core.seed(_ROW, np.array([number], dtype=np.uint64))
        self._core.deal(_ROW)
        self.agents = list(self._names)
        self.rewards = dict.fromkeys(self._names, 0.0)
        self._cumulative_rewards = dict.fromkeys(self._names, 0.0)
        self.terminations = dict.fromkeys(self._names, False)
        self.truncations = dict.fromkeys(self._names, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self._names}
        self._skip_agent_selection = None
        self.agent_selection = self._mover()
        self._show()

    def observe(self, agent: str) -> dict[str, Any]:
        """What an agent sees, from its own side; no legal action and no advice when it is not its turn."""
        seen = self._look(self._known(agent))
        if self.terminations.get(agent, True) or self.truncations.get(agent, True):
            seen["action_mask"][:] = 0  # a wrapper may have ended the game
        return seen

    def _look(self, agent: str) -> dict[str, Any]:
        return unbatch(self._core.observe_as(_SEATS[agent]), 0)

    def step(self, action: Any) -> None:
        """Play the action of `agent_selection`; None, once that agent's game is over.

        Raises:
            IllegalActionError: an action that is not legal in this position.
            GameOverError: an action for an agent whose game is over.
        """
        if not self.agents:
            raise GameOverError(f"action {action!r} after the end of the game: call reset() for the next one")
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            if action is not None:
                raise GameOverError(f"action {action!r} for {agent!r}, whose game is over: step(None), or call reset()")
            self._was_dead_step(None)
            return
        self._act(agent, action)
        self.agent_selection = self._mover()
        self._show()

    def _act(self, agent: str, action: Any) -> None:
        """Play the action of an agent whose turn it is, and pay for it."""
        core = self._core
        rewards = core.advance(as_action(action, core.num_actions), forfeit=self._forfeit)
        core.ask_due()
        self._cumulative_rewards[agent] = 0.0
        self.rewards = dict.fromkeys(self._names, 0.0)
        if rewards is not None:
            self.rewards.update(zip(AGENTS, rewards[0].tolist(), strict=True))
        if core.num_over:
            self._end(agent)
        if rewards is not None:
            self._accumulate_rewards()

    def _end(self, agent: str) -> None:
        """The game is over, by an action of `agent`."""
        self.terminations = dict.fromkeys(self._names, bool(self._core.terminated[0]))
        self.truncations = dict.fromkeys(self._names, bool(self._core.truncated[0]))
        self.infos = {
            agent: {"outcome": float(self._core.outcome[0]), "termination": self._core.termination(0)}
            for agent in self._names
        }

    def sample_action(self, seed: int) -> Any:
        """A legal move of the agent to move, drawn uniformly by the seed and the ply; see `Games.sample`."""
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

    def _mover(self) -> str:
        return AGENTS[WHITE if self._core.turn.item() else BLACK]

    def render(self) -> str | NDArray[np.uint8] | None:
        """The game as the player to move sees it: text, an image, or a window (which shows itself after each step)."""
        return self._renderer.render(lambda: self._core.scene(0))

    def _show(self) -> None:
        if self.render_mode == "human":
            self.render()

    def close(self) -> None:
        """Close the window, and the advisor if it was made here."""
        self._renderer.close()
        self._core.close()

    def _known(self, agent: str) -> str:
        if agent not in self._names:
            raise SpecError(f"unknown agent {agent!r}: {did_you_mean(str(agent), self._names)}")
        return agent
