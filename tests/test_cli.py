"""The command: what each says, and one clear line and a status for whatever goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import chess.pgn
import pytest

import sandwich_env
from sandwich_env import cli
from sandwich_env.cli import COMMANDS, run
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import save_network


@pytest.fixture
def nets(tmp_path):
    paths = [tmp_path / f"{name}.safetensors" for name in ("one", "two")]
    for seed, path in enumerate(paths):
        save_network(new_network(NetworkShape(blocks=1, channels=8), seed), path)
    return paths


def test_help_and_version_need_nothing(capsys):
    assert run(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for name in COMMANDS)
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"sandwich_env {sandwich_env.__version__}\n"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from sandwich_env.cli import run; run(['--help']); "
        "print([name for name in ('torch', 'tyro', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_misspelt_command_is_answered_with_the_right_one(capsys):
    assert run(["matsh"]) == 2
    assert capsys.readouterr().err == "sandwich: there is no command 'matsh': did you mean 'match'?\n"


@pytest.mark.parametrize("name", ["demo", "run", "match", "pretrain", "label"])
def test_every_command_explains_its_flags(name, capsys):
    with pytest.raises(SystemExit) as ended:
        run([name, "--help"])
    assert ended.value.code == 0
    assert "--" in capsys.readouterr().out


def test_match_plays_and_writes_its_games(tmp_path, nets, capsys):
    games = tmp_path / "games.pgn"
    flags = ["--pairs", "2", "--max-plies", "20", "--pgn", str(games)]
    assert run(["match", "--first", str(nets[0]), "--second", "random", *flags]) == 0
    assert "of the points, Elo" in capsys.readouterr().out
    with games.open() as file:
        played = [chess.pgn.read_game(file) for _ in range(5)]
    assert [game is not None for game in played] == [True] * 4 + [False]


def test_an_error_is_one_line(capsys, nets):
    assert run(["match", "--first", "novise", "--second", "random"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("sandwich: there is no player 'novise'")
    assert "'novice'" in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("text", ["random_move:epsilon=1.5", '{"kind": "random_move", "epsilom": 0.5}'])
def test_a_spec_that_cannot_be_is_named(text, capsys, tmp_path, nets):
    flags = ["--out", str(tmp_path / "run"), "--expert", str(nets[0]), "--novice", str(nets[1]), "--advisor", text]
    assert run(["run", *flags]) == 2
    assert "epsilo" in capsys.readouterr().err


def test_a_run_from_a_file_with_an_unknown_key_is_refused(tmp_path, capsys):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"out": str(tmp_path / "run"), "advisr": "honest"}))
    assert run(["run", "--config", str(path)]) == 2
    assert "did you mean 'advisor'?" in capsys.readouterr().err


def test_a_run_its_end_and_its_report(tmp_path, nets, capsys):
    book = tmp_path / "book.epd"
    board = chess.Board()
    book.write_text("".join(f"{fen}\n" for fen in (board.fen(), *_after_one_move())))
    flags = ["--expert", str(nets[0]), "--novice", str(nets[1]), "--book", str(book), "--rounds", "1"]
    flags += ["--play.games", "2", "--play.max-plies", "12", "--evaluate.openings", "2", "--evaluate.max-plies", "12"]
    flags += ["--evaluate.positions", "5", "--evaluate.puzzle-limit", "3", "--evaluate.resamples", "20"]
    out = tmp_path / "run"
    assert run(["run", "--out", str(out), "--advisor", "none", *flags]) == 0
    assert json.loads((out / "config.json").read_text())["advisor"] is None
    rows = (out / "metrics.jsonl").read_text()
    assert run(["run", "--resume", str(out)]) == 0
    assert (out / "metrics.jsonl").read_text() == rows
    (out / "report.html").unlink()
    assert run(["report", str(out)]) == 0
    assert (out / "report.html").is_file()
    assert run(["report", str(out), str(out)]) == 0
    assert (tmp_path / "comparison" / "report.html").is_file()
    assert run(["run", "--out", str(out), *flags]) == 2
    assert "holds a run already" in capsys.readouterr().err


def _after_one_move():
    for move in ("e2e4", "d2d4", "g1f3"):
        board = chess.Board()
        board.push_uci(move)
        yield board.fen()


def test_a_stopped_command_says_how_to_go_on(monkeypatch, capsys):
    def stopped(arguments):
        raise KeyboardInterrupt

    monkeypatch.setitem(cli.COMMANDS, "demo", stopped)
    assert run(["demo", "--out", "here"]) == 130
    assert "sandwich demo --out here" in capsys.readouterr().err


def test_a_full_disk_is_one_line_and_says_how_to_go_on(monkeypatch, capsys):
    def full(arguments):
        raise OSError(28, "No space left on device", "games.pgn")

    monkeypatch.setitem(cli.COMMANDS, "run", full)
    assert run(["run", "--out", "here"]) == 2
    told = capsys.readouterr().err
    assert "games.pgn" in told
    assert "sandwich run --resume" in told


def test_without_the_extra_it_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tyro", None)
    assert run(["match", "--first", "random", "--second", "random"]) == 2
    assert "sandwich_env[train]" in capsys.readouterr().err


def test_what_keeps_nothing_does_not_say_it_does(monkeypatch, capsys):
    def stopped(arguments):
        raise KeyboardInterrupt

    def taken(arguments):
        raise FileExistsError(17, "File exists", "afile")

    monkeypatch.setitem(cli.COMMANDS, "match", stopped)
    assert run(["match", "--pairs", "9"]) == 130
    assert capsys.readouterr().err == "\nstopped. Nothing is kept\n"
    monkeypatch.setitem(cli.COMMANDS, "sweep", taken)
    assert run(["sweep", "study.yaml", "--out", "afile"]) == 2
    assert capsys.readouterr().err == "sandwich: [Errno 17] File exists: 'afile'\n"  # the same again would not help


def test_a_match_is_checked_before_it_is_played(tmp_path, capsys):
    players = ["match", "--first", "random", "--second", "random"]
    assert run([*players, "--pgn", str(tmp_path / "none" / "games.pgn")]) == 2
    assert "give a file in a folder that is there" in capsys.readouterr().err
    assert run([*players, "--pairs", "0"]) == 2
    assert "pairs is 0" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["--out {}", "--out={}"])
@pytest.mark.parametrize("first", [True, False])
def test_the_file_of_a_run_may_stand_anywhere(tmp_path, form, first):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"rounds": 7}))
    out, file = form.format(tmp_path / "run").split(), ["--config", str(path)]
    config = cli._run_config([*file, *out] if first else [*out, f"--config={path}", "--seed", "3"])
    assert (config.rounds, config.out, config.seed) == (7, tmp_path / "run", 0 if first else 3)
