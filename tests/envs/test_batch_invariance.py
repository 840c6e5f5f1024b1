"""The same seed gives the same games: alone, among a thousand, on two threads, and through the environments."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import chess
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from sandwich_env.envs.single import ChessEnv
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.randomness import mix
from sandwich_env.rules import Games

MANY = 1024
SOME = (0, 1, 2, 63, 64, 511, 512, 1000, 1023)
START = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1"
THREADS = [{"threads": 1}, {"threads": 2}]


def digests(games: Games, rows: NDArray[np.int64], steps: int) -> Iterator[list[bytes]]:
    """Play with auto-reset; at each step, a digest of all that is seen of each game and of what is drawn for it."""
    seeds = mix("batch", rows)
    for step in range(steps):
        over = games.finished
        if over.any():
            games.reset(over)
        actions = games.sample(seeds)
        seen: list[NDArray[Any]] = [
            actions,
            games.observe(),
            games.legal_mask(),
            games.observe(history=1, view="black"),
        ]
        seen += [games.observe_packed(), games.legal_mask_packed()]
        seen += [games.ply, games.termination, games.repetitions, games.halfmove_clock, games.outcome, games.turn]
        if step % 3 == 2:  # some games wait
            actions = np.where((rows + step) % 5 == 0, -1, actions)
        games.step(actions)
        yield [
            hashlib.blake2b(b"".join(part[i].tobytes() for part in seen), digest_size=8).digest()
            for i in range(len(games))
        ]


def start_games(n: int, first: int = 0, **options: Any) -> Games:
    """Games `first` to `first + n` of a batch in which every other one starts from the second start."""
    fens = [(chess.STARTING_FEN, START)[(first + i) % 2] for i in range(n)]
    return Games(n, fens, max_plies=45, **options)


def entries(state: dict[str, NDArray[Any]], i: int) -> list[bytes]:
    """What the state says of game i, whatever the longest game of its batch."""
    ply = int(state["ply"][i])
    return [str(state["starts"][i]).encode(), state["ply"][i].tobytes(), state["moves"][i, :ply].tobytes()]


@pytest.mark.parametrize("options", THREADS, ids=str)
def test_a_game_among_a_thousand_is_the_game_alone(options: dict[str, int]) -> None:
    steps = 70
    batch = start_games(MANY, **options)
    together = list(digests(batch, np.arange(MANY), steps))
    for i in SOME:
        single = start_games(1, first=i, **options)
        alone = list(digests(single, np.array([i]), steps))
        for step, (one, all_of_them) in enumerate(zip(alone, together, strict=True)):
            assert one == [all_of_them[i]], f"game {i} differs at step {step}"
        assert entries(single.state(), 0) == entries(batch.state(), i)
        assert single.fens() == [batch.fens()[i]]
    assert len(set(together[5])) > MANY // 2, "games of different seeds differ"


@pytest.mark.parametrize("options", THREADS[1:], ids=str)
@pytest.mark.parametrize("n", [1, 2, 3, 63, 65, MANY])
def test_threads_do_not_change_the_games(options: dict[str, int], n: int) -> None:
    one, several = start_games(n), start_games(n, **options)
    rows = np.arange(n)
    for step, (first, second) in enumerate(zip(digests(one, rows, 60), digests(several, rows, 60), strict=True)):
        assert first == second, f"step {step}"
    states = one.state(), several.state()
    assert {k: v.tobytes() for k, v in states[0].items()} == {k: v.tobytes() for k, v in states[1].items()}


def test_a_batch_split_in_two_and_put_together_again_plays_on_alike() -> None:
    whole = start_games(64)
    rows = np.arange(64)
    list(digests(whole, rows, 40))
    left, right = whole.select(rows[:20]), whole.select(rows[20:])
    again = Games.from_state(whole.state())
    expected = list(digests(whole, rows, 60))
    assert list(digests(again, rows, 60)) == expected
    parts = zip(digests(left, rows[:20], 60), digests(right, rows[20:], 60), strict=True)
    assert [a + b for a, b in parts] == expected


# --- Through the environments ---

OPTIONS: dict[str, Any] = {"max_plies": 40, "opponent": "random"}


def pick(mask: NDArray[np.int8], step: int, i: int) -> int:
    """A legal action that depends on nothing but the game and the step."""
    legal = np.flatnonzero(mask)
    return int(legal[int(mix(step, i)[0]) % len(legal)]) if len(legal) else 0


@pytest.mark.parametrize("n", [1, MANY])
def test_the_vector_environment_plays_the_single_ones(n: int) -> None:
    steps = 50 if n == MANY else 120
    rows = [i for i in SOME if i < n]
    vector = ChessVectorEnv(n, autoreset_mode=AutoresetMode.SAME_STEP, **OPTIONS)
    singles = [ChessEnv(**OPTIONS) for _ in rows]
    seen, _ = vector.reset(seed=7)
    alone = [env.reset(seed=7 + i)[0] for i, env in zip(rows, singles, strict=True)]
    ended = 0
    for step in range(steps):
        for i, one in zip(rows, alone, strict=True):
            for key, value in one.items():
                np.testing.assert_array_equal(seen[key][i], value, err_msg=f"{key} of game {i} at step {step}")
        masks = seen["action_mask"]
        actions = np.array([pick(masks[i], step, i) for i in range(n)])
        seen, rewards, terminated, truncated, _ = vector.step(actions)
        for k, (i, env) in enumerate(zip(rows, singles, strict=True)):
            alone[k], reward, *over, _ = env.step(int(actions[i]))
            assert rewards[i] == reward
            assert [terminated[i], truncated[i]] == over
            if any(over):
                ended += 1
                alone[k], _ = env.reset()
    assert ended >= len(rows)
    vector.close()
    for env in singles:
        env.close()
