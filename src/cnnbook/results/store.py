"""Recorded figures: what took too long to compute while a page is built. The one door to the folder results/.

A recording is one JSON file with the figures and where they come from: when, on what kind of machine, with
which versions. Pages read it and never type its numbers.
"""

import base64
import json
import os
import platform
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from cnnbook.files import atomic_write

FORMAT = "cnnbook results 1"
FOLDER = Path(__file__).resolve().parents[3] / "results"
PACKAGES = ("numpy", "keras", "tensorflow", "tensorflow-cpu", "scikit-learn")


@dataclass(frozen=True)
class Recording:
    """What `read` returns: `recording["key"]` is a figure, `.provenance` says where it comes from."""

    name: str
    figures: dict[str, Any]
    provenance: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.figures[key]

    def runs(self, **which: Any) -> list[dict[str, Any]]:
        """The recorded training runs of which these things are true, such as side="ours" and seed=0.

        A run has "variant", "side", "seed", "setting", "made", "parameters", "epochs" (lists by name, a value
        per epoch), "first_steps" and "steps" (losses), "best_epoch", "test", and for some "watched" and
        "arrays" (for `unpack`). One whose loss left the finite numbers has "stopped" in place of the curves.

        Raises
        ------
        ValueError : no run is like that; says which variants, sides and seeds there are.

        Examples
        --------
        >>> run = read("fashion_cnn").runs(side="ours", seed=0)[0]
        >>> len(run["epochs"]["val_accuracy"]), run["parameters"]
        (10, 440746)
        """
        everything = self.figures.get("runs", [])
        if found := [run for run in everything if which.items() <= run.items()]:
            return found
        there = [
            f"{key}: {', '.join(dict.fromkeys(str(run[key]) for run in everything)) or 'none'}"
            for key in ("variant", "side", "seed")
        ]
        asked = ", ".join(f"{key}={value!r}" for key, value in which.items())
        raise ValueError(f"results: {self.name} has no run with {asked}. It has {'; '.join(there)}.")

    def __repr__(self):
        p = self.provenance
        packages = ", ".join(f"{name} {number}" for name, number in p["packages"].items())
        machine = f"{p['machine']}, {p['cores']} cores"
        return f"{self.name}: recorded on {p['date'][:10]}, {machine}\nPython {p['python']}, {packages}"


def read(name: str, *, folder: Path | str | None = None) -> Recording:
    """The recording `name`, whole and written by `write`.

    Parameters
    ----------
    name : file name without .json. folder : where to look, if not in the repository's results/.

    Raises
    ------
    FileNotFoundError : there is no such recording; says which there are.
    ValueError : the file is damaged, or something else.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write("pi", {"digits": [3, 1, 4]}, seconds=0.1, folder=folder)
    ...     read("pi", folder=folder)["digits"]
    [3, 1, 4]
    """
    path = locate(name, folder)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        there = ", ".join(sorted(other.stem for other in path.parent.glob("*.json"))) or "none"
        raise FileNotFoundError(
            f"results: there is no recording {name!r} in {path.parent.name}/. There are: {there}. "
            "In a clone of the book, `make results` records what is missing."
        ) from None
    except UnicodeDecodeError:
        raise ValueError(damaged(path)) from None
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        raise ValueError(damaged(path)) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("name") != name:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise ValueError(
            f"results: {path.name} must be a recording {name!r} in the format {FORMAT!r}. "
            f"Received format={found!r}. Record it again with `make results`."
        )
    if not isinstance(content.get("figures"), dict) or not isinstance(content.get("provenance"), dict):
        raise ValueError(damaged(path))
    return Recording(name, content["figures"], content["provenance"])


def write(
    name: str, figures: dict[str, Any], *, seconds: float, folder: Path | str | None = None, **more: Any
) -> Path:
    """Record `figures` under `name`, whole or not at all, with date, kind of machine and versions.

    Parameters
    ----------
    name : lower-case letters, digits and underscores. figures : what JSON can hold, all numbers finite.
    seconds : how long it took. folder : where to, if not into the repository's results/.
    more : further provenance, such as seed=0 or data="fashion_mnist".

    Returns
    -------
    Path : the file, a line per entry of every list of figures, so that a change can be read as a difference.

    Raises
    ------
    ValueError : a name or figures that cannot be recorded, or that tell a folder of this machine.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write("pi", {"digits": [3, 1, 4]}, seconds=0.1, folder=folder, seed=0)
    ...     sorted(read("pi", folder=folder).provenance)
    ['cores', 'date', 'machine', 'packages', 'python', 'seconds', 'seed']
    """
    path = locate(name, folder)
    if not isinstance(figures, dict):
        raise ValueError(
            f"results: figures must be a dict. Received figures of type {type(figures).__name__}."
        )
    provenance = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": installed(PACKAGES),
        **more,
    }
    try:
        text = layout({"format": FORMAT, "name": name, "provenance": provenance, "figures": figures})
    except (TypeError, ValueError):
        raise ValueError(
            "results: figures and provenance must be what JSON can hold, with finite numbers. "
            "Received something else. Convert NumPy's values with float() or .tolist(), and leave nan out."
        ) from None
    if told := [
        private for private in map(str, (Path.home(), FOLDER.parent)) if len(private) > 1 and private in text
    ]:
        raise ValueError(
            f"results: a recording must not tell folders of this machine. It mentions {told[0]}."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text)
    return path


def pack(array: np.ndarray, *, levels: int | None = None) -> dict[str, Any]:
    """An array as a recording holds it: its bytes, compressed, as text. `unpack` is the way back.

    Parameters
    ----------
    array : of numbers. levels : keep each as the nearest of so many (at most 256) equal steps from the
        smallest to the largest; None keeps every bit.

    Raises
    ------
    ValueError : an empty array or one of anything but numbers; levels out of range, or numbers that are not
        finite and so have no levels.

    Examples
    --------
    >>> unpack(pack(np.array([[0, 1, 2], [3, 4, 5]], np.uint8)))
    array([[0, 1, 2],
           [3, 4, 5]], dtype=uint8)
    >>> unpack(pack(np.array([-1.0, 0.02, 1.0]), levels=3))
    array([-1.,  0.,  1.], dtype=float32)
    """
    array = np.asarray(array)
    if array.dtype.kind not in "iuf" or not array.size:
        raise ValueError(
            "pack: array must hold numbers, at least one. "
            f"Received array of dtype {array.dtype} and shape {array.shape}."
        )
    scale = {}
    if levels is not None:
        if not 2 <= levels <= 256:
            raise ValueError(f"pack: levels must be from 2 to 256. Received levels={levels!r}.")
        if not np.isfinite(array).all():
            raise ValueError("pack: array must be finite to be kept in levels. It holds infinity or nan.")
        low, high = float(array.min()), float(array.max())
        scale = {"low": low, "high": high, "levels": levels}
        array = np.round((array - low) / ((high - low) or 1) * (levels - 1)).astype(np.uint8)
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
    text = base64.b64encode(zlib.compress(little.tobytes(), 9)).decode("ascii")
    return {"dtype": array.dtype.name, "shape": list(array.shape), **scale, "data": text}


def unpack(packed: dict[str, Any]) -> np.ndarray:
    """The array that `pack` made into text: every bit, or to half a level (float32) if it has levels.

    Raises
    ------
    ValueError : what `pack` did not make.
    """
    try:
        content = zlib.decompress(base64.b64decode(packed["data"], validate=True))
        array = np.frombuffer(content, np.dtype(packed["dtype"]).newbyteorder("<")).reshape(packed["shape"])
    except (KeyError, TypeError, ValueError, zlib.error):
        raise ValueError("unpack: packed must be what `pack` returns. Record it again.") from None
    if "levels" not in packed:
        return array.astype(packed["dtype"])
    step = (packed["high"] - packed["low"]) / (packed["levels"] - 1)
    return (packed["low"] + step * array).astype(np.float32)


def locate(name: str, folder: Path | str | None) -> Path:
    """The file of a recording, in `folder` or in the repository's results/."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(
            "results: name must be lower-case letters, digits and underscores, starting with a letter. "
            f"Received name={name!r}."
        )
    if folder is None and not (FOLDER.parent / "pyproject.toml").exists():
        raise FileNotFoundError(
            "results: recordings are part of the book's repository, and cnnbook is not installed "
            "from a clone. Clone the book and `pip install -e .` there, or pass folder=."
        )
    return Path(folder or FOLDER) / f"{name}.json"


def damaged(path: Path) -> str:
    return (
        f"results: {path.name} must be a whole JSON file. It is damaged. Record it again with `make results`."
    )


def layout(content: Any, depth: int = 0) -> str:
    """JSON with a line per entry down to the fourth level, and everything deeper on one line.

    >>> print(layout({"rows": [{"a": {"x": [1, 2]}}]}), end="")
    {
     "rows": [
      {
       "a": {
        "x": [1,2]
       }
      }
     ]
    }
    """
    flat = json.dumps(content, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    if depth == 4 or not isinstance(content, dict | list) or not content:
        return flat
    indent, (start, end) = " " * depth, "{}" if isinstance(content, dict) else "[]"
    if isinstance(content, dict):
        entries = [f"{json.dumps(str(key))}: {layout(value, depth + 1)}" for key, value in content.items()]
    else:
        entries = [layout(value, depth + 1) for value in content]
    inner = ",\n".join(f"{indent} {entry}" for entry in entries)
    return f"{start}\n{inner}\n{indent}{end}" + ("\n" if depth == 0 else "")


def installed(packages) -> dict[str, str]:
    """The versions of those packages that are there."""
    found = {}
    for package in packages:
        try:
            found[package.removesuffix("-cpu")] = version(package)
        except PackageNotFoundError:
            continue
    return found
