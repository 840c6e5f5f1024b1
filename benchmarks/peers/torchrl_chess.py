"""TorchRL's ChessEnv: one game at a time, its FEN and mask in every ply (it has no planes)."""

from __future__ import annotations

import torch
from serving import serve, version
from torchrl.envs import ChessEnv

PLIES = 20


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    env = ChessEnv(include_fen=True)
    seen = env.reset()

    def play() -> int:
        nonlocal seen
        for _ in range(PLIES):
            seen = env.rand_step(seen)["next"]
            if bool(seen["done"]):
                seen = env.reset()
        return PLIES

    play()
    serve(play, versions=[version("torchrl"), version("torch"), version("chess")], batch=1, sees="FEN, mask 29275")


if __name__ == "__main__":
    main()
