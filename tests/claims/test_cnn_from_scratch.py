"""What "A CNN from scratch" claims: sizes, equality with Keras, recorded runs, how good the network is."""

import math
import re

import numpy as np
import pytest
from support.chapter_code import ROOT, run_of

from cnnbook import bugzoo, models, nn, results
from cnnbook.experiments import probes
from cnnbook.experiments.catalogue import EXPERIMENTS
from cnnbook.experiments.parting import leap, part
from cnnbook.gradcheck import GradientError, check_model
from cnnbook.nn.runtime import blas_at_one_thread
from cnnbook.results import packing, replay

pytestmark = pytest.mark.keras

TEXT = (ROOT / "chapters" / "cnn_from_scratch.md").read_text("utf-8")
REFEREES = "referee", "keras referee"


def tex(number):
    """A whole number as the page's formulas write it: 4{,}640."""
    return f"{number:,}".replace(",", "{,}")


@pytest.fixture(scope="module")
def page():
    return run_of("cnn_from_scratch")


@pytest.fixture(scope="module")
def fashion(page):
    """The page, where it had its own data."""
    if page["images"].is_fallback:
        pytest.skip("this claim is about Fashion-MNIST, and only the stand-in digits are here")
    return page


# The network.


@pytest.fixture(scope="module")
def model():
    model = models.fashion_cnn()
    model.build((28, 28, 1), seed=0)
    return model


def sizes_of(model, kind):
    """How many parameters and statistics each layer of this kind has."""
    layers = [layer for layer in model.layers if isinstance(layer, kind)]
    return [sum(array.size for array in (*layer.params.values(), *layer.state.values())) for layer in layers]


def test_an_image_goes_through_the_sizes_that_the_page_counts(model):
    kinds = nn.MaxPooling2D, nn.Flatten, nn.Dense
    shapes = [layer.output_shape(layer.input_shape) for layer in model.layers if isinstance(layer, kinds)]
    assert shapes == [(14, 14, 16), (7, 7, 32), (1568,), (256,), (128,), (10,)]
    assert r"28 \times 28 \times 1 &\to 14 \times 14 \times 16 \to 7 \times 7 \times 32" in TEXT
    assert r"1568 \to 256 \to 128 \to 10" in TEXT


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        (nn.Conv2D, [9 * 1 * 16 + 16, 9 * 16 * 32 + 32]),
        (nn.BatchNormalization, [4 * 16, 4 * 32]),
        (nn.Dense, [1568 * 256 + 256, 256 * 128 + 128, 128 * 10 + 10]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_line_of_the_table_counts_the_parameters_of_its_layer(model, kind, sizes):
    assert sizes_of(model, kind) == sizes
    told = [sum(sizes)] if kind is nn.BatchNormalization else sizes
    assert [size for size in told if f"= {tex(size)}$" not in TEXT] == []


def test_the_convolutions_hold_about_one_parameter_in_a_hundred(model, page):
    assert round(100 * sum(sizes_of(model, nn.Conv2D)) / sum(page["sizes"])) == 1


def test_nearly_all_parameters_are_in_the_layer_that_reads_the_feature_maps(model, page):
    assert page["share"] > 0.9
    assert max(page["sizes"]) == 1568 * 256


def test_global_average_pooling_would_shrink_the_dense_kernel_to_a_forty_ninth():
    assert 1568 == 49 * 32


# The first steps.


def test_the_first_loss_is_a_little_above_that_of_guessing(page):
    assert np.log(10) < page["by_hand"][0] < 4


def test_the_loss_rises_before_it_falls_with_rmsprop(fashion):
    first, *others, last = fashion["by_hand"]
    assert max(others[:3]) > first > last


def test_the_loss_falls_from_the_start_with_adam(fashion):
    model = models.fashion_cnn()
    model.build((28, 28, 1), seed=0)
    with blas_at_one_thread():
        x, y = (part[:640] for part in (255 * fashion["images"].x_train, fashion["images"].y_train))
        first, *others, last = fashion["train"](model, nn.Adam(), x, y, steps=10)
    assert first > max(others[:3]) > last


# The same curves as Keras'.


def test_with_small_steps_only_rounding_is_left_and_float64_stays_together_at_both_rates(page):
    assert all(run.faults == [] for run in page["runs"].values())
    assert page["runs"]["small steps"].apart() < 1e-3
    assert max(run.apart(*REFEREES) for run in page["runs"].values()) < 1e-3


def test_a_near_tie_in_a_pooling_window_changes_the_gradient_by_a_finite_amount():
    pool, dout = nn.MaxPooling2D(2), np.ones((1, 1, 1, 1))
    found = []
    for last in (1 - 1e-15, 1 + 1e-15):
        pool.forward(np.array([1.0, 0, 0, last]).reshape(1, 2, 2, 1), training=True)
        found.append(pool.backward(dout))
    assert np.abs(found[0] - found[1]).max() == 1


@pytest.mark.parametrize(("g", "steps"), [(1e-8, 3e-5), (1e-6, 3e-3), (1e-4, 0.31), (1e-3, 2.2), (1, 3.16)])
def test_rmsprops_first_step_is_up_to_three_times_the_rate_and_shrinks_with_small_gradients(g, steps):
    rmsprop = nn.RMSprop(1.0)
    assert np.isclose(np.sqrt(rmsprop.epsilon / (1 - rmsprop.rho)), 1e-3)
    assert np.isclose(abs(rmsprop.change("w", np.array([float(g)]))[0]), steps, rtol=0.06)


# What parts two runs, on record.


@pytest.fixture(scope="module")
def record():
    pairs = results.read("parting")["pairs"]
    return {(pair["variant"], pair["seed"]): pair for pair in pairs}


def of(record, variant):
    return [pair for (name, _), pair in record.items() if name == variant]


def flips(pair):
    return np.add(pair["winners"], pair["signs"])


def test_every_pair_that_parts_leaps_at_a_step_with_a_flip_and_not_every_pair_parts(record, page):
    pairs = of(record, "float32")
    parted = [pair for pair in pairs if leap(pair["distance"])]
    assert 0 < len(parted) < len(pairs) == 6
    assert all(flips(pair)[leap(pair["distance"]) - 1] > 0 for pair in parted)
    assert (len(page["leaps"]), len(page["parted"])) == (len(pairs), len(parted))


def test_before_the_leap_the_distance_stays_at_rounding_level_and_after_it_large_steps_do_the_rest(record):
    for pair in of(record, "float32"):
        step = leap(pair["distance"])
        assert max(pair["distance"][: step - 1 if step else None]) < 1e-4
        assert pair["distance"][-1] > 100 * pair["distance"][0] or not step


def test_most_flips_have_no_effect_that_can_be_seen(record, page):
    quiet = [
        flips(pair)[: (leap(pair["distance"]) or 51) - 1].astype(bool).sum() for pair in of(record, "float32")
    ]
    assert min(quiet) > 0
    before = flips(page["pair"])[: page["leap_step"] - 1]
    assert page["parting_told"]["harmless"] == str((before > 0).sum())


@pytest.mark.parametrize("variant", ["float32", "float32, SGD"])
def test_with_the_winners_and_signs_of_the_first_run_no_pair_parts(record, variant):
    """The flip is the cause: nothing else is changed, with RMSprop and with plain SGD."""
    ends = [max(pair["distance"]) for pair in of(record, f"{variant}, shared")]
    assert max(ends) < 1e-3 < max(max(pair["distance"]) for pair in of(record, variant))
    assert len(ends) == 6


@pytest.mark.parametrize("moved", ["1e-13", "1e-7"])
def test_in_float64_the_distance_grows_little_in_fifty_steps(record, moved):
    (pair,) = of(record, f"float64, {moved}")
    assert len(pair["distance"]) == 50
    assert max(pair["distance"]) < 3 * pair["distance"][0]


def test_the_record_can_be_made_again_and_a_shared_way_keeps_two_runs_together():
    """Three steps of a small network whose ReLUs flip at once, on any machine."""
    x = np.random.default_rng(0).uniform(0, 255, (12, 28, 28, 1)).astype(np.float32)
    labels = np.arange(12) % 10
    found = {
        shared: part(
            models.small_cnn, nn.SGD(0.01), x, labels, moved=0.3, steps=3, batch_size=4, shared=shared
        )
        for shared in (False, True)
    }
    assert sum(found[False]["winners"]) > 0 < sum(found[False]["signs"])
    assert found[True]["distance"][-1] != found[False]["distance"][-1]
    assert found[True]["distance"][0] > 0.29


def test_the_difference_of_two_accuracies_on_independent_images_has_root_two_times_the_error():
    one, other = np.random.default_rng(0).binomial(1000, 0.9, (2, 20_000)) / 1000
    np.testing.assert_allclose(np.std(one - other), np.sqrt(2 * 0.9 * 0.1 / 1000), rtol=0.03)


def test_40_to_20_disagreements_on_the_same_images_are_seldom_chance(page):
    """Exactly: 60 tosses of a coin fall 40 to 20 or further apart."""
    seldom = 2 * sum(math.comb(60, k) for k in range(21)) / 2**60
    assert seldom < 0.02
    assert abs((abs(page["tosses"] - 30) >= 10).mean() - seldom) < 0.003


# Ten epochs, on record.


@pytest.fixture(scope="module")
def after(page):
    """Validation accuracies from the second epoch on, a line for each run."""
    return np.array([run["epochs"]["val_accuracy"][1:] for run in page["ours"] + page["theirs"]])


def test_the_recorded_runs_are_those_the_page_tells(page):
    setting = EXPERIMENTS["fashion_cnn"].variants["plain"]
    assert (setting.n_train, setting.epochs) == (None, 10)
    assert f"the last {setting.held_out * 60_000:,.0f} of them kept for\nvalidation" in TEXT
    assert len(page["ours"]) == len(page["theirs"]) == 3


def test_every_seed_reaches_what_the_notebook_reports_to_within_a_hundredth(page):
    reached = [run["test"]["accuracy"] for run in page["ours"]]
    assert min(reached) > page["fashion_run"]["claim"]["accuracy"] - 0.01


def test_accuracy_was_measured_on_ten_thousand_unseen_pictures(page):
    predictions = results.unpack(page["ours"][0]["arrays"]["predictions"])
    assert f"of {len(predictions):,} unseen pictures" in TEXT


def test_the_eight_pictures_are_mistakes(page):
    truth = page["images"].y_test[page["worst"]]
    assert len(truth) == 8
    assert not (page["predictions"][page["worst"]] == truth).any()


def test_the_first_kernels_move_by_more_than_half_of_their_length_all_the_same():
    shots = replay.read("fashion_cnn")["snapshots"]
    drawn, learned = (packing.unpack_letters(shots[n]["kernels"]) for n in (0, -1))
    assert 0.5 < np.linalg.norm(learned - drawn) / np.linalg.norm(drawn) < 0.7


def test_each_link_into_the_player_names_a_step_that_has_a_snapshot():
    shots = {shot["step"]: shot for shot in replay.read("fashion_cnn")["snapshots"]}
    steps = {int(step) for step in re.findall(r"#cnn-run:[^\"]*step=(\d+)", TEXT)}
    assert steps == {0, 512, max(shots)}
    assert all("confusion" in shots[step] for step in steps)


def test_the_snapshot_said_to_be_before_the_end_of_the_first_epoch_is():
    one_epoch, *_, last = replay.read("fashion_cnn")["epochs"]["step"]
    assert (one_epoch, last) == (797, 7970)
    assert one_epoch > 512


def test_all_lines_rise_to_about_89_percent_within_two_epochs(after):
    assert abs(after[:, 0].mean() - 0.89) < 0.01


def test_the_ups_and_downs_of_a_line_are_larger_than_the_distance_between_lines(after):
    assert np.abs(np.diff(after, axis=1)).mean() > np.ptp(after.mean(axis=1))


# One example at a time, on record.


@pytest.fixture(scope="module")
def reached(page):
    """Test accuracies by variant, one for each seed of ours."""
    runs = [run for run in page["one_by_one"]["runs"] if run["side"] == "ours"]
    found = {}
    for run in runs:
        found.setdefault(run["variant"], []).append(run["test"]["accuracy"])
    return found


@pytest.fixture(scope="module")
def mean_of(reached):
    return {name: np.mean(values) for name, values in reached.items()}


@pytest.fixture(scope="module")
def claim(page):
    return page["one_by_one"]["claim"]["accuracy"]


def test_every_line_is_a_mean_over_three_seeds_or_one_run(reached):
    assert {len(values) for values in reached.values()} == {1, 3}


def test_a_bias_for_every_pixel_nearly_doubles_the_parameters(page):
    runs = {run["variant"]: run["parameters"] for run in page["one_by_one"]["runs"]}
    assert (runs["book"], runs["bias per pixel"]) == (12_832, 22_228)
    assert 1.5 < 22_228 / 12_832 < 2


def test_with_its_authors_settings_one_of_three_seeds_reaches_the_claim(reached, claim):
    assert [value >= claim for value in sorted(reached["source"])] == [False, False, True]


def test_with_its_authors_settings_another_seed_ends_three_points_below(reached, claim):
    assert 0.025 < claim - min(reached["source"]) < 0.035


@pytest.mark.parametrize("variant", ["bias per pixel", "randn / k^2", "grey frame", "Glorot"])
def test_a_changed_bias_or_first_weights_move_the_accuracy_about_as_much_as_a_seed(reached, mean_of, variant):
    assert abs(mean_of[variant] - mean_of["book"]) < 1.2 * np.ptp(reached["book"])


@pytest.mark.parametrize("variant", ["book", "source"])
def test_a_falling_rate_helps_both_networks_and_takes_them_above_the_claim(mean_of, claim, variant):
    falling = mean_of["falling rate" if variant == "book" else "source, falling rate"]
    assert falling > claim
    assert falling - mean_of[variant] > 0.01


def test_the_books_network_with_a_falling_rate_is_the_best_of_all(mean_of):
    assert max(mean_of, key=mean_of.get) == "falling rate"


def test_without_a_falling_rate_no_mean_reaches_the_claim_and_all_are_close(mean_of, claim):
    others = [mean for name, mean in mean_of.items() if "falling" not in name]
    assert max(others) < claim
    assert np.ptp(others) < 0.03


def test_the_rate_falls_as_the_page_says():
    rates = EXPERIMENTS["small_cnn_one_by_one"].variants["falling rate"].rates
    assert "from ${}$ to ${}$ and ${}$".format(*rates) in TEXT


# How good it is.


def test_with_equally_many_pictures_accuracy_is_the_mean_recall(fashion):
    accuracy = nn.accuracy(fashion["images"].y_test, fashion["predictions"])
    assert np.isclose(fashion["recall"].mean(), accuracy)


def test_accuracy_is_recall_weighted_by_the_pictures_of_each_class(page):
    accuracy = nn.accuracy(page["images"].y_test, page["predictions"])
    pictures = page["confusion"].sum(axis=1)
    assert np.isclose(page["recall"] @ pictures / pictures.sum(), accuracy)


@pytest.fixture(scope="module")
def counted(page):
    """Hits, pictures and predictions of each class."""
    confusion = page["confusion"]
    return confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)


def test_macro_f1_is_the_mean_of_two_hits_over_pictures_and_predictions(page, counted):
    hits, pictures, calls = counted
    macro_f1 = nn.macro_f1(page["images"].y_test, page["predictions"])
    assert np.isclose((2 * hits / (pictures + calls)).mean(), macro_f1)


def test_f1_puts_recall_and_precision_into_one_number(fashion, counted):
    hits, pictures, calls = counted
    precision, recall = hits / calls, fashion["recall"]
    np.testing.assert_allclose(2 / (1 / precision + 1 / recall), 2 * hits / (pictures + calls))


GARMENTS, SHOES = [0, 1, 2, 3, 4, 6], [5, 7, 9]


def test_most_mistakes_stay_inside_two_families(fashion):
    off = fashion["confusion"] - np.diag(fashion["confusion"].diagonal())
    own = sum(off[np.ix_(family, family)].sum() for family in (GARMENTS, SHOES))
    assert own > 0.9 * off.sum()


def test_no_garment_is_taken_for_a_shoe(fashion):
    assert fashion["shown"][np.ix_(GARMENTS, SHOES)].sum() == 0


def test_the_hardest_class_loses_several_times_as_many_as_the_mean_suggests(fashion):
    lost = 1 - fashion["recall"]
    assert lost.max() > 3 * lost.mean()


@pytest.fixture(scope="module")
def no_shirts():
    """Labels, and predictions that are perfect but for the shirts, spread over the other classes."""
    labels = np.repeat(np.arange(10), 1000)
    said = labels.copy()
    said[labels == 6] = np.resize([0, 1, 2, 3, 4, 5, 7, 8, 9], 1000)
    return labels, said


def test_a_network_that_says_shirt_never_is_nine_tenths_accurate(no_shirts):
    assert np.isclose(nn.accuracy(*no_shirts), 9 / 10)


def test_without_the_empty_class_its_macro_f1_is_2000_over_2111(no_shirts):
    without = bugzoo.macro_f1_of_the_predicted(*no_shirts)
    assert np.isclose(without, 2000 / 2111, atol=1e-4)
    assert round(without, 2) == 0.95
    assert without > nn.accuracy(*no_shirts)
    assert "$2000 / 2111$, about $0.95$" in TEXT


def test_with_the_empty_class_its_macro_f1_is_about_085_and_worse_than_the_accuracy(no_shirts):
    with_it = nn.macro_f1(*no_shirts)
    assert np.isclose(with_it, 9 / 10 * 2000 / 2111, atol=1e-4)
    assert round(with_it, 2) == 0.85
    assert "about $0.85$, worse" in TEXT


# The pixel shuffle, on record.


@pytest.fixture(scope="module")
def shuffled(page):
    return {variant: np.mean(values) for variant, values in page["found"].items()}


def test_the_shuffle_was_recorded_on_twelve_thousand_images(shuffled):
    assert {EXPERIMENTS["shuffled_pixels"].variants[name].n_train for name in shuffled} == {12_000}


def test_shuffled_pixels_cost_the_dense_network_nothing_and_the_cnn_its_advantage(shuffled):
    dense = abs(shuffled["MLP"] - shuffled["MLP, shuffled"])
    assert dense < 0.015 < shuffled["CNN"] - shuffled["CNN, shuffled"]


def test_the_shuffled_cnn_falls_a_little_below_the_dense_network(shuffled):
    dense = np.mean([shuffled["MLP"], shuffled["MLP, shuffled"]])
    assert 0 < dense - shuffled["CNN, shuffled"] < 0.03


def test_every_gradient_of_a_small_network_of_this_kind_is_right_up_to_rounding(page):
    x, labels = np.random.default_rng(0).standard_normal((4, 8, 6, 1)), np.array([3, 1, 4, 1])
    report = check_model(page["small"], nn.SoftmaxCrossEntropy(), x, labels)
    assert report.error < 1e-7
    names = [compared.name for compared in report.comparisons]
    layers = [int(name.split("/")[0]) for name in names[:-1]]
    assert names[-1] == "x"
    assert layers == sorted(layers, reverse=True)  # from the loss to the image


def test_the_first_bad_line_of_the_whole_check_names_the_wrong_layer():
    wrong = [bugzoo.BiasGradientAveraged(2, 3), nn.Tanh(), nn.Flatten(), nn.Dense(3)]
    small = nn.Sequential(wrong)
    small.build((5, 4, 1), seed=0)
    x = np.random.default_rng(0).standard_normal((4, 5, 4, 1))
    with pytest.raises(GradientError, match="d0/bias is wrong") as caught:
        check_model(small, nn.SoftmaxCrossEntropy(), x, np.array([0, 2, 1, 1]))
    told = {compared.name: compared.error for compared in caught.value.report.comparisons}
    assert max(told["3/kernel"], told["3/bias"]) < 1e-6 < told["0/bias"]


# How far its probabilities can be believed, and a paired comparison.


def test_a_calibrated_network_would_have_an_error_near_0_and_one_that_is_always_sure_its_error_rate(page):
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.1, 1, 50_000)
    right = rng.random(50_000) < sure
    for said, expected in ((sure, 0), (np.full(50_000, 0.999), 0.999 - right.mean())):
        tenth = np.minimum((10 * said).astype(int), 9)
        parts = [tenth == t for t in np.unique(tenth)]
        ece = sum(p.mean() * abs(right[p].mean() - said[p].mean()) for p in parts)
        assert abs(ece - expected) < 0.01


def test_the_error_printed_is_the_weighted_mean_of_the_tenths(page):
    assert np.isclose(page["weights"].sum(), 1)
    assert np.isclose(page["weights"] @ page["hits"], page["right"].mean())
    assert np.isclose(page["weights"] @ page["probability"], page["sure"].mean(), atol=1e-3)
    assert 0 <= page["ece"] < 1


def test_the_recorded_network_is_too_sure(fashion):
    assert fashion["sure"].mean() > fashion["right"].mean() + 0.01
    assert fashion["ece"] > 0.01


def test_on_500_images_the_paired_count_decides_and_the_standard_errors_do_not(fashion):
    assert fashion["unpaired"] < 1.96
    assert fashion["chance"] < 0.05
    assert len(fashion["mine"]) == 500


def test_only_the_images_that_one_of_the_two_gets_right_are_counted(page):
    mine, its = page["mine"], page["its"]
    assert page["only_mine"] - page["only_its"] == mine.sum() - its.sum()
    assert page["n"] == (mine != its).sum()
    assert page["k"] == min(page["only_mine"], page["only_its"])


def test_the_chance_is_that_of_a_fair_coin(page):
    n, k = int(page["n"]), int(page["k"])
    heads = np.random.default_rng(0).binomial(n, 0.5, 100_000)
    assert abs((np.minimum(heads, n - heads) <= k).mean() - page["chance"]) < 0.01


def test_one_temperature_lowers_the_calibration_error_and_changes_no_answer(fashion):
    logits, temperature = fashion["logits"], fashion["temperature"]
    np.testing.assert_array_equal(logits.argmax(axis=1), (logits / temperature).argmax(axis=1))
    assert fashion["after"] < fashion["before"] + 0.01


# What it looks at.


@pytest.fixture(scope="module")
def small_net(page):
    """A small frozen network of ten classes in float64, its layers, and images for it."""
    model = nn.Sequential([*page["block"](4), *page["block"](5), nn.Flatten(), nn.Dropout(0.5), nn.Dense(10)])
    model.build((28, 28, 1), seed=0, dtype=np.float64)
    return page["frozen"](model), np.random.default_rng(1).standard_normal((3, 28, 28, 1))


def test_saliency_is_the_slope_of_the_class_score_at_every_pixel(page, small_net):
    layers, x = small_net
    classes, (i, j), h = np.array([2, 7, 4]), (13, 9), 1e-6
    maps = page["saliency"](layers, x, classes)
    moved = [x.copy(), x.copy()]
    moved[0][:, i, j], moved[1][:, i, j] = x[:, i, j] + h, x[:, i, j] - h
    up, down = (page["forward"](layers, there)[range(3), classes] for there in moved)
    np.testing.assert_allclose(maps[:, i, j], np.abs(up - down) / (2 * h), rtol=1e-4, atol=1e-8)


def test_a_frozen_network_gives_an_image_the_same_map_in_any_company_and_another_does_not(page, small_net):
    layers, x = small_net
    classes = np.array([2, 7, 4])
    alone = page["saliency"](layers, x[:1], classes[:1])
    np.testing.assert_allclose(page["saliency"](layers, x, classes)[:1], alone, atol=1e-12)
    for layer in layers:
        layer.trainable = True
    together = page["saliency"](layers, x, classes)[:1]
    for layer in layers:
        layer.trainable = False
    assert np.abs(together - alone).max() > 1e-6


def test_without_dropout_and_frozen_the_layers_give_what_the_network_predicts(page):
    x = 255 * page["images"].x_test[:20]
    scores = page["forward"](page["layers"], x)
    np.testing.assert_allclose(scores, nn.predict(page["net"], x), atol=1e-3)


def test_grad_cam_reads_the_maps_before_the_last_pooling(page):
    layers = page["layers"]
    assert isinstance(layers[7], nn.ReLU)
    assert isinstance(layers[8], nn.MaxPooling2D)
    assert layers[8].input_shape == (14, 14, 32)


def test_grad_cam_is_relu_of_the_maps_weighted_by_their_mean_gradients(page):
    layers, x = page["layers"], 255 * page["images"].x_test[:2]
    found = page["grad_cam"](layers, x, np.array([1, 3]))
    maps = page["forward"](layers[:8], x)
    page["forward"](layers[8:], maps)
    dmaps = page["backward"](layers[8:], np.eye(10, dtype=np.float32)[[1, 3]])
    by_hand = sum(dmaps[..., c].mean(axis=(1, 2))[:, None, None] * maps[..., c] for c in range(32))
    np.testing.assert_allclose(found, np.maximum(by_hand, 0), rtol=1e-3, atol=1e-5)


def test_behind_global_average_pooling_the_gradient_is_the_same_everywhere_and_behind_flatten_it_is_not(page):
    pool = nn.GlobalAveragePooling2D()
    pool.forward(np.random.default_rng(0).standard_normal((1, 4, 4, 3)), training=True)
    assert np.ptp(pool.backward(np.array([[1.0, -2.0, 3.0]])), axis=(1, 2)).max() == 0
    layers, x = page["layers"], 255 * page["images"].x_test[:20]
    page["forward"](layers[9:], page["forward"](layers[:9], x))
    dmaps = page["backward"](layers[9:], np.eye(10, dtype=np.float32)[page["named"][:20]])
    both_signs = (dmaps.max(axis=(1, 2)) > 0) & (dmaps.min(axis=(1, 2)) < 0)
    assert both_signs.mean() > 0.5  # a channel speaks for the class at one place and against it at another


def test_occlusion_is_that_of_the_library(page):
    image, label = 255 * page["images"].x_test[0], page["named"][0]
    found = page["occlude"](page["net"], image, label)
    np.testing.assert_allclose(found, probes.occluded(page["net"], image, label), atol=1e-5)


def test_the_untrained_networks_saliency_lies_more_on_the_object(fashion):
    assert fashion["on_object"]["untrained"] > fashion["on_object"]["trained"] + 0.05
    assert fashion["on_object"]["untrained"] > fashion["on"].mean() + 0.1


def test_the_saliency_changes_with_the_weights(page):
    x, classes = page["tried"][:50], page["named"][:50]
    maps = [page["saliency"](page["frozen"](page[net]), x, classes) for net in ("net", "untrained")]
    alike = [np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in zip(*maps, strict=True)]
    assert np.mean(alike) < 0.5


def test_black_on_empty_ground_changes_nothing_and_grey_much(fashion):
    empty = fashion["empty"]
    assert empty.mean() > 0.1
    assert np.abs(fashion["falls"]["black"][empty]).max() < 1e-4
    assert np.abs(fashion["falls"]["grey"][empty]).max() > 0.2


def test_under_every_place_called_empty_there_is_nothing_but_black(page):
    images, empty = page["images"].x_test[:40], page["empty"]
    for n, a, b in np.argwhere(empty)[::50]:
        i, j = 2 * a, 2 * b
        assert not images[n, max(i - 3, 0) : i + 4, max(j - 3, 0) : j + 4].any()
    assert empty.shape == (40, 14, 14)


def test_black_and_grey_seldom_find_the_same_place_most_needed(fashion):
    assert fashion["same"] < 0.3


def test_the_brightest_place_of_grad_cam_can_be_covered_with_little_effect(fashion):
    assert fashion["at_brightest"] < 0.15
    assert fashion["at_brightest"] < fashion["at_best"] / 2


def test_four_pictures_that_are_named_correctly_are_shown(page):
    chosen = page["chosen"]
    assert len(set(page["images"].y_test[chosen])) == 4
    assert (page["named"][chosen] == page["images"].y_test[chosen]).all()
