"""Arrays as text that JSON can hold, in two ways.

`pack` keeps the bytes, compressed: every bit of a number, or the nearest of 256 levels. Python reads them.
`pack_letters` keeps one letter a number, the nearest of 63 levels or fewer: the training player's JavaScript
reads them without a library. Each has its way back, `unpack` and `unpack_letters`.
"""

import base64
import math
import zlib
from typing import Any

import numpy as np

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"  # one a level


def pack(array: np.ndarray, *, levels: int | None = None) -> dict[str, Any]:
    """An array as a recording holds it: its bytes, compressed, as text. `unpack` is the way back.

    Parameters
    ----------
    array : of numbers. levels : keep each as the nearest of so many (at most 256) equal steps from the
        smallest to the largest; None keeps every bit.

    Raises
    ------
    ValueError : if the array is empty or holds anything but numbers, if levels is out of range, or if a
        number is not finite and so has no level.

    Examples
    --------
    >>> unpack(pack(np.array([[0, 1, 2], [3, 4, 5]], np.uint8)))
    array([[0, 1, 2],
           [3, 4, 5]], dtype=uint8)
    >>> unpack(pack(np.array([-1.0, 0.02, 1.0]), levels=3))
    array([-1.,  0.,  1.], dtype=float32)
    """
    array = np.asarray(array)
    if array.dtype.kind not in "iuf" or not array.size:
        raise ValueError(
            "pack: array must hold numbers, at least one. "
            f"Received array of dtype {array.dtype} and shape {array.shape}."
        )
    scale = {}
    if levels is not None:
        if not 2 <= levels <= 256:
            raise ValueError(f"pack: levels must be from 2 to 256. Received levels={levels!r}.")
        if not np.isfinite(array).all():
            raise ValueError("pack: array must be finite to be kept in levels. It holds infinity or nan.")
        low, high = float(array.min()), float(array.max())
        scale = {"low": low, "high": high, "levels": levels}
        array = np.round((array - low) / ((high - low) or 1) * (levels - 1)).astype(np.uint8)
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
    text = base64.b64encode(zlib.compress(little.tobytes(), 9)).decode("ascii")
    return {"dtype": array.dtype.name, "shape": list(array.shape), **scale, "data": text}


def unpack(packed: dict[str, Any]) -> np.ndarray:
    """The array that `pack` made into text: every bit, or to half a level (float32) if it has levels.

    Raises
    ------
    ValueError : if `pack` did not make it.
    """
    try:
        content = zlib.decompress(base64.b64decode(packed["data"], validate=True))
        array = np.frombuffer(content, np.dtype(packed["dtype"]).newbyteorder("<")).reshape(packed["shape"])
    except (KeyError, TypeError, ValueError, zlib.error):
        raise ValueError("unpack: packed must be what `pack` returns. Record it again.") from None
    if "levels" not in packed:
        return array.astype(packed["dtype"])
    step = (packed["high"] - packed["low"]) / (packed["levels"] - 1)
    return (packed["low"] + step * array).astype(np.float32)


def pack_letters(values: np.ndarray, levels: int) -> dict[str, Any]:
    """An array as text, one letter a number: the nearest of `levels` equal steps from 0 to the largest.

    With numbers below zero the scale is symmetric and has an odd number of levels, so that zero stays zero.
    What is not finite becomes 0.

    Examples
    --------
    >>> pack_letters(np.array([-1, 0, 1.0]), 63)
    {'shape': [3], 'low': -1.0, 'high': 1.0, 'levels': 63, 'data': 'Af-'}
    """
    values = np.nan_to_num(np.asarray(values, float), posinf=0, neginf=0)
    high = significant(np.abs(values).max(), 3) or 1.0
    low = -high if (values < 0).any() else 0.0
    levels -= low < 0 and levels % 2 == 0
    index = np.clip(np.round((values - low) / (high - low) * (levels - 1)), 0, levels - 1).astype(int)
    data = "".join(LETTERS[i] for i in index.ravel())
    return {"shape": list(values.shape), "low": low, "high": high, "levels": levels, "data": data}


def unpack_letters(packed: dict[str, Any]) -> np.ndarray:
    """The array that `pack_letters` made into text, to half a level.

    Examples
    --------
    >>> unpack_letters(pack_letters(np.array([[0.5, -2.0]]), 63)).round(2).tolist()
    [[0.52, -2.0]]
    """
    index = np.array([LETTERS.index(letter) for letter in packed["data"]], float)
    span = packed["high"] - packed["low"]
    return (packed["low"] + span * index / (packed["levels"] - 1)).reshape(packed["shape"])


def are_letters(packed: Any, rank: int) -> bool:
    """Whether `packed` is an array of so many axes that `unpack_letters` can read."""
    if not isinstance(packed, dict) or not all(
        is_number(packed.get(key)) for key in ("low", "high", "levels")
    ):
        return False
    shape, data, levels = packed.get("shape"), packed.get("data"), packed["levels"]
    return (
        isinstance(shape, list)
        and len(shape) == rank
        and all(isinstance(size, int) and size > 0 for size in shape)
        and isinstance(data, str)
        and len(data) == math.prod(shape)
        and levels in (15, 16, 63)
        and set(data) <= set(LETTERS[:levels])
        and packed["low"] < packed["high"]
    )


def is_number(value: Any) -> bool:
    """Whether `value` is a finite int or float; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def significant(value: float, digits: int = 4) -> float:
    """A number with as many significant digits as a curve can show.

    >>> significant(0.123456), significant(123456.0, 3)
    (0.1235, 123000.0)
    """
    return float(f"{float(value):.{digits}g}")
