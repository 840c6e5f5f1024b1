"""N learners' games at once as a Gymnasium `VectorEnv`, stepped together."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, ClassVar, Unpack, cast

import chess
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from sandwich_env.envs.config import ChessConfig, ChessOptions, check_choice
from sandwich_env.envs.learner import SELF, IllegalAction, LearnerColor, LearnerCore, make_core
from sandwich_env.envs.observing import ArrayPool, Observations, unbatch
from sandwich_env.envs.rendering import FRAMES_PER_SECOND, Renderer
from sandwich_env.envs.scorer import Scorer
from sandwich_env.envs.seeding import as_seed, fresh_seed
from sandwich_env.envs.single import OWN_ARGUMENTS, warn_illegal
from sandwich_env.envs.standing import ILLEGAL_ACTION
from sandwich_env.errors import GameOverError, IllegalActionError, SpecError
from sandwich_env.oversight.channel import WHITE, Bools
from sandwich_env.players.base import Player
from sandwich_env.rules import NO_ACTION, Games
from sandwich_env.specs import Spec, check_count

Infos = dict[str, Any]
Results = tuple[Observations, NDArray[np.float64], Bools, Bools, Infos]

_MODES = ("ansi", "rgb_array")


class ChessVectorEnv(VectorEnv[Observations, NDArray[np.int64], NDArray[Any]]):
    """N games of `ChessEnv`: game i, reset with the seed s, is `ChessEnv` reset with the seed s + i, step for step.

    Args:
        num_envs: N.
        autoreset_mode: what happens to a game that has ended: `NEXT_STEP` (default; the next step deals, and its action
            is not looked at), `SAME_STEP` (dealt at once; the end is in `infos["final_obs"]` and `infos["final_info"]`)
            or `DISABLED` (`reset(options={"reset_mask": ...})` deals).
        copy: False writes every observation to the same two large arrays; with True the arrays of an observation are
            used again only once nobody holds them.
        threads: how many threads may share the work on the games, worth it from 128 games on. The games are the same.
        opponent, learner_color, illegal_action, render_mode, **options: see `ChessEnv`; there is no window.

    Attributes:
        scorer: the truth about the advice, for scoring only.
        ask_actions: the actions that ask, with what and whom; none unless the protocol is `OnDemand`.

    Raises:
        SpecError: an unknown argument, name or kind, or a value out of range.
        InvalidPositionError: a start that is no position.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": list(_MODES),
        "render_fps": FRAMES_PER_SECOND,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        threads: int = 1,
        opponent: Player | Spec = SELF,
        learner_color: LearnerColor = "alternate",
        illegal_action: IllegalAction = "lose",
        render_mode: str | None = None,
        **options: Unpack[ChessOptions],
    ) -> None:
        super().__init__()
        self.closed = True  # until there is something to close: Gymnasium closes even what was never made
        self.num_envs = check_count("num_envs", num_envs)
        self._renderer = Renderer(render_mode, "", _MODES)
        self.render_mode = render_mode
        self.autoreset_mode = _check_autoreset(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self.autoreset_mode}  # type: ignore[misc]
        own = ("num_envs", "autoreset_mode", "copy", "threads", *OWN_ARGUMENTS)
        check_count("threads", threads)
        config = ChessConfig.of(options, advised="learner", own=own)
        self._core: LearnerCore = make_core(
            self.num_envs, config, opponent, learner_color, illegal_action, threads=threads
        )
        self.scorer = Scorer(self._core.channel)
        self.single_observation_space = self._core.observation_space()
        self.single_action_space = self._core.action_space()
        self.ask_actions = self._core.ask_actions
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        sight = self._core.sight
        self._pool = ArrayPool(sight, self.num_envs) if copy else None
        self._own = {} if copy else sight.new(self.num_envs)
        self._everyone = np.ones(self.num_envs, dtype=np.bool_)
        self._warned = False
        self._all_dealt = False
        self._ended = np.zeros(self.num_envs, dtype=np.bool_)
        self.closed = False

    # --- Gymnasium's calls ---

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, Infos]:
        """Deal new games, up to the learners' first turns.

        Args:
            seed: an integer s seeds game i with s + i; a list names each seed. Seeded games start a new series of
                episodes, others go on with the series that they are in.
            options: `{"reset_mask": bool [N]}` resets only the games where it is true.

        Raises:
            SpecError: seeds that are not whole numbers, 0 or more, or too few of them.
            TypeError, ValueError: a reset mask that is no boolean array [N] with a true element.
        """
        rows = np.ones(self.num_envs, dtype=np.bool_)
        if options is not None and "reset_mask" in options:
            rows = _check_mask(options["reset_mask"], self.num_envs)
        super().reset(seed=operator.index(seed) if isinstance(seed, (int, np.integer)) and seed >= 0 else None)
        self._seed(seed, rows)
        self._core.deal(rows)
        self._ended = self._ended & ~rows
        self._all_dealt = bool((self._core.episodes >= 0).all())
        return self._core.observe(self._out()), self._infos(rows)

    def step(self, actions: ArrayLike) -> Results:
        """Play the learners' actions and the opponents' replies.

        Args:
            actions: integers [N].

        Raises:
            IllegalActionError: not N whole numbers in the action space; or one that is not legal, with
                `illegal_action="raise"`; then no game has changed.
            GameOverError: no game has been dealt yet, or, with `DISABLED`, one of them has ended.
        """
        chosen, dealt = self._actions(actions), self._ended
        dealing = dealt if np.count_nonzero(dealt) else None
        if dealing is not None:
            if self.autoreset_mode is AutoresetMode.DISABLED:
                i = int(np.argmax(dealt))
                raise GameOverError(
                    f"game {i} has ended ({self._core.termination(i)}): with autoreset_mode=DISABLED, "
                    "call reset(options={'reset_mask': ...}) for the games that have ended"
                )
            chosen = np.where(dealt, NO_ACTION, chosen)
        out = self._out()
        rewards = self._core.step(chosen, dealing, out)
        terminated, truncated = self._core.terminated.copy(), self._core.truncated.copy()
        infos: Infos = {}
        if self._core.num_over:
            ended = self._core.over
            if self._core.num_forfeited and not self._warned:
                self._warn(chosen, ended)
            if self.autoreset_mode is AutoresetMode.SAME_STEP:
                infos = self._final(ended)
                self._core.deal(ended)
            else:
                self._ended = ended
        elif dealing is not None:
            self._ended = np.zeros(self.num_envs, dtype=np.bool_)
        infos |= self._infos()
        return self._core.observe(out), rewards, terminated, truncated, infos

    def render(self) -> tuple[Any, ...] | None:
        """A picture of each game from the learner's side; see `ChessEnv.render`."""
        return tuple(self._render(i) for i in range(self.num_envs))

    def _render(self, i: int) -> Any:
        below = self._core.opponent is None or int(self._core.seat[i]) == WHITE
        return self._renderer.render(lambda: self._core.scene(i, white_below=below))

    def close_extras(self, **kwargs: Any) -> None:
        """Close the advisor and the opponent if they were made here."""
        self._core.close()

    # --- What is more than Gymnasium asks for ---

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal, bool [N, 4672 + K]; none in a game that has ended."""
        return self._core.legal_mask().view(np.bool_)

    def sample_actions(self, seeds: ArrayLike) -> NDArray[np.int64]:
        """A legal move for each game, drawn uniformly by its seed and its ply; `Games.sample` on the games in place.

        Args:
            seeds: whole numbers [N], 0 or more.

        Returns:
            int64 [N]; 0 in a game that has ended, whose action is not looked at.
        """
        return self._core.sample(seeds)

    def sample_asks(self, seeds: ArrayLike) -> NDArray[np.int64]:
        """An action that asks for each game, of those that its mask allows, drawn uniformly by its seed.

        Args:
            seeds: whole numbers [N], 0 or more.

        Returns:
            int64 [N]; -1 where the player to move may not ask, or the game has ended.
        """
        return self._core.sample_asks(seeds)

    @property
    def games(self) -> Games:
        """The positions, for a `Player` to act on: a copy."""
        return self._core.games.copy()

    def board(self, i: int) -> chess.Board:
        """Game i as a python-chess board with its moves on the stack: a copy."""
        return self._core.games.board(i)

    # --- Inside ---

    def _seed(self, seed: int | Sequence[int | None] | None, rows: Bools) -> None:
        """Seed the games where `rows` [N] is true: as asked, or afresh where a game has no seed yet."""
        numbers: list[int | None]
        if seed is None:
            numbers = [None] * self.num_envs
        elif isinstance(seed, (list, tuple, np.ndarray)):
            numbers = [None if one is None else as_seed(one) for one in seed]
        else:
            as_seed(seed)
            numbers = [as_seed(int(cast("int", seed)) + i) for i in range(self.num_envs)]
        if len(numbers) != self.num_envs:
            raise SpecError(
                f"seed holds {len(numbers)} seeds for {self.num_envs} games: give one for each, or one for all"
            )
        entropy = as_seed(self.np_random_seed) if seed is None else fresh_seed()
        for i in np.flatnonzero(rows & (self._core.episodes < 0)):
            if numbers[i] is None:
                numbers[i] = as_seed(entropy + int(i))
        seeded = rows & np.array([number is not None for number in numbers])
        self._core.seed(seeded, np.array([number or 0 for number in numbers], dtype=np.uint64))

    def _actions(self, actions: ArrayLike) -> NDArray[np.int64]:
        chosen = np.asarray(actions)
        if chosen.dtype.kind not in "iu" or chosen.shape != (self.num_envs,):
            raise IllegalActionError(
                f"actions are {self.num_envs} whole numbers, not an array of {chosen.dtype} with shape {chosen.shape}"
            )
        whole = chosen.astype(np.int64)
        count = self._core.num_actions
        if whole.view(np.uint64).max() >= count:  # a negative number is a large one here
            i = int(np.argmax((chosen < 0) | (chosen >= count)))
            raise IllegalActionError(f"game {i}: {int(chosen[i])!r} is no action: they go from 0 to {count - 1}")
        if not self._all_dealt:
            raise GameOverError("step() before the first game: call reset()")
        return whole

    def _out(self) -> Observations:
        """The arrays that the next observation is written to."""
        return self._own if self._pool is None else self._pool.take()

    def _infos(self, rows: Bools | None = None) -> Infos:
        """What `ChessEnv` puts into its info, as arrays with masks, for the games where `rows` [N] is true (or all)."""
        core = self._core
        infos: Infos = {}
        for key, numbers in (("ply", core.games.ply), ("seat", core.seat)):
            infos[key] = numbers if rows is None else numbers * rows
            infos[f"_{key}"] = (self._everyone if rows is None else rows).copy()
        if not core.num_over:
            return infos
        ended = core.over if rows is None else rows & core.over
        index = np.flatnonzero(ended)
        if len(index):
            words = np.empty(self.num_envs, dtype=object)
            outcome, result = np.zeros((2, self.num_envs))
            outcome[index], result[index] = core.outcome[index], core.result[index]
            for i in index.tolist():
                words[i] = core.termination(i)
            infos |= {"outcome": outcome, "_outcome": ended.copy()}
            infos |= {"result": result, "_result": ended.copy()}
            infos |= {"termination": words, "_termination": ended.copy()}
        return infos

    def _final(self, ended: Bools) -> Infos:
        """The ends of games that are about to be dealt again, as Gymnasium's `SAME_STEP` shows them."""
        index = np.flatnonzero(ended)
        seen = self._core.observe_ended(index)  # new arrays, which the ends below are views of
        final = np.empty(self.num_envs, dtype=object)
        for k, i in enumerate(index):
            final[i] = unbatch(seen, k)
        return {
            "final_obs": final,
            "_final_obs": ended.copy(),
            "final_info": self._infos(ended),
            "_final_info": ended.copy(),
        }

    def _warn(self, actions: NDArray[np.int64], ended: Bools) -> None:
        for i in np.flatnonzero(ended):
            if self._core.termination(int(i)) == ILLEGAL_ACTION:
                self._warned = True
                warn_illegal(self._core.why_illegal(int(i), int(actions[i])))
                return


def _check_autoreset(mode: AutoresetMode | str) -> AutoresetMode:
    if isinstance(mode, AutoresetMode):
        return mode
    names = {known.value: known for known in AutoresetMode} | {known.name: known for known in AutoresetMode}
    return names[check_choice("autoreset_mode", mode, tuple(names))]


def _check_mask(mask: object, num_envs: int) -> Bools:
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        raise TypeError(f"options['reset_mask'] is {mask!r}: it must be a boolean array with the shape ({num_envs},)")
    if mask.shape != (num_envs,) or not mask.any():
        raise ValueError(f"options['reset_mask'] is {mask!r}: it must have the shape ({num_envs},) and a true element")
    return mask.copy()
