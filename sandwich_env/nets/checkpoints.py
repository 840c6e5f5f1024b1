"""Training in progress as one safetensors file: a network, its optimizer, and how far it got. Never a pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, as_tensor, nn, optim

from sandwich_env.errors import WeightsError
from sandwich_env.nets.weights import load_tensors, save_tensors


def training_state(network: nn.Module, optimizer: optim.Optimizer) -> dict[str, Tensor]:
    """Weights and the optimizer's moments under flat names; its groups (learning rates) are the program's to set."""
    state = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{index}.{name}": as_tensor(tensor) for name, tensor in moments.items()}
    return state


def load_training_state(state: Mapping[str, Tensor], network: nn.Module, optimizer: optim.Optimizer) -> None:
    """Put what `training_state` gave into a network and an optimizer of the same make.

    Raises:
        WeightsError: it is of another network.
    """
    weights = {key.removeprefix("network."): tensor for key, tensor in state.items() if key.startswith("network.")}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise WeightsError(f"the training state is of another network: {error}") from error
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".")
            moments.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})


def save_training(path: Path, network: nn.Module, optimizer: optim.Optimizer, step: int) -> None:
    """Write a checkpoint in one step: the old one stays until the new one is whole."""
    save_tensors(training_state(network, optimizer), path, {"step": str(step)})


def load_training(path: Path, network: nn.Module, optimizer: optim.Optimizer) -> int:
    """Go on from a checkpoint.

    Returns:
        The step at which it was written.

    Raises:
        WeightsError: there is none, it is damaged, or it is of another network.
    """
    if not path.is_file():
        raise WeightsError(f"there is no checkpoint at {str(path)!r} to go on from")
    state, metadata = load_tensors(path)
    if not metadata.get("step", "").isdigit():
        raise WeightsError(f"{str(path)!r} is no checkpoint of a training: its metadata names no step")
    load_training_state(state, network, optimizer)
    return int(metadata["step"])
