"""The parity ledger: every layer, every telling setting, ours against Keras, both against a referee."""

import functools

import numpy as np
import pytest

from cnnbook import bugzoo, nn, results
from cnnbook.keras_twin import agreement, cases, compare
from cnnbook.keras_twin.agreement import Agreement

pytestmark = pytest.mark.keras

CASES = list(cases.cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.family}({case.label})")
def test_ours_and_keras_agree(case):
    agreement = case.run()
    assert agreement.faults == []
    layer = case.layer()
    layer.build(case.shape, np.random.default_rng(0))
    expected = {"out", *layer.state}
    if case.mode != "inference":
        expected |= {f"d{name}" for name in layer.params} | ({"dx"} if case.x != "pixels" else set())
    assert agreement.differences.keys() == agreement.ours.keys() == agreement.keras.keys() == expected


def test_the_table_has_a_row_for_every_layer_and_enough_of_them():
    classes = (getattr(nn, name) for name in nn.__all__)
    layers = {c for c in classes if isinstance(c, type) and issubclass(c, nn.Layer) and c is not nn.Layer}
    assert {case.kind for case in CASES} == layers
    assert len(CASES) >= 150
    assert len({(case.family, case.label) for case in CASES}) == len(CASES)


def test_the_table_has_the_settings_that_tell():
    convs = [case for case in CASES if case.kind is nn.Conv2D]
    settings = [case.settings for case in convs]
    assert all(case.shape[0] != case.shape[1] for case in convs[:50])
    assert all(case.shape[2] != case.settings["filters"] for case in convs[:50])
    for told in ("dilation_rate", "groups", "use_bias"):
        assert any(told in setting for setting in settings)
    assert any(k % 2 == 0 for setting in settings for k in np.ravel(setting["kernel_size"]))
    strides = [np.ravel(setting.get("strides", 1)) for setting in settings]
    assert any(len(s) == 2 and s[0] != s[1] for s in strides)
    modes = {case.mode for case in CASES if case.kind is nn.BatchNormalization}
    assert modes == {"training", "inference", "frozen"}


@pytest.fixture
def recording():
    return results.read("parity_ledger")


def test_the_record_holds_todays_table_and_no_red_row(recording):
    recorded = {(layer, row["setting"]): row for layer, rows in recording["layers"].items() for row in rows}
    assert [*recorded] == [(case.family, case.label) for case in CASES]
    for row in recorded.values():
        assert row["float64"] <= agreement.REFEREES
        for apart, ours, keras in (
            row[group] for group in ("out", "dx", "weights", "statistics") if group in row
        ):
            assert apart <= (agreement.NEAR if ours > keras else agreement.FAR)
    may = {(case.family, case.label) for case in CASES if agreement.may_be_refused(case.layer())}
    assert {case for case, row in recorded.items() if "stops" in row} <= may


def test_the_record_is_small_and_says_where_it_comes_from(recording):
    rows = len(CASES) + len(recording["nets"])
    assert results.store.locate("parity_ledger", None).stat().st_size < 240 * rows
    assert {"keras", "tensorflow", "numpy"} <= recording.provenance["packages"].keys()
    assert recording.provenance["seed"] == 0


# What compare must see.


@pytest.mark.parametrize(
    ("wrong", "input_shape", "array"),
    [
        (bugzoo.UnrotatedKernel(4, 3, padding="same"), (9, 8, 2), "dx"),
        (bugzoo.PatchRowsMixedUp(4, (3, 2)), (9, 8, 2), "dkernel"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_planted_bug_is_red_and_called_a_wrong_formula(wrong, input_shape, array):
    agreement = compare(wrong, input_shape)
    assert agreement.differences[array] > 0.1
    assert [fault for fault in agreement.faults if fault.startswith(f"{array}: ") and "a formula" in fault]
    assert all(agreement.differences[name] < 1e-5 for name in agreement.differences if name != array)


class ForgetsTheMean(nn.BatchNormalization):
    def _remember_statistics(self, mean, variance):
        super()._remember_statistics(0 * mean, variance)


class RemembersWhileInferring(nn.BatchNormalization):
    def forward(self, x, *, training=False):
        self.state["moving_mean"] = self.state["moving_mean"] * 0.9
        return super().forward(x, training=training)


def test_wrong_moving_statistics_are_seen():
    assert compare(ForgetsTheMean(), (5, 4, 3)).differences["moving_mean"] > 1e-3
    assert compare(RemembersWhileInferring(), (5, 4, 3), training=False).differences["moving_mean"] > 1e-3
    assert compare(nn.BatchNormalization(), (5, 4, 3), training=False).faults == []


class AlmostDense(nn.Dense):
    def forward(self, x, *, training=False):
        return super().forward(x, training=training) * (1 + 1e-8)


class SloppyDense(nn.Dense):
    def forward(self, x, *, training=False):
        noise = 1e-4 if x.dtype == np.float32 else 0
        return super().forward(x, training=training) * x.dtype.type(1 + noise)


def test_a_formula_that_is_wrong_in_the_eighth_digit_is_seen_in_float64():
    agreement = compare(AlmostDense(3), (5,))
    assert agreement.differences["out"] < 1e-5
    assert agreement.faults == ["out: 1.0e-08 apart even in float64; that is a formula, not rounding."]


def test_rounding_that_is_ours_is_seen_and_called_rounding():
    agreement = compare(SloppyDense(3), (5,))
    assert agreement.faults == [
        "out: 1.0e-04 apart in float32, not in float64; that is rounding, and too much."
    ]
    assert agreement.nearer == "Keras"


def test_compare_leaves_the_layer_as_it_was():
    layer = nn.Conv2D(4, 3)
    compare(layer, (9, 8, 2))
    assert layer.input_shape is None
    assert layer.params == {}


def test_a_result_that_is_not_finite_or_has_another_shape_is_infinitely_far():
    difference = agreement.relative_difference
    assert difference(np.array([1.0, np.nan]), np.ones(2)) == np.inf
    assert difference(np.ones((2, 1)), np.ones(2)) == np.inf
    assert difference(np.zeros(2), np.zeros(2)) == 0


def agreeing(apart, ours, keras, referees=1e-16):
    return Agreement("a layer", *({"out": value} for value in (apart, ours, keras, referees)))


def test_more_rounding_is_excused_only_where_ours_is_the_smaller():
    assert agreeing(5e-5, 1e-6, 5e-5).faults == []
    assert agreeing(5e-5, 5e-5, 1e-6).faults != []
    assert agreeing(5e-3, 1e-6, 5e-3).faults != []
    assert agreeing(1e-6, 1e-6, 1e-7).faults == []
    assert agreeing(1e-7, 1e-7, 1e-7, referees=1e-9).faults != []
    assert agreeing(np.nan, 0, 0).faults != []
    assert [agreeing(0, *both).nearer for both in ((1, 2), (2, 1), (1, 1))] == ["ours", "Keras", "equal"]


def test_an_agreement_prints_one_line_per_array():
    lines = str(agreeing(1e-7, 2e-7, 3e-7)).splitlines()
    assert lines[0] == "a layer"
    assert lines[1].split() == ["apart", "ours", "Keras"]
    assert lines[2].split() == ["out", "1.0e-07", "2.0e-07", "3.0e-07"]
    assert len(lines) == 3


# What Keras will not run, on some machine or on all.

STRIDED = [
    nn.Conv2D(3, 2, strides=2, dilation_rate=2),
    nn.Conv2D(4, (2, 3), strides=(2, 1), dilation_rate=(1, 2), padding="same"),
    nn.DepthwiseConv2D(2, strides=(1, 2)),
    nn.DepthwiseConv2D((3, 2), strides=(3, 1), padding="same", depth_multiplier=2),
    nn.DepthwiseConv2D(2, strides=2, dilation_rate=2),
]


@pytest.mark.parametrize("layer", STRIDED, ids=repr)
def test_a_setting_that_some_machine_refuses_agrees_whether_it_is_refused_here_or_not(layer):
    assert agreement.may_be_refused(layer)
    found = compare(layer, (9, 8, 2))
    assert found.faults == []
    assert set(found.refused) <= {"float32", "float64"}


def test_keras_itself_refuses_a_convolution_with_strides_and_dilation_on_every_machine():
    layer = nn.Conv2D(3, 2, strides=2, dilation_rate=2)
    layer.build((9, 8, 2), np.random.default_rng(0))
    with pytest.raises(ValueError, match="strides"):
        agreement.layer_to_keras(layer, nn.Conv2D)
    assert compare(layer, (9, 8, 2)).refused == ("float32", "float64")


def test_checking_at_every_stop_gives_what_keras_gives_where_keras_can(monkeypatch):
    layer = nn.Conv2D(4, (3, 2), strides=(2, 3), padding="same")
    direct = compare(layer, (9, 13, 2))
    assert direct.refused == ()
    real = agreement.layer_to_keras

    def refuse_strides(layer, kind):
        if layer.strides != (1, 1):
            raise ValueError("no strides today")
        return real(layer, kind)

    monkeypatch.setattr(agreement, "layer_to_keras", refuse_strides)
    monkeypatch.setattr(agreement, "may_be_refused", lambda layer: True)
    stops = compare(layer, (9, 13, 2))
    assert stops.refused == ("float32", "float64")
    assert stops.faults == direct.faults == []
    assert stops.ours == direct.ours


def test_an_error_in_a_setting_that_no_machine_refuses_is_not_taken_for_a_refusal(monkeypatch):
    def broken(layer, kind):
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(agreement, "layer_to_keras", broken)
    with pytest.raises(ValueError, match="a mistake of ours"):
        compare(nn.Conv2D(2, 3), (5, 6, 2))


def test_dropout_with_keras_mask_gives_keras_output_and_gradient():
    from cnnbook.keras_twin import keras, tf, to_keras

    dropout = nn.Dropout(0.3)
    dropout.build((40, 50), np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((8, 40, 50), np.float32)
    pixels = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        keras.utils.set_random_seed(0)
        out = to_keras(dropout)(pixels, training=True)
    kept = out.numpy() != 0
    assert abs(kept.mean() - 0.7) < 0.01

    class Drawn:
        random = staticmethod(lambda shape, dtype: kept.astype(dtype))

    dropout._rng = Drawn
    np.testing.assert_allclose(dropout.forward(x, training=True), out.numpy(), rtol=1e-6)
    np.testing.assert_allclose(dropout.backward(x), tape.gradient(out, pixels, x).numpy(), rtol=1e-6)


def test_importing_the_table_builds_nothing():
    assert functools.reduce(lambda built, case: built or case.layer().params, CASES, {}) == {}
