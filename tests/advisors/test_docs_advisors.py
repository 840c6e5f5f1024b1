"""The examples in docs/advisors.md are run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from docs_support import run_examples, text_of

PAGE = "docs/advisors.md"


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", text_of(PAGE), flags=re.DOTALL)
    modules = [block for block in blocks if ">>>" not in block]
    assert len(modules) == 1
    assert len([line for line in modules[0].splitlines() if line.strip()]) <= 14
    (tmp_path / "my_module.py").write_text(modules[0])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_module", raising=False)
    run_examples(PAGE, at_least=20)
    assert "my_module" in sys.modules
