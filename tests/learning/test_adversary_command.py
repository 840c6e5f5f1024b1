"""`sandwich train-adversary`, from the flags to the table, the card and the plot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from sandwich_env.cli import run
from sandwich_env.nets.weights import load_card, load_network

SMALL = "--rounds 1 --games 2 --positions-per-game 3 --steps 5 --detector-steps 2 --batch-size 4 --held-out 0.5"
SEED = "2"
"""With it, one of the two games is held out."""


def test_the_command_trains_measures_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["train-adversary", "--out", str(tmp_path / "b"), *SMALL.split(), "--seed", SEED, "--curve", "0", "1"]
    assert run(flags) == 0
    said = capsys.readouterr().out
    for name in ("honest", "random move", "worst move", "B"):
        assert name in said
    assert f"B: {tmp_path / 'b' / 'b.safetensors'}" in said.replace("\n", "")
    card = load_card(tmp_path / "b" / "b.safetensors")
    assert card["config"]["steps"] == 5
    assert card["positions"]["learnt"] > 0
    assert [row["name"] for row in card["scores"]] == ["honest", "random move", "worst move", "B"]
    points = json.loads((tmp_path / "b" / "trade_off.json").read_text())
    assert [point["weight"] for point in points] == [None, None, None, 0.0, 1.0]
    assert (tmp_path / "b" / "trade_off.png").read_bytes().startswith(b"\x89PNG")
    assert load_network(tmp_path / "b" / "weight_1" / "b.safetensors").shape == load_network("expert").shape
    assert run(flags) == 0, "the same command again has nothing left to do"
    assert run([*flags[:3], "--rounds", "2"]) == 2, "another config is refused"


def test_what_cannot_be_measured_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["train-adversary", "--out", str(tmp_path), *SMALL.split(), "--held-out"]
    assert run([*flags, "0"]) == 2
    assert "held_out=0.0 left no position to measure on" in capsys.readouterr().err
    assert run([*flags, "1", "--out", str(tmp_path / "all")]) == 2
    assert "held_out=1.0 leaves no game to learn from" in capsys.readouterr().err
