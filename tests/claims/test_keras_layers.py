"""What "The same layers inside Keras" claims. The layers themselves: tests/keras_twin."""

import numpy as np
import pytest
from support.chapter_code import ROOT, run_of

from cnnbook import nn
from cnnbook.experiments.catalogue import EXPERIMENTS
from cnnbook.keras_twin import keras, layers, mistakes, modules, tf
from cnnbook.keras_twin.training import evaluate

pytestmark = pytest.mark.keras

TEXT = (ROOT / "chapters" / "keras_layers.md").read_text("utf-8")


@pytest.fixture(scope="module")
def page():
    return run_of("keras_layers")


# The friend's copy.


def test_the_loaded_network_has_every_weight_and_is_right_less_often(page):
    saved, loaded = page["model"].get_weights(), page["again"].get_weights()
    for one, other in zip(saved, loaded, strict=True):
        np.testing.assert_array_equal(one, other)
    x, y = page["images"].x_test, page["images"].y_test
    before, after = (
        evaluate(model, nn.SoftmaxCrossEntropy(), x, y)["accuracy"]
        for model in (page["model"], page["again"])
    )
    assert after < before - 0.05


# Build it.


@pytest.fixture(scope="module")
def spread():
    """`spread(name)`: standard deviation of a kernel, 16 filters of 3 x 3 on grey, of that initializer."""

    def of(name):
        conv = layers.Conv2D(16, 3, kernel_initializer=name)
        conv.build((None, 28, 28, 1))
        return float(conv.kernel.numpy().std())

    return of


def test_random_normal_has_the_standard_deviation_0_05_whatever_the_layers_size(spread):
    assert abs(spread("random_normal") - 0.05) < 0.01
    assert "$0.05$ whatever the layer's size" in TEXT


def test_that_is_half_of_what_glorots_rule_asks_for(spread):
    asked = np.sqrt(2 / (9 * 1 + 9 * 16))
    assert abs(spread("glorot_uniform") - asked) < 0.02
    assert 0.3 < spread("random_normal") / asked < 0.6


def test_the_page_shows_that_one_layer_remembers_in_a_graph_and_the_other_cannot_be_made_into_one(page):
    (printed,) = (out for out in page.printed if " remembers " in out)
    first, second = printed.splitlines()
    assert first == "BatchNormalizationForPythonBools raises OperatorNotAllowedInGraphError"
    assert second.startswith("BatchNormalization remembers ")


def test_in_a_graph_the_mean_moves_a_hundredth_of_the_way_to_the_batchs():
    layer, x = layers.BatchNormalization(), np.random.default_rng(0).standard_normal((8, 3), np.float32) + 5
    layer.build((None, 3))
    tf.function(lambda training: layer(x, training=training))(tf.constant(True))
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.01 * x.mean(axis=0), rtol=1e-5)


def test_the_page_shows_that_a_file_with_a_nameless_class_cannot_be_opened(page):
    (printed,) = (out for out in page.printed if out.startswith("Could not"))
    assert "UnregisteredConv2D" in printed


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras itself, while it saves
def test_with_the_class_named_in_custom_objects_the_file_opens(tmp_path):
    nameless = mistakes.UnregisteredConv2D
    model = keras.Sequential([keras.Input((8, 7, 1)), nameless(2, 3)])
    model.save(tmp_path / "model.keras")
    known = {nameless.__name__: nameless}
    again = keras.saving.load_model(tmp_path / "model.keras", custom_objects=known)
    x = np.random.default_rng(0).standard_normal((2, 8, 7, 1), np.float32)
    np.testing.assert_array_equal(again(x), model(x))


class Bare(keras.layers.Layer):
    """A layer that writes no get_config; `training` is what fit hands it."""

    seen = ()

    def __init__(self, epsilon=0.5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, x, training=False):
        Bare.seen += (training,)
        return x * (2 if training else self.epsilon)


def test_keras_writes_the_missing_get_config_of_a_layer_by_itself():
    assert Bare.from_config(Bare(epsilon=0.25).get_config()).epsilon == 0.25


def test_keras_raises_an_error_where_it_cannot_write_a_get_config():
    with pytest.raises(NotImplementedError, match="get_config"):
        Bare(epsilon=object()).get_config()


def test_fit_hands_training_to_a_layer_as_a_python_bool():
    model = keras.Sequential([keras.Input((3,)), Bare(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    assert Bare.seen
    assert {type(training) for training in Bare.seen} == {bool}


def test_with_training_as_a_tensor_keras_own_layer_raises_the_same_error():
    layer = keras.layers.BatchNormalization()
    layer.build((None, 3))
    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
        tf.function(lambda training: layer(tf.ones((4, 3)), training=training))(tf.constant(True))


def test_the_tape_records_a_constant_only_if_it_is_told_to_watch_it():
    x, found = tf.constant(3.0), []
    for watched in (False, True):
        with tf.GradientTape() as tape:
            if watched:
                tape.watch(x)
            square = x * x
        found.append(tape.gradient(square, x))
    assert found[0] is None
    assert float(found[1]) == 6


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras itself, while it saves
def test_the_file_of_a_compiled_model_holds_the_optimizer_too(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert int(again.optimizer.iterations) == 1
    for kept, loaded in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(kept, loaded)


def test_an_optimizer_of_keras_warns_of_some_missing_gradients_and_refuses_none_at_all():
    variables = [keras.Variable(np.ones(2, np.float32)) for _ in range(2)]
    optimizer = keras.optimizers.SGD()
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([tf.ones(2), None], variables)
    with pytest.raises(ValueError, match="No gradients"):
        optimizer.apply([None, None], variables)


# Use it.


def test_the_comparison_of_times_was_recorded_after_six_epochs_on_12_000_images():
    setting = EXPERIMENTS["own_keras_layers"].variants["plain"]
    assert (setting.epochs, setting.n_train) == (6, 12_000)


def test_own_layers_take_longer_and_learn_the_same(page):
    assert page["step"]["ratio"] > 1
    assert abs(page["recorded_own"]["test"]["accuracy"] - page["twin"]["test"]["accuracy"]) < 0.02


def test_keras_warns_of_a_softmax_it_can_see(page):
    assert page["caught"]


def test_a_softmax_it_cannot_see_makes_the_loss_look_better_here(page):
    assert page["unseen"] < page["truth"]


def test_after_two_softmaxes_a_perfect_answer_of_ten_gets_less_than_a_quarter(page):
    perfect = tf.constant(np.eye(10, dtype=np.float32))
    floor = float(page["from_logits"](np.arange(10), perfect))
    probability = np.e / (np.e + 9)
    np.testing.assert_allclose(floor, -np.log(probability), rtol=1e-5)
    assert probability < 1 / 4


# Without Keras.


def test_one_bias_ends_at_the_mean_of_the_four_targets(page):
    dense = mistakes.DenseWithOneBias(3, 4, rng=np.random.default_rng(0))
    np.testing.assert_allclose(page["learn_targets"](dense)[0], (1 + 2 + 3 + 4) / 4, atol=0.01)


def test_a_bias_for_each_unit_lifts_them_to_1_2_3_and_4(page):
    dense = modules.Dense(3, 4, rng=np.random.default_rng(0))
    np.testing.assert_allclose(page["learn_targets"](dense)[0], [1, 2, 3, 4], atol=0.01)


def test_the_assigned_and_the_added_convolution_give_the_same_total_and_one_has_no_gradient(page):
    (printed,) = (out for out in page.printed if "gradient None" in out)
    assigned, added = (line.split(", gradient ") for line in printed.splitlines())
    assert assigned[0].startswith("Conv2DThatAssigns")
    assert added[1] == "of shape (3, 3, 1, 3)"
    totals = [float(line[0].split()[-1]) for line in (assigned, added)]
    np.testing.assert_allclose(*totals, rtol=1e-5, atol=2e-4)


# The network that was never finished.


def test_ten_steps_are_enough_to_see_the_loss_fall(page):
    losses = page["losses"]
    assert len(losses) == 10
    assert losses[-1] < losses[0]


def test_all_parameters_of_the_finished_network_have_a_gradient(page):
    net, digits = page["net"], page["digits"]
    with tf.GradientTape() as tape:
        value = page["from_logits"](digits.y_train[:8], net(digits.x_train[:8]))
    assert None not in tape.gradient(value, net.trainable_variables)


def test_the_dense_layer_reads_the_pixels_that_two_convolutions_and_a_pooling_leave(page):
    assert page["net"].trainable_variables
    assert 9216 == 12 * 12 * 64
    assert "modules.Dense(9216, 10, rng=rng)" in TEXT


@pytest.fixture(scope="module")
def recorded(page):
    return [run["epochs"] for run in page["recorded"]]


def test_the_finished_network_was_recorded_for_six_epochs_of_three_kinds_of_layers(page, recorded):
    assert {run["side"] for run in page["recorded"]} == {"ours", "keras", "module"}
    assert {len(epochs["accuracy"]) for epochs in recorded} == {6}


def test_validation_accuracy_hardly_rises_after_the_third_epoch(recorded):
    assert max(max(e["val_accuracy"]) - e["val_accuracy"][2] for e in recorded) < 0.004


def test_training_accuracy_goes_on_rising(recorded):
    assert min(e["accuracy"][-1] - e["accuracy"][2] for e in recorded) > 0.004


def test_the_same_layers_written_three_times_give_curves_that_lie_on_each_other(recorded):
    assert np.ptp([e["val_accuracy"] for e in recorded], axis=0).max() < 0.01


# What Keras asks.


def test_the_factors_of_the_smallest_layer_get_the_gradients_of_the_page(page):
    np.testing.assert_array_equal(page["Scale"](start=5.0)(np.float32([[1, 2]])), [[5, 10]])
    assert (2 * 5 * 1, 2 * 10 * 2) == (10, 40)
    assert r"$2 \cdot 5 \cdot 1 = 10$ and $2 \cdot 10 \cdot 2 = 40$" in TEXT


def test_gamma_and_beta_can_undo_the_normalisation():
    x = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32) * 2 + 7
    layer = keras.layers.BatchNormalization()
    layer.build((None, 3))
    layer.gamma.assign(np.sqrt(x.var(axis=0) + layer.epsilon))
    layer.beta.assign(x.mean(axis=0))
    np.testing.assert_allclose(layer(x, training=True), x, rtol=1e-4)
