"""The policy gradient: its losses worked out by hand, when it lets the policy alone, and that it can be stopped."""

from __future__ import annotations

import math

import chess
import numpy as np
import pytest
import torch

from sandwich_env.learning.examples import Examples, unpack_planes
from sandwich_env.learning.played_examples import PlayedExamples
from sandwich_env.learning.policy_gradient import PolicyGradientFit, clipped_losses, divergence
from sandwich_env.learning.supervised import ILLEGAL, Fit, FitConfig
from sandwich_env.nets.residual import PolicyValueNetwork, new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.rules import Games

SHAPE = NetworkShape(blocks=1, channels=8, policy_channels=4, value_channels=2, value_hidden=8)
LEAN, TEMPERATURE = 2.0, 0.5
CANNOT_CASTLE = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w - - 0 1"
VALUE_HEAD = ("value_trunk", "value_hidden", "value_out")


def test_clipped_losses() -> None:
    log_ratio = torch.tensor([1.5, 1.5, 0.5, 0.5, 1.1, 0.9]).log()
    advantage = torch.tensor([1.0, -1.0, 1.0, -1.0, 2.0, -2.0])
    expected = [-1.2, 1.5, -0.5, 0.8, -2.2, 1.8]
    assert clipped_losses(log_ratio, advantage, 0.2).tolist() == pytest.approx(expected)


def test_divergence() -> None:
    found = divergence(torch.tensor([2.0, 0.5, 1.0]).log())
    assert found.tolist() == pytest.approx([1 - math.log(2), math.log(2) - 0.5, 0.0], abs=1e-6)


def network() -> PolicyValueNetwork:
    return new_network(SHAPE, 0).eval()


def played(
    advantage: np.ndarray | float, value: float = 1.0, count: int = 32, start: str = chess.STARTING_FEN
) -> PlayedExamples:
    """Random moves of random games, every second one under advice, as the network would have drawn them."""
    games = Games.from_fens([start] * count)
    for ply in range(9):
        games.step(games.sample(np.arange(count) + ply))
    action, other = games.sample(np.arange(count)), games.sample(np.arange(count) + 99)
    advised = np.where(np.arange(count) % 2, np.where(np.arange(count) % 4 == 1, action, other), -1)
    examples = Examples.of(games, action, np.full(count, value, np.float32))
    return PlayedExamples.beside(
        examples,
        advised,
        log_probabilities(network(), games, action, advised),
        np.broadcast_to(np.asarray(advantage, np.float32), (count,)).copy(),
    )


@torch.no_grad()
def log_probabilities(net: PolicyValueNetwork, games: Games, action: np.ndarray, advised: np.ndarray) -> np.ndarray:
    logits, _ = net(torch.from_numpy(games.observe(history=1)).float().permute(0, 3, 1, 2))
    logits = logits.masked_fill(torch.from_numpy(games.legal_mask() == 0), ILLEGAL) / TEMPERATURE
    for row in np.flatnonzero(advised >= 0):
        logits[row, advised[row]] += LEAN
    return logits.log_softmax(dim=1)[torch.arange(len(games)), torch.from_numpy(action)].numpy()


def fit_of(examples: PlayedExamples, *, max_kl: float = 1.0, clip: float = 0.2, **config: float) -> PolicyGradientFit:
    settings = FitConfig(**({"steps": 8, "batch_size": 16, "learning_rate": 1e-3} | config))  # type: ignore[arg-type]
    return PolicyGradientFit(
        network(), examples, settings, lean=LEAN, temperature=TEMPERATURE, clip=clip, max_kl=max_kl
    )


def test_before_the_first_step_every_ratio_is_one() -> None:
    advantage = np.linspace(-1, 1, 32)
    fit = fit_of(played(advantage), value_weight=0.0)
    fit.to_training()
    rows = fit.batch().rows
    assert float(fit.loss().detach()) == pytest.approx(-float(np.mean(advantage[rows])), abs=1e-5)


def test_nothing_is_mirrored() -> None:
    examples = played(np.linspace(-1, 1, 32), start=CANNOT_CASTLE)
    plain = Fit(network(), examples, FitConfig(steps=8, batch_size=16)).batch()
    assert not np.array_equal(plain.action.numpy(), examples.action[plain.rows])
    batch = fit_of(examples, mirror=True).batch()
    assert np.array_equal(batch.action.numpy(), examples.action[batch.rows])
    planes = unpack_planes(examples.planes[batch.rows])
    assert np.array_equal(batch.planes.permute(0, 2, 3, 1).numpy(), planes)


def test_the_loss_of_a_step_is_that_of_the_policy_under_advice() -> None:
    examples = played(np.linspace(-1, 1, 32), value=0.5)
    fit = fit_of(examples, clip=0.1, learning_rate=1e-2, value_weight=0.25)
    fit.run(until=3)
    assert not fit.stopped
    batch = fit.batch()
    with torch.no_grad():
        logits, value = fit.network(batch.planes)
        logits = logits.masked_fill(~batch.legal, ILLEGAL) / TEMPERATURE
        for row, advised in enumerate(examples.advised[batch.rows]):
            if advised >= 0:
                logits[row, advised] += LEAN
        now = logits.log_softmax(dim=1)[torch.arange(16), batch.action].numpy()
    ratio = np.exp(now - examples.log_probability[batch.rows])
    assert np.abs(ratio - 1).max() > 0.1
    advantage = examples.advantage[batch.rows]
    expected = -np.minimum(ratio * advantage, np.clip(ratio, 0.9, 1.1) * advantage).mean()
    expected += 0.25 * np.square(value.numpy() - 0.5).mean()
    assert float(fit.loss().detach()) == pytest.approx(float(expected), rel=1e-4)


def logs(net: PolicyValueNetwork, examples: PlayedExamples, fit: PolicyGradientFit) -> np.ndarray:
    """The logarithms of the probabilities of all moves now."""
    fit.network, before = net, fit.network
    with torch.no_grad():
        fit.step = 0
        batch = fit.batch()
        logits, _ = net(batch.planes)
        chosen = logits.masked_fill(~batch.legal, ILLEGAL).log_softmax(dim=1)[
            torch.arange(len(batch.rows)), batch.action
        ]
    fit.network = before
    return chosen.numpy()[np.argsort(batch.rows)]


def test_moves_that_did_well_become_likelier_and_others_less_likely() -> None:
    advantage = np.where(np.arange(32) < 16, 1.0, -1.0)
    examples = played(advantage)
    fit = fit_of(examples, steps=12, batch_size=32, learning_rate=1e-2, max_kl=100.0)
    before = logs(network(), examples, fit)
    fit.run()
    change = logs(fit.network, examples, fit) - before
    assert change[:16].mean() > 0.05
    assert change[16:].mean() < -0.05


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, tensor in one.items() if torch.equal(tensor, other[name])}


def test_without_advantages_and_errors_nothing_moves_at_all() -> None:
    examples = played(0.0)
    fit = fit_of(examples, value_weight=0.0, weight_decay=0.1)
    fit.run()
    assert same(fit.network.state_dict(), network().state_dict()) == set(network().state_dict())


def test_once_it_diverged_only_the_values_head_goes_on() -> None:
    examples = played(np.where(np.arange(32) % 3, 1.0, -1.0))
    fit = fit_of(examples, max_kl=1e-3, learning_rate=1e-2, steps=10)
    at = None
    for _ in fit.advance(10):
        if fit.stopped and at is None:
            at = (fit.step, {name: tensor.clone() for name, tensor in fit.network.state_dict().items()})
    assert at is not None
    assert 2 <= at[0] < 10
    assert fit.step == 10
    moved = set(fit.network.state_dict()) - same(fit.network.state_dict(), at[1])
    assert moved
    assert {name.partition(".")[0] for name in moved} <= set(VALUE_HEAD)
    assert "stem.0.weight" not in same(at[1], network().state_dict())  # before that the trunk did move


@pytest.mark.parametrize("stop", [1, 3, 7])
def test_a_stopped_fit_ends_with_the_same_weights(stop: int) -> None:
    examples = played(np.where(np.arange(32) % 3, 1.0, -1.0))

    def new() -> PolicyGradientFit:
        return fit_of(examples, max_kl=0.01, learning_rate=1e-2, steps=10)

    whole, first = new(), new()
    whole.run()
    first.run(until=stop)
    second = new()
    second.network.load_state_dict(new_network(SHAPE, 5).state_dict())
    second.load_state({name: tensor.clone() for name, tensor in first.state().items()})
    assert (second.step, second.stopped) == (stop, first.stopped)
    second.run()
    assert whole.stopped
    assert whole.state().keys() == second.state().keys()
    assert same(whole.state(), second.state()) == set(whole.state())


def test_examples_that_do_not_count_do_not_pull() -> None:
    examples = played(np.where(np.arange(32) % 3, 1.0, -1.0))
    examples.policy_weight[:] = 0.0
    fit = fit_of(examples, value_weight=0.0, max_kl=1e-6)
    fit.run()
    assert same(fit.network.state_dict(), network().state_dict()) == set(network().state_dict())
