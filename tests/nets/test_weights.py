"""Weights as files: they come back as they were, and nothing that is not weights is taken for them."""

from __future__ import annotations

import json
import pickle

import pytest
import torch

from sandwich_env.errors import WeightsError
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import load_card, load_network, load_tensors, save_network, save_tensors

SMALL = NetworkShape(blocks=1, channels=8)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.safetensors"
    save_network(new_network(SMALL, 5), path, {"steps": 7})
    return path


def test_weights_come_back_as_they_were(saved):
    loaded = load_network(saved)
    assert loaded.shape == SMALL
    assert not loaded.training
    original = new_network(SMALL, 5).state_dict()
    assert all(torch.equal(tensor, original[name]) for name, tensor in loaded.state_dict().items())
    assert load_card(saved) == {"steps": 7}


def test_weights_that_are_not_there_are_named_and_the_nearest_name_given():
    with pytest.raises(WeightsError, match=r"'exprt'.*did you mean 'expert'"):
        load_network("exprt")


class Trap:
    """What a pickle can do to who loads it."""

    def __reduce__(self):
        return (open, (str(Trap.path), "w"))


@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_a_pickle_is_refused_unread(tmp_path, kind):
    Trap.path = tmp_path / "opened"
    path = tmp_path / "net.safetensors"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Trap()))
    else:
        torch.save({"weights": Trap()}, path)
    with pytest.raises(WeightsError, match="pickle"):
        load_network(path)
    assert not Trap.path.exists()


@pytest.mark.parametrize("keep", [0, 4, 50, 1000])
def test_truncated_weights_are_refused(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=r"net\.safetensors.* is no whole safetensors file"):
        load_network(saved)


def test_tensors_of_another_architecture_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    metadata = {"architecture": json.dumps(NetworkShape(blocks=1, channels=16).to_dict())}
    save_tensors(new_network(SMALL, 0).state_dict(), path, metadata)
    with pytest.raises(WeightsError, match=r"another architecture: '.*' has shape .*where the network has"):
        load_network(path)


def test_tensors_without_an_architecture_are_refused(tmp_path):
    path = tmp_path / "bare.safetensors"
    save_tensors({"x": torch.zeros(2)}, path, {})
    with pytest.raises(WeightsError, match="names no architecture"):
        load_network(path)


def test_an_architecture_that_is_no_shape_is_refused(tmp_path):
    path = tmp_path / "odd.safetensors"
    save_tensors({"x": torch.zeros(2)}, path, {"architecture": '{"chanels": 3}'})
    with pytest.raises(WeightsError, match="did you mean 'channels'"):
        load_network(path)


def test_a_header_whose_length_begins_like_a_pickle_is_read(tmp_path):
    path, tensors = tmp_path / "w.safetensors", {"a": torch.arange(4.0)}
    for padding in range(0, 256, 8):  # lengths are multiples of 8: one of these has the first byte 0x80
        save_tensors(tensors, path, {"padding": "x" * padding})
        if path.read_bytes()[0] == 0x80:
            break
    assert path.read_bytes()[0] == 0x80
    read, metadata = load_tensors(path)
    assert torch.equal(read["a"], tensors["a"])
    assert metadata == {"padding": "x" * padding}
