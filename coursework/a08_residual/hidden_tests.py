"""The residual block: against the book's layers, on images that are not square."""

import numpy as np

from cnnbook.coursework.expect import kind_of, parts, points, refused, require, same, same_gradient
from cnnbook.nn import Conv2D, GroupNormalization, ReLU, Residual

NORMS = (((2, 3, 4, 6), 2), ((3, 2, 2, 6), 3), ((2, 1, 5, 4), 1), ((2, 3, 2, 4), 4))


def normalization(shape, groups, gamma, beta, epsilon=1e-3):
    """The book's group normalisation with these parameters."""
    norm = GroupNormalization(groups, epsilon=epsilon)
    norm.build(shape[1:], None, np.float64)
    norm.params["gamma"], norm.params["beta"] = gamma, beta
    return norm


def both_blocks(student, rng, channels, hidden, filters, groups):
    """The student's block and the book's with the same arrays; a shortcut where the channels change."""
    kernel_1, kernel_2 = rng.normal(size=(channels, hidden)), rng.normal(size=(hidden, filters))
    gamma, beta = rng.normal(size=filters), rng.normal(size=filters)
    shortcut = rng.normal(size=(channels, filters)) if filters != channels else None
    norm = GroupNormalization(groups)
    around = [] if shortcut is None else [Conv2D(filters, 1, use_bias=False)]
    inside = [Conv2D(hidden, 1, use_bias=False), ReLU(), Conv2D(filters, 1, use_bias=False), norm]
    ours = Residual(inside, around)
    ours.build((3, 2, channels), rng, np.float64)
    for name, array in (
        ("layers/0/kernel", kernel_1[None, None]), ("layers/2/kernel", kernel_2[None, None]),
        ("layers/3/gamma", gamma), ("layers/3/beta", beta),
    ):  # fmt: skip
        ours.params[name] = array
    if shortcut is not None:
        ours.params["shortcut/0/kernel"] = shortcut[None, None]
    theirs_norm = student.GroupNorm(gamma, beta, groups)
    return student.ResidualBlock(kernel_1, kernel_2, theirs_norm, shortcut), ours


def gradients(ours):
    """The book's gradients in the order of the task, without dx."""
    names = "layers/0/kernel", "layers/2/kernel", "layers/3/gamma", "layers/3/beta", "shortcut/0/kernel"
    return [np.squeeze(ours.grads[name], (0, 1)) if "kernel" in name else ours.grads[name]
            for name in names if name in ours.grads]  # fmt: skip


@points(3, "normalisation", visible=True)
def test_group_norm_forward(student, rng):
    """Every group of every example gets mean 0 and variance 1, then each channel its gamma and beta."""
    for shape, groups in NORMS:
        x, gamma, beta = 2 + 3 * rng.normal(size=shape), rng.normal(size=shape[3]), rng.normal(size=shape[3])
        expected = normalization(shape, groups, gamma, beta, 0.01).forward(x)
        theirs = student.GroupNorm(gamma, beta, groups, 0.01)
        same(theirs.forward(x), expected, f"forward with {groups} of {shape[3]} channels as groups")


@points(2, "normalisation")
def test_no_example_sees_another(student, rng):
    """An example alone gets what it gets among others; a constant example gives beta, not nan."""
    shape = (4, 3, 2, 6)
    x, gamma, beta = rng.normal(size=shape), rng.normal(size=6), rng.normal(size=6)
    x[2] = 7.0
    expected = normalization(shape, 3, gamma, beta).forward(x)
    theirs = student.GroupNorm(gamma, beta, 3)
    for batch in (slice(0, 1), slice(1, 4)):
        same(theirs.forward(x[batch]), expected[batch], "forward of a part of the batch")


@points(1, "refusals")
def test_groups_that_do_not_divide_are_refused(student, rng):
    """Groups that do not divide the channels are refused; those that do are not."""
    gamma, beta = rng.normal(size=6), rng.normal(size=6)
    for groups in (4, 5, 7):
        refused(student.GroupNorm, gamma, beta, groups)
    x = rng.normal(size=(1, 2, 2, 6))
    expected = normalization(x.shape, 6, gamma, beta).forward(x)
    same(student.GroupNorm(gamma, beta, 6).forward(x), expected, "forward with six groups")


@points(4, "gradients")
def test_group_norm_backward(student, rng):
    """dx follows all three paths within its group; dgamma and dbeta are sums per channel."""
    for shape, groups in NORMS:
        x, dout = 1 + 2 * rng.normal(size=shape), rng.normal(size=shape)
        gamma, beta = rng.normal(size=shape[3]), rng.normal(size=shape[3])
        ours = normalization(shape, groups, gamma, beta)
        ours.forward(x, training=True)
        expected = ours.backward(dout)
        theirs = student.GroupNorm(gamma, beta, groups)
        theirs.forward(x)
        dx, dgamma, dbeta = parts(theirs.backward(dout), 3, "backward(dout)")
        same_gradient(dx, expected, "dx")
        same_gradient(dgamma, ours.grads["gamma"], "dgamma")
        same_gradient(dbeta, ours.grads["beta"], "dbeta")


@points(3, "block")
def test_block_forward(student, rng):
    """The block adds F(x) to x, or to the shortcut's product where the channels change."""
    for channels, hidden, filters, groups in ((4, 5, 4, 2), (3, 7, 6, 3)):
        theirs, ours = both_blocks(student, rng, channels, hidden, filters, groups)
        x = rng.normal(size=(2, 3, 2, channels))
        same(theirs.forward(x), ours.forward(x), "forward(x)")


@points(4, "gradients")
def test_block_backward(student, rng):
    """dx adds both ways, and every array inside gets its gradient."""
    names = "dx", "dkernel_1", "dkernel_2", "dgamma", "dbeta", "dshortcut"
    for channels, hidden, filters, groups in ((4, 5, 4, 2), (3, 7, 6, 3)):
        theirs, ours = both_blocks(student, rng, channels, hidden, filters, groups)
        x, dout = rng.normal(size=(2, 3, 2, channels)), rng.normal(size=(2, 3, 2, filters))
        theirs.forward(x)
        ours.forward(x, training=True)
        expected = [ours.backward(dout), *gradients(ours)]
        got = parts(theirs.backward(dout), len(expected), "backward(dout)")
        for name, mine, right in zip(names, got, expected, strict=False):
            same_gradient(mine, right, name)


@points(3, "start")
def test_a_quiet_block_returns_its_input_and_can_learn(student, rng):
    """The block returns its input, its kernels have He's spread, and the gradient of gamma is not 0."""
    for channels, hidden, groups in ((60, 90, 3), (80, 40, 4)):
        x = rng.normal(size=(2, 2, 3, channels))
        block = student.quiet_block(channels, hidden, groups, int(rng.integers(1000)))
        same(block.forward(x), x, "forward(x) of a quiet block")
        for name, shape in (("kernel_1", (channels, hidden)), ("kernel_2", (hidden, channels))):
            kernel = np.asarray(block.get(name))
            require(
                kernel.shape == shape, "shape", f"{name} must have shape {shape}. Yours is {kind_of(kernel)}."
            )
            ratio = kernel.std() / np.sqrt(2 / shape[0])
            require(0.9 < ratio < 1.1, "values", f"{name} has {ratio:.2f} times He's standard deviation")
        dout = rng.normal(size=x.shape)
        got = parts(block.backward(dout), 5, "backward(dout)")
        same_gradient(got[0], dout, "dx of a quiet block")
        require(
            np.abs(got[3]).max() > 1e-3,
            "values",
            "the gradient of gamma is 0: the block cannot begin to learn",
        )


@points(2, "in place")
def test_nothing_is_written_to(student, rng):
    """Forward and backward leave their arguments as they were, and the answers are right."""
    theirs, ours = both_blocks(student, rng, 4, 3, 4, 2)
    x, dout = rng.normal(size=(2, 3, 2, 4)), rng.normal(size=(2, 3, 2, 4))
    same(theirs.forward(x), ours.forward(x, training=True), "forward(x)")
    same_gradient(parts(theirs.backward(dout), 5, "backward(dout)")[0], ours.backward(dout), "dx")
    require(not student.changed, "in place", "an argument was written to")
