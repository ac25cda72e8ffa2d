"""The judge on trial: it accepts what is right and rejects what is planted wrong, and says where."""

from dataclasses import dataclass

import numpy as np
import pytest

from cnnbook.gradcheck import GradientError, Report, check_layer, check_loss, check_model, judge
from cnnbook.gradcheck.differences import DIRECTIONS, ELEMENTWISE_LIMIT, Comparison, check_gradient, unit
from cnnbook.nn import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPooling2D,
    MeanSquaredError,
    Sequential,
    SoftmaxCrossEntropy,
    Tanh,
)
from cnnbook.nn.arguments import describe

SHAPE = (4, 5, 3)


@dataclass(eq=False)
class Scale(Layer):
    """out = gamma x + beta, one of each per channel: small enough to get wrong in every way."""

    def build(self, input_shape, rng=None, dtype=np.float64):
        output_shape = super().build(input_shape, rng, dtype)
        self.params["gamma"] = np.ones(input_shape[-1], dtype)
        self.params["beta"] = np.zeros(input_shape[-1], dtype)
        return output_shape

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        self.remember(training, x.shape, x)
        return self.params["gamma"] * x + self.params["beta"]

    def backward(self, dout, *, input_gradient=True):
        (x,) = self.recall(dout)
        self.grads["gamma"] = (dout * x).sum(axis=(0, 1, 2))
        self.grads["beta"] = dout.sum(axis=(0, 1, 2))
        return dout * self.params["gamma"] if input_gradient else None


def scale_with(change):
    """A Scale layer whose backward is the right one followed by `change(layer, dx)`, which returns dx."""

    @dataclass(eq=False)
    class Changed(Scale):
        def backward(self, dout, *, input_gradient=True):
            dx = super().backward(dout)
            dx = change(self, dx)
            return dx if input_gradient else None

    return Changed()


def test_a_right_layer_is_accepted_with_a_line_for_every_array():
    report = check_layer(Scale(), SHAPE, rng=0)
    assert report.error < 1e-9
    assert [(c.name, c.checked, c.kinks) for c in report.comparisons] == [
        ("x", 180, 0),
        ("gamma", 3, 0),
        ("beta", 3, 0),
    ]
    title, *lines = str(report).splitlines()
    assert title == "Scale() on (3, 4, 5, 3): gradients against centred differences"
    assert lines[1].startswith("gamma        relative error ")
    assert lines[1].endswith("(3 slopes)")


def test_the_layer_is_not_changed_by_being_checked():
    layer = Scale()
    check_layer(layer, SHAPE, rng=0)
    assert layer.params == layer.grads == {}
    layer.build(SHAPE, dtype=np.float32)
    layer.forward(np.ones((1, *SHAPE), np.float32), training=True)
    check_layer(layer, SHAPE, rng=0)
    assert layer.params["gamma"].tolist() == [1, 1, 1]
    assert layer.grads == {}
    assert layer.backward(np.ones((1, *SHAPE), np.float32)) is not None


def set_grad(name, change):
    def apply(layer, dx):
        layer.grads[name] = change(layer.grads[name])
        return dx

    return apply


def nan_at(place):
    def change(array):
        array = array.copy()
        array[place] = np.nan
        return array

    return change


WRONG = {
    "sign of dx": (lambda layer, dx: -dx, "x"),
    "half of dx": (lambda layer, dx: dx / 2, "x"),
    "dx off by a little": (lambda layer, dx: dx * (1 + 1e-5), "x"),
    "dx of the next example": (lambda layer, dx: np.roll(dx, 1, axis=0), "x"),
    "rows and columns of dx mixed up": (lambda layer, dx: dx.transpose(0, 2, 1, 3).reshape(dx.shape), "x"),
    "one wrong element in dx": (lambda layer, dx: dx + 0.01 * unit(dx.shape, (2, 3, 4, 2)), "x"),
    "dx zero": (lambda layer, dx: np.zeros_like(dx), "x"),
    "nan in dx": (lambda layer, dx: nan_at((0, 0, 0, 1))(dx), "x"),
    "infinity in dx": (lambda layer, dx: dx + np.where(unit(dx.shape, (1, 1, 1, 1)), np.inf, 0), "x"),
    "dx nan everywhere": (lambda layer, dx: dx * np.nan, "x"),
    "sign of dgamma": (set_grad("gamma", np.negative), "gamma"),
    "dgamma reversed": (set_grad("gamma", lambda g: g[::-1]), "gamma"),
    "mean for sum": (set_grad("beta", lambda g: g / 3), "beta"),
    "dbeta shared": (set_grad("beta", lambda g: np.full_like(g, g.mean())), "beta"),
    "nan in dbeta": (set_grad("beta", nan_at(1)), "beta"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_gradient_is_rejected_by_name(fault):
    change, name = WRONG[fault]
    with pytest.raises(GradientError, match=f"d{name} is wrong") as caught:
        check_layer(scale_with(change), SHAPE, rng=0)
    assert caught.value.report.error > 1e-6


def test_the_message_names_the_place_and_both_numbers(refuses):
    comparison = Comparison("kernel", 0.5, (1, 2), 3.0, 1.5, checked=12)
    with refuses(
        "Conv2D(): dkernel is wrong. At (1, 2) backward says 3, the slope is 1.5 "
        "(relative error 5.0e-01, allowed 1e-06).",
        GradientError,
    ):
        judge(comparison, Report("Conv2D()"), 1e-6)


def test_the_worst_place_is_the_place_of_the_fault():
    layer = scale_with(lambda layer, dx: dx + 0.01 * unit(dx.shape, (2, 3, 4, 2)))
    with pytest.raises(GradientError, match=r"At \(2, 3, 4, 2\)") as caught:
        check_layer(layer, SHAPE, rng=0)
    worst = caught.value.report.comparisons[0]
    assert worst.analytic - worst.numeric == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda layer, dx: None, "The gradient dx must have the shape of x, (3, 4, 5, 3). Received None."),
        (
            lambda layer, dx: dx[0],
            "The gradient dx must have the shape of x, (3, 4, 5, 3). Received (4, 5, 3).",
        ),
        (
            set_grad("gamma", lambda g: g.sum()),
            "The gradient dgamma must have the shape of gamma, (3,). Received ().",
        ),
        (
            set_grad("gamma", lambda g: None),
            "The gradient dgamma must have the shape of gamma, (3,). Received None.",
        ),
    ],
)
def test_a_gradient_of_another_shape_is_refused(refuses, change, message):
    layer = scale_with(change)
    with refuses(f"{describe(layer)}: {message}", GradientError):
        check_layer(layer, SHAPE, rng=0)


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda layer, dx: dx + 0 * layer.grads.pop("gamma"), "['beta']"),
        (lambda layer, dx: dx + 0 * layer.grads.setdefault("kernel", 1.0), "['beta', 'gamma', 'kernel']"),
    ],
)
def test_a_forgotten_or_invented_gradient_is_named(refuses, change, received):
    layer = scale_with(change)
    with refuses(
        f"{describe(layer)}: grads must have the names of params, ['beta', 'gamma']. Received {received}.",
        GradientError,
    ):
        check_layer(layer, SHAPE, rng=0)


@dataclass(eq=False)
class WritesIntoX(Scale):
    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        x += 1
        return out


@dataclass(eq=False)
class WritesIntoDout(Scale):
    def backward(self, dout, *, input_gradient=True):
        dx = super().backward(dout)
        dout *= 2
        return dx if input_gradient else None


@dataclass(eq=False)
class SecondBackward(Scale):
    def backward(self, dout, *, input_gradient=True):
        memory = self._memory
        dx = super().backward(dout, input_gradient=input_gradient)
        self._memory = memory
        return dx


@dataclass(eq=False)
class AlwaysReturnsDx(Scale):
    def backward(self, dout, *, input_gradient=True):
        return super().backward(dout)


@dataclass(eq=False)
class ForgetsByHand(Scale):
    def forward(self, x, *, training=False):
        self.cache = x
        return super().forward(x, training=training)

    def backward(self, dout, *, input_gradient=True):
        cache, self.cache = self.cache, None
        self.grads = {"gamma": (dout * cache).sum(axis=0), "beta": dout.sum(axis=0)}
        return dout * self.params["gamma"] if input_gradient else None


@dataclass(eq=False)
class KnowsNoInputGradient(Scale):
    def backward(self, dout):
        return super().backward(dout)


@pytest.mark.parametrize(
    ("layer", "complaint"),
    [
        (WritesIntoX(), "forward or backward writes into its input x. Work on a copy."),
        (WritesIntoDout(), "backward writes into dout. Work on a copy."),
        (SecondBackward(), "a second backward after one forward must raise RuntimeError. It returned."),
        (AlwaysReturnsDx(), "backward(dout, input_gradient=False) must return None."),
        (
            ForgetsByHand(),
            "a second backward after one forward must raise RuntimeError. It raised TypeError: unsupported "
            "operand type(s) for *: 'float' and 'NoneType'.",
        ),
        (
            KnowsNoInputGradient(),
            "backward of a layer that learns must take input_gradient=False. It raised TypeError: "
            "KnowsNoInputGradient.backward() got an unexpected keyword argument 'input_gradient'.",
        ),
    ],
)
def test_bad_manners_are_rejected_with_the_complaint(refuses, layer, complaint):
    with refuses(f"{describe(layer)}: {complaint}", GradientError):
        check_layer(layer, SHAPE, rng=0)


def test_an_input_shape_that_is_none_is_refused(refuses):
    with refuses(
        "check_layer: input_shape must be the shape of one example, such as (28, 28, 1), without the batch "
        "axis and with all sizes at least 1. Received input_shape=4."
    ):
        check_layer(Scale(), 4)


def test_an_all_ones_upstream_gradient_would_miss_what_the_random_one_sees():
    """Why the upstream gradient is random: mixed-up positions keep their sum."""

    @dataclass(eq=False)
    class MixedUp(Scale):
        def backward(self, dout, *, input_gradient=True):
            return super().backward(dout[::-1], input_gradient=input_gradient)

    layer = MixedUp()
    layer.build(SHAPE)
    x = np.random.default_rng(0).standard_normal((3, *SHAPE))
    layer.forward(x, training=True)
    layer.backward(np.ones_like(x))
    np.testing.assert_allclose(layer.grads["gamma"], x.sum(axis=(0, 1, 2)))
    with pytest.raises(GradientError):
        check_layer(MixedUp(), SHAPE, rng=0)


@dataclass(eq=False)
class Kinked(Layer):
    """max(x, 0), whose slope at 0 differs on the two sides."""

    def forward(self, x, *, training=False):
        self.remember(training, x.shape, x)
        return np.maximum(x, 0)

    def backward(self, dout, *, input_gradient=True):
        (x,) = self.recall(dout)
        return dout * (x > 0) if input_gradient else None


def with_zeros(count):
    x = np.random.default_rng(0).standard_normal((3, *SHAPE))
    x.ravel()[:count] = 0
    return x


def test_slopes_on_a_kink_are_counted_and_left_out():
    report = check_layer(Kinked(), SHAPE, rng=0, x=with_zeros(20))
    (comparison,) = report.comparisons
    assert (comparison.checked, comparison.kinks) == (160, 20)
    assert str(comparison).endswith("(160 slopes, 20 on a kink)")


def test_too_many_kinks_are_no_verdict(refuses):
    with refuses(
        "Kinked() on (3, 4, 5, 3): 120 of 180 slopes of x lie on a kink, too many to judge. "
        "Use inputs without ties and away from zero.",
        GradientError,
    ):
        check_layer(Kinked(), SHAPE, rng=0, x=with_zeros(120))


def test_small_arrays_are_checked_element_by_element_and_large_ones_along_directions():
    for size, slopes in [(ELEMENTWISE_LIMIT, ELEMENTWISE_LIMIT), (ELEMENTWISE_LIMIT + 1, DIRECTIONS)]:
        x = np.random.default_rng(0).standard_normal(size)
        comparison = check_gradient("x", lambda x: (x**3).sum(), x, 3 * x**2, rng=0)
        assert comparison.checked == slopes
        assert comparison.error < 1e-6


def test_directions_see_a_single_wrong_element_of_a_large_array():
    x = np.random.default_rng(0).standard_normal(2000)
    gradient = 3 * x**2
    gradient[1234] += 1
    assert check_gradient("x", lambda x: (x**3).sum(), x, gradient, rng=0).error > 1e-3


def test_the_array_checked_is_left_as_it_was():
    x = np.random.default_rng(0).standard_normal(5)
    copy = x.copy()
    check_gradient("x", lambda x: (x**2).sum(), x, 2 * x)
    np.testing.assert_array_equal(x, copy)


def test_a_gradient_that_is_zero_everywhere_and_right_is_accepted():
    assert check_gradient("x", lambda x: 0.0, np.ones(4), np.zeros(4)).error == 0


def test_the_same_seed_gives_the_same_report():
    one, other = (str(check_layer(Conv2D(2, (2, 3)), (4, 5, 2), rng=3)) for _ in range(2))
    assert one == other


def test_the_report_error_is_the_largest_of_all():
    report = Report("all", [Comparison(name, error, (0,), 0, 0, 1) for name, error in [("a", 1), ("b", 3)]])
    assert report.error == 3
    assert repr(report) == str(report)


def test_another_upstream_gradient_and_another_point_can_be_asked_for():
    seen = []

    def spy(shape):
        seen.append(shape)
        return np.ones(shape)

    x = np.full((2, *SHAPE), 7.0)
    report = check_layer(Scale(), SHAPE, rng=0, batch_size=2, upstream=spy, x=x)
    assert set(seen) == {(2, *SHAPE)}
    gamma = next(c for c in report.comparisons if c.name == "gamma")
    np.testing.assert_allclose(gamma.slopes[0], x.sum(axis=(0, 1, 2)))


def test_a_wrong_loss_gradient_is_rejected_with_a_hint(refuses):
    class Twice(MeanSquaredError):
        def backward(self):
            return 2 * super().backward()

    outputs, targets = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 8.0]]), np.zeros((3, 2))
    assert check_loss(MeanSquaredError(), outputs, targets).error < 1e-9
    with refuses(
        f"{Twice()!r} on (3, 2): doutputs is wrong. At (2, 1) backward says 5.33333, the slope is 2.66667 "
        "(relative error 5.0e-01, allowed 1e-06). "
        "It is the slope times 2, everywhere: a constant factor is missing or too many.",
        GradientError,
    ):
        check_loss(Twice(), outputs, targets)


def small_model(*middle):
    model = Sequential([Conv2D(2, (3, 2)), *middle, Flatten(), Dense(3)])
    model.build((5, 4, 2), seed=0)
    return model


BATCH = np.random.default_rng(1).standard_normal((4, 5, 4, 2)).astype(np.float32), np.array([0, 2, 1, 2])


def test_a_whole_network_is_checked_from_the_loss_back_to_the_input():
    model = small_model(BatchNormalization(), Tanh(), Dropout(0.5), MaxPooling2D(2, padding="same"))
    before = {name: array.copy() for name, array in model.weights().items()}
    report = check_model(model, SoftmaxCrossEntropy(), *BATCH, tolerance=1e-6)
    assert [c.name for c in report.comparisons] == [
        *("6/kernel", "6/bias", "1/gamma", "1/beta", "0/kernel", "0/bias"),
        "x",
    ]
    for name, array in model.weights().items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, before[name])


def test_in_a_network_the_wrong_layer_is_found_behind_the_first_wrong_gradient():
    class Leaky(Tanh):
        def backward(self, dout, *, input_gradient=True):
            return 1.1 * super().backward(dout)

    with pytest.raises(GradientError, match=r"^5 layers on \(4, 5, 4, 2\): d0/kernel is wrong\.") as caught:
        check_model(small_model(Tanh(), Leaky()), SoftmaxCrossEntropy(), *BATCH)
    errors = {c.name: c.error for c in caught.value.report.comparisons}
    assert errors["4/kernel"] < 1e-6 < errors["0/kernel"]


def test_frozen_layers_are_left_out_of_a_network_check():
    model = small_model(Tanh())
    model.layers[0].trainable = False
    report = check_model(model, SoftmaxCrossEntropy(), *BATCH)
    assert [c.name for c in report.comparisons] == ["3/kernel", "3/bias", "x"]
