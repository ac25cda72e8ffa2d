"""Two runs of one program that begin a rounding error apart: do they stay together, and what parts them?

Both networks get the same batches and the same dropout masks. After every step the distance of their weights
is measured. On the step's batch two things are counted: pooling windows with another winner, and ReLUs with
another sign.
"""

import copy
import itertools

import numpy as np

from cnnbook import nn


def part(make, optimizer, x, y, *, moved, dtype=np.float32, seed=0, steps=50, batch_size=16, shared=False):
    """Train two copies of a network, one weight of the second moved, and compare them after every step.

    Parameters
    ----------
    make : a function that returns a Sequential, not yet built. optimizer : copies of it do the work.
    x, y : at least steps * batch_size examples, used in order.
    moved : added to the first weight of the first kernel; None moves it to the next number of its dtype.
    dtype : of all arithmetic. The first weights are the same numbers in float32 and in float64.
    shared : True gives the second run the winners and signs of the first on the way back.

    Returns
    -------
    dict of lists, a value per step: "distance" of the weights (the length of the vector of all differences),
    "loss" (difference in nats), "winners" and "signs" (how many differ on the step's batch).

    Examples
    --------
    >>> from cnnbook.models import small_cnn
    >>> x, y = np.full((4, 28, 28, 1), 255.0, np.float32), np.array([0, 1, 2, 3])
    >>> part(small_cnn, nn.SGD(0.01), x, y, moved=0.0, steps=2, batch_size=2)["distance"]
    [0.0, 0.0]
    """
    pair = [built(make, seed, dtype), built(make, seed, dtype)]
    kernel = next(weight for name, weight in pair[1].weights().items() if name.endswith("kernel"))
    first = kernel.flat[0]
    kernel.flat[0] = np.nextafter(first, dtype(np.inf)) if moved is None else first + moved
    optimizers = [copy.deepcopy(optimizer), copy.deepcopy(optimizer)]
    found = {"distance": [], "loss": [], "winners": [], "signs": []}
    for step in range(steps):
        batch = slice(step * batch_size, (step + 1) * batch_size)
        losses = nn.SoftmaxCrossEntropy(), nn.SoftmaxCrossEntropy()
        logits, ways = zip(*(forward(model, x[batch].astype(dtype)) for model in pair), strict=True)
        values = [loss.forward(out, y[batch]) for loss, out in zip(losses, logits, strict=True)]
        if shared:
            share(*pair)
        for model, loss, descent in zip(pair, losses, optimizers, strict=True):
            model.backward(loss.backward(), input_gradient=False)
            descent.step(model)
        found["distance"].append(distance(*pair))
        found["loss"].append(abs(float(values[0]) - float(values[1])))
        for kind in ("winners", "signs"):
            others = zip(ways[0][kind], ways[1][kind], strict=True)
            found[kind].append(sum(int((one != other).sum()) for one, other in others))
    return found


def built(make, seed, dtype):
    """The network with first weights drawn in float32, whatever it computes in."""
    model, drawn = make(), make()
    shape = (28, 28, 1)
    model.build(shape, seed=seed, dtype=dtype)
    drawn.build(shape, seed=seed)
    for weight, number in zip(model.weights().values(), drawn.weights().values(), strict=True):
        weight[...] = number
    return model


def forward(model, x):
    """The logits, and the way through the network: every pooling's winners and every ReLU's signs."""
    way = {"winners": [], "signs": []}
    for layer in model.layers:
        if isinstance(layer, nn.MaxPooling2D):
            way["winners"].append(winners(x, layer.pool_size))
        x = layer.forward(x, training=True)
        if isinstance(layer, nn.ReLU):
            way["signs"].append(x > 0)
    return x, way


def winners(x, size):
    """Which place of each window of a pooling without overlap is the largest, (N, H', W', C).

    >>> winners(np.array([[1, 5, 2, 2], [3, 4, 2, 0]]).reshape(1, 2, 4, 1), (2, 2)).ravel()
    array([1, 0])
    """
    (height, width), (n, h, w, c) = size, x.shape
    rows, columns = h // height, w // width
    windows = x[:, : rows * height, : columns * width].reshape(n, rows, height, columns, width, c)
    return windows.transpose(0, 1, 3, 5, 2, 4).reshape(n, rows, columns, c, -1).argmax(axis=-1)


def share(one, other):
    """Replace what the poolings and ReLUs of `other` keep for `backward` by what those of `one` keep."""
    for layer, follower in zip(one.layers, other.layers, strict=True):
        if isinstance(layer, nn.MaxPooling2D | nn.ReLU):
            follower._memory = layer._memory


def distance(one, other):
    """The length of the vector of all differences of two networks' weights."""
    pairs = zip(one.weights().values(), other.weights().values(), strict=True)
    return float(np.sqrt(sum(np.sum((a.astype(np.float64) - b) ** 2) for a, b in pairs)))


def leap(distances, factor=3.0):
    """The first step (from 1) at which the distance grows more than `factor` times in one step, or None.

    >>> leap([1e-6, 2e-6, 2e-6, 1e-3]), leap([1e-6, 2e-6])
    (4, None)
    """
    for step, (before, after) in enumerate(itertools.pairwise(distances), 2):
        if after > factor * before:
            return step
    return None
