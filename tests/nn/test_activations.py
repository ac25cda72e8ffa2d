"""Activations: known values, far tails without overflow, the kinks' side, softmax's laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbook.nn import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh, softmax

FAR = np.array([[-1e4, -100.0, -1.0, 0.0, 1.0, 100.0, 1e4]])


def there_and_back(layer, x, dout=None):
    out = layer.forward(x, training=True)
    return out, layer.backward(np.ones_like(out) if dout is None else dout)


def test_relu_cuts_at_zero_and_passes_no_gradient_there():
    out, dx = there_and_back(ReLU(), FAR)
    assert out.tolist() == [[0, 0, 0, 0, 1, 100, 1e4]]
    assert dx.tolist() == [[0, 0, 0, 0, 1, 1, 1]]


def test_relu_does_not_hide_a_nan():
    assert np.isnan(ReLU().forward(np.array([[np.nan]]))).all()


def test_leaky_relu_has_two_slopes_and_the_small_one_at_zero():
    out, dx = there_and_back(LeakyReLU(negative_slope=0.25), FAR)
    assert out.tolist() == [[-2500, -25, -0.25, 0, 1, 100, 1e4]]
    assert dx.tolist() == [[0.25, 0.25, 0.25, 0.25, 1, 1, 1]]


def test_leaky_relu_has_keras_default_slope():
    assert LeakyReLU().negative_slope == 0.3


@pytest.mark.parametrize("slope", [-0.1, float("inf"), "0.1", None])
def test_leaky_relu_refuses_a_slope_that_is_no_number_of_at_least_zero(refuses, slope):
    with refuses(
        f"LeakyReLU: negative_slope must be a number in [0, inf). Received negative_slope={slope!r}."
    ):
        LeakyReLU(negative_slope=slope)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_has_its_values_in_both_tails_without_overflow(dtype):
    out, dx = there_and_back(Sigmoid(), FAR.astype(dtype))
    expected = [0.0, math.exp(-100), 1 / (1 + math.e), 0.5, 1 / (1 + math.exp(-1)), 1.0, 1.0]
    np.testing.assert_allclose(out[0], expected, rtol=1e-6, atol=1e-44)
    np.testing.assert_allclose(dx, out * (1 - out), rtol=1e-6)
    assert dx[0, 3] == 0.25


def test_tanh_has_its_values():
    out, dx = there_and_back(Tanh(), FAR)
    np.testing.assert_allclose(out[0], [math.tanh(x) for x in FAR[0]])
    np.testing.assert_allclose(dx[0], [1 - math.tanh(x) ** 2 for x in FAR[0]])


def test_softmax_layer_and_function_agree_and_normalise_the_last_axis():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    out = Softmax().forward(x)
    np.testing.assert_allclose(out, np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True))
    np.testing.assert_array_equal(out, softmax(x))


def test_softmax_backward_is_the_jacobian_of_every_row():
    rng = np.random.default_rng(0)
    x, dout = rng.standard_normal((2, 4)), rng.standard_normal((2, 4))
    out, dx = there_and_back(Softmax(), x, dout)
    for n in range(2):
        jacobian = np.diag(out[n]) - np.outer(out[n], out[n])
        np.testing.assert_allclose(dx[n], jacobian @ dout[n])


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=6), st.floats(-1e4, 1e4))
def test_softmax_sums_to_one_and_does_not_care_about_a_common_shift(scores, shift):
    x = np.array([scores])
    out = Softmax().forward(x)
    assert out.sum() == pytest.approx(1)
    np.testing.assert_allclose(Softmax().forward(x + shift), out, atol=1e-9)


@pytest.mark.parametrize("layer", [ReLU(), LeakyReLU(), Sigmoid(), Tanh(), Softmax()])
def test_an_activation_leaves_its_input_and_its_gradient_alone(layer):
    x, dout = FAR.copy(), FAR.copy() / 7
    layer.forward(x, training=True)
    layer.backward(dout)
    np.testing.assert_array_equal(x, FAR)
    np.testing.assert_array_equal(dout, FAR / 7)
