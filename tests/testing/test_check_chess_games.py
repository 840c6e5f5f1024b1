"""The checks of the turn-based environment pass what is right and catch what is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from broken_masks import OneLeftOut, SameForBoth
from pettingzoo.utils.wrappers import BaseWrapper

from sandwich_env import sandwich_chess_v0
from sandwich_env.testing import check_chess_games

HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}
ENDS_SOON = ["7k/8/5KQ1/8/8/8/8/8 w - - 0 1", "4k3/8/8/8/8/8/4P3/4K3 b - - 96 80"]


class Broken(BaseWrapper):  # type: ignore[misc]
    """The environment with one thing wrong."""

    def __init__(self, **options: Any) -> None:
        super().__init__(sandwich_chess_v0.raw_env(starts=ENDS_SOON, max_plies=30, advisor=HONEST, **options))


class IllegalInMask(Broken):
    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        if seen["action_mask"].any():
            seen["action_mask"][0] = 1
        return seen


class LegalLeftOut(OneLeftOut, Broken):
    pass


class MaskForBoth(SameForBoth, Broken):
    pass


class AdviceForBoth(Broken):
    def observe(self, agent: str) -> Any:
        return super().observe(agent) | {"advice_move": super().observe(self.agent_selection)["advice_move"]}


class WrongSide(Broken):
    def observe(self, agent: str) -> Any:
        other = "player_1" if agent == "player_0" else "player_0"
        return super().observe(agent) | {"observation": super().observe(other)["observation"]}


class OutsideSpace(Broken):
    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        return seen | {"advice_value": seen["advice_value"].astype(np.float64)}


class WinnerPaysToo(Broken):
    def step(self, action: Any) -> None:
        super().step(action)
        raw = self.unwrapped
        raw.rewards = {agent: abs(reward) for agent, reward in raw.rewards.items()}


class PaidEarly(Broken):
    def __init__(self) -> None:
        super().__init__(reward=lambda games, played, outcome: np.full((1, 2), 0.1))


class ForgetsRewards(Broken):
    def last(self, observe: bool = True) -> Any:
        seen, _, *rest = super().last(observe)
        return (seen, 0.0, *rest)


class SpeaksInInfo(Broken):
    def step(self, action: Any) -> None:
        super().step(action)
        self.unwrapped.infos["player_1"]["ply"] = 1


class CapIsTermination(Broken):
    def step(self, action: Any) -> None:
        super().step(action)
        raw = self.unwrapped
        if any(raw.truncations.values()):
            raw.terminations, raw.truncations = raw.truncations, raw.terminations


class WrongReason(Broken):
    def step(self, action: Any) -> None:
        super().step(action)
        for info in self.infos.values():
            if "termination" in info:
                info["termination"] = "checkmate" if info["termination"] != "checkmate" else "stalemate"


class GoesOn(Broken):
    """Plays to the end of the seventy-five-move rule though it is to stop at fifty."""

    def __init__(self) -> None:
        super().__init__(claim_draws=False)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (IllegalInMask, "the mask lacks .* and has .* too many in '"),
        (LegalLeftOut, "the mask lacks"),
        (MaskForBoth, "player_[01], not to move, has legal actions"),
        (AdviceForBoth, "player_[01], not to move, sees advice"),
        (WrongSide, r"(white|black) sees (white|black) \w+s on \(row, column\)"),
        (OutsideSpace, "observation is outside its space"),
        (WinnerPaysToo, "the rewards are"),
        (PaidEarly, r"last\(\) gives the reward 0.1|rewards before the end"),
        (ForgetsRewards, r"last\(\) gives player_[01] 0.0, it earned"),
        (SpeaksInInfo, "info is {'ply': 1}"),
        (CapIsTermination, "the ply cap is not shown as a truncation"),
        (WrongReason, "the environment says '(checkmate|stalemate)', which is not so"),
        (GoesOn, "the game goes on after"),
    ],
)
def test_a_broken_environment_is_caught(broken: Callable[[], Any], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_chess_games(broken, games=12, max_plies=30)


def test_the_environment_that_they_break_passes() -> None:
    check_chess_games(Broken, games=12, max_plies=30)
