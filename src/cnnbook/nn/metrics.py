"""How good are the predictions? Counts and rates from two lists of classes.

All functions take (labels, predictions), the truth first, as scikit-learn does. Scores per class count a
class that was never predicted as 0: leaving it out would reward a model for giving up on it.
"""

from typing import NamedTuple

import numpy as np

from cnnbook.nn.arguments import check_positive

Array = np.ndarray


class Scores(NamedTuple):
    """Precision, recall and F1, each one number per class."""

    precision: Array
    recall: Array
    f1: Array


def accuracy(labels: Array, predictions: Array) -> float:
    """Share of examples whose class was predicted.

    Parameters
    ----------
    labels, predictions : (N,) integers, true and predicted classes.

    Raises
    ------
    ValueError : if the arrays are not two equally long lists of classes.

    Examples
    --------
    >>> accuracy(np.array([0, 1, 2, 2]), np.array([0, 2, 2, 2]))
    0.75
    """
    labels, predictions = check_classes("accuracy", labels, predictions)
    return float((labels == predictions).mean())


def confusion_matrix(labels: Array, predictions: Array, n_classes: int | None = None) -> Array:
    """How often each true class (row) was taken for each class (column).

    Parameters
    ----------
    labels, predictions : (N,) integers, true and predicted classes.
    n_classes : number of classes; by default the largest class found, plus one.

    Returns
    -------
    counts : (n_classes, n_classes) integers; row k adds up to the number of examples of class k.

    Raises
    ------
    ValueError : if the arrays are not two equally long lists of classes below n_classes.

    Examples
    --------
    >>> confusion_matrix(np.array([0, 1, 2, 2]), np.array([0, 2, 2, 2]))
    array([[1, 0, 0],
           [0, 0, 1],
           [0, 0, 2]])
    """
    labels, predictions = check_classes("confusion_matrix", labels, predictions, n_classes)
    if n_classes is None:
        n_classes = int(max(labels.max(), predictions.max())) + 1
    cells = labels * n_classes + predictions
    return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)


def precision_recall_f1(labels: Array, predictions: Array, n_classes: int | None = None) -> Scores:
    """For every class: of what was called so, how much is; of what is so, how much was found; both in one.

    precision = hits / predicted          recall = hits / true          f1 = 2 hits / (predicted + true)

    Each quotient with nothing below is 0.

    Parameters
    ----------
    As in `confusion_matrix`.

    Returns
    -------
    Scores : precision, recall and f1, each of shape (n_classes,).

    Examples
    --------
    >>> scores = precision_recall_f1(np.array([0, 1, 2, 2]), np.array([0, 2, 2, 2]))
    >>> scores.precision.round(3), scores.recall, scores.f1
    (array([1.   , 0.   , 0.667]), array([1., 0., 1.]), array([1. , 0. , 0.8]))

    Source: van Rijsbergen (1979), chapter 7.
    """
    counts = confusion_matrix(labels, predictions, n_classes)
    hits, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return Scores(
        hits / np.maximum(predicted, 1),
        hits / np.maximum(true, 1),
        2 * hits / np.maximum(predicted + true, 1),
    )


def macro_f1(labels: Array, predictions: Array, n_classes: int | None = None) -> float:
    """The mean of the classes' F1: every class counts the same, however rare, and one never predicted as 0.

    Parameters
    ----------
    As in `confusion_matrix`.

    Examples
    --------
    >>> round(macro_f1(np.array([0, 1, 2, 2]), np.array([0, 2, 2, 2])), 2)     # (1 + 0 + .8) / 3
    0.6
    """
    return float(precision_recall_f1(labels, predictions, n_classes).f1.mean())


def check_classes(owner: str, labels: Array, predictions: Array, n_classes: int | None = None):
    """Both arrays. Raises ValueError if they are not equally long lists of classes.

    >>> check_classes("accuracy", [0, 1], [1, 1])
    (array([0, 1]), array([1, 1]))
    """
    if n_classes is not None:
        n_classes = check_positive(owner, "n_classes", n_classes)
    arrays = {"labels": np.asarray(labels), "predictions": np.asarray(predictions)}
    for name, array in arrays.items():
        if array.ndim != 1 or array.dtype.kind not in "iu":
            advice = " Use .argmax(axis=1) on scores or one-hot rows." if array.ndim == 2 else ""
            raise ValueError(
                f"{owner}: {name} must be integers of shape (N,). "
                f"Received {name} of dtype {array.dtype} and shape {array.shape}.{advice}"
            )
    sizes = [len(array) for array in arrays.values()]
    if sizes[0] != sizes[1] or not sizes[0]:
        raise ValueError(
            f"{owner}: labels and predictions must be equally many, at least one. "
            f"Received {sizes[0]} labels and {sizes[1]} predictions."
        )
    for name, array in arrays.items():
        if array.min() < 0 or (n_classes is not None and array.max() >= n_classes):
            limit = "" if n_classes is None else f" and below n_classes={n_classes}"
            raise ValueError(
                f"{owner}: {name} must be at least 0{limit}. "
                f"Received {name} from {array.min()} to {array.max()}."
            )
    return tuple(array.astype(np.int64) for array in arrays.values())
