"""Every TensorFlow mistake of the notebooks: it goes wrong as told, and the book's version does not."""

import numpy as np
import pytest

from cnnbook import nn
from cnnbook.keras_twin import keras, layers, mistakes, modules, tf, to_keras

pytestmark = [
    pytest.mark.keras,
    # Keras itself, while it saves.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

rng = np.random.default_rng(0)


def test_keras_adds_a_missing_channel_axis_in_silence_and_ours_says_what_is_missing(refuses):
    model = nn.Sequential([nn.Conv2D(2, 3), nn.Flatten(), nn.Dense(3)])
    model.build((28, 28, 1))
    images = rng.standard_normal((2, 28, 28, 1), np.float32)
    twin = to_keras(model)
    np.testing.assert_array_equal(mistakes.classify_without_channel_axis(twin, images), twin(images))
    with refuses(
        "Conv2D was built for inputs of shape (N, 28, 28, 1). Received x of shape (2, 28, 28). "
        "Add the channel axis: try x[..., np.newaxis]."
    ):
        mistakes.classify_without_channel_axis(model.forward, images)


@pytest.mark.parametrize("conv", [mistakes.UnregisteredConv2D, layers.Conv2D])
def test_a_class_that_is_not_registered_saves_and_does_not_load(conv, tmp_path):
    model = keras.Sequential([keras.Input((8, 7, 1)), conv(2, (3, 2), strides=2)])
    model.save(tmp_path / "model.keras")
    if conv is layers.Conv2D:
        x = rng.standard_normal((2, 8, 7, 1), np.float32)
        np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(x), model(x))
    else:
        with pytest.raises(TypeError, match="UnregisteredConv2D"):
            keras.saving.load_model(tmp_path / "model.keras")


@pytest.mark.parametrize(
    ("norm", "comes_back"),
    [
        (mistakes.BatchNormalizationWithIncompleteConfig, (0.99, 1e-3)),
        (layers.BatchNormalization, (0.5, 0.1)),
    ],
)
def test_an_argument_missing_in_get_config_comes_back_as_its_default(norm, comes_back, tmp_path):
    model = keras.Sequential([keras.Input((3,)), norm(momentum=0.5, epsilon=0.1)])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras").layers[0]
    assert (again.momentum, again.epsilon) == comes_back


@pytest.mark.parametrize(
    ("norm", "moves"),
    [
        (mistakes.BatchNormalizationThatNeverFreezes, True),
        (layers.BatchNormalization, False),
        (keras.layers.BatchNormalization, False),
    ],
)
def test_a_layer_that_looks_only_at_training_learns_while_frozen(norm, moves):
    layer = norm()
    layer.build((None, 3))
    layer.trainable = False
    layer(rng.standard_normal((8, 3), np.float32) + 5, training=True)
    assert layer.moving_mean.numpy().any() == moves
    assert layer.trainable is False


@pytest.mark.parametrize(
    ("norm", "works"),
    [
        (mistakes.BatchNormalizationForPythonBools, False),
        (layers.BatchNormalization, True),
        (keras.layers.BatchNormalization, False),  # Keras' own asks for a Python bool, too
    ],
)
def test_a_python_bool_cannot_be_decided_while_the_graph_runs(norm, works):
    layer = norm()
    layer.build((None, 3))
    x = rng.standard_normal((8, 3), np.float32) + 5
    run = tf.function(lambda training: layer(x, training=training))
    if works:
        run(tf.constant(True))
        assert layer.moving_mean.numpy().any()
    else:
        with pytest.raises(tf.errors.OperatorNotAllowedInGraphError, match="Python `bool`"):
            run(tf.constant(True))


@pytest.mark.parametrize(("dense", "biases"), [(mistakes.DenseWithOneBias, 1), (modules.Dense, 4)])
def test_one_bias_lifts_all_units_together(dense, biases):
    layer = dense(3, 4, rng=np.random.default_rng(0))
    x = np.zeros((50, 3), np.float32)
    wanted = tf.constant([1.0, 2.0, 3.0, 4.0])
    for _ in range(200):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(x) - wanted) ** 2)
        layer.bias.assign_sub(tape.gradient(loss, layer.bias))
    assert int(tf.size(layer.bias)) == biases
    assert (float(loss) < 1e-6) == (biases == 4)


def test_an_unknown_activation_is_linear_in_silence_and_the_book_refuses_it():
    x = rng.standard_normal((5, 3), np.float32)
    wrong = mistakes.DenseThatAcceptsAnyActivation(3, 4, "rleu", np.random.default_rng(0))
    linear = modules.Dense(3, 4, "linear", np.random.default_rng(0))
    np.testing.assert_array_equal(wrong(x), linear(x))
    for name in ("relu", "sigmoid"):
        wrong = mistakes.DenseThatAcceptsAnyActivation(3, 4, name, np.random.default_rng(0))
        np.testing.assert_array_equal(wrong(x), modules.Dense(3, 4, name, np.random.default_rng(0))(x))
    with pytest.raises(ValueError, match="activation must be one of"):
        modules.Dense(3, 4, "rleu", np.random.default_rng(0))


@pytest.mark.parametrize("dense", [mistakes.DenseWithSoftmaxInside, modules.Dense])
def test_softmax_inside_the_layer_keeps_the_loss_high_even_where_every_answer_is_right(dense):
    layer = dense(10, 10, rng=np.random.default_rng(0))
    layer.kernel.assign(100 * np.eye(10))
    x, labels = np.eye(10, dtype=np.float32), np.arange(10)
    loss = float(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, layer(x))))
    if dense is modules.Dense:
        assert loss < 1e-6
    else:
        assert abs(loss - np.log((np.e + 9) / np.e)) < 1e-3


@pytest.mark.parametrize("conv", [mistakes.Conv2DThatAssigns, modules.Conv2D])
def test_assigning_into_a_variable_cuts_the_kernel_off_from_its_gradient(conv):
    layer = conv(3, 4, (3, 2), rng=np.random.default_rng(0))
    x = tf.constant(rng.standard_normal((2, 5, 6, 3), np.float32))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    np.testing.assert_allclose(
        layer(x), modules.Conv2D(3, 4, (3, 2), rng=np.random.default_rng(0))(x), atol=1e-5
    )
    found = tape.gradient(loss, [layer.kernel, layer.bias])
    assert [grad is None for grad in found] == [conv is mistakes.Conv2DThatAssigns] * 2
