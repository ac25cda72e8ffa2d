"""The table of cases: every layer, every setting that tells something. A new layer joins by one line.

Telling means that a mix-up shows: H != W, K_h != K_w, s_h != s_w, C != F, even kernels, strides that do not
divide, windows that overlap, dilation, groups, ties, frozen and inference passes.
"""

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cnnbook import nn
from cnnbook.keras_twin.agreement import Agreement, compare
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
    """The nearest number that float32 holds. Keras rounds some constants to it even in float64 layers."""
    return float(np.float32(value))


@dataclass(frozen=True)
class LayerCases:
    """A layer and all its settings, each to be tried on every input shape, kind of input and mode."""

    kind: type
    settings: list[dict]
    shapes: list[tuple]
    inputs: tuple = ("normal",)
    modes: tuple = ("training",)
    batch_size: int = 3


SAME, NO_BIAS = {"padding": "same"}, {"use_bias": False}
STEPS = [{"strides": (2, 3)}, {"strides": 3, **SAME}, {"strides": (2, 1), **SAME}]
DILATED = [{"dilation_rate": (2, 1)}, {"dilation_rate": (1, 3), **SAME}]
GROUPED = [{"groups": 2}, {"groups": 2, "strides": 2, **SAME}]
BOTH = [{"strides": (2, 1), "dilation_rate": (1, 2)}, {"strides": 2, "dilation_rate": (2, 3), **SAME}]
CONVS = [{}, SAME, *STEPS, *DILATED, NO_BIAS]
DEEP = [*CONVS, BOTH[1], {"depth_multiplier": 2}, {"depth_multiplier": 3, "strides": 2, **SAME}]
TURNED = [{}, SAME, {"strides": 2}, {"strides": (2, 3)}, {"strides": (3, 1), **SAME}, NO_BIAS]
# None smaller than its stride: with 1x1 and strides of (2, 3), TensorFlow 2.21 with oneDNN mostly crashes.
LARGE = [(3, 4), (4, 3), (5, 5)]
KERNELS = [(3, 2), (2, 3), (4, 4), (1, 1), (1, 5)]
POOLS = [{}, SAME, {"strides": 1}, {"strides": (2, 1)}, {"strides": (3, 2)}, {"strides": (1, 3), **SAME}]
WINDOWS = [2, 3, (3, 2), (1, 4)]
NORMS = [{}, {"momentum": 0.5, "epsilon": 1e-5}, {"center": False}, {"scale": False}]
WITHIN = [{}, {"epsilon": 1e-5}, {"center": False, "scale": False}]
FRAMES = [0, 1, (2, 0), ((0, 1), (2, 0)), ((3, 0), (0, 0))]
SCALES = [{"scale": single(1 / 255)}, {"scale": 1 / 128, "offset": -1.0}]
BLOCKS = [
    # A bias right before batch norm has the gradient 0, which no relative difference can judge.
    {"layers": [nn.Conv2D(3, (2, 3), **SAME, **NO_BIAS), nn.BatchNormalization(), nn.ReLU()]},
    {"layers": [nn.ReLU(), nn.Conv2D(4, 3, strides=2, **SAME)], "shortcut": [nn.Conv2D(4, 1, strides=2)]},
    {"layers": [nn.BatchNormalization(), nn.Tanh()], "shortcut": [nn.BatchNormalization(momentum=0.5)]},
]
VECTOR, IMAGE, SMALL = (7,), (9, 13, 4), (5, 4, 3)
TINY = [(1, 1, 2), (5, 1, 1), (2, 7, 5)]
BOTH_RANKS = [VECTOR, SMALL]

LAYERS = [
    LayerCases(nn.Dense, grid({}, NO_BIAS, units=[5, 1]), [VECTOR, (300,)], modes=("training", "inference")),
    LayerCases(nn.Dense, grid(units=[10]), [(784,)], batch_size=64),
    LayerCases(nn.Conv2D, grid(*CONVS, *BOTH, filters=[6], kernel_size=KERNELS), [IMAGE]),
    LayerCases(nn.Conv2D, grid(*GROUPED, filters=[6], kernel_size=[(3, 2), (2, 4)]), [IMAGE]),
    LayerCases(nn.Conv2D, grid({"strides": (2, 3), **SAME}, filters=[3], kernel_size=[(3, 2)]), TINY),
    LayerCases(
        nn.Conv2D, grid(SAME, filters=[16], kernel_size=[3, 5]), [(28, 28, 1), (14, 12, 16)], batch_size=16
    ),
    LayerCases(nn.Conv2D, grid(SAME, filters=[64], kernel_size=[3]), [(8, 9, 64)]),
    LayerCases(nn.DepthwiseConv2D, grid(*DEEP, kernel_size=[(3, 2), (2, 4)]), [IMAGE]),
    LayerCases(nn.SeparableConv2D, grid(*DEEP, filters=[6], kernel_size=[(3, 2)]), [IMAGE]),
    LayerCases(nn.Conv2DTranspose, grid(*TURNED, filters=[6], kernel_size=LARGE), [(5, 7, 4)]),
    LayerCases(
        nn.Conv2DTranspose, grid({"strides": (2, 3), **SAME}, filters=[3], kernel_size=[(3, 4)]), TINY
    ),
    LayerCases(nn.UpSampling2D, grid(size=[2, (1, 3), (3, 2)]), [SMALL]),
    LayerCases(nn.ZeroPadding2D, grid(padding=FRAMES), [SMALL]),
    LayerCases(nn.ReflectionPadding2D, grid(padding=FRAMES), [SMALL]),
    LayerCases(nn.ReplicationPadding2D, grid(padding=[*FRAMES, 7]), [SMALL]),
    LayerCases(nn.MaxPooling2D, grid(*POOLS, pool_size=WINDOWS), [(9, 14, 3)]),
    LayerCases(nn.MaxPooling2D, grid(*POOLS, pool_size=WINDOWS[1:3]), [(7, 8, 2)], inputs=("ties",)),
    LayerCases(nn.AveragePooling2D, grid(*POOLS, pool_size=WINDOWS), [(9, 14, 3)]),
    LayerCases(nn.GlobalAveragePooling2D, grid(), [SMALL, (28, 27, 2), (1, 1, 4)]),
    LayerCases(nn.ReLU, grid(), BOTH_RANKS, inputs=("normal", "ties")),
    LayerCases(
        nn.LeakyReLU, grid(negative_slope=[0, 0.25, single(0.3)]), BOTH_RANKS, inputs=("normal", "ties")
    ),
    LayerCases(nn.Sigmoid, grid(), BOTH_RANKS, inputs=("normal", "far")),
    LayerCases(nn.Tanh, grid(), BOTH_RANKS, inputs=("normal", "far")),
    LayerCases(nn.Softmax, grid(), BOTH_RANKS, inputs=("normal", "far", "ties")),
    LayerCases(nn.BatchNormalization, grid(*NORMS), BOTH_RANKS, modes=("training", "inference", "frozen")),
    LayerCases(nn.BatchNormalization, grid(center=[False], scale=[False]), BOTH_RANKS),
    LayerCases(nn.BatchNormalization, grid(), BOTH_RANKS, inputs=("off centre",), batch_size=16),
    LayerCases(nn.LayerNormalization, grid(*WITHIN), BOTH_RANKS),
    # Not -1 on vectors: a group of one number is 0 plus rounding, which no relative difference can judge.
    LayerCases(nn.GroupNormalization, grid(*WITHIN, groups=[1, 2]), [(6,)]),
    LayerCases(nn.GroupNormalization, grid(*WITHIN, groups=[1, 2, -1]), [(5, 3, 4)]),
    LayerCases(nn.GroupNormalization, grid(), [(7, 8, 64)]),
    LayerCases(nn.Residual, BLOCKS, [(5, 4, 3)], modes=("training", "inference", "frozen")),
    LayerCases(nn.Dropout, grid(rate=[0, 0.5]), BOTH_RANKS, modes=("inference",)),
    LayerCases(nn.Dropout, grid(rate=[0]), BOTH_RANKS),
    LayerCases(nn.Flatten, grid(), BOTH_RANKS),
    LayerCases(nn.Rescaling, SCALES, BOTH_RANKS, inputs=("normal", "pixels")),
]


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
        return self.kind(**copy.deepcopy(self.settings), trainable=self.mode != "frozen")

    def run(self) -> Agreement:
        """Compare with Keras; the seed is the same in every run."""
        training = self.mode != "inference"
        return compare(self.layer(), self.shape, batch_size=self.batch_size, x=self.x, training=training)


def cases() -> Iterator[Case]:
    """Every case of the table, in order.

    >>> sum(1 for _ in cases()) >= 150
    True
    """
    for layer in LAYERS:
        for setting, shape, x, mode in itertools.product(
            layer.settings, layer.shapes, layer.inputs, layer.modes
        ):
            yield Case(layer.kind, setting, shape, x, mode, layer.batch_size)
