"""Batch normalisation, forward and backward, and how to make it disappear after training."""

import copy
from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import Shape, check_number
from cnnbook.nn.channels import channel_sums, pixel_rows, spread
from cnnbook.nn.depthwise import DepthwiseConv2D
from cnnbook.nn.layer import Layer
from cnnbook.nn.normalization import Normalization


@dataclass(eq=False)
class BatchNormalization(Normalization):
    """Give every channel mean 0 and variance 1 over the batch, then let it choose its own again.

    out = gamma x_hat + beta              x_hat = (x - mean) / sqrt(variance + epsilon)

    While training, mean and variance are taken over the batch (and over height and width of images), one
    pair per channel, and the layer remembers them slowly:

    moving_mean = momentum moving_mean + (1 - momentum) mean              the same for moving_variance

    For inference it uses what it remembers, so an answer does not depend on the other examples. A frozen
    layer (trainable=False) does so while training, too, and remembers nothing new. The variance is the biased
    one, the mean of the squares, also in moving_variance.

    Parameters
    ----------
    momentum : share of the old that a moving statistic keeps at every step.
    epsilon : keeps a channel without variance from a division by zero.
    center, scale : learn beta, learn gamma.

    Shapes
    ------
    x (N, C) or (N, H, W, C) -> out of the same shape; gamma, beta, moving_mean, moving_variance (C,).

    Raises
    ------
    ValueError : if a number is out of range (constructor), if the input is neither vector nor image (build),
        if a training batch has no examples (forward).

    Examples
    --------
    >>> norm = BatchNormalization(momentum=0.9, epsilon=1e-12)
    >>> norm.build((2,))
    (2,)
    >>> x = np.array([[1, 10], [3, 50]], dtype=np.float32)
    >>> norm.forward(x, training=True)                        # means 2, 30; standard deviations 1, 20
    array([[-1., -1.],
           [ 1.,  1.]], dtype=float32)
    >>> norm.state["moving_mean"], norm.state["moving_variance"]      # .9 * 0 + .1 * mean, .9 * 1 + .1 * 400
    (array([0.2, 3. ], dtype=float32), array([ 1. , 40.9], dtype=float32))

    Source: Ioffe and Szegedy (2015), algorithms 1 and 2, and the gradients of section 3.
    """

    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    def __post_init__(self):
        super().__post_init__()
        self.momentum = check_number(self.name, "momentum", self.momentum, "[0, 1]")

    def build(self, input_shape: Shape, rng=None, dtype=np.float32) -> Shape:
        output_shape = super().build(input_shape, rng, dtype)
        channels = self.input_shape[-1]
        self.state["moving_mean"] = np.zeros(channels, dtype)
        self.state["moving_variance"] = np.ones(channels, dtype)
        return output_shape

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        rows, channels = pixel_rows(x), x.shape[-1]
        from_batch = training and self.trainable
        if from_batch:
            if not len(x):
                raise ValueError(
                    f"{self.name} needs at least one example to train on. Received x of shape {x.shape}."
                )
            m = x.size // channels
            mean = channel_sums(rows, channels) / m
            centered = rows - spread(mean, x.shape)
            variance = channel_sums(centered, channels, times=centered) / m
            self._remember_statistics(mean, variance)
        else:
            mean, variance = self.state["moving_mean"], self.state["moving_variance"]
            centered = rows - spread(mean, x.shape)
        inverse = 1 / np.sqrt(variance + self.epsilon)
        out = centered * spread(self.params.get("gamma", 1) * inverse, x.shape)
        if self.center:
            out += spread(self.params["beta"], x.shape)
        self.remember(training, x.shape, centered, inverse, from_batch)
        return out.reshape(x.shape)

    def backward(self, dout, *, input_gradient=True):
        """The gradients of scale, shift and input; the input also moved the mean and the variance.

        dgamma = sum of dout x_hat         dbeta = sum of dout         both over all m numbers of a channel
        dx     = gamma / sqrt(variance + epsilon) (dout - dbeta / m - x_hat dgamma / m)

        With moving statistics (a frozen layer) the last two terms are missing: there mean and variance are
        constants.

        Parameters
        ----------
        dout : (N, C) or (N, H, W, C), gradient of the loss with respect to this layer's output.

        Returns
        -------
        dx : in the shape of x, or None.
        """
        centered, inverse, from_batch = self.recall(dout)
        rows, channels = pixel_rows(dout), dout.shape[-1]
        dbeta = channel_sums(rows, channels)
        dgamma = channel_sums(rows, channels, times=centered) * inverse
        if self.scale:
            self.grads["gamma"] = dgamma
        if self.center:
            self.grads["beta"] = dbeta
        if not input_gradient:
            return None
        slope = self.params.get("gamma", 1) * inverse
        dx = rows * spread(slope, dout.shape)
        if from_batch:
            m = dout.size // channels
            dx -= spread(slope * dbeta / m, dout.shape)
            centered *= spread(slope * inverse * dgamma / m, dout.shape)
            dx -= centered
        return dx.reshape(dout.shape)

    def _remember_statistics(self, mean, variance):
        for name, value in (("moving_mean", mean), ("moving_variance", variance)):
            self.state[name] = self.momentum * self.state[name] + (1 - self.momentum) * value


def fold(batchnorm: BatchNormalization, into: Layer) -> Layer:
    """The layer that does what `into` followed by `batchnorm` does at inference: one step instead of two.

    kernel' = kernel gamma / sqrt(moving_variance + epsilon)                  per output channel
    bias'   = beta + (bias - moving_mean) gamma / sqrt(moving_variance + epsilon)

    Parameters
    ----------
    batchnorm : a built batch normalisation that follows `into` directly.
    into : a built Dense, Conv2D or DepthwiseConv2D.

    Returns
    -------
    layer : a new layer of the class of `into`, with a bias; both arguments stay as they are.

    Raises
    ------
    ValueError : if `into` has no kernel, or its outputs are not the channels of `batchnorm`.

    Examples
    --------
    >>> from cnnbook.nn import Dense
    >>> dense, norm, rng = Dense(2, use_bias=False), BatchNormalization(), np.random.default_rng(0)
    >>> norm.build(dense.build((3,), rng))
    (2,)
    >>> norm.state["moving_mean"][:] = [1, 2]
    >>> x = rng.standard_normal((5, 3), np.float32)
    >>> bool(np.allclose(fold(norm, into=dense).forward(x), norm.forward(dense.forward(x)), atol=1e-6))
    True

    Source: Jacob et al. (2018), section 3.2.
    """
    if "kernel" not in into.params or not batchnorm.state:
        raise ValueError(
            "fold: batchnorm and the layer with the kernel before it must be built. "
            f"Received {batchnorm!r} and {into!r}."
        )
    outputs = into.output_shape(into.input_shape)
    if outputs != batchnorm.input_shape:
        raise ValueError(
            "fold: batchnorm must follow the layer directly. "
            f"Received outputs of shape {outputs} and a batchnorm built for {batchnorm.input_shape}."
        )
    slope = batchnorm.params.get("gamma", 1) / np.sqrt(batchnorm.state["moving_variance"] + batchnorm.epsilon)
    kernel, bias = into.params["kernel"], into.params.get("bias", 0)
    folded = copy.deepcopy(into)
    folded.use_bias, folded.grads, folded._memory = True, {}, None
    folded.params = {
        "kernel": kernel * (slope.reshape(kernel.shape[2:]) if isinstance(into, DepthwiseConv2D) else slope),
        "bias": batchnorm.params.get("beta", 0) + (bias - batchnorm.state["moving_mean"]) * slope,
    }
    return folded
