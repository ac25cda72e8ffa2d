"""Assignment 7: against the book's layer, on vectors and on images."""

import numpy as np

from cnnbook.coursework.expect import parts, points, require, same, same_gradient
from cnnbook.nn import BatchNormalization
from cnnbook.nn.windows import windowed_product

SHAPES = ((5, 3), (2, 4, 3, 2))


def both(student, rng, channels, momentum=0.9, epsilon=1e-3):
    """The student's layer and the book's with the same gamma and beta."""
    gamma, beta = rng.normal(size=channels), rng.normal(size=channels)
    ours = BatchNormalization(momentum=momentum, epsilon=epsilon)
    return student.BatchNorm(gamma, beta, momentum, epsilon), ours, gamma, beta


def build(ours, x, gamma, beta):
    ours.build(x.shape[1:], 0, np.float64)
    ours.params["gamma"], ours.params["beta"] = gamma, beta
    return ours


@points(3, "training", visible=True)
def test_training_on_vectors_and_images(student, rng):
    """In training each channel gets mean 0 and variance 1, then gamma and beta: vectors and images."""
    for shape in SHAPES:
        x = 3 + 2 * rng.normal(size=shape)
        theirs, ours, gamma, beta = both(student, rng, shape[-1])
        expected = build(ours, x, gamma, beta).forward(x, training=True)
        same(theirs.forward(x, True), expected, "forward(x, True)")


@points(3, "moving statistics")
def test_moving_statistics_after_three_batches(student, rng):
    """After three batches the moving mean and variance are what momentum makes of them."""
    for shape in SHAPES:
        theirs, ours, gamma, beta = both(student, rng, shape[-1], momentum=0.7)
        build(ours, np.zeros(shape), gamma, beta)
        for _ in range(3):
            x = 1 + 2 * rng.normal(size=shape)
            theirs.forward(x, True)
            ours.forward(x, training=True)
        for name in ("moving_mean", "moving_variance"):
            same(theirs.get(name), ours.state[name], name)


@points(3, "use")
def test_in_use_no_answer_depends_on_the_batch(student, rng):
    """In use the layer takes its moving statistics, changes none of them, and answers alone as in a batch."""
    for shape in SHAPES:
        x = 1 + 2 * rng.normal(size=shape)
        theirs, ours, gamma, beta = both(student, rng, shape[-1], momentum=0.5)
        build(ours, x, gamma, beta).forward(x, training=True)
        theirs.forward(x, True)
        for batch in (x[:1], x, x[:1]):
            same(theirs.forward(batch, False), ours.forward(batch), "forward(x, False)")


@points(3, "gradients")
def test_parameter_gradients(student, rng):
    """dgamma and dbeta are sums over all numbers of a channel."""
    for shape in SHAPES:
        x, dout = rng.normal(size=shape), rng.normal(size=shape)
        theirs, ours, gamma, beta = both(student, rng, shape[-1])
        theirs.forward(x, True)
        build(ours, x, gamma, beta).forward(x, training=True)
        ours.backward(dout)
        _, dgamma, dbeta = parts(theirs.backward(dout), 3, "backward(dout)")
        same_gradient(dgamma, ours.grads["gamma"], "dgamma")
        same_gradient(dbeta, ours.grads["beta"], "dbeta")


@points(4, "gradients")
def test_input_gradient(student, rng):
    """dx follows all three paths: directly, through the mean, and through the variance."""
    for shape in SHAPES:
        x, dout = 2 + 3 * rng.normal(size=shape), rng.normal(size=shape)
        theirs, ours, gamma, beta = both(student, rng, shape[-1])
        theirs.forward(x, True)
        build(ours, x, gamma, beta).forward(x, training=True)
        dx, _, _ = parts(theirs.backward(dout), 3, "backward(dout)")
        same_gradient(dx, ours.backward(dout), "dx")


@points(2, "constant input")
def test_a_channel_without_variance(student, rng):
    """A channel of equal numbers gives beta, not nan, with a large epsilon and with a small one."""
    for epsilon in (1e-3, 0.1):
        x = np.stack([np.full(4, 7.0), rng.normal(size=4)], axis=1)
        theirs, ours, gamma, beta = both(student, rng, 2, epsilon=epsilon)
        expected = build(ours, x, gamma, beta).forward(x, training=True)
        same(theirs.forward(x, True), expected, "forward of a constant channel")


@points(3, "folding")
def test_folded_is_unfolded(student, rng):
    """The folded convolution gives the numbers of convolution and batch normalisation."""
    for channels, filters in ((2, 3), (3, 3)):
        x, kernel = rng.normal(size=(2, 5, 4, channels)), rng.normal(size=(3, 2, channels, filters))
        bias, gamma, beta, mean = (rng.normal(size=filters) for _ in range(4))
        variance = rng.random(filters)
        answer = student.fold(kernel, bias, gamma, beta, mean, variance, 0.01)
        folded_kernel, folded_bias = parts(answer, 2, "fold")
        factor = gamma / np.sqrt(variance + 0.01)
        same(folded_kernel, kernel * factor, "the folded kernel")
        same(folded_bias, beta + (bias - mean) * factor, "the folded bias")
        unfolded = (windowed_product(x, kernel) + bias - mean) * factor + beta
        same(windowed_product(x, folded_kernel) + folded_bias, unfolded, "the folded convolution")


@points(1, "in place")
def test_nothing_is_written_to(student, rng):
    """Forward and backward leave their arguments as they were, and the answer is right."""
    x, dout = rng.normal(size=(3, 2, 2, 2)), rng.normal(size=(3, 2, 2, 2))
    theirs, ours, gamma, beta = both(student, rng, 2)
    same(theirs.forward(x, True), build(ours, x, gamma, beta).forward(x, training=True), "forward(x, True)")
    dx, _, _ = parts(theirs.backward(dout), 3, "backward(dout)")
    same_gradient(dx, ours.backward(dout), "dx")
    require(not student.changed, "in place", "an argument was written to")
