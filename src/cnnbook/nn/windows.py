"""Looking through a small window: the one primitive under every convolution and pooling.

    x  (N, H, W, C)                 windows  (N, H', W', K_h, K_w, C)       rows  (N, H'W', K_h K_w C)

    1 1 1 0 0                       1 1 1   1 1 0   1 0 0                   1 1 1 0 1 1 0 0 1
    0 1 1 1 0    extract_windows    0 1 1   1 1 1   1 1 0      im2col       1 1 0 1 1 1 0 1 1
    0 0 1 1 1    -------------->    0 0 1   0 1 1   1 1 1    --------->     1 0 0 1 1 0 1 1 1
    0 0 1 1 0    a view: nothing    ...                       a copy        ...
    0 1 1 0 0    is copied                                                  one window, one row

A convolution is then `rows @ kernel`: every window's sum of products is one entry of a matrix product.
`scatter_windows` is the way back: it adds every window entry to the pixel it was read from.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from cnnbook.nn.runtime import blas_at_one_thread
from cnnbook.shapes import output_size, window_extent

Array = np.ndarray
Pair = tuple[int, int]

# Bytes copied at a time: half a megabyte is still in the core's cache when the product reads it.
BLOCK_BYTES = 512 * 1024

# With fewer channels than this, a window's row in memory is too short to copy fast (three floats for a 3x3
# kernel on a grey image). Then the copy runs along image rows, one tap at a time, and is read transposed.
FEW_CHANNELS = 4


def pad_images(x: Array, pads: tuple[Pair, Pair], value: float = 0) -> Array:
    """`x` with `pads` = ((top, bottom), (left, right)) pixels of `value` around every image.

    Without padding the same array comes back, not a copy.

    >>> pad_images(np.ones((1, 1, 2, 1)), ((0, 1), (1, 0)))[0, :, :, 0]
    array([[0., 1., 1.],
           [0., 0., 0.]])
    """
    (top, bottom), (left, right) = pads
    if not (top or bottom or left or right):
        return x
    n, height, width, channels = x.shape
    padded = np.full((n, height + top + bottom, width + left + right, channels), value, x.dtype)
    padded[:, top : top + height, left : left + width] = x
    return padded


def crop_images(x: Array, pads: tuple[Pair, Pair]) -> Array:
    """`x` without `pads` = ((top, bottom), (left, right)) pixels of frame: a view.

    >>> crop_images(np.arange(6).reshape(1, 2, 3, 1), ((0, 1), (1, 0)))[0, :, :, 0]
    array([[1, 2]])
    """
    (top, bottom), (left, right) = pads
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def extract_windows(
    x: Array, window_size: Pair, strides: Pair = (1, 1), dilation_rate: Pair = (1, 1)
) -> Array:
    """Every window of every image, as a read-only view: no pixel is copied.

    Parameters
    ----------
    x : (N, H, W, C), already padded.
    window_size, strides, dilation_rate : (height, width), pixels.

    Returns
    -------
    windows : (N, H', W', K_h, K_w, C) with windows[n, i, j, u, v] = x[n, i s_h + u d_h, j s_w + v d_w].

    Examples
    --------
    >>> x = np.arange(20).reshape(1, 4, 5, 1)
    >>> windows = extract_windows(x, (2, 3), strides=(2, 1))
    >>> windows.shape
    (1, 2, 3, 2, 3, 1)
    >>> windows[0, 1, 0, :, :, 0]
    array([[10, 11, 12],
           [15, 16, 17]])
    """
    n, height, width, channels = x.shape
    (k_h, k_w), (s_h, s_w), (d_h, d_w) = window_size, strides, dilation_rate
    out_height = output_size(height, k_h, s_h, d_h)
    out_width = output_size(width, k_w, s_w, d_w)
    step_n, step_h, step_w, step_c = x.strides
    return np.lib.stride_tricks.as_strided(
        x,
        (n, out_height, out_width, k_h, k_w, channels),
        (step_n, s_h * step_h, s_w * step_w, d_h * step_h, d_w * step_w, step_c),
        writeable=False,
    )


def scatter_windows(
    windows: Array, shape: tuple, strides: Pair = (1, 1), dilation_rate: Pair = (1, 1)
) -> Array:
    """Add every window entry to the pixel it was read from: the adjoint of `extract_windows`.

    Adjoint means <extract(x), w> = <x, scatter(w)> for all x and w. Pixels under several windows receive
    several entries; pixels under none stay 0.

    Parameters
    ----------
    windows : (N, H', W', K_h, K_w, C).
    shape : (N, H, W, C) of the images they came from.

    Returns
    -------
    x : array of `shape`.

    Examples
    --------
    How many 2x2 windows cover each pixel of a 3x3 image:

    >>> scatter_windows(np.ones((1, 2, 2, 2, 2, 1)), (1, 3, 3, 1))[0, :, :, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    _, out_height, out_width, k_h, k_w, _ = windows.shape
    x = np.zeros(shape, windows.dtype)
    for u, v in np.ndindex(k_h, k_w):
        tap = tap_slices(u, v, (out_height, out_width), strides, dilation_rate)
        x[tap] += windows[:, :, :, u, v]
    return x


def tap_slices(u: int, v: int, out_size: Pair, strides: Pair, dilation_rate: Pair) -> tuple[slice, ...]:
    """The pixels that tap (u, v) touches while the window takes all its places.

    >>> np.arange(7)[tap_slices(0, 1, (1, 3), (1, 2), (1, 1))[2]]
    array([1, 3, 5])
    """
    return slice(None), *(
        slice(offset * d, offset * d + s * (count - 1) + 1, s)
        for offset, count, s, d in zip((u, v), out_size, strides, dilation_rate, strict=True)
    )


def blocks_of_rows(windows: Array) -> Iterator[tuple[slice, Array]]:
    """im2col, a few images at a time: (which images, their windows as matrix rows).

    Yields
    ------
    images : slice of the batch.
    rows : (B, H'W', K_h K_w C), a copy of about BLOCK_BYTES, at least one image; a view where a window is one
        pixel.
    """
    n, out_height, out_width, k_h, k_w, channels = windows.shape
    positions, taps = out_height * out_width, k_h * k_w * channels
    per_block = images_per_block(windows)
    for start in range(0, n, per_block):
        images = slice(start, min(start + per_block, n))
        if channels < FEW_CHANNELS:
            columns = windows[images].transpose(0, 3, 4, 5, 1, 2).reshape(-1, taps, positions)
            yield images, columns.swapaxes(1, 2)
        else:
            yield images, windows[images].reshape(-1, positions, taps)


def images_per_block(windows: Array) -> int:
    """How many images' rows fit into BLOCK_BYTES; at least one.

    >>> images_per_block(np.zeros((64, 14, 14, 3, 3, 16), np.float32))
    4
    """
    return max(1, BLOCK_BYTES // max(1, windows[:1].size * windows.itemsize))


def windowed_product(
    x: Array,
    kernel: Array,
    strides: Pair = (1, 1),
    dilation_rate: Pair = (1, 1),
    blocks: Iterable | None = None,
) -> Array:
    """Slide `kernel` over `x`: every window's sum of products, one matrix product per image.

    out[n, i, j, f] = sum over u, v, c of x[n, i s_h + u d_h, j s_w + v d_w, c] kernel[u, v, c, f]

    a few images' windows   copy    rows                       weights            out
    (a view)                ---->   B x (H'W', K_h K_w C)   @  (K_h K_w C, F)  =  B x (H'W', F)

    1 1 1   1 1 0   1 0 0           1 1 1 0 1 1 0 0 1          1                  4
    0 1 1   1 1 1   1 1 0           1 1 0 1 1 1 0 1 1          0                  3
    0 0 1   0 1 1   1 1 1           1 0 0 1 1 0 1 1 1          1                  4
    ...                             ...                        0                  ...
                                                               1
                                                               0
                                                               1
                                                               0
                                                               1

    The copy is the price for a product that runs at the machine's full speed. It is made for a few images at
    a time, so that it never leaves the core's cache and needs little memory.

    Parameters
    ----------
    x : (N, H, W, C), already padded. kernel : (K_h, K_w, C, F).
    blocks : the rows, if the caller has or keeps them (see `convolve`); they are copied here otherwise.

    Returns
    -------
    out : (N, H', W', F).

    Examples
    --------
    >>> rows = "11100", "01110", "00111", "00110", "01100"
    >>> image = np.array([list(row) for row in rows], dtype=int)
    >>> kernel = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    >>> windowed_product(image.reshape(1, 5, 5, 1), kernel.reshape(3, 3, 1, 1))[0, :, :, 0]
    array([[4, 3, 4],
           [2, 4, 3],
           [2, 3, 4]])

    Source: Chellapilla, Puri and Simard (2006), section 3, for unrolling windows into a matrix.
    """
    k_h, k_w, _, filters = kernel.shape
    windows = extract_windows(x, (k_h, k_w), strides, dilation_rate)
    n, out_height, out_width = windows.shape[:3]
    weights = np.ascontiguousarray(kernel).reshape(-1, filters)  # (K_h K_w C, F)
    out = np.empty((n, out_height, out_width, filters), x.dtype)
    with blas_at_one_thread():
        for images, rows in blocks or blocks_of_rows(windows):
            np.matmul(rows, weights, out=out[images].reshape(*rows.shape[:2], -1))
    return out


def windowed_kernel_gradient(
    x: Array, dout: Array, window_size: Pair, strides: Pair, dilation_rate: Pair, blocks: list | None = None
) -> Array:
    """The gradient of the kernel of `windowed_product`: the same rows, multiplied from the other side.

    dkernel[u, v, c, f] = sum over n, i, j of x[n, i s_h + u d_h, j s_w + v d_w, c] dout[n, i, j, f]

    Parameters
    ----------
    x : (N, H, W, C), already padded. dout : (N, H', W', F).
    blocks : the rows, if they were kept; they are copied again otherwise.

    Returns
    -------
    dkernel : (K_h, K_w, C, F).

    Examples
    --------
    >>> x = np.arange(4.0).reshape(1, 1, 4, 1)
    >>> windowed_kernel_gradient(x, np.ones((1, 1, 3, 1)), (1, 2), (1, 1), (1, 1)).ravel()
    array([3., 6.])
    """
    channels, filters = x.shape[3], dout.shape[3]
    blocks = blocks or blocks_of_rows(extract_windows(x, window_size, strides, dilation_rate))
    dkernel = np.zeros((window_size[0] * window_size[1] * channels, filters), dout.dtype)
    with blas_at_one_thread():
        for images, rows in blocks:
            dkernel += (rows.swapaxes(1, 2) @ dout[images].reshape(len(rows), -1, filters)).sum(axis=0)
    return dkernel.reshape(*window_size, channels, filters)


def windowed_input_gradient(
    dout: Array,
    kernel: Array,
    size: Pair,
    strides: Pair,
    dilation_rate: Pair,
    pads: tuple[Pair, Pair] = ((0, 0), (0, 0)),
) -> Array:
    """The gradient of the input of `windowed_product`: every output's gradient, sent back through its taps.

    dx[n, i', j', c] = sum of dout[n, i, j, f] kernel[u, v, c, f] over all outputs and taps that read the
    pixel, that is with i s_h + u d_h = i' and j s_w + v d_w = j'.

    At stride 1 this is a windowed product again: of the padded gradient with the kernel rotated by 180
    degrees and its channel axes swapped. At larger strides each tap adds its share on its own.

    Parameters
    ----------
    dout : (N, H', W', F). kernel : (K_h, K_w, C, F). size : (H, W) of the padded input.
    pads : ((top, bottom), (left, right)), a frame of the input whose gradient is not computed.

    Returns
    -------
    dx : (N, H, W, C) without the frame.

    Examples
    --------
    One output gradient of 1 paints the kernel, not rotated, on the input:

    >>> kernel = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    >>> dout = np.zeros((1, 2, 2, 1)); dout[0, 0, 0, 0] = 1
    >>> windowed_input_gradient(dout, kernel, (3, 3), (1, 1), (1, 1))[0, :, :, 0]
    array([[1., 2., 0.],
           [3., 4., 0.],
           [0., 0., 0.]])
    """
    k_h, k_w = kernel.shape[:2]
    if strides == (1, 1):
        margins = [window_extent(k, d) - 1 for k, d in zip((k_h, k_w), dilation_rate, strict=True)]
        rotated = kernel[::-1, ::-1].swapaxes(2, 3)  # (K_h, K_w, F, C)
        frame = tuple((m - before, m - after) for m, (before, after) in zip(margins, pads, strict=True))
        return windowed_product(pad_images(dout, frame), rotated, dilation_rate=dilation_rate)
    dx = np.zeros((len(dout), *size, kernel.shape[2]), dout.dtype)
    for u, v in np.ndindex(k_h, k_w):
        tap = tap_slices(u, v, dout.shape[1:3], strides, dilation_rate)
        dx[tap] += dout @ np.ascontiguousarray(kernel[u, v].T)
    return crop_images(dx, pads)
