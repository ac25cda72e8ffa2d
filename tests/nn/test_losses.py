"""Losses: by hand, against finite differences, at the extremes, and every sentence they refuse with."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbook.gradcheck import check_gradient
from cnnbook.nn import Dense, MeanSquaredError, ReLU, Sequential, Softmax, SoftmaxCrossEntropy

LOGITS = np.random.default_rng(0).standard_normal((3, 4))
LABELS = np.array([2, 0, 3])


def test_cross_entropy_is_the_mean_of_minus_log_of_the_true_classes_probability():
    probs = Softmax().forward(LOGITS)
    expected = -sum(math.log(probs[n, LABELS[n]]) for n in range(3)) / 3
    assert SoftmaxCrossEntropy().forward(LOGITS, LABELS) == pytest.approx(expected)


def test_cross_entropy_of_a_model_that_knows_nothing_is_log_of_the_classes():
    assert SoftmaxCrossEntropy().forward(np.zeros((5, 10)), np.arange(5)) == pytest.approx(math.log(10))


def test_cross_entropy_gradient_is_predicted_minus_true_over_the_batch():
    loss = SoftmaxCrossEntropy()
    loss.forward(LOGITS, LABELS)
    dlogits = loss.backward()
    np.testing.assert_allclose(dlogits, (Softmax().forward(LOGITS) - np.eye(4)[LABELS]) / 3)
    np.testing.assert_allclose(dlogits.sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize(
    ("loss", "targets"),
    [(SoftmaxCrossEntropy(), LABELS), (MeanSquaredError(), np.random.default_rng(1).standard_normal((3, 4)))],
)
def test_the_gradient_agrees_with_finite_differences(loss, targets):
    loss.forward(LOGITS, targets)
    gradient = loss.backward()
    assert check_gradient("logits", lambda z: loss.forward(z, targets), LOGITS, gradient).error < 1e-8


@given(st.floats(-1e4, 1e4))
def test_cross_entropy_does_not_care_about_a_common_shift(shift):
    loss = SoftmaxCrossEntropy()
    assert loss.forward(LOGITS + shift, LABELS) == pytest.approx(loss.forward(LOGITS, LABELS), rel=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_stays_finite_where_exp_would_overflow_and_log_underflow(dtype):
    logits, loss = np.array([[800, -800, 0], [1e4, 0, 0]], dtype), SoftmaxCrossEntropy()
    assert loss.forward(logits, np.array([0, 0])) == 0
    assert not loss.backward().any()
    assert loss.forward(logits, np.array([1, 2])) == pytest.approx((1600 + 1e4) / 2)
    assert loss.backward().tolist() == [[0.5, -0.5, 0], [0.5, 0, -0.5]]


def test_mean_squared_error_averages_over_examples_and_outputs():
    outputs, targets = np.arange(6.0).reshape(2, 3), np.array([[1.0, 1, 1], [1, 1, 1]])
    loss = MeanSquaredError()
    assert loss.forward(outputs, targets) == pytest.approx((1 + 0 + 1 + 4 + 9 + 16) / 6)
    np.testing.assert_allclose(loss.backward(), 2 * (outputs - targets) / 6)


@pytest.mark.parametrize(
    ("loss", "targets"), [(SoftmaxCrossEntropy(), LABELS), (MeanSquaredError(), np.ones((3, 4), int))]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loss_is_a_float_its_gradient_keeps_the_dtype_and_nothing_is_written_to(loss, targets, dtype):
    logits, copied = LOGITS.astype(dtype), targets.copy()
    assert type(loss.forward(logits, targets)) is float
    assert loss.backward().dtype == dtype
    np.testing.assert_array_equal(logits, LOGITS.astype(dtype))
    np.testing.assert_array_equal(targets, copied)


@pytest.mark.parametrize(
    ("make_loss", "targets"), [(SoftmaxCrossEntropy, LABELS), (MeanSquaredError, np.zeros((3, 4)))]
)
def test_backward_follows_a_forward_of_its_own(refuses, make_loss, targets):
    loss = make_loss()
    sentence = (
        f"{make_loss.__name__}.backward needs a forward pass of its own: "
        "call forward(outputs, targets) before every backward()."
    )
    with refuses(sentence, RuntimeError):
        loss.backward()
    loss.forward(LOGITS, targets)
    loss.backward()
    with refuses(sentence, RuntimeError):
        loss.backward()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            np.eye(4)[LABELS],
            "labels must be integers in [0, 4). Received labels of dtype float64 and shape (3, 4). "
            "For one-hot labels use labels.argmax(axis=1).",
        ),
        (
            np.eye(4, dtype=int)[LABELS],
            "labels must be integers in [0, 4). Received labels of dtype int64 and shape (3, 4). "
            "For one-hot labels use labels.argmax(axis=1).",
        ),
        (
            LABELS.astype(np.float32),
            "labels must be integers in [0, 4). Received labels of dtype float32 and shape (3,). "
            "Convert them with labels.astype(int).",
        ),
        (
            LABELS > 0,
            "labels must be integers in [0, 4). Received labels of dtype bool and shape (3,). "
            "Convert them with labels.astype(int).",
        ),
        (
            LABELS[:, np.newaxis],
            "labels must be integers in [0, 4). Received labels of dtype int64 and shape (3, 1). "
            "Drop the second axis: try labels[:, 0].",
        ),
        (
            np.int64(3),
            "labels must be integers in [0, 4). Received labels of dtype int64 and shape ().",
        ),
        (
            np.array([0, 1, 4]),
            "labels must be integers in [0, 4). Received labels from 0 to 4. "
            "Number the classes from 0, or give the last layer more units.",
        ),
        (
            np.array([0, -1, 3]),
            "labels must be integers in [0, 4). Received labels from -1 to 3. "
            "Number the classes from 0, or give the last layer more units.",
        ),
        (np.array([0, 1]), "every example needs one label. Received 3 rows of logits and 2 labels."),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_advice(refuses, labels, message):
    with refuses(f"SoftmaxCrossEntropy: {message}"):
        SoftmaxCrossEntropy().forward(LOGITS, labels)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_any_integer_dtype_is_a_label_and_so_is_a_list(dtype):
    expected = SoftmaxCrossEntropy().forward(LOGITS, LABELS)
    assert SoftmaxCrossEntropy().forward(LOGITS, LABELS.astype(dtype)) == expected
    assert SoftmaxCrossEntropy().forward(LOGITS, LABELS.tolist()) == expected


def test_logits_that_are_no_table_are_refused(refuses):
    with refuses(
        "SoftmaxCrossEntropy: logits must have shape (N, classes). Received logits of shape (3, 2, 2, 1)."
    ):
        SoftmaxCrossEntropy().forward(LOGITS.reshape(3, 2, 2, 1), LABELS)


def test_an_empty_batch_is_refused(refuses):
    with refuses("SoftmaxCrossEntropy: a mean needs at least one example. Received outputs of shape (0, 4)."):
        SoftmaxCrossEntropy().forward(LOGITS[:0], LABELS[:0])
    with refuses("MeanSquaredError: a mean needs at least one example. Received outputs of shape (0, 4)."):
        MeanSquaredError().forward(LOGITS[:0], LOGITS[:0])


@pytest.mark.parametrize("targets", [np.zeros(3), np.zeros((3, 1)), np.zeros((1, 4)), np.zeros((4, 3)), 0.0])
def test_targets_of_another_shape_are_refused_not_broadcast(refuses, targets):
    with refuses(
        "MeanSquaredError: targets must have the shape of the outputs, (3, 4). "
        f"Received targets of shape {np.shape(targets)}. Reshape them; nothing is broadcast."
    ):
        MeanSquaredError().forward(LOGITS, targets)


def test_the_first_loss_of_a_fresh_network_is_near_log_of_the_classes():
    model = Sequential([Dense(64), ReLU(), Dense(10)])
    model.build((100,), seed=0)
    x = np.random.default_rng(0).random((200, 100), np.float32)
    loss = SoftmaxCrossEntropy().forward(model.forward(x), np.arange(200) % 10)
    assert loss == pytest.approx(math.log(10), abs=0.3)
