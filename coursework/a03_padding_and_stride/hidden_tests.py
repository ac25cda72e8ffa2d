"""Assignment 3: sizes against counted windows, convolutions against the book's layer."""

import numpy as np

from cnnbook.coursework.expect import Wrong, kind_of, parts, points, refused, require, same
from cnnbook.nn.windows import windowed_product


def counted(size, kernel_size, stride, dilation, before, after):
    """Windows that fit, one by one."""
    last = dilation * (kernel_size - 1)
    return sum(start + last < size + before + after for start in range(0, size + before + after, stride))


def right(x, kernel, strides=(1, 1), pads=((0, 0), (0, 0)), dilation=(1, 1)):
    return windowed_product(np.pad(x, ((0, 0), *pads, (0, 0))), kernel, strides, dilation)


def number(value, what):
    fits = isinstance(value, int | np.integer) and abs(int(value)) < 10**9
    require(fits, "type", f"{what} must be a whole number below a billion. Yours is {kind_of(value)}.")
    return int(value)


def draw(rng, small):
    """Size, kernel size, stride, dilation, and zeros before and after: small, or too many to list."""
    highest = (12, 5, 5, 3, 3, 3) if small else (2000, 40, 20, 9, 30, 30)
    return tuple(int(rng.integers(low, high)) for low, high in zip((1, 1, 1, 1, 0, 0), highest, strict=True))


@points(4, "sizes")
def test_sizes_of_many_windows(student, rng):
    """The size is the number of windows that fit, for many sizes, strides, dilations and pads."""
    wrong, total, first = 0, 0, ""
    for trial in range(300):
        size, k, s, d, before, after = draw(rng, small=trial % 3)
        expected = counted(size, k, s, d, before, after)
        if expected:
            total += 1
            got = number(student.output_size(size, k, s, d, before, after), "output_size")
            if got != expected:
                wrong += 1
                case = f"size {size}, kernel {k}, stride {s}, dilation {d}, pads {before}, {after}"
                first = first or f"{case}: yours {got}, counted {expected}"
    for _ in range(3):
        k, more = (int(n) for n in rng.integers(1, 900, 2))
        same(student.output_size(k + more, k), more + 1, f"output_size({k + more}, {k})")
    if wrong:
        raise Wrong("values", f"{wrong} of {total} sizes are wrong. {first}.")


@points(2, "refusals")
def test_a_window_that_does_not_fit_is_refused(student, rng):
    """A window that does not fit is refused with a ValueError, one that just fits is not."""
    for _ in range(4):
        s, d, before, after = (int(n) for n in rng.integers((1, 1, 0, 0), (4, 4, 3, 3)))
        k = int(rng.integers(8, 300))
        size = d * (k - 1) - before - after  # one pixel too few
        refused(student.output_size, size, k, s, d, before, after)
        for more in (1, int(rng.integers(10, 500))):
            got = number(student.output_size(size + more, k, s, d, before, after), "output_size")
            right_one = counted(size + more, k, s, d, before, after)
            case = f"size {size + more}, kernel {k}, stride {s}, dilation {d}, pads {before}, {after}"
            require(got == right_one, "values", f"{case}: yours {got}, counted {right_one}")


@points(4, "padding")
def test_same_padding_keeps_the_size(student, rng, variant):
    """Same padding lets exactly ceil(size / stride) windows fit, with the odd zero on its side."""
    for trial in range(150):
        size, k, s, d, _, _ = draw(rng, small=trial % 3)
        before, after = (
            number(p, "a pad") for p in parts(student.same_padding(size, k, s, d), 2, "same_padding")
        )
        windows = -(-size // s)
        missing = max((windows - 1) * s + d * (k - 1) + 1 - size, 0)
        low, high = missing // 2, missing - missing // 2
        expected = (low, high) if variant["odd_zero"] == "after" else (high, low)
        what = f"size {size}, kernel {k}, stride {s}, dilation {d}: yours {before, after}, right {expected}"
        require((before, after) == expected, "values", what)
    half = int(rng.integers(1, 100))
    got = parts(student.same_padding(9, 2 * half + 1), 2, "same_padding")
    pads = tuple(number(p, "a pad") for p in got)
    require(pads == (half, half), "values", f"same_padding(9, {2 * half + 1}) must be {half, half}")


@points(3, "strides and pads")
def test_strides_and_uneven_pads(student, rng):
    """Strides and pads are right when height and width, before and after all differ."""
    for strides, pads in (((2, 1), ((1, 0), (0, 2))), ((1, 3), ((0, 2), (1, 0))), ((2, 3), ((2, 1), (1, 2)))):
        x, kernel = rng.normal(size=(2, 7, 6, 3)), rng.normal(size=(3, 2, 3, 4))
        what = f"conv2d with strides {strides} and pads {pads}"
        same(student.conv2d(x, kernel, strides, pads), right(x, kernel, strides, pads), what)


@points(3, "dilation")
def test_dilation(student, rng):
    """Dilated taps are right in both directions, with strides and pads as well."""
    for strides, pads, dilation in (((1, 1), ((0, 0), (0, 0)), (2, 1)), ((2, 1), ((1, 2), (0, 1)), (1, 3))):
        x, kernel = rng.normal(size=(2, 8, 9, 2)), rng.normal(size=(2, 3, 2, 3))
        answer = student.conv2d(x, kernel, strides, pads, dilation)
        same(answer, right(x, kernel, strides, pads, dilation), f"conv2d with dilation {dilation}")


@points(2, "properties")
def test_a_square_kernel_that_is_not_symmetric(student, rng):
    """A square kernel is neither transposed nor turned, and the image is not written to."""
    x, kernel = rng.normal(size=(1, 5, 5, 1)), rng.normal(size=(3, 3, 1, 1))
    same(student.conv2d(x, kernel), right(x, kernel), "conv2d(x, kernel)")
    require(not student.changed, "in place", "conv2d writes into its arguments")


@points(3, "receptive field")
def test_receptive_fields_of_stacks(student, rng):
    """Size and jump are right for stacks with strides and dilation in every order."""
    for trial in range(30):
        count = trial % 5 if trial else 1
        layers = [tuple(int(n) for n in rng.integers((1, 1, 1), (8, 4, 4))) for _ in range(count)]
        size, jump = 1, 1
        for k, s, d in layers:
            size, jump = size + d * (k - 1) * jump, jump * s
        got = tuple(
            number(p, "each part") for p in parts(student.receptive_field(list(layers)), 2, "receptive_field")
        )
        require(got == (size, jump), "values", f"{list(layers)}: yours {got}, right {size, jump}")
