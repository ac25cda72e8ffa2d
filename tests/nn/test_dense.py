"""The dense layer: by hand, by loops, and what it refuses. Its gradients are checked in test_battery."""

import numpy as np
import pytest

from cnnbook.nn import Dense, HeUniform, Zeros


def built(dense, features=4, seed=0):
    dense.build((features,), np.random.default_rng(seed), np.float64)
    for name, param in dense.params.items():
        dense.params[name] = np.random.default_rng(seed + 1).standard_normal(param.shape)
    return dense


def test_forward_and_backward_equal_plain_loops():
    rng = np.random.default_rng(0)
    dense, x = built(Dense(3)), rng.standard_normal((2, 4))
    kernel, bias = dense.params["kernel"], dense.params["bias"]
    out = dense.forward(x, training=True)
    dout = rng.standard_normal((2, 3))
    dx = dense.backward(dout)
    dkernel = np.zeros((4, 3))
    for n, u in np.ndindex(2, 3):
        assert out[n, u] == pytest.approx(bias[u] + sum(x[n, d] * kernel[d, u] for d in range(4)))
        for d in range(4):
            dkernel[d, u] += x[n, d] * dout[n, u]
    np.testing.assert_allclose(dense.grads["kernel"], dkernel)
    np.testing.assert_allclose(dense.grads["bias"], dout[0] + dout[1])
    for n, d in np.ndindex(2, 4):
        assert dx[n, d] == pytest.approx(sum(dout[n, u] * kernel[d, u] for u in range(3)))


def test_every_unit_has_a_bias_of_its_own_and_it_starts_at_zero():
    dense = Dense(3)
    dense.build((4,), np.random.default_rng(0))
    assert dense.params["bias"].tolist() == [0, 0, 0]
    dense.params["bias"][:] = [1, 10, 100]
    assert dense.forward(np.zeros((2, 4), np.float32)).tolist() == [[1, 10, 100]] * 2


def test_without_bias_there_is_only_a_kernel():
    dense = built(Dense(3, use_bias=False))
    assert list(dense.params) == ["kernel"]
    assert not dense.forward(np.zeros((2, 4))).any()


def test_the_kernel_comes_from_the_initializer():
    dense = Dense(300, kernel_initializer=HeUniform())
    dense.build((100,), np.random.default_rng(0))
    assert dense.params["kernel"].std() == pytest.approx((2 / 100) ** 0.5, rel=0.02)
    dense = Dense(3, kernel_initializer=Zeros())
    dense.build((4,), np.random.default_rng(0))
    assert not dense.params["kernel"].any()


def test_the_input_gradient_is_left_out_when_nobody_asks():
    dense = built(Dense(3))
    out = dense.forward(np.ones((2, 4)), training=True)
    assert dense.backward(out, input_gradient=False) is None
    assert set(dense.grads) == {"kernel", "bias"}


@pytest.mark.parametrize("units", [0, -3, 2.5, None])
def test_a_layer_without_units_is_refused(refuses, units):
    with refuses(f"Dense: units must be a whole number of at least 1. Received units={units!r}."):
        Dense(units)


def test_an_initializer_named_by_a_string_is_refused(refuses):
    with refuses(
        "Dense: kernel_initializer must be an initializer object such as GlorotUniform(). "
        "Received kernel_initializer='he_normal'."
    ):
        Dense(3, kernel_initializer="he_normal")


def test_an_image_is_refused_with_advice(refuses):
    with refuses(
        "Dense works on vectors of shape (features,). Received input_shape=(28, 28, 1). "
        "Put Flatten() before it."
    ):
        Dense(3).build((28, 28, 1), np.random.default_rng(0))
