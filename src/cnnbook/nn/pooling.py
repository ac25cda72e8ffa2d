"""Pooling: one number for a whole window. Nothing is learned here; the image only gets smaller."""

from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import Shape, check_image, check_padding, check_pair
from cnnbook.nn.geometry import count_windows, image_pads
from cnnbook.nn.layer import Layer
from cnnbook.nn.windows import crop_images, pad_images, tap_slices


@dataclass(eq=False)
class Pooling2D(Layer):
    """What max and average pooling share: the window, its steps, and the pixels its taps touch.

    Parameters
    ----------
    pool_size : pixels, an int or (height, width).
    strides : pixels, an int or (height, width); None steps by one window, so that windows do not overlap.
    padding : "valid" (no padding) or "same" (output size ceil(input size / stride)).
    """

    pool_size: int | tuple[int, int] = 2
    strides: int | tuple[int, int] | None = None
    padding: str = "valid"

    def __post_init__(self):
        self.pool_size = check_pair(self.name, "pool_size", self.pool_size)
        strides = self.pool_size if self.strides is None else self.strides
        self.strides = check_pair(self.name, "strides", strides)
        self.padding = check_padding(self.name, self.padding)

    def output_shape(self, input_shape: Shape) -> Shape:
        geometry = self.pool_size, self.strides, (1, 1), self.padding
        return (*count_windows(self.name, input_shape, *geometry, "pool_size"), input_shape[2])

    def pads(self, size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Pixels added around an image of `size`: ((top, bottom), (left, right))."""
        return image_pads(size, self.pool_size, self.strides, (1, 1), self.padding)

    def stops(self, out_size: tuple[int, int]) -> tuple[list, list]:
        """For every row, and for every column of the window: where it lies at all the window's stops."""
        geometry = out_size, self.strides, (1, 1)
        rows = [tap_slices(u, 0, *geometry)[1] for u in range(self.pool_size[0])]
        return rows, [tap_slices(0, v, *geometry)[2] for v in range(self.pool_size[1])]

    def taps(self, out_size: tuple[int, int]) -> list:
        """For every place in the window, row by row, the pixels it touches at all the window's stops."""
        rows, columns = self.stops(out_size)
        return [(slice(None), row, column) for row in rows for column in columns]


@dataclass(eq=False)
class MaxPooling2D(Pooling2D):
    """Keep the largest number of every window, channel by channel.

    out[n, i, j, c] = max over u, v of x[n, i s_h + u - P_top, j s_w + v - P_left, c]

    Padding counts as minus infinity: it never wins, not even among negative numbers. The maximum is found in
    two stages, first along each row of a window, then among the rows' maxima. Who won is kept as masks of
    True and False: to multiply by a mask is many times faster than to look positions up.

    Parameters
    ----------
    As in `Pooling2D`.

    Shapes
    ------
    x (N, H, W, C) -> out (N, H', W', C).

    Raises
    ------
    ValueError : if an argument is impossible (constructor), if the window is larger than the image (build).

    Examples
    --------
    >>> x = np.array([[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 2.0, 0.0]]).reshape(1, 2, 4, 1)
    >>> pool = MaxPooling2D(pool_size=2)
    >>> pool.forward(x, training=True)[0, :, :, 0]
    array([[5., 2.]])
    >>> pool.backward(np.array([10.0, 20.0]).reshape(1, 1, 2, 1))[0, :, :, 0]    # of three 2s, the first
    array([[ 0., 10., 20.,  0.],
           [ 0.,  0.,  0.,  0.]])

    Source: Zhou and Chellappa (1988); Scherer, Müller and Behnke (2010).
    """

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        size = x.shape[1:3]
        padded = pad_images(x, self.pads(size), -np.inf)
        rows, columns = self.stops(self.output_shape(x.shape[1:])[:2])
        # (N, H, W, C) -> (N, H, W', C) -> (N, H', W', C)
        wide, beats_columns = largest([padded[:, :, stops] for stops in columns])
        out, beats_rows = largest([wide[:, stops] for stops in rows])
        self.remember(training, out.shape, beats_columns, beats_rows, padded.shape, size)
        return out

    def backward(self, dout):
        """The winner takes all: dout goes to the pixel that was the maximum, the first of them in a tie.

        dx[n, i', j', c] = sum of dout[n, i, j, c] over the windows in which pixel (i', j') won

        Parameters
        ----------
        dout : (N, H', W', C), gradient of the loss with respect to this layer's output.

        Returns
        -------
        dx : (N, H, W, C), or None.
        """
        beats_columns, beats_rows, shape, size = self.recall(dout)
        rows, columns = self.stops(dout.shape[1:3])
        dwide = np.zeros((*shape[:2], *dout.shape[2:]), dout.dtype)  # (N, H, W', C)
        hand_to_winners(dout, beats_rows, [dwide[:, stops] for stops in rows])
        dx = np.zeros(shape, dout.dtype)
        hand_to_winners(dwide, beats_columns, [dx[:, :, stops] for stops in columns])
        return crop_images(dx, self.pads(size))


def largest(candidates: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The largest of several arrays, entry by entry, and where each one after the first beat all before it.

    >>> largest([np.array([1, 5, 2]), np.array([3, 4, 2])])
    (array([3, 5, 2]), [array([ True, False, False])])
    """
    out, beats = candidates[0].copy(), []
    for candidate in candidates[1:]:
        beats.append(candidate > out)
        np.maximum(out, candidate, out=out)
    return out, beats


def hand_to_winners(dout: np.ndarray, beats: list[np.ndarray], taps: list[np.ndarray]) -> None:
    """Add dout to the last tap that beat all before it: that one is the maximum. If none did, to the first.

    >>> taps = [np.zeros(3), np.zeros(3)]
    >>> hand_to_winners(np.array([10.0, 20.0, 30.0]), [np.array([True, False, False])], taps)
    >>> taps
    [array([ 0., 20., 30.]), array([10.,  0.,  0.])]
    """
    for tap, beat in zip(taps[:0:-1], beats[::-1], strict=True):
        tap += dout * beat
        dout = dout * ~beat
    taps[0] += dout


@dataclass(eq=False)
class AveragePooling2D(Pooling2D):
    """Average every window, channel by channel.

    out[n, i, j, c] = mean over u, v of x[n, i s_h + u - P_top, j s_w + v - P_left, c]

    Padding does not count: a window at the border averages the real pixels it covers, as in Keras.

    Parameters
    ----------
    As in `Pooling2D`.

    Shapes
    ------
    x (N, H, W, C) -> out (N, H', W', C).

    Raises
    ------
    ValueError : if an argument is impossible (constructor), if the window is larger than the image (build).

    Examples
    --------
    >>> x = np.array([[1.0, 5.0, 2.0], [3.0, 3.0, 4.0]]).reshape(1, 2, 3, 1)
    >>> pool = AveragePooling2D(pool_size=2, padding="same")
    >>> pool.forward(x, training=True)[0, :, :, 0]                 # (1+5+3+3)/4 and (2+4)/2
    array([[3., 3.]])
    >>> pool.backward(np.array([8.0, 10.0]).reshape(1, 1, 2, 1))[0, :, :, 0]
    array([[2., 2., 5.],
           [2., 2., 5.]])

    Source: LeCun et al. (1998), section II.B, for averaging as subsampling.
    """

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        size = x.shape[1:3]
        pads, taps = self.pads(size), self.taps(self.output_shape(x.shape[1:])[:2])
        padded = pad_images(x, pads)
        real = pad_images(np.ones((1, *size, 1), x.dtype), pads)
        counts = sum(real[tap] for tap in taps)  # (1, H', W', 1)
        out = sum(padded[tap] for tap in taps) / counts
        self.remember(training, out.shape, counts, padded.shape, size)
        return out

    def backward(self, dout):
        """Every real pixel of a window gets an equal share of its dout.

        dx[n, i', j', c] = sum of dout[n, i, j, c] / (real pixels in window (i, j)) over the windows that
                           cover (i', j')

        Parameters
        ----------
        dout : (N, H', W', C), gradient of the loss with respect to this layer's output.

        Returns
        -------
        dx : (N, H, W, C), or None.
        """
        counts, shape, size = self.recall(dout)
        share = dout / counts
        dx = np.zeros(shape, dout.dtype)
        for tap in self.taps(dout.shape[1:3]):
            dx[tap] += share
        return crop_images(dx, self.pads(size))


@dataclass(eq=False)
class GlobalAveragePooling2D(Layer):
    """Average every channel over the whole image: one number per feature map, whatever the image's size.

    out[n, c] = mean over i', j' of x[n, i', j', c]

    Shapes
    ------
    x (N, H, W, C) -> out (N, C).

    Raises
    ------
    ValueError : if the input is no image (build).

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]]).reshape(1, 2, 3, 1)
    >>> pool = GlobalAveragePooling2D()
    >>> pool.forward(x, training=True)
    array([[4.]])
    >>> pool.backward(np.array([[12.0]]))[0, :, :, 0]
    array([[2., 2., 2.],
           [2., 2., 2.]])

    Source: Lin, Chen and Yan (2014), section 3.2.
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return check_image(self.name, input_shape)[2:]

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        out = x.mean(axis=(1, 2))
        self.remember(training, out.shape, x.shape)
        return out

    def backward(self, dout):
        """dx[n, i', j', c] = dout[n, c] / (H W): every pixel gets the same share."""
        (shape,) = self.recall(dout)
        share = dout / (shape[1] * shape[2])
        return np.broadcast_to(share[:, np.newaxis, np.newaxis], shape).copy()
