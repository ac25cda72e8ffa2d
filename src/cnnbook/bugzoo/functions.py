"""Wrong losses, initializers, output sizes and metrics: what is no layer."""

import math
from dataclasses import dataclass

import numpy as np

from cnnbook.nn import (
    GlorotUniform,
    SoftmaxCrossEntropy,
    softmax,
)


class NoMaxShift(SoftmaxCrossEntropy):
    """Takes exp of the logits as they come: 1000 is infinity, and infinity over infinity is not a number."""

    def forward(self, logits, labels):
        with np.errstate(all="ignore"):
            probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            examples = np.arange(len(labels))
            self._gradient = lambda: (probs - np.eye(probs.shape[1])[labels]) / len(labels)
            return float(-np.log(probs[examples, labels]).mean())


class TwoSidedLoss(SoftmaxCrossEntropy):
    """Reports the binary cross-entropy of every class, and hands back the gradient of another loss."""

    def forward(self, logits, labels):
        super().forward(logits, labels)
        probs = np.clip(softmax(logits.astype(np.float64)), 1e-9, 1 - 1e-9)
        targets = np.eye(probs.shape[1])[labels]
        return float(-(targets * np.log(probs) + (1 - targets) * np.log(1 - probs)).sum(axis=1).mean())


class SumForMean(SoftmaxCrossEntropy):
    """Reports the mean over the batch and hands back the gradient of the sum."""

    def backward(self):
        gradient = super().backward()
        return gradient * len(gradient)


@dataclass(frozen=True)
class NormalOverWindowArea:
    """randn / (K_h K_w): knows the window and forgets the channels."""

    def __call__(self, shape, rng, dtype):
        return (rng.standard_normal(shape) / math.prod(shape[:2])).astype(dtype)


@dataclass(frozen=True)
class OneFilterForAll:
    """Draws one filter and copies it: 64 "unique" kernels that are one kernel."""

    def __call__(self, shape, rng, dtype):
        return np.repeat(GlorotUniform()((*shape[:-1], 1), rng, dtype), shape[-1], axis=-1)


def output_size_as_printed(size, kernel_size, stride, pad):
    """(n + p - k + 1) / s: pads one side only and divides the wrong thing."""
    return (size + pad - kernel_size + 1) // stride


def macro_f1_of_the_predicted(labels, predictions):
    """Averages F1 over the classes that were predicted, and forgets the others."""
    classes = np.unique(predictions)
    hits = [((labels == k) & (predictions == k)).sum() for k in classes]
    sizes = [(labels == k).sum() + (predictions == k).sum() for k in classes]
    return float(np.mean(2 * np.array(hits) / np.array(sizes)))
