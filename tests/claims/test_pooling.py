"""What the chapter "Pooling" claims, one test each; the arrays are those of the chapter's own cells."""

import numpy as np
import pytest
from support.chapter_code import run_of

from cnnbook import bugzoo
from cnnbook.keras_twin import tf
from cnnbook.nn import AveragePooling2D, MaxPooling2D, ReLU
from cnnbook.nn.windows import windowed_product
from cnnbook.shapes import output_size

pytestmark = pytest.mark.keras  # the page imports it

HAND = np.float64([[1, 5, 2, 2], [3, 4, 2, 0]]).reshape(1, 2, 4, 1)


@pytest.fixture(scope="module")
def page():
    return run_of("pooling")


@pytest.fixture
def accuracies(page):
    """Test accuracy of each network for shifts of 0 to 4 pixels, if they are those of Fashion-MNIST."""
    if page["images"].is_fallback:
        pytest.skip("a claim about Fashion-MNIST; the digits stand in for it here")
    return page["accuracies"]


# Moving by one pixel


def test_the_first_step_of_the_edge_is_forgiven_and_the_second_moves_the_answer():
    rows = 9.0 * np.eye(3, 6).reshape(3, 1, 6, 1)
    out = MaxPooling2D((1, 2)).forward(rows).reshape(3, 3)
    assert out.tolist() == [[9, 0, 0], [9, 0, 0], [0, 9, 0]]


def test_half_of_all_single_steps_stay_inside_their_window():
    assert [pixel // 2 == (pixel + 1) // 2 for pixel in range(6)] == [True, False] * 3


# The way back


def test_a_maximum_hands_its_gradient_to_the_largest_pixel_and_at_a_tie_to_the_first(page):
    pool = MaxPooling2D(2)
    pool.forward(HAND, training=True)
    assert pool.backward(page["dout"])[0, :, :, 0].tolist() == [[0, 10, 20, 0], [0, 0, 0, 0]]


def test_an_average_hands_an_equal_share_to_each_pixel(page):
    pool = AveragePooling2D(2)
    pool.forward(HAND, training=True)
    assert pool.backward(page["dout"])[0, :, :, 0].tolist() == [[10 / 4, 10 / 4, 20 / 4, 20 / 4]] * 2


def gradient_of_a_tie(maximum):
    """What a maximum of TensorFlow's hands back to four equal pixels."""
    tie = tf.ones((1, 2, 2, 1))
    with tf.GradientTape() as tape:
        tape.watch(tie)
        out = maximum(tie)
    return tape.gradient(out, tie).numpy().ravel().tolist()


def test_max_pooling_of_tensorflow_gives_a_tie_to_the_first_and_a_global_maximum_shares_it(page):
    layers = page["keras"].layers
    assert gradient_of_a_tie(layers.MaxPooling2D(2)) == [1, 0, 0, 0]
    for maximum in (layers.GlobalMaxPooling2D(), tf.reduce_max):
        assert gradient_of_a_tie(maximum) == [1 / 4] * 4


@pytest.mark.parametrize("place", range(4))
def test_our_maximum_of_a_nan_is_nan_and_keras_may_be_the_largest_of_the_others(page, place):
    """Which of the two TensorFlow gives depends on its kernels, so either will do."""
    window = np.float32([0, 1, 2, 3])
    window[place] = np.nan
    x = window.reshape(1, 2, 2, 1)
    assert np.isnan(MaxPooling2D(2).forward(x)).all()
    theirs = page["keras"].layers.MaxPooling2D(2)(x).numpy().item()
    assert np.isnan(theirs) or theirs == np.nanmax(window)


def test_windows_with_a_tie_are_common_on_real_pictures(page):
    assert (page["winners"] > 1).mean() > 0.1


def test_if_every_winner_gets_the_whole_gradient_it_grows_by_the_mean_number_of_winners(page):
    greedy = bugzoo.EveryTieWins(2)
    greedy.build((28, 28, 1), dtype=np.float64)
    out = greedy.forward(page["images"].x_train[:500].astype(np.float64), training=True)
    handed_out = greedy.backward(np.ones_like(out)).sum()
    assert handed_out / out.size == pytest.approx(page["winners"].mean())


def test_an_average_counts_only_real_pixels_here_and_in_keras_and_all_places_would_give_3(page):
    x = np.float32([4, 8]).reshape(1, 1, 2, 1)
    ours = AveragePooling2D((2, 2), padding="same").forward(x)
    theirs = page["keras"].layers.AveragePooling2D((2, 2), padding="same")(x).numpy()
    assert ours.item() == theirs.item() == 6
    assert x.sum() / 4 == 3


# Sizes and weights


def test_halving_28_pixels_leads_to_14_7_and_3_and_from_7_to_4_with_same():
    assert [output_size(n, 2, 2) for n in (28, 14, 7)] == [14, 7, 3]
    assert output_size(7, 2, 2, padding="same") == 4


@pytest.mark.parametrize("smaller", ["max pooling", "stride 2"])
def test_halving_both_sides_twice_leaves_the_dense_layer_a_sixteenth_of_its_weights(page, smaller):
    weights = {name: page["models"][name].layers[-1].params["kernel"].size for name in page["models"]}
    assert weights["no pooling"] == 16 * weights[smaller]


# What a shift costs


@pytest.mark.parametrize("smaller", ["max pooling", "stride 2"])
def test_max_pooling_and_stride_2_cost_some_points_of_accuracy_on_pictures_that_stand_still(
    accuracies, smaller
):
    assert 0.02 < accuracies["no pooling"][0] - accuracies[smaller][0] < 0.08


@pytest.mark.parametrize("shift", [2, 3, 4])
@pytest.mark.parametrize("rival", ["no pooling", "stride 2"])
def test_max_pooling_stays_above_its_rivals_for_shifts_of_two_pixels_or_more(accuracies, rival, shift):
    assert accuracies["max pooling"][shift] > accuracies[rival][shift]


@pytest.mark.parametrize("rival", ["no pooling", "max pooling", "stride 2", "global average"])
def test_shifts_in_training_keep_the_most_accuracy_when_pictures_move_by_three_pixels(accuracies, rival):
    assert accuracies["shifts in training"][3] > accuracies[rival][3] + 0.05


def test_with_shifts_in_training_the_curve_is_nearly_flat_up_to_three_pixels_and_falls_at_four(accuracies):
    curve = accuracies["shifts in training"]
    assert np.ptp(curve[:4]) < 0.15
    assert curve[3] - curve[4] > 0.05
    for rival in ("no pooling", "max pooling"):
        assert np.ptp(curve[:4]) < np.ptp(accuracies[rival][:4]) / 2


def test_shifts_in_training_cost_some_points_on_pictures_that_stand_still(accuracies):
    assert 0.03 < accuracies["no pooling"][0] - accuracies["shifts in training"][0] < 0.15


def test_the_shifts_and_not_the_pooling_decide_how_the_accuracy_falls_up_to_three_pixels(page, accuracies):
    def fall(curve):
        return curve[0] - curve[3]

    alone, both, pooling = accuracies["shifts in training"], page["both_moved"], accuracies["max pooling"]
    assert abs(fall(both) - fall(alone)) < 0.08
    assert min(fall(pooling) - fall(both), fall(pooling) - fall(alone)) > 0.1


def test_data_augmentation_moves_a_picture_anew_each_time_by_at_most_three_pixels_and_both_ways(page):
    point = np.zeros((200, 9, 9, 1), np.float32)
    point[:, 4, 4] = 1
    moved = page["data"].Augmentation(shift=3)(point, np.random.default_rng(0))
    places = np.argwhere(moved[..., 0])[:, 1:] - 4
    assert set(places[:, 0]) == set(places[:, 1]) == set(range(-3, 4))


def test_the_curve_of_the_global_average_is_flat(accuracies):
    assert np.ptp(accuracies["global average"]) < 0.1


def test_the_global_average_has_the_lowest_accuracy_on_pictures_that_stand_still(accuracies):
    assert min(accuracies, key=lambda name: accuracies[name][0]) == "global average"


@pytest.mark.parametrize("other", ["still", "one_step"])
def test_moved_by_one_pixel_the_pooled_maps_are_neither_what_they_were_nor_one_step_on(page, other):
    assert np.abs(page["local"][1] - page[other]).mean() > 0.02 * page["local"][0].mean()


# ReLU before or behind


def test_relu_and_max_pooling_can_be_swapped():
    x = np.random.default_rng(0).standard_normal((2, 7, 6, 3))
    pool, relu = MaxPooling2D((3, 2), strides=(2, 1)), ReLU()
    assert (pool.forward(relu.forward(x)) == relu.forward(pool.forward(x))).all()


def test_relu_and_average_pooling_cannot_be_swapped():
    pair, pool = np.float64([-1, 1]).reshape(1, 1, 2, 1), AveragePooling2D((1, 2))
    assert pool.forward(pair).item() == 0
    assert pool.forward(ReLU().forward(pair)).item() == 1 / 2


def test_average_pooling_is_a_convolution_with_four_weights_of_a_quarter_and_max_pooling_is_none(page):
    x = page["images"].x_train[:4]
    quarter = np.full((2, 2, 1, 1), 1 / 4, np.float32)
    by_convolution = windowed_product(x, quarter, strides=(2, 2))
    np.testing.assert_allclose(AveragePooling2D(2).forward(x), by_convolution, atol=1e-6)
    a, b = np.float64([[1, 0], [0, 1]]).reshape(2, 1, 1, 2, 1)
    pool = MaxPooling2D((1, 2))
    assert [pool.forward(pair).item() for pair in (a, b, a + b)] == [1, 1, 1]
