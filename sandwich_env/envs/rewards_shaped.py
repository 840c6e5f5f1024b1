"""A reward with a potential added to it: an expert's view of the position as a signpost on the way to the result."""

from __future__ import annotations

import numpy as np

from sandwich_env.envs.rewards import (
    SIDES,
    AnyReward,
    Rewards,
    Transition,
    TransitionReward,
    both_ends,
)
from sandwich_env.experts.base import Expert
from sandwich_env.rules import Games
from sandwich_env.specs import Spec, check_flag, check_number, check_share, from_spec


class Shaped(TransitionReward):
    """Another reward, and the change of an expert's value times a weight.

    After Ng, Harada and Russell 1999, "Policy Invariance Under Reward Transformations: Theory and Application to Reward
    Shaping" (ICML): with a potential Phi over states, 0 where the game is over, paying discount * Phi(s') - Phi(s) for
    a step from s to s' changes the return from any state s by -Phi(s), whatever is played, so that what was best
    stays best. Here Phi_x(s) is `weight` times the expert's value of the position, from the side of player x, and
    Phi of the opponent is -Phi_x.

    A *step* of a player goes from one of its turns to its next, over the opponent's reply, with an opponent inside
    the environment as in PettingZoo's. So the ply after which x is to move again pays x discount * Phi_x(after) -
    Phi_x(before), and its own ply pays Phi_x(after) - Phi_x(before), undiscounted: the two sum to what the theorem asks
    for, though the reply is a ply of its own.

    With `opponent="self"` each ply is a step, and the next state is the other side's. The mover x is paid discount *
    Phi_x(after) - Phi_x(before). This leaves the best policy alone for a learner that takes the next state's value
    with the opposite sign, as self-play has it (V(s) = r - discount * V(s')): V of every state changes by -Phi of its
    mover. A learner that adds up the rewards of both sides, sign unturned, plays for neither of them, shaped or not.

    A question that a player asks by an action (`OnDemand`) is a step as well, which goes nowhere: it pays (discount -
    1) * Phi_x. What an environment pays in the place of the reward is not shaped: the -1 for an illegal action in
    `sandwich_chess_v0.env()`.

    Args:
        expert: whose value is the potential; or its spec.
        inner: the reward that it is added to: a `Reward` or `TransitionReward` or its spec.
        weight: of the potential, any finite number.
        discount: the learner's own (gamma), 0 to 1: the change of reward is harmless for this one alone.
        bootstraps: whether the learner goes on from its own value of the last position where the ply cap cuts a game
            short, as stable-baselines3 does. Then the potential counts there; else it is 0 there as at every end.

    Raises:
        SpecError: no expert, no reward, or a number out of range.
    """

    def __init__(
        self,
        expert: Expert | Spec,
        inner: AnyReward | Spec = "result",
        weight: float = 1.0,
        discount: float = 1.0,
        bootstraps: bool = False,
    ) -> None:
        self.weight = check_number("weight", weight)
        self.discount = check_share("discount", discount)
        self.bootstraps = check_flag("bootstraps", bootstraps)
        self.expert = from_spec(expert, Expert)
        self.inner = from_spec(inner, AnyReward)

    def __call__(self, transition: Transition) -> Rewards:
        before, after = self._potential(transition)
        to_move = np.stack([transition.after.turn, ~transition.after.turn], axis=1)
        step_ends = to_move | transition.alone | transition.truncated[:, None]
        discounted = np.where(step_ends, self.discount, 1.0)
        change: Rewards = discounted * after[:, None] * SIDES - before[:, None] * SIDES
        return self.inner.pay(transition) + change

    def _potential(self, transition: Transition) -> tuple[Rewards, Rewards]:
        """The potential before and after the plies, from White's side, 0 where it does not count; [N] each."""
        potential = np.zeros((2, len(transition.played)))
        rows = np.flatnonzero(transition.played | transition.asked)
        games = both_ends(transition, rows)
        over = np.concatenate([np.zeros(len(rows), dtype=np.bool_), transition.over[rows]])
        value = np.zeros(len(games))
        value[~over] = self._value(games.select(np.flatnonzero(~over)))
        cut = rows[transition.truncated[rows]]
        potential[:, rows] = value.reshape(2, len(rows))
        if self.bootstraps and len(cut):
            positions = transition.after.select(cut).fens()  # anew, for a game that is over has its result as its value
            potential[1, cut] = self._value(Games.from_fens(positions))
        return potential[0], potential[1]

    def _value(self, games: Games) -> Rewards:
        """The expert's value from White's side times the weight, [N]."""
        if len(games) == 0:
            return np.zeros(0)
        value = self.expert.evaluate(games).value.astype(np.float64)
        return self.weight * np.where(games.turn, value, -value)

    def close(self) -> None:
        """Close the expert and the inner reward."""
        self.expert.close()
        self.inner.close()
