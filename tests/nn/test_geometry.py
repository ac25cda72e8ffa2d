"""Sizes of both axes: the arithmetic of `cnnbook.shapes`, and the refusals that name both numbers."""

import pytest
from hypothesis import given
from support.strategies import geometries

from cnnbook.nn.geometry import count_windows, image_pads
from cnnbook.shapes import output_size, pad_amounts


def test_image_pads_are_the_pads_of_height_and_of_width():
    pads = image_pads((28, 27), (7, 4), (2, 1), (1, 2), "same")
    assert pads == (pad_amounts(28, 7, 2, 1, "same"), pad_amounts(27, 4, 1, 2, "same"))
    assert pads == ((2, 3), (3, 3))
    assert image_pads((28, 27), (7, 4), (2, 1), (1, 2), "valid") == ((0, 0), (0, 0))


@given(geometries())
def test_count_windows_counts_both_axes(case):
    counted = count_windows("Conv2D", (*case.size, case.channels), *case[3:6], case.padding)
    assert counted == tuple(
        output_size(*axis, case.padding) for axis in zip(case.size, *case[3:6], strict=True)
    )


@pytest.mark.parametrize("input_shape", [(28, 28), (28, 28, 1, 1), (0, 28, 1), (28, 28, 0), (28, 2.5, 1)])
def test_count_windows_refuses_what_is_no_image(refuses, input_shape):
    with refuses(
        "Conv2D works on images of shape (height, width, channels), all at least 1. "
        f"Received input_shape={input_shape}."
    ):
        count_windows("Conv2D", input_shape, (3, 3), (1, 1), (1, 1), "valid")


@pytest.mark.parametrize(
    ("size", "window", "dilation_rate", "sizes"),
    [
        ((3, 9), (4, 5), (1, 1), "a 4x5 window does not fit a 3x9 input"),
        ((9, 3), (4, 5), (1, 1), "a 4x5 window does not fit a 9x3 input"),
        ((4, 9), (3, 2), (2, 3), "a 5x4 window does not fit a 4x9 input"),
        ((9, 3), (3, 2), (2, 3), "a 5x4 window does not fit a 9x3 input"),
    ],
)
def test_a_window_larger_than_the_image_is_refused_with_both_sizes(
    refuses, size, window, dilation_rate, sizes
):
    with refuses(f"Pool: {sizes} with padding='valid'. Use padding='same' or a smaller pool_size."):
        count_windows("Pool", (*size, 1), window, (1, 1), dilation_rate, "valid", "pool_size")
