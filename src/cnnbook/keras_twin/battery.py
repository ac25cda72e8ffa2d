"""The table of cases: every layer, every setting that tells something. A new layer joins by one row.

Telling means that a mix-up shows: H != W, K_h != K_w, s_h != s_w, C != F, even kernels, strides that do not
divide, windows that overlap, dilation, groups, ties, frozen and inference passes.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cnnbook import nn
from cnnbook.keras_twin.ledger import Agreement, compare
from cnnbook.nn.layer import Layer


def grid(*options: dict, **choices) -> list[dict]:
    """Every combination of the choices, each with every one of the options.

    >>> grid({}, {"padding": "same"}, pool_size=[2, 3])[1]
    {'pool_size': 2, 'padding': 'same'}
    """
    combinations = (
        dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())
    )
    return [base | option for base in combinations for option in options or ({},)]


def single(value: float) -> float:
    """The nearest number that float32 holds. Keras rounds some constants so even where it computes in float64."""
    return float(np.float32(value))


SAME = {"padding": "same"}
STEPS = [{"strides": (2, 3)}, {"strides": 3, **SAME}, {"strides": (2, 1), **SAME}]
DILATED = [{"dilation_rate": (2, 1)}, {"dilation_rate": (1, 3), **SAME}]
NO_BIAS = {"use_bias": False}
GROUPED = [{"groups": 2}, {"groups": 2, "strides": 2, **SAME}]
BOTH = [{"strides": (2, 1), "dilation_rate": (1, 2)}, {"strides": 2, "dilation_rate": (2, 3), **SAME}]
IMAGE, VECTOR = (9, 13, 4), (7,)
POOLS = [{}, SAME, {"strides": 1}, {"strides": (2, 1)}, {"strides": (3, 2)}, {"strides": (1, 3), **SAME}]
NORMS = [{}, {"momentum": 0.5, "epsilon": 1e-5}, {"center": False}, {"scale": False}, {"center": False, "scale": False}]
MODES = ["training", "inference", "frozen"]

# layer, its settings, input shapes, kinds of input (see ledger.INPUTS), modes, batch size
ROWS = [
    (nn.Dense, grid({}, NO_BIAS, units=[5, 1]), [VECTOR, (300,)], ["normal"], MODES[:2], 3),
    (nn.Dense, grid(units=[10]), [(784,)], ["normal"], MODES[:1], 64),
    (
        nn.Conv2D,
        grid({}, SAME, *STEPS, *DILATED, NO_BIAS, *BOTH, filters=[6], kernel_size=[(3, 2), (2, 3), (4, 4), (1, 1), (1, 5)]),
        [IMAGE], ["normal"], MODES[:1], 3,
    ),
    (nn.Conv2D, grid(*GROUPED, filters=[6], kernel_size=[(3, 2), (2, 4)]), [IMAGE], ["normal"], MODES[:1], 3),
    (nn.Conv2D, grid({**SAME, "strides": (2, 3)}, filters=[3], kernel_size=[(3, 2)]), [(1, 1, 2), (5, 1, 1), (2, 7, 5)], ["normal"], MODES[:1], 2),
    (nn.Conv2D, grid(SAME, filters=[16], kernel_size=[3, 5]), [(28, 28, 1), (14, 12, 16)], ["normal"], MODES[:1], 16),
    (nn.Conv2D, grid(SAME, filters=[64], kernel_size=[3]), [(8, 9, 64)], ["normal"], MODES[:1], 4),
    (
        nn.DepthwiseConv2D,
        grid({}, SAME, *STEPS, *DILATED, NO_BIAS, {"depth_multiplier": 2}, {"depth_multiplier": 3, "strides": 2, **SAME}, BOTH[1], kernel_size=[(3, 2), (2, 4)]),
        [IMAGE], ["normal"], MODES[:1], 3,
    ),
    (nn.ZeroPadding2D, grid(padding=[0, 1, (2, 0), ((0, 1), (2, 0)), ((3, 0), (0, 0))]), [(5, 4, 3)], ["normal"], MODES[:1], 3),
    (nn.MaxPooling2D, grid(*POOLS, pool_size=[2, 3, (3, 2), (1, 4)]), [(9, 14, 3)], ["normal"], MODES[:1], 3),
    (nn.MaxPooling2D, grid(*POOLS, pool_size=[2, (3, 2)]), [(7, 8, 2)], ["ties"], MODES[:1], 3),
    (nn.AveragePooling2D, grid(*POOLS, pool_size=[2, 3, (3, 2), (1, 4)]), [(9, 14, 3)], ["normal"], MODES[:1], 3),
    (nn.GlobalAveragePooling2D, grid(), [(5, 4, 3), (28, 27, 2), (1, 1, 4)], ["normal"], MODES[:1], 3),
    (nn.ReLU, grid(), [VECTOR, (5, 4, 3)], ["normal", "ties"], MODES[:1], 3),
    (nn.LeakyReLU, grid(negative_slope=[0, 0.25, single(0.3)]), [VECTOR, (5, 4, 3)], ["normal", "ties"], MODES[:1], 3),
    (nn.Sigmoid, grid(), [VECTOR, (5, 4, 3)], ["normal", "far"], MODES[:1], 3),
    (nn.Tanh, grid(), [VECTOR, (5, 4, 3)], ["normal", "far"], MODES[:1], 3),
    (nn.Softmax, grid(), [VECTOR, (5, 4, 3)], ["normal", "far", "ties"], MODES[:1], 3),
    (nn.BatchNormalization, grid(*NORMS), [VECTOR, (6, 5, 3)], ["normal"], MODES, 4),
    (nn.BatchNormalization, grid(), [VECTOR, (6, 5, 3)], ["off centre"], MODES[:1], 16),
    (nn.Dropout, grid(rate=[0, 0.5]), [VECTOR, (5, 4, 3)], ["normal"], MODES[1:2], 3),
    (nn.Dropout, grid(rate=[0]), [VECTOR, (5, 4, 3)], ["normal"], MODES[:1], 3),
    (nn.Flatten, grid(), [VECTOR, (5, 4, 3)], ["normal"], MODES[:1], 3),
    (nn.Rescaling, [{"scale": single(1 / 255)}, {"scale": 1 / 128, "offset": -1.0}], [VECTOR, (5, 4, 3)], ["normal", "pixels"], MODES[:1], 3),
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One line of the ledger: a layer with its settings, an input, and how it is run."""

    kind: type
    settings: dict
    shape: tuple
    x: str
    mode: str
    batch_size: int

    @property
    def family(self) -> str:
        """The layer's class name."""
        return self.kind.__name__

    @property
    def label(self) -> str:
        """Everything that distinguishes this case from the others of its family, in one line."""
        told = [f"{name}={value}" for name, value in self.settings.items()]
        told += [self.x] * (self.x != "normal") + [self.mode] * (self.mode != "training")
        return ", ".join([*told, f"x {(self.batch_size, *self.shape)}"])

    def layer(self) -> Layer:
        """The layer, not yet built."""
        return self.kind(**self.settings, trainable=self.mode != "frozen")

    def run(self) -> Agreement:
        """Compare with Keras; the seed is the same in every run."""
        training = self.mode != "inference"
        return compare(self.layer(), self.shape, batch_size=self.batch_size, x=self.x, training=training)


def cases() -> Iterator[Case]:
    """Every case of the table, in order.

    >>> sum(1 for _ in cases()) >= 150
    True
    """
    for kind, settings, shapes, inputs, modes, batch_size in ROWS:
        for setting, shape, x, mode in itertools.product(settings, shapes, inputs, modes):
            yield Case(kind, setting, shape, x, mode, batch_size)
