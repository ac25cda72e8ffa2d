"""Losses: one number to make small, and its gradient with respect to the network's output.

A loss goes forward and backward like a layer:

    value = loss.forward(logits, labels)            one Python float, the mean over the batch
    dlogits = loss.backward()                       what the last layer's backward receives
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(eq=False)
class Loss:
    """What the losses share: `backward` follows a `forward` of its own, once."""

    _gradient: Any = field(init=False, repr=False, default=None)

    @property
    def name(self) -> str:
        """The class name, as it stands in error messages."""
        return type(self).__name__

    def backward(self) -> Array:
        """The gradient that the last `forward` prepared, once."""
        if self._gradient is None:
            raise RuntimeError(
                f"{self.name}.backward needs a forward pass of its own: "
                "call forward(outputs, targets) before every backward()."
            )
        gradient, self._gradient = self._gradient, None
        return gradient()


@dataclass(eq=False)
class SoftmaxCrossEntropy(Loss):
    """How surprised the network is by the true classes, in nats: - mean over n of log p[n, y_n].

    p = softmax(z)                         L = mean over n of ( log sum over k of exp(z[n, k]) - z[n, y_n] )

    It takes logits z, not probabilities: with the row's maximum subtracted from z, neither exp nor log can
    overflow. A network that gives all classes the same probability has the loss log(classes): 2.303 for ten.

    Shapes
    ------
    logits (N, classes), labels (N,) integers in [0, classes) -> a float.

    Raises
    ------
    ValueError : if labels are one-hot, not integers, out of range or not one per row; if the batch is empty.
    RuntimeError : if `backward` has no `forward` of its own.

    Examples
    --------
    >>> loss = SoftmaxCrossEntropy()
    >>> logits = np.array([[0.0, np.log(3.0)], [0.0, 0.0]])    # probabilities 1/4, 3/4 and 1/2, 1/2
    >>> round(loss.forward(logits, np.array([1, 0])), 4)       # (log(4/3) + log(2)) / 2
    0.4904
    >>> loss.backward()                                        # (p - one_hot(y)) / 2
    array([[ 0.125, -0.125],
           [-0.25 ,  0.25 ]])

    Source: Bridle (1990); Goodfellow, Bengio and Courville (2016), section 6.2.2.3.
    """

    def forward(self, logits: Array, labels: Array) -> float:
        labels = check_labels(self.name, logits, labels)
        examples = np.arange(len(labels))
        shifted = logits - logits.max(axis=1, keepdims=True)
        exponentials = np.exp(shifted)
        sums = exponentials.sum(axis=1)

        def gradient():
            """dlogits = (p - one_hot(y)) / N: what was predicted minus what was true."""
            dlogits = exponentials / sums[:, np.newaxis]
            dlogits[examples, labels] -= 1
            return dlogits / len(labels)

        self._gradient = gradient
        return float((np.log(sums) - shifted[examples, labels]).mean())


@dataclass(eq=False)
class MeanSquaredError(Loss):
    """The mean of (outputs - targets)^2 over all examples and all outputs.

    Shapes
    ------
    outputs (N, ...), targets of the same shape -> a float.

    Raises
    ------
    ValueError : if the targets have another shape (nothing is broadcast); if the batch is empty.
    RuntimeError : if `backward` has no `forward` of its own.

    Examples
    --------
    >>> loss = MeanSquaredError()
    >>> loss.forward(np.array([[1.0, 2.0]]), np.array([[0.0, 4.0]]))       # (1 + 4) / 2
    2.5
    >>> loss.backward()                                                    # 2 (outputs - targets) / 2
    array([[ 1., -2.]])
    """

    def forward(self, outputs: Array, targets: Array) -> float:
        targets = np.asarray(targets)
        if targets.shape != outputs.shape:
            raise ValueError(
                f"{self.name}: targets must have the shape of the outputs, {outputs.shape}. "
                f"Received targets of shape {targets.shape}. Reshape them; nothing is broadcast."
            )
        check_not_empty(self.name, outputs)
        difference = outputs - targets.astype(outputs.dtype)

        def gradient():
            """doutputs = 2 (outputs - targets) / number of entries."""
            return difference * (2 / difference.size)

        self._gradient = gradient
        return float((difference * difference).mean())


def check_labels(owner: str, logits: Array, labels: Any) -> Array:
    """Labels that fit the logits. Raises ValueError if they do not.

    >>> check_labels("SoftmaxCrossEntropy", np.zeros((2, 10)), [3, 7])
    array([3, 7])
    """
    if logits.ndim != 2:
        raise ValueError(
            f"{owner}: logits must have shape (N, classes). Received logits of shape {logits.shape}."
        )
    check_not_empty(owner, logits)
    labels, classes = np.asarray(labels), logits.shape[1]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        advice = ""
        if labels.shape == logits.shape:
            advice = " For one-hot labels use labels.argmax(axis=1)."
        elif labels.shape == (len(logits), 1):
            advice = " Drop the second axis: try labels[:, 0]."
        elif labels.ndim == 1:
            advice = " Convert them with labels.astype(int)."
        raise ValueError(
            f"{owner}: labels must be integers in [0, {classes}). "
            f"Received labels of dtype {labels.dtype} and shape {labels.shape}.{advice}"
        )
    if len(labels) != len(logits):
        raise ValueError(
            f"{owner}: every example needs one label. "
            f"Received {len(logits)} rows of logits and {len(labels)} labels."
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"{owner}: labels must be integers in [0, {classes}). "
            f"Received labels from {labels.min()} to {labels.max()}. "
            "Number the classes from 0, or give the last layer more units."
        )
    return labels


def check_not_empty(owner: str, outputs: Array) -> None:
    """Refuse a batch of no examples: its mean would be 0 / 0."""
    if not outputs.size:
        raise ValueError(
            f"{owner}: a mean needs at least one example. Received outputs of shape {outputs.shape}."
        )
