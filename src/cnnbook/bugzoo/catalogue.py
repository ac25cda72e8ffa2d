"""The Bug Zoo's catalogue: each animal, its healthy relative, and what tells them apart."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from cnnbook import bugzoo
from cnnbook.bugzoo import normalization, properties
from cnnbook.gradcheck import check_layer, check_loss
from cnnbook.nn import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Flatten,
    GlorotUniform,
    GroupNormalization,
    LayerNormalization,
    LeakyReLU,
    MaxPooling2D,
    RandomNormal,
    ReLU,
    Residual,
    Sigmoid,
    SoftmaxCrossEntropy,
    macro_f1,
)
from cnnbook.shapes import output_size


@dataclass(frozen=True)
class Bug:
    """One animal: the wrong thing, the right thing, and the check that tells them apart.

    check : raises AssertionError for `wrong` and nothing for `right`.
    hint : words of the sentence that `check_layer` or `check_loss` adds, where it recognises the pattern.
    """

    wrong: Any
    right: Any
    check: Callable[[Any], Any]
    hint: str = ""

    @property
    def name(self) -> str:
        """The wrong thing's name."""
        return getattr(self.wrong, "__name__", type(self.wrong).__name__)


IMAGE = (7, 6, 3)
on_images = partial(check_layer, input_shape=IMAGE, rng=0)
on_vectors = partial(check_layer, input_shape=(5,), rng=0)
EVEN = {"filters": 4, "kernel_size": (4, 3), "padding": "same"}
POOL = {"pool_size": 2, "padding": "same"}
TALL = {"filters": 4, "kernel_size": (5, 2), "padding": "same"}

# Settings on which nothing is square, even or equal by accident.
ZOO = [
    Bug(bugzoo.UnrotatedKernel(**EVEN), Conv2D(**EVEN), on_images, "half a turn"),
    Bug(bugzoo.PatchRowsMixedUp(**EVEN), Conv2D(**EVEN), on_images, "right for a batch of 1"),
    Bug(bugzoo.EvenKernelOffByOne(**EVEN), Conv2D(**EVEN), on_images, "by one pixel"),
    Bug(bugzoo.HeightUsedForWidth(**TALL), Conv2D(**TALL), on_images, "height and width"),
    Bug(bugzoo.CropByMinusPad(4, 3), Conv2D(4, 3), on_images, "shape"),
    Bug(bugzoo.BiasPerPixel(4, 3), Conv2D(4, 3), properties.check_shift_equivariance),
    Bug(bugzoo.BiasGradientAveraged(**EVEN), Conv2D(**EVEN), on_images, "constant factor"),
    Bug(bugzoo.TrueConvolution(**EVEN), Conv2D(**EVEN), on_images, "half a turn"),
    Bug(bugzoo.OverlapsOverwritten(4, 3, strides=2), Conv2DTranspose(4, 3, strides=2), on_images),
    Bug(bugzoo.ScalarBias(4), Dense(4), partial(properties.check_bias_per_output, input_shape=(5,))),
    Bug(bugzoo.ReLUOfTheGradient(), ReLU(), on_vectors, "entries are wrong"),
    Bug(bugzoo.LeakyForwardOnly(), LeakyReLU(), on_vectors, "dropped on the way back"),
    Bug(bugzoo.SigmoidSlopeOfInput(), Sigmoid(), on_vectors),
    Bug(bugzoo.FlattenByColumns(), Flatten(), on_images, "wrong order"),
    Bug(bugzoo.DropoutNotScaled(0.5), Dropout(0.5), properties.check_expectation),
    Bug(bugzoo.DropoutTwoMasks(0.5), Dropout(0.5), on_images, "entries are wrong"),
    Bug(bugzoo.EveryTieWins(2), MaxPooling2D(2), properties.check_gradient_is_conserved),
    Bug(
        bugzoo.ZeroPaddingWins(2, padding="same"),
        MaxPooling2D(2, padding="same"),
        properties.check_padding_never_wins,
    ),
    Bug(bugzoo.AverageNotShared(2), AveragePooling2D(2), on_images, "constant factor"),
    Bug(bugzoo.MeanPathForgotten(), BatchNormalization(), on_images, "mean over the batch"),
    Bug(bugzoo.VariancePathForgotten(), BatchNormalization(), on_images, "grows with"),
    Bug(
        bugzoo.BatchStatisticsAtInference(),
        BatchNormalization(),
        partial(properties.check_inference_is_independent, input_shape=IMAGE),
    ),
    Bug(
        bugzoo.FrozenButDrifting(),
        BatchNormalization(),
        partial(properties.check_frozen_stays_frozen, input_shape=IMAGE),
    ),
    Bug(bugzoo.StatisticsAsConstants(), LayerNormalization(), on_images),
    Bug(bugzoo.GroupsOfRows(3), GroupNormalization(3), normalization.check_groups_are_channels),
    Bug(bugzoo.ShortcutForgotten([Dense(5)]), Residual([Dense(5)]), on_vectors),
    Bug(bugzoo.NoMaxShift(), SoftmaxCrossEntropy(), properties.check_large_logits),
    Bug(bugzoo.TwoSidedLoss(), SoftmaxCrossEntropy(), check_loss),
    Bug(bugzoo.SumForMean(), SoftmaxCrossEntropy(), check_loss, "batch size"),
    Bug(RandomNormal(stddev=1.0), GlorotUniform(), properties.check_spread),
    Bug(bugzoo.NormalOverWindowArea(), GlorotUniform(), properties.check_spread),
    Bug(bugzoo.OneFilterForAll(), GlorotUniform(), properties.check_filters_differ),
    Bug(
        bugzoo.output_size_as_printed,
        lambda n, k, s, p: output_size(n, k, s, padding=p),
        properties.check_output_size,
    ),
    Bug(bugzoo.macro_f1_of_the_predicted, macro_f1, properties.check_macro_f1),
]


def missed_by(bug: Bug) -> dict[str, bool]:
    """Which careless versions of `check_layer` would have let this layer pass.

    Parameters
    ----------
    bug : an animal whose check is `check_layer`.

    Returns
    -------
    {"all-ones upstream": ..., "batch of 1": ..., "square and odd": ...} : True where the bug stays invisible.

    Examples
    --------
    >>> mixed_up = next(bug for bug in ZOO if bug.name == "PatchRowsMixedUp")
    >>> missed_by(mixed_up)
    {'all-ones upstream': True, 'batch of 1': True, 'square and odd': False}
    """
    square = bug.wrong if not hasattr(bug.wrong, "kernel_size") else replace(bug.wrong, kernel_size=3)
    shape = {} if bug.check is on_vectors else {"input_shape": (7, 7, 1)}
    check = partial(bug.check, hint=False)
    return {
        "all-ones upstream": passes(partial(check, upstream=np.ones), bug.wrong),
        "batch of 1": passes(partial(check, batch_size=1), bug.wrong),
        "square and odd": passes(partial(check, **shape), square),
    }


def passes(check: Callable[[Any], Any], thing: Any) -> bool:
    """True when `check(thing)` raises no AssertionError.

    >>> passes(check_loss, SoftmaxCrossEntropy()), passes(check_loss, bugzoo.SumForMean())
    (True, False)
    """
    try:
        check(thing)
    except AssertionError:
        return False
    return True
