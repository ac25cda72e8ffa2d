"""Is every gradient of this network right? One check through all layers and the loss."""

import copy

import numpy as np

from cnnbook.gradcheck.differences import check_gradient
from cnnbook.gradcheck.hints import suggest
from cnnbook.gradcheck.report import Report, judge

Array = np.ndarray


def check_model(model, loss, x: Array, targets: Array, *, tolerance: float = 1e-6) -> Report:
    """Check every gradient of a whole network at once: each parameter's and the input's, through the loss.

    Parameters
    ----------
    model : a built Sequential; the check works on a float64 copy with the same weights.
    loss : see `check_loss`. x, targets : a few examples; three to five are plenty.
    tolerance : largest relative error allowed.

    Returns
    -------
    Report : one line per array, named like model.parameters(): "0/kernel", ...

    Raises
    ------
    GradientError : if a gradient is wrong; names the first wrong one, counted from the loss. A wrong layer
        spoils the gradients of all layers before it, so look there, or in the layer right after.

    Examples
    --------
    >>> from cnnbook.nn import Conv2D, Dense, Flatten, Sequential, SoftmaxCrossEntropy, Tanh
    >>> model = Sequential([Conv2D(2, 3), Tanh(), Flatten(), Dense(4)])
    >>> model.build((5, 4, 1), seed=0)
    (4,)
    >>> x = np.random.default_rng(0).standard_normal((3, 5, 4, 1))
    >>> report = check_model(model, SoftmaxCrossEntropy(), x, np.array([0, 3, 1]))
    >>> [c.name for c in report.comparisons]
    ['3/kernel', '3/bias', '0/kernel', '0/bias', 'x']
    """
    model, x = in_float64(model), x.astype(np.float64)

    def value(x, name=None, param=None):
        trial = copy.deepcopy(model)
        if name is not None:
            next(array for key, array, _ in trial.parameters() if key == name)[...] = param
        return copy.deepcopy(loss).forward(trial.forward(x, training=True), targets)

    trial, trial_loss = copy.deepcopy(model), copy.deepcopy(loss)
    trial_loss.forward(trial.forward(x, training=True), targets)
    dx = trial.backward(trial_loss.backward())
    report = Report(f"{len(model.layers)} layers on {x.shape}")
    by_layer = sorted(trial.parameters(), key=lambda item: -int(item[0].split("/")[0]))
    for name, param, grad in by_layer:
        slope = check_gradient(name, lambda p, name=name: value(x, name, p), param, grad, 0)
        report.comparisons.append(slope)
    report.comparisons.append(check_gradient("x", value, x, dx, 0))
    for comparison in report.comparisons:
        hint = ""
        if comparison.error > tolerance:
            hint = suggest(*comparison.slopes, lambda **_: np.nan, len(x))
        judge(comparison, report, tolerance, hint)
    return report


def in_float64(model):
    """A copy of a built Sequential with the same weights in float64."""
    model = copy.deepcopy(model)
    for layer in model.layers:
        layer.dtype = np.dtype(np.float64)
        for arrays in (layer.params, layer.state):
            arrays |= {name: array.astype(np.float64) for name, array in arrays.items()}
    model.dtype = np.dtype(np.float64)
    return model
