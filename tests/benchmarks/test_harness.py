"""The harness of the benchmarks, with contestants that are made up; and every benchmark, shortly."""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import harness
import machine
import peers
from harness import ContestantError, Goal, Played, compare, report
from remote import Remote

SERVER = """
import sys
sys.path.insert(0, {folder!r})
from serving import serve
print("what a library prints on stdout")
def play():
    {play}
    return 7
serve(play, batch=7)
"""


@pytest.fixture
def args() -> argparse.Namespace:
    return argparse.Namespace(rounds=4, seconds=0.5, json=None, cores=machine.allowed_cores())


@pytest.fixture(autouse=True)
def _cores_given_back() -> Any:
    before = machine.allowed_cores()
    yield
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, before)


def speed(units: float, calls: list[str] | None = None, name: str = "") -> harness.Contestant:
    """A contestant that says that it took as long as it was asked to."""

    def play(seconds: float) -> Played:
        if calls is not None:
            calls.append(name)
        return Played(units * seconds, seconds)

    return play


def remote(play: str = "pass") -> Remote:
    code = SERVER.format(folder=str(BENCHMARKS / "peers"), play=play)
    return Remote([sys.executable, "-c", code], start=30.0, patience=5.0)


def test_contestants_take_turns_in_every_round_backwards_in_every_other(args: argparse.Namespace) -> None:
    calls: list[str] = []
    table = compare("turns", {name: speed(1, calls, name) for name in "abc"}, args, cores=None)
    assert "".join(calls) == "abc" + "abc" + "cba" + "abc" + "cba"  # the first is to warm up
    assert len(table.rounds) == 4
    assert all(list(row) == ["a", "b", "c"] for row in table.rounds)


def test_ratios_are_taken_within_a_round(args: argparse.Namespace) -> None:
    drift = iter([1.0, 1.0, 5.0, 2.0, 9.0])
    now = [0.0]

    def ours(seconds: float) -> Played:
        now[0] = next(drift) if len(table_turns) % 2 == 0 else now[0]
        table_turns.append("ours")
        return Played(30 * now[0] * seconds, seconds)

    def theirs(seconds: float) -> Played:
        now[0] = next(drift) if len(table_turns) % 2 == 0 else now[0]
        table_turns.append("theirs")
        return Played(10 * now[0] * seconds, seconds)

    table_turns: list[str] = []
    table = compare("drift", {"ours": ours, "theirs": theirs}, args, cores=None)
    assert table.speeds("ours") == pytest.approx([30.0, 150.0, 60.0, 270.0])
    assert table.ratios("ours", "theirs") == pytest.approx([3.0] * 4)
    assert table.median("ours") == pytest.approx(105.0)
    assert math.isnan(table.median("nobody"))


def test_seconds_are_measured_where_a_contestant_does_not(args: argparse.Namespace) -> None:
    def play(seconds: float) -> int:
        time.sleep(0.02)
        return 1

    args.rounds = 2
    table = compare("clock", {"slow": play}, args, cores=None)
    assert all(10 < speed < 50.1 for speed in table.speeds("slow"))


def test_how_much_of_a_processor_a_contestant_had(args: argparse.Namespace, capsys: pytest.CaptureFixture[str]) -> None:
    def half_asleep(seconds: float) -> Played:
        return Played(100 * seconds, seconds, 0.5 * seconds)

    def busy(seconds: float) -> Played:
        until, units = time.process_time() + 0.05, 0
        started = time.perf_counter()
        while time.process_time() < until:
            units += 1
        return Played(units, time.perf_counter() - started)

    args.rounds = 3
    table = compare("shares", {"asleep": half_asleep, "busy": busy}, args, cores=None, processor=True)
    assert table.per_processor_second("asleep") == pytest.approx(200)
    assert table.median("asleep") == pytest.approx(100)
    shares = [row["busy"] for row in table.processor]
    assert all(0 < share < 1.2 for share in shares)
    report([table], args)
    assert "per processor second" in capsys.readouterr().out
    silent = compare("shares", {"asleep": half_asleep}, args, cores=None)
    assert math.isnan(silent.per_processor_second("asleep"))


def test_one_that_is_missing_and_one_that_dies_are_told_and_the_others_go_on(args: argparse.Namespace) -> None:
    turns = [0]

    def mortal(seconds: float) -> Played:
        turns[0] += 1
        if turns[0] > 2:
            raise ContestantError("it fell over")
        return Played(1, seconds)

    contestants = {"ours": speed(5), "gone": ContestantError("not installed: make it"), "mortal": mortal}
    goals = [Goal("ours", 2, over="mortal"), Goal("ours", 2, over="gone")]
    table = compare("deaths", contestants, args, goals=goals, cores=None)
    assert table.absent == {"gone": "not installed: make it", "mortal": "it fell over"}
    assert len(table.speeds("ours")) == 4
    assert len(table.speeds("mortal")) == 1
    assert [(goal["over"], goal["reached"]) for goal in table.to_json()["goals"]] == [("mortal", True)]


def test_one_that_does_nothing_is_out(args: argparse.Namespace) -> None:
    table = compare("idle", {"idle": lambda seconds: 0, "busy": speed(1)}, args, cores=None)
    assert table.names == ["busy"]
    assert table.absent["idle"].startswith("it did 0 units in ")


def test_a_goal_for_nobody_is_an_error(args: argparse.Namespace) -> None:
    with pytest.raises(ValueError, match="goals name contestants that are not there: thiers"):
        compare("typo", {"ours": speed(1), "theirs": speed(1)}, args, goals=[Goal("ours", 1, over="thiers")])


def test_the_table_and_the_file(args: argparse.Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args.json = tmp_path / "speeds.json"
    goals = [Goal("ours", 2_000_000), Goal("ours", 25, over="theirs"), Goal("theirs", note="as it is")]
    table = compare("a title", {"ours": speed(1_800_000), "theirs": speed(45_000)}, args, goals=goals)
    table.notes["bytes"] = 12
    report([table], args)
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert ["ours", "1,800,000", "1,800,000 to 1,800,000"] in cells
    assert ["ours", "1,800,000", "1,800,000 to 1,800,000", "2,000,000", "short by 10%"] in cells
    assert ["ours / theirs", "40.0 x", "40.0 to 40.0", "25.0 x", "reached"] in cells
    assert ["theirs (as it is)", "45,000", "45,000 to 45,000"] in cells
    assert ["bytes: 12"] in cells
    told = json.loads(args.json.read_text())
    check_file(told)
    (written,) = told["tables"]
    assert written["figures"]["theirs"] == pytest.approx({"median": 45_000, "least": 45_000, "greatest": 45_000})
    assert [goal["reached"] for goal in written["goals"]] == [False, True, None]


def check_file(told: dict[str, Any]) -> None:
    """What every benchmark writes: the machine, and finite positive figures."""
    about = told["machine"]
    assert about["cores"] >= 1
    assert about["cpu"]
    assert about["python"].startswith("3.")
    assert {"numpy", "chess"} <= set(about["libraries"])
    assert about["date"].startswith("20")
    assert told["tables"]
    for table in told["tables"]:
        assert table["unit"].endswith(" per second")
        assert table["rounds"]
        for row in table["rounds"]:
            assert all(math.isfinite(speed) and speed > 0 for speed in row.values())
        for figure in table["figures"].values():
            assert 0 < figure["least"] <= figure["median"] <= figure["greatest"] < math.inf


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot keep a process to some cores")
def test_a_process_is_kept_to_cores() -> None:
    cores = machine.allowed_cores()
    assert machine.keep_to(1) == f"kept to core {cores[-1]} of {os.cpu_count()}"
    assert machine.allowed_cores() == cores[-1:]
    machine.keep_to(len(cores), cores)
    assert machine.allowed_cores() == cores
    with pytest.raises(machine.TooFewCoresError, match=f"needs {len(cores) + 1} cores"):
        machine.keep_to(len(cores) + 1)


def test_a_peer_in_a_process_of_its_own(args: argparse.Namespace) -> None:
    args.rounds, args.seconds = 2, 0.02
    with remote() as peer:
        assert peer.about == {"batch": 7}
        table = compare("remote", {"peer": peer}, args, cores=None)
    assert all(value > 0 for value in table.speeds("peer"))
    assert table.absent == {}


def test_a_peer_that_dies_in_its_turn(args: argparse.Namespace) -> None:
    args.rounds, args.seconds = 2, 0.02
    with remote("sys.exit('no more moves')") as peer:
        table = compare("remote", {"peer": peer, "ours": speed(1)}, args, cores=None)
    assert table.names == ["ours"]
    assert "(exit code 1); no more moves" in table.absent["peer"]


def test_a_peer_that_hangs_is_killed() -> None:
    code = SERVER.format(folder=str(BENCHMARKS / "peers"), play="import time; time.sleep(600)")
    with Remote([sys.executable, "-c", code], start=30.0, patience=0.2) as peer:
        with pytest.raises(ContestantError, match=r"within 0\.25 s \(exit code -9\)"):
            peer(0.05)
        with pytest.raises(ContestantError):
            peer(0.05)


def test_a_peer_that_does_not_start() -> None:
    with pytest.raises(ContestantError, match=r"exit code 1.*ModuleNotFoundError: No module named 'nothing_like_it'"):
        Remote([sys.executable, "-c", "import nothing_like_it"], start=30.0)
    with pytest.raises(ContestantError, match="cannot be run"):
        Remote(["/nowhere/python"])


def test_a_peer_that_is_not_installed_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "BUILT", tmp_path)
    with peers.playing(["pgx_chess"]) as found:
        assert str(found["Pgx"]) == "not installed: python benchmarks/peers.py make pgx_chess"


def test_every_peer_has_a_script_and_pins_what_it_installs() -> None:
    for name in peers.PEERS:
        assert (peers.SCRIPTS / f"{name}.py").exists()
    lists = sorted(peers.SCRIPTS.glob("*.txt"))
    assert {path.stem for path in lists} < set(peers.PEERS)
    for path in lists:
        assert all("==" in line for line in path.read_text().split())


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [["rules.py", "--most", "256"], ["single.py"], ["engines.py"]],
    ids=lambda command: command[0],
)
def test_every_benchmark_runs(command: list[str], tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    short = ["--rounds", "1", "--seconds", "0.05", "--json", str(file)]
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / command[0]), *command[1:], *short],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    check_file(json.loads(file.read_text()))
