"""The command `sandwich`."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sandwich_env
from sandwich_env.errors import EXHAUSTED, DataError, MissingExtraError, SandwichError, did_you_mean
from sandwich_env.specs import Spec, check_count

USAGE = """usage: sandwich COMMAND [OPTIONS]

  demo       what H learns through five assistants (minutes; no download, no engine)
  run        one sandwich: H plays, asks A, learns and is measured, round after round
  sweep      a study: many sandwiches side by side, here or on a cluster, and one table of what came out
  match      any two players against each other: networks, engines, assistants
  advisors   the kinds of assistants, what each one's advice is worth, and which do equal damage
  report     draw the plots and the report of runs again, or the map of a sweep
  pretrain   a network from recorded games, engine labels and puzzles
  train-adversary  an assistant that loses without looking it, measured beside other bad ones
  label      positions from recorded games, labelled by an engine

sandwich COMMAND --help says more of each; sandwich --version prints the version.
"""


KEEPING = ("demo", "run", "sweep", "pretrain", "train-adversary", "label")
"""Commands that write down what they have done, and go on from there."""

PASSING = EXHAUSTED | {errno.EFBIG}
"""What may be over when the command is given again: a full disk, too many open files."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process: 0, 2 after an error that names what was wrong, 130 if it was stopped."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a user's own "my_module:MyAdvisor" lies where the command is given
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: list[str]) -> int:
    """Run a command; returns the exit status."""
    name = arguments[0] if arguments else "--help"
    if name in ("--help", "-h", "--version"):
        print(f"sandwich_env {sandwich_env.__version__}" if name == "--version" else USAGE.strip())
        return 0
    if name not in COMMANDS:
        print(f"sandwich: there is no command {name!r}: {did_you_mean(name, COMMANDS)}", file=sys.stderr)
        return 2
    try:
        COMMANDS[name](arguments[1:])
    except KeyboardInterrupt:
        kept = f"What is done is kept: {_how_to_go_on(name, arguments)}" if name in KEEPING else "Nothing is kept"
        print(f"\nstopped. {kept}", file=sys.stderr)
        return 130
    except SandwichError as error:
        print(f"sandwich: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        kept = f"What was recorded is kept: {_how_to_go_on(name, arguments)}"
        passing = name in KEEPING and error.errno in PASSING
        print(f"sandwich: {error}" + (f". {kept}" if passing else ""), file=sys.stderr)
        return 2
    return 0


def _how_to_go_on(name: str, arguments: list[str]) -> str:
    if name == "run" and "--resume" not in arguments:
        return "go on with 'sandwich run --resume FOLDER', FOLDER being the run's --out"
    return f"give the same command again (sandwich {' '.join(arguments)})"


def _parse(config: Callable[..., Any], arguments: list[str], prog: str, **defaults: Any) -> Any:
    try:
        import tyro
    except ModuleNotFoundError as error:
        raise MissingExtraError("tyro", "train") from error
    with _spec_flags():
        return tyro.cli(config, args=arguments, prog=f"sandwich {prog}", **defaults)


def _spec_flags() -> Any:
    """Lets a flag hold a spec as people write it: a name, `name:key=value`, or JSON; "none" where there may be none."""
    from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

    from sandwich_env.experiments.naming import parse_spec

    registry = ConstructorRegistry()

    @registry.primitive_rule
    def spec_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        if info.type not in (Spec, Spec | None):
            return None
        optional = info.type == (Spec | None)
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar="SPEC|none" if optional else "SPEC",
            instance_from_str=lambda words: None if optional and words[0] == "none" else parse_spec(words[0]),
            is_instance=lambda value: isinstance(value, str | Mapping) or (optional and value is None),
            str_from_instance=lambda value: [_spec_text(value)],
        )

    return registry


def _spec_text(spec: Spec | None) -> str:
    if spec is None:
        return "none"
    return spec if isinstance(spec, str) else json.dumps(spec)


def _demo(arguments: list[str]) -> None:
    module = _train_extra("sandwich_env.experiments.demo")
    from rich.console import Console

    module.demo(_parse(module.DemoConfig, arguments, "demo"), Console())


def _run(arguments: list[str]) -> None:
    module = _train_extra("sandwich_env.experiments.run")
    from rich.console import Console

    from sandwich_env.experiments.progress import reporter
    from sandwich_env.experiments.report import redraw

    console = Console()
    if arguments[:1] == ["--resume"]:
        if len(arguments) != 2:
            raise SandwichError("--resume takes the run's folder and nothing else: its config is in the folder")
        root = Path(arguments[1])
        with reporter(console) as shown:
            module.resume(root, reporter=shown)
    else:
        config = _run_config(arguments)
        root = config.out
        with reporter(console) as shown:
            module.start(config, shown)
    series = redraw(root)
    console.print(f"{len(series.rows) - 1} rounds; report: {root / 'report.html'}", highlight=False, soft_wrap=True)


def _run_config(arguments: list[str]) -> Any:
    """The config from `--config FILE` (YAML or JSON), from flags, or from a file that flags change."""
    from sandwich_env.experiments.config import RunConfig, config_from
    from sandwich_env.experiments.plain import read_plain

    file, rest = _taken("--config", arguments)
    if file is None:
        return _parse(RunConfig, arguments, "run")
    if not file:
        raise SandwichError("--config needs a file (YAML or JSON)")
    data = dict(read_plain(Path(file)))
    out, _ = _taken("--out", rest)
    if out:
        data["out"] = out
    return _parse(RunConfig, rest, "run", default=config_from(data, repr(file)))


def _taken(flag: str, arguments: list[str]) -> tuple[str | None, list[str]]:
    """The word that goes with a flag, wherever it stands ("" where there is none, None without the flag); the rest."""
    for at, word in enumerate(arguments):
        if word == flag:
            return (arguments[at + 1] if arguments[at + 1 :] else ""), arguments[:at] + arguments[at + 2 :]
        if word.startswith(flag + "="):
            return word[len(flag) + 1 :], arguments[:at] + arguments[at + 1 :]
    return None, arguments


def _sweep(arguments: list[str]) -> None:
    module = _train_extra("sandwich_env.experiments.studies.arguments")
    from rich.console import Console

    given = _parse(module.SweepArguments, module.with_address(arguments), "sweep")
    if module.sweep(given, Console()).failed:
        raise SystemExit(1)


@dataclass(frozen=True, kw_only=True)
class MatchArguments:
    """Two players against each other, from openings of which each is played twice, colours swapped."""

    first: str
    """A player: "expert", "novice", "random", weights (.safetensors), "stockfish:nodes=1000",
    "search:simulations=100" (a search with the shipped expert), "random_move:epsilon=0.5"
    (what such an assistant would recommend), or a spec as JSON."""
    second: str
    """The other, likewise."""
    openings: str = "default"
    """The embedded set, or an EPD or PGN file."""
    pairs: int = 100
    """Openings at the most."""
    max_plies: int = 400
    """A game that lasts longer is a draw."""
    seed: int = 0
    """Of everything that is random."""
    pgn: Path | None = None
    """Write the games there."""


def _match(arguments: list[str]) -> None:
    module = _train_extra("sandwich_env.experiments.naming")
    import numpy as np
    from rich.console import Console

    from sandwich_env.evaluation.elo import fit_elo
    from sandwich_env.evaluation.matches import play_match
    from sandwich_env.evaluation.openings import load_openings
    from sandwich_env.experiments.progress import reporter

    given: MatchArguments = _parse(MatchArguments, arguments, "match")
    check_count("pairs", given.pairs)
    if given.pgn is not None and (given.pgn.is_dir() or not given.pgn.parent.is_dir()):
        raise DataError(f"{str(given.pgn)!r} cannot be written to: give a file in a folder that is there")
    console = Console()
    players = module.make_player(given.first), module.make_player(given.second)
    names = (given.first, given.second) if given.first != given.second else (given.first, f"{given.second} (2)")
    openings = load_openings(given.openings, limit=given.pairs, rng=np.random.default_rng(given.seed))
    try:
        with reporter(console) as shown:
            update = shown.stage("games", 2 * len(openings))
            result = play_match(
                *players,
                openings,
                seed=given.seed,
                names=names,
                max_plies=given.max_plies,
                on_progress=lambda done, total: update(done),
            )
    finally:
        for player in players:
            player.close()
    table = fit_elo([result], names[1], rng=np.random.default_rng(given.seed))
    elo, interval = table.rating(names[0]), table.interval(names[0])
    one_sided = bool(table.one_sided[table.index(names[0])])
    console.print(
        f"{names[0]} against {names[1]}: +{result.wins} ={result.draws} -{result.losses}, "
        f"{result.score:.1%} of the points, Elo {elo:+.0f} [{interval.low:+.0f}, {interval.high:+.0f}]"
        + (" (one-sided: a rough bound)" if one_sided else ""),
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if given.pgn is not None:
        result.to_pgn(given.pgn)


def _advisors(arguments: list[str]) -> None:
    module = _train_extra("sandwich_env.experiments.advisors_table")
    from rich.console import Console

    from sandwich_env.experiments.progress import reporter

    config = _parse(module.AdvisorsConfig, arguments, "advisors")
    with reporter(Console(stderr=True)) as shown:
        module.show_advisors(config, Console(), shown)


def _report(arguments: list[str]) -> None:
    module = _train_extra("sandwich_env.experiments.report")
    if not arguments or any(argument.startswith("-") for argument in arguments):
        print(
            "usage: sandwich report FOLDER...\n\nDraws the plots and report.html of each run again from its metrics; "
            "of several runs\nalso a comparison, in the folder that holds the first of them. Of a sweep, finished "
            "or not,\nit draws the map."
        )
        if not arguments:
            raise SandwichError("report needs the folder of a run or of a sweep")
        return
    sweeps = _train_extra("sandwich_env.experiments.sweep_report.page")
    roots = []
    for root in map(Path, arguments):
        if sweeps.is_sweep(root):
            print(sweeps.report_sweep(root))
        else:
            roots.append(root)
    runs = [module.redraw(root) for root in roots]
    for root in roots:
        print(root / "report.html")
    if len(runs) > 1:
        print(module.compare(runs, roots[0].resolve().parent / "comparison", "Runs side by side"))


def _pretrain(arguments: list[str]) -> None:
    module = _train_extra("sandwich_env.learning.pretrain")
    card = module.pretrain(_parse(module.PretrainConfig, arguments, "pretrain"))
    print(json.dumps(card["scores"], indent=2))


def _train_adversary(arguments: list[str]) -> None:
    module = _train_extra("sandwich_env.experiments.adversary")
    from rich.console import Console
    from rich.table import Column, Table

    from sandwich_env.experiments.progress import reporter

    given = _parse(module.AdversaryArguments, arguments, "train-adversary")
    stages: dict[str, Callable[[int], None]] = {}
    with reporter(Console(stderr=True)) as shown:

        def report(name: str, done: int, total: int) -> None:
            if name not in stages:
                stages[name] = shown.stage(name, total)
            stages[name](done)

        rows, weights = module.run(given, report)
    columns, words = module.words(rows)
    table = Table(Column(columns[0], no_wrap=True), *columns[1:], box=None)
    for row in words:
        table.add_row(*row)
    Console().print(table)
    print(f"B: {weights}")


def _label(arguments: list[str]) -> None:
    module = _train_extra("sandwich_env.learning.labels")
    module.label(_parse(module.LabelConfig, arguments, "label"))


def _train_extra(module: str) -> Any:
    """A module that needs the extra `train`, or an error that names the extra."""
    import importlib

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("sandwich_env"):
            raise
        raise MissingExtraError(error.name, "train") from error


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "demo": _demo,
    "run": _run,
    "sweep": _sweep,
    "match": _match,
    "advisors": _advisors,
    "report": _report,
    "pretrain": _pretrain,
    "train-adversary": _train_adversary,
    "label": _label,
}
"""What each command does with the arguments after its name."""
