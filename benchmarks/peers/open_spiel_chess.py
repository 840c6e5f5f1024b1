"""OpenSpiel's chess through its Python binding, as fast as that allows: observation written in place, mask from a list.

Its `legal_actions_mask()` and `observation_tensor()` return lists of Python numbers, which takes three times as long.
"""

from __future__ import annotations

import random

import numpy as np
import pyspiel
from open_spiel.python.observation import make_observation
from serving import serve, version

PLIES = 100


def main() -> None:
    game = pyspiel.load_game("chess")
    observation = make_observation(game)
    mask, rng = np.zeros(game.num_distinct_actions(), dtype=np.int8), random.Random(0)
    state = game.new_initial_state()

    def play() -> int:
        nonlocal state
        for _ in range(PLIES):
            if state.is_terminal():
                state = game.new_initial_state()
            actions = state.legal_actions()
            observation.set_from(state, state.current_player())
            mask[:] = 0
            mask[actions] = 1
            state.apply_action(actions[int(rng.random() * len(actions))])
        return PLIES

    play()
    serve(play, versions=[version("open_spiel")], batch=1, sees="20x8x8 float32, mask 4674")


if __name__ == "__main__":
    main()
