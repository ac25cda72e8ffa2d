"""Replays: what a training run leaves for the training player, in the format that its JavaScript reads.

A replay is a dict that JSON can hold, of at most 40 KB gzipped. A `cnnbook.results.recorder.Recorder` makes
one while a network trains; `append` thins its steps to at most `POINTS`. "At step s" means: after s updates.
The loss of step s is that of the batch of step s, with the weights after s updates; the norms are those of
its gradient.

    format, version   "cnnbook run", 1
    title, settings   what it is; a flat dict of words and numbers
    classes, layers   names of the classes; names of the layers with parameters, such as "0 Conv2D"
    every             every how many steps a step is kept; doubles whenever there are too many
    steps             {"step": [...], "loss": [...], "accuracy": [...]}
    norms             one list per layer, a number (or null: not finite) per kept step
    epochs            {"step": [...], "loss": [...], "accuracy": [...], "val_loss": [...], ...}
    images            letters (n, H, W)
    snapshots         [{"step": 0, "kernels": letters (F, K_h, K_w), "maps": letters (n, F, h, w),
                        "confusion": [[...]], rows the true class}, ...]; all but "step" may be missing
    letters           what `packing.pack_letters` returns:
                      {"shape": [...], "low": a, "high": b, "levels": L, "data": one letter a number}
"""

import gzip
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cnnbook.results import store
from cnnbook.results.packing import are_letters, is_number, significant

FORMAT, VERSION = "cnnbook run", 1
FOLDER = "replays"  # inside results/
POINTS = 160  # steps kept
LARGEST = 40 * 1024  # bytes, gzipped


def empty(title: str, settings: dict[str, Any] | None = None, classes=()) -> dict[str, Any]:
    """A replay with nothing in it yet."""
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


def append(replay: dict[str, Any], entry: dict[str, Any]) -> None:
    """Add one entry to a replay, in place.

    Parameters
    ----------
    entry : of a step {"step": 3, "loss": 0.7, ...}, perhaps with "norms", a dict from layer to length; of an
        epoch {"epoch": 0, "step": 10, "loss": 0.6, "val_loss": 0.8, ...}, "step" being the updates so far; or
        {"snapshot": {"step": 4, ...}}. A snapshot marked "latest" gives way to the next one marked so.

    Raises
    ------
    ValueError : if a step or an epoch is not later than the last, if the names are others than before, or
        if a number is not finite.

    Examples
    --------
    >>> replay = empty("by hand")
    >>> for step in range(400):
    ...     append(replay, {"step": step, "loss": 1 / (1 + step)})
    >>> replay["every"], len(replay["steps"]["loss"]), replay["steps"]["step"][:3]
    (4, 100, [0, 4, 8])
    """
    if "snapshot" in entry:
        append_snapshot(replay["snapshots"], dict(entry["snapshot"]))
        return
    part = "epochs" if "epoch" in entry else "steps"
    series = replay[part]
    numbers = {key: value for key, value in entry.items() if key not in ("epoch", "norms")}
    refuse_misfit(series, numbers)
    if part == "steps" and numbers["step"] % replay["every"]:
        return
    for key, value in numbers.items():
        series.setdefault(key, []).append(int(value) if key == "step" else significant(value))
    if part == "steps":
        append_norms(replay, entry.get("norms", {}))
        thin(replay)


def append_snapshot(snapshots: list[dict], snapshot: dict) -> None:
    """Add a snapshot if it is later than the last one. One marked "latest" replaces one marked so."""
    if snapshot.get("latest"):
        snapshots[:] = [earlier for earlier in snapshots if not earlier.get("latest")]
    if not snapshots or snapshot["step"] > snapshots[-1]["step"]:
        snapshots.append(snapshot)


def append_norms(replay: dict[str, Any], norms: dict[str, float]) -> None:
    """Add a step's length of every layer's gradient; the first step names the layers."""
    if not replay["layers"]:
        replay["layers"], replay["norms"] = list(norms), [[] for _ in norms]
    for values, name in zip(replay["norms"], replay["layers"], strict=True):
        finite = math.isfinite(norms.get(name, math.inf))
        values.append(significant(norms[name], 3) if finite else None)


def thin(replay: dict[str, Any]) -> None:
    """Keep every second of the kept steps, again and again, until there are at most `POINTS`."""
    series = replay["steps"]
    while len(series["step"]) > POINTS:
        replay["every"] *= 2
        stay = [index for index, step in enumerate(series["step"]) if step % replay["every"] == 0]
        for values in (*series.values(), *replay["norms"]):
            values[:] = [values[index] for index in stay]


def refuse_misfit(series: dict[str, list], numbers: dict[str, float]) -> None:
    """Raise ValueError if these numbers cannot follow those of the series."""
    if "step" not in numbers or (series["step"] and numbers.keys() != series.keys()):
        raise ValueError(
            f"results: an entry must hold 'step' and the same numbers as the one before, {list(series)}. "
            f"Received {list(numbers)}. Leave nothing out and add nothing on the way."
        )
    if bad := [f"{key}={value}" for key, value in numbers.items() if not math.isfinite(value)]:
        raise ValueError(
            f"results: the numbers of a run must be finite. Received {bad[0]}. Stop the run before."
        )
    if series["step"] and numbers["step"] <= series["step"][-1]:
        raise ValueError(
            f"results: the steps of a run must rise. Received step={numbers['step']} after "
            f"{series['step'][-1]}. Start a new replay for a new run."
        )


def write(name: str, replay: dict[str, Any], *, folder: Path | str | None = None) -> Path:
    """Write a replay to results/replays/`name`.json, whole or not at all.

    Parameters
    ----------
    name : lower-case letters, digits and underscores. folder : where to, if not there.

    Raises
    ------
    ValueError : if the replay is not valid, or larger than 40 KB gzipped.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write("by_hand", empty("by hand"), folder=folder)
    ...     read("by_hand", folder=folder)["title"]
    'by hand'
    """
    path = store.locate(name, folder, FOLDER)
    text = store.encode(check(replay))
    size = len(gzip.compress(text.encode()))
    if size > LARGEST:
        parts = {key: len(gzip.compress(store.encode(value).encode())) for key, value in replay.items()}
        raise ValueError(
            f"results: {path.name} must be at most {LARGEST} bytes gzipped. It has {size}, "
            f"most of them in {max(parts, key=parts.get)!r}. Record fewer images or a shorter run."
        )
    store.save(path, text)
    return path


def read(name: str, *, folder: Path | str | None = None) -> dict[str, Any]:
    """Read the replay that `write` left, and check it.

    Raises
    ------
    FileNotFoundError : if there is no such replay; says which there are.
    ValueError : if the file is damaged, foreign or of a newer version.
    """
    path = store.locate(name, folder, FOLDER)
    return check(store.load(path, "replay"), path.name)


def check(replay: Any, name: str = "this replay") -> dict[str, Any]:
    """Return a replay that the player can show, or say in one sentence why it cannot show this one.

    Raises
    ------
    ValueError : if it is something else, of a newer version, or its parts do not fit together.
    """
    store.refuse_foreign(replay, FORMAT, name)
    version = replay.get("version")
    if version != VERSION:
        raise ValueError(
            f"results: {name} must be of version {VERSION}. Received version={version!r}. "
            "Update the book if it is newer, record it again if it is older."
        )
    if fault := next(faults(replay), None):
        raise ValueError(store.damaged(name, fault))
    return replay


def faults(replay: dict[str, Any]) -> Iterator[str]:
    """Say what parts of a replay are missing or do not fit together."""
    whole = empty("")
    if missing := [key for key in whole if type(replay.get(key)) is not type(whole[key])]:
        yield f"{missing[0]!r} is missing or of the wrong kind"
        return
    for part in ("steps", "epochs"):
        yield from series_faults(replay[part], part)
    norms, count = replay["norms"], len(replay["steps"]["step"])
    if len(norms) != len(replay["layers"]) or any(
        not isinstance(values, list)
        or len(values) != count
        or not all(value is None or is_number(value) for value in values)
        for values in norms
    ):
        yield "'norms' must hold a number per layer and kept step"
    yield from snapshot_faults(replay["snapshots"])
    if "images" in replay and not are_letters(replay["images"], 3):
        yield "'images' cannot be unpacked"


def series_faults(series: dict[str, list], part: str) -> Iterator[str]:
    """Say what is wrong with the lists of "steps" or "epochs"."""
    lengths = {len(values) if isinstance(values, list) else -1 for values in series.values()}
    if len(lengths) != 1 or "step" not in series or -1 in lengths:
        yield f"the lists of {part!r} are not equally long"
    elif not all(is_number(value) for values in series.values() for value in values):
        yield f"{part!r} holds something that is no finite number"
    elif any(b <= a for a, b in zip(series["step"], series["step"][1:], strict=False)):
        yield f"the steps of {part!r} do not rise"


def snapshot_faults(snapshots: list) -> Iterator[str]:
    """Say what is wrong with the snapshots."""
    before = -1
    for shot in snapshots:
        if not isinstance(shot, dict) or not is_number(shot.get("step")) or shot["step"] <= before:
            yield "the snapshots' steps do not rise"
            return
        before = shot["step"]
        table = shot.get("confusion", [])
        if not all(isinstance(row, list) and len(row) == len(table) for row in table):
            yield f"the confusion matrix of step {before} is not square"
        elif not all(is_number(value) and value >= 0 for row in table for value in row):
            yield f"the confusion matrix of step {before} holds no counts"
        for key, rank in (("kernels", 3), ("maps", 4)):
            if key in shot and not are_letters(shot[key], rank):
                yield f"{key!r} of step {before} cannot be unpacked"
