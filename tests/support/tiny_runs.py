"""Two small training runs as replays: for the tests of what is recorded and of what shows it."""

import functools
from copy import deepcopy

import numpy as np

from cnnbook import nn
from cnnbook.results.recorder import Recorder

CLASSES = ("dark", "bright", "striped")


def images(count=48):
    """Random images of three kinds, and their labels."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, count)
    x = 0.4 * rng.random((count, 8, 6, 1), np.float32)
    x[y == 1] += 0.5
    x[y == 2, ::2] += 0.5
    return x, y


def network(batchnorm=False, seed=0):
    norm = [nn.BatchNormalization()] if batchnorm else []
    model = nn.Sequential([nn.Conv2D(4, (3, 2)), *norm, nn.ReLU(), nn.Flatten(), nn.Dense(3)])
    model.build((8, 6, 1), seed=seed)
    return model


@functools.cache
def _recorded(batchnorm, epochs):
    x, y = images()
    title = "With batch norm" if batchnorm else "Without"
    recorder = Recorder(
        title, settings={"batchnorm": batchnorm}, images=x[:2], examples=(x, y), classes=CLASSES
    )
    nn.fit(
        network(batchnorm),
        nn.SoftmaxCrossEntropy(),
        nn.SGD(0.1),
        x,
        y,
        epochs=epochs,
        batch_size=8,
        validation_data=(x[:16], y[:16]),
        callbacks=[recorder],
    )
    return recorder.replay()


def run(batchnorm=False, epochs=3):
    """A replay of six steps an epoch; every call gives a copy of its own."""
    return deepcopy(_recorded(batchnorm, epochs))
