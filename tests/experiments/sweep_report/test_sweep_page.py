"""`sandwich report` over a sweep: one page that needs no other file, and says what is there and what is not."""

from __future__ import annotations

import base64
import json
import re
import shlex
from html import unescape
from pathlib import Path

import pytest
from docs_support import text_of as text_of_docs
from sweep_table_support import Row, arm, row, write_sweep

from sandwich_env import cli
from sandwich_env.errors import DataError
from sandwich_env.experiments.sweep_report import look, page
from sandwich_env.experiments.sweep_report.page import is_sweep, report_sweep
from sandwich_env.experiments.sweep_report.premium_rows import premium_rows
from sandwich_env.experiments.sweep_report.results import results_from

STUDY: Row = {"name": "hand_made", "base": {"expert": "uniform"}, "controls": ["imitate"], "seeds": [0, 1, 2, 3]}


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots of fewer pixels, in a quarter of the time."""
    monkeypatch.setattr(look, "DPI", 40)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No figures, for tests of what is written."""
    monkeypatch.setattr(page, "draw_figures", lambda _: iter(()))


def strategic_rows() -> list[Row]:
    """Noise of which H keeps 0.5 at any loss, and a strategy of which it keeps 0.5 less the loss times ten."""
    rows = []
    for seed in range(2):
        for index, loss in enumerate((0.0, 0.05, 0.1)):
            shared: Row = {"seed": seed, "dial": index / 2, "dial_index": index, "advice_loss": loss}
            rows.append(row(**shared, loss_pgr=0.5, advisor='{"kind": "policy_noise", "scale": 1.0}', kind="noise"))
            rows.append(
                row(**shared, loss_pgr=0.5 - 10 * loss, advisor='{"kind": "other_model", "model": "b"}', kind="B")
            )  # fmt: skip
    return rows


def text_of(path: Path) -> str:
    """What a reader sees."""
    bare = re.sub(r"<style>.*?</style>|<img[^>]*>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


def test_the_page_needs_no_other_file_and_the_plots_lie_beside_it(tmp_path: Path) -> None:
    root = write_sweep(tmp_path / "sweep", [*arm(), *arm(kind="worst_move", seed=1)], STUDY)
    path = report_sweep(root)
    assert path == root / "report.html"
    html = path.read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="([^"]*)"', html)
    names = {path.stem for path in (root / "plots").glob("*.png")}
    assert len(sources) == len(names) == 7
    assert names == {path.stem for path in (root / "plots").glob("*.svg")}
    for source in sources:
        kind, _, data = source.partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data).startswith(b"\x89PNG")
    assert not re.search(r"<(script|link|iframe|object)|url\(|@import", html)


@pytest.mark.usefixtures("undrawn")
def test_it_says_how_far_a_sweep_has_come(tmp_path: Path) -> None:
    rows = [*arm(seed=0), *arm(seed=1, status="failed", error="no <engine>"), *arm(seed=2, status="unfinished")]
    text = text_of(report_sweep(write_sweep(tmp_path, rows, STUDY)))
    assert "1 of 4 arms are done. 1 failed. 1 unfinished. Not done, and not in the table yet: 1." in text
    assert "failed: no &lt;engine&gt;" in text
    assert "Together they took 600 games, 27,000 queries," in text


@pytest.mark.usefixtures("undrawn")
def test_nothing_is_made_of_a_study_that_may_be_somebody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "planted.py").write_text("raise SystemExit('the study was made')")
    spec: Row = {"kind": "planted:Method"}
    study = STUDY | {"methods": {"planted": spec}, "novices": {"H": "planted:Novice"}}
    rows = [row(seed=seed, method_spec=json.dumps(spec), advisor=json.dumps(spec)) for seed in range(2)]
    root = write_sweep(tmp_path / "sweep", rows, study, arms=None)
    assert "2 of the 2 arms in the table are done." in text_of(report_sweep(root))
    (root / "results.parquet").unlink()
    with pytest.raises(DataError, match="a sweep writes it"):
        report_sweep(root)


@pytest.mark.usefixtures("undrawn")
def test_some_seeds_of_a_map_are_said_to_be_some(tmp_path: Path) -> None:
    rows = [*arm(seed=0), *arm(seed=0, dial=1.0, dial_index=2), *arm(seed=1)]
    rows += [one for seed in range(5) for one in arm(kind="none", method="self_play", control=True, seed=seed)]
    text = text_of(report_sweep(write_sweep(tmp_path, rows, STUDY)))
    assert "A cell of the map has 1 to 2 seeds done." in text
    assert "95 % t intervals over 2 seeds, or, where there is one seed, 95 % intervals of the one arm" in text


@pytest.mark.usefixtures("undrawn")
def test_a_borrowed_cell_is_marked_in_the_table_of_arms(tmp_path: Path) -> None:
    shared: Row = {"arm": "one", "advisor": '"honest"', "loss_pgr": 0.5}
    rows = [row(unheeded=True, expert_calls_total=None, **shared), row(dial=0.0, dial_index=0, **shared)]
    text = text_of(report_sweep(write_sweep(tmp_path, rows, STUDY)))
    assert "random_move epsilon 0.5 = every turn" in text
    assert "random_move epsilon 0 every turn" in text
    assert "= the honest arm, since A changes only what the method does not heed: nothing of A reached H" in text
    assert "9,100 expert calls" in text
    assert "at least" not in text


@pytest.mark.usefixtures("undrawn")
def test_the_table_has_a_line_for_each_cell_with_its_costs(tmp_path: Path) -> None:
    rows = [row(seed=seed, loss_pgr=value, pgr=value, elo_one_sided=True) for seed, value in ((0, 0.2), (1, 0.4))]
    html = report_sweep(write_sweep(tmp_path, rows, STUDY)).read_text(encoding="utf-8")
    lines = [re.findall(r"<t[dh]>(.*?)</t[dh]>", line) for line in re.findall(r"<tr>(.*?)</tr>", html)]
    (at,) = [at for at, line in enumerate(lines) if line[:2] == ["kind", "dial"]]
    heading, cell = lines[at], lines[at + 1]
    shown = dict(zip(heading, cell, strict=True))
    assert cell[:6] == ["random_move", "epsilon 0.5", "every turn", "imitate", "novice", "0, 1"]
    # half a t of 12.706 times 0.1414 / sqrt(2) on each side of 0.3
    assert shown["PGR by loss of win probability"] == "0.30 [-0.97, 1.57]"
    assert shown["PGR by puzzles"] == "-"
    assert shown["PGR by Elo"] == "0.30 [-0.97, 1.57] †"
    assert [shown[name] for name in ("queries", "inquiries", "expert calls", "positions", "seconds")] == [
        "9,000", "0", "9,100", "9,000", "12"
    ]  # fmt: skip


@pytest.mark.usefixtures("undrawn")
def test_it_says_how_to_get_the_numbers_again(tmp_path: Path) -> None:
    root = write_sweep(tmp_path, arm(), STUDY)
    html = report_sweep(root).read_text(encoding="utf-8")
    assert f"sandwich sweep {root / 'study.json'} --out ANOTHER_FOLDER" in html
    assert "numpy 2" in html
    (found,) = [text for text in re.findall(r"<pre>(.*?)</pre>", html, flags=re.DOTALL) if text.startswith("{")]
    assert json.loads(found.replace("&quot;", '"')) == STUDY


@pytest.mark.usefixtures("undrawn")
def test_its_commands_can_be_given_as_they_stand(tmp_path: Path) -> None:
    rows = [*arm(seed=1, status="failed"), *arm(seed=2)]
    root = write_sweep(tmp_path / "a folder's", rows, STUDY)
    (root / "commands.txt").write_text("sandwich sweep s.yaml  # sandwich_env 1\n" * 3 + "# from Python: <run>\n")
    html = report_sweep(root).read_text(encoding="utf-8")
    first, made, _ = (unescape(text) for text in re.findall(r"<pre>(.*?)</pre>", html, flags=re.DOTALL))
    lines = [shlex.split(line, comments=True) for line in first.splitlines()]
    done = rows[-1]["arm"]
    assert lines == [
        ["sandwich", "sweep", str(root / "study.json"), "--out", "ANOTHER_FOLDER"],
        ["sandwich", "report", "ANOTHER_FOLDER"],
        [],
        [],
        ["sandwich", "run", "--config", str(root / "arms" / done / "config.json"), "--out", "ANOTHER_FOLDER"],
    ]
    assert made.splitlines() == ["sandwich sweep s.yaml  # sandwich_env 1, 3 times", "# from Python: <run>"]
    assert "Every command that made it:" in html


@pytest.mark.usefixtures("undrawn")
def test_every_arm_is_there_by_its_whole_name(tmp_path: Path) -> None:
    control: Row = {"kind": "none", "method": "self_play", "control": True, "protocol": "never", "dial_name": None}
    rows = [*arm(seed=0), *arm(seed=1, status="failed"), *arm(**control)]
    text = text_of(report_sweep(write_sweep(tmp_path, rows, STUDY)))
    assert "The whole names of 3 arms, which are those of their folders" in text
    assert f"{rows[3]['arm']} random_move epsilon 0.5 every turn imitate novice 1" in text
    assert f"{rows[-1]['arm']} never self_play novice 0" in text


@pytest.mark.usefixtures("undrawn")
def test_engines_stand_beside_the_weights(tmp_path: Path) -> None:
    root = write_sweep(tmp_path, arm(), STUDY)
    assert "engines (SHA" not in text_of(report_sweep(root))  # of an earlier version
    about = json.loads((root / "about.json").read_text())
    engine = {"name": "Fish <15>", "sha256": {"stockfish": "cd" * 32}}
    (root / "about.json").write_text(json.dumps(about | {"engines": {"stockfish": engine}}))
    shown = "E abababababab; engines (SHA-256) stockfish is Fish &lt;15&gt; (stockfish cdcdcdcdcdcd)."
    assert shown in text_of(report_sweep(root))


@pytest.mark.usefixtures("undrawn")
def test_the_premium_of_a_strategy_over_noise_of_equal_harm(tmp_path: Path) -> None:
    rows = strategic_rows()
    (found,) = premium_rows(results_from(rows), "loss_pgr")
    assert (found.noise, found.kind, found.losses) == ("noise", "B", (0.0, 0.1))
    assert found.premium is not None
    assert found.premium.value == pytest.approx(0.5)  # ten times the mean loss, 0.05
    assert found.premium.count == 2
    text = text_of(report_sweep(write_sweep(tmp_path, rows, STUDY)))
    assert "noise B every turn imitate novice 0.50 [0.50, 0.50] 0.000 to 0.100 2" in text


@pytest.mark.usefixtures("undrawn")
def test_a_strategy_that_cannot_be_matched_says_why(tmp_path: Path) -> None:
    rows = [one | ({"advice_loss": 0.5} if one["kind"] == "B" else {}) for one in strategic_rows()]
    text = text_of(report_sweep(write_sweep(tmp_path, rows, STUDY)))
    assert "Without a premium: 1" in text
    assert "noise, B, imitate: " in text


@pytest.mark.parametrize(
    ("deaf", "what"), [("B", "B changes"), ("noise", "noise changes"), ("both", "noise and B change")]
)
def test_a_method_that_does_not_heed_a_kind_has_no_premium_and_that_is_why(deaf: str, what: str) -> None:
    honest: Row = {"unheeded": True, "advisor": '"honest"', "advice_loss": None}
    rows = [one | {"method": "imitate"} for one in strategic_rows()]
    for one in strategic_rows():
        changed = honest if one["kind"] == deaf or deaf == "both" else {}
        end: Row = {"unheeded": False, "advice_loss": 0.0} if changed and one["dial"] == 0 else {}
        rows.append(one | {"method": "values"} | changed | end)
    there, refused = premium_rows(results_from(rows), "loss_pgr")
    assert (there.method, there.refused) == ("imitate", "")
    assert (refused.method, refused.premium) == ("values", None)
    assert refused.refused == f"the method does not heed what {what}"


@pytest.mark.parametrize(
    ("advisor", "strategic"),
    [
        ('{"kind": "value_noise", "scale": 1}', False),
        ('{"kind": "every_n", "wrapper": {"kind": "optimism"}}', False),
        ('{"kind": "every_n", "wrapper": {"kind": "random_move"}}', True),
        ('{"kind": "value_flip", "inner": {"kind": "other_model"}}', True),
    ],
)
def test_kinds_that_leave_moves_alone_are_neither_noise_nor_strategy(advisor: str, strategic: bool) -> None:
    rows = [one | ({"advisor": advisor} if one["kind"] == "B" else {}) for one in strategic_rows()]
    assert [row.kind for row in premium_rows(results_from(rows), "loss_pgr")] == (["B"] if strategic else [])


def test_two_strengths_of_h_have_figures_of_their_own(tmp_path: Path) -> None:
    rows = [row(novice=novice, pgr=0.5) for novice in ("weak", "weaker/one")]
    report_sweep(write_sweep(tmp_path, rows, STUDY))
    names = {path.stem for path in (tmp_path / "plots").glob("phase_pgr*.png")}
    assert names == {"phase_pgr_weak", "phase_pgr_weaker_one"}


def test_a_sweep_of_controls_alone_has_their_curves(tmp_path: Path) -> None:
    control: Row = {"kind": "none", "control": True, "protocol": "never", "interval": 0, "dial_name": None}
    rows = arm(**control, method="self_play", advisor=None)
    report_sweep(write_sweep(tmp_path, rows, STUDY))
    assert {path.name for path in (tmp_path / "plots").glob("*.png")} == {"learning_controls.png"}


def test_a_sweep_of_which_nothing_could_be_measured_still_has_a_page(tmp_path: Path) -> None:
    text = text_of(report_sweep(write_sweep(tmp_path, [row(status="failed", error="why", round=0)], STUDY)))
    assert "0 of 4 arms are done. 1 failed. Not done, and not in the table yet: 3." in text


def test_a_sweep_that_has_measured_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(json.dumps(STUDY))
    with pytest.raises(DataError, match="a sweep writes it when its first arm is done"):
        report_sweep(tmp_path)


def test_the_command_knows_a_sweep_from_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_sweep(tmp_path / "sweep", [row()], STUDY)
    assert is_sweep(root)
    assert cli.run(["report", str(root)]) == 0
    assert capsys.readouterr().out.strip() == str(root / "report.html")
    (tmp_path / "nothing").mkdir()
    assert not is_sweep(tmp_path / "nothing")
    assert cli.run(["report", str(tmp_path / "nothing")]) == 2
    assert "there is no run in" in capsys.readouterr().err


def test_the_page_of_the_docs_names_every_figure(tmp_path: Path) -> None:
    measured: Row = {"advice_loss": 0.1, "followed_right": 0.9, "followed_wrong": 0.5, "trust_auroc": 0.7}
    measures = dict.fromkeys(look.MEASURES, 0.3)
    rows = [
        row(interval=interval, protocol=protocol, **measured, **measures)
        for interval, protocol in ((1, "every_turn"), (4, "every_n_turns:n=4"))
    ]
    rows.append(row(kind="none", method="self_play", control=True, protocol="never", interval=0, **measures))
    report_sweep(write_sweep(tmp_path, rows, STUDY))
    table = text_of_docs("docs/sweep_reports.md").split("| figure |", 1)[1].split("\n\n", 1)[0]
    named = {name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split(" | ")[0])}
    assert named == {path.stem for path in (tmp_path / "plots").glob("*.png")}
