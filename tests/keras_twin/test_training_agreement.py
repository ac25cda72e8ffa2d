"""Whole networks: one step and fifty steps from the same weights on the same batches as Keras."""

import itertools

import numpy as np
import pytest

from cnnbook import data, models, nn
from cnnbook.keras_twin import training_agreement as training
from cnnbook.keras_twin.cases import single
from cnnbook.keras_twin.runs import GivenMask, draw_masks

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def images():
    loaded = data.load("fashion_mnist", n_train=3200, n_test=1, fallback="digits")
    copies = -(-3200 // len(loaded.x_train))  # the stand-in has fewer
    x, y = np.concatenate([loaded.x_train] * copies), np.concatenate([loaded.y_train] * copies)
    return training.dither(x[:3200]), y[:3200]


PLANS = list(training.plans())


@pytest.mark.parametrize(
    "plan", PLANS, ids=lambda plan: f"{plan[0].__name__} {plan[2].name} {plan[2].learning_rate:.0e}"
)
def test_fifty_steps_stay_with_keras(plan, images):
    agreement = training.compare_training(*plan, *images)
    assert agreement.faults == []
    loss = agreement.curves["ours"]
    assert len(loss) == 50
    if plan[0] is not models.small_cnn:  # one example at a time has no falling loss to show
        assert np.mean(loss[-5:]) < np.mean(loss[:5]) - 0.05


def test_the_plans_train_every_network_and_every_optimizer():
    assert {(make.__name__, optimizer.name) for make, _, optimizer, _ in PLANS} == {
        *itertools.product(("mlp", "fashion_cnn", "small_cnn"), ("SGD", "RMSprop", "Adam")),
        *itertools.product(("mlp", "residual_cnn"), ("AdamW",)),
    }


@pytest.mark.parametrize(
    ("make", "parameters"),
    [(models.mlp, 235_146), (models.fashion_cnn, 440_842), (models.residual_cnn, 152_106)],
)
def test_the_networks_are_those_of_the_book(make, parameters):
    model = make()
    model.build((28, 28, 1))
    assert sum(array.size for array in model.weights().values()) == parameters


class Unrotated(nn.Conv2D):
    def backward(self, dout, *, input_gradient=True):
        dx = super().backward(dout, input_gradient=input_gradient)
        return dx if dx is None else dx[:, ::-1]


def small(wrong):
    def make():
        layers = [nn.Rescaling(single(1 / 255)), nn.Conv2D(3, 3), nn.BatchNormalization(), nn.ReLU()]
        layers += [wrong(2, 3), nn.ReLU(), nn.Dropout(0.5), nn.MaxPooling2D(4), nn.Flatten(), nn.Dense(10)]
        return nn.Sequential(layers)

    return make


def faults_of(make, optimizer, images, **settings):
    return training.compare_training(make, 8, optimizer, False, *images, steps=6, **settings).faults


def test_a_wrong_gradient_deep_inside_is_red(images, monkeypatch):
    assert faults_of(small(nn.Conv2D), nn.SGD(single(0.01)), images) == []
    monkeypatch.setattr(nn, "Unrotated", Unrotated, raising=False)
    monkeypatch.setattr("keras.layers.Unrotated", __import__("keras").layers.Conv2D, raising=False)
    found = faults_of(small(Unrotated), nn.SGD(single(0.01)), images)
    assert [fault.split(":")[0] for fault in found] == [
        "gradients",
        "gradients in float64",
        "loss curves in float64",
        "loss curves",
        "loss curves at their farthest",
    ]


class LateAdam(nn.Adam):
    def change(self, name, grad):
        return super().change(name, grad) * (1 + 1e-3 * (self.iterations > 3))


def test_an_optimizer_that_goes_wrong_after_some_steps_is_red(images, monkeypatch):
    monkeypatch.setattr(nn, "LateAdam", LateAdam, raising=False)
    monkeypatch.setattr("keras.optimizers.LateAdam", __import__("keras").optimizers.Adam, raising=False)
    settings = single(0.01), single(0.9), single(0.999)
    assert faults_of(small(nn.Conv2D), nn.Adam(*settings), images) == []
    assert "loss curves in float64" in faults_of(small(nn.Conv2D), LateAdam(*settings), images)[0]


def apart(*distances):
    """An agreement of two runs whose losses are these distances apart, step by step, and of exact ones."""
    losses = {who: [1.0] * len(distances) for who in ("keras", "referee", "keras referee")}
    nothing = {"0/kernel": 0.0}
    losses["ours"] = [1 + distance for distance in distances]
    return training.TrainingAgreement("a net", {"ours": 0.0}, nothing, nothing, {}, {}, losses)


def test_a_kink_may_move_the_last_steps_and_nothing_may_move_them_all():
    assert apart(1e-6, 1e-6, 1e-6, 3e-3, -3e-3).faults == []
    assert [fault.split(":")[0] for fault in apart(2e-3, -2e-3, 2e-3, 0, 0).faults] == ["loss curves"]
    (farthest,) = apart(0, 0, 0, 0, 2e-2).faults
    assert farthest == "loss curves at their farthest: 2.0e-02 apart, allowed is 1e-02."


def test_biases_before_batch_norm_are_named_and_nothing_else():
    model = models.fashion_cnn()
    model.build((28, 28, 1))
    assert training.biases_before_batch_norm(model) == ["1/bias", "5/bias"]
    without = nn.Sequential(
        [nn.Conv2D(2, 3, use_bias=False), nn.BatchNormalization(), nn.Flatten(), nn.Dense(2)]
    )
    without.build((5, 6, 1))
    assert training.biases_before_batch_norm(without) == []


def test_masks_drawn_ahead_are_those_the_network_will_draw():
    model = nn.Sequential([nn.Dropout(0.5), nn.Dropout(0.25)])
    model.build((40,), seed=3)
    masks = draw_masks(model, 4, 3)
    x = np.ones((4, 40), np.float32)
    for first, second in masks:
        np.testing.assert_array_equal(model.forward(x, training=True), first * second)
        assert set(np.unique(first)) == {0, 2}


def test_a_given_mask_does_what_dropout_does():
    given = GivenMask()
    given.build((3,))
    given.mask = np.float32([[0, 2, 2]])
    np.testing.assert_array_equal(given.forward(np.ones((1, 3), np.float32), training=True), [[0, 2, 2]])
    np.testing.assert_array_equal(given.backward(np.float32([[1, 10, 100]])), [[0, 20, 200]])


def test_dithering_moves_no_pixel_by_more_than_half_a_step():
    images = np.array([[0, 0.5, 1]])
    assert np.abs(training.dither(images) - 255 * images).max() <= 0.5
    assert (training.dither(images) == training.dither(images)).all()
