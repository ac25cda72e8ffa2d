"""Wrong normalisations, and the property that tells groups of channels from other groups."""

import math

import numpy as np

from cnnbook.bugzoo.trial import CheckError, built, remembered
from cnnbook.nn import BatchNormalization, GroupNormalization, LayerNormalization
from cnnbook.nn.arguments import describe


class MeanPathForgotten(BatchNormalization):
    """Treats the batch mean as a constant on the way back."""

    def backward(self, dout, *, input_gradient=True):
        _, inverse, _ = remembered(self)
        dx = super().backward(dout, input_gradient=input_gradient)
        if dx is None:
            return None
        axes = tuple(range(dout.ndim - 1))
        return dx + self.params["gamma"] * inverse * dout.mean(axis=axes)


class VariancePathForgotten(BatchNormalization):
    """Treats the batch variance as a constant on the way back."""

    def backward(self, dout, *, input_gradient=True):
        centered, inverse, _ = remembered(self)
        dx = super().backward(dout, input_gradient=input_gradient)
        if dx is None:
            return None
        m = dout.size // dout.shape[-1]
        normalized = centered.reshape(dout.shape) * inverse
        return dx + self.params["gamma"] * inverse * normalized * self.grads["gamma"] / m


class BatchStatisticsAtInference(BatchNormalization):
    """Normalises with the batch it is given, at inference too."""

    def forward(self, x, *, training=False):
        if training:
            return super().forward(x, training=True)
        axes = tuple(range(x.ndim - 1))
        normalized = (x - x.mean(axis=axes)) / np.sqrt(x.var(axis=axes) + self.epsilon)
        return self.params["gamma"] * normalized + self.params["beta"]


class FrozenButDrifting(BatchNormalization):
    """Keeps updating its moving statistics when it is frozen."""

    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        if training and not self.trainable:
            axes = tuple(range(x.ndim - 1))
            self._remember_statistics(x.mean(axis=axes), x.var(axis=axes))
        return out


class StatisticsAsConstants(LayerNormalization):
    """Treats mean and variance as constants on the way back, and so only divides by the deviation."""

    def backward(self, dout, *, input_gradient=True):
        _, inverse = remembered(self)
        dx = super().backward(dout, input_gradient=input_gradient)
        if dx is None:
            return None
        slope = inverse.reshape(*dout.shape[:-1], 1)
        return self.params["gamma"] * slope * dout


class GroupsOfRows(GroupNormalization):
    """Cuts an image into groups as if its channels came first: the groups are bands of rows."""

    def _groups(self, shape):
        groups = self.groups if self.groups != -1 else shape[-1]
        return shape[0], 1, groups, math.prod(shape[1:]) // groups


def check_groups_are_channels(layer, input_shape=(4, 3, 6)) -> None:
    """Add 1 to all channels of the first group: group normalisation subtracts it again, and nothing changes.

    `layer.groups` must be at least 2.

    >>> from cnnbook.nn import GroupNormalization
    >>> check_groups_are_channels(GroupNormalization(2))
    """
    layer = built(layer, input_shape)
    x = np.random.default_rng(1).standard_normal((2, *input_shape))
    brighter = x.copy()
    brighter[..., : input_shape[-1] // layer.groups] += 1
    difference = np.abs(layer.forward(brighter) - layer.forward(x)).max()
    if difference > 1e-9:
        raise CheckError(
            f"{describe(layer)}: a number added to all channels of one group must change no output. "
            f"It changes one by {difference:.3g}: the groups are not groups of channels."
        )
