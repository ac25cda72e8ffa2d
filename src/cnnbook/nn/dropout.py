"""Dropout: learning not to rely on any single number."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnbook.nn.arguments import Shape, check_number, check_rng
from cnnbook.nn.layer import Layer


@dataclass(eq=False)
class Dropout(Layer):
    """While training, set a random share `rate` of the numbers to zero and scale up the rest.

    out = x mask / (1 - rate)             mask[i] = 0 with probability rate, else 1, drawn anew every step

    The division keeps the expected value of every number (inverted dropout), so that inference can use the
    network as it is: there the layer hands x through. The mask is drawn, not learned; its generator is made
    once, by `build`.

    Parameters
    ----------
    rate : share of numbers dropped, in [0, 1).

    Shapes
    ------
    x of any shape (N, ...) -> out of the same shape.

    Raises
    ------
    ValueError : if rate is outside [0, 1) (constructor), if there is no generator (build).

    Examples
    --------
    >>> dropout = Dropout(rate=0.5)
    >>> dropout.build((8,), np.random.default_rng(0))
    (8,)
    >>> x = np.ones((1, 8), np.float32)
    >>> dropout.forward(x, training=True)
    array([[2., 0., 2., 2., 0., 0., 0., 2.]], dtype=float32)
    >>> dropout.backward(x)
    array([[2., 0., 2., 2., 0., 0., 0., 2.]], dtype=float32)
    >>> dropout.forward(x)
    array([[1., 1., 1., 1., 1., 1., 1., 1.]], dtype=float32)

    Source: Srivastava et al. (2014), sections 4 and 10.
    """

    rate: float
    _rng: Any = field(init=False, repr=False, default=None)

    def __post_init__(self):
        self.rate = check_number(self.name, "rate", self.rate, "[0, 1)")

    def build(self, input_shape: Shape, rng=None, dtype=np.float32) -> Shape:
        output_shape = super().build(input_shape, rng, dtype)
        self._rng = np.random.default_rng(check_rng(self.name, rng).integers(2**63))
        return output_shape

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        if not training:
            return x
        mask = self.draw_mask(x.shape)
        self.remember(training, x.shape, mask)
        return x * mask

    def backward(self, dout):
        """dx = dout mask / (1 - rate): what was dropped did not matter, what was kept counts as much more."""
        (mask,) = self.recall(dout)
        return dout * mask

    def draw_mask(self, shape: Shape) -> np.ndarray:
        """The next mask: 0 with probability rate, else 1 / (1 - rate)."""
        kept = self._rng.random(shape, self.dtype) >= self.rate
        return kept * self.dtype.type(1 / (1 - self.rate))
