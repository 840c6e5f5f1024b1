"""Pgx's chess, compiled by JAX for the CPU: a batch of games, planes and mask in every ply."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import pgx
from pgx.experimental import auto_reset
from serving import serve, version

COMPILED = Path(__file__).parent.parent / ".peers" / "jax_compiled"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    batch = parser.parse_args().batch
    jax.config.update("jax_compilation_cache_dir", str(COMPILED))
    env = pgx.make("chess")
    step = jax.vmap(auto_reset(env.step, env.init))

    @jax.jit
    def ply(state: pgx.State, key: jax.Array) -> tuple[pgx.State, jax.Array]:
        key, draws, deals = jax.random.split(key, 3)
        logits = jnp.where(state.legal_action_mask, 0.0, -jnp.inf)
        actions = jax.random.categorical(draws, logits, axis=-1)
        return step(state, actions, jax.random.split(deals, batch)), key

    state = jax.jit(jax.vmap(env.init))(jax.random.split(jax.random.PRNGKey(0), batch))
    key = jax.random.PRNGKey(1)

    def play() -> int:
        nonlocal state, key
        state, key = jax.block_until_ready(ply(state, key))
        return batch

    play()
    serve(play, versions=[version("pgx"), version("jax")], batch=batch, sees="8x8x119 float32, mask 4672")


if __name__ == "__main__":
    main()
