"""The book's layers as plain tf.Module: variables, a `__call__`, and TensorFlow's tape does the rest.

No Keras, no build step: sizes are given, weights are made at once. Importing this module imports TensorFlow.
"""

import functools

import numpy as np

from cnnbook.keras_twin import tf
from cnnbook.nn.arguments import check_padding, check_pair, check_positive
from cnnbook.nn.geometry import count_windows, image_pads
from cnnbook.nn.initializers import GlorotNormal
from cnnbook.nn.windows import tap_slices

ACTIVATIONS = {
    "linear": tf.identity,
    "relu": tf.nn.relu,
    "leaky_relu": tf.nn.leaky_relu,
    "sigmoid": tf.math.sigmoid,
    "tanh": tf.math.tanh,
}


class Dense(tf.Module):
    """Every unit weighs all inputs, adds its own bias, and its activation follows.

    Parameters
    ----------
    inputs, units : numbers D of inputs and U of outputs.
    activation : "linear", "relu", "leaky_relu", "sigmoid" or "tanh". Softmax belongs to the loss.
    rng : where the Glorot-normal kernel is drawn from.

    Shapes
    ------
    x (N, D) floats -> (N, U); kernel (D, U); bias (U,), one number per unit.

    Raises
    ------
    ValueError : if a size is impossible, the activation unknown, or an input of another shape or dtype.

    Examples
    --------
    >>> dense = Dense(3, 2, "relu", np.random.default_rng(0))
    >>> dense(tf.ones((4, 3))).shape, [variable.name for variable in dense.trainable_variables]
    (TensorShape([4, 2]), ['bias:0', 'kernel:0'])
    """

    def __init__(self, inputs, units, activation="linear", rng=None):
        super().__init__()
        inputs, units = check_positive("Dense", "inputs", inputs), check_positive("Dense", "units", units)
        self.activation = check_activation("Dense", activation)
        self.kernel = draw("Dense", (inputs, units), rng)
        self.bias = tf.Variable(tf.zeros(units), name="bias")

    def __call__(self, x):
        x = check_input("Dense", x, (self.kernel.shape[0],))
        return self.activation(x @ self.kernel + self.bias)


class Conv2D(tf.Module):
    """Convolution as a sum over taps: shift the image, multiply its channels by the tap's weights, add.

    Every step makes a new tensor, so the tape can follow it back to the kernel.

    Parameters
    ----------
    channels, filters : numbers C of input and F of output channels.
    kernel_size, strides, padding : as in `cnnbook.nn.Conv2D`. activation, rng : as in `Dense`.

    Shapes
    ------
    x (N, H, W, C) floats -> (N, H', W', F); kernel (K_h, K_w, C, F); bias (F,).

    Examples
    --------
    >>> conv = Conv2D(3, 8, (3, 2), padding="same", rng=np.random.default_rng(0))
    >>> conv(tf.ones((2, 5, 6, 3))).shape
    TensorShape([2, 5, 6, 8])
    """

    def __init__(
        self, channels, filters, kernel_size, strides=1, padding="valid", activation="linear", rng=None
    ):
        super().__init__()
        channels = check_positive("Conv2D", "channels", channels)
        filters = check_positive("Conv2D", "filters", filters)
        self.kernel_size = check_pair("Conv2D", "kernel_size", kernel_size)
        self.strides = check_pair("Conv2D", "strides", strides)
        self.padding = check_padding("Conv2D", padding)
        self.activation = check_activation("Conv2D", activation)
        self.kernel = draw("Conv2D", (*self.kernel_size, channels, filters), rng)
        self.bias = tf.Variable(tf.zeros(filters), name="bias")

    def __call__(self, x):
        x = check_input("Conv2D", x, (None, None, self.kernel.shape[2]))
        taps = all_taps("Conv2D", x, self.kernel_size, self.strides, self.padding)
        weights = tf.reshape(self.kernel, (-1, *self.kernel.shape[2:]))  # (K_h K_w, C, F)
        products = [tf.tensordot(tap, weights[number], 1) for number, tap in enumerate(taps)]
        return self.activation(tf.add_n(products) + self.bias)


class MaxPooling2D(tf.Module):
    """Keep the largest number of every window; in a tie the first takes the gradient, as in Keras.

    >>> MaxPooling2D(2)(tf.reshape(tf.range(8.0), (1, 2, 4, 1)))[0, :, :, 0].numpy()
    array([[5., 7.]], dtype=float32)
    """

    def __init__(self, pool_size=2, strides=None):
        super().__init__()
        self.pool_size = check_pair("MaxPooling2D", "pool_size", pool_size)
        self.strides = check_pair("MaxPooling2D", "strides", strides or self.pool_size)

    def __call__(self, x):
        x = check_input("MaxPooling2D", x, (None, None, None))
        return functools.reduce(
            tf.maximum, all_taps("MaxPooling2D", x, self.pool_size, self.strides, "valid")
        )


class Flatten(tf.Module):
    """Lay every example out as one row."""

    def __call__(self, x):
        return tf.reshape(x, (-1, np.prod(x.shape[1:])))


class Sequential(tf.Module):
    """Modules in a row. Its `trainable_variables` are theirs: tf.Module finds them.

    >>> rng = np.random.default_rng(0)
    >>> model = Sequential([Conv2D(1, 4, 3, rng=rng), MaxPooling2D(2), Flatten(), Dense(676, 10, rng=rng)])
    >>> model(tf.ones((2, 28, 28, 1))).shape, len(model.trainable_variables)
    (TensorShape([2, 10]), 4)
    """

    def __init__(self, modules):
        super().__init__()
        self.modules = list(modules)

    def __call__(self, x, training=False):
        """The same while training and afterwards: no module here makes a difference."""
        return functools.reduce(lambda x, module: module(x), self.modules, x)


def all_taps(owner: str, x, window_size, strides, padding: str) -> list:
    """For every place in the window, row by row, what it touches on all stops: (N, H', W', C) each."""
    geometry = window_size, strides, (1, 1), padding
    out_size = count_windows(owner, tuple(x.shape[1:]), *geometry)
    padded = tf.pad(x, [(0, 0), *image_pads(x.shape[1:3], *geometry), (0, 0)])
    places = [(u, v) for u in range(window_size[0]) for v in range(window_size[1])]
    return [padded[tap_slices(u, v, out_size, strides, (1, 1))] for u, v in places]


def draw(owner: str, shape, rng):
    """A Glorot-normal kernel as a variable."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(
            f"{owner} needs a generator to draw from. Received rng={rng!r}. Use np.random.default_rng(seed)."
        )
    return tf.Variable(GlorotNormal()(shape, rng, np.float32), name="kernel")


def check_activation(owner: str, name):
    """The function of that name. Raises ValueError if there is none; the message lists the names."""
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    advice = " Return logits and leave softmax to the loss." if name == "softmax" else ""
    raise ValueError(
        f"{owner}: activation must be one of {', '.join(ACTIVATIONS)}. Received activation={name!r}.{advice}"
    )


def check_input(owner: str, x, shape):
    """Refuse integers and other shapes; None in `shape` stands for any size."""
    x = tf.convert_to_tensor(x)
    fits = x.shape.rank == len(shape) + 1 and all(
        want in (None, n) for want, n in zip(shape, x.shape[1:], strict=True)
    )
    if not fits or x.dtype != tf.float32:
        sizes = ", ".join(["N", *("?" if want is None else str(want) for want in shape)])
        raise ValueError(
            f"{owner} works on float32 inputs of shape ({sizes}). "
            f"Received {x.dtype.name} of shape {tuple(x.shape)}."
        )
    return x
