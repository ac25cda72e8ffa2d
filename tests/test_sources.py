"""The four notebooks behind this book: for each of their mistakes, the test that a wrong version fails.

Rows are those of the results (S0-3 is the third of the first notebook). A test named here either catches
the mistake in the Bug Zoo or compares the mistaken version with the book's. Tests that fit nowhere else
are below.
"""

import ast
import functools
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from cnnbook import nn
from cnnbook.bugzoo import NormalOverWindowArea
from cnnbook.bugzoo.catalogue import ZOO

ROOT = Path(__file__).parents[1]
HERE, ZOO_TESTS, KERAS = "tests/test_sources.py", "tests/bugzoo/test_catalogue.py", "tests/keras_twin"
CAUGHT = f"{ZOO_TESTS}::test_the_check_catches_the_animal"
RUNS = "tests/experiments/test_run.py"
RECORD = "tests/experiments/test_record.py"

WHERE = {
    "S0-1 the last images are no random ones": [
        f"{HERE}::test_keras_holds_out_the_last_examples_and_shuffling_first_helps",
        f"{RUNS}::test_the_last_images_are_held_out_and_none_is_in_two_parts",
    ],
    "S0-2 a test score that was never shown": [
        "tests/results/test_scoreboard.py::test_the_front_page_makes_its_table_of_the_record",
        f"{RECORD}::test_the_mean_over_the_seeds_reaches_what_is_promised",
    ],
    "S0-4 images without a channel axis": [
        f"{KERAS}/test_mistakes.py::test_keras_adds_a_missing_channel_axis_in_silence_and_ours_says_what_is_missing",
    ],
    "S0-5 TensorFlow's functions inside a Keras layer": [f"{HERE}::test_our_keras_layers_call_no_tensorflow"],
    "S0-5 fixed stride and padding, kernel_size only as a pair": [
        f"{KERAS}/test_layers.py::test_conv_and_its_gradients_equal_keras"
    ],
    "S0-5 weights without names, no activation, no output shape": [
        f"{HERE}::test_our_keras_convolution_has_what_keras_has"
    ],
    "S0-5 another initial spread than Keras'": [f"{KERAS}/test_layers.py::test_conv_starts_as_keras_does"],
    "S0-6 a class that is not registered": [
        f"{KERAS}/test_mistakes.py::test_a_class_that_is_not_registered_saves_and_does_not_load"
    ],
    "S0-7 no get_config": [
        f"{KERAS}/test_mistakes.py::test_an_argument_missing_in_get_config_comes_back_as_its_default"
    ],
    "S0-7 a frozen layer that goes on learning": [
        f"{KERAS}/test_mistakes.py::test_a_layer_that_looks_only_at_training_learns_while_frozen",
        f"{CAUGHT}[FrozenButDrifting]",
    ],
    "S0-7 no axis": [f"{KERAS}/test_layers.py::test_batch_norm_its_gradients_and_its_memory_equal_keras"],
    "S0-7 a Python bool for training": [
        f"{KERAS}/test_mistakes.py::test_a_python_bool_cannot_be_decided_while_the_graph_runs"
    ],
    "S0-8 slower than Keras' layers, by how much": [
        f"{RUNS}::test_our_layers_inside_keras_begin_where_keras_does_and_are_timed_beside_it"
    ],
    "S0-9 dropout's mask is not learned": [
        "tests/nn/test_dropout.py::test_every_step_draws_a_new_mask_for_every_example"
    ],
    "S0-9 gamma and beta can undo the normalisation": [
        "tests/nn/test_batchnorm.py::test_gamma_and_beta_can_undo_the_normalisation"
    ],
    "S0-10 a bias before batch norm": [
        "tests/nn/test_batchnorm.py::test_a_bias_before_batch_norm_has_no_gradient"
    ],
    "S1-1 shuffled pixels": [f"{RECORD}::test_shuffled_pixels_cost_the_mlp_nothing_and_the_cnn_a_lot"],
    "S1-2 wrong input gradient for even kernels": [f"{CAUGHT}[EvenKernelOffByOne]"],
    "S1-2 a grey frame": [f"{RUNS}::test_the_grey_frame_is_the_only_difference_it_makes"],
    "S1-3 one bias per pixel": [
        f"{CAUGHT}[BiasPerPixel]",
        f"{ZOO_TESTS}::test_one_bias_per_pixel_costs_the_source_its_thousands_of_parameters",
    ],
    "S1-4 randn / k^2": [
        f"{CAUGHT}[NormalOverWindowArea]",
        f"{HERE}::test_weights_over_the_window_area_are_as_small_as_the_source_had_them",
    ],
    "S1-5 every tie wins": [
        f"{CAUGHT}[EveryTieWins]",
        "tests/nn/test_pooling.py::test_a_tie_sends_the_gradient_to_one_pixel_only",
    ],
    "S1-6 exp of 800": [
        f"{CAUGHT}[NoMaxShift]",
        "tests/nn/test_losses.py::test_cross_entropy_stays_finite_where_exp_would_overflow_and_log_underflow",
    ],
    "S1-6 minus one over p": [
        f"{HERE}::test_the_gradient_by_way_of_one_over_p_explodes_and_p_minus_y_does_not"
    ],
    "S1-7 one shuffle for all epochs": [
        "tests/nn/test_training.py::test_every_epoch_goes_once_through_all_examples_in_a_new_order"
    ],
    "S1-7 a dev set that is the test set": [
        f"{RUNS}::test_the_weights_of_the_first_best_epoch_are_the_ones_tested",
        f"{RUNS}::test_without_validation_the_last_epoch_is_tested_and_the_curve_is_called_by_its_name",
    ],
    "S1-8 classes never predicted are dropped": [
        f"{CAUGHT}[macro_f1_of_the_predicted]",
        "tests/nn/test_metrics.py::test_a_class_never_predicted_counts_as_zero",
    ],
    "S1-9 optimizers that are gone": [f"{HERE}::test_keras_old_optimizers_are_gone_and_the_twin_uses_todays"],
    "S1-9 a twin with another bias and another start": [
        f"{RUNS}::test_the_other_sides_begin_and_go_on_as_ours_does"
    ],
    "S2-2 one bias for all units": [
        f"{CAUGHT}[ScalarBias]",
        f"{KERAS}/test_mistakes.py::test_one_bias_lifts_all_units_together",
    ],
    "S2-2 Wx + b in the text, xW in the code": [
        "tests/nn/test_dense.py::test_forward_and_backward_equal_plain_loops"
    ],
    "S2-2 softmax inside the layer": [
        f"{KERAS}/test_mistakes.py::test_softmax_inside_the_layer_keeps_the_loss_high_even_where_every_answer_is_right",
    ],
    "S2-2 an unknown activation": [
        f"{KERAS}/test_mistakes.py::test_an_unknown_activation_is_linear_in_silence_and_the_book_refuses_it"
    ],
    "S2-3 a formula with another matrix": ["tests/nn/test_conv.py::test_the_hand_example_gives_434_243_234"],
    "S2-4 the printed output size": [
        f"{CAUGHT}[output_size_as_printed]",
        "tests/test_shapes.py::test_output_size_counts_the_windows_that_fit",
    ],
    "S2-5 3 * 32 = 128": ["tests/nn/test_conv.py::test_thirty_two_channels_are_summed"],
    "S2-5 a sum over channels called depthwise": [
        f"{HERE}::test_a_depthwise_convolution_keeps_the_thirty_two_channels_apart"
    ],
    "S2-6 64 kernels that are one": [f"{CAUGHT}[OneFilterForAll]"],
    "S2-7 loops that assign": [
        f"{KERAS}/test_mistakes.py::test_assigning_into_a_variable_cuts_the_kernel_off_from_its_gradient"
    ],
    "S3-3 an index slip in the backward line": [
        "tests/nn/test_conv.py::test_backward_by_hand_in_one_dimension"
    ],
    "S3-3 a bias in the formula and none in the code": [
        "tests/nn/test_conv.py::test_the_bias_is_one_number_per_filter_added_everywhere"
    ],
    "S3-4 pooling reduces weights": [
        f"{HERE}::test_pooling_has_no_weights_and_leaves_fewer_to_the_dense_layer"
    ],
    "S3-5 (a) rows mixed up": [
        f"{CAUGHT}[PatchRowsMixedUp]",
        f"{ZOO_TESTS}::test_an_all_ones_upstream_gradient_misses_what_only_permutes",
        f"{RECORD}::test_with_sane_weights_the_mixed_up_gradient_is_worse_than_a_frozen_layer_and_than_the_right_one",
    ],
    "S3-5 (b) an unrotated kernel": [
        f"{CAUGHT}[UnrotatedKernel]",
        f"{RECORD}::test_the_unrotated_kernel_changes_nothing_where_no_layer_lies_below",
    ],
    "S3-5 (c) weights of standard deviation 1": [
        f"{CAUGHT}[RandomNormal]",
        f"{RECORD}::test_most_of_the_stuck_networks_units_are_saturated_before_and_nearly_all_after_the_first_epoch",
    ],
    "S3-5 (d) a loss and another loss's gradient": [
        f"{CAUGHT}[TwoSidedLoss]",
        f"{ZOO_TESTS}::test_the_two_sided_loss_saturates_where_the_source_printed_it",
    ],
    "S3-5 (d) an accuracy that was never called": [
        f"{RECORD}::test_the_stuck_network_prints_the_losses_its_author_saw"
    ],
    "S3-5 (e) square images and odd kernels only": [
        f"{CAUGHT}[HeightUsedForWidth]",
        f"{ZOO_TESTS}::test_square_images_and_odd_kernels_miss_geometry",
    ],
    "S3-5 (e) one object shared by all layers": [
        "tests/nn/test_layer.py::test_layers_do_not_share_their_dictionaries"
    ],
}


@functools.cache
def functions_of(file):
    module = ast.parse((ROOT / file).read_text("utf-8"))
    return {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


def lost(places):
    """Those of the named tests that do not exist, or ask for an animal that is not in the Bug Zoo."""
    animals = {"", *(bug.name for bug in ZOO)}
    named = [re.fullmatch(r"(.+)::(\w+)(?:\[(\w+)\])?", place).groups("") for place in places]
    return [
        place
        for place, (file, test, animal) in zip(places, named, strict=True)
        if test not in functions_of(file) or animal not in animals
    ]


@pytest.mark.parametrize("mistake", WHERE)
def test_every_mistake_of_the_notebooks_has_its_test(mistake):
    assert WHERE[mistake]
    assert lost(WHERE[mistake]) == []


def test_a_test_that_does_not_exist_is_noticed():
    wrong = [f"{ZOO_TESTS}::test_of_nothing", f"{CAUGHT}[Unicorn]"]
    assert lost([f"{CAUGHT}[EveryTieWins]", *wrong]) == wrong


def test_every_mistake_that_is_code_of_a_layer_a_loss_or_a_measure_lives_in_the_zoo():
    caught = [mistake for mistake, places in WHERE.items() if any(CAUGHT in place for place in places)]
    rows = {"S0-7", "S1-2", "S1-3", "S1-4", "S1-5", "S1-6", "S1-8", "S2-2", "S2-4", "S2-6"}
    assert rows | {f"S3-5 ({letter})" for letter in "abcde"} == {
        re.match(r"\S+(?: \(.\))?", mistake)[0] for mistake in caught
    }


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
@pytest.mark.parametrize(("shuffle_first", "classes"), [(False, 2), (True, 10)])
def test_keras_holds_out_the_last_examples_and_shuffling_first_helps(shuffle_first, classes):
    """Labels in order: the validation images Keras chooses show only the last classes."""
    from cnnbook.keras_twin import keras

    x = np.repeat(np.arange(10.0, dtype=np.float32), 40)[:, np.newaxis]
    if shuffle_first:
        x = np.random.default_rng(0).permutation(x)
    seen = []

    class Seen(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.mean(y_true * 0 + y_pred * 0, axis=-1)

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss=Seen(), run_eagerly=True)
    evaluate = model.evaluate
    model.evaluate = lambda *args, **settings: seen.append(settings["x"]) or evaluate(*args, **settings)
    model.fit(x, x, validation_split=0.15, batch_size=400, epochs=1, verbose=0)
    assert len(np.unique(np.asarray(seen[0]))) == classes


@pytest.mark.keras
def test_our_keras_layers_call_no_tensorflow():
    from cnnbook.keras_twin import layers, mistakes

    def calls_tensorflow(module):
        nodes = ast.walk(ast.parse(inspect.getsource(module)))
        return any(isinstance(node, ast.Name) and node.id == "tf" for node in nodes)

    assert not calls_tensorflow(layers)
    assert calls_tensorflow(mistakes)


@pytest.mark.keras
def test_our_keras_convolution_has_what_keras_has():
    from cnnbook.keras_twin import keras, layers

    own, theirs = (kind.Conv2D(4, 3, activation="relu") for kind in (layers, keras.layers))
    for layer in (own, theirs):
        layer.build((None, 7, 6, 3))
    assert [weight.name for weight in own.weights] == [weight.name for weight in theirs.weights]
    assert own.compute_output_shape((2, 7, 6, 3)) == theirs.compute_output_shape((2, 7, 6, 3))
    assert own.get_config().keys() <= theirs.get_config().keys()
    assert layers.Conv2D(4, 3, use_bias=False).use_bias is False


def test_weights_over_the_window_area_are_as_small_as_the_source_had_them():
    """randn / k^2 has one spread for both layers; He's follows what each unit reads."""
    shapes = (5, 5, 1, 4000), (5, 5, 6, 4000)
    for shape, wanted in zip(shapes, (0.283, 0.115), strict=True):
        rng = np.random.default_rng(0)
        assert NormalOverWindowArea()(shape, rng, np.float64).std() == pytest.approx(0.040, abs=5e-4)
        assert nn.HeNormal()(shape, rng, np.float64).std() == pytest.approx(wanted, abs=2e-3)


def test_the_gradient_by_way_of_one_over_p_explodes_and_p_minus_y_does_not():
    logits, labels = np.array([[800.0, 0.0]]), np.array([1])
    loss = nn.SoftmaxCrossEntropy()
    loss.forward(logits, labels)
    np.testing.assert_array_equal(loss.backward(), [[1, -1]])
    probs = nn.softmax(logits)
    with np.errstate(divide="ignore", invalid="ignore"):
        upstream = np.array([[0, -1]]) / probs
        chained = probs * (upstream - (upstream * probs).sum(axis=1, keepdims=True))
    assert not np.isfinite(chained).all()


@pytest.mark.keras
def test_keras_old_optimizers_are_gone_and_the_twin_uses_todays():
    from cnnbook.keras_twin import keras, to_keras

    with pytest.raises((AttributeError, ImportError)):
        keras.optimizers.legacy.SGD(0.005)
    assert type(to_keras(nn.SGD(0.005))) is keras.optimizers.SGD


def test_a_depthwise_convolution_keeps_the_thirty_two_channels_apart():
    x = np.ones((1, 5, 5, 32), np.float32)
    ordinary, depthwise = nn.Conv2D(1, 3), nn.DepthwiseConv2D(3)
    assert [layer.build((5, 5, 32), np.random.default_rng(0)) for layer in (ordinary, depthwise)] == [
        (3, 3, 1),
        (3, 3, 32),
    ]
    x[..., 1:] = 0
    assert (depthwise.forward(x)[..., 1:] == 0).all()


def test_pooling_has_no_weights_and_leaves_fewer_to_the_dense_layer():
    def counts(*pooling):
        model = nn.Sequential([*pooling, nn.Flatten(), nn.Dense(10)])
        model.build((28, 28, 6), seed=0)
        return [sum(param.size for param in layer.params.values()) for layer in model.layers]

    *_, without = counts()
    pooling, _, with_pooling = counts(nn.MaxPooling2D(2))
    assert pooling == 0
    assert (without - 10) == 4 * (with_pooling - 10)
