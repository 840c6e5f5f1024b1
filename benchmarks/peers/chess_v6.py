"""PettingZoo's chess_v6: its AEC environment, one game at a time, its planes and mask looked at in every ply."""

from __future__ import annotations

import random

import numpy as np
from pettingzoo.classic import chess_v6
from serving import serve, version

PLIES = 20


def main() -> None:
    env, rng = chess_v6.env(), random.Random(0)
    env.reset(seed=0)

    def play() -> int:
        plies = 0
        while plies < PLIES:
            seen, _, terminated, truncated, _ = env.last()
            if terminated or truncated:
                env.reset()
                continue
            legal = np.flatnonzero(seen["action_mask"])
            env.step(int(legal[int(rng.random() * len(legal))]))
            plies += 1
        return plies

    play()
    serve(play, versions=[version("pettingzoo"), version("chess")], batch=1, sees="8x8x111 bool, mask 4672")


if __name__ == "__main__":
    main()
