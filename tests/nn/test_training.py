"""fit, evaluate, predict: what is learned, what is measured, how a run ends, who sees a progress bar."""

import copy
import math
import re
import sys
import threading
import types

import numpy as np
import pytest

from cnnbook.fast import fuse
from cnnbook.nn import (
    SGD,
    Adam,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    History,
    MaxPooling2D,
    MeanSquaredError,
    ReLU,
    Rescaling,
    RMSprop,
    Sequential,
    SoftmaxCrossEntropy,
    evaluate,
    fit,
    log,
    predict,
)
from cnnbook.nn.progress import progress_bar, somebody_is_watching
from cnnbook.nn.training import batches

CLASSES = 3


def blobs(n, seed=0):
    """Three noisy clouds in the plane, one per class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, n)
    centres = np.array([[2, 0], [-1, 2], [-1, -2]])
    return (centres[y] + rng.standard_normal((n, 2))).astype(np.float32), y


def linear(seed=0, dtype=np.float32):
    model = Sequential([Dense(CLASSES)])
    model.build((2,), seed=seed, dtype=dtype)
    return model


def train(model=None, optimizer=None, n=50, **options):
    x, y = blobs(n)
    options = {"epochs": 3, "batch_size": 8, **options}
    return fit(model or linear(), SoftmaxCrossEntropy(), optimizer or SGD(0.1), x, y, **options)


class Watch:
    """A callback that writes down what it is told."""

    def __init__(self):
        self.steps, self.epochs, self.kernels = [], [], []

    def on_step(self, model, step, logs):
        self.steps.append((step, dict(logs)))
        self.kernels.append(model.layers[0].params["kernel"].copy())

    def on_epoch(self, model, epoch, logs):
        self.epochs.append((epoch, dict(logs)))


def test_a_run_leaves_one_value_per_epoch_and_per_step_under_keras_keys():
    run = train(validation_data=blobs(20, seed=1))
    assert list(run.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert list(run.steps) == ["loss", "accuracy"]
    assert {len(values) for values in run.history.values()} == {3}
    assert {len(values) for values in run.steps.values()} == {3 * 7}
    assert all(type(value) is float for values in run.history.values() for value in values)
    assert not run.interrupted
    assert isinstance(run, History)


def test_the_loss_falls_and_the_accuracy_rises():
    run = train(n=300, epochs=5)
    assert run.history["loss"][-1] < 0.6 * run.history["loss"][0]
    assert run.history["accuracy"][-1] > run.history["accuracy"][0]


def test_an_epochs_loss_is_the_mean_over_its_examples_not_over_its_batches():
    run = train(n=50, epochs=1, batch_size=40)
    for key in ("loss", "accuracy"):
        large, small = run.steps[key]
        assert run.history[key] == [pytest.approx((40 * large + 10 * small) / 50)]


def test_every_epoch_goes_once_through_all_examples_in_a_new_order():
    x = np.arange(10, dtype=np.float32)[:, np.newaxis]
    model, seen = Sequential([Dense(1)]), []
    model.build((1,))
    original = model.forward
    model.forward = lambda x, **options: seen.append(x[:, 0].tolist()) or original(x, **options)
    fit(model, MeanSquaredError(), SGD(1e-6), x, x, epochs=2, batch_size=4)
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2
    first, second = [*seen[0], *seen[1], *seen[2]], [*seen[3], *seen[4], *seen[5]]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert first != sorted(first)


def test_labels_follow_their_examples_through_the_shuffle():
    x = np.arange(32, dtype=np.float32)[:, np.newaxis]
    model = Sequential([Dense(1)])
    model.build((1,))
    model.layers[0].params["kernel"][:] = 3
    run = fit(model, MeanSquaredError(), SGD(1e-3), x, 3 * x, epochs=2, batch_size=4)
    assert max(run.steps["loss"]) == 0


def test_the_seed_decides_the_order_and_nothing_else_does():
    one, same, other = (train(seed=seed).steps["loss"] for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_step_is_forward_loss_backward_update():
    x, y = blobs(8)
    model, by_hand, loss = linear(), linear(), SoftmaxCrossEntropy()
    run = fit(model, loss, SGD(0.1), x, y, epochs=1, batch_size=8, seed=5)
    order = np.random.default_rng(5).permutation(8)
    logits = by_hand.forward(x[order], training=True)
    assert run.steps["loss"] == [loss.forward(logits, y[order])]
    assert run.steps["accuracy"] == [(logits.argmax(axis=1) == y[order]).mean()]
    by_hand.backward(loss.backward())
    for name, param in by_hand.layers[0].params.items():
        expected = param - np.float32(0.1) * by_hand.layers[0].grads[name]
        np.testing.assert_allclose(model.layers[0].params[name], expected, rtol=1e-6)


def test_validation_is_measured_after_the_epoch_and_trains_nothing():
    x_val, y_val = blobs(30, seed=1)
    model, plain = linear(), linear()
    run = train(model, validation_data=(x_val, y_val))
    train(plain)
    np.testing.assert_array_equal(model.layers[0].params["kernel"], plain.layers[0].params["kernel"])
    after = evaluate(model, SoftmaxCrossEntropy(), x_val, y_val)
    assert run.history["val_loss"][-1] == after["loss"]
    assert run.history["val_accuracy"][-1] == after["accuracy"]


def test_targets_that_are_no_classes_are_measured_by_their_loss_alone():
    x = np.random.default_rng(0).standard_normal((20, 2)).astype(np.float32)
    model = Sequential([Dense(1)])
    model.build((2,))
    target = x[:, :1] - 2 * x[:, 1:]
    run = fit(model, MeanSquaredError(), SGD(0.2), x, target, epochs=40, batch_size=5)
    assert list(run.history) == ["loss"]
    assert run.history["loss"][-1] < 1e-6
    assert list(evaluate(model, MeanSquaredError(), x, target)) == ["loss"]


@pytest.mark.parametrize("optimizer", [SGD(0.05, momentum=0.9), RMSprop(0.003), Adam(0.01)])
def test_twenty_examples_are_learned_by_heart(optimizer):
    optimizer = type(optimizer)(**{"learning_rate": optimizer.learning_rate} | momentum(optimizer))
    rng = np.random.default_rng(0)
    x, y = rng.random((20, 8, 7, 1), np.float32), rng.integers(0, 10, 20)
    model = Sequential(
        [
            Conv2D(8, 3, padding="same", use_bias=False),
            BatchNormalization(momentum=0.5),
            ReLU(),
            MaxPooling2D(2),
            Flatten(),
            Dense(32),
            ReLU(),
            Dense(10),
        ]
    )
    model.build((8, 7, 1), seed=0)
    run = fit(model, SoftmaxCrossEntropy(), optimizer, x, y, epochs=60, batch_size=10)
    assert run.history["accuracy"][-1] == 1
    assert evaluate(model, SoftmaxCrossEntropy(), x, y)["accuracy"] == 1
    assert run.steps["loss"][0] == pytest.approx(math.log(10), abs=0.7)


def momentum(optimizer):
    return {"momentum": optimizer.momentum} if isinstance(optimizer, SGD) else {}


def test_callbacks_are_told_every_step_and_every_epoch_after_the_update():
    watch, model = Watch(), linear()
    run = train(model, callbacks=[watch, object()], validation_data=blobs(10))
    assert [step for step, _ in watch.steps] == list(range(21))
    assert [logs["loss"] for _, logs in watch.steps] == run.steps["loss"]
    assert [epoch for epoch, _ in watch.epochs] == [0, 1, 2]
    assert [logs["val_loss"] for _, logs in watch.epochs] == run.history["val_loss"]
    np.testing.assert_array_equal(watch.kernels[-1], model.layers[0].params["kernel"])
    assert not np.array_equal(watch.kernels[0], linear().layers[0].params["kernel"])


def test_callbacks_see_the_untrained_model_once_before_the_first_step():
    class Look:
        def __init__(self):
            self.kernels = []

        def on_start(self, model):
            self.kernels.append(model.layers[0].params["kernel"].copy())

    look = Look()
    train(callbacks=[look])
    (before,) = look.kernels
    np.testing.assert_array_equal(before, linear().layers[0].params["kernel"])


def test_ctrl_c_ends_the_run_and_returns_what_there_is():
    class Interrupt:
        def on_step(self, model, step, logs):
            if step == 9:
                raise KeyboardInterrupt

    model = linear()
    run = train(model, callbacks=[Interrupt()])
    assert run.interrupted
    assert len(run.history["loss"]) == 1
    assert len(run.steps["loss"]) == 10
    assert np.isfinite(model.forward(blobs(3)[0])).all()


def test_a_loss_that_is_not_finite_stops_with_the_step_the_layer_and_the_advice(refuses):
    x, y = blobs(16)
    model = Sequential([Dense(4), ReLU(), Rescaling(1e30), Rescaling(1e30), Dense(CLASSES)])
    model.build((2,), seed=0)
    before = {name: array.copy() for name, array in model.weights().items()}
    with refuses(
        "fit: the loss must stay finite. At step 0 of epoch 0 it is nan, and layer 3 (Rescaling) is the "
        "first whose output is not. Try a smaller learning_rate (now 0.1), inputs scaled to [0, 1], or "
        "another initializer.",
        FloatingPointError,
    ):
        fit(model, SoftmaxCrossEntropy(), SGD(0.1), x, y, epochs=1, batch_size=8)
    for name, array in model.weights().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_learning_rate_too_large_is_caught_on_the_way():
    x, y = blobs(16)
    model = Sequential([Dense(8), Dense(8), Dense(CLASSES)])
    model.build((2,), seed=0)
    with pytest.raises(FloatingPointError, match=r"At step \d+ of epoch \d+ it is .*now 1e\+18"):
        fit(model, SoftmaxCrossEntropy(), SGD(1e18), x, y, epochs=9, batch_size=8)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_data_that_are_not_finite_are_named_as_the_cause(value):
    x, y = blobs(8)
    x[3, 1] = value
    with pytest.raises(FloatingPointError, match="and x itself holds numbers that are not finite"):
        fit(linear(), SoftmaxCrossEntropy(), SGD(0.1), x, y, epochs=1, batch_size=8)


def test_a_loss_that_alone_is_not_finite_is_named_as_such():
    x = np.full((4, 2), 1e30, np.float32)
    model = Sequential([Dense(1)])
    model.build((2,))
    with pytest.raises(FloatingPointError, match="it is inf, and all layers' outputs still are"):
        fit(model, MeanSquaredError(), SGD(0.1), x, x[:, :1], epochs=1, batch_size=4)


@pytest.mark.parametrize("wrapped", [lambda model: model, fuse])
def test_a_refused_step_leaves_weights_and_moving_statistics_as_they_were(wrapped):
    layers = [Conv2D(2, 1), BatchNormalization(), ReLU(), MaxPooling2D(1), Flatten(), Dropout(0.5)]
    model = Sequential([*layers, Rescaling(1e30), Rescaling(1e30), Dense(CLASSES)])
    model.build((1, 1, 2), seed=0)
    x, y = blobs(8)
    before = {name: array.copy() for name, array in model.weights().items()}
    used = wrapped(model)
    with pytest.raises(FloatingPointError, match=r"layer 7 \(Rescaling\)"):
        fit(used, SoftmaxCrossEntropy(), SGD(0.1), x.reshape(8, 1, 1, 2), y, epochs=1, batch_size=8)
    for name, array in model.weights().items():
        np.testing.assert_array_equal(array, before[name])
    copy.deepcopy(used)  # nothing of the refused step is left in it: no batch, and no lock of a thread


def test_a_validation_loss_that_is_not_finite_ends_the_run():
    x, y = blobs(16)
    message = "At the validation after epoch 0 it is nan. Try a smaller learning_rate, inputs scaled"
    with pytest.raises(FloatingPointError, match=re.escape(message)):
        train(validation_data=(x * np.float32(np.inf), y))


def test_callbacks_may_come_from_a_generator():
    watch = Watch()
    train(callbacks=(callback for callback in [watch]))
    assert len(watch.steps) == 3 * 7
    assert len(watch.epochs) == 3


def test_a_callback_stops_early_by_raising_what_ctrl_c_raises():
    class Enough:
        def on_epoch(self, model, epoch, logs):
            if epoch == 1:
                raise KeyboardInterrupt

    run = train(epochs=9, callbacks=[Enough()])
    assert len(run.history["loss"]) == 2
    assert run.interrupted


def test_evaluate_and_predict_do_not_depend_on_the_batch_size():
    x, y = blobs(23)
    model = Sequential([Dense(5), BatchNormalization(), Dropout(0.5), Dense(CLASSES)])
    model.build((2,), seed=0, dtype=np.float64)
    x = x.astype(np.float64)
    whole = model.forward(x)
    expected = {
        "loss": SoftmaxCrossEntropy().forward(whole, y),
        "accuracy": float((whole.argmax(axis=1) == y).mean()),
    }
    for batch_size in (1, 7, 23, 100):
        assert evaluate(model, SoftmaxCrossEntropy(), x, y, batch_size=batch_size) == pytest.approx(expected)
        np.testing.assert_allclose(predict(model, x, batch_size=batch_size), whole)


def test_batches_cover_everything_once_and_end_with_what_is_left():
    assert [len(range(10)[batch]) for batch in batches(10, 4)] == [4, 4, 2]
    assert [batch.start for batch in batches(8, 4)] == [0, 4]
    shuffled = list(batches(10, 4, np.random.default_rng(0)))
    assert [len(batch) for batch in shuffled] == [4, 4, 2]
    assert sorted(np.concatenate(shuffled)) == list(range(10))


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
@pytest.mark.parametrize("value", [0, -1, 1.5, None])
def test_counts_below_one_are_refused(refuses, name, value):
    with refuses(f"fit: {name} must be a whole number of at least 1. Received {name}={value!r}."):
        train(**{name: value})


@pytest.mark.parametrize("function", ["evaluate", "predict"])
def test_a_batch_size_below_one_is_refused(refuses, function):
    with refuses(f"{function}: batch_size must be a whole number of at least 1. Received batch_size=0."):
        {
            "evaluate": lambda: evaluate(linear(), SoftmaxCrossEntropy(), *blobs(3), batch_size=0),
            "predict": lambda: predict(linear(), blobs(3)[0], batch_size=0),
        }[function]()


@pytest.mark.parametrize(("n_x", "n_y"), [(5, 4), (4, 5), (0, 0)])
def test_data_that_do_not_fit_together_or_are_empty_are_refused(refuses, n_x, n_y):
    x, y = np.ones((n_x, 2), np.float32), np.zeros(n_y, int)
    ending = (
        "x and y must hold equally many examples, at least one. "
        f"Received x of shape ({n_x}, 2) and y of shape ({n_y},)."
    )
    options = {"epochs": 1, "batch_size": 2}
    with refuses(f"fit: {ending}"):
        fit(linear(), SoftmaxCrossEntropy(), SGD(0.1), x, y, **options)
    with refuses(f"evaluate: {ending}"):
        evaluate(linear(), SoftmaxCrossEntropy(), x, y)
    with refuses(f"fit, validation_data: {ending}"):
        train(validation_data=(x, y))


def test_nothing_to_predict_is_refused(refuses):
    with refuses("predict: x must hold at least one example. Received x of shape (0, 2)."):
        predict(linear(), np.ones((0, 2), np.float32))


@pytest.mark.parametrize("validation_data", [(np.ones(3),), np.ones((2, 2)), 0.15])
def test_validation_data_that_are_no_pair_are_refused(refuses, validation_data):
    with refuses(
        "fit: validation_data must be a pair (x_val, y_val). "
        f"Received validation_data of type {type(validation_data).__name__}."
    ):
        train(validation_data=validation_data)


def test_an_unbuilt_model_is_refused(refuses):
    with refuses(
        "Sequential is not built yet. Call build(input_shape, seed) once before forward.", RuntimeError
    ):
        train(Sequential([Dense(CLASSES)]))


class Terminal:
    def __init__(self, is_terminal):
        self.is_terminal, self.text = is_terminal, ""

    def isatty(self):
        return self.is_terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def pretend(monkeypatch, *, terminal=False, kernel=None):
    """Pretend that a person, a notebook or nobody is there."""
    stream = Terminal(terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    shell = None if kernel is None else types.SimpleNamespace(kernel=kernel)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    return stream


def test_somebody_is_watching_a_terminal_or_a_live_notebook(monkeypatch):
    pretend(monkeypatch, terminal=True)
    assert somebody_is_watching()
    pretend(monkeypatch, kernel=types.SimpleNamespace(_allow_stdin=True))
    assert somebody_is_watching()


@pytest.mark.parametrize("kernel", [None, types.SimpleNamespace(_allow_stdin=False), types.SimpleNamespace()])
def test_nobody_is_watching_a_script_with_redirected_output_or_a_book_build(monkeypatch, kernel):
    stream = pretend(monkeypatch, kernel=kernel)
    assert not somebody_is_watching()
    train()
    assert stream.text == ""


def test_nobody_is_watching_without_ipython_or_without_stderr(monkeypatch):
    pretend(monkeypatch)
    monkeypatch.delitem(sys.modules, "IPython")
    assert not somebody_is_watching()
    monkeypatch.setattr(sys, "stderr", None)
    assert not somebody_is_watching()


def test_a_watched_run_shows_a_bar_that_counts_its_steps_and_is_closed(monkeypatch):
    stream = pretend(monkeypatch, terminal=True)
    bars = []
    monkeypatch.setattr(log, "progress_bar", lambda steps: bars.append(progress_bar(steps)) or bars[0])
    train()
    (bar,) = bars
    assert (bar.total, bar.n, bar.disable) == (21, 21, True)
    assert "21/21" in stream.text


def test_a_run_in_the_background_shows_no_bar(monkeypatch):
    stream = pretend(monkeypatch, kernel=types.SimpleNamespace(_allow_stdin=True))
    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert stream.text == ""


def test_without_tqdm_a_run_is_silent(monkeypatch):
    stream = pretend(monkeypatch, terminal=True)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert len(train().steps["loss"]) == 21
    assert stream.text == ""
