"""The convolution under `Conv2D`, and its two gradients: `windowed_product` for groups of channels.

A convolution with groups is several convolutions side by side: the input channels and the filters are cut
into equal pieces, and each piece of the output sees one piece of the input.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from cnnbook.nn import windows
from cnnbook.nn.windows import windowed_input_gradient, windowed_kernel_gradient, windowed_product

Array = np.ndarray
Pair = tuple[int, int]


def convolve(
    x: Array, kernel: Array, strides: Pair, dilation_rate: Pair, groups: int = 1, keep_rows: bool = False
) -> tuple[Array, list | None]:
    """Every window's sum of products, group by group, and the windows' rows where they are worth keeping.

    out[n, i, j, f] = sum over u, v, c of x[n, i s_h + u d_h, j s_w + v d_w, c] kernel[u, v, c, f]

    Parameters
    ----------
    x : (N, H, W, C), already padded. kernel : (K_h, K_w, C / groups, F).
    keep_rows : keep what `windowed_product` copied, for `convolve_kernel_gradient`.

    Returns
    -------
    out : (N, H', W', F).
    rows : list of blocks, where they are small: of few channels, or of so few images that one block holds
        them all. None otherwise: `convolve_kernel_gradient` copies them again.

    Examples
    --------
    Two groups: the first filter sees the first channel, the second filter the second.

    >>> x = np.array([1, 10, 2, 20]).reshape(1, 1, 2, 2)
    >>> kernel = np.array([1, 1, 1, 1]).reshape(1, 2, 1, 2)
    >>> convolve(x, kernel, (1, 1), (1, 1), groups=2)[0].ravel()
    array([ 3, 30])
    """
    if groups > 1:
        parts = [
            windowed_product(x_g, kernel_g, strides, dilation_rate)
            for x_g, kernel_g in cut(groups, x, kernel)
        ]
        return np.concatenate(parts, axis=3), None
    seen = windows.extract_windows(x, kernel.shape[:2], strides, dilation_rate)
    if not keep_rows or not (x.shape[3] < windows.FEW_CHANNELS or windows.images_per_block(seen) >= len(x)):
        return windowed_product(x, kernel, strides, dilation_rate), None
    rows = []
    blocks = noting(windows.blocks_of_rows(seen), rows)
    return windowed_product(x, kernel, strides, dilation_rate, blocks), rows


def convolve_kernel_gradient(
    x: Array, dout: Array, kernel_size: Pair, strides: Pair, dilation_rate: Pair, groups=1, rows=None
) -> Array:
    """The gradient of the kernel of `convolve`: `windowed_kernel_gradient`, group by group.

    Parameters
    ----------
    x : (N, H, W, C), already padded. dout : (N, H', W', F). rows : what `convolve` kept.

    Returns
    -------
    dkernel : (K_h, K_w, C / groups, F).

    Examples
    --------
    >>> x = np.arange(8.0).reshape(1, 1, 4, 2)
    >>> convolve_kernel_gradient(x, np.ones((1, 1, 3, 2)), (1, 2), (1, 1), (1, 1), groups=2)[0, :, 0]
    array([[ 6.,  9.],
           [12., 15.]])
    """
    geometry = kernel_size, strides, dilation_rate
    if groups == 1:
        return windowed_kernel_gradient(x, dout, *geometry, rows)
    parts = [windowed_kernel_gradient(x_g, dout_g, *geometry) for x_g, dout_g in cut(groups, x, dout)]
    return np.concatenate(parts, axis=3)


def convolve_input_gradient(
    dout: Array, kernel: Array, size: Pair, strides: Pair, dilation_rate: Pair, pads, groups: int = 1
) -> Array:
    """The gradient of the input of `convolve`: `windowed_input_gradient`, group by group.

    Parameters
    ----------
    dout : (N, H', W', F). kernel : (K_h, K_w, C / groups, F). size : (H, W) of the padded input.
    pads : ((top, bottom), (left, right)), the frame that was padded: its gradient is not computed.

    Returns
    -------
    dx : (N, H, W, C) without the frame.

    Examples
    --------
    >>> dout, kernel = np.array([1.0, 10]).reshape(1, 1, 1, 2), np.ones((1, 2, 1, 2))
    >>> convolve_input_gradient(dout, kernel, (1, 2), (1, 1), (1, 1), ((0, 0), (0, 0)), groups=2)[0, 0]
    array([[ 1., 10.],
           [ 1., 10.]])
    """
    parts = [
        windowed_input_gradient(dout_g, kernel_g, size, strides, dilation_rate, pads)
        for dout_g, kernel_g in cut(groups, dout, kernel)
    ]
    return parts[0] if groups == 1 else np.concatenate(parts, axis=3)


def cut(groups: int, *arrays: Array) -> Iterator[tuple[Array, ...]]:
    """The parts of the arrays that belong together: their last axes cut into `groups` equal pieces.

    >>> [(a.tolist(), b.tolist()) for a, b in cut(2, np.arange(4), np.arange(2))]
    [([0, 1], [0]), ([2, 3], [1])]
    """
    return zip(*(np.split(array, groups, axis=-1) for array in arrays), strict=True)


def noting(blocks: Iterable, kept: list) -> Iterator:
    """The blocks as they come; each is also appended to `kept`."""
    for block in blocks:
        kept.append(block)
        yield block
