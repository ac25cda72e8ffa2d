"""What the chapter "Images and data" claims, one test each; the arrays are those of its own cells."""

import numpy as np
import pytest
from support.chapter_code import run_of

from cnnbook.nn import SGD, Dense, Flatten, ReLU, Sequential, SoftmaxCrossEntropy, accuracy, evaluate, fit

pytestmark = pytest.mark.keras  # the page imports it


@pytest.fixture(scope="module")
def page():
    return run_of("images_and_data")


def squared_distances(a, b):
    """From each row of a to each row of b, as they are defined."""
    return ((a[:, np.newaxis] - b) ** 2).sum(axis=2)


@pytest.fixture
def pictures_and_means():
    rng = np.random.default_rng(0)
    return rng.random((5, 784)), rng.random((10, 784))


def test_a_sum_of_bytes_wraps_around_at_256(page):
    assert (page["bright"] + page["more"])[0] == 300 - 256 == 44


def test_a_difference_of_bytes_wraps_around_below_0(page):
    assert (page["more"] - page["bright"])[0] == 100 - 200 + 256 == 156


def test_the_pixels_0_0_4_4_become_minus_one_and_one():
    pixels = np.array([0.0, 0, 4, 4])
    mean = pixels.sum() / 4
    deviation = (((pixels - mean) ** 2).sum() / 4) ** 0.5
    assert (mean, deviation) == (2, 2)
    assert ((pixels - mean) / deviation).tolist() == [-1, -1, 1, 1]


def test_keras_divides_by_at_least_a_ten_millionth_where_all_pixels_are_equal(page):
    normalise = page["keras"].layers.Normalization(axis=None, mean=4, variance=0)
    assert normalise(np.full((1, 4), 5, np.float32)).numpy() == pytest.approx(1e7)


@pytest.mark.parametrize("seed", range(3))
def test_training_goes_faster_with_standardised_pixels(page, seed):
    images, mean, std = page["images"], page["mean"], page["std"]
    if images.is_fallback:
        pytest.skip("a claim about Fashion-MNIST; the digits stand in for it here")
    losses = []
    for shift, scale in ((0, 1), (mean, std)):
        network = Sequential([Flatten(), Dense(64), ReLU(), Dense(10)])
        network.build((28, 28, 1), seed=seed)
        x, y = (images.x_train[:5000] - shift) / scale, images.y_train[:5000]
        fit(network, SoftmaxCrossEntropy(), SGD(0.01), x, y, epochs=2, batch_size=64)
        losses.append(evaluate(network, SoftmaxCrossEntropy(), x, y)["loss"])
    assert losses[1] < losses[0]


def test_the_standardised_test_set_has_a_mean_near_0_and_a_deviation_near_1(page):
    assert page["standard_test"].mean() == pytest.approx(0, abs=0.1)
    assert page["standard_test"].std() == pytest.approx(1, abs=0.1)


def test_the_squared_distance_multiplied_out_is_the_same_number(pictures_and_means):
    x, m = pictures_and_means
    out = (x**2).sum(axis=1)[:, np.newaxis] - 2 * x @ m.T + (m**2).sum(axis=1)
    np.testing.assert_allclose(out, squared_distances(x, m))


def test_the_weighted_sum_is_the_distance_without_what_all_classes_share_divided_by_minus_two(
    pictures_and_means,
):
    x, m = pictures_and_means
    z = x @ m.T - (m**2).sum(axis=1) / 2
    shared = (x**2).sum(axis=1)[:, np.newaxis]
    np.testing.assert_allclose(z, (squared_distances(x, m) - shared) / -2)


def test_the_end_of_a_sorted_file_holds_two_classes_and_one_of_them_is_hardly_trained_on_or_not_at_all(page):
    y, n_train = np.sort(page["y"]), page["n_train"]
    assert len(np.unique(y[n_train:])) == 2
    assert (y[:n_train] == 9).sum() < 0.1 * (y == 9).sum()
    if not page["images"].is_fallback:
        assert set(range(10)) - set(y[:n_train]) == {9}


def test_a_validation_set_drawn_at_random_holds_every_class_in_nearly_equal_numbers(page):
    counts = np.bincount(page["y"][page["validation"]], minlength=10)
    np.testing.assert_allclose(counts / counts.sum(), 1 / 10, atol=0.05)


def test_after_copying_about_half_of_the_held_out_pictures_have_their_copy_among_the_known(page):
    n, known = len(page["all_y"]), page["known"]
    held_out = np.setdiff1d(np.arange(n), known)
    own_copy = (held_out + n // 2) % n
    assert np.isin(own_copy, known).mean() == pytest.approx(1 / 2, abs=0.1)


def test_copying_before_splitting_raises_the_score(page):
    assert page["copied"] > page["split"]


def test_the_best_of_a_thousand_guessers_looks_far_better_than_one_in_ten_where_it_was_chosen(page):
    assert page["right"][page["best"], :200].mean() > 0.14


def test_the_best_of_a_thousand_guessers_is_right_one_time_in_ten_elsewhere(page):
    assert page["others"] == pytest.approx(1 / 10, abs=0.04)


def test_linear_softmax_learns_7840_weights_and_10_constants(page):
    sizes = [param.size for param in page["linear"].layers[1].params.values()]
    assert sizes == [784 * 10, 10] == [7_840, 10]


def test_always_the_most_frequent_class_is_right_about_one_time_in_ten(page):
    assert page["scores"]["always the same class"] < 0.15


def test_pixels_255_times_as_bright_cost_linear_softmax_a_few_points_of_accuracy(page):
    loud = evaluate(page["linear"], page["loss"], 255 * page["images"].x_test, page["images"].y_test)
    assert loud["accuracy"] == pytest.approx(page["scores"]["linear softmax"], abs=0.07)


def test_pixels_255_times_as_bright_raise_the_loss_enormously(page):
    x, y = page["test"]
    loud, as_it_was = (evaluate(page["linear"], page["loss"], scale * x, y)["loss"] for scale in (255, 1))
    assert loud > 10 * as_it_was


def test_the_nearest_neighbour_is_the_bar_to_beat(page):
    assert max(page["scores"], key=page["scores"].get) == "nearest neighbour"


def test_the_recorded_answers_are_those_of_the_pages_own_nearest_neighbour(page):
    images = page["images"]
    if images.is_fallback:
        pytest.skip("a claim about Fashion-MNIST; the digits stand in for it here")
    some = slice(0, 10_000, 100)
    found = page["nearest_neighbour"](images.x_train, images.y_train, images.x_test[some])
    assert (
        accuracy(page["by_neighbour"][some], found) > 0.98
    )  # rounding may decide between two that are equally near


def test_the_nearest_mean_mixes_up_pullovers_and_coats_most_often(page):
    images = page["images"]
    if images.is_fallback:
        pytest.skip("a claim about Fashion-MNIST; the digits stand in for it here")
    assert {images.class_names[page["one"]], images.class_names[page["other"]]} == {"Pullover", "Coat"}


@pytest.mark.parametrize(("pictures", "apart"), [(100, False), (10_000, True)])
def test_ten_thousand_test_pictures_tell_83_from_85_in_a_hundred_and_a_hundred_do_not(pictures, apart):
    drawn = np.random.default_rng(0).binomial(pictures, 0.83, 10_000) / pictures
    _, high = np.quantile(drawn, [0.025, 0.975])
    assert (high < 0.85) == apart


def share_found(pictures, compare, trials=10_000):
    """How often programs that are right with 0.83 and 0.85 differ by more than 1.96 standard errors."""
    rng = np.random.default_rng(0)
    low, high = (rng.binomial(pictures, p, trials) / pictures for p in (0.83, 0.85))
    variance = low * (1 - low)
    if compare == "known":
        return (0.85 - low > 1.96 * np.sqrt(variance / pictures)).mean()
    return (high - low > 1.96 * np.sqrt((variance + high * (1 - high)) / pictures)).mean()


def test_the_three_answers_are_about_1360_2580_and_5270_pictures(page):
    pictures = [round(variance * (errors / 0.02) ** 2, -1) for variance, errors in page["cases"].values()]
    assert pictures == pytest.approx([1360, 2580, 5270], abs=10)


@pytest.mark.parametrize(
    ("pictures", "compare", "share"), [(1360, "known", 0.5), (2580, "other", 0.5), (5270, "other", 0.8)]
)
def test_that_many_pictures_find_the_difference_in_half_and_in_80_of_100_trials(pictures, compare, share):
    assert share_found(pictures, compare) == pytest.approx(share, abs=0.03)


def test_of_two_equally_good_programs_each_gets_half_of_the_differing_pictures_to_within_their_root():
    for differing in (50, 200, 1000):
        drawn = np.random.default_rng(0).binomial(differing, 1 / 2, 10_000)
        within = np.abs(drawn - differing / 2) <= np.sqrt(differing)
        assert within.mean() == pytest.approx(0.955, abs=0.015)


def test_on_the_same_pictures_two_programs_are_mostly_right_and_wrong_together(page):
    assert page["differing"] < len(page["images"].y_test) / 5


def test_paired_the_nearest_neighbour_beats_linear_softmax_by_more_than_chance(page):
    if page["images"].is_fallback:
        pytest.skip("a claim about Fashion-MNIST; the digits stand in for it here")
    differing = page["differing"]
    assert page["n_neighbour"] > differing / 2 + np.sqrt(differing)
