"""Batch normalisation of one channel, batch after batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from .base import BookWidget
from .chance import normals
from .values import captioned, check_choice, check_number, check_whole, text

EPSILON, BATCHES = 0.001, 40
SIZES = (2, 4, 8, 16, 32, 64)
CHOICES = {"mode": ("training", "inference"), "drift": ("still", "drift", "jump")}
RANGES = {"gamma": (-3, 3), "beta": (-5, 5), "mean": (-30, 30), "std": (0, 15), "momentum": (0, 1)}


class BatchNormLab(BookWidget):
    """Watch batch normalisation move and scale a channel's numbers, in training and at inference.

    Forty batches of whole numbers come in, one after the other. In training each is normalised by its own
    mean and variance; at inference by the moving ones, as they stand after it. epsilon is 0.001, as in Keras.

    Parameters
    ----------
    id : str
        Name of the figure, unique on its page. ``<a href="#bn:mode=inference,batch_size=4">`` drives it.
    mode : "training" or "inference"
        Whose statistics are used.
    batch_size : 2, 4, 8, 16, 32 or 64
    gamma, beta : float
        -3 to 3, -5 to 5: the learned scale and shift.
    mean, std : float
        -30 to 30, 0 to 15: centre and spread of the inputs.
    drift : "still", "drift" or "jump"
        What the inputs' centre does: nothing, one up every batch, 15 up after the twentieth.
    momentum : float
        0 to 1: the share of the old that the moving statistics keep. Keras' default is 0.99, this one's 0.9.
    step : int
        The batch shown, counted from 0.
    seed : int
        0 to 999, of the random numbers.

    Raises
    ------
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> lab = BatchNormLab(id="bn")
    >>> out = lab.output()
    >>> bool(abs(out.mean()) < 1e-12), bool(abs(out.std() - 1) < 1e-4)
    (True, True)
    >>> lab.mode = "inference"                     # after one batch the moving mean is a tenth of the way
    >>> bool(lab.output().mean() > 1)
    True
    """

    tag = "batchnorm-lab"
    script = "batchnorm_lab.js"
    state = ("mode", "batch_size", "gamma", "beta", "mean", "std", "drift", "momentum", "step", "seed")

    mode = traitlets.Any("training").tag(sync=True)
    batch_size = traitlets.Any(32).tag(sync=True)
    gamma = traitlets.Any(1).tag(sync=True)
    beta = traitlets.Any(0).tag(sync=True)
    mean = traitlets.Any(10).tag(sync=True)
    std = traitlets.Any(6).tag(sync=True)
    drift = traitlets.Any("still").tag(sync=True)
    momentum = traitlets.Any(0.9).tag(sync=True)
    step = traitlets.Any(0).tag(sync=True)
    seed = traitlets.Any(0).tag(sync=True)

    @traitlets.validate(*state)
    def _check(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if name in CHOICES:
            return check_choice("BatchNormLab", name, value, CHOICES[name])
        if name in ("step", "seed"):
            return check_whole("BatchNormLab", name, value, 0, BATCHES - 1 if name == "step" else 999)
        if name == "batch_size":
            if check_whole("BatchNormLab", name, value, 2, 64) in SIZES:
                return int(value)
            raise ValueError(
                f"BatchNormLab: batch_size must be one of {SIZES}. Received batch_size={value}. "
                "Choose one of them."
            )
        number = check_number("BatchNormLab", name, value)
        low, high = RANGES[name]
        if low <= number <= high:
            return number
        raise ValueError(
            f"BatchNormLab: {name} must be from {low} to {high}. Received {name}={value!r}. "
            "Choose one in that range."
        )

    def batch(self, step: int | None = None) -> np.ndarray:
        """Draw the whole numbers of one batch, by default of the one shown: shape (batch_size,)."""
        step = self.step if step is None else step
        up = {"still": 0, "drift": step, "jump": 15 * (step >= 20)}[self.drift]
        drawn = normals(100 * self.seed + step, self.batch_size)
        return np.floor(self.mean + up + self.std * drawn + 0.5)

    def statistics(self) -> tuple[float, float]:
        """Give the mean and the variance in use: the batch's own, or the moving ones."""
        if self.mode == "training":
            return float(self.batch().mean()), float(self.batch().var())
        mean, variance, keep = 0.0, 1.0, self.momentum
        for step in range(self.step + 1):
            values = self.batch(step)
            mean = keep * mean + (1 - keep) * values.mean()
            variance = keep * variance + (1 - keep) * values.var()
        return float(mean), float(variance)

    def output(self) -> np.ndarray:
        """Normalise the batch shown: shape (batch_size,)."""
        mean, variance = self.statistics()
        return self.gamma * (self.batch() - mean) / np.sqrt(variance + EPSILON) + self.beta

    def sentence(self) -> str:
        """Write out how the first value of the batch is normalised."""
        mean, variance = self.statistics()
        spread = np.sqrt(variance + EPSILON)
        first, out = self.batch()[0], self.output()
        return (
            f"out[0] = {text(self.gamma, True)}·({text(first)} \u2212 {text(mean, True)}) / {text(spread)}"
            f" + {text(self.beta, True)} = {text(out[0])}"
        )

    def picture(self) -> str:
        """Draw the histograms before and after as one SVG, with a sum as its caption."""
        out, values = self.output(), self.batch()
        edge = max(4, int(np.ceil(np.abs(out).max())))
        low, high = int(min(0, values.min())) - 1, int(max(0, values.max())) + 1
        drawing = _bars("Before", values, low, high, 0) + _bars("After", out, -edge, edge, 340)
        head = f"{self.mode.capitalize()}, batch {self.step + 1} of {BATCHES}, {self.batch_size} values: "
        return captioned(drawing, "-2 -2 644 186", head + self.sentence() + ".")


def _bars(title: str, values: np.ndarray, low: float, high: float, left: int) -> str:
    counts, _ = np.histogram(np.clip(values, low, high), bins=24, range=(low, high))
    bars = "".join(
        f'<rect x="{left + 300 * k / 24:g}" y="{150 - 120 * count / counts.max():.0f}" width="11.5" '
        f'height="{120 * count / counts.max():.0f}" fill="currentColor" fill-opacity=".3"/>'
        for k, count in enumerate(counts)
        if count
    )
    words = 'fill="currentColor" stroke="none" font-size="14"'
    return (
        f'<text x="{left}" y="14" {words}>{title}: mean {text(round(float(values.mean()), 2))}</text>'
        f'{bars}<path d="M{left} 150h300"/><text x="{left}" y="170" {words}>{text(low)}</text>'
        f'<text x="{left + 300}" y="170" text-anchor="end" {words}>{text(high)}</text>'
    )
