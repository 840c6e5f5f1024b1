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
from sandwich_env.experts.legal import as_policy
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
    asked once: experts that are the same object, engines of equal specs, and networks of equal weights.

    Args:
        members: two or more advisors, or their specs.
        speaker: who is heard: the index of a member; "rotate" for one after the other, query by query; "majority" for
            the first of those whose move most members recommend.
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
        self.depth = max(member.depth for member in self.members) + 1

    def advise(self, query: Query) -> Advice:
        if not isinstance(self.speaker, str):
            return self._ask(self.speaker, query, {})
        answers = self.advise_all(query)
        if self.speaker == "rotate":
            return _heard(answers, query.count % len(answers), query)
        return _heard(answers, _of_the_majority(answers), query)

    def advise_all(self, query: Query) -> list[Advice]:
        """What every member says, each with the truth behind it: their provenance is about the member alone."""
        known: dict[object, Advice] = {}
        return [self._ask(k, query, known) for k in range(len(self.members))]

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


def _heard(answers: list[Advice], speaker: NDArray[np.int64], query: Query) -> Advice:
    """In each game the answer of its speaker, with the truth about that member, whose expert may be another."""
    heard = answers[0]
    for k, answer in enumerate(answers):
        heard = answer.where(speaker == k, heard)
    rows = np.arange(len(query))
    truths = [answer.provenance for answer in answers]
    return Advice(
        move=heard.move,
        value=heard.value,
        policy=as_policy(heard.legal_logits(query.games)),
        provenance=Provenance(
            tampered=heard.provenance.tampered,
            by=heard.provenance.by,
            honest_move=np.stack([truth.honest_move for truth in truths])[speaker, rows],
            honest_value=np.stack([truth.honest_value for truth in truths])[speaker, rows],
        ),
        asks=query.asks,
    )


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
