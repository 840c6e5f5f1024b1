from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scripted import match_of

from sandwich_env.errors import DataError, SpecError
from sandwich_env.evaluation.elo import EloTable, elo_difference, expected_score, fit_elo
from sandwich_env.evaluation.matches import MatchResult


def fit(*results: MatchResult, anchor: str = "H", **options: object) -> EloTable:
    return fit_elo(results, anchor, rng=np.random.default_rng(0), **{"resamples": 200, **options})  # type: ignore[arg-type]


def test_differences_and_scores_are_each_other_s_inverses() -> None:
    assert elo_difference(0.5) == 0.0
    assert elo_difference(0.75) == pytest.approx(400 * math.log10(3))
    assert elo_difference(1.0) == math.inf
    assert elo_difference(0.0) == -math.inf
    assert expected_score(elo_difference(0.37)) == pytest.approx(0.37)
    with pytest.raises(SpecError, match=r"score is 1\.5"):
        elo_difference(1.5)


def test_two_players_by_hand() -> None:
    """15 points of 20 and a virtual draw: 15.5 points of 21."""
    table = fit(match_of("A", "H", [[1, 1]] * 5 + [[1, 0]] * 4 + [[0.5, 0.5]]))
    assert table.rating("A") == pytest.approx(400 * math.log10(15.5 / 5.5))
    assert table.rating("H") == 0.0
    assert table.interval("H").width == 0.0
    assert table.names == ("A", "H")
    assert table.games.tolist() == [20, 20]
    assert table.points.tolist() == [15.0, 5.0]
    assert not table.one_sided.any()


def test_virtual_draws_can_be_made_to_matter_less() -> None:
    result = match_of("A", "H", [[1, 0.5]] * 10)
    assert fit(result, virtual_draws=1e-9).rating("A") == pytest.approx(elo_difference(0.75), abs=1e-4)
    with pytest.raises(SpecError, match="virtual_draws is 0"):
        fit(result, virtual_draws=0.0)


def test_maximum_likelihood_equates_points_with_expected_points() -> None:
    rng = np.random.default_rng(3)
    pairs = [("H", "A"), ("E", "H"), ("A", "E"), ("B", "A"), ("H", "A")]
    results = [match_of(a, b, rng.choice([0, 0.5, 1], size=(20 + 3 * i, 2))) for i, (a, b) in enumerate(pairs)]
    table = fit(*results)
    expected = dict.fromkeys(table.names, 0.0)
    points = dict.fromkeys(table.names, 0.0)
    games = [(r.first, r.second, r.games, r.scores.sum()) for r in results]
    games += [(a, b, 1, 0.5) for a, b in pairs[:4]]  # one virtual draw between any two, however often they met
    for first, second, count, scored in games:
        share = expected_score(table.rating(first) - table.rating(second))
        for name, e, p in ((first, share * count, scored), (second, (1 - share) * count, count - scored)):
            expected[name] += e
            points[name] += p
    for name in table.names:
        assert expected[name] == pytest.approx(points[name], abs=1e-6)


def test_ratings_are_recovered_whoever_is_the_anchor() -> None:
    rng = np.random.default_rng(5)
    elo = {"H": 0.0, "A": 250.0, "E": 600.0}
    results = [
        match_of(a, b, rng.random((4000, 2)) < expected_score(elo[a] - elo[b]))
        for a, b in (("H", "A"), ("A", "E"), ("H", "E"))
    ]
    tables = {anchor: fit(*results, anchor=anchor) for anchor in elo}
    for anchor, table in tables.items():
        for name, truth in elo.items():
            assert table.rating(name) == pytest.approx(truth - elo[anchor], abs=15)
            assert table.rating(name) in table.interval(name)
            difference, interval = table.difference(name, anchor)
            assert difference == pytest.approx(table.rating(name))
            assert interval == table.interval(name)
            # The anchor moves the scale and nothing else.
            other, shifted = tables["H"].difference(name, anchor)
            assert other == pytest.approx(difference)
            assert shifted.low == pytest.approx(interval.low, abs=1e-6)


def test_pairs_are_resampled_and_not_games() -> None:
    """Every pair is a win and a loss, so that no resample of pairs scores anything but one half."""
    table = fit(match_of("A", "H", [[1, 0]] * 30))
    assert table.interval("A").width == pytest.approx(0.0, abs=1e-9)
    assert fit(match_of("A", "H", [[1, 1], [0, 0]] * 15)).interval("A").width > 100


def test_openings_are_drawn_jointly_for_all_matches() -> None:
    """Two players with the same results from the same openings are equal in every resample, though both vary."""
    scores = np.random.default_rng(0).choice([0, 0.5, 1], size=(40, 2))
    table = fit(match_of("A", "H", scores), match_of("B", "H", scores))
    difference, interval = table.difference("A", "B")
    assert difference == pytest.approx(0.0, abs=1e-9)
    assert interval.width == pytest.approx(0.0, abs=1e-9)
    assert table.interval("A").width > 50
    other = tuple(f"another opening {i}" for i in range(40))
    apart = fit(match_of("A", "H", scores), match_of("B", "H", scores, other))
    assert apart.difference("A", "B")[1].width > 50


def test_many_pairs_from_one_opening_are_units_of_their_own() -> None:
    scores = np.random.default_rng(0).choice([0, 0.5, 1], size=(40, 2))
    table = fit(match_of("A", "H", scores, ("start",) * 40))
    assert table.interval("A").low == pytest.approx(fit(match_of("A", "H", scores)).interval("A").low)
    in_two = fit(match_of("A", "H", scores[:20], ("start",) * 20), match_of("H", "A", 1 - scores[20:], ("start",) * 20))
    assert in_two.rating("A") == pytest.approx(table.rating("A"))
    assert in_two.interval("A").low == pytest.approx(table.interval("A").low)


def test_perfect_scores_are_finite_and_flagged() -> None:
    table = fit(match_of("E", "H", np.ones((10, 2))), match_of("A", "H", [[1, 0], [0.5, 1]]))
    assert table.rating("E") == pytest.approx(400 * math.log10(20.5 / 0.5))
    assert table.one_sided.tolist() == [True, False, False]
    assert table.to_dict()["players"]["E"]["one_sided"] is True
    # Beaten by H in every game, but level with A, who is level with H: bounded on both sides.
    bounded = fit(match_of("E", "H", np.ones((10, 2))), match_of("A", "H", [[1, 0]]), match_of("A", "E", [[1, 0]]))
    assert not bounded.one_sided.any()


def test_whoever_won_or_lost_everything_is_flagged_and_nobody_else() -> None:
    table = fit(
        match_of("E", "H", np.ones((10, 2))),
        match_of("L", "H", np.zeros((10, 2))),
        match_of("A", "H", [[1, 0], [0.5, 0]]),
    )
    assert dict(zip(table.names, table.one_sided.tolist(), strict=True)) == {
        "E": True,
        "H": False,
        "L": True,
        "A": False,
    }


def test_a_camp_can_be_one_sided_below_the_anchor() -> None:
    table = fit(match_of("L", "H", np.zeros((4, 2))), match_of("L2", "L", [[1, 0]]))
    assert dict(zip(table.names, table.one_sided.tolist(), strict=True)) == {"L": True, "H": False, "L2": True}


def test_a_whole_camp_can_be_one_sided() -> None:
    table = fit(match_of("E", "H", np.ones((4, 2))), match_of("E2", "E", [[1, 0]]))
    assert dict(zip(table.names, table.one_sided.tolist(), strict=True)) == {"E": True, "H": False, "E2": True}


def test_very_extreme_scores_settle() -> None:
    table = fit(match_of("B", "H", np.ones((5000, 2))), match_of("C", "B", np.ones((5000, 2))), resamples=20)
    assert table.rating("C") == pytest.approx(2 * 400 * math.log10(20001), rel=1e-6)


def test_the_generator_decides_the_intervals() -> None:
    result = match_of("A", "H", [[1, 0.5], [0, 0.5], [1, 1]])
    tables = [fit_elo([result], "H", rng=np.random.default_rng(seed), resamples=50) for seed in (1, 1, 2)]
    assert np.array_equal(tables[0].samples, tables[1].samples)
    assert not np.array_equal(tables[0].samples, tables[2].samples)


def test_table_is_plain_data() -> None:
    plain = json.loads(json.dumps(fit(match_of("A", "H", [[1, 0.5]] * 4)).to_dict()))
    assert plain["anchor"] == "H"
    assert plain["players"]["A"]["score"] == 0.75
    assert plain["players"]["A"]["games"] == 8
    assert set(plain["players"]["A"]["interval"]) == {"low", "high", "level"}


def test_bad_results() -> None:
    with pytest.raises(DataError, match="no results"):
        fit()
    with pytest.raises(DataError, match="'H' met itself"):
        fit(match_of("H", "H", [[1, 0]]))
    with pytest.raises(SpecError, match="did you mean 'novice'"):
        fit(match_of("expert", "novice", [[1, 0]]), anchor="novise")
    with pytest.raises(DataError, match="connects 'A', 'B' with the anchor 'H'"):
        fit(match_of("H", "E", [[1, 0]]), match_of("A", "B", [[1, 0]]))
    with pytest.raises(SpecError, match="no player 'X' in the table"):
        fit(match_of("H", "E", [[1, 0]])).rating("X")
    with pytest.raises(DataError, match=r"1, 0\.5 and 0"):
        match_of("H", "E", [[0.7, 0]])
