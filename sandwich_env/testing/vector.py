"""The contract of a vector environment: N single environments, step for step, in every autoreset mode."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Protocol

import numpy as np
from gymnasium import Env, spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from sandwich_env.testing.findings import Findings, Halt
from sandwich_env.testing.vector_twins import Twins

VECTOR_RULES = {
    "works": "reset() and step() with legal actions raise nothing",
    "mode": "metadata['autoreset_mode'] is the mode that the environment was made in",
    "spaces": "the spaces of a single game are those of a single environment",
    "batched-spaces": "the spaces are the single ones, batched for num_envs games",
    "observation-space": "observations are in the observation space",
    "types": "rewards are N floats, terminations and truncations N bools, infos a dict",
    "observations": "observations are those of N single environments, to the bit",
    "rewards": "so are rewards",
    "terminations": "so are terminations",
    "truncations": "so are truncations",
    "infos": "so are infos: an array and a mask for each key",
    "info-masks": "each key of infos has an array of N rows and, with a '_' before its name, a mask of N bools",
    "final": "final_obs and final_info are there for the games that have just ended, in SAME_STEP only",
    "next-step": "in NEXT_STEP, the step that deals a game again pays it nothing and does not end it",
    "disabled": "in DISABLED, a step of games of which one has ended is refused",
    "reset-mask": "options={'reset_mask': ...} resets those games and leaves the others alone",
    "reset-mask-refused": "a reset mask that is empty, too short, or no boolean array is refused",
    "options-kept": "the options that are passed to reset() are not changed",
    "seed-list": "reset(seed=[...]) seeds each game by itself, and one for which the list says None goes on",
    "seed-list-refused": "a list of seeds of the wrong length is refused",
    "actions-refused": "actions of a wrong number, type or range are refused",
    "refused-harmless": "a call that was refused has changed nothing in any game",
    "aliasing": "what earlier calls returned does not change, and shares no memory with what is returned now",
    "ends": "enough games end to test what happens then",
    "close": "close() can be called twice",
}

_ENDS = 2


class MakeVector(Protocol):
    """Makes the vector environment in an autoreset mode."""

    def __call__(self, *, autoreset_mode: AutoresetMode) -> VectorEnv[Any, Any, Any]: ...


def check_vector_env(
    make_vec_fn: MakeVector,
    make_single_fn: Callable[[], Env[Any, Any]] | None = None,
    steps: int = 150,
    seed: int = 0,
    check_aliasing: bool = True,
    *,
    waive: Collection[str] = (),
    findings: Findings | None = None,
) -> Findings:
    """Hold a vector environment against as many single ones, through random legal games, in all autoreset modes.

    Game i of a vector environment reset with the seed s has to be the single environment reset with s + i, step for
    step, through every automatic reset. The rules are those of `VECTOR_RULES`. Actions are drawn from the
    `action_mask` of the observations or infos, where there is one.

    Args:
        make_vec_fn: makes the vector environment, in the mode that it is given as `autoreset_mode`.
        make_single_fn: makes a single environment with the same arguments; None leaves the comparisons out.
        steps: how many steps to take in each mode; enough for games to end.
        seed: of the games and of the actions.
        check_aliasing: whether arrays must be new at every call; not so for one made with `copy=False`.
        waive: rules that the environment is known to break, which are not looked at.
        findings: where to note broken rules; without it the first one raises.

    Returns:
        The findings, with the numbers of games and steps.

    Raises:
        AssertionError: the first broken rule, in which mode and at which step, unless `findings` collects them.
    """
    found = Findings(VECTOR_RULES, waive=waive) if findings is None else findings
    for mode in AutoresetMode:
        vec = make_vec_fn(autoreset_mode=mode)
        singles = [] if make_single_fn is None else [make_single_fn() for _ in range(vec.num_envs)]
        twins = Twins(vec, singles, mode, found, seed=seed, check_aliasing=check_aliasing)
        try:
            _check_mode(twins, steps, seed)
        except Halt:
            continue
        finally:
            _close(twins)
    return found


def _check_mode(twins: Twins, steps: int, seed: int) -> None:
    found, mode = twins.found, twins.mode
    _check_spaces(twins)
    twins.reset(seed, f"{mode.name}, reset(seed={seed})")
    for t in range(steps):
        twins.step(f"{mode.name}, step {t}")
        if mode is AutoresetMode.DISABLED and twins.ended.any():
            twins.reset_some(twins.ended.copy(), f"{mode.name}, step {t}, reset_mask")
    found.games += twins.ends
    found.steps += steps * twins.n
    found.expect(
        "ends", twins.ends >= _ENDS, f"{mode.name}: {twins.ends} games ended in {steps} steps, too few to test resets"
    )
    for probe in (_probe_reset_mask, _probe_seed_lists, _probe_actions, _probe_disabled):
        probe(twins, seed)


def _check_spaces(twins: Twins) -> None:
    vec, found = twins.vec, twins.found
    given = vec.metadata.get("autoreset_mode")
    found.expect("mode", given is twins.mode, f"metadata says {given!r}, made for {twins.mode!r}")
    for name in ("observation_space", "action_space"):
        single = getattr(vec, f"single_{name}")
        right = single == getattr(twins.singles[0], name) if twins.singles else isinstance(single, spaces.Space)
        found.expect("spaces", right, f"single_{name} is {single}, that of a single environment is another")
        batched = getattr(vec, name) == batch_space(single, twins.n)
        found.expect("batched-spaces", batched, f"{name} is not single_{name} batched for {twins.n} games")


def _harmless(twins: Twins, seed: int, what: str) -> None:
    """Both sides go on as if nothing had been; then they start again, so that a fault is seen once."""
    if twins.singles:
        twins.speaks = "refused-harmless"
        try:
            twins.step(f"{twins.mode.name}, the step after {what}")
        finally:
            twins.speaks = None
    twins.reset(seed, f"{twins.mode.name}, reset(seed={seed}) after {what}")


def _probe_reset_mask(twins: Twins, seed: int) -> None:
    found, vec, name = twins.found, twins.vec, twins.mode.name
    mask = np.arange(twins.n) % 2 == 0
    for chosen, number in ((mask, None), (~mask, seed + 99)):
        if not chosen.any():
            continue
        twins.speaks = "reset-mask"
        twins.reset_some(chosen, f"{name}, reset_mask {chosen}, seed {number}", seed=number)
        twins.step(f"{name}, the step after reset_mask {chosen}")
        twins.speaks = None
        twins.reset(seed, f"{name}, reset(seed={seed}) after a reset mask")
    none = np.zeros(twins.n, dtype=np.bool_)
    for wrong in (none, np.append(mask, True), mask.astype(np.int64), mask.tolist()):
        where = f"{name}, the reset mask {wrong!r}"
        found.refused("reset-mask-refused", partial(vec.reset, options={"reset_mask": wrong}), where)
    _harmless(twins, seed, "malformed reset masks")


def _probe_seed_lists(twins: Twins, seed: int) -> None:
    found, vec, name = twins.found, twins.vec, twins.mode.name
    twins.speaks = "seed-list"
    for seeds in ([seed + 7 * i + 3 for i in range(twins.n)], [None if i % 2 else seed + i for i in range(twins.n)]):
        twins.reset(list(seeds), f"{name}, reset(seed={seeds})")
        twins.step(f"{name}, the step after reset(seed={seeds})")
    twins.speaks = None
    twins.reset(seed, f"{name}, reset(seed={seed}) after lists of seeds")
    for length in (twins.n + 1, twins.n - 1):
        wrong: Any = [seed] * length
        found.refused("seed-list-refused", partial(vec.reset, seed=wrong), f"{name}, the seeds {wrong}")
    _harmless(twins, seed, "lists of seeds of a wrong length")


def _probe_actions(twins: Twins, seed: int) -> None:
    found, vec, space = twins.found, twins.vec, twins.vec.single_action_space
    if not isinstance(space, spaces.Discrete):
        return
    right = twins.actions()
    high, low = right.copy(), right.copy()
    high[-1], low[-1] = space.start + space.n, space.start - 1
    wrongs = {"too few": right[:-1], "too many": np.append(right, right[:1]), "a column of them": right[:, None]}
    wrongs |= {"fractions": right + 0.5, "one too high": high, "one too low": low, "words": np.array(["a"] * twins.n)}
    for what, wrong in wrongs.items():
        where = f"{twins.mode.name}, {what}, {wrong.tolist()}, as actions"
        found.refused("actions-refused", partial(vec.step, wrong), where)
        _harmless(twins, seed, f"{what} as actions")


def _probe_disabled(twins: Twins, seed: int) -> None:
    """Step on though a game has ended."""
    if twins.mode is not AutoresetMode.DISABLED or not twins.ends:
        return
    for t in range(_PATIENCE):
        if twins.ended.any():
            break
        twins.step(f"DISABLED, step {t} to an end")
    else:
        return
    found, ended, actions = twins.found, twins.ended.copy(), twins.actions()
    found.refused("disabled", lambda: twins.vec.step(actions), f"DISABLED, a step though games {ended} have ended")
    twins.speaks = "refused-harmless"
    twins.reset_some(ended, "DISABLED, reset_mask after a step of ended games")
    twins.speaks = None
    _harmless(twins, seed, "a step of games that have ended")


_PATIENCE = 10_000
"""After how many steps no game is expected to end any more."""


def _close(twins: Twins) -> None:
    for single in twins.singles:
        single.close()
    try:
        twins.found.attempt("close", twins.vec.close, "close()")
        twins.found.attempt("close", twins.vec.close, "close(), a second time,")
    except Halt:
        return
