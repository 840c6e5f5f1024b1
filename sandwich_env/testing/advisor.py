"""The contract of an advisor: what a user's own one is tested with."""

from __future__ import annotations

import copy
import json
import math
import multiprocessing
import pickle
from dataclasses import replace
from typing import Any

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE, Advice, Advisor, Asks, Query, VisibleAdvice, Wrapper
from sandwich_env.errors import AdviceError, SandwichError
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import NO_ACTION, NUM_ACTIONS, Games
from sandwich_env.specs import from_spec

_MATED = "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"
_SAY = 0.75
"""Share of the players in a `sample_query` who say something of themselves."""
_VISIBLE = {"move", "value", "available"}
_ASKS: tuple[Asks, ...] = ("both", "move", "value")


def check_advisor(
    advisor: Advisor, positions: int = 24, seed: int = 0, tolerance: float = 1e-4, *, in_process: bool = False
) -> None:
    """Ask an advisor about positions of random games, and hold its answers against the contract.

    - It answers each game alone as it does in any batch and at any place in it, and the same when it is asked again; it
      leaves the games as they are.
    - Shapes, dtypes and ranges are right and moves legal; a finished game gets no move.
    - Provenance says "tampered" with a name where an answer was changed; elsewhere the answer is the honest one.
    - What the player sees is a move, a value and whether each is given, the same whatever the truth behind it, and no
      part that was not asked for.
    - Read back from its spec, and from a pickle, as worker processes get it, it gives the same answers.
    - A wrapper gives the answers of the advisor inside it where one of its `dials` stands at the honest end.

    Args:
        advisor: what is tested.
        positions: how many positions to ask about.
        seed: of the positions and of the advisor's chances.
        tolerance: by how much a value or a logit may differ from batch to batch; moves may not.
        in_process: whether to ask it in a process started anew as well; that takes seconds.

    Raises:
        AssertionError: what was wrong, of which advisor, and in which position.
    """
    try:
        for asks in _ASKS:
            _check_asked(advisor, sample_query(positions, seed, asks), tolerance)
        query = sample_query(positions, seed)
        advice = advisor.advise(query)
        _check_copies(advisor, advice, query, tolerance)
        if in_process:
            _check_process(advisor, advice, query, tolerance)
    except AssertionError as error:
        raise AssertionError(f"{type(advisor).__name__}: {error}") from error
    except AdviceError as error:
        raise AssertionError(str(error)) from error  # it names the wrapper


def sample_query(positions: int, seed: int, asks: Asks = "both") -> Query:
    """A query about `positions` random games of every length, and one finished game at the end.

    It carries all that a query may: some players say what they would play, hope for and are rated, and some watch.
    """
    n = positions + 1
    games = Games.from_fens([*[chess.STARTING_FEN] * positions, _MATED])
    keys = np.broadcast_to(mix(np.arange(n), seed, "check_advisor"), n)
    lengths = np.append(3 * np.arange(positions), 0)
    for ply in range(int(lengths.max())):
        games.step(np.where(ply < lengths, games.sample(keys), NO_ACTION))
    rng = Streams(keys).child("said")
    count = lengths // 6
    return Query(
        games=games,
        keys=keys,
        count=count,
        asks=asks,
        in_parts=asks != "both",  # what lies in moves alone is asked for values too, and need not say that it is idle
        proposal=np.where(rng.random() < _SAY, games.sample(rng.seeds()), NO_ACTION),
        hope=np.where(rng.random() < _SAY, 2.0 * rng.random() - 1.0, np.nan).astype(np.float32),
        watched=rng.random() < _SAY,
        rating=np.where(rng.random() < _SAY, 400.0 + 2000.0 * rng.random(), np.nan),
        lies=rng.integers(np.minimum(count, 3) + 1),
    )


def _check_asked(advisor: Advisor, query: Query, tolerance: float) -> None:
    before = query.games.state()
    advice = advisor.advise(query)
    _check_unchanged(before, query)
    _check_shapes(advice, len(query))
    _check_answers(advice, query)
    _check_provenance(advice, query)
    _check_visible(advice, query)
    _check_batches(advisor, advice, query, tolerance)
    _check_dials(advisor, query, tolerance)


def _check_unchanged(before: dict[str, NDArray[Any]], query: Query) -> None:
    after = query.games.state()
    for key, value in before.items():
        assert np.array_equal(value, after[key]), f"asking the advisor changed the games: {key!r}"


def _check_shapes(advice: Advice, n: int) -> None:
    truth = advice.provenance
    wanted: tuple[tuple[str, Any, tuple[int, ...], type], ...] = (
        ("move", advice.move, (n,), np.int64),
        ("value", advice.value, (n,), np.float32),
        ("policy", advice.policy, (n, NUM_ACTIONS), np.float32),
        ("provenance.tampered", truth.tampered, (n,), np.bool_),
        ("provenance.by", truth.by, (n,), np.object_),
        ("provenance.honest_move", truth.honest_move, (n,), np.int64),
        ("provenance.honest_value", truth.honest_value, (n,), np.float32),
    )
    for name, array, shape, dtype in wanted:
        assert isinstance(array, np.ndarray), f"{name} is a {type(array).__name__}, not an array"
        assert array.shape == shape, f"{name} has the shape {array.shape}, not {shape}"
        assert array.dtype == dtype, f"{name} has the dtype {array.dtype}, not {np.dtype(dtype)}"


def _check_answers(advice: Advice, query: Query) -> None:
    over, fens = query.games.finished, query.games.fens()
    legal = query.games.legal_mask() == 1
    for i, fen in enumerate(fens):
        move = int(advice.move[i])
        if over[i]:
            assert move == NO_ACTION, f"the move {move} in a finished game, {fen!r}: it must be {NO_ACTION}"
            continue
        assert 0 <= move < NUM_ACTIONS, f"the move {move} in {fen!r}: it must be an action"
        assert legal[i, move], f"the move {move}, which is not legal, in {fen!r}"
        assert abs(advice.value[i]) <= 1, f"the value {advice.value[i]} in {fen!r}: it must lie between -1 and 1"
        stray = np.flatnonzero(np.isfinite(advice.policy[i]) & ~legal[i])
        assert len(stray) == 0, f"logits for actions {stray[:5].tolist()}, which are not legal, in {fen!r}"
    seen = advice.visible(query.asks)
    if query.asks == "value":
        assert (seen.move == NO_MOVE).all(), "a move is shown to who asked for a value only"
    if query.asks == "move":
        assert not seen.value.any(), "a value is shown to who asked for a move only"


def _check_provenance(advice: Advice, query: Query) -> None:
    truth = advice.provenance
    for i, fen in enumerate(query.games.fens()):
        if truth.tampered[i]:
            assert truth.by[i], f"tampered with, but provenance says by nobody, in {fen!r}"
            continue
        assert truth.by[i] == "", f"not tampered with, but provenance says by {truth.by[i]!r}, in {fen!r}"
        same = advice.move[i] == truth.honest_move[i] and advice.value[i] == truth.honest_value[i]
        assert same, (
            f"the answer ({advice.move[i]}, {advice.value[i]}) is not the honest ({truth.honest_move[i]}, "
            f"{truth.honest_value[i]}), but provenance says that nobody tampered with it, in {fen!r}"
        )


def _check_batches(advisor: Advisor, advice: Advice, query: Query, tolerance: float) -> None:
    n = len(query)
    fens = query.games.fens()
    _check_equal(advisor.advise(query), advice, "asked again", fens, tolerance)
    turned = np.arange(n)[::-1].copy()
    again = advisor.advise(query.select(turned))
    _check_equal(again, _advice_rows(advice, turned), "in another order", fens[::-1], tolerance)
    for i in range(n):
        row = np.array([i])
        alone = advisor.advise(query.select(row))
        _check_equal(alone, _advice_rows(advice, row), f"alone, game {i}", [fens[i]], tolerance)


def _check_copies(advisor: Advisor, advice: Advice, query: Query, tolerance: float) -> None:
    try:
        spec = json.loads(json.dumps(advisor.to_spec()))
        read = from_spec(spec, Advisor)
    except (SandwichError, TypeError, ValueError) as error:
        raise AssertionError(f"it cannot be written down as a spec and read back: {error}") from error
    assert read.to_spec() == spec, f"read back from its spec {spec!r}, its spec is {read.to_spec()!r}"
    _check_copy(read, advice, "read back from its spec", query, tolerance)
    try:
        unpickled = pickle.loads(pickle.dumps(advisor))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(f"it cannot be pickled for a worker process: {error}") from error
    _check_copy(unpickled, advice, "after a pickle", query, tolerance)


def _check_copy(copied: Advisor, advice: Advice, when: str, query: Query, tolerance: float) -> None:
    try:
        _check_equal(copied.advise(query), advice, when, query.games.fens(), tolerance)
    finally:
        if _has_engines(copied):
            copied.close()


def _has_engines(advisor: Advisor) -> bool:
    """Whether a copy has engines of its own, which closing it ends; networks and objects are shared."""
    return "'uci'" in repr(advisor.to_spec())


def _check_process(advisor: Advisor, advice: Advice, query: Query, tolerance: float) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(_advise, (advisor, query))
    _check_equal(there, advice, "in another process", query.games.fens(), tolerance)


def _advise(advisor: Advisor, query: Query) -> Advice:
    return advisor.advise(query)


def _check_visible(advice: Advice, query: Query) -> None:
    """What the player sees has no room for the truth, and does not depend on it."""
    seen = advice.visible(query.asks)
    assert type(seen) is VisibleAdvice, f"the player sees a {type(seen).__name__}, not a VisibleAdvice"
    assert set(vars(seen)) == _VISIBLE, f"the player sees {sorted(vars(seen))}, not {sorted(_VISIBLE)}"
    truth = advice.provenance
    other = replace(
        advice,
        policy=np.zeros_like(advice.policy),
        provenance=replace(
            truth,
            tampered=~truth.tampered,
            by=np.full(len(query), "somebody else", dtype=object),
            honest_move=truth.honest_move[::-1].copy(),
            honest_value=-truth.honest_value,
        ),
    )
    disguised = other.visible(query.asks)
    for name in sorted(_VISIBLE):
        one, two = getattr(seen, name), getattr(disguised, name)
        same = np.array_equal(one, two) and one.dtype == two.dtype
        assert same, f"the {name} that the player sees depends on the truth behind it: {one} and {two}"


def _advice_rows(advice: Advice, rows: NDArray[np.int64]) -> Advice:
    truth = advice.provenance
    return replace(
        advice,
        move=advice.move[rows],
        value=advice.value[rows],
        policy=advice.policy[rows],
        provenance=replace(
            truth,
            tampered=truth.tampered[rows],
            by=truth.by[rows],
            honest_move=truth.honest_move[rows],
            honest_value=truth.honest_value[rows],
        ),
    )


def _check_equal(given: Advice, right: Advice, when: str, fens: list[str], tolerance: float) -> None:
    pairs: tuple[tuple[str, Any, Any, bool], ...] = (
        ("move", given.move, right.move, True),
        ("value", given.value, right.value, False),
        ("policy", given.policy, right.policy, False),
        ("provenance.tampered", given.provenance.tampered, right.provenance.tampered, True),
        ("provenance.by", given.provenance.by, right.provenance.by, True),
        ("provenance.honest_move", given.provenance.honest_move, right.provenance.honest_move, True),
        ("provenance.honest_value", given.provenance.honest_value, right.provenance.honest_value, False),
    )
    for name, one, other, exact in pairs:
        assert np.shape(one) == np.shape(other), f"{when}, its {name} has the shape {np.shape(one)}"
        close = one == other if exact else np.isclose(one, other, rtol=0, atol=tolerance)
        close = close.reshape(len(fens), -1).all(axis=1)
        i = int(np.argmin(close))
        shown = "" if np.ndim(one) > 1 else f": {one[i]!r} here, {other[i]!r} there"
        assert close[i], f"{when}, the advisor gives another {name} than in the batch, in {fens[i]!r}{shown}"


def _check_dials(advisor: Advisor, query: Query, tolerance: float) -> None:
    if not isinstance(advisor, Wrapper):
        return
    for dial, (zero, _) in advisor.dials.items():
        if isinstance(getattr(advisor, dial, None), (int, float)) and math.isfinite(zero):
            honest = _turned(advisor, dial, zero)
            _check_honest(honest.advise(query), advisor.inner.advise(query), f"with {dial}={zero:g}", query, tolerance)


def _turned(advisor: Wrapper, dial: str, value: float) -> Advisor:
    """The same advisor with a dial elsewhere."""
    turned = copy.copy(advisor)
    setattr(turned, dial, value)
    if dial == "epsilon" and turned._share == advisor.epsilon:  # otherwise the kind draws its epsilon itself
        turned._share = value
    return turned


def _check_honest(given: Advice, inside: Advice, when: str, query: Query, tolerance: float) -> None:
    fens = query.games.fens()
    for name, exact in (("move", True), ("value", False)):
        one, other = getattr(given, name), getattr(inside, name)
        close = one == other if exact else np.isclose(one, other, rtol=0, atol=tolerance)
        i = int(np.argmin(close))
        assert close[i], f"{when} the {name} is {one[i]!r}, that of the advisor inside {other[i]!r}, in {fens[i]!r}"
    noted = int((given.provenance.tampered & ~inside.provenance.tampered).sum())
    if when == "with epsilon=0":
        assert noted == 0, f"{when} provenance says that {noted} answers were tampered with"
