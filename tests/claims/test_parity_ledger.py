"""What the parity ledger's page claims; that the record is today's: tests/keras_twin/test_agreement.py."""

import numpy as np
import pytest
from support.chapter_code import run_of

from cnnbook import nn
from cnnbook.experiments.parting import leap
from cnnbook.keras_twin import agreement, cases, training_agreement
from cnnbook.results import parity

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def page():
    return run_of("parity_ledger")


@pytest.fixture(scope="module")
def ledger(page):
    return page["ledger"]


@pytest.fixture(scope="module")
def told(ledger):
    return parity.summary(ledger)


def test_no_row_of_the_record_is_red(ledger):
    assert parity.red(ledger) == []


def test_the_record_was_judged_by_the_limits_that_the_tests_use(ledger):
    assert ledger["limits"] == {
        "near": agreement.NEAR,
        "far": agreement.FAR,
        "float64": agreement.REFEREES,
        "logits": training_agreement.LOGITS,
        "gradients": training_agreement.GRADIENTS,
        "curves": training_agreement.CURVES,
        "curves_64": training_agreement.CURVES_64,
    }


def test_only_the_input_gradient_gives_the_unrotated_kernel_away(page):
    planted = page["planted"]
    assert [name for name, far in planted.differences.items() if far > 1e-5] == ["dx"]
    assert [fault.split(":")[0] for fault in planted.faults] == ["dx"]


def test_the_row_computed_on_the_page_agrees(page):
    assert page["compare"](page["layer"], input_shape=(9, 13, 4)).faults == []


@pytest.mark.parametrize("layer", ["ZeroPadding2D", "ReLU", "Flatten"])
def test_layers_that_only_pick_and_move_numbers_agree_to_the_last_bit(ledger, layer):
    assert {parity.worst(row) for row in ledger["layers"][layer]} == {0}


def test_max_pooling_without_overlap_agrees_to_the_last_bit(ledger):
    layers = {case.label: case.layer() for case in cases.cases() if case.kind is nn.MaxPooling2D}
    apart = [
        parity.worst(row)
        for row in ledger["layers"]["MaxPooling2D"]
        if np.all(np.greater_equal(layers[row["setting"]].strides, layers[row["setting"]].pool_size))
    ]
    assert len(apart) > 5
    assert set(apart) == {0}


def test_every_count_and_the_nearer_one_add_up_to_all_settings(told):
    assert told["ours_nearer"] + told["keras_nearer"] + told["equal"] == told["n_cases"]


def test_neither_side_is_the_nearer_one_throughout(told):
    assert told["ours_nearer"] > 10 < told["keras_nearer"]


def test_numbers_near_100_leave_batch_normalisation_fewer_digits_and_ours_loses_fewer(ledger, told):
    norms = ledger["layers"]["BatchNormalization"]
    assert told["off_apart"] == max(parity.worst(row) for row in norms) > 5 * told["worst_ordinary"]
    assert told["off_ours"] < told["off_keras"]


def test_the_networks_are_three_with_three_optimizers_and_two_with_adamw_and_one_row_may_part(ledger):
    names = [net["setting"].split(", ")[0] for net in ledger["nets"]]
    expected = {"mlp": 4, "fashion_cnn": 4, "small_cnn": 3, "residual_cnn": 1}
    assert {name: names.count(name) for name in names} == expected
    assert sum("AdamW" in net["setting"] for net in ledger["nets"]) == 2
    assert {len(net["away"]["ours"]) for net in ledger["nets"]} == {50}
    assert [net["may_part"] for net in ledger["nets"]].count(True) == 1


def test_at_the_authors_rate_float64_stays_together_wherever_a_float32_curve_goes(ledger, told):
    """Which float32 curve parts depends on the machine that recorded the ledger, so none is promised."""
    assert told["part_64"] <= ledger["limits"]["curves_64"]
    assert told["part_64"] < 1e-3 * max(told["part_ours"], told["part_keras"])


def test_a_pair_of_runs_leaps_only_at_a_flip_and_stays_at_rounding_level_before(page):
    leaps = {
        seed: leap(pair["distance"]) for (name, seed), pair in page["pairs"].items() if name == "float32"
    }
    assert [line[2] for line in page["lines"]] == [str(step or "none") for _, step in sorted(leaps.items())]
    assert set(leaps.values()) > {None}  # some stay together, although flips come in every pair
    assert all(line[1] != "none" for line in page["lines"])
    for seed, step in leaps.items():
        pair = page["pairs"]["float32", seed]
        assert max(pair["distance"][: step - 1 if step else None]) < 1e-4
        assert not step or pair["winners"][step - 1] + pair["signs"][step - 1] > 0


def test_with_the_same_winners_and_signs_no_pair_parts(page):
    shared = [pair["distance"] for (name, _), pair in page["pairs"].items() if name == "float32, shared"]
    assert len(shared) == len(page["lines"]) == 6
    assert max(max(distances) for distances in shared) < 1e-4
    assert not any(leap(distances) for distances in shared)


def test_the_other_rows_stay_with_keras(ledger):
    calm = [net for net in ledger["nets"] if not net["may_part"]]
    assert max(net["apart"] for net in calm) <= ledger["limits"]["curves"]


def test_a_bias_before_batch_normalisation_has_no_gradient_but_rounding(ledger):
    nets = [net for net in ledger["nets"] if net["setting"].startswith("fashion_cnn")]
    assert all(list(net["excluded"]) == ["1/bias", "5/bias"] for net in nets)
    assert max(noise for net in nets for noise in net["excluded"].values()) < 1e-3


def test_adam_turns_rounding_noise_into_steps_of_the_rates_size_and_rmsprop_does_not():
    moved = {}
    for kind in (nn.Adam, nn.RMSprop):
        optimizer, bias = kind(0.001), np.zeros(8)
        for noise in 1e-6 * np.random.default_rng(0).standard_normal((20, 8)):
            optimizer.iterations += 1
            bias += optimizer.change("bias", noise)
        moved[kind] = np.abs(bias).max()
    assert moved[nn.RMSprop] < 0.001 / 20 < 0.001 < moved[nn.Adam]


def test_float32_cannot_hold_the_decay_rate_of_adam():
    assert 0 < abs(float(np.float32(0.999)) - 0.999) < 1e-7
