"""A convolutional network as most first ones are written: one example at a time, one window at a time.

The same network as `models.small_cnn`, so that the two can be compared: conv 5x5x6 same - ReLU - conv 5x5x6
same - ReLU - pool 2 - dense 10. Also the seven nested loops of the definition, for the price of one
multiply-add in Python.
"""

import itertools

import numpy as np


class LoopConv:
    """Convolution with padding "same", window by window."""

    def __init__(self, kernel):
        self.kernel, self.pad = kernel, kernel.shape[0] // 2

    def forward(self, x):
        size, pad = self.kernel.shape[0], self.pad
        self.x = np.pad(x, [(pad, pad), (pad, pad), (0, 0)])
        out = np.zeros((*x.shape[:2], self.kernel.shape[3]), np.float32)
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                window = self.x[i : i + size, j : j + size]
                out[i, j] = (window[..., np.newaxis] * self.kernel).sum(axis=(0, 1, 2))
        return out

    def backward(self, dout):
        size, pad = self.kernel.shape[0], self.pad
        self.dkernel, dx = np.zeros_like(self.kernel), np.zeros_like(self.x)
        for i in range(dout.shape[0]):
            for j in range(dout.shape[1]):
                window = self.x[i : i + size, j : j + size]
                self.dkernel += window[..., np.newaxis] * dout[i, j]
                dx[i : i + size, j : j + size] += (self.kernel * dout[i, j]).sum(axis=3)
        return dx[pad : dx.shape[0] - pad, pad : dx.shape[1] - pad]


class LoopNet:
    """One training step on one image."""

    def __init__(self, rng):
        def draw(*shape):
            return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)

        self.one, self.two = LoopConv(draw(5, 5, 1, 6)), LoopConv(draw(5, 5, 6, 6))
        self.dense = draw(14 * 14 * 6, 10)

    def step(self, x, label, learning_rate=0.005):
        hidden = np.maximum(self.one.forward(x), 0)
        second = np.maximum(self.two.forward(hidden), 0)
        pooled, where = np.zeros((14, 14, 6), np.float32), {}
        for i, j, c in itertools.product(range(14), range(14), range(6)):
            window = second[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c]
            where[i, j, c] = np.unravel_index(window.argmax(), window.shape)
            pooled[i, j, c] = window.max()
        logits = pooled.ravel() @ self.dense
        dlogits = np.exp(logits - logits.max())
        dlogits /= dlogits.sum()
        dlogits[label] -= 1
        dpooled = (self.dense @ dlogits).reshape(pooled.shape)
        self.dense -= learning_rate * np.outer(pooled.ravel(), dlogits)
        dsecond = np.zeros_like(second)
        for (i, j, c), (u, v) in where.items():
            dsecond[2 * i + u, 2 * j + v, c] = dpooled[i, j, c]
        dhidden = self.two.backward(dsecond * (second > 0))
        self.one.backward(dhidden * (hidden > 0))
        for conv in (self.one, self.two):
            conv.kernel -= learning_rate * conv.dkernel


def seven_loops(x, kernel):
    """The definition of a convolution, one multiplication at a time; lists in, lists out."""
    out = []
    size, channels, filters = len(kernel), len(kernel[0][0]), len(kernel[0][0][0])
    for image in x:
        maps = []
        for i in range(len(image) - size + 1):
            row = []
            for j in range(len(image[0]) - size + 1):
                pixel = []
                for f in range(filters):
                    total = 0.0
                    for u in range(size):
                        for v in range(size):
                            for c in range(channels):
                                total += image[i + u][j + v][c] * kernel[u][v][c][f]
                    pixel.append(total)
                row.append(pixel)
            maps.append(row)
        out.append(maps)
    return out
