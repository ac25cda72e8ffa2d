"""Training: go through the examples in batches, again and again, and keep the numbers."""

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from cnnbook.nn.arguments import check_positive
from cnnbook.nn.log import History, Log, add, check_finite
from cnnbook.nn.runtime import blas_at_one_thread
from cnnbook.nn.sequential import Sequential

Array = np.ndarray


def fit(
    model: Sequential,
    loss,
    optimizer,
    x: Array,
    y: Array,
    *,
    epochs: int,
    batch_size: int,
    validation_data: tuple[Array, Array] | None = None,
    seed: int = 0,
    callbacks: Iterable = (),
    augment: Callable[[Array, np.random.Generator], Array] | None = None,
) -> History:
    """Train a built model: every epoch goes once through all examples, in a new random order.

    Parameters
    ----------
    model, loss, optimizer : a built Sequential, a loss, an optimizer; the optimizer writes into the model.
    x : (N, ...) examples. y : (N,) integer labels, or targets for the loss at hand.
    epochs, batch_size : passes through the data; examples per step (the last batch may be smaller).
    validation_data : (x_val, y_val), never trained on, evaluated after every epoch.
    seed : of the shuffling. The layers' own randomness comes from `model.build`.
    callbacks : objects with any of the methods `on_start(model)`, called before the first step,
        `on_step(model, step, logs)`, called after every step, and `on_epoch(model, epoch, logs)`, called
        after every epoch. Steps and epochs count from 0. One that sets `model.stop_training = True` ends the
        run after the epoch, see `EarlyStopping`.
    augment : function of a batch of examples and a generator that returns the batch to train on, such as
        `cnnbook.data.Augmentation(shift=2)`. Its generator is its own: the order of the examples stays.

    Returns
    -------
    History : see there. Ctrl-C ends the run and returns what there is. A progress bar is shown in a terminal
        and in a notebook that is run by hand, if tqdm is installed; never while a book is built.

    Raises
    ------
    ValueError : if the data do not fit together or a number is out of range.
    FloatingPointError : if the loss is no longer finite; says at which step, in which layer it began, and
        what to try. The weights and the moving statistics are those before that step.

    Examples
    --------
    >>> from cnnbook.nn import SGD, Dense, SoftmaxCrossEntropy
    >>> x = np.array([[0, 1], [1, 0], [0, 2], [2, 0]], dtype=np.float32)
    >>> model = Sequential([Dense(2)])
    >>> model.build((2,), seed=0)
    (2,)
    >>> run = fit(model, SoftmaxCrossEntropy(), SGD(0.5), x, np.array([0, 1, 0, 1]), epochs=20, batch_size=2)
    >>> len(run.history["loss"]), len(run.steps["loss"]), run.history["accuracy"][-1]
    (20, 40, 1.0)
    """
    x, y, validation_data = check_run(x, y, epochs, batch_size, validation_data)
    rng = np.random.default_rng(seed)
    augment = augmentation(augment, rng)
    model.stop_training = False
    with Log(model, epochs * math.ceil(len(x) / batch_size), callbacks) as log:
        log.start()
        for _ in range(epochs):
            for batch in batches(len(x), batch_size, rng):
                logs = train_step(model, loss, optimizer, augment(x[batch]), y[batch], log.now)
                log.step(logs, len(batch))
            log.epoch(validate(model, loss, validation_data))
            if model.stop_training:
                break
    return log.run


def train_step(model: Sequential, loss, optimizer, x: Array, y: Array, when: str = "this step") -> dict:
    """One step on one batch: forward, loss, backward, update. Returns the batch's loss (and accuracy).

    Overflow raises no warning on the way: it ends in a loss that is not finite, and that is refused here.
    BLAS computes in one thread: the products are many and small, and its threads would mostly wait.
    """
    states = [dict(layer.state) for layer in model.layers]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"), blas_at_one_thread():
        outputs = model.forward(x, training=True)
        logs = measure(loss, outputs, y)
        if not math.isfinite(logs["loss"]):
            model.forget()
            for layer, state in zip(model.layers, states, strict=True):
                layer.state.update(state)
            where, now = (
                f", and {first_not_finite(model, x)}",
                f" (now {getattr(optimizer, 'rate', optimizer.learning_rate)})",
            )
            check_finite(logs["loss"], when, where, now)
        model.backward(loss.backward(), input_gradient=False)
        optimizer.step(model)
    return logs


def validate(model: Sequential, loss, validation_data: tuple[Array, Array] | None) -> dict[str, float]:
    """What `evaluate` measures on validation data, without warnings on the way; {} without such data."""
    if validation_data is None:
        return {}
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return evaluate(model, loss, *validation_data)


def evaluate(model: Sequential, loss, x: Array, y: Array, *, batch_size: int = 256) -> dict[str, float]:
    """Loss, and for integer labels accuracy, of the model as it is: nothing is trained.

    Parameters
    ----------
    x : (N, ...) examples. y : (N,) integer labels, or targets. batch_size : changes memory, not the result.

    Returns
    -------
    {"loss": ..., "accuracy": ...} : means over all examples.

    Examples
    --------
    >>> from cnnbook.nn import Dense, SoftmaxCrossEntropy, Zeros
    >>> model = Sequential([Dense(10, kernel_initializer=Zeros())])
    >>> model.build((4,))
    (10,)
    >>> measured = evaluate(model, SoftmaxCrossEntropy(), np.ones((5, 4), np.float32), np.arange(5))
    >>> round(measured["loss"], 3), measured["accuracy"]                      # log 10, and one in five
    (2.303, 0.2)
    """
    x, y = check_data("evaluate", x, y)
    batch_size = check_positive("evaluate", "batch_size", batch_size)
    totals = {}
    for batch in batches(len(x), batch_size):
        add(totals, measure(loss, model.forward(x[batch]), y[batch]), len(x[batch]))
    return {key: total / len(x) for key, total in totals.items()}


def predict(model: Sequential, x: Array, *, batch_size: int = 256) -> Array:
    """The model's outputs for all of `x`, a few at a time: logits, if the model ends in them.

    Examples
    --------
    >>> from cnnbook.nn import Dense
    >>> model = Sequential([Dense(10)])
    >>> model.build((4,))
    (10,)
    >>> predict(model, np.ones((5, 4), np.float32)).argmax(axis=1).shape
    (5,)
    """
    x = np.asarray(x)
    if x.ndim == 0 or not len(x):
        raise ValueError(f"predict: x must hold at least one example. Received x of shape {x.shape}.")
    batch_size = check_positive("predict", "batch_size", batch_size)
    return np.concatenate([model.forward(x[batch]) for batch in batches(len(x), batch_size)])


def batches(n: int, batch_size: int, rng: np.random.Generator | None = None) -> Iterator[Any]:
    """Which examples go together: slices in order, or with a generator index arrays in a random order.

    >>> list(batches(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    >>> sorted(np.concatenate(list(batches(5, 2, np.random.default_rng(0)))).tolist())
    [0, 1, 2, 3, 4]
    """
    order = None if rng is None else rng.permutation(n)
    for start in range(0, n, batch_size):
        chunk = slice(start, min(start + batch_size, n))
        yield chunk if order is None else order[chunk]


def measure(loss, outputs: Array, y: Array) -> dict[str, float]:
    """The loss, and the share of right classes where the targets are classes."""
    logs = {"loss": loss.forward(outputs, y)}
    if y.ndim == 1 and y.dtype.kind in "iu" and outputs.ndim == 2:
        logs["accuracy"] = float((outputs.argmax(axis=1) == y).mean())
    return logs


def first_not_finite(model: Sequential, x: Array) -> str:
    """Where in the network infinity or nan begins, in words. The model is left as it is."""
    if not np.isfinite(x).all():
        return "x itself holds numbers that are not finite"
    for index, layer in enumerate(model.layers):
        x = copy.deepcopy(layer).forward(x, training=True)
        if not np.isfinite(x).all():
            return f"layer {index} ({layer.name}) is the first whose output is not"
    return "all layers' outputs still are"


def augmentation(augment: Callable | None, rng: np.random.Generator) -> Callable[[Array], Array]:
    """What `fit` does to a training batch: `augment` with a generator spawned from `rng`, or nothing."""
    if augment is None:
        return lambda x: x
    if not callable(augment):
        raise ValueError(
            "fit: augment must be a function of a batch and a generator, such as data.Augmentation(shift=2). "
            f"Received augment of type {type(augment).__name__}."
        )
    own = rng.spawn(1)[0]
    return lambda x: augment(x, own)


def check_data(owner: str, x: Array, y: Array) -> tuple[Array, Array]:
    """Examples and targets as arrays. Raises ValueError if they are not equally many, at least one."""
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y) or not len(x):
        raise ValueError(
            f"{owner}: x and y must hold equally many examples, at least one. "
            f"Received x of shape {x.shape} and y of shape {y.shape}."
        )
    return x, y


def check_run(x: Array, y: Array, epochs: int, batch_size: int, validation_data: Any) -> tuple:
    """The data of a run as arrays: (x, y, validation_data). Raises ValueError if something does not fit."""
    x, y = check_data("fit", x, y)
    check_positive("fit", "epochs", epochs)
    check_positive("fit", "batch_size", batch_size)
    if validation_data is not None:
        if not isinstance(validation_data, list | tuple) or len(validation_data) != 2:
            raise ValueError(
                "fit: validation_data must be a pair (x_val, y_val). "
                f"Received validation_data of type {type(validation_data).__name__}."
            )
        validation_data = check_data("fit, validation_data", *validation_data)
    return x, y, validation_data
