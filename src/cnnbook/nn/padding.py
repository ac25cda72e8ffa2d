"""A frame around an image, as a layer of its own: zeros, a mirror image, or the outermost pixels again."""

from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import Shape, check_image
from cnnbook.nn.layer import Layer
from cnnbook.nn.windows import pad_images


@dataclass(eq=False)
class _Frame(Layer):
    """What the three layers below share: how wide the frame is, and the size that comes out."""

    padding: int | tuple = 1

    def __post_init__(self):
        self.padding = check_frame(self.name, self.padding)

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = check_image(self.name, input_shape)
        (top, bottom), (left, right) = self.padding
        return top + height + bottom, left + width + right, channels


@dataclass(eq=False)
class ZeroPadding2D(_Frame):
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


@dataclass(eq=False)
class _CopiedFrame(_Frame):
    """What the next two layers share: a frame whose pixels are copies of pixels of the image.

    Attributes
    ----------
    mode : which pixels, by the name that `numpy.pad` has for it.
    """

    mode = ""

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        rows, columns = self.sources(x.shape)
        out = x[:, rows][:, :, columns]
        self.remember(training, out.shape, x.shape)
        return out

    def backward(self, dout):
        """dx adds up, for every pixel, the gradients of all its copies.

        Parameters
        ----------
        dout : gradient of the loss with respect to this layer's output.

        Returns
        -------
        dx : (N, H, W, C).
        """
        (shape,) = self.recall(dout)
        rows, columns = self.sources(shape)
        by_rows = np.zeros((*shape[:2], *dout.shape[2:]), dout.dtype)
        for row, source in enumerate(rows):
            by_rows[:, source] += dout[:, row]
        dx = np.zeros(shape, dout.dtype)
        for column, source in enumerate(columns):
            dx[:, :, source] += by_rows[:, :, column]
        return dx

    def sources(self, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
        """For every row of the output the row it is copied from, and the same for its columns."""
        return tuple(
            np.pad(np.arange(size), pad, mode=self.mode)
            for size, pad in zip(shape[1:3], self.padding, strict=True)
        )


@dataclass(eq=False)
class ReflectionPadding2D(_CopiedFrame):
    """Continue every image by its mirror image; the border itself is not repeated: 2 1 | 0 1 2 | 1 0.

    Keras has no such layer, so the name is that of PyTorch's.

    Parameters
    ----------
    padding : pixels, as in `ZeroPadding2D`, on every side fewer than the image has.

    Shapes
    ------
    x (N, H, W, C) -> out (N, top + H + bottom, left + W + right, C).

    Raises
    ------
    ValueError : if padding is not made of whole numbers >= 0 (constructor), if the input is no image or the
        frame is wider than its mirror image (build).

    Examples
    --------
    >>> padding = ReflectionPadding2D(((0, 0), (2, 1)))
    >>> padding.forward(np.array([1.0, 2, 3]).reshape(1, 1, 3, 1), training=True).ravel()
    array([3., 2., 1., 2., 3., 2.])
    >>> padding.backward(np.ones((1, 1, 6, 1))).ravel()          # how often each pixel is seen
    array([1., 3., 2.])

    Source: numpy.pad, mode "reflect".
    """

    mode = "reflect"

    def output_shape(self, input_shape: Shape) -> Shape:
        output_shape = super().output_shape(input_shape)
        for size, pad in zip(input_shape, self.padding, strict=False):
            if max(pad) >= size:
                raise ValueError(
                    f"{self.name}: padding must be smaller than the image, whose mirror image has no more "
                    f"pixels. Received padding={self.padding} for {input_shape[0]}x{input_shape[1]} pixels."
                )
        return output_shape


@dataclass(eq=False)
class ReplicationPadding2D(_CopiedFrame):
    """Continue every image by its outermost pixels: 0 0 | 0 1 2 | 2 2.

    Keras has no such layer, so the name is that of PyTorch's.

    Parameters
    ----------
    padding : pixels, as in `ZeroPadding2D`.

    Shapes
    ------
    x (N, H, W, C) -> out (N, top + H + bottom, left + W + right, C).

    Raises
    ------
    ValueError : if padding is not made of whole numbers >= 0 (constructor), if the input is no image (build).

    Examples
    --------
    >>> padding = ReplicationPadding2D(((0, 0), (2, 1)))
    >>> padding.forward(np.array([1.0, 2, 3]).reshape(1, 1, 3, 1), training=True).ravel()
    array([1., 1., 1., 2., 3., 3.])
    >>> padding.backward(np.ones((1, 1, 6, 1))).ravel()
    array([3., 1., 2.])

    Source: numpy.pad, mode "edge".
    """

    mode = "edge"


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
