"""A callback that keeps what a training run shows: the numbers of its steps, and pictures of the network.

A `Recorder` works with `cnnbook.nn.fit` and with `cnnbook.keras_twin.training.fit`. It keeps the loss, the
accuracy and the length of every layer's gradient; after each epoch what was measured; and snapshots of the
network before training, after 1, 2, 4, 8, ... updates and after the last epoch: kernels, feature maps of
chosen images and a confusion matrix. What comes out is a replay, see `cnnbook.results.replay`.

    from cnnbook import nn

    from cnnbook.results import replay
    from cnnbook.results.recorder import Recorder

    recorder = Recorder(
        "Batch normalisation on",                       # the title of the run
        settings={"optimizer": "Adam", "learning_rate": 0.001, "seed": 0},
        images=data.x_test[:2],                         # feature maps of these
        examples=(data.x_test[:500], data.y_test[:500]),   # confusion matrix of these
        classes=data.class_names,
    )
    nn.fit(model, loss, optimizer, x, y, epochs=3, batch_size=64, callbacks=[recorder])
    replay.write("batchnorm_on", recorder.replay())     # results/replays/batchnorm_on.json, <= 40 KB
    run = replay.read("batchnorm_on")                   # a dict, checked
"""

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from cnnbook.results import replay
from cnnbook.results.packing import pack_letters

MAPS, SIDE = 8, 14  # feature maps kept of each image, and their largest height and width
KERNELS = 16  # kernels kept
KERNEL_LEVELS, MAP_LEVELS = 63, 16  # how finely their numbers are kept


class Recorder:
    """A callback that keeps what a training run shows.

    Parameters
    ----------
    title : what the run is, in a few words.
    settings : names with words or numbers: learning rate, seed, ...
    images : (n, H, W, C), at most 4, whose feature maps in the first convolution are kept. Of every image at
        most 8 maps, larger ones averaged down to at most 14 pixels a side.
    examples : (x, y), a few hundred with integer labels, for the confusion matrix.
    classes : the names of the labels.
    listener : a function called with every new entry while the run goes on, such as `TrainingPlayer.append`.

    Raises
    ------
    ValueError : if there are more than four images, or examples is no pair.
    RuntimeError : if a second run goes into the same recorder.

    Examples
    --------
    >>> from cnnbook import nn
    >>> x = np.random.default_rng(0).random((64, 6, 6, 1), np.float32)
    >>> y = (x.mean(axis=(1, 2, 3)) > 0.5).astype(int)
    >>> model = nn.Sequential([nn.Conv2D(4, 3), nn.ReLU(), nn.Flatten(), nn.Dense(2)])
    >>> model.build((6, 6, 1), seed=0)
    (2,)
    >>> recorder = Recorder("A small one", images=x[:1], examples=(x, y), classes=["dark", "bright"])
    >>> run = nn.fit(model, nn.SoftmaxCrossEntropy(), nn.SGD(0.1), x, y, epochs=3, batch_size=16,
    ...              callbacks=[recorder])
    >>> kept = recorder.replay()
    >>> len(kept["steps"]["loss"]), kept["layers"], [s["step"] for s in kept["snapshots"]]
    (12, ['0 Conv2D', '3 Dense'], [0, 1, 2, 4, 8, 12])
    >>> kept["snapshots"][-1]["maps"]["shape"]
    [1, 4, 4, 4]
    """

    def __init__(
        self,
        title: str,
        *,
        settings: dict[str, Any] | None = None,
        images: np.ndarray | None = None,
        examples: tuple[np.ndarray, np.ndarray] | None = None,
        classes=(),
        listener: Callable[[dict], Any] | None = None,
    ):
        if images is not None and (np.ndim(images) != 4 or not 1 <= len(images) <= 4):
            raise ValueError(
                "Recorder: images must be 1 to 4 images of shape (n, H, W, C). "
                f"Received images of shape {np.shape(images)}. Choose a few, such as x_test[:2]."
            )
        if examples is not None and (not isinstance(examples, list | tuple) or len(examples) != 2):
            raise ValueError(
                "Recorder: examples must be a pair (x, y). "
                f"Received examples of type {type(examples).__name__}. Pass (x_test[:500], y_test[:500])."
            )
        self.images, self.examples, self.listener = images, examples, listener
        self.norms: dict[str, float] | None = None
        self.next_snapshot = 1
        self.kept = replay.empty(title, settings, classes)
        if images is not None:
            self.kept["images"] = pack_letters(np.asarray(images, float).mean(axis=3), MAP_LEVELS)

    def on_start(self, model) -> None:
        """Keep the untrained network. `fit` calls it before the first step."""
        if self.kept["snapshots"]:
            raise RuntimeError("Recorder: one recorder keeps one run. This one has one. Make a new Recorder.")
        self.add({"snapshot": self.snapshot(model, 0)})

    def on_gradients(self, model, step: int, norms: dict[str, float]) -> None:
        """Keep the gradients' lengths. The Keras twin's `fit` calls it: its models keep no gradients."""
        self.norms = norms

    def on_step(self, model, step: int, logs: dict[str, float]) -> None:
        """Keep the numbers of a step, and a snapshot after 1, 2, 4, 8, ... updates."""
        if step % self.kept["every"] == 0:
            norms = gradient_norms(model) if self.norms is None else self.norms
            self.add({"step": step, **logs, "norms": norms})
        self.updates = step + 1
        if self.updates == self.next_snapshot:
            self.add({"snapshot": self.snapshot(model, self.updates)})
            self.next_snapshot *= 2

    def on_epoch(self, model, epoch: int, logs: dict[str, float]) -> None:
        """Keep what was measured after an epoch, and a snapshot until the next epoch ends."""
        self.add({"epoch": epoch, "step": self.updates, **logs})
        self.add({"snapshot": {**self.snapshot(model, self.updates), "latest": True}})

    def add(self, entry: dict) -> None:
        """Put an entry into the replay and call the listener with it."""
        replay.append(self.kept, entry)
        if self.listener is not None:
            self.listener(entry)

    def snapshot(self, model, step: int) -> dict:
        """The network after `step` updates: its first kernels, feature maps and confusion matrix."""
        taken: dict[str, Any] = {"step": step}
        place = next((i for i, layer in enumerate(model.layers) if np.ndim(kernel(layer)) == 4), None)
        if place is not None:
            planes = np.moveaxis(kernel(model.layers[place])[:, :, 0], 2, 0)  # (F, K_h, K_w), channel 0
            taken["kernels"] = pack_letters(planes[:KERNELS], KERNEL_LEVELS)
            if self.images is not None:
                x = np.asarray(self.images, np.float32)
                for layer in model.layers[: place + 1]:
                    x = outputs(layer, x)
                taken["maps"] = pack_letters(shrink(np.moveaxis(x, 3, 1)[:, :MAPS]), MAP_LEVELS)
        if self.examples is not None:
            taken["confusion"] = self.confusion(model, *self.examples)
        return taken

    def confusion(self, model, x: np.ndarray, y: np.ndarray) -> list[list[int]]:
        """How often each true class (row) was taken for each class (column)."""
        guesses = np.concatenate(
            [outputs(model, x[i : i + 256]).argmax(axis=1) for i in range(0, len(x), 256)]
        )
        count = max(len(self.kept["classes"]), int(max(guesses.max(), np.max(y))) + 1)
        table = np.zeros((count, count), int)
        np.add.at(table, (np.asarray(y), guesses), 1)
        return table.tolist()

    def replay(self) -> dict[str, Any]:
        """What has been kept so far: a dict that JSON can hold."""
        return deepcopy(self.kept)


def kernel(layer) -> np.ndarray | None:
    """The kernel of one of our layers, or of Keras', as an array."""
    found = layer.params.get("kernel") if hasattr(layer, "params") else getattr(layer, "kernel", None)
    return None if found is None else np.asarray(found)


def outputs(part, x: np.ndarray) -> np.ndarray:
    """The outputs of a layer or a model, ours or Keras', at inference."""
    return part.forward(x) if hasattr(part, "backward") else np.asarray(part(x, training=False))


def gradient_norms(model) -> dict[str, float]:
    """The length of every layer's gradient: the root of the sum of squares over all its parameters.

    Parameters
    ----------
    model : a `cnnbook.nn.Sequential` after a backward pass. Keras' models keep no gradients: {}.

    Examples
    --------
    >>> from cnnbook import nn
    >>> model = nn.Sequential([nn.Dense(2, use_bias=False)])
    >>> model.build((2,))
    (2,)
    >>> _ = model.forward(np.array([[3, 0]], np.float32), training=True)
    >>> _ = model.backward(np.array([[1, 0]], np.float32))
    >>> gradient_norms(model)
    {'0 Dense': 3.0}
    """
    return {
        f"{index} {type(layer).__name__}": math.sqrt(
            sum(float(np.square(grad, dtype=np.float64).sum()) for grad in layer.grads.values())
        )
        for index, layer in enumerate(model.layers)
        if getattr(layer, "grads", None)
    }


def shrink(maps: np.ndarray) -> np.ndarray:
    """Average (..., H, W) over the smallest squares that bring both sides to at most `SIDE`."""
    block = math.ceil(max(maps.shape[-2:]) / SIDE)
    height, width = (max(1, size // block) for size in maps.shape[-2:])
    cut = maps[..., : height * block, : width * block]
    return cut.reshape(*maps.shape[:-2], height, -1, width, cut.shape[-1] // width).mean(axis=(-3, -1))
