"""Activations: one function applied to every number, and softmax, which looks at a whole row.

Each is a layer of its own, so that its gradient stands beside it and nothing is chosen by a string.
"""

from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import check_number
from cnnbook.nn.layer import Layer


@dataclass(eq=False)
class ReLU(Layer):
    """Let positive numbers through, cut negative ones to zero: out = max(x, 0).

    Shapes
    ------
    x of any shape (N, ...) -> out of the same shape.

    Examples
    --------
    >>> relu = ReLU()
    >>> relu.forward(np.array([[-2.0, 0.0, 3.0]]), training=True)
    array([[0., 0., 3.]])
    >>> relu.backward(np.array([[10.0, 20.0, 30.0]]))
    array([[ 0.,  0., 30.]])

    Source: Nair and Hinton (2010); Glorot, Bordes and Bengio (2011).
    """

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        self.remember(training, x.shape, x > 0)
        return np.maximum(x, 0)

    def backward(self, dout):
        """dx = dout where x > 0, and 0 elsewhere; at the kink itself, x = 0, it is 0, as in Keras."""
        (positive,) = self.recall(dout)
        return dout * positive


@dataclass(eq=False)
class LeakyReLU(Layer):
    """A ReLU that lets a little of the negative side through: out = x, or negative_slope x below zero.

    Parameters
    ----------
    negative_slope : slope below zero; Keras' default .3.

    Shapes
    ------
    x of any shape (N, ...) -> out of the same shape.

    Raises
    ------
    ValueError : if the slope is negative (constructor).

    Examples
    --------
    >>> leaky = LeakyReLU(negative_slope=0.1)
    >>> leaky.forward(np.array([[-2.0, 0.0, 3.0]]), training=True)
    array([[-0.2,  0. ,  3. ]])
    >>> leaky.backward(np.array([[10.0, 20.0, 30.0]]))
    array([[ 1.,  2., 30.]])

    Source: Maas, Hannun and Ng (2013), equation 2.
    """

    negative_slope: float = 0.3

    def __post_init__(self):
        self.negative_slope = check_number(self.name, "negative_slope", self.negative_slope, "[0, inf)")

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        positive = x > 0
        self.remember(training, x.shape, positive)
        return np.where(positive, x, self.negative_slope * x)

    def backward(self, dout):
        """dx = dout where x > 0, and negative_slope dout elsewhere."""
        (positive,) = self.recall(dout)
        return np.where(positive, dout, self.negative_slope * dout)


@dataclass(eq=False)
class Sigmoid(Layer):
    """Squeeze every number into (0, 1): out = 1 / (1 + exp(-x)).

    Written with exp(-|x|), which cannot overflow: below zero the same fraction is exp(x) / (1 + exp(x)).

    Shapes
    ------
    x of any shape (N, ...) -> out of the same shape.

    Examples
    --------
    >>> sigmoid = Sigmoid()
    >>> sigmoid.forward(np.array([[0.0, np.log(3.0), -1000.0]]), training=True)
    array([[0.5 , 0.75, 0.  ]])
    >>> sigmoid.backward(np.array([[1.0, 1.0, 1.0]]))
    array([[0.25  , 0.1875, 0.    ]])
    """

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        decay = np.exp(-np.abs(x))
        out = np.where(x >= 0, 1, decay) / (1 + decay)
        self.remember(training, x.shape, out)
        return out

    def backward(self, dout):
        """dx = dout out (1 - out): at most a quarter of dout, and next to nothing far from zero."""
        (out,) = self.recall(dout)
        return dout * out * (1 - out)


@dataclass(eq=False)
class Tanh(Layer):
    """Squeeze every number into (-1, 1): out = tanh(x).

    Shapes
    ------
    x of any shape (N, ...) -> out of the same shape.

    Examples
    --------
    >>> tanh = Tanh()
    >>> tanh.forward(np.array([[0.0, np.log(2.0), 1000.0]]), training=True)
    array([[0. , 0.6, 1. ]])
    >>> tanh.backward(np.array([[1.0, 1.0, 1.0]]))
    array([[1.  , 0.64, 0.  ]])
    """

    def forward(self, x, *, training=False):
        out = np.tanh(self.check_input(x))
        self.remember(training, out.shape, out)
        return out

    def backward(self, dout):
        """dx = dout (1 - out^2)."""
        (out,) = self.recall(dout)
        return dout * (1 - out * out)


@dataclass(eq=False)
class Softmax(Layer):
    """Turn scores into probabilities: positive, and adding up to 1 along the last axis.

    out[n, k] = exp(x[n, k] - m_n) / sum over j of exp(x[n, j] - m_n)         m_n = max over j of x[n, j]

    Subtracting the row's maximum changes nothing in the quotient and keeps exp from overflowing. For
    training leave this layer away and give the scores to `SoftmaxCrossEntropy`, which takes logits.

    Shapes
    ------
    x (N, ..., classes) -> out of the same shape.

    Examples
    --------
    >>> softmax = Softmax()
    >>> softmax.forward(np.array([[800.0, 800.0 + np.log(3.0)]]), training=True)
    array([[0.25, 0.75]])
    >>> softmax.backward(np.array([[1.0, 0.0]]))
    array([[ 0.1875, -0.1875]])

    Source: Bridle (1990).
    """

    def forward(self, x, *, training=False):
        out = softmax(self.check_input(x))
        self.remember(training, out.shape, out)
        return out

    def backward(self, dout):
        """Every score moves every probability of its row: raising one lowers all others.

        dx[n, k] = out[n, k] (dout[n, k] - sum over j of out[n, j] dout[n, j])
        """
        (out,) = self.recall(dout)
        return out * (dout - (out * dout).sum(axis=-1, keepdims=True))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis, without overflow.

    >>> softmax(np.array([0.0, np.log(3.0)]))
    array([0.25, 0.75])
    """
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
