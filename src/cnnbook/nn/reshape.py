"""Layers that only rearrange or rescale their input."""

import math
from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import Shape, check_number
from cnnbook.nn.layer import Layer


@dataclass(eq=False)
class Flatten(Layer):
    """Lay every example out as one row, last axis fastest: what a Dense layer reads.

    Shapes
    ------
    x (N, H, W, C) -> out (N, H W C).

    Examples
    --------
    >>> flatten = Flatten()
    >>> flatten.forward(np.arange(4).reshape(1, 2, 2, 1), training=True)
    array([[0, 1, 2, 3]])
    >>> flatten.backward(np.array([[10, 20, 30, 40]])).shape
    (1, 2, 2, 1)
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        out = x.reshape(len(x), math.prod(x.shape[1:]))
        self.remember(training, out.shape, x.shape)
        return out

    def backward(self, dout):
        """dx is dout in the shape of x: every number goes back to its place."""
        (shape,) = self.recall(dout)
        return dout.reshape(shape)


@dataclass(eq=False)
class Rescaling(Layer):
    """Bring pixels into the range the network likes: out = scale x + offset.

    The one layer that takes whole-number pixels: it is where they become floats.

    Parameters
    ----------
    scale : 1 / 255 brings the pixels 0 .. 255 to [0, 1].
    offset : added after scaling.

    Shapes
    ------
    x of any shape (N, ...) -> out of the same shape.

    Examples
    --------
    >>> rescaling = Rescaling(scale=1 / 128, offset=-1)
    >>> rescaling.build((3,))
    (3,)
    >>> rescaling.forward(np.array([[0, 64, 192]], dtype=np.uint8), training=True)
    array([[-1. , -0.5,  0.5]], dtype=float32)
    >>> rescaling.backward(np.array([[0, 1, 64]], dtype=np.float32))
    array([[0.       , 0.0078125, 0.5      ]], dtype=float32)
    """

    scale: float
    offset: float = 0.0

    def __post_init__(self):
        self.scale = check_number(self.name, "scale", self.scale, "(-inf, inf)")
        self.offset = check_number(self.name, "offset", self.offset, "(-inf, inf)")

    def forward(self, x, *, training=False):
        if getattr(x, "dtype", np.dtype(object)).kind in "iu":
            x = x.astype(self.dtype or np.float32)
        x = self.check_input(x)
        self.remember(training, x.shape)
        return self.scale * x + self.offset

    def backward(self, dout):
        """dx = scale dout; the offset moves nothing."""
        self.recall(dout)
        return self.scale * dout
