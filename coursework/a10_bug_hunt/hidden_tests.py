"""Assignment 10: the student's test before each wrong layer and its relative; the layers stay here."""

import copy
import zlib

import numpy as np

from cnnbook import bugzoo, nn
from cnnbook.coursework.expect import points, require

IMAGE, VECTOR = (7, 6, 3), (5,)
EVEN = {"filters": 4, "kernel_size": (4, 3), "padding": "same"}
TALL = {"filters": 4, "kernel_size": (5, 2), "padding": "same"}
POOL = {"pool_size": 2, "padding": "same"}


class Functions:
    """A layer as the functions that a student's test is handed; every call starts from the same state."""

    def __init__(self, layer, input_shape, seed):
        self.layer, rng = layer, np.random.default_rng(seed)
        layer.build(input_shape, rng, np.float64)
        self.params = {name: rng.normal(size=value.shape) for name, value in layer.params.items()}
        if layer.state:  # as after some training
            layer.state["moving_mean"] += rng.normal(size=input_shape[-1])

    def prepared(self, params):
        layer = copy.deepcopy(self.layer)
        layer.params.update({name: np.asarray(params[name], float) for name in layer.params})
        return layer

    def forward(self, x, params, training):
        return self.prepared(params).forward(np.array(x, float), training=bool(training))

    def backward(self, dout, x, params):
        layer = self.prepared(params)
        layer.forward(np.array(x, float), training=True)
        return layer.backward(np.array(dout, float)), dict(layer.grads)


def verdict(student, kind, layer, input_shape, seed):
    functions = Functions(layer, input_shape, seed)
    answer = student.sound(kind, functions.forward, functions.backward, functions.params, input_shape)
    require(
        isinstance(answer, bool | np.bool_),
        "type",
        f"sound must return True or False. Yours is {answer!r:.40}.",
    )
    return bool(answer)


def caught(student, rng, kind, wrong, right, input_shape=IMAGE):
    """The wrong layer is rejected and the right one accepted, with the same parameters."""
    seed = zlib.crc32(type(wrong).__name__.encode()) + int(rng.integers(1000))
    require(
        verdict(student, kind, right, input_shape, seed), "accused", f"sound rejects a right {kind} layer"
    )
    require(
        not verdict(student, kind, wrong, input_shape, seed), "missed", f"sound accepts a wrong {kind} layer"
    )


@points(1, "convolution", visible=True)
def test_unrotated_kernel(student, rng):
    """Found: a convolution that sends gradients back through the kernel as it is."""
    caught(student, rng, "convolution", bugzoo.UnrotatedKernel(**EVEN), nn.Conv2D(**EVEN))


@points(1, "convolution")
def test_patch_rows(student, rng):
    """Found: a convolution that pairs patches with the gradients of other examples."""
    caught(student, rng, "convolution", bugzoo.PatchRowsMixedUp(**EVEN), nn.Conv2D(**EVEN))


@points(1, "convolution")
def test_even_kernel(student, rng):
    """Found: a convolution that cuts its padding off one pixel too far for even kernels."""
    caught(student, rng, "convolution", bugzoo.EvenKernelOffByOne(**EVEN), nn.Conv2D(**EVEN))


@points(1, "convolution")
def test_height_for_width(student, rng):
    """Found: a convolution that uses the height's padding for the width."""
    caught(student, rng, "convolution", bugzoo.HeightUsedForWidth(**TALL), nn.Conv2D(**TALL))


@points(1, "convolution")
def test_bias_gradient(student, rng):
    """Found: a convolution that averages the bias gradient."""
    caught(student, rng, "convolution", bugzoo.BiasGradientAveraged(**EVEN), nn.Conv2D(**EVEN))


@points(1, "convolution")
def test_true_convolution(student, rng):
    """Found: a convolution that turns the kernel forward and not backward."""
    caught(student, rng, "convolution", bugzoo.TrueConvolution(**EVEN), nn.Conv2D(**EVEN))


@points(1, "activations")
def test_relu(student, rng):
    """Found: a ReLU that asks the gradient for its sign."""
    caught(student, rng, "activation", bugzoo.ReLUOfTheGradient(), nn.ReLU(), VECTOR)


@points(1, "activations")
def test_leaky(student, rng):
    """Found: a leaky ReLU that leaks forward only."""
    caught(student, rng, "activation", bugzoo.LeakyForwardOnly(), nn.LeakyReLU(), VECTOR)


@points(1, "reshaping")
def test_flatten(student, rng):
    """Found: a flatten layer that unflattens in another order."""
    caught(student, rng, "flatten", bugzoo.FlattenByColumns(), nn.Flatten())


@points(2, "pooling")
def test_ties(student, rng):
    """Found: a max pooling that pays every tied pixel in full."""
    caught(student, rng, "max pooling", bugzoo.EveryTieWins(2), nn.MaxPooling2D(2), (6, 4, 2))


@points(1, "pooling")
def test_zero_padding(student, rng):
    """Found: a max pooling whose padding wins against negative numbers."""
    caught(student, rng, "max pooling", bugzoo.ZeroPaddingWins(**POOL), nn.MaxPooling2D(**POOL), (5, 4, 2))


@points(1, "pooling")
def test_average(student, rng):
    """Found: an average pooling that hands every pixel the whole gradient."""
    caught(student, rng, "average pooling", bugzoo.AverageNotShared(2), nn.AveragePooling2D(2), (6, 4, 2))


@points(1, "batch norm")
def test_mean_path(student, rng):
    """Found: a batch norm that takes the batch's mean for a constant on the way back."""
    caught(student, rng, "batch norm", bugzoo.MeanPathForgotten(), nn.BatchNormalization())


@points(1, "batch norm")
def test_variance_path(student, rng):
    """Found: a batch norm that takes the batch's variance for a constant on the way back."""
    caught(student, rng, "batch norm", bugzoo.VariancePathForgotten(), nn.BatchNormalization())


@points(2, "batch norm")
def test_statistics_in_use(student, rng):
    """Found: a batch norm that uses the batch's statistics in use."""
    caught(student, rng, "batch norm", bugzoo.BatchStatisticsAtInference(), nn.BatchNormalization())
