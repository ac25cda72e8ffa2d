"""Upsampling by repeating pixels."""

import numpy as np
import pytest

from cnnbook.nn import AveragePooling2D, UpSampling2D


def test_every_pixel_fills_a_block():
    x = np.arange(6.0).reshape(1, 2, 3, 1)
    out = UpSampling2D((2, 3)).forward(x)
    for i, j in np.ndindex(4, 9):
        assert out[0, i, j, 0] == x[0, i // 2, j // 3, 0]


def test_average_pooling_takes_it_back():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 2))
    np.testing.assert_allclose(AveragePooling2D((2, 3)).forward(UpSampling2D((2, 3)).forward(x)), x)


def test_other_interpolations_and_sizes_are_refused(refuses):
    with refuses(
        "UpSampling2D: interpolation must be 'nearest'; Keras' others are not implemented here. "
        "Received interpolation='bilinear'."
    ):
        UpSampling2D(2, "bilinear")
    with pytest.raises(ValueError, match="UpSampling2D: size must be"):
        UpSampling2D(0)
