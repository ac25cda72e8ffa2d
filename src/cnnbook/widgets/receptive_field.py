"""Which pixels a unit of a deep stack depends on."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from cnnbook.shapes import output_size, pad_amounts, receptive_field

from .base import BookWidget
from .values import captioned, check_choice, check_numbers, check_whole

BLOCKS = (("conv", 3, "same"), ("pool", 2, "valid"), ("conv", 3, "same"), ("pool", 2, "valid"))
MOST = 6
RANGES = {"kernel": (1, 7), "stride": (1, 4), "dilation": (1, 4)}
GEOMETRY = ("size", "layers", "image")


class ReceptiveField(BookWidget):
    """Tap a unit in any layer and see the pixels it depends on, and the units it feeds.

    Parameters
    ----------
    id : str
        Name of the figure, unique on its page. ``<a href="#field:layers=dilated,layer=2">`` puts the figure
        ``field`` into its first state, changed as the link says; ``layers`` may be blocks, threes, seven,
        strided, dilated or deep.
    layers : list of dict
        From the input upwards, 1 to 6 layers: ``kind`` ("conv" or "pool"), ``kernel`` (1 to 7), and, where
        they differ from a layer's usual ones, ``stride`` (1 to 4), ``dilation`` (1 to 4), ``padding``
        ("valid" or "same"). Default: 3x3 convolution and 2x2 pooling, twice.
    size : int
        Pixels a side of the input, 4 to 32. Default 28, or the image's.
    image : array of shape (H, H), optional
        Drawn as the input.
    layer : int
        The layer of the unit shown; 0 is the input. Default: the last.
    unit : pair of int
        Row and column of the unit in its layer.

    Raises
    ------
    ValueError
        If a layer does not fit what is left of the input, or there is no such unit.

    Examples
    --------
    >>> figure = ReceptiveField(id="field")
    >>> figure.field()
    ReceptiveField(size=10, jump=4, start=-3)
    >>> figure.sentence()
    'size = 8 + (2 \\u2212 1)·2 = 10; first column = \\u22123 + 3·4 = 9'
    >>> ReceptiveField(id="two", layers=[{"kernel": 3}, {"kernel": 3}], unit=(0, 0)).field().size
    5
    """

    tag = "receptive-field"
    script = "receptive_field.js"
    state = ("size", "layers", "layer", "unit", "image")

    size = traitlets.Any().tag(sync=True)
    layers = traitlets.Any().tag(sync=True)
    layer = traitlets.Any().tag(sync=True)
    unit = traitlets.Any().tag(sync=True)
    image = traitlets.Any(None, allow_none=True).tag(sync=True)

    @traitlets.default("size")
    def _default_size(self) -> int:
        return 28

    @traitlets.default("layers")
    def _default_layers(self) -> list:
        return [
            _layer({"kind": kind, "kernel": kernel, "padding": padding}) for kind, kernel, padding in BLOCKS
        ]

    @traitlets.default("layer")
    def _default_layer(self) -> int:
        return len(self.layers)

    @traitlets.default("unit")
    def _default_unit(self) -> list:
        return [min(3, self._units()[self.layer] - 1)] * 2

    @traitlets.validate(*state)
    def _check(self, proposal: Any) -> Any:
        name = proposal["trait"].name
        value = _checked(name, proposal["value"])
        if name in GEOMETRY:
            self._units(**{name: value})
        if name == "layer" and value > (last := len(self._geometry()[1])):
            raise ValueError(
                f"ReceptiveField: layer must be at most {last}, the number of layers. "
                f"Received layer={value}. 0 is the input."
            )
        if name == "unit" and max(value) >= (count := self._units()[_checked("layer", self.layer)]):
            raise ValueError(
                f"ReceptiveField: unit must be two indices below {count}, the units a side of layer "
                f"{self.layer}. Received unit={value}. Count from 0."
            )
        return value

    @traitlets.observe(*GEOMETRY, "layer")
    def _keep_unit(self, _change: Any) -> None:
        self.layer = min(self.layer, len(self.layers))
        self.unit = [min(index, self._units()[self.layer] - 1) for index in self.unit]

    def _geometry(self, **changed: Any) -> list:
        return [_checked(name, changed.get(name, getattr(self, name))) for name in GEOMETRY]

    def _stack(self, **changed: Any) -> list[tuple[int, int, int, int, int]]:
        """Measure each layer: kernel, stride, dilation, pixels padded before, units a side."""
        size, layers, image = self._geometry(**changed)
        units = len(image) if image else size
        stack = []
        for number, layer in enumerate(layers, start=1):
            window = layer["kernel"], layer["stride"], layer["dilation"], layer["padding"]
            try:
                before, _ = pad_amounts(units, *window)
                units = output_size(units, *window)
            except ValueError as error:
                raise ValueError(f"ReceptiveField: layer {number}: {error}") from None
            stack.append((*window[:3], before, units))
        return stack

    def _units(self, **changed: Any) -> list[int]:
        size, _, image = self._geometry(**changed)
        return [len(image) if image else size, *(layer[-1] for layer in self._stack(**changed))]

    def field(self) -> Any:
        """Compute size, jump and start of what the units of the layer shown see.

        Returns
        -------
        cnnbook.shapes.ReceptiveField
        """
        return receptive_field([layer[:4] for layer in self._stack()[: self.layer]])

    def sentence(self) -> str:
        """Write out how many columns the unit shown sees, and the first of them."""
        mine, column = self.field(), self.unit[1]
        first = f"first column = {mine.start} + {column}·{mine.jump} = {mine.start + column * mine.jump}"
        if self.layer == 0:
            return f"size = 1; {first}"
        kernel, _, dilation, _, _ = self._stack()[self.layer - 1]
        below = receptive_field([layer[:4] for layer in self._stack()[: self.layer - 1]])
        taps = f"{dilation}·({kernel} - 1)" if dilation > 1 else f"({kernel} - 1)"
        return f"size = {below.size} + {taps}·{below.jump} = {mine.size}; {first}".replace("-", "\u2212")

    def picture(self) -> str:
        """Draw the layers as rows of units above the input, with what the unit shown sees marked."""
        stack, units = self._stack(), self._units()
        fields = [receptive_field([layer[:4] for layer in stack[:k]]) for k in range(len(stack) + 1)]
        first = last = self.unit[1]
        marked = {self.layer: (first, last)}
        for at in range(self.layer - 1, -1, -1):
            kernel, stride, dilation, before, _ = stack[at]
            first = max(0, first * stride - before)
            last = min(units[at] - 1, last * stride - before + dilation * (kernel - 1))
            marked[at] = first, last
        step = 480 / units[0]
        drawing = ""
        for at, (count, field) in enumerate(zip(units, fields, strict=True)):
            y = (len(stack) - at) * 42 + 16
            width = max(3, min(26, step * field.jump * 0.82))
            name = (
                "input" if at == 0 else f"{self.layers[at - 1]['kind']} {stack[at - 1][0]}x{stack[at - 1][0]}"
            )
            drawing += (
                f'<text y="{y - 4}" fill="currentColor" stroke="none" font-size="12">{name}, {count}</text>'
            )
            for index in range(count):
                middle = (field.start + index * field.jump + field.size / 2) * step
                inside = at in marked and marked[at][0] <= index <= marked[at][1]
                fill = ' fill="currentColor" fill-opacity=".45"' if inside else ' opacity=".45"'
                drawing += (
                    f'<rect x="{middle - width / 2:.1f}" y="{y}" width="{width:.1f}" height="17"{fill}/>'
                )
        mine = self.field()
        said = (
            f"A unit of layer {self.layer} sees {mine.size} by {mine.size} pixels, its neighbour the same "
            f"{mine.jump} further: {self.sentence()}."
        )
        return captioned(drawing, f"-8 -2 496 {42 * len(units) + 4}", said)


def _layer(value: Any) -> dict:
    owner = "ReceptiveField"
    known = {"kind", "padding", *RANGES}
    if not isinstance(value, dict) or not set(value) <= known or "kernel" not in value:
        raise ValueError(
            f"{owner}: a layer must be a dict with kernel, and perhaps kind, stride, dilation and padding. "
            f'Received {value!r}. Write {{"kind": "pool", "kernel": 2}}.'
        )
    kind = check_choice(owner, "kind", value.get("kind", "conv"), ("conv", "pool"))
    usual = {"stride": value["kernel"] if kind == "pool" else 1, "dilation": 1}
    numbers = {
        name: check_whole(owner, name, value.get(name, usual.get(name)), low, high)
        for name, (low, high) in RANGES.items()
    }
    padding = check_choice(owner, "padding", value.get("padding", "valid"), ("valid", "same"))
    return {"kind": kind, **numbers, "padding": padding}


def _checked(name: str, value: Any) -> Any:
    owner = "ReceptiveField"
    if name == "layers":
        if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= MOST:
            raise ValueError(
                f"{owner}: layers must be a list of 1 to {MOST} layers. Received layers={value!r}. "
                'Write [{"kernel": 3}, {"kind": "pool", "kernel": 2}].'
            )
        return [_layer(each) for each in value]
    if name == "image":
        if value is None:
            return None
        image = check_numbers(owner, name, value, {2: "(H, H)"}, longest=32)
        if len(image) != len(image[0]) or len(image) < 4:
            raise ValueError(
                f"{owner}: image must be square, 4 to 32 pixels a side. Received image of shape "
                f"{np.shape(image)}. Crop or pad it."
            )
        return image
    if name == "unit":
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise ValueError(
                f"{owner}: unit must be (row, column). Received unit={value!r}. Write unit=(3, 3)."
            )
        return [check_whole(owner, name, index, 0, 31) for index in value]
    return check_whole(owner, name, value, *((4, 32) if name == "size" else (0, MOST)))
