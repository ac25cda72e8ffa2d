"""Random geometries for property tests: everything a sliding window can be, at sizes loops can afford."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from cnnbook.shapes import window_extent


class Geometry(NamedTuple):
    """One random case: N images of `size` and `channels` under a window; `rng` draws their pixels."""

    n: int
    size: tuple[int, int]
    channels: int
    window_size: tuple[int, int]
    strides: tuple[int, int]
    dilation_rate: tuple[int, int]
    padding: str
    rng: np.random.Generator

    @property
    def x_shape(self):
        return (self.n, *self.size, self.channels)


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def geometries(draw, paddings=("valid", "same"), max_dilation=2):
    """Any geometry; with `valid` padding the window fits."""
    window_size, strides = draw(pairs(1, 4)), draw(pairs(1, 3))
    dilation_rate = draw(pairs(1, max_dilation))
    padding = draw(st.sampled_from(paddings))
    extents = [window_extent(k, d) for k, d in zip(window_size, dilation_rate, strict=True)]
    least = extents if padding == "valid" else (1, 1)
    size = tuple(low + draw(st.integers(0, 5)) for low in least)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, channels = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    return Geometry(n, size, channels, window_size, strides, dilation_rate, padding, rng)
