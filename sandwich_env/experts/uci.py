"""Any UCI engine as an expert."""

from __future__ import annotations

import functools
import shutil
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import EngineError, SpecError
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.experts.engine import PATIENCE_S, Found, Search
from sandwich_env.experts.engine_pool import EnginePool
from sandwich_env.experts.engine_questions import GameQuestions, Question, about_board
from sandwich_env.rules import Games
from sandwich_env.specs import check_count, check_scale, from_spec

DEFAULT_ENGINE = "stockfish"
ENGINE_FOLDERS = ("/usr/games", "/usr/local/games", "/usr/local/bin", "/opt/homebrew/bin")
"""Looked through when the engine is not on PATH: Debian puts games where few PATHs lead."""

UNSCORED_DROP = 5.0
"""How many logits a move that the engine did not score lies below the worst one that it did."""

RANK_GAP = 1e-3
"""Least difference in logits between a move and the next in the engine's order, so that its best is the best."""


class UciExpert(Expert):
    """Stockfish or another UCI engine, in a pool of processes.

    The value is the engine's expected result of its best move. The policy gives each move that the engine scored the
    logit `expected result / temperature`, in the order that the engine prefers, and each other legal move the worst
    of these less `UNSCORED_DROP`. Every search is a new game to the engine, so that equal positions (the moves that
    led to them included, since they may repeat) get equal answers, however many are asked at once and whatever was
    asked before; only a search that the time cap ends can differ, and `cut_short` counts those.

    An engine that dies, hangs or answers nonsense is killed and started anew, and asked again, three times in all.

    Args:
        path: the program: a path or a name on PATH, alone or with its arguments as a list; Stockfish without it.
        nodes: positions that the engine may look at in a search; with multipv="all", for each legal move.
        time: seconds that a search may take; a cap that should never be reached, since it is not reproducible.
        pool: how many engines work at the same time, each on one core.
        multipv: how many moves are scored in a search; they share its nodes. With "all" every legal move is, and an
            engine that leaves one out has failed the query (with 100 nodes each, Stockfish 15.1 scored every move in 60
            of 60 positions, with 30 not).
        temperature: expected result that is worth one logit.
        wdl: expected results by the chances that the engine itself gives, in the place of Lichess's formula.
        options: UCI options by name, such as `{"Hash": 64, "UCI_LimitStrength": True, "UCI_Elo": 1500}`.
        patience: seconds beyond `time` after which an engine counts as hung.

    Attributes:
        engine_name: what the engine calls itself; empty until it was first asked.
        restarts: how many engines had to be replaced so far.
        cut_short: how many searches the time cap, not the count of nodes, may have ended.
    """

    def __init__(
        self,
        path: str | Path | Sequence[str] | None = None,
        *,
        nodes: int = 10_000,
        time: float = 10.0,
        pool: int = 1,
        multipv: int | Literal["all"] = 4,
        temperature: float = 0.05,
        wdl: bool = False,
        options: Mapping[str, Any] | None = None,
        patience: float = PATIENCE_S,
    ) -> None:
        self.path = path
        self.nodes = check_count(f"nodes of {self.kind!r}", nodes)
        self.time = _above_zero(f"time of {self.kind!r}", time)
        self.pool = check_count(f"pool of {self.kind!r}", pool)
        self.multipv: int | Literal["all"] = (
            "all" if multipv == "all" else check_count(f"multipv of {self.kind!r}", multipv)
        )
        self.temperature = _above_zero(f"temperature of {self.kind!r}", temperature)
        self.wdl = wdl
        self.options = dict(options or {})
        self.patience = _above_zero(f"patience of {self.kind!r}", patience)
        self._command = find_engine(path)
        self._engines: EnginePool | None = None
        self._closed = False

    @property
    def engine_name(self) -> str:
        return self._engines.name if self._engines else ""

    @property
    def restarts(self) -> int:
        return self._engines.restarts if self._engines else 0

    @property
    def cut_short(self) -> int:
        return self._engines.cut_short if self._engines else 0

    def evaluate(self, games: Games) -> Evaluation:
        """Policy and value of each game's position; a finished game is not asked about.

        Raises:
            EngineError: the engine failed a query three times, or is closed.
        """
        over, value = result_for_mover(games)
        legal = games.legal_mask() == 1
        worst = np.zeros((len(games), 1), dtype=np.float32)
        rows: list[int] = []
        actions: list[int] = []
        logits: list[float] = []
        questions = GameQuestions(games)
        playing = np.flatnonzero(~over).tolist()
        answers = self._ask([functools.partial(questions.about, row) for row in playing])
        for row, found in zip(playing, answers, strict=True):
            moves, weights, value[row] = self._weigh(found)
            rows += [row] * len(moves)
            actions += [questions.action(row, move) for move in moves]
            logits += weights
            worst[row] = weights[-1]
        policy = np.where(legal, worst - np.float32(UNSCORED_DROP), np.float32(-np.inf))
        policy[rows, actions] = logits
        return Evaluation(policy=policy, value=value)

    def outcomes(self, games: Games) -> NDArray[np.float64]:
        """Chances of a win, a draw and a loss for the player to move, as the engine itself sees them. [N, 3]

        A finished game has had its outcome.

        Raises:
            SpecError: the engine is not asked for its chances.
            EngineError: it gives none, failed a query three times, or is closed.
        """
        if not self.wdl:
            raise SpecError(f"the engine {self._command[0]!r} is not asked for chances: give it wdl=True")
        over, value = result_for_mover(games)
        chances = np.stack([value == 1.0, value == 0.0, value == -1.0], axis=1).astype(np.float64)
        questions = GameQuestions(games)
        playing = np.flatnonzero(~over).tolist()
        answers = self._ask([functools.partial(questions.about, row) for row in playing])
        for row, found in zip(playing, answers, strict=True):
            wdl = found.line.wdl
            if wdl is None:  # `Answer.read` refuses such an answer
                raise EngineError(f"{self._command[0]!r} gave no chances in {questions.about(row).fen!r}")
            chances[row] = np.array([wdl.wins, wdl.draws, wdl.losses]) / wdl.total()
        return chances

    def search(self, boards: Sequence[chess.Board]) -> list[Found]:
        """The engine's moves and scores in positions that are not the end of a game, in their order.

        Raises:
            EngineError: the engine failed a query three times, or is closed.
        """
        return self._ask([functools.partial(about_board, board) for board in boards])

    def _ask(self, questions: Sequence[Callable[[], Question]]) -> list[Found]:
        if self._closed:
            raise EngineError(f"the engine {self._command[0]!r} was closed: make a new UciExpert")
        return self._running().search(questions) if questions else []

    def _running(self) -> EnginePool:
        if self._engines is None or self._engines.is_inherited:
            limits = Search(self.nodes, self.time, self.multipv, self.wdl, self.patience)
            self._engines = EnginePool(self._command, self.pool, self.options, limits)
            weakref.finalize(self, self._engines.close)
        return self._engines

    def _weigh(self, found: Found) -> tuple[list[chess.Move], list[float], float]:
        """The scored moves, best first, their logits, and the value."""
        expected = {line.move: line.expected(self.wdl) for line in found.lines}
        value = found.value(self.wdl)
        expected.pop(found.best, None)
        logits = [value / self.temperature]
        for one in expected.values():
            logits.append(min(one / self.temperature, logits[-1] - RANK_GAP))
        return [found.best, *expected], logits, value

    def close(self) -> None:
        """End the engines. Also done at exit, and when the expert is garbage."""
        self._closed = True
        if self._engines is not None:
            self._engines.close()

    def __enter__(self) -> UciExpert:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy in another process starts engines of its own."""
        return from_spec, (self.to_spec(), Expert)


def find_engine(path: str | Path | Sequence[str] | None = None) -> tuple[str, ...]:
    """The command of an engine: its full path and arguments.

    Raises:
        EngineError: it is not there, or cannot be run.
    """
    if path is None:
        found = shutil.which(DEFAULT_ENGINE) or shutil.which(DEFAULT_ENGINE, path=":".join(ENGINE_FOLDERS))
        if found is None:
            raise EngineError(
                f"no engine: {DEFAULT_ENGINE!r} is not on PATH; install it ('apt install stockfish', 'brew install "
                "stockfish', or from https://stockfishchess.org) or give the path of a UCI engine"
            )
        return (found,)
    parts = [str(path)] if isinstance(path, (str, Path)) else [str(part) for part in path]
    found = shutil.which(parts[0]) if parts else None
    if found is None:
        raise EngineError(f"no engine at {path!r}: it is not there or not executable; give the path of a UCI engine")
    return (found, *parts[1:])


def _above_zero(name: str, value: float) -> float:
    if check_scale(name, value) == 0.0:
        raise SpecError(f"{name} is {value!r}: it must be more than 0")
    return value
