"""Our own Keras layers: they equal Keras', save and load, stay frozen, and run inside graphs."""

import numpy as np
import pytest

from cnnbook import nn
from cnnbook.keras_twin import from_keras, keras, layers, tf

pytestmark = [
    pytest.mark.keras,
    # Keras itself, while it saves.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

rng = np.random.default_rng(0)
GEOMETRIES = [
    {},
    {"padding": "same"},
    {"strides": (2, 3)},
    {"strides": (2, 1), "padding": "same"},
    {"dilation_rate": (2, 1), "padding": "same"},
    {"use_bias": False},
    {"activation": "relu"},
]


def gradients(layer, x, dout, **kwargs):
    pixels = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        out = layer(pixels, **kwargs)
    sources = [pixels, *(weight.value for weight in layer.trainable_weights)]
    return [out, *tape.gradient(out, sources, output_gradients=tf.constant(dout))]


@pytest.mark.parametrize("kernel_size", [(3, 2), (2, 5), 1], ids=str)
@pytest.mark.parametrize("settings", GEOMETRIES, ids=str)
def test_conv_and_its_gradients_equal_keras(settings, kernel_size):
    ours, theirs = (room.Conv2D(4, kernel_size, **settings) for room in (layers, keras.layers))
    x = rng.standard_normal((2, 9, 8, 3), np.float32)
    for layer in (ours, theirs):
        layer.build((None, 9, 8, 3))
    theirs.set_weights([rng.standard_normal(w.shape, np.float32) for w in ours.get_weights()])
    ours.set_weights(theirs.get_weights())
    shape = ours.compute_output_shape((2, 9, 8, 3))
    assert shape == theirs.compute_output_shape((2, 9, 8, 3)) == tuple(ours(x).shape)
    dout = rng.standard_normal(shape, np.float32)
    for one, other in zip(gradients(ours, x, dout), gradients(theirs, x, dout), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5 * np.abs(other).max())


def test_conv_starts_as_keras_does():
    ours, theirs = (room.Conv2D(16, 3) for room in (layers, keras.layers))
    for layer in (ours, theirs):
        layer.build((None, 9, 8, 1))
    assert [weight.name for weight in ours.weights] == [weight.name for weight in theirs.weights]
    assert [tuple(weight.shape) for weight in ours.weights] == [
        tuple(weight.shape) for weight in theirs.weights
    ]
    limit = (6 / (9 + 9 * 16)) ** 0.5
    kernel = ours.get_weights()[0]
    assert 0.9 * limit < np.abs(kernel).max() <= limit
    assert not ours.get_weights()[1].any()


def test_conv_can_do_what_keras_refuses():
    ours = layers.Conv2D(4, (3, 2), strides=2, dilation_rate=2, padding="same")
    ours.build((None, 9, 8, 3))
    numpy = nn.Conv2D(4, (3, 2), strides=2, dilation_rate=2, padding="same")
    numpy.build((9, 8, 3), rng)
    ours.set_weights([*numpy.params.values()])
    x = rng.standard_normal((2, 9, 8, 3), np.float32)
    np.testing.assert_allclose(ours(x), numpy.forward(x), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"filters": 0}, "Conv2D: filters must be a whole number of at least 1. Received filters=0."),
        ({"padding": "full"}, "Conv2D: padding must be 'valid' or 'same'. Received padding='full'."),
    ],
)
def test_conv_refuses_impossible_values_in_the_books_words(refuses, settings, message):
    with refuses(message):
        layers.Conv2D(**{"filters": 4, "kernel_size": 3} | settings)


def test_conv_refuses_images_whose_size_is_not_known():
    with pytest.raises(ValueError, match=r"Conv2D works on images of shape \(height, width, channels\)"):
        layers.Conv2D(4, 3).build((None, None, None, 3))


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="rleu"):
        layers.Conv2D(4, 3, activation="rleu")


NORMS = [
    ((7,), {}),
    ((4, 5, 3), {}),
    ((4, 5, 3), {"momentum": 0.5, "epsilon": 0.1}),
    ((4, 5, 3), {"axis": 1}),
]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("shape", "settings"), NORMS, ids=str)
def test_batch_norm_its_gradients_and_its_memory_equal_keras(shape, settings, training):
    ours, theirs = (room.BatchNormalization(**settings) for room in (layers, keras.layers))
    for layer in (ours, theirs):
        layer.build((None, *shape))
    assert [weight.name for weight in ours.weights] == [weight.name for weight in theirs.weights]
    theirs.set_weights([rng.uniform(0.5, 2, w.shape).astype(np.float32) for w in ours.get_weights()])
    ours.set_weights(theirs.get_weights())
    x, dout = rng.standard_normal((2, 6, *shape), np.float32)
    both = (gradients(layer, x, dout, training=training) for layer in (ours, theirs))
    for one, other in zip(*both, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_frozen_batch_norm_uses_what_it_remembers_and_remembers_nothing_new():
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    layer.trainable = False
    x = rng.standard_normal((8, 3), np.float32) + 5
    out = layer(x, training=True)
    np.testing.assert_allclose(out, x / np.sqrt(1 + 1e-3), rtol=1e-6)
    assert not layer.moving_mean.numpy().any()


def test_training_may_be_decided_while_the_graph_runs():
    layer = layers.BatchNormalization(momentum=0.5)
    layer.build((None, 3))
    x = rng.standard_normal((8, 3), np.float32) + 5
    run = tf.function(lambda x, training: layer(x, training=training))
    np.testing.assert_allclose(run(x, tf.constant(False)), x / np.sqrt(1 + 1e-3), rtol=1e-6)
    assert not layer.moving_mean.numpy().any()
    assert np.abs(run(x, tf.constant(True)).numpy().mean(axis=0)).max() < 1e-5
    np.testing.assert_allclose(layer.moving_mean.numpy(), x.mean(axis=0) / 2, rtol=1e-5)


def test_batch_norm_refuses_an_axis_that_is_none(refuses):
    with refuses("BatchNormalization: axis must be a whole number. Received axis='last'."):
        layers.BatchNormalization(axis="last")


def make_model():
    return keras.Sequential(
        [
            keras.Input((9, 8, 2)),
            layers.Conv2D(
                4, (3, 2), strides=2, padding="same", use_bias=False, kernel_initializer="he_normal"
            ),
            layers.BatchNormalization(momentum=0.7, epsilon=0.01),
            layers.Conv2D(3, 2, dilation_rate=(1, 2), activation="tanh"),
            keras.layers.Flatten(),
        ]
    )


def test_a_model_of_our_layers_saves_and_loads_whole(tmp_path):
    model = make_model()
    x = rng.standard_normal((2, 9, 8, 2), np.float32)
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))
    for one, other in zip(again.layers, model.layers, strict=True):
        assert type(one) is type(other)
        assert one.get_config() == other.get_config()


def test_get_config_tells_every_argument():
    for layer in make_model().layers[:3]:
        told = type(layer).from_config(layer.get_config())
        arguments = type(layer).__init__.__code__.co_varnames[1 : type(layer).__init__.__code__.co_argcount]
        assert set(arguments) <= layer.get_config().keys()
        assert told.get_config() == layer.get_config()


def test_our_keras_layers_become_numpy_layers():
    model = make_model()
    x = rng.standard_normal((2, 9, 8, 2), np.float32)
    np.testing.assert_allclose(from_keras(model).forward(x), model(x).numpy(), atol=1e-5)


def test_a_model_of_our_layers_trains():
    model = make_model()
    model.compile(keras.optimizers.Adam(0.01), keras.losses.MeanSquaredError())
    x = rng.standard_normal((64, 9, 8, 2), np.float32)
    y = np.tanh(x[:, :4, :1, :1].reshape(64, -1)) @ np.ones((4, model.output_shape[1]), np.float32) / 4
    losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
