"""What the chapter on backprop through a convolution says beyond its cells: hand cases, what a check sees."""

import numpy as np
import pytest
from support.chapter_code import run_of
from support.slopes import measured

from cnnbook.bugzoo import PatchRowsMixedUp
from cnnbook.gradcheck import check_layer
from cnnbook.keras_twin import tf
from cnnbook.nn import AveragePooling2D, Conv2D, MaxPooling2D, ReLU
from cnnbook.nn.windows import extract_windows, pad_images, windowed_input_gradient, windowed_product

pytestmark = pytest.mark.keras

rng = np.random.default_rng(0)


@pytest.fixture(scope="module", name="page")
def _page():
    return run_of("backprop_convolution")


# ---------------------------------------------------------------- one row by hand

ROW = [1, 1, 1, 0, 0]


def test_the_equations_of_one_row_give_the_numbers_worked_out_by_hand(page):
    k, dz = page["weights"], page["drow"]
    assert [sum(ROW[i + u] * k[u] for u in range(3)) for i in range(3)] == [6, 3, 1]
    dx = [sum(dz[pixel - u] * k[u] for u in range(3) if 0 <= pixel - u < 3) for pixel in range(5)]
    assert dx == [1, 12, 123, 230, 300]
    assert [sum(dz[i] * ROW[i + u] for i in range(3)) for u in range(3)] == [111, 11, 1]
    assert sum(dz) == 111


def test_the_gradient_of_the_rows_kernel_is_the_measured_one(page):
    assert [np.correlate(ROW, tap) @ page["drow"] for tap in np.eye(3)] == [111, 11, 1]


def test_the_input_gradient_is_a_convolution_and_the_kernel_gradient_a_correlation(page):
    k, dz = page["weights"], page["drow"]
    assert np.convolve(dz, k).tolist() == [1, 12, 123, 230, 300] != np.correlate(dz, k, "full").tolist()
    assert np.correlate(ROW, dz).tolist() == [111, 11, 1] != np.convolve(ROW, dz, "valid").tolist()


def test_down_a_column_of_the_transposed_matrix_stands_the_kernel_and_along_a_row_the_kernel_flipped(page):
    transposed = page["big_matrix"](page["weights"], 7).T
    assert transposed[2:5, 2].tolist() == [1, 2, 3]
    assert transposed[4, 2:5].tolist() == [3, 2, 1]


def test_the_columns_of_stride_2_are_every_other_column_of_stride_1(page):
    transposed = {s: page["big_matrix"](page["weights"], 7, s=s).T for s in (1, 2)}
    np.testing.assert_array_equal(transposed[2], transposed[1][:, ::2])


# ---------------------------------------------------------------- two dimensions


@pytest.mark.parametrize("d", [1, 2, 3])
def test_at_stride_1_the_input_gradient_is_a_convolution_with_the_rotated_kernel_in_a_frame_of_zeros(d):
    x, k = rng.standard_normal((2, 8, 9, 2)), rng.standard_normal((3, 3, 2, 4))
    dout = rng.standard_normal(windowed_product(x, k, (1, 1), (d, d)).shape)
    frame = ((2 * d, 2 * d), (2 * d, 2 * d))
    dx = windowed_product(pad_images(dout, frame), k[::-1, ::-1].swapaxes(2, 3), (1, 1), (d, d))
    np.testing.assert_allclose(dx, windowed_input_gradient(dout, k, (8, 9), (1, 1), (d, d)), atol=1e-12)
    assert measured(dx, lambda x: (dout * windowed_product(x, k, (1, 1), (d, d))).sum(), x)


def test_padding_is_forward_a_frame_of_zeros_and_backward_a_cut():
    x, k, frame = rng.standard_normal((2, 5, 6, 2)), rng.standard_normal((2, 2, 2, 3)), ((1, 1), (1, 1))
    dout = rng.standard_normal(windowed_product(pad_images(x, frame), k).shape)
    dx = windowed_input_gradient(dout, k, (7, 8), (1, 1), (1, 1))[:, 1:-1, 1:-1]
    assert measured(dx, lambda x: (dout * windowed_product(pad_images(x, frame), k)).sum(), x)


def test_the_kernel_gradient_is_the_forward_rows_transposed_times_dout():
    x, k = rng.standard_normal((2, 5, 6, 2)), rng.standard_normal((2, 2, 2, 3))
    rows = extract_windows(x, (2, 2)).reshape(-1, 2 * 2 * 2)
    np.testing.assert_allclose((rows @ k.reshape(-1, 3)).reshape(2, 4, 5, 3), windowed_product(x, k))
    dout = rng.standard_normal((2, 4, 5, 3))
    dkernel = (rows.T @ dout.reshape(-1, 3)).reshape(k.shape)
    assert measured(dkernel, lambda k: (dout * windowed_product(x, k)).sum(), k)


def test_in_the_figure_the_corner_pixel_gets_1_and_the_centre_pixel_159(page):
    kernel, dout = page["nine"].reshape(3, 3, 1, 1), page["diagonal"].reshape(1, 3, 3, 1)
    dx = windowed_input_gradient(dout, kernel, (5, 5), (1, 1), (1, 1))[0, :, :, 0]
    assert dx[0, 0] == 1
    assert dx[2, 2] == 1 * 9 + 10 * 5 + 100 * 1 == 159
    image = np.ones((1, 5, 5, 1))
    assert measured(dx.reshape(image.shape), lambda x: (dout * windowed_product(x, kernel)).sum(), image)


# ---------------------------------------------------------------- pooling


@pytest.mark.parametrize(
    ("kind", "dx"), [(MaxPooling2D, [[0, 8, 100, 0], [0, 0, 0, 0]]), (AveragePooling2D, [[2, 2, 25, 25]] * 2)]
)
def test_what_pooling_hands_back_adds_up_to_what_came_from_above(page, kind, dx):
    pool = kind(2)
    pool.forward(page["patch"], training=True)
    returned = pool.backward(np.reshape([8.0, 100.0], (1, 1, 2, 1)))[0, :, :, 0]
    assert returned.tolist() == dx
    assert returned.sum() == 108


def test_the_maximum_of_tensorflow_divides_the_gradient_among_ties():
    tied = tf.Variable([2.0, 2, 2, 0])
    with tf.GradientTape() as tape:
        largest = tf.reduce_max(tied)
    np.testing.assert_allclose(tape.gradient(largest, tied), [1 / 3, 1 / 3, 1 / 3, 0])


def test_a_pixel_that_wins_in_two_windows_gets_the_sum_of_both_gradients():
    pool = MaxPooling2D((1, 2), strides=1)
    pool.forward(np.reshape([0.0, 9.0, 0.0], (1, 1, 3, 1)), training=True)
    assert pool.backward(np.reshape([3.0, 4.0], (1, 1, 2, 1))).ravel().tolist() == [0, 3 + 4, 0]


# ---------------------------------------------------------------- how small a step


@pytest.fixture(name="bends")
def _bends(page):
    """Steps from 1e-4 to 3e-2 and the errors there: in float64 rounding is far below them."""
    bend = slice(16, 22)
    return {name: (page["steps"][bend], page["errors"][name][bend]) for name in page["errors"]}


@pytest.mark.parametrize(("quotient", "power"), [("one-sided", 1), ("centred", 2)])
def test_the_error_of_a_quotient_grows_with_this_power_of_the_step(bends, quotient, power):
    slope, _ = np.polyfit(*np.log(bends[f"float64, {quotient}"]), 1)
    assert slope == pytest.approx(power, abs=0.1)


def last_digit(page, dtype):
    """One last digit of the loss, relative to the slope. Divided by the step: an error by rounding."""
    return np.spacing(dtype(page["here"])) / abs(page["exact"])


@pytest.mark.parametrize(("dtype", "best"), [(np.float64, 1e-5), (np.float32, 1e-2)])
def test_bending_and_rounding_balance_where_the_text_says(page, bends, dtype, best):
    steps, errors = bends["float64, centred"]
    bending = np.median(errors / steps**2)
    balance = (last_digit(page, dtype) / (2 * bending)) ** (1 / 3)  # lowest point of bending h^2 + digit / h
    assert best / 10 < balance < best * 10


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bending_and_rounding_are_all_there_is_in_the_measured_errors(page, bends, dtype):
    steps, errors = bends["float64, centred"]
    found = page["errors"][f"{np.dtype(dtype)}, centred"]
    told = np.median(errors / steps**2) * page["steps"] ** 2 + last_digit(page, dtype) / page["steps"]
    assert (found < 20 * told).all()  # a forward pass rounds more than its last digit


def test_at_a_step_of_1e_minus_12_one_last_digit_makes_a_larger_error_than_1e_minus_4(page):
    assert last_digit(page, np.float64) / (2 * 1e-12) > 1e-4


def test_at_a_step_of_1e_minus_5_the_one_sided_quotient_is_worse_by_a_thousand_or_more(page):
    (step,) = np.flatnonzero(np.isclose(page["steps"], 1e-5))
    assert page["errors"]["float64, one-sided"][step] > 1000 * page["errors"]["float64, centred"][step]


def test_at_their_own_best_steps_one_sided_quotients_are_some_hundred_times_worse(page, bends):
    (h, one_sided), (_, centred) = (bends[f"float64, {kind}"] for kind in ("one-sided", "centred"))
    digit, first, second = last_digit(page, np.float64), np.median(one_sided / h), np.median(centred / h**2)
    lowest = (
        2 * np.sqrt(first * digit),
        3 * np.cbrt(second * digit**2 / 4),
    )  # of bending and rounding together
    assert 100 < lowest[0] / lowest[1] < 1000
    reached = page["reached"]
    assert 30 < reached["float64, one-sided"] / reached["float64, centred"] < 3000


def test_the_subgradients_of_relu_at_0_are_the_numbers_from_0_to_1():
    x = np.linspace(-2, 2, 41)
    touching = [s for s in np.arange(-4, 9) / 4 if (np.maximum(x, 0) >= s * x).all()]
    assert touching == [0, 0.25, 0.5, 0.75, 1]


def test_at_the_kink_of_relu_a_centred_difference_finds_one_half_and_backward_says_0(page):
    x, h, relu = np.array([[-1.0, 0.0, 2.0]]), page["h"], ReLU()
    np.testing.assert_allclose((np.maximum(x + h, 0) - np.maximum(x - h, 0)) / (2 * h), [[0, 1 / 2, 1]])
    relu.forward(x, training=True)
    assert relu.backward(np.ones_like(x)).tolist() == [[0, 0, 1]]


# ---------------------------------------------------------------- what a check sees


@pytest.fixture(name="off")
def _off(page):
    """By how much the kernel gradient of mixed-up patch rows is off, for a given upstream gradient."""
    x, kernel_gradient = rng.standard_normal((3, 7, 6, 3)), page["kernel_gradient"]
    return lambda dout: np.abs(
        kernel_gradient(PatchRowsMixedUp, x, dout) - kernel_gradient(Conv2D, x, dout)
    ).max()


def test_an_upstream_gradient_of_ones_does_not_see_patches_paired_with_the_wrong_gradients(off):
    assert off(np.ones((3, 5, 4, 4))) < 1e-12


def test_the_page_shows_that_ones_miss_the_mistake_and_random_numbers_do_not(page):
    assert page["largest"]["ones"] < 1e-10
    assert page["largest"]["random"] > 0.1


def test_a_random_upstream_gradient_sees_patches_paired_with_the_wrong_gradients(off):
    assert off(rng.standard_normal((3, 5, 4, 4))) > 1


def test_the_errors_of_a_right_convolution_lie_far_below_a_thousandth():
    assert check_layer(Conv2D(3, (4, 3)), (9, 8, 2), rng=0).error < 1e-8


def test_the_test_accuracies_of_the_four_networks_differ_by_hardly_more_than_chance(page):
    ends = [run["val_accuracy"][-1] for run in page["runs"].values()]
    p, n = np.mean(ends), len(page["images"].x_test)
    assert len(ends) == 4
    assert np.ptp(ends) < 4 * np.sqrt(2 * p * (1 - p) / n)  # standard errors of a difference
