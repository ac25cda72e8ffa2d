"""One convolution, one window at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from cnnbook.shapes import output_size, pad_amounts, window_extent

from .base import BookWidget
from .values import check_choice, check_flag, check_numbers, check_whole, grids_picture, text

HAND_IMAGE = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
HAND_KERNEL = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
SHAPES = {
    "image": {2: "(H, W)", 3: "(H, W, C)"},
    "kernel": {2: "(K_h, K_w)", 4: "(K_h, K_w, C, F)"},
    "bias": {1: "(F,)"},
    "dout": {2: "(H', W')"},
}
CHOICES = {
    "pad_mode": ("zero", "reflect", "edge"),
    "view": ("forward", "im2col", "channels", "backward"),
    "target": ("pixel", "weight"),
}
GEOMETRY = ("image", "kernel", "stride", "padding", "dilation")


class ConvStepper(BookWidget):
    """Watch a kernel slide over an image, with every sum written out.

    Parameters
    ----------
    id : str
        Name of the figure, unique on its page. ``<a href="#conv-hand:stride=2,padding=same">`` puts the
        figure ``conv-hand`` into its first state, changed as the link says.
    image : array of shape (H, W) or (H, W, C)
        Pixels, at most 12 a side. Default: the hand example.
    kernel : array of shape (K_h, K_w) or (K_h, K_w, C, F)
        Weights. Default: the hand example.
    bias : array of shape (F,), optional
        One number a filter, only with channels.
    stride, dilation : int
        1 to 4, in pixels.
    padding : "valid", "same" or int
        An int, 0 to 4, pads that many pixels on each side.
    pad_mode : "zero", "reflect" or "edge"
        What the padding holds.
    view : "forward", "im2col", "channels" or "backward"
        What is shown. "channels" gives an image that has none a second channel.
    target : "pixel" or "weight"
        Whose gradient the backward view adds up.
    dout : array of shape (H', W'), optional
        The gradient that arrives at the outputs.
    step : int
        The output (pixel, weight) shown, counted row by row from 0.
    filter : int
        The filter shown in the channels view.
    predict : bool
        Hide each result until the reader has typed it.

    Raises
    ------
    ValueError
        If a value cannot be drawn, or the window does not fit the image.

    Examples
    --------
    >>> figure = ConvStepper(id="conv-hand")
    >>> figure.output().tolist()
    [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
    >>> figure.sentence()
    'out[0, 0] = (1·1 + 1·0 + 1·1) + (0·0 + 1·1 + 1·0) + (0·1 + 0·0 + 1·1) = 2 + 1 + 1 = 4'
    >>> figure.stride = 2
    >>> figure.output().tolist()
    [[4, 4], [2, 4]]
    """

    tag = "conv-stepper"
    script = "conv_stepper.js"
    state = (
        *("image", "kernel", "bias", "stride", "padding", "pad_mode", "dilation"),
        *("step", "view", "target", "filter", "dout", "predict"),
    )

    image = traitlets.Any().tag(sync=True)
    kernel = traitlets.Any().tag(sync=True)
    bias = traitlets.Any(None, allow_none=True).tag(sync=True)
    stride = traitlets.Any(1).tag(sync=True)
    padding = traitlets.Any("valid").tag(sync=True)
    pad_mode = traitlets.Any("zero").tag(sync=True)
    dilation = traitlets.Any(1).tag(sync=True)
    step = traitlets.Any(0).tag(sync=True)
    view = traitlets.Any("forward").tag(sync=True)
    target = traitlets.Any("pixel").tag(sync=True)
    filter = traitlets.Any(0).tag(sync=True)
    dout = traitlets.Any(None, allow_none=True).tag(sync=True)
    predict = traitlets.Any(False).tag(sync=True)

    @traitlets.default("image")
    def _default_image(self) -> list:
        return [list(row) for row in HAND_IMAGE]

    @traitlets.default("kernel")
    def _default_kernel(self) -> list:
        return [list(row) for row in HAND_KERNEL]

    @traitlets.validate(*state)
    def _check(self, proposal: Any) -> Any:
        name = proposal["trait"].name
        value = _checked(name, proposal["value"])
        if name in GEOMETRY:
            self._sizes(**{name: value})
        if name == "step" and value >= self._steps():
            raise ValueError(
                f"ConvStepper: step must be below {self._steps()}, the number of results. "
                f"Received step={value}. Count from 0, row by row."
            )
        return value

    @traitlets.observe(*GEOMETRY, "view", "target")
    def _keep_step(self, _change: Any) -> None:
        self.step = min(self.step, self._steps() - 1)

    def _sizes(self, **changed: Any) -> list[dict[str, int]]:
        """Measure both axes, rows first: size, kernel, before, extent, out."""
        image, kernel, stride, padding, dilation = (
            _checked(name, changed.get(name, getattr(self, name))) for name in GEOMETRY
        )
        sizes = []
        for size, taps in zip(np.shape(image)[:2], np.shape(kernel)[:2], strict=True):
            try:
                out = output_size(size, taps, stride, dilation, padding)
            except ValueError as error:
                raise ValueError(f"ConvStepper: {error}") from None
            before, after = pad_amounts(size, taps, stride, dilation, padding)
            extent = window_extent(taps, dilation)
            sizes.append({"size": size, "taps": taps, "pads": (before, after), "extent": extent, "out": out})
        return sizes

    def _steps(self) -> int:
        counted = "out" if self.view != "backward" else "size" if self.target == "pixel" else "taps"
        rows, columns = self._sizes()
        return rows[counted] * columns[counted]

    def _padded(self) -> np.ndarray:
        mode = "constant" if self.pad_mode == "zero" else self.pad_mode
        image = np.atleast_3d(np.asarray(self.image))  # (H, W, C)
        return np.pad(image, [*(axis["pads"] for axis in self._sizes()), (0, 0)], mode=mode)

    def _filter(self) -> np.ndarray:
        kernel = np.asarray(self.kernel)
        if kernel.ndim == 4:
            return kernel[..., min(self.filter, kernel.shape[3] - 1)]
        channels = np.atleast_3d(np.asarray(self.image)).shape[2]
        return np.repeat(kernel[:, :, None], channels, axis=2)  # (K_h, K_w, C)

    def _bias(self) -> float:
        return 0 if self.bias is None else self.bias[min(self.filter, len(self.bias) - 1)]

    def _window(self, i: int, j: int) -> np.ndarray:
        rows, columns = self._sizes()
        top, left = i * self.stride, j * self.stride
        return self._padded()[
            top : top + rows["extent"] : self.dilation, left : left + columns["extent"] : self.dilation
        ]

    def output(self) -> np.ndarray:
        """Compute the map the figure fills.

        Returns
        -------
        array of shape (H', W')
            Of the filter shown, if there are several.
        """
        rows, columns = self._sizes()
        kernel = self._filter()
        return np.array(
            [
                [(self._window(i, j) * kernel).sum() + self._bias() for j in range(columns["out"])]
                for i in range(rows["out"])
            ]
        )

    def _place(self) -> tuple[int, int]:
        rows, columns = self._sizes()
        step = min(self.step, rows["out"] * columns["out"] - 1) if self.view != "backward" else 0
        return divmod(step, columns["out"])

    def sentence(self) -> str:
        """Write out the sum of the step shown, grouped by kernel row (by channel, if there are several)."""
        i, j = self._place()
        pairs = np.stack([self._window(i, j), self._filter()], axis=-1)  # (K_h, K_w, C, 2)
        groups = pairs[:, :, 0] if pairs.shape[2] == 1 else np.moveaxis(pairs, 2, 0)
        groups = [group.reshape(-1, 2) for group in groups]
        terms = [
            "(" + " + ".join(f"{text(x, True)}·{text(k, True)}" for x, k in group) + ")" for group in groups
        ]
        parts = [group.prod(axis=1).sum() for group in groups]
        if self.bias is not None:
            terms.append(text(self._bias(), True))
            parts.append(self._bias())
        steps = [" + ".join(text(part, True) for part in parts)] if len(parts) > 1 else []
        return " = ".join([f"out[{i}, {j}]", " + ".join(terms), *steps, text(sum(parts))])

    def picture(self) -> str:
        """Draw image, window, kernel and output as one SVG, with the sum as its caption."""
        rows, columns = self._sizes()
        i, j = self._place()
        window = (i * self.stride, j * self.stride, rows["extent"], columns["extent"])
        ring = (*(axis["pads"][0] for axis in (rows, columns)), rows["size"], columns["size"])
        panels = [
            ("Input", self._padded()[:, :, 0], window, ring),
            ("Kernel", self._filter()[:, :, 0], None, None),
            ("Output", self.output(), (i, j, 1, 1), None),
        ]
        channels = np.atleast_3d(np.asarray(self.image)).shape[2]
        said = self.sentence() + "." + (f" Shown: channel 0 of {channels}." if channels > 1 else "")
        return grids_picture(panels, said)


def _checked(name: str, value: Any) -> Any:
    owner = "ConvStepper"
    if name in SHAPES:
        optional = value is None and name in ("bias", "dout")
        return None if optional else check_numbers(owner, name, value, SHAPES[name])
    if name == "predict":
        return check_flag(owner, name, value)
    if name in CHOICES:
        return check_choice(owner, name, value, CHOICES[name])
    if name == "padding" and value in ("valid", "same"):
        return value
    low, high = {"padding": (0, 4), "stride": (1, 4), "dilation": (1, 4)}.get(name, (0, 10_000))
    return check_whole(owner, name, value, low, high, "'valid', 'same' or " if name == "padding" else "")
