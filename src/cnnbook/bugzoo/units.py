"""Wrong dense layers, activations, dropout, flattening and residual connections."""

import numpy as np

from cnnbook.bugzoo.trial import remembered
from cnnbook.nn import (
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    ReLU,
    Residual,
    Sigmoid,
)


class ScalarBias(Dense):
    """One single number as the bias of all units."""

    def build(self, input_shape, rng=None, dtype=np.float32):
        output_shape = super().build(input_shape, rng, dtype)
        self.params["bias"] = np.zeros(1, dtype)
        return output_shape

    def backward(self, dout, *, input_gradient=True):
        dx = super().backward(dout, input_gradient=input_gradient)
        self.grads["bias"] = dout.sum(keepdims=True)[0]
        return dx


class ReLUOfTheGradient(ReLU):
    """Lets a gradient through where the *gradient* is positive; it should ask the input."""

    def backward(self, dout):
        super().backward(dout)
        return np.maximum(dout, 0)


class LeakyForwardOnly(LeakyReLU):
    """Leaks forward and forgets to leak backward: the negative side gets no gradient."""

    def backward(self, dout):
        (positive,) = remembered(self)
        super().backward(dout)
        return dout * positive


class SigmoidSlopeOfInput(Sigmoid):
    """Computes x (1 - x) where out (1 - out) is meant, half the slope upside down."""

    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        if training:
            self.remember(training, x.shape, x)
        return out


class FlattenByColumns(Flatten):
    """Flattens row by row and unflattens column by column."""

    def backward(self, dout):
        dx = super().backward(dout)
        return dout.reshape(dx.shape, order="F")


class DropoutNotScaled(Dropout):
    """Drops without scaling up what is kept: at inference every number is suddenly larger."""

    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        if not training:
            return out
        (mask,) = remembered(self)
        self.remember(training, x.shape, mask * (1 - self.rate))
        return out * (1 - self.rate)


class DropoutTwoMasks(Dropout):
    """Draws a new mask on the way back."""

    def backward(self, dout):
        mask = (self._rng.random(dout.shape) >= self.rate) / (1 - self.rate)
        super().backward(dout)
        return dout * mask


class ShortcutForgotten(Residual):
    """Adds x forward and sends the gradient back through the layers only: the way past them gets none."""

    def backward(self, dout, *, input_gradient=True):
        dx = super().backward(dout, input_gradient=input_gradient)
        return None if dx is None else dx - dout
