"""Callbacks: what `fit` tells of the run while it goes on."""

from dataclasses import dataclass, field

from cnnbook.nn.arguments import check_number


@dataclass(eq=False)
class EarlyStopping:
    """Early stopping: end the run when what is measured after each epoch no longer improves.

    Parameters
    ----------
    monitor : what is watched, a key of the History: "val_loss", "val_accuracy", "loss", "accuracy". Losses
        improve by falling, accuracies by rising.
    min_delta : a smaller change does not count as an improvement.
    patience : how many epochs without an improvement are borne before the run ends.
    restore_best_weights : give the model the weights of its best epoch back when the run ends that way.

    Attributes
    ----------
    best : the best value so far. best_epoch : its epoch, counted from 0. stopped_epoch : the last one, or
        None if the run went to its end.

    Raises
    ------
    ValueError : if a number is out of range, or the run does not measure what is monitored.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnbook.nn import SGD, Dense, Sequential, SoftmaxCrossEntropy, fit
    >>> x, y = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
    >>> model = Sequential([Dense(2)])
    >>> model.build((4,), seed=0)
    (2,)
    >>> stop = EarlyStopping("val_accuracy", patience=2, restore_best_weights=True)
    >>> run = fit(model, SoftmaxCrossEntropy(), SGD(0.5), x, y, epochs=50, batch_size=2,
    ...           validation_data=(x, 1 - y), callbacks=[stop])
    >>> stop.stopped_epoch - stop.best_epoch, len(run.history["loss"]) < 50
    (2, True)

    Source: Prechelt (1998); keras.callbacks.EarlyStopping.
    """

    monitor: str = "val_loss"
    min_delta: float = 0.0
    patience: int = 0
    restore_best_weights: bool = False
    best: float | None = field(init=False, repr=False, default=None)
    best_epoch: int | None = field(init=False, repr=False, default=None)
    stopped_epoch: int | None = field(init=False, repr=False, default=None)

    def __post_init__(self):
        self.min_delta = check_number("EarlyStopping", "min_delta", self.min_delta, "[0, inf)")
        self.patience = int(check_number("EarlyStopping", "patience", self.patience, "[0, inf)"))

    def on_start(self, model) -> None:
        """Forget the run before."""
        self.best = self.best_epoch = self.stopped_epoch = self._kept = None

    def on_epoch(self, model, epoch: int, logs: dict[str, float]) -> None:
        """Compare with the best epoch, and set `model.stop_training` once patience is exhausted."""
        if self.monitor not in logs:
            raise ValueError(
                f"EarlyStopping: monitor must be something that the run measures, one of {', '.join(logs)}. "
                f"Received monitor={self.monitor!r}. Give fit validation_data to watch a val_ value."
            )
        value = logs[self.monitor]
        gain = value - self.best if self.best is not None else None
        if gain is not None and not self.monitor.endswith("accuracy"):
            gain = -gain
        if gain is None or gain > self.min_delta:
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self._kept = {name: array.copy() for name, array in model.weights().items()}
        elif epoch - self.best_epoch >= self.patience:
            self.stopped_epoch, model.stop_training = epoch, True
            for name, array in model.weights().items() if self._kept else ():
                array[...] = self._kept[name]
