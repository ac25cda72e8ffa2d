"""What a training run leaves behind: numbers of every step, and pictures of the network at chosen steps.

A `Recorder` is a callback for `cnnbook.nn.fit` and for `cnnbook.keras_twin.training.fit`. It keeps the loss,
the accuracy and the length of every layer's gradient, thinned to at most `POINTS` steps; after each epoch
what was measured; and snapshots of the network before training, after 1, 2, 4, 8, ... updates and after the
last epoch: kernels, feature maps of chosen images and a confusion matrix. A kernel's numbers are kept as one
of 63 levels, a feature map's as one of 16.

    from cnnbook import nn

    from cnnbook.results import replay

    recorder = replay.Recorder(
        "Batch normalisation on",                       # the title of the run
        settings={"optimizer": "Adam", "learning_rate": 0.001, "seed": 0},
        images=data.x_test[:2],                         # feature maps of these
        examples=(data.x_test[:500], data.y_test[:500]),   # confusion matrix of these
        classes=data.class_names,
    )
    nn.fit(model, loss, optimizer, x, y, epochs=3, batch_size=64, callbacks=[recorder])
    replay.write("batchnorm_on", recorder.recording())   # results/replays/batchnorm_on.json, <= 40 KB
    run = replay.read("batchnorm_on")                    # a dict, checked

A recording is a dict that JSON can hold. "At step s" means: after s updates. The loss of step s is that of
the batch of step s, with the weights after s updates; the norms are those of its gradient.

    format, version   "cnnbook run", 1
    title, settings   what it is; a flat dict of words and numbers
    classes, layers   names of the classes; names of the layers with parameters, such as "0 Conv2D"
    every             every how many steps a step is kept; doubles whenever there are too many
    steps             {"step": [...], "loss": [...], "accuracy": [...]}
    norms             one list per layer, a number (or null: not finite) per kept step
    epochs            {"step": [...], "loss": [...], "accuracy": [...], "val_loss": [...], ...}
    images            packed (n, H, W)
    snapshots         [{"step": 0, "kernels": packed (F, K_h, K_w), "maps": packed (n, F, h, w),
                        "confusion": [[...]], rows the true class}, ...]; all but "step" may be missing
    packed            {"shape": [...], "low": a, "high": b, "levels": L, "data": one character a number}
"""

import gzip
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cnnbook.files import atomic_write

FORMAT, VERSION = "cnnbook run", 1
FOLDER = Path(__file__).resolve().parents[3] / "results" / "replays"
POINTS = 160  # steps kept
LARGEST = 40 * 1024  # bytes, gzipped
MAPS, SIDE = 8, 14  # feature maps kept of each image, and their largest height and width
KERNELS = 16  # kernels kept
SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"  # one a level


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
    ValueError : more than four images; examples that are no pair.
    RuntimeError : a second run into the same recorder.

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
    >>> kept = recorder.recording()
    >>> len(kept["steps"]["loss"]), kept["layers"], [s["step"] for s in kept["snapshots"]]
    (12, ['0 Conv2D', '3 Dense'], [0, 1, 2, 4, 8, 12])
    >>> unpack(kept["snapshots"][-1]["maps"]).shape
    (1, 4, 4, 4)
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
        self.kept = empty(title, settings, classes)
        if images is not None:
            self.kept["images"] = pack(np.asarray(images, float).mean(axis=3), 16)

    def on_start(self, model) -> None:
        """Keep the untrained network. `fit` calls it before the first step."""
        if self.kept["snapshots"]:
            raise RuntimeError("Recorder: one recorder keeps one run. This one has one. Make a new Recorder.")
        self.add({"snapshot": self.snapshot(model, 0)})

    def on_gradients(self, model, step: int, norms: dict[str, float]) -> None:
        """Keep the gradients' lengths. The Keras twin's `fit` calls it: its models keep no gradients."""
        self.norms = norms

    def on_step(self, model, step: int, logs: dict[str, float]) -> None:
        """Keep the numbers of a step, and every 2^k updates a snapshot."""
        if step % self.kept["every"] == 0:
            norms = gradient_norms(model) if self.norms is None else self.norms
            self.add({"step": step, **logs, "norms": norms})
        self.updates = step + 1
        if self.updates & step == 0:
            self.add({"snapshot": self.snapshot(model, self.updates)})

    def on_epoch(self, model, epoch: int, logs: dict[str, float]) -> None:
        """Keep what was measured after an epoch, and a snapshot until the next epoch ends."""
        self.add({"epoch": epoch, "step": self.updates, **logs})
        self.add({"snapshot": {**self.snapshot(model, self.updates), "latest": True}})

    def add(self, entry: dict) -> None:
        """Put an entry into the recording and tell the listener."""
        append(self.kept, entry)
        if self.listener is not None:
            self.listener(entry)

    def snapshot(self, model, step: int) -> dict:
        """The network after `step` updates: its first kernels, feature maps and confusion matrix."""
        taken: dict[str, Any] = {"step": step}
        place = next((i for i, layer in enumerate(model.layers) if np.ndim(kernel(layer)) == 4), None)
        if place is not None:
            planes = np.moveaxis(kernel(model.layers[place])[:, :, 0], 2, 0)  # (F, K_h, K_w), channel 0
            taken["kernels"] = pack(planes[:KERNELS], 63)
            if self.images is not None:
                x = np.asarray(self.images, np.float32)
                for layer in model.layers[: place + 1]:
                    x = run(layer, x)
                taken["maps"] = pack(shrink(np.moveaxis(x, 3, 1)[:, :MAPS]), 16)
        if self.examples is not None:
            x, y = self.examples
            guesses = np.concatenate(
                [run(model, x[i : i + 256]).argmax(axis=1) for i in range(0, len(x), 256)]
            )
            count = max(len(self.kept["classes"]), int(max(guesses.max(), np.max(y))) + 1)
            table = np.zeros((count, count), int)
            np.add.at(table, (np.asarray(y), guesses), 1)
            taken["confusion"] = table.tolist()
        return taken

    def recording(self) -> dict[str, Any]:
        """What has been kept so far: a dict that JSON can hold."""
        return copy(self.kept)


def copy(recording: dict[str, Any]) -> dict[str, Any]:
    """A recording that shares nothing with this one."""
    return json.loads(json.dumps(recording))


def empty(title: str, settings: dict[str, Any] | None = None, classes=()) -> dict[str, Any]:
    """A recording with nothing in it yet."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "title": str(title),
        "settings": dict(settings or {}),
        "classes": [str(name) for name in classes],
        "layers": [],
        "every": 1,
        "steps": {"step": []},
        "norms": [],
        "epochs": {"step": []},
        "snapshots": [],
    }


def append(recording: dict[str, Any], entry: dict[str, Any]) -> None:
    """Add one entry to a recording, in place.

    Parameters
    ----------
    entry : of a step {"step": 3, "loss": 0.7, ...}, perhaps with "norms", a dict from layer to length; of an
        epoch {"epoch": 0, "step": 10, "loss": 0.6, "val_loss": 0.8, ...}, "step" being the updates so far; or
        {"snapshot": {"step": 4, ...}}. A snapshot marked "latest" gives way to the next one marked so.

    Raises
    ------
    ValueError : a step, an epoch or a snapshot that is not later than the last; other names than before;
        numbers that are not finite.

    Examples
    --------
    >>> run = empty("by hand")
    >>> for step in range(400):
    ...     append(run, {"step": step, "loss": 1 / (1 + step)})
    >>> run["every"], len(run["steps"]["loss"]), run["steps"]["step"][:3]
    (4, 100, [0, 4, 8])
    """
    if "snapshot" in entry:
        shot, kept = dict(entry["snapshot"]), recording["snapshots"]
        if shot.get("latest"):
            kept[:] = [earlier for earlier in kept if not earlier.get("latest")]
        if not kept or shot["step"] > kept[-1]["step"]:
            kept.append(shot)
        return
    series = recording["epochs" if "epoch" in entry else "steps"]
    numbers = {key: value for key, value in entry.items() if key not in ("epoch", "norms")}
    if "step" not in numbers or (series["step"] and numbers.keys() != series.keys()):
        raise ValueError(
            f"recording: an entry must hold 'step' and the same numbers as the one before, {list(series)}. "
            f"Received {list(numbers)}. Leave nothing out and add nothing on the way."
        )
    if bad := [f"{key}={value}" for key, value in numbers.items() if not math.isfinite(value)]:
        raise ValueError(f"recording: numbers must be finite. Received {bad[0]}. Stop the run before.")
    if series["step"] and numbers["step"] <= series["step"][-1]:
        raise ValueError(
            f"recording: steps must rise. Received step={numbers['step']} after {series['step'][-1]}. "
            "Start a new recording for a new run."
        )
    if "epoch" not in entry and numbers["step"] % recording["every"]:
        return
    for key, value in numbers.items():
        series.setdefault(key, []).append(int(value) if key == "step" else figure(value))
    if "epoch" in entry:
        return
    norms = entry.get("norms", {})
    if not recording["layers"]:
        recording["layers"], recording["norms"] = list(norms), [[] for _ in norms]
    for values, name in zip(recording["norms"], recording["layers"], strict=True):
        values.append(figure(norms[name], 3) if math.isfinite(norms.get(name, math.inf)) else None)
    while len(series["step"]) > POINTS:
        recording["every"] *= 2
        stay = [index for index, step in enumerate(series["step"]) if step % recording["every"] == 0]
        for values in (*series.values(), *recording["norms"]):
            values[:] = [values[index] for index in stay]


def figure(value: float, digits: int = 4) -> float:
    """A number with as many significant digits as a curve can show.

    >>> figure(0.123456), figure(123456.0, 3)
    (0.1235, 123000.0)
    """
    return float(f"{float(value):.{digits}g}")


def kernel(layer) -> np.ndarray | None:
    """The kernel of one of our layers, or of Keras', as an array."""
    found = layer.params.get("kernel") if hasattr(layer, "params") else getattr(layer, "kernel", None)
    return None if found is None else np.asarray(found)


def run(part, x: np.ndarray) -> np.ndarray:
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


def pack(values: np.ndarray, levels: int) -> dict[str, Any]:
    """An array as text, one character a number: the nearest of `levels` (even: 0 to the largest) equal steps.

    With numbers below zero the scale is symmetric and has an odd number of levels, so that zero stays zero.

    Examples
    --------
    >>> pack(np.array([-1, 0, 1.0]), 63)
    {'shape': [3], 'low': -1.0, 'high': 1.0, 'levels': 63, 'data': 'Af-'}
    """
    values = np.nan_to_num(np.asarray(values, float), posinf=0, neginf=0)
    high = figure(np.abs(values).max(), 3) or 1.0
    low = -high if (values < 0).any() else 0.0
    levels -= low < 0 and levels % 2 == 0
    index = np.clip(np.round((values - low) / (high - low) * (levels - 1)), 0, levels - 1).astype(int)
    data = "".join(SIGNS[i] for i in index.ravel())
    return {"shape": list(values.shape), "low": low, "high": high, "levels": levels, "data": data}


def unpack(packed: dict[str, Any]) -> np.ndarray:
    """The array that `pack` wrote, to within half a level.

    Examples
    --------
    >>> unpack(pack(np.array([[0.5, -2.0]]), 63)).round(2).tolist()
    [[0.52, -2.0]]
    """
    index = np.array([SIGNS.index(sign) for sign in packed["data"]], float)
    span = packed["high"] - packed["low"]
    return (packed["low"] + span * index / (packed["levels"] - 1)).reshape(packed["shape"])


def write(name: str, recording: dict[str, Any], *, folder: Path | str | None = None) -> Path:
    """Write a recording to results/replays/`name`.json, whole or not at all.

    Parameters
    ----------
    name : lower-case letters, digits and underscores. folder : where to, if not there.

    Raises
    ------
    ValueError : not a valid recording, or one that is larger than 40 KB gzipped.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write("by_hand", empty("by hand"), folder=folder)
    ...     read("by_hand", folder=folder)["title"]
    'by hand'
    """
    path = locate(name, folder)
    text = compact(check(recording, name))
    size = len(gzip.compress(text.encode()))
    if size > LARGEST:
        parts = {key: len(gzip.compress(compact(value).encode())) for key, value in recording.items()}
        raise ValueError(
            f"recording: {name} must be at most {LARGEST} bytes gzipped. It has {size}, "
            f"most of them in {max(parts, key=parts.get)!r}. Record fewer images or a shorter run."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text + "\n")
    return path


def read(name: str, *, folder: Path | str | None = None) -> dict[str, Any]:
    """Read the recording that `write` left, and check it.

    Raises
    ------
    FileNotFoundError : there is no such recording; says which there are.
    ValueError : the file is damaged, foreign or of a newer version.
    """
    path = locate(name, folder)
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        there = ", ".join(sorted(other.stem for other in path.parent.glob("*.json"))) or "none"
        raise FileNotFoundError(
            f"recording: there is no recording {name!r} in {path.parent.name}/. There are: {there}. "
            "In a clone of the book, `make results` records what is missing."
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError(damaged(name, "it is no JSON")) from None
    return check(content, name)


def check(recording: Any, name: str = "this") -> dict[str, Any]:
    """Return a recording that can be replayed, or say in one sentence why this one cannot.

    Raises
    ------
    ValueError : something else, a newer version, or parts that do not fit together.
    """
    if not isinstance(recording, dict) or recording.get("format") != FORMAT:
        found = recording.get("format") if isinstance(recording, dict) else type(recording).__name__
        raise ValueError(
            f"recording: {name} must be a recorded run in the format {FORMAT!r}. Received format={found!r}. "
            "Record it with a Recorder."
        )
    version = recording.get("version")
    if version != VERSION:
        raise ValueError(
            f"recording: {name} must be of version {VERSION}. Received version={version!r}. "
            "Update the book if it is newer, record it again if it is older."
        )
    if missing := [key for key in empty("") if type(recording.get(key)) is not type(empty("")[key])]:
        raise ValueError(damaged(name, f"{missing[0]!r} is missing or of the wrong kind"))
    for part in ("steps", "epochs"):
        series = recording[part]
        lengths = {len(values) if isinstance(values, list) else -1 for values in series.values()}
        if len(lengths) != 1 or "step" not in series or -1 in lengths:
            raise ValueError(damaged(name, f"the lists of {part!r} are not equally long"))
        if not all(is_number(value) for values in series.values() for value in values):
            raise ValueError(damaged(name, f"{part!r} holds something that is no finite number"))
        if any(b <= a for a, b in zip(series["step"], series["step"][1:], strict=False)):
            raise ValueError(damaged(name, f"the steps of {part!r} do not rise"))
    count = len(recording["steps"]["step"])
    norms = recording["norms"]
    if len(norms) != len(recording["layers"]) or any(
        not isinstance(values, list)
        or len(values) != count
        or not all(value is None or is_number(value) for value in values)
        for values in norms
    ):
        raise ValueError(damaged(name, "'norms' must hold a number per layer and kept step"))
    before = -1
    for shot in recording["snapshots"]:
        if not isinstance(shot, dict) or not is_number(shot.get("step")) or shot["step"] <= before:
            raise ValueError(damaged(name, "the snapshots' steps do not rise"))
        before = shot["step"]
        table = shot.get("confusion", [])
        if not all(isinstance(row, list) and len(row) == len(table) for row in table):
            raise ValueError(damaged(name, f"the confusion matrix of step {before} is not square"))
        if not all(is_number(value) and value >= 0 for row in table for value in row):
            raise ValueError(damaged(name, f"the confusion matrix of step {before} holds no counts"))
        for key, rank in (("kernels", 3), ("maps", 4)):
            if key in shot and not is_packed(shot[key], rank):
                raise ValueError(damaged(name, f"{key!r} of step {before} cannot be unpacked"))
    if "images" in recording and not is_packed(recording["images"], 3):
        raise ValueError(damaged(name, "'images' cannot be unpacked"))
    return recording


def is_number(value: Any) -> bool:
    """A finite int or float; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_packed(packed: Any, rank: int) -> bool:
    """Whether `unpack` can read it."""
    if not isinstance(packed, dict) or not all(
        is_number(packed.get(key)) for key in ("low", "high", "levels")
    ):
        return False
    shape, data, levels = packed.get("shape"), packed.get("data"), packed["levels"]
    return (
        isinstance(shape, list)
        and len(shape) == rank
        and all(isinstance(size, int) and size > 0 for size in shape)
        and isinstance(data, str)
        and len(data) == math.prod(shape)
        and levels in (15, 16, 63)
        and set(data) <= set(SIGNS[:levels])
        and packed["low"] < packed["high"]
    )


def damaged(name: str, why: str) -> str:
    return f"recording: {name} must be a whole recording. It is damaged: {why}. Record it again."


def compact(content: Any) -> str:
    """JSON without a space; numbers that are not finite are refused."""
    try:
        return json.dumps(content, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    except (TypeError, ValueError):
        raise ValueError(
            "recording: settings and numbers must be what JSON can hold, and finite. Received something "
            "else. Convert NumPy's values with float() or .tolist()."
        ) from None


def locate(name: str, folder: Path | str | None) -> Path:
    """The file of a recording, in `folder` or in the repository's results/replays/."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(
            "recording: name must be lower-case letters, digits and underscores, starting with a letter. "
            f"Received name={name!r}."
        )
    if folder is None and not (FOLDER.parents[1] / "pyproject.toml").exists():
        raise FileNotFoundError(
            "recording: recordings are part of the book's repository, and cnnbook is not installed "
            "from a clone. Clone the book and `pip install -e .` there, or pass folder=."
        )
    return Path(folder or FOLDER) / f"{name}.json"
