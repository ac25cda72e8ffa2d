"""What the chapter "Convolution" claims, one test each; the arrays are those of the chapter's own cells."""

import numpy as np
import pytest
from support.chapter_code import run_of

from cnnbook.gradcheck import check_gradient
from cnnbook.nn import Conv2D
from cnnbook.nn.windows import extract_windows, windowed_product
from cnnbook.shapes import output_size

pytestmark = pytest.mark.keras  # the page imports it

STEP, SLOPE = [0, 0, 0, 1, 1], [-1, 0, 1]


@pytest.fixture(scope="module")
def page():
    return run_of("convolution")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def image_of(rows):
    """A batch of one image of one channel."""
    return np.float32(rows)[np.newaxis, :, :, np.newaxis]


def kernel_of(rows):
    """The kernel of one filter on one channel."""
    return np.float32(rows)[:, :, np.newaxis, np.newaxis]


# By hand


def test_the_row_11100_under_101_gives_2_1_1(page):
    out = page["conv_loop"](image_of([[1, 1, 1, 0, 0]]), kernel_of([[1, 0, 1]]), 0)
    assert out.ravel().tolist() == [2, 1, 1]


def test_the_first_sum_adds_up_one_row_sum_for_every_kernel_row(page):
    row_sums = [(page["image"][u, :3] * page["kernel"][u]).sum() for u in range(3)]
    assert row_sums == [2, 1, 1]
    assert sum(row_sums) == page["by_hand"][0][0] == 4


def test_five_of_nine_outputs_change_with_the_centre_pixel(page):
    changed = page["image"].copy()
    changed[2, 2] = 0
    out = page["conv_loop"](image_of(changed), kernel_of(page["kernel"]), 0)
    assert (out[0, :, :, 0] != page["by_hand"]).sum() == 5


def test_the_formula_with_channels_filters_and_biases_is_what_the_layer_computes(page, rng):
    layer, x = Conv2D(filters=4, kernel_size=(3, 2)), rng.standard_normal((2, 6, 7, 3))
    assert layer.build(x.shape[1:], rng, x.dtype) == (6 - 3 + 1, 7 - 2 + 1, 4)
    layer.params["bias"][:] = rng.standard_normal(4)
    by_formula = page["conv_loop"](x, layer.params["kernel"], layer.params["bias"])
    np.testing.assert_allclose(layer.forward(x), by_formula, atol=1e-12)


# Convolution or correlation?


def test_correlation_answers_a_step_upwards_with_plus_and_convolution_with_minus():
    assert np.correlate(STEP, SLOPE, "valid").tolist() == [0, 1, 1]
    assert np.convolve(STEP, SLOPE, "valid").tolist() == [0, -1, -1]


def test_keras_sides_with_correlation(page):
    x, k = np.float32(STEP).reshape(1, 5, 1), np.float32(SLOPE).reshape(3, 1, 1)
    assert page["keras"].ops.conv(x, k).numpy().ravel().tolist() == [0, 1, 1]


# All windows at once


@pytest.fixture
def windows(page):
    """Those of the hand example."""
    return extract_windows(page["image"].reshape(1, 5, 5, 1), (3, 3))


def test_all_windows_live_in_the_memory_of_the_image(page, windows):
    assert np.shares_memory(windows, page["image"])


def test_the_steps_20_and_4_stand_there_once_for_the_place_and_once_for_the_tap(windows):
    assert windows.strides[1:5] == (20, 4, 20, 4)


def test_the_first_row_of_im2col_is_the_first_window_in_one_line(page):
    assert page["rows"][0].tolist() == [1, 1, 1, 0, 1, 1, 0, 0, 1]


# Channels and filters


def test_32_equal_channels_are_summed_to_128_where_one_gives_4(page):
    out = windowed_product(page["deep_x"], page["deep_k"])[0, :, :, 0]
    assert (out == 32 * np.array(page["by_hand"])).all()
    assert out[0, 0] == 128


def test_64_copies_of_a_filter_make_one_independent_map(page):
    assert page["rank"](page["patches"] @ page["copies"]) == 1


def test_64_different_filters_make_nine_independent_maps(page):
    assert page["rank"](page["patches"] @ page["unique"]) == 9


def test_behind_a_relu_64_different_filters_make_more_than_nine(page):
    assert page["rank"](np.maximum(0, page["patches"] @ page["unique"])) > 9


def test_64_filters_of_3_by_3_on_32_channels_have_18496_parameters(rng):
    conv = Conv2D(filters=64, kernel_size=3)
    conv.build((9, 9, 32), rng)
    assert sum(param.size for param in conv.params.values()) == 288 * 64 + 64 == 18_496


def test_two_networks_with_one_bias_per_filter_and_one_per_pixel_have_12832_and_22228_parameters(page):
    assert page["weights"] + 2 * 6 == 12_832
    assert page["weights"] + 2 * 28 * 28 * 6 == 22_228


# A big matrix


def test_each_row_of_the_big_matrix_holds_five_ones_and_nothing_else(page):
    assert all(sorted(row) == [0] * 20 + [1] * 5 for row in page["M"])


def test_the_ones_move_by_one_cell_per_output_and_by_three_at_a_new_output_row(page):
    places = np.array([np.flatnonzero(row) for row in page["M"]])
    moves = np.diff(places, axis=0)
    assert (moves == np.array([1, 1, 3, 1, 1, 3, 1, 1])[:, np.newaxis]).all()


def test_the_two_rules_leave_one_parameter_in_60000(page):
    few, many = page["conv_parameters"], page["dense_parameters"]
    assert few == 9 * 16 + 16
    assert many == (28 * 28 + 1) * 28 * 28 * 16
    assert round(many / few, -4) == 60_000


# Five classic kernels


@pytest.mark.parametrize(
    ("name", "total"), [("identity", 1), ("blur", 1), ("sharpen", 1), ("Sobel x", 0), ("Sobel y", 0)]
)
def test_the_weights_of_the_first_three_kernels_add_up_to_1_and_those_of_sobel_to_0(page, name, total):
    assert np.sum(page["classics"][name]) == pytest.approx(total)


@pytest.mark.parametrize(("name", "pairs"), [("blur", 1), ("sharpen", 2), ("hand", 2)])
def test_blur_is_one_column_times_one_row_and_sharpen_and_the_hand_kernel_need_two(page, name, pairs):
    weights = {**page["classics"], "hand": page["kernel"]}[name]
    assert page["rank"](np.float32(weights)) == pairs


# Learn a kernel back, and check yourself


def test_the_mean_squared_difference_has_the_slope_that_is_handed_to_backward(rng):
    z, answer = rng.standard_normal((2, 3, 4))
    slope = 2 * (z - answer) / z.size
    assert check_gradient("z", lambda z: ((z - answer) ** 2).mean(), z, slope).error < 1e-8


def test_a_5_by_5_kernel_leaves_24_pixels_of_28_and_so_do_two_of_3_by_3():
    assert output_size(28, 5) == output_size(output_size(28, 3), 3) == 24
