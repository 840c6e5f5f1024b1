"""A batch of questions that engines share: order, late answers, errors."""

from __future__ import annotations

import asyncio

import chess
import pytest

from sandwich_env.errors import EngineError
from sandwich_env.experts.engine import Found
from sandwich_env.experts.engine_batch import LATE, LATE_FLOOR_S, Batch, Pace
from sandwich_env.experts.engine_questions import about_board

SOON = 0.01


def found(move: str) -> Found:
    return Found(chess.Move.from_uci(move), (), False)


def batch(count: int) -> Batch:
    return Batch([lambda: about_board(chess.Board())] * count)


def test_answers_come_in_the_order_of_the_questions() -> None:
    async def play() -> None:
        some = batch(3)
        assert [some.take(), some.take(), some.take(), some.take()] == [[0], [1], [2], []]
        for at, move in ((2, "c2c4"), (0, "a2a4"), (1, "b2b4")):
            assert not some.done.done()
            some.put(at, found(move))
        assert [one.best.uci() for one in await some.done] == ["a2a4", "b2b4", "c2c4"]
        assert not await some.has_more(lambda: None)

    asyncio.run(play())


def test_engines_take_fewer_the_fewer_are_left() -> None:
    async def play() -> None:
        some, taken = batch(100), []
        while more := some.take(engines=2):
            taken.append(more)
        assert [at for more in taken for at in more] == list(range(100))
        sizes = [len(more) for more in taken]
        assert sizes[0] == 12
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-8:] == [1] * 8
        assert len(batch(1000).take()) == 16

    asyncio.run(play())


def test_a_late_answer_is_asked_for_once_more_and_the_first_to_come_counts() -> None:
    async def play() -> None:
        some = batch(2)
        assert some.take() + some.take() == [0, 1]
        some.put(1, found("b2b4"))
        assert await asyncio.wait_for(some.has_more(lambda: SOON), 5)
        assert some.take() == [0]
        again = asyncio.ensure_future(some.has_more(lambda: SOON))
        await asyncio.sleep(10 * SOON)
        assert not again.done()  # two have it: nobody else is asked
        some.put(0, found("a2a4"))
        some.put(0, found("h2h4"))
        assert [one.best.uci() for one in await some.done] == ["a2a4", "b2b4"]
        assert not await again

    asyncio.run(play())


def test_before_the_first_answer_nothing_is_late() -> None:
    async def play() -> None:
        some = batch(1)
        some.take()
        waiting = asyncio.ensure_future(some.has_more(Pace().overdue))
        await asyncio.sleep(5 * LATE_FLOOR_S)
        assert not waiting.done()
        some.put(0, found("a2a4"))
        assert not await asyncio.wait_for(waiting, 5)

    asyncio.run(play())


def test_a_failed_question_goes_back_unless_it_was_answered() -> None:
    async def play() -> None:
        some = batch(2)
        assert some.take() == [0]
        some.put_back(0)
        assert await some.has_more(lambda: None)
        assert some.take() == [0]
        some.put(0, found("a2a4"))
        some.put_back(0)
        assert some.take() == [1]

    asyncio.run(play())


def test_an_error_ends_the_batch() -> None:
    async def play() -> None:
        some = batch(3)
        some.take()
        some.fail(EngineError("it is gone"))
        some.fail(EngineError("and another"))
        assert some.take() == []
        assert not await some.has_more(lambda: None)
        some.put(0, found("a2a4"))
        with pytest.raises(EngineError, match="it is gone"):
            await some.done

    asyncio.run(play())


def test_slow_answers_do_not_make_slowness_usual() -> None:
    pace = Pace()
    assert pace.overdue() is None
    for _ in range(100):
        pace.note(0.1)
    assert pace.overdue() == pytest.approx(0.1 * LATE)
    for number in range(100):
        pace.note(60.0 if number % 10 == 0 else 0.1)
    assert pace.overdue() == pytest.approx(0.1 * LATE, rel=0.4)
    for _ in range(1000):
        pace.note(1e-4)
    assert pace.overdue() == LATE_FLOOR_S
