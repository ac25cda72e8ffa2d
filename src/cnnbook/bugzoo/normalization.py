"""Wrong batch normalisations."""

import numpy as np

from cnnbook.bugzoo.trial import remembered
from cnnbook.nn import (
    BatchNormalization,
)


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
