"""What a run needs to know: the network, how it is trained, on which images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from cnnbook import data, nn


@dataclass(frozen=True, eq=False)
class Setting:
    """One way of training one network.

    make : function that returns the network, not yet built.
    optimizer : ours; copies of it do the work. loss : ours.
    prepare : function (images, training images, seed) -> images as the network wants them.
    held_out : share of the training images, the last ones, kept for validation; it chooses the epoch whose
        weights are tested. 0: none, the number of epochs is fixed beforehand and the last one is tested.
    n_train : train on this many images only (before some are held out), drawn with seed 0; None: on all.
    rates : learning rates, one for each epoch, on our side only; (): the optimizer's own all the way.
    augment : function (batch, generator) -> batch, applied to every training batch; None: nothing is changed.
    frozen : layers that are not trained, by their place in the network.
    watch : function (network, images, labels) -> numbers by name, before training and after every epoch.
    look : function (network, images, labels) -> arrays to keep, of the first seed's trained network.
    player : file and title of the replay for the training player, made of our first seed's run.
    seeds : how many seeds each side is run with: "ours", "keras", "own layers", "module".
    minutes : how long a run of each side takes on one core, about.
    """

    make: Callable[[], nn.Sequential]
    optimizer: nn.optimizers.Optimizer
    minutes: Mapping[str, float]
    prepare: Callable = field(default_factory=lambda: raw)
    loss: nn.losses.Loss = field(default_factory=nn.SoftmaxCrossEntropy)
    dataset: str = "fashion_mnist"
    n_train: int | None = None
    held_out: float = 0.15
    batch_size: int = 64
    epochs: int = 10
    rates: tuple[float, ...] = ()
    augment: Callable | None = None
    frozen: tuple[int, ...] = ()
    watch: Callable | None = None
    look: Callable | None = None
    player: tuple[str, str] | None = None
    seeds: Mapping[str, int] = field(default_factory=lambda: {"ours": 3, "keras": 3})

    def __str__(self):
        """All that decides the outcome, in words: a recorded run is good as long as this stays the same."""
        parts = [
            f"{self.make.__name__} by {self.optimizer}, {self.loss}",
            f"batches of {self.batch_size}, {self.epochs} epochs",
            f"{self.n_train or 'all'} images of {self.dataset}, {self.prepare.__name__}",
            f"{self.held_out} held out",
            *([f"learning rates: {self.rates}"] if self.rates else []),
            *([f"augmented by {self.augment}"] if self.augment else []),
            *([f"frozen: {self.frozen}"] if self.frozen else []),
        ]
        return "; ".join(parts)


@dataclass(frozen=True, eq=False)
class Experiment:
    """One network of the notebooks, or one question about it, with its variants by name."""

    title: str
    variants: Mapping[str, Setting]
    claim: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Images:
    """The images of a run, as the network wants them. `val` is None where nothing is held out."""

    train: tuple[np.ndarray, np.ndarray]
    val: tuple[np.ndarray, np.ndarray] | None
    test: tuple[np.ndarray, np.ndarray]
    class_names: tuple[str, ...]


def images_for(setting: Setting, seed: int) -> Images:
    """Load, hold out the last ones, prepare: what is measured on the training images is used on all.

    Raises
    ------
    ValueError, OSError : as `data.load`; nothing stands in for the data.
    """
    loaded = data.load(setting.dataset, n_train=setting.n_train)
    cut = len(loaded.y_train) - round(setting.held_out * len(loaded.y_train))
    x, y = loaded.x_train, loaded.y_train
    parts = {"train": (x[:cut], y[:cut]), "val": (x[cut:], y[cut:]), "test": (loaded.x_test, loaded.y_test)}
    ready = {
        name: (setting.prepare(images, x[:cut], seed), labels) for name, (images, labels) in parts.items()
    }
    if cut == len(y):
        ready["val"] = None
    return Images(**ready, class_names=loaded.class_names)


def raw(images, training, seed):
    """Brightness 0 to 255: the network rescales it itself."""
    return images * np.float32(255)


def scaled(images, training, seed):
    """Brightness from 0 to 1."""
    return images


def standardised(images, training, seed):
    """Mean 0 and standard deviation 1 over all pixels of the training images."""
    return (images - training.mean(dtype=np.float64).astype(np.float32)) / training.std(
        dtype=np.float64
    ).astype(np.float32)


def shuffled(images, training, seed):
    """The pixels of every image in another order, the same order for all images."""
    order = np.random.default_rng(seed).permutation(images[0].size)
    return raw(images, training, seed).reshape(len(images), -1)[:, order].reshape(images.shape)
