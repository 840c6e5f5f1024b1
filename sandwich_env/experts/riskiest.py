"""The riskiest move: an expert that prefers the move after which most depends on what happens next.

Risk is the spread between outcomes (Markowitz 1952, "Portfolio Selection": the variance), measured in one of two ways:

- by="wdl": the variance of the result (+1, 0, -1) by the expert's chances of a win W, a draw D and a loss L after the
  move, `W + L - (W - L)**2`, from 0 (certain) to 1 (won or lost, evenly). Chances are what an engine calls `wdl`
  (https://official-stockfish.github.io/docs/stockfish-wiki/UCI-%26-Commands.html). Stockfish's follow from its score
  and the material alone (https://github.com/official-stockfish/WDL_model), so that its riskiest games are those on the
  edge between a draw and a win, on either side; Leela Chess Zero's come from its network.
- by="refutation": how much is lost if the opponent finds the best reply instead of one that it may well play: the
  expected value after a reply drawn from the expert's policy, less the value after the best reply. A move that gambles
  on a fallible opponent is a trap (Jansen 1992, "KQKR: Awareness of a Fallible Opponent", ICCA Journal 15(3); Gordon
  and Reda 2006, "Trappy Minimax").
"""

from __future__ import annotations

from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import EngineError, SpecError, did_you_mean
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.children import judge_children, legal_moves
from sandwich_env.experts.legal import LegalLogits, as_policy
from sandwich_env.experts.worst import LOGITS_PER_RESULT, logits_of
from sandwich_env.rules import Games
from sandwich_env.specs import check_count, check_scale, from_spec

By = Literal["wdl", "refutation"]


@runtime_checkable
class TellsOutcomes(Protocol):
    """An expert that knows chances, not an expected result alone: `UciExpert` with wdl=True, or a user's own."""

    def outcomes(self, games: Games) -> NDArray[np.float64]:
        """Chances of a win, a draw and a loss for the player to move; a finished game has had its outcome. [N, 3]"""


class RiskiestMoveExpert(Expert):
    """Prefers the riskier of the legal moves; its value is that of the expert inside, and true.

    Args:
        expert: who judges positions.
        by: what risk is, see above: "wdl" or "refutation".
        within: only moves that cost at most so much expected result (0 to 2, against the best move) are taken for
            their risk. 2 is any move, 0 the best alone. The rest come behind them, the cheaper the earlier.
        replies: with "refutation", to how many replies after each move the expert's policy is cut, its favourites.

    Raises:
        SpecError: a number out of range, another `by`, or "wdl" with an expert that knows no chances.
    """

    def __init__(self, expert: Expert, by: By = "wdl", within: float = 2.0, replies: int = 6) -> None:
        self.expert = from_spec(expert, Expert, f"expert of {self.kind!r}")
        if by not in get_args(By):
            raise SpecError(f"'riskiest' has no by={by!r}: {did_you_mean(str(by), get_args(By))}")
        if by == "wdl" and not (isinstance(self.expert, TellsOutcomes) and getattr(self.expert, "wdl", True)):
            raise SpecError(
                f"'riskiest' by='wdl' needs chances of a win, a draw and a loss, which {self.expert!r} does not give: "
                "take an engine with wdl=True, or by='refutation'"
            )
        self.by = by
        self.within = check_scale(f"within of {self.kind!r}", within)
        self.replies = check_count(f"replies of {self.kind!r}", replies, least=2)

    def evaluate(self, games: Games) -> Evaluation:
        moves = legal_moves(games)
        try:
            evaluation = self.expert.evaluate(games)
            risk, worth = self.judge(games, moves)
        except EngineError as error:
            others = f" and {len(games) - 1} more" if len(games) > 1 else ""
            raise EngineError(f"'riskiest' was asked about {games.fens()[0]!r}{others}: {error}") from error
        cost = _best_of_each(moves, worth) - worth
        order = np.where(cost <= self.within, risk, -cost)  # risk is never negative, and a cost above `within` positive
        return Evaluation(policy=as_policy(moves.with_logits(LOGITS_PER_RESULT * order)), value=evaluation.value)

    def judge(self, games: Games, moves: LegalLogits) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The risk of each legal move and the expected result after it for who plays it, both [M]."""
        worth = np.zeros(len(moves.actions))
        judge = self._variance if self.by == "wdl" else self._drop
        risk = judge_children(games, moves, lambda children, places: judge(children, places, worth))
        return risk, worth

    def _variance(self, children: Games, places: NDArray[np.int64], worth: NDArray[np.float64]) -> NDArray[np.float64]:
        assert isinstance(self.expert, TellsOutcomes)
        chances = self.expert.outcomes(children)
        win, loss = chances[:, 0], chances[:, 2]
        worth[places] = loss - win  # the chances are the opponent's
        return np.maximum(win + loss - (win - loss) ** 2, 0.0)

    def _drop(self, children: Games, places: NDArray[np.int64], worth: NDArray[np.float64]) -> NDArray[np.float64]:
        evaluation = self.expert.evaluate(children)
        worth[places] = -evaluation.value
        replies = self._favourites(evaluation, legal_moves(children))
        after = judge_children(children, replies, lambda found, _: self.expert.evaluate(found).value.astype(np.float64))
        return _drop_of_each(replies, after)

    def _favourites(self, evaluation: Evaluation, moves: LegalLogits) -> LegalLogits:
        """The moves of each position that the expert's policy likes best, at most `replies` of them."""
        rows, liked = moves.rows(), logits_of(evaluation, moves)
        order = np.lexsort((moves.actions, -liked, rows))
        rank = np.arange(len(rows)) - (np.cumsum(moves.counts) - moves.counts)[rows]
        kept = np.sort(order[rank < self.replies])
        counts = np.minimum(moves.counts, self.replies)
        return LegalLogits(moves.actions[kept], counts, liked[kept].astype(np.float32))

    def close(self) -> None:
        self.expert.close()


def _best_of_each(moves: LegalLogits, worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each move, the greatest of the numbers of all moves in its position. [M]"""
    rows, best = moves.rows(), np.full(len(moves.counts), -np.inf)
    np.maximum.at(best, rows, worth)
    return best[rows]


def _drop_of_each(replies: LegalLogits, after: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much the best reply to each of N moves costs more than one drawn from the softmax of the logits. [N]

    Args:
        replies: to the N moves; none where the game is over.
        after: the expected result after each reply, for who is replied to.
    """
    rows, count = replies.rows(), len(replies.counts)
    weights = np.exp(replies.logits - _best_of_each(replies, replies.logits.astype(np.float64)))
    weights /= np.bincount(rows, weights, count)[rows]
    least = -_best_of_each(replies, -after)
    drop: NDArray[np.float64] = np.bincount(rows, weights * (after - least), count).astype(np.float64)
    return drop
