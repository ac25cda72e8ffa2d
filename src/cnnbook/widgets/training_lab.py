"""A laboratory for live notebooks: choose the settings of a small network, train it, watch it."""

from __future__ import annotations

import threading
import time
from html import escape
from typing import Any

import ipywidgets

from .training_player import TrainingPlayer

SETTINGS = {
    "learning_rate": (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    "batch_size": (8, 16, 32, 64, 128),
    "batchnorm": (False, True),
    "optimizer": ("SGD", "momentum", "RMSprop", "Adam"),
    "kernel_size": (1, 3, 5, 7),
    "examples": (250, 500, 1000, 2000, 4000),
    "epochs": (1, 2, 3, 5, 10),
}
DEFAULTS = {
    **{"learning_rate": 0.03, "batch_size": 32, "batchnorm": False, "optimizer": "SGD"},
    **{"kernel_size": 3, "examples": 1000, "epochs": 3},
}
HOW = (
    "Training needs Python. Open this page as a notebook, with the launch button at its top or with "
    "<code>jupyter lab</code>, run its cells, and the controls appear: learning rate, batch size, batch "
    "normalisation, optimizer, kernel size, number of images, Run and Stop."
)
PAUSE = 0.2  # seconds between two looks at the progress


class TrainingLab(ipywidgets.VBox):
    """Train a small convolutional network with settings of your choice, and watch it learn.

    Two 3x3 convolutions of 8 and 16 filters (the size is yours), each with ReLU and 2x2 max pooling, then a
    dense layer, in this book's NumPy. A new run is drawn beside the one before it. A page without Python
    shows recorded runs and says how to run it.

    Parameters
    ----------
    id : str
        Name of the figure, unique on its page.
    runs : list of at most two replays
        Shown until the first run, as for `TrainingPlayer`.
    data : Dataset, optional
        As from `cnnbook.data.load`. Default: Fashion-MNIST, or scikit-learn's digits without a network,
        loaded by the first run.
    seed : int
        Of the initial weights and the order of the images.
    settings
        First choices: learning_rate, batch_size, batchnorm, optimizer, kernel_size, examples, epochs.

    Raises
    ------
    ValueError
        If there is no such setting, or it has no such choice.

    Examples
    --------
    >>> lab = TrainingLab(id="lab", learning_rate=0.1)
    >>> lab.settings()["learning_rate"], lab.settings()["optimizer"]
    (0.1, 'SGD')
    """

    def __init__(self, *, id: str = "training-lab", runs=(), data=None, seed: int = 0, **settings: Any):
        for name, value in settings.items():
            if name not in SETTINGS or value not in SETTINGS[name]:
                wanted = SETTINGS.get(name, tuple(SETTINGS))
                raise ValueError(
                    f"TrainingLab: {name if name in SETTINGS else 'a setting'} must be one of {wanted}. "
                    f"Received {name}={value!r}. Choose one of them."
                )
        self.player = TrainingPlayer(id=id, runs=list(runs))
        self.data, self.seed = data, seed
        self._thread: threading.Thread | None = None
        self._stopping, self._runs, self._before = False, 0, {}
        self.controls = {name: _control(name, (DEFAULTS | settings)[name]) for name in SETTINGS}
        self.run_button = ipywidgets.Button(description="Run", button_style="primary", icon="play")
        self.stop_button = ipywidgets.Button(description="Stop", icon="stop", disabled=True)
        self.progress = ipywidgets.IntProgress(value=0, max=1, description="Steps")
        self.message = ipywidgets.HTML("Choose settings, then Run.")
        self.run_button.on_click(lambda _: self.run())
        self.stop_button.on_click(lambda _: self.stop())
        wrap = ipywidgets.Layout(flex_flow="row wrap")
        super().__init__(
            [
                ipywidgets.HBox(list(self.controls.values()), layout=wrap),
                ipywidgets.HBox(
                    [self.run_button, self.stop_button, self.progress, self.message], layout=wrap
                ),
                self.player,
            ]
        )

    def settings(self) -> dict[str, Any]:
        """Give the choices as they stand."""
        return {name: control.value for name, control in self.controls.items()}

    def run(self) -> None:
        """Start training in the background. Does nothing while a run goes on."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._stopping = False
        self.run_button.disabled, self.stop_button.disabled = True, False
        self._thread = threading.Thread(target=self._train, args=(self.settings(),), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the run to end after its present step. What it has drawn stays."""
        self._stopping = True

    def wait(self) -> None:
        """Wait until the run has ended."""
        if self._thread is not None:
            self._thread.join()

    def _train(self, chosen: dict[str, Any]) -> None:
        try:
            self._say("Loading the images.")
            self._fit(chosen)
        except Exception as error:  # nothing may end in silence: a thread has nobody to raise to
            self._say(str(error))
        finally:
            self.player.flush()
            self.run_button.disabled, self.stop_button.disabled = False, True

    def _fit(self, chosen: dict[str, Any]) -> None:
        from cnnbook import nn

        if self.data is None:
            from cnnbook.data import load

            self.data = load(n_train=max(SETTINGS["examples"]), n_test=500, fallback="digits")
        data, count = self.data, min(chosen["examples"], len(self.data.x_train))
        model = _network(nn, chosen)
        model.build(data.x_train.shape[1:], seed=self.seed)
        title = self._title(chosen)
        steps = chosen["epochs"] * -(-count // chosen["batch_size"])
        self.progress.value, self.progress.max = 0, steps
        recorder = self.player.recorder(
            title,
            compare=True,
            settings={**chosen, "seed": self.seed},
            images=data.x_test[:2],
            examples=(data.x_test[:300], data.y_test[:300]),
            classes=data.class_names,
        )
        run = nn.fit(
            model,
            nn.SoftmaxCrossEntropy(),
            _optimizer(nn, chosen),
            data.x_train[:count],
            data.y_train[:count],
            epochs=chosen["epochs"],
            batch_size=chosen["batch_size"],
            validation_data=(data.x_test, data.y_test),
            seed=self.seed,
            callbacks=[recorder, _Watch(self, steps)],
        )
        done = len(run.steps["loss"]) if run.steps else 0
        self.progress.value = done
        if run.interrupted:
            self._say(f"Stopped after {done} of {steps} steps.")
        else:
            right = run.history["val_accuracy"][-1]
            self._say(f"Done: {100 * right:.1f} % of {len(data.x_test)} test images are right. {data.source}")

    def _title(self, chosen: dict[str, Any]) -> str:
        """Number the run, and say what is different from the one before."""
        self._runs += 1
        changed = [
            _words(name, value) for name, value in chosen.items() if self._before.get(name, value) != value
        ]
        self._before = chosen
        return f"Run {self._runs}" + (f": {', '.join(changed)}" if changed else "")

    def _say(self, text: str) -> None:
        self.message.value = escape(text)

    def to_html(self) -> str:
        """Write what a page without Python shows: the recorded runs, and how to run it."""
        return f'<p class="training-lab">{HOW}</p>{self.player.to_html()}'

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.to_html()}


class _Watch:
    """The callback that moves the progress bar and ends a run that was asked to stop."""

    def __init__(self, lab: TrainingLab, steps: int):
        self.lab, self.steps, self.start, self.seen = lab, steps, time.monotonic(), 0.0

    def on_step(self, model, step, logs):
        if self.lab._stopping:
            raise KeyboardInterrupt
        now = time.monotonic()
        if now - self.seen > PAUSE:
            self.seen = now
            left = (now - self.start) / (step + 1) * (self.steps - step - 1)
            self.lab.progress.value = step + 1
            self.lab._say(f"Step {step + 1} of {self.steps}, loss {logs['loss']:.3f}, {left:.0f} s left.")


def _control(name: str, value: Any) -> ipywidgets.Widget:
    label = {"batchnorm": "Batch norm", "examples": "Images"}.get(name, name.replace("_", " ").capitalize())
    shown = {False: "off", True: "on"} if name == "batchnorm" else {}
    return ipywidgets.Dropdown(
        options=[(shown.get(each, str(each)), each) for each in SETTINGS[name]],
        value=value,
        description=label,
        style={"description_width": "auto"},
        layout=ipywidgets.Layout(width="auto", min_width="150px"),
    )


def _words(name: str, value: Any) -> str:
    """A setting in words, for the title of its run."""
    return {
        "learning_rate": f"rate {value}",
        "batch_size": f"batches of {value}",
        "batchnorm": "batch norm" if value else "no batch norm",
        "kernel_size": f"{value}x{value}",
        "examples": f"{value} images",
        "epochs": f"{value} epochs",
    }.get(name, str(value))


def _network(nn, chosen: dict[str, Any]):
    layers = []
    for filters in (8, 16):
        layers.append(
            nn.Conv2D(filters, chosen["kernel_size"], padding="same", use_bias=not chosen["batchnorm"])
        )
        layers += [nn.BatchNormalization()] if chosen["batchnorm"] else []
        layers += [nn.ReLU(), nn.MaxPooling2D(2)]
    return nn.Sequential([*layers, nn.Flatten(), nn.Dense(10)])


def _optimizer(nn, chosen: dict[str, Any]):
    rate = chosen["learning_rate"]
    makers = {"SGD": nn.SGD, "RMSprop": nn.RMSprop, "Adam": nn.Adam}
    return nn.SGD(rate, 0.9) if chosen["optimizer"] == "momentum" else makers[chosen["optimizer"]](rate)
