"""Ours against Keras: the same input, the same weights, the same upstream gradient, and what differs."""

import copy
from dataclasses import dataclass

import numpy as np

from cnnbook.keras_twin.convert import to_keras
from cnnbook.nn.layer import Layer


@dataclass(frozen=True)
class Agreement:
    """How far our layer and its Keras twin are apart, each number relative to the largest entry of the array.

    setting : the layer and its input shape.
    differences : largest relative difference by array: "out", "dx", and "d..." for each parameter.
    """

    setting: str
    differences: dict[str, float]

    @property
    def worst(self) -> float:
        """The largest difference of all arrays."""
        return max(self.differences.values())

    def __str__(self):
        rows = [f"  {name:<10} {difference:.1e}" for name, difference in self.differences.items()]
        return "\n".join([self.setting, *rows])

    __repr__ = __str__


def compare(layer: Layer, input_shape, rng=0, *, batch_size: int = 3, dtype=np.float32) -> Agreement:
    """Run our layer and its Keras twin on the same numbers, forward and backward.

    Parameters
    ----------
    layer : any layer of `cnnbook.nn`; the comparison works on a copy.
    input_shape : one example's shape, without N.
    rng : seed or generator for weights, input and upstream gradient.
    dtype : float32 shows rounding around 1e-7; float64 around 1e-16.

    Returns
    -------
    Agreement : prints one line per array.

    Examples
    --------
    >>> from cnnbook.nn import Conv2D
    >>> agreement = compare(Conv2D(4, (3, 2), strides=2, padding="same"), (7, 6, 3))
    >>> sorted(agreement.differences)
    ['dbias', 'dkernel', 'dx', 'out']
    >>> agreement.worst < 1e-5
    True
    """
    from cnnbook.keras_twin import tf

    rng = np.random.default_rng(rng)
    layer = copy.deepcopy(layer)
    layer.build(tuple(input_shape), rng, dtype)
    for name, param in layer.params.items():
        layer.params[name] = rng.standard_normal(param.shape).astype(dtype)
    twin = to_keras(layer)
    x = rng.standard_normal((batch_size, *input_shape)).astype(dtype)

    out = layer.forward(x, training=True)
    dout = rng.standard_normal(out.shape).astype(dtype)
    ours = {"out": out, "dx": layer.backward(dout)}
    ours |= {f"d{name}": grad for name, grad in layer.grads.items()}

    with tf.GradientTape() as tape:
        pixels = tf.constant(x)
        tape.watch(pixels)
        twin_out = twin(pixels, training=True)
    variables = [variable.value for variable in twin.trainable_variables]
    theirs = tape.gradient(twin_out, [pixels, *variables], output_gradients=tf.constant(dout))
    theirs = dict(zip(ours, [twin_out, *theirs], strict=True))
    return Agreement(
        f"{layer!r} on {x.shape}",
        {name: relative_difference(ours[name], np.asarray(theirs[name])) for name in ours},
    )


def relative_difference(a, b) -> float:
    """Largest |a - b|, relative to the largest |b|.

    >>> relative_difference(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    0.5
    """
    if a.shape != b.shape:
        return float("inf")
    return float(np.abs(a - b).max(initial=0) / max(np.abs(b).max(initial=0), np.finfo(b.dtype).tiny))
