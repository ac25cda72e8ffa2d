"""What layers accept: each check returns the argument in its one form, or says what it must be."""

from dataclasses import fields
from typing import Any

import numpy as np

Shape = tuple[int, ...]


def check_shape(owner: str, input_shape: Any) -> Shape:
    """One example's shape as a tuple of ints. Raises ValueError if one of them is below 1.

    >>> check_shape("Flatten", [28, 28, 1])
    (28, 28, 1)
    """
    shape = tuple(input_shape) if isinstance(input_shape, list | tuple) else ()
    if shape and all(isinstance(n, int | np.integer) and n >= 1 for n in shape):
        return tuple(int(n) for n in shape)
    raise ValueError(
        f"{owner}: input_shape must be the shape of one example, such as (28, 28, 1), without the batch axis "
        f"and with all sizes at least 1. Received input_shape={input_shape!r}."
    )


def check_dtype(owner: str, dtype: Any) -> np.dtype:
    """float32 or float64 as a NumPy dtype. Raises ValueError if it is another.

    >>> check_dtype("Dense", "float64")
    dtype('float64')
    """
    if dtype in (np.float32, np.float64, "float32", "float64"):
        return np.dtype(dtype)
    received = getattr(dtype, "__name__", dtype)
    raise ValueError(f"{owner} computes in float32 or float64. Received dtype={received}.")


def check_precision(owner: str, name: str, array: np.ndarray, dtype: Any) -> np.ndarray:
    """The array, if it has the dtype the layer was built for. Raises ValueError if not.

    A layer that is not built has the dtype None and takes any.

    >>> check_precision("Dense", "x", np.zeros(2), np.dtype("float64"))
    array([0., 0.])
    """
    if dtype is None or array.dtype == dtype:
        return array
    raise ValueError(
        f"{owner} was built to compute in {dtype}. Received {name} of dtype {array.dtype}. "
        f"Convert it with {name}.astype(np.{dtype})."
    )


def check_image(owner: str, input_shape) -> tuple[int, int, int]:
    """The shape (H, W, C) of one image. Raises ValueError if it is another kind of shape.

    >>> check_image("Conv2D", (28, 27, 3))
    (28, 27, 3)
    """
    if len(input_shape) != 3 or not all(isinstance(n, int | np.integer) and n >= 1 for n in input_shape):
        raise ValueError(
            f"{owner} works on images of shape (height, width, channels), all at least 1. "
            f"Received input_shape={tuple(input_shape)}."
        )
    return tuple(input_shape)


def check_rng(owner: str, rng: Any) -> np.random.Generator:
    """The generator that random weights or masks come from. Raises ValueError if it is none.

    >>> check_rng("Conv2D", np.random.default_rng(0)).integers(10)
    np.int64(8)
    """
    if isinstance(rng, np.random.Generator):
        return rng
    raise ValueError(
        f"{owner}.build needs a generator to draw from. Received rng={rng!r}. "
        "Use rng=np.random.default_rng(seed)."
    )


def check_initializer(owner: str, name: str, value: Any) -> Any:
    """An initializer object. Raises ValueError if it is a class or nothing that can be called.

    >>> from cnnbook.nn import HeNormal
    >>> check_initializer("Dense", "kernel_initializer", HeNormal())
    HeNormal()
    """
    if callable(value) and not isinstance(value, type):
        return value
    raise ValueError(
        f"{owner}: {name} must be an initializer object such as GlorotUniform(). Received {name}={value!r}."
    )


def check_number(owner: str, name: str, value: Any, interval: str) -> float:
    """`value` as a float. Raises ValueError if it is no number in the interval: [ and ] include the end.

    >>> check_number("Dropout", "rate", 0.5, "[0, 1)")
    0.5
    """
    low, high = (float(end) for end in interval[1:-1].split(","))
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        above = low <= value if interval[0] == "[" else low < value
        below = value <= high if interval[-1] == "]" else value < high
        if above and below:
            return float(value)
    raise ValueError(f"{owner}: {name} must be a number in {interval}. Received {name}={value!r}.")


def check_positive(owner: str, name: str, value: Any) -> int:
    """`value` as an int. Raises ValueError if it is no whole number of at least 1.

    >>> check_positive("Dense", "units", 10)
    10
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{owner}: {name} must be a whole number of at least 1. Received {name}={value!r}.")
    return int(value)


def check_pair(owner: str, name: str, value: Any) -> tuple[int, int]:
    """A (height, width) pair of ints of at least 1; a single int widens to both.

    >>> check_pair("Conv2D", "strides", 2)
    (2, 2)
    """
    pair = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if len(pair) == 2 and all(
        isinstance(v, int | np.integer) and not isinstance(v, bool) and v >= 1 for v in pair
    ):
        return int(pair[0]), int(pair[1])
    raise ValueError(
        f"{owner}: {name} must be a whole number of at least 1 or a pair (height, width) of them. "
        f"Received {name}={value!r}."
    )


def check_padding(owner: str, value: Any) -> str:
    """'valid' or 'same'. Raises ValueError if it is something else.

    >>> check_padding("Conv2D", "same")
    'same'
    """
    if value in ("valid", "same"):
        return value
    raise ValueError(f"{owner}: padding must be 'valid' or 'same'. Received padding={value!r}.")


def shape_advice(x: np.ndarray, input_shape: Shape) -> str:
    """What to do about a batch of the wrong shape, where that can be told from the shape.

    >>> shape_advice(np.zeros((28, 28, 1)), (28, 28, 1))
    ' Add the batch axis: try x[np.newaxis].'
    """
    if x.ndim == 4 and (*x.shape[2:], x.shape[1]) == input_shape:
        return " Channels come last: try x.transpose(0, 2, 3, 1)."
    if x.shape == input_shape:
        return " Add the batch axis: try x[np.newaxis]."
    if (*x.shape[1:], 1) == input_shape:
        return " Add the channel axis: try x[..., np.newaxis]."
    return ""


def describe(layer) -> str:
    """The layer in the fewest words: its class and the settings that are not the default.

    >>> from cnnbook.nn import Conv2D
    >>> describe(Conv2D(4, (3, 2), strides=1, padding="same"))
    "Conv2D(filters=4, kernel_size=(3, 2), padding='same')"
    """
    shown = [field for field in fields(layer) if field.init and field.repr]
    values = [(field, getattr(layer, field.name)) for field in shown]
    settings = [
        f"{field.name}={value!r}"
        for field, value in values
        if value not in (field.default, (field.default,) * 2)
    ]
    return f"{layer.name}({', '.join(settings)})"
