"""Two of PettingZoo's tutorials: the loop over agents, and one stable-baselines3 learner for both sides.

    pip install 'sandwich_env[train,sb3]'
    python examples/pettingzoo_tutorial.py
    python examples/pettingzoo_tutorial.py --resume --steps 400000    # goes on with the model in --out
    PYTHONPATH=examples sandwich match --first pettingzoo_tutorial:Learnt:model=runs/pettingzoo/h.zip --second random
    tensorboard --logdir runs/pettingzoo

After https://pettingzoo.farama.org/content/basic_usage/ and "SB3: Action Masked PPO" there, which adds up the reward of
the player who moved and the value of the one who moves next as if they were one. Here what the other player may
expect after a move counts negatively, by a discount below 0.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import gymnasium as gym
import numpy as np
from pettingzoo.utils import BaseWrapper

from sandwich_env import cli, layouts, sandwich_chess_v0
from sandwich_env.advisors.base import NO_MOVE, VisibleAdvice
from sandwich_env.errors import needs_extra
from sandwich_env.experiments.naming import make_advisor, make_expert
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games

with needs_extra("train,sb3"):
    import tyro
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.callbacks import CheckpointCallback
    from tqdm import trange

LAYOUT = layouts.Stack([layouts.ChannelsFirst(history=1), layouts.AdvicePlanes()])
"""Leaves what PettingZoo's classic games show: `observation` and `action_mask`, with the advice among the planes."""


@dataclass(frozen=True)
class Args:
    out: Path = Path("runs/pettingzoo")  # TensorBoard logs, checkpoints, and the model as h.zip
    advisor: str = "random_move:epsilon=0.5"  # who tells both players; behind it is the shipped E
    material: str = "KQQvK"  # at the start
    steps: int = 200_000  # plies, those before --resume included
    games: int = 200  # in an evaluation
    seed: int = 0
    resume: bool = False
    small: bool = False  # one update and a few games: says in seconds whether it works


def make_env(args: Args):
    advisor, starts = make_advisor(args.advisor, make_expert("expert")), {"kind": "endgame", "material": args.material}
    return layouts.wrap(sandwich_chess_v0.env(advisor=advisor, starts=starts, max_plies=40), LAYOUT)


class OneLearner(BaseWrapper, gym.Env):
    """A PettingZoo environment as one of Gymnasium's, whose learner plays for every agent in turn."""

    def __init__(self, env) -> None:
        super().__init__(env)
        agent = env.possible_agents[0]
        self.observation_space = env.observation_space(agent)["observation"]
        self.action_space = env.action_space(agent)

    def reset(self, seed=None, options=None):
        super().reset(seed, options)
        return self._look(), {}

    def step(self, action):
        mover = self.env.agent_selection
        super().step(int(action))
        return self._look(), self.env.rewards[mover], self.env.terminations[mover], self.env.truncations[mover], {}

    def action_masks(self) -> np.ndarray:
        """Where sb3-contrib looks for the mask; PettingZoo has it in the observation."""
        return self.seen["action_mask"].astype(bool)

    def _look(self) -> np.ndarray:
        self.seen = self.env.observe(self.env.agent_selection)
        return self.seen["observation"]


def play(env, model: MaskablePPO | None, games: int, seed: int) -> float:
    """The loop over agents: the mean reward of who begins (the model, or at random) against one who plays at random."""
    rewards = []
    for game in trange(games, desc="playing", leave=False):
        env.reset(seed=seed + game)
        learner = env.agent_selection
        for agent in env.agent_iter():
            seen, _, terminated, truncated, _ = env.last()
            if terminated or truncated:
                action = None
                rewards += [env.rewards[learner]] if agent == learner else []
            elif model is not None and agent == learner:
                chosen, _ = model.predict(seen["observation"], action_masks=seen["action_mask"], deterministic=True)
                action = int(chosen)
            else:
                action = env.unwrapped.sample_action(seed=seed + game)
            env.step(action)
    return float(np.mean(rewards))


class Learnt(Player):
    """What was learnt as a player of this package, for `sandwich match` and everything else that takes one."""

    def __init__(self, model: str) -> None:
        self.model = model
        self._ppo = MaskablePPO.load(model)

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> np.ndarray:
        count, mask = len(games), games.legal_mask()
        seen = {"observation": games.observe(), "action_mask": mask}
        if advice is None:
            nothing = {"move": np.full(count, NO_MOVE), "value": np.zeros(count, np.float32)}
            advice = VisibleAdvice(**nothing, available=np.zeros((count, 2), np.int8))
        seen |= {"advice_move": advice.move, "advice_value": advice.value, "advice_available": advice.available}
        actions, _ = self._ppo.predict(LAYOUT(seen)["observation"], action_masks=mask, deterministic=True)
        return np.where(mask.any(axis=1), actions, -1)


def main(args: Args) -> None:
    if args.small:
        args = replace(args, steps=128, games=2)
    env, learner = make_env(args), OneLearner(make_env(args))
    if args.resume:
        saved = max((args.out / "checkpoints").glob("h_*.zip"), key=lambda path: int(path.stem.split("_")[1]))
        model = MaskablePPO.load(saved, env=learner)
    else:
        model = MaskablePPO(
            "MlpPolicy", learner, gamma=-0.98, n_steps=min(2048, args.steps), batch_size=128, n_epochs=4,
            policy_kwargs={"net_arch": [256, 256]}, tensorboard_log=str(args.out), seed=args.seed,
        )  # fmt: skip
    print(f"two players at random: {play(env, None, args.games, 10**6):+.3f} for the one who begins")
    done, began = model.num_timesteps, time.perf_counter()
    saving = CheckpointCallback(min(8192, args.steps), str(args.out / "checkpoints"), name_prefix="h")
    model.learn(args.steps - done, saving, tb_log_name="ppo", reset_num_timesteps=not args.resume, progress_bar=True)
    print(f"{(model.num_timesteps - done) / (time.perf_counter() - began):.0f} plies/s")
    print(f"the learner against one at random: {play(env, model, args.games, 10**6):+.3f}")
    model.save(args.out / "h.zip")
    learnt, pairs = f"pettingzoo_tutorial:Learnt:model={args.out / 'h.zip'}", "1" if args.small else "10"
    cli.run(["match", "--first", learnt, "--second", "random", "--pairs", pairs])


if __name__ == "__main__":
    main(tyro.cli(Args))
