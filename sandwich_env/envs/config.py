"""The arguments that all environments of this package share, checked in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, cast

from sandwich_env.advisors.base import Advisor, Asks
from sandwich_env.envs.observing import LAYOUTS, ObservationFormat
from sandwich_env.envs.rewards import AnyReward, RewardFunction, TransitionReward
from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.experts.base import Expert
from sandwich_env.oversight.channel import Auditor, check_asks
from sandwich_env.oversight.disclosures import Disclosures
from sandwich_env.oversight.protocols import Protocol
from sandwich_env.oversight.sides import ForSides, Sides, is_for_each, sides_of
from sandwich_env.specs import Spec, check_count, from_spec
from sandwich_env.starts.base import Starts, as_starts

AGENT = "agent"
"""As `advisor`: whoever acts for `advisor_0` in the turn-based environments."""


class ChessOptions(TypedDict, total=False):
    """Keyword arguments that every environment takes.

    Attributes:
        advisor: whom the players may ask: an `Advisor`, its spec, or None (default) for nobody. The observation has
            the same keys either way.
        advised: who may ask: "both" (default), "white", "black", "none", "player_0", "player_1", or several of these.
            Where there is a learner, also "learner" (default there) and "opponent".
        protocol: when a player asks: a `Protocol`, its spec or its name. Default "every_turn". With `OnDemand`
            ("on_demand") when it chooses to, by an action.
        asks: what a player is told: "move", "value" or "both" (default).
        watch: at which of its turns a player looks closely and lets the advisor know: a `Protocol`, its spec or its
            name. None (default): it never says.
        rating: the players' Elo, as the advisor is told: one for both, {"white": 1500, "black": 900} or a pair. None
            (default): it is not told.
        proposer: an `Expert` or its spec, such as the player's own network: its best move and its value are what the
            player tells the advisor that it would play and hopes for. Likewise one for both or one for each side. None
            (default): it does not say.
        starts: the positions that games start from: None (default) for the usual one, a FEN, or several FENs, of which
            each game draws one by its seed; a `Starts`, its spec or its name ("puzzles", {"kind": "endgame", ...}).
        max_plies: a game not over after so many plies is truncated. Default 512.
        claim_draws: whether threefold repetition and the fifty-move rule end a game (default) or only fivefold
            repetition and the seventy-five-move rule.
        reward: "result" (default: 1, 0 or -1 at the end), another `Reward` or `TransitionReward` ("judged", "shaped")
            or its spec, or a function like a `Reward`.
        audit: a scorer, called with an `Audit` for each batch of advice: all the truth. Keep it from the player.
        observation_format: "planes" (default; `observation` bool [8, 8, 111] and `action_mask` int8 [4672]) or
            "packed" (the same bits in an eighth of the bytes: uint8 [111, 8] and uint8 [584]).
    """

    advisor: Advisor | Spec | None
    advised: str | Sequence[str]
    protocol: Protocol | Spec
    asks: Asks
    watch: Protocol | Spec | None
    rating: ForSides[float]
    proposer: ForSides[Expert | Spec] | ForSides[Expert]
    starts: Starts | Spec | Sequence[str] | None
    max_plies: int
    claim_draws: bool
    reward: AnyReward | Spec | RewardFunction
    audit: Auditor | None
    observation_format: ObservationFormat


@dataclass(frozen=True, kw_only=True)
class ChessConfig:
    """`ChessOptions` with the defaults filled in and the specs turned into objects.

    Attributes:
        disclosures: what the players let the advisor know of themselves.
        closing: what is closed with the environment: the objects that were made here. One that was handed over stays
            its owner's.
    """

    advisor: Advisor | None
    advised: tuple[str, ...]
    protocol: Protocol
    asks: Asks
    disclosures: Disclosures
    starts: Starts | None
    max_plies: int
    claim_draws: bool
    reward: TransitionReward | RewardFunction
    audit: Auditor | None
    observation_format: ObservationFormat
    closing: tuple[Callable[[], None], ...]

    @classmethod
    def of(cls, options: ChessOptions, advised: str, own: Iterable[str] = ()) -> ChessConfig:
        """Check the options that an environment was given.

        Args:
            options: as given.
            advised: the default of `advised` in this environment.
            own: names of the arguments that this environment has besides, for the error text.

        Raises:
            SpecError: an unknown argument, name or kind (with the nearest right one), or a value out of range.
            InvalidPositionError: a start that is no position, or one in which the game is over.
        """
        refuse_unknown(options, ChessOptions.__annotations__, own)
        advisor = options.get("advisor")
        made = None if advisor is None else _check_advisor(advisor)
        disclosures = _check_disclosures(options)
        proposer = cast("Expert | Sides[Expert] | None", disclosures.proposer)
        starts = as_starts(options.get("starts"))
        chosen = options.get("advised", advised)
        max_plies = options.get("max_plies", 512)
        audit, reward = options.get("audit"), _check_reward(options.get("reward", "result"))
        layout = check_choice("observation_format", options.get("observation_format", "planes"), tuple(LAYOUTS))
        if audit is not None and not callable(audit):
            raise SpecError(f"audit is {audit!r}: it must be a function that takes an Audit")
        return cls(
            advisor=made,
            advised=(chosen,) if isinstance(chosen, str) else tuple(chosen),
            protocol=from_spec(options.get("protocol", "every_turn"), Protocol),
            asks=check_asks(options.get("asks", "both")),
            disclosures=disclosures,
            starts=starts,
            max_plies=check_count("max_plies", max_plies),
            claim_draws=bool(options.get("claim_draws", True)),
            reward=reward,
            audit=audit,
            observation_format=cast("ObservationFormat", layout),
            closing=tuple(
                mine.close
                for mine, given in (
                    (made, advisor),
                    (proposer, options.get("proposer")),
                    (starts, options.get("starts")),
                    (reward if isinstance(reward, AnyReward) else None, options.get("reward")),
                )
                if mine is not None and mine is not given
            ),
        )


def refuse_unknown(given: Mapping[str, Any], known: Iterable[str], own: Iterable[str] = ()) -> None:
    """Raise SpecError for the first argument that is not known, naming the nearest one that is."""
    names = sorted({*known, *own})
    for name in given:
        if name not in names:
            raise SpecError(f"unknown argument {name!r}: {did_you_mean(name, names)}")


def check_choice(name: str, value: object, known: Sequence[str]) -> str:
    """One of a few words, as it was given.

    Raises:
        SpecError: another word.
    """
    if value not in known:
        raise SpecError(f"unknown {name} {value!r}: {did_you_mean(str(value), known)}")
    return str(value)


def _check_disclosures(options: ChessOptions) -> Disclosures:
    watch = options.get("watch")
    return Disclosures(
        watch=None if watch is None else from_spec(watch, Protocol),
        rating=options.get("rating"),
        proposer=_check_proposer(options.get("proposer")),
    )


def _check_proposer(proposer: Any) -> Expert | Sides[Expert] | None:
    if isinstance(proposer, Sides) or not is_for_each(proposer):
        return proposer if proposer is None or isinstance(proposer, Sides) else from_spec(proposer, Expert)
    made: Sides[Expert] = sides_of("proposer", proposer).map(lambda one: from_spec(one, Expert, "proposer"))
    return made


def takes_agent(advisor: object) -> bool:
    """Whether the argument `advisor` asks for an agent in the advisor's seat: by the name, or by a spec of it."""
    return isinstance(advisor, (str, Mapping)) and advisor in (AGENT, {"kind": AGENT})


def _check_advisor(advisor: Advisor | Spec) -> Advisor:
    if takes_agent(advisor):
        raise SpecError(
            f"advisor is {advisor!r}: an agent has the advisor's seat in sandwich_chess_v0.env(), raw_env() and "
            "parallel_env() alone; to play against a policy in it here, give an Advisor of your own"
        )
    return from_spec(advisor, Advisor)


def _check_reward(reward: AnyReward | Spec | RewardFunction) -> TransitionReward | RewardFunction:
    if isinstance(reward, (str, Mapping)):
        reward = from_spec(reward, AnyReward)
    if not callable(reward):
        raise SpecError(f"reward is {reward!r}: it must be 'result', a spec, a Reward or a function like one")
    return reward
