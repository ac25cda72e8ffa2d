"""Other convolutions: against the book's products and against the sums of the formulas."""

import numpy as np

from cnnbook.coursework.expect import points, refused, require, same
from cnnbook.nn.windows import windowed_product


def depthwise(x, kernel):
    """Each channel by itself, as a full convolution from one channel to one."""
    channels = [windowed_product(x[..., c : c + 1], kernel[..., c : c + 1, None]) for c in range(x.shape[3])]
    return np.concatenate(channels, axis=3)


def transposed(x, kernel, strides):
    """Every pixel times the kernel, laid down where it belongs, one by one."""
    n, height, width, _ = x.shape
    k_h, k_w, filters, _ = kernel.shape
    (s_h, s_w), size = strides, ((height - 1) * strides[0] + k_h, (width - 1) * strides[1] + k_w)
    out = np.zeros((n, *size, filters))
    for i, j in np.ndindex(height, width):
        piece = np.einsum("nc,uvfc->nuvf", x[:, i, j], kernel)
        out[:, i * s_h : i * s_h + k_h, j * s_w : j * s_w + k_w] += piece
    return out


def unchanged(student, name):
    require(not [c for c in student.changed if c[0] == name], "in place", f"{name} writes into its arguments")


@points(3, "depthwise", visible=True)
def test_depthwise_when_nothing_is_square(student, rng):
    """Every channel is convolved with its own kernel when height, width, kernel and channels all differ."""
    for x_shape, kernel_shape in (
        ((2, 6, 5, 3), (3, 2, 3)),
        ((3, 4, 7, 2), (1, 4, 2)),
        ((1, 5, 5, 4), (3, 3, 4)),
    ):
        x, kernel = rng.normal(size=x_shape), rng.normal(size=kernel_shape)
        same(student.depthwise(x, kernel), depthwise(x, kernel), "depthwise(x, kernel)")
        unchanged(student, "depthwise")


@points(2, "refusals")
def test_a_kernel_that_does_not_fit_is_refused(student, rng):
    """A kernel that is too large or has other channels is refused, one that just fits is not."""
    x = rng.normal(size=(2, 4, 5, 3))
    for kernel_shape in ((5, 2, 3), (2, 6, 3), (2, 2, 2), (2, 2, 1)):
        refused(student.depthwise, x, rng.normal(size=kernel_shape))
    refused(student.depthwise, x[..., :1], rng.normal(size=(2, 2, 3)))
    kernel = rng.normal(size=(4, 5, 3))
    same(student.depthwise(x, kernel), depthwise(x, kernel), "depthwise with a kernel as large as the image")


@points(3, "separable")
def test_separable_is_depthwise_then_pointwise(student, rng):
    """A separable convolution mixes the channels of the depthwise one at every pixel."""
    for x_shape, kernel_shape, filters in (((2, 6, 5, 3), (3, 2, 3), 4), ((1, 4, 7, 5), (2, 3, 5), 2)):
        x, kernel = rng.normal(size=x_shape), rng.normal(size=kernel_shape)
        pointwise = rng.normal(size=(kernel_shape[2], filters))
        same(student.separable(x, kernel, pointwise), depthwise(x, kernel) @ pointwise, "separable")
        unchanged(student, "separable")


@points(3, "separable")
def test_the_full_kernel_gives_the_same_numbers(student, rng):
    """One full convolution with the returned kernel equals the separable one."""
    for (k_h, k_w, channels), filters in (((3, 2, 3), 4), ((2, 2, 3), 3)):
        kernel, pointwise = rng.normal(size=(k_h, k_w, channels)), rng.normal(size=(channels, filters))
        x = rng.normal(size=(2, 5, 6, channels))
        full = student.full_kernel(kernel, pointwise)
        expected = np.einsum("uvc,cf->uvcf", kernel, pointwise)
        same(full, expected, "full_kernel(depth_kernel, pointwise)")
        same(windowed_product(x, full), depthwise(x, kernel) @ pointwise, "the convolution with that kernel")


@points(3, "groups")
def test_groups_do_not_see_each_other(student, rng):
    """With groups, each piece of the filters sees its own piece of the channels and no other."""
    for groups, channels, filters in ((2, 4, 6), (3, 3, 3), (1, 2, 3)):
        x, kernel = rng.normal(size=(2, 5, 4, channels)), rng.normal(size=(2, 3, channels // groups, filters))
        pairs = zip(np.split(x, groups, 3), np.split(kernel, groups, 3), strict=True)
        expected = np.concatenate([windowed_product(a, b) for a, b in pairs], 3)
        same(student.grouped(x, kernel, groups), expected, f"grouped with groups={groups}")
        unchanged(student, "grouped")


@points(4, "transposed")
def test_transposed_when_nothing_is_square(student, rng):
    """Every input pixel lays down the kernel where it belongs: strides, overlaps, gaps and channels."""
    for x_shape, kernel_shape, strides in (
        ((2, 3, 4, 2), (3, 2, 5, 2), (1, 1)),
        ((1, 4, 3, 3), (3, 4, 2, 3), (2, 1)),
        ((2, 2, 3, 3), (2, 3, 3, 3), (3, 2)),
        ((1, 3, 2, 1), (1, 2, 2, 1), (2, 3)),
    ):
        x, kernel = rng.normal(size=x_shape), rng.normal(size=kernel_shape)
        expected = transposed(x, kernel, strides)
        same(student.conv_transpose(x, kernel, strides), expected, f"conv_transpose with strides={strides}")
        unchanged(student, "conv_transpose")


@points(3, "transposed")
def test_transposed_is_the_convolution_turned_round(student, rng):
    """For every x and y the products of conv(x) with y and of x with conv_transpose(y) have the same sum."""
    for strides in ((1, 1), (2, 1), (2, 3)):
        kernel = rng.normal(size=(3, 2, 2, 4))  # (K_h, K_w, C, F) for the convolution from 2 channels to 4
        x = rng.normal(size=(2, 7, 8, 2))
        z = windowed_product(x, kernel, strides)
        y = rng.normal(size=z.shape)
        height, width = ((size - 1) * s + k for size, s, k in zip(z.shape[1:3], strides, (3, 2), strict=True))
        back = student.conv_transpose(y, kernel, strides)
        same(back, transposed(y, kernel, strides), "conv_transpose of the output of a convolution")
        same((x[:, :height, :width] * back).sum(), (z * y).sum(), "the sum of x conv_transpose(y)")


@points(3, "costs")
def test_weights_and_multiplications(student, rng):
    """Weights and multiplications of all four kinds are right for many sizes."""
    for _ in range(30):
        height, width, k_h, k_w = (int(n) for n in rng.integers((2, 2, 1, 1), (300, 300, 12, 12)))
        groups = int(rng.integers(2, 6))
        channels, filters = (groups * int(n) for n in rng.integers(1, 60, 2))
        kinds = ("full", filters, 1), ("grouped", filters, groups), ("depthwise", channels, 1)
        for kind, outs, pieces in (*kinds, ("separable", filters, 1)):
            maps = k_h * k_w * channels
            weights = {
                "full": maps * outs,
                "grouped": maps * outs // pieces,
                "depthwise": maps,
                "separable": maps + channels * outs,
            }[kind]
            got = student.cost(kind, height, width, k_h, k_w, channels, outs, pieces)
            what = f"cost({kind!r}, {height}, {width}, {k_h}, {k_w}, {channels}, {outs}, {pieces})"
            same(np.array(got), np.array([weights, weights * height * width]), what, rtol=1e-12)
