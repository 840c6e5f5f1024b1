"""Where H plays as a `Player`, it cannot ask by an action, and a config that says so is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandwich_env.advisors.base import Honest
from sandwich_env.errors import SpecError
from sandwich_env.experiments.config import RunConfig, config_from
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.self_play import Table, play_games
from sandwich_env.oversight.on_demand import OnDemand
from sandwich_env.players.random_player import RandomPlayer

SAYS = "protocol is 'on_demand', but H plays its own games as a Player, which gives moves and cannot ask by an action"
TARGET = "sandwich_env.oversight.on_demand:OnDemand"


@pytest.mark.parametrize(
    "protocol", ["on_demand:budget=3", '{"kind": "on_demand", "budget": 3}', {"kind": TARGET, "budget": 3}, "on_demand"]
)
def test_a_run_refuses_it(protocol: Any) -> None:
    with pytest.raises(SpecError, match=SAYS):
        RunConfig(out=Path("run"), protocol=protocol)
    with pytest.raises(SpecError, match="give 'every_turn', 'every_n_turns' or 'never'"):
        config_from({"out": "run", "protocol": protocol})


def test_self_play_refuses_it() -> None:
    table = Table(
        advisor=Honest(UniformExpert()),
        advised="both",
        protocol=OnDemand(3),
        asks="both",
        starts=["7k/8/5KQ1/8/8/8/8/8 w - - 0 1"],
        max_plies=4,
    )
    with pytest.raises(SpecError, match=SAYS):
        play_games(RandomPlayer(), table, np.arange(2), seed=0, round=1)
