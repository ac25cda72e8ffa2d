"""Assignment 1: no two sizes are the same, and the right answers are derived here once more."""

import numpy as np

from cnnbook.coursework.expect import parts, points, require, same, same_gradient
from cnnbook.nn import SoftmaxCrossEntropy


def right_loss(logits, labels):
    loss = SoftmaxCrossEntropy()
    return loss.forward(logits, labels), loss.backward()


def sizes(rng, count):
    """So many sizes from 2 to 7, no two the same."""
    return tuple(int(size) for size in rng.permutation(np.arange(2, 8))[:count])


@points(2, "the formula", visible=True)
def test_forward_on_one_small_batch(student, rng):
    """The layer gives x kernel + bias on one small batch."""
    n, d, m = sizes(rng, 3)
    x, kernel, bias = rng.normal(size=(n, d)), rng.normal(size=(d, m)), rng.normal(size=m)
    same(student.dense_forward(x, kernel, bias), x @ kernel + bias, "dense_forward(x, kernel, bias)")


@points(2, "axes")
def test_forward_for_one_example_and_for_one_unit(student, rng):
    """The layer is right for a batch of one and for a layer of one unit."""
    for n, d, m in ((1, *sizes(rng, 2)), (*sizes(rng, 2), 1), (3, 1, 2)):
        x, kernel, bias = rng.normal(size=(n, d)), rng.normal(size=(d, m)), rng.normal(size=m)
        same(student.dense_forward(x, kernel, bias), x @ kernel + bias, "dense_forward(x, kernel, bias)")


@points(2, "gradients")
def test_input_gradient(student, rng):
    """dx is the gradient with respect to x for a random gradient from above."""
    n, d, m = sizes(rng, 3)
    dout, x, kernel = rng.normal(size=(n, m)), rng.normal(size=(n, d)), rng.normal(size=(d, m))
    dx, _, _ = parts(student.dense_backward(dout, x, kernel), 3, "dense_backward")
    same_gradient(dx, dout @ kernel.T, "dx")


@points(2, "gradients")
def test_parameter_gradients(student, rng):
    """dkernel and dbias are sums over the batch, for a random gradient from above."""
    n, d, m = sizes(rng, 3)
    dout, x, kernel = rng.normal(size=(n, m)), rng.normal(size=(n, d)), rng.normal(size=(d, m))
    _, dkernel, dbias = parts(student.dense_backward(dout, x, kernel), 3, "dense_backward")
    same_gradient(dkernel, x.T @ dout, "dkernel")
    same_gradient(dbias, dout.sum(axis=0), "dbias")


@points(2, "axes")
def test_backward_when_sizes_could_be_confused(student, rng):
    """The gradients are right when inputs and units are as many, and for a batch of one."""
    (square,), (units,) = sizes(rng, 1), sizes(rng, 1)
    for n, d in ((square, square), (1, units)):
        dout, x, kernel = rng.normal(size=(n, d)), rng.normal(size=(n, d)), rng.normal(size=(d, d))
        dx, dkernel, dbias = parts(student.dense_backward(dout, x, kernel), 3, "dense_backward")
        same_gradient(dx, dout @ kernel.T, "dx")
        same_gradient(dkernel, x.T @ dout, "dkernel")
        same_gradient(dbias, dout.sum(axis=0), "dbias")


@points(3, "the loss")
def test_loss_is_a_mean_over_the_batch(student, rng):
    """The loss is the mean cross-entropy over the batch, whatever its size."""
    for n, k in (sizes(rng, 2), (1, 4)):
        logits, labels = rng.normal(size=(n, k)), rng.integers(0, k, n)
        loss, _ = parts(student.softmax_cross_entropy(logits, labels), 2, "softmax_cross_entropy")
        same(loss, right_loss(logits, labels)[0], "the loss")


@points(3, "gradients")
def test_gradient_of_the_loss(student, rng):
    """dlogits is the gradient of the mean loss."""
    for n, k in (sizes(rng, 2), (1, 4)):
        logits, labels = 3 * rng.normal(size=(n, k)), rng.integers(0, k, n)
        _, dlogits = parts(student.softmax_cross_entropy(logits, labels), 2, "softmax_cross_entropy")
        same_gradient(dlogits, right_loss(logits, labels)[1], "dlogits")


@points(2, "large numbers")
def test_large_logits(student, rng):
    """Logits of plus and minus ten thousand give a finite loss and the right gradient."""
    logits = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4 + 1, -1e4 - 2], [-1e4, 1e4, 0.0]]) + rng.normal(
        size=(3, 3)
    )
    labels = np.array([1, 2, 2])
    loss, dlogits = parts(student.softmax_cross_entropy(logits, labels), 2, "softmax_cross_entropy")
    same(loss, right_loss(logits, labels)[0], "the loss")
    same_gradient(dlogits, right_loss(logits, labels)[1], "dlogits")


@points(2, "in place")
def test_nothing_is_written_to(student, rng):
    """The arguments are as they were afterwards, and the answers are right."""
    logits, labels = rng.normal(size=(3, 4)), rng.integers(0, 4, 3)
    loss, dlogits = parts(student.softmax_cross_entropy(logits, labels), 2, "softmax_cross_entropy")
    same(loss, right_loss(logits, labels)[0], "the loss")
    same(dlogits, right_loss(logits, labels)[1], "dlogits")
    x, kernel, bias = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    same(student.dense_forward(x, kernel, bias), x @ kernel + bias, "dense_forward(x, kernel, bias)")
    require(not student.changed, "in place", "an argument was written to")
