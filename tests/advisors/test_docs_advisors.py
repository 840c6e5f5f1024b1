"""The examples in docs/advisors.md are run."""

from __future__ import annotations

import doctest
import re
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "advisors.md"


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    modules = [block for block in blocks if ">>>" not in block]
    assert len(modules) == 1
    assert len([line for line in modules[0].splitlines() if line.strip()]) <= 14
    (tmp_path / "my_module.py").write_text(modules[0])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_module", raising=False)
    examples = "\n".join(block for block in blocks if ">>>" in block)
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) >= 20
    result = doctest.DocTestRunner().run(test)
    assert result.failed == 0
    assert "my_module" in sys.modules
