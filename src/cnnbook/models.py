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


def mnist_cnn():
    """Two 3x3 convolutions of 32 and 64 filters, one pooling, dense 10, on brightness 0 to 1."""
    convs = [nn.Conv2D(32, 3), nn.ReLU(), nn.Conv2D(64, 3), nn.ReLU()]
    return nn.Sequential([*convs, nn.MaxPooling2D(2), nn.Flatten(), nn.Dense(10)])
