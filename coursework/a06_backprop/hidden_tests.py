"""Assignment 6: the student's gradients against the book's; the student's check of right and wrong ones."""

from dataclasses import dataclass

import numpy as np

from cnnbook.coursework.expect import guarded, kind_of, numbers, parts, points, require, same_gradient
from cnnbook.nn.windows import windowed_input_gradient, windowed_kernel_gradient

NO_PADS = ((0, 0), (0, 0))


def right(dout, x, kernel, strides, pads):
    height, width = x.shape[1:3]
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    dx = windowed_input_gradient(dout, kernel, x.shape[1:3], strides, (1, 1))
    (top, _), (left, _) = pads
    dx = dx[:, top : top + height, left : left + width]
    return dx, windowed_kernel_gradient(x, dout, kernel.shape[:2], strides, (1, 1)), dout.sum(axis=(0, 1, 2))


def compare(student, rng, x_shape, kernel_shape, strides=(1, 1), pads=NO_PADS, which=(0, 1, 2)):
    x, kernel = rng.normal(size=x_shape), rng.normal(size=kernel_shape)
    sizes = [(x_shape[a] + sum(pads[a - 1]) - kernel_shape[a - 1]) // strides[a - 1] + 1 for a in (1, 2)]
    dout = rng.normal(size=(x_shape[0], *sizes, kernel_shape[3]))
    answer = parts(student.conv2d_backward(dout, x, kernel, strides, pads), 3, "conv2d_backward")
    expected = right(dout, x, kernel, strides, pads)
    for number in which:
        same_gradient(answer[number], expected[number], ("dx", "dkernel", "dbias")[number])


@points(3, "gradients", visible=True)
def test_kernel_and_bias_gradients(student, rng):
    """dkernel and dbias are right for a random gradient from above."""
    compare(student, rng, (2, 5, 4, 2), (3, 2, 2, 3), which=(1, 2))


@points(3, "gradients")
def test_input_gradient(student, rng):
    """dx is right when nothing is square and channels and filters differ."""
    compare(student, rng, (3, 6, 5, 2), (2, 4, 2, 3), which=(0,))


@points(2, "orientation")
def test_a_square_kernel_that_is_not_symmetric(student, rng):
    """With a square kernel and as many filters as channels, nothing is transposed or turned too often."""
    compare(student, rng, (2, 5, 5, 2), (3, 3, 2, 2))
    x, kernel, dout = (
        rng.normal(size=(1, 4, 4, 1)),
        rng.normal(size=(3, 3, 1, 1)),
        rng.normal(size=(1, 2, 2, 1)),
    )
    dx, _, _ = parts(student.conv2d_backward(dout, x, kernel), 3, "conv2d_backward without strides and pads")
    same_gradient(dx, right(dout, x, kernel, (1, 1), NO_PADS)[0], "dx")


@points(3, "strides")
def test_strides(student, rng):
    """All gradients are right with strides that differ and do not divide."""
    compare(student, rng, (2, 7, 8, 2), (2, 3, 2, 3), strides=(2, 3))
    compare(student, rng, (2, 6, 7, 1), (3, 2, 1, 2), strides=(3, 1))


@points(3, "padding")
def test_padding(student, rng):
    """All gradients are right with padding that differs on every side, and on no side."""
    compare(student, rng, (2, 5, 4, 2), (3, 3, 2, 3), pads=((1, 0), (0, 2)))
    compare(student, rng, (2, 4, 5, 2), (2, 3, 2, 1), strides=(2, 1), pads=((2, 1), (1, 3)))


TOGETHER = 4  # questions to one process
SENTENCE = "f needs an array of decimals in the shape of x."


@dataclass
class Question:
    """A function, a point, and a claimed gradient that is right or wrong. name : of the kind of mistake."""

    f: object
    x: np.ndarray
    claimed: np.ndarray
    right: bool
    name: str = "a right gradient"


def judged(student, rng, draw, wrong):
    """Every question once, in a random order; a fresh process after every few; each right or wrong judged.

    draw : called with rng for (f, x, right gradient), a new one for every question. wrong : the mistakes by
    name, functions of (right gradient, rng); as many right gradients are asked about. A coin passes a test of
    k mistakes with probability 4**-k, a rule that says True as often as False with one over (2k choose k):
    below 0.002 for each of the four tests.
    """
    questions = []
    for name, spoil in [*wrong.items(), *[("", None)] * len(wrong)]:
        f, x, gradient = draw(rng)
        wrong_one = spoil is not None
        claimed = spoil(gradient.copy(), rng) if wrong_one else gradient
        questions.append(Question(f, x, claimed, not wrong_one, name or "a right gradient"))
    for count, number in enumerate(rng.permutation(len(questions))):
        if count % TOGETHER == 0:
            student.fresh()
        ask(student, questions[number])


def ask(student, question):
    def f(a):
        if not numbers(a) or a.dtype.kind != "f" or a.shape != x.shape:
            raise ValueError(SENTENCE)
        return float(question.f(a.astype(float)))

    x = question.x
    before = x.copy()
    answer = student.gradcheck(guarded(f, SENTENCE), x, question.claimed)
    fits = isinstance(answer, bool | np.bool_)
    require(fits, "type", f"gradcheck must return True or False, not {kind_of(answer)}")
    verb = "accept" if question.right else "reject"
    require(bool(answer) == question.right, "verdict", f"gradcheck must {verb} {question.name}.")
    require(np.array_equal(x, before) and not student.changed, "in place", "gradcheck writes into x")


def with_one(gradient, place, error):
    gradient[place] += error
    return gradient


def cubes(rng):
    x = rng.normal(size=(2, 2))
    return lambda a: (a**3 + a).sum(), x, 3 * x**2 + 1


@points(4, "the check")
def test_the_check_on_plain_mistakes(student, rng):
    """The check accepts a right gradient and rejects a flipped sign, a factor, a transposed one."""
    wrong = {
        "a flipped sign": lambda g, rng: -g,
        "a factor of 2": lambda g, rng: 2 * g,
        "a half": lambda g, rng: g / 2,
        "a transposed gradient": lambda g, rng: g.T.copy(),
        "a gradient moved by one place": lambda g, rng: np.roll(g, 1, axis=1),
        "a gradient that is nan": lambda g, rng: g * np.nan,
    }
    judged(student, rng, cubes, wrong)


def sines(rng):
    x = rng.normal(size=(2, 1, int(rng.integers(2, 4))))
    return lambda a: np.sin(a).sum(), x, np.cos(x)


@points(2, "the check")
def test_the_check_on_one_wrong_entry(student, rng):
    """The check sees one wrong entry among many, the first and the last."""
    wrong = {
        "a wrong first entry": lambda g, rng: with_one(g, (0, 0, 0), 0.01),
        "another wrong first entry": lambda g, rng: with_one(g, (0, 0, 0), -0.02),
        "a wrong last entry": lambda g, rng: with_one(g, (-1, -1, -1), -0.01),
        "another wrong last entry": lambda g, rng: with_one(g, (-1, -1, -1), 0.02),
        "a wrong entry in the middle": lambda g, rng: with_one(g, (0, 0, 1), 0.01),
        "an entry that grew": lambda g, rng: with_one(g, (1, 0, int(rng.integers(2))), 0.05),
    }
    judged(student, rng, sines, wrong)


@points(2, "the check")
def test_the_check_on_large_and_small_functions(student, rng):
    """The check is as strict about functions a million times larger or smaller."""
    for scale in rng.permutation((1e6, 1e-6)):

        def powers(rng, scale=scale):
            x = rng.normal(size=(3,))
            return lambda a: scale * np.exp(a).sum(), x, scale * np.exp(x)

        wrong = {
            "an error of a thousandth": lambda g, rng: g * 1.001,
            "an error of minus a thousandth": lambda g, rng: g * 0.999,
            "a flipped sign": lambda g, rng: -g,
        }
        judged(student, rng, powers, wrong)


def constant(rng):
    value, x = float(rng.uniform(1, 2)), rng.normal(size=(2, 3))
    return lambda a: value, x, np.zeros(x.shape)


def bowl(rng):
    x = rng.normal(size=(2, 3))
    return lambda a: ((a - x) ** 2).sum(), x, np.zeros(x.shape)


def huge(rng):
    slopes = rng.uniform(1, 2, size=(2, 3))
    return lambda a: 1e7 + (a * slopes).sum(), rng.normal(size=(2, 3)), slopes


@points(2, "the check")
def test_the_check_on_gradients_that_are_zero_or_hidden_by_rounding(student, rng):
    """The check accepts right gradients that are 0 or belong to a huge function, and rejects wrong ones."""
    flat = {
        "one entry that is not 0": lambda g, rng: with_one(g, (1, 2), 0.01),
        "ones": lambda g, rng: g + 1,
    }
    judged(student, rng, constant, flat)
    judged(student, rng, bowl, flat)
    wrong = {
        "a flipped sign": lambda g, rng: -g,
        "a factor of 2": lambda g, rng: 2 * g,
        "zeros": lambda g, rng: 0 * g,
    }
    judged(student, rng, huge, wrong)
