"""One unit of a dense layer: an image, a template, their product, the score and its activation."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from .base import BookWidget
from .values import captioned, check_choice, check_flag, check_number, check_whole, text

SIDE = 28
MOST = 12
UNIT = 2000
SLOPE = 0.3
ACTIVATIONS = ("relu", "leaky_relu", "sigmoid", "tanh", "linear")
LIMITS = {"image": (0, 9), "images": (0, 9), "template": (-9, 9), "templates": (-9, 9)}


class DenseUnit(BookWidget):
    """Lay a template over an image, multiply, add up, and follow the score through an activation.

    Pixels are shown as integers from 0 to 9 and weights times 2000, as integers from -9 to 9, so that 784
    products add up exactly: z = (sum of the products) / 2000 + bias.

    Parameters
    ----------
    id : str
        Name of the figure, unique on its page. ``<a href="#unit:activation=tanh">`` puts the figure ``unit``
        into its first state, changed as the link says; ``image=`` and ``template=`` take names.
    images : dict of str to array of shape (28, 28)
        Images to pick from, at most 12: floats or bytes, from 0 to 1 or to 255, or other integers from 0
        to 9. Default: four drawn shapes.
    templates : dict of str to array of shape (28, 28)
        Weights to pick from, at most 12: floats, scaled so that the largest is 9, or integers from -9 to 9.
        Default: each image less the mean of the other images.
    image, template : str or array of shape (28, 28)
        The ones shown, or their names. Default: the first.
    bias : float
        Added to the score.
    activation : "relu", "leaky_relu", "sigmoid", "tanh" or "linear"
        What the score goes through. The leaky slope is 0.3.
    pixel : pair of int
        Row and column of the pixel whose product is spelled out.
    predict : bool
        Hide the scores until the reader has picked the template that scores highest.

    Raises
    ------
    ValueError
        If an array is no such map, or a name is unknown.

    Examples
    --------
    >>> figure = DenseUnit(id="unit", image="circle", template="circle")
    >>> figure.score() > DenseUnit(id="other", image="circle", template="stroke").score()
    True
    >>> pixels, weights = np.zeros((2, 28, 28), int)
    >>> pixels[3, 4], weights[3, 4] = 9, -5
    >>> DenseUnit(id="one", image=pixels, template=weights, bias=1).sentence()
    'z = (0 + (\\u221245)) / 2000 + 1 = 0.9775; relu(z) = max(0, 0.9775) = 0.9775'
    """

    tag = "dense-unit"
    script = "dense_unit.js"
    state = ("images", "templates", "image", "template", "bias", "activation", "pixel", "predict")

    images = traitlets.Any(None, allow_none=True).tag(sync=True)
    templates = traitlets.Any(None, allow_none=True).tag(sync=True)
    image = traitlets.Any(None, allow_none=True).tag(sync=True)
    template = traitlets.Any(None, allow_none=True).tag(sync=True)
    bias = traitlets.Any(0).tag(sync=True)
    activation = traitlets.Any("relu").tag(sync=True)
    pixel = traitlets.Any([13, 13]).tag(sync=True)
    predict = traitlets.Any(False).tag(sync=True)

    def __init__(self, **given: Any) -> None:
        images = _named("images", given.get("images") or shapes())
        templates = _named("templates", given.get("templates") or contrasts(images))
        for name, known in (("image", images), ("template", templates)):
            value = given.get(name)
            given[name] = next(iter(known.values())) if value is None else _found(name, value, known)
        super().__init__(**{**given, "images": images, "templates": templates})

    @traitlets.validate(*state)
    def _check(self, proposal: Any) -> Any:
        name, value, owner = proposal["trait"].name, proposal["value"], "DenseUnit"
        if name in ("images", "templates"):
            return _named(name, value)
        if name in ("image", "template"):
            return _found(name, value, getattr(self, f"{name}s"))
        if name == "bias":
            return check_number(owner, name, value)
        if name == "activation":
            return check_choice(owner, name, value, ACTIVATIONS)
        if name == "predict":
            return check_flag(owner, name, value)
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise ValueError(
                f"{owner}: pixel must be (row, column). Received pixel={value!r}. Write (13, 13)."
            )
        return [check_whole(owner, name, index, 0, SIDE - 1) for index in value]

    def _sums(self) -> tuple[int, int]:
        products = np.array(self.image) * np.array(self.template)
        return int(products[products > 0].sum()), int(products[products < 0].sum())

    def score(self) -> float:
        """Compute z: the sum of the products over 2000, plus the bias.

        Returns
        -------
        float
        """
        return sum(self._sums()) / UNIT + self.bias

    def sentence(self) -> str:
        """Write out the score, from the sums of positive and of negative products, and the activation."""
        positive, negative = self._sums()
        z = self.score()
        shown, factor = text(z), text(z, factor=True)
        after = {
            "relu": f" = max(0, {shown}) = {text(max(z, 0))}",
            "leaky_relu": f" = max({shown}, {SLOPE}·{factor}) = {text(max(z, SLOPE * z))}",
            "sigmoid": f" is about {text(float(f'{np.exp(-np.logaddexp(0, -z)):.4g}'))}",
            "tanh": f" is about {text(float(f'{np.tanh(z):.4g}'))}",
            "linear": f" = {shown}",
        }[self.activation]
        summed = f"({positive} + {text(negative, factor=True)}) / {UNIT} + {text(self.bias, factor=True)}"
        return f"z = {summed} = {shown}; {self.activation}(z){after}"

    def picture(self) -> str:
        """Draw image, template and product as one SVG, with the score as its caption."""
        image, template = np.array(self.image), np.array(self.template)
        product = image * template
        drawing = ""
        for number, (title, values, top) in enumerate(
            (
                ("Input x", image, 9),
                ("Template w", template, 9),
                ("Product", product, max(1, np.abs(product).max())),
            )
        ):
            drawing += (
                f'<g transform="translate({number * 168} 0)">'
                f'<text y="13" fill="currentColor" stroke="none" font-size="14">{title}</text>'
                f'<g transform="translate(0 20) scale(5.5)">{_squares(values / top)}</g>'
                f'<rect y="20" width="154" height="154" opacity=".5"/></g>'
            )
        return captioned(drawing, "-2 -2 496 180", f"Products of 784 pixels and weights: {self.sentence()}.")


def shapes() -> dict[str, np.ndarray]:
    """Draw four shapes to start with: a circle, a stroke, a cross and a shirt.

    Returns
    -------
    dict of str to array of shape (28, 28), integers from 0 to 9

    Examples
    --------
    >>> {name: int(image.max()) for name, image in shapes().items()}
    {'circle': 9, 'stroke': 9, 'cross': 9, 'shirt': 9}
    """
    rows, columns = np.mgrid[:SIDE, :SIDE] - 13.5
    circle = np.abs(np.hypot(rows, columns) - 8)
    stroke = np.where(np.abs(rows) < 10, np.abs(columns + rows / 5), 99)
    cross = np.where(np.hypot(rows, columns) < 12, np.abs(np.abs(rows) - np.abs(columns)), 99)
    shirt = np.where((rows > -11) & (rows < 11), np.abs(columns) - 6, 99)
    sleeves = np.where((rows > -11) & (rows < -4), np.abs(columns) - 11, 99)
    neck = 4 - np.hypot(rows + 12, columns)
    lines = {"circle": circle, "stroke": stroke, "cross": cross}
    drawn = {name: np.clip(np.round(9 * (3 - far)), 0, 9).astype(int) for name, far in lines.items()}
    drawn["shirt"] = np.where((np.minimum(shirt, sleeves) < 0) & (neck < 0), 9, 0)
    return drawn


def contrasts(images: dict[str, Any]) -> dict[str, np.ndarray]:
    """Turn each image into a template: where it has more than the mean of the others, and where less.

    Returns
    -------
    dict of str to array of shape (28, 28), integers from -9 to 9

    Examples
    --------
    >>> contrasts({"ink": np.full((28, 28), 9), "paper": np.zeros((28, 28), int)})["paper"][0, 0]
    np.int64(-9)
    """
    maps = {name: np.asarray(image) for name, image in images.items()}
    mean = sum(maps.values()) / len(maps)
    others = max(1, len(maps) - 1) / len(maps)
    return {name: np.round((image - mean) / others).astype(int) for name, image in maps.items()}


def _named(name: str, value: Any) -> dict[str, list]:
    if (
        not isinstance(value, dict)
        or not 1 <= len(value) <= MOST
        or not all(isinstance(k, str) for k in value)
    ):
        raise ValueError(
            f"DenseUnit: {name} must be a dict of 1 to {MOST} names and arrays of shape (28, 28). "
            f"Received {name} of type {type(value).__name__}. Write {{'boot': x_test[0]}}."
        )
    return {each: _map(name, array) for each, array in value.items()}


def _found(name: str, value: Any, known: dict[str, list]) -> list:
    if isinstance(value, str):
        if value not in known:
            raise ValueError(
                f"DenseUnit: {name} must be an array of shape (28, 28) or one of "
                f"{', '.join(map(repr, known))}. Received {name}={value!r}. Choose one of them."
            )
        return known[value]
    return _map(name, value)


def _map(name: str, value: Any) -> list:
    """Turn an array into rows of small integers."""
    low, high = LIMITS[name]
    array = np.asarray(value)
    if array.shape == (SIDE, SIDE, 1):
        array = array[:, :, 0]
    if array.shape != (SIDE, SIDE) or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise ValueError(
            f"DenseUnit: {name} must be numbers of shape (28, 28). Received {name} of shape {array.shape} "
            f"and type {array.dtype}. Pass one grey image."
        )
    if low == 0 and (array.dtype == np.uint8 or array.dtype.kind == "f"):
        array = array * (high / (255 if array.max() > 1 else 1))
    elif array.dtype.kind == "f":
        array = array * (high / (np.abs(array).max() or 1))
    array = np.round(array).astype(int)
    if array.min() < low or array.max() > high:
        odd = array.min() if array.min() < low else array.max()
        raise ValueError(
            f"DenseUnit: {name} must hold integers from {low} to {high}, bytes or floats. "
            f"Received {name} with {odd}. Rescale it first."
        )
    return array.tolist()


def _squares(values: np.ndarray) -> str:
    """Draw a map of numbers from -1 to 1, one path for each shade; squares below zero are smaller."""
    levels: dict[int, str] = {}
    for r, row in enumerate(np.round(8 * values).astype(int).tolist()):
        start = 0
        for c in range(1, len(row) + 1):
            level = row[start]
            if c == len(row) or row[c] != level or level < 0:
                run = f"M{start} {r}h{c - start}v1h-{c - start}z" if level > 0 else ""
                run = f"M{start + 0.18:g} {r + 0.18:g}h.64v.64h-.64z" if level < 0 else run
                levels[level] = levels.get(level, "") + run
                start = c
    colours = {True: "var(--fig-pos, #0b5394)", False: "var(--fig-neg, #c2480f)"}
    return "".join(
        f'<path d="{path}" stroke="none" fill="{colours[level > 0]}" fill-opacity="{abs(level) / 8:g}"/>'
        for level, path in sorted(levels.items())
        if path
    )
