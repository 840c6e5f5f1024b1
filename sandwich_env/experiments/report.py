"""The report of a run, or of several side by side: one page of HTML that needs no other file."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandwich_env.errors import DataError
from sandwich_env.experiments.engine_marks import engine_text
from sandwich_env.experiments.folder import RunFolder, read_json
from sandwich_env.experiments.measure import COLUMNS
from sandwich_env.experiments.plots import Series, draw_all
from sandwich_env.files import write_atomically

CAPTIONS = {
    "arms": "How much of the gap from H to E each arm recovered, after its last round.",
    "pgr": "Performance gap recovered (PGR) by round: 0 is H before it learnt, 1 is E.",
    "strength": "Elo of H by round, measured without advice against fixed anchors from paired openings.",
    "knowledge": "Puzzles solved, the whole line right; and fixed positions in which H's best move is E's.",
    "advice": "The advice and what H made of it. Only the scorer knows what E would have advised.",
}

TABLE = ("round", "elo", "pgr", "puzzles", "agreement", "score_novice", "score_expert", "advice_honest", "followed")
"""The columns of the table; all of them are in metrics.jsonl."""

HEADINGS = {
    "round": "round",
    "elo": "Elo of H",
    "pgr": "PGR",
    "puzzles": "puzzles",
    "agreement": "agrees with E",
    "score_novice": "score against H0",
    "score_expert": "score against E",
    "advice_honest": "advice as E's",
    "followed": "advice followed",
}

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; display: block; overflow-x: auto }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #ccc; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
img { max-width: 100%; height: auto } figure { margin: 1rem 0 } figcaption { color: #555 }
pre { background: #f4f4f4; padding: .7rem; overflow-x: auto; font-size: .85rem }
.note { background: #fff4d6; padding: .5rem .8rem }
"""


def redraw(root: Path, name: str | None = None) -> Series:
    """Draw the plots and the report of a run again, from its metrics; returns them.

    Raises:
        DataError: there is no run in the folder, or nothing was measured yet.
    """
    folder = RunFolder(root)
    config = folder.read_config()
    rows = folder.read_metrics()
    if not rows:
        raise DataError(
            f"the run in {str(root)!r} has measured nothing yet: go on with it (sandwich run --resume {root})"
        )
    series = Series(name or root.resolve().name, rows)
    plots = draw_all([series], folder.plots)
    about = read_json(folder.about)
    body = [
        f"<h1>{html.escape(series.name)}</h1>",
        f"<p>{html.escape(sentence(config, rows))}</p>",
        *_notes([series]),
        "<h2>After each round</h2>",
        table(TABLE, [_cells(row) for row in rows]),
        *_figures(plots),
        "<h2>How to get these numbers again</h2>",
        f"<pre>sandwich run --config {html.escape(str(folder.config))} --out ANOTHER_FOLDER</pre>",
        f"<p>With {html.escape(versions(about))}.</p>",
        "<h2>Config</h2>",
        f"<pre>{html.escape(json.dumps(config, indent=2))}</pre>",
        "<h2>Columns of metrics.jsonl</h2>",
        table(("column", "meaning"), list(COLUMNS.items())),
    ]
    write_atomically(folder.report, page(series.name, body))
    return series


def compare(runs: Sequence[Series], root: Path, title: str, text: str = "") -> Path:
    """Draw several runs side by side, with a report; returns the report's path."""
    plots = draw_all(runs, root / "plots")
    last = [(run.name, *_cells(run.rows[-1])[1:]) for run in runs]
    body = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{html.escape(text)}</p>" if text else "",
        *_notes(runs),
        "<h2>After the last round</h2>",
        table(("run", *TABLE[1:]), last),
        *_figures(plots),
        "<h2>The runs</h2>",
        "<ul>",
        *(f"<li>{html.escape(run.name)}: {len(run.rows) - 1} rounds</li>" for run in runs),
        "</ul>",
    ]
    path = root / "report.html"
    write_atomically(path, page(title, body))
    return path


def sentence(config: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """What the run was and what came of it, in a sentence or two."""
    advisor = "nobody" if config["advisor"] is None else json.dumps(config["advisor"]).strip('"')
    last = rows[-1]
    pgr = "could not be measured" if last["pgr"] is None else f"is {cell(last, 'pgr')}"
    return (
        f"H learnt for {last['round']} of {config['rounds']} rounds of {config['play']['games']} games, "
        f"with {advisor} to ask. Its strength without advice is {cell(last, 'elo')} Elo above its start, "
        f"from where E is {_number('elo', last['elo_expert'])}. PGR {pgr}."
    )


def _notes(runs: Sequence[Series]) -> list[str]:
    notes = []
    for run in runs:
        row = run.rows[-1]
        if row["pgr_refused"]:
            notes.append(f"{run.name}: no PGR. {row['pgr_refused']}")
        if row["elo_one_sided"]:
            notes.append(
                f"{run.name}: H or E won or lost every game that it is rated by, so that its Elo, and PGR, are rough "
                f"bounds."
            )
    return [f'<p class="note">{html.escape(note)}</p>' for note in notes]


def _figures(plots: Sequence[Path]) -> list[str]:
    figures = []
    for path in plots:
        data = base64.b64encode(path.read_bytes()).decode()
        caption = html.escape(CAPTIONS[path.stem])
        image = f'<img src="data:image/png;base64,{data}" alt="{caption}">'
        figures.append(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")
    return figures


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [cell(row, column) for column in TABLE]


def cell(row: Mapping[str, Any], column: str) -> str:
    """A measure as a table shows it, with its interval where it has one."""
    value, low, high = row[column], row.get(f"{column}_low"), row.get(f"{column}_high")
    text = _number(column, value)
    if value is None or (low is None and high is None) or low == high == value:
        return text
    return f"{text} [{_number(column, low)}, {_number(column, high)}]"


def _number(column: str, value: float | None) -> str:
    if value is None:
        return "-"
    if column == "round":
        return f"{value}"
    if column.startswith("elo"):
        return f"{value:+.0f}"
    return f"{value:.2f}" if column.startswith(("pgr", "score")) else f"{value:.1%}"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of HTML."""
    head = "".join(f"<th>{html.escape(HEADINGS.get(name, name))}</th>" for name in columns)
    lines = ("".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) for row in rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def versions(about: Mapping[str, Any]) -> str:
    """What numbers were made with, in a line."""
    libraries = ", ".join(f"{name} {version}" for name, version in about["libraries"].items())
    weights = ", ".join(f"{name} {mark[:12]}" for name, mark in about["weights"].items())
    told = f"sandwich_env {about['sandwich_env']}, Python {about['python']}, {libraries}; weights (SHA-256) {weights}"
    # Folders of an earlier version do not say what their engines were.
    engines = ", ".join(f"{name} is {engine_text(mark)}" for name, mark in about.get("engines", {}).items())
    return f"{told}; engines (SHA-256) {engines}" if engines else told


def page(title: str, body: Sequence[str], style: str = "") -> bytes:
    """A whole page of HTML from its parts; `style` is added to that of all reports."""
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    text = "\n".join(part for part in body if part)
    return f"{head}{view}<style>{_STYLE}{style}</style></head><body>\n{text}\n</body></html>\n".encode()
