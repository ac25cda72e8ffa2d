"""What the chapter "Padding and stride" claims, one test each; the arrays are those of its own cells."""

import numpy as np
import pytest
from support.chapter_code import run_of

from cnnbook.keras_twin import keras
from cnnbook.nn import Conv2D, ReflectionPadding2D, ReplicationPadding2D
from cnnbook.nn.windows import pad_images, windowed_product
from cnnbook.shapes import output_size, pad_amounts, receptive_field

pytestmark = pytest.mark.keras  # the page imports it


@pytest.fixture(scope="module")
def page():
    return run_of("padding_and_stride")


def starts(n, k, s):
    """The first pixel of every window that fits on n pixels."""
    return [i for i in range(0, n, s) if i + k <= n]


def unseen(n, k, s):
    """The pixels that lie in no window."""
    return sorted(set(range(n)) - {start + tap for start in starts(n, k, s) for tap in range(k)})


# Stops


def test_a_centre_pixel_reaches_the_outputs_of_four_layers_in_9_to_the_fourth_ways_and_a_corner_in_one(page):
    assert (page["valid"][14, 14], page["valid"][0, 0]) == (9**4, 1)


def test_with_padding_even_a_corner_pixel_reaches_the_outputs_in_many_ways(page):
    assert page["ways"](28, pad=1)[0, 0] > 100


def test_on_seven_pixels_a_window_of_three_with_stride_two_stops_at_0_2_and_4_and_sees_all(page):
    assert starts(7, 3, 2) == [0, 2, 4]
    assert page["count"](7, 3, 2) == 3
    assert unseen(7, 3, 2) == []


def test_on_six_pixels_it_stops_at_0_and_2_and_pixel_5_belongs_to_no_window(page):
    assert starts(6, 3, 2) == [0, 2]
    assert page["count"](6, 3, 2) == 2
    assert unseen(6, 3, 2) == [5]


def test_one_zero_on_each_side_of_seven_pixels_makes_four_stops(page):
    assert page["count"](7, 3, 2, before=1, after=1) == len(starts(9, 3, 2)) == 4


def test_the_formula_for_the_size_gives_3_and_with_padding_4():
    assert output_size(7, 3, 2) == (7 - 3) // 2 + 1 == 3
    assert output_size(7, 3, 2, padding=1) == (9 - 3) // 2 + 1 == 4


def test_the_formula_for_the_size_needs_at_least_one_window_that_fits(page):
    n, k, s = 2, 5, 2
    assert page["count"](n, k, s) == 0
    assert (n - k) // s + 1 < 0  # what the formula says
    with pytest.raises(ValueError, match="does not fit"):
        output_size(n, k, s)


# Same


def test_the_formula_for_same_gives_the_librarys_zeros_and_they_make_room_for_just_enough_windows(page):
    for n, k, s, d in np.ndindex(20, 7, 4, 3):
        n, k, s, d = n + 1, k + 1, s + 1, d + 1
        e, outputs = d * (k - 1) + 1, -(-n // s)
        zeros = max(0, (outputs - 1) * s + e - n)
        before, after = zeros // 2, zeros - zeros // 2
        assert pad_amounts(n, k, s, d, "same") == (before, after)
        assert page["count"](n, k, s, d, before, after) == (n + zeros - e) // s + 1 == outputs
        assert zeros == 0 or page["count"](n, k, s, d, before, after - 1) < outputs


@pytest.mark.parametrize(
    ("setting", "lopsided"),
    [((28, 3, 1), False), ((28, 4, 1), True), ((28, 3, 2), True), ((224, 7, 2), True)],
)
def test_same_is_lopsided_in_all_but_the_first_of_the_four_settings(setting, lopsided):
    before, after = pad_amounts(*setting, padding="same")
    assert (before != after) == lopsided


def test_a_window_of_four_needs_one_zero_before_and_two_after():
    assert pad_amounts(28, 4, padding="same") == (1, 2)


@pytest.fixture(scope="module")
def padded_by(page):
    """What the page's 7 x 7 windows with stride 2 answer in float64, by the zeros before and after."""

    def answers(before, after):
        pads = (before, after)
        x, kernel = page["x"].astype(np.float64), page["kernel"].astype(np.float64)
        return windowed_product(pad_images(x, (pads, pads)), kernel, strides=(2, 2))

    return answers


def test_symmetric_padding_gives_the_same_size_as_same(padded_by):
    assert padded_by(3, 3).shape == padded_by(2, 3).shape


def test_symmetric_padding_puts_its_windows_one_pixel_further_up_and_to_the_left(padded_by):
    np.testing.assert_allclose(padded_by(3, 3), padded_by(3, 2))


def test_symmetric_padding_gives_other_numbers_than_same(page):
    assert page["gap"] > page["size"] / 10


# Strides and dilations


def test_a_window_of_three_with_stride_two_makes_13_stops_on_28_pixels_and_misses_the_last(page):
    assert output_size(28, 3, 2) == 13
    assert page["unseen"].tolist() == [27]


def test_on_32_pixels_a_window_of_five_with_stride_two_makes_14_stops_and_ends_at_pixel_30():
    assert output_size(32, 5, 2) == len(starts(32, 5, 2)) == 14
    assert unseen(32, 5, 2) == [31]


def test_a_window_of_two_with_stride_three_looks_past_10_of_28_rows():
    assert len(unseen(28, 2, 3)) == 10


@pytest.mark.parametrize(
    ("dilations", "pixels", "span"), [((1, 1), 5, 5), ((2, 2), 5, 9), ((1, 3), 9, 9)], ids=str
)
def test_dilations_2_and_2_see_as_far_as_1_and_3_but_only_every_other_pixel(page, dilations, pixels, span):
    seen = np.flatnonzero(page["seen_by_centre"](dilations)[7])
    assert (len(seen), seen[-1] - seen[0] + 1) == (pixels, span)


def test_dilations_2_and_4_still_see_only_every_other_pixel(page):
    seen = np.flatnonzero(page["seen_by_centre"]((2, 4), size=31)[15])
    assert set(np.diff(seen)) == {2}


# How far a stack sees


def test_size_and_jump_travel_up_the_stack_as_the_formula_says():
    r, jump, layers = 1, 1, [(3, 2, 1, 0), (3, 1, 2, 0), (5, 2, 1, 0), (2, 1, 3, 0)]
    for number, (k, s, d, _) in enumerate(layers, start=1):
        e = d * (k - 1) + 1
        r, jump = r + (e - 1) * jump, s * jump
        field = receptive_field(layers[:number])
        assert (field.size, field.jump) == (r, jump)


def read_by_one_output(layers):
    """The pixels that one output of a stack depends on, on one axis, followed down layer by layer."""
    places = {0}
    for k, s, d, _ in reversed(layers):
        places = {s * place + d * tap for place in places for tap in range(k)}
    return places


@pytest.mark.parametrize(
    ("layers", "read"),
    [
        ([(3, 1, 1, 0), (3, 1, 1, 0)], 5),
        ([(3, 1, 2, 0), (3, 1, 2, 0)], 5),
        ([(2, 3, 1, 0), (2, 1, 1, 0)], 4),
    ],
    ids=["no holes", "dilation", "a stride longer than the window"],
)
def test_a_receptive_field_has_an_extent_and_not_every_pixel_in_it_is_read(layers, read):
    pixels = read_by_one_output(layers)
    assert len(pixels) == read
    assert max(pixels) - min(pixels) + 1 == receptive_field(layers).size


@pytest.mark.parametrize(
    ("stack", "size"),
    [("3x3, 3x3", 1 + 2 + 2), ("5x5", 5), ("3x3, pool 2, 3x3, pool 2", 10)],
)
def test_two_threes_see_5_as_one_five_does_and_the_figures_four_layers_see_10(page, stack, size):
    assert receptive_field(page["stacks"][stack]).size == size


def test_two_threes_see_7_if_the_first_steps_by_two():
    assert receptive_field([(3, 2, 1, 0), (3, 1, 1, 0)]).size == 1 + 2 + 2 * 2 == 7


@pytest.mark.parametrize(("layers", "size"), [(4, 9), (5, 11)])
def test_four_threes_see_9_and_five_see_11(layers, size):
    assert receptive_field([(3, 1, 1, 0)] * layers).size == size


# The grey frame


def test_padding_after_the_shift_makes_an_edge_detector_answer_at_the_border(page):
    before, after = (np.abs(answer[:, :, [0, -1]]).mean() for answer in page["answers"].values())
    assert after > before


# A stride and a shift, and what the zeros tell


@pytest.mark.parametrize(("shift", "moved_by"), [(1, None), (2, 1)])
def test_with_stride_2_a_shift_by_two_moves_the_map_by_one_and_a_shift_by_one_makes_another(
    page, shift, moved_by
):
    maps, inner = page["map_of"], page["inner"]
    found = [
        by
        for by in range(-3, 4)
        if np.allclose(maps[shift][inner], np.roll(maps[0], by, axis=2)[inner], atol=1e-5)
    ]
    assert found == ([] if moved_by is None else [moved_by])


def test_with_five_layers_of_stride_2_only_a_shift_by_32_moves_the_last_map_by_one_place():
    rng = np.random.default_rng(0)
    layers = [Conv2D(3, 3, strides=2, padding="same", use_bias=False) for _ in range(5)]
    x = np.zeros((1, 32, 320, 1))
    x[:, :, 128:160] = rng.standard_normal((1, 32, 32, 1))  # far from both borders

    def last_map(picture):
        for layer in layers:
            if not layer.params:
                layer.build(picture.shape[1:], rng, np.float64)
            picture = layer.forward(picture)
        return picture

    still = last_map(x)
    for shift in (1, 2, 8, 16, 31, 32):
        moved = np.allclose(last_map(np.roll(x, shift, axis=2)), np.roll(still, 1, axis=2))
        assert moved == (shift == 32)


def test_zeros_make_the_answer_to_a_flat_picture_fall_within_three_pixels_of_the_border(page):
    answer = page["answers_to_flat"]["constant"]
    assert answer[0] < answer[1] < answer[2] < answer[3] == answer[4] == 1


@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap"])
def test_padding_taken_from_the_picture_leaves_a_flat_picture_flat(page, mode):
    assert (page["answers_to_flat"][mode] == 1).all()


@pytest.mark.parametrize(
    ("mode", "padded"),
    [
        ("constant", [0, 0, 1, 2, 3, 4, 0, 0]),
        ("reflect", [3, 2, 1, 2, 3, 4, 3, 2]),
        ("edge", [1, 1, 1, 2, 3, 4, 4, 4]),
        ("wrap", [3, 4, 1, 2, 3, 4, 1, 2]),
    ],
)
def test_the_four_modes_read_what_the_table_says(page, mode, padded):
    assert np.pad(page["row"], 2, mode).tolist() == padded


@pytest.mark.parametrize("mode", ["reflect", "edge", "replicate", "wrap", "circular"])
def test_keras_conv2d_pads_with_nothing_but_zeros(mode):
    with pytest.raises(ValueError, match="padding"):
        keras.layers.Conv2D(1, 3, padding=mode).build((None, 5, 5, 1))


def test_with_dilations_2_and_2_no_output_sees_two_neighbouring_pixels(page):
    seen = page["seen_by_centre"]([2, 2]) != 0
    assert not (seen[1:] & seen[:-1]).any()
    assert not (seen[:, 1:] & seen[:, :-1]).any()


@pytest.mark.parametrize(
    ("layer", "mode"), [(ReflectionPadding2D(1), "reflect"), (ReplicationPadding2D(1), "edge")]
)
def test_the_two_padding_layers_read_what_numpy_pad_reads(page, layer, mode):
    ring = [(0, 0), (1, 1), (1, 1), (0, 0)]
    np.testing.assert_array_equal(layer.forward(page["x"]), np.pad(page["x"], ring, mode))
