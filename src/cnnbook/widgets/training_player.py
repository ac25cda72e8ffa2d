"""A training run, replayed step by step, or followed while it goes on."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import Any

import traitlets

from cnnbook.results import replay
from cnnbook.results.recorder import Recorder

from .base import BookWidget
from .values import captioned, check_choice

VIEWS = ("all", "maps", "kernels", "gradients", "confusion")
PAUSE = 0.25  # seconds between two redraws of a run that goes on
WIDTH, HEIGHT = 300, 150  # pixels of a chart in the fallback picture
DASHES = ("", "7 3")


class TrainingPlayer(BookWidget):
    """Watch a network learn: its curves, kernels, feature maps, gradients and mistakes at any step.

    Parameters
    ----------
    id : str
        Name of the figure, unique on its page. ``<a href="#run:step=64,view=kernels">`` puts the figure
        ``run`` at step 64 and shows its kernels.
    runs : list of at most two replays
        Each a name in ``results/replays``, or what `Recorder.replay` returned. Two are
        compared. A single one need not be in a list.
    step : int, optional
        The step shown: what the network was after so many updates. Default: the last one.
    view : "all", "maps", "kernels", "gradients" or "confusion"
        What is shown below the curves.

    Raises
    ------
    ValueError
        If a replay is damaged or foreign, there are more than two, or a value is out of range.
    FileNotFoundError
        If there is no replay of that name.

    Examples
    --------
    A run that goes on draws itself, in a live notebook:

    >>> from cnnbook import nn
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.random((64, 6, 6, 1), np.float32), rng.integers(0, 2, 64)
    >>> model = nn.Sequential([nn.Conv2D(4, 3), nn.ReLU(), nn.Flatten(), nn.Dense(2)])
    >>> model.build((6, 6, 1), seed=0)
    (2,)
    >>> player = TrainingPlayer(id="run")
    >>> recorder = player.recorder("My run", images=x[:1])
    >>> history = nn.fit(model, nn.SoftmaxCrossEntropy(), nn.SGD(0.1), x, y, epochs=2, batch_size=16,
    ...                  callbacks=[recorder])
    >>> len(player.runs[0]["steps"]["loss"])
    8

    A recorded one is replayed, here beside itself:

    >>> twice = TrainingPlayer(id="two", runs=[recorder.replay(), recorder.replay()], step=4)
    >>> twice.sentence().startswith("Step 4 of 8: My run: training loss ")
    True
    """

    tag = "training-player"
    script = "training_player.js"
    state = ("runs", "step", "view")

    runs = traitlets.Any().tag(sync=True)
    step = traitlets.Any(None, allow_none=True).tag(sync=True)
    view = traitlets.Any("all").tag(sync=True)

    _drawn = 0.0
    _live: dict | None = None

    @traitlets.default("runs")
    def _default_runs(self) -> list:
        return []

    @traitlets.validate("runs")
    def _check_runs(self, proposal: Any) -> list:
        given = proposal["value"]
        given = [given] if isinstance(given, (str, dict)) else given
        if not isinstance(given, (list, tuple)) or len(given) > 2:
            received = len(given) if isinstance(given, (list, tuple)) else type(given).__name__
            raise ValueError(
                f"TrainingPlayer: runs must be one or two replays. Received {received}. "
                "Choose the two to compare."
            )
        return [replay.read(run) if isinstance(run, str) else replay.check(run) for run in given]

    @traitlets.validate("step")
    def _check_step(self, proposal: Any) -> int | None:
        step = proposal["value"]
        if step is None or (isinstance(step, int) and not isinstance(step, bool) and step >= 0):
            return step
        raise ValueError(
            f"TrainingPlayer: step must be an integer from 0, or None. Received step={step!r}. "
            "Pass the number of updates, or None for the end."
        )

    @traitlets.validate("view")
    def _check_view(self, proposal: Any) -> str:
        return check_choice("TrainingPlayer", "view", proposal["value"], VIEWS)

    def recorder(self, title: str = "This run", *, compare: bool = False, **options: Any) -> Recorder:
        """Make the callback that draws a run here while `fit` goes on.

        Parameters
        ----------
        title : str
            What the run is.
        compare : bool
            Keep the last run shown beside the new one.
        options
            As for `cnnbook.results.recorder.Recorder`: settings, images, examples, classes.
        """
        made = Recorder(title, listener=self.append, **options)
        self._live = made.replay()
        self.runs = [*(self.runs[-1:] if compare else []), made.replay()]
        self.step = None
        return made

    def append(self, step: dict[str, Any]) -> None:
        """Add what a run says at a step, and draw it.

        Parameters
        ----------
        step : dict
            ``{"step": 3, "loss": 0.7, "accuracy": 0.8}``, or any other entry of `replay.append`.
            The first one starts a run. Redrawn four times a second at most, and after every epoch.
        """
        if self._live is None:
            self._live = replay.empty("This run")
            self.runs = [*self.runs[-1:], deepcopy(self._live)]
        replay.append(self._live, step)
        if "epoch" in step or "snapshot" in step or time.monotonic() - self._drawn > PAUSE:
            self.flush()

    def flush(self) -> None:
        """Draw everything appended so far."""
        if self._live is not None:
            self._drawn = time.monotonic()
            self.runs = [*self.runs[:-1], deepcopy(self._live)]

    def sentence(self) -> str:
        """Say the step shown and its numbers."""
        if not self.runs:
            return "Nothing is recorded yet."
        ends = [max(run["steps"]["step"][-1:] + run["epochs"]["step"][-1:], default=0) for run in self.runs]
        step = max(ends) if self.step is None else min(self.step, max(ends))
        said = []
        for run in self.runs:
            numbers = [
                f"{kind} {name} {series[key][at]}"
                for kind, series, prefix in (
                    ("training", run["steps"], ""),
                    ("validation", run["epochs"], "val_"),
                )
                for name in ("loss", "accuracy")
                for key in [prefix + name]
                for at in [sum(kept <= step for kept in series["step"]) - 1]
                if key in series and at >= 0
            ]
            said.append(f"{run['title']}: {', '.join(numbers) or 'nothing yet'}")
        return f"Step {step} of {max(ends)}: {'; '.join(said)}."

    def picture(self) -> str:
        """Draw the curves as one SVG, with the numbers of the step as its caption."""
        charts = "".join(
            f'<g transform="translate({index * (WIDTH + 50)} 0)">{self._chart(name)}</g>'
            for index, name in enumerate(("loss", "accuracy"))
        )
        return captioned(charts, f"0 0 {2 * WIDTH + 100} {HEIGHT + 60}", self.sentence())

    def _chart(self, name: str) -> str:
        lines = [
            (series["step"], series[key], DASHES[index], thick)
            for index, run in enumerate(self.runs)
            for series, key, thick in ((run["steps"], name, 1), (run["epochs"], f"val_{name}", 2.5))
            if series.get(key)
        ]
        right = max((max(xs) for xs, *_ in lines), default=0) or 1
        top = 1 if name == "accuracy" else max((max(ys) for _, ys, *_ in lines), default=0) or 1
        drawn = "".join(
            f'<path stroke-width="{thick}" stroke-dasharray="{dash if thick > 1 else ""}" d="M'
            + "L".join(
                f"{40 + WIDTH * x / right:.0f} {20 + HEIGHT * (1 - y / top):.0f}"
                for x, y in zip(xs, ys, strict=True)
            )
            + '"/>'
            for xs, ys, dash, thick in lines
        )
        text = 'fill="currentColor" stroke="none" font-size="14"'
        return (
            f'<text x="40" y="12" {text}>{name}: thin training, thick validation</text>'
            f'<text x="34" y="30" text-anchor="end" {text}>{top:.3g}</text>'
            f'<text x="34" y="{HEIGHT + 20}" text-anchor="end" {text}>0</text>'
            f'<text x="{WIDTH + 40}" y="{HEIGHT + 38}" text-anchor="end" {text}>step {right}</text>'
            f'<path d="M40 20v{HEIGHT}h{WIDTH}" opacity=".5"/>{drawn}'
        )
