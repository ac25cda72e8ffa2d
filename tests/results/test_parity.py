"""The parity ledger's record: what is red, who is nearer, and what the tables show."""

import pytest

from cnnbook.results import Recording, parity

LIMITS = {"near": 1e-5, "far": 1e-3, "float64": 1e-10, "logits": 2e-5, "gradients": 1e-3}
LIMITS |= {"curves": 1e-3, "curves_64": 1e-6}
ROW = {"setting": "units=4", "out": [2e-7, 1e-7, 2e-7], "dx": [3e-7, 3e-7, 1e-7], "float64": 1e-16}
NET = {
    "setting": "mlp, batches of 64, SGD(0.01)",
    "logits": {"ours": 1e-6},
    "gradients": 1e-6,
    "away": {"ours": [0.0, 1e-6], "keras": [0.0, 2e-6], "keras referee": [0.0, 1e-15]},
    "apart": 1e-6,
    "excluded": {"1/bias": 1e-5},
    "may_part": False,
}


def ledger(row=ROW, net=NET):
    return Recording("ledger", {"limits": LIMITS, "layers": {"Dense": [row, OFF]}, "nets": [net]}, {})


OFF = {"setting": "off centre <", "out": [4e-5, 1e-5, 5e-5], "float64": 1e-14, "stops": True}


def test_a_record_that_agrees_has_no_red_row():
    assert parity.red(ledger()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"float64": 1e-9},
        {"out": [2e-5, 2e-5, 1e-6]},  # rounding, and ours
        {"dx": [2e-3, 1e-6, 2e-3]},  # rounding of Keras, and too much
        {"dx": [float("nan"), 0, 0]},
        {"float64": float("inf")},
    ],
    ids=str,
)
def test_a_row_that_differs_by_more_than_rounding_is_red(wrong):
    assert parity.red(ledger(row=ROW | wrong)) == ["units=4"]


def test_more_is_allowed_where_ours_is_the_nearer_one():
    assert parity.red(ledger(row=ROW | {"out": [2e-5, 1e-6, 2e-5]})) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"logits": {"ours": 3e-5}},
        {"gradients": 2e-3},
        {"away": {"keras referee": [0.0, 2e-6]}},
        {"apart": 2e-3},
        {"apart": float("nan")},
    ],
    ids=str,
)
def test_a_training_run_that_left_keras_is_red(wrong):
    assert parity.red(ledger(net=NET | wrong)) == [NET["setting"]]


def test_float32_curves_of_a_marked_run_may_part_and_float64_curves_may_not():
    parted = NET | {"may_part": True, "apart": 0.4}
    assert parity.red(ledger(net=parted)) == []
    assert parity.red(ledger(net=parted | {"away": {"keras referee": [1e-3]}})) != []


def test_the_nearer_one_is_told_by_the_worst_array():
    assert parity.nearer(ROW) == "Keras"
    assert parity.nearer(OFF) == "ours"
    assert parity.nearer({"out": [1e-7, 1e-7, 1e-7]}) == "equal"


def test_the_summary_counts_rows_and_finds_the_largest_distances():
    found = parity.summary(ledger(net=NET | {"may_part": True}))
    assert (found["n_cases"], found["n_families"], found["n_nets"], found["n_stops"]) == (2, 1, 1, 1)
    assert (found["ours_nearer"], found["keras_nearer"], found["equal"]) == (1, 1, 0)
    assert (found["worst_ordinary"], found["worst_64"]) == (3e-7, 1e-14)
    assert (found["off_apart"], found["off_ours"], found["off_keras"]) == (4e-5, 1e-5, 5e-5)
    assert (found["worst_curve_64"], found["bias_noise"]) == (1e-15, 1e-5)
    assert found["part_64"] == 1e-15


def test_the_tables_hold_a_line_for_every_layer_setting_and_network():
    assert "Dense, 2</th>" in parity.layers_table(ledger())._repr_html_()
    settings = parity.settings_tables(ledger())._repr_html_()
    assert "off centre &lt; †</th>" in settings
    assert ">3e\N{MINUS SIGN}7</td>" in settings
    assert "mlp, SGD(0.01)</th>" in parity.networks_table(ledger())._repr_html_()
    assert "‡" in parity.networks_table(ledger(net=NET | {"may_part": True}))._repr_html_()
