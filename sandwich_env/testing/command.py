"""`python -m sandwich_env.testing`: every check that applies to an environment, and what each found."""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gymnasium
from pettingzoo.utils.env_logger import EnvLogger

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.errors import SandwichError, SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.testing.aec import AEC_RULES, check_aec
from sandwich_env.testing.chess_planes import CHESS_RULES, check_chess_observation, is_chess
from sandwich_env.testing.driving import kind_of
from sandwich_env.testing.findings import Findings
from sandwich_env.testing.leak import LEAK_RULES, check_no_leak
from sandwich_env.testing.named import NamedEnv
from sandwich_env.testing.public import GYMNASIUM_RULES, PETTINGZOO_RULES, check_public
from sandwich_env.testing.replay import REPLAY_RULES, check_replay
from sandwich_env.testing.seeds import SEED_RULES, check_seeds
from sandwich_env.testing.vector import VECTOR_RULES, check_vector_env

_CHESS_GAMES = 12
_WIDTH = 300


@dataclass(frozen=True)
class Verdict:
    """What was found of one rule.

    Attributes:
        check: the check that it belongs to.
        rule: its name.
        verdict: "pass", "FAIL", or "-" where nothing came up that it speaks of.
        message: the first message, if it failed.
    """

    check: str
    rule: str
    verdict: str
    message: str = ""


@dataclass(frozen=True)
class Length:
    """How much is played.

    Attributes:
        games: of the AEC check, and of the check of chess, which plays no more than 12.
        seconds: of the AEC check: after how long no further game begins.
        steps: how many steps of a game in the other checks.
        stochastic: whether different seeds have to give different games.
    """

    games: int = 1000
    seconds: float = 60.0
    steps: int = 300
    stochastic: bool = False


@dataclass(frozen=True)
class Ran:
    """One check of one environment.

    Attributes:
        check: its name.
        games, steps: how many were played.
        seconds: how long it took.
        verdicts: one for each of its rules.
    """

    check: str
    games: int
    steps: int
    seconds: float
    verdicts: list[Verdict]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the checks; 0 if all passed, 1 if not, 2 for a name that there is not."""
    parser = argparse.ArgumentParser(prog="python -m sandwich_env.testing", description=__doc__)
    parser.add_argument("name", help="module:callable (pettingzoo.classic.chess_v6:env) or a Gymnasium id")
    parser.add_argument("option", nargs="*", help="keyword arguments of the environment, as max_plies=40")
    parser.add_argument(
        "--games", type=int, default=1000, help="games of check_aec, and at most 12 of chess (%(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="time limit of the AEC check (%(default)s)")
    parser.add_argument("--steps", type=int, default=300, help="steps of the other checks' games (%(default)s)")
    parser.add_argument("--stochastic", action="store_true", help="something is random: different seeds must differ")
    parser.add_argument("--check", action="append", help="only this check; may be given several times")
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    given = parser.parse_args(argv)
    with _quiet():
        return _main(parser, given)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings of libraries about what the checks do on purpose."""
    level, shown = gymnasium.logger.min_level, EnvLogger._output
    gymnasium.logger.min_level = gymnasium.logger.ERROR
    EnvLogger.suppress_output()
    try:
        yield
    finally:
        gymnasium.logger.min_level, EnvLogger._output = level, shown


def _main(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    try:
        named = NamedEnv(given.name, dict(_option(text) for text in given.option))
        length = Length(given.games, given.seconds, given.steps, given.stochastic)
        checks = _chosen(dict(checks_of(named, length)), given.check)
    except SandwichError as error:
        parser.exit(2, f"{error}\n")
    ran = []
    for name, (rules, check) in checks.items():
        ran.append(_run(name, Findings(rules, collect=True), check))
        if not given.json:
            _print(ran[-1])
    failed = [verdict for one in ran for verdict in one.verdicts if verdict.verdict == "FAIL"]
    if given.json:
        print(json.dumps([asdict(one) for one in ran], indent=2))
    else:
        total = sum(verdict.verdict == "pass" for one in ran for verdict in one.verdicts)
        print(f"{given.name}: {total} rules hold, {len(failed)} are broken")
    return 1 if failed else 0


_Check = tuple[dict[str, str], Callable[[Findings], object]]


def checks_of(named: NamedEnv, length: Length) -> Iterator[tuple[str, _Check]]:
    """The checks that apply to an environment, by name: their rules, and what runs them.

    Raises:
        SpecError: there is no such environment.
    """
    env = named.make()
    kind = kind_of(env)
    chess = kind == "aec" and is_chess(env)
    zero_sum = chess and len(env.possible_agents) == 2 and not _asking_costs(named.options)
    advised = hasattr(env.unwrapped, "scorer")
    env.close()
    if kind != "vector":
        rules = GYMNASIUM_RULES if kind == "single" else PETTINGZOO_RULES
        yield "public", (rules, lambda found: check_public(named, kind, findings=found))
    if kind == "aec":
        yield (
            "check_aec",
            (
                AEC_RULES,
                lambda found: check_aec(
                    named.make, length.games, zero_sum=zero_sum, seconds=length.seconds, findings=found
                ),
            ),
        )
    steps, stochastic, chess_games = length.steps, length.stochastic, min(length.games, _CHESS_GAMES)
    yield (
        "check_seeds",
        (SEED_RULES, lambda found: check_seeds(named.make, 3, steps, stochastic=stochastic, findings=found)),
    )
    yield "check_replay", (REPLAY_RULES, lambda found: check_replay(named.name, named.options, steps, findings=found))
    if chess:
        yield (
            "check_chess_observation",
            (CHESS_RULES, lambda found: check_chess_observation(named.make, chess_games, findings=found)),
        )
    if named.has_vector:
        yield (
            "check_vector_env",
            (VECTOR_RULES, lambda found: check_vector_env(_vectors(named), named.make, 4 * steps, findings=found)),
        )
    if advised:
        advisor = ValueNoise(RandomMove(Honest(UniformExpert()), epsilon=0.5), scale=0.3)
        yield (
            "check_no_leak",
            (LEAK_RULES, lambda found: check_no_leak(lambda a: named.make(advisor=a), advisor, steps, findings=found)),
        )


def _asking_costs(options: dict[str, Any]) -> bool:
    """Whether a player pays for its questions, to nobody."""
    protocol = options.get("protocol")
    return isinstance(protocol, dict) and bool(protocol.get("cost"))


def _vectors(named: NamedEnv) -> Any:
    def make(*, autoreset_mode: Any) -> Any:
        return named.make_vec(4, autoreset_mode=autoreset_mode)

    return make


def _run(name: str, found: Findings, check: Callable[[Findings], object]) -> Ran:
    """Run a check; where the environment breaks it off, that is a verdict too."""
    start, verdicts = time.monotonic(), []
    try:
        check(found)
    except Exception as error:
        verdicts.append(Verdict(name, "goes-through", "FAIL", f"{type(error).__name__}: {error}"))
    for rule in found.rules:
        verdict = "FAIL" if rule in found.broken else ("pass" if rule in found.held else "-")
        verdicts.append(Verdict(name, rule, verdict, found.broken.get(rule, "")))
    return Ran(name, found.games, found.steps, time.monotonic() - start, verdicts)


def _print(ran: Ran) -> None:
    played = f"{ran.games} games, {ran.steps} steps, " if ran.steps else ""
    print(f"{ran.check} ({played}{ran.seconds:.1f} s)")
    for one in ran.verdicts:
        message = " ".join(one.message.split())
        message = message if len(message) <= _WIDTH else message[:_WIDTH] + " ..."
        print(f"  {one.verdict:4}  {one.rule}{': ' if message else ''}{message}", flush=True)


def _option(text: str) -> tuple[str, Any]:
    """`name=value` as a keyword argument; a value that is no Python literal is a word."""
    name, is_there, value = text.partition("=")
    if not is_there or not name.isidentifier():
        raise SpecError(f"{text!r} is no option: give name=value, as max_plies=40")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _chosen(checks: dict[str, _Check], names: list[str] | None) -> dict[str, _Check]:
    for name in names or ():
        if name not in checks:
            raise SpecError(f"no check {name!r} for this environment: {', '.join(checks)}")
    return {name: check for name, check in checks.items() if not names or name in names}
