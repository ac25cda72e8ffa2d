"""Sizes and pads against counting: put the windows down one by one and look where they land."""

import itertools

import pytest

from cnnbook import results
from cnnbook.shapes import ReceptiveField, output_size, pad_amounts, receptive_field, window_extent

SIZES, KERNELS, STRIDES, DILATIONS = range(1, 11), range(1, 6), range(1, 5), range(1, 4)
PADDINGS = "valid", 0, 1, 3, (0, 2), (2, 1)


def taps(start, kernel_size, dilation_rate):
    return [start + u * dilation_rate for u in range(kernel_size)]


def windows_counted(size, kernel_size, stride, dilation_rate, before, after):
    """Windows whose every tap lies on the padded axis, found by trying."""
    starts = range(0, size + before + after, stride)
    return sum(taps(start, kernel_size, dilation_rate)[-1] < size + before + after for start in starts)


def test_window_extent_is_the_distance_from_first_to_last_tap():
    for kernel_size, dilation_rate in itertools.product(KERNELS, DILATIONS):
        first, *_, last = [*taps(0, kernel_size, dilation_rate), taps(0, kernel_size, dilation_rate)[-1]]
        assert window_extent(kernel_size, dilation_rate) == last - first + 1


@pytest.mark.parametrize("padding", PADDINGS)
def test_output_size_counts_the_windows_that_fit(padding):
    for size, kernel_size, stride, dilation_rate in itertools.product(SIZES, KERNELS, STRIDES, DILATIONS):
        before, after = pad_amounts(size, kernel_size, stride, dilation_rate, padding)
        counted = windows_counted(size, kernel_size, stride, dilation_rate, before, after)
        if counted:
            assert output_size(size, kernel_size, stride, dilation_rate, padding) == counted
        else:
            with pytest.raises(ValueError, match="does not fit"):
                output_size(size, kernel_size, stride, dilation_rate, padding)


def test_same_padding_gives_ceil_of_size_over_stride_windows_with_the_fewest_zeros():
    for size, kernel_size, stride, dilation_rate in itertools.product(SIZES, KERNELS, STRIDES, DILATIONS):
        wanted = (size + stride - 1) // stride
        before, after = pad_amounts(size, kernel_size, stride, dilation_rate, "same")
        assert output_size(size, kernel_size, stride, dilation_rate, "same") == wanted
        assert windows_counted(size, kernel_size, stride, dilation_rate, before, after) == wanted
        if before + after:
            fewer = windows_counted(size, kernel_size, stride, dilation_rate, 0, before + after - 1)
            assert fewer < wanted


def test_same_padding_puts_the_odd_zero_last():
    for size, kernel_size, stride, dilation_rate in itertools.product(SIZES, KERNELS, STRIDES, DILATIONS):
        before, after = pad_amounts(size, kernel_size, stride, dilation_rate, "same")
        assert after - before in (0, 1)


def test_pytorch_answered_with_the_same_arithmetic_and_refused_the_rest():
    answers = results.read("torch_padding")["answers"]
    for case in answers:
        place = case["size"], case["kernel_size"], case["stride"]
        if "refusal" in case:
            assert (case["padding"], case["stride"]) == ("same", 2)
        else:
            assert output_size(*place, padding=tuple(case["zeros"])) == case["output_size"]
            symmetric = case["padding"] == "same" or case["zeros"] == [case["padding"]] * 2
            assert symmetric
    assert [3, 3] in [case.get("zeros") for case in answers]
    assert pad_amounts(224, 7, stride=2, padding="same") == (2, 3)


def test_same_padding_agrees_with_the_sizes_everybody_quotes():
    assert pad_amounts(28, 3, padding="same") == (1, 1)
    assert pad_amounts(28, 2, padding="same") == (0, 1)
    assert pad_amounts(224, 7, stride=2, padding="same") == (2, 3)
    assert pad_amounts(28, 1, stride=2, padding="same") == (0, 0)


def test_explicit_padding_is_one_number_for_both_sides_or_a_pair():
    assert pad_amounts(5, 3, padding=2) == (2, 2)
    assert pad_amounts(5, 3, padding=(0, 4)) == (0, 4)
    assert pad_amounts(5, 3, padding="valid") == (0, 0)


@pytest.mark.parametrize("padding", ["full", -1, (1, -1), (1, 2, 3), 1.5, (0.5, 1), None])
def test_any_other_padding_is_refused_in_one_sentence(refuses, padding):
    message = (
        "padding must be 'valid', 'same', a number of pixels >= 0 or a pair (before, after). "
        f"Received padding={padding!r}."
    )
    with refuses(message):
        pad_amounts(5, 3, padding=padding)
    with refuses(message):
        output_size(5, 3, padding=padding)


@pytest.mark.parametrize("numbers", [(0, 1, 1, 1), (5, 0, 1, 1), (5, 3, -1, 1), (5, 3, 0, 1), (5, 3, 1, 0)])
def test_sizes_below_one_are_refused(refuses, numbers):
    received = "{}, {}, {} and {}".format(*numbers)
    with refuses(f"size, kernel_size, stride and dilation_rate must be at least 1. Received {received}."):
        output_size(*numbers)


def test_a_window_that_does_not_fit_is_refused_with_its_extent(refuses):
    with refuses(
        "a window of 5 pixels does not fit on 4 pixels with padding='valid'. "
        "Use padding='same' or a smaller kernel_size."
    ):
        output_size(4, 3, dilation_rate=2)


def seen_by(output, layers):
    """Pixels that one output depends on, found by walking down through all taps."""
    seen = {output}
    for kernel_size, stride, dilation_rate, before in reversed(layers):
        seen = {t for i in seen for t in taps(i * stride - before, kernel_size, dilation_rate)}
    return seen


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [(3, 1, 1, 1)],
        [(3, 1, 1, 0), (3, 1, 1, 0)],
        [(5, 2, 1, 2), (2, 2, 1, 0), (3, 1, 2, 2)],
        [(2, 3, 1, 1), (4, 1, 1, 0), (3, 2, 1, 0), (1, 2, 1, 0)],
    ],
)
def test_receptive_field_spans_exactly_the_pixels_found_by_walking_down(layers):
    field = receptive_field(layers)
    for output in range(4):
        seen = seen_by(output, layers)
        first = field.start + output * field.jump
        assert (min(seen), max(seen)) == (first, first + field.size - 1)


def test_an_empty_stack_sees_one_pixel():
    assert receptive_field([]) == ReceptiveField(size=1, jump=1, start=0)
