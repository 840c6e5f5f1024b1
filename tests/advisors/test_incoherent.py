"""`Incoherent`: an honest move beside the value of another."""

from __future__ import annotations

import chess
import numpy as np
import pytest
from advisors_support import Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.incoherent import Incoherent
from sandwich_env.advisors.optimism import Optimism
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.errors import SpecError
from sandwich_env.rules import Games, move_to_action
from sandwich_env.testing import check_advisor

ONE_MOVE = "7k/8/8/8/8/8/6q1/7K w - - 0 1"
"""The king must take the queen; then the game is drawn."""
MATE_OR_STALEMATE = "7k/8/5K2/6Q1/8/8/8/8 w - - 0 1"


def with_a_choice(n: int) -> Games:
    """Positions with more than one legal move."""
    games = some_games(n)
    return games.select(games.legal_counts > 1)


def test_the_value_is_that_of_the_least_liked_move() -> None:
    games, honest = with_a_choice(60), Honest(Opinionated())
    true, advice = honest.advise(query(games)), Incoherent(honest).advise(query(games))
    worst = np.where(np.isfinite(true.policy), true.policy, np.inf).argmin(axis=1)
    after = games.copy()
    after.step(worst)
    np.testing.assert_array_equal(advice.value, -Opinionated().evaluate(after).value)
    np.testing.assert_array_equal(advice.move, true.move)
    np.testing.assert_array_equal(advice.policy, true.policy)
    assert advice.provenance.tampered.all()


def test_the_result_of_a_move_that_ends_the_game_counts() -> None:
    class Wins(Opinionated):
        """Likes mate best and stalemate least."""

        def evaluate(self, games: Games):  # type: ignore[no-untyped-def]
            known = super().evaluate(games)
            for i, fen in enumerate(games.fens()):
                board = chess.Board(fen)
                for move in board.legal_moves:
                    board.push(move)
                    logit = 50.0 if board.is_checkmate() else -50.0 if board.is_stalemate() else None
                    board.pop()
                    if logit is not None:
                        known.policy[i, move_to_action(move, board)] = logit
            return known

    games = Games.from_fens([MATE_OR_STALEMATE])
    advice = Incoherent(Honest(Wins())).advise(query(games))
    games.step(advice.move)
    assert games.outcome.tolist() == [1.0]
    assert advice.value.tolist() == [0.0]


def test_the_value_of_another_move_is_what_the_expert_says_whoever_is_in_between() -> None:
    asked, honest = query(with_a_choice(40)), Honest(Opinionated())
    between = Optimism(honest, 1.0)
    np.testing.assert_array_equal(Incoherent(between).advise(asked).value, Incoherent(honest).advise(asked).value)


def test_it_is_never_the_value_of_the_move_that_is_given() -> None:
    """Where a wrapper inside gives the least liked move, the value is that of the least liked of the others."""
    asked, honest = query(with_a_choice(60)), Honest(Opinionated())
    inner = RandomMove(honest, 1.0)
    given, advice = inner.advise(asked), Incoherent(inner).advise(asked)
    after = asked.games.copy()
    after.step(given.move)
    assert (advice.value != -Opinionated().evaluate(after).value).all()


def test_where_there_is_one_legal_move_nothing_is_done() -> None:
    games = Games.from_fens([ONE_MOVE, Games(1).fens()[0]])
    advice = Incoherent(Honest(Opinionated())).advise(query(games))
    assert advice.provenance.tampered.tolist() == [False, True]
    alone = query(Games.from_fens([ONE_MOVE]))
    assert_same_advice(Incoherent(Honest(Opinionated())).advise(alone), Honest(Opinionated()).advise(alone))


def test_opposite_turns_the_sign_around() -> None:
    asked, honest = query(some_games(40)), Honest(Opinionated())
    true, advice = honest.advise(asked), Incoherent(honest, states="opposite").advise(asked)
    np.testing.assert_array_equal(advice.value, -true.value)
    np.testing.assert_array_equal(advice.move, true.move)


@pytest.mark.parametrize("states", ["another_move", "opposite"])
def test_tampers_as_often_as_it_says_and_at_0_not_at_all(states: str) -> None:
    asked, honest = query(with_a_choice(400)), Honest(Opinionated())
    true, advice = honest.advise(asked), Incoherent(honest, 0.4, states=states).advise(asked)  # type: ignore[arg-type]
    rows = advice.provenance.tampered
    assert_about(int(rows.sum()), len(asked), 0.4)
    np.testing.assert_array_equal(advice.value != true.value, rows)
    nothing = Incoherent(honest, 0.0, states=states)  # type: ignore[arg-type]
    assert_same_advice(nothing.advise(asked), true)


@pytest.mark.parametrize("states", ["another_move", "opposite"])
def test_it_keeps_the_contract(states: str) -> None:
    check_advisor(Incoherent(Honest(Opinionated()), 0.7, states=states))  # type: ignore[arg-type]


def test_an_unknown_statement() -> None:
    with pytest.raises(SpecError, match="states of 'incoherent' is 'oposite': did you mean 'opposite'"):
        Incoherent(Honest(Opinionated()), states="oposite")  # type: ignore[arg-type]
