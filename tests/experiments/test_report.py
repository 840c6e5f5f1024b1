"""The report: one page that needs no other file, with the numbers of metrics.jsonl."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from run_support import finished, plain_config

from sandwich_env.errors import DataError
from sandwich_env.experiments import plots
from sandwich_env.experiments.folder import RunFolder
from sandwich_env.experiments.measure import COLUMNS, new_row
from sandwich_env.experiments.plots import Series
from sandwich_env.experiments.report import HEADINGS, TABLE, cell, compare, redraw, sentence


class Page(HTMLParser):
    """What a page points to, and the cells of its tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.targets += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag == "tr":
            self.rows.append([])
        self._in_cell = tag in ("td", "th")
        if self._in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module", autouse=True)
def coarse() -> Iterator[None]:
    """Plots of fewer pixels, in a quarter of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "DPI", 60)
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def root(home: Path) -> Path:
    config = finished(home, "my <first> run", rounds=1)
    redraw(config.out)
    return config.out


def assert_self_contained(page: Page, text: str, pictures: int) -> None:
    assert len(page.targets) == pictures
    for target in page.targets:
        kind, _, data = target.partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data).startswith(b"\x89PNG")
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "url(" not in text
    assert "@import" not in text


def test_the_report_is_one_page_that_needs_no_other_file(root: Path) -> None:
    text = (root / "report.html").read_text(encoding="utf-8")
    assert_self_contained(Page(text), text, pictures=4)
    assert {path.name for path in (root / "plots").iterdir()} == {
        "pgr.png", "strength.png", "knowledge.png", "advice.png"
    }  # fmt: skip
    assert "<h1>my &lt;first&gt; run</h1>" in text


def test_its_table_has_the_numbers_of_the_metrics(root: Path) -> None:
    rows = RunFolder(root).read_metrics()
    page = Page((root / "report.html").read_text(encoding="utf-8"))
    heading = page.rows.index([HEADINGS[column] for column in TABLE])
    shown = page.rows[heading + 1 : heading + 1 + len(rows)]
    assert [line[0] for line in shown] == ["0", "1"]
    for row, line in zip(rows, shown, strict=True):
        for column, text in zip(TABLE, line, strict=True):
            value = row[column]
            if value is None:
                assert text == "-", column
                continue
            ends = [row[f"{column}_{end}"] for end in ("low", "high") if row.get(f"{column}_{end}") is not None]
            numbers = [float(number) for number in re.findall(r"[-+]?\d+(?:\.\d+)?", text)]
            scale, precision = (
                (100, 0.0501) if text.rstrip("]").endswith("%") else (1, 0.501 if column == "elo" else 0.00501)
            )
            expected = [value] if set(ends) == {value} else [value, *ends]
            assert numbers == pytest.approx([number * scale for number in expected], abs=precision), (column, text)


def test_it_explains_every_column_and_shows_the_config(root: Path) -> None:
    page = Page((root / "report.html").read_text(encoding="utf-8"))
    explained = {line[0]: line[1] for line in page.rows if len(line) == 2}
    assert COLUMNS.items() <= explained.items()
    text = (root / "report.html").read_text(encoding="utf-8")
    assert "random_move:epsilon=0.3" in text
    assert "SHA-256" in text


def test_a_refused_pgr_is_said(home: Path) -> None:
    novice = plain_config(home)["novice"]
    config = finished(home, "refused", expert=novice, advisor="honest", rounds=1)
    series = redraw(config.out, "no gap")
    refused = series.rows[-1]["pgr_refused"]
    text = (config.out / "report.html").read_text(encoding="utf-8")
    note = re.search(r'<p class="note">(.*?)</p>', text)
    assert note is not None
    assert note.group(1).startswith("no gap: no PGR. ")
    assert refused.split(" (")[0].split("'")[0] in note.group(1)
    assert "PGR could not be measured." in text


def test_runs_side_by_side_have_a_line_each(root: Path, tmp_path: Path) -> None:
    rows = RunFolder(root).read_metrics()
    path = compare([Series("one", rows), Series("<two>", rows[:1])], tmp_path, "Two runs", "Side by side.")
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert_self_contained(page, text, pictures=5)
    lines = {line[0]: line[1:] for line in page.rows}
    assert lines["one"] == [cell(rows[-1], column) for column in TABLE[1:]]
    assert lines["<two>"] == [cell(rows[0], column) for column in TABLE[1:]]
    assert "<two>" not in text


@pytest.mark.parametrize(
    ("values", "column", "text"),
    [
        ({"pgr": None}, "pgr", "-"),
        ({"pgr": 0.5, "pgr_low": 0.25, "pgr_high": 0.75}, "pgr", "0.50 [0.25, 0.75]"),
        ({"pgr": 0.5, "pgr_low": 0.25, "pgr_high": None}, "pgr", "0.50 [0.25, -]"),
        ({"elo": 0.0, "elo_low": 0.0, "elo_high": 0.0}, "elo", "+0"),
        ({"elo": -12.4, "elo_low": -20.0, "elo_high": 3.0}, "elo", "-12 [-20, +3]"),
        ({"followed": 0.256}, "followed", "25.6%"),
    ],
)
def test_a_measure_in_a_cell(values: dict[str, Any], column: str, text: str) -> None:
    assert cell(new_row(1) | values, column) == text


def test_the_sentence_says_what_came_of_it(root: Path) -> None:
    config, rows = json.loads((root / "config.json").read_text()), RunFolder(root).read_metrics()
    said = sentence(config, rows)
    assert said.startswith("H learnt for 1 of 1 rounds of 4 games, with random_move:epsilon=0.3 to ask.")
    assert f"PGR is {cell(rows[-1], 'pgr')}." in said
    assert "with nobody to ask" in sentence(config | {"advisor": None}, rows)


def test_a_folder_with_nothing_measured_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run in"):
        redraw(tmp_path)
    (tmp_path / "config.json").write_bytes((root / "config.json").read_bytes())
    with pytest.raises(DataError, match=r"measured nothing yet.*--resume"):
        redraw(tmp_path)
