"""What "The Bug Zoo" claims. What each animal's check does: tests/bugzoo/test_catalogue.py."""

import numpy as np
import pytest
from support.chapter_code import ROOT, run_of

from cnnbook import bugzoo, nn
from cnnbook.experiments.catalogue import EXPERIMENTS

pytestmark = pytest.mark.keras

TEXT = (ROOT / "chapters" / "bug_zoo.md").read_text("utf-8")


@pytest.fixture(scope="module")
def page():
    return run_of("bug_zoo")


# The twelve.


def test_twelve_networks_have_one_mistake_each(page):
    assert len(page["suspects"]) == 12
    assert {len(wrong) for wrong in page["suspects"].values()} == {1}
    assert all(wrong.__name__ == name for name, only in page["suspects"].items() for wrong in only.values())


def test_only_relu_of_the_gradient_cannot_be_overlooked(page):
    ends = {name: values[-1] for name, values in page["accuracy_by_suspect"].items()}
    assert [name for name, end in ends.items() if end < 0.6] == ["ReLUOfTheGradient"]


# The smallest convolution.


X, DOUT = np.array([[1, 2], [3, 4]]), np.array([[1, 10], [100, 1000]])


def test_the_gradient_by_hand_is_4321_and_the_slope_too():
    assert 1 * 1 + 2 * 10 + 3 * 100 + 4 * 1000 == (X * DOUT).sum() == 4321
    assert (X * 1.5 * DOUT).sum() - (X * 0.5 * DOUT).sum() == 4321
    assert "&= 4321." in TEXT


def test_the_slip_gives_4231_because_the_two_middle_entries_change_places(page):
    assert 1 * 1 + 3 * 10 + 2 * 100 + 4 * 1000 == (X.T.ravel() * DOUT.ravel()).sum() == 4231
    assert "right 4321\nslip  4231\n" in page.printed
    assert "4231 instead of 4321" in TEXT


def test_a_batch_of_one_and_a_gradient_of_ones_do_not_see_the_slip(page):
    (printed,) = (out for out in page.printed if out.startswith("batch of one"))
    lines = [line.split()[-2:] for line in printed.splitlines()]
    assert len(lines) == 2
    assert all(right == slip for right, slip in lines)


# The gap between claim and slope.

ROUNDING = 1e-6


@pytest.fixture(scope="module")
def gaps(page):
    """For each suspect, the gap with a gradient of ones and with a random one."""
    return page["found"]


def test_the_innocent_has_a_gap_of_rounding(gaps):
    assert max(gaps["Conv2D"]) < 1e-8


def test_the_random_gradient_convicts_three(gaps):
    convicted = {name for name, (_, random) in gaps.items() if random > ROUNDING}
    assert convicted == {"UnrotatedKernel", "PatchRowsMixedUp", "MeanPathForgotten"}


def test_ones_acquit_patch_rows_mixed_up(gaps):
    assert gaps["PatchRowsMixedUp"][0] < ROUNDING


def test_ones_see_the_missing_rotation(gaps):
    assert gaps["UnrotatedKernel"][0] > ROUNDING


def test_every_tie_wins_goes_free_with_either(gaps):
    assert max(gaps["EveryTieWins"]) < ROUNDING


# The checks.


def test_of_patch_rows_mixed_up_only_the_kernels_gradient_is_apart_from_keras(page):
    assert [name for name, far in page["wrong"].differences.items() if far > 1e-5] == ["dkernel"]


def test_it_is_apart_in_float64_as_well(page):
    assert [name for name, far in page["wrong"].referees.items() if far > 1e-9] == ["dkernel"]


def test_no_mistake_hides_from_all_three_careless_checks(page):
    bugs = [bug for bug in page["ZOO"] if page["caught_by"](bug) == "check_layer"]
    verdicts = [page["catalogue"].missed_by(bug) for bug in bugs]
    assert len(verdicts) > 10
    assert not any(all(ways.values()) for ways in verdicts)


def test_square_and_odd_is_the_last_way_and_misses_the_two_that_the_page_names(page):
    assert set(page["lucky"]) == {"EvenKernelOffByOne", "HeightUsedForWidth"}


# The loss of the stuck network.


@pytest.fixture(scope="module")
def per_error(page):
    return page["per_error"]


def cost_of_being_sure(said, true):
    return bugzoo.TwoSidedLoss().forward(1e4 * np.eye(10)[[said]], np.array([true]))


def test_the_loss_adds_a_term_for_every_class():
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((5, 10)), rng.integers(0, 10, 5)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    true = np.eye(10, dtype=bool)[labels]
    terms = np.where(true, -np.log(p), -np.log(1 - p))
    np.testing.assert_allclose(bugzoo.TwoSidedLoss().forward(z, labels), terms.sum(axis=1).mean())


def test_a_sure_and_right_answer_costs_nothing():
    assert abs(cost_of_being_sure(said=1, true=1)) < 1e-6


def test_a_sure_and_wrong_answer_costs_two_clipped_terms(per_error):
    np.testing.assert_allclose(cost_of_being_sure(said=0, true=1), per_error)
    np.testing.assert_allclose(per_error, 2 * np.log(1e9))


def test_the_printed_losses_stand_for_being_right_more_than_three_times_out_of_four(per_error):
    assert "begin at $9.99$, reach $7.84$ and end at $8.73$" in TEXT
    assert all(1 - printed / per_error > 3 / 4 for printed in (9.99, 7.84, 8.73))


def test_a_plateau_of_20_7_is_an_accuracy_of_one_half(per_error):
    assert round(1 - 20.7 / per_error, 2) == 0.5


def test_a_network_that_knows_nothing_pays_less_than_a_sixth_of_that():
    guessing = bugzoo.TwoSidedLoss().forward(np.zeros((1, 10)), np.array([0]))
    np.testing.assert_allclose(guessing, -np.log(1 / 10) - 9 * np.log(9 / 10))
    assert 20.7 / 7 < guessing < 20.7 / 6


# Its first weights.


def test_standard_deviation_1_saturates_many_units_and_glorot_hardly_any(page):
    wild, sane = (page["saturated"](start) for start in (nn.RandomNormal(1.0), nn.GlorotUniform()))
    assert wild > 0.4 > 10 * sane


def test_thousands_of_saturated_units_with_weights_of_size_1_make_logits_of_about_a_hundred():
    rng = np.random.default_rng(0)
    units = np.tanh(5 * rng.standard_normal(28 * 28 * 16))
    logits = units @ rng.standard_normal((28 * 28 * 16, 10))
    assert 50 < np.abs(logits).max() < 300


# The recorded runs.


def test_the_recorded_losses_have_the_size_of_the_printed_ones(page):
    losses = page["losses"]
    assert len(losses) == 10
    assert 5 < min(losses) < max(losses) < 15


def test_each_loss_tells_the_accuracy_to_three_points_and_a_little_too_high(page, per_error):
    read_off = 1 - np.array(page["losses"]) / per_error
    too_high = read_off - page["stuck"]["epochs"]["val_accuracy"]
    assert too_high.min() > 0
    assert too_high.max() < 0.03


@pytest.fixture(scope="module")
def reached(page):
    """`reached(variant)`: mean test accuracy of that version of the stuck network."""
    return page["reached"]


def test_the_ablation_was_recorded_on_12_000_images_for_five_epochs():
    setting = EXPERIMENTS["stuck_cnn_ablation"].variants["sane, none"]
    assert (setting.n_train, setting.epochs) == (12_000, 5)


def test_unrotated_equals_right_to_the_last_digit(reached):
    assert reached("sane, unrotated") == reached("sane, none")


def test_frozen_is_about_as_good_as_right(reached):
    assert abs(reached("sane, frozen") - reached("sane, none")) < 0.02


def test_mixed_up_ends_far_below_frozen_and_right(reached):
    assert reached("sane, mixed up") < min(reached("sane, frozen"), reached("sane, none")) - 0.02


@pytest.mark.parametrize("trained", ["none", "mixed up", "both"])
def test_with_the_notebooks_weights_all_trained_versions_fall_behind_the_frozen_one(reached, trained):
    assert reached(f"wild, {trained}") < reached("wild, frozen")


def test_with_the_notebooks_weights_mixed_up_differs_less_from_right(reached):
    below = {start: reached(f"{start}, none") - reached(f"{start}, mixed up") for start in ("sane", "wild")}
    assert below["wild"] < below["sane"]


def test_the_mixed_up_run_gets_better_first_and_worse_later(page):
    run = next(run for run in page["ablation"] if run["variant"] == "sane, mixed up" and run["seed"] == 0)
    accuracy = run["epochs"]["val_accuracy"]
    assert max(accuracy[:-1]) > accuracy[-1] + 0.02


def test_at_the_end_far_more_units_of_the_mixed_up_network_are_saturated(page):
    last = {
        variant: next(run for run in page["ablation"] if run["variant"] == variant)["watched"]["saturated"][
            -1
        ]
        for variant in ("sane, mixed up", "sane, none")
    }
    assert last["sane, mixed up"] > 2 * last["sane, none"]


def test_the_repaired_convolution_wins_little_or_nothing_over_a_frozen_one(page):
    fixed, frozen = (
        np.mean([run["test"]["accuracy"] for run in page["run"].runs(variant=variant, side="ours")])
        for variant in ("fixed", "source, frozen")
    )
    assert fixed - frozen < 0.01
