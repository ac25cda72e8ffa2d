"""What the chapter on other convolutions claims."""

import re

import numpy as np
import pytest
from support.chapter_code import run_of
from support.project_files import ROOT

from cnnbook import nn

TEXT = (ROOT / "chapters" / "other_convolutions.md").read_text("utf-8")


@pytest.fixture(scope="module")
def page():
    return run_of("other_convolutions")


def test_the_two_channels_and_their_kernels_differ_and_equal_channels_would_hide_an_exchange(page):
    row = np.array([[1.0, 10], [2, 20], [3, 50]]).reshape(1, 1, 3, 2)

    def conv(x, taps):
        layer = nn.Conv2D(1, (1, 2), use_bias=False)
        layer.build((1, 3, 2), np.random.default_rng(0), np.float64)
        layer.params["kernel"] = taps.reshape(1, 2, 2, 1)
        return layer.forward(x).ravel()

    taps = page["taps"]
    assert conv(row, taps).tolist() == [-7, -25]
    assert conv(row, taps[..., ::-1])[0] == 29
    alike = np.repeat(row[..., :1], 2, axis=3)
    np.testing.assert_array_equal(conv(alike, taps), conv(alike, taps[..., ::-1]))


def test_the_table_beside_the_case_holds_the_numbers_of_the_cell():
    rows = re.findall(r"\n\| [01] \| (.+) \|(?=\n)", TEXT)
    plain = [row.replace("\N{MINUS SIGN}", "-") for row in rows]
    assert plain == ["1 | 2 | 3 | 1, 1", "10 | 20 | 50 | 1, -1"]


def test_weights_are_those_of_the_formulas_and_multiplications_are_weights_times_pixels(page):
    costs = page["costs"]
    assert costs["full"][0] == 9 * 64 * 64
    assert costs["4 groups"][0] == 9 * 64 * 64 // 4
    assert costs["separable"][0] == 9 * 64 + 64 * 64
    assert costs["pointwise"][0] == 64 * 64
    assert costs["depthwise"][0] == 9 * 64
    assert all(products == weights * 14 * 14 for weights, products in costs.values())


def test_multiplications_counted_one_by_one_on_a_small_layer():
    """Each output number of a full convolution is a sum of K_h K_w C products."""
    layer = nn.Conv2D(5, (3, 2), use_bias=False)
    height, width, filters = layer.build((6, 5, 4), np.random.default_rng(0))
    assert height * width * filters * 3 * 2 * 4 == layer.params["kernel"].size * height * width


def test_a_separable_convolution_costs_one_over_f_plus_one_over_the_taps(page):
    share = page["costs"]["separable"][0] / page["costs"]["full"][0]
    assert share == pytest.approx(1 / 64 + 1 / 9)
    assert 1 / 8.5 < share < 1 / 7.5
    assert "at about an eighth of the cost for 3 \u00d7 3 and 64 filters" in TEXT


def test_a_separable_kernel_imitates_little_of_a_random_one_and_all_of_a_product(page):
    assert 0.1 < page["kept"] / page["total"] < 0.35
    product = page["full_kernel"](np.random.default_rng(0).random((3, 3, 2)), np.ones((2, 5)))
    assert all(np.linalg.matrix_rank(product[:, :, c].reshape(9, 5)) == 1 for c in (0, 1))


def test_the_transposed_convolution_adds_overlaps_as_written(page):
    written = [1, 2, 3 + 10, 20, 30 + 100, 200, 300]
    assert page["large"].tolist() == written
    assert "$1, 2, 3{+}10, 20, 30{+}100, 200, 300$" in TEXT


def test_a_kernel_of_three_makes_a_checkerboard_and_the_other_two_ways_do_not(page):
    found = {name: set(np.unique(values)) for name, values in page["three"].items()}
    assert found["kernel 3, stride 2"] == {1, 2, 4}
    assert len(found["kernel 4, stride 2"]) == len(found["repeat, then convolve"]) == 1


def test_every_other_row_and_column_gets_two_copies(page):
    board = page["three"]["kernel 3, stride 2"]
    assert (board[:-2] == board[2:]).all()
    assert (board[:, :-2] == board[:, 2:]).all()
    assert sorted(set(board.max(axis=1))) == [2, 4]


def test_a_network_of_depthwise_layers_never_mixes_channels():
    model = nn.Sequential(
        [nn.DepthwiseConv2D(3, padding="same"), nn.ReLU(), nn.DepthwiseConv2D(3, padding="same")]
    )
    model.build((5, 5, 6), seed=0, dtype=np.float64)
    x = np.random.default_rng(0).standard_normal((1, 5, 5, 6))
    moved = x.copy()
    moved[..., 3] += 1
    changed = np.abs(model.forward(moved) - model.forward(x)).max(axis=(0, 1, 2))
    assert (changed[[0, 1, 2, 4, 5]] == 0).all()
    assert changed[3] > 0


def test_the_separable_layer_of_the_stack_does_most_of_the_work_and_its_pointwise_half_nine_tenths_of_that():
    first, depth, point, last = 288 * 28 * 28, 9 * 32 * 14 * 14, 32 * 64 * 14 * 14, 640 * 14 * 14
    assert (depth + point) > (first + depth + point + last) / 2
    assert point / (depth + point) == pytest.approx(0.9, abs=0.03)
