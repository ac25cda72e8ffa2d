"""Assignment 5: negative numbers beside padding, overlap, ties, and sizes that do not divide."""

import numpy as np

from cnnbook.coursework.expect import points, require, same, same_gradient

NO_PADS = ((0, 0), (0, 0))
OVERLAP = ((3, 2), (2, 1), NO_PADS)
LEFT_OVER = ((2, 3), (2, 3), NO_PADS)
PADDED = ((3, 3), (2, 2), ((2, 1), (1, 2)))


def images(rng, most=9):
    """The shape of a batch of images, higher or lower than they are wide."""
    height, width = rng.permutation(np.arange(5, most))[:2]
    return int(rng.integers(2, 4)), int(height), int(width), int(rng.integers(2, 4))


def windows(x, size, strides, pads):
    """All windows as (N, H', W', C, taps), with nan for padding."""
    x = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=np.nan)
    views = np.lib.stride_tricks.sliding_window_view(x, size, axis=(1, 2))[:, :: strides[0], :: strides[1]]
    return views.reshape(*views.shape[:4], -1)


def right(x, kind, size, strides, pads):
    return (np.nanmax if kind == "max" else np.nanmean)(windows(x, size, strides, pads), axis=-1)


def right_gradient(dout, x, kind, size, strides, pads):
    """Follow the number of every pixel through all windows."""
    number = np.arange(1.0, x.size + 1).reshape(x.shape)
    seen, values = windows(number, size, strides, pads), windows(x, size, strides, pads)
    dx = np.zeros(x.size)
    for place in np.ndindex(dout.shape):
        real = ~np.isnan(seen[place])
        which = seen[place][real].astype(int) - 1
        if kind == "max":
            dx[which[values[place][real].argmax()]] += dout[place]
        else:
            dx[which] += dout[place] / real.sum()
    return dx.reshape(x.shape)


def turned(x, variant):
    return x.transpose(0, 3, 1, 2) if variant["layout"] == "channels first" else x


def try_forward(student, variant, x, kind, case):
    answer = student.pool(turned(x, variant), kind, *case)
    same(answer, turned(right(x, kind, *case), variant), f"pool(x, {kind!r}, ...)")


def try_backward(student, rng, variant, x, kind, case):
    dout = rng.normal(size=right(x, kind, *case).shape)
    answer = student.pool_backward(turned(dout, variant), turned(x, variant), kind, *case)
    expected = turned(right_gradient(dout, x, kind, *case), variant)
    same_gradient(answer, expected, f"pool_backward(dout, x, {kind!r}, ...)")


@points(2, "windows", visible=True)
def test_forward_without_overlap(student, rng, variant):
    """Maximum and average of windows side by side, for several images and channels, signs mixed."""
    for kind in ("max", "average"):
        try_forward(student, variant, rng.normal(size=(2, 4, 6, 3)), kind, ((2, 3), (2, 3), NO_PADS))


@points(3, "windows")
def test_forward_with_overlap_and_left_over_pixels(student, rng, variant):
    """Windows may overlap, and pixels that fill no window are dropped."""
    for kind in ("max", "average"):
        for case in (OVERLAP, LEFT_OVER, ((2, 2), (3, 1), NO_PADS)):
            try_forward(student, variant, rng.normal(size=images(rng)), kind, case)


@points(3, "padding")
def test_padding_is_no_pixel(student, rng, variant):
    """Beside padding, negative numbers win the maximum, and only real pixels are averaged."""
    for case in (PADDED, ((2, 2), (1, 1), ((0, 1), (1, 0)))):
        for kind in ("max", "average"):
            try_forward(student, variant, -1 - rng.random(images(rng)), kind, case)


@points(3, "gradients")
def test_max_gradient(student, rng, variant):
    """The winner of every window gets its dout, with overlap and left-over pixels too."""
    for case in (((2, 2), (2, 2), NO_PADS), OVERLAP, LEFT_OVER):
        try_backward(student, rng, variant, rng.normal(size=images(rng, 8)), "max", case)


@points(3, "gradients")
def test_average_gradient(student, rng, variant):
    """Every pixel gets its share of each window, with overlap and left-over pixels too."""
    for case in (((2, 2), (2, 2), NO_PADS), OVERLAP, LEFT_OVER):
        try_backward(student, rng, variant, rng.normal(size=images(rng, 8)), "average", case)


@points(2, "ties")
def test_in_a_tie_the_first_wins(student, rng, variant):
    """In a tie the first pixel in reading order gets everything, and nothing is paid twice."""
    x = rng.integers(0, 2, (2, 5, 6, 2)).astype(float)
    x[0, :3] = 1
    for case in (((2, 3), (2, 3), NO_PADS), OVERLAP):
        try_backward(student, rng, variant, x, "max", case)


@points(2, "padding")
def test_gradients_beside_padding(student, rng, variant):
    """With padding, the gradient has the shape of the image and nothing is lost in the padding."""
    for kind in ("max", "average"):
        try_backward(student, rng, variant, -1 - rng.random((2, 5, 4, 2)), kind, PADDED)


@points(2, "in place")
def test_nothing_is_written_to(student, rng, variant):
    """Forward and backward are right one after the other, and leave their arguments as they were."""
    x = rng.normal(size=(1, 4, 5, 2))
    for kind in ("max", "average"):
        try_forward(student, variant, x, kind, OVERLAP)
        try_backward(student, rng, variant, x, kind, OVERLAP)
    require(not student.changed, "in place", "an argument was written to")
