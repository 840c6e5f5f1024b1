"""Weights as files: safetensors that name their architecture, and a card beside them. Never a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sandwich_env.errors import WeightsError, did_you_mean
from sandwich_env.files import write_atomically
from sandwich_env.nets.residual import PolicyValueNetwork, new_network
from sandwich_env.nets.shape import NetworkShape

SHIPPED = ("expert", "novice", "adversary")
"""The networks that come with the package: E and H."""

_PICKLE_STARTS = (b"\x80", b"PK\x03\x04")


def resolve(name: str | Path) -> Path:
    """The file that a name or a path stands for.

    Raises:
        WeightsError: neither a shipped name nor a file that is there.
    """
    if str(name) in SHIPPED:
        return Path(str(resources.files("sandwich_env") / "weights" / f"{name}.safetensors"))
    path = Path(name)
    if not path.is_file():
        raise WeightsError(f"there are no weights at {str(name)!r}: {did_you_mean(str(name), SHIPPED)}")
    return path


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write tensors to a safetensors file in one step: the old file stays until the new one is whole."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(whole, metadata=dict(metadata)))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file and its metadata.

    Raises:
        WeightsError: a pickle (which is refused unread), a truncated file, or no safetensors at all.
    """
    with path.open("rb") as file:
        start = file.read(9)
    # A safetensors file starts with the length of its header, whose first byte may be that of a pickle, and then "{".
    if start.startswith(_PICKLE_STARTS) and start[8:] != b"{":
        raise WeightsError(f"{str(path)!r} is a pickle or a zip of pickles, which can run code: give safetensors")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(f"{str(path)!r} is no whole safetensors file ({error})") from error


def save_network(network: PolicyValueNetwork, path: Path, card: Mapping[str, Any] | None = None) -> None:
    """Write a network's weights, and its card as JSON beside them where one is given."""
    metadata = {"architecture": json.dumps(network.shape.to_dict())}
    save_tensors(network.state_dict(), path, metadata)
    if card is not None:
        write_atomically(path.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())


def load_network(name: str | Path) -> PolicyValueNetwork:
    """The network that a shipped name or a path stands for, in evaluation mode.

    Raises:
        WeightsError: not there, a pickle, truncated, without an architecture, or with tensors that do not fit it.
    """
    path = resolve(name)
    tensors, metadata = load_tensors(path)
    if "architecture" not in metadata:
        raise WeightsError(f"{str(path)!r} names no architecture: were these weights saved by this package?")
    try:
        shape = NetworkShape.from_dict(json.loads(metadata["architecture"]))
    except (json.JSONDecodeError, TypeError) as error:
        raise WeightsError(f"{str(path)!r} names the architecture {metadata['architecture']!r}") from error
    network = new_network(shape, seed=0)
    load_into(network, tensors, str(path))
    return network.eval()


def load_into(network: PolicyValueNetwork, tensors: Mapping[str, Tensor], source: str) -> None:
    """Put tensors into a network.

    Raises:
        WeightsError: a tensor is missing, unknown, or of another shape.
    """
    own = network.state_dict()
    for name in sorted(own.keys() | tensors.keys()):
        want = tuple(own[name].shape) if name in own else None
        have = tuple(tensors[name].shape) if name in tensors else None
        if want != have:
            raise WeightsError(
                f"{source!r} is of another architecture: {name!r} has shape {have}, where the network has {want}"
            )
    network.load_state_dict(dict(tensors))


def load_card(name: str | Path) -> dict[str, Any]:
    """The card beside the weights: data, steps, seed and scores; empty where there is none."""
    path = resolve(name).with_suffix(".json")
    if not path.is_file():
        return {}
    card: dict[str, Any] = json.loads(path.read_text())
    return card
