"""The Bug Zoo's catalogue: each animal of `cnnbook.bugs`, its healthy relative, and what tells them apart."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from cnnbook import bugs, checks
from cnnbook.gradcheck import check_layer, check_loss
from cnnbook.nn import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlorotUniform,
    LeakyReLU,
    MaxPooling2D,
    RandomNormal,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    macro_f1,
)
from cnnbook.shapes import output_size


@dataclass(frozen=True)
class Bug:
    """One animal: the wrong thing, the right thing, and the check that tells them apart.

    check : raises AssertionError for `wrong` and nothing for `right`.
    source : the notebook and row it was found in (S1-5, ...), or "" for a common one.
    hint : words of the sentence that `check_layer` or `check_loss` adds, where it recognises the pattern.
    """

    wrong: Any
    right: Any
    check: Callable[[Any], Any]
    source: str = ""
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
    Bug(bugs.UnrotatedKernel(**EVEN), Conv2D(**EVEN), on_images, "S3-5 (b)", "half a turn"),
    Bug(bugs.PatchRowsMixedUp(**EVEN), Conv2D(**EVEN), on_images, "S3-5 (a)", "right for a batch of 1"),
    Bug(bugs.EvenKernelOffByOne(**EVEN), Conv2D(**EVEN), on_images, "S1-2", "by one pixel"),
    Bug(bugs.HeightUsedForWidth(**TALL), Conv2D(**TALL), on_images, "S3-5 (e)", "height and width"),
    Bug(bugs.CropByMinusPad(4, 3), Conv2D(4, 3), on_images, "", "shape"),
    Bug(bugs.BiasPerPixel(4, 3), Conv2D(4, 3), checks.check_shift_equivariance, "S1-3"),
    Bug(bugs.BiasGradientAveraged(**EVEN), Conv2D(**EVEN), on_images, "", "constant factor"),
    Bug(bugs.TrueConvolution(**EVEN), Conv2D(**EVEN), on_images, "", "half a turn"),
    Bug(bugs.ScalarBias(4), Dense(4), partial(checks.check_bias_per_output, input_shape=(5,)), "S2-2"),
    Bug(bugs.ReLUOfTheGradient(), ReLU(), on_vectors, "", "entries are wrong"),
    Bug(bugs.LeakyForwardOnly(), LeakyReLU(), on_vectors, "", "dropped on the way back"),
    Bug(bugs.SigmoidSlopeOfInput(), Sigmoid(), on_vectors),
    Bug(bugs.FlattenByColumns(), Flatten(), on_images, "", "wrong order"),
    Bug(bugs.DropoutNotScaled(0.5), Dropout(0.5), checks.check_expectation, "S0-9"),
    Bug(bugs.DropoutTwoMasks(0.5), Dropout(0.5), on_images, "", "entries are wrong"),
    Bug(bugs.EveryTieWins(2), MaxPooling2D(2), checks.check_gradient_is_conserved, "S1-5"),
    Bug(
        bugs.ZeroPaddingWins(2, padding="same"),
        MaxPooling2D(2, padding="same"),
        checks.check_padding_never_wins,
    ),
    Bug(bugs.AverageNotShared(2), AveragePooling2D(2), on_images, "", "constant factor"),
    Bug(bugs.MeanPathForgotten(), BatchNormalization(), on_images, "S0-7", "mean over the batch"),
    Bug(bugs.VariancePathForgotten(), BatchNormalization(), on_images, "S0-7", "grows with"),
    Bug(
        bugs.BatchStatisticsAtInference(),
        BatchNormalization(),
        partial(checks.check_inference_is_independent, input_shape=IMAGE),
        "S0-7",
    ),
    Bug(
        bugs.FrozenButDrifting(),
        BatchNormalization(),
        partial(checks.check_frozen_stays_frozen, input_shape=IMAGE),
        "S0-7",
    ),
    Bug(bugs.NoMaxShift(), SoftmaxCrossEntropy(), checks.check_large_logits, "S1-6"),
    Bug(bugs.TwoSidedLoss(), SoftmaxCrossEntropy(), check_loss, "S3-5 (d)"),
    Bug(bugs.SumForMean(), SoftmaxCrossEntropy(), check_loss, "", "batch size"),
    Bug(RandomNormal(stddev=1.0), GlorotUniform(), checks.check_spread, "S3-5 (c)"),
    Bug(bugs.NormalOverWindowArea(), GlorotUniform(), checks.check_spread, "S1-4"),
    Bug(bugs.OneFilterForAll(), GlorotUniform(), checks.check_filters_differ, "S2-6"),
    Bug(
        bugs.output_size_as_printed,
        lambda n, k, s, p: output_size(n, k, s, padding=p),
        checks.check_output_size,
        "S2-4",
    ),
    Bug(bugs.macro_f1_of_the_predicted, macro_f1, checks.check_macro_f1, "S1-8"),
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

    >>> passes(check_loss, SoftmaxCrossEntropy()), passes(check_loss, bugs.SumForMean())
    (True, False)
    """
    try:
        check(thing)
    except AssertionError:
        return False
    return True
