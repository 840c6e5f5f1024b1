"""A game whose players' questions wait for the agent in the advisor's seat."""

from __future__ import annotations

import numpy as np

from sandwich_env.advisors.base import Advice, Advisor, Provenance, Query
from sandwich_env.envs.advisor_seat_spaces import Saying, asked_parts
from sandwich_env.envs.core import ChessCore
from sandwich_env.errors import AdviceError, IllegalActionError
from sandwich_env.experts.legal import LegalLogits, as_policy
from sandwich_env.oversight.channel import Indices

BY_AGENT = "agent"
"""What provenance says of advice from the seat: whoever sits there alone knows what it kept to itself."""


class AgentSeat(Advisor):
    """Stands in the advisor's place where an agent answers. It is never asked itself."""

    def advise(self, query: Query) -> Advice:
        raise AdviceError("the advisor is an agent: it answers by its step(), not when it is asked")


class SeatCore(ChessCore):
    """A batch of one in which a question is put aside until `answer`.

    Attributes:
        query: what is asked and not answered yet, or None.
    """

    _posed: tuple[Indices, Query] | None = None

    @property
    def query(self) -> Query | None:
        return None if self._posed is None else self._posed[1]

    def ask_due(self) -> None:
        self._posed = self.channel.pose_due(self.games, self.keys)

    def answer(self, said: Saying, *, forfeit: bool) -> None:
        """Take the agent's advice. The part of it that nobody has asked for is not looked at.

        Args:
            said: the advice.
            forfeit: advice that is not legal ends the game, instead of raising.

        Raises:
            IllegalActionError: a move that is not legal, or a value outside [-1, 1] (without `forfeit`); nothing has
                changed.
        """
        if self._posed is None:
            raise AdviceError(f"the advice {said!r} answers no question: nobody has asked")
        index, query = self._posed
        wants_move, wants_value = asked_parts(query.asks)
        legal = bool(query.games.are_legal(np.array([said.move]))[0])
        fair = bool(abs(said.value) <= 1)
        if (wants_move and not legal) or (wants_value and not fair):
            if not forfeit:
                raise IllegalActionError(_why_illegal(said, query, legal or not wants_move))
            self._forfeit_advice()
            return
        self._posed = None
        self.channel.take(index, query, _as_answer(said, query, legal=legal, fair=fair))

    def _forfeit_advice(self) -> None:
        """The game is over, without a result, by the advisor's fault."""
        self._posed = None
        self._forfeited[:] = True
        self._forfeit_outcome[:] = 0
        self.num_forfeited = len(self)
        self.channel.forget(self._forfeited)
        self._look_again()


def _why_illegal(said: Saying, query: Query, legal: bool) -> str:
    fen = query.games.fens()[0]
    if legal:
        return f"the value {float(said.value)!r} was given for {fen!r}: it must lie between -1 and 1"
    return (
        f"the move {said.move!r} was advised, which is not legal in {fen!r}: choose by the observation's 'action_mask'"
    )


def _as_answer(said: Saying, query: Query, *, legal: bool, fair: bool) -> Advice:
    """The advice, and what the environment knows of the truth behind it: nothing. Unasked parts are filled up."""
    actions, counts = query.games.legal_actions()
    move = np.array([said.move if legal else actions[0]], dtype=np.int64)
    value = np.array([said.value if fair else 0.0], dtype=np.float32)
    logits = np.where(actions == move[0], np.float32(0), np.float32(-np.inf))
    return Advice(
        move=move,
        value=value,
        policy=as_policy(LegalLogits(actions, counts, logits)),
        provenance=Provenance(
            tampered=np.zeros(1, dtype=np.bool_),
            by=np.array([BY_AGENT], dtype=object),
            honest_move=np.array([-1]),
            honest_value=np.array([np.nan], dtype=np.float32),
        ),
        asks=query.asks,
    )
