"""Ours against Keras: the same input, weights and upstream gradient, and whose rounding makes the difference.

Every comparison runs four times. Our layer and its Keras twin in float32 say how far the two are apart. Our
layer in float64, the referee, says which of them is nearer to the exact result. And Keras in float64 watches
the referee: if those two part, it is not rounding, one of the formulas is wrong.
"""

import copy
from dataclasses import dataclass

import numpy as np

from cnnbook.keras_twin.convert import layer_to_keras
from cnnbook.nn import Conv2D, DepthwiseConv2D, SeparableConv2D
from cnnbook.nn.arguments import describe
from cnnbook.nn.geometry import image_pads
from cnnbook.nn.layer import Layer

REFEREES = 1e-10  # ours and Keras in float64, relative to the largest entry of the array
NEAR = 1e-5  # the same two in float32; more is excused where ours is the one nearer to the referee,
FAR = 1e-3  # but never as much as this

INPUTS = {
    "normal": lambda shape, rng: rng.standard_normal(shape, np.float32),
    "far": lambda shape, rng: 30 * rng.standard_normal(shape, np.float32),
    "off centre": lambda shape, rng: 100 + rng.standard_normal(shape, np.float32),
    "ties": lambda shape, rng: rng.integers(-1, 2, shape).astype(np.float32),
    "pixels": lambda shape, rng: rng.integers(0, 256, shape, np.uint8),
}


@dataclass(frozen=True)
class Agreement:
    """How far our layer and its Keras twin are apart, each number relative to its array's largest entry.

    setting : the layer and its input.
    differences : ours and Keras in float32, by array: "out", "dx", "d..." of parameters, moving statistics.
    ours, keras : each of the two from the float64 referee.
    referees : our float64 run and Keras' float64 run.
    refused : dtypes in which Keras on this machine refused the setting; there its twin without strides spoke.
    """

    setting: str
    differences: dict[str, float]
    ours: dict[str, float]
    keras: dict[str, float]
    referees: dict[str, float]
    refused: tuple[str, ...] = ()

    @property
    def worst(self) -> float:
        """The largest difference of all arrays."""
        return max(self.differences.values())

    @property
    def nearer(self) -> str:
        """Who is nearer to the referee in the worst array: "ours", "Keras" or "equal"."""
        ours, keras = max(self.ours.values()), max(self.keras.values())
        return "equal" if ours == keras else "ours" if ours < keras else "Keras"

    @property
    def faults(self) -> list[str]:
        """One sentence for every array that should worry you; empty for a row that agrees."""
        found = []
        for name, apart in self.differences.items():
            if not self.referees[name] <= REFEREES:
                found.append(
                    f"{name}: {self.referees[name]:.1e} apart even in float64; "
                    "that is a formula, not rounding."
                )
            elif not apart <= (NEAR if self.ours[name] > self.keras[name] else FAR):
                found.append(
                    f"{name}: {apart:.1e} apart in float32, not in float64; that is rounding, and too much."
                )
        return found

    def __str__(self):
        rows = [self.setting, f"  {'':<16} {'apart':>9} {'ours':>9} {'Keras':>9}"]
        for name in self.differences:
            numbers = self.differences[name], self.ours[name], self.keras[name]
            rows.append(f"  {name:<16} " + " ".join(f"{number:9.1e}" for number in numbers))
        return "\n".join([*rows, *self.faults])

    __repr__ = __str__


def compare(layer: Layer, input_shape, rng=0, *, batch_size=3, x="normal", training=True) -> Agreement:
    """Run our layer and its Keras twin on the same numbers, forward and backward, in float32 and in float64.

    Parameters
    ----------
    layer : a layer of `cnnbook.nn`, or of a subclass that claims to compute the same; a copy is compared.
    input_shape : one example's shape, without N.
    rng : seed or generator for weights, input and upstream gradient.
    batch_size : number N of examples.
    x : kind of input: "normal", "far" (wide), "off centre" (mean 100), "ties" (-1, 0, 1) or "pixels" (uint8).
    training : False compares the output of an inference pass and the state it must leave alone.

    Returns
    -------
    Agreement : prints one line per array: how far the two are apart, and each from the float64 referee.

    Examples
    --------
    >>> from cnnbook.nn import Conv2D
    >>> agreement = compare(Conv2D(4, (3, 2), strides=2, padding="same"), (7, 6, 3))
    >>> sorted(agreement.differences)
    ['dbias', 'dkernel', 'dx', 'out']
    >>> agreement.worst < 1e-5, agreement.faults
    (True, [])
    """
    rng = np.random.default_rng(rng)
    ours, referee = copy.deepcopy(layer), copy.deepcopy(layer)
    ours.build(tuple(input_shape), rng, np.float32)
    referee.build(tuple(input_shape), rng, np.float64)
    randomize(ours, rng)
    for mine, exact in ((ours.params, referee.params), (ours.state, referee.state)):
        exact.update({name: array.astype(np.float64) for name, array in mine.items()})
    x = INPUTS[x]((batch_size, *input_shape), rng)
    dout = rng.standard_normal((batch_size, *ours.output_shape(ours.input_shape)), np.float32)
    run, refused = {}, []
    for who, each in (("ours", ours), ("referee", referee)):
        batch = x if x.dtype == np.uint8 else x.astype(each.dtype)
        run[f"keras {who}"], stops = run_keras(each, batch, dout.astype(each.dtype), training)
        refused += [each.dtype.name] if stops else []
        run[who] = run_ours(each, batch, dout.astype(each.dtype), training)

    def apart(one, other):
        return {name: relative_difference(run[one][name], run[other][name]) for name in run["ours"]}

    return Agreement(
        f"{describe(layer)} on {x.shape}",
        apart("ours", "keras ours"),
        apart("ours", "referee"),
        apart("keras ours", "referee"),
        apart("referee", "keras referee"),
        tuple(refused),
    )


def randomize(layer: Layer, rng) -> None:
    """Weights and statistics that hide nothing: no zeros, no ones, variances that are positive."""
    for name, param in layer.params.items():
        layer.params[name] = rng.standard_normal(param.shape, np.float32)
    for name, state in layer.state.items():
        variance = rng.uniform(0.5, 2, state.shape).astype(np.float32)
        layer.state[name] = variance if "variance" in name else rng.standard_normal(state.shape, np.float32)


def run_ours(layer: Layer, x, dout, training: bool) -> dict[str, np.ndarray]:
    """Everything our layer makes of `x` and `dout`, by name."""
    arrays = {"out": layer.forward(x, training=training)}
    if training:
        dx = layer.backward(dout)
        arrays |= {} if x.dtype == np.uint8 else {"dx": dx}
        arrays |= {f"d{name}": layer.grads[name] for name in layer.params}
    return arrays | layer.state


def run_keras(layer: Layer, x, dout, training: bool) -> tuple[dict[str, np.ndarray], bool]:
    """Everything the Keras twin of `layer` makes of `x` and `dout`, and whether Keras refused the setting.

    Which strides and dilations run depends on the version, the dtype and the processor's library (oneDNN
    takes some that TensorFlow's own kernels refuse). So each case is tried. Where Keras refuses, the twin
    without strides computes the output at every stop, and the stops of `layer` are picked out of it.
    """
    from cnnbook.keras_twin import tf

    kind = next(base for base in type(layer).__mro__ if base.__module__.startswith("cnnbook.nn."))
    try:
        twin = layer_to_keras(layer, kind)
        return arrays_of(layer, twin, twin, x, dout, training), False
    except (ValueError, tf.errors.OpError):
        if not may_be_refused(layer):
            raise
    return arrays_of(layer, *at_every_stop(layer, kind), x, dout, training), True


def arrays_of(layer: Layer, call, twin, x, dout, training: bool) -> dict[str, np.ndarray]:
    """Run `call`, which uses the weights of the Keras layer `twin`: arrays under the names of `run_ours`."""
    from cnnbook.keras_twin import tf

    weights = dict(zip(layer.weights(), twin.weights, strict=True))
    params = [weights[name].value for name in layer.params]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        pixels = tf.constant(x)
        sources = ({} if x.dtype == np.uint8 else {"dx": pixels}) | {
            f"d{name}": param for name, param in zip(layer.params, params, strict=True)
        }
        tape.watch(list(sources.values()))
        out = call(pixels, training=training)
    arrays = {"out": out}
    if training:
        arrays |= tape.gradient(out, sources, output_gradients=tf.constant(dout))
    arrays |= {name: weights[name] for name in layer.state}
    return {name: array.numpy() for name, array in arrays.items()}


def at_every_stop(layer: Layer, kind: type):
    """A function of (x, training) that computes `layer` from Keras' twin without strides, and that twin.

    A convolution with strides is the one without, of which every s-th output is kept.
    """
    everywhere = copy.copy(layer)
    everywhere.strides, everywhere.padding = (1, 1), "valid"
    geometry = layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding
    pads = image_pads(layer.input_shape[:2], *geometry)
    height, width = (n + sum(pad) for n, pad in zip(layer.input_shape[:2], pads, strict=True))
    everywhere.input_shape = height, width, layer.input_shape[2]
    twin = layer_to_keras(everywhere, kind)

    def call(x, *, training):
        from cnnbook.keras_twin import tf

        out = twin(tf.pad(x, [(0, 0), *pads, (0, 0)]), training=training)
        return out[:, :: layer.strides[0], :: layer.strides[1]]

    return call, twin


def may_be_refused(layer: Layer) -> bool:
    """True for the settings that some version of Keras or TensorFlow, on some processor, will not run.

    Those are strides together with dilation, and for depthwise and separable convolutions unequal strides.
    """
    if not isinstance(layer, Conv2D | DepthwiseConv2D | SeparableConv2D):
        return False
    strides = layer.strides
    unequal = not isinstance(layer, Conv2D) and strides[0] != strides[1]
    return unequal or (max(strides) > 1 and max(layer.dilation_rate) > 1)


def relative_difference(a, b) -> float:
    """Largest |a - b|, relative to the largest |b|; infinity for another shape or for nan and infinity.

    >>> relative_difference(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    0.5
    """
    if a.shape != b.shape or not np.isfinite(a).all():
        return float("inf")
    return float(np.abs(a - b).max(initial=0) / max(np.abs(b).max(initial=0), np.finfo(b.dtype).tiny))
