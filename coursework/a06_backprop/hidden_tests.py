"""Assignment 6: the student's gradients against the book's; the student's check of right and wrong ones."""

import numpy as np

from cnnbook.coursework.expect import parts, points, require, same_gradient
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


def verdicts(student, f, x, right_gradient, wrong_gradients):
    """The check accepts the right gradient, and rejects every wrong one, with True and False."""
    before = x.copy()
    cases = [(right_gradient, True, "a right gradient")]
    cases += [(gradient, False, name) for name, gradient in wrong_gradients.items()]
    for gradient, expected, name in cases:
        answer = student.gradcheck(f, x, gradient)
        require(
            isinstance(answer, bool | np.bool_),
            "type",
            f"gradcheck must return True or False, not {answer!r:.40}",
        )
        verb = "accept" if expected else "reject"
        require(bool(answer) == expected, "verdict", f"gradcheck must {verb} {name}.")
    require(np.array_equal(x, before) and not student.changed, "in place", "gradcheck writes into x")


@points(4, "the check")
def test_the_check_on_plain_mistakes(student, rng):
    """The check accepts a right gradient and rejects a flipped sign, a factor, a transposed one."""
    x = rng.normal(size=(4, 4))
    gradient = 3 * x**2 + 1
    wrong = {
        "a flipped sign": -gradient,
        "a factor of 2": 2 * gradient,
        "a transposed gradient": gradient.T,
        "a gradient moved by one place": np.roll(gradient, 1, axis=1),
        "a gradient that is nan": gradient * np.nan,
    }
    verdicts(student, lambda a: float((a**3 + a).sum()), x, gradient, wrong)


@points(2, "the check")
def test_the_check_on_one_wrong_entry(student, rng):
    """The check sees one wrong entry among many, the first and the last."""
    x = rng.normal(size=(3, 2, 4))
    gradient = np.cos(x)
    first, last = gradient.copy(), gradient.copy()
    first[0, 0, 0] += 0.01
    last[-1, -1, -1] -= 0.01
    verdicts(
        student,
        lambda a: float(np.sin(a).sum()),
        x,
        gradient,
        {"a wrong first entry": first, "a wrong last": last},
    )


@points(2, "the check")
def test_the_check_on_large_and_small_functions(student, rng):
    """The check is as strict about functions a million times larger or smaller."""
    x = rng.normal(size=(5,))
    for scale in (1e6, 1e-6):
        gradient = scale * np.exp(x)
        wrong = {"an error of a thousandth": gradient * 1.001, "a flipped sign": -gradient}
        verdicts(student, lambda a, s=scale: float(s * np.exp(a).sum()), x, gradient, wrong)


@points(2, "the check")
def test_the_check_on_gradients_that_are_zero_or_hidden_by_rounding(student, rng):
    """The check accepts right gradients that are 0 or belong to a huge function, and rejects wrong ones."""
    x = rng.normal(size=(2, 3))
    nothing = np.zeros(x.shape)
    one = nothing.copy()
    one[1, 2] = 0.01
    wrong = {"one entry that is not 0": one, "ones": nothing + 1}
    constant = float(rng.uniform(1, 2))
    verdicts(student, lambda a: constant, x, nothing, wrong)
    verdicts(student, lambda a: float(((a - x) ** 2).sum()), x, nothing, wrong)
    slopes = rng.uniform(1, 2, size=x.shape)
    wrong = {"a flipped sign": -slopes, "a factor of 2": 2 * slopes}
    verdicts(student, lambda a: 1e7 + float((a * slopes).sum()), x, slopes, wrong)
