"""Every public entry of the rules called with garbage: a documented error, games that have not changed, never a crash.

`test_rules_abuse` runs this in a process of its own: `python rules_abuse.py LOG EXAMPLES PART`. What is about to be
called is written to the file LOG first, so that it is known even if the process dies.
"""

from __future__ import annotations

import faulthandler
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import chess
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rules_strategies import fuzz

from sandwich_env.errors import GameOverError
from sandwich_env.rules import (
    NO_ACTION,
    NUM_ACTIONS,
    Games,
    action_to_move,
    move_to_action,
    observation_shape,
)
from sandwich_env.rules.perft import perft

DOCUMENTED = (TypeError, ValueError, IndexError, GameOverError)
"""IllegalActionError and InvalidPositionError are among them: they are ValueErrors."""

MATED = "7k/6Q1/6K1/8/8/8/8/8 b - - 0 1"
N = 4
LOG: Path | None = None
log: BinaryIO | None = None
"""LOG, kept open and unbuffered: a file that is emptied and closed goes to the disk each time, for 4 ms a call."""
counts: Counter[str] = Counter()


def some_games() -> Games:
    """One at its start, one under way, one that is over, one with a promotion at hand."""
    games = Games(N, [chess.STARTING_FEN, chess.STARTING_FEN, MATED, "7k/P7/8/8/8/8/8/K7 w - - 149 90"], 60)
    for _ in range(5):
        games.step(np.where(np.arange(N) == 1, games.sample([3] * N), NO_ACTION))
    return games


def snapshot(games: Games) -> list[Any]:
    state = {name: entry.tobytes() for name, entry in games.state().items()}
    return [state, games.fens(), games.legal_mask().tobytes(), games.observe().tobytes(), games.termination.tobytes()]


def attempt(what: str, call: Callable[[], Any], *given_in: Any, games: Games | None = None) -> tuple[bool, Any]:
    """Call it; returns whether it succeeded, and what it returned. After an error no game may have changed."""
    if log is not None:
        log.seek(0)
        log.write(f"{what} with {describe(given_in)}".encode())
        log.truncate()
    before = None if games is None else snapshot(games)
    try:
        returned = call()
    except DOCUMENTED as refusal:
        counts[f"{what}: {type(refusal).__name__}"] += 1
        if not str(refusal) or (games is not None and snapshot(games) != before):
            raise AssertionError(f"{what} with {describe(given_in)} says nothing, or changed games") from refusal
        return False, None
    except BaseException as error:
        raise AssertionError(f"{what} with {describe(given_in)}: {error!r} is not documented") from error
    counts[f"{what}: done"] += 1
    return True, returned


def describe(arguments: tuple[Any, ...]) -> str:
    words = []
    for one in arguments:
        text = repr(one)[:600]
        if isinstance(one, np.ndarray):
            text = f"{type(one).__name__}{one.shape} {one.dtype.str} strides {one.strides} {text}"
        words.append(text)
    return ", ".join(words)


# --- Garbage ---

INTEGERS = (
    0,
    1,
    2,
    3,
    4,
    -1,
    -2,
    100,
    4671,
    4672,
    2**15,
    2**16,
    2**31,
    2**32 - 1,
    2**53,
    2**63 - 1,
    -(2**63),
    2**63,
    2**64 - 1,
    2**70,
)
FLOATS = (0.0, -0.0, 1.0, 1.5, -1.0, 1e300, float("nan"), float("inf"), float("-inf"))
DTYPES = tuple(
    "i1 i2 i4 i8 u1 u2 u4 u8 >i2 >i4 >i8 >u2 >u4 >u8 f2 f4 f8 >f8 c8 c16 ? S3 U3 O M8[s] m8[s] V8 q l p".split()  # noqa: SIM905
)
STRUCTURED = np.dtype([("a", "i4"), ("b", "i4")])

integers = st.sampled_from(INTEGERS) | st.integers(-2, NUM_ACTIONS)
scalars = (
    integers | st.sampled_from(FLOATS) | st.booleans() | st.none() | st.sampled_from(("", "a", "1", b"1", 1j, object()))
)


class Subclass(np.ndarray[Any, Any]):
    pass


class Deceiver:
    """Claims to be something that it is not."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        return np.array(["nonsense"] * N)

    def __len__(self) -> int:
        return N

    def __repr__(self) -> str:
        return "Deceiver()"


@st.composite
def arrays(draw: st.DrawFn, sizes: tuple[int, ...] = (0, 1, N - 1, N, N, N, N + 1)) -> NDArray[Any]:
    n = draw(st.sampled_from(sizes))
    shape = draw(st.sampled_from(((n,), (n,), (n,), (n,), (), (n, 1), (1, n), (n, 2), (0,), (0, 3), (n, 0))))
    dtype = draw(st.sampled_from(DTYPES).map(np.dtype) | st.just(STRUCTURED))
    size = int(np.prod(shape))
    values = draw(st.lists(integers, min_size=size, max_size=size))
    if dtype.kind in "iu":
        wrapped = [value % 2**64 for value in values]
        array = np.array(wrapped, dtype=np.uint64).astype(dtype).reshape(shape)
    elif dtype.kind == "f":
        array = np.array([FLOATS[value % len(FLOATS)] for value in values]).astype(dtype).reshape(shape)
    else:
        array = np.zeros(shape, dtype=dtype)
    return relaid(array, draw(st.sampled_from(LAYOUTS)))


LAYOUTS = ("plain",) * 6 + (
    "reversed",
    "strided",
    "read-only",
    "unaligned",
    "broadcast",
    "fortran",
    "matrix",
    "masked",
    "subclass",
)


def relaid(array: NDArray[Any], layout: str) -> NDArray[Any]:  # noqa: PLR0911 (one for each layout)
    """The same values in another layout, where it has one."""
    if layout == "reversed" and array.ndim:
        return np.ascontiguousarray(array[::-1])[::-1]
    if layout == "strided" and array.ndim:
        return np.repeat(array, 2, axis=0)[::2]
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    if layout == "unaligned" and array.dtype.kind not in "OV" and array.size:
        raw = np.zeros(array.nbytes + 1, dtype=np.uint8)[1:].view(array.dtype).reshape(array.shape)
        raw[...] = array
        return raw
    if layout == "broadcast" and array.ndim and array.size:
        return np.broadcast_to(array[:1], array.shape)
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "matrix" and array.ndim in (1, 2) and array.dtype.kind not in "OV":
        return np.asmatrix(array)
    if layout == "masked":
        return np.ma.masked_array(array)
    if layout == "subclass":
        return array.view(Subclass)
    return array


@st.composite
def nearly_right(draw: st.DrawFn) -> Any:
    """Legal actions, indices or seeds for `some_games`, but perhaps for one, in any integer dtype and layout."""
    games = some_games()
    kind = draw(st.sampled_from(("actions", "indices", "seeds", "mask")))
    if kind == "mask":
        return relaid(np.array(draw(st.lists(st.booleans(), min_size=N, max_size=N))), draw(st.sampled_from(LAYOUTS)))
    if kind == "actions":
        values = games.sample([draw(st.integers(0, 99))] * N).tolist()
    else:
        size = draw(st.integers(0, N)) if kind == "indices" else N
        values = draw(st.lists(st.integers(0, N - 1), min_size=size, max_size=size, unique=draw(st.booleans())))
    if values and draw(st.integers(0, 2)) == 0:
        values[draw(st.integers(0, len(values) - 1))] = draw(integers)
    dtype = np.dtype(draw(st.sampled_from([name for name in DTYPES if np.dtype(name).kind in "iu"])))
    bounds = np.iinfo(dtype)
    if not all(bounds.min <= value <= bounds.max for value in values) or draw(st.integers(0, 3)) == 0:
        return values
    return relaid(np.array(values, dtype=dtype), draw(st.sampled_from(LAYOUTS)))


sequences = st.lists(scalars, max_size=N + 1) | st.lists(integers, min_size=N, max_size=N)
junk = (
    nearly_right()
    | nearly_right()
    | nearly_right()
    | arrays()
    | sequences
    | scalars
    | st.sampled_from(
        (
            range(N),
            {},
            set(),
            (),
            "abcd",
            b"abcd",
            [[1, 2], [3]],
            [[1], 2, 3, 4],
            Deceiver(),
            Games,
            np.array(None),
            np.nan,
            slice(N),
        )
    )
)

FENS = (
    chess.STARTING_FEN,
    MATED,
    "",
    "nonsense",
    "8/8/8/8/8/8/8/8 w - - 0 1",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w HAha - 0 1",
)
starts = (
    st.none() | st.lists(st.sampled_from(FENS) | scalars, max_size=N + 1) | st.sampled_from(FENS) | scalars | arrays()
)
limits = (
    st.sampled_from((0, 1, 2, 60, 512, 20_000, 20_001))
    | scalars.filter(lambda one: one is None or not isinstance(one, int))
    | st.sampled_from((2**63, 2**70, -(2**63)))
)


def is_plain(given_in: Any) -> list[int] | None:
    """The integers in it, if it is plainly one integer for each game."""
    try:
        array = np.asarray(given_in)
    except ValueError:
        return None
    if array.dtype.kind not in "iu" or array.shape != (N,):
        return None
    return [int(value) for value in array.tolist()]


# --- The entries ---


def abuse_actions(given_in: Any) -> None:
    games = some_games()
    values = is_plain(given_in)
    done, legal = attempt("are_legal", lambda: games.are_legal(given_in), given_in, games=games)
    if done:
        mask = games.legal_mask()
        assert legal.dtype == np.bool_
        assert values is not None
        assert legal.tolist() == [0 <= v < NUM_ACTIONS and mask[i, v] == 1 for i, v in enumerate(values)], given_in
    fresh = games.copy()
    done, _ = attempt("step", lambda: games.step(given_in), given_in, games=games)
    if done:
        assert values is not None
        for i, value in enumerate(values):
            alone = fresh.select([i])
            assert value == NO_ACTION or alone.legal_mask()[0, value] == 1
            alone.step([value])
            assert snapshot(alone)[:1] == snapshot(games.select([i]))[:1], given_in


def abuse_seeds(given_in: Any) -> None:
    games = some_games()
    done, drawn = attempt("sample", lambda: games.sample(given_in), given_in, games=games)
    if done:
        values = is_plain(given_in)
        assert values is not None
        assert (drawn == games.sample(np.array(values, dtype=np.uint64))).all(), given_in


def abuse_indices(given_in: Any, fens: Any, k: int) -> None:
    games = some_games()
    done, chosen = attempt("select", lambda: games.select(given_in), given_in, games=games)
    if done:
        rows = np.asarray(given_in)
        rows = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.int64)
        assert chosen.fens() == [games.fens()[i] for i in rows]
    done, looked = attempt("look_at", lambda: games.look_at(given_in), given_in, games=games)
    if done:
        assert_all_equal(looked, chosen.look())
    buffers = np.ones((N, 8, 8, 111), dtype=np.bool_), np.ones((N, NUM_ACTIONS), dtype=np.int8)
    done, _ = attempt("show_at", lambda: games.show_at(given_in, *buffers), given_in, games=games)
    if done:
        assert_all_equal([buffer[rows] for buffer in buffers], looked)
    other = games.select([0] * k)
    attempt("assign", lambda: games.assign(given_in, other), given_in, other, games=games)
    attempt("assign of", lambda: games.assign([0], given_in), given_in, games=games)
    attempt("reset", lambda: games.reset(given_in), given_in, games=games)
    attempt("reset to", lambda: games.reset(given_in, fens), given_in, fens, games=games)
    attempt("board", lambda: games.board(given_in), given_in, games=games)
    attempt("played", lambda: games.played(given_in), given_in, games=games)
    assert_sane(games)


def assert_all_equal(some: Any, others: Any) -> None:
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


def assert_sane(games: Games) -> None:
    """The games can be played on and written down."""
    again = Games.from_state(games.state())
    assert snapshot(again) == snapshot(games)
    for _ in range(3):
        games.step(games.sample([1] * len(games)))


def abuse_views(history: Any, view: Any) -> None:
    games = some_games()
    done, seen = attempt("observe", lambda: games.observe(None, history, view), history, view, games=games)
    if done:
        assert seen.shape == (N, *observation_shape(history))
    attempt("observation_shape", lambda: observation_shape(history), history)
    attempt("observe_packed", lambda: games.observe_packed(None, history, view), history, view, games=games)
    buffer = np.zeros((N, 8, 8, 111), dtype=np.bool_)
    attempt("show", lambda: games.show(buffer, None, view), view, games=games)
    attempt("status", lambda: games.status(history), history, games=games)
    attempt("look_at, seen by", lambda: games.look_at([0], view, packed=history), history, view, games=games)
    attempt("show_at, seen by", lambda: games.show_at([0], buffer, history, view), history, view, games=games)


BUFFER_LAYOUTS = (
    "plain",
    "reversed",
    "strided",
    "read-only",
    "unaligned",
    "broadcast",
    "fortran",
    "subclass",
    "masked",
    "memmap",
)


def abuse_buffers(name: str, dtype: str, layout: str, change: int) -> None:
    """A buffer that is right but for one thing, or right."""
    games = some_games()
    method = getattr(games, name)
    fresh = method()
    right = fresh.dtype
    shape = [
        fresh.shape,
        (fresh.shape[0] + 1, *fresh.shape[1:]),
        fresh.shape[:-1],
        (*fresh.shape, 1),
        (fresh.size,),
        fresh.shape[::-1],
        (0,),
    ][change]
    chosen = right if dtype == "right" else np.dtype(dtype)
    if layout == "memmap":
        assert LOG is not None
        buffer: NDArray[Any] = np.memmap(LOG.with_suffix(".buffer"), dtype=right, mode="w+", shape=shape)
        chosen = right
    else:
        buffer = relaid(np.ones(shape, dtype=chosen), layout)
    surroundings = buffer.copy()
    played = games.copy()
    actions = [int(games.sample([1] * N)[0]), *[NO_ACTION] * (N - 1)]
    as_mask = name.startswith("legal_mask")
    both = (None, buffer) if as_mask else (buffer, None)
    done, _ = attempt("play", lambda: played.play(actions, *both), name, buffer, games=played)
    if done:
        games.step(actions)
        np.testing.assert_array_equal(buffer, method() if buffer.shape == fresh.shape else buffer)
        fresh = method()
    done, returned = attempt(name, lambda: method(buffer), buffer, games=games)
    if done:
        assert (chosen, buffer.shape) == (right, fresh.shape)
        assert returned is buffer
        np.testing.assert_array_equal(buffer, fresh)
    else:
        assert not (layout in ("plain", "memmap") and change == 0 and chosen == right), "refused, though it fits"
        np.testing.assert_array_equal(np.asarray(buffer), np.asarray(surroundings))


def abuse_constructors(given_in: tuple[Any, ...]) -> None:
    n, fens, max_plies, claim_draws, threads = given_in
    options = {"claim_draws": claim_draws, "threads": threads}
    done, games = attempt("Games", lambda: Games(n, fens, max_plies, **options), n, fens, max_plies, claim_draws)
    if done:
        assert len(games) == n
        assert_sane(games)
    done, games = attempt("from_fens", lambda: Games.from_fens(fens, max_plies, **options), fens, max_plies)
    if done:
        assert_sane(games)
    attempt("perft", lambda: perft(fens, n if isinstance(n, str) else 1), fens, n)
    attempt("perft to", lambda: perft(chess.STARTING_FEN, n if n not in range(5, 17) else 1), n)


def abuse_edges(given_in: Any, board: Any) -> None:
    attempt("action_to_move", lambda: action_to_move(given_in, board), given_in, board)
    attempt("move_to_action", lambda: move_to_action(given_in, board), given_in, board)


@st.composite
def damaged_states(draw: st.DrawFn) -> Any:
    """A state with one or two things wrong: an entry gone, replaced by garbage, cut off, or a few bits flipped."""
    state: dict[str, Any] = dict(some_games().state())
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(state) or ["gone"]))
        how = draw(st.sampled_from(("gone", "junk", "cut", "bits", "bits", "value", "dtype")))
        entry = state.get(name)
        if how == "gone":
            state.pop(name, None)
        elif how == "junk" or not isinstance(entry, np.ndarray):
            state[name] = draw(junk)
        elif how == "cut":
            state[name] = entry[..., : draw(st.integers(0, 3))] if entry.ndim else entry.reshape(1)
        elif how == "dtype":
            state[name] = (
                entry.astype(draw(st.sampled_from(("i8", "u8", ">u8", "f8", "O", "i1", "?"))), casting="unsafe")
                if entry.dtype.kind in "iub"
                else entry
            )
        elif entry.dtype.kind in "iu" and entry.size:
            flat = entry.flatten()
            value = draw(integers if how == "value" else st.integers(0, 15).map(lambda bit: 1 << bit))
            at = draw(st.integers(0, flat.size - 1))
            flat = flat.astype(np.int64)
            flat[at] = min(value, 2**63 - 1) if how == "value" else flat[at] ^ value
            state[name] = flat.reshape(entry.shape)
    return draw(st.sampled_from((state,) * 9 + (list(state), None)))


def abuse_states(state: Any) -> None:
    done, games = attempt("from_state", lambda: Games.from_state(state), state)
    if done:
        assert games.ply.tolist() == np.asarray(state["ply"]).tolist(), "other games than those in the state"
        for i in range(len(games)):
            assert games.played(i).tolist() == np.asarray(state["moves"])[i, : games.ply[i]].tolist()
        assert_sane(games)


@st.composite
def constructor_arguments(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of `Games` that are right, but for one at most."""
    given_in: list[Any] = [
        draw(st.sampled_from((0, 1, 3, np.int64(4), np.uint8(2)))),
        draw(st.sampled_from((None, [chess.STARTING_FEN], (MATED,), np.array([MATED])))),
        draw(st.sampled_from((1, 60, np.int16(512)))),
        draw(st.sampled_from((True, False, np.True_))),
        draw(st.sampled_from((1, 2, 3, np.int32(1024)))),
    ]
    wrong = draw(st.integers(-1, 4))
    if wrong >= 0:
        given_in[wrong] = draw((limits.filter(lambda n: n != 20_000), starts, limits, scalars, scalars)[wrong])
    return tuple(given_in)


moves = st.builds(
    chess.Move,
    st.integers(0, 63),
    st.integers(0, 63),
    st.sampled_from((None, *range(1, 7))),
    st.sampled_from((None, None, chess.PAWN)),
)
board_actions = st.sampled_from([move_to_action(move, chess.Board()) for move in chess.Board().legal_moves])
boards = st.sampled_from(
    (
        chess.Board(),
        chess.Board(),
        chess.Board(chess960=True),
        chess.BaseBoard(),
        chess.STARTING_FEN,
        None,
        chess.Board("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1"),
    )
)


def run(examples: int, part: int) -> None:
    views = st.sampled_from(("mover", "white", "black", "Mover", "")) | scalars | st.just([])
    buffers = [
        name for name in ("legal_mask", "observe", "observe_packed", "legal_mask_packed") if hasattr(Games, name)
    ]
    dtypes = st.sampled_from(("right",) * 4 + ("i1", "u1", "?", "i8", ">u8", "<u8", "f4"))
    layouts = st.sampled_from(("plain",) * 4 + BUFFER_LAYOUTS)
    for entry, arguments in (
        (abuse_actions, (junk,)),
        (abuse_seeds, (junk,)),
        (abuse_indices, (junk, starts, st.integers(0, N))),
        (abuse_views, (st.integers(-1, 10) | scalars, views)),
        (abuse_buffers, (st.sampled_from(buffers), dtypes, layouts, st.sampled_from((0,) * 6 + tuple(range(7))))),
        (abuse_constructors, (constructor_arguments(),)),
        (abuse_edges, (integers | scalars | moves | board_actions, boards)),
        (abuse_states, (damaged_states(),)),
    ):
        fuzz(examples, part=part)(given(*arguments)(entry))()


if __name__ == "__main__":
    faulthandler.enable()
    LOG = Path(sys.argv[1])
    with LOG.open("wb", buffering=0) as log:
        run(int(sys.argv[2]), int(sys.argv[3]))
    for line, number in sorted(counts.items()):
        print(f"{number:6} {line}")
