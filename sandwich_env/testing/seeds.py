"""Does the seed decide, and nothing else? Tested by real steps, in environments of every kind."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from sandwich_env.testing.driving import Drive
from sandwich_env.testing.equality import is_same
from sandwich_env.testing.findings import Findings, Halt

SEED_RULES = {
    "plays": "reset() and legal steps raise nothing",
    "steps": "there is something to compare: at least one step is taken in each game",
    "same-seed": "two environments with one seed tell the players the same, to the bit, to the end of the game",
    "same-seed-again": "so does an environment that is reset with a seed it had before",
    "history": "so does one that played another game before, and left it in the middle",
    "series": "reset() without a seed goes on with the series of games of the last seed",
    "new-object": "so does an environment that is made after others were closed",
    "global-state": "nothing is drawn from NumPy's or Python's global generators, nor are they seeded",
    "seeds-differ": "different seeds give different games, where anything is random",
    "series-moves-on": "reset() without a seed deals another game than the last, where anything is random",
    "unseeded": "environments that were never seeded play different games, where anything is random",
}

_UNSEEDED = 6
"""How many environments without a seed are compared; that all of them agree by chance should be out of the question."""

_EPISODES = 3
"""How many games of a series are compared."""


def check_seeds(
    env_fn: Callable[[], Any],
    seeds: int = 5,
    steps: int = 1000,
    *,
    stochastic: bool = False,
    findings: Findings | None = None,
) -> Findings:
    """Play masked games with the same seed again and again, and hold all that the players are told against each other.

    Unlike PettingZoo's `seed_test` and `parallel_seed_test` it plays legal actions, to the end of the games, and looks
    at what is dealt after the seeded game. The rules are those of `SEED_RULES`.

    Args:
        env_fn: makes an AEC, parallel, single or vector environment.
        seeds: how many seeds to try.
        steps: after how many steps to leave a game.
        stochastic: whether anything is random in the environment, so that different seeds have to differ.
        findings: where to note broken rules; without it the first one raises.

    Returns:
        The findings, with the numbers of games and steps.

    Raises:
        AssertionError: the first broken rule, unless `findings` collects them.
    """
    found = Findings(SEED_RULES) if findings is None else findings
    try:
        _check(_Player(env_fn, steps, found), seeds, stochastic)
    except Halt:
        return found
    return found


class _Player:
    """Plays series of games, and notes what breaks in them."""

    def __init__(self, env_fn: Callable[[], Any], steps: int, found: Findings) -> None:
        self.env_fn, self.steps, self.found = env_fn, steps, found

    def series(self, env: Any, seed: int | None, episodes: int = _EPISODES, actions: int | None = None) -> list[Any]:
        """What is told in games dealt by `reset(seed)` and then by `reset()`, one list for each game.

        With `actions`, the random actions are the same in each game; otherwise they are others in each.
        """
        found, games = self.found, []
        for episode in range(episodes):
            drive = Drive(env, seed=1000 * (seed or 0) + episode if actions is None else actions)
            where = f"seed {seed}, game {episode}"
            found.attempt("plays", partial(drive.reset, seed if episode == 0 else None), where)
            found.attempt("plays", partial(drive.play, self.steps), where)
            found.expect("steps", drive.steps, f"{where} is over before the first step")
            found.games += 1
            found.steps += drive.steps
            games.append(drive.told)
        return games

    def leave_in_the_middle(self, env: Any, seed: int) -> None:
        """Play a few steps of another game."""
        drive = Drive(env, seed)
        drive.reset(seed)
        drive.play(3)


def _check(player: _Player, seeds: int, stochastic: bool) -> None:
    found, seeded = player.found, []
    kept = _globals()
    try:
        first, second = player.env_fn(), player.env_fn()
        for seed in range(seeds):
            _seed_globals(seed)
            before = _globals()
            games = player.series(first, seed)
            found.same("global-state", _globals(), before, f"seed {seed}: the global random state before and after")
            _seed_globals(1000 + seed)
            if seed == 0:
                found.same("same-seed", player.series(second, seed, 1)[0], games[0], "seed 0 in another environment")
            player.leave_in_the_middle(second, 1000 + seed)
            there = player.series(second, seed)
            found.same("history", there[0], games[0], f"seed {seed} in one that played another game before")
            found.same("series", there[1:], games[1:], f"the games after seed {seed} in another environment")
            found.same("same-seed-again", player.series(first, seed, 1)[0], games[0], f"seed {seed} again")
            seeded.append(games)
        if stochastic:
            _check_differences(player, first, seeds)
        first.close()
        second.close()
        third = player.env_fn()
        found.same("new-object", player.series(third, 0), seeded[0], "seed 0 in an environment made later")
        third.close()
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002 - it is the global generator that is watched


def _check_differences(player: _Player, env: Any, seeds: int) -> None:
    found = player.found
    games = [player.series(env, seed, episodes=2, actions=0) for seed in range(max(2, seeds))]
    same = all(is_same(series[0], games[0][0]) for series in games[1:])
    found.expect("seeds-differ", not same, f"the seeds 0 to {len(games) - 1} give one and the same game")
    same = all(is_same(series[1], series[0]) for series in games)
    found.expect("series-moves-on", not same, "reset() without a seed deals the seeded game once more")
    unseeded = []
    for _ in range(_UNSEEDED):
        fresh = player.env_fn()
        unseeded.append(player.series(fresh, None, 1, actions=0)[0])
        fresh.close()
    same = all(is_same(game, unseeded[0]) for game in unseeded[1:])
    found.expect("unseeded", not same, f"{_UNSEEDED} environments that were never seeded play one and the same game")


def _seed_globals(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002


def _globals() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()  # noqa: NPY002
