"""The helpers of the visible checks: their source is the first cell of a student's notebook."""

import numpy as np


def compare(got, expected, what="the result", rtol=1e-6):
    """One sentence about the first thing that is wrong with `got`, or None if nothing is.

    Examples
    --------
    >>> compare(None, np.ones(2), "dense_forward(x)")
    'dense_forward(x) is None: did you forget the return?'
    >>> compare(np.ones(3), np.ones((3, 1)), "out")
    'out must have shape (3, 1). Yours has (3,).'
    >>> compare(np.array([1.0, 2.0]), np.array([1.0, 3.0]), "out")
    'out: 1 of 2 numbers is wrong. At [1] yours is 2, right is 3.'
    """
    if got is None:
        return f"{what} is None: did you forget the return?"
    if isinstance(got, (str, dict, list, tuple)):
        return f"{what} must be an array or a number. Yours is a {type(got).__name__}."
    got, expected = np.asarray(got), np.asarray(expected)
    if got.dtype.kind not in "biufc":
        return f"{what} must hold numbers. Yours holds {got.dtype}."
    if got.shape != expected.shape:
        return f"{what} must have shape {expected.shape}. Yours has {got.shape}."
    if got.dtype.kind == "c" and expected.dtype.kind != "c":
        return f"{what} must hold real numbers. Yours holds complex ones."
    if expected.dtype.kind == "f" and got.dtype.kind in "biu" and got.size and (expected % 1).any():
        return f"{what} must hold decimals. Yours holds whole numbers: make it with the dtype of x."
    scale = np.abs(expected).max(initial=0)
    with np.errstate(all="ignore"):
        wrong = ~(np.abs(got - expected * 1.0) <= rtol * np.maximum(scale, 1e-12))
    if not wrong.any():
        return None
    place = np.unravel_index(wrong.argmax(), wrong.shape)
    at = f"At [{', '.join(map(str, place))}] yours" if got.ndim else "Yours"
    count = (
        f"{wrong.sum()} of {wrong.size} numbers {'is' if wrong.sum() == 1 else 'are'} wrong. "
        if got.ndim
        else ""
    )
    return f"{what}: {count}{at} is {got[place]:.6g}, right is {expected[place]:.6g}."


def slopes(f, x, step=1e-5):
    """The gradient of f at x by centred differences: one pair of calls for every number in x.

    >>> slopes(lambda x: (x**2).sum(), np.array([1.0, 3.0])).round(6)
    array([2., 6.])
    """
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        there, back = x.copy(), x.copy()
        there[place] += step
        back[place] -= step
        gradient[place] = (f(there) - f(back)) / (2 * step)
    return gradient


def check(promise, test):
    """Try one visible check: `test()` returns a sentence about what is wrong, or None.

    >>> check("two and two are four", lambda: compare(2 + 2, 4))
    [passed]  two and two are four
    """
    try:
        complaint = test()
    except NotImplementedError:
        print(f"[to do]   {promise}")
    except Exception as error:
        print(f"[failed]  {promise}\n          {type(error).__name__}: {error}")
    else:
        print(f"[failed]  {promise}\n          {complaint}" if complaint else f"[passed]  {promise}")
