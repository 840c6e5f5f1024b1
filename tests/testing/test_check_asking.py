"""The checks catch environments in which asking by an action is broken in one point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from noting_support import Noting
from pettingzoo.utils.wrappers import BaseWrapper

from sandwich_env import sandwich_chess_v0
from sandwich_env.advisors.base import Advisor, Honest
from sandwich_env.advisors.panel import Panel
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.testing import check_chess_games, check_no_leak
from sandwich_env.testing.command import main
from sandwich_env.testing.leak import Disguised

HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}
MOVES = 4672


class Asking(BaseWrapper):  # type: ignore[misc]
    """The environment as it is; it notes whether the player to move has asked."""

    asked: int | None = None

    def __init__(self) -> None:
        protocol = {"kind": "on_demand", "budget": 6}
        super().__init__(sandwich_chess_v0.raw_env(max_plies=24, advisor=HONEST, protocol=protocol))

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        self.asked = None
        super().reset(seed, options)

    def step(self, action: Any) -> None:
        self.asked = action if action is not None and action >= MOVES else None
        super().step(action)


class Seen(Asking):
    """After a question, the player sees something else."""

    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        if self.asked is not None and agent == self.agent_selection:
            self.spoil(seen)
        return seen

    def spoil(self, seen: Any) -> None:
        raise NotImplementedError


class NoAnswer(Seen):
    def spoil(self, seen: Any) -> None:
        seen["advice_available"][:] = 0


class AskedForEver(Seen):
    def spoil(self, seen: Any) -> None:
        seen["action_mask"][MOVES:] = 1


class NothingSpent(Seen):
    def spoil(self, seen: Any) -> None:
        seen["queries_left"][0] += 1


class OtherPlanes(Seen):
    def spoil(self, seen: Any) -> None:
        seen["observation"][0, 0, 0] ^= True


class FewerMoves(Seen):
    def spoil(self, seen: Any) -> None:
        seen["action_mask"][np.flatnonzero(seen["action_mask"])[0]] = 0


class LosesTheTurn(Asking):
    def step(self, action: Any) -> None:
        super().step(action)
        if self.asked is not None:
            super().step(self.unwrapped.sample_action(1))


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (NoAnswer, r"there is no answer after the question 467[23] in 'rnb"),
        (AskedForEver, "it may be asked again after the question"),
        (NothingSpent, r"\d.0 questions are left after the question"),
        (OtherPlanes, "the planes have changed after the question"),
        (FewerMoves, "the legal moves have changed after the question"),
        (LosesTheTurn, r"it is player_[01]'s turn after the question .* not player_[01]'s again"),
    ],
)
def test_a_broken_way_to_ask_is_caught(broken: Callable[[], Any], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_chess_games(broken, games=4, max_plies=24)


def test_the_environment_that_they_break_passes() -> None:
    check_chess_games(Asking, games=3, max_plies=24)


def test_a_double_of_a_panel_has_its_voices() -> None:
    members = [Noting(), Noting()]
    panel = Panel(members)
    double = Disguised(panel)
    env = sandwich_chess_v0.env(advisor=double, protocol={"kind": "on_demand", "budget": 6})
    env.reset(seed=0)
    env.step(MOVES + 2)
    assert [len(member.queries) for member in members] == [0, 1]
    assert env.scorer.last.advice.provenance.by[0] != ""


def test_a_reward_that_pays_for_lies_is_caught_where_players_ask() -> None:
    def make(advisor: Advisor) -> Any:
        env: Any = None

        def reward(games: Any, played: Any, outcome: Any) -> Any:
            return np.repeat(env.scorer.lies.sum(axis=1, keepdims=True) * 0.1, 2, axis=1)

        env = sandwich_chess_v0.env(
            advisor=advisor, protocol={"kind": "on_demand", "budget": None}, reward=reward, max_plies=60
        )
        return env

    with pytest.raises(AssertionError, match=r"\[told\]$"):
        check_no_leak(make, Honest(UniformExpert()), steps=80)


def test_questions_that_cost_are_no_zero_sum_game(capsys: pytest.CaptureFixture[str]) -> None:
    given = [f"advisor={HONEST}", "protocol={'kind': 'on_demand', 'budget': 4, 'cost': 0.25}", "max_plies=12"]
    assert main(["sandwich_env.sandwich_chess_v0:env", *given, "--check", "check_aec", "--games", "4"]) == 0
    assert "  -     zero-sum" in capsys.readouterr().out
