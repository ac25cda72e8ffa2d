"""ZeroPadding2D: which side gets how many zeros."""

import numpy as np
import pytest

from cnnbook.nn import Conv2D, ReflectionPadding2D, ReplicationPadding2D, ZeroPadding2D


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


@pytest.mark.parametrize(
    ("layer", "mode"), [(ReflectionPadding2D, "reflect"), (ReplicationPadding2D, "edge")]
)
@pytest.mark.parametrize("padding", [0, 1, (2, 1), ((0, 2), (3, 0))])
def test_copied_frames_are_those_of_numpy(layer, mode, padding):
    layer, x = layer(padding), np.random.default_rng(0).standard_normal((2, 3, 4, 2))
    np.testing.assert_array_equal(layer.forward(x), np.pad(x, ((0, 0), *layer.padding, (0, 0)), mode=mode))


def test_a_pixel_gets_the_gradients_of_all_its_copies():
    x = np.zeros((1, 1, 3, 1))
    for layer, copies in ((ReflectionPadding2D, [2, 3, 2]), (ReplicationPadding2D, [3, 1, 3])):
        layer = layer(((0, 0), (2, 2)))
        layer.forward(x, training=True)
        assert layer.backward(np.ones((1, 1, 7, 1))).ravel().tolist() == copies


def test_a_mirror_image_has_no_more_pixels_than_the_image(refuses):
    assert ReflectionPadding2D(2).output_shape((3, 3, 1)) == (7, 7, 1)
    with refuses(
        "ReflectionPadding2D: padding must be smaller than the image, whose mirror image has no more pixels. "
        "Received padding=((0, 0), (3, 0)) for 3x3 pixels."
    ):
        ReflectionPadding2D(((0, 0), (3, 0))).output_shape((3, 3, 1))
