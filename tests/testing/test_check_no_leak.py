"""Nothing of the truth reaches a player, in any environment; and a leak is caught."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from sandwich_env import sandwich_chess_v0
from sandwich_env.advisors.base import Advisor, Honest
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.envs.aec import SandwichChessAEC
from sandwich_env.envs.single import ChessEnv
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.testing import check_no_leak

ID = "sandwich_env:sandwich/Chess-v0"
OPTIONS: dict[str, Any] = {"max_plies": 14}


def advisor() -> Advisor:
    return ValueNoise(RandomMove(Honest(UniformExpert()), epsilon=0.5), scale=0.3)


@pytest.mark.parametrize("asks", ["move", "value", "both"])
def test_no_environment_leaks(asks: Any) -> None:
    options = OPTIONS | {"asks": asks}
    check_no_leak(lambda a: sandwich_chess_v0.env(advisor=a, **options), advisor(), steps=40)
    check_no_leak(lambda a: gymnasium.make(ID, advisor=a, opponent="random", **options), advisor(), steps=40)
    for mode in ("NextStep", "SameStep"):
        check_no_leak(
            lambda a, mode=mode: gymnasium.make_vec(
                ID, num_envs=3, advisor=a, opponent="random", advised="both", autoreset_mode=mode, **options
            ),
            advisor(),
            steps=30,
        )


def test_rewards_of_ones_own_see_no_truth_either() -> None:
    def plies(games: Any, played: Any, outcome: Any) -> Any:
        return np.stack([games.ply, -games.ply], axis=1) / 100

    check_no_leak(lambda a: ChessEnv(advisor=a, reward=plies, **OPTIONS), advisor(), steps=40)


class TellsInInfo(ChessEnv):
    def _info(self) -> dict[str, Any]:
        last = self.scorer.last
        return super()._info() | {"tampered": bool(last is not None and last.advice.provenance.tampered[0])}


class TellsName(ChessEnv):
    def _info(self) -> dict[str, Any]:
        last = self.scorer.last
        return super()._info() | {"by": "" if last is None else str(last.advice.provenance.by[0])}


class GivesAdvice(ChessEnv):
    def _info(self) -> dict[str, Any]:
        return super()._info() | {"advice": np.array([self.scorer.last], dtype=object)}


class PaysForTruth(ChessEnv):
    def step(self, action: Any) -> Any:
        seen, reward, *rest = super().step(action)
        last = self.scorer.last
        return (seen, reward + 0.01 * float(last is not None and last.advice.provenance.tampered[0]), *rest)


class ShowsHonest(ChessVectorEnv):
    def _seen(self) -> Any:
        seen, last = super()._seen(), self.scorer.last
        if last is not None:
            seen["advice_value"][last.rows, 0] = last.advice.provenance.honest_value
        return seen


class PolicyInInfo(SandwichChessAEC):
    def step(self, action: Any) -> None:
        super().step(action)
        last = self.scorer.last
        if last is not None and self.agents:
            self.infos[self.agents[0]]["peak"] = float(last.advice.policy.max())


@pytest.mark.parametrize(
    ("leaky", "says"),
    [
        (TellsInInfo, r"\['tampered'\]: False here, True there|True here, False there"),
        (TellsName, r"\['by'\]: "),
        (GivesAdvice, "Audit"),
        (PaysForTruth, r"step \d+.*: 0.0 here, 0.01 there|0.01 here, 0.0 there"),
        (lambda **options: ShowsHonest(2, **options), r"\['advice_value'\]: the arrays differ"),
        (PolicyInInfo, r"\['peak'\]: "),
    ],
)
def test_a_leak_is_caught(leaky: Any, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_no_leak(lambda a: leaky(advisor=a, **OPTIONS), advisor(), steps=40)


def test_a_check_without_advice_is_no_check() -> None:
    with pytest.raises(AssertionError, match="the advisor was never asked"):
        check_no_leak(lambda a: ChessEnv(advisor=a, protocol="never", **OPTIONS), advisor(), steps=5)
