"""What the chapter on training says beyond its cells: its formulas, its curves, and the recorded run."""

import numpy as np
import pytest
from support.chapter_code import run_of

from cnnbook import results
from cnnbook.gradcheck import check_gradient
from cnnbook.keras_twin import keras
from cnnbook.nn import SGD, Adam, Dropout, RMSprop, fit, predict, softmax
from cnnbook.nn.training import train_step
from cnnbook.results import replay

pytestmark = pytest.mark.keras

GUESSING = np.log(10)


@pytest.fixture(scope="module", name="page")
def _page():
    return run_of("training")


# ---------------------------------------------------------------- six learning rates


def test_the_losses_of_the_six_rates_fall_to_the_fourth_and_rise_behind_it(page):
    ends = page["ends"]
    assert ends[0] > ends[1] > ends[2] > ends[3] < min(ends[4:])


def test_the_smallest_rate_has_not_got_beyond_guessing(page):
    assert abs(page["ends"][0] - GUESSING) < 0.2


def test_the_fifth_rate_is_most_of_the_way_back_up(page):
    assert page["ends"][4] > (GUESSING + page["ends"][3]) / 2


def test_the_largest_rate_is_back_at_guessing(page):
    assert (
        page["ends"][5] > 2
    )  # a dead network has about the loss of guessing; how much above, rounding decides


# ---------------------------------------------------------------- one weight and two


def walked(eta, bend, steps=3):
    """Where gradient descent goes from 8 on L = bend / 2 theta^2, with measured slopes."""
    theta = 8.0
    for _ in range(steps):
        theta -= eta * bend / 2 * ((theta + 1e-3) ** 2 - (theta - 1e-3) ** 2) / 2e-3
    return theta


@pytest.mark.parametrize(("eta", "bend"), [(0.5, 1), (1, 1), (2, 1), (3, 1), (0.39, 5), (0.41, 5)])
def test_a_step_against_the_slope_multiplies_theta_by_1_minus_eta_times_the_bend(eta, bend):
    assert walked(eta, bend) == pytest.approx(8 * (1 - eta * bend) ** 3, abs=1e-6)


@pytest.mark.parametrize("bend", [1, 5, 25])
def test_descent_shrinks_below_two_over_the_bend_and_grows_above(bend):
    assert abs(walked(0.99 * 2 / bend, bend)) < 8 < abs(walked(1.01 * 2 / bend, bend))


def test_the_valley_has_the_slopes_theta_0_and_25_theta_1():
    def valley(theta):
        return theta[0] ** 2 / 2 + 25 / 2 * theta[1] ** 2

    at = np.array([3.0, 2.0])
    assert check_gradient("theta", valley, at, at * [1, 25]).error < 1e-8


def test_the_walk_goes_down_the_valley(page):
    path = page["walk"](lambda g, memory: (-g / 100, memory))
    np.testing.assert_allclose(path[1], path[0] * [1 - 1 / 100, 1 - 25 / 100])


def test_at_the_limit_of_the_steep_direction_the_flat_one_needs_dozens_of_steps_to_a_tenth():
    assert 24 < np.log(1 / 10) / np.log(1 - 2 / 25) < 36


def test_rmsprop_ends_nearest_to_the_goal_and_sgd_farthest_from_it(page):
    distance = {name: np.linalg.norm(path[-1]) for name, path in page["paths"].items()}
    assert distance["RMSprop"] < distance["momentum"] < distance["SGD"]


def test_sgd_crosses_the_valley_at_every_step(page):
    height = page["paths"]["SGD"][:, 1]
    assert (height[:-1] * height[1:] < 0).all()


def test_momentum_runs_past_the_goal_and_turns_back(page):
    along = page["paths"]["momentum"][:, 0]
    assert along.min() < 0
    assert along[-1] > along.min()


def test_rmsprop_trembles_around_the_goal_at_the_end(page):
    height = page["paths"]["RMSprop"][-6:, 1]
    assert (height[:-1] * height[1:] < 0).all()


def test_rmsprop_walks_down_both_directions_at_the_same_pace(page):
    flat, steep = page["paths"]["RMSprop"][:2].T
    assert flat[0] - flat[1] == pytest.approx(steep[0] - steep[1], rel=1e-3)


# ---------------------------------------------------------------- why a logarithm, and the loop


def test_a_product_of_3000_probabilities_is_0_in_float32_and_the_sum_of_logarithms_is_its_logarithm(page):
    assert np.prod(page["p"]) == 0
    assert np.log(page["p"]).sum() == pytest.approx(3000 * np.log(0.4), rel=1e-4)


def test_the_network_with_the_largest_likelihood_has_the_lowest_cross_entropy(page):
    rng = np.random.default_rng(0)
    networks = [rng.standard_normal((6, 10)) for _ in range(50)]
    y = rng.integers(0, 10, 6)
    likelihoods = [np.prod(softmax(logits)[range(6), y]) for logits in networks]
    losses = [page["loss"].forward(logits, y) for logits in networks]
    assert np.argmax(likelihoods) == np.argmin(losses)
    np.testing.assert_allclose(losses, -np.log(likelihoods) / 6)


def test_minus_log_p_tells_wrong_from_sure_and_wrong_and_1_minus_p_hardly_does(page):
    wrong, sure = page["true_class"][2:]
    assert (1 - sure) / (1 - wrong) < 1.2
    assert np.log(sure) / np.log(wrong) > 2.9


def test_fit_is_the_loop_of_the_page(page):
    by_hand, fitted = page["network"](), page["network"]()
    page["train_by_hand"](by_hand, 0.1, epochs=1)
    fit(fitted, page["loss"], SGD(0.1), page["x"], page["y"], epochs=1, batch_size=50)
    for (_, mine, _), (_, theirs, _) in zip(by_hand.parameters(), fitted.parameters(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


# ---------------------------------------------------------------- the optimizers' formulas


def test_with_the_same_gradient_again_and_again_momentum_gets_ten_times_as_fast_as_sgd(page):
    velocity = 0.0
    for _ in range(300):
        velocity, _ = page["momentum"](1.0, velocity, eta=1, m=9 / 10)
    assert velocity == pytest.approx(-1 / (1 - 9 / 10))
    assert velocity == pytest.approx(-10)


def test_the_pages_rmsprop_takes_the_librarys_steps(page):
    library, square = RMSprop(0.5), np.zeros(3)
    for g in np.array([[100, 0.01, -3], [100, 0.01, 2], [100, 0.01, 0.5]]):
        change, square = page["rmsprop"](g, square)
        np.testing.assert_allclose(change, library.change("theta", g))


@pytest.mark.parametrize("optimizer", [RMSprop(0.5), Adam(0.5)])
def test_a_weight_with_gradient_100_and_one_with_a_hundredth_move_equally_fast(optimizer):
    for step in (1, 2, 3):
        optimizer.iterations = step
        large, small = optimizer.change("theta", np.array([100, 0.01]))
        assert large == pytest.approx(small, rel=0.01)


def test_adams_first_step_has_the_length_eta():
    adam = Adam(0.5)
    adam.iterations = 1
    np.testing.assert_allclose(np.abs(adam.change("theta", np.array([100, 0.01, -3]))), 0.5, rtol=1e-3)


def test_rmsprops_first_step_is_three_times_eta():
    first = np.abs(RMSprop(0.5, rho=9 / 10).change("theta", np.array([100, 0.01, -3])))
    np.testing.assert_allclose(first, 0.5 / np.sqrt(1 - 9 / 10), rtol=0.01)
    assert round(1 / np.sqrt(1 - 9 / 10)) == 3


def half_a_step(kind, threshold, length):
    """How long the first step is, of its full length, for gradients far above and at a threshold."""
    optimizer = kind(1.0)
    optimizer.iterations = 1
    return np.abs(optimizer.change("theta", np.array([1000, 1]) * threshold)) / length


def test_adams_first_step_halves_where_the_gradient_is_epsilon_over_the_root_of_1_minus_rho_2():
    adam = Adam()
    found = half_a_step(Adam, adam.epsilon / np.sqrt(1 - adam.beta_2), 1)
    np.testing.assert_allclose(found, [1, 1 / 2], rtol=0.01)


def test_rmsprops_first_step_falls_short_where_the_gradient_is_the_root_of_epsilon_over_1_minus_rho():
    rms = RMSprop()
    found = half_a_step(RMSprop, np.sqrt(rms.epsilon / (1 - rms.rho)), 1 / np.sqrt(1 - rms.rho))
    np.testing.assert_allclose(found, [1, 1 / np.sqrt(2)], rtol=0.01)


def test_the_weights_that_nesterov_keeps_are_the_points_to_which_the_velocity_would_carry():
    m, eta, bend = 0.8, 0.03, np.array([1, 25])
    library, kept = SGD(eta, m, nesterov=True), np.array([10.0, 1.0])
    theta, velocity = kept.copy(), np.zeros(2)
    for _ in range(10):
        velocity = m * velocity - eta * bend * (theta + m * velocity)
        theta = theta + velocity
        kept = kept + library.change("theta", bend * kept)
        np.testing.assert_allclose(kept, theta + m * velocity)


def test_the_mean_of_ten_losses_belongs_to_the_middle_of_its_window(page):
    losses, smooth = page["losses"], page["smooth"]
    assert smooth[20] == pytest.approx(np.mean(losses[20:30]))
    at = smooth.argmin() + 5
    assert page["chosen"] == pytest.approx(page["tried"][at] / 3)


@pytest.mark.parametrize(("kind", "factor"), [(SGD, 1000), (RMSprop, 1), (Adam, 1)])
def test_gradients_1000_times_too_large_lengthen_only_the_steps_of_sgd(kind, factor):
    optimizer, g = kind(), np.array([100, 0.01, -3])
    optimizer.iterations = 1
    np.testing.assert_allclose(
        optimizer.change("wrong", 1000 * g), factor * optimizer.change("right", g), rtol=0.01
    )


# ---------------------------------------------------------------- batches and their order


def test_the_noise_of_a_batch_falls_with_the_root_of_its_size(page):
    np.testing.assert_allclose(page["noise"] * np.sqrt(page["sizes"]), page["noise"][0], rtol=0.3)


def test_the_gradient_of_a_single_example_points_downhill_on_average(page, monkeypatch):
    monkeypatch.setitem(page.names, "model", page["network"]())  # the one that `exact` belongs to
    assert np.mean([page["gradient"]([row]) @ page["exact"] for row in range(200)]) > 0


def test_at_the_same_rate_large_batches_fall_behind(page):
    reached = page["reached"]
    assert reached[64, 0.005] < min(reached[1, 0.005], reached[64, 0.1])


def test_a_rate_twenty_times_as_large_makes_up_most_of_the_distance(page):
    reached = page["reached"]
    assert reached[64, 20 * 0.005] - reached[64, 0.005] > (reached[1, 0.005] - reached[64, 0.005]) / 2


def test_in_the_order_of_classes_the_network_learns_little(page):
    assert page["sorted_accuracy"] < 0.3
    assert page["train_in_order"](page["shuffled"]) > page["sorted_accuracy"] + 0.3


def test_in_the_order_of_classes_nearly_every_answer_is_one_of_the_last_two(page):
    model, optimizer = page["network"](), SGD(0.1)
    for batch in 3 * np.array_split(page["by_class"], 60):
        train_step(model, page["loss"], optimizer, page["x"][batch], page["y"][batch])
    answers = predict(model, page["x_new"]).argmax(axis=1)
    assert (answers >= 8).mean() > 0.9


# ---------------------------------------------------------------- learning by heart, dropout


def test_the_first_loss_is_about_that_of_guessing(page):
    assert page["few"].steps["loss"][0] == pytest.approx(GUESSING, abs=0.5)


def rise(history):
    return history["val_loss"][-1] - min(history["val_loss"])


def test_with_dropout_the_loss_on_unseen_images_rises_less(page):
    if page["images"].is_fallback:
        pytest.skip("the page ran on stand-in data, and this is said of Fashion-MNIST")
    assert rise(page["plain"]) > 2 * rise(page["dropped"])


def test_dropout_has_nothing_to_learn(page):
    assert page["dropout"].params == {}


# ---------------------------------------------------------------- four faults, and which loss is printed


def test_a_network_that_is_too_small_keeps_both_losses_high_and_close_together(page):
    run = page["four"]["network too small"]
    assert min(run["loss"][-1], run["val_loss"][-1]) > 1
    assert abs(run["loss"][-1] - run["val_loss"][-1]) < 0.3


def test_labels_of_other_images_are_learned_by_heart_and_the_unseen_loss_rises_above_guessing(page):
    run = page["four"]["labels of other images"]
    assert run["loss"][-1] < GUESSING - 0.4
    assert run["val_loss"][-1] > GUESSING + 0.1


def test_they_are_learned_more_slowly_than_the_right_ones(page):
    assert page["four"]["labels of other images"]["loss"][-1] > page["plain"]["loss"][-1] + 0.3


def test_a_rate_that_is_too_large_makes_the_losses_jump_and_keeps_them_high(page):
    run = page["four"]["rate too large"]
    assert np.diff(run["loss"]).max() > 0.1
    assert min(run["loss"][-1], run["val_loss"][-1]) > 0.8


def test_an_overfitting_network_has_a_training_loss_near_0_and_an_unseen_one_above_it(page):
    run = page["four"]["overfits"]
    assert run["loss"][-1] < 0.1
    assert run["val_loss"][-1] > 2 * run["loss"][-1]


def test_early_stopping_would_come_long_before_the_last_epoch(page):
    if page["images"].is_fallback:
        pytest.skip("the page ran on stand-in data, and this is said of Fashion-MNIST")
    assert np.argmin(page["plain"]["val_loss"]) < 30


def test_after_the_lowest_unseen_loss_the_accuracy_hardly_changes_and_the_loss_rises(page):
    run, turn = page["plain"], np.argmin(page["plain"]["val_loss"])
    assert abs(run["val_accuracy"][-1] - run["val_accuracy"][turn]) < 0.05
    if not page["images"].is_fallback:
        assert run["val_loss"][-1] > run["val_loss"][turn] + 0.02


@pytest.mark.parametrize("run", [(0.0, 1), (0.8, 3)])
def test_the_printed_training_loss_lies_above_the_unseen_one_and_measured_alike_it_lies_below(page, run):
    printed, unseen, again = page["losses_of"][run]
    assert again < unseen < printed


def test_keras_prints_the_mean_over_the_batches_of_the_epoch_too():
    """One weight of 8: the first loss is 64, the step leads to 0, the second loss is 0, and 32 is printed."""
    model = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.build((None, 1))
    model.layers[0].set_weights([np.full((1, 1), 8.0)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    x, y = np.ones((2, 1), np.float32), np.zeros((2, 1), np.float32)
    assert model.fit(x, y, batch_size=1, verbose=0).history["loss"] == [32]


def test_the_dropout_of_this_page_is_inverted_dropout(page):
    x = np.ones((1, 10_000), np.float32)
    dropout = Dropout(0.5)
    dropout.build((10_000,), np.random.default_rng(0))
    out = dropout.forward(x, training=True)
    assert set(np.unique(out)) == {0, 2}
    assert out.mean() == pytest.approx(dropout.forward(x).mean(), abs=0.05)


# ---------------------------------------------------------------- the recorded run


@pytest.fixture(scope="module", name="epochs")
def _epochs():
    """The run that the player shows: our network, the first seed."""
    return results.read("fashion_cnn").runs(side="ours")[0]["epochs"]


def test_after_the_lowest_validation_loss_the_training_loss_went_on_falling(epochs):
    assert epochs["loss"][-1] < epochs["loss"][np.argmin(epochs["val_loss"])]


def test_from_epoch_to_epoch_validation_loss_moves_by_more_than_one_more_epoch_brings(epochs):
    moves, gains = np.abs(np.diff(epochs["val_loss"])), -np.diff(epochs["loss"])
    assert moves[1:].mean() > gains[1:].mean()


def test_step_1594_is_the_end_of_the_second_epoch():
    assert replay.read("fashion_cnn")["epochs"]["step"][1] == 2 * -(-51_000 // 64) == 1594
