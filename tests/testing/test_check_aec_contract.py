"""The AEC check passes what is right, and each of its rules catches an environment that breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from toy_envs import PLAYERS, TAKE, Nim, stones_space

from sandwich_env import sandwich_chess_v0
from sandwich_env.errors import SpecError
from sandwich_env.testing import Findings, check_aec
from sandwich_env.testing.aec import AEC_RULES

HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}


class Forfeits(Nim):
    """Right too: an illegal action ends the game."""

    pays = -1.0

    def step(self, action: Any) -> None:
        agent = self.agent_selection
        alive = not self.terminations[agent]
        if alive and not 0 <= action < min(TAKE, self.stones):
            self.terminations = dict.fromkeys(PLAYERS, True)
            self._cumulative_rewards[agent] = 0.0
            self.rewards = dict.fromkeys(PLAYERS, 0.0) | {agent: self.pays}
            self._accumulate_rewards()
        else:
            super().step(action)


class MaskInInfo(Nim):
    """Right too: the mask is in the info."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_spaces = {agent: spaces.Discrete(50) for agent in PLAYERS}

    def reset(self, seed: Any = None, options: Any = None) -> None:
        super().reset(seed, options)
        self._show()

    def _show(self) -> None:
        for agent in self.agents:
            self.infos[agent] = {"action_mask": super().observe(agent)["action_mask"]}

    def observe(self, agent: str) -> Any:
        return np.int64(self.stones)

    def step(self, action: Any) -> None:
        super().step(action)
        self._show()


class PackedMask(Nim):
    """Right too: the mask is one of bits."""

    def __init__(self) -> None:
        super().__init__()
        for space in self.observation_spaces.values():
            space.spaces["action_mask"] = spaces.Box(0, 255, (1,), dtype=np.uint8)

    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        return seen | {"action_mask": np.packbits(seen["action_mask"], bitorder="little")}


@pytest.mark.parametrize("env_fn", [Nim, Forfeits, MaskInInfo, PackedMask])
def test_a_right_environment_passes(env_fn: Callable[[], Any]) -> None:
    found = check_aec(env_fn, games=60, zero_sum=env_fn is not Forfeits)
    assert found.games == 60
    assert found.steps > 200
    unreached = {"zero-sum"} if env_fn is Forfeits else {"illegal-pays"}
    assert set(found.not_reached()) == unreached


def test_chess_passes() -> None:
    for form in ("planes", "packed"):
        options: dict[str, Any] = {"max_plies": 60, "advisor": HONEST, "observation_format": form}
        found = check_aec(lambda options=options: sandwich_chess_v0.env(**options), games=8, zero_sum=True)
        assert found.not_reached() == []


NEARLY_OVER = (
    "7k/8/6K1/8/8/8/8/1Q6 w - - 0 1",
    "4k3/8/8/8/8/8/4P3/4K3 b - - 90 80",
    "8/P6k/8/8/8/8/p6K/8 w - - 0 1",
    "r1bqkb1r/pppp1ppp/2n2n2/4p2Q/2B1P3/8/PPPP1PPP/RNB1K1NR w KQkq - 4 4",
)
"""Mate, stalemate, bare kings and the fifty-move rule are near: a game's end takes few plies."""


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
def test_chess_passes_through_a_thousand_games(part: int) -> None:
    """A quarter of them from the start to their ends, the others through the ends that are near."""
    whole = check_aec(sandwich_chess_v0.env, 50, seed=1000 * part, zero_sum=True)
    assert (whole.games, whole.steps > 100 * 50) == (50, True)
    ends = check_aec(
        lambda: sandwich_chess_v0.env(starts=NEARLY_OVER, max_plies=60), 150, seed=1000 * part + 500, zero_sum=True
    )
    assert (ends.games, ends.steps > 10 * 150) == (150, True)


@pytest.mark.slow
def test_chess_without_wrappers_passes_through_many_games() -> None:
    found = check_aec(sandwich_chess_v0.raw_env, 60, zero_sum=True)
    assert (found.games, found.steps > 100 * 60) == (60, True)


# --- One environment for each rule, broken in that point ---


class ResetRaises(Nim):
    def reset(self, seed: Any = None, options: Any = None) -> None:
        if seed is None:
            raise TypeError("a seed is needed")
        super().reset(seed, options)


class StepRaises(Nim):
    def step(self, action: Any) -> None:
        if self.stones == 5:
            raise KeyError(action)
        super().step(action)


class DeadStepRaises(Nim):
    def step(self, action: Any) -> None:
        if action is None:
            raise TypeError("no action")
        super().step(action)


class LookRaises(Nim):
    def observe(self, agent: str) -> Any:
        if agent != self.agent_selection:
            raise PermissionError(agent)
        return super().observe(agent)


class LastRaises(Nim):
    def last(self, observe: bool = True) -> Any:
        return (*super().last(observe)[:-1], self.infos[self.agent_selection]["words"])


class StepReturns(Nim):
    def step(self, action: Any) -> Any:
        super().step(action)
        return self.stones


class ResetReturns(Nim):
    def reset(self, seed: Any = None, options: Any = None) -> Any:
        super().reset(seed, options)
        return {}


class AgentTwice(Nim):
    def step(self, action: Any) -> None:
        super().step(action)
        self.agents = [*self.agents, *self.agents[:1]]


class UnknownAgent(Nim):
    def __init__(self) -> None:
        super().__init__()
        self.possible_agents = PLAYERS[:1]


class NoListOfItsOwn(Nim):
    """Agents that leave are gone for ever."""

    def reset(self, seed: Any = None, options: Any = None) -> None:
        super().reset(seed, options)
        self.agents = self.possible_agents


class GoneSelected(Nim):
    def step(self, action: Any) -> None:
        super().step(action)
        if not self.stones:
            self.agents = self.agents[:1]
            self.agent_selection = PLAYERS[1]


class KeysStay(Nim):
    def step(self, action: Any) -> None:
        super().step(action)
        if action is None:
            self.rewards[PLAYERS[0]] = 0.0
            self.rewards[PLAYERS[1]] = 0.0


class InfoIsNone(Nim):
    def step(self, action: Any) -> None:
        super().step(action)
        self.infos = dict.fromkeys(self.agents)


class PaidAtReset(Nim):
    def reset(self, seed: Any = None, options: Any = None) -> None:
        super().reset(seed, options)
        self.rewards[PLAYERS[1]] = 0.5


class OverAtReset(Nim):
    """The flags are those of the game before."""

    def reset(self, seed: Any = None, options: Any = None) -> None:
        super().reset(seed, options)
        self.truncations[PLAYERS[0]] = True


class NumpyFlags(Nim):
    def step(self, action: Any) -> None:
        super().step(action)
        self.terminations = {agent: np.bool_(over) for agent, over in self.terminations.items()}


class NaNReward(Nim):
    def step(self, action: Any) -> None:
        super().step(action)
        if self.agents and not self.stones:
            self.rewards[self.agents[0]] = float("nan")


class BothWin(Nim):
    def step(self, action: Any) -> None:
        super().step(action)
        if action is not None and not self.stones:
            for agent in PLAYERS:
                self._cumulative_rewards[agent] += 1 - self.rewards[agent]
                self.rewards[agent] = 1.0


class Resurrects(Nim):
    def step(self, action: Any) -> None:
        super().step(action)
        if action is not None and self.stones < 4:
            self.truncations[PLAYERS[0]] = self.stones == 3 and not self.truncations[PLAYERS[0]]
        elif action is None:
            self.truncations = dict.fromkeys(self.agents, False)
            self.terminations = dict.fromkeys(self.agents, False)


class LastSeesTheOther(Nim):
    def last(self, observe: bool = True) -> Any:
        seen, *rest = super().last(observe)
        return (seen if seen is None else self.observe(PLAYERS[0]), *rest)


class LastAlwaysLooks(Nim):
    def last(self, observe: bool = True) -> Any:
        return super().last(True)


class LastHidesTheEnd(Nim):
    def last(self, observe: bool = True) -> Any:
        seen, reward, _, truncated, info = super().last(observe)
        return seen, reward, False, truncated, info


class LastInfo(Nim):
    def last(self, observe: bool = True) -> Any:
        *rest, info = super().last(observe)
        return (*rest, info | {"stones": self.stones})


class NeverAccumulates(Nim):
    def _accumulate_rewards(self) -> None:
        pass


class NeverCleared(Nim):
    """Pays a point a move, and never empties the account."""

    def step(self, action: Any) -> None:
        before = dict(self._cumulative_rewards)
        super().step(action)
        if action is not None:
            self.rewards = dict.fromkeys(PLAYERS, 1.0)
            self._cumulative_rewards = {agent: before[agent] + 1.0 for agent in PLAYERS}


class CountsLooks(Nim):
    looks = 0

    def observe(self, agent: str) -> Any:
        self.looks += 1
        seen = super().observe(agent)
        seen["observation"][1] = self.looks % 40
        return seen


class NewSpaces(Nim):
    def observation_space(self, agent: str) -> spaces.Dict:
        return stones_space()


class WrongDtype(Nim):
    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        return seen | {"observation": seen["observation"].astype(np.int64)}


class OutOfBounds(Nim):
    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        seen["observation"][0] -= 3
        return seen


class WrongShape(Nim):
    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        return seen | {"observation": seen["observation"][:, None]}


class MissingKey(Nim):
    def __init__(self) -> None:
        super().__init__()
        self.observation_spaces = {
            agent: spaces.Dict({**stones_space().spaces, "turn": spaces.Discrete(2)}) for agent in PLAYERS
        }


class OddSpace(spaces.Dict):
    """A space with a rule of its own."""

    def contains(self, x: Any) -> bool:
        return super().contains(x) and x["observation"][0] < 9


class OutsideOddSpace(Nim):
    def __init__(self) -> None:
        super().__init__()
        self.observation_spaces = {agent: OddSpace(stones_space().spaces) for agent in PLAYERS}


class NoMask(Nim):
    def __init__(self) -> None:
        super().__init__()
        self.observation_spaces = {agent: spaces.Discrete(50) for agent in PLAYERS}

    def observe(self, agent: str) -> Any:
        return np.int64(self.stones)


class ShortMask(Nim):
    def __init__(self) -> None:
        super().__init__()
        self.action_spaces = {agent: spaces.Discrete(TAKE + 1) for agent in PLAYERS}


class MaskOfTwos(Nim):
    def __init__(self) -> None:
        super().__init__()
        for space in self.observation_spaces.values():
            space.spaces["action_mask"] = spaces.Box(0, 2, (TAKE,), dtype=np.int8)

    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        return seen | {"action_mask": 2 * seen["action_mask"]}


class EmptyMask(Nim):
    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        if self.stones == 4:
            seen["action_mask"][:] = 0
        return seen


class OneBuffer(Nim):
    """Writes to the array that it returned at the step before."""

    def __init__(self) -> None:
        super().__init__()
        self._buffers = {agent: np.zeros(2, dtype=np.int16) for agent in PLAYERS}

    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        self._buffers[agent][:] = seen["observation"]
        return seen | {"observation": self._buffers[agent]}


class ViewOfState(Nim):
    """Shows the array that it computes with, though it never changes again."""

    _turn = np.array([[0, 1], [0, 1]], dtype=np.int16)

    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        return seen | {"observation": self._turn[PLAYERS.index(agent)]}


class TakesIllegal(Nim):
    def step(self, action: Any) -> None:
        super().step(action if action is None else min(max(action, 0), TAKE - 1, self.stones - 1))


class RefusesTooLate(Nim):
    """Raises at an illegal action, after having played it."""

    def step(self, action: Any) -> None:
        if action is not None and not 0 <= action < min(TAKE, self.stones) and self.agents == PLAYERS:
            self.stones = max(1, self.stones - 1)
        super().step(action)


class PaysIllegal(Forfeits):
    pays = 0.5


class TakesDeadActions(Nim):
    def step(self, action: Any) -> None:
        super().step(None if self.terminations[self.agent_selection] else action)


class DeadActionCounts(Nim):
    def step(self, action: Any) -> None:
        if action is not None and self.terminations[self.agent_selection]:
            self.stones += 1
        super().step(action)


class AllLeaveAtOnce(Nim):
    def step(self, action: Any) -> None:
        super().step(action)
        if action is None:
            self.agents = []


class NobodyLeaves(Nim):
    def step(self, action: Any) -> None:
        if self.terminations[self.agent_selection] and action is None:
            return
        super().step(action)


class NeverEnds(Nim):
    def step(self, action: Any) -> None:
        super().step(action)
        self.stones += action + 1


class CloseOnce(Nim):
    closed = False

    def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = True


BROKEN: list[tuple[type[Nim], str, str]] = [
    (ResetRaises, "reset-works", "a seed is needed"),
    (StepRaises, "step-works", r"step\(\d\) raised KeyError"),
    (DeadStepRaises, "step-works", r"step\(None\) raised TypeError: no action"),
    (LookRaises, "look-works", r"observe\('player_1'\) raised PermissionError"),
    (LastRaises, "look-works", r"last\(\) raised KeyError"),
    (StepReturns, "returns-nothing", r"step\(\) returned \d+"),
    (ResetReturns, "returns-nothing", r"reset\(\) returned {}"),
    (AgentTwice, "agents", r"agents is \['player_0', 'player_1', 'player_0'\]"),
    (UnknownAgent, "agents", r"of \['player_0'\]"),
    (NoListOfItsOwn, "agents-own-list", "possible_agents is"),
    (GoneSelected, "selection", "'player_1' is none of"),
    (KeysStay, "keys", "rewards is {'player_1': 0, 'player_0': 0.0}|rewards is"),
    (InfoIsNone, "keys", "infos are {'player_0': None"),
    (PaidAtReset, "fresh-start", "after reset.. the rewards are"),
    (OverAtReset, "fresh-start", "after reset.. somebody is over"),
    (NumpyFlags, "flags", "flags are"),
    (NaNReward, "rewards", "is paid nan"),
    (BothWin, "zero-sum", "the rewards are {'player_[01]': 1.0, 'player_[01]': 1.0}"),
    (Resurrects, "stays-over", "player_[01] was over, and is not any more"),
    (LastSeesTheOther, "last", "the observation of last"),
    (LastAlwaysLooks, "last", "observe=False"),
    (LastHidesTheEnd, "last", "the flags of last"),
    (LastInfo, "last", "the info of last"),
    (NeverAccumulates, "cumulative-reward", "it was paid"),
    (NeverCleared, "cumulative-reward", "gives player_0 2.0, it was paid 1.0|it was paid"),
    (CountsLooks, "observe-again", "once more"),
    (NewSpaces, "space-object", "other space objects"),
    (WrongDtype, "observation", "has the dtype int64, not int16"),
    (OutOfBounds, "observation", r"observation\['observation'\]\[0\] is -\d, outside"),
    (WrongShape, "observation", r"has the shape \(2, 1\), not \(2,\)"),
    (MissingKey, "observation", r"holds \['action_mask', 'observation'\], not"),
    (OutsideOddSpace, "contains", "is not in its space"),
    (NoMask, "mask", "is shown no action_mask"),
    (ShortMask, "mask", r"has the shape \(3,\), not Discrete\(4\)"),
    (MaskOfTwos, "mask", r"the mask holds \[.*2\], not 0 and 1"),
    (EmptyMask, "mask-not-empty", "has no legal action"),
    (OneBuffer, "aliasing", "share memory|has changed"),
    (ViewOfState, "aliasing", "share memory"),
    (TakesIllegal, "illegal-action", "the game goes on"),
    (RefusesTooLate, "illegal-action", "which was refused"),
    (PaysIllegal, "illegal-pays", "the rewards are"),
    (TakesDeadActions, "dead-action", "who is over, was taken"),
    (DeadActionCounts, "dead-action", "after an action for a dead agent"),
    (AllLeaveAtOnce, "dead-step", "after the dead step"),
    (NobodyLeaves, "dead-step", "after the dead step"),
    (NeverEnds, "ends", "after 400 steps the agents are"),
    (CloseOnce, "close", "a second time, raised"),
]


@pytest.mark.parametrize(("broken", "rule", "says"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_environment_is_caught(broken: type[Nim], rule: str, says: str) -> None:
    options: dict[str, Any] = {"games": 24, "zero_sum": broken is BothWin, "max_steps": 400}
    found = check_aec(broken, **options, findings=Findings(AEC_RULES, collect=True))
    assert re.search(says, found.broken[rule])
    with pytest.raises(AssertionError, match=r" \[[a-z-]+\]$"):
        check_aec(broken, **options)


def test_each_rule_is_seen_to_catch_something() -> None:
    assert {rule for _, rule, _ in BROKEN} == set(AEC_RULES)


def test_a_waived_rule_is_not_looked_at() -> None:
    check_aec(CloseOnce, games=2, findings=Findings(AEC_RULES, waive=("close",)))
    with pytest.raises(SpecError, match="unknown rule 'clse' to waive: did you mean 'close'"):
        Findings(AEC_RULES, waive=("clse",))


def test_the_time_limit_ends_the_check() -> None:
    found = check_aec(Nim, games=100_000, seconds=0.05)
    assert 1 <= found.games < 100_000
