"""The learner's environment for Gymnasium."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from typing import Any

import chess
import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray

from sandwich_env import sandwich_chess_v0
from sandwich_env.advisors.base import NO_MOVE, VisibleAdvice
from sandwich_env.envs.learner import LearnerCore
from sandwich_env.envs.single import ChessEnv
from sandwich_env.errors import GameOverError, IllegalActionError, InvalidPositionError, SpecError
from sandwich_env.players.base import Player
from sandwich_env.players.random_player import RandomPlayer
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games, move_to_action
from sandwich_env.testing.equality import assert_same

ID = "sandwich_env:sandwich/Chess-v0"
HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}
MATE_IN_ONE = "7k/8/5KQ1/8/8/8/8/8 w - - 0 1"
BLACK_MATES = "rnbqkbnr/pppp1ppp/8/4p3/6P1/5P2/PPPPP2P/RNBQKBNR b KQkq - 0 2"


class Scripted(Player):
    """Plays the moves that it was given, one a turn, and notes the advice that it sees."""

    def __init__(self, *moves: str) -> None:
        self.moves = list(moves)
        self.advice: list[VisibleAdvice | None] = []
        self.closed = False

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        self.advice.append(advice)
        board = games.board(0)
        return np.array([move_to_action(chess.Move.from_uci(self.moves.pop(0)), board)])

    def close(self) -> None:
        self.closed = True


class Careless(Player):
    """Sends action 0, which is never legal in the starting position."""

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        return np.zeros(len(games), dtype=np.int64)


def act(env: Any, uci: str) -> tuple[Any, ...]:
    return env.step(move_to_action(chess.Move.from_uci(uci), env.unwrapped.board()))


def legal_moves(env: Any, steps: int, seed: int) -> list[Any]:
    """What random legal play is told."""
    rng = np.random.default_rng(seed)
    told = [env.reset(seed=seed)]
    for _ in range(steps):
        over = len(told[-1]) > 2 and (told[-1][2] or told[-1][3])
        mask = told[-1][0]["action_mask"]
        told.append(env.reset() if over else env.step(int(rng.choice(np.flatnonzero(mask)))))
    return told


# --- Conformance ---


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"opponent": "random", "advisor": HONEST},
        {"opponent": "random", "learner_color": "black", "advised": "both", "advisor": HONEST, "asks": "move"},
    ],
)
def test_gymnasium_check_env_passes(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame")
    pytest.importorskip("cairosvg")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gymnasium.make(ID, **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped)
    # The checker sends actions that it draws without the mask: the game is lost, which is said once.
    assert all("is not legal" in str(warning.message) for warning in caught)
    assert len(caught) <= 4  # one environment is made for each render mode


@pytest.mark.parametrize("options", [{}, {"opponent": "random", "advisor": HONEST}])
def test_stable_baselines_check_env_passes(options: dict[str, Any]) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        checker.check_env(gymnasium.make(ID, **options).unwrapped)
    said = [str(warning.message) for warning in caught]
    # Its advice for camera images does not apply to planes of a chessboard.
    assert all("is not legal" in text or "image" in text or "upper and lower bounds" in text for text in said), said


@pytest.mark.slow
def test_maskable_ppo_learns_a_few_steps() -> None:
    contrib = pytest.importorskip("sb3_contrib")
    env = gymnasium.make(ID, opponent="random", advisor=HONEST, max_plies=20, illegal_action="raise")
    options = {"net_arch": [8], "features_extractor_kwargs": {"cnn_output_dim": 8}}
    model = contrib.MaskablePPO("MultiInputPolicy", env, n_steps=32, batch_size=16, n_epochs=1, policy_kwargs=options)
    model.learn(64)
    assert model.num_timesteps == 64


def test_the_passive_checker_has_nothing_to_say_in_a_game() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = legal_moves(gymnasium.make(ID, opponent="random", advisor=HONEST, max_plies=20), 60, seed=0)
    assert sum(len(one) == 2 for one in told) > 3, "several games, their resets included, are looked at"


def test_the_spec_of_an_environment_survives_json() -> None:
    env = gymnasium.make(ID, opponent="random", advisor=HONEST, protocol={"kind": "every_n_turns", "n": 2})
    spec = gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json())
    again = gymnasium.make(spec)
    assert json.loads(spec.to_json()) == json.loads(again.spec.to_json())
    for first, second in zip(legal_moves(env, 20, 1), legal_moves(again, 20, 1), strict=True):
        assert np.array_equal(first[0]["observation"], second[0]["observation"])


# --- The learner and its opponent ---


def test_the_opponent_replies_and_the_learner_sees_its_own_side() -> None:
    env = ChessEnv(opponent=Scripted("e7e5", "b8c6"), learner_color="white")
    _, info = env.reset(seed=0)
    assert info == {"ply": 0, "seat": 0}
    seen, reward, terminated, truncated, info = act(env, "e2e4")
    assert (reward, terminated, truncated, info) == (0.0, False, False, {"ply": 2, "seat": 0})
    assert env.board().peek().uci() == "e7e5"
    assert not seen["observation"][:, :, 4].any()


def test_a_black_learner_waits_for_the_opponents_first_move() -> None:
    env = ChessEnv(opponent=Scripted("d2d4", "c2c4"), learner_color="black")
    seen, info = env.reset(seed=0)
    assert info == {"ply": 1, "seat": 1}
    assert seen["observation"][:, :, 4].all()
    assert seen["action_mask"].sum() == 20


def test_colors_alternate_from_episode_to_episode_and_from_seed_to_seed() -> None:
    env = ChessEnv(opponent="random")
    seats = [[env.reset(seed=seed)[1]["seat"]] + [env.reset()[1]["seat"] for _ in range(3)] for seed in (4, 5)]
    assert seats == [[0, 1, 0, 1], [1, 0, 1, 0]]


def test_random_colors_are_drawn_by_the_seed() -> None:
    env = ChessEnv(opponent="random", learner_color="random")
    first, second = ([env.reset(seed=seed)[1]["seat"] for seed in range(40)] for _ in range(2))
    assert first == second
    assert 10 < sum(first) < 30


@pytest.mark.parametrize(("color", "reward"), [("white", 1.0), ("black", -1.0)])
def test_the_reward_is_the_learners(color: str, reward: float) -> None:
    env = ChessEnv(starts=MATE_IN_ONE, opponent=Scripted("g6g7"), learner_color=color)
    if color == "white":
        env.reset(seed=0)
        result = act(env, "g6g7")
    else:
        env = ChessEnv(starts="6k1/8/5KQ1/8/8/8/8/8 b - - 0 1", opponent=Scripted("g6g7"), learner_color=color)
        env.reset(seed=0)
        result = act(env, "g8h8")
    seen, given, terminated, truncated, info = result
    assert (given, terminated, truncated) == (reward, True, False)
    assert info["outcome"] == 1.0
    assert info["termination"] == "checkmate"
    assert not seen["action_mask"].any()
    assert seen["observation"][:, :, 4].all() == (color == "black")  # the end, too, is seen from the learner's side


def test_with_itself_as_the_opponent_the_learner_moves_both_sides() -> None:
    env = ChessEnv()
    _, info = env.reset(seed=0)
    seats, rewards = [info["seat"]], []
    for uci in ("f2f3", "e7e5", "g2g4", "d8h4"):
        _, reward, terminated, _, info = act(env, uci)
        seats.append(info["seat"])
        rewards.append(reward)
    assert seats == [0, 1, 0, 1, 0]
    assert rewards == [0.0, 0.0, 0.0, 1.0]  # of the side that has moved: Black has mated
    assert terminated
    assert info["outcome"] == -1.0


def test_the_learner_on_both_sides_sees_what_the_two_agents_of_pettingzoo_see() -> None:
    noisy = {"kind": "random_move", "inner": HONEST, "epsilon": 0.5}
    options: dict[str, Any] = {"advisor": noisy, "starts": [chess.STARTING_FEN, BLACK_MATES], "max_plies": 40}
    learner, agents = ChessEnv(**options), sandwich_chess_v0.raw_env(**options)
    for episode in range(6):
        seed = 3 if episode == 0 else None
        agents.reset(seed=seed)
        seen, over = learner.reset(seed=seed)[0], False
        while not over:
            mover = agents.agent_selection
            assert_same(seen, agents.observe(mover), f"episode {episode}, {agents.board().fen()!r}")
            action = int(learner.games.sample([episode])[0])
            seen, reward, terminated, truncated, _ = learner.step(action)
            agents.step(action)
            assert agents.rewards[mover] == reward
            over = terminated or truncated


def test_an_episode_that_ends_before_the_learners_turn_is_passed_over() -> None:
    class MatesAtFirst(Scripted):
        def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
            self.moves = ["d8h4"] if not self.advice else ["a7a6"]
            return super().act(games, advice, rng)

    env = ChessEnv(starts=BLACK_MATES, opponent=MatesAtFirst(), learner_color="white")
    seen, info = env.reset(seed=0)
    assert info == {"ply": 1, "seat": 0}
    assert env.board().peek().uci() == "a7a6"
    assert seen["action_mask"].any()
    with pytest.raises(SpecError, match="the game was over before the learner could move: give other starts, or a hi"):
        ChessEnv(opponent="random", learner_color="black", max_plies=1).reset(seed=0)


def test_the_ply_cap_truncates() -> None:
    env = ChessEnv(opponent="random", learner_color="white", max_plies=2)
    env.reset(seed=0)
    _, reward, terminated, truncated, info = act(env, "e2e4")
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info["termination"] == "ply_cap"


def test_the_opponents_chances_come_from_the_seed() -> None:
    games = [
        [tuple(told[0]["observation"].tobytes() for told in legal_moves(ChessEnv(opponent="random"), 25, seed))]
        for seed in (3, 3, 5)
    ]
    assert games[0] == games[1]
    assert games[0] != games[2]


# --- Advice ---


@pytest.mark.parametrize(("advised", "learner", "opponent"), [("learner", 1, 0), ("opponent", 0, 1), ("both", 1, 1)])
def test_advice_goes_to_whom_it_is_for(advised: str, learner: int, opponent: int) -> None:
    player = Scripted("e7e5")
    env = ChessEnv(opponent=player, learner_color="white", advisor=HONEST, advised=advised)
    seen, _ = env.reset(seed=0)
    act(env, "e2e4")
    assert seen["advice_available"].tolist() == [learner, learner]
    assert (seen["advice_move"] == NO_MOVE) == (not learner)
    assert player.advice[0] is not None
    assert player.advice[0].available.tolist() == [[opponent, opponent]]


def test_an_opponent_without_a_channel_is_told_so() -> None:
    player = Scripted("e7e5")
    env = ChessEnv(opponent=player, learner_color="white")
    env.reset(seed=0)
    act(env, "e2e4")
    assert player.advice == [None]


def test_action_masks_are_those_of_the_observation() -> None:
    env = gymnasium.make(ID, opponent="random")
    seen, _ = env.reset(seed=0)
    masks = env.get_wrapper_attr("action_masks")()
    assert masks.dtype == np.bool_
    assert np.array_equal(masks, seen["action_mask"].astype(np.bool_))


def test_what_was_made_here_is_closed_and_what_was_handed_over_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, closed = Scripted(), list[str]()
    ChessEnv(opponent=mine).close()
    assert not mine.closed
    monkeypatch.setattr(RandomPlayer, "close", lambda self: closed.append(repr(self)))
    ChessEnv(opponent="random").close()
    assert closed == ["RandomPlayer()"]


# --- Bad input ---


def test_an_illegal_action_loses_the_game_and_says_so_once() -> None:
    env = ChessEnv(opponent="random", learner_color="black", advisor=HONEST)
    env.reset(seed=0)
    with pytest.warns(UserWarning, match=r"action 0 is not legal in .* and loses the game"):
        seen, reward, terminated, truncated, info = env.step(0)
    assert (reward, terminated, truncated) == (-1.0, True, False)
    assert info["termination"] == "illegal_action"
    assert info["outcome"] == 1.0
    assert not seen["action_mask"].any()
    assert seen["advice_available"].tolist() == [0, 0]
    env.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env.step(0)
    with pytest.raises(GameOverError, match=r"game 0 has ended \(illegal_action\): reset it"):
        env.step(0)
    assert env.reset()[0]["action_mask"].any()


def test_an_illegal_action_can_be_made_to_raise() -> None:
    env = ChessEnv(illegal_action="raise")
    env.reset(seed=0)
    with pytest.raises(IllegalActionError, match=r"action 0 .* is not legal in 'rnbqkbnr/"):
        env.step(0)
    act(env, "e2e4")


@pytest.mark.parametrize("action", [4672, -1, 0.5, "e2e4", None])
def test_what_is_no_action_raises(action: Any) -> None:
    env = ChessEnv()
    env.reset(seed=0)
    with pytest.raises(IllegalActionError, match="is no action"):
        env.step(action)


def test_a_step_too_early_or_too_late_raises() -> None:
    env = ChessEnv(starts=MATE_IN_ONE)
    with pytest.raises(GameOverError, match=r"before the first game: call reset\(\)"):
        env.step(0)
    env.reset(seed=0)
    act(env, "g6g7")
    with pytest.raises(GameOverError, match=r"game 0 has ended \(checkmate\): reset it before the next action"):
        env.step(0)


def test_an_opponent_that_moves_illegally_is_named() -> None:
    env = ChessEnv(opponent=Careless(), learner_color="white")
    env.reset(seed=0)
    with pytest.raises(
        IllegalActionError, match=r"the opponent Careless\(\) answers with an illegal action: .*action 0"
    ):
        act(env, "e2e4")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"advisr": None}, "unknown argument 'advisr': did you mean 'advisor'"),
        ({"oponent": "self"}, "unknown argument 'oponent': did you mean 'opponent'"),
        ({"opponent": "rndom"}, "unknown opponent 'rndom': did you mean 'random'"),
        ({"opponent": "honest"}, "needs 'expert'"),
        ({"opponent": HONEST}, "describes .*Honest.* Player"),
        ({"opponent": 3}, "^3 is .* Player"),
        ({"learner_color": "wite"}, "unknown learner_color 'wite': did you mean 'white'"),
        ({"illegal_action": "loose"}, "unknown illegal_action 'loose': did you mean 'lose'"),
        ({"render_mode": "rgb_arry"}, "unknown render_mode 'rgb_arry': did you mean 'rgb_array'"),
        ({"advisor": "hones"}, "unknown kind 'hones': did you mean 'honest'"),
        ({"advisor": {**HONEST, "expert": "unifrm"}}, "unknown kind 'unifrm': did you mean 'uniform'"),
        ({"advisor": {"kind": "random_move", "inner": HONEST, "epsilon": 1.5}}, "epsilon of 'random_move' is 1.5"),
        ({"advised": "learnr"}, "unknown name 'learnr' in advised: did you mean 'learner'"),
        ({"protocol": "every_trn"}, "unknown kind 'every_trn': did you mean 'every_turn'"),
        ({"protocol": {"kind": "every_n_turns", "n": 0}}, "n of 'every_n_turns' is 0"),
        ({"asks": "mov"}, "unknown asks 'mov': did you mean 'move'"),
        ({"reward": "resul"}, "unknown kind 'resul': did you mean 'result'"),
        ({"reward": 3}, "reward is 3"),
        ({"audit": 3}, "audit is 3"),
        ({"max_plies": 0}, "max_plies is 0"),
        ({"max_plies": 2.5}, "max_plies is 2.5"),
        ({"starts": []}, r"starts is \[\]"),
    ],
)
def test_bad_arguments_are_answered_with_what_would_be_right(options: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        ChessEnv(**options)


@pytest.mark.parametrize(
    ("starts", "says"),
    [
        ("not a fen", "cannot start from 'not a fen'"),
        (["8/8/8/8/8/8/8/8 w - - 0 1"], "cannot start from '8/8/8/8/8/8/8/8 w - - 0 1'"),
        (["8/8/8/4k3/8/8/8/8 w - - 0 1"], "White has no king"),
        ("rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3", "the game is over there"),
    ],
)
def test_bad_starts_are_refused_when_the_environment_is_made(starts: Any, says: str) -> None:
    with pytest.raises(InvalidPositionError, match=says):
        ChessEnv(starts=starts)


@pytest.mark.parametrize("seed", [-1, 1.5, "one"])
def test_bad_seeds_are_refused(seed: Any) -> None:
    with pytest.raises(SpecError, match=r"seed is .*: it must be a whole number, 0 or more"):
        ChessEnv().reset(seed=seed)


def test_large_and_numpy_seeds_are_taken() -> None:
    env = ChessEnv(opponent="random")
    for seed in (2**130 + 7, np.int64(3), np.uint64(2**63)):
        first, second = (env.reset(seed=seed)[0]["observation"] for _ in range(2))
        assert np.array_equal(first, second)


def test_a_reward_with_a_wrong_shape_is_refused() -> None:
    env = ChessEnv(reward=lambda games, played, outcome: np.zeros(1))
    env.reset(seed=0)
    with pytest.raises(SpecError, match=r"gave the shape \(1,\): it must be \(1, 2\)"):
        act(env, "e2e4")


def test_importing_the_package_imports_nothing_heavy() -> None:
    script = (
        "import sys, gymnasium, sandwich_env\n"
        "print([m for m in ('torch', 'numba', 'pyarrow', 'matplotlib', 'pygame', 'cairosvg') if m in sys.modules])\n"
        "print('sandwich/Chess-v0' in gymnasium.registry)\n"
        "print(sandwich_env.Games.__name__, sandwich_env.sandwich_chess_v0.env.__name__)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["[]", "True", "Games env"]


def test_every_name_that_the_package_offers_is_there() -> None:
    import sandwich_env

    for name in sandwich_env._EXPORTS:
        assert getattr(sandwich_env, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Gmes'"):
        sandwich_env.Gmes  # noqa: B018


def test_the_learner_core_is_what_both_environments_sit_on() -> None:
    vector = gymnasium.make_vec(ID, num_envs=2)
    assert type(ChessEnv()._core) is type(vector.unwrapped._core) is LearnerCore  # type: ignore[attr-defined]
