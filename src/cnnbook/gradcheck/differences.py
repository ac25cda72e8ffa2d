"""Finite differences: the slope of a function, measured by walking a little to both sides.

    numeric slope along d  =  ( loss(at + h d) - loss(at - h d) ) / 2h
    analytic slope along d =  < gradient, d >

Centred differences err by a multiple of h^2, one-sided ones by a multiple of h; with h = 1e-5 in float64 the
centred ones are good to nine digits or so. Small arrays are checked along every element, large ones along
random directions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Array = np.ndarray

# Arrays up to this size are checked element by element, larger ones along random directions.
ELEMENTWISE_LIMIT = 600
DIRECTIONS = 12


@dataclass
class Comparison:
    """One array's gradient beside its finite differences.

    error : largest |analytic - numeric|, relative to the largest of all of them.
    where : index of the worst element, or the number of the worst direction.
    analytic, numeric : the two numbers found there.
    checked, kinks : how many slopes were compared, and how many lay on a kink and were left out.
    slopes : all analytic and all numeric slopes; in the array's shape where every element was checked.
    """

    name: str
    error: float
    where: tuple[int, ...]
    analytic: float
    numeric: float
    checked: int
    kinks: int = 0
    slopes: tuple[Array, Array] | None = field(default=None, repr=False)

    def __str__(self):
        kinks = f", {self.kinks} on a kink" if self.kinks else ""
        return f"{self.name:<12} relative error {self.error:.1e}   ({self.checked} slopes{kinks})"


def check_gradient(
    name: str, loss: Callable[[Array], float], at: Array, gradient: Array, rng=None, *, step: float = 1e-5
) -> Comparison:
    """Compare `gradient` with the slope of `loss` at the point `at`.

    Parameters
    ----------
    name : how the array is called in the report.
    loss : a function of an array like `at` that returns one number.
    at : float64 array; it is handed to `loss` moved a little, and left as it was.
    gradient : the claimed dloss/dat, same shape.
    rng : draws the directions for large arrays.
    step : h of the difference quotient.

    Returns
    -------
    Comparison : see there. A slope that differs on the two sides of the point (a ReLU at 0, a tie in max
        pooling) has no gradient to compare with: it is counted as a kink and left out.

    Raises
    ------
    ValueError : when the gradient has another shape than the array, or is None.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> check_gradient("x", lambda x: (x**2).sum(), x, 2 * x).error < 1e-9
    True
    >>> round(check_gradient("x", lambda x: (x**2).sum(), x, x).error, 3)
    0.5
    """
    shape = getattr(gradient, "shape", None)
    if shape != at.shape:
        raise ValueError(f"The gradient d{name} must have the shape of {name}, {at.shape}. Received {shape}.")
    elementwise = at.size <= ELEMENTWISE_LIMIT
    if elementwise:
        places = list(np.ndindex(at.shape))
        directions = (unit(at.shape, place) for place in places)
    else:
        rng = np.random.default_rng(rng)
        places = [(number,) for number in range(DIRECTIONS)]
        directions = (rng.choice([-1.0, 1.0], at.shape) / np.sqrt(at.size) for _ in places)
    here = loss(at)
    slopes = []
    for direction in directions:
        ahead, behind = loss(at + step * direction), loss(at - step * direction)
        analytic = float(np.vdot(gradient, direction))
        slopes.append((analytic, (ahead - behind) / (2 * step), (ahead - 2 * here + behind) / step))
    analytic, numeric, bend = np.array(slopes).reshape(-1, 3).T
    scale = max(np.abs(analytic).max(initial=0), np.abs(numeric).max(initial=0), 1e-4)
    smooth = np.abs(bend) <= 1e-3 * scale
    with np.errstate(invalid="ignore"):
        errors = np.where(smooth, np.abs(analytic - numeric) / scale, 0)
    errors[~np.isfinite(analytic) | ~np.isfinite(numeric)] = np.inf
    worst = int(errors.argmax())
    return Comparison(
        name,
        float(errors[worst]),
        places[worst],
        float(analytic[worst]),
        float(numeric[worst]),
        int(smooth.sum()),
        int((~smooth).sum()),
        tuple(
            np.where(smooth, side, 0).reshape(at.shape if elementwise else -1) for side in (analytic, numeric)
        ),
    )


def unit(shape: tuple[int, ...], place: tuple[int, ...]) -> Array:
    """An array of zeros with a single one.

    >>> unit((2, 2), (0, 1))
    array([[0., 1.],
           [0., 0.]])
    """
    direction = np.zeros(shape)
    direction[place] = 1
    return direction
