"""Keras trained by our rules: the same batches in the same order, and our History back."""

import numpy as np
import pytest

from cnnbook import nn
from cnnbook.keras_twin import keras, to_keras
from cnnbook.keras_twin.training import evaluate, fit

pytestmark = pytest.mark.keras

rng = np.random.default_rng(0)
X = rng.standard_normal((50, 6), np.float32)
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
SETTINGS = {"epochs": 3, "batch_size": 16, "seed": 5}


@pytest.fixture
def pair():
    # A bias before batch norm would be pushed around by rounding noise: biases_before_batch_norm says why.
    model = nn.Sequential([nn.Dense(8, use_bias=False), nn.BatchNormalization(), nn.Tanh(), nn.Dense(3)])
    model.build((6,), seed=1)
    return model, to_keras(model)


def assert_alike(one, other):
    assert one.history.keys() == other.history.keys()
    assert one.steps.keys() == other.steps.keys()
    for series in ("history", "steps"):
        for key, values in getattr(one, series).items():
            np.testing.assert_allclose(
                values, getattr(other, series)[key], atol=2e-5, err_msg=f"{series} {key}"
            )


@pytest.mark.parametrize(
    "optimizer", [nn.SGD(0.1, 0.9), nn.RMSprop(0.01), nn.Adam(0.01)], ids=lambda o: o.name
)
def test_the_same_seed_gives_the_same_numbers_step_by_step(pair, optimizer):
    validation = {"validation_data": (X[:20], Y[:20])}
    ours, theirs = (
        train(model, nn.SoftmaxCrossEntropy(), optimizer, X, Y, **SETTINGS, **validation)
        for train, model in zip((nn.fit, fit), pair, strict=True)
    )
    assert isinstance(theirs, nn.History)
    assert list(theirs.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert len(theirs.steps["loss"]) == 3 * 4
    assert_alike(ours, theirs)
    for mine, other in zip(pair[0].weights().values(), pair[1].get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-4)


def test_another_seed_gives_another_order(pair):
    run = fit(pair[1], nn.SoftmaxCrossEntropy(), nn.SGD(0.1), X, Y, epochs=1, batch_size=16, seed=5)
    ours = nn.fit(pair[0], nn.SoftmaxCrossEntropy(), nn.SGD(0.1), X, Y, epochs=1, batch_size=16, seed=6)
    assert abs(run.steps["loss"][0] - ours.steps["loss"][0]) > 1e-3


def test_keras_own_losses_and_optimizers_may_be_given(pair):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    theirs = fit(pair[1], loss, keras.optimizers.SGD(0.1), X, Y, **SETTINGS)
    assert_alike(nn.fit(pair[0], nn.SoftmaxCrossEntropy(), nn.SGD(0.1), X, Y, **SETTINGS), theirs)


def test_targets_that_are_no_classes_have_a_loss_and_no_accuracy():
    model = nn.Sequential([nn.Dense(2)])
    model.build((6,))
    twin = to_keras(model)
    run = fit(twin, nn.MeanSquaredError(), nn.SGD(0.1), X, X[:, :2], **SETTINGS)
    assert list(run.history) == ["loss"]
    assert_alike(nn.fit(model, nn.MeanSquaredError(), nn.SGD(0.1), X, X[:, :2], **SETTINGS), run)


def test_callbacks_hear_of_every_step_and_epoch(pair):
    class Heard:
        steps, epochs = [], []

        def on_step(self, model, step, logs):
            self.steps.append((step, logs["loss"]))

        def on_epoch(self, model, epoch, logs):
            self.epochs.append((epoch, model))

    run = fit(pair[1], nn.SoftmaxCrossEntropy(), nn.SGD(0.1), X, Y, **SETTINGS, callbacks=[Heard()])
    assert Heard.steps == list(enumerate(run.steps["loss"]))
    assert Heard.epochs == [(0, pair[1]), (1, pair[1]), (2, pair[1])]


def test_ctrl_c_ends_the_run_and_keeps_what_there_is(pair):
    class Stop:
        def on_step(self, model, step, logs):
            if step == 5:
                raise KeyboardInterrupt

    run = fit(pair[1], nn.SoftmaxCrossEntropy(), nn.SGD(0.1), X, Y, **SETTINGS, callbacks=[Stop()])
    assert run.interrupted
    assert (len(run.steps["loss"]), len(run.history["loss"])) == (6, 1)


def test_a_loss_that_is_not_finite_stops_the_run(pair, refuses):
    x = X.copy()
    x[:] = np.inf
    with refuses(
        "fit: the loss must stay finite. At step 0 of epoch 0 it is nan. "
        "Try a smaller learning_rate, inputs scaled to [0, 1], or another initializer.",
        FloatingPointError,
    ):
        fit(pair[1], nn.SoftmaxCrossEntropy(), nn.SGD(0.1), x, Y, **SETTINGS)


def test_data_that_do_not_fit_together_are_refused_as_by_our_own_fit(pair, refuses):
    with refuses(
        "fit: x and y must hold equally many examples, at least one. "
        "Received x of shape (50, 6) and y of shape (49,)."
    ):
        fit(pair[1], nn.SoftmaxCrossEntropy(), nn.SGD(0.1), X, Y[:-1], **SETTINGS)
    with refuses("fit: batch_size must be a whole number of at least 1. Received batch_size=0."):
        fit(pair[1], nn.SoftmaxCrossEntropy(), nn.SGD(0.1), X, Y, epochs=1, batch_size=0)


def test_evaluate_measures_what_ours_measures(pair):
    ours = nn.evaluate(pair[0], nn.SoftmaxCrossEntropy(), X, Y, batch_size=16)
    theirs = evaluate(pair[1], nn.SoftmaxCrossEntropy(), X, Y, batch_size=7)
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        assert abs(value - theirs[key]) < 1e-6
