"""The networks of the book, not yet built. Images have brightness 0 to 255 unless a network says otherwise.

>>> model = fashion_cnn()
>>> model.build((28, 28, 1), seed=0)
(10,)
"""

import numpy as np

from cnnbook import nn

# 1/255 as float32 holds it: Keras rounds the constants of its layers to float32 even in float64 networks.
PER_LEVEL = float(np.float32(1 / 255))


def mlp() -> nn.Sequential:
    """Dense 256 - dense 128 - dropout - dense 10 on raw pixels."""
    hidden = [nn.Dense(256), nn.ReLU(), nn.Dense(128), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential([nn.Rescaling(PER_LEVEL), nn.Flatten(), *hidden, nn.Dense(10)])


def fashion_cnn() -> nn.Sequential:
    """Two blocks of conv, batch norm, ReLU and pooling, then the MLP's head: 440,842 parameters."""
    blocks = []
    for filters in (16, 32):
        conv = nn.Conv2D(filters, 3, padding="same")
        blocks += [conv, nn.BatchNormalization(), nn.ReLU(), nn.MaxPooling2D(2)]
    rescaling, *head = mlp().layers
    return nn.Sequential([rescaling, *blocks, *head])


def small_cnn() -> nn.Sequential:
    """Two 5x5 convolutions of six filters, one pooling, dense 10; trained one example at a time."""
    convs = [nn.Conv2D(6, 5, padding="same"), nn.ReLU(), nn.Conv2D(6, 5, padding="same"), nn.ReLU()]
    start = nn.Rescaling(PER_LEVEL, offset=-0.5)
    return nn.Sequential([start, *convs, nn.MaxPooling2D(2), nn.Flatten(), nn.Dense(10)])


def residual_cnn() -> nn.Sequential:
    """A convolution, three residual blocks, global average pooling, dense 10, on brightness 0 to 1.

    Every convolution is followed by batch normalisation and therefore has no bias.
    """
    blocks = [*residual_block(32), *residual_block(64, strides=2), *residual_block(64)]
    head = [nn.GlobalAveragePooling2D(), nn.Dense(10)]
    return nn.Sequential([*normalized_conv(32, 3), nn.ReLU(), nn.MaxPooling2D(2), *blocks, *head])


def residual_block(filters: int, strides: int = 1) -> list[nn.Layer]:
    """Two 3x3 convolutions and a shortcut; with strides, a 1x1 convolution brings it to the same shape."""
    inside = [*normalized_conv(filters, 3, strides), nn.ReLU(), *normalized_conv(filters, 3)]
    return [nn.Residual(inside, normalized_conv(filters, 1, strides) if strides > 1 else []), nn.ReLU()]


def normalized_conv(filters: int, kernel_size: int, strides: int = 1) -> list[nn.Layer]:
    """A convolution without bias, whose outputs are normalised over the batch."""
    settings = {"strides": strides, "padding": "same", "use_bias": False}
    conv = nn.Conv2D(filters, kernel_size, **settings, kernel_initializer=nn.HeNormal())
    return [conv, nn.BatchNormalization(momentum=0.9)]


def mnist_cnn():
    """Two 3x3 convolutions of 32 and 64 filters, one pooling, dense 10, on brightness 0 to 1."""
    convs = [nn.Conv2D(32, 3), nn.ReLU(), nn.Conv2D(64, 3), nn.ReLU()]
    return nn.Sequential([*convs, nn.MaxPooling2D(2), nn.Flatten(), nn.Dense(10)])
