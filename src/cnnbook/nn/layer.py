"""The contract every layer keeps.

A layer is built once for a shape, then goes forward and backward as often as you like:

    layer = Conv2D(16, 3)                           what it is: fields under Keras' names
    layer.build((28, 28, 1), rng)                   creates layer.params, returns the output shape
    out = layer.forward(x, training=True)           keeps what backward will need
    dx = layer.backward(dout)                       fills layer.grads, returns dL/dx

Shapes passed to `build` and `output_shape` leave out the batch axis N.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnbook.nn.arguments import Shape, check_dtype, check_precision, check_shape, shape_advice

Array = np.ndarray


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
    ...     def backward(self, dout):
    ...         self.recall(dout)
    ...         return 2 * dout
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

    def learned(self) -> dict[str, Array]:
        """The arrays of `params` that an optimizer may change: none of a frozen layer's."""
        return self.params if self.trainable else {}

    def weights(self) -> dict[str, Array]:
        """All arrays that make up the layer, learned or not, in Keras' order."""
        return self.params | self.state

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
        dtype, output_shape = check_dtype(self.name, dtype), self.output_shape(input_shape)
        self.input_shape, self.dtype = input_shape, dtype
        self.params, self.grads, self.state, self._memory = {}, {}, {}, None
        return output_shape

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """The layer's output for a batch `x` of shape (N, *input_shape)."""
        raise NotImplementedError(f"{self.name} must define forward.")

    def backward(self, dout: Array) -> Array:
        """Fill `grads` and return dx = dL/dx, given dout = dL/dout.

        A layer that learns also takes `input_gradient=False`: it then fills `grads` and returns None, because
        nothing below it needs dx. `Sequential` asks for this of the first layer that learns.
        """
        raise NotImplementedError(f"{self.name} must define backward.")

    # What forward and backward share: the check of inputs, and the memory between the two.

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
                f"Received x of shape {x.shape}.{shape_advice(x, self.input_shape)}"
            )
        return check_precision(self.name, "x", x, self.dtype)

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
        check_precision(self.name, "dout", dout, self.dtype)
        self._memory = None
        return memory

    def forget(self) -> None:
        """Drop what `forward` remembered, if `backward` is not going to be called."""
        self._memory = None
