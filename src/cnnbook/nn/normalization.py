"""Layer and group normalisation: mean 0 and variance 1 within every example, and what all norms share.

The norms differ in which numbers of a batch (N, H, W, C) share one mean and one variance:

    BatchNormalization            all N H W numbers of a channel (its own file: it also remembers)
    LayerNormalization            the C numbers of one pixel of one example
    GroupNormalization(groups)    the H W C / groups numbers of a group of channels of one example
    GroupNormalization(-1)        the H W numbers of one channel of one example: instance normalisation
    GroupNormalization(1)         all H W C numbers of one example
"""

import math
from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import Shape, check_number
from cnnbook.nn.layer import Layer


class Normalization(Layer):
    """What batch, layer and group normalisation share: the inputs they take, gamma and beta per channel.

    A subclass has the fields `epsilon`, `center` and `scale`.
    """

    def __post_init__(self):
        self.epsilon = check_number(self.name, "epsilon", self.epsilon, "(0, inf)")

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) not in (1, 3):
            raise ValueError(
                f"{self.name} works on vectors of shape (features,) or images of shape "
                f"(height, width, channels). Received input_shape={tuple(input_shape)}."
            )
        return tuple(input_shape)

    def build(self, input_shape: Shape, rng=None, dtype=np.float32) -> Shape:
        output_shape = super().build(input_shape, rng, dtype)
        channels = self.input_shape[-1]
        if self.scale:
            self.params["gamma"] = np.ones(channels, dtype)
        if self.center:
            self.params["beta"] = np.zeros(channels, dtype)
        return output_shape


class _WithinExamples(Normalization):
    """Normalisation with the statistics of one example: the same in training and at inference."""

    def _groups(self, shape: Shape) -> Shape:
        """(B, P, G, D): how to see a batch of `shape` so that axes 1 and 3 share one mean, one variance."""
        raise NotImplementedError

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        grouped = x.reshape(self._groups(x.shape))
        centered = grouped - grouped.mean(axis=(1, 3), keepdims=True)
        variance = np.square(centered).mean(axis=(1, 3), keepdims=True)
        inverse = 1 / np.sqrt(variance + self.epsilon)
        x_hat = (centered * inverse).reshape(x.shape)
        self.remember(training, x.shape, x_hat, inverse)
        return x_hat * self.params.get("gamma", 1) + self.params.get("beta", 0)

    def backward(self, dout, *, input_gradient=True):
        """The gradients of scale, shift and input; `mean` runs over the numbers that shared a mean.

        dgamma = sum of dout x_hat         dbeta = sum of dout         both over all numbers of a channel
        dx     = (g - mean(g) - x_hat mean(g x_hat)) / sqrt(variance + epsilon)         with g = gamma dout

        Parameters
        ----------
        dout : (N, C) or (N, H, W, C), gradient of the loss with respect to this layer's output.

        Returns
        -------
        dx : in the shape of x, or None.
        """
        x_hat, inverse = self.recall(dout)
        all_but_channels = tuple(range(dout.ndim - 1))
        if self.scale:
            self.grads["gamma"] = (dout * x_hat).sum(axis=all_but_channels)
        if self.center:
            self.grads["beta"] = dout.sum(axis=all_but_channels)
        if not input_gradient:
            return None
        groups = self._groups(dout.shape)
        g, x_hat = (dout * self.params.get("gamma", 1)).reshape(groups), x_hat.reshape(groups)
        dx = g - g.mean(axis=(1, 3), keepdims=True) - x_hat * (g * x_hat).mean(axis=(1, 3), keepdims=True)
        return (dx * inverse).reshape(dout.shape)


@dataclass(eq=False)
class LayerNormalization(_WithinExamples):
    """Give every pixel of every example mean 0 and variance 1 over its channels, then scale and shift.

    out = gamma x_hat + beta              x_hat = (x - mean) / sqrt(variance + epsilon)

    Mean and variance run over the C channels of one pixel, or over the C features of one vector. Keras' layer
    does the same with its default axis=-1. One mean and variance for all numbers of an image, as Wu and He
    use the name, is `GroupNormalization(groups=1)`. Nothing depends on the batch, and training and inference
    compute the same.

    Parameters
    ----------
    epsilon : keeps a pixel whose channels are all equal from a division by zero.
    center, scale : learn beta, learn gamma.

    Shapes
    ------
    x (N, C) or (N, H, W, C) -> out of the same shape; gamma, beta (C,).

    Raises
    ------
    ValueError : if epsilon is not positive (constructor), if the input is neither vector nor image (build).

    Examples
    --------
    >>> norm = LayerNormalization(epsilon=1e-12)
    >>> norm.build((2,))
    (2,)
    >>> norm.forward(np.array([[1, 3], [10, 50]], dtype=np.float32))      # means 2, 30; deviations 1, 20
    array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)

    Source: Ba, Kiros and Hinton (2016), section 3.
    """

    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    def _groups(self, shape):
        return math.prod(shape[:-1]), 1, 1, shape[-1]


@dataclass(eq=False)
class GroupNormalization(_WithinExamples):
    """Give every group of channels of every example mean 0 and variance 1, then scale and shift.

    out = gamma x_hat + beta              x_hat = (x - mean) / sqrt(variance + epsilon)

    The channels are cut into `groups` groups of neighbours. Mean and variance run over height, width and the
    channels of one group, in one example. `groups=1` takes all channels together; `groups=-1` makes every
    channel a group, which is instance normalisation. Nothing depends on the batch, and training and inference
    compute the same.

    Parameters
    ----------
    groups : how many groups; it must divide the number of channels. -1 for one group per channel.
    epsilon : keeps a constant group from a division by zero.
    center, scale : learn beta, learn gamma, one number per channel each.

    Shapes
    ------
    x (N, C) or (N, H, W, C) -> out of the same shape; gamma, beta (C,).

    Raises
    ------
    ValueError : if groups or epsilon is out of range (constructor), if the input is neither vector nor image
        or its channels do not divide into groups (build).

    Examples
    --------
    >>> norm = GroupNormalization(groups=2, epsilon=1e-12)
    >>> norm.build((4,))
    (4,)
    >>> norm.forward(np.array([[1, 3, 10, 50]], dtype=np.float32))        # means 2, 30; deviations 1, 20
    array([[-1.,  1., -1.,  1.]], dtype=float32)

    Source: Wu and He (2018), section 3; groups=-1: Ulyanov, Vedaldi and Lempitsky (2016).
    """

    groups: int = 32
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    def __post_init__(self):
        super().__post_init__()
        whole = isinstance(self.groups, int | np.integer) and not isinstance(self.groups, bool)
        if not whole or (self.groups < 1 and self.groups != -1):
            raise ValueError(
                f"{self.name}: groups must be a whole number of at least 1, or -1 for one group per channel. "
                f"Received groups={self.groups!r}."
            )
        self.groups = int(self.groups)

    def output_shape(self, input_shape):
        output_shape = super().output_shape(input_shape)
        if self.groups != -1 and output_shape[-1] % self.groups:
            raise ValueError(
                f"{self.name}: groups must divide the number of channels. "
                f"Received groups={self.groups} for {output_shape[-1]} channels. "
                "Use another number of groups, or -1 for one group per channel."
            )
        return output_shape

    def _groups(self, shape):
        groups = self.groups if self.groups != -1 else shape[-1]
        return shape[0], math.prod(shape[1:-1]), groups, shape[-1] // groups
