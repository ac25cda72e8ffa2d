"""Residual connections: the sum, both ways back, names of arrays, freezing, shapes that differ."""

import copy

import numpy as np
import pytest

from cnnbook.gradcheck import check_model
from cnnbook.nn import (
    SGD,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    ReLU,
    Residual,
    Sequential,
    SoftmaxCrossEntropy,
    Tanh,
    fit,
    load,
    save,
)


def built(layer, shape, dtype=np.float64):
    layer.build(shape, np.random.default_rng(0), dtype)
    return layer


def test_the_output_is_the_sum_of_both_ways_and_so_is_dx():
    inside, around = Dense(3), Dense(3)
    block = built(Residual([inside, Tanh()], [around]), (2,))
    x, dout = np.random.default_rng(1).standard_normal((2, 4, 2)), np.ones((4, 3))
    x = x[0]
    by_hand = np.tanh(x @ inside.params["kernel"]) + x @ around.params["kernel"]
    out = block.forward(x, training=True)
    np.testing.assert_allclose(out, by_hand)
    slope = 1 - np.tanh(x @ inside.params["kernel"]) ** 2
    expected = slope @ inside.params["kernel"].T + dout @ around.params["kernel"].T
    np.testing.assert_allclose(block.backward(dout), expected)


def test_layers_that_return_zero_leave_x_and_the_gradient_as_they_are():
    block = built(Residual([Dense(3), BatchNormalization()]), (3,))
    block.params["layers/1/gamma"][:] = 0
    x, dout = np.random.default_rng(1).standard_normal((2, 5, 3))
    np.testing.assert_array_equal(block.forward(x, training=True), x)
    np.testing.assert_array_equal(block.backward(dout), dout)
    assert not block.grads["layers/0/kernel"].any()
    assert block.grads["layers/1/gamma"].any()  # the block can still begin to learn


def test_arrays_stand_under_way_place_and_name_and_are_the_layers_own():
    block = built(Residual([Dense(3), BatchNormalization()], [Dense(3, use_bias=False)]), (2,))
    assert [*block.params] == [
        "layers/0/kernel", "layers/0/bias", "layers/1/gamma", "layers/1/beta", "shortcut/0/kernel",
    ]  # fmt: skip
    assert [*block.state] == ["layers/1/moving_mean", "layers/1/moving_variance"]
    assert block.params["layers/0/kernel"] is block.layers[0].params["kernel"]
    assert [*block.weights()] == [
        "layers/0/kernel", "layers/0/bias", "layers/1/gamma", "layers/1/beta", "layers/1/moving_mean",
        "layers/1/moving_variance", "shortcut/0/kernel",
    ]  # fmt: skip


def test_an_array_that_is_replaced_is_used():
    block = built(Residual([Dense(2)]), (2,))
    block.params["layers/0/kernel"] = np.zeros((2, 2))
    x = np.ones((1, 2))
    np.testing.assert_array_equal(block.forward(x), x)


def test_moving_statistics_move_while_training_only():
    block = built(Residual([BatchNormalization(momentum=0.5)]), (2,))
    block.forward(np.full((3, 2), 4.0), training=True)
    np.testing.assert_array_equal(block.state["layers/0/moving_mean"], [2, 2])
    block.forward(np.full((3, 2), 9.0))
    np.testing.assert_array_equal(block.state["layers/0/moving_mean"], [2, 2])


def test_a_whole_network_with_blocks_in_blocks_passes_the_gradient_check():
    block = Residual([Conv2D(2, 3, padding="same", use_bias=False), BatchNormalization(), Tanh()])
    x = np.random.default_rng(0).standard_normal((3, 4, 3, 2))
    model = Sequential([Residual([block, Tanh(), Conv2D(3, 1)], [Conv2D(3, 1)]), Flatten(), Dense(4)])
    model.build((4, 3, 2), seed=0)
    report = check_model(model, SoftmaxCrossEntropy(), x, np.array([0, 3, 1]))
    assert report.error < 1e-6
    assert "0/layers/0/layers/0/kernel" in [c.name for c in report.comparisons]


def test_freezing_the_block_freezes_what_is_inside_and_a_frozen_layer_inside_stays():
    block = built(Residual([Dense(2), BatchNormalization()], trainable=False), (2,))
    assert [layer.trainable for layer in block.layers] == [False, False]
    assert block.learned() == {}
    before = copy.deepcopy(block.state)
    block.forward(np.ones((3, 2)), training=True)
    np.testing.assert_array_equal(block.state["layers/1/moving_mean"], before["layers/1/moving_mean"])
    block.trainable = True
    assert len(block.learned()) == 4
    block.layers[0].trainable = False
    assert [*block.learned()] == ["layers/1/gamma", "layers/1/beta"]


def test_training_moves_the_arrays_inside_and_a_saved_model_comes_back(tmp_path):
    x = np.random.default_rng(0).standard_normal((32, 5, 4, 1)).astype(np.float32)
    model = Sequential(
        [Residual([Conv2D(2, 3, padding="same"), BatchNormalization()], [Conv2D(2, 1)]), Flatten(), Dense(2)]
    )
    model.build(x.shape[1:], seed=0)
    before = model.layers[0].layers[0].params["kernel"].copy()
    run = fit(model, SoftmaxCrossEntropy(), SGD(0.1), x, np.arange(32) % 2, epochs=2, batch_size=8)
    assert not np.array_equal(model.layers[0].layers[0].params["kernel"], before)
    assert run.steps["loss"][-1] < run.steps["loss"][0] * 2
    save(model, tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.forward(x), model.forward(x))
    assert again.weights().keys() == model.weights().keys()


def test_a_step_that_ends_without_a_finite_loss_leaves_the_statistics_inside():
    model = Sequential([Residual([BatchNormalization()]), Dense(2)])
    model.build((2,), seed=0)
    x = np.array([[1, 2], [np.inf, 4]], np.float32)
    with pytest.raises(FloatingPointError):
        fit(model, SoftmaxCrossEntropy(), SGD(0.1), x, np.array([0, 1]), epochs=1, batch_size=2)
    for array in model.layers[0].state.values():
        assert np.isfinite(array).all()
    assert np.isfinite(model.forward(np.ones((1, 2), np.float32))).all()


def test_ways_of_different_shapes_are_refused_with_what_to_do(refuses):
    with refuses(
        "Residual adds what its layers and its shortcut return, so both must return one shape. Received "
        "(2, 2, 5) from layers and (4, 4, 3) from shortcut. Put a Conv2D with kernel_size=1 and the same "
        "filters and strides into shortcut."
    ):
        Residual([Conv2D(5, 3, strides=2, padding="same")]).build((4, 4, 3), np.random.default_rng(0))


def test_what_is_no_layer_or_stands_twice_is_refused():
    relu = ReLU()
    with pytest.raises(ValueError, match="layers must be layer objects"):
        Residual([np.tanh])
    with pytest.raises(ValueError, match="every layer must be an object of its own"):
        Residual([relu], [relu])
    with pytest.raises(ValueError, match="needs at least one layer"):
        Residual([])
