"""EnvPool's Chess-v1 (C++): a batch of games in one thread, both players' planes and the mask in every ply."""

from __future__ import annotations

import argparse

import envpool
import numpy as np
from serving import serve, version


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    batch = parser.parse_args().batch
    envs = envpool.make("Chess-v1", env_type="gymnasium", num_envs=batch, num_threads=1)
    rng, rows = np.random.default_rng(0), np.arange(batch)
    _, info = envs.reset()
    mask = info["legal_action_mask"]

    def play() -> int:
        nonlocal mask
        flat, counts = np.flatnonzero(mask), mask.sum(axis=1)
        first = np.cumsum(counts) - counts
        actions = flat[first + (rng.random(batch) * counts).astype(np.int64)] % mask.shape[1]
        info = envs.step(actions.astype(np.int32), rows)[-1]
        mask = info["legal_action_mask"]
        if not mask.any(axis=1).all():
            raise SystemExit("a game has no legal action: it was not dealt again")
        return batch

    play()
    serve(play, versions=[version("envpool")], batch=batch, sees="2 players x 8x8x119 float32, mask 4672")


if __name__ == "__main__":
    main()
