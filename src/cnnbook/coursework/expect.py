"""What hidden tests are written with: points, comparisons that say what is wrong, and expected errors.

@points(2, "shapes")
def test_every_filter_has_its_own_bias(student, rng):
    ...
    same(student.conv2d(x, kernel, bias), expected)
"""

import numpy as np

from cnnbook.coursework.trouble import StudentError, Wrong
from cnnbook.coursework.visible import compare
from cnnbook.gradcheck.hints import suggest


def points(number: float, category: str, *, visible: bool = False):
    """Mark a hidden test with what it is worth and what it is about; `visible` ones always show values.

    >>> @points(2, "shapes")
    ... def test_something(student, rng): ...
    >>> test_something.points, test_something.category
    (2, 'shapes')
    """

    def mark(test):
        test.points, test.category, test.visible = number, category, visible
        return test

    return mark


def same(got, expected, what: str = "the result", rtol: float = 1e-6) -> None:
    """Fail unless `got` has the shape and, to `rtol` of the largest, the numbers of `expected`.

    Raises
    ------
    Wrong : if they differ, with the category "nothing returned", "shape", "type" or "values".

    Examples
    --------
    >>> same(np.ones(2), np.ones(3))
    Traceback (most recent call last):
        ...
    cnnbook.coursework.trouble.Wrong: the result must have shape (3,). Yours has (2,).
    """
    shape = np.shape(expected)
    if (
        isinstance(got, np.ndarray)
        and (got.ndim > 8 or max(got.shape, default=0) > 10_000)
        and got.shape != shape
    ):
        raise Wrong("shape", f"{what} must have shape {shape}. Yours is {kind_of(got)}.")
    complaint = compare(got, expected, what, rtol)
    if complaint:
        words = {
            "None": "nothing returned",
            "must have shape": "shape",
            "must hold": "type",
            "must be": "type",
        }
        category = next((name for word, name in words.items() if word in complaint), "values")
        raise Wrong(category, complaint)


def same_gradient(got, expected, what: str = "the gradient", rtol: float = 1e-6) -> None:
    """As `same`, and the message names the pattern of a wrong gradient, as `check_layer` does.

    >>> same_gradient(np.array([-1.0, 2.0]), np.array([1.0, -2.0]))
    Traceback (most recent call last):
        ...
    cnnbook.coursework.trouble.Wrong: the gradient: 2 of 2 numbers are wrong. At [0] yours is -1, \
right is 1. It is the slope times -1: a sign is flipped.
    """
    try:
        same(got, expected, what, rtol)
    except Wrong as wrong:
        if wrong.category != "values":
            raise
        clue = suggest(
            np.asarray(got, float),
            np.asarray(expected, float),
            lambda **_: np.nan,
            len(np.atleast_1d(expected)),
        )
        raise Wrong("values", f"{wrong} {clue}".strip()) from None


def parts(got, count: int, what: str):
    """The `count` parts of a returned tuple. Fails with a sentence on what came instead.

    >>> parts((1, 2), 2, "forward(x)")
    (1, 2)
    """
    if got is None:
        raise Wrong("nothing returned", f"{what} is None: did you forget the return?")
    if not isinstance(got, tuple | list) or len(got) != count:
        received = f"{len(got)}" if isinstance(got, tuple | list) else kind_of(got)
        raise Wrong("type", f"{what} must return {count} things. Yours returns {received}.")
    return tuple(got)


def refused(call, *args, error: str = "ValueError", **kwargs) -> None:
    """Fail unless the student's `call` raises `error`.

    Raises
    ------
    Wrong : if it returns an answer. StudentError : if it raises another error.
    """
    try:
        answer = call(*args, **kwargs)
    except StudentError as raised:
        if raised.kind != error:
            raise
        return
    raise Wrong("refusal", f"it must raise {error} for impossible arguments. It returned {kind_of(answer)}.")


KINDS = {bool: "True or False", int: "a whole number", float: "a decimal number", complex: "a complex number",
         str: "a text", list: "a list", tuple: "a tuple", dict: "a dictionary"}  # fmt: skip


def kind_of(value) -> str:
    """What kind of thing an answer is, in words of the grader: nothing that a student's code wrote is in it.

    >>> kind_of("secret"), kind_of(np.ones((2, 3))), kind_of(np.ones((1, 98765)))
    ('a text', 'an array of shape (2, 3)', 'an array of shape (1, ...)')
    """
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        sizes = [str(size) if size <= 10_000 else "..." for size in value.shape[:8]]
        sizes += ["..."] * (value.ndim > 8)
        return f"an array of shape ({', '.join(sizes)}{',' * (value.ndim == 1)})"
    if isinstance(value, np.generic):
        value = value.item()
    return KINDS.get(type(value), "an object")


def numbers(value) -> bool:
    """True if `value` is an array of real numbers of at most 8 bytes each.

    >>> numbers(np.ones(2)), numbers([1.0]), numbers(np.array(1j))
    (True, False, False)
    """
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8


def guarded(function, sentence: str):
    """`function` for a student's code to call: whatever goes wrong in it is told in this one sentence.

    >>> guarded(lambda x: x.secret, "The function needs an array.")(1)
    Traceback (most recent call last):
        ...
    ValueError: The function needs an array.
    """

    def answer(*args):
        try:
            return function(*args)
        except Exception:  # the kind of error would tell what stands behind the function
            raise ValueError(sentence) from None

    return answer


def require(holds, category: str, message: str) -> None:
    """Fail with `message` unless `holds`.

    >>> require(1 < 2, "values", "one must be less than two")
    """
    if not holds:
        raise Wrong(category, message)
