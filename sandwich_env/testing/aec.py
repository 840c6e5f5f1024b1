"""The contract of PettingZoo's agent-environment cycle, held against whole masked games."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from gymnasium import spaces

from sandwich_env.testing.driving import Chooser, mask_of, unpacked
from sandwich_env.testing.equality import arrays_in, shared_memory
from sandwich_env.testing.findings import Findings, Halt
from sandwich_env.testing.values import why_outside

AEC_RULES = {
    "reset-works": "reset() raises nothing, with a seed or without",
    "step-works": "step() with an action that the mask allows, or None for a dead agent, raises nothing",
    "look-works": "observe() and last() raise nothing",
    "returns-nothing": "reset() and step() return None",
    "agents": "agents is a list of different names, all of them possible agents, and num_agents is its length",
    "agents-own-list": "possible_agents is another list than agents, and never changes",
    "selection": "agent_selection is one of the agents",
    "keys": "rewards, terminations, truncations and infos have the agents as keys, and each info is a dict",
    "fresh-start": "after reset() nobody is over, and nobody has been paid",
    "flags": "terminations and truncations are bools",
    "rewards": "rewards are finite numbers",
    "zero-sum": "rewards sum to 0 over the agents (where declared, and but for an illegal action)",
    "stays-over": "an agent that is over stays so until it leaves",
    "last": "last() gives the observation, flags and info of agent_selection, and no observation with observe=False",
    "cumulative-reward": "last() gives the rewards that the agent was paid since it last acted",
    "observe-again": "observe() gives the same again, and changes nothing",
    "space-object": "observation_space() and action_space() give the same objects at every call",
    "observation": "an observation is in its space: keys, dtype, shape, bounds",
    "contains": "observation_space(agent).contains(observation), asked now and then",
    "mask": "there is a mask of the actions, of 0 and 1, as long as there are actions",
    "mask-not-empty": "an agent that is to move has a legal action",
    "aliasing": "what observe() returned earlier does not change, and shares no memory with what it returns now",
    "illegal-action": "an illegal action, or one out of range, raises and changes nothing, or ends the agent's game",
    "illegal-pays": "where an illegal action ends the game, who sent it is not paid more than another",
    "dead-action": "an action other than None for a dead agent raises, and changes nothing",
    "dead-step": "step(None) takes the dead agent out of agents, and nobody else",
    "ends": "a game ends within the limit of steps, for all agents, and agents is empty then",
    "close": "close() can be called twice",
}

_SAMPLE = 64
"""Every how many steps the space itself is asked, which is slow."""

_AGAIN = 8
"""Every how many steps every agent is shown its observation twice; the one to move is at every step."""

_RESET_EARLY, _ILLEGAL, _OUT_OF_RANGE, _KINDS = 1, 2, 3, 8
"""Of eight games one is left in the middle, one meets an illegal action, one an action out of range."""


def check_aec(
    env_fn: Callable[[], Any],
    games: int = 1000,
    seed: int = 0,
    *,
    zero_sum: bool = False,
    max_steps: int = 20_000,
    seconds: float | None = None,
    findings: Findings | None = None,
) -> Findings:
    """Play masked games to their ends by random legal actions, and hold every step against the AEC contract.

    The mask is taken from `observation["action_mask"]` or `info["action_mask"]`. The rules are those of `AEC_RULES`.
    Some games are left in the middle, some meet an illegal action or one out of range.

    Args:
        env_fn: makes an AEC environment, with or without wrappers.
        games: how many games to play.
        seed: of the first game, and of the actions.
        zero_sum: whether the rewards of all agents have to sum to 0.
        max_steps: a game that is not over after so many steps breaks the rule "ends".
        seconds: begin no further game after so long; None plays all of them.
        findings: where to note broken rules; without it the first one raises.

    Returns:
        The findings, with the numbers of games and steps.

    Raises:
        AssertionError: the first broken rule, unless `findings` collects them.
    """
    found = Findings(AEC_RULES) if findings is None else findings
    check = _Check(env_fn(), found, np.random.default_rng(seed), zero_sum, max_steps)
    until = None if seconds is None else time.monotonic() + seconds
    for k in range(games):
        if until is not None and k and time.monotonic() > until:
            break
        try:
            check.play(k, seed + k if k % 2 == 0 else None)
        except Halt:
            if {"reset-works", "ends"} & found.broken.keys():
                break
        found.games += 1
    check.close()
    return found


class _Check:
    """One environment, and what is expected of it from one step to the next."""

    def __init__(self, env: Any, found: Findings, rng: np.random.Generator, zero_sum: bool, max_steps: int) -> None:
        self.env, self.found, self.rng = env, found, rng
        self.zero_sum, self.max_steps = zero_sum, max_steps
        self.chooser = Chooser(int(rng.integers(2**31)))
        self.possible = list(getattr(env, "possible_agents", []))
        self.spaces: dict[str, tuple[Any, Any]] = {}
        self.owed: dict[str, float] = {}
        self.over: dict[str, bool] = {}
        self.kept: list[tuple[Any, Any]] = []
        self.where = ""

    # --- A game ---

    def play(self, k: int, seed: int | None) -> None:
        env, found = self.env, self.found
        self.where = f"game {k}, at reset"
        given = found.attempt("reset-works", lambda: env.reset(seed=seed), f"reset(seed={seed})")
        found.expect("returns-nothing", given is None, lambda: f"reset() returned {given!r}")
        self.owed, self.over = dict.fromkeys(env.agents, 0.0), dict.fromkeys(env.agents, False)
        self.kept = []
        self._fresh()
        probe = k % _KINDS
        probed_at = int(self.rng.integers(6)) if probe in (_RESET_EARLY, _ILLEGAL, _OUT_OF_RANGE) else -1
        for t in range(self.max_steps):
            if not env.agents:
                break
            self.where = f"game {k}, step {t}"
            seen, mask = self._look(t)
            if self._dead(env.agent_selection):
                self._leave()
                continue
            if t >= probed_at >= 0:
                probed_at = -1
                if probe == _RESET_EARLY:
                    return
                if self._illegal(mask, out_of_range=probe == _OUT_OF_RANGE):
                    continue
            self._act(seen, mask)
        if not found.expect(
            "ends", not env.agents, lambda: f"after {self.max_steps} steps the agents are {env.agents}"
        ):
            raise Halt("ends")

    def _act(self, seen: Any, mask: Any) -> None:
        env, found, agent = self.env, self.found, self.env.agent_selection
        action = self.chooser.choose(env.action_space(agent), mask)
        given = found.attempt("step-works", lambda: env.step(action), lambda: f"{self.where}: step({action!r})")
        found.expect("returns-nothing", given is None, lambda: f"{self.where}: step() returned {given!r}")
        found.steps += 1
        self._pay(agent)
        if self.zero_sum:
            total = sum(float(reward) for reward in env.rewards.values())
            found.expect("zero-sum", abs(total) < 1e-9, lambda: f"{self.where}: the rewards are {env.rewards}")

    def _pay(self, actor: str) -> None:
        """What last() will have to give: an agent's account is emptied when it acts."""
        self.owed[actor] = 0.0
        for agent, reward in self.env.rewards.items():
            self.owed[agent] = self.owed.get(agent, 0.0) + float(reward)

    def _dead(self, agent: str) -> bool:
        return bool(self.env.terminations.get(agent)) or bool(self.env.truncations.get(agent))

    def _said(self, text: str, *values: Any) -> Callable[[], str]:
        return lambda: f"{self.where}: {text.format(*values)}"

    # --- What holds at every step ---

    def _fresh(self) -> None:
        env, found = self.env, self.found
        agents = list(env.agents)
        found.expect("fresh-start", agents, "after reset() there are no agents")
        flags = [*env.terminations.values(), *env.truncations.values()]
        found.expect("fresh-start", not any(flags), f"after reset() somebody is over: {env.terminations}")
        paid = [float(reward) for reward in env.rewards.values()]
        found.expect("fresh-start", not any(paid), f"after reset() the rewards are {env.rewards}")

    def _look(self, t: int) -> tuple[Any, Any]:
        env, found = self.env, self.found
        self._agents()
        agent = env.agent_selection
        found.expect("selection", agent in env.agents, lambda: f"{self.where}: {agent!r} is none of {env.agents}")
        self._flags()
        views = {name: self._observe(name) for name in env.agents}
        again = {name: self._observe(name) for name in reversed(env.agents)} if t % _AGAIN == 0 else {}
        for name, view in again.items():
            found.same("observe-again", view, views[name], f"{self.where}: observe({name!r}) once more")
        for name, view in views.items():
            self._in_space(name, view, t)
        seen, info = self._last(agent, views.get(agent))
        self._not_aliased([*views.values(), *again.values(), seen])
        mask = mask_of(seen, info)
        space = _masked_part(env.action_space(agent), mask)[1]
        if isinstance(space, spaces.Discrete):
            mask = unpacked(mask, int(space.n))
        if not self._dead(agent):
            self._mask(agent, mask)
        return seen, mask

    def _observe(self, agent: str) -> Any:
        return self.found.attempt(
            "look-works", lambda: self.env.observe(agent), lambda: f"{self.where}: observe({agent!r})"
        )

    def _agents(self) -> None:
        env, found, agents = self.env, self.found, self.env.agents
        names = isinstance(agents, list) and len(set(agents)) == len(agents) == env.num_agents
        known = names and (not self.possible or set(agents) <= set(self.possible))
        found.expect("agents", known, lambda: f"{self.where}: agents is {agents!r}, of {self.possible}")
        if self.possible:
            own = env.possible_agents is not agents and list(env.possible_agents) == self.possible
            found.expect("agents-own-list", own, lambda: f"{self.where}: possible_agents is {env.possible_agents!r}")
        held = {"rewards": env.rewards, "terminations": env.terminations, "truncations": env.truncations}
        for name, values in (held | {"infos": env.infos}).items():
            right = isinstance(values, dict) and set(values) == set(agents)
            found.expect("keys", right, self._said("{} is {!r}", name, values))
        dicts = all(isinstance(info, dict) for info in env.infos.values())
        found.expect("keys", dicts, lambda: f"{self.where}: infos are {env.infos!r}")

    def _flags(self) -> None:
        env, found = self.env, self.found
        flags = [*env.terminations.values(), *env.truncations.values()]
        found.expect("flags", all(isinstance(flag, bool) for flag in flags), lambda: f"{self.where}: flags are {flags}")
        for agent, reward in env.rewards.items():
            number = np.ndim(reward) == 0 and np.isreal(reward) and np.isfinite(float(reward))
            found.expect("rewards", number, self._said("{} is paid {!r}", agent, reward))
        for agent in env.agents:
            over = self._dead(agent)
            stays = over or not self.over.get(agent, False)
            found.expect("stays-over", stays, self._said("{} was over, and is not any more", agent))
            self.over[agent] = over

    def _last(self, agent: str, view: Any) -> tuple[Any, Any]:
        env, found = self.env, self.found
        seen, reward, terminated, truncated, info = found.attempt(
            "look-works", env.last, lambda: f"{self.where}: last()"
        )
        found.same("last", seen, view, f"{self.where}: the observation of last() and observe({agent!r})")
        flags = (env.terminations.get(agent), env.truncations.get(agent))
        found.same("last", (terminated, truncated), flags, f"{self.where}: the flags of last() for {agent}")
        found.same("last", info, env.infos.get(agent), f"{self.where}: the info of last() for {agent}")
        nothing = env.last(observe=False)[0]
        found.expect("last", nothing is None, lambda: f"{self.where}: last(observe=False) shows {nothing!r}")
        owed = self.owed.get(agent, 0.0)
        right = abs(float(reward) - owed) < 1e-9
        found.expect(
            "cumulative-reward", right, lambda: f"{self.where}: last() gives {agent} {reward!r}, it was paid {owed!r}"
        )
        return seen, info

    def _in_space(self, agent: str, view: Any, t: int) -> None:
        env, found = self.env, self.found
        given = (env.observation_space(agent), env.action_space(agent))
        before = self.spaces.setdefault(agent, given)
        same = given[0] is before[0] and given[1] is before[1]
        found.expect("space-object", same, lambda: f"{self.where}: {agent} has other space objects than before")
        why = why_outside(given[0], view)
        found.expect("observation", why is None, lambda: f"{self.where}: {agent}'s {why}")
        if t % _SAMPLE == 0:
            inside = given[0].contains(view)
            found.expect("contains", inside, lambda: f"{self.where}: {agent}'s observation is not in its space")

    def _mask(self, agent: str, mask: Any) -> None:
        found, space = self.found, self.env.action_space(agent)
        if not found.expect("mask", mask is not None, f"{self.where}: {agent} is shown no action_mask") or mask is None:
            return
        space = _masked_part(space, mask)[1]
        if isinstance(space, spaces.Discrete):
            length = np.shape(mask) == (int(space.n),)
            found.expect("mask", length, lambda: f"{self.where}: the mask has the shape {np.shape(mask)}, not {space}")
            binary = bool(((np.asarray(mask) == 0) | (np.asarray(mask) == 1)).all())
            found.expect("mask", binary, lambda: f"{self.where}: the mask holds {np.unique(mask)}, not 0 and 1")
            some = bool(np.any(mask))
            found.expect("mask-not-empty", some, lambda: f"{self.where}: {agent} is to move and has no legal action")

    def _not_aliased(self, views: list[Any]) -> None:
        """Neither among what was returned at this step, nor with what was returned at the one before."""
        found = self.found
        for old, as_it_was in self.kept:
            found.same("aliasing", old, as_it_was, f"{self.where}: what an earlier observe() returned has changed")
        shared = shared_memory(arrays_in([*views, *(old for old, _ in self.kept)]))
        found.expect("aliasing", not shared, lambda: f"{self.where}: arrays of two calls share memory")
        self.kept = [(view, copy.deepcopy(view)) for view in views[: len(self.env.agents)]]

    # --- What is done wrong on purpose ---

    def _snapshot(self) -> Any:
        env = self.env
        held = (env.rewards, env.terminations, env.truncations, env.infos)
        views = {agent: env.observe(agent) for agent in env.agents}
        return copy.deepcopy((env.agent_selection, list(env.agents), views, *held))

    def _illegal(self, mask: Any, *, out_of_range: bool) -> bool:
        """Send an illegal action; whether it was taken, and so ended the game."""
        env, found, agent = self.env, self.found, self.env.agent_selection
        part, space = _masked_part(env.action_space(agent), mask)
        if not isinstance(space, spaces.Discrete):
            return False
        wrong = np.flatnonzero(np.asarray(mask) == 0) if mask is not None and not out_of_range else np.array([])
        if out_of_range:
            wrong = np.array([-1, int(space.n)])
        if not len(wrong):
            return False
        action: Any = int(space.start + self.rng.choice(wrong))
        if part is not None:
            action = {**self.chooser.choose(env.action_space(agent), mask), part: action}
        before = self._snapshot()
        where = f"{self.where}: after the illegal action {action}"
        try:
            env.step(action)
        except Exception:
            found.same("illegal-action", self._snapshot(), before, f"{where}, which was refused")
            return False
        if not found.expect("illegal-action", self._dead(agent), f"{where} the game goes on, rewards {env.rewards}"):
            raise Halt("illegal-action")
        self._pay(agent)
        least = all(env.rewards[agent] <= reward for reward in env.rewards.values())
        found.expect("illegal-pays", least, f"{where} of {agent} the rewards are {env.rewards}")
        return True

    def _leave(self) -> None:
        """The step of a dead agent."""
        env, found, agent = self.env, self.found, self.env.agent_selection
        before = self._snapshot()
        if not found.refused(
            "dead-action", lambda: env.step(0), f"{self.where}: the action 0 for {agent}, who is over,"
        ):
            raise Halt("dead-action")
        found.same("dead-action", self._snapshot(), before, f"{self.where}: after an action for a dead agent")
        others = [name for name in env.agents if name != agent]
        given = found.attempt("step-works", lambda: env.step(None), lambda: f"{self.where}: step(None)")
        found.expect("returns-nothing", given is None, lambda: f"{self.where}: step(None) returned {given!r}")
        right = found.expect(
            "dead-step", env.agents == others, lambda: f"{self.where}: after the dead step of {agent}: {env.agents}"
        )
        if not right:
            raise Halt("dead-step")
        self._pay(agent)

    def close(self) -> None:
        with suppress(Halt):
            self.found.attempt("close", self.env.close, "close()")
            self.found.attempt("close", self.env.close, "close(), a second time,")


def _masked_part(space: Any, mask: Any) -> tuple[str | None, Any]:
    """What an array of a mask speaks of: the space itself, or the only part of a Dict with so many actions."""
    if isinstance(space, spaces.Dict) and isinstance(mask, np.ndarray):
        parts = [
            (k, part) for k, part in space.items() if isinstance(part, spaces.Discrete) and _fits(mask, int(part.n))
        ]
        if len(parts) == 1:
            return parts[0]
    return None, space


def _fits(mask: Any, n: int) -> bool:
    return bool(np.shape(unpacked(mask, n)) == (n,))
