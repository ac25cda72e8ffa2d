"""Per-channel arithmetic on pixel rows: the same as the slow way along the last axis."""

import numpy as np
import pytest

from cnnbook.nn.channels import channel_sums, pixel_rows, spread

shapes = pytest.mark.parametrize("shape", [(6, 3), (2, 4, 5, 3), (0, 4, 5, 3)])


def draw(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@shapes
def test_one_number_per_channel_is_applied_to_every_pixel(shape):
    x, vector = draw(shape), draw(shape[-1], 1)
    np.testing.assert_array_equal((pixel_rows(x) * spread(vector, shape)).reshape(shape), x * vector)


@shapes
def test_channel_sums_add_up_all_pixels_of_each_channel(shape):
    x, other, axes = draw(shape), draw(shape, 1), tuple(range(len(shape) - 1))
    np.testing.assert_allclose(channel_sums(pixel_rows(x), 3), x.sum(axis=axes), atol=1e-12)
    products = channel_sums(pixel_rows(x), 3, times=pixel_rows(other))
    np.testing.assert_allclose(products, (x * other).sum(axis=axes), atol=1e-12)


def test_pixel_rows_are_a_view_of_what_is_contiguous():
    x = np.zeros((2, 4, 5, 3))
    pixel_rows(x)[...] = 1
    assert x.all()
    assert pixel_rows(x).shape == (8, 15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_keep_the_dtype(dtype):
    x = np.ones((2, 3, 4, 5), dtype)
    assert (
        channel_sums(pixel_rows(x), 5).dtype == channel_sums(pixel_rows(x), 5, pixel_rows(x)).dtype == dtype
    )
