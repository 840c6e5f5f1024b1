"""UCI engines driven with nothing around them: the limit of what a pool of them can answer."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence

import chess
import chess.engine


def share_out(count: int, workers: Sequence[Callable[[int], None]]) -> None:
    """Let each worker, in a thread of its own, take the next of `count` questions until none is left."""
    todo = deque(range(count))

    def work(ask: Callable[[int], None]) -> None:
        while True:
            try:
                number = todo.popleft()
            except IndexError:
                return
            ask(number)

    threads = [threading.Thread(target=work, args=(ask,)) for ask in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class BareEngines:
    """Engines on pipes. A question is one write of lines made beforehand; the answer is read, and not looked at."""

    def __init__(self, command: str, size: int, positions: Sequence[str], nodes: int, multipv: int) -> None:
        self.questions = [
            f"ucinewgame\nisready\n{position}\ngo nodes {nodes} movetime 10000\n".encode() for position in positions
        ]
        self.engines = [
            subprocess.Popen([command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) for _ in range(size)
        ]
        options = {"Threads": 1, "Hash": 1, "MultiPV": multipv}
        hello = "uci\n" + "".join(f"setoption name {name} value {value}\n" for name, value in options.items())
        self.readers = []
        for engine in self.engines:
            engine.stdin.write(f"{hello}isready\n".encode())  # type: ignore[union-attr]
            self.readers.append(open(engine.stdout.fileno(), "rb", closefd=False))  # type: ignore[union-attr] # noqa: SIM115
            while self.readers[-1].readline() != b"readyok\n":
                pass

    def answer_all(self) -> int:
        def asker(at: int) -> Callable[[int], None]:
            write, read = self.engines[at].stdin.write, self.readers[at].readline  # type: ignore[union-attr]

            def ask(number: int) -> None:
                write(self.questions[number])
                while not read().startswith(b"bestmove"):
                    pass

            return ask

        share_out(len(self.questions), [asker(at) for at in range(len(self.engines))])
        return len(self.questions)

    def close(self) -> None:
        for engine in self.engines:
            engine.kill()
            engine.wait()


class ChessLibraryEngines:
    """The same questions through python-chess's `SimpleEngine`."""

    def __init__(self, command: str, size: int, boards: Sequence[chess.Board], nodes: int, multipv: int) -> None:
        self.boards, self.multipv = boards, multipv
        self.limit = chess.engine.Limit(nodes=nodes, time=10.0)
        self.engines = [chess.engine.SimpleEngine.popen_uci(command) for _ in range(size)]
        for engine in self.engines:
            engine.configure({"Threads": 1, "Hash": 1})

    def answer_all(self) -> int:
        def asker(engine: chess.engine.SimpleEngine) -> Callable[[int], None]:
            def ask(number: int) -> None:
                engine.analyse(self.boards[number], self.limit, multipv=self.multipv, game=object())

            return ask

        share_out(len(self.boards), [asker(engine) for engine in self.engines])
        return len(self.boards)

    def close(self) -> None:
        for engine in self.engines:
            engine.quit()


def position_line(board: chess.Board) -> str:
    """The game so far, as python-chess sends it."""
    start = board.root()
    position = "startpos" if start.fen() == chess.STARTING_FEN else f"fen {start.fen()}"
    return f"position {position} moves {' '.join(move.uci() for move in board.move_stack)}"
