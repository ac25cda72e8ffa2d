"""What the chapter on batch normalisation says beyond its cells: derivation, memory, what can go wrong."""

import numpy as np
import pytest
from support.chapter_code import run_of
from support.slopes import measured

from cnnbook.gradcheck import GradientError, check_layer
from cnnbook.nn import SGD, Adam, BatchNormalization, Conv2D, RMSprop, fold
from cnnbook.widgets import GradientFlow

pytestmark = pytest.mark.keras

GUESSING = np.log(10)
HAND = np.array([[0.0], [2], [2], [8]])


@pytest.fixture(scope="module", name="page")
def _page():
    return run_of("batch_normalization")


def built(channels, **settings):
    norm = BatchNormalization(**settings)
    norm.build((channels,), dtype=np.float64)
    return norm


# ---------------------------------------------------------------- the sweep


def test_with_batch_norm_the_loss_is_lower_at_every_rate_up_to_three_tenths(page):
    rates = np.array(page["rates"]) <= 0.3
    assert rates.sum() == 4
    assert (np.array(page["sweep"]["with batch norm"]) < page["sweep"]["without"])[rates].all()


def test_at_the_largest_rates_neither_network_learns(page):
    assert min(losses[-1] for losses in page["sweep"].values()) > GUESSING - 0.5


def test_without_batch_norm_the_smallest_rate_has_hardly_left_guessing(page):
    assert page["sweep"]["without"][0] > GUESSING - 0.5


# ---------------------------------------------------------------- the hand example


def test_the_hand_numbers_have_mean_3_and_deviation_3():
    assert [HAND.mean(), HAND.std()] == [3, 3]


@pytest.mark.parametrize("x", [HAND, 100 + HAND, 10 * HAND], ids=["as it is", "moved up", "stretched"])
def test_the_hand_numbers_come_out_the_same_when_moved_up_or_stretched(x):
    out = built(1, epsilon=1e-12).forward(x, training=True)
    np.testing.assert_allclose(out[:, 0], [-1, -1 / 3, -1 / 3, 5 / 3])


def test_the_four_fractions_add_up_to_0_and_weighted_with_x_hat_too():
    dx = np.array([1 / 6, -1 / 9, -1 / 9, 1 / 18])
    np.testing.assert_allclose([dx.sum(), dx @ [-1, -1 / 3, -1 / 3, 5 / 3]], 0, atol=1e-15)


# ---------------------------------------------------------------- the equations, letter by letter

rng = np.random.default_rng(0)
m, epsilon, gamma, beta = 6, 1e-3, 1.7, -0.4  # one channel with six numbers
x, dz = rng.normal(3, 2, m), rng.standard_normal(m)

mu = x.sum() / m
variance = ((x - mu) ** 2).sum() / m
x_hat = (x - mu) / np.sqrt(variance + epsilon)
dgamma, dbeta = (dz * x_hat).sum(), dz.sum()
dx = gamma / np.sqrt(variance + epsilon) * (dz - dbeta / m - x_hat / m * dgamma)

r, g, c = 1 / np.sqrt(variance + epsilon), gamma * dz, x - mu
dvariance = -1 / 2 * r**3 * (g * c).sum()
dc = r * g + 2 * c / m * dvariance
dmu = -dc.sum()


def loss(c, variance=None, gamma=gamma, beta=beta):
    """The loss as a function of the centred values; the variance is theirs unless it is given."""
    variance = (c**2).mean() if variance is None else variance
    return (dz * (gamma * c / np.sqrt(variance + epsilon) + beta)).sum()


def test_the_equations_of_the_backward_pass_are_the_measured_slopes():
    assert measured(dx, lambda x: loss(x - x.mean()), x)
    assert measured(dgamma, lambda gamma: loss(c, gamma=gamma[0]), gamma)
    assert measured(dbeta, lambda beta: loss(c, beta=beta[0]), beta)


def test_the_library_computes_the_equations():
    norm = built(1, epsilon=epsilon)
    norm.params["gamma"][:], norm.params["beta"][:] = gamma, beta
    z = norm.forward(x[:, np.newaxis], training=True)
    np.testing.assert_allclose(z[:, 0], gamma * x_hat + beta)
    np.testing.assert_allclose(norm.backward(dz[:, np.newaxis])[:, 0], dx)
    np.testing.assert_allclose([norm.grads["gamma"][0], norm.grads["beta"][0]], [dgamma, dbeta])


@pytest.mark.parametrize("backward", ["backward_steps", "backward_closed"])
def test_both_backward_passes_of_the_page_hold_for_any_gamma(page, backward):
    z, memory = page["forward_steps"](x, gamma, beta, epsilon)
    np.testing.assert_allclose(z, gamma * x_hat + beta)
    np.testing.assert_allclose(page[backward](dz, gamma, *memory), dx)


def test_in_the_derivation_the_gradient_of_the_variance_is_the_measured_slope():
    assert measured(dvariance, lambda variance: loss(c, variance[0]), variance)


def test_in_the_derivation_the_gradient_of_a_centred_value_is_the_measured_slope_in_all_three_forms():
    assert measured(dc, loss, c)
    np.testing.assert_allclose(dc, r * g - r**3 * c / m * (g * c).sum())
    np.testing.assert_allclose(dc, r * (g - x_hat / m * (g * x_hat).sum()))


def test_in_the_derivation_the_gradient_of_the_mean_is_minus_r_times_the_sum_of_g():
    assert dmu == pytest.approx(-r * g.sum())
    assert measured(dmu, lambda mu: loss(x - mu), mu)


def test_the_mean_gets_nothing_by_way_of_the_variance():
    assert measured(dmu, lambda mu: loss(x - mu, variance), mu)


def test_the_derivation_ends_at_the_closed_form():
    np.testing.assert_allclose(dc + 1 / m * dmu, dx)
    np.testing.assert_allclose(r * (g - g.sum() / m - x_hat / m * (g * x_hat).sum()), dx)


# ---------------------------------------------------------------- training is not inference


def test_after_one_epoch_with_momentum_099_inference_is_far_behind_training(page):
    assert page["momentum"] == 0.99
    assert page["used"] < page["seen"] - 0.1


@pytest.mark.parametrize(("momentum", "steps"), [(0.9, 22), (0.99, 230)])
def test_nine_tenths_of_the_start_are_forgotten_after_this_many_steps(momentum, steps):
    assert momentum**steps < 1 / 10 < momentum ** (steps - 1)


def test_after_the_runs_20_steps_four_fifths_of_the_start_are_left(page):
    assert len(page["run"].steps["loss"]) == 20
    assert round(5 * 0.99**20) == 4


def test_the_two_variances_of_the_hand_numbers_are_9_and_12():
    assert [HAND.var(), HAND.var(ddof=1)] == [9, 12]


@pytest.fixture(name="recorded")
def _recorded(page):
    """(training, validation) accuracy at the end of the recorded runs, by rate and network."""
    last = page["last"]
    return {
        (rate, name): (last[rate, name, "accuracy"], last[rate, name, "val_accuracy"])
        for rate, name, _ in last
    }


@pytest.mark.parametrize("rate", [0.0001, 0.001])
def test_at_the_smaller_rates_validation_is_larger_without_batch_norm_and_training_with_it(recorded, rate):
    training, validation = recorded[rate, "without"]
    assert validation > training
    training, validation = recorded[rate, "with"]
    assert validation < training


@pytest.mark.parametrize("rate", [0.0001, 0.001])
def test_at_the_smaller_rates_the_network_with_batch_norm_is_ahead_in_training(recorded, rate):
    assert recorded[rate, "with"][0] > recorded[rate, "without"][0]


def test_in_validation_the_lead_is_gone_at_the_smallest_rate_and_turned_round_at_the_next(recorded):
    lead = {rate: recorded[rate, "with"][1] - recorded[rate, "without"][1] for rate in (0.0001, 0.001)}
    assert abs(lead[0.0001]) < 0.005
    assert lead[0.001] < -0.02


def test_at_the_largest_rate_batch_norm_is_behind_in_both(recorded):
    assert (np.array(recorded[0.01, "with"]) < recorded[0.01, "without"]).all()


# ---------------------------------------------------------------- why it trains well


def test_the_gradient_of_the_first_kernel_is_many_times_as_long_with_batch_norm(page):
    with_norm, without = (
        np.linalg.norm(page["first_kernel_gradient"](page["small_net"](norm))) for norm in (1, 0)
    )
    assert with_norm > 4 * without


def bottom_over_top(init, batchnorm):
    """How long the gradient is at the bottom of the figure's twelve layers, compared with the top."""
    lengths = GradientFlow(id="claim", init=init, batchnorm=batchnorm).lengths()
    return lengths[0] / lengths[-1]


def test_from_a_small_start_every_layer_takes_away_more_than_half_of_the_gradient():
    lengths = np.array(GradientFlow(id="claim", init="window", batchnorm=False).lengths())
    assert len(lengths) == 12
    assert bottom_over_top("window", batchnorm=False) < 0.5**11


def test_from_a_large_start_the_gradient_is_millions_of_times_too_large_at_the_bottom():
    assert bottom_over_top("one", batchnorm=False) > 2e6


@pytest.mark.parametrize("init", ["window", "one"])
def test_with_batch_norm_the_gradient_grows_to_about_a_dozen_times_its_length_at_the_top(init):
    assert 10 < bottom_over_top(init, batchnorm=True) < 14


def test_a_step_along_a_gradient_at_a_right_angle_makes_the_kernel_longer(page):
    kernel, gradient = page["kernel"], page["gradient"]
    assert np.linalg.norm(kernel - gradient) > np.linalg.norm(kernel) > 0


# ---------------------------------------------------------------- what can go wrong


def test_adam_moves_a_bias_by_more_than_a_full_step_on_noise_alone():
    adam, bias = Adam(0.001), np.zeros(8)
    for noise in 1e-6 * rng.standard_normal((20, 8)):
        adam.iterations += 1
        bias += adam.change("bias", noise)
    assert np.abs(bias).max() > 0.001


def test_adam_moves_the_bias_of_the_page_by_far_more_than_sgd_does(page):
    model = page["small_net"]()
    page["train"](model, SGD(0.001))
    assert page["moved"] > 1000 * np.abs(model.layers[0].params["bias"]).max()


@pytest.mark.parametrize("size", [1e-9, 1e-6, 1e-3, 1.0])
def test_rmsprop_multiplies_no_gradient_by_more_than_eta_over_the_root_of_epsilon(size):
    most = 0.001 / np.sqrt(RMSprop().epsilon)
    assert round(most) == 3
    assert abs(RMSprop(0.001).change("bias", np.array([size]))[0]) <= most * size


def test_rmsprop_reaches_that_bound_where_the_recent_square_is_nothing():
    change = RMSprop(0.001, rho=1 - 1e-12).change("bias", np.array([1e-9]))
    np.testing.assert_allclose(change, -0.001 / np.sqrt(1e-7) * 1e-9, rtol=1e-3)


VALUES = np.array([[1.0, -20, 300], [2, 10, -100], [0, 5, 50]])


def test_a_batch_of_one_comes_out_as_beta_and_its_gradient_is_zero():
    norm = built(3)
    norm.params["beta"][:] = [1, 2, 3]
    np.testing.assert_allclose(norm.forward(VALUES[:1], training=True), [[1, 2, 3]])
    assert not norm.backward(np.ones((1, 3))).any()


def test_of_a_batch_of_one_only_beta_has_a_gradient():
    norm = built(3)
    norm.forward(VALUES[:1], training=True)
    norm.backward(np.ones((1, 3)))
    assert not norm.grads["gamma"].any()
    assert norm.grads["beta"].tolist() == [1, 1, 1]


def test_a_batch_of_one_image_is_normalised_over_its_own_pixels():
    image, norm = rng.normal(5, 2, (1, 4, 6, 3)), BatchNormalization()
    norm.build((4, 6, 3), dtype=np.float64)
    out = norm.forward(image, training=True)
    own = (image - image.mean(axis=(1, 2))) / np.sqrt(image.var(axis=(1, 2)) + norm.epsilon)
    np.testing.assert_allclose(out, own)


@pytest.mark.parametrize(("kind", "share"), [(SGD, 1 / 100), (Adam, 1 / 10), (RMSprop, 1 / 10)])
def test_relative_to_a_weight_ten_times_as_large_a_step_is_this_share(kind, share):
    optimizer, weight, g = kind(0.1), 1.0, np.array([0.5])
    optimizer.iterations = 1
    once = optimizer.change("short", g) / weight
    assert (optimizer.change("long", g / 10) / (10 * weight) / once)[0] == pytest.approx(share, rel=1e-3)


def test_the_variance_of_all_batches_is_the_mean_of_variance_and_squared_mean_less_the_squared_mean():
    batches = rng.normal(3, 2, (20, 8)) + np.arange(20)[:, np.newaxis]
    means, variances = batches.mean(axis=1), batches.var(axis=1)
    assert (variances + means**2).mean() - means.mean() ** 2 == pytest.approx(batches.var())
    assert variances.mean() < batches.var()


def test_of_two_examples_one_becomes_plus_1_and_the_other_minus_1_in_every_channel():
    out = built(3).forward(VALUES[:2], training=True)
    np.testing.assert_allclose(out, [[-1, -1, 1], [1, 1, -1]], atol=0.05)


# ---------------------------------------------------------------- fold it away


@pytest.fixture(name="pair")
def _pair():
    """A convolution and the batch norm behind it, no parameter at its start."""
    conv, norm = Conv2D(3, 2), BatchNormalization()
    norm.build(conv.build((5, 5, 2), rng, np.float64), rng, np.float64)
    for array in (conv.params["bias"], *norm.params.values(), *norm.state.values()):
        array[:] = rng.uniform(1, 2, 3)
    return conv, norm


def test_the_folded_convolution_has_the_kernel_and_the_bias_of_the_equation(pair):
    conv, norm = pair
    stretch = norm.params["gamma"] / np.sqrt(norm.state["moving_variance"] + norm.epsilon)
    bias = norm.params["beta"] + (conv.params["bias"] - norm.state["moving_mean"]) * stretch
    one = fold(norm, into=conv)
    np.testing.assert_allclose(one.params["kernel"], conv.params["kernel"] * stretch)
    np.testing.assert_allclose(one.params["bias"], bias)


def test_the_bias_left_out_saves_f_numbers_and_the_layer_learns_2f_and_remembers_2f(pair):
    conv, norm = pair
    learned, remembered = (sum(array.size for array in part.values()) for part in (norm.params, norm.state))
    assert (conv.params["bias"].size, learned, remembered) == (3, 6, 6)


# ---------------------------------------------------------------- the exercises


@pytest.mark.parametrize("shape", [(50, 4), (5, 6, 7, 4)])
def test_for_a_dout_of_ones_the_true_dx_is_0_whatever_the_batch(shape):
    norm = BatchNormalization()
    x = 3 * np.random.default_rng(1).standard_normal(shape) + 2
    norm.build(shape[1:], dtype=np.float64)
    out = norm.forward(x, training=True)
    np.testing.assert_allclose(norm.backward(np.ones_like(out)), 0, atol=1e-9)
    np.testing.assert_allclose(norm.forward(2 * x + 7, training=True).sum(), out.sum(), atol=1e-9)


def test_a_backward_of_zeros_passes_an_upstream_of_ones_and_no_random_one(page):
    zeros = page["ZeroBackward"]
    check_layer(zeros(), (4,), rng=1, upstream=np.ones)
    with pytest.raises(GradientError):
        check_layer(zeros(), (4,), rng=1)


def test_with_gamma_0_the_layer_answers_beta_whatever_comes_in():
    norm = built(3)
    norm.params["gamma"][:], norm.params["beta"][:] = 0, [1, 2, 3]
    x = np.random.default_rng(0).standard_normal((6, 3))
    assert (norm.forward(x, training=True) == [1, 2, 3]).all()
