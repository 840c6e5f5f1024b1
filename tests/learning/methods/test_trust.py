"""Trust: hand-worked mixtures and regressions, and that it finds the moves that were made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import chess
import numpy as np
import pytest
from lessons_support import TABLE, E, H, lesson, played, unasked, with_outcomes, written

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.errors import SpecError
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.corpus import Corpus
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.learning.methods.base import advised_moves
from sandwich_env.learning.methods.clone import Clone
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.learning.methods.mixture import mixture
from sandwich_env.learning.methods.opinions import opinions
from sandwich_env.learning.methods.reliability import both, honest_moves, logistic_regression, rewarding_moves
from sandwich_env.learning.methods.trust import Trust
from sandwich_env.oversight.protocols import EveryTurn
from sandwich_env.rules import Games

FIRST, SECOND = np.log([0.9, 0.9, 0.1]), np.log([0.1, 0.1, 0.9])


class Certain(Expert):
    """Prefers the legal action with the highest number by far, and expects nothing."""

    def evaluate(self, games: Games) -> Evaluation:
        legal = games.legal_mask() == 1
        best = legal.shape[1] - 1 - np.argmax(legal[:, ::-1], axis=1)
        logits = np.where(np.arange(legal.shape[1]) == best[:, None], 3.0, 0.0)
        return Evaluation(np.where(legal, logits, -np.inf).astype(np.float32), np.zeros(len(games), dtype=np.float32))


class HopesForWhite(Expert):
    """No opinion of the moves, and half a point for White in every position."""

    def evaluate(self, games: Games) -> Evaluation:
        value = np.where(games.ply % 2 == 0, 0.5, -0.5).astype(np.float32)
        return replace(UniformExpert().evaluate(games), value=value)


# --- The mixture ---


def test_a_mixture_worked_by_hand() -> None:
    """At the maximum rate = (sum of the posteriors + 1) / 5, and each posterior is Bayes's."""
    found = mixture(FIRST, SECOND)
    share = found.rate
    one = 0.9 * share / (0.9 * share + 0.1 * (1 - share))
    other = 0.1 * share / (0.1 * share + 0.9 * (1 - share))
    assert found.posterior == pytest.approx([one, one, other])
    assert share == pytest.approx((2 * one + other + 1) / 5)
    assert found.fit == pytest.approx(
        2 * np.log(0.9 * share + 0.1 * (1 - share))
        + np.log(0.1 * share + 0.9 * (1 - share))
        + np.log(share * (1 - share))
    )


def test_it_is_the_most_likely_of_all_rates() -> None:
    found = mixture(FIRST, SECOND)
    rates = np.linspace(0.01, 0.99, 99)
    fits = [
        np.logaddexp(np.log(r) + FIRST, np.log1p(-r) + SECOND).sum() + np.log(r) + np.log1p(-r) for r in rates.tolist()
    ]
    assert found.fit >= max(fits)
    assert abs(found.rate - rates[np.argmax(fits)]) < 0.01


def test_sources_that_speak_alike_cannot_be_told_apart() -> None:
    found = mixture(FIRST, FIRST)
    assert found.rate == 0.5
    assert found.posterior == pytest.approx([0.5] * 3)
    assert mixture(np.zeros(0), np.zeros(0)).rate == 0.5


def test_what_a_source_cannot_say_is_not_its_own() -> None:
    never = np.array([-np.inf, 0.0])
    assert mixture(never, np.log([0.5, 0.5])).posterior[0] == 0.0
    assert mixture(np.log([0.5, 0.5]), never).posterior[0] == 1.0


def test_the_share_of_a_large_sample_is_found() -> None:
    rng = np.random.default_rng(0)
    first = np.log(np.array([0.7, 0.2, 0.1]))
    honest = rng.random(4000) < 0.3
    answer = np.where(honest, rng.choice(3, 4000, p=np.exp(first)), rng.integers(3, size=4000))
    found = mixture(first[answer], np.full(4000, -np.log(3)))
    assert abs(found.rate - 0.3) < 0.05
    again = mixture(first[answer], np.full(4000, -np.log(3)))
    assert again.posterior.tobytes() == found.posterior.tobytes()


# --- Opinions ---


def test_opinions_are_those_of_h_in_their_positions() -> None:
    corpus = played(Imitate())
    seen = opinions(corpus.visible(), H, corpus.seen.action)
    assert np.array_equal(seen.rows, np.arange(len(corpus)))
    assert seen.legal.all()
    for games, at in replay_games(corpus.visible()):
        before = H.evaluate(games)
        powers = np.exp(before.policy.astype(np.float64) / 2)
        chance = powers / powers.sum(axis=1, keepdims=True)
        move = corpus.seen.action[at]
        line = np.arange(len(at))
        assert seen.log_probability(2.0)[at] == pytest.approx(np.log(chance[line, move]), abs=1e-5)
        assert seen.rank()[at].tolist() == (before.policy > before.policy[line, move][:, None]).sum(axis=1).tolist()
        assert np.array_equal(seen.value[at], before.value)
        games.step(move)
        assert np.array_equal(seen.after[at], 0.0 - H.evaluate(games).value)


def test_material_is_the_movers() -> None:
    games = written(("e2e4 d7d5 e4d5 d8d5 b1c3 d5a5", "- - - - - -", 0.0))
    seen = opinions(games.visible(), H, games.seen.action)
    assert seen.material.tolist() == [0, 0, 0, -1, 0, 0]


def test_a_move_that_is_not_legal_has_no_probability_and_changes_nothing() -> None:
    games = written(("e2e4 e7e5", "e2e4 -", 0.0))
    seen = opinions(games.visible(), H, np.array([4671, games.seen.action[1]]))
    assert seen.legal.tolist() == [False, True]
    assert seen.log_probability()[0] == -np.inf
    assert seen.after[0] == seen.value[0]


# --- Trust by moves ---


def test_one_advised_move_worked_by_hand() -> None:
    """H gives its first choice e^3 / (e^3 + 19) of twenty moves; one answer and the prior make the rate."""
    board, corpus = chess.Board(), None
    first = Certain().evaluate(Games(1)).best()[0]
    for move in board.legal_moves:
        corpus = written((move.uci(), move.uci(), 0.0))
        if corpus.seen.action[0] == first:
            break
    assert corpus is not None
    chance = np.exp(3) / (np.exp(3) + 19)
    trust = float(Trust(honest_temperature=1.0).trust(lesson(corpus, Certain()))[0])
    rate = (trust + 1) / 3
    assert trust == pytest.approx(rate * chance / (rate * chance + (1 - rate) / 20), abs=1e-5)
    assert trust > 0.8


def test_an_h_without_opinions_believes_everything_alike() -> None:
    corpus = played(Imitate())
    trust = Trust().trust(lesson(corpus, UniformExpert()))
    assert np.unique(trust[np.isfinite(trust)]).tolist() == [0.5]


@pytest.fixture(scope="module")
def half() -> Corpus:
    """A is a half-time random mover, and otherwise draws what H thinks best."""
    table = replace(TABLE, advisor=RandomMove(Honest(H), epsilon=0.5, seed=4), protocol=EveryTurn())
    return played(Imitate(), range(32), table)


@pytest.mark.parametrize("by", ["moves", "both"])
def test_moves_that_h_would_not_think_of_are_believed_less(half: Corpus, by: str) -> None:
    trust = Trust(by).trust(lesson(half))  # type: ignore[arg-type]
    advised, random = half.seen.asked, half.seen.advice_move != half.truth.honest_move
    assert trust[advised & ~random].mean() > trust[advised & random].mean() + 0.3


def test_the_temperature_is_the_likeliest(half: Corpus) -> None:
    """A gives H's best moves: H's own policy, sharpened as far as it goes."""
    seen = opinions(half.visible(), H, half.seen.advice_move, half.seen.asked)
    found, temperature = honest_moves(seen)
    assert temperature == 0.25
    assert abs(found.rate - 0.5) < 0.1
    fixed, _ = honest_moves(seen, 4.0)
    assert fixed.fit < found.fit


def test_it_learns_what_is_advised_by_as_much_as_it_believes_it(half: Corpus) -> None:
    given = lesson(half)
    trust, targets, imitated = Trust().trust(given), Trust().targets(given), Imitate().targets(given)
    followed = half.seen.followed
    assert np.array_equal(targets.policy_weight[followed], trust[followed])
    assert np.array_equal(targets.policy_weight[~followed], imitated.policy_weight[~followed])
    assert np.array_equal(targets.value_weight, imitated.value_weight)


def test_an_advised_move_that_was_not_followed_leaves_its_own_as_it_is(half: Corpus) -> None:
    given, declined = lesson(half), advised_moves(half.visible()) & ~half.seen.followed
    assert declined.any()
    assert (Trust().trust(given)[declined] < 1).all()
    for own_moves in (True, False):
        targets = Trust(explore_plies=0, own_moves=own_moves).targets(given)
        assert (targets.policy_weight[declined] == float(own_moves)).all()


def test_it_weighs_an_advised_move_that_another_method_teaches_though_it_was_not_followed(half: Corpus) -> None:
    given, advised = lesson(half), advised_moves(half.visible())
    weighed = Trust().weigh(given, Clone().targets(given))
    assert not half.seen.followed[advised].all()
    assert np.array_equal(weighed.policy_weight[advised], Trust().trust(given)[advised])


@pytest.mark.parametrize("by", ["moves", "outcomes", "both"])
def test_an_advised_move_that_is_not_legal_is_not_believed(by: str) -> None:
    games = written(("e2e4 e7e5 g1f3", "e2e4 - g1f3", 1.0))
    advice = np.where(games.seen.ply == 2, 4671, games.seen.advice_move)
    trust = Trust(by).trust(lesson(Corpus(replace(games.seen, advice_move=advice), games.truth)))  # type: ignore[arg-type]
    assert trust[0] > 0
    assert trust[2] == 0


def test_own_moves_are_learnt_or_not() -> None:
    games = unasked(played(Imitate()))
    assert Trust(explore_plies=0).targets(lesson(games)).policy_weight.all()
    assert not Trust(explore_plies=0, own_moves=False).targets(lesson(games)).policy_weight.any()


def test_another_lesson_is_judged_anew(half: Corpus) -> None:
    method = Trust()
    first = method.trust(lesson(half))
    first[:] = 0
    assert np.nanmax(method.trust(lesson(half, E))) > 0
    assert not np.array_equal(method.trust(lesson(half)), method.trust(lesson(half, E)), equal_nan=True)


# --- Trust by outcomes ---


def test_a_regression_worked_by_hand() -> None:
    """With a constant alone: penalty * b = n * (share - sigmoid(b)) at the minimum."""
    happened = np.array([True, True, True, False])
    (found,) = logistic_regression(np.ones((4, 1)), happened, np.ones(4), np.array([1e-9])).tolist()
    assert found == pytest.approx(np.log(3))
    (held,) = logistic_regression(np.ones((4, 1)), happened, np.full(4, 0.5), np.array([2.0])).tolist()
    assert 2.0 * held == pytest.approx(0.5 * 4 * (0.75 - 1 / (1 + np.exp(-held))))


def test_rows_that_can_be_parted_have_finite_coefficients() -> None:
    columns = np.array([[1.0, -2.0], [1.0, -1.0], [1.0, 1.0], [1.0, 2.0]])
    happened = columns[:, 1] > 0
    found = logistic_regression(columns, happened, np.full(4, 1e3), np.full(2, 1e-3))
    assert np.isfinite(found).all()
    chance = 1 / (1 + np.exp(-columns @ found))
    assert columns.T @ (1e3 * (chance - happened)) + 1e-3 * found == pytest.approx([0, 0], abs=1e-6)


def test_two_opinions_as_one() -> None:
    found = both(np.array([0.5, 0.8, 0.8, 1.0, 0.0]), np.array([0.7, 0.8, 0.2, 0.0, 0.3]))
    assert found == pytest.approx([0.7, 16 / 17, 0.5, 0.5, 0.0])


def judged(corpus: Corpus, novice: Expert, ridge: float, material: Sequence[int] | None = None) -> np.ndarray:
    """The trust by outcomes of the moves advised, where any are, with material as told."""
    seen, advised = corpus.visible(), advised_moves(corpus.visible())
    found = opinions(seen, novice, np.where(advised, seen.advice_move, seen.action))
    if material is not None:
        found = replace(found, material=np.array(material, dtype=np.float32))
    return rewarding_moves(seen, found, advised, ridge)[advised]


def pull(corpus: Corpus, novice: Expert) -> float:
    """What the results say of advice that all looks alike: the slope, at 0, of the log odds that it is worth following.

    Under a ridge that holds them that hard, coefficients are the slopes by the ridge: the sum, over the plies at which
    H followed, of the weight of each times 1/2 where the mover did better than expected and -1/2 where it did not (if
    half of all do).
    """
    ridge = 1e6
    trust = judged(corpus, novice, ridge)
    assert np.ptp(trust) < 1e-12
    return float(np.log(trust[0] / (1 - trust[0])) * ridge)


def test_a_game_counts_as_one_observation() -> None:
    """White follows at half of the plies of each game: a half of its weight of 1, however long the game is."""
    long = "e2e4 e7e5 g1f3 b8c6 f1b5 a7a6"
    followed = "e2e4 - g1f3 - f1b5 -"
    won_short, lost_long = ("e2e4 e7e5", "e2e4 -", 1.0), (long, followed, -1.0)
    assert pull(written(won_short), UniformExpert()) == pytest.approx(0.25, abs=1e-4)
    assert pull(written(lost_long), UniformExpert()) == pytest.approx(-0.25, abs=1e-4)
    assert pull(written(won_short, lost_long), UniformExpert()) == pytest.approx(0, abs=1e-4)
    assert pull(written(won_short, won_short, lost_long), UniformExpert()) == pytest.approx(0.25, abs=1e-4)


def test_a_result_is_good_if_it_beats_what_h_expected() -> None:
    """Of a draw, whoever expected to lose did well to follow, and whoever expected to win did not."""
    assert pull(written(("e2e4 e7e5", "- e7e5", 0.0)), HopesForWhite()) == pytest.approx(0.25, abs=1e-4)
    assert pull(written(("e2e4 e7e5", "e2e4 -", 0.0)), HopesForWhite()) == pytest.approx(-0.25, abs=1e-4)


def test_advice_that_was_never_followed_is_not_judged_by_the_results() -> None:
    games = written(("e2e4 e7e5", "d2d4 -", 1.0), ("e2e4 e7e5 g1f3 b8c6", "d2d4 - b1c3 -", 1.0))
    assert judged(games, H, ridge=1.0).tolist() == [0.5] * 3


# How far ahead the mover is, whether it followed advice, and how many such plies were won and lost. Of those ahead,
# three in four win, of those behind one in four, whether they followed or not; who is ahead follows more often.
BY_MATERIAL = ((1, True, 9, 3), (1, False, 3, 1), (-1, True, 1, 3), (-1, False, 3, 9))


def test_being_ahead_in_material_is_not_what_is_judged() -> None:
    games, material = [], []
    for ahead, followed, won, lost in BY_MATERIAL:
        for outcome, count in ((1.0, won), (-1.0, lost)):
            games += [("e2e4", "e2e4" if followed else "-", outcome)] * count
            material += [ahead] * count
    assert judged(written(*games), UniformExpert(), 1e-6, material) == pytest.approx(0.5, abs=1e-4)
    # Were all level: of those who followed 10 in 16 won, and of the others 6 in 16.
    level = judged(written(*games), UniformExpert(), 1e-6, [0] * len(games))
    assert level == pytest.approx(1 / (1 + (6 / 10) ** 2), abs=1e-4)


def test_material_may_say_more_at_one_ply_than_at_another() -> None:
    """Black's does as above; White's, a ply earlier, says nothing: as many are ahead as behind, however it ends."""
    games, material = [], []
    for ahead, followed, won, lost in BY_MATERIAL:
        for outcome, count in ((-1.0, won), (1.0, lost)):
            for white in (1, -1):
                games += [("e2e4 e7e5", "- e7e5" if followed else "- -", outcome)] * count
                material += [white, ahead] * count
    assert judged(written(*games), UniformExpert(), 1e-6, material) == pytest.approx(0.5, abs=1e-4)


def outcomes_by(corpus: Corpus, good: np.ndarray) -> Corpus:
    """The same games, each won by the side that followed the larger share of moves that are good."""
    seen = corpus.seen
    side = np.where(seen.mover == 0, 1.0, -1.0)
    sums = np.bincount(seen.game_id, weights=side * good * seen.followed, minlength=len(seen.games))
    return with_outcomes(corpus, np.sign(sums))


def test_results_tell_which_kind_of_move_is_worth_following(half: Corpus) -> None:
    """Where games are won by the moves that H likes, these are trusted; where they are lost by them, the others."""
    seen = opinions(half.visible(), H, np.where(half.seen.asked, half.seen.advice_move, half.seen.action))
    liked = np.where(seen.rank() == 0, 1.0, -1.0)
    for sign in (1.0, -1.0):
        corpus = outcomes_by(half, sign * liked)
        trust = Trust("outcomes").trust(lesson(corpus))
        asked = corpus.seen.asked
        gain = trust[asked & (liked > 0)].mean() - trust[asked & (liked < 0)].mean()
        assert sign * gain > 0.1


def test_who_is_winning_is_not_what_is_judged(half: Corpus) -> None:
    """Where White always wins, its advice is believed no more than Black's."""
    corpus = with_outcomes(half, np.ones(len(half.games)))
    trust, mover = Trust("outcomes").trust(lesson(corpus)), corpus.seen.mover
    advised = np.isfinite(trust)
    assert abs(trust[advised & (mover == 0)].mean() - trust[advised & (mover == 1)].mean()) < 0.02


def test_without_results_nothing_is_judged_by_them(half: Corpus) -> None:
    corpus = with_outcomes(half, np.full(len(half.games), np.nan))
    given = lesson(corpus)
    trust = Trust("outcomes").trust(given)
    assert np.unique(trust[np.isfinite(trust)]).tolist() == [0.5]
    assert Trust("both").trust(given) == pytest.approx(Trust().trust(given), nan_ok=True)


@pytest.mark.parametrize(
    ("argument", "value", "match"),
    [
        ("by", "outcome", "did you mean 'outcomes'"),
        ("honest_temperature", 0.0, "honest_temperature.*above 0"),
        ("ridge", 0.0, "ridge.*above 0"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(argument: str, value: object, match: str) -> None:
    with pytest.raises(SpecError, match=match):
        Trust(**{argument: value})  # type: ignore[arg-type]
