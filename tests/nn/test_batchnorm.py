"""Batch normalisation: its statistics, its two modes, its gradient the long way, and folding."""

import copy

import numpy as np
import pytest

from cnnbook.nn import BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Flatten, fold

SHAPES = [(6,), (4, 5, 3)]


def built(norm, input_shape, seed=0):
    """A layer with telling parameters and statistics: nothing is 0 or 1."""
    rng = np.random.default_rng(seed)
    norm.build(input_shape, rng, np.float64)
    for arrays in (norm.params, norm.state):
        for name, array in arrays.items():
            arrays[name] = rng.uniform(0.5, 2, array.shape)
    return norm


def batch(input_shape, n=7, seed=1):
    return np.random.default_rng(seed).normal(3, 2, (n, *input_shape))


def axes(x):
    return tuple(range(x.ndim - 1))


def test_a_fresh_layer_has_keras_names_in_keras_order_and_starts_as_the_identity_at_inference():
    norm = BatchNormalization()
    norm.build((4, 5, 3))
    assert {name: array.tolist() for name, array in norm.params.items()} == {
        "gamma": [1, 1, 1],
        "beta": [0, 0, 0],
    }
    assert {name: array.tolist() for name, array in norm.state.items()} == {
        "moving_mean": [0, 0, 0],
        "moving_variance": [1, 1, 1],
    }
    assert list(norm.params) + list(norm.state) == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert (norm.momentum, norm.epsilon) == (0.99, 0.001)


@pytest.mark.parametrize("input_shape", SHAPES)
def test_training_gives_every_channel_mean_beta_and_deviation_gamma(input_shape):
    norm = built(BatchNormalization(epsilon=1e-12), input_shape)
    out = norm.forward(batch(input_shape), training=True)
    np.testing.assert_allclose(out.mean(axis=axes(out)), norm.params["beta"])
    np.testing.assert_allclose(out.std(axis=axes(out)), norm.params["gamma"])


@pytest.mark.parametrize("input_shape", SHAPES)
def test_forward_is_the_formula_with_the_biased_variance_and_epsilon_under_the_root(input_shape):
    norm = built(BatchNormalization(epsilon=0.3), input_shape)
    x = batch(input_shape)
    x_hat = (x - x.mean(axis=axes(x))) / np.sqrt(x.var(axis=axes(x)) + 0.3)
    expected = norm.params["gamma"] * x_hat + norm.params["beta"]
    np.testing.assert_allclose(norm.forward(x, training=True), expected)


@pytest.mark.parametrize("input_shape", SHAPES)
def test_moving_statistics_keep_momentum_of_the_old_and_take_the_rest_from_the_batch(input_shape):
    norm = built(BatchNormalization(momentum=0.8), input_shape)
    old, x = copy.deepcopy(norm.state), batch(input_shape)
    norm.forward(x, training=True)
    for name, new in (("moving_mean", x.mean(axis=axes(x))), ("moving_variance", x.var(axis=axes(x)))):
        np.testing.assert_allclose(norm.state[name], 0.8 * old[name] + 0.2 * new)


@pytest.mark.parametrize("input_shape", SHAPES)
def test_inference_uses_the_moving_statistics_and_changes_nothing(input_shape):
    norm = built(BatchNormalization(epsilon=0.3), input_shape)
    x, old = batch(input_shape), copy.deepcopy(norm.state)
    x_hat = (x - old["moving_mean"]) / np.sqrt(old["moving_variance"] + 0.3)
    np.testing.assert_allclose(norm.forward(x), norm.params["gamma"] * x_hat + norm.params["beta"])
    for name in old:
        np.testing.assert_array_equal(norm.state[name], old[name])


@pytest.mark.parametrize("input_shape", SHAPES)
def test_a_frozen_layer_trains_as_at_inference_lets_gradients_through_and_remembers_nothing(input_shape):
    norm = built(BatchNormalization(trainable=False), input_shape)
    x, old = batch(input_shape), copy.deepcopy(norm.state)
    inference = norm.forward(x)
    np.testing.assert_array_equal(norm.forward(x, training=True), inference)
    for name in old:
        np.testing.assert_array_equal(norm.state[name], old[name])
    dout = batch(input_shape, seed=2)
    slope = norm.params["gamma"] / np.sqrt(old["moving_variance"] + norm.epsilon)
    np.testing.assert_allclose(norm.backward(dout), dout * slope)


@pytest.mark.parametrize("input_shape", SHAPES)
def test_backward_equals_the_chain_rule_step_by_step(input_shape):
    """The graph of the 2015 paper: x_hat, then variance, then mean, each passing its share on."""
    norm = built(BatchNormalization(epsilon=0.3), input_shape)
    x, dout = batch(input_shape), batch(input_shape, seed=2)
    norm.forward(x, training=True)
    dx = norm.backward(dout)
    m = x.size // x.shape[-1]
    mean, deviation = x.mean(axis=axes(x)), np.sqrt(x.var(axis=axes(x)) + 0.3)
    dx_hat = dout * norm.params["gamma"]
    dvariance = (dx_hat * (x - mean)).sum(axis=axes(x)) * -0.5 / deviation**3
    dmean = -(dx_hat / deviation).sum(axis=axes(x)) + dvariance * (-2 * (x - mean)).sum(axis=axes(x)) / m
    np.testing.assert_allclose(dx, dx_hat / deviation + dvariance * 2 * (x - mean) / m + dmean / m)
    np.testing.assert_allclose(norm.grads["beta"], dout.sum(axis=axes(x)))
    np.testing.assert_allclose(norm.grads["gamma"], (dout * (x - mean) / deviation).sum(axis=axes(x)))


def test_a_constant_channel_becomes_beta_and_passes_no_gradient_on():
    norm = built(BatchNormalization(), (2,))
    out = norm.forward(np.full((4, 2), 7.0), training=True)
    np.testing.assert_allclose(out, np.tile(norm.params["beta"], (4, 1)))
    dx = norm.backward(np.ones((4, 2)))
    np.testing.assert_allclose(dx, 0, atol=1e-12)


def test_a_large_mean_does_not_eat_the_variance():
    norm = BatchNormalization()
    norm.build((1,))
    out = norm.forward(np.array([[4096], [4098]], np.float32), training=True)
    np.testing.assert_allclose(out, [[-1], [1]], atol=1e-3)


def test_gamma_and_beta_can_undo_the_normalisation():
    norm, x = BatchNormalization(), batch((4, 5, 3))
    norm.build((4, 5, 3), dtype=np.float64)
    norm.params["gamma"] = np.sqrt(x.var(axis=(0, 1, 2)) + norm.epsilon)
    norm.params["beta"] = x.mean(axis=(0, 1, 2))
    np.testing.assert_allclose(norm.forward(x, training=True), x)


def test_a_bias_before_batch_norm_has_no_gradient():
    conv, norm, x = Conv2D(3, 2), BatchNormalization(), batch((4, 5, 2))
    norm.build(conv.build((4, 5, 2), np.random.default_rng(0), np.float64), dtype=np.float64)
    out = norm.forward(conv.forward(x, training=True), training=True)
    conv.backward(norm.backward(np.random.default_rng(0).standard_normal(out.shape)))
    assert np.abs(conv.grads["bias"]).max() < 1e-12
    assert np.abs(conv.grads["kernel"]).min() > 1e-3


@pytest.mark.parametrize(("center", "scale"), [(True, False), (False, True), (False, False)])
def test_center_and_scale_decide_what_is_learned(center, scale):
    norm = built(BatchNormalization(center=center, scale=scale), (4, 5, 3))
    assert list(norm.params) == ["gamma"] * scale + ["beta"] * center
    x = batch((4, 5, 3))
    out = norm.forward(x, training=True)
    norm.backward(np.ones_like(out))
    assert list(norm.grads) == list(norm.params)
    x_hat = (x - x.mean(axis=(0, 1, 2))) / np.sqrt(x.var(axis=(0, 1, 2)) + norm.epsilon)
    np.testing.assert_allclose(out, norm.params.get("gamma", 1) * x_hat + norm.params.get("beta", 0))


def test_the_old_statistics_stay_readable_after_a_step():
    norm = built(BatchNormalization(), (3,))
    old = norm.state["moving_mean"]
    copied = old.copy()
    norm.forward(batch((3,)), training=True)
    np.testing.assert_array_equal(old, copied)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, "0.9", None])
def test_a_momentum_outside_zero_and_one_is_refused(refuses, momentum):
    with refuses(f"BatchNormalization: momentum must be a number in [0, 1]. Received momentum={momentum!r}."):
        BatchNormalization(momentum=momentum)


@pytest.mark.parametrize("epsilon", [0, -1e-3, "1e-3"])
def test_an_epsilon_that_is_not_positive_is_refused(refuses, epsilon):
    with refuses(f"BatchNormalization: epsilon must be a number in (0, inf). Received epsilon={epsilon!r}."):
        BatchNormalization(epsilon=epsilon)


def test_an_input_that_is_neither_vector_nor_image_is_refused(refuses):
    with refuses(
        "BatchNormalization works on vectors of shape (features,) or images of shape "
        "(height, width, channels). Received input_shape=(28, 28)."
    ):
        BatchNormalization().build((28, 28))


def test_an_empty_training_batch_is_refused(refuses):
    norm = built(BatchNormalization(), (3,))
    with refuses("BatchNormalization needs at least one example to train on. Received x of shape (0, 3)."):
        norm.forward(np.ones((0, 3)), training=True)


FOLDABLE = [
    (Dense(3), (4,)),
    (Dense(3, use_bias=False), (4,)),
    (Conv2D(4, (3, 2), strides=(1, 2), padding="same"), (5, 6, 3)),
    (Conv2D(4, 2, groups=2, use_bias=False), (5, 6, 2)),
    (DepthwiseConv2D((2, 3), depth_multiplier=2), (5, 6, 3)),
    (DepthwiseConv2D((2, 3), padding="same", use_bias=False), (5, 6, 3)),
]


@pytest.mark.parametrize(("layer", "input_shape"), FOLDABLE, ids=[repr(layer) for layer, _ in FOLDABLE])
@pytest.mark.parametrize("flags", [{}, {"center": False}, {"scale": False}])
def test_the_folded_layer_does_at_inference_what_the_two_layers_did(layer, input_shape, flags):
    layer, rng = copy.deepcopy(layer), np.random.default_rng(0)
    output_shape = layer.build(input_shape, rng, np.float64)
    if layer.use_bias:
        layer.params["bias"] = rng.standard_normal(output_shape[-1])
    norm, x = built(BatchNormalization(**flags), output_shape), batch(input_shape)
    expected = norm.forward(layer.forward(x))
    before = copy.deepcopy((layer.params, norm.params, norm.state))
    folded = fold(norm, into=layer)
    np.testing.assert_allclose(folded.forward(x), expected)
    assert type(folded) is type(layer)
    assert folded.use_bias
    assert list(folded.params) == ["kernel", "bias"]
    assert folded.params["bias"].shape == (output_shape[-1],)
    for arrays, copies in zip((layer.params, norm.params, norm.state), before, strict=True):
        assert arrays.keys() == copies.keys()
        for name in arrays:
            np.testing.assert_array_equal(arrays[name], copies[name])


def test_folding_keeps_float32():
    dense, norm, rng = Dense(3, use_bias=False), BatchNormalization(center=False), np.random.default_rng(0)
    norm.build(dense.build((4,), rng))
    assert {array.dtype for array in fold(norm, into=dense).params.values()} == {np.dtype(np.float32)}


def test_folding_what_is_not_built_or_has_no_kernel_is_refused(refuses):
    norm, flatten = built(BatchNormalization(), (4,)), Flatten()
    flatten.build((2, 2, 1))
    for batchnorm, layer in [(norm, flatten), (norm, Dense(4))]:
        with refuses(
            "fold: batchnorm and the layer with the kernel before it must be built. "
            f"Received {batchnorm!r} and {layer!r}."
        ):
            fold(batchnorm, into=layer)
    dense = Dense(4)
    dense.build((3,), np.random.default_rng(0))
    with refuses(
        "fold: batchnorm and the layer with the kernel before it must be built. "
        f"Received {BatchNormalization()!r} and {dense!r}."
    ):
        fold(BatchNormalization(), into=dense)


def test_folding_a_norm_of_another_shape_is_refused(refuses):
    dense = Dense(4)
    dense.build((3,), np.random.default_rng(0))
    with refuses(
        "fold: batchnorm must follow the layer directly. "
        "Received outputs of shape (4,) and a batchnorm built for (5,)."
    ):
        fold(built(BatchNormalization(), (5,)), into=dense)
