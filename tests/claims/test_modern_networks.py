"""What the chapter "What modern networks add" says beyond its cells: depth, norms, decay, rates, flips."""

import numpy as np
import pytest
from support.chapter_code import run_of

from cnnbook import results
from cnnbook.experiments.catalogue import EXPERIMENTS
from cnnbook.nn import (
    SGD,
    Adam,
    AdamW,
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    Residual,
    SoftmaxCrossEntropy,
)

pytestmark = pytest.mark.keras

DEEPEST = 15  # blocks


@pytest.fixture(scope="module", name="page")
def _page():
    return run_of("modern_networks")


# ---------------------------------------------------------------- depth


def test_without_shortcuts_31_convolutions_end_worse_than_7(page):
    assert page["blocks"] == (1, 3, 7, 15)
    assert page["by_depth"]["plain"][3] > page["by_depth"]["plain"][1] + 0.1


def test_with_shortcuts_the_loss_is_lower_at_every_depth_and_far_lower_at_the_largest(page):
    apart = np.subtract(page["by_depth"]["plain"], page["by_depth"]["with shortcuts"])
    assert (apart > 0).all()
    assert apart[-1] > 0.4


def test_with_shortcuts_more_layers_than_three_convolutions_help(page):
    first, *deeper = page["by_depth"]["with shortcuts"]
    assert max(deeper) < first - 0.1


@pytest.mark.parametrize("blocks", [1, 3, 7, 15])
def test_the_two_networks_of_a_depth_have_the_same_parameters(page, blocks):
    sizes = [
        [param.shape for _, param, _ in page["deep_net"](blocks, way).parameters()] for way in (False, True)
    ]
    assert sizes[0] == sizes[1]
    assert sum(len(shape) == 4 for shape in sizes[0]) == 2 * blocks + 1


# ---------------------------------------------------------------- by hand


def test_ten_small_slopes_leave_a_ten_billionth_without_shortcuts_and_more_than_one_with_them(page):
    assert page["slope"] ** 10 == pytest.approx(1e-10)
    assert (1 + page["slope"]) ** 10 > 1


def test_the_product_of_one_plus_slopes_is_the_sum_over_all_ways(page):
    slopes = np.random.default_rng(0).standard_normal(4)
    ways = [np.prod(slopes[np.array(taken, bool)]) for taken in np.ndindex(2, 2, 2, 2)]
    assert len(ways) == 2**4
    assert sum(ways) == pytest.approx(np.prod(1 + slopes))


def test_both_ways_must_return_the_same_shape():
    from cnnbook.nn import Dense

    with pytest.raises(ValueError, match="both must return one shape"):
        Residual([Dense(3)]).build((2,), np.random.default_rng(0))


# ---------------------------------------------------------------- gradients by depth


def spread(page, shortcuts, seed):
    found = page["kernel_gradients"](page["deep_net"](DEEPEST, shortcuts, seed))
    return max(found) / min(found)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_without_shortcuts_the_longest_gradient_is_tens_of_times_the_shortest_with_them_much_less(page, seed):
    plain, residual = (spread(page, way, seed) for way in (False, True))
    assert plain > 20
    assert plain > 3 * residual


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_in_the_plain_network_the_gradient_grows_on_its_way_down(page, seed):
    found = page["kernel_gradients"](page["deep_net"](DEEPEST, False, seed))
    assert len(found) == 2 * DEEPEST + 1
    assert np.mean(found[1:6]) > 10 * np.mean(found[-5:])


def test_a_start_at_gamma_0_is_behind_after_so_short_a_training(page):
    model = page["deep_net"](DEEPEST, True)
    for name, array in model.weights().items():
        if name.endswith("layers/4/gamma"):
            array[:] = 0
    run = page["train"](model, SGD(0.3), 3)
    assert page["end_loss"](run) > page["by_depth"]["with shortcuts"][-1] + 0.1


# ---------------------------------------------------------------- norms


def shares(page, name):
    """The examples, pixels and channels that share a mean with the output, and how many inputs that are."""
    cells = page["shared"][name]
    return [len(set(where)) for where in np.nonzero(cells)] + [int(cells.sum())]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("batch norm", [3, 4, 1, 12]),
        ("layer norm", [1, 1, 6, 6]),
        ("instance norm", [1, 4, 1, 4]),
        ("3 groups", [1, 4, 2, 8]),
        ("1 group", [1, 4, 6, 24]),
    ],
)
def test_each_norm_shares_what_its_picture_shows(page, name, expected):
    assert shares(page, name) == expected


def test_only_batch_norm_notices_another_partner(page):
    x = np.random.default_rng(0).standard_normal((3, 2, 2, 6))
    for name, norm in page["norms"].items():
        first, second = (norm.forward(x[[0, other]], training=True)[0] for other in (1, 2))
        assert np.allclose(first, second) == (name != "batch norm")


@pytest.mark.parametrize("norm", [LayerNormalization(), GroupNormalization(2), GroupNormalization(-1)])
def test_the_other_norms_remember_nothing_and_compute_the_same_in_training(norm):
    norm.build((3, 2, 4), dtype=np.float64)
    x = np.random.default_rng(0).standard_normal((2, 3, 2, 4))
    np.testing.assert_array_equal(norm.forward(x, training=True), norm.forward(x))
    assert norm.state == {}
    assert BatchNormalization().output_shape((3, 2, 4)) == (3, 2, 4)


# ---------------------------------------------------------------- decay


@pytest.mark.parametrize("decay", [0.5, 0.05, 0.005])
def test_adamw_takes_a_share_away_and_adam_with_a_penalty_a_full_step_whatever_the_decay(page, decay):
    one_step = page["one_step"]
    assert one_step(AdamW(0.1, weight_decay=decay), 0) == pytest.approx(2 - 0.1 * decay * 2)
    assert one_step(Adam(0.1), decay * 2) == pytest.approx(2 - 0.1, abs=1e-3)


def test_with_sgd_decay_and_penalty_are_the_same(page):
    one_step = page["one_step"]
    decoupled, added = one_step(SGD(0.1, weight_decay=0.5), 3), one_step(SGD(0.1), 3 + 0.5 * 2)
    assert decoupled == pytest.approx(added)


def test_the_kernel_before_batch_norm_grows_without_decay_and_is_much_shorter_with_it(page):
    lengths, drawn = page["kernel_lengths"], page["drawn_length"]
    assert lengths[None] > drawn
    assert lengths[0.05] < drawn / 2


def test_behind_batch_norm_half_the_kernel_has_the_same_output_and_twice_the_gradient(page):
    images, found = page["images"], []
    for factor in (1, 0.5):
        model = page["small_net"]()
        model.layers[1].epsilon = 1e-9
        kernel = model.layers[0].params["kernel"]
        kernel *= factor
        loss = SoftmaxCrossEntropy()
        logits = model.forward(images.x_train[:50], training=True)
        loss.forward(logits, images.y_train[:50])
        model.backward(loss.backward(), input_gradient=False)
        found.append((logits, model.layers[0].grads["kernel"]))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-3)
    scale = np.abs(found[0][1]).max()
    np.testing.assert_allclose(2 * found[0][1], found[1][1], atol=1e-3 * scale)


# ---------------------------------------------------------------- rates and clipping


def test_the_warm_up_ends_lowest_by_far(page):
    *others, warm = page["settled"].values()
    assert list(page["settled"])[-1] == "warm-up, cosine"
    assert 3 * warm < min(others)


def test_ten_epochs_are_200_steps(page):
    assert -(-len(page["images"].x_train) // 50) * 10 == 200


def test_a_falling_rate_alone_gains_more_than_a_point_in_the_table_of_results():
    recorded = results.read("small_cnn_one_by_one")
    mean = {
        variant: np.mean(
            [run["test"]["accuracy"] for run in recorded.runs(variant=variant, side="ours")],
        )
        for variant in ("book", "falling rate")
    }
    assert mean["falling rate"] > mean["book"] + 0.01


def test_a_short_gradient_is_not_clipped_and_the_global_norm_keeps_the_direction_of_the_whole_step():
    short = np.array([0.3, 0.4])
    assert SGD(1.0, clipnorm=1.0).clipping([short]) == [1]
    one, other = SGD(1.0, global_clipnorm=1.0).clipping([np.array([3.0]), np.array([4.0])])
    assert one == other == pytest.approx(1 / 5)
    one, other = SGD(1.0, clipnorm=1.0).clipping([np.array([3.0]), np.array([4.0])])
    assert one != other


# ---------------------------------------------------------------- augmentation and stopping


def test_the_plain_network_has_learned_which_way_things_face(page):
    _, test, mirrored = page["reached"]["plain"]
    assert mirrored < test - 0.1


def test_with_flips_the_two_accuracies_are_close_and_the_training_images_are_fitted_less_closely(page):
    train, test, mirrored = page["reached"]["flip"]
    assert abs(test - mirrored) < 0.06
    assert train < page["reached"]["plain"][0]


def test_early_stopping_waits_three_epochs_after_the_best(page):
    stop, epochs = page["stop"], len(page["run"].history["loss"])
    assert stop.stopped_epoch is not None
    assert epochs - 1 - stop.best_epoch == 3
    assert epochs < 40


# ---------------------------------------------------------------- the recorded network


@pytest.fixture(scope="module", name="recorded")
def _recorded():
    return results.read("residual_cnn")


def accuracies(recorded, side):
    return [run["test"]["accuracy"] for run in recorded.runs(variant="plain", side=side)]


def test_the_residual_network_beats_the_cnn_from_scratch_with_every_seed_and_fewer_parameters(recorded):
    rival = results.read("fashion_cnn")
    assert len(accuracies(recorded, "ours")) == 3
    assert len(accuracies(recorded, "keras")) >= 1
    assert min(accuracies(recorded, "ours")) > max(accuracies(rival, "ours"))
    sizes = [
        one.runs(variant="plain", side="ours")[0]["parameters"]
        for one in (recorded, results.read("fashion_cnn"))
    ]
    assert sizes[0] < sizes[1]


def test_its_recipe_is_the_one_the_page_names():
    recipe = EXPERIMENTS["residual_cnn"].variants["plain"]
    assert isinstance(recipe.optimizer, AdamW)
    assert recipe.optimizer.learning_rate.warmup_steps > 0
    assert recipe.augment.shift
    assert recipe.augment.flip
    assert sum(isinstance(layer, Residual) for layer in recipe.make().layers) == 3
    assert recipe.n_train is None
