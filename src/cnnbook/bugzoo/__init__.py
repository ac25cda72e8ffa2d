"""The Bug Zoo: named wrong layers, losses, initializers and metrics, a few lines away from the right ones.

Every animal was found in the wild, most of them in published teaching code. Almost none raises an error, most
of them train, some of them train well. `cnnbook.bugzoo.catalogue` sets each beside the right thing and
the check that tells the two apart.

>>> from cnnbook import bugzoo
>>> print(bugzoo.UnrotatedKernel.__doc__)
Sends gradients back through the kernel as it is, without the half turn.
"""

from cnnbook.bugzoo.convolutions import (
    BiasGradientAveraged,
    BiasPerPixel,
    CropByMinusPad,
    EvenKernelOffByOne,
    HeightUsedForWidth,
    OverlapsOverwritten,
    PatchRowsMixedUp,
    TrueConvolution,
    UnrotatedKernel,
)
from cnnbook.bugzoo.functions import (
    NoMaxShift,
    NormalOverWindowArea,
    OneFilterForAll,
    SumForMean,
    TwoSidedLoss,
    macro_f1_of_the_predicted,
    output_size_as_printed,
)
from cnnbook.bugzoo.normalization import (
    BatchStatisticsAtInference,
    FrozenButDrifting,
    GroupsOfRows,
    MeanPathForgotten,
    StatisticsAsConstants,
    VariancePathForgotten,
)
from cnnbook.bugzoo.pooling import AverageNotShared, EveryTieWins, ZeroPaddingWins
from cnnbook.bugzoo.trial import remembered
from cnnbook.bugzoo.units import (
    DropoutNotScaled,
    DropoutTwoMasks,
    FlattenByColumns,
    LeakyForwardOnly,
    ReLUOfTheGradient,
    ScalarBias,
    ShortcutForgotten,
    SigmoidSlopeOfInput,
)

__all__ = [
    "AverageNotShared", "BatchStatisticsAtInference", "BiasGradientAveraged", "BiasPerPixel",
    "CropByMinusPad", "DropoutNotScaled", "DropoutTwoMasks", "EvenKernelOffByOne", "EveryTieWins",
    "FlattenByColumns", "FrozenButDrifting", "GroupsOfRows", "HeightUsedForWidth", "LeakyForwardOnly",
    "MeanPathForgotten", "NoMaxShift", "NormalOverWindowArea", "OneFilterForAll", "OverlapsOverwritten",
    "PatchRowsMixedUp", "ReLUOfTheGradient", "ScalarBias", "ShortcutForgotten", "SigmoidSlopeOfInput",
    "StatisticsAsConstants", "SumForMean", "TrueConvolution", "TwoSidedLoss", "UnrotatedKernel",
    "VariancePathForgotten", "ZeroPaddingWins", "macro_f1_of_the_predicted", "output_size_as_printed",
    "remembered",
]  # fmt: skip
