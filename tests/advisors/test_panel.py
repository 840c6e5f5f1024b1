"""`Panel`: who is heard, that each member answers as itself, and what is asked once."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import Opinionated, assert_same_advice, query, rows_of, some_games

from sandwich_env.advisors.base import Advice, Honest
from sandwich_env.advisors.panel import Panel
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.errors import SpecError
from sandwich_env.experts.base import Evaluation
from sandwich_env.experts.uci import UciExpert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_advisor


class Asked(Opinionated):
    """Counts what it is asked, and how often it is closed."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.closed = 0

    def evaluate(self, games: Games) -> Evaluation:
        self.asked.append(len(games))
        return super().evaluate(games)

    def close(self) -> None:
        self.closed += 1


def picked(answers: list[Advice], speaker: np.ndarray, name: str) -> np.ndarray:
    parts = [getattr(one.provenance if hasattr(one.provenance, name) else one, name) for one in answers]
    return np.array([parts[k][row] for row, k in enumerate(speaker)])


def three() -> list:
    return [Honest(Opinionated()), RandomMove(Honest(Opinionated()), 0.5), Honest(UniformExpert())]


def assert_heard(advice: Advice, answers: list[Advice], speaker: np.ndarray) -> None:
    for name in ("move", "value", "policy", "tampered", "by", "honest_move", "honest_value"):
        given = advice.provenance if hasattr(advice.provenance, name) else advice
        np.testing.assert_array_equal(getattr(given, name), picked(answers, speaker, name), err_msg=name)


def test_an_index_hears_one_member_and_asks_no_other() -> None:
    asked, silent = query(some_games(30)), Asked()
    members = [Honest(Opinionated()), Honest(silent)]
    assert_same_advice(Panel(members, speaker=0).advise(asked), members[0].advise(asked))
    assert silent.asked == []


def test_rotate_hears_one_after_the_other() -> None:
    count = np.arange(60) % 7
    asked, panel = query(some_games(60), count=count), Panel(three())
    assert_heard(panel.advise(asked), panel.advise_all(asked), count % 3)


def test_rotate_asks_each_member_its_own_queries_alone() -> None:
    count = np.arange(60) % 7
    experts = [Asked(), Asked(), Asked(), Asked()]
    Panel([Honest(expert) for expert in experts]).advise(query(some_games(60), count=count))
    assert [expert.asked for expert in experts] == [[(count % 4 == k).sum()] for k in range(4)]
    Panel([Honest(expert) for expert in experts]).advise(query(some_games(1), count=np.array([6])))
    assert [len(expert.asked) for expert in experts] == [1, 1, 2, 1]


def test_majority_hears_the_first_of_the_most() -> None:
    expert, other = Opinionated(), UniformExpert()
    asked = query(some_games(50))
    alone = Panel([Honest(other), Honest(expert), RandomMove(Honest(expert), 0.3)], speaker="majority")
    answers = alone.advise_all(asked)
    agree = answers[1].move == answers[2].move
    first = answers[0].move == answers[1].move
    assert 20 < agree.sum() < 50
    speaker = np.where(agree & ~first, 1, 0)  # all different: each has one vote, and the first is heard
    assert_heard(alone.advise(asked), answers, speaker)


def test_each_member_is_told_apart_and_its_provenance_is_its_own() -> None:
    asked, honest = query(some_games(400)), Honest(Opinionated())
    members = [honest, RandomMove(honest, 0.5), RandomMove(honest, 0.5), ValueNoise(honest, 0.3)]
    answers = Panel(members).advise_all(asked)
    assert_same_advice(answers[0], honest.advise(asked))
    one, other = answers[1].provenance.tampered, answers[2].provenance.tampered
    assert 60 < (one & other).sum() < 140  # independent: a quarter of 400
    for k, name in enumerate(["random_move", "random_move", "value_noise"], start=1):
        truth = answers[k].provenance
        assert set(truth.by[truth.tampered]) == {name}
        np.testing.assert_array_equal(truth.honest_move, answers[0].move)
        np.testing.assert_array_equal(truth.honest_value, answers[0].value)
    np.testing.assert_array_equal(answers[3].move, answers[0].move)
    assert (answers[3].value != answers[0].value).mean() > 0.9


def test_another_seed_gives_other_random_numbers_and_the_same_seed_the_same() -> None:
    asked, members = query(some_games(200)), [RandomMove(Honest(Opinionated()), 0.5), Honest(Opinionated())]
    first, again, other = (Panel(members, speaker=0, seed=seed).advise(asked) for seed in (0, 0, 1))
    assert_same_advice(first, again)
    assert (first.provenance.tampered != other.provenance.tampered).mean() > 0.3


def test_what_members_share_is_asked_once() -> None:
    shared, asked = Asked(), query(some_games(20))
    panel = Panel([Honest(shared), RandomMove(Honest(shared), 1.0), ValueNoise(RandomMove(Honest(shared), 0.5), 0.2)])
    answers = panel.advise_all(asked)
    assert shared.asked == [20]
    for k, answer in enumerate(answers):  # and each answers as when it alone is heard
        assert_same_advice(Panel(panel.members, speaker=k).advise(asked), answer)


def test_engines_of_equal_specs_are_asked_once() -> None:
    class Engine(UciExpert):
        asked = 0

        def evaluate(self, games: Games) -> Evaluation:
            Engine.asked += 1
            return UniformExpert().evaluate(games)

    asked = query(some_games(4))
    Panel([Honest(Engine("python3", nodes=5)), RandomMove(Honest(Engine("python3", nodes=5)), 0.5)]).advise_all(asked)
    assert Engine.asked == 1
    Panel([Honest(Engine("python3", nodes=5)), Honest(Engine("python3", nodes=6))]).advise_all(asked)
    assert Engine.asked == 3


@pytest.mark.parametrize("speaker", [0, 1, "rotate", "majority"])
def test_keeps_the_contract_of_an_advisor(speaker: object) -> None:
    check_advisor(Panel(three(), speaker), positions=8)  # type: ignore[arg-type]


def test_a_game_gets_the_same_alone_and_can_be_tampered_with() -> None:
    asked = query(some_games(12), count=np.arange(12))
    panel = RandomMove(Panel(three()), 0.5)
    whole = panel.advise(asked)
    for row in range(12):
        alone = np.array([row])
        assert_same_advice(panel.advise(rows_of(asked, alone)), whole.select(alone))


def test_closing_reaches_every_member() -> None:
    experts = [Asked(), Asked(), Asked()]
    Panel([Honest(expert) for expert in experts]).close()
    assert [expert.closed for expert in experts] == [1, 1, 1]


def test_specs_round_trip() -> None:
    honest = {"kind": "honest", "expert": {"kind": "uniform"}}
    noisy = {"kind": "random_move", "inner": honest, "epsilon": 0.5, "seed": 0, "when": {"kind": "always"}}
    spec = {"kind": "panel", "members": [honest, noisy], "speaker": "majority", "seed": 2}
    assert from_spec(spec, Panel).to_spec() == spec


@pytest.mark.parametrize(
    ("members", "speaker", "text"),
    [
        ([], "rotate", r"'panel' takes a list of two or more advisors, not \[\]"),
        ([Honest(UniformExpert())], "rotate", "'panel' takes a list of two or more advisors"),
        (Honest(UniformExpert()), "rotate", "'panel' takes a list of two or more advisors"),
        ([Honest(UniformExpert()), UniformExpert()], "rotate", r"UniformExpert\(\) is no Advisor"),
        ([Honest(UniformExpert())] * 2, "majorty", r"'panel' has no speaker='majorty': did you mean 'majority'\?"),
        ([Honest(UniformExpert())] * 2, 2, "speaker of 'panel' is 2: the panel has 2 members"),
        ([Honest(UniformExpert())] * 2, -1, "speaker of 'panel' is -1: it must be a whole number, 0 or more"),
        ([Honest(UniformExpert())] * 2, 0.5, "speaker of 'panel' is 0.5: it must be a whole number"),
    ],
)
def test_what_it_refuses(members: object, speaker: object, text: str) -> None:
    with pytest.raises(SpecError, match=text):
        Panel(members, speaker)  # type: ignore[arg-type]
