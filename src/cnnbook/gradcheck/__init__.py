"""Is this gradient right? The checks everybody who writes a `backward` can run.

A layer is asked for its gradients once, and then moved a little in every direction to see whether its output
follows them (`cnnbook.gradcheck.differences`). The loss is <upstream, layer.forward(x)> with a *random*
upstream gradient: an all-ones one only asks for sums, and cannot see that positions or examples are mixed up.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnnbook.gradcheck.differences import check_gradient
from cnnbook.gradcheck.hints import suggest
from cnnbook.gradcheck.model import check_model
from cnnbook.gradcheck.report import GradientError, Report, judge
from cnnbook.nn.arguments import check_shape, describe

__all__ = ["GradientError", "Report", "check_layer", "check_loss", "check_model"]

Array = np.ndarray


def check_layer(
    layer,
    input_shape,
    rng=None,
    *,
    batch_size: int = 3,
    upstream: Callable[[tuple[int, ...]], Array] | None = None,
    x: Array | None = None,
    tolerance: float = 1e-6,
    hint: bool = True,
) -> Report:
    """Check a layer's `backward`: the input gradient, every parameter's, and the rest of the contract.

    The check works on its own copy of the layer, built in float64 with random parameters, and starts
    every evaluation from the same state: batch norm's statistics and dropout's masks stay where they are.

    Parameters
    ----------
    layer : any `cnnbook.nn.Layer`, built or not; it is not changed.
    input_shape : one example's shape. Choose a telling one: height unlike width, several channels. A
        square image with one channel hides half of all mistakes.
    rng : seed or generator for parameters, inputs and the upstream gradient.
    batch_size : examples in the batch; never 1, or mixed-up examples stay invisible.
    upstream : makes the upstream gradient from the output's shape; random normal numbers by default. Pass
        `np.ones` to see what an all-ones gradient would have missed.
    x : the point to check at, (batch_size, *input_shape) in float64; random normal numbers by default.
    tolerance : largest relative error allowed.
    hint : look for the pattern of a wrong gradient, which takes a few checks more.

    Returns
    -------
    Report : prints one line per array.

    Raises
    ------
    GradientError : if a gradient is wrong; names the array, the position and both numbers, and what the
        pattern of the error suggests. Its `.report` holds the rest.

    Examples
    --------
    >>> from cnnbook.nn import Conv2D
    >>> report = check_layer(Conv2D(4, (3, 2), strides=(1, 2), padding="same"), (5, 6, 3), rng=0)
    >>> report.error < 1e-6
    True
    >>> [c.name for c in report.comparisons]
    ['x', 'kernel', 'bias']

    Source: the checklist follows Baydin et al. (2018), section 2, on numerical differentiation.
    """
    seed = np.random.default_rng(rng).integers(2**32)
    trial = Trial(
        layer, check_shape("check_layer", input_shape), seed, batch_size, upstream or trial_upstream(seed), x
    )
    trial.check_contract()
    try:
        report = trial.report()
    except ValueError as error:  # a gradient of another shape has no slopes to compare with
        raise GradientError(f"{describe(trial.layer)}: {error}", Report(describe(trial.layer))) from error
    for comparison in report.comparisons:
        suggestion = ""
        if hint and comparison.error > tolerance:
            x = trial.x if comparison.name == "x" else None
            suggestion = suggest(*comparison.slopes, trial.retry(comparison.name), batch_size, x)
        judge(comparison, report, tolerance, suggestion)
    return report


def trial_upstream(seed) -> Callable[[tuple[int, ...]], Array]:
    """Random upstream gradients, the same ones at every call.

    >>> bool((trial_upstream(3)((2, 2)) == trial_upstream(3)((2, 2))).all())
    True
    """
    return np.random.default_rng([1, seed]).standard_normal


@dataclass
class Trial:
    """One layer under one set of circumstances: everything random in it is drawn again from `seed`."""

    layer: object
    input_shape: tuple[int, ...]
    seed: int
    batch_size: int
    upstream: Callable[[tuple[int, ...]], Array]
    x: Array | None = None
    half_turn_kernel: bool = False

    def __post_init__(self):
        rng = np.random.default_rng(self.seed)
        self.layer = copy.deepcopy(self.layer)
        self.layer.build(self.input_shape, rng, np.float64)
        for name, param in self.layer.params.items():
            self.layer.params[name] = rng.standard_normal(param.shape)
        if self.half_turn_kernel:
            kernel = self.layer.params["kernel"]
            self.layer.params["kernel"] = kernel + kernel[::-1, ::-1]
        if self.x is None:
            self.x = rng.standard_normal((self.batch_size, *self.input_shape))
        self.dout = self.upstream(self.run(self.x)[1].shape)

    def run(self, x: Array, **params: Array):
        """A fresh copy of the layer after one forward pass, and its output."""
        layer = copy.deepcopy(self.layer)
        layer.params.update(params)
        return layer, layer.forward(x.copy(), training=True)

    def report(self) -> Report:
        """Compare every gradient with its slope; judge nothing."""
        tried, _ = self.run(self.x)
        dx = tried.backward(self.dout.copy())
        report = Report(f"{describe(self.layer)} on {self.x.shape}")
        report.comparisons.append(
            check_gradient("x", lambda x: np.vdot(self.dout, self.run(x)[1]), self.x, dx, self.seed)
        )
        for name, param in self.layer.params.items():

            def loss(value, name=name):
                return np.vdot(self.dout, self.run(self.x, **{name: value})[1])

            report.comparisons.append(check_gradient(name, loss, param, tried.grads[name], self.seed))
        return report

    def retry(self, name: str) -> Callable[..., float]:
        """A function that repeats the check of one array under other circumstances and returns its error."""

        def error(*, batch_size=None, ones_upstream=False, half_turn_kernel=False, square=False) -> float:
            layer, shape = self.layer, self.input_shape
            if half_turn_kernel and getattr(layer.params.get("kernel"), "ndim", 0) != 4:
                return np.nan
            if square:
                if len(shape) != 3 or not hasattr(layer, "__dataclass_fields__"):
                    return np.nan
                shape = (max(shape[:2]), max(shape[:2]), shape[2])
                layer = squared(layer)
            upstream = np.ones if ones_upstream else trial_upstream(self.seed)
            size = batch_size or self.batch_size
            try:
                again = Trial(layer, shape, self.seed, size, upstream, half_turn_kernel=half_turn_kernel)
                return next(c.error for c in again.report().comparisons if c.name == name)
            except Exception:  # a layer that cannot run like this has nothing to tell
                return np.nan

        return error

    def check_contract(self) -> None:
        """The parts of the layer contract that no slope shows: nothing written to, nothing left behind."""
        tried, _ = self.run(self.x)
        layer = copy.deepcopy(self.layer)
        layer.forward(given := self.x.copy(), training=True)
        layer.backward(sent := self.dout.copy())
        faults = []
        if not np.array_equal(given, self.x):
            faults.append("forward or backward writes into its input x. Work on a copy.")
        if not np.array_equal(sent, self.dout):
            faults.append("backward writes into dout. Work on a copy.")
        if set(layer.grads) != set(layer.params):
            names, received = sorted(layer.params), sorted(layer.grads)
            faults.append(f"grads must have the names of params, {names}. Received {received}.")
        try:
            layer.backward(self.dout.copy())
            faults.append("a second backward after one forward must raise RuntimeError. It returned.")
        except RuntimeError:
            pass
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            faults.append(f"a second backward after one forward must raise RuntimeError. It raised {told}.")
        if layer.params:
            try:
                if tried.backward(self.dout.copy(), input_gradient=False) is not None:
                    faults.append("backward(dout, input_gradient=False) must return None.")
            except TypeError as error:
                faults.append(
                    "backward of a layer that learns must take input_gradient=False. "
                    f"It raised TypeError: {error}."
                )
        if faults:
            raise GradientError(f"{describe(self.layer)}: {faults[0]}", Report(describe(self.layer)))


def check_loss(loss, outputs: Array | None = None, targets: Array | None = None, *, tolerance=1e-6) -> Report:
    """Check a loss: its `backward` against the slopes of its `forward`.

    Parameters
    ----------
    loss : an object with forward(outputs, targets) -> float and backward() -> gradient; it is not changed.
    outputs, targets : where to check; by default three examples of four random logits with integer labels.
    tolerance : largest relative error allowed.

    Returns
    -------
    Report : one line.

    Raises
    ------
    GradientError : as `check_layer`.

    Examples
    --------
    >>> from cnnbook.nn import MeanSquaredError, SoftmaxCrossEntropy
    >>> check_loss(SoftmaxCrossEntropy()).error < 1e-6
    True
    >>> check_loss(MeanSquaredError(), np.eye(3), np.zeros((3, 3))).error < 1e-6
    True
    """
    if outputs is None:
        outputs, targets = np.random.default_rng(0).standard_normal((3, 4)), np.array([2, 0, 3])
    outputs = outputs.astype(np.float64)

    def value(outputs):
        return copy.deepcopy(loss).forward(outputs.copy(), targets)

    trial = copy.deepcopy(loss)
    trial.forward(outputs.copy(), targets)
    report = Report(f"{loss!r} on {outputs.shape}")
    report.comparisons.append(check_gradient("outputs", value, outputs, trial.backward()))
    (comparison,) = report.comparisons
    hint = ""
    if comparison.error > tolerance:
        hint = suggest(*comparison.slopes, lambda **_: np.nan, len(outputs))
    judge(comparison, report, tolerance, hint)
    return report


def squared(layer):
    """The layer with every (height, width) setting made square: both become the larger one."""
    layer = copy.deepcopy(layer)
    for name in ("kernel_size", "pool_size", "strides", "dilation_rate"):
        if isinstance(getattr(layer, name, None), tuple):
            setattr(layer, name, (max(getattr(layer, name)),) * 2)
    return layer
