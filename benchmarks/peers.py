"""Other chess environments, each in an environment of its own, to play beside this package's.

    python benchmarks/peers.py list
    python benchmarks/peers.py make                  # all of them; about 2 GB
    python benchmarks/peers.py make pgx_chess

Each is pinned by `benchmarks/peers/NAME.txt`, installed to `benchmarks/.peers/NAME`, and played by
`benchmarks/peers/NAME.py`. Those without such a list need nothing beyond this package's own dependencies.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness import Contestant, ContestantError
from remote import Remote

HERE = Path(__file__).parent
SCRIPTS, BUILT = HERE / "peers", HERE / ".peers"

PEERS = {
    "chess_v6": "PettingZoo chess_v6",
    "open_spiel_chess": "OpenSpiel (Python binding)",
    "envpool_chess": "EnvPool Chess-v1",
    "pgx_chess": "Pgx",
    "torchrl_chess": "TorchRL ChessEnv",
    "python_chess_rules": "python-chess, rules only",
}
"""Names of scripts, and what the tables call them."""


def python_of(name: str) -> Path:
    """The interpreter that plays a peer.

    Raises:
        ContestantError: its environment was not made, or for other versions than are asked for now.
    """
    wanted = SCRIPTS / f"{name}.txt"
    if not wanted.exists():
        return Path(sys.executable)
    done = BUILT / name / "made_from.txt"
    if not done.exists() or done.read_text() != wanted.read_text():
        raise ContestantError(f"not installed: python benchmarks/peers.py make {name}")
    return _interpreter(BUILT / name)


def _interpreter(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make(name: str) -> None:
    """Install a peer, unless it is there."""
    try:
        python_of(name)
    except ContestantError:
        wanted, folder = SCRIPTS / f"{name}.txt", BUILT / name
        print(f"making {folder}", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([_interpreter(folder), "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        (folder / "made_from.txt").write_text(wanted.read_text())


@contextmanager
def playing(names: Iterable[str] = PEERS) -> Iterator[dict[str, Contestant | ContestantError]]:
    """The peers as contestants, by what the tables call them; those that are missing as errors that say what to do."""
    with ExitStack() as stack:
        found: dict[str, Contestant | ContestantError] = {}
        for name in names:
            try:
                found[PEERS[name]] = stack.enter_context(Remote([str(python_of(name)), str(SCRIPTS / f"{name}.py")]))
            except ContestantError as error:
                found[PEERS[name]] = error
        yield found


def about(contestants: dict[str, Contestant | ContestantError]) -> dict[str, object]:
    """What the peers that are there say of themselves."""
    return {name: one.about for name, one in contestants.items() if isinstance(one, Remote)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("list", "make"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of them without")
    args = parser.parse_args()
    unknown = sorted(set(args.names) - set(PEERS))
    if unknown:
        parser.error(f"unknown peer {unknown[0]!r}: known: {', '.join(PEERS)}")
    for name in args.names or PEERS:
        if args.what == "make":
            make(name)
        try:
            state = f"played by {python_of(name)}"
        except ContestantError as error:
            state = str(error)
        print(f"{name:20} {PEERS[name]:28} {state}")


if __name__ == "__main__":
    main()
