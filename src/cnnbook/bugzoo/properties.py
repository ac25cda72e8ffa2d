"""Checks for what a gradient check cannot see: one property each, named after what must hold.

A layer can have a perfect gradient of the wrong function. Each check here runs the thing on inputs made for
one mistake and raises `CheckError` with the two numbers that differ. It needs nothing but the object itself.
"""

import copy
from collections.abc import Callable

import numpy as np

from cnnbook.bugzoo.trial import CheckError, built
from cnnbook.nn.arguments import describe

Array = np.ndarray


def check_shift_equivariance(layer, input_shape=(9, 8, 2)) -> None:
    """Shift the image by one pixel, and the output must shift by one pixel: places are treated alike.

    Sees a bias (or a weight) that differs from place to place. Padding and strides over 1 do so, too: check a
    layer without them.

    >>> from cnnbook.nn import Conv2D
    >>> check_shift_equivariance(Conv2D(3, (3, 2)))
    """
    layer = built(layer, input_shape)
    x = np.random.default_rng(1).standard_normal((2, *input_shape))
    here, moved = layer.forward(x), layer.forward(np.roll(x, 1, axis=2))
    difference = np.abs(moved[:, :, 1:] - here[:, :, :-1]).max()
    if difference > 1e-9:
        raise CheckError(
            f"{describe(layer)}: a shifted image must give the shifted output. "
            f"The same patch, one pixel on, is answered {difference:.3g} differently: "
            "something is learned per place, or padding or a stride treats places differently."
        )


def check_bias_per_output(layer, input_shape) -> None:
    """Every unit or filter must have a bias of its own: on an input of zeros they answer differently.

    >>> from cnnbook.nn import Dense
    >>> check_bias_per_output(Dense(3), (4,))
    """
    layer = built(layer, input_shape)
    answers = layer.forward(np.zeros((1, *input_shape)))
    count = answers.shape[-1]
    if np.unique(answers.round(12)).size < count:
        raise CheckError(
            f"{describe(layer)}: {count} outputs need {count} biases. "
            f"On zeros they give only {np.unique(answers.round(12)).size} different answers."
        )


def check_gradient_is_conserved(layer, input_shape=(6, 4, 2)) -> None:
    """What pooling hands back must add up to what it received, on an image full of ties.

    >>> from cnnbook.nn import MaxPooling2D
    >>> check_gradient_is_conserved(MaxPooling2D(2))
    """
    layer = built(layer, input_shape)
    out = layer.forward(np.ones((2, *input_shape)), training=True)
    dx = layer.backward(np.ones(out.shape))
    if not np.isclose(dx.sum(), out.size):
        raise CheckError(
            f"{describe(layer)}: the gradient handed back must add up to the gradient received, {out.size}. "
            f"On a constant image it adds up to {dx.sum():g}: tied pixels get it more than once."
        )


def check_padding_never_wins(layer, input_shape=(5, 4, 2)) -> None:
    """The maximum of negative numbers is negative, at the border as well.

    >>> from cnnbook.nn import MaxPooling2D
    >>> check_padding_never_wins(MaxPooling2D(2, padding="same"))
    """
    layer = built(layer, input_shape)
    out = layer.forward(np.full((1, *input_shape), -1.0))
    if out.max() > -1:
        raise CheckError(
            f"{describe(layer)}: pooling an image of -1 must give -1 everywhere. "
            f"It gives {out.max():g} somewhere: the padding has won."
        )


def check_inference_is_independent(layer, input_shape) -> None:
    """At inference, an example's answer must not depend on the other examples of the batch.

    >>> from cnnbook.nn import BatchNormalization
    >>> check_inference_is_independent(BatchNormalization(), (4,))
    """
    layer = built(layer, input_shape)
    x = np.random.default_rng(1).standard_normal((4, *input_shape))
    alone, together = layer.forward(x[:1]), layer.forward(x)[:1]
    difference = np.abs(alone - together).max()
    if difference > 1e-9:
        raise CheckError(
            f"{describe(layer)}: at inference an answer must not depend on its neighbours in the batch. "
            f"Alone and in a batch of 4 it differs by {difference:.3g}."
        )


def check_frozen_stays_frozen(layer, input_shape) -> None:
    """With trainable=False a training step must leave state as it is.

    >>> from cnnbook.nn import BatchNormalization
    >>> check_frozen_stays_frozen(BatchNormalization(), (4,))
    """
    layer = built(layer, input_shape)
    layer.trainable = False
    before = copy.deepcopy(layer.state)
    layer.forward(3 + np.random.default_rng(1).standard_normal((4, *input_shape)), training=True)
    changed = [name for name, value in layer.state.items() if not np.array_equal(value, before[name])]
    if changed:
        raise CheckError(
            f"{describe(layer)}: a frozen layer must keep its state. "
            f"A training pass changed {', '.join(changed)}."
        )


def check_expectation(layer, input_shape=(2000,)) -> None:
    """On average over its randomness, training must compute what inference computes.

    >>> from cnnbook.nn import Dropout
    >>> check_expectation(Dropout(0.5))
    """
    layer = built(layer, input_shape)
    x = np.ones((50, *input_shape))
    training, inference = layer.forward(x, training=True).mean(), layer.forward(x).mean()
    if not np.isclose(training, inference, rtol=0.02):
        raise CheckError(
            f"{describe(layer)}: the mean output must be the same in training and at inference. "
            f"It is {training:.3g} and {inference:.3g}."
        )


def check_spread(initializer: Callable, shapes=((5, 5, 1, 6), (3, 3, 64, 64))) -> None:
    """Weights must keep the spread of what passes through: inputs of variance 1 come out near variance 1.

    It must hold for few input channels and for many, so more than one kernel shape is tried.

    >>> from cnnbook.nn import GlorotUniform
    >>> check_spread(GlorotUniform())
    """
    rng = np.random.default_rng(0)
    for shape in shapes:
        kernel = initializer(shape, rng, np.float64).reshape(-1, shape[-1])
        variance = (rng.standard_normal((1000, len(kernel))) @ kernel).var()
        if not 0.2 < variance < 5:
            raise CheckError(
                f"{initializer!r} for {shape}: outputs must have about the variance of the inputs, 1. "
                f"They have {variance:.3g}; after ten such layers a signal is {variance**5:.1e} of its size."
            )


def check_filters_differ(initializer: Callable, shape=(3, 3, 1, 8)) -> None:
    """No filter may be a copy of another one: copies draw the same map and learn the same.

    >>> from cnnbook.nn import GlorotUniform
    >>> check_filters_differ(GlorotUniform())
    """
    kernel = initializer(shape, np.random.default_rng(0), np.float64).reshape(-1, shape[-1])
    rank, possible = np.linalg.matrix_rank(kernel), min(kernel.shape)
    if rank < possible:
        raise CheckError(
            f"{initializer!r} for {shape}: {shape[-1]} filters must span {possible} dimensions. "
            f"They span {rank}."
        )


def check_large_logits(loss) -> None:
    """The loss and its gradient must stay finite when a logit is 1,000: no exponential may overflow.

    >>> from cnnbook.nn import SoftmaxCrossEntropy
    >>> check_large_logits(SoftmaxCrossEntropy())
    """
    loss = copy.deepcopy(loss)
    with np.errstate(all="ignore"):
        value = loss.forward(np.array([[1000.0, 0.0, -1000.0]]), np.array([1]))
        gradient = loss.backward()
    if not (np.isclose(value, 1000) and np.isfinite(gradient).all()):
        raise CheckError(
            f"{loss!r}: a logit 1000 above the true class costs 1000 nats. "
            f"The loss is {value:g} and its gradient {gradient.round(3).tolist()}."
        )


def check_output_size(output_size: Callable[[int, int, int, int], int]) -> None:
    """`output_size(size, kernel_size, stride, pad)` must count the windows that fit, over a full table.

    `pad` is the number of zeros on each side.

    >>> check_output_size(lambda n, k, s, p: (n + 2 * p - k) // s + 1)
    """
    wrong, total, first = 0, 0, ""
    for n in range(1, 13):
        for k in range(1, 6):
            for s in range(1, 4):
                for p in range(3):
                    counted = len([start for start in range(0, n + 2 * p, s) if start + k <= n + 2 * p])
                    if counted:
                        total += 1
                        said = output_size(n, k, s, p)
                        if said != counted:
                            wrong += 1
                            first = (
                                first or f"size {n}, kernel {k}, stride {s}, pad {p}: {said}, not {counted}"
                            )
    if wrong:
        raise CheckError(
            "the output size must be the number of windows that fit. "
            f"{wrong} of {total} sizes are wrong; {first}."
        )


def check_macro_f1(macro_f1: Callable[[Array, Array], float]) -> None:
    """A class that is never predicted must count as 0 in the mean, not vanish from it.

    >>> from cnnbook.nn import macro_f1
    >>> check_macro_f1(macro_f1)
    """
    labels, predictions = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 1, 1, 0, 1])
    right, said = (0.8 + 0.8 + 0.0) / 3, macro_f1(labels, predictions)
    if not np.isclose(said, right):
        raise CheckError(
            f"macro F1 over three classes with F1 .8, .8 and 0 must be {right:.3f}. Received {said:.3f}: "
            "the class that is never predicted is left out."
        )
