"""Which puzzles of a file are read: by rating, by theme, and for training or for scoring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandwich_env.errors import DataError
from sandwich_env.learning.sources import is_held_out
from sandwich_env.reading.puzzles import read_puzzles

LINE = "4k3/8/8/8/8/8/4P3/4K3 b - - 0 1,e8d8 e2e4"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "puzzles.csv"
    rows = [f"p{k},{LINE},{400 + k},{'fork' if k % 2 else 'mate mateIn1'}\n" for k in range(120)]
    file.write_text("PuzzleId,FEN,Moves,Rating,Themes\n" + "".join(rows))
    return file


def test_filters_agree_with_each_other(path: Path) -> None:
    def ids(**options: Any) -> set[str]:
        return {puzzle.id for puzzle in read_puzzles(path, **options)}

    everything = ids()
    assert len(everything) == 120
    assert ids(themes="fork") | ids(themes=["mateIn1"]) == everything
    assert not ids(themes="fork") & ids(themes=["mateIn1", "long"])
    assert ids(themes=["mateIn1", "fork"], min_rating=410, max_rating=412) == {"p10", "p11", "p12"}
    assert ids(part="train") | ids(part="held_out") == everything
    assert ids(part="held_out") == {puzzle.id for puzzle in read_puzzles(path) if is_held_out(puzzle)}
    assert 0 < len(ids(part="held_out")) < 20
    assert len(ids(part="train", limit=3)) == 3
    with pytest.raises(
        DataError, match="no puzzles rated -inf to 399 with one of the themes 'fork' in the part 'train'"
    ):
        ids(themes="fork", max_rating=399, part="train")
