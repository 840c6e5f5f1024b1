"""Layouts: the same observations in the form that a library wants, with the advisor channel kept alive.

`wrap(env, AdvicePlanes(), ChannelsFirst(), MaskInInfo())` puts them around any environment of this package; each is a
function of batched observations as well. `layouts.sb3.SandwichVecEnv` is stable-baselines3's `VecEnv`.
"""

from sandwich_env.layouts.advice_planes import ADVICE_PLANES, AdvicePlanes, advice_planes, move_planes, moves_of
from sandwich_env.layouts.base import Layout, Stack
from sandwich_env.layouts.channels_first import ChannelsFirst
from sandwich_env.layouts.flat import Flat
from sandwich_env.layouts.legal_lists import legal_lists
from sandwich_env.layouts.masks import MaskInInfo, NestedMask
from sandwich_env.layouts.wrapping import wrap

__all__ = [
    "ADVICE_PLANES",
    "AdvicePlanes",
    "ChannelsFirst",
    "Flat",
    "Layout",
    "MaskInInfo",
    "NestedMask",
    "Stack",
    "advice_planes",
    "legal_lists",
    "move_planes",
    "moves_of",
    "wrap",
]
