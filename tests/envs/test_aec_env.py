"""The PettingZoo environment: its own promises, beside those that `check_chess_games` holds it to."""

from __future__ import annotations

import pickle
import warnings
from collections import Counter
from typing import Any

import chess
import numpy as np
import pettingzoo
import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test, seed_test

from sandwich_env import sandwich_chess_v0
from sandwich_env.advisors.base import NO_MOVE, Honest
from sandwich_env.envs.aec import SandwichChessAEC
from sandwich_env.errors import GameOverError, IllegalActionError, SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import move_to_action
from sandwich_env.testing import check_chess_games, check_seeds

HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}
FOOLS_MATE = ("f2f3", "e7e5", "g2g4", "d8h4")

EXPECTED_WARNINGS = {
    # PettingZoo says these of every environment with a Dict observation that is not on its list of its own.
    "Observation is not a NumPy array",
    "Observation space for each agent probably should be gymnasium.spaces.box or gymnasium.spaces.discrete",
    # The end of a game: nothing is legal there.
    "Action mask numpy array is all zeros (no legal actions).",
}


def act(env: Any, uci: str) -> None:
    env.step(move_to_action(chess.Move.from_uci(uci), env.unwrapped.board()))


def play(env: Any, moves: tuple[str, ...]) -> None:
    for uci in moves:
        act(env, uci)


@pytest.fixture
def raw() -> SandwichChessAEC:
    env = sandwich_chess_v0.raw_env()
    env.reset(seed=0)
    return env


# --- The conformance tests of PettingZoo, and ours ---


@pytest.mark.parametrize("options", [{}, {"advisor": HONEST, "protocol": {"kind": "every_n_turns", "n": 2}}])
def test_pettingzoo_api_test_passes_with_no_warning_but_the_known(
    options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        api_test(sandwich_chess_v0.env(max_plies=60, **options), num_cycles=100)
    assert {str(warning.message) for warning in caught} <= EXPECTED_WARNINGS
    assert "Passed API test" in capsys.readouterr().out


def test_pettingzoo_api_test_passes_without_wrappers() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        api_test(sandwich_chess_v0.raw_env(max_plies=60), num_cycles=100)
    assert {str(warning.message) for warning in caught} <= EXPECTED_WARNINGS


def test_pettingzoo_seed_test_passes() -> None:
    seed_test(lambda: sandwich_chess_v0.env(advisor=HONEST), num_cycles=60)


def test_pettingzoo_parallel_api_test_passes_with_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(sandwich_chess_v0.parallel_env(max_plies=60, advisor=HONEST), num_cycles=100)


def test_pettingzoo_parallel_seed_test_passes() -> None:
    parallel_seed_test(lambda: sandwich_chess_v0.parallel_env(advisor=HONEST), num_cycles=60)


def test_pettingzoo_render_test_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame")
    pytest.importorskip("cairosvg")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("sandwich_env.envs.rendering.FRAMES_PER_SECOND", 1000)
    render_test(sandwich_chess_v0.env)


def test_random_games_agree_with_python_chess() -> None:
    check_chess_games(sandwich_chess_v0.env, games=2)


@pytest.mark.slow
def test_many_random_games_agree_with_python_chess() -> None:
    check_chess_games(lambda: sandwich_chess_v0.env(advisor=HONEST), games=12, seed=1)
    check_chess_games(lambda: sandwich_chess_v0.env(claim_draws=False), games=6, seed=2, claim_draws=False)


def test_short_games_from_many_starts_agree_with_python_chess() -> None:
    starts = ["4k3/8/8/8/8/8/4P3/4K3 b - - 98 80", "8/P6k/8/8/8/8/p6K/8 w - - 0 1", "7k/5Q2/8/8/8/8/8/K7 w - - 0 1"]
    check_chess_games(
        lambda: sandwich_chess_v0.env(starts=starts, max_plies=40, advisor=HONEST), games=12, max_plies=40
    )


def test_the_same_seed_gives_the_same_game() -> None:
    starts = ["4k3/8/8/8/8/8/4P3/4K3 w - - 0 1", "4k3/4p3/8/8/8/8/8/4K3 b - - 0 1", chess.STARTING_FEN]
    noisy = {"kind": "random_move", "inner": HONEST, "epsilon": 0.5}
    check_seeds(lambda: sandwich_chess_v0.raw_env(starts=starts, advisor=noisy), seeds=3, steps=30)


# --- The game ---


def test_a_mate_pays_the_winner_and_charges_the_loser(raw: SandwichChessAEC) -> None:
    play(raw, FOOLS_MATE)
    assert raw.rewards == {"player_0": -1.0, "player_1": 1.0}
    assert raw.terminations == {"player_0": True, "player_1": True}
    assert raw.truncations == {"player_0": False, "player_1": False}
    assert raw.infos["player_0"] == {"outcome": -1.0, "termination": "checkmate"}
    assert raw.last()[1] == -1.0
    raw.step(None)
    assert raw.agents == ["player_1"]
    assert raw.last()[1] == 1.0
    raw.step(None)
    assert raw.agents == []


def test_the_ply_cap_truncates_with_nobody_paid() -> None:
    env = sandwich_chess_v0.raw_env(max_plies=2)
    env.reset(seed=0)
    play(env, ("e2e4", "e7e5"))
    assert env.truncations == {"player_0": True, "player_1": True}
    assert env.terminations == {"player_0": False, "player_1": False}
    assert env.rewards == {"player_0": 0.0, "player_1": 0.0}
    assert env.infos["player_1"] == {"outcome": 0.0, "termination": "ply_cap"}


def test_black_begins_where_the_start_says_so() -> None:
    env = sandwich_chess_v0.raw_env(starts="4k3/4p3/8/8/8/8/8/4K3 b - - 0 1")
    env.reset(seed=0)
    assert env.agent_selection == "player_1"
    assert env.observe("player_1")["action_mask"].any()
    assert not env.observe("player_0")["action_mask"].any()


def test_both_players_see_the_board_from_their_own_side(raw: SandwichChessAEC) -> None:
    act(raw, "e2e3")
    white, black = (raw.observe(agent)["observation"] for agent in raw.possible_agents)
    assert white[5, 4, 7]  # White's own pawn on e3: row 5 from the top, file 4
    assert black[2, 4, 13]  # the same pawn as Black's opponent's, from the other side
    assert not white[:, :, 4].any()
    assert black[:, :, 4].all()


def test_advice_is_for_the_player_to_move_alone() -> None:
    env = sandwich_chess_v0.raw_env(advisor=HONEST)
    env.reset(seed=0)
    mine, other = env.observe("player_0"), env.observe("player_1")
    assert mine["advice_available"].tolist() == [1, 1]
    assert mine["action_mask"][mine["advice_move"]] == 1
    assert other["advice_available"].tolist() == [0, 0]
    assert other["advice_move"] == NO_MOVE
    env.step(int(mine["advice_move"]))
    assert env.observe("player_0")["advice_available"].tolist() == [0, 0]
    assert env.observe("player_1")["advice_available"].tolist() == [1, 1]


def test_each_position_is_asked_about_once_however_often_it_is_looked_at() -> None:
    asked: list[int] = []
    env = sandwich_chess_v0.raw_env(advisor=HONEST, audit=lambda a: asked.extend(a.ply.tolist()))
    env.reset(seed=0)
    for _ in range(4):
        for _ in range(3):
            env.last()
            env.observe("player_0")
            env.observe("player_1")
        env.step(int(env.last()[0]["advice_move"]))
    assert asked == [0, 1, 2, 3, 4]
    assert env.scorer.queries.tolist() == [[3, 2]]
    assert env.scorer.last is not None
    assert env.scorer.last.advice.provenance.by.tolist() == [""]


def test_the_observation_space_is_the_same_with_and_without_an_advisor() -> None:
    plain, advised = sandwich_chess_v0.env(), sandwich_chess_v0.env(advisor=HONEST)
    assert plain.observation_space("player_0") == advised.observation_space("player_1")


def test_starts_are_drawn_by_the_seed() -> None:
    starts = ["4k3/8/8/8/8/8/4P3/4K3 w - - 0 1", "4k3/8/8/8/8/8/3P4/4K3 w - - 0 1"]
    first, second = (sandwich_chess_v0.raw_env(starts=starts) for _ in range(2))
    drawn = []
    for env in (first, second):
        env.reset(seed=5)
        fens = [env.board().fen()]
        for _ in range(19):
            env.reset()
            fens.append(env.board().fen())
        drawn.append(fens)
    assert drawn[0] == drawn[1]
    assert set(Counter(drawn[0])) == set(starts)


def test_an_unseeded_environment_draws_its_own_seed() -> None:
    starts = [f"4k3/8/8/8/8/8/P7/{7 - k if k < 7 else ''}K{k or ''} w - - 0 1" for k in range(8)]
    games = []
    for _ in range(2):
        env = sandwich_chess_v0.raw_env(starts=starts)
        fens = []
        for _ in range(30):
            env.reset()
            fens.append(env.board().fen())
        games.append(fens)
    assert games[0] != games[1]


def test_a_reward_of_ones_own() -> None:
    def material(games: Any, played: Any, outcome: Any) -> Any:
        return np.array([[1.5, -0.5]])

    env = sandwich_chess_v0.raw_env(reward=material)
    env.reset(seed=0)
    play(env, ("e2e4", "e7e5"))
    assert env.rewards == {"player_0": 1.5, "player_1": -0.5}
    assert env.last()[1] == 3.0


def test_the_environment_can_be_pickled_in_mid_game(raw: SandwichChessAEC) -> None:
    play(raw, FOOLS_MATE[:2])
    copy = pickle.loads(pickle.dumps(raw))
    assert copy.board().fen() == raw.board().fen()
    for env in (raw, copy):
        play(env, FOOLS_MATE[2:])
        assert env.rewards["player_1"] == 1.0


def test_an_advisor_that_was_handed_over_stays_open_and_one_made_here_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[object] = []
    monkeypatch.setattr(Honest, "close", lambda self: closed.append(self.expert))
    mine = Honest(UniformExpert())
    sandwich_chess_v0.env(advisor=mine).close()
    assert closed == []
    sandwich_chess_v0.env(advisor=HONEST).close()
    assert len(closed) == 1


# --- The parallel environment ---


def test_the_parallel_environment_plays_the_action_of_the_agent_to_move() -> None:
    env = sandwich_chess_v0.parallel_env()
    _, infos = env.reset(seed=0)
    for uci in FOOLS_MATE:
        mover = infos["player_0"]["active_agent"]
        action = move_to_action(chess.Move.from_uci(uci), env.unwrapped.board())
        seen, rewards, terminations, truncations, infos = env.step({"player_0": 0, "player_1": 0, mover: action})
    assert rewards == {"player_0": -1.0, "player_1": 1.0}
    assert terminations == {"player_0": True, "player_1": True}
    assert truncations == {"player_0": False, "player_1": False}
    assert infos["player_1"]["termination"] == "checkmate"
    assert set(seen) == {"player_0", "player_1"}
    assert env.agents == []
    with pytest.raises(GameOverError, match=r"after the end of the game: call reset\(\)"):
        env.step({"player_0": 0, "player_1": 0})


def test_the_parallel_environment_wants_the_action_of_the_agent_to_move() -> None:
    env = sandwich_chess_v0.parallel_env()
    env.reset(seed=0)
    with pytest.raises(
        IllegalActionError, match=r"the turn of 'player_0', but the actions are those of \['player_1'\]"
    ):
        env.step({"player_1": 0})
    with pytest.raises(SpecError, match="unknown agent 'player_2': did you mean 'player_"):
        env.step({"player_0": 0, "player_2": 0})


def test_an_illegal_action_in_the_parallel_environment_loses() -> None:
    env = sandwich_chess_v0.parallel_env()
    env.reset(seed=0)
    _, rewards, terminations, _, _ = env.step({"player_0": 0, "player_1": 0})
    assert rewards == {"player_0": -1.0, "player_1": 0.0}
    assert all(terminations.values())
    assert env.agents == []


# --- Bad input ---


def test_an_illegal_action_without_wrappers_raises_and_changes_nothing(raw: SandwichChessAEC) -> None:
    action = move_to_action(chess.Move.from_uci("e2e4"), chess.Board()) + 1
    with pytest.raises(IllegalActionError, match=rf"action {action} .* is not legal in 'rnbqkbnr/pppppppp/.*20 moves"):
        raw.step(action)
    assert raw.board().fen() == chess.STARTING_FEN
    act(raw, "e2e4")


@pytest.mark.parametrize("action", [4672, -1, 1.0, "e2e4", None, [1, 2], np.nan])
def test_what_is_no_action_raises(raw: SandwichChessAEC, action: Any) -> None:
    with pytest.raises(IllegalActionError, match="is no action: an action is a whole number from 0 to 4671"):
        raw.step(action)


def test_an_illegal_action_in_the_wrapped_environment_loses(capsys: pytest.CaptureFixture[str]) -> None:
    env = sandwich_chess_v0.env()
    env.reset(seed=0)
    env.step(0)
    assert env.rewards == {"player_0": -1.0, "player_1": 0}
    assert all(env.terminations.values())


def test_an_action_for_an_agent_whose_game_is_over_raises(raw: SandwichChessAEC) -> None:
    play(raw, FOOLS_MATE)
    with pytest.raises(GameOverError, match=r"action 5 for 'player_0', whose game is over: step\(None\)"):
        raw.step(5)
    raw.step(None)
    raw.step(None)
    with pytest.raises(GameOverError, match="action 5 after the end of the game"):
        raw.step(5)


def test_an_unknown_agent_is_named(raw: SandwichChessAEC) -> None:
    for ask in (raw.observe, raw.observation_space, raw.action_space):
        with pytest.raises(SpecError, match="unknown agent 'white': known: player_0, player_1"):
            ask("white")


def test_pettingzoo_knows_the_environments_by_name() -> None:
    if not hasattr(pettingzoo, "make"):
        pytest.skip("PettingZoo has a registry from 1.27 on")
    env = pettingzoo.make("aec", "sandwich/chess_v0", advisor=HONEST)
    env.reset(seed=0)
    assert env.observe("player_0")["advice_available"].tolist() == [1, 1]
    parallel = pettingzoo.make("parallel", "sandwich/chess_v0")
    assert set(parallel.reset(seed=0)[0]) == {"player_0", "player_1"}
