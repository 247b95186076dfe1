"""The generative branch's losses against their definitions in float64, by differences, and at their extremes."""
from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from oracles import sigmoid

from gluon_r2n2.generative import (
    discriminator_loss,
    gaussian_divergence,
    non_saturating_loss,
    saturating_loss,
    squared_error,
)

LOSSES = {  # by name: the loss, and the paper's words for it with D = sigmoid(logit)
    "saturating": (saturating_loss, lambda d: np.log(1 - d)),
    "non-saturating": (non_saturating_loss, lambda d: -np.log(d)),
}
LOGITS = np.array([-20, -3, -0.5, 0, 1e-3, 0.7, 4, 20])


def array(values):
    return mx.nd.array(values, dtype=np.float64)


@pytest.mark.parametrize("name", LOSSES)
def test_the_generators_losses_are_those_of_the_paper(name):
    loss, naive = LOSSES[name]
    np.testing.assert_allclose(loss(mx.nd, array(LOGITS)).asnumpy(), naive(sigmoid(LOGITS)), rtol=1e-6)


def test_the_discriminators_loss_is_that_of_the_paper():
    real, fake = np.meshgrid(LOGITS, LOGITS)
    found = discriminator_loss(mx.nd, array(real.ravel()), array(fake.ravel())).asnumpy()
    wanted = -np.log(sigmoid(real)) - np.log(1 - sigmoid(fake))
    np.testing.assert_allclose(found, wanted.ravel(), rtol=1e-6, atol=1e-8)


def test_the_squared_error_is_that_of_all_voxels():
    one, other = np.random.uniform(size=(2, 3, 4, 4, 4))
    found = squared_error(mx.nd, array(one), array(other)).asnumpy()
    np.testing.assert_allclose(found, [np.linalg.norm((a - b).ravel()) ** 2 for a, b in zip(one, other)])


@pytest.mark.parametrize("name, inputs", [
    ("saturating", 1), ("non-saturating", 1), ("discriminator", 2), ("divergence", 2), ("squared error", 2)])
def test_gradients_are_differences(name, inputs):
    """Of a symbol in float64, by MXNet's own check."""
    loss = {"discriminator": discriminator_loss, "divergence": gaussian_divergence, "squared error": squared_error,
            **{key: value[0] for key, value in LOSSES.items()}}[name]
    shape = {"divergence": (4, 3), "squared error": (2, 3, 3, 3)}.get(name, (6,))
    symbols = [mx.sym.var(f"x{number}") for number in range(inputs)]
    values = {f"x{number}": np.random.normal(0, 1.5, shape) for number in range(inputs)}
    mx.test_utils.check_numeric_gradient(loss(mx.sym, *symbols), values, numeric_eps=1e-5, rtol=1e-5, atol=1e-7,
                                         dtype=np.float64)


@pytest.mark.parametrize("count", [9, 400])  # oneDNN has another path for what fills its vectors
def test_single_precision_is_kept(count):
    """The slope within rounding, at 0 as well; the loss within what oneDNN's softrelu adds to tiny values."""
    logits = mx.nd.array(np.linspace(-60, 60, count))
    logits.attach_grad()
    with mx.autograd.record():
        loss = non_saturating_loss(mx.nd, logits)
    loss.backward()
    exact = logits.asnumpy().astype(np.float64)
    np.testing.assert_allclose(loss.asnumpy(), np.logaddexp(0, -exact), rtol=1e-6, atol=4e-6)
    np.testing.assert_allclose(logits.grad.asnumpy(), -sigmoid(-exact), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_of_any_size_stay_finite(dtype):
    """Where the naive form takes the logarithm of 0; the sum of a loss and its gradient are those of the limit."""
    logits = mx.nd.array([-1e4, -100, 100, 1e4], dtype=dtype)
    for loss, value, slope in (
            (saturating_loss, [0, 0, -100, -1e4], [0, 0, -1, -1]),
            (non_saturating_loss, [1e4, 100, 0, 0], [-1, -1, 0, 0]),
            (lambda F, x: discriminator_loss(F, x, -x), [2e4, 200, 0, 0], [-2, -2, 0, 0])):
        logits.attach_grad()
        with mx.autograd.record():
            found = loss(mx.nd, logits)
        found.backward()
        np.testing.assert_allclose(found.asnumpy(), value, atol=1e-30)
        np.testing.assert_allclose(logits.grad.asnumpy(), slope, atol=1e-30)


def test_where_the_discriminator_is_sure_only_one_form_has_a_gradient():
    """d log(1 - D) = -D, d(-log D) = -(1 - D): their ratio is D / (1 - D) = e^logit."""
    logits = array([-12.0, -6.0, -3.0, 0.0])
    slopes = {}
    for name, (loss, _) in LOSSES.items():
        logits.attach_grad()
        with mx.autograd.record():
            found = loss(mx.nd, logits)
        found.backward()
        slopes[name] = logits.grad.asnumpy()
    np.testing.assert_allclose(slopes["saturating"] / slopes["non-saturating"], np.exp([-12, -6, -3, 0]), rtol=1e-6)
    assert np.abs(slopes["saturating"][0]) < 1e-5 and np.abs(slopes["non-saturating"][0]) > 0.99999


def shannon(p, q):
    """The Jensen-Shannon divergence of two discrete distributions, in nats."""
    middle = (p + q) / 2
    return ((p * np.log(p / middle)).sum() + (q * np.log(q / middle)).sum()) / 2


def game(p, q, logits):
    """E_p log D + E_q log(1 - D) over a few outcomes, of which each has a logit: minus the discriminator's loss."""
    # a pair of a real and a generated outcome has the probability p(real) q(generated)
    pairs = discriminator_loss(mx.nd, array(np.repeat(logits, len(q))), array(np.tile(logits, len(p)))).asnumpy()
    return -(np.outer(p, q).ravel() * pairs).sum()


def test_the_value_of_the_game_at_its_optimum():
    """D = p / (p + q) gives -2 log 2 + 2 JSD (Goodfellow et al., 2014, theorem 1), and no other D gives more."""
    random = np.random.RandomState(0)
    p, q = random.dirichlet(np.ones(6), 2)
    best = np.log(p / q)  # the logit of p / (p + q)
    value = game(p, q, best)
    assert value == pytest.approx(-2 * np.log(2) + 2 * shannon(p, q), rel=1e-9) and value > -2 * np.log(2) + 0.01
    assert all(game(p, q, best + random.normal(0, 0.1, 6)) < value for _ in range(50))
    assert game(p, p, np.zeros(6)) == pytest.approx(-2 * np.log(2), rel=1e-12)  # the generator has won: D says 1/2
    assert all(game(p, p, random.normal(0, 0.1, 6)) < -2 * np.log(2) for _ in range(50))


def test_the_divergence_is_what_sampling_estimates():
    """KL(q || N(0, I)) = E_q log q - log p, from 200,000 draws: within four standard errors, each below 1 %."""
    random = np.random.RandomState(2)
    mean, log_variance = random.normal(0, 1, (3, 5)), random.normal(0, 1, (3, 5))
    closed = gaussian_divergence(mx.nd, array(mean), array(log_variance)).asnumpy()
    for mu, log_var, exact in zip(mean, log_variance, closed):
        noise = random.normal(size=(200_000, 5))
        z = mu + np.exp(log_var / 2) * noise
        terms = ((z**2 - noise**2 - log_var) / 2).sum(axis=1)  # the constants of both densities cancel
        error = terms.std() / np.sqrt(len(terms))
        assert error < 0.01 * exact and abs(terms.mean() - exact) < 4 * error


def test_the_divergence_at_its_ends():
    """0 of the prior itself, exact near it where exp(x) - 1 cancels, and finite far out."""
    zeros = mx.nd.zeros((1, 200))
    assert gaussian_divergence(mx.nd, zeros, zeros).asscalar() == 0
    near = gaussian_divergence(mx.nd, zeros, zeros + 1e-3).asscalar()
    assert near == pytest.approx(200 * 1e-6 / 4, rel=1e-2)  # e^x - 1 - x = x^2 / 2 + ...
    far = gaussian_divergence(mx.nd, zeros + 100, zeros - 50).asscalar()
    assert far == pytest.approx(200 * (1e4 - 1 + 50) / 2, rel=1e-6)
