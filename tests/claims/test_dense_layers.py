"""What the chapter "Dense layers" claims, one test each; the arrays are those of the chapter's own cells."""

import warnings

import numpy as np
import pytest
from support.chapter_code import run_of

from cnnbook.nn import (
    SGD,
    Dense,
    GlorotUniform,
    HeNormal,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Tanh,
    Zeros,
    evaluate,
    softmax,
)

pytestmark = pytest.mark.keras  # the page imports it

LN_10 = np.log(10)


@pytest.fixture(scope="module")
def page():
    return run_of("dense_layers")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def first_logits(page, start):
    """What one dense layer that nobody has trained answers to 64 pictures."""
    kernel = page["starts"][start]((784, 10), np.random.default_rng(1), np.float32)
    return page["batch"] @ kernel


# Softmax and cross-entropy


def test_the_logits_0_and_ln_3_have_the_probabilities_one_and_three_quarters(page):
    probs = page["softmax_as_written"](np.array([0, np.log(3)]))
    np.testing.assert_allclose(probs, [1 / 4, 3 / 4])


def test_softmax_as_written_has_no_value_at_a_logit_of_800(page):
    with np.errstate(all="ignore"):
        assert np.isnan(page["softmax_as_written"](np.array([0.0, 800.0]))).any()


def test_the_exponential_of_800_is_infinity_in_float64_and_that_of_89_in_float32():
    with np.errstate(over="ignore"):
        assert np.isinf(np.exp(np.float64(800)))
        assert np.isinf(np.exp(np.float32(89)))
    assert np.isfinite(np.exp(np.float64(89)))


def test_the_largest_logit_can_be_subtracted_before_the_sum_of_exponentials_is_taken(rng):
    z = rng.standard_normal((4, 10))
    m = z.max(axis=1, keepdims=True)
    in_one_step = np.log(np.exp(z - m).sum(axis=1, keepdims=True)) - (z - m)
    np.testing.assert_allclose(in_one_step, -np.log(softmax(z)))


def test_in_one_step_a_sure_and_wrong_answer_has_a_loss_of_800(page):
    assert page["value"] == 800


def test_in_one_step_the_slopes_are_p_minus_one_at_the_true_class_and_p_elsewhere(page):
    loss = SoftmaxCrossEntropy()
    loss.forward(page["sure"], page["true_class"])
    assert loss.backward().tolist() == [[0 - 1, 1]]


def test_a_second_softmax_gives_no_class_of_ten_as_much_as_a_quarter():
    sure = np.eye(10)[:1]
    np.testing.assert_allclose(softmax(sure).max(), np.e / (np.e + 9))
    assert np.e / (np.e + 9) < 1 / 4


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "not seen"])
def test_keras_repairs_a_second_softmax_where_its_loss_can_see_that_a_softmax_came_last(page, seen):
    keras, logits, labels = page["keras"], np.float32([[2, 0, -1]]), np.array([0])
    last = [keras.layers.Softmax()] if seen else [keras.layers.Softmax(), keras.layers.Reshape((3,))]
    model = keras.Sequential([keras.Input((3,)), *last])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    once = -np.log(softmax(logits)[0, 0])
    twice = -np.log(softmax(softmax(logits))[0, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        measured = model.evaluate(logits, labels, verbose=0)
    assert measured == pytest.approx(once if seen else twice, abs=1e-5)


# Before the first step


@pytest.mark.parametrize("start", [HeNormal(), GlorotUniform()], ids=["He", "Glorot"])
@pytest.mark.parametrize("standardised", [False, True])
def test_an_untrained_layer_loses_within_about_1_of_ln_10_also_for_standardised_pixels(
    page, start, standardised
):
    x = page["images"].x_train
    shift, scale = (x.mean(), x.std()) if standardised else (0, 1)
    batch = (page["batch"] - shift) / scale
    losses = []
    for seed in range(20):
        logits = batch @ start((784, 10), np.random.default_rng(seed), np.float32)
        losses.append(SoftmaxCrossEntropy().forward(logits, page["images"].y_train[:64]) - LN_10)
    assert 0 < np.mean(losses) < 1


def test_the_variance_of_a_sum_is_inputs_times_variance_of_the_weights_times_mean_square(rng):
    x = rng.normal(1, 2, (200, 300))
    z = x @ rng.normal(0, 0.1, (300, 400))
    np.testing.assert_allclose(z.var(), 300 * 0.1**2 * (x**2).mean(), rtol=0.1)


def test_weights_that_are_not_independent_of_each_other_do_not_add_up_their_variances(rng):
    x = rng.normal(1, 2, (200, 300))
    equal = np.repeat(rng.normal(0, 0.1, (1, 400)), 300, axis=0)
    assert (x @ equal).var() > 10 * 300 * 0.1**2 * (x**2).mean()


def test_relu_halves_the_mean_square_of_what_is_symmetric_about_0(rng):
    z = rng.standard_normal(100_000)
    np.testing.assert_allclose((np.maximum(0, z) ** 2).mean(), (z**2).mean() / 2, rtol=0.05)


def test_with_a_deviation_of_1_the_numbers_grow_by_about_11_per_layer(page):
    sizes = page["sizes"]["std 1"]
    growth = (sizes[-1] / sizes[1]) ** (1 / 9)
    assert growth == pytest.approx(np.sqrt(256 / 2), rel=0.2)
    assert round(np.sqrt(256 / 2)) == 11


def test_with_one_twenty_fifth_the_numbers_shrink_and_with_glorots_rule_they_shrink_slowly(page):
    sizes = page["sizes"]
    assert sizes["std 1/25"][-1] < sizes["Glorot"][-1] < sizes["Glorot"][1] < 1


def test_with_a_deviation_of_1_an_untrained_layer_is_sure_and_wrong(page):
    labels = page["images"].y_train[:64]
    assert SoftmaxCrossEntropy().forward(first_logits(page, "std 1"), labels) > 2 * LN_10


def test_with_a_deviation_of_1_most_tanh_units_sit_at_their_end(page):
    assert (np.abs(np.tanh(first_logits(page, "std 1"))) > 0.99).mean() > 1 / 2


@pytest.mark.parametrize(("inputs", "factor"), [(25, 7), (150, 3)])
def test_dividing_by_25_is_too_small_by_a_factor_of_seven_and_of_three(inputs, factor):
    assert round(np.sqrt(2 / inputs) / (1 / 25)) == factor


def test_a_network_that_starts_at_zero_moves_only_its_last_bias(rng):
    model = Sequential([Dense(5, kernel_initializer=Zeros()), ReLU(), Dense(3, kernel_initializer=Zeros())])
    model.build((4,), dtype=np.float64)
    loss = SoftmaxCrossEntropy()
    logits = model.forward(rng.standard_normal((6, 4)), training=True)
    loss.forward(logits, np.array([0, 1, 2, 0, 0, 1]))
    model.backward(loss.backward())
    (moving,) = [name for name, _, grad in model.parameters() if grad.any()]
    assert moving.startswith("2")
    assert moving.endswith("bias")


@pytest.fixture
def trained(rng):
    """A hidden layer's kernel after 200 steps from 0, by activation and by the layer behind it."""

    def train(activation, behind, steps=200):
        model = Sequential([Dense(6, kernel_initializer=Zeros()), activation(), behind])
        model.build((20,), seed=0, dtype=np.float64)
        x, y, loss, optimizer = (
            rng.standard_normal((64, 20)),
            rng.integers(0, 3, 64),
            SoftmaxCrossEntropy(),
            SGD(0.1),
        )
        for _ in range(steps):
            loss.forward(model.forward(x, training=True), y)
            model.backward(loss.backward())
            optimizer.step(model)
        return model.layers[0].params["kernel"]

    return train


def equal_behind(shape, rng, dtype):
    """One number for every unit that leads on, another for each class."""
    return np.broadcast_to(rng.standard_normal(shape[1]), shape).astype(dtype)


def test_before_a_tanh_units_that_start_at_0_part_if_their_outgoing_weights_differ(trained):
    assert np.linalg.matrix_rank(trained(Tanh, Dense(3))) == 6


def test_units_whose_outgoing_weights_are_equal_too_stay_equal(trained):
    kernel = trained(Tanh, Dense(3, kernel_initializer=equal_behind))
    assert kernel.any()
    np.testing.assert_allclose(kernel, kernel[:, :1].repeat(6, axis=1))


def test_before_a_relu_a_layer_of_zeros_is_dead_whatever_stands_behind_it(trained):
    assert not trained(ReLU, Dense(3)).any()


def test_with_zeros_in_all_layers_a_tanh_network_stays_where_it_is(trained):
    assert not trained(Tanh, Dense(3, kernel_initializer=Zeros())).any()


# Parameters


@pytest.mark.parametrize(("pixels", "parameters"), [(784, 78_500), (4 * 784, 313_700)])
def test_100_units_on_784_inputs_have_78500_parameters_and_on_four_times_as_many_313700(pixels, parameters):
    dense = Dense(100)
    dense.build((pixels,), np.random.default_rng(0))
    assert sum(param.size for param in dense.params.values()) == pixels * 100 + 100 == parameters


def test_most_parameters_of_the_network_sit_in_its_first_dense_layer(page):
    mlp = page["mlp"]
    first = sum(param.size for param in mlp.layers[2].params.values())
    assert first == 784 * 256 + 256
    assert first > 3 / 4 * sum(param.size for _, param, _ in mlp.parameters())


# What shuffling breaks


@pytest.fixture(scope="module")
def accuracies(page):
    """Of the ten templates on the test pictures, as they are, shuffled and shifted."""
    labels, loss = page["images"].y_test, SoftmaxCrossEntropy()
    return {name: evaluate(page["linear"], loss, x, labels)["accuracy"] for name, x in page["tried"].items()}


def test_templates_do_little_more_than_guess_if_only_the_test_pictures_are_shuffled(accuracies):
    assert accuracies["shuffled"] < 0.3


def test_a_shift_by_two_pixels_costs_the_templates_more_than_the_shuffle_cost_a_network_trained_on_it(
    page, accuracies
):
    by_shift = accuracies["as they are"] - accuracies["shifted"]
    assert by_shift > 0.05
    assert by_shift > max(page["as_they_are"]) - max(page["shuffled"])


def test_between_the_legs_the_trousers_template_is_orange_where_trousers_are_dark_and_dresses_bright(page):
    images = page["images"]
    if images.is_fallback:
        pytest.skip("said of Fashion-MNIST; the digits stand in for it here")
    between = np.s_[..., 18:26, 13:15]
    trouser, dress = images.class_names.index("Trouser"), images.class_names.index("Dress")
    assert page["weights"][trouser][between].mean() < -0.1 * np.abs(page["weights"][trouser]).max()
    x, y = images.x_train[..., 0], images.y_train
    assert x[y == trouser][between].mean() < x[y == dress][between].mean() / 2
