"""The contract every layer keeps.

A layer is built once for a shape, then goes forward and backward as often as you like:

    layer = Conv2D(16, 3)                           what it is: fields under Keras' names
    layer.build((28, 28, 1), rng)                   creates layer.params, returns the output shape
    out = layer.forward(x, training=True)           keeps what backward will need
    dx = layer.backward(dout)                       fills layer.grads, hands the blame on

Shapes passed to `build` and `output_shape` leave out the batch axis N.
"""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

Array = np.ndarray
Shape = tuple[int, ...]


@dataclass(eq=False)
class Layer:
    """One step of a network: what it computes forward, and how it passes gradients back.

    A new layer overrides `forward` and `backward`, `output_shape` if it changes the shape, and `build` if
    it learns something. Everything else is inherited.

    Attributes
    ----------
    trainable : False freezes the layer: optimizers skip it, batch norm uses its moving statistics.
    params : arrays the optimizer learns, by name.
    grads : same names and shapes as `params`; set by `backward`, not accumulated.
    state : arrays that change while training but are not learned (batch norm's moving statistics).

    Examples
    --------
    >>> class Double(Layer):
    ...     def forward(self, x, *, training=False):
    ...         x = self.check_input(x)
    ...         self.remember(training, x.shape)
    ...         return 2 * x
    ...     def backward(self, dout, *, input_gradient=True):
    ...         self.recall(dout)
    ...         return 2 * dout if input_gradient else None
    >>> layer = Double()
    >>> layer.forward(np.array([[1.0, 2.0]]), training=True)
    array([[2., 4.]])
    >>> layer.backward(np.array([[1.0, 10.0]]))
    array([[ 2., 20.]])
    """

    trainable: bool = field(default=True, kw_only=True, repr=False)
    params: dict[str, Array] = field(init=False, repr=False, default_factory=dict)
    grads: dict[str, Array] = field(init=False, repr=False, default_factory=dict)
    state: dict[str, Array] = field(init=False, repr=False, default_factory=dict)
    input_shape: Shape | None = field(init=False, repr=False, default=None)
    dtype: Any = field(init=False, repr=False, default=None)
    _memory: Any = field(init=False, repr=False, default=None)

    @property
    def name(self) -> str:
        """The class name, as it stands in error messages."""
        return type(self).__name__

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of one output for one input of `input_shape`; changes nothing."""
        return tuple(input_shape)

    def build(self, input_shape: Shape, rng: np.random.Generator | None = None, dtype=np.float32) -> Shape:
        """Fix the input shape and the dtype, create `params` and `state`, return the output shape.

        Parameters
        ----------
        input_shape : shape of one example, without N.
        rng : where random weights come from; layers that draw none ignore it.
        dtype : float32 to train, float64 to check gradients.
        """
        input_shape = check_shape(self.name, input_shape)
        if dtype not in (np.float32, np.float64, "float32", "float64"):
            received = getattr(dtype, "__name__", dtype)
            raise ValueError(f"{self.name} computes in float32 or float64. Received dtype={received}.")
        output_shape = self.output_shape(input_shape)
        self.input_shape, self.dtype = input_shape, np.dtype(dtype)
        self.params, self.grads, self.state, self._memory = {}, {}, {}, None
        return output_shape

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """The layer's output for a batch `x` of shape (N, *input_shape)."""
        raise NotImplementedError(f"{self.name} must define forward.")

    def backward(self, dout: Array, *, input_gradient: bool = True) -> Array | None:
        """Fill `grads` and return dx, given dout = dL/dout; None when the input gradient is not asked for."""
        raise NotImplementedError(f"{self.name} must define backward.")

    # What forward and backward share: one door for inputs, one memory between the two.

    def check_input(self, x: Array) -> Array:
        """Refuse an `x` this layer was not built for; return it otherwise."""
        if not isinstance(x, np.ndarray):
            raise ValueError(
                f"{self.name} works on NumPy arrays. Received x of type {type(x).__name__}. "
                f"Convert it with np.asarray(x, np.{self.dtype or 'float32'})."
            )
        if self.input_shape is None:
            if type(self).build is not Layer.build:
                raise RuntimeError(
                    f"{self.name} is not built yet. Call build(input_shape, rng) once before forward."
                )
            self.output_shape(x.shape[1:])
            return x
        if x.ndim == 0 or x.shape[1:] != self.input_shape:
            expected = ", ".join(["N", *map(str, self.input_shape)])
            raise ValueError(
                f"{self.name} was built for inputs of shape ({expected}). "
                f"Received x of shape {x.shape}.{self._shape_advice(x)}"
            )
        if x.dtype != self.dtype:
            raise ValueError(
                f"{self.name} was built to compute in {self.dtype}. Received x of dtype {x.dtype}. "
                f"Convert it with x.astype(np.{self.dtype})."
            )
        return x

    def _shape_advice(self, x: Array) -> str:
        if x.ndim == 4 and (*x.shape[2:], x.shape[1]) == self.input_shape:
            return " Channels come last: try x.transpose(0, 2, 3, 1)."
        if x.shape == self.input_shape:
            return " Add the batch axis: try x[np.newaxis]."
        if (*x.shape[1:], 1) == self.input_shape:
            return " Add the channel axis: try x[..., np.newaxis]."
        return ""

    def remember(self, training: bool, out_shape: Shape, *memory: Any) -> None:
        """Keep what `backward` needs, but only while training: an inference pass leaves no trace."""
        if training:
            self._memory = (out_shape, memory)

    def recall(self, dout: Array) -> tuple:
        """What `forward` remembered, once: check `dout` against it and forget it."""
        if self._memory is None:
            raise RuntimeError(
                f"{self.name}.backward needs a forward pass of its own: "
                "call forward(x, training=True) before every backward(dout)."
            )
        out_shape, memory = self._memory
        if dout.shape != out_shape:
            raise ValueError(
                f"{self.name}.backward expects dout in the shape of the output, {out_shape}. "
                f"Received dout of shape {dout.shape}."
            )
        if self.dtype not in (None, dout.dtype):
            raise ValueError(
                f"{self.name} was built to compute in {self.dtype}. Received dout of dtype {dout.dtype}. "
                f"Convert it with dout.astype(np.{self.dtype})."
            )
        self._memory = None
        return memory

    def forget(self) -> None:
        """Drop what `forward` remembered, when nobody is going to ask for `backward`."""
        self._memory = None


def check_shape(owner: str, input_shape: Any) -> Shape:
    """One example's shape as a tuple of ints of at least 1, or a sentence that says what it must be.

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


def check_image(owner: str, input_shape) -> tuple[int, int, int]:
    """The shape (H, W, C) of one image, or a sentence that says it must be one.

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
    """The generator that random weights or masks come from, or a sentence that asks for one.

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
    """An initializer object, or a sentence that says it must be one.

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
    """A number in an interval written as in mathematics, or a sentence that says so: [ and ] include the end.

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


def describe(layer: Layer) -> str:
    """The layer in the fewest words: its class and the settings that are not the default.

    >>> from cnnbook.nn import Conv2D
    >>> describe(Conv2D(4, (3, 2), strides=1, padding="same"))
    "Conv2D(filters=4, kernel_size=(3, 2), padding='same')"
    """
    settings = [
        f"{field.name}={getattr(layer, field.name)!r}"
        for field in fields(layer)
        if field.init
        and field.repr
        and getattr(layer, field.name) not in (field.default, (field.default,) * 2)
    ]
    return f"{layer.name}({', '.join(settings)})"


def check_positive(owner: str, name: str, value: Any) -> int:
    """`value` as an int of at least 1, or a sentence that says it must be one.

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
    """'valid' or 'same', or a sentence that says so.

    >>> check_padding("Conv2D", "same")
    'same'
    """
    if value in ("valid", "same"):
        return value
    raise ValueError(f"{owner}: padding must be 'valid' or 'same'. Received padding={value!r}.")
