"""Assignment 2: nothing is square or equal by accident, except where one case must be."""

import numpy as np

from cnnbook.coursework.expect import points, refused, require, same
from cnnbook.nn.windows import extract_windows, windowed_product


def right(x, kernel, bias, variant):
    if variant["kernel"] == "turned":
        kernel = np.ascontiguousarray(kernel[::-1, ::-1])
    return windowed_product(x, kernel) + bias


def draw(rng, x_shape, kernel_shape):
    return rng.normal(size=x_shape), rng.normal(size=kernel_shape), rng.normal(size=kernel_shape[-1])


@points(2, "the formula", visible=True)
def test_loops_on_one_small_image(student, rng, variant):
    """The loops give the sums of the formula on one small image."""
    x, kernel, bias = draw(rng, (1, 4, 3, 1), (2, 2, 1, 1))
    same(
        student.conv2d_loops(x, kernel, bias),
        right(x, kernel, bias, variant),
        "conv2d_loops(x, kernel, bias)",
    )


@points(4, "axes")
def test_loops_when_nothing_is_square(student, rng, variant):
    """The loops are right when height, width, kernel, channels and filters all differ."""
    for x_shape, kernel_shape in (((2, 7, 5, 3), (3, 2, 3, 4)), ((3, 4, 6, 2), (1, 4, 2, 3))):
        x, kernel, bias = draw(rng, x_shape, kernel_shape)
        same(
            student.conv2d_loops(x, kernel, bias),
            right(x, kernel, bias, variant),
            "conv2d_loops(x, kernel, bias)",
        )


@points(2, "orientation")
def test_a_square_kernel_that_is_not_symmetric(student, rng, variant):
    """A square kernel is neither transposed nor turned the wrong way."""
    x, kernel, bias = draw(rng, (1, 6, 6, 1), (3, 3, 1, 1))
    for name in ("conv2d_loops", "conv2d"):
        same(
            getattr(student, name)(x, kernel, bias),
            right(x, kernel, bias, variant),
            f"{name}(x, kernel, bias)",
        )


@points(4, "axes")
def test_im2col_puts_every_number_in_its_place(student, rng):
    """Every row of im2col is one window: rows by image, row, column, its numbers by u, v, c."""
    for shape, (k_h, k_w) in (((2, 5, 4, 3), (2, 3)), ((3, 3, 6, 1), (3, 1)), ((1, 4, 4, 2), (4, 4))):
        x = rng.normal(size=shape)
        rows = extract_windows(x, (k_h, k_w)).reshape(-1, k_h * k_w * shape[3])
        same(student.im2col(x, k_h, k_w), rows, "im2col(x, k_h, k_w)")


@points(4, "axes")
def test_matrix_product_when_nothing_is_square(student, rng, variant):
    """conv2d is right when height, width, kernel, channels and filters all differ."""
    for x_shape, kernel_shape in (((3, 6, 9, 2), (2, 4, 2, 5)), ((2, 8, 5, 4), (5, 1, 4, 3))):
        x, kernel, bias = draw(rng, x_shape, kernel_shape)
        same(student.conv2d(x, kernel, bias), right(x, kernel, bias, variant), "conv2d(x, kernel, bias)")


@points(2, "channels")
def test_channels_are_summed_and_filters_stacked(student, rng, variant):
    """A 1x1 kernel mixes the channels of every pixel, and each filter has its own bias."""
    x, kernel, bias = draw(rng, (2, 3, 4, 5), (1, 1, 5, 2))
    for name in ("conv2d_loops", "conv2d"):
        same(getattr(student, name)(x, kernel, bias), x @ kernel[0, 0] + bias, f"{name}(x, kernel, bias)")


@points(2, "properties")
def test_an_impulse_answers_with_the_kernel(student, rng, variant):
    """A single bright pixel is answered with the kernel itself, in the right place and direction."""
    x, (kernel, bias) = np.zeros((1, 7, 6, 1)), draw(rng, (1,), (3, 2, 1, 2))[1:]
    x[0, 3, 2] = rng.uniform(1, 2)
    same(student.conv2d(x, kernel, bias), right(x, kernel, bias, variant), "conv2d of a single pixel")


@points(2, "properties")
def test_it_is_linear_and_leaves_its_inputs_alone(student, rng, variant):
    """Twice an image minus another one is answered rightly, and no argument is written to."""
    x, kernel, _ = draw(rng, (1, 5, 7, 2), (2, 3, 2, 3))
    other, nothing = rng.normal(size=x.shape), np.zeros(3)
    for name in ("conv2d_loops", "conv2d"):
        call = getattr(student, name)
        same(
            call(2 * x - other, kernel, nothing),
            right(2 * x - other, kernel, nothing, variant),
            f"{name}(2 x - y)",
        )
        require(
            not [c for c in student.changed if c[0] == name], "in place", f"{name} writes into its arguments"
        )


@points(2, "refusals")
def test_what_does_not_fit_is_refused(student, rng, variant):
    """A kernel that is too large or has other channels is refused, one that just fits is not."""
    for name in ("conv2d_loops", "conv2d"):
        call = getattr(student, name)
        for kernel_shape in ((5, 2, 3, 1), (2, 6, 3, 1), (2, 2, 2, 1), (2, 2, 4, 1)):
            refused(call, *draw(rng, (1, 4, 5, 3), kernel_shape))
        x, kernel, bias = draw(rng, (1, 4, 5, 3), (4, 5, 3, 2))
        same(
            call(x, kernel, bias),
            right(x, kernel, bias, variant),
            f"{name} with a kernel as large as the image",
        )
