"""What a training run keeps while it goes on: the numbers, the callbacks, and the progress bar."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cnnbook.nn.progress import progress_bar


@dataclass
class History:
    """What a training run measured.

    Attributes
    ----------
    history : one value per finished epoch under Keras' keys: "loss", and for integer labels "accuracy"; with
        validation data also "val_loss" and "val_accuracy". The first two are means over the epoch's steps,
        taken while the weights were changing; the others are measured after the epoch.
    steps : "loss" and "accuracy" of every single step's batch, before the step.
    interrupted : True when the run was stopped by Ctrl-C.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    steps: dict[str, list[float]] = field(default_factory=dict)
    interrupted: bool = False


class Log:
    """Keeps a run's numbers for the loop that trains. Ctrl-C in its `with` block ends the run and keeps them.

    Parameters
    ----------
    model : what is trained; callbacks are handed it.
    steps : how many steps the run will take, for the progress bar.
    callbacks : as in `fit`.

    Attributes
    ----------
    run : History, what has been measured so far.

    Examples
    --------
    Two epochs of two steps each, on three examples:

    >>> with Log(model=None, steps=4) as log:
    ...     log.start()
    ...     for epoch in range(2):
    ...         log.step({"loss": 4.0}, examples=2)
    ...         log.step({"loss": 1.0}, examples=1)
    ...         log.epoch({"loss": 2.5})
    >>> log.run.history, log.run.steps
    ({'loss': [3.0, 3.0], 'val_loss': [2.5, 2.5]}, {'loss': [4.0, 1.0, 4.0, 1.0]})
    """

    def __init__(self, model: Any, steps: int, callbacks: Iterable = ()):
        self.model, self.callbacks = model, list(callbacks)
        self.run, self.bar = History(), progress_bar(steps)
        self.steps = self.epochs = self.examples = 0
        self.totals: dict[str, float] = {}

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, kind, error, traceback) -> bool:
        if self.bar is not None:
            self.bar.close()
        self.run.interrupted = kind is KeyboardInterrupt
        return self.run.interrupted

    @property
    def now(self) -> str:
        """Where the run is, for messages."""
        return f"step {self.steps} of epoch {self.epochs}"

    def start(self) -> None:
        """Call `on_start(model)` of the callbacks."""
        self.tell("on_start", self.model)

    def step(self, logs: dict[str, float], examples: int) -> None:
        """Note what a step on so many examples measured, and call `on_step(model, step, logs)`."""
        check_finite(logs["loss"], self.now)
        record(self.run.steps, logs)
        add(self.totals, logs, examples)
        self.examples += examples
        self.tell("on_step", self.model, self.steps, logs)
        self.steps += 1
        if self.bar is not None:
            self.bar.set_postfix(epoch=self.epochs, loss=f"{logs['loss']:.3f}", refresh=False)
            self.bar.update()

    def epoch(self, measured: dict[str, float] | None = None) -> None:
        """Note the means over the epoch and what was measured on validation data; call `on_epoch`."""
        logs = {key: total / self.examples for key, total in self.totals.items()}
        if measured:
            check_finite(measured["loss"], f"the validation after epoch {self.epochs}")
            logs |= {f"val_{key}": value for key, value in measured.items()}
        record(self.run.history, logs)
        self.tell("on_epoch", self.model, self.epochs, logs)
        self.epochs, self.examples, self.totals = self.epochs + 1, 0, {}

    def tell(self, method: str, *arguments: Any) -> None:
        """Call the method of all callbacks that have it."""
        for callback in self.callbacks:
            getattr(callback, method, lambda *_: None)(*arguments)


def check_finite(loss: float, when: str, where: str = "", now: str = "") -> None:
    """Refuse a loss that is infinity or nan, and say what to try."""
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"fit: the loss must stay finite. At {when} it is {loss}{where}. "
            f"Try a smaller learning_rate{now}, inputs scaled to [0, 1], or another initializer."
        )


def record(series: dict[str, list[float]], logs: dict[str, float]) -> None:
    """Append every value to the list of its name."""
    for key, value in logs.items():
        series.setdefault(key, []).append(value)


def add(totals: dict[str, float], logs: dict[str, float], count: int) -> None:
    """Add every mean over `count` examples to the total of its name.

    >>> totals = {"loss": 1.0}
    >>> add(totals, {"loss": 0.5}, 4)
    >>> totals
    {'loss': 3.0}
    """
    for key, value in logs.items():
        totals[key] = totals.get(key, 0.0) + value * count
