"""Train a Keras model as `cnnbook.nn.training.fit` trains ours: the same batches, the same numbers kept."""

import math

import numpy as np

from cnnbook.keras_twin.convert import to_keras
from cnnbook.nn import training as ours
from cnnbook.nn.arguments import check_positive
from cnnbook.nn.log import History, Log, add
from cnnbook.nn.losses import Loss
from cnnbook.nn.optimizers import Optimizer


def fit(
    model,
    loss,
    optimizer,
    x: np.ndarray,
    y: np.ndarray,
    *,
    epochs: int,
    batch_size: int,
    validation_data=None,
    seed: int = 0,
    callbacks=(),
    augment=None,
) -> History:
    """Train a built Keras model: the arguments, the batches and the History of our own `fit`.

    With the same seed both see the same examples in the same order, so that two models with the same weights
    must give the same loss, step by step. Keras' own `model.fit` shuffles with a generator of its own,
    which gives no access to the order. Dropout masks are Keras' own in any case.

    Parameters
    ----------
    model : a built Keras model, or a `modules.Sequential` with Keras' loss. loss, optimizer : ours or
        Keras'; ours are converted by `to_keras`.
    x, y, epochs, batch_size, validation_data, seed, callbacks, augment : as in `cnnbook.nn.fit`. Keras'
        models keep no gradients: a callback's `on_gradients(model, step, norms)` gets their lengths, a number
        per layer, before its `on_step`.

    Returns
    -------
    History : as from `cnnbook.nn.training.fit`, so that one figure draws both.

    Raises
    ------
    ValueError : if the data do not fit together or a number is out of range.
    FloatingPointError : if the loss is no longer finite.

    Examples
    --------
    >>> from cnnbook import nn
    >>> x, y = np.array([[0, 1], [1, 0], [0, 2], [2, 0]], dtype=np.float32), np.array([0, 1, 0, 1])
    >>> model = nn.Sequential([nn.Dense(2)])
    >>> model.build((2,), seed=0)
    (2,)
    >>> twin, settings = to_keras(model), {"epochs": 3, "batch_size": 2, "seed": 7}
    >>> run = nn.fit(model, nn.SoftmaxCrossEntropy(), nn.SGD(0.5), x, y, **settings)
    >>> twin_run = fit(twin, nn.SoftmaxCrossEntropy(), nn.SGD(0.5), x, y, **settings)
    >>> np.allclose(run.steps["loss"], twin_run.steps["loss"], atol=1e-6)
    True
    """
    loss = to_keras(loss, dtype=model.layers[-1].compute_dtype) if isinstance(loss, Loss) else loss
    optimizer = to_keras(optimizer) if isinstance(optimizer, Optimizer) else optimizer
    x, y, validation_data = ours.check_run(x, y, epochs, batch_size, validation_data)
    rng = np.random.default_rng(seed)
    augment = ours.augmentation(augment, rng)
    model.stop_training = False
    with Log(model, epochs * math.ceil(len(x) / batch_size), callbacks) as log:
        watched = any(hasattr(callback, "on_gradients") for callback in log.callbacks)
        train_step, measure = compiled_steps(model, loss, optimizer, norms=watched)
        log.start()
        for _ in range(epochs):
            for batch in ours.batches(len(x), batch_size, rng):
                logs, lengths = map(as_floats, train_step(augment(x[batch]), y[batch]))
                if watched:
                    log.tell("on_gradients", model, log.steps, lengths)
                log.step(logs, len(batch))
            log.epoch(mean_over_batches(measure, *validation_data) if validation_data else {})
            if model.stop_training:
                break
    return log.run


def evaluate(model, loss, x: np.ndarray, y: np.ndarray, *, batch_size: int = 256) -> dict[str, float]:
    """Loss, and for integer labels accuracy, of a Keras model as it is: `cnnbook.nn.evaluate` for the twin.

    Examples
    --------
    >>> from cnnbook import nn
    >>> model = nn.Sequential([nn.Dense(10, kernel_initializer=nn.Zeros())])
    >>> model.build((4,))
    (10,)
    >>> x, labels = np.ones((5, 4), np.float32), np.arange(5)
    >>> measured = evaluate(to_keras(model), nn.SoftmaxCrossEntropy(), x, labels)
    >>> round(measured["loss"], 3), round(measured["accuracy"], 3)
    (2.303, 0.2)
    """
    x, y = ours.check_data("evaluate", x, y)
    batch_size = check_positive("evaluate", "batch_size", batch_size)
    loss = to_keras(loss, dtype=model.layers[-1].compute_dtype) if isinstance(loss, Loss) else loss
    _, measure = compiled_steps(model, loss, None)
    return mean_over_batches(measure, x, y, batch_size)


def compiled_steps(model, loss, optimizer, *, norms=False):
    """One training step and one measurement as TensorFlow graphs from (x, y) to the loss and the accuracy.

    The step also returns the length of every layer's gradient, by layer, if `norms` asks for it, else {}.
    """
    from cnnbook.keras_twin import tf

    def logs(outputs, y):
        measured = {"loss": loss(y, outputs)}
        if y.dtype.is_integer and y.shape.rank == 1 and outputs.shape.rank == 2:
            right = tf.equal(tf.argmax(outputs, axis=1), tf.cast(y, tf.int64))
            measured["accuracy"] = tf.reduce_mean(tf.cast(right, tf.float64))
        return measured

    @tf.function(reduce_retracing=True)
    def train_step(x, y):
        with tf.GradientTape() as tape:
            measured = logs(model(x, training=True), y)
        variables = model.trainable_variables
        raw = [v if isinstance(v, tf.Variable) else v.value for v in variables]
        gradients = tape.gradient(measured["loss"], raw)
        optimizer.apply(gradients, variables)
        return measured, lengths_by_layer(model, gradients) if norms else {}

    @tf.function(reduce_retracing=True)
    def measure(x, y):
        return logs(model(x, training=False), y)

    return train_step, measure


def lengths_by_layer(model, gradients) -> dict:
    """The length of each layer's gradient under the layer's place and class, such as "0 Conv2D"."""
    from cnnbook.keras_twin import tf

    rest, lengths = iter(gradients), {}
    for index, layer in enumerate(model.layers):
        if own := [next(rest) for _ in layer.trainable_variables]:
            lengths[f"{index} {type(layer).__name__}"] = tf.linalg.global_norm(own)
    return lengths


def mean_over_batches(measure, x, y, batch_size: int = 256) -> dict[str, float]:
    """The means of what `measure` returns over all examples."""
    totals = {}
    for batch in ours.batches(len(x), batch_size):
        add(totals, as_floats(measure(x[batch], y[batch])), len(x[batch]))
    return {key: total / len(x) for key, total in totals.items()}


def as_floats(logs) -> dict[str, float]:
    """TensorFlow's scalars as Python's floats."""
    return {key: float(value) for key, value in logs.items()}
