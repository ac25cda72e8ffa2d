"""Sliding-window arithmetic: how many windows fit, how much `same` pads, what an output can see.

Only integers, one axis at a time. Height and width are two independent calls, so every function here
takes one size, one kernel size, one stride. A window of `kernel_size` taps spaced `dilation_rate` apart

    size 7, kernel_size 3, dilation_rate 2      taps  * . * . *        window_extent 5
    stride 2                                    .  .  * . * . *        second (last) window

covers `window_extent` pixels, wherever it stands.
"""

from collections.abc import Iterable
from typing import NamedTuple


def window_extent(kernel_size: int, dilation_rate: int = 1) -> int:
    """Pixels from the first tap of a window to its last, both included: d (K - 1) + 1.

    >>> window_extent(3), window_extent(3, dilation_rate=2), window_extent(1, dilation_rate=5)
    (3, 5, 1)
    """
    return dilation_rate * (kernel_size - 1) + 1


def pad_amounts(
    size: int,
    kernel_size: int,
    stride: int = 1,
    dilation_rate: int = 1,
    padding: str | int | tuple[int, int] = "valid",
) -> tuple[int, int]:
    """How many zeros go before and after one axis.

    Parameters
    ----------
    size, kernel_size, stride, dilation_rate : int, pixels
    padding : "valid" (none), "same" (so that the output has ceil(size / stride) entries), an int
        (that many on both sides) or a pair (before, after).

    Returns
    -------
    (before, after) : pixels. When `same` needs an odd number of zeros, the odd one goes *after*:
        at the bottom and at the right. TensorFlow does this; frameworks that pad symmetrically do not.

    Raises
    ------
    ValueError : if padding is anything else.

    Examples
    --------
    >>> pad_amounts(28, 3, padding="same")
    (1, 1)
    >>> pad_amounts(28, 4, padding="same")           # three zeros: one before, two after
    (1, 2)
    >>> pad_amounts(224, 7, stride=2, padding="same")    # not (3, 3)
    (2, 3)

    Source: Dumoulin and Visin (2016), sections 2.3 and 2.4, for the arithmetic; TensorFlow's
    documentation of `tf.nn.convolution` for the side of the odd zero.
    """
    if padding == "valid":
        return 0, 0
    if padding == "same":
        outputs = -(-size // stride)
        missing = (outputs - 1) * stride + window_extent(kernel_size, dilation_rate) - size
        total = max(missing, 0)
        return total // 2, total - total // 2
    pair = (padding, padding) if isinstance(padding, int) else padding
    if isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(p, int) and p >= 0 for p in pair):
        return pair
    raise ValueError(
        "padding must be 'valid', 'same', a number of pixels >= 0 or a pair (before, after). "
        f"Received padding={padding!r}."
    )


def output_size(
    size: int,
    kernel_size: int,
    stride: int = 1,
    dilation_rate: int = 1,
    padding: str | int | tuple[int, int] = "valid",
) -> int:
    """How many windows fit on one axis: floor((n + before + after - extent) / stride) + 1.

    The first window starts at pixel 0 of the padded axis, every next one `stride` further, and the last
    is the last that does not hang over the end. What is left over behind it is dropped.

    Parameters
    ----------
    As in `pad_amounts`.

    Raises
    ------
    ValueError : when not even one window fits, for sizes below 1, or for an unknown padding.

    Examples
    --------
    >>> output_size(5, 3)                        # the hand example: 3 windows
    3
    >>> output_size(28, 3, padding="same"), output_size(28, 3, stride=2, padding="same")
    (28, 14)
    >>> output_size(7, 3, stride=2, padding=1)   # floor((7 + 2*1 - 3) / 2) + 1
    4
    >>> output_size(3, 5)
    Traceback (most recent call last):
        ...
    ValueError: a window of 5 pixels does not fit on 3 pixels with padding='valid'. Use padding='same' or \
a smaller kernel_size.

    Source: Dumoulin and Visin (2016), relationship 6.
    """
    if min(size, kernel_size, stride, dilation_rate) < 1:
        raise ValueError(
            "size, kernel_size, stride and dilation_rate must be at least 1. "
            f"Received {size}, {kernel_size}, {stride} and {dilation_rate}."
        )
    before, after = pad_amounts(size, kernel_size, stride, dilation_rate, padding)
    extent = window_extent(kernel_size, dilation_rate)
    room = size + before + after - extent
    if room < 0:
        raise ValueError(
            f"a window of {extent} pixels does not fit on {size} pixels with padding={padding!r}. "
            "Use padding='same' or a smaller kernel_size."
        )
    return room // stride + 1


def transposed_size(size: int, kernel_size: int, stride: int = 1, padding: str = "valid") -> int:
    """How long the output of a transposed convolution is: it has room for `size` copies of the kernel.

    Parameters
    ----------
    size, kernel_size, stride : int, pixels
    padding : "same" (size * stride) or "valid" (size * stride, and what the last copy has beyond its stride).

    Returns
    -------
    length : a convolution with this geometry makes `size` outputs of so many pixels again.

    Examples
    --------
    >>> transposed_size(3, 3, stride=2), transposed_size(3, 3, stride=2, padding="same")
    (7, 6)
    >>> output_size(7, 3, stride=2), output_size(6, 3, stride=2, padding="same")
    (3, 3)

    Source: Dumoulin and Visin (2016), relationship 13; keras.layers.Conv2DTranspose for kernels that are
    smaller than the stride.
    """
    return size * stride + (max(kernel_size - stride, 0) if padding == "valid" else 0)


class ReceptiveField(NamedTuple):
    """What one output of a stack of windows sees of the input axis, in pixels of that axis.

    size : pixels from the first one seen to the last; dilation or a large stride may skip some in between.
    jump : distance between what two neighbouring outputs see.
    start : first pixel seen by output 0; negative when it lies in the padding.
    """

    size: int
    jump: int
    start: int


def receptive_field(layers: Iterable[tuple[int, int, int, int]]) -> ReceptiveField:
    """Follow one output of a stack of convolutions and poolings back to the pixels it depends on.

    Parameters
    ----------
    layers : from the input upwards, one (kernel_size, stride, dilation_rate, before) each, where
        `before` is the first entry of `pad_amounts`.

    Returns
    -------
    ReceptiveField : what output i sees lies in pixels start + i * jump ... start + i * jump + size - 1.

    Examples
    --------
    Two 3-wide convolutions see what one 5-wide convolution sees; a pooling doubles the jump.

    >>> receptive_field([(3, 1, 1, 0), (3, 1, 1, 0)])
    ReceptiveField(size=5, jump=1, start=0)
    >>> receptive_field([(3, 1, 1, 1), (2, 2, 1, 0), (3, 1, 1, 1)])
    ReceptiveField(size=8, jump=2, start=-3)

    Source: Araujo, Norris and Sim (2019), equations 2 and 3.
    """
    size, jump, start = 1, 1, 0
    for kernel_size, stride, dilation_rate, before in layers:
        size += (window_extent(kernel_size, dilation_rate) - 1) * jump
        start -= before * jump
        jump *= stride
    return ReceptiveField(size, jump, start)
