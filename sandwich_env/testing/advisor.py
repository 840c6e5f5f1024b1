"""The contract of an advisor: what a user's own one is tested with."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE, Advice, Advisor, Asks, Query, Wrapper
from sandwich_env.randomness import mix
from sandwich_env.rules import NO_ACTION, NUM_ACTIONS, Games

_MATED = "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"
_DIALS = ("epsilon", "scale")
_ASKS: tuple[Asks, ...] = ("both", "move", "value")


def check_advisor(advisor: Advisor, positions: int = 24, seed: int = 0, tolerance: float = 1e-4) -> None:
    """Ask an advisor about positions of random games, and hold its answers against the contract.

    It answers each game alone as it does in any batch and at any place in it, and the same when it is asked again; it
    leaves the games as they are; shapes, dtypes and ranges are right and moves legal; a finished game gets no move;
    provenance says "tampered" with a name where an answer was changed, and where it does not, the answer is the honest
    one; a part that was not asked for is not shown. An advisor with a dial (`epsilon` or `scale`) gives honest answers
    when the dial is at 0.

    Args:
        advisor: what is tested.
        positions: how many positions to ask about.
        seed: of the positions and of the advisor's chances.
        tolerance: by how much a value or a logit may differ from batch to batch; moves may not.

    Raises:
        AssertionError: what was wrong.
    """
    for asks in _ASKS:
        query = sample_query(positions, seed, asks)
        before = query.games.state()
        advice = advisor.advise(query)
        _check_unchanged(before, query)
        _check_shapes(advice, len(query))
        _check_answers(advice, query)
        _check_provenance(advice, query)
        _check_batches(advisor, advice, query, tolerance)
        _check_dials(advisor, query, tolerance)


def sample_query(positions: int, seed: int, asks: Asks = "both") -> Query:
    """A query about `positions` random games of every length, and one finished game at the end."""
    games = Games.from_fens([*[chess.STARTING_FEN] * positions, _MATED])
    keys = np.broadcast_to(mix(np.arange(positions + 1), seed, "check_advisor"), positions + 1)
    lengths = np.append(3 * np.arange(positions), 0)
    for ply in range(int(lengths.max())):
        games.step(np.where(ply < lengths, games.sample(keys), NO_ACTION))
    return Query(games=games, keys=keys, count=lengths // 6, asks=asks)


def _rows(query: Query, rows: NDArray[np.int64]) -> Query:
    return replace(query, games=query.games.select(rows), keys=query.keys[rows], count=query.count[rows])


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
    _check_equal(advisor.advise(query), advice, "asked again", tolerance)
    turned = np.arange(n)[::-1].copy()
    _check_equal(advisor.advise(_rows(query, turned)), _advice_rows(advice, turned), "in another order", tolerance)
    for i in range(n):
        row = np.array([i])
        _check_equal(advisor.advise(_rows(query, row)), _advice_rows(advice, row), f"alone, game {i}", tolerance)


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


def _check_equal(given: Advice, right: Advice, when: str, tolerance: float) -> None:
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
        close = np.array_equal(one, other) if exact else np.allclose(one, other, rtol=0, atol=tolerance)
        assert close, f"{when}, the advisor gives another {name} than in the batch: {one} here, {other} there"


def _check_dials(advisor: Advisor, query: Query, tolerance: float) -> None:
    for dial in _DIALS:
        if not isinstance(getattr(advisor, dial, None), (int, float)):
            continue
        honest = copy.copy(advisor)
        setattr(honest, dial, 0.0)
        if isinstance(honest, Wrapper) and dial == "epsilon":
            honest._share = 0.0
        advice = honest.advise(query)
        inner = getattr(honest, "inner", None)
        right = None if inner is None else inner.advise(query)
        moves = advice.provenance.honest_move if right is None else right.move
        values = advice.provenance.honest_value if right is None else right.value
        assert np.array_equal(advice.move, moves), f"with {dial}=0 the moves are {advice.move}, honest ones {moves}"
        close = np.allclose(advice.value, values, rtol=0, atol=tolerance)
        assert close, f"with {dial}=0 the values are {advice.value}, honest ones {values}"
        tampered = int((advice.provenance.tampered & ~_tampered(right)).sum())
        if dial == "epsilon":
            assert tampered == 0, f"with epsilon=0 provenance says that {tampered} answers were tampered with"


def _tampered(advice: Advice | None) -> Any:
    return False if advice is None else advice.provenance.tampered
