from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from sandwich_env.errors import DataError, MissingExtraError
from sandwich_env.files import open_text, replacing, write_atomically

LINES = "".join(f"line {i}, with an é\n" for i in range(50_000))


def written(path: Path, text: str = LINES) -> Path:
    data = text.encode()
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        half = len(data) // 2  # in two frames, as tools that compress in parallel write
        data = b"".join(zstandard.ZstdCompressor().compress(part) for part in (data[:half], data[half:]))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.txt.zst"])
def test_text_comes_back_whatever_it_is_packed_in(tmp_path: Path, name: str) -> None:
    with open_text(written(tmp_path / name)) as stream:
        assert stream.read() == LINES


@pytest.mark.parametrize("name", ["a.txt.gz", "a.txt.zst"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_is_found_out(tmp_path: Path, name: str, share: float) -> None:
    path = written(tmp_path / name)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataError, match=rf"{name}' is truncated"), open_text(path) as stream:
        stream.read()


@pytest.mark.parametrize(("name", "kind"), [("a.gz", "gzip"), ("a.zst", "Zstandard")])
def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    path.write_text(LINES)
    with pytest.raises(DataError, match=f"not {kind}"), open_text(path) as stream:
        stream.read()


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*missing"), open_text(tmp_path / "missing.txt"):
        pass
    with pytest.raises(DataError, match="is a folder"), open_text(tmp_path):
        pass
    (tmp_path / "latin").write_bytes("é".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"), open_text(tmp_path / "latin") as stream:
        stream.read()


def test_zstandard_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.zst")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"'zstandard' is not installed: pip install 'sandwich_env\[train\]'"):
        open_text(path).__enter__()


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a.txt"
    with replacing(path) as part:
        part.write_text("first")
        assert not path.exists()
    assert path.read_text() == "first"
    write_atomically(path, b"second")
    assert path.read_text() == "second"
    assert os.listdir(path.parent) == ["a.txt"]


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as part:
            part.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk: writing fails with OSError all the same."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    program = f"""
import resource
from sandwich_env.files import replacing
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with replacing({str(path)!r}) as part:
    part.write_text("x" * 5000)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"could not write {str(path)!r}, and what was there before is untouched: File too large" in done.stderr
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]
