"""Flatten and Rescaling: where numbers go, and which numbers come in."""

import numpy as np
import pytest

from cnnbook.nn import Flatten, Rescaling


def test_flatten_lays_channels_out_fastest_then_columns_then_rows():
    x = np.arange(2 * 2 * 3 * 4).reshape(2, 2, 3, 4)
    out = Flatten().forward(x)
    for n, i, j, c in np.ndindex(x.shape):
        assert out[n, (i * 3 + j) * 4 + c] == x[n, i, j, c]


def test_flatten_backward_sends_every_number_back_to_its_place():
    flatten, x = Flatten(), np.random.default_rng(0).standard_normal((2, 2, 3, 4))
    out = flatten.forward(x, training=True)
    np.testing.assert_array_equal(flatten.backward(out), x)


def test_flatten_turns_a_vector_into_itself():
    assert Flatten().output_shape((7,)) == (7,)
    assert Flatten().output_shape((28, 28, 3)) == (28 * 28 * 3,)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_rescaling_takes_whole_number_pixels_and_returns_the_dtype_it_was_built_with(dtype):
    pixels = np.array([[0, 51, 102]], dtype)
    for built_in in (np.float32, np.float64):
        rescaling = Rescaling(1 / 255)
        rescaling.build((3,), dtype=built_in)
        out = rescaling.forward(pixels)
        assert out.dtype == built_in
        np.testing.assert_allclose(out, [[0, 0.2, 0.4]], rtol=1e-6)


def test_rescaling_works_unbuilt_in_float32_or_in_the_dtype_that_comes():
    rescaling = Rescaling(scale=2, offset=1)
    assert rescaling.forward(np.array([[3]], np.uint8)).dtype == np.float32
    assert rescaling.forward(np.array([[3.0]])).tolist() == [[7]]


def test_rescaling_refuses_another_float_dtype_like_every_layer():
    rescaling = Rescaling(1 / 255)
    rescaling.build((3,))
    with pytest.raises(ValueError, match="was built to compute in float32"):
        rescaling.forward(np.ones((1, 3)))


def test_rescaling_refuses_a_list(refuses):
    with refuses(
        "Rescaling works on NumPy arrays. Received x of type list. Convert it with np.asarray(x, np.float32)."
    ):
        Rescaling(1 / 255).forward([[1]])


@pytest.mark.parametrize("name", ["scale", "offset"])
@pytest.mark.parametrize("value", ["1/255", None, float("nan"), float("inf")])
def test_rescaling_refuses_what_is_no_number(refuses, name, value):
    with refuses(f"Rescaling: {name} must be a number in (-inf, inf). Received {name}={value!r}."):
        Rescaling(**{"scale": 1, name: value})
