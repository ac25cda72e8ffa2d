"""What widgets check before they keep it, and how their fallback pictures write numbers and draw grids."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np

LIMIT = 1_000_000
LONGEST = 12
CELL = 34  # pixels, in the fallback picture


def check_choice(owner: str, name: str, value: Any, choices: Iterable) -> Any:
    """Return `value` if it is one of `choices`, else say which they are.

    Examples
    --------
    >>> check_choice("PoolStepper", "mode", "max", ("max", "average"))
    'max'
    """
    if isinstance(value, str) and value in choices:
        return value
    names = ", ".join(map(repr, choices))
    raise ValueError(
        f"{owner}: {name} must be one of {names}. Received {name}={value!r}. Choose one of them."
    )


def check_flag(owner: str, name: str, value: Any) -> bool:
    """Return `value` if it is True or False.

    Examples
    --------
    >>> check_flag("PoolStepper", "predict", True)
    True
    """
    if isinstance(value, bool):
        return value
    raise ValueError(f"{owner}: {name} must be True or False. Received {name}={value!r}. Pass a bool.")


def check_whole(owner: str, name: str, value: Any, low: int, high: int, words: str = "") -> int:
    """Return `value` as an int from `low` to `high`; `words` name what else would have been right.

    Examples
    --------
    >>> check_whole("PoolStepper", "stride", 2, 1, 4)
    2
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if whole and low <= value <= high:
        return int(value)
    raise ValueError(
        f"{owner}: {name} must be {words}an integer from {low} to {high}. Received {name}={value!r}. "
        "Choose one in that range."
    )


def check_number(owner: str, name: str, value: Any) -> float:
    """Return `value` as a plain number that a figure can hold, rounded to six places.

    Examples
    --------
    >>> check_number("DenseUnit", "bias", np.float32(0.5))
    0.5
    """
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if real and abs(value) <= LIMIT:
        return plain(round(float(value), 6))
    raise ValueError(
        f"{owner}: {name} must be a number from -{LIMIT} to {LIMIT}. Received {name}={value!r}. Rescale it."
    )


def check_numbers(owner: str, name: str, value: Any, shapes: dict[int, str], longest: int = LONGEST) -> list:
    """Return an array as nested lists of plain numbers.

    Parameters
    ----------
    owner, name : str
        Whose attribute this is, for the message.
    value : array
        What came in.
    shapes : dict
        Number of axes to how that shape is written: ``{2: "(H, W)"}``.
    longest : int
        The most entries an axis may have.

    Raises
    ------
    ValueError
        If it is no such array, or holds numbers beyond a million.

    Examples
    --------
    >>> check_numbers("PoolStepper", "image", np.eye(2), {2: "(H, W)"})
    [[1, 0], [0, 1]]
    """
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim not in shapes or not array.size > 0 or max(array.shape) > longest:
        wanted = " or ".join(shapes.values())
        raise ValueError(
            f"{owner}: {name} must be numbers of shape {wanted}, each axis 1 to {longest} long. "
            f"Received {name} of shape {np.shape(array)}. Cut a small patch out of a larger array."
        )
    if not (np.abs(array) <= LIMIT).all():
        odd = array[~(np.abs(array) <= LIMIT)][0]
        raise ValueError(
            f"{owner}: {name} must hold numbers from -{LIMIT} to {LIMIT}. Received {name} with {odd}. "
            "Rescale it first."
        )
    return plain(np.round(array, 6).tolist())


def plain(value: Any) -> Any:
    """Write integers as integers, so that the page shows 3 and not 3.0, and 0 for -0.0.

    Examples
    --------
    >>> plain([1.0, -0.0, 0.5])
    [1, 0, 0.5]
    """
    if isinstance(value, list):
        return [plain(part) for part in value]
    return int(value) if value == int(value) else value


def text(value: float, factor: bool = False) -> str:
    """Write a number as the figures do: with a real minus, in brackets if it is a negative factor.

    Examples
    --------
    >>> text(0.5), text(-0.5, factor=True).replace("\u2212", "-")
    ('0.5', '(-0.5)')
    """
    written = f"{float(value):.12g}".replace("-", "\u2212")
    return f"({written})" if factor and value < 0 else written


def grids_picture(panels: Iterable[tuple], said: str) -> str:
    """Draw grids of numbers side by side as one SVG with a caption.

    Parameters
    ----------
    panels : iterable of (title, values, frame, inner)
        `values` of shape (H, W), NaN for an empty cell; `frame` (thick) and `inner` (dashed) are None or
        (row, column, height, width) in cells.
    said : str
        The sentence that says what the picture shows: its caption and its text for those who cannot see it.

    Returns
    -------
    str
        ``<figure>`` with the drawing and its caption.

    Examples
    --------
    >>> grids_picture([("Input", np.eye(2), None, None)], "Two ones.").count("<text")
    5
    """
    drawings, left, height = [], 0, 0
    for title, values, frame, inner in panels:
        drawings.append(f'<g transform="translate({left} 0)">{_drawn(title, values, frame, inner)}</g>')
        left += values.shape[1] * CELL + 28
        height = max(height, values.shape[0] * CELL + 26)
    return captioned("".join(drawings), f"-2 -2 {left - 24} {height}", said)


def captioned(drawing: str, box: str, said: str) -> str:
    """Put a drawing (SVG without its outer tag) and its sentence into a figure, as wide as its view box.

    Examples
    --------
    >>> captioned("", "0 0 9 9", "Nothing.").startswith('<figure><svg role="img" aria-label="Nothing."')
    True
    """
    return (
        f'<figure><svg role="img" aria-label="{escape(said)}" viewBox="{box}" '
        f'style="display:block;width:100%;max-width:{box.split()[2]}px" fill="none" stroke="currentColor">'
        f"{drawing}</svg><figcaption>{escape(said)}</figcaption></figure>"
    )


def _drawn(title: str, values: np.ndarray, frame: tuple | None, inner: tuple | None) -> str:
    """One grid of numbers; `frame` and `inner` are (row, column, height, width) in cells."""

    def box(row: int, column: int, height: int, width: int, look: str) -> str:
        x, y = column * CELL, row * CELL + 20
        return f'<rect x="{x}" y="{y}" width="{width * CELL}" height="{height * CELL}" {look}/>'

    height, width = values.shape
    lines = "".join(f"M{c * CELL} 20v{height * CELL}" for c in range(width + 1))
    lines += "".join(f"M0 {r * CELL + 20}h{width * CELL}" for r in range(height + 1))
    numbers = "".join(
        f'<text x="{c * CELL + CELL // 2}" y="{r * CELL + CELL // 2 + 25}">'
        f"{text(float(f'{value:.3g}'))}</text>"
        for (r, c), value in np.ndenumerate(values)
        if not np.isnan(value)
    )
    return (
        f'<text y="12" fill="currentColor" stroke="none" font-size="14">{title}</text>'
        f'<path d="{lines}" opacity=".35"/>'
        f'<g fill="currentColor" stroke="none" font-size="15" text-anchor="middle">{numbers}</g>'
        + (box(*inner, 'stroke-dasharray="4 3"') if inner and inner[2:] != values.shape else "")
        + (box(*frame, 'stroke-width="3"') if frame else "")
    )
