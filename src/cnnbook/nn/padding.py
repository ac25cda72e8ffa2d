"""Zeros around an image, as a layer of its own."""

from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import Shape, check_image
from cnnbook.nn.layer import Layer
from cnnbook.nn.windows import pad_images


@dataclass(eq=False)
class ZeroPadding2D(Layer):
    """Put a frame of zeros around every image: padding that you choose instead of `same`.

    Parameters
    ----------
    padding : pixels; one number for all four sides, (height, width) for both ends of each axis, or
        ((top, bottom), (left, right)).

    Shapes
    ------
    x (N, H, W, C) -> out (N, top + H + bottom, left + W + right, C).

    Raises
    ------
    ValueError : if padding is not made of whole numbers >= 0 (constructor), if the input is no image (build).

    Examples
    --------
    >>> padding = ZeroPadding2D(((0, 1), (2, 0)))
    >>> padding.forward(np.ones((1, 1, 2, 1)), training=True)[0, :, :, 0]
    array([[0., 0., 1., 1.],
           [0., 0., 0., 0.]])
    >>> padding.backward(np.arange(8.0).reshape(1, 2, 4, 1))[0, :, :, 0]
    array([[2., 3.]])
    """

    padding: int | tuple = 1

    def __post_init__(self):
        self.padding = check_frame(self.name, self.padding)

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = check_image(self.name, input_shape)
        (top, bottom), (left, right) = self.padding
        return top + height + bottom, left + width + right, channels

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        out = pad_images(x, self.padding)
        self.remember(training, out.shape, x.shape)
        return out

    def backward(self, dout):
        """dx is dout without its frame: the zeros depend on no pixel."""
        ((_, height, width, _),) = self.recall(dout)
        (top, _), (left, _) = self.padding
        return dout[:, top : top + height, left : left + width]


def check_frame(owner: str, value) -> tuple[tuple[int, int], tuple[int, int]]:
    """((top, bottom), (left, right)) from one number, a pair, or a pair of pairs.

    >>> check_frame("ZeroPadding2D", 1), check_frame("ZeroPadding2D", (2, (0, 3)))
    (((1, 1), (1, 1)), ((2, 2), (0, 3)))
    """
    axes = value if isinstance(value, list | tuple) else (value, value)
    sides = [tuple(axis) if isinstance(axis, list | tuple) else (axis, axis) for axis in axes]
    whole = (
        isinstance(side, int | np.integer) and not isinstance(side, bool) and side >= 0
        for axis in sides
        for side in axis
    )
    if len(sides) == 2 and all(len(axis) == 2 for axis in sides) and all(whole):
        (top, bottom), (left, right) = sides
        return (int(top), int(bottom)), (int(left), int(right))
    raise ValueError(
        f"{owner}: padding must be a number of pixels >= 0, a pair (height, width) of them or "
        f"((top, bottom), (left, right)). Received padding={value!r}."
    )
