"""Whole networks against Keras: fifty steps from the same weights on the same batches.

Four runs again: ours and Keras in float32, the referee and its Keras twin in float64. Dropout masks are
drawn once, by our float32 network, and handed to the other three: four generators would draw four masks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cnnbook import nn
from cnnbook.keras_twin.agreement import REFEREES, relative_difference
from cnnbook.keras_twin.cases import single
from cnnbook.keras_twin.runs import GivenMask, draw_masks, train_keras, train_ours
from cnnbook.models import fashion_cnn, mlp, residual_cnn, small_cnn

LOGITS = 2e-5  # ours in float32 from the referee
GRADIENTS = 1e-3  # ours from Keras, relative to the largest entry
CURVES = 1e-3  # ours from Keras, nats, at the middle one of fifty steps ordered by distance
# Where the input of one dense unit rounds to the other side of 0, a gradient passes or does not: that moved a
# curve by up to 2.3e-3 from then on, ours or Keras'.
KINK = 1e-2
CURVES_64 = 1e-6  # the same two in float64


# network, batch size, optimizers. What float32 cannot hold is rounded first, see `single`.
ADAM_RATES = single(0.9), single(0.999)
PLANS = [
    (mlp, 64, [nn.SGD(single(1e-2)), nn.RMSprop(single(1e-3)), nn.Adam(single(1e-4), *ADAM_RATES)]),
    (mlp, 64, [nn.AdamW(single(1e-4), *ADAM_RATES, weight_decay=single(0.1))]),
    (residual_cnn, 16, [nn.AdamW(single(1e-4), *ADAM_RATES, weight_decay=single(0.1))]),
    (fashion_cnn, 16, [nn.SGD(single(3e-4)), nn.RMSprop(single(1e-5)), nn.Adam(single(1e-5), *ADAM_RATES)]),
    (small_cnn, 1, [nn.SGD(single(5e-3)), nn.RMSprop(single(1e-4)), nn.Adam(single(1e-4), *ADAM_RATES)]),
]
# At this rate a pooling winner or a ReLU that flips by rounding can part two right float32 runs.
MAY_PART = (fashion_cnn, 16, nn.RMSprop(single(1e-3)))


@dataclass(frozen=True)
class TrainingAgreement:
    """How far our training run and Keras' are apart.

    setting : network, optimizer, batch size.
    logits : first batch, largest difference from the referee: {"ours": ..., "keras": ...}.
    gradients : first batch, ours from Keras by parameter, relative to the largest entry; without `excluded`.
    gradients_64 : the same for the two float64 runs.
    excluded : biases before a batch normalisation, whose true gradient is 0: {name: the largest entry found}.
    statistics : moving statistics after one step, ours from Keras, relative.
    curves : the loss at every step of all four runs.
    may_part : True where float32 curves need not stay together.
    """

    setting: str
    logits: dict[str, float]
    gradients: dict[str, float]
    gradients_64: dict[str, float]
    excluded: dict[str, float]
    statistics: dict[str, float]
    curves: dict[str, list[float]]
    may_part: bool = False

    def apart(self, one: str = "ours", other: str = "keras") -> float:
        """The largest difference of two loss curves, in nats."""
        return float(np.abs(np.subtract(self.curves[one], self.curves[other])).max())

    @property
    def faults(self) -> list[str]:
        """One sentence for everything that should worry you."""
        checks = [
            ("logits from the referee", self.logits["ours"], LOGITS),
            ("gradients", max(self.gradients.values()), GRADIENTS),
            ("gradients in float64", max(self.gradients_64.values()), REFEREES),
            ("moving statistics", max(self.statistics.values(), default=0), GRADIENTS),
            ("loss curves in float64", self.apart("referee", "keras referee"), CURVES_64),
        ]
        if not self.may_part:
            steps = np.abs(np.subtract(self.curves["ours"], self.curves["keras"]))
            checks.append(("loss curves", float(np.median(steps)), CURVES))
            checks.append(("loss curves at their farthest", self.apart(), KINK))
        return [f"{what}: {d:.1e} apart, allowed is {most:.0e}." for what, d, most in checks if not d <= most]


def plans() -> Iterator[tuple]:
    """Every (network, batch size, optimizer, may_part) of the table."""
    for make, batch_size, optimizers in PLANS:
        yield from ((make, batch_size, optimizer, False) for optimizer in optimizers)
    yield (*MAY_PART, True)


def dither(images: np.ndarray, seed: int = 0) -> np.ndarray:
    """Pixels in [0, 1] as brightness 0 .. 255 with the fractions that rounding to whole steps took away.

    Flat areas of whole numbers leave nearly equal numbers in thousands of pooling windows. Rounding would
    then decide which of them is the largest.

    >>> dither(np.array([[0.0, 1.0]])).round(1)
    array([[1.000e-01, 2.548e+02]], dtype=float32)
    """
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, images.shape)
    return (255 * images + noise).astype(np.float32)


def compare_training(make, batch_size, optimizer, may_part, x, y, *, steps=50, seed=0) -> TrainingAgreement:
    """Train the network `make()` four times from the same weights on the same batches.

    Parameters
    ----------
    make : a function that returns a Sequential, not yet built. optimizer : ours; copies of it do the work.
    may_part : True if the float32 curves need not stay together.
    x : (N, ...) float32 inputs, N >= steps * batch_size. y : (N,) integer labels.
    steps : training steps, one batch each, in order. seed : of the weights and masks.
    """
    model = make()
    model.build(x.shape[1:], seed=seed)
    referee = nn.Sequential(
        [GivenMask() if isinstance(layer, nn.Dropout) else layer for layer in make().layers]
    )
    referee.build(x.shape[1:], seed=seed, dtype=np.float64)
    for exact, weight in zip(referee.weights().values(), model.weights().values(), strict=True):
        exact[...] = weight
    runs = {}
    batches = [slice(k * batch_size, (k + 1) * batch_size) for k in range(steps)]
    masks = draw_masks(model, batch_size, steps)
    runs["keras"] = train_keras(model, optimizer, x, y, batches, masks)
    runs["keras referee"] = train_keras(referee, optimizer, x, y, batches, masks)
    runs["referee"] = train_ours(referee, optimizer, x, y, batches, masks)
    runs["ours"] = train_ours(model, optimizer, x, y, batches)
    logits, grads, states, losses = (
        dict(zip(runs, part, strict=True)) for part in zip(*runs.values(), strict=True)
    )
    noise = biases_before_batch_norm(model)

    def apart(arrays, one, other):
        names = [name for name in arrays["ours"] if name not in noise]
        return {name: relative_difference(arrays[one][name], arrays[other][name]) for name in names}

    return TrainingAgreement(
        f"{make.__name__}, batches of {batch_size}, {optimizer.name}({optimizer.learning_rate:.1g})",
        {who: float(np.abs(logits[who] - logits["referee"]).max()) for who in ("ours", "keras")},
        apart(grads, "ours", "keras"),
        apart(grads, "referee", "keras referee"),
        {name: max(float(np.abs(grads[who][name]).max()) for who in ("ours", "keras")) for name in noise},
        apart(states, "ours", "keras"),
        losses,
        may_part,
    )


def biases_before_batch_norm(model) -> list[str]:
    """Names of biases that the next layer's mean takes away again: their gradient is 0 plus rounding."""
    pairs = zip(model.layers, model.layers[1:], strict=False)
    return [
        f"{index}/bias"
        for index, (layer, after) in enumerate(pairs)
        if "bias" in layer.params and isinstance(after, nn.BatchNormalization)
    ]
