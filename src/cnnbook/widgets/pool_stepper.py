"""Max and average pooling, one window at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from cnnbook.shapes import output_size, pad_amounts

from .base import BookWidget
from .values import check_choice, check_flag, check_numbers, check_whole, grids_picture, text

NUMBERS = [
    [1, 3, 2, 0, 5, 1],
    [4, 2, 7, 1, 0, 3],
    [0, 8, 3, 3, 2, 6],
    [5, 1, 2, 1, 4, 4],
    [6, 2, 0, 1, 7, 2],
    [3, 4, 5, 0, 1, 8],
]
CHOICES = {
    "mode": ("max", "average"),
    "padding": ("valid", "same"),
    "view": ("forward", "backward"),
}
GEOMETRY = ("image", "pool_size", "stride", "padding")


class PoolStepper(BookWidget):
    """Watch a pooling window keep the largest number, or the mean, and send the gradient back.

    Parameters
    ----------
    id : str
        Name of the figure, unique on its page. ``<a href="#pool:mode=average,view=backward">`` puts the
        figure ``pool`` into its first state, changed as the link says.
    image : array of shape (H, W)
        Pixels, at most 12 a side. Default: 36 numbers with a tie in the middle.
    mode : "max" or "average"
        What a window keeps.
    pool_size : int
        Side of the window, 1 to 4 pixels.
    stride : int
        From one window to the next, 1 to 4 pixels.
    padding : "valid" or "same"
        Padded pixels take no part: they never win, and an average leaves them out.
    view : "forward" or "backward"
        What is shown.
    dout : array of shape (H', W'), optional
        The gradient that arrives at the outputs.
    step : int
        The window shown, counted row by row from 0.
    predict : bool
        Hide each result until the reader has tapped the winner, or typed the mean.

    Raises
    ------
    ValueError
        If a value cannot be drawn, or the window does not fit the image.

    Examples
    --------
    >>> figure = PoolStepper(id="pool")
    >>> figure.output().tolist()
    [[4, 7, 5], [8, 3, 6], [6, 5, 8]]
    >>> figure.sentence()
    'out[0, 0] = max(1, 3, 4, 2) = 4'
    >>> figure.mode = "average"
    >>> figure.sentence()
    'out[0, 0] = (1 + 3 + 4 + 2) / 4 = 10 / 4 = 2.5'
    """

    tag = "pool-stepper"
    script = "pool_stepper.js"
    state = ("image", "mode", "pool_size", "stride", "padding", "view", "dout", "step", "predict")

    image = traitlets.Any().tag(sync=True)
    mode = traitlets.Any("max").tag(sync=True)
    pool_size = traitlets.Any(2).tag(sync=True)
    stride = traitlets.Any(2).tag(sync=True)
    padding = traitlets.Any("valid").tag(sync=True)
    view = traitlets.Any("forward").tag(sync=True)
    dout = traitlets.Any(None, allow_none=True).tag(sync=True)
    step = traitlets.Any(0).tag(sync=True)
    predict = traitlets.Any(False).tag(sync=True)

    @traitlets.default("image")
    def _default_image(self) -> list:
        return [list(row) for row in NUMBERS]

    @traitlets.validate(*state)
    def _check(self, proposal: Any) -> Any:
        name = proposal["trait"].name
        value = _checked(name, proposal["value"])
        if name in GEOMETRY:
            self._counts(**{name: value})
        if name == "step" and value >= np.prod(self._counts()):
            raise ValueError(
                f"PoolStepper: step must be below {np.prod(self._counts())}, the number of windows. "
                f"Received step={value}. Count from 0, row by row."
            )
        return value

    @traitlets.observe(*GEOMETRY)
    def _keep_step(self, _change: Any) -> None:
        self.step = min(self.step, int(np.prod(self._counts())) - 1)

    def _counts(self, **changed: Any) -> tuple[int, int]:
        """Count the windows on both axes, rows first."""
        image, size, stride, padding = (
            _checked(name, changed.get(name, getattr(self, name))) for name in GEOMETRY
        )
        try:
            return tuple(output_size(edge, size, stride, padding=padding) for edge in np.shape(image))
        except ValueError as error:
            said = str(error).replace("kernel_size", "pool_size")
            raise ValueError(f"PoolStepper: {said}") from None

    def _padded(self) -> np.ndarray:
        """Surround the image by NaN where it is padded."""
        pads = [
            pad_amounts(edge, self.pool_size, self.stride, padding=self.padding)
            for edge in np.shape(self.image)
        ]
        return np.pad(np.asarray(self.image, dtype=float), pads, constant_values=np.nan)

    def _window(self, i: int, j: int) -> list:
        top, left = i * self.stride, j * self.stride
        window = self._padded()[top : top + self.pool_size, left : left + self.pool_size]
        return [float(value) for value in window.ravel() if not np.isnan(value)]

    def output(self) -> np.ndarray:
        """Compute the map the figure fills.

        Returns
        -------
        array of shape (H', W')
        """
        rows, columns = self._counts()
        keep = max if self.mode == "max" else np.mean
        out = np.array([[keep(self._window(i, j)) for j in range(columns)] for i in range(rows)])
        return out.astype(int) if (out == np.round(out)).all() else out

    def sentence(self) -> str:
        """Write out the maximum, or the mean, of the window shown."""
        i, j = divmod(self.step, self._counts()[1])
        window = self._window(i, j)
        if self.mode == "max":
            listed = ", ".join(text(value) for value in window)
            return f"out[{i}, {j}] = max({listed}) = {text(max(window))}"
        summed = " + ".join(text(value, factor=True) for value in window)
        total, count = sum(window), len(window)
        mean = f"{text(total, factor=True)} / {count} = {text(total / count)}"
        return f"out[{i}, {j}] = ({summed}) / {count} = {mean}"

    def picture(self) -> str:
        """Draw image, window and output as one SVG, with the sum as its caption."""
        padded = self._padded()
        i, j = divmod(self.step, self._counts()[1])
        window = (i * self.stride, j * self.stride, self.pool_size, self.pool_size)
        inside = np.argwhere(~np.isnan(padded))[0]
        return grids_picture(
            [
                ("Input", padded, window, (*inside, *np.shape(self.image))),
                ("Output", self.output(), (i, j, 1, 1), None),
            ],
            f"{'Max' if self.mode == 'max' else 'Average'} pooling: {self.sentence()}.",
        )


def _checked(name: str, value: Any) -> Any:
    owner = "PoolStepper"
    if name in CHOICES:
        return check_choice(owner, name, value, CHOICES[name])
    if name == "predict":
        return check_flag(owner, name, value)
    if name == "image":
        return check_numbers(owner, name, value, {2: "(H, W)"})
    if name == "dout":
        return None if value is None else check_numbers(owner, name, value, {2: "(H', W')"})
    return check_whole(owner, name, value, *((0, 10_000) if name == "step" else (1, 4)))
