"""The layers as plain tf.Module: equal to ours, trainable through the tape, strict about what they get."""

import numpy as np
import pytest

from cnnbook import nn
from cnnbook.keras_twin import modules, tf

pytestmark = pytest.mark.keras

rng = np.random.default_rng(0)


def compare(module, ours, x):
    """Outputs and all gradients of a module and our layer with the same weights."""
    for name, param in ours.params.items():
        param[...] = rng.standard_normal(param.shape, np.float32)
        getattr(module, name).assign(param)
    pixels = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        out = module(pixels)
    np.testing.assert_allclose(out, ours.forward(x, training=True), atol=1e-5)
    dout = rng.standard_normal(out.shape, np.float32)
    sources = [pixels, *(getattr(module, name) for name in ours.params)]
    dx, *grads = tape.gradient(out, sources, output_gradients=tf.constant(dout))
    np.testing.assert_allclose(dx, ours.backward(dout), atol=1e-5)
    for grad, name in zip(grads, ours.params, strict=True):
        np.testing.assert_allclose(grad, ours.grads[name], atol=2e-5)


@pytest.mark.parametrize(
    "settings", [{}, {"padding": "same"}, {"strides": (2, 3)}, {"strides": 2, "padding": "same"}], ids=str
)
@pytest.mark.parametrize("kernel_size", [(3, 2), (2, 4)], ids=str)
def test_conv_equals_ours_with_gradients(kernel_size, settings):
    ours = nn.Conv2D(4, kernel_size, **settings)
    ours.build((7, 8, 3), rng)
    compare(
        modules.Conv2D(3, 4, kernel_size, rng=rng, **settings),
        ours,
        rng.standard_normal((2, 7, 8, 3), np.float32),
    )


def test_dense_equals_ours_with_gradients():
    ours = nn.Dense(4)
    ours.build((5,), rng)
    compare(modules.Dense(5, 4, rng=rng), ours, rng.standard_normal((3, 5), np.float32))


@pytest.mark.parametrize("settings", [(2,), ((3, 2), (2, 1)), ((1, 3), 2)], ids=str)
def test_max_pooling_equals_ours_with_ties(settings):
    ours = nn.MaxPooling2D(*settings)
    compare(modules.MaxPooling2D(*settings), ours, rng.integers(0, 3, (2, 7, 8, 3)).astype(np.float32))


@pytest.mark.parametrize(
    ("name", "layer"),
    [("relu", nn.ReLU()), ("leaky_relu", nn.LeakyReLU(0.2)), ("sigmoid", nn.Sigmoid()), ("tanh", nn.Tanh())],
)
def test_activations_by_name_equal_our_layers(name, layer):
    module = modules.Dense(5, 4, name, rng)
    x = rng.standard_normal((3, 5), np.float32)
    linear = x @ module.kernel.numpy() + module.bias.numpy()
    np.testing.assert_allclose(module(x), layer.forward(linear), atol=1e-6)


def small_model(rng):
    convs = [modules.Conv2D(1, 4, 3, activation="relu", rng=rng), modules.MaxPooling2D(2), modules.Flatten()]
    return modules.Sequential([*convs, modules.Dense(4 * 3 * 4, 3, rng=rng)])


def test_a_model_trains_through_the_tape():
    model = small_model(np.random.default_rng(1))
    x, labels = rng.standard_normal((30, 8, 10, 1), np.float32), rng.integers(0, 3, 30)
    losses = []
    for _ in range(60):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(x)))
        variables = model.trainable_variables
        for variable, grad in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.3 * grad)
        losses.append(float(loss))
    assert losses[-1] < 0.1 * losses[0]


def test_a_model_finds_all_its_variables_and_every_unit_has_its_bias():
    shapes = sorted(tuple(v.shape) for v in small_model(np.random.default_rng(1)).trainable_variables)
    assert shapes == [(3,), (3, 3, 1, 4), (4,), (48, 3)]


def test_the_same_generator_draws_the_same_weights_as_our_initializer():
    module = modules.Dense(5, 4, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(
        module.kernel, nn.GlorotNormal()((5, 4), np.random.default_rng(3), np.float32)
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: modules.Dense(3, 2, "rleu", rng),
            "Dense: activation must be one of linear, relu, leaky_relu, sigmoid, tanh. "
            "Received activation='rleu'.",
        ),
        (
            lambda: modules.Conv2D(3, 2, 3, activation="softmax", rng=rng),
            "Conv2D: activation must be one of linear, relu, leaky_relu, sigmoid, tanh. "
            "Received activation='softmax'. Return logits and leave softmax to the loss.",
        ),
        (
            lambda: modules.Dense(3, 2),
            "Dense needs a generator to draw from. Received rng=None. Use np.random.default_rng(seed).",
        ),
        (
            lambda: modules.Dense(0, 2, rng=rng),
            "Dense: inputs must be a whole number of at least 1. Received inputs=0.",
        ),
        (
            lambda: modules.Dense(3, 2, rng=rng)(np.ones((4, 5), np.float32)),
            "Dense works on float32 inputs of shape (N, 3). Received float32 of shape (4, 5).",
        ),
        (
            lambda: modules.Conv2D(1, 2, 3, rng=rng)(np.ones((4, 5, 6, 1), np.uint8)),
            "Conv2D works on float32 inputs of shape (N, ?, ?, 1). Received uint8 of shape (4, 5, 6, 1).",
        ),
        (
            lambda: modules.Conv2D(1, 2, 3, rng=rng)(np.ones((4, 28, 28), np.float32)),
            "Conv2D works on float32 inputs of shape (N, ?, ?, 1). Received float32 of shape (4, 28, 28).",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(refuses, make, message):
    with refuses(message):
        make()
