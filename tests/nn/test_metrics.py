"""Metrics against scikit-learn, with the classes nobody predicts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from cnnbook.nn import accuracy, confusion_matrix, macro_f1, precision_recall_f1

classes = st.integers(0, 4)
lists = st.lists(st.tuples(classes, classes), min_size=1, max_size=30)


@given(lists)
def test_all_metrics_agree_with_scikit_learn(pairs):
    labels, predictions = np.array(pairs).T
    every = {"labels": range(5), "zero_division": 0}
    assert accuracy(labels, predictions) == pytest.approx(sklearn_metrics.accuracy_score(labels, predictions))
    np.testing.assert_array_equal(
        confusion_matrix(labels, predictions, 5),
        sklearn_metrics.confusion_matrix(labels, predictions, labels=range(5)),
    )
    scores = precision_recall_f1(labels, predictions, 5)
    expected = sklearn_metrics.precision_recall_fscore_support(labels, predictions, **every)
    for score, wanted in zip(scores, expected, strict=False):
        np.testing.assert_allclose(score, wanted)
    wanted = sklearn_metrics.f1_score(labels, predictions, average="macro", **every)
    assert macro_f1(labels, predictions, 5) == pytest.approx(wanted)


def test_a_class_never_predicted_counts_as_zero():
    """Three classes, one ignored: dropping it from the mean would turn .508 into .762."""
    labels = np.array([0] * 10 + [1] * 10 + [2] * 10)
    predictions = np.array([0] * 10 + [1] * 5 + [0] * 5 + [0] * 3 + [1] * 7)
    scores = precision_recall_f1(labels, predictions)
    assert scores.precision[2] == scores.recall[2] == scores.f1[2] == 0
    assert macro_f1(labels, predictions) == pytest.approx((scores.f1[0] + scores.f1[1]) / 3)
    wanted = sklearn_metrics.f1_score(labels, predictions, average="macro", zero_division=0)
    assert macro_f1(labels, predictions) == pytest.approx(wanted)


def test_rows_are_the_truth_and_columns_the_predictions():
    assert confusion_matrix(np.array([1, 1, 1, 0]), np.array([0, 0, 1, 2])).tolist() == [
        [0, 0, 1],
        [2, 1, 0],
        [0, 0, 0],
    ]


def test_the_number_of_classes_is_the_largest_class_found_unless_told():
    assert confusion_matrix(np.array([0, 2]), np.array([0, 1])).shape == (3, 3)
    assert confusion_matrix(np.array([0, 1]), np.array([0, 2])).shape == (3, 3)
    assert confusion_matrix(np.array([0, 1]), np.array([0, 1]), n_classes=5).shape == (5, 5)


def test_small_integer_dtypes_do_not_overflow():
    labels = np.full(3, 19, np.uint8)
    assert confusion_matrix(labels, labels, n_classes=20)[19, 19] == 3


def test_results_are_plain_floats():
    labels = np.array([0, 1])
    assert type(accuracy(labels, labels)) is type(macro_f1(labels, labels)) is float
    assert accuracy([0, 1], [0, 0]) == 0.5


@pytest.mark.parametrize("metric", [accuracy, confusion_matrix])
@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        (
            np.array([0, 1]),
            np.zeros((2, 10)),
            "predictions must be integers of shape (N,). "
            "Received predictions of dtype float64 and shape (2, 10). "
            "Use .argmax(axis=1) on scores or one-hot rows.",
        ),
        (
            np.eye(2, dtype=int),
            np.array([0, 1]),
            "labels must be integers of shape (N,). Received labels of dtype int64 and shape (2, 2). "
            "Use .argmax(axis=1) on scores or one-hot rows.",
        ),
        (
            np.array([0.0, 1.0]),
            np.array([0, 1]),
            "labels must be integers of shape (N,). Received labels of dtype float64 and shape (2,).",
        ),
        (
            np.array([0, 1]),
            np.array([0]),
            "labels and predictions must be equally many, at least one. Received 2 labels and 1 predictions.",
        ),
        (
            np.array([], int),
            np.array([], int),
            "labels and predictions must be equally many, at least one. Received 0 labels and 0 predictions.",
        ),
        (
            np.array([0, 1]),
            np.array([-1, 2]),
            "predictions must be at least 0. Received predictions from -1 to 2.",
        ),
    ],
)
def test_what_is_no_list_of_classes_is_refused(refuses, metric, labels, predictions, message):
    with refuses(f"{metric.__name__}: {message}"):
        metric(labels, predictions)


@pytest.mark.parametrize("metric", [confusion_matrix, precision_recall_f1, macro_f1])
def test_a_class_beyond_n_classes_is_refused(refuses, metric):
    with refuses(
        "confusion_matrix: labels must be at least 0 and below n_classes=3. Received labels from 0 to 3."
    ):
        metric(np.array([0, 3]), np.array([0, 1]), n_classes=3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_every_kind_of_integer_counts(dtype):
    labels = np.array([0, 1, 2, 2], dtype)
    np.testing.assert_array_equal(confusion_matrix(labels, labels), np.diag([1, 1, 2]))


def test_a_number_of_classes_that_is_not_whole_is_refused(refuses):
    with refuses("confusion_matrix: n_classes must be a whole number of at least 1. Received n_classes=3.0."):
        confusion_matrix(np.array([0, 1]), np.array([0, 1]), n_classes=3.0)
