"""Early stopping: when it ends a run, what it counts as better, and which weights remain."""

import numpy as np
import pytest

from cnnbook.nn import SGD, Dense, EarlyStopping, Sequential, SoftmaxCrossEntropy, fit


def watch(values, monitor="val_loss", **settings):
    """The epochs that run, and the callback, if `monitor` takes these values."""
    model, stop = Sequential([Dense(1)]), EarlyStopping(monitor, **settings)
    model.build((1,))
    stop.on_start(model)
    for epoch, value in enumerate(values):
        model.layers[0].params["bias"][:] = epoch
        stop.on_epoch(model, epoch, {monitor: value})
        if model.stop_training:
            break
    return epoch + 1, stop, model


def test_a_loss_that_rises_ends_the_run_once_patience_is_exhausted():
    assert watch([3, 2, 2.5, 2.4, 1])[0] == 3
    epochs, stop, _ = watch([3, 2, 2.5, 2.4, 1], patience=2)
    assert (epochs, stop.best, stop.best_epoch, stop.stopped_epoch) == (4, 2, 1, 3)
    assert watch([3, 2, 2.5, 2.4, 1], patience=3)[0] == 5


def test_accuracies_improve_by_rising():
    assert watch([0.5, 0.6, 0.7], "val_accuracy")[1].stopped_epoch is None
    assert watch([0.5, 0.4, 0.7], "val_accuracy")[0] == 2


def test_an_improvement_smaller_than_min_delta_is_none():
    assert watch([1.0, 0.95, 0.94], min_delta=0.1)[0] == 2
    assert watch([1.0, 0.85, 0.7], min_delta=0.1)[0] == 3


def test_the_best_weights_come_back_if_asked_for():
    assert watch([3, 2, 2.5], restore_best_weights=True)[2].layers[0].params["bias"] == 1
    assert watch([3, 2, 2.5])[2].layers[0].params["bias"] == 2


def test_fit_ends_after_that_epoch_and_a_second_run_begins_anew():
    x, y = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
    model, stop = Sequential([Dense(2)]), EarlyStopping("val_loss")
    model.build((4,), seed=0)
    for _ in range(2):
        run = fit(model, SoftmaxCrossEntropy(), SGD(1.0), x, y, epochs=20, batch_size=2,
                  validation_data=(x, 1 - y), callbacks=[stop])  # fmt: skip
        assert len(run.history["val_loss"]) == stop.stopped_epoch + 1 == 2
        assert not run.interrupted


def test_what_the_run_does_not_measure_cannot_be_watched(refuses):
    with refuses(
        "EarlyStopping: monitor must be something that the run measures, one of loss. Received "
        "monitor='val_loss'. Give fit validation_data to watch a val_ value."
    ):
        EarlyStopping().on_epoch(None, 0, {"loss": 1.0})


@pytest.mark.parametrize("argument", [{"patience": -1}, {"min_delta": -0.1}, {"patience": "3"}])
def test_numbers_out_of_range_are_refused(argument):
    with pytest.raises(ValueError, match=r"EarlyStopping: .* must be a number in"):
        EarlyStopping(**argument)
