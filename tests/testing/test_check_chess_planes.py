"""The check of chess planes passes ours, and each of its rules catches what breaks it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from broken_masks import OneLeftOut, SameForBoth
from pettingzoo.utils.wrappers import BaseWrapper

from sandwich_env import sandwich_chess_v0
from sandwich_env.testing import Findings, check_chess_observation
from sandwich_env.testing.chess_planes import CHESS_RULES

# Castling on one side only, a pawn to jump beside another, a mate in one, a repetition, and few moves to the fifty.
START = "r3k2r/8/8/8/5p2/8/4P3/R3K3 w Qkq - 90 80"

FIFTY_SOON = "4k3/8/8/8/8/8/8/R3K3 w Q - 90 80"


class Broken(BaseWrapper):  # type: ignore[misc]
    """The environment with one thing wrong."""

    starts: str | None = None

    def __init__(self) -> None:
        super().__init__(sandwich_chess_v0.raw_env(starts=self.starts, max_plies=140, claim_draws=self.claims))

    claims = True

    def change(self, planes: Any, agent: str) -> Any:
        return planes

    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        return seen | {"observation": self.change(seen["observation"].copy(), agent)}

    def board(self) -> Any:
        return self.unwrapped.board()


def test_ours_passes() -> None:
    found = check_chess_observation(lambda: sandwich_chess_v0.env(max_plies=100), games=3)
    unreached = set(found.not_reached()) - {"en-passant", "ends-early", "result"}
    assert unreached == set()
    assert found.games == 3
    check_chess_observation(lambda: sandwich_chess_v0.raw_env(starts=START), games=3)
    check_chess_observation(lambda: sandwich_chess_v0.raw_env(starts=START, claim_draws=False), 2, claim_draws=False)


@pytest.mark.slow
def test_ours_passes_through_whole_games() -> None:
    found = check_chess_observation(sandwich_chess_v0.env, games=20, seed=7, max_plies=512)
    assert found.not_reached() == []
    assert found.steps > 3000


class NoPiecesAtFirst(Broken):
    def change(self, planes: Any, agent: str) -> Any:
        if not self.board().move_stack:
            planes[..., 7:] = 0
        return planes


class KingSideFirst(Broken):
    starts = START

    def change(self, planes: Any, agent: str) -> Any:
        planes[..., :4] = planes[..., [1, 0, 3, 2]]
        return planes


class BlackSeesOneRight(Broken):
    def change(self, planes: Any, agent: str) -> Any:
        planes[..., 2] &= agent == "player_0"
        return planes


class PartOfAPlane(Broken):
    def change(self, planes: Any, agent: str) -> Any:
        planes[3, 3, 0] = 0
        return planes


class OneColour(Broken):
    def change(self, planes: Any, agent: str) -> Any:
        planes[..., 4] = 0
        return planes


class ClockFlipped(Broken):
    def change(self, planes: Any, agent: str) -> Any:
        planes[..., 5] = planes[::-1, :, 5]
        return planes


class NoOnes(Broken):
    def change(self, planes: Any, agent: str) -> Any:
        planes[0, 0, 6] = 0
        return planes


class KingsAndQueens(Broken):
    def change(self, planes: Any, agent: str) -> Any:
        planes[..., [10, 11]] = planes[..., [11, 10]]
        return planes


class PlainEnPassant(Broken):
    """The pawn that jumped stands where it stands on the board."""

    starts = START

    def change(self, planes: Any, agent: str) -> Any:
        board = self.board()
        if board.ep_square is not None and agent == "player_0":
            row = 7 if board.ep_square < 32 else 0
            column = board.ep_square % 8
            channel = 7 if row == 7 else 13
            planes[row, column, channel], planes[4 if row == 7 else 3, column, channel] = 0, 1
        return planes


class NoRepetition(Broken):
    def change(self, planes: Any, agent: str) -> Any:
        planes[..., 19] = 0
        return planes


class ForgetsTheStart(Broken):
    def change(self, planes: Any, agent: str) -> Any:
        plies = len(self.board().move_stack)
        if 1 <= plies <= 7:
            planes[..., 7 + 13 * plies : 20 + 13 * plies] = 0
        return planes


class LegalLeftOut(OneLeftOut, Broken):
    pass


class MaskForBoth(SameForBoth, Broken):
    pass


class GoesOn(Broken):
    """Plays to the end of the seventy-five-move rule though it is to stop at fifty."""

    starts = FIFTY_SOON
    claims = False


class EndsBefore(Broken):
    def step(self, action: Any) -> None:
        super().step(action)
        if len(self.board().move_stack) == 30:
            self.unwrapped.terminations = dict.fromkeys(self.possible_agents, True)


class WinnerPaysToo(Broken):
    starts = FIFTY_SOON

    def step(self, action: Any) -> None:
        super().step(action)
        self.unwrapped.rewards = dict.fromkeys(self.unwrapped.rewards, 1.0 if any(self.terminations.values()) else 0.0)


class LooksAtEveryMove(Broken):
    def change(self, planes: Any, agent: str) -> Any:
        for move in self.board().move_stack * 3:
            move.uci()
        return planes


BROKEN: list[tuple[type[Broken], str, str]] = [
    (NoPiecesAtFirst, "first-observation", "0 pieces are shown of 32"),
    (KingSideFirst, "castling", r"channels 0-3 are \[False, True, True, True\], the rights \[True, False"),
    (PartOfAPlane, "castling", "channels 0-3 are None"),
    (BlackSeesOneRight, "castling-black", r"player_1 in .* channels 0-3 are"),
    (OneColour, "colour", r"channel 4 holds \[False\]"),
    (ClockFlipped, "clock", r"elements \[56\] of channel 5 are set, not \[0\]"),
    (NoOnes, "ones", "channel 6 holds zeros"),
    (KingsAndQueens, "pieces", r"channels \[10, 11\] differ"),
    (PlainEnPassant, "en-passant", r"channels \[(7|13)\] differ"),
    (NoRepetition, "repetition", "0 ones in channel 19"),
    (ForgetsTheStart, "history", "of 1 plies earlier, differ"),
    (LegalLeftOut, "mask", "the mask differs from the legal moves at"),
    (MaskForBoth, "mask-waiting", "legal actions, though it is not to move"),
    (GoesOn, "ends-late", "the game goes on in"),
    (EndsBefore, "ends-early", "the game ended after 30 plies"),
    (WinnerPaysToo, "result", r"the rewards are \[1.0, 1.0\]"),
    (LooksAtEveryMove, "cost", r"function calls to show the board\): \[\(0, "),
]


@pytest.mark.parametrize(("broken", "rule", "says"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_chess_is_caught(broken: type[Broken], rule: str, says: str) -> None:
    found = check_chess_observation(broken, games=3, max_plies=60, findings=Findings(CHESS_RULES, collect=True))
    assert re.search(says, found.broken[rule])
    with pytest.raises(AssertionError, match=r" \[[a-z-]+\]$"):
        check_chess_observation(broken, games=3, max_plies=60)


def test_each_rule_is_seen_to_catch_something() -> None:
    assert {rule for _, rule, _ in BROKEN} == set(CHESS_RULES)
