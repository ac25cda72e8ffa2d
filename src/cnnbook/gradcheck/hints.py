"""What a wrong gradient's pattern suggests: the sentence `check_layer` adds to its error.

A wrong gradient is seldom wrong at random. It is half as large, or right for one example, or right when
the kernel is symmetric; and each of these patterns has few causes. Two kinds of clue are read here: patterns
in the numbers themselves, and checks repeated under circumstances that make one kind of mistake invisible.
"""

from collections.abc import Callable

import numpy as np

Array = np.ndarray

# Wrong by more than this is wrong; a repeated check that comes below it counts as right.
RIGHT = 1e-5


def suggest(
    analytic: Array, numeric: Array, retry: Callable[..., float], batch_size: int, x: Array | None = None
) -> str:
    """One sentence on what the mistake may be, or "" when nothing is recognised.

    Parameters
    ----------
    analytic, numeric : the claimed gradient and the slopes, in the array's shape (batch axis first for "x"),
        or one number per random direction.
    retry : `retry(batch_size=1)` and the like repeats the check under other circumstances and returns the
        error of this array; nan where the circumstance does not apply.
    batch_size : examples in the failed check.
    x : the input, where the gradient is the input's.

    Examples
    --------
    >>> slopes = np.array([[1.0, -2.0], [0.5, 3.0]])
    >>> suggest(-slopes, slopes, lambda **_: 1.0, batch_size=2)
    'It is the slope times -1: a sign is flipped.'
    """
    for clue in (
        lambda: numbers_missing(analytic, numeric),
        lambda: constant_factor(analytic, numeric, batch_size),
        lambda: circumstances(retry, batch_size),
        lambda: shared_by_the_batch(analytic, numeric),
        lambda: follows_the_input(analytic, numeric, x),
        lambda: moved(analytic, numeric),
        lambda: only_near_the_border(analytic, numeric),
        lambda: some_entries(analytic, numeric),
    ):
        if sentence := clue():
            return sentence
    return ""


def numbers_missing(analytic: Array, numeric: Array) -> str:
    """Zeros or nan where there should be numbers.

    >>> numbers_missing(np.zeros(3), np.ones(3))
    'It is zero everywhere: this gradient never receives anything.'
    """
    if not np.isfinite(analytic).all():
        return "It holds nan or inf: look for a division by zero or an overflowing exponential."
    if not analytic.any():
        return "It is zero everywhere: this gradient never receives anything."
    return ""


def constant_factor(analytic: Array, numeric: Array, batch_size: int) -> str:
    """Every entry wrong by the same factor.

    >>> constant_factor(np.array([3.0, 6.0]), np.array([1.0, 2.0]), batch_size=3)
    'It is the slope times 3, the batch size: a mean over the batch is missing or a sum is too many.'
    """
    factor = np.vdot(analytic, numeric) / max(np.vdot(numeric, numeric), 1e-30)
    if np.abs(analytic - factor * numeric).max() > RIGHT * np.abs(analytic).max():
        return ""
    start = f"It is the slope times {factor:.4g}"
    if np.isclose(factor, -1):
        return f"{start}: a sign is flipped."
    if np.isclose(factor, batch_size):
        return f"{start}, the batch size: a mean over the batch is missing or a sum is too many."
    if np.isclose(factor, 1 / batch_size):
        return f"{start}, one over the batch size: it was divided by the batch size once too often."
    return f"{start}, everywhere: a constant factor is missing or too many."


def circumstances(retry: Callable[..., float], batch_size: int) -> str:
    """Right again once one thing is made simple: then that thing is the cause.

    >>> circumstances(lambda **only: 0.0 if only == {"ones_upstream": True} else 1.0, batch_size=3)
    'It is right for an all-ones upstream gradient and wrong for a random one: entries of dout are used \
in the wrong order or are summed too early.'
    """
    cases = [
        (
            {"batch_size": 1},
            f"It is right for a batch of 1 and wrong for {batch_size}: "
            "the batch axis is mixed up with another one, or examples share what they should not.",
        ),
        (
            {"ones_upstream": True},
            "It is right for an all-ones upstream gradient and wrong for a random one: "
            "entries of dout are used in the wrong order or are summed too early.",
        ),
        (
            {"half_turn_kernel": True},
            "It is right for kernels that look the same after half a turn: "
            "rotate the kernel by 180 degrees on the way back, once.",
        ),
        (
            {"square": True},
            "It is right on square images with square windows: height and width are mixed up.",
        ),
    ]
    for circumstance, sentence in cases:
        if retry(**circumstance) < RIGHT:
            return sentence
    return ""


def shared_by_the_batch(analytic: Array, numeric: Array) -> str:
    """An error that is the same for every example comes from something computed over the batch.

    >>> shared_by_the_batch(np.array([[1.5], [2.5]]), np.array([[1.0], [2.0]]))
    'Every example of the batch has the same error: a path through a mean over the batch is missing.'
    """
    if analytic.ndim < 2 or len(analytic) < 2:
        return ""
    error = (analytic - numeric).reshape(-1, analytic.shape[-1])  # one row per example and place
    if np.abs(error - error.mean(axis=0)).max() < 1e-4 * np.abs(error).max():
        return (
            "Every example of the batch has the same error: a path through a mean over the batch is missing."
        )
    return ""


def follows_the_input(analytic: Array, numeric: Array, x: Array | None) -> str:
    """An error that is a straight line in x, channel by channel: the variance depends on x as well.

    >>> x = np.array([[1.0], [2.0], [4.0]])
    >>> follows_the_input(3 * x, np.zeros((3, 1)), x)
    'In every channel the error grows with x: a path through the variance of the batch is missing.'
    """
    if x is None or x.shape != analytic.shape:
        return ""
    error, x = (array.reshape(-1, array.shape[-1]) for array in (analytic - numeric, x))
    error, x = error - error.mean(axis=0), x - x.mean(axis=0)
    line = x * (x * error).sum(axis=0) / np.maximum((x * x).sum(axis=0), 1e-30)
    if np.abs(error - line).max() < 1e-4 * np.abs(error).max():
        return "In every channel the error grows with x: a path through the variance of the batch is missing."
    return ""


def moved(analytic: Array, numeric: Array) -> str:
    """The right numbers in the wrong place, one pixel up, down, left or right.

    >>> slopes = np.arange(25.0).reshape(1, 5, 5, 1)
    >>> moved(np.roll(slopes, 1, axis=2), slopes)
    'It is the slope moved by one pixel along the width: look at how much padding is cut off, and where.'
    """
    if analytic.ndim != 4 or min(analytic.shape[1:3]) < 4:
        return ""
    inner = np.s_[:, 1:-1, 1:-1]
    for axis, name in ((1, "height"), (2, "width")):
        for step in (-1, 1):
            if np.allclose(np.roll(analytic, step, axis)[inner], numeric[inner], rtol=RIGHT):
                return (
                    f"It is the slope moved by one pixel along the {name}: "
                    "look at how much padding is cut off, and where."
                )
    return ""


def only_near_the_border(analytic: Array, numeric: Array) -> str:
    """Wrong along the edge of the image and right inside: padding.

    >>> wrong = np.zeros((1, 5, 5, 1)); wrong[:, 0] = 1
    >>> only_near_the_border(wrong, np.zeros((1, 5, 5, 1)))
    'It is wrong only along the border of the image: look at the padding and at how it is cut off again.'
    """
    if analytic.ndim != 4 or min(analytic.shape[1:3]) < 5:
        return ""
    error = np.abs(analytic - numeric)
    if error[:, 2:-2, 2:-2].max() < RIGHT * error.max():
        return (
            "It is wrong only along the border of the image: "
            "look at the padding and at how it is cut off again."
        )
    return ""


def some_entries(analytic: Array, numeric: Array) -> str:
    """How many entries are wrong, when most are right, and whether they are too large or missing.

    >>> some_entries(np.array([1.0, 2.0, 0.0, 4.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    '1 of 4 entries is wrong, and is zero: its share is dropped on the way back.'
    """
    wrong = np.abs(analytic - numeric) > RIGHT * np.abs(numeric).max()
    count = int(wrong.sum())
    if count > wrong.size / 2:
        return ""
    verb = "is" if count == 1 else "are"
    if not analytic[wrong].any():
        its = "its share is" if count == 1 else "their shares are"
        return (
            f"{count} of {wrong.size} entries {verb} wrong, and {verb} zero: {its} dropped on the way back."
        )
    return f"{count} of {wrong.size} entries {verb} wrong, the others right: what do those have in common?"
