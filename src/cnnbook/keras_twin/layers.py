"""The book's layers once more, inside Keras: they train, save and load like any other Keras layer.

They are written with `keras.ops` alone. Importing this module imports Keras.
"""

import numpy as np

from cnnbook.keras_twin import keras
from cnnbook.nn.arguments import check_image, check_number, check_padding, check_pair, check_positive
from cnnbook.nn.geometry import count_windows, image_pads
from cnnbook.nn.windows import tap_slices

ops = keras.ops
registered = keras.saving.register_keras_serializable(package="cnnbook")


@registered
class Conv2D(keras.layers.Layer):
    """Convolution by im2col: every window becomes a row, every filter a column, and the rest is one product.

    Parameters
    ----------
    filters, kernel_size, strides, padding, dilation_rate, use_bias : as in `cnnbook.nn.Conv2D`.
    activation, kernel_initializer : Keras' names or objects, as in keras.layers.Conv2D.

    Shapes
    ------
    x (N, H, W, C) -> out (N, H', W', F); kernel (K_h, K_w, C, F); bias (F,). `build` must know H and W.

    Raises
    ------
    ValueError : if an argument is impossible, or the input is no image of known size.

    Examples
    --------
    >>> layer = Conv2D(filters=4, kernel_size=(3, 2), strides=2, padding="same", activation="relu")
    >>> layer(np.ones((2, 7, 6, 3), np.float32)).shape
    TensorShape([2, 4, 3, 4])
    >>> [(weight.name, tuple(weight.shape)) for weight in layer.weights]
    [('kernel', (3, 2, 3, 4)), ('bias', (4,))]

    Source: Chellapilla, Puri and Simard (2006), section 3.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        dilation_rate=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = check_positive("Conv2D", "filters", filters)
        self.kernel_size = check_pair("Conv2D", "kernel_size", kernel_size)
        self.strides = check_pair("Conv2D", "strides", strides)
        self.padding = check_padding("Conv2D", padding)
        self.dilation_rate = check_pair("Conv2D", "dilation_rate", dilation_rate)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        _, _, channels = check_image("Conv2D", tuple(input_shape)[1:])
        shape = (*self.kernel_size, channels, self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self.kernel_initializer)
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, x):
        _, *out_size, _ = self.compute_output_shape(x.shape)
        pads = image_pads(x.shape[1:3], *self.geometry(), self.padding)
        padded = ops.pad(x, [(0, 0), *pads, (0, 0)])
        spacing = out_size, self.strides, self.dilation_rate
        taps = [tap_slices(u, v, *spacing) for u, v in np.ndindex(self.kernel_size)]
        patches = ops.concatenate([padded[tap] for tap in taps], axis=-1)
        kernel = ops.reshape(self.kernel, (-1, self.filters))
        out = ops.matmul(ops.reshape(patches, (-1, kernel.shape[0])), kernel)
        if self.use_bias:
            out = out + self.bias
        return self.activation(ops.reshape(out, (-1, *out_size, self.filters)))

    def compute_output_shape(self, input_shape):
        size = count_windows("Conv2D", tuple(input_shape)[1:], *self.geometry(), self.padding)
        return (input_shape[0], *size, self.filters)

    def geometry(self):
        return self.kernel_size, self.strides, self.dilation_rate

    def get_config(self):
        """All constructor arguments: one that is missing here comes back as its default, silently."""
        names = "filters", "kernel_size", "strides", "padding", "dilation_rate", "use_bias"
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@registered
class BatchNormalization(keras.layers.Layer):
    """Batch normalisation: the batch's statistics while training, the remembered ones otherwise.

    A frozen layer (trainable=False) normalises with what it remembers and remembers nothing new. `training`
    may be True, False, None or a tensor that a graph computes.

    Parameters
    ----------
    axis : the channels' axis. momentum, epsilon : as in `cnnbook.nn.BatchNormalization`.

    Shapes
    ------
    x (N, C), (N, H, W, C) or any other with a fixed `axis` -> out of the same shape.

    Examples
    --------
    >>> layer = BatchNormalization(momentum=0.9, epsilon=1e-12)
    >>> layer(np.float32([[1, 10], [3, 50]]), training=True).numpy()
    array([[-1., -1.],
           [ 1.,  1.]], dtype=float32)
    >>> layer.moving_mean.numpy()
    array([0.2, 3. ], dtype=float32)

    Source: Ioffe and Szegedy (2015), algorithms 1 and 2.
    """

    def __init__(self, axis=-1, momentum=0.99, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise ValueError(f"BatchNormalization: axis must be a whole number. Received axis={axis!r}.")
        self.axis = axis
        self.momentum = check_number("BatchNormalization", "momentum", momentum, "[0, 1]")
        self.epsilon = check_number("BatchNormalization", "epsilon", epsilon, "(0, inf)")

    def build(self, input_shape):
        shape = (input_shape[self.axis],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        statistics = {"shape": shape, "trainable": False}
        self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **statistics)
        self.moving_variance = self.add_weight(name="moving_variance", initializer="ones", **statistics)

    def call(self, x, training=False):
        kept = self.moving_mean, self.moving_variance
        mean, variance = kept
        if self.trainable and training is not None and training is not False:
            axes = [a for a in range(len(x.shape)) if a != self.axis % len(x.shape)]
            batch = ops.moments(x, axes=axes)
            # Whether this is training may turn out only in the graph.
            mean = ops.where(training, batch[0], mean)
            variance = ops.where(training, batch[1], variance)
            for old, new in zip(kept, batch, strict=True):
                mixed = self.momentum * old + (1 - self.momentum) * new
                old.assign(ops.where(training, mixed, old))
        scale = self.spread(self.gamma / ops.sqrt(variance + self.epsilon), x)
        return (x - self.spread(mean, x)) * scale + self.spread(self.beta, x)

    def spread(self, vector, x):
        """One number per channel, in a shape that NumPy's rules stretch over `x`."""
        shape = [1] * len(x.shape)
        shape[self.axis] = -1
        return ops.reshape(vector, shape)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"axis": self.axis, "momentum": self.momentum, "epsilon": self.epsilon}
        return {**super().get_config(), **own}
