"""A game replayed by its actions alone, in a new process, by one who never looks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np

from sandwich_env.testing.driving import Drive, kind_of
from sandwich_env.testing.equality import digest
from sandwich_env.testing.findings import Findings
from sandwich_env.testing.named import NamedEnv

REPLAY_RULES = {
    "replay-works": "a game can be replayed by its actions alone, without a call of observe() or last()",
    "replay-same": "and comes to the same observations, rewards and ends, in a process with other hashes of strings",
}

_HASH_SEED = "4711"
_TIMEOUT = 600


def check_replay(
    name: str,
    options: dict[str, Any] | None = None,
    steps: int = 400,
    seed: int = 0,
    *,
    findings: Findings | None = None,
) -> Findings:
    """Play a masked game, and send its actions to the same environment in a new process.

    Nothing but the seed and the actions may decide a game: not what was looked at before, not what other games of the
    process left behind, not the order of a set of strings. The rules are those of `REPLAY_RULES`.

    Args:
        name: `module:callable` or a Gymnasium id: what the other process makes the environment from.
        options: keyword arguments of the environment, which JSON can hold.
        steps: leave the game after so many steps.
        seed: of the game and of the actions.
        findings: where to note broken rules; without it the first one raises.

    Returns:
        The findings.

    Raises:
        AssertionError: the first broken rule, unless `findings` collects them.
        RuntimeError: the other process died.
    """
    found = Findings(REPLAY_RULES) if findings is None else findings
    env = NamedEnv(name, options or {}).make()
    drive = Drive(env, seed)
    drive.reset(seed)
    drive.play(steps)
    env.close()
    actions, at = _live(drive)
    found.games += 1
    found.steps += len(actions)
    job = {"name": name, "options": options or {}, "seed": seed, "actions": actions}
    done = subprocess.run(
        [sys.executable, "-m", "sandwich_env.testing.replay"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT,
        env=os.environ | {"PYTHONHASHSEED": _HASH_SEED, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if done.returncode != 0:
        raise RuntimeError(f"the process that replays {name!r} died: {done.stderr.strip()[-400:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    if found.expect("replay-works", answer["error"] is None, f"{name}: {answer['error']}"):
        same = answer["digest"] == digest(drive.told[at])
        found.expect("replay-same", same, f"{name}: after {len(actions)} actions the new process is told other things")
    return found


def _live(drive: Drive) -> tuple[list[Any], int]:
    """The actions but for the steps of dead agents, and where it is told what came of the last of them."""
    acted = [(action, at) for action, at in drive.actions if action is not None]
    return [_encode(action) for action, _ in acted], acted[-1][1]


def _encode(action: Any) -> Any:
    if isinstance(action, dict):
        return {key: _encode(one) for key, one in action.items()}
    if isinstance(action, np.generic):  # a part of a Dict
        return action.item()
    return {"array": action.tolist(), "dtype": str(action.dtype)} if isinstance(action, np.ndarray) else action


def _decode(action: Any) -> Any:
    if isinstance(action, dict) and set(action) == {"array", "dtype"}:
        return np.array(action["array"], dtype=action["dtype"])
    return {key: _decode(one) for key, one in action.items()} if isinstance(action, dict) else action


def replay(job: dict[str, Any]) -> dict[str, Any]:
    """Make the environment of a job, take its actions, and tell what came of the last of them."""
    drive = Drive(NamedEnv(job["name"], job["options"]).make(), 0)
    env, kind = drive.env, kind_of(drive.env)
    told = env.reset(seed=job["seed"])
    for k, action in enumerate(job["actions"]):
        try:
            told = env.step(_decode(action))
        except Exception as error:  # whatever it is, it is the answer
            return {"error": f"step({action!r}), the action number {k}, raised {type(error).__name__}: {error}"}
    if kind == "aec":
        drive.told.clear()
        drive.look()
        told = drive.told[-1]
    elif kind == "parallel":
        told = (list(env.agents), *told)
    return {"error": None, "digest": digest(told)}


if __name__ == "__main__":
    print(json.dumps(replay(json.load(sys.stdin))))
