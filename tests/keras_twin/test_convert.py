"""Our network as Keras' and back: the same settings, the same weights, and nothing lost without a word."""

import numpy as np
import pytest

from cnnbook import nn
from cnnbook.keras_twin import cases, from_keras, keras, to_keras
from cnnbook.keras_twin.agreement import randomize

pytestmark = pytest.mark.keras

rng = np.random.default_rng(0)
ONE_OF_EACH = {(case.family, case.mode): case for case in cases.cases() if case.batch_size < 5}


def built(layer, shape=(5, 6, 4), dtype=np.float32):
    layer.build(shape, np.random.default_rng(0), dtype)
    return layer


def public_layers():
    classes = (getattr(nn, name) for name in nn.__all__)
    return {
        c.__name__ for c in classes if isinstance(c, type) and issubclass(c, nn.Layer) and c is not nn.Layer
    }


def test_every_layer_of_nn_is_converted_here():
    assert {family for family, _ in ONE_OF_EACH} == public_layers()


@pytest.mark.parametrize("case", ONE_OF_EACH.values(), ids=lambda case: f"{case.family} {case.mode}")
def test_a_layer_comes_back_as_it_went(case):
    ours = built(case.layer(), case.shape)
    randomize(ours, rng)
    twin = to_keras(ours)
    again = from_keras(twin)
    assert type(again) is type(ours)
    assert repr(again) == repr(ours)
    assert again.trainable == ours.trainable == twin.trainable
    assert again.params.keys() == ours.params.keys()
    assert again.state.keys() == ours.state.keys()
    for name, array in {**ours.params, **ours.state}.items():
        np.testing.assert_array_equal({**again.params, **again.state}[name], array)


@pytest.mark.parametrize("case", ONE_OF_EACH.values(), ids=lambda case: f"{case.family} {case.mode}")
def test_weights_have_keras_names_in_keras_order(case):
    ours = built(case.layer(), case.shape)
    assert [w.name for w in to_keras(ours).weights] == [name.split("/")[-1] for name in ours.weights()]


def test_the_twin_has_copies_of_our_weights_and_our_settings():
    ours = built(nn.Conv2D(5, (3, 2), strides=2, padding="same", kernel_initializer=nn.HeNormal()), (9, 8, 2))
    twin = to_keras(ours)
    assert isinstance(twin, keras.layers.Conv2D)
    assert (twin.filters, twin.kernel_size, twin.strides, twin.padding) == (5, (3, 2), (2, 2), "same")
    assert isinstance(twin.kernel_initializer, keras.initializers.HeNormal)
    before = twin.get_weights()[0]
    ours.params["kernel"][:] = 0
    np.testing.assert_array_equal(twin.get_weights()[0], before)
    assert np.abs(before).max() > 0


def test_float64_stays_float64():
    twin = to_keras(built(nn.Dense(3), (4,), np.float64))
    assert twin.get_weights()[0].dtype == np.float64
    assert from_keras(twin).dtype == np.float64


@pytest.fixture
def model():
    layers = [
        nn.Rescaling(1 / 255),
        nn.Conv2D(4, (3, 2), use_bias=False),
        nn.BatchNormalization(trainable=False),
    ]
    layers += [nn.LeakyReLU(0.1), nn.MaxPooling2D(2), nn.Flatten(), nn.Dropout(0.5), nn.Dense(3), nn.Tanh()]
    model = nn.Sequential(layers)
    model.build((8, 9, 2), seed=3)
    for layer in model.layers:
        randomize(layer, rng)
    return model


def test_a_model_and_its_twin_answer_alike_and_come_back_alike(model):
    twin = to_keras(model)
    x = rng.integers(0, 256, (5, 8, 9, 2), np.uint8)
    np.testing.assert_allclose(twin(x).numpy(), model.forward(x), atol=1e-5)
    again = from_keras(twin)
    assert repr(again.layers) == repr(model.layers)
    assert [layer.trainable for layer in again.layers] == [layer.trainable for layer in model.layers]
    np.testing.assert_array_equal(again.forward(x), model.forward(x))


@pytest.mark.parametrize("norm", [nn.LayerNormalization(0.01, center=False), nn.GroupNormalization(2, 0.02)])
def test_norms_within_an_example_come_back_with_their_settings(norm):
    built(norm, (5, 4, 6))
    again = from_keras(to_keras(norm))
    assert repr(again) == repr(norm)
    x = rng.standard_normal((3, 5, 4, 6), np.float32)
    np.testing.assert_array_equal(again.forward(x), norm.forward(x))


def test_instance_normalisation_comes_back_with_one_group_per_channel():
    assert from_keras(to_keras(built(nn.GroupNormalization(-1), (5, 4, 6)))).groups == 6


def test_the_twin_of_a_model_counts_the_same_parameters(model, capsys):
    model.summary()
    ours = capsys.readouterr().out
    twin = to_keras(model)
    trainable = sum(int(np.prod(weight.shape)) for weight in twin.trainable_weights)
    assert f"Total params: {twin.count_params():,}" in ours
    assert f"Trainable params: {trainable:,}" in ours


def test_what_keras_writes_as_an_argument_becomes_a_layer():
    conv = keras.layers.Conv2D(4, 3, activation="relu")
    conv.build((None, 5, 6, 2))
    pair = from_keras(conv)
    assert [layer.name for layer in pair.layers] == ["Conv2D", "ReLU"]
    x = rng.standard_normal((2, 5, 6, 2), np.float32)
    np.testing.assert_allclose(pair.forward(x), conv(x).numpy(), atol=1e-6)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "tanh", "softmax"])
def test_every_activation_we_have_is_understood_by_its_keras_name(name):
    x = rng.standard_normal((3, 7), np.float32)
    np.testing.assert_allclose(
        from_keras(keras.layers.Activation(name)).forward(x),
        keras.layers.Activation(name)(x).numpy(),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "initializer",
    [nn.Zeros(), nn.RandomNormal(0.3), nn.GlorotNormal(), nn.GlorotUniform(), nn.HeNormal(), nn.HeUniform()],
    ids=repr,
)
def test_initializers_go_both_ways_and_draw_with_the_same_spread(initializer):
    twin = to_keras(initializer)
    assert from_keras(twin) == initializer
    shape = (3, 3, 40, 50)
    keras.utils.set_random_seed(0)
    ours = initializer(shape, np.random.default_rng(0), np.float32)
    theirs = np.asarray(twin(shape, dtype="float32"))
    np.testing.assert_allclose(ours.std(), theirs.std(), rtol=0.03)
    np.testing.assert_allclose(np.abs(ours).max(), np.abs(theirs).max(), rtol=0.25)


@pytest.mark.parametrize(
    "optimizer",
    [
        nn.SGD(0.1, 0.5, nesterov=True),
        nn.RMSprop(0.1, 0.8, 0.3, 1e-5, centered=True),
        nn.Adam(0.1, 0.8, 0.7, 1e-5),
        nn.AdamW(0.1, weight_decay=0.3),
        nn.SGD(0.1, 0.5, weight_decay=0.3, clipnorm=1.5),
        nn.RMSprop(nn.CosineDecay(0.01, 3, 0.2, warmup_target=0.3, warmup_steps=2), global_clipnorm=1.5),
        nn.Adam(nn.PiecewiseConstantDecay([1, 3], [0.1, 0.5, 0.01])),
    ],
    ids=repr,
)
def test_an_optimizer_keeps_its_settings_and_takes_the_same_steps(optimizer):
    twin = to_keras(optimizer)
    ours = nn.Sequential([nn.Dense(3)])
    ours.build((4,))
    theirs = keras.Variable(ours.layers[0].params["kernel"].copy())
    ours.layers[0].grads["bias"] = np.zeros(3, np.float32)
    for _ in range(4):
        ours.layers[0].grads["kernel"] = grad = rng.standard_normal((4, 3), np.float32)
        optimizer.step(ours)
        twin.apply([keras.ops.convert_to_tensor(grad)], [theirs])
    np.testing.assert_allclose(ours.layers[0].params["kernel"], theirs.numpy(), rtol=1e-4, atol=1e-5)


def test_the_losses_agree_with_keras():
    logits, labels = rng.standard_normal((5, 3), np.float32), np.array([0, 2, 1, 1, 0])
    targets = rng.standard_normal((5, 3), np.float32)
    for ours, y in ((nn.SoftmaxCrossEntropy(), labels), (nn.MeanSquaredError(), targets)):
        assert abs(ours.forward(logits, y) - float(to_keras(ours)(y, logits))) < 1e-6


def test_a_loss_can_be_asked_to_compute_in_float64():
    logits, labels = rng.standard_normal((5, 3)), np.array([0, 2, 1, 1, 0])
    ours = nn.SoftmaxCrossEntropy().forward(logits, labels)
    assert abs(ours - float(to_keras(nn.SoftmaxCrossEntropy(), dtype="float64")(labels, logits))) < 1e-15
    assert abs(ours - float(to_keras(nn.SoftmaxCrossEntropy())(labels, logits))) > 1e-12


@pytest.mark.parametrize(
    ("part", "name", "call"),
    [
        (nn.Conv2D(4, 3), "Conv2D", "build(input_shape, rng)"),
        (nn.Sequential([nn.Dense(2)]), "Sequential", "build(input_shape, seed)"),
    ],
    ids=["layer", "model"],
)
def test_what_is_not_built_has_no_weights_to_hand_over(refuses, part, name, call):
    with refuses(f"{name} has no weights to hand over. Call {call} before to_keras.", RuntimeError):
        to_keras(part)


def test_keras_layers_that_are_not_built_have_no_weights_to_hand_over(refuses):
    layer = keras.layers.Dense(2, name="dense_one")
    with refuses(
        "Dense 'dense_one' has no weights to hand over. Call build(input_shape) before from_keras.",
        RuntimeError,
    ):
        from_keras(layer)


def test_a_class_of_ones_own_is_not_taken_for_its_parent(refuses):
    class Doubled(nn.Dense):
        pass

    with refuses(
        "to_keras knows the classes of cnnbook.nn. Received a Doubled. "
        "Write its Keras twin as a class, as cnnbook.keras_twin.layers does."
    ):
        to_keras(built(Doubled(2), (3,)))


def keras_built(layer, shape=(None, 5, 6, 4)):
    layer.build(shape)
    return layer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: keras_built(keras.layers.UnitNormalization()),
            "from_keras: UnitNormalization has no counterpart in cnnbook.nn. "
            "Replace it by layers that cnnbook.nn has, or write it as a Layer of your own.",
        ),
        (
            lambda: keras.layers.ReLU(max_value=6),
            "from_keras: ReLU(max_value=6) has no counterpart in cnnbook.nn. Use max_value=None.",
        ),
        (
            lambda: keras_built(keras.layers.LayerNormalization(axis=[1, 2])),
            "from_keras: LayerNormalization(axis=[1, 2]) has no counterpart in cnnbook.nn. Use axis=-1.",
        ),
        (
            lambda: keras_built(keras.layers.BatchNormalization(axis=1)),
            "from_keras: BatchNormalization(axis=1) has no counterpart in cnnbook.nn. Use axis=-1.",
        ),
        (
            lambda: keras.layers.MaxPooling2D(2, data_format="channels_first"),
            "from_keras: MaxPooling2D(data_format='channels_first') has no counterpart in cnnbook.nn. "
            "Use data_format='channels_last'.",
        ),
        (
            lambda: keras_built(keras.layers.Dense(2, activation="gelu"), (None, 3)),
            "from_keras: Dense(activation='gelu') has no counterpart in cnnbook.nn. "
            "Use one of linear, relu, leaky_relu, sigmoid, tanh, softmax.",
        ),
        (
            lambda: keras.layers.Activation("linear"),
            "from_keras: Activation(activation='linear') has no counterpart in cnnbook.nn. "
            "It changes nothing: leave it away.",
        ),
        (
            lambda: keras.initializers.RandomNormal(mean=1.0),
            "from_keras: RandomNormal(mean=1.0) has no counterpart in cnnbook.nn. Use mean=0.0.",
        ),
        (
            lambda: keras_built(keras.layers.Dense(2, dtype="mixed_float16"), (None, 3)),
            "from_keras: all layers must compute in float32, or all in float64. Received float16, float32.",
        ),
        (
            lambda: keras.optimizers.SGD(),
            "from_keras takes a keras layer, keras.Sequential or initializer. Received a SGD.",
        ),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(refuses, make, message):
    with refuses(message):
        from_keras(make())


def test_a_regularised_layer_is_refused_because_it_trains_differently():
    layer = keras_built(keras.layers.Dense(2, kernel_regularizer="l2"), (None, 3))
    with pytest.raises(
        ValueError, match=r"^from_keras: Dense\(kernel_regularizer=.*\) .* Use kernel_regularizer=None\.$"
    ):
        from_keras(layer)


def functional(kind):
    """A functional model that looks like a residual connection and is none."""
    layers = keras.layers
    start = keras.Input((4,))
    one, other = (keras.Sequential([keras.Input((4,)), layers.Dense(4)]) for _ in range(2))
    end = {
        "one way after the other": lambda: layers.Add()([other(one(start)), start]),
        "a product": lambda: layers.Multiply()([one(start), start]),
        "three terms": lambda: layers.Add()([one(start), other(start), start]),
        "something behind the sum": lambda: layers.ReLU()(layers.Add()([one(start), start])),
        "a layer that is no Sequential": lambda: layers.Add()([layers.Dense(4)(start), start]),
        "no sum": lambda: one(start),
    }[kind]()
    return keras.Model(start, end)


@pytest.mark.parametrize("kind", [
    "one way after the other", "a product", "three terms", "something behind the sum",
    "a layer that is no Sequential", "no sum",
])  # fmt: skip
def test_a_functional_model_that_is_no_residual_connection_is_refused(kind):
    with pytest.raises(ValueError, match="only a residual connection has a counterpart"):
        from_keras(functional(kind))


def test_a_network_with_residual_connections_comes_back_with_its_numbers():
    ours = nn.Sequential([
        nn.Conv2D(3, 3),
        nn.Residual([nn.Conv2D(3, 3, padding="same"), nn.BatchNormalization(), nn.ReLU()]),
        nn.Residual([nn.Residual([nn.Tanh()])], [nn.Conv2D(3, 1)]),
        nn.GlobalAveragePooling2D(),
    ])  # fmt: skip
    ours.build((6, 5, 2), seed=0)
    x = rng.standard_normal((4, 6, 5, 2), np.float32)
    twin = to_keras(ours)
    np.testing.assert_allclose(np.asarray(twin(x)), ours.forward(x), atol=1e-6)
    again = from_keras(twin)
    np.testing.assert_array_equal(again.forward(x), ours.forward(x))
    assert [repr(layer) for layer in again.layers] == [repr(layer) for layer in ours.layers]
