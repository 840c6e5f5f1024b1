"""The advisor channel as planes: what is in them, by hand and against the rules, and that moves come back whole."""

from __future__ import annotations

import chess
import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from sandwich_env import layouts
from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.envs.observing import observation_space
from sandwich_env.errors import SpecError
from sandwich_env.layouts import ADVICE_PLANES, AdvicePlanes, ChannelsFirst, advice_planes, move_planes, moves_of
from sandwich_env.rules import NUM_ACTIONS, Games, action_to_move, move_to_action
from sandwich_env.specs import from_spec

ID = "sandwich_env:sandwich/Chess-v0"
HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}
ON_DEMAND = {"kind": "on_demand", "budget": 2}
UNDERPROMOTION = "4k3/8/8/8/8/8/p7/1N2K3 b - - 0 1"


def possible_actions():
    """All actions that some position makes legal: a queen's, a knight's, and promotions from the seventh rank."""
    found = []
    for action in range(NUM_ACTIONS):
        square, plane = divmod(action, 73)
        file, rank = divmod(square, 8)
        if plane >= 64:
            legal = rank == 6 and 0 <= file + (plane - 64) // 3 - 1 < 8
        else:
            distance, direction = (plane // 8 + 1, plane % 8) if plane < 56 else (1, plane - 56)
            around = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy]
            jumps = [(dx, dy) for dx in range(-2, 3) for dy in range(-2, 3) if abs(dx * dy) == 2]
            dx, dy = (around if plane < 56 else jumps)[direction]
            legal = 0 <= file + dx * distance < 8 and 0 <= rank + dy * distance < 8
        if legal:
            found.append(action)
    return np.array(found)


def channel(move=NO_MOVE, value=0.0, available=(0, 0), **more):
    return {
        "advice_move": np.array([move]),
        "advice_value": np.array([[value]], dtype=np.float32),
        "advice_available": np.array([available], dtype=np.int8),
    } | more


def test_every_move_that_can_be_legal_comes_back():
    actions = possible_actions()
    assert len(actions) == 1858  # the number of moves that Lc0 counts
    planes = move_planes(actions)
    assert planes.shape == (1858, 5, 8, 8)
    assert planes.dtype == np.float32
    np.testing.assert_array_equal(moves_of(planes), actions)
    np.testing.assert_array_equal(moves_of(planes.astype(np.float64)[::-1]), actions[::-1])


def test_no_move_is_no_plane_and_comes_back():
    planes = move_planes([NO_MOVE, 77, NO_MOVE])
    assert not planes[0].any()
    assert not planes[2].any()
    np.testing.assert_array_equal(moves_of(planes), [NO_MOVE, 77, NO_MOVE])


def test_what_no_move_has_made_is_no_move():
    planes = np.zeros((1, ADVICE_PLANES, 8, 8), dtype=np.float32)
    planes[0, 0, 0, 0] = planes[0, 1, 1, 6] = 1  # no piece goes from one square to the other
    assert moves_of(planes)[0] == NO_MOVE


@pytest.mark.parametrize("white", [True, False])
def test_squares_are_those_of_the_board_planes(white):
    games = Games.from_fens(
        [
            "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1".replace(
                " w ", " w " if white else " b "
            )
        ]
    )
    actions = np.flatnonzero(games.legal_mask()[0])
    board, mine = games.board(0), games.observe()[0, ..., 7:13].any(axis=2)
    theirs = games.observe()[0, ..., 13:19].any(axis=2)
    for action, planes in zip(actions, move_planes(actions), strict=True):
        assert planes[0].sum() == planes[1].sum() == 1
        assert mine[planes[0] == 1].all()
        assert not mine[planes[1] == 1].any()
        move = action_to_move(int(action), board)
        assert theirs[planes[1] == 1].item() == (board.piece_at(move.to_square) is not None)


def test_a_promotion_by_hand():
    games = Games.from_fens([UNDERPROMOTION])
    board = games.board(0)
    for uci, piece in (("a2b1n", 0), ("a2b1b", 1), ("a2b1r", 2), ("a2b1q", None)):
        planes = move_planes([move_to_action(chess.Move.from_uci(uci), board)])[0]
        # Black looks at the board from its own side: its seventh rank is the second row from the top.
        assert np.argwhere(planes[:2]).tolist() == [[0, 1, 0], [1, 0, 1]], uci
        shown = [k for k in range(3) if planes[2 + k].any()]
        assert shown == ([] if piece is None else [piece]), uci
        assert piece is None or np.argwhere(planes[2 + piece]).tolist() == [[0, 1]]


def test_the_whole_planes_by_hand():
    planes = advice_planes(channel(77, -0.25, (1, 1)))
    assert (
        [planes[0, k].min() for k in range(5, 10)] == [planes[0, k].max() for k in range(5, 10)] == [1, 1, -0.25, 0, 0]
    )
    value_only = advice_planes(channel(NO_MOVE, 0.5, (0, 1)))[0]
    assert not value_only[:6].any()
    assert (value_only[6] == 1).all()
    assert (value_only[7] == 0.5).all()
    assert not advice_planes(channel())[0].any()


def test_what_is_not_available_is_not_shown():
    assert not advice_planes(channel(77, 0.5, (0, 0))).any()


def test_a_batch_is_its_rows():
    rng = np.random.default_rng(0)
    seen = {
        "advice_move": rng.choice(possible_actions(), 50),
        "advice_value": rng.uniform(-1, 1, (50, 1)).astype(np.float32),
        "advice_available": rng.integers(0, 2, (50, 2)).astype(np.int8),
    }
    whole = advice_planes(seen)
    for i in range(50):
        np.testing.assert_array_equal(advice_planes({key: part[i : i + 1] for key, part in seen.items()})[0], whole[i])


def test_queries_left_and_may_ask():
    env = layouts.wrap(
        gymnasium.make(ID, advisor=HONEST, protocol=ON_DEMAND, asks="move"), ChannelsFirst(1), AdvicePlanes()
    )
    seen, _ = env.reset(seed=0)
    shown = []
    for _ in range(2):
        shown.append((seen["observation"][28].max(), seen["observation"][29].max(), seen["observation"][25].max()))
        seen, *_ = env.step(4672)
        shown.append((seen["observation"][28].max(), seen["observation"][29].max(), seen["observation"][25].max()))
        seen, *_ = env.step(int(np.flatnonzero(seen["action_mask"][:4672])[0]))
        seen, *_ = env.step(int(np.flatnonzero(seen["action_mask"][:4672])[0]))
    # The share that is left, whether it may ask here, whether a move is given: before and after asking, twice.
    assert shown == [(1, 1, 0), (0.5, 0, 1), (0.5, 1, 0), (0, 0, 1)]
    assert seen["observation"][28:30].max() == 0
    assert env.observation_space.contains(seen)
    assert "queries_left" not in seen


def test_no_limit_is_a_full_plane():
    seen = channel(queries_left=np.array([[-1.0]], np.float32), action_mask=np.ones((1, 4673), np.int8))
    assert (advice_planes(seen)[0, 8:] == 1).all()


def test_a_budget_that_nobody_has_told_is_an_error():
    seen = channel(queries_left=np.array([[3.0]], np.float32), action_mask=np.ones((1, 4673), np.int8))
    with pytest.raises(SpecError, match=r"3 queries are left.*AdvicePlanes\(budget="):
        advice_planes(seen)
    assert advice_planes(seen, budget=6)[0, 8, 0, 0] == 0.5


@pytest.mark.parametrize("first", [False, True])
def test_space_and_order(first):
    stack = layouts.Stack([ChannelsFirst(), AdvicePlanes()] if first else [AdvicePlanes()])
    space = stack.space(observation_space())
    board = space["observation"]
    assert board.shape == ((121, 8, 8) if first else (8, 8, 121))
    assert set(space) == {"observation", "action_mask"}
    low = board.low if first else np.moveaxis(board.low, 2, 0)
    assert np.unique(np.argwhere(low < 0)[:, 0]).tolist() == [111 + 7]  # the value's plane alone


def test_kept_beside_the_planes():
    space = AdvicePlanes(keep=True).space(observation_space())
    assert set(space) == set(observation_space())
    sample = observation_space().sample()
    seen = AdvicePlanes(keep=True)({key: np.asarray(part)[None] for key, part in sample.items()})
    assert seen["advice_move"][0] == sample["advice_move"]


def test_what_is_put_in_is_not_written_to():
    seen = {key: np.asarray(part)[None] for key, part in observation_space().sample().items()}
    before = {key: part.copy() for key, part in seen.items()}
    for part in seen.values():
        part.flags.writeable = False
    AdvicePlanes()(seen)
    for key, part in before.items():
        np.testing.assert_array_equal(seen[key], part)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (spaces.Dict({"observation": spaces.Box(0, 1, (8, 8, 111), bool)}), "advice_move.*only players see"),
        (observation_space("packed"), "AdvicePlanes wants the board's planes unpacked.*observation_format='planes'"),
        (layouts.Flat().space(observation_space()), r"\[8, 8, C\] or \[C, 8, 8\]"),
        (spaces.Dict({"x": spaces.Discrete(2)}), r"wants 'observation' among \['x'\]"),
    ],
)
def test_refusals(space, words):
    with pytest.raises(SpecError, match=words):
        AdvicePlanes().space(space)


def test_a_mask_taken_away_too_early():
    env = gymnasium.make(ID, advisor=HONEST, protocol=ON_DEMAND)
    with pytest.raises(SpecError, match="put it before the layout that takes the mask away"):
        layouts.wrap(env, layouts.MaskInInfo(), AdvicePlanes())


def test_spec_and_bad_arguments():
    layout = AdvicePlanes(budget=3, keep=True)
    assert layout.to_spec() == {"kind": "advice_planes", "budget": 3, "keep": True}
    assert from_spec(layout.to_spec(), layouts.Layout).to_spec() == layout.to_spec()
    with pytest.raises(SpecError, match="budget is -1"):
        AdvicePlanes(budget=-1)
