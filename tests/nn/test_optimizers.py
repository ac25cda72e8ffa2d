"""Optimizers: hand numbers, the formulas once more in plain Python, and who may write where."""

import math

import numpy as np
import pytest

from cnnbook.nn import SGD, Adam, AdamW, Dense, ReLU, RMSprop, Sequential
from cnnbook.nn.optimizers import Optimizer

GRADS = [[1.0, -2.0, 0.0], [0.5, 3.0, 0.1], [-1.5, 0.25, 0.0], [2.0, 2.0, -4.0]]


class Parameters:
    """The part of a model that an optimizer sees."""

    def __init__(self, **arrays):
        self.params = {name: np.array(array, np.float64) for name, array in arrays.items()}
        self.grads = dict.fromkeys(arrays)

    def parameters(self):
        for name, param in self.params.items():
            yield name, param, self.grads[name]


def run(optimizer, start=(1.0, -1.0, 0.5), grads=GRADS):
    model = Parameters(w=start)
    for grad in grads:
        model.grads["w"] = np.array(grad)
        optimizer.step(model)
    return model.params["w"]


def plain_sgd(grads, learning_rate, momentum, nesterov):
    velocity = 0.0
    for g in grads:
        velocity = momentum * velocity - learning_rate * g
        yield momentum * velocity - learning_rate * g if nesterov else velocity


def plain_rmsprop(grads, learning_rate, rho, momentum, epsilon, centered):
    velocity = average = moment = 0.0
    for g in grads:
        velocity = rho * velocity + (1 - rho) * g**2
        average = rho * average + (1 - rho) * g
        below = velocity - average**2 + epsilon if centered else velocity + epsilon
        moment = momentum * moment + learning_rate * g / math.sqrt(below)
        yield -moment


def plain_adam(grads, learning_rate, beta_1, beta_2, epsilon):
    m = v = 0.0
    for t, g in enumerate(grads, start=1):
        m += (g - m) * (1 - beta_1)
        v += (g**2 - v) * (1 - beta_2)
        alpha = learning_rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        yield -m * alpha / (math.sqrt(v) + epsilon)


CASES = [
    (SGD, plain_sgd, {"learning_rate": 0.1, "momentum": 0.0, "nesterov": False}),
    (SGD, plain_sgd, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": False}),
    (SGD, plain_sgd, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    (SGD, plain_sgd, {"learning_rate": 0.1, "momentum": 0.0, "nesterov": True}),
    *(
        (
            RMSprop,
            plain_rmsprop,
            {
                "learning_rate": 0.01,
                "rho": 0.8,
                "momentum": momentum,
                "epsilon": 1e-2,
                "centered": centered,
            },
        )
        for momentum in (0.0, 0.5)
        for centered in (False, True)
    ),
    (Adam, plain_adam, {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-2}),
    (Adam, plain_adam, {"learning_rate": 0.01, "beta_1": 0.0, "beta_2": 0.0, "epsilon": 1e-2}),
]


@pytest.mark.parametrize(("cls", "plain", "arguments"), CASES)
def test_four_steps_equal_keras_formula_in_plain_python(cls, plain, arguments):
    expected = [
        start + sum(plain([grad[i] for grad in GRADS], **arguments))
        for i, start in enumerate((1.0, -1.0, 0.5))
    ]
    np.testing.assert_allclose(run(cls(**arguments)), expected, rtol=1e-12)


def test_defaults_are_keras_defaults():
    assert repr(SGD()) == "SGD(learning_rate=0.01, momentum=0.0, nesterov=False)"
    assert (
        repr(RMSprop())
        == "RMSprop(learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-07, centered=False)"
    )
    assert repr(Adam()) == "Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07)"
    assert (
        repr(AdamW())
        == "AdamW(learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-07)"
    )


def test_hand_numbers_of_two_steps():
    assert run(SGD(0.1), [1.0], [[2.0], [2.0]]).tolist() == pytest.approx([0.6])
    assert run(SGD(0.1, momentum=0.5), [1.0], [[2.0], [2.0]]).tolist() == pytest.approx([1 - 0.2 - 0.3])
    # velocity -.2: first step -.1 - .2; velocity -.3: second step -.15 - .2
    assert run(SGD(0.1, 0.5, nesterov=True), [1.0], [[2.0], [2.0]]).tolist() == pytest.approx([0.35])


@pytest.mark.parametrize("optimizer", [SGD(0.5, 0.9), RMSprop(0.5, momentum=0.9, centered=True), Adam(0.5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_writes_into_the_arrays_it_is_given_and_leaves_gradients_alone(optimizer, dtype):
    optimizer = type(optimizer)(optimizer.learning_rate)
    model = Sequential([Dense(3), ReLU(), Dense(2)])
    model.build((4,), seed=0, dtype=dtype)
    out = model.forward(np.ones((2, 4), dtype), training=True)
    model.backward(np.ones_like(out))
    before = [(name, param, param.copy(), grad, grad.copy()) for name, param, grad in model.parameters()]
    optimizer.step(model)
    for (name, param, old, grad, old_grad), (_, now, _) in zip(before, model.parameters(), strict=True):
        assert now is param
        assert now.dtype == dtype
        assert not np.array_equal(now, old), name
        np.testing.assert_array_equal(grad, old_grad)
    assert all(array.dtype == dtype for array in optimizer.memory.values())


def test_parameters_of_the_same_shape_do_not_share_their_memory():
    model = Parameters(a=[0.0], b=[0.0])
    optimizer = SGD(1.0, momentum=0.5)
    for grad_a, grad_b in [(1.0, 0.0), (0.0, 1.0)]:
        model.grads = {"a": np.array([grad_a]), "b": np.array([grad_b])}
        optimizer.step(model)
    assert model.params["a"].tolist() == [-1.5]
    assert model.params["b"].tolist() == [-1.0]
    assert sorted(optimizer.memory) == ["a, velocity", "b, velocity"]


def test_a_step_counts_once_for_all_parameters():
    model, optimizer = Parameters(a=[0.0], b=[0.0]), Adam(0.1)
    model.grads = {"a": np.array([1.0]), "b": np.array([1.0])}
    optimizer.step(model)
    assert optimizer.iterations == 1
    assert model.params["a"].tolist() == model.params["b"].tolist() == pytest.approx([-0.1], rel=1e-5)


def test_frozen_layers_are_not_touched():
    model = Sequential([Dense(3, trainable=False), Dense(2)])
    model.build((4,), seed=0)
    out = model.forward(np.ones((2, 4), np.float32), training=True)
    model.backward(np.ones_like(out))
    before = {name: array.copy() for name, array in model.weights().items()}
    SGD(0.1).step(model)
    changed = {name for name, array in model.weights().items() if not np.array_equal(array, before[name])}
    assert changed == {"1/kernel", "1/bias"}


def test_a_learning_rate_can_be_changed_on_the_way():
    optimizer, model = SGD(1.0), Parameters(w=[0.0])
    model.grads["w"] = np.array([1.0])
    optimizer.step(model)
    optimizer.learning_rate = 0.5
    optimizer.step(model)
    assert model.params["w"].tolist() == [-1.5]


def test_a_step_without_gradients_is_refused(refuses):
    with refuses("Adam.step: w has no gradient yet. Call model.backward before every step.", RuntimeError):
        Adam().step(Parameters(w=[1.0]))


def test_an_optimizer_that_remembers_another_model_is_refused(refuses):
    optimizer = SGD(0.1, momentum=0.9)
    run(optimizer)
    with refuses(
        "SGD.step: an optimizer serves one model, whose past steps it remembers. Received another w than "
        "before. Make a new optimizer for a new model.",
        RuntimeError,
    ):
        run(optimizer)
    assert optimizer.iterations == len(GRADS)


def test_a_gradient_of_another_shape_is_refused(refuses):
    optimizer = Adam()
    run(optimizer)
    with refuses(
        "Adam remembers a mean of shape (3,) and dtype float64 for w. "
        "Received a gradient of shape (1,) and dtype float64. Use a new optimizer for a new model."
    ):
        optimizer.change("w", np.array([1.0]))


def test_a_step_that_is_refused_moves_nothing():
    model, optimizer = Parameters(w=[1.0], v=[1.0]), SGD(0.1)
    model.grads["w"] = np.array([1.0])
    with pytest.raises(RuntimeError, match="v has no gradient yet"):
        optimizer.step(model)
    assert model.params["w"].tolist() == [1]
    assert optimizer.iterations == 0


def test_an_optimizer_that_overrides_nothing_says_what_is_missing(refuses):
    with refuses("Optimizer must define change.", NotImplementedError):
        run(Optimizer(0.1))


def test_weight_decay_shrinks_the_parameter_itself_and_no_gradient_sees_it():
    start, grads = (1.0, -1.0, 0.5), [[0.0, 0.0, 0.0]]
    for optimizer in (AdamW(0.1, weight_decay=0.5), SGD(0.1, weight_decay=0.5), Adam(0.1, weight_decay=0.5)):
        np.testing.assert_allclose(run(optimizer, start, grads), np.multiply(start, 1 - 0.1 * 0.5))


def test_decay_comes_before_the_step_and_the_rest_is_adam():
    decayed, plain = AdamW(0.01, weight_decay=0.2), Adam(0.01)
    after = run(decayed, (1.0, -1.0, 0.5), GRADS[:1])
    before = np.multiply((1.0, -1.0, 0.5), 1 - 0.01 * 0.2)
    np.testing.assert_allclose(after, run(plain, before, GRADS[:1]), rtol=1e-12)


def test_a_clipped_gradient_keeps_its_direction_and_a_short_one_its_length():
    moved = run(SGD(1.0, clipnorm=5.0), (0.0, 0.0), [[6.0, 8.0]])
    np.testing.assert_allclose(moved, [-3.0, -4.0])
    np.testing.assert_allclose(run(SGD(1.0, clipnorm=5.0), (0.0, 0.0), [[0.6, 0.8]]), [-0.6, -0.8])
    assert run(SGD(1.0, clipnorm=5.0), (0.0,), [[0.0]]).tolist() == [0.0]


def test_the_global_norm_is_that_of_all_gradients_together():
    for optimizer, expected in ((SGD(1.0, global_clipnorm=5), [-3, -4]), (SGD(1.0, clipnorm=5), [-5, -5])):
        model = Parameters(a=[0.0], b=[0.0])
        model.grads = {"a": np.array([6.0]), "b": np.array([8.0])}
        optimizer.step(model)
        np.testing.assert_allclose([*model.params["a"], *model.params["b"]], expected)
        assert [model.grads["a"][0], model.grads["b"][0]] == [6, 8]  # the gradients stay as they are


def test_a_schedule_is_asked_before_every_step_beginning_with_step_0():
    asked = []

    def rate(step):
        asked.append(step)
        return [1.0, 0.5, 0.25][step]

    moved = run(SGD(rate), (0.0,), [[1.0]] * 3)
    assert moved.tolist() == [-1.75]
    assert sorted(set(asked)) == [0, 1, 2]


def test_both_ways_of_clipping_at_once_are_refused(refuses):
    with refuses(
        "SGD clips each gradient or all together, so at most one of clipnorm and global_clipnorm may be "
        "given. Received 1.0 and 2.0."
    ):
        SGD(clipnorm=1, global_clipnorm=2)


@pytest.mark.parametrize("name", ["weight_decay", "clipnorm", "global_clipnorm"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), "1"])
def test_decay_and_clipping_must_be_positive_where_they_are_given(refuses, name, value):
    with refuses(f"Adam: {name} must be a number in (0, inf). Received {name}={value!r}."):
        Adam(**{name: value})


@pytest.mark.parametrize("cls", [SGD, RMSprop, Adam, AdamW])
@pytest.mark.parametrize("learning_rate", [0, -0.1, float("nan"), float("inf"), "0.1"])
def test_a_learning_rate_that_is_not_positive_is_refused(refuses, cls, learning_rate):
    with refuses(
        f"{cls.__name__}: learning_rate must be a number in (0, inf). "
        f"Received learning_rate={learning_rate!r}."
    ):
        cls(learning_rate)


@pytest.mark.parametrize(
    ("cls", "name", "interval", "value"),
    [
        (SGD, "momentum", "[0, 1]", 1.5),
        (RMSprop, "rho", "[0, 1)", 1),
        (RMSprop, "momentum", "[0, 1]", -0.1),
        (RMSprop, "epsilon", "(0, inf)", 0),
        (Adam, "beta_1", "[0, 1)", 1.0),
        (Adam, "beta_2", "[0, 1)", -0.5),
        (Adam, "epsilon", "(0, inf)", -1),
    ],
)
def test_rates_out_of_range_are_refused(refuses, cls, name, interval, value):
    with refuses(f"{cls.__name__}: {name} must be a number in {interval}. Received {name}={value!r}."):
        cls(**{name: value})
