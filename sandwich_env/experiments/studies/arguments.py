"""The arguments of `sandwich sweep`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from tyro.conf import Positional

from sandwich_env.experiments.studies.study import read_study
from sandwich_env.experiments.studies.sweep import MakeExecutor, SweepResult, run_sweep

HERE = "local"
"""What `--ray` stands for without an address."""


@dataclass(frozen=True, kw_only=True)
class SweepArguments:
    """The arms of a study, run side by side, and one table of what came out.

    A sweep that was stopped, at whatever moment, goes on when the same command is given again.
    """

    study: Positional[Path]
    """The study: a YAML or JSON file."""
    out: Path
    """The sweep's folder: the arms, and results.parquet."""
    processes: int | None = None
    """Arms that are at work at once; as many as there are processors without it. The numbers do not depend on it."""
    ray: str | None = None
    """Run the arms as Ray tasks, of the cluster at this address; without an address, of a Ray that is started here."""
    retry_failed: bool = False
    """Go on with arms that failed too."""


def with_address(arguments: list[str]) -> list[str]:
    """The arguments with an address after a `--ray` that has none."""
    if "--ray" not in arguments:
        return arguments
    at = arguments.index("--ray") + 1
    study = (".yaml", ".yml", ".json")
    if at < len(arguments) and not arguments[at].startswith("-") and not arguments[at].endswith(study):
        return arguments
    return [*arguments[:at], HERE, *arguments[at:]]


def sweep(given: SweepArguments, console: Console) -> SweepResult:
    """Do what the arguments say.

    Raises:
        SandwichError, OSError: see `run_sweep`.
    """
    study = read_study(given.study)
    executor: MakeExecutor | None = None
    if given.ray is not None:
        from sandwich_env.experiments.studies.sweep_ray import ray_tasks

        executor = ray_tasks(None if given.ray == HERE else given.ray, given.processes)
    return run_sweep(
        study,
        given.out,
        processes=given.processes,
        retry_failed=given.retry_failed,
        console=console,
        executor=executor,
    )
