"""The network as a whole: order, names, counts, and what it refuses."""

import numpy as np
import pytest

from cnnbook.nn import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    HeNormal,
    LeakyReLU,
    MaxPooling2D,
    ReLU,
    Rescaling,
    Sequential,
)
from cnnbook.nn.saving import save

IMAGES = (6, 5, 2)


def small_cnn(seed=0, dtype=np.float32):
    model = Sequential(
        [
            Conv2D(4, (3, 2), padding="same", kernel_initializer=HeNormal()),
            BatchNormalization(),
            LeakyReLU(0.1),
            MaxPooling2D(2),
            Flatten(),
            Dropout(0.3),
            Dense(3),
        ]
    )
    model.build(IMAGES, seed=seed, dtype=dtype)
    return model


def draw(shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def test_forward_goes_through_all_layers_in_order():
    model, x = Sequential([Rescaling(2.0), Rescaling(1.0, offset=3.0)]), np.array([[1.0]])
    model.build((1,), dtype=np.float64)
    assert model.forward(x).tolist() == [[5]]


def test_backward_goes_through_all_layers_in_reverse():
    model = Sequential([Dense(3), ReLU(), Dense(2)])
    model.build((4,), seed=0, dtype=np.float64)
    x, dout = draw((5, 4), np.float64), draw((5, 2), np.float64)
    model.forward(x, training=True)
    dx = model.backward(dout)
    first, _, last = model.layers
    hidden = x @ first.params["kernel"] + first.params["bias"]
    dhidden = dout @ last.params["kernel"].T * (hidden > 0)
    np.testing.assert_allclose(dx, dhidden @ first.params["kernel"].T)
    np.testing.assert_allclose(first.grads["kernel"], x.T @ dhidden)
    np.testing.assert_allclose(last.grads["kernel"], np.maximum(hidden, 0).T @ dout)


def test_only_the_first_layer_is_spared_its_input_gradient():
    model = small_cnn()
    out = model.forward(draw((2, *IMAGES)), training=True)
    assert model.backward(out, input_gradient=False) is None
    assert all(np.abs(grad).max() > 0 for name, _, grad in model.parameters() if name != "0/bias")


def test_the_way_back_ends_at_the_first_layer_that_learns():
    class Counted(ReLU):
        asked = 0

        def backward(self, dout):
            self.asked += 1
            return super().backward(dout)

    below, above = Counted(), Counted()
    model = Sequential([below, Dense(4, trainable=False), between := Counted(), Dense(3), above, Dense(2)])
    model.build((5,))
    x = draw((2, 5)).astype(np.float32)
    out = model.forward(x, training=True)
    assert model.backward(out, input_gradient=False) is None
    assert (below.asked, between.asked, above.asked) == (0, 0, 1)
    assert model.layers[1].grads == {}
    out = model.forward(x, training=True)
    assert model.backward(out).shape == x.shape
    assert (below.asked, between.asked, above.asked) == (1, 1, 2)


def test_layers_below_the_first_that_learns_forget_what_they_kept():
    model = Sequential([ReLU(), Dense(4), Dense(2)])
    model.build((5,))
    x = draw((2, 5)).astype(np.float32)
    model.backward(model.forward(x, training=True), input_gradient=False)
    with pytest.raises(RuntimeError, match="needs a forward pass of its own"):
        model.layers[0].backward(x)


def test_a_network_that_learns_nothing_walks_all_the_way_back():
    model = Sequential([Dense(4, trainable=False), ReLU()])
    model.build((5,))
    out = model.forward(draw((2, 5)).astype(np.float32), training=True)
    assert model.backward(out, input_gradient=False) is None
    assert set(model.layers[0].grads) == {"kernel", "bias"}


def test_a_network_without_parameters_has_nothing_to_go_back_for():
    model = Sequential([ReLU(), ReLU()])
    model.build((5,))
    x = draw((2, 5)).astype(np.float32)
    assert model.backward(model.forward(x, training=True), input_gradient=False) is None
    assert model.backward(model.forward(x, training=True)).shape == x.shape


def test_only_the_first_layer_that_learns_is_spared_its_input_gradient():
    asked = []

    class Told(Dense):
        def backward(self, dout, *, input_gradient=True):
            asked.append(input_gradient)
            return super().backward(dout, input_gradient=input_gradient)

    model = Sequential([Told(4), Told(3), Told(2)])
    model.build((5,))
    model.backward(model.forward(draw((2, 5)).astype(np.float32), training=True), input_gradient=False)
    assert asked == [True, True, False]


def test_inference_switches_training_off_in_every_layer():
    model = small_cnn()
    x, before = draw((4, *IMAGES)), {name: array.copy() for name, array in model.weights().items()}
    np.testing.assert_array_equal(model.forward(x), model.forward(x))
    for name, array in model.weights().items():
        np.testing.assert_array_equal(array, before[name])
    assert not np.array_equal(model.forward(x, training=True), model.forward(x, training=True))


def test_the_seed_decides_all_weights_and_masks():
    x = draw((4, *IMAGES))
    same = [small_cnn(seed=3).forward(x, training=True) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert not np.array_equal(small_cnn(seed=4).forward(x, training=True), same[0])


def test_every_layer_has_a_generator_of_its_own():
    """Equal layers start unlike each other, and weights do not depend on what the layers before drew."""
    model = Sequential([Dense(4), Dense(4), Dense(4)])
    model.build((4,), seed=0)
    kernels = [layer.params["kernel"] for layer in model.layers]
    assert not np.array_equal(kernels[0], kernels[1])
    other = Sequential([ReLU(), Dense(4), Dense(4)])
    other.build((4,), seed=0)
    np.testing.assert_array_equal(other.layers[2].params["kernel"], kernels[2])


def test_parameters_are_named_by_index_and_leave_frozen_layers_out():
    model = small_cnn()
    names = ["0/kernel", "0/bias", "1/gamma", "1/beta", "6/kernel", "6/bias"]
    assert [name for name, _, _ in model.parameters()] == names
    assert all(grad is None for _, _, grad in model.parameters())
    model.layers[0].trainable = False
    assert [name for name, _, _ in model.parameters()] == names[2:]


def test_weights_hold_learned_and_unlearned_arrays_in_keras_order():
    model = small_cnn()
    names = "0/kernel 0/bias 1/gamma 1/beta 1/moving_mean 1/moving_variance 6/kernel 6/bias"
    assert list(model.weights()) == names.split()
    assert model.weights()["1/moving_mean"] is model.layers[1].state["moving_mean"]


def test_the_counts_are_the_ones_keras_prints(capsys):
    mlp = Sequential([Flatten(), Dense(256), ReLU(), Dense(128), ReLU(), Dropout(0.5), Dense(10)])
    mlp.build((28, 28, 1))
    mlp.summary()
    assert (
        "Total params: 235,146\nTrainable params: 235,146\nNon-trainable params: 0\n"
        in capsys.readouterr().out
    )
    conv = [
        layer
        for filters in (16, 32)
        for layer in (Conv2D(filters, 3, padding="same"), BatchNormalization(), ReLU(), MaxPooling2D(2))
    ]
    cnn = Sequential([*conv, Flatten(), Dense(256), ReLU(), Dense(128), ReLU(), Dropout(0.5), Dense(10)])
    cnn.build((28, 28, 1))
    cnn.summary()
    printed = capsys.readouterr().out
    assert "Total params: 440,842\nTrainable params: 440,746\nNon-trainable params: 96\n" in printed
    assert "5  BatchNormalization       (N, 14, 14, 32)             128\n" in printed
    cnn.layers[9].trainable = False
    cnn.summary()
    assert "Trainable params: 39,082\nNon-trainable params: 401,760\n" in capsys.readouterr().out


def test_something_that_is_no_layer_is_refused(refuses):
    with refuses("Sequential: layers must be layer objects. Received 'relu' as layer 1."):
        Sequential([Dense(3), "relu"])
    with refuses(f"Sequential: layers must be layer objects. Received {ReLU!r} as layer 0."):
        Sequential([ReLU])


def test_a_layer_used_twice_is_refused(refuses):
    relu = ReLU()
    with refuses(
        "Sequential: every layer must be an object of its own. Received layer 2 (ReLU) twice. "
        "Make a second one."
    ):
        Sequential([relu, Dense(3), relu])


def test_no_layers_are_refused(refuses):
    with refuses("Sequential needs at least one layer. Received an empty list."):
        Sequential([])


def test_a_layer_that_does_not_fit_is_named_with_its_own_complaint(refuses):
    with refuses(
        "Layer 1 cannot be built. Dense works on vectors of shape (features,). "
        "Received input_shape=(26, 26, 4). Put Flatten() before it."
    ):
        Sequential([Conv2D(4, 3), Dense(10)]).build((28, 28, 1))


@pytest.mark.parametrize("what", ["forward", "summary", "save"])
def test_an_unbuilt_network_is_refused(refuses, what, tmp_path):
    model = Sequential([Dense(3)])
    calls = {
        "forward": lambda: model.forward(np.ones((1, 3))),
        "summary": model.summary,
        "save": lambda: save(model, tmp_path / "model.npz"),
    }
    with refuses(
        f"Sequential is not built yet. Call build(input_shape, seed) once before {what}.", RuntimeError
    ):
        calls[what]()
    assert list(tmp_path.iterdir()) == []


def test_a_build_that_fails_at_one_layer_leaves_all_as_they_were():
    model, x = small_cnn(), draw((2, *IMAGES))
    before = model.forward(x)
    with pytest.raises(ValueError, match="Layer 0 cannot be built"):
        model.build((5, 2))
    with pytest.raises(ValueError, match="Layer 3 cannot be built"):
        model.build((1, 5, 2))
    np.testing.assert_array_equal(model.forward(x), before)
