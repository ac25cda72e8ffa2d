"""Random numbers that a widget draws alike in Python and in the page: chance.js bit by bit."""

import numpy as np


def uniforms(seed: int, count: int) -> np.ndarray:
    """Draw numbers from 0 to 1 by mulberry32, a generator that needs 32-bit integers only.

    Examples
    --------
    >>> uniforms(0, 3).round(6).tolist()
    [0.266429, 0.00033, 0.223272]
    """
    with np.errstate(over="ignore"):
        state = np.uint32(seed) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        mixed = (state ^ (state >> 15)) * (state | 1)
        mixed ^= mixed + (mixed ^ (mixed >> 7)) * (mixed | 61)
    return (mixed ^ (mixed >> 14)) / 2.0**32


def normals(seed: int, count: int) -> np.ndarray:
    """Draw numbers of mean 0 and variance 1: twelve uniforms added, minus six.

    Examples
    --------
    >>> drawn = normals(7, 10_000)
    >>> bool(abs(drawn.mean()) < 0.03), bool(abs(drawn.std() - 1) < 0.03)
    (True, True)
    """
    drawn = np.full(count, -6.0)
    for column in uniforms(seed, 12 * count).reshape(count, 12).T:
        drawn += column
    return drawn
