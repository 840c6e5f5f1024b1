"""A differential fuzz against python-chess: positions that hypothesis makes up, and games that seek what is rare.

The fast tests take the same path through fewer examples. How to draw other examples: `rules_strategies`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import chess
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rules_strategies import FUZZ_POSITIONS, STYLES, choose, fuzz, positions
from rules_twin import Twin, action_of

from sandwich_env.rules import Games, Termination

BATCH = 64
PLIES = 130
PARTS = 4
"""The million positions are compared in so many tests."""


def check_position(fen: str, claim_draws: bool, max_plies: int, seed: int, seen: Counter[str]) -> None:
    """A position, every move from it, and two random plies more."""
    games = Games(1, [fen], max_plies, claim_draws=claim_draws)
    twin = Twin([fen], max_plies, claim_draws)
    twin.compare(games)
    assert games.start_fens() == [fen]
    if games.finished[0]:
        seen.update(twin.seen)
        return
    fan = twin.fan_out()
    games = games.select([0] * len(fan.boards))
    games.step(fan.push({i: moves[i] for i, moves in enumerate(fan.moves)}))
    fan.compare(games, fens=False)
    rng = random.Random(seed)
    for _ in range(2):
        going = np.flatnonzero(~games.finished).tolist()
        games.step(fan.push({i: rng.choice(fan.moves[i]) for i in going}))
        fan.compare(games, planes=False, fens=False)
    fan.compare(games)
    seen.update(fan.seen)


Recipe = tuple[list[str], bool, int, int]

recipes = st.tuples(
    st.lists(positions(), max_size=BATCH // 2),
    st.booleans(),
    st.sampled_from((40, 100, 200, 512, 512)),
    st.integers(0, 2**32),
)


def check_games(recipe: Recipe, seen: Counter[str], batch: int = BATCH, plies: int = PLIES) -> None:
    """Games from the standard start and from others, ply for ply; those that are over begin again.

    Every other ply goes through `play`, and every other batch is stepped by two threads.
    """
    fens, claim_draws, max_plies, seed = recipe
    starts = [chess.STARTING_FEN] * (batch - len(fens)) + fens
    games = Games(batch, starts, max_plies, claim_draws=claim_draws, threads=1 + seed % 2)
    twin = Twin(starts, max_plies, claim_draws)
    rng = random.Random(seed)
    planes, mask = games.observe(history=1), games.legal_mask_packed()
    for ply in range(plies):
        twin.compare(games, planes=ply % 4 == 0, fens=ply % 8 == 0)
        over = games.finished
        if over.any():
            games.reset(over)
            twin.restart(np.flatnonzero(over).tolist())
        going = np.flatnonzero(~games.finished).tolist()
        moves = {i: choose(rng, STYLES[i % len(STYLES)], twin.boards[i], twin.moves[i]) for i in going}
        if ply % 2:
            games.step(twin.push(moves))
        else:
            games.play(twin.push(moves), planes, mask, view="white")
            np.testing.assert_array_equal(planes, games.observe(history=1, view="white"))
            np.testing.assert_array_equal(mask, games.legal_mask_packed())
    twin.compare(games)
    seen.update(twin.seen)


RARE = [
    *(reason.name for reason in Termination),
    *(f"promotion to {name}" for name in ("knight", "bishop", "rook", "queen")),
    *(f"castling to {square}" for square in ("c1", "g1", "c8", "g8")),
    *("en passant", "legal en passant", "phantom en passant", "capture", "check"),
]


def run(check: Callable[[Counter[str]], None], wanted: int, rare: list[str]) -> None:
    seen: Counter[str] = Counter()
    check(seen)
    print(f"{seen['positions']:,} positions compared: {dict(seen)}")
    assert seen["positions"] >= wanted
    assert not [name for name in rare if seen[name] < 3], "what is rare did not come up"


def fuzz_positions(seen: Counter[str], examples: int, part: int = 0) -> None:
    @fuzz(examples, part=part)
    @given(positions(), st.booleans(), st.sampled_from((1, 2, 3, 512)), st.integers(0, 2**32))
    def check(fen: str, claim_draws: bool, max_plies: int, seed: int) -> None:
        check_position(fen, claim_draws, max_plies, seed, seen)

    check()


def fuzz_games(seen: Counter[str], examples: int, part: int = 0) -> None:
    @fuzz(examples, shrink=False, part=part)
    @given(recipes)
    def check(recipe: Recipe) -> None:
        check_games(recipe, seen)

    check()


def test_positions_and_every_move_from_them() -> None:
    run(lambda seen: fuzz_positions(seen, 250), 5_000, [])


def test_games_that_seek_what_is_rare() -> None:
    run(lambda seen: fuzz_games(seen, 2), 10_000, [])


@pytest.mark.parametrize("claim_draws", [False, True])
def test_games_of_500_plies(claim_draws: bool) -> None:
    """Few random games get that far: these are chosen out of many and played again."""
    many = Games(200, max_plies=500, claim_draws=claim_draws)
    while not many.finished.all():
        many.step(many.sample(np.arange(200)))
    longest = np.flatnonzero(many.truncated)[:6].tolist()
    assert len(longest) == 6
    lines = [many.played(i).tolist() for i in longest]
    games = Games(6, max_plies=500, claim_draws=claim_draws)
    twin = Twin([chess.STARTING_FEN] * 6, 500, claim_draws)
    for ply in range(500):
        twin.compare(games, planes=ply % 8 == 0, fens=ply % 16 == 0)
        games.step(twin.push({i: move_of(line[ply], twin, i) for i, line in enumerate(lines)}))
    twin.compare(games)
    assert games.truncated.all()
    assert twin.seen["positions"] == 6 * 501


def move_of(action: int, twin: Twin, i: int) -> chess.Move:
    return next(move for move in twin.moves[i] if action_of(move, twin.boards[i].turn) == action)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_million_positions(part: int) -> None:
    """A tenth of them from positions that hypothesis makes up, the others from games. In parts, for all cores."""
    wanted = -(-FUZZ_POSITIONS // PARTS)

    def check(seen: Counter[str]) -> None:
        fuzz_positions(seen, wanted // 250, part)
        print(f"{seen['positions']:,} from positions")
        fuzz_games(seen, (wanted - seen["positions"]) // (BATCH * PLIES) + 1, part)

    run(check, wanted, RARE)
