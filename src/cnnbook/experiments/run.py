"""One run: train a variant of an experiment on one side with one seed, and return what is worth keeping."""

import time
from datetime import UTC, datetime

import numpy as np

from cnnbook import bugzoo, nn
from cnnbook.experiments.catalogue import EXPERIMENTS
from cnnbook.experiments.contestants import SIDES, step_seconds
from cnnbook.experiments.settings import images_for
from cnnbook.results.recorder import Recorder
from cnnbook.results.store import PACKAGES, installed

FIRST, POINTS = 50, 200  # single steps kept from the beginning, and means over equally many steps


class Keeper:
    """A callback that keeps the weights of the best epoch, and what `setting.watch` measures."""

    def __init__(self, side, setting, val):
        self.side, self.setting, self.val = side, setting, val
        self.best_epoch, self.best, self.kept, self.watched = None, -1.0, None, {}

    def on_start(self, model):
        self.watch(model)

    def on_epoch(self, model, epoch, logs):
        self.watch(model)
        # Without validation images the last epoch is the one, whatever it brings.
        value = logs["val_accuracy"] if self.val is not None else epoch
        if value > self.best:
            self.best_epoch, self.best, self.kept = epoch, value, self.side.weights()

    def watch(self, model):
        if self.setting.watch and isinstance(model, nn.Sequential):
            for name, value in self.setting.watch(model, *self.val).items():
                self.watched.setdefault(name, []).append(float(f"{value:.4g}"))


def run(experiment: str, variant: str, side: str, seed: int) -> dict:
    """Train and test.

    Parameters
    ----------
    experiment, variant : names of `EXPERIMENTS`. side : one of `SIDES`. seed : of weights, order and dropout.

    Returns
    -------
    dict : what JSON can hold. "epochs", "first_steps" and "steps" hold the curves; "best_epoch" counts from
        0; "test" is measured once, with that epoch's weights; "arrays" and "player" are there where the
        setting asks for them. A run whose loss leaves the finite numbers has "stopped" in place of "test".
    """
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):  # some variants are meant to overflow
        setting, images, model, trainer = prepare(experiment, variant, side, seed)
        keeper = Keeper(trainer, setting, images.val)
        first_of_ours = side == "ours" and seed == 0
        recorder = player(setting, images) if setting.player and first_of_ours else None
        found = {"variant": variant, "side": side, "seed": seed, "setting": str(setting)}
        found["parameters"] = sum(param.size for layer in model.layers for param in layer.params.values())
        wall, cpu, stopped = time.perf_counter(), time.process_time(), None
        try:
            history = trainer.fit(
                *images.train,
                epochs=setting.epochs,
                batch_size=setting.batch_size,
                validation_data=images.val or images.test,
                seed=seed,
                callbacks=[keeper, recorder] if recorder else [keeper],
            )
        except FloatingPointError as error:
            stopped = str(error)
        found["made"] = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - wall, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
            "packages": installed(PACKAGES),
        }
        if stopped:
            return found | {"stopped": stopped}
        if history.interrupted:
            raise KeyboardInterrupt
        found |= curves(history, keeper, images.val is None)
        trainer.restore(keeper.kept)
        found["test"] = tested(trainer.logits(images.test[0]), images.test[1])
        if setting.look and first_of_ours:
            found["arrays"] = setting.look(model, *images.test)
        if recorder:
            found["player"] = recorder.replay()
        if side == "own layers":
            found["step_seconds"] = step_seconds(trainer, SIDES["keras"](model, setting, seed), images)
    return found


def prepare(experiment: str, variant: str, side: str, seed: int):
    """What a run begins with: its setting, its images, our built network, and the side to be trained."""
    setting = EXPERIMENTS[experiment].variants[variant]
    images = images_for(setting, seed)
    model = setting.make()
    model.build(images.train[0].shape[1:], seed=seed)
    for place in setting.frozen:
        model.layers[place].trainable = False
    return setting, images, model, SIDES[side](model, setting, seed)


def one_thread():
    """A context in which matrix products take one thread: other runs have the other cores."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def curves(history, keeper, test_watched: bool) -> dict:
    """The numbers of every epoch, of the first steps, and means over the others."""
    losses = history.steps["loss"]
    every = max(1, len(losses) // POINTS)
    means = [float(np.mean(losses[start : start + every])) for start in range(0, len(losses), every)]
    names = {name: name.replace("val_", "test_") if test_watched else name for name in history.history}
    epochs = {names[name]: [round(v, 5) for v in values] for name, values in history.history.items()}
    return {
        "epochs": epochs,
        **({"watched": keeper.watched} if keeper.watched else {}),
        "best_epoch": keeper.best_epoch,
        "first_steps": [float(f"{loss:.7g}") for loss in losses[:FIRST]],
        "steps": {"every": every, "loss": [round(mean, 4) for mean in means]},
    }


def tested(logits: np.ndarray, labels: np.ndarray) -> dict:
    """Loss, accuracy, confusion and both macro-F1, the right one and the source's."""
    guesses, classes = logits.argmax(axis=1), logits.shape[1]
    return {
        "loss": round(nn.SoftmaxCrossEntropy().forward(logits, labels), 5),
        "accuracy": round(nn.accuracy(labels, guesses), 5),
        "macro_f1": round(nn.macro_f1(labels, guesses, classes), 5),
        "macro_f1_of_the_source": round(bugzoo.macro_f1_of_the_predicted(labels, guesses), 5),
        "confusion": nn.confusion_matrix(labels, guesses, classes).tolist(),
    }


def player(setting, images) -> Recorder:
    """A recorder for the training player: two images, and 500 more for its confusion matrix."""
    x, y = images.val or images.test
    settings = {
        "optimizer": setting.optimizer.name,
        "learning rate": setting.optimizer.learning_rate,
        "batch size": setting.batch_size,
        "seed": 0,
    }
    return Recorder(
        setting.player[1],
        settings=settings,
        images=x[:2],
        examples=(x[:500], y[:500]),
        classes=images.class_names,
    )
