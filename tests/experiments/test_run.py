"""One run: what is trained, on which images, which weights are tested, and what is kept."""

import numpy as np
import pytest
from support.first_steps import first_losses

from cnnbook import bugzoo, data, nn, results
from cnnbook.experiments import probes, settings
from cnnbook.experiments import run as module
from cnnbook.experiments.catalogue import EXPERIMENTS
from cnnbook.experiments.run import Keeper, prepare, run
from cnnbook.experiments.settings import images_for, raw, shuffled, standardised
from cnnbook.results import replay


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    """Forty small sums of noise stand in for the data, bright on the left or on the right."""

    def load(name, *, n_train=None):
        rng = np.random.default_rng(len(name))
        labels = np.arange(60) % 10
        images = rng.random((60, 28, 28, 1), np.float32) / 2
        images[np.arange(60), 2 * labels] += 0.5
        names = tuple("abcdefghij")
        return data.Dataset(images[:40], labels[:40], images[40:], labels[40:], names, source="a test")

    monkeypatch.setattr(settings.data, "load", load)
    return load


def test_the_last_images_are_held_out_and_none_is_in_two_parts(few_images):
    images = images_for(EXPERIMENTS["mlp"].variants["plain"], seed=0)
    everything = few_images("fashion_mnist")
    np.testing.assert_array_equal(images.train[0], 255 * everything.x_train[:34])
    np.testing.assert_array_equal(images.val[0], 255 * everything.x_train[34:])
    np.testing.assert_array_equal(images.test[1], everything.y_test)
    assert [len(y) for _, y in (images.train, images.val, images.test)] == [34, 6, 20]


def test_nothing_is_held_out_where_nothing_is_chosen():
    images = images_for(EXPERIMENTS["small_cnn_one_by_one"].variants["book"], seed=0)
    assert images.val is None
    assert len(images.train[1]) == 40


def test_only_the_training_images_decide_how_all_are_standardised():
    images = images_for(EXPERIMENTS["stuck_cnn"].variants["fixed"], seed=0)
    x = images.train[0].astype(np.float64)
    assert abs(x.mean()) < 1e-6
    assert abs(x.std() - 1) < 1e-6
    assert abs(images.test[0].mean(dtype=np.float64)) > 1e-4


def test_one_order_shuffles_all_images_and_another_seed_is_another_order():
    x = np.random.default_rng(0).random((3, 4, 5, 1), np.float32)
    one, other = shuffled(x, x, 1), shuffled(x, x, 2)
    np.testing.assert_array_equal(np.sort(one.reshape(3, -1)), np.sort(raw(x, x, 1).reshape(3, -1)))
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(shuffled(x[1:2], x, 1), one[1:2])


def test_standardised_images_are_float32_again():
    x = np.random.default_rng(0).random((3, 4, 5, 1), np.float32)
    assert standardised(x, x, 0).dtype == np.float32


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_variant_can_be_built_for_its_images(experiment):
    for variant in EXPERIMENTS[experiment].variants:
        setting, images, model, _ = prepare(experiment, variant, "ours", 0)
        assert model.forward(images.train[0][:2]).shape == (2, 10)
        assert [layer.trainable for layer in model.layers].count(False) == len(setting.frozen)


def test_the_networks_have_the_sources_numbers_of_parameters():
    def parameters(experiment, variant="plain"):
        model = prepare(experiment, variant, "ours", 0)[2]
        return sum(weight.size for weight in model.weights().values())

    assert parameters("mlp") == 235_146
    assert parameters("fashion_cnn") == 440_842
    assert (
        parameters("small_cnn_one_by_one", "book")
        == parameters("small_cnn_one_by_one", "randn / k^2")
        == 12_832
    )
    assert (
        parameters("small_cnn_one_by_one", "source")
        == parameters("small_cnn_one_by_one", "bias per pixel")
        == 22_228
    )


def test_the_grey_frame_is_the_only_difference_it_makes():
    """Zeros around x/255 - .5 are grey; the book pads before it shifts, and its frame is black."""
    grey, black = (prepare("small_cnn_one_by_one", name, "ours", 0)[2] for name in ("grey frame", "book"))
    for weight, other in zip(grey.weights().values(), black.weights().values(), strict=True):
        other[...] = weight
    x = np.full((1, 28, 28, 1), 127.5, np.float32)  # an image of the frame's own grey

    def first_maps(model):
        place = next(i for i, layer in enumerate(model.layers) if isinstance(layer, nn.Conv2D))
        out = x
        for layer in model.layers[: place + 1]:
            out = layer.forward(out)
        return out

    inside = slice(2, -2)
    np.testing.assert_allclose(
        first_maps(grey)[:, inside, inside], first_maps(black)[:, inside, inside], atol=1e-6
    )
    assert np.abs(first_maps(grey)).max() < 1e-6
    assert np.abs(first_maps(black)).max() > 0.1


def test_a_run_of_ours_is_a_fit_with_the_rows_settings():
    setting, images, model, _ = prepare("stuck_cnn", "fixed", "ours", 1)
    found = run("stuck_cnn", "fixed", "ours", 1)
    history = nn.fit(
        model, nn.SoftmaxCrossEntropy(), nn.SGD(0.01, momentum=0.9), *images.train,
        epochs=10, batch_size=60, validation_data=images.val, seed=1,
    )  # fmt: skip
    assert found["epochs"]["val_loss"] == pytest.approx(history.history["val_loss"], abs=1e-5)
    assert found["first_steps"] == pytest.approx(history.steps["loss"][:50], abs=1e-5)
    assert found["setting"] == str(setting)
    assert found["parameters"] == 16 * 25 + 10 * 28 * 28 * 16 + 10


def test_falling_rates_are_those_of_their_epochs():
    setting, images, model, _ = prepare("small_cnn_one_by_one", "falling rate", "ours", 1)
    seen, optimizer = [], nn.SGD(setting.rates[0])

    class Fall:
        def on_epoch(self, model, epoch, logs):
            seen.append(optimizer.learning_rate)
            optimizer.learning_rate = (*setting.rates, None)[epoch + 1] or optimizer.learning_rate

    history = nn.fit(
        model, setting.loss, optimizer, *images.train,
        epochs=3, batch_size=1, validation_data=images.test, seed=1, callbacks=[Fall()],
    )  # fmt: skip
    assert seen == list(setting.rates)
    assert run("small_cnn_one_by_one", "falling rate", "ours", 1)["epochs"]["loss"] == pytest.approx(
        history.history["loss"], abs=1e-5
    )


def test_the_weights_of_the_first_best_epoch_are_the_ones_tested():
    class Side:
        epoch = 0

        def weights(self):
            return f"those of epoch {self.epoch}"

    side = Side()
    keeper = Keeper(side, EXPERIMENTS["mlp"].variants["plain"], val=("x", "y"))
    for side.epoch, accuracy in enumerate([0.5, 0.7, 0.6, 0.7]):
        keeper.on_epoch(None, side.epoch, {"val_accuracy": accuracy})
    assert (keeper.best_epoch, keeper.kept) == (1, "those of epoch 1")


def test_without_validation_the_last_epoch_is_tested_and_the_curve_is_called_by_its_name():
    found = run("small_cnn_one_by_one", "grey frame", "ours", 0)
    assert found["best_epoch"] == 2
    assert set(found["epochs"]) == {"loss", "accuracy", "test_loss", "test_accuracy"}
    assert found["test"]["accuracy"] == found["epochs"]["test_accuracy"][-1]


def test_the_test_figures_are_those_of_the_restored_weights(monkeypatch):
    """The best epoch is not the last one here: the network goes on with a rate that ruins it."""
    kept = {}
    monkeypatch.setattr(
        module, "tested", lambda logits, labels: kept.update(logits=logits) or {"accuracy": 0}
    )
    run_side = module.SIDES["ours"]

    class Ruined(run_side):
        def fit(self, x, y, *, callbacks, **settings):
            history = super().fit(x, y, callbacks=callbacks, **settings)
            for weight in self.model.weights().values():
                weight[...] = np.nan
            return history

    monkeypatch.setitem(module.SIDES, "ours", Ruined)
    run("mlp", "plain", "ours", 1)
    assert np.isfinite(kept["logits"]).all()


def test_a_run_whose_loss_explodes_is_kept_as_stopped():
    found = run("init", "std 1", "ours", 1)
    assert found["stopped"].startswith("fit: the loss must stay finite.")
    assert "test" not in found
    assert found["made"]["seconds"] >= 0


def test_both_macro_f1_are_kept_and_differ_where_a_class_is_never_predicted():
    logits = np.eye(10, dtype=np.float32)[[0, 1, 1, 1]]
    found = module.tested(logits, np.array([0, 1, 1, 2]))
    # F1 of class 0 is 1, of class 1 it is 4/5, of the eight others 0; the source averages over the first two.
    assert found["macro_f1"] == pytest.approx((1 + 0.8) / 10)
    assert found["macro_f1_of_the_source"] == pytest.approx((1 + 0.8) / 2)
    assert np.sum(found["confusion"]) == 4


def test_the_first_steps_can_be_run_alone():
    whole = run("small_cnn_one_by_one", "grey frame", "ours", 1)["first_steps"]
    assert first_losses("small_cnn_one_by_one", "grey frame", "ours", 1, 5) == pytest.approx(
        whole[:5], abs=1e-6
    )


def test_the_first_seed_of_ours_leaves_a_replay_and_what_chapters_look_at(monkeypatch):
    monkeypatch.setattr(
        probes, "occluded", lambda model, image, label: np.zeros((28, 28))
    )  # it takes seconds
    found = run("fashion_cnn", "plain", "ours", 0)
    replay.check(found["player"], "fashion_cnn")
    kept = {name: results.unpack(packed) for name, packed in found["arrays"].items()}
    assert kept["predictions"].shape == (20,)
    assert kept["maps 3"].shape == (4, 28, 28, 16)
    assert kept["occlusion"].shape == (4, 28, 28)
    assert "arrays" not in run("shuffled_pixels", "CNN", "ours", 1)


def test_the_weights_of_s1_come_back_bit_by_bit():
    _, images, model, trainer = prepare("small_cnn_one_by_one", "book", "ours", 0)
    packed = probes.whole_network(model, *images.test)
    for name, weight in model.weights().items():
        np.testing.assert_array_equal(results.unpack(packed[name]), weight)
    np.testing.assert_array_equal(
        results.unpack(packed["predictions"]), trainer.logits(images.test[0]).argmax(axis=1)
    )


def test_saturation_counts_tanh_units_near_their_limits():
    model = nn.Sequential([nn.Conv2D(1, 1, use_bias=False), nn.Tanh(), nn.Flatten(), nn.Dense(2)])
    model.build((1, 4, 1), seed=0)
    model.layers[0].params["kernel"][...] = 1
    x = np.array([[-9, -0.5, 0.5, 9]], np.float32).reshape(1, 1, 4, 1)
    found = probes.saturation(model, x, np.array([1]))
    assert found["saturated"] == 0.5
    logits = nn.predict(model, x).astype(np.float64)
    assert found["two_sided_loss"] == bugzoo.TwoSidedLoss().forward(logits, np.array([1]))


def test_the_occluder_hides_what_the_network_looks_at():
    """A network that sums the top left pixel's brightness into class 1 loses it under the square only."""
    model = nn.Sequential([nn.Flatten(), nn.Dense(2)])
    model.build((28, 28, 1), seed=0)
    model.layers[1].params["kernel"][...] = 0
    model.layers[1].params["kernel"][0, 1] = 1 / 255
    image = np.zeros((28, 28, 1), np.float32)
    image[0, 0] = 255
    seen = probes.occluded(model, image, 1)
    assert np.argwhere(seen < seen.max()).max() == 3
    assert seen[0, 0] == pytest.approx(1 / (1 + np.exp(-0.5)), abs=1e-6)
    assert image.sum() == 255


def test_the_worst_mistakes_are_wrong_and_the_surest_first(monkeypatch):
    monkeypatch.setattr(
        probes, "occluded", lambda model, image, label: np.zeros((28, 28))
    )  # it takes seconds
    _, images, model, _ = prepare("fashion_cnn", "plain", "ours", 0)
    packed = probes.inside(model, *images.test)
    worst = results.unpack(packed["worst"])
    probs = nn.softmax(nn.predict(model, images.test[0]))
    assert (probs.argmax(axis=1)[worst] != images.test[1][worst]).all()
    assert (np.diff(probs.max(axis=1)[worst]) <= 0).all()


def test_spreads_are_standard_deviations_by_layer():
    _, images, model, _ = prepare("init", "He", "ours", 0)
    found = probes.spreads(model, *images.train)
    first = model.layers[1].forward(model.layers[0].forward(images.train[0]))
    assert found["std after layer 1"] == pytest.approx(first.std(dtype=np.float64))
    assert len(found) == 9


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
@pytest.mark.parametrize(
    ("experiment", "variant", "side"),
    [
        ("stuck_cnn", "fixed", "keras"),
        ("mnist_cnn", "plain", "keras"),
        ("mnist_cnn", "plain", "module"),
        ("small_cnn_one_by_one", "book", "keras"),
    ],
)
def test_the_other_sides_begin_and_go_on_as_ours_does(experiment, variant, side):
    ours, theirs = run(experiment, variant, "ours", 0), run(experiment, variant, side, 0)
    assert theirs["first_steps"] == pytest.approx(ours["first_steps"], abs=2e-3)
    for name, values in ours["epochs"].items():
        assert theirs["epochs"][name] == pytest.approx(values, abs=0.05 if "accuracy" in name else 2e-3)


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_our_layers_inside_keras_begin_where_keras_does_and_are_timed_beside_it(monkeypatch):
    monkeypatch.setattr(
        module, "step_seconds", lambda own, theirs, images: type(own).__name__ + type(theirs).__name__
    )
    found = run("own_keras_layers", "plain", "own layers", 0)
    assert found["step_seconds"] == "OwnLayersKeras"
    setting, images, model, own = prepare("own_keras_layers", "plain", "own layers", 0)
    keras = module.SIDES["keras"](model, setting, 0)
    np.testing.assert_allclose(own.logits(images.test[0]), keras.logits(images.test[0]), atol=1e-4)
    names = [type(layer).__module__ for layer in own.model.layers]
    assert names.count("cnnbook.keras_twin.layers") == 4
