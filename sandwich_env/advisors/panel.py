"""A panel: several advisors side by side, some honest and some not, for protocols that compare what they say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.advice import Advice, Provenance, Query
from sandwich_env.advisors.base import Advisor, Honest, Wrapper
from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.experts.legal import LegalLogits, as_policy
from sandwich_env.experts.uci import UciExpert
from sandwich_env.randomness import mix
from sandwich_env.specs import Spec, check_count, from_spec

Speaker = Literal["rotate", "majority"]
SPEAKERS = ("rotate", "majority")


class Panel(Advisor):
    """Several advisors who are asked the same; one of them is heard.

    Asking several advisers whose failures differ, and comparing, is what debate (Irving et al. 2018, "AI safety via
    debate") and answers by majority (Wang et al. 2022, "Self-Consistency Improves Chain of Thought Reasoning") rest on.
    Each member draws random numbers of its own, even if two have the same seed. What several members build on is
    asked once, where all are asked: experts that are the same object, engines of equal specs, and networks of equal
    weights.

    Args:
        members: two or more advisors, or their specs.
        speaker: who is heard: the index of a member; "rotate" for one after the other, query by query, of whom each is
            asked its own queries alone; "majority" for the first of those whose move most members recommend.
        seed: of what tells the members' random numbers apart.

    Raises:
        SpecError: fewer than two members, one that is no advisor, or an unknown speaker.
    """

    def __init__(self, members: Sequence[Advisor | Spec], speaker: int | Speaker = "rotate", seed: int = 0) -> None:
        if isinstance(members, (str, dict, Advisor)) or len(members) < 2:
            raise SpecError(f"'panel' takes a list of two or more advisors, not {members!r}")
        self.members = [from_spec(member, Advisor, f"members of {self.kind!r}") for member in members]
        self.speaker = _check_speaker(speaker, len(self.members))
        self.seed = check_count(f"seed of {self.kind!r}", seed, least=0)
        self.voices = len(self.members)
        self.depth = max(member.depth for member in self.members) + 1

    def advise(self, query: Query) -> Advice:
        if not isinstance(self.speaker, str):
            return self._ask(self.speaker, query, {})
        if self.speaker == "rotate":  # each member is asked about its own queries alone
            heard = _rows_of(query.count % len(self.members))
            return _joined({k: (rows, self._ask(k, query.select(rows), {})) for k, rows in heard.items()}, query)
        answers = self.advise_all(query)
        heard = _rows_of(_of_the_majority(answers))
        return _joined({k: (rows, answers[k].select(rows)) for k, rows in heard.items()}, query)

    def advise_all(self, query: Query) -> list[Advice]:
        """What every member says, each with the truth behind it: their provenance is about the member alone."""
        known: dict[object, Advice] = {}
        return [self._ask(k, query, known) for k in range(len(self.members))]

    def advise_as(self, voice: int, query: Query) -> Advice:
        return self._ask(voice, query, {})

    def _ask(self, k: int, query: Query, known: dict[object, Advice]) -> Advice:
        keys = np.broadcast_to(mix(query.keys, "panel", self.seed, k), query.keys.shape)
        return _answer(self.members[k], replace(query, keys=keys), known)

    def close(self) -> None:
        for member in self.members:
            member.close()


def _answer(member: Advisor, query: Query, known: dict[object, Advice]) -> Advice:
    """A member's answer; what an honest advisor inside it says is looked up where another member has asked it."""
    if type(member) is Honest:
        expert = member.expert
        key = json.dumps(expert.to_spec(), sort_keys=True) if isinstance(expert, UciExpert) else id(expert)
        if key not in known:
            known[key] = member.advise(query)
        return known[key]
    if isinstance(member, Wrapper) and type(member).advise is Wrapper.advise:
        return member.apply(_answer(member.inner, query, known), query)
    return member.advise(query)


def _of_the_majority(answers: list[Advice]) -> NDArray[np.int64]:
    """For each game the first member whose move most members recommend. [N]"""
    moves = np.stack([answer.move for answer in answers])
    votes = (moves[:, None] == moves[None]).sum(axis=1)
    first: NDArray[np.int64] = votes.argmax(axis=0)
    return first


def _rows_of(speaker: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """The queries (indices) of each member who is heard in some."""
    return {int(k): np.flatnonzero(speaker == k) for k in np.unique(speaker)}


def _joined(answers: dict[int, tuple[NDArray[np.int64], Advice]], query: Query) -> Advice:
    """One answer of those of several members, each to queries (indices) of its own, with the truth about each."""
    count, actions = len(query), query.games.legal_actions()
    move, value = np.full(count, -1, dtype=np.int64), np.zeros(count, dtype=np.float32)
    tampered, by = np.zeros(count, dtype=np.bool_), np.full(count, "", dtype=object)
    honest_move, honest_value = move.copy(), value.copy()
    policy = LegalLogits(*actions, np.zeros(len(actions[0]), dtype=np.float32))
    for rows, said in answers.values():
        move[rows], value[rows] = said.move, said.value
        policy = policy.put(rows, said.legal_logits(query.games.select(rows)))
        truth = said.provenance
        tampered[rows], by[rows] = truth.tampered, truth.by
        honest_move[rows], honest_value[rows] = truth.honest_move, truth.honest_value
    return Advice(move, value, as_policy(policy), Provenance(tampered, by, honest_move, honest_value), query.asks)


def _check_speaker(speaker: int | Speaker, members: int) -> int | Speaker:
    if isinstance(speaker, str):
        if speaker not in SPEAKERS:
            raise SpecError(f"'panel' has no speaker={speaker!r}: {did_you_mean(speaker, SPEAKERS)}, or an index")
        return speaker
    if check_count("speaker of 'panel'", speaker, least=0) >= members:
        raise SpecError(
            f"speaker of 'panel' is {speaker!r}: the panel has {members} members, the last of which is {members - 1}"
        )
    return speaker
