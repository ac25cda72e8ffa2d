"""Convolution: by hand, against plain loops, against finite differences, and the laws it obeys."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import geometries

from cnnbook.nn import Conv2D, DepthwiseConv2D, HeNormal, Zeros
from cnnbook.shapes import pad_amounts

HAND_ROWS = "11100", "01110", "00111", "00110", "01100"
HAND_IMAGE = np.array([[int(pixel) for pixel in row] for row in HAND_ROWS])
HAND_KERNEL = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])


def built(conv, input_shape, dtype=np.float64, seed=0):
    conv.build(input_shape, np.random.default_rng(seed), dtype)
    for name, param in conv.params.items():
        conv.params[name] = np.random.default_rng(seed + 1).standard_normal(param.shape).astype(dtype)
    return conv


def slow_conv(x, kernel, bias, strides, padding, dilation_rate, groups):
    """The formula of the docstring, word by word: a tap outside the image reads zero."""
    n_images, height, width, _ = x.shape
    k_h, k_w, channels, filters = kernel.shape
    out_height, out_width = conv_size(x.shape, kernel.shape, strides, padding, dilation_rate)
    top, _ = pad_amounts(height, k_h, strides[0], dilation_rate[0], padding)
    left, _ = pad_amounts(width, k_w, strides[1], dilation_rate[1], padding)
    out = np.zeros((n_images, out_height, out_width, filters))
    for n, i, j, f in np.ndindex(out.shape):
        out[n, i, j, f] = bias[f]
        first = f // (filters // groups) * channels
        for u, v, c in itertools.product(range(k_h), range(k_w), range(channels)):
            row = i * strides[0] + u * dilation_rate[0] - top
            column = j * strides[1] + v * dilation_rate[1] - left
            if 0 <= row < height and 0 <= column < width:
                out[n, i, j, f] += x[n, row, column, first + c] * kernel[u, v, c, f]
    return out


def conv_size(x_shape, kernel_shape, strides, padding, dilation_rate):
    for size, k, s, d in zip(x_shape[1:3], kernel_shape, strides, dilation_rate, strict=False):
        before, after = pad_amounts(size, k, s, d, padding)
        yield (size + before + after - d * (k - 1) - 1) // s + 1


def test_the_hand_example_gives_434_243_234():
    conv = built(Conv2D(1, 3, use_bias=False), (5, 5, 1))
    conv.params["kernel"] = HAND_KERNEL.reshape(3, 3, 1, 1).astype(float)
    out = conv.forward(HAND_IMAGE.reshape(1, 5, 5, 1).astype(float))
    assert out[0, :, :, 0].tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


def test_thirty_two_channels_are_summed():
    conv = built(Conv2D(1, 3, use_bias=False), (5, 5, 32))
    conv.params["kernel"] = np.repeat(HAND_KERNEL.reshape(3, 3, 1, 1), 32, axis=2).astype(float)
    x = np.repeat(HAND_IMAGE.reshape(1, 5, 5, 1), 32, axis=3).astype(float)
    assert conv.forward(x)[0, :, :, 0].tolist() == [[128, 96, 128], [64, 128, 96], [64, 96, 128]]


def test_the_kernel_is_not_flipped_forward():
    conv = built(Conv2D(1, (1, 2), use_bias=False), (1, 3, 1))
    conv.params["kernel"] = np.array([1.0, 10.0]).reshape(1, 2, 1, 1)
    assert conv.forward(np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)).ravel().tolist() == [21, 32]


def test_backward_by_hand_in_one_dimension():
    conv = built(Conv2D(1, (1, 2)), (1, 3, 1))
    conv.params["kernel"] = np.array([1.0, 10.0]).reshape(1, 2, 1, 1)
    conv.forward(np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1), training=True)
    dx = conv.backward(np.array([1.0, 100.0]).reshape(1, 1, 2, 1))
    assert conv.grads["kernel"].ravel().tolist() == [1 + 200, 2 + 300]
    assert conv.grads["bias"].tolist() == [101]
    assert dx.ravel().tolist() == [1, 10 + 100, 1000]


@given(geometries(), st.sampled_from([1, 2, 3]), st.booleans())
def test_forward_equals_plain_loops(case, groups, use_bias):
    conv = Conv2D(2 * groups, *case[3:5], case.padding, case.dilation_rate, groups, use_bias)
    x = case.rng.standard_normal((case.n, *case.size, case.channels * groups))
    built(conv, x.shape[1:])
    bias = conv.params.get("bias", np.zeros(conv.filters))
    slow = slow_conv(x, conv.params["kernel"], bias, case.strides, case.padding, case.dilation_rate, groups)
    out = conv.forward(x)
    assert out.shape[1:] == conv.output_shape(x.shape[1:])
    np.testing.assert_allclose(out, slow, atol=1e-11)


def test_convolution_is_linear():
    rng = np.random.default_rng(0)
    conv = built(Conv2D(4, (3, 2), strides=(2, 1), padding="same", use_bias=False), (5, 6, 3))
    x, other = rng.standard_normal((2, 2, 5, 6, 3))
    together = conv.forward(2 * x - 3 * other)
    np.testing.assert_allclose(together, 2 * conv.forward(x) - 3 * conv.forward(other), atol=1e-12)


def test_the_bias_is_one_number_per_filter_added_everywhere():
    conv = built(Conv2D(4, (3, 2), padding="same"), (5, 6, 3))
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 3))
    out = conv.forward(x)
    assert conv.params["bias"].shape == (4,)
    conv.use_bias = False
    np.testing.assert_allclose(out - conv.forward(x), np.broadcast_to(conv.params["bias"], out.shape))


@pytest.mark.parametrize("kernel_size", [(1, 1), (3, 5), (2, 3), (4, 2)])
def test_an_identity_kernel_hands_the_image_through(kernel_size):
    conv = built(Conv2D(3, kernel_size, padding="same", use_bias=False), (5, 6, 3))
    (top, _), (left, _) = conv.pads()
    conv.params["kernel"][:] = 0
    conv.params["kernel"][top, left] = np.eye(3)
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 3))
    np.testing.assert_array_equal(conv.forward(x), x)


@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
def test_shifting_the_image_by_a_stride_shifts_the_output_by_one(strides):
    conv = built(Conv2D(4, (3, 2), strides=strides, dilation_rate=2), (12, 13, 2))
    x = np.random.default_rng(0).standard_normal((2, 12, 13, 2))
    out = conv.forward(x)
    shifted = conv.forward(np.roll(x, strides, axis=(1, 2)))
    np.testing.assert_allclose(shifted[:, 1:, 1:], out[:, :-1, :-1], atol=1e-12)


def test_a_group_does_not_see_the_other_groups_channels():
    conv = built(Conv2D(4, 3, groups=2), (5, 6, 6))
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 6))
    out = conv.forward(x)
    x[..., 3:] = 0
    changed = conv.forward(x)
    np.testing.assert_array_equal(changed[..., :2], out[..., :2])
    assert not np.isclose(changed[..., 2:], out[..., 2:]).any()
    assert conv.params["kernel"].shape == (3, 3, 3, 4)


def test_the_input_gradient_is_left_out_when_nobody_asks():
    conv = built(Conv2D(4, 3), (5, 6, 3))
    out = conv.forward(np.ones((2, 5, 6, 3)), training=True)
    assert conv.backward(out, input_gradient=False) is None
    assert set(conv.grads) == {"kernel", "bias"}


def test_an_empty_batch_goes_through():
    conv = built(Conv2D(4, 3), (5, 6, 3))
    out = conv.forward(np.ones((0, 5, 6, 3)), training=True)
    assert out.shape == (0, 3, 4, 4)
    assert conv.backward(out).shape == (0, 5, 6, 3)
    assert not conv.grads["kernel"].any()


def test_the_bias_starts_at_zero_and_the_kernel_where_the_initializer_says():
    conv = Conv2D(400, 3, kernel_initializer=HeNormal())
    conv.build((5, 6, 8), np.random.default_rng(0))
    assert not conv.params["bias"].any()
    assert conv.params["kernel"].std() == pytest.approx((2 / 72) ** 0.5, rel=0.03)
    conv = Conv2D(4, 3, kernel_initializer=Zeros(), use_bias=False)
    conv.build((5, 6, 8), np.random.default_rng(0))
    assert list(conv.params) == ["kernel"]
    assert not conv.params["kernel"].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 0}, "filters must be a whole number of at least 1. Received filters=0."),
        (
            {"kernel_size": 0},
            "kernel_size must be a whole number of at least 1 or a pair (height, width) of them. "
            "Received kernel_size=0.",
        ),
        (
            {"strides": (1, 0)},
            "strides must be a whole number of at least 1 or a pair (height, width) of them. "
            "Received strides=(1, 0).",
        ),
        (
            {"dilation_rate": 0},
            "dilation_rate must be a whole number of at least 1 or a pair (height, width) of them. "
            "Received dilation_rate=0.",
        ),
        ({"padding": "full"}, "padding must be 'valid' or 'same'. Received padding='full'."),
        ({"groups": 0}, "groups must be a whole number of at least 1. Received groups=0."),
        ({"groups": 3}, "groups must divide filters. Received filters=4, groups=3."),
        (
            {"kernel_initializer": "he_normal"},
            "kernel_initializer must be an initializer object such as GlorotUniform(). "
            "Received kernel_initializer='he_normal'.",
        ),
    ],
)
def test_the_constructor_refuses_impossible_values(refuses, arguments, message):
    with refuses(f"Conv2D: {message}"):
        Conv2D(**{"filters": 4, "kernel_size": 3, **arguments})


def test_build_refuses_a_window_larger_than_the_image(refuses):
    with refuses(
        "Conv2D: a 5x5 window does not fit a 3x3 input with padding='valid'. "
        "Use padding='same' or a smaller kernel_size."
    ):
        Conv2D(4, 5).build((3, 3, 1), np.random.default_rng(0))


def test_build_refuses_groups_that_do_not_divide_the_channels(refuses):
    with refuses("Conv2D: groups must divide the input channels. Received 3 channels and groups=2."):
        Conv2D(4, 3, groups=2).build((5, 5, 3), np.random.default_rng(0))


def test_build_refuses_what_is_no_image(refuses):
    with refuses(
        "Conv2D works on images of shape (height, width, channels), all at least 1. "
        "Received input_shape=(28, 28)."
    ):
        Conv2D(4, 3).build((28, 28), np.random.default_rng(0))


@pytest.mark.parametrize(("padding", "depth_multiplier"), [("valid", 1), ("same", 2), ("valid", 3)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_a_depthwise_convolution_is_a_convolution_with_one_group_per_channel(
    padding, depth_multiplier, use_bias
):
    geometry = {"strides": (2, 1), "dilation_rate": (1, 2), "padding": padding, "use_bias": use_bias}
    depthwise = built(DepthwiseConv2D((2, 3), depth_multiplier=depth_multiplier, **geometry), (6, 7, 3))
    conv = Conv2D(3 * depth_multiplier, (2, 3), groups=3, **geometry)
    conv.build((6, 7, 3), np.random.default_rng(0), np.float64)
    conv.params["kernel"] = depthwise.params["kernel"].reshape(conv.params["kernel"].shape)
    conv.params["bias"] = depthwise.params.get("bias")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 6, 7, 3))
    out = depthwise.forward(x, training=True)
    np.testing.assert_allclose(out, conv.forward(x, training=True), atol=1e-12)
    dout = rng.standard_normal(out.shape)
    np.testing.assert_allclose(depthwise.backward(dout), conv.backward(dout), atol=1e-12)
    for name, grad in depthwise.grads.items():
        np.testing.assert_allclose(grad, conv.grads[name].reshape(grad.shape), atol=1e-12)


def test_the_depthwise_kernel_is_drawn_with_keras_fans():
    conv = DepthwiseConv2D((3, 4), depth_multiplier=40, depthwise_initializer=HeNormal())
    conv.build((5, 6, 8), np.random.default_rng(0))
    assert conv.params["kernel"].shape == (3, 4, 8, 40)
    assert conv.params["kernel"].std() == pytest.approx((2 / (3 * 4 * 8)) ** 0.5, rel=0.03)
    assert conv.params["bias"].shape == (320,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"kernel_size": (3, 0)},
            "kernel_size must be a whole number of at least 1 or a pair (height, width) of them. "
            "Received kernel_size=(3, 0).",
        ),
        (
            {"strides": 0},
            "strides must be a whole number of at least 1 or a pair (height, width) of them. "
            "Received strides=0.",
        ),
        (
            {"dilation_rate": -1},
            "dilation_rate must be a whole number of at least 1 or a pair (height, width) of them. "
            "Received dilation_rate=-1.",
        ),
        ({"padding": "full"}, "padding must be 'valid' or 'same'. Received padding='full'."),
        (
            {"depth_multiplier": 0},
            "depth_multiplier must be a whole number of at least 1. Received depth_multiplier=0.",
        ),
        (
            {"depthwise_initializer": "he_normal"},
            "depthwise_initializer must be an initializer object such as GlorotUniform(). "
            "Received depthwise_initializer='he_normal'.",
        ),
    ],
)
def test_the_depthwise_constructor_refuses_impossible_values(refuses, arguments, message):
    with refuses(f"DepthwiseConv2D: {message}"):
        DepthwiseConv2D(**{"kernel_size": 3, **arguments})


def test_the_depthwise_build_refuses_a_window_larger_than_the_image(refuses):
    with refuses(
        "DepthwiseConv2D: a 3x5 window does not fit a 3x4 input with padding='valid'. "
        "Use padding='same' or a smaller kernel_size."
    ):
        DepthwiseConv2D((3, 3), dilation_rate=(1, 2)).build((3, 4, 1), np.random.default_rng(0))
