"""The errors and the help that they give."""

from __future__ import annotations

import inspect

import pytest

from sandwich_env import errors
from sandwich_env.errors import MissingExtraError, SandwichError, did_you_mean, needs_extra


def test_every_error_can_be_caught_as_ours_and_as_the_built_in_that_fits() -> None:
    found = {
        name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__
    }
    del found["SandwichError"]
    assert len(found) >= 9
    for name, kind in found.items():
        assert issubclass(kind, SandwichError), name
        assert issubclass(kind, (ValueError, RuntimeError, ImportError)), name
        assert name.endswith("Error")
        assert kind.__doc__


def test_a_missing_library_names_the_extra_that_brings_it() -> None:
    with pytest.raises(ImportError, match=r"'pyarrow' is not installed: pip install 'sandwich_env\[train\]'"):
        raise MissingExtraError("pyarrow", "train")


def test_a_script_names_the_extras_of_a_library_that_it_cannot_import() -> None:
    named = r"'no_such_library' is not installed: .*\[train,sb3\]'"
    with pytest.raises(MissingExtraError, match=named), needs_extra("train,sb3"):
        import no_such_library.part  # noqa: F401
    with needs_extra("train,sb3"):
        import json  # noqa: F401


@pytest.mark.parametrize(
    ("name", "known", "help"),
    [
        ("epsilom", ["epsilon", "seed"], "did you mean 'epsilon'?"),
        ("zzz", ["seed", "epsilon"], "known: epsilon, seed"),
        ("zzz", [], "known: none"),
    ],
)
def test_did_you_mean(name: str, known: list[str], help: str) -> None:
    assert did_you_mean(name, known) == help
