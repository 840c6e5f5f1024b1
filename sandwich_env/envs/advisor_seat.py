"""The advisor as an agent of its own: `advisor_0` beside the two players, `sandwich_chess_v0.env(advisor="agent")`."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack, cast

import numpy as np

from sandwich_env.advisors.base import Query
from sandwich_env.envs.actions import as_action
from sandwich_env.envs.advisor_seat_core import AgentSeat, SeatCore
from sandwich_env.envs.advisor_seat_policy import AdvisorPolicy
from sandwich_env.envs.advisor_seat_rewards import (
    AdvisedPly,
    AdvisorReward,
    AdvisorRewardFunction,
    PlayerLoss,
    PlayerResult,
    Subtlety,
    as_advisor_reward,
)
from sandwich_env.envs.advisor_seat_spaces import AdviceSpace, advisor_observation_space, advisor_view, as_advice
from sandwich_env.envs.aec import SandwichChessAEC
from sandwich_env.envs.config import AGENT, ChessConfig, ChessOptions, takes_agent
from sandwich_env.envs.referee import RefereedChessAEC
from sandwich_env.errors import SpecError
from sandwich_env.oversight.channel import AGENTS, advised_seats, seats_to_move
from sandwich_env.randomness import Streams, mix
from sandwich_env.specs import Spec

__all__ = [
    "ADVISOR",
    "AdvisedPly",
    "AdvisorPolicy",
    "AdvisorReward",
    "PlayerLoss",
    "PlayerResult",
    "RefereedSeatedChessAEC",
    "SeatOptions",
    "SeatedChessAEC",
    "Subtlety",
]

ADVISOR = "advisor_0"
"""The name of the agent in the advisor's seat."""


class SeatOptions(ChessOptions, total=False):
    """`ChessOptions` of the turn-based environments, in which `advisor` may also be "agent".

    Attributes:
        advisor_reward: what that agent is paid: "player_result" (default), "player_loss", the spec of "subtlety",
            another `AdvisorReward` or its spec, or a function like one.
    """

    advisor_reward: AdvisorReward | AdvisorRewardFunction | Spec


class SeatedChessAEC(SandwichChessAEC):
    """`SandwichChessAEC` in which an agent, `advisor_0`, answers the players.

    Where the player to move asks, the agent's turn comes first: it sees the position as that player does, and who asks
    for what; its action is the advice, `{"move": action, "value": number}`. The player then sees it in its own
    observation, as it would a built-in advisor's.

    Advice that is not legal (the move, or a value outside [-1, 1]) raises, as a player's illegal action does; in
    `RefereedSeatedChessAEC` it ends the game, as a player's does there.

    Args:
        render_mode: "ansi", "rgb_array" or "human".
        advisor_reward: see `SeatOptions`.
        **options: see `ChessOptions`.

    Raises:
        SpecError: an unknown argument, name or kind, or a value out of range.
        InvalidPositionError: a start that is no position.
    """

    _names: ClassVar[tuple[str, ...]] = (*AGENTS, ADVISOR)
    _core: SeatCore

    def __init__(
        self,
        *,
        render_mode: str | None = None,
        advisor_reward: AdvisorReward | AdvisorRewardFunction | Spec = "player_result",
        **options: Unpack[ChessOptions],
    ) -> None:
        super().__init__(render_mode=render_mode, **options)
        config = self._core.config
        self.advisor_reward = as_advisor_reward(advisor_reward, config.asks)
        self._owns_reward = self.advisor_reward is not advisor_reward
        self._advised = advised_seats(config.advised)
        self.observation_spaces[ADVISOR] = advisor_observation_space(config.observation_format)
        self.action_spaces[ADVISOR] = AdviceSpace()

    def _make_core(self, options: ChessOptions) -> SeatCore:
        advisor = options.get("advisor", AGENT)
        if not takes_agent(advisor):
            raise SpecError(f"advisor is {advisor!r}: in the seated environment it is {AGENT!r} or left out")
        seated = cast("ChessOptions", {**options, "advisor": AgentSeat()})
        return SeatCore(1, ChessConfig.of(seated, advised="both", own=("render_mode", "advisor_reward")))

    @property
    def query(self) -> Query | None:
        """What the agent is asked now, for an `Advisor` in its seat; None where it is not its turn."""
        return self._core.query

    def _look(self, agent: str) -> dict[str, Any]:
        if agent == ADVISOR:
            return advisor_view(self._core.observe(), self._core.query)
        seen = super()._look(agent)
        if self._core.query is not None:
            seen["action_mask"][:] = 0  # the player waits for the answer
        return seen

    def _act(self, agent: str, action: Any) -> None:
        core = self._core
        if agent == ADVISOR:
            core.answer(as_advice(action), forfeit=self._forfeit)
            self._cumulative_rewards[agent] = 0.0
            self.rewards = dict.fromkeys(self._names, 0.0)
            if core.num_over:
                self._end(agent)
                self._accumulate_rewards()
            return
        games, advice = core.games.copy(), core.channel.visible
        super()._act(agent, action)
        if core.games.ply[0] != games.ply[0]:  # a question is no ply, and neither is what has lost the game
            seat, played, outcome = seats_to_move(games), as_action(action), core.outcome.copy()
            self._pay_advisor(AdvisedPly(games, seat, advice, played, self._advised.copy(), outcome))

    def _pay_advisor(self, ply: AdvisedPly) -> None:
        paid = np.asarray(self.advisor_reward(ply), dtype=np.float64)
        if paid.shape != (1,):
            raise SpecError(f"advisor_reward {self.advisor_reward!r} gave the shape {paid.shape}: it must be (1,)")
        self.rewards[ADVISOR] = paid.item() + 0.0  # -0.0 becomes 0.0
        self._cumulative_rewards[ADVISOR] += self.rewards[ADVISOR]

    def _mover(self) -> str:
        return super()._mover() if self._core.query is None else ADVISOR

    def sample_action(self, seed: int) -> Any:
        """A legal action of the agent to act, drawn by the seed and the ply; the advisor's has a value besides."""
        move = super().sample_action(seed)
        if self._core.query is None:
            return move
        unit = Streams(mix(np.array([seed], dtype=np.uint64), self._core.games.ply, "value")).random()
        return {"move": move, "value": (2 * unit - 1).astype(np.float32)}

    def close(self) -> None:
        super().close()
        if self._owns_reward and isinstance(self.advisor_reward, AdvisorReward):
            self.advisor_reward.close()


class RefereedSeatedChessAEC(SeatedChessAEC, RefereedChessAEC):
    """`SeatedChessAEC` with `RefereedChessAEC`'s checks: illegal advice ends the game, with -1 for the advisor and 0
    for the players, who have neither won nor lost."""
