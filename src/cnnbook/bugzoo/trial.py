"""Trying a layer: a copy built in float64, what it keeps for its backward pass, the error of a check."""

import copy

import numpy as np


class CheckError(AssertionError):
    """A property that does not hold."""


def built(layer, input_shape, seed: int = 0):
    """A float64 copy of the layer, built, with random parameters; the layer itself stays as it is.

    >>> from cnnbook.nn import Dense
    >>> built(Dense(3), (4,)).params["kernel"].dtype
    dtype('float64')
    """
    layer = copy.deepcopy(layer)
    rng = np.random.default_rng(seed)
    layer.build(tuple(input_shape), rng, np.float64)
    for name, param in layer.params.items():
        layer.params[name] = rng.standard_normal(param.shape)
    return layer


def remembered(layer) -> tuple:
    """What the layer's last training pass kept for backward, without using it up."""
    if layer._memory is None:
        raise RuntimeError(f"{layer.name}.backward needs a forward pass of its own.")
    return layer._memory[1]
