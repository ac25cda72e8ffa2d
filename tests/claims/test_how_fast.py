"""What "How fast can NumPy go?" claims: counts, equal results, and what the record says of the others."""

import tracemalloc

import numpy as np
import pytest
from support.chapter_code import ROOT, run_of

from cnnbook.nn.windows import (
    extract_windows,
    windowed_input_gradient,
    windowed_kernel_gradient,
    windowed_product,
)

TEXT = (ROOT / "chapters" / "how_fast.md").read_text("utf-8")
WORK = 64 * 14 * 14 * 32 * 3 * 3 * 16  # multiply-adds of the second convolution


@pytest.fixture(scope="module")
def page():
    return run_of("how_fast")


@pytest.fixture(scope="module")
def against(page):
    """`against(other, case)`: how many times as fast as `other` plain layers are in the record."""
    return page["against"]


# What is counted.


def test_the_hand_example_takes_nine_times_nine_multiplications():
    places = extract_windows(np.ones((1, 5, 5, 1)), (3, 3))
    assert places.size == 9 * 9
    assert f"so {places.size}." in TEXT


def test_the_second_convolution_takes_the_multiply_adds_that_the_page_counts(page):
    outputs = page["right"]
    assert page["kernel"][..., 0].size == 144
    assert outputs.size * 144 == WORK == page["work"]
    assert f"{WORK:,}".replace(",", "{,}") in TEXT
    assert f"{WORK:_} / peak" in TEXT


def test_the_products_alone_are_those_of_the_convolution(page):
    rows, flat = page["rows_of_one"], page["flat"]
    assert 64 * rows.shape[0] * flat.size == page["work"] == WORK
    assert (rows.shape, flat.shape) == ((14 * 14, 144), (144, 32))
    assert f"64 times {rows.shape[0]} rows" in TEXT


def test_the_seven_loops_were_timed_on_9_of_the_places_of_the_second_convolution(page):
    assert page["corner"][..., 0].size == 9
    assert f"on 9 of the {page['right'][..., 0].size:,} places" in TEXT


@pytest.fixture(scope="module")
def ones():
    """Image and kernel of ones, in which each sum counts its products, and the formula's multiply-adds."""
    n, h, w, filters, k_h, k_w, channels = 2, 4, 3, 5, 3, 2, 4
    x, kernel = np.ones((n, h + k_h - 1, w + k_w - 1, channels)), np.ones((k_h, k_w, channels, filters))
    return x, kernel, n * h * w * filters * k_h * k_w * channels


def test_a_convolution_costs_the_multiply_adds_of_the_formula(ones):
    x, kernel, multiply_adds = ones
    assert windowed_product(x, kernel).sum() == multiply_adds


def test_backward_costs_twice_as_many_once_for_each_gradient(ones):
    x, kernel, multiply_adds = ones
    dout, step = np.ones_like(windowed_product(x, kernel)), (1, 1)
    assert windowed_kernel_gradient(x, dout, kernel.shape[:2], step, step).sum() == multiply_adds
    assert windowed_input_gradient(dout, kernel, x.shape[1:3], step, step).sum() == multiply_adds


def test_the_solution_counts_the_second_convolution_as_the_page_does(page):
    dense = 1568 * 256 + 256 * 128 + 128 * 10
    assert 64 * (page["others"] - dense) == WORK


def test_the_blur_costs_25_multiply_adds_in_one_and_10_in_two_convolutions(page):
    assert (page["full"].size, page["down"].size + page["across"].size) == (25, 10)
    assert "25 against 10" in TEXT


# Equal results.


def test_scaling_by_a_positive_number_adding_and_cutting_at_0_do_not_change_which_is_the_largest():
    rng = np.random.default_rng(0)
    four, scale = rng.standard_normal((4, 1000)), rng.random(1000) + 0.1
    plain = np.maximum(0, four * scale + 1).max(axis=0)
    np.testing.assert_array_equal(np.maximum(0, four.max(axis=0) * scale + 1), plain)


# The thieves.


def test_a_python_number_and_a_float32_leave_an_array_of_float32_as_it_is(page):
    image = page["image"]
    assert (image - 0.5).dtype == (image - np.float32(0.5)).dtype == np.float32


def test_a_number_of_type_float64_turns_an_array_into_float64(page):
    image = page["image"]
    mean = image.mean(dtype=np.float64)
    assert (image - np.float64(0.5)).dtype == (image - mean).dtype == np.float64


def test_the_image_has_the_short_rows_that_the_page_counts(page):
    short = page["image"][..., 0].size
    assert page["image"].shape[-1] == 16
    assert page["rows"].shape == (short // 28, 448) == (64 * 28, 28 * 16)
    assert f"there are {short:,} short ones" in TEXT


# Memory.


def peak_of(way, *arrays):
    """The most bytes that NumPy held at once while `way` ran."""
    tracemalloc.start()
    try:
        way(*arrays)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


COPIED = 32 * 30 * 30 * 9 * 64 * 4  # bytes


def test_im2col_copies_66_mb_of_windows_for_8_mb_of_images(page):
    wide = page["wide"]
    assert extract_windows(wide, (3, 3)).size * wide.itemsize == COPIED
    assert f"{COPIED / 1e6:.0f} MB for images of {wide.nbytes / 1e6:.0f} MB" in TEXT


def test_im2col_holds_all_its_rows_and_the_output_at_once(page):
    output = 32 * 30 * 30 * 64 * 4
    assert peak_of(page["im2col"], page["wide"], page["weights"]) >= COPIED + output


def test_the_library_needs_less_than_a_quarter_of_the_rows_at_a_time(page):
    assert peak_of(windowed_product, page["wide"], page["weights"]) < COPIED / 4


# How the recorded time grows.


@pytest.fixture(scope="module")
def slopes(page):
    """The exponent of each recorded power law: 1 is proportional growth."""
    growth = page["growth"].items()
    return {name: np.polyfit(np.log(work), np.log(times), 1)[0] for name, (work, times) in growth}


def test_batch_and_pixels_cost_what_the_count_says(slopes):
    assert 0.9 < slopes["batch"] < 1.1
    assert 0.9 < slopes["pixels"] < 1.1


def test_larger_kernels_gain_a_little(slopes):
    assert min(slopes["batch"], slopes["pixels"]) > slopes["kernel"] > 0.75


def test_channels_cost_more_than_they_should_while_they_are_few(slopes):
    assert slopes["channels"] < 0.75


def test_the_first_doublings_of_the_channels_take_about_twice_the_time_or_less(page):
    work, times = page["growth"]["channels"]
    np.testing.assert_allclose(work[1:3] / work[:2], 4)
    assert (times[1:3] / times[:2]).max() < 2.3


# The others, on record.


def test_the_opening_figure_shows_six_programs(page):
    assert set(page["one_core"]) == set(page["names"].values())
    assert len(page["one_core"]) == 6


def test_plain_layers_take_less_time_than_keras_and_fused_ones_less_still(page):
    one_core = page["one_core"]
    assert one_core["ours, fused"] < one_core["ours"] < one_core["Keras"]


@pytest.mark.parametrize("case", ["fashion_cnn", "mlp", "small_cnn", "small_cnn_batch"])
def test_a_training_step_of_ours_is_faster_than_one_of_keras(against, case):
    assert against("keras", case) > 1


def test_one_example_at_a_time_the_bare_loop_is_nearer_to_us_than_keras(against):
    assert against("keras", "small_cnn") > against("tf", "small_cnn") > 1


def test_we_lose_to_pytorch_on_the_small_cnn_in_batches(against):
    assert against("torch", "small_cnn_batch") < 1


@pytest.mark.parametrize("other", ["keras", "tf"])
def test_keras_and_tensorflow_are_about_as_fast_as_we_are_at_many_answers(against, other):
    assert 0.8 < against(other, "many_images") < 1.25


@pytest.mark.parametrize("side", ["fused", "shards"])
def test_pytorch_draws_level_with_as_many_threads_as_it_likes(page, against, side):
    assert 0.9 < against("torch", "fashion_cnn", side, **page["wall"]) < 1.15


@pytest.mark.parametrize("case", ["conv_stride", "depthwise"])
def test_we_lose_to_tensorflow_with_strides_and_in_the_depthwise_convolution(against, case):
    assert against("tf", case) < 1


@pytest.mark.parametrize("case", ["conv_16_32", "conv_64_64", "conv_5x5", "relu"])
def test_convolutions_with_16_channels_and_more_are_a_draw_and_so_is_relu(against, case):
    assert 0.7 < against("tf", case) < 1.4


@pytest.mark.parametrize("case", ["conv_first", "batchnorm", "maxpool"])
def test_we_win_most_with_a_single_channel_in_batch_norm_and_in_pooling(against, case):
    assert against("tf", case) > 1.2


@pytest.mark.parametrize("side", ["plain", "fused", "keras"])
def test_most_of_a_step_is_not_sums(page, side):
    assert page["bench"].share_of_peak("fashion_cnn", "fashion_cnn", side) < 0.5
