"""`UciExpert` with fake engines that work, die, hang or lie, and with Stockfish where there is one."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import chess
import chess.engine
import numpy as np
import pytest

from sandwich_env.errors import EngineError, SpecError
from sandwich_env.experts import engine, uci
from sandwich_env.experts.base import Expert
from sandwich_env.experts.engine import Found
from sandwich_env.experts.engine_lines import Line, parse_line
from sandwich_env.experts.engine_questions import Question
from sandwich_env.experts.uci import UNSCORED_DROP, UciExpert, find_engine
from sandwich_env.rules import Games, action_to_move, move_to_action
from sandwich_env.specs import from_spec

FAKE = Path(__file__).with_name("fake_engine.py")
STOCKFISH = shutil.which("stockfish") or shutil.which("stockfish", path="/usr/games")
needs_stockfish = pytest.mark.skipif(STOCKFISH is None, reason="Stockfish is not installed")
BACK_RANK = "6k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1"
FOOLS_MATE = "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"


def fake(*args: object, patience: float = 10.0, **options: object) -> UciExpert:
    """An expert with a fake engine; its faults are `args`."""
    command = [sys.executable, str(FAKE), *map(str, args)]
    return UciExpert(command, nodes=10, time=0.3, patience=patience, **options)  # type: ignore[arg-type]


def some_games(n: int, plies: int = 6) -> Games:
    """Different positions, their histories included."""
    games = Games(n)
    for ply in range(plies):
        games.step(games.sample(np.arange(n) + 1000 * ply))
    return games


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def pids(expert: UciExpert) -> list[int]:
    assert expert._engines is not None
    return [slot.engine.transport.get_pid() for slot in expert._engines._slots if slot.engine is not None]


def pids_so_far(expert: UciExpert) -> list[int]:
    return [] if expert._engines is None else pids(expert)


def test_policy_and_value_follow_the_engine_scores() -> None:
    games = Games(1)
    with fake(multipv=3, temperature=0.1) as expert:
        evaluation = expert.evaluate(games)
        found = expert.search([chess.Board()])[0]
    assert [line.rank for line in found.lines] == [1, 2, 3]
    assert found.best == found.lines[0].move
    expected = [2 / (1 + np.exp(-0.00368208 * line.score.score())) - 1 for line in found.lines]
    actions = [move_to_action(line.move, chess.Board()) for line in found.lines]
    np.testing.assert_allclose(evaluation.policy[0, actions], np.array(expected) / 0.1, atol=0.01)
    np.testing.assert_allclose(evaluation.value, expected[0], atol=1e-6)
    legal = games.legal_mask()[0].astype(bool)
    others = legal.copy()
    others[actions] = False
    assert others.sum() == 17
    np.testing.assert_allclose(evaluation.policy[0, others], evaluation.policy[0, actions].min() - UNSCORED_DROP)
    assert np.isneginf(evaluation.policy[0, ~legal]).all()
    assert evaluation.best()[0] == actions[0]


def test_the_policy_keeps_the_engines_order_whatever_the_scores() -> None:
    def line(rank: int, move: str, centipawns: int) -> Line:
        return Line(rank, chess.Move.from_uci(move), chess.engine.Cp(centipawns), None)

    class Told(UciExpert):
        def _ask(self, questions: Sequence[Callable[[], Question]]) -> list[Found]:
            # The move that was found last has no score of its own, and the third is scored above the second.
            lines = line(1, "e2e4", 30), line(2, "d2d4", -10), line(3, "c2c4", 20)
            return [Found(chess.Move.from_uci("g1f3"), lines, False)]

    evaluation = Told([sys.executable], temperature=0.05).evaluate(Games(1))
    actions = [move_to_action(chess.Move.from_uci(move), chess.Board()) for move in ("g1f3", "e2e4", "d2d4", "c2c4")]
    logits = evaluation.policy[0, actions]
    assert evaluation.best()[0] == actions[0]
    assert (np.diff(logits) < 0).all()
    thirty, minus_ten = (np.tanh(0.00184104 * centipawns) / 0.05 for centipawns in (30, -10))
    np.testing.assert_allclose(logits, [thirty, thirty, minus_ten, minus_ten], atol=0.005)
    np.testing.assert_allclose(evaluation.value, np.tanh(0.00184104 * 30), atol=1e-6)
    others = np.setdiff1d(np.flatnonzero(np.isfinite(evaluation.policy[0])), actions)
    np.testing.assert_allclose(evaluation.policy[0, others], logits.min() - UNSCORED_DROP)
    assert len(others) == 16


def test_mates_are_certain_and_garbled_lines_tell_nothing() -> None:
    def told(text: str) -> float | None:
        parsed = parse_line(text)
        return None if parsed is None else parsed.expected()

    assert told("info depth 3 score mate 2 pv e2e4 e7e5") == 1.0
    assert told("info depth 3 score mate -1 pv e2e4") == -1.0
    assert told("info depth 9 multipv 2 score cp 0 nodes 12 pv e2e4") == 0.0
    assert told("info depth 9 score cp 100000 pv e7e8q") == 1.0
    assert told("info depth 9 seldepth 12 multipv 1 score mate 2 nodes 7 nps 9 hashfull 0 time 1 pv e2e4 e7e5") == 1.0
    assert told("info pv e2e4 e7e5 time 3 score mate -2 depth 4") == -1.0
    usual = parse_line("info depth 9 seldepth 12 multipv 3 score cp -7 wdl 10 20 970 nodes 7 nps 9 time 1 pv b7b8q")
    other = parse_line("info score cp -7 depth 9 wdl 10 20 970 multipv 3 pv b7b8q")
    assert usual == other == Line(3, chess.Move.from_uci("b7b8q"), chess.engine.Cp(-7), chess.engine.Wdl(10, 20, 970))
    for text in (
        "info depth 9 score cp 13 lowerbound pv e2e4",
        "info depth 9 seldepth 12 multipv 1 score cp 13 upperbound nodes 7 nps 9 time 1 pv e2e4 e7e5",
        "info depth 9 score cp pv e2e4",
        "info depth 9 score cp 1.5 pv e2e4",
        "info depth 9 score elo 15 pv e2e4",
        "info depth 9 score cp 15 pv",
        "info depth 9 score cp 15 pv xyzzy",
        "info depth 9 multipv one score cp 15 pv e2e4",
        "info depth 9 score cp 15 wdl 1 2 pv e2e4",
        "info string score cp 15 pv e2e4",
        "info depth 9 currmove e2e4",
    ):
        assert told(text) is None, text


def test_wdl_takes_the_chances_that_the_engine_gives() -> None:
    with fake(wdl=True) as expert:
        assert expert.evaluate(Games(1)).value[0] == pytest.approx(0.1)  # (300 - 200) / 1000


def test_finished_games_have_their_result_and_ask_nobody() -> None:
    with fake("dies") as expert:
        evaluation = expert.evaluate(Games.from_fens([FOOLS_MATE, "7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"]))
        assert expert._engines is None
    assert evaluation.value.tolist() == [-1.0, 0.0]
    assert np.isneginf(evaluation.policy).all()
    assert evaluation.best().tolist() == [-1, -1]


def test_answers_depend_on_neither_pool_nor_batch_nor_order() -> None:
    games = some_games(12)
    with fake(pool=1) as one, fake(pool=3) as three:
        whole = one.evaluate(games)
        backwards = three.evaluate(games.select(np.arange(12)[::-1]))
        alone = one.evaluate(games.select([7]))
    np.testing.assert_array_equal(whole.policy, backwards.policy[::-1])
    np.testing.assert_array_equal(whole.value, backwards.value[::-1])
    np.testing.assert_array_equal(whole.policy[7], alone.policy[0])


def test_threads_may_share_an_expert() -> None:
    games = [some_games(6, plies=plies) for plies in range(4)]
    with fake(pool=2) as expert:
        one_by_one = [expert.evaluate(some) for some in games]
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(expert.evaluate, games))
    for one, other in zip(one_by_one, together, strict=True):
        np.testing.assert_array_equal(one.policy, other.policy)
        np.testing.assert_array_equal(one.value, other.value)


@pytest.mark.parametrize("fault", ["dies", "hangs", "illegal", "illegal-line", "no-move", "no-score", "garbage"])
def test_a_faulty_engine_is_replaced_and_asked_again(fault: str, tmp_path: Path) -> None:
    games = some_games(4)
    with fake() as honest:
        expected = honest.evaluate(games)
    with fake(fault, "--at", 2, "--once", tmp_path / "seen", patience=0.7 if fault == "hangs" else 10.0) as expert:
        evaluation = expert.evaluate(games)
        assert expert.restarts == 1
    np.testing.assert_array_equal(evaluation.policy, expected.policy)
    np.testing.assert_array_equal(evaluation.value, expected.value)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("dies", r"it died \(exit code 3\)|died unexpectedly \(exit code: 3\)"),
        ("hangs", r"it took more than 0\.6 s to answer"),
        ("illegal", "illegal uci: 'a1b3'"),
        ("illegal-line", "it scored the illegal move 'e2e5'"),
        ("no-move", "it gave no move"),
        ("no-score", "it gave no score"),
        ("garbage", "xyzzy"),
    ],
)
def test_an_engine_that_stays_faulty_is_given_up(fault: str, told: str, caplog: pytest.LogCaptureFixture) -> None:
    with fake(fault, patience=0.3 if fault == "hangs" else 10.0) as expert:
        with pytest.raises(EngineError, match=told) as caught:
            expert.evaluate(Games.from_fens([BACK_RANK]))
        assert expert.restarts == 2
    assert "asyncio" not in {record.name for record in caplog.records}  # no error in a callback
    assert sum(record.name == "sandwich_env.experts.engine_pool" for record in caplog.records) == 3
    text = str(caught.value)
    assert BACK_RANK in text
    assert sys.executable in text
    assert "attempt 3" in text


def test_after_a_failure_the_other_questions_can_still_be_asked(tmp_path: Path) -> None:
    with fake("no-score", "--at", 3) as expert:
        expert.evaluate(some_games(2))
        evaluation = expert.evaluate(some_games(2))  # the third search fails, and the next process answers
        assert expert.restarts == 1
        assert np.isfinite(evaluation.value).all()


def test_an_engine_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    games = some_games(12)
    with fake() as honest:
        expected = honest.evaluate(games)
    expert = fake("hangs", "--at", 2, "--once", tmp_path / "seen", pool=2, patience=600.0)
    started = time.monotonic()
    first, second = expert.evaluate(games), expert.evaluate(games.select(np.arange(12)[::-1]))
    expert.close()  # while it still hangs
    assert time.monotonic() - started < 60
    assert expert.restarts == 0
    np.testing.assert_array_equal(first.policy, expected.policy)
    np.testing.assert_array_equal(second.value, expected.value[::-1])


def test_closing_ends_a_question_that_another_thread_asks(tmp_path: Path) -> None:
    expert = fake("hangs", "--once", tmp_path / "seen", patience=600.0)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(expert.evaluate, Games(1))
        deadline = time.monotonic() + 30
        while not pids_so_far(expert) and time.monotonic() < deadline:
            time.sleep(0.05)
        expert.close()
        with pytest.raises(EngineError, match="closed before they answered"):
            waiting.result(timeout=30)


def test_answers_that_are_cut_into_pieces_and_followed_by_more() -> None:
    program = (
        "import os, sys, time\n"
        "def say(*pieces):\n"
        "    for piece in pieces: os.write(1, piece); time.sleep(0.02)\n"
        "for line in sys.stdin:\n"
        "    if line == 'uci\\n': say(b'uciok\\n')\n"
        "    if line == 'isready\\n': say(b'bestmove a2a3\\nreadyo', b'k\\n')\n"  # what came late is of the past
        "    if line.startswith('go'):\n"
        "        say(b'info score cp 5 pv e2', b'e4\\nbest', b'move e2e4', b' ponder e7e5\\ninfo string bye\\n')\n"
    )
    with UciExpert([sys.executable, "-c", program], multipv=1) as expert:
        for _ in range(3):
            found = expert.search([chess.Board()])[0]
            assert found.best.uci() == "e2e4"
            assert [line.score for line in found.lines] == [chess.engine.Cp(5)]
        assert expert.restarts == 0


def test_a_killed_engine_is_replaced() -> None:
    games = some_games(2)
    with fake() as expert:
        before = expert.evaluate(games)
        os.kill(pids(expert)[0], signal.SIGKILL)
        after = expert.evaluate(games)
        assert expert.restarts == 1
    np.testing.assert_array_equal(before.policy, after.policy)


def test_an_engine_that_is_not_there() -> None:
    with pytest.raises(EngineError, match=r"no engine at '/nowhere/stockfish'.*give the path of a UCI engine"):
        UciExpert("/nowhere/stockfish")


def test_no_stockfish_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(uci, "ENGINE_FOLDERS", ())
    with pytest.raises(EngineError, match=r"'stockfish' is not on PATH; install it.*or give the path"):
        find_engine()


@pytest.mark.parametrize("command", [["true"], ["cat"]], ids=["exits", "echoes"])
def test_a_program_that_is_no_engine(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "START_S", 0.5)
    with UciExpert(command) as expert, pytest.raises(EngineError, match="does not start as a UCI engine"):
        expert.evaluate(Games(1))


def test_an_engine_that_never_says_uciok_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "START_S", 0.5)
    with fake("mute") as expert:
        with pytest.raises(EngineError, match=r"took more than 0\.5 s to start"):
            expert.evaluate(Games(1))
        assert pids(expert) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"nodes": 0}, "nodes of 'uci' is 0"),
        ({"nodes": 1.5}, "nodes of 'uci' is 1.5"),
        ({"time": 0.0}, "time of 'uci' is 0.0: it must be more than 0"),
        ({"time": float("nan")}, "time of 'uci' is nan"),
        ({"pool": -1}, "pool of 'uci' is -1"),
        ({"multipv": 0}, "multipv of 'uci' is 0"),
        ({"temperature": 0}, "temperature of 'uci' is 0"),
    ],
)
def test_arguments_out_of_range(arguments: dict[str, object], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        UciExpert([sys.executable], **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "arguments", "told"),
    [
        ("none", {"options": {"Skil Level": 3}}, "no option 'Skil Level': did you mean 'Skill Level'"),
        ("none", {"options": {"Skill Level": 33}}, "Skill Level"),
        ("none", {"options": {"MultiPV": 3}}, "'MultiPV' is set by the package"),
        ("plain", {"multipv": 2}, "no MultiPV: it needs multipv=1, not 2"),
        ("plain", {"multipv": 1, "wdl": True}, "no UCI_ShowWDL"),
    ],
)
def test_options_that_the_engine_refuses(fault: str, arguments: dict[str, object], told: str) -> None:
    with fake(fault, **arguments) as expert, pytest.raises(EngineError, match=told):
        expert.evaluate(Games(1))


def test_an_engine_without_multipv_can_be_asked_for_one_move() -> None:
    with fake("plain", multipv=1) as expert:
        assert expert.evaluate(Games(1)).best()[0] >= 0


def test_close_ends_the_processes_and_may_be_called_twice() -> None:
    expert = fake(pool=2)
    deadline = time.monotonic() + 30
    while len(pids_so_far(expert)) < 2 and time.monotonic() < deadline:  # the first may answer before the second is up
        expert.evaluate(some_games(4))
    running = pids(expert)
    assert len(running) == 2
    assert all(alive(pid) for pid in running)
    expert.close()
    expert.close()
    assert not any(alive(pid) for pid in running)
    with pytest.raises(EngineError, match="was closed"):
        expert.evaluate(Games(1))


def test_garbage_collection_ends_the_processes() -> None:
    expert = fake()
    expert.evaluate(Games(1))
    (pid,) = pids(expert)
    del expert
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)


def test_a_program_that_never_closes_its_expert_ends() -> None:
    program = (
        "from sandwich_env.rules import Games\n"
        "from sandwich_env.experts.uci import UciExpert\n"
        f"expert = UciExpert([{sys.executable!r}, {str(FAKE)!r}], nodes=10, time=0.3)\n"
        "print(expert.evaluate(Games(1)).best()[0] >= 0)\n"
        "print(expert._engines._slots[0].engine.transport.get_pid())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    answered, pid = done.stdout.split()
    assert answered == "True"
    assert done.stderr == ""
    assert not alive(int(pid))


def test_a_forked_child_starts_its_own_engines_and_leaves_the_parents_alone() -> None:
    program = (
        "import gc, os, sys, weakref\n"
        "from sandwich_env.rules import Games\n"
        "from sandwich_env.experts.uci import UciExpert\n"
        f"expert = UciExpert([{sys.executable!r}, {str(FAKE)!r}], nodes=10, time=0.3)\n"
        "games = Games(1)\n"
        "best = expert.evaluate(games).best()[0]\n"
        "inherited = weakref.ref(expert._engines)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    same = expert.evaluate(games).best()[0] == best\n"
        "    del expert\n"
        "    gc.collect()\n"
        "    sys.exit(0 if same and inherited() is not None else 1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert expert.evaluate(games).best()[0] == best\n"
        "print(expert.restarts)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("0\n", "", 0)


def test_ctrl_c_stops_the_program_and_its_hanging_engine(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    command = [sys.executable, str(FAKE), "hangs", "--once", str(seen)]
    # A process that was started in the background ignores Ctrl-C, and hands that on.
    program = (
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from sandwich_env.rules import Games\n"
        "from sandwich_env.experts.uci import UciExpert\n"
        f"UciExpert({command!r}, nodes=10, time=60.0).evaluate(Games(1))\n"
    )
    run = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (seen.exists() and seen.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    run.send_signal(signal.SIGINT)
    _, told = run.communicate(timeout=30)
    assert told.rstrip().endswith("KeyboardInterrupt")
    assert run.returncode == -signal.SIGINT
    assert not alive(int(seen.read_text()))


def test_pickling_gives_an_expert_with_engines_of_its_own() -> None:
    with fake(multipv=2) as expert:
        expert.evaluate(Games(1))
        with pickle.loads(pickle.dumps(expert)) as copy:
            assert copy.to_spec() == expert.to_spec()
            assert copy._engines is None
            np.testing.assert_array_equal(copy.evaluate(Games(1)).policy, expert.evaluate(Games(1)).policy)


def test_spec_round_trip() -> None:
    expert = fake("none", multipv=2, options={"Skill Level": 3}, wdl=True)
    spec = expert.to_spec()
    assert spec["kind"] == "uci"
    assert from_spec(spec, Expert).to_spec() == spec


@needs_stockfish
@pytest.mark.engine
class TestStockfish:
    def test_reproducible_across_pools_and_runs(self) -> None:
        games = some_games(12, plies=16)
        with UciExpert(STOCKFISH, nodes=1500) as one, UciExpert(STOCKFISH, nodes=1500, pool=2) as two:
            first, second = one.evaluate(games), two.evaluate(games.select(np.arange(12)[::-1]))
            again = one.evaluate(games)
            assert one.cut_short == two.cut_short == 0
        np.testing.assert_array_equal(first.policy, again.policy)
        np.testing.assert_array_equal(first.policy, second.policy[::-1])
        np.testing.assert_array_equal(first.value, second.value[::-1])

    def test_finds_mate_in_one(self) -> None:
        with UciExpert(STOCKFISH, nodes=2000) as expert:
            evaluation = expert.evaluate(Games.from_fens([BACK_RANK]))
        move = action_to_move(int(evaluation.best()[0]), chess.Board(BACK_RANK))
        assert move.uci() == "e1e8"
        assert evaluation.value[0] == 1.0

    @pytest.mark.parametrize("multipv", [1, 4])
    def test_the_best_of_the_policy_is_the_engines_move(self, multipv: int) -> None:
        games = some_games(20, plies=30)
        with UciExpert(STOCKFISH, nodes=700, multipv=multipv) as expert:
            best = expert.evaluate(games).best()
            found = expert.search([games.board(i) for i in range(20)])
        assert [move_to_action(one.best, games.board(i)) for i, one in enumerate(found)] == best.tolist()

    def test_the_clock_ends_a_search_that_the_nodes_do_not(self) -> None:
        with UciExpert(STOCKFISH, nodes=10**9, time=0.1) as expert:
            expert.evaluate(Games(1))
            assert expert.cut_short == 1

    def test_wdl_and_options(self) -> None:
        options = {"Hash": 2, "UCI_LimitStrength": True, "UCI_Elo": 1500}
        with UciExpert(STOCKFISH, nodes=500, wdl=True, options=options) as expert:
            assert abs(expert.evaluate(Games(1)).value[0]) < 0.5
