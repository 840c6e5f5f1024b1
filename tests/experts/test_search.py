"""Searching with an expert: what PUCT finds, what it counts, and that games do not disturb one another."""

from __future__ import annotations

import chess
import numpy as np
import pytest
from search_support import Material, check_counts

from sandwich_env.advisors.base import Honest, Query
from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.search import SearchExpert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games, action_to_move, move_to_action
from sandwich_env.specs import from_spec

MATE_IN_ONE = "6k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1"  # Re8
MATE_IN_TWO = "kbK5/pp6/1P6/8/8/8/8/R7 w - - 0 1"  # Ra6, and whatever Black plays, the b-pawn or the rook mates
BLACK_IS_MATED = "R5k1/5ppp/8/8/8/8/8/K7 b - - 0 1"


def best_moves(games: Games, evaluation: Evaluation) -> list[str]:
    return [action_to_move(int(action), games.board(i)).uci() for i, action in enumerate(evaluation.best())]


@pytest.mark.parametrize("batch", [1, 4, 16])
def test_finds_mates_with_an_expert_that_knows_nothing(batch: int) -> None:
    games = Games.from_fens([MATE_IN_ONE, MATE_IN_TWO])
    evaluation = SearchExpert(UniformExpert(), simulations=2000, batch=batch, c_puct=2.0).evaluate(games)
    assert best_moves(games, evaluation) == ["e1e8", "a1a6"]
    assert np.all(evaluation.value > 0.5)


def play(games: Games, *moves: str) -> None:
    """The same moves in each game."""
    for move in moves:
        games.step([move_to_action(chess.Move.from_uci(move), games.board(i)) for i in range(len(games))])


def child(expert: SearchExpert, games: Games, move: str) -> np.void:
    """The node of a move in the tree of game 0, after a search."""
    trees = expert._search(games)
    root = trees.nodes[trees.roots[0]]
    action = move_to_action(chess.Move.from_uci(move), games.board(0))
    children = trees.nodes[root["first"] : root["first"] + root["children"]]
    return children[children["action"] == action][0]


def test_a_stalemate_is_worth_nothing() -> None:
    games = Games.from_fens(["7k/8/5K2/6Q1/8/8/8/8 w - - 0 1"])
    expert = SearchExpert(Material(), simulations=300, batch=1)
    assert best_moves(games, expert.evaluate(games)) == ["g5g7"]  # mate
    stalemate = child(expert, games, "g5g6")
    assert stalemate["visits"] > 0
    assert (stalemate["value_sum"], stalemate["first"]) == (0.0, -2)


def test_a_repetition_counts_as_the_draw_that_it_is_in_this_game_alone() -> None:
    """White has lost, but may bring about the start position for the third time."""
    games = Games.from_fens(["6k1/8/8/8/8/8/6q1/K7 b - - 0 1"] * 2)
    play(games, "g8h8", "a1b1", "h8g8", "b1a1", "g8h8", "a1b1", "h8g8")
    games.assign([1], Games.from_fens([games.fens()[0]]))  # the same position, without its history
    expert = SearchExpert(Material(), simulations=100)
    evaluation = expert.evaluate(games)
    assert best_moves(games, evaluation)[0] == "b1a1"
    assert evaluation.value[0] > -0.2
    assert evaluation.value[1] < -0.6
    drawn = child(expert, games, "b1a1")
    assert (drawn["value_sum"], drawn["first"]) == (0.0, -2)


def test_the_fifty_moves_are_counted_in_the_tree() -> None:
    """White wins, but every move of a piece is the hundredth without a pawn's."""
    games = Games.from_fens(["6k1/8/8/8/8/8/P7/KQ6 w - - 99 80"])
    evaluation = SearchExpert(Material(), simulations=200, c_puct=2.0).evaluate(games)
    assert best_moves(games, evaluation)[0] in {"a2a3", "a2a4"}


def test_the_ply_cap_is_a_draw_in_the_tree() -> None:
    games = Games.from_fens(["6k1/8/8/8/8/8/P7/KQ6 w - - 0 1"], max_plies=1)
    evaluation = SearchExpert(Material(), simulations=51).evaluate(games)
    np.testing.assert_allclose(evaluation.value, np.tanh(1.0) / 51, rtol=1e-5)  # all but the root's own are draws


def middlegames(n: int) -> Games:
    games = Games(n)
    for ply in range(40):
        games.step(np.where(np.arange(n) % 41 > ply, games.sample(np.arange(n) + 1000 * ply), -1))
    return games


@pytest.mark.parametrize("settings", [{}, {"batch": 1}, {"noise": 0.25}, {"reuse": 64}])
def test_a_game_gets_the_same_answer_alone_and_among_others(settings: dict[str, float]) -> None:
    games = middlegames(64)
    together = SearchExpert(Material(), simulations=60, **settings).evaluate(games)
    again = SearchExpert(Material(), simulations=60, **settings).evaluate(games)
    np.testing.assert_array_equal(together.policy, again.policy)
    assert not games.finished.all()
    for i in (0, 7, 40, 63):
        alone = SearchExpert(Material(), simulations=60, **settings).evaluate(games.select([i]))
        np.testing.assert_array_equal(alone.policy[0], together.policy[i])
        np.testing.assert_array_equal(alone.value[0], together.value[i])


def test_a_network_too_gives_the_same_bits_alone_and_among_others() -> None:
    pytest.importorskip("torch")
    from sandwich_env.experts.network import NetworkExpert

    games = middlegames(40)
    expert = SearchExpert(NetworkExpert("expert"), simulations=12)
    together = expert.evaluate(games)
    for i in (0, 21):
        alone = expert.evaluate(games.select([i]))
        np.testing.assert_array_equal(alone.policy[0], together.policy[i])
        np.testing.assert_array_equal(alone.value[0], together.value[i])


@pytest.mark.parametrize("batch", [1, 3, 16])
@pytest.mark.parametrize("virtual_loss", [0.0, 0.5, 3.0])
def test_every_count_in_the_trees_adds_up(batch: int, virtual_loss: float) -> None:
    games = Games.from_fens([MATE_IN_ONE, MATE_IN_TWO, chess.STARTING_FEN, "7k/8/5K2/6Q1/8/8/8/8 w - - 98 1"])
    check_counts(SearchExpert(Material(), 120, batch, virtual_loss=virtual_loss)._search(games), 120)


def test_leaves_of_all_games_go_to_the_expert_together() -> None:
    inner = Material()
    SearchExpert(inner, simulations=21, batch=4).evaluate(Games(8))
    assert sum(inner.asked) == 8 * 21
    assert inner.asked == [8, 32, 32, 32, 32, 32]


def test_games_that_are_asked_about_are_left_alone() -> None:
    games = middlegames(4)
    before = games.copy()
    SearchExpert(Material(), simulations=20).evaluate(games)
    for mine, theirs in zip(games._arrays, before._arrays, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_no_games_and_only_finished_games() -> None:
    assert SearchExpert(Material()).evaluate(Games(0)).policy.shape == (0, 4672)
    assert SearchExpert(Material()).evaluate(Games.from_fens([BLACK_IS_MATED])).value.tolist() == [-1.0]


def test_reuse_keeps_what_was_counted_in_the_same_game() -> None:
    inner = Material()
    expert = SearchExpert(inner, simulations=200, batch=1, reuse=8)
    games = Games.from_fens(["r3k3/8/8/8/8/8/8/4K2Q w - - 0 1"] * 2)
    first = expert._search(games)
    check_counts(first, 200)
    move = int(SearchExpert(Material(), 200, batch=1).evaluate(games).best()[0])
    root = first.nodes[first.roots[0]]
    children = first.nodes[root["first"] : root["first"] + root["children"]]
    kept = children[children["action"] == move][0]
    games.step([move, move])

    inner.asked.clear()
    second = expert._search(games)
    check_counts(second, 200)
    missing = 200 - int(kept["visits"])
    assert 0 < missing < 200
    assert 0 < sum(inner.asked) <= 2 * missing, "simulations that end where the game is over ask nobody"
    inner.asked.clear()
    expert.evaluate(games)  # the very same position again
    assert inner.asked == []
    # What was kept is the same part of the tree that the first search had, and grew.
    assert second.nodes[second.roots[0]]["visits"] == 200
    assert second.nodes[second.roots[0]]["children"] == kept["children"]


def test_reuse_asks_anew_about_other_games_and_forgets_the_oldest() -> None:
    inner = Material()
    expert = SearchExpert(inner, simulations=10, reuse=2)
    for fen, asked in [(MATE_IN_ONE, True), (MATE_IN_TWO, True), (MATE_IN_ONE, False), (chess.STARTING_FEN, True)]:
        inner.asked.clear()
        expert.evaluate(Games.from_fens([fen]))
        assert bool(inner.asked) == asked
    assert len(expert._memory) == 2
    inner.asked.clear()
    expert.evaluate(Games.from_fens([MATE_IN_TWO]))  # it was used longest ago
    assert inner.asked
    inner.asked.clear()
    expert.evaluate(Games.from_fens([MATE_IN_TWO], max_plies=100))  # another game: it may end sooner
    assert inner.asked


def test_noise_is_drawn_for_the_game_and_not_for_the_call() -> None:
    games = Games.from_fens([chess.STARTING_FEN, MATE_IN_TWO])
    plain = SearchExpert(UniformExpert(), simulations=1).evaluate(games).policy
    noisy = SearchExpert(UniformExpert(), simulations=1, noise=0.25).evaluate(games).policy
    again = SearchExpert(UniformExpert(), simulations=1, noise=0.25, reuse=4)
    np.testing.assert_array_equal(again.evaluate(games).policy, noisy)
    np.testing.assert_array_equal(again.evaluate(games).policy, noisy)  # not added twice to a tree that was kept
    other = SearchExpert(UniformExpert(), simulations=1, noise=0.25, seed=1).evaluate(games).policy
    assert np.abs(np.exp(noisy) - np.exp(plain)).max() > 0.01
    assert np.abs(np.exp(noisy) - np.exp(other)).max() > 0.01
    legal = games.legal_mask()[0] == 1
    shares = np.exp(noisy[0, legal])
    np.testing.assert_allclose(shares.sum(), 1.0, rtol=1e-5)
    assert np.all(shares >= 0.75 / 20 - 1e-6)


def test_is_a_player_and_an_advisors_expert_and_closes_what_it_holds() -> None:
    inner = Material()
    searcher = from_spec({"kind": "search", "expert": inner, "simulations": 300}, Expert)
    games = Games.from_fens([MATE_IN_ONE, BLACK_IS_MATED])
    mate = move_to_action(chess.Move.from_uci("e1e8"), games.board(0))
    keys = mix(0, np.arange(2))
    advice = Honest(searcher).advise(Query(games, keys, np.zeros(2, dtype=np.int64)))
    assert advice.move.tolist() == [mate, -1]
    assert advice.value[0] > 0.5
    assert ExpertPlayer(searcher).act(games, None, Streams(keys)).tolist() == [mate, -1]
    drawn = ExpertPlayer(searcher, temperature=1.0).act(games, None, Streams(keys))
    assert games.legal_mask()[0, drawn[0]] == 1
    ExpertPlayer(searcher).close()
    assert inner.closed


@pytest.mark.slow
def test_searching_beats_the_bare_network() -> None:
    pytest.importorskip("torch")
    from sandwich_env.evaluation.matches import play_match
    from sandwich_env.evaluation.openings import load_openings
    from sandwich_env.experts.network import NetworkExpert

    network = NetworkExpert("expert")
    search = ExpertPlayer(SearchExpert(network, simulations=48))
    result = play_match(search, ExpertPlayer(network), load_openings(limit=20), seed=0)
    # Forty games between equals score 0.6 or more about once in ten times; what is expected here is 0.75.
    assert result.score > 0.6, f"+{result.wins} ={result.draws} -{result.losses}"


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
    expert = SearchExpert(
        UniformExpert(),
        simulations=7,
        batch=2,
        c_puct=2.0,
        fpu=0.1,
        virtual_loss=3,
        temperature=0.5,
        noise=0.25,
        seed=3,
        reuse=9,
    )
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
        ("noise", 1.5),
        ("noise_alpha", 0.0),
        ("seed", -1),
        ("reuse", -1),
        ("reuse", True),
    ],
)
def test_arguments_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(SpecError, match=f"{name} of 'search' is {value!r}"):
        SearchExpert(UniformExpert(), **{name: value})
