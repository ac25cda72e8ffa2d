"""Assignment 10: the student's test is asked about wrong layers and as many right ones, which stay here."""

from dataclasses import dataclass

import numpy as np

from cnnbook import bugzoo, nn
from cnnbook.coursework.expect import Wrong, guarded, kind_of, numbers, points, require
from cnnbook.coursework.trouble import StudentError

NEUTRAL = "The function needs arrays of the task's shapes: see the task."
LARGEST_BATCH = 64
TOGETHER = 27  # questions to one process, then a fresh one


@dataclass
class Case:
    """A wrong layer and the right one it comes from.

    draw : makes (the settings of both, the shape of one example). times : how often each of the two is asked.
    """

    kind: str
    wrong: type
    right: type
    draw: object
    times: int


def pick(rng, *choices):
    return int(rng.choice(choices))


def image(rng):
    return pick(rng, 6, 7, 8), pick(rng, 5, 6), pick(rng, 2, 3)


def even(rng):
    size = pick(rng, 2, 4), pick(rng, 2, 3)
    return {"filters": pick(rng, 2, 3, 4), "kernel_size": size, "padding": "same"}, image(rng)


def tall(rng):
    size = 5, pick(rng, 2, 3)
    return {"filters": pick(rng, 2, 3, 4), "kernel_size": size, "padding": "same"}, image(rng)


def vector(rng):
    return {}, (pick(rng, 4, 5, 6, 7, 8),)


def small(rng):
    return {}, (pick(rng, 3, 4, 5), pick(rng, 3, 4), pick(rng, 2, 3))


def pool(rng):
    return {"pool_size": 2}, (pick(rng, 4, 6), pick(rng, 2, 4), pick(rng, 1, 2, 3))


def padded_pool(rng):
    return {"pool_size": 2, "padding": "same"}, (pick(rng, 3, 5, 7), pick(rng, 2, 4), pick(rng, 1, 2, 3))


# A wrong layer counts as found if sound rejects it each of t times and accepts all R right layers of its
# kind; there are as many right ones as wrong. Who says True with probability p, whatever is asked, finds it
# with probability p^R (1 - p)^t. A coin, p = 1/2, expects 0.02 points of the 17.
CASES = {
    "unrotated": Case("convolution", bugzoo.UnrotatedKernel, nn.Conv2D, even, 2),
    "rows": Case("convolution", bugzoo.PatchRowsMixedUp, nn.Conv2D, even, 2),
    "even": Case("convolution", bugzoo.EvenKernelOffByOne, nn.Conv2D, even, 2),
    "height": Case("convolution", bugzoo.HeightUsedForWidth, nn.Conv2D, tall, 2),
    "bias": Case("convolution", bugzoo.BiasGradientAveraged, nn.Conv2D, even, 2),
    "true": Case("convolution", bugzoo.TrueConvolution, nn.Conv2D, even, 2),
    "relu": Case("activation", bugzoo.ReLUOfTheGradient, nn.ReLU, vector, 3),
    "leaky": Case("activation", bugzoo.LeakyForwardOnly, nn.LeakyReLU, vector, 3),
    "flatten": Case("flatten", bugzoo.FlattenByColumns, nn.Flatten, small, 4),
    "ties": Case("max pooling", bugzoo.EveryTieWins, nn.MaxPooling2D, pool, 3),
    "zeros": Case("max pooling", bugzoo.ZeroPaddingWins, nn.MaxPooling2D, padded_pool, 3),
    "average": Case("average pooling", bugzoo.AverageNotShared, nn.AveragePooling2D, pool, 4),
    "mean": Case("batch norm", bugzoo.MeanPathForgotten, nn.BatchNormalization, small, 3),
    "variance": Case("batch norm", bugzoo.VariancePathForgotten, nn.BatchNormalization, small, 2),
    "use": Case("batch norm", bugzoo.BatchStatisticsAtInference, nn.BatchNormalization, small, 3),
}


class Functions:
    """A layer as the functions that a student's test is handed; every call starts from the same state."""

    def __init__(self, layer, input_shape, rng):
        self.layer, self.input_shape = layer, tuple(input_shape)
        self.output_shape = tuple(layer.build(input_shape, rng, np.float64))
        self.params = {name: rng.normal(size=value.shape) for name, value in layer.params.items()}
        if layer.state:  # as after some training
            layer.state["moving_mean"] += rng.normal(size=input_shape[-1])
        self.state = {name: value.copy() for name, value in layer.state.items()}

    def prepare(self, x, params):
        """Check the arguments before anything is computed, and put the layer into its state."""
        fits = numbers(x) and x.shape[1:] == self.input_shape and 1 <= len(x) <= LARGEST_BATCH
        fits = fits and isinstance(params, dict) and set(params) == set(self.params)
        fits = fits and all(
            numbers(params[name]) and params[name].shape == value.shape for name, value in self.params.items()
        )
        if not fits:
            raise ValueError(NEUTRAL)
        self.layer.params = {name: np.array(params[name], float) for name in self.params}
        self.layer.state = {name: value.copy() for name, value in self.state.items()}
        return np.array(x, float)

    def forward(self, x, params, training):
        x = self.prepare(x, params)
        if not isinstance(training, bool | np.bool_):
            raise ValueError(NEUTRAL)
        with np.errstate(all="ignore"):
            return np.array(self.layer.forward(x, training=bool(training)))

    def backward(self, dout, x, params):
        x = self.prepare(x, params)
        if not numbers(dout) or dout.shape != (len(x), *self.output_shape):
            raise ValueError(NEUTRAL)
        with np.errstate(all="ignore"):
            self.layer.forward(x, training=True)
            dx = self.layer.backward(np.array(dout, float))
        return np.array(dx), {name: np.array(self.layer.grads[name]) for name in self.params}


def verdict(student, rng, case, wrong):
    """True or False as `sound` says, or the error that stands for it."""
    settings, input_shape = case.draw(rng)
    functions = Functions((case.wrong if wrong else case.right)(**settings), input_shape, rng)
    forward, backward = guarded(functions.forward, NEUTRAL), guarded(functions.backward, NEUTRAL)
    try:
        answer = student.sound(case.kind, forward, backward, functions.params, input_shape)
    except StudentError as error:
        return error
    if isinstance(answer, bool | np.bool_):
        return bool(answer)
    return Wrong("type", f"sound must return True or False. Yours is {kind_of(answer)}.")


def verdicts(student, rng):
    """What sound says to every question, in a random order: {(case, wrong): [answers]}."""
    if "verdicts" not in student.memory:
        found = student.memory["verdicts"] = {}
        questions = [
            (name, wrong) for name, c in CASES.items() for wrong in (True, False) for _ in range(c.times)
        ]
        for count, number in enumerate(rng.permutation(len(questions))):
            if count % TOGETHER == 0:
                student.fresh()
            name, wrong = questions[number]
            found.setdefault((name, wrong), []).append(verdict(student, rng, CASES[name], wrong))
    return student.memory["verdicts"]


def caught(student, rng, name):
    """The wrong layer is rejected every time, and every right layer of its kind is accepted."""
    answers, kind = verdicts(student, rng), CASES[name].kind
    right = [a for other, case in CASES.items() if case.kind == kind for a in answers[other, False]]
    for answer in right + answers[name, True]:
        if isinstance(answer, Exception):
            raise answer
    require(all(right), "accused", f"sound rejects a right {kind} layer")
    require(not any(answers[name, True]), "missed", f"sound accepts a wrong {kind} layer")


@points(1, "convolution", visible=True)
def test_unrotated_kernel(student, rng):
    """Found: a convolution that sends gradients back through the kernel as it is."""
    caught(student, rng, "unrotated")


@points(1, "convolution")
def test_patch_rows(student, rng):
    """Found: a convolution that pairs patches with the gradients of other examples."""
    caught(student, rng, "rows")


@points(1, "convolution")
def test_even_kernel(student, rng):
    """Found: a convolution that cuts its padding off one pixel too far for even kernels."""
    caught(student, rng, "even")


@points(1, "convolution")
def test_height_for_width(student, rng):
    """Found: a convolution that uses the height's padding for the width."""
    caught(student, rng, "height")


@points(1, "convolution")
def test_bias_gradient(student, rng):
    """Found: a convolution that averages the bias gradient."""
    caught(student, rng, "bias")


@points(1, "convolution")
def test_true_convolution(student, rng):
    """Found: a convolution that turns the kernel forward and not backward."""
    caught(student, rng, "true")


@points(1, "activations")
def test_relu(student, rng):
    """Found: a ReLU that asks the gradient for its sign."""
    caught(student, rng, "relu")


@points(1, "activations")
def test_leaky(student, rng):
    """Found: a leaky ReLU that leaks forward only."""
    caught(student, rng, "leaky")


@points(1, "reshaping")
def test_flatten(student, rng):
    """Found: a flatten layer that unflattens in another order."""
    caught(student, rng, "flatten")


@points(2, "pooling")
def test_ties(student, rng):
    """Found: a max pooling that pays every tied pixel in full."""
    caught(student, rng, "ties")


@points(1, "pooling")
def test_zero_padding(student, rng):
    """Found: a max pooling whose padding wins against negative numbers."""
    caught(student, rng, "zeros")


@points(1, "pooling")
def test_average(student, rng):
    """Found: an average pooling that hands every pixel the whole gradient."""
    caught(student, rng, "average")


@points(1, "batch norm")
def test_mean_path(student, rng):
    """Found: a batch norm that takes the batch's mean for a constant on the way back."""
    caught(student, rng, "mean")


@points(1, "batch norm")
def test_variance_path(student, rng):
    """Found: a batch norm that takes the batch's variance for a constant on the way back."""
    caught(student, rng, "variance")


@points(2, "batch norm")
def test_statistics_in_use(student, rng):
    """Found: a batch norm that uses the batch's statistics in use."""
    caught(student, rng, "use")
