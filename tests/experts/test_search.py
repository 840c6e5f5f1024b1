"""Searching with an expert: what PUCT finds, what it counts, and that games do not disturb one another."""

from __future__ import annotations

import numpy as np
import pytest

from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.search import SearchExpert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import Games, action_to_move
from sandwich_env.specs import from_spec

MATE_IN_ONE = "6k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1"  # Re8
MATE_IN_TWO = "kbK5/pp6/1P6/8/8/8/8/R7 w - - 0 1"  # Ra6, and whatever Black plays, the b-pawn or the rook mates
BLACK_IS_MATED = "R5k1/5ppp/8/8/8/8/8/K7 b - - 0 1"


def best_moves(games: Games, evaluation: Evaluation) -> list[str]:
    return [action_to_move(int(action), games.board(i)).uci() for i, action in enumerate(evaluation.best())]


@pytest.mark.parametrize("batch", [1, 4, 16])
def test_finds_mates_with_an_expert_that_knows_nothing(batch: int) -> None:
    games = Games.from_fens([MATE_IN_ONE, MATE_IN_TWO])
    evaluation = SearchExpert(UniformExpert(), simulations=2000, batch=batch).evaluate(games)
    assert best_moves(games, evaluation) == ["e1e8", "a1a6"]
    assert np.all(evaluation.value > 0.5)


def test_one_simulation_is_the_experts_own_answer() -> None:
    games = Games(2)
    evaluation = SearchExpert(UniformExpert(), simulations=1).evaluate(games)
    assert evaluation.value.tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(np.isfinite(evaluation.policy), games.legal_mask() == 1)
    np.testing.assert_allclose(evaluation.policy[games.legal_mask() == 1], np.log(1 / 20), rtol=1e-6)


def test_finished_games_have_their_result_and_no_policy() -> None:
    evaluation = SearchExpert(UniformExpert(), 8).evaluate(Games.from_fens([BLACK_IS_MATED, MATE_IN_ONE]))
    assert evaluation.value[0] == -1.0
    assert np.all(np.isneginf(evaluation.policy[0]))
    assert evaluation.best()[0] == -1
    assert evaluation.best()[1] >= 0


class MaskedTooMuch(Expert):
    """Breaks the contract: forgets one legal move."""

    def evaluate(self, games: Games) -> Evaluation:
        found = UniformExpert().evaluate(games)
        found.policy[np.arange(len(games)), found.best()] = -np.inf
        return found


def test_an_expert_that_forgets_a_legal_move_is_refused() -> None:
    with pytest.raises(AdviceError, match=r"gave 19 finite logits.*each of the 20 legal moves"):
        SearchExpert(MaskedTooMuch()).evaluate(Games(1))


def test_the_spec_makes_an_equal_expert() -> None:
    expert = SearchExpert(UniformExpert(), simulations=7, batch=2, c_puct=2.0, fpu=0.1, virtual_loss=3, temperature=0.5)
    assert expert.to_spec()["kind"] == "search"
    assert from_spec(expert.to_spec(), Expert).to_spec() == expert.to_spec()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("simulations", 0),
        ("simulations", 2.5),
        ("batch", 0),
        ("c_puct", -1.0),
        ("c_base", 0.0),
        ("fpu", float("nan")),
        ("virtual_loss", -1),
        ("temperature", 0.0),
    ],
)
def test_arguments_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(SpecError, match=f"{name} is {value!r}"):
        SearchExpert(UniformExpert(), **{name: value})
