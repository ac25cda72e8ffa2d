"""ZeroPadding2D: which side gets how many zeros."""

import numpy as np
import pytest

from cnnbook.nn import Conv2D, ZeroPadding2D


@pytest.mark.parametrize(
    ("padding", "frame"),
    [
        (0, ((0, 0), (0, 0))),
        (2, ((2, 2), (2, 2))),
        ((1, 3), ((1, 1), (3, 3))),
        ([1, 3], ((1, 1), (3, 3))),
        (((1, 2), (3, 4)), ((1, 2), (3, 4))),
        ([[1, 2], [3, 4]], ((1, 2), (3, 4))),
        ((1, (3, 4)), ((1, 1), (3, 4))),
        (np.int64(1), ((1, 1), (1, 1))),
    ],
)
def test_one_number_a_pair_and_two_pairs_mean_top_bottom_left_right(padding, frame):
    layer = ZeroPadding2D(padding)
    (top, bottom), (left, right) = layer.padding
    assert layer.padding == frame
    assert layer.output_shape((5, 6, 2)) == (5 + top + bottom, 6 + left + right, 2)
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 2))
    out = layer.forward(x, training=True)
    np.testing.assert_array_equal(out[:, top : top + 5, left : left + 6], x)
    assert np.count_nonzero(out) == x.size
    np.testing.assert_array_equal(layer.backward(out), x)


def test_the_default_is_one_pixel_on_every_side():
    assert ZeroPadding2D().padding == ((1, 1), (1, 1))


def test_padding_then_a_valid_convolution_is_a_same_convolution():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 6, 2))
    same, valid = Conv2D(3, (4, 3), padding="same"), Conv2D(3, (4, 3))
    same.build((5, 6, 2), rng, np.float64)
    padding = ZeroPadding2D(same.pads())
    valid.build(padding.output_shape((5, 6, 2)), rng, np.float64)
    valid.params = same.params
    np.testing.assert_allclose(valid.forward(padding.forward(x)), same.forward(x))


@pytest.mark.parametrize(
    "padding", [-1, (1, -1), (1, 2, 3), ((1, 2), (3,)), ((1, 2), (3, -4)), 1.5, True, "same", None, ()]
)
def test_any_other_padding_is_refused(refuses, padding):
    with refuses(
        "ZeroPadding2D: padding must be a number of pixels >= 0, a pair (height, width) of them or "
        f"((top, bottom), (left, right)). Received padding={padding!r}."
    ):
        ZeroPadding2D(padding)


def test_what_is_no_image_is_refused(refuses):
    sentence = (
        "ZeroPadding2D works on images of shape (height, width, channels), all at least 1. "
        "Received input_shape=(28, 28)."
    )
    with refuses(sentence):
        ZeroPadding2D().build((28, 28))
    with refuses(sentence):
        ZeroPadding2D().forward(np.ones((1, 28, 28)))
