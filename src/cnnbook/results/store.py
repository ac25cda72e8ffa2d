"""Recordings: figures that took too long to compute while a page is built. Only this module opens results/.

A recording is one JSON file with the figures and where they come from: when, on what kind of machine, with
which versions. Pages read it and never type its numbers. `locate`, `load`, `encode` and `save` find, read and
write any file of results/, whole or not at all; `cnnbook.results.replay` uses them too.
"""

import json
import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

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
    FileNotFoundError : if there is no such recording; says which there are.
    ValueError : if the file is damaged, or something else.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write("pi", {"digits": [3, 1, 4]}, seconds=0.1, folder=folder)
    ...     read("pi", folder=folder)["digits"]
    [3, 1, 4]
    """
    path = locate(name, folder)
    content = load(path)
    refuse_foreign(content, FORMAT, path.name)
    if content.get("name") != name:
        raise ValueError(
            f"results: {path.name} must hold the recording {name!r}. "
            f"Received the recording {content.get('name')!r}. Rename the file."
        )
    if not isinstance(content.get("figures"), dict) or not isinstance(content.get("provenance"), dict):
        raise ValueError(damaged(path.name, "its figures or their provenance are missing"))
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
    ValueError : if the name or the figures cannot be recorded, or tell a folder of this machine.

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
    content = {"format": FORMAT, "name": name, "provenance": provenance, "figures": figures}
    save(path, encode(content, levels=4))
    return path


def locate(name: str, folder: Path | str | None = None, inside: str = "") -> Path:
    """The file of that name: in `folder`, or in the repository's results/ (`inside` a folder of it)."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(
            "results: name must be lower-case letters, digits and underscores, starting with a letter. "
            f"Received name={name!r}."
        )
    if folder is None and not (FOLDER.parent / "pyproject.toml").exists():
        raise FileNotFoundError(
            "results: what is recorded is part of the book's repository, and cnnbook is not installed "
            "from a clone. Clone the book and `pip install -e .` there, or pass folder=."
        )
    return Path(folder or FOLDER / inside) / f"{name}.json"


def load(path: Path, kind: str = "recording") -> Any:
    """What a file of results/ holds. `kind` is what a reader would call it.

    Raises
    ------
    FileNotFoundError : if there is no such file; says which there are. ValueError : if it is no JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        there = ", ".join(sorted(other.stem for other in path.parent.glob("*.json"))) or "none"
        raise FileNotFoundError(
            f"results: there is no {kind} {path.stem!r} in {path.parent.name}/. There are: {there}. "
            "In a clone of the book, `make results` records what is missing."
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError(damaged(path.name, "it is no JSON")) from None


def refuse_foreign(content: Any, format: str, name: str) -> None:
    """Raise ValueError if this is not in the format; `name` says what it is."""
    if not isinstance(content, dict) or content.get("format") != format:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise ValueError(
            f"results: {name} must be in the format {format!r}. Received format={found!r}. Record it again."
        )


def damaged(name: str, why: str) -> str:
    """The sentence for a file that is in the right format and not whole."""
    return f"results: {name} must be whole. It is damaged: {why}. Record it again."


def encode(content: Any, levels: int = 0) -> str:
    """JSON with a line per entry down to so many levels, and everything deeper on one line.

    Raises
    ------
    ValueError : if JSON cannot hold something, or a number is not finite.

    Examples
    --------
    >>> print(encode({"runs": [{"a": {"x": [1, 2]}}]}, levels=4))
    {
     "runs": [
      {
       "a": {
        "x": [1,2]
       }
      }
     ]
    }
    """
    try:
        return layout(content, levels)
    except (TypeError, ValueError):
        raise ValueError(
            "results: what is recorded must be what JSON can hold, with finite numbers. Received something "
            "else. Convert NumPy's values with float() or .tolist(), and leave nan out."
        ) from None


def layout(content: Any, levels: int, depth: int = 0) -> str:
    """The JSON of `encode`, of a part that stands so many levels deep."""
    flat = json.dumps(content, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    if depth == levels or not isinstance(content, dict | list) or not content:
        return flat
    indent, (start, end) = " " * depth, "{}" if isinstance(content, dict) else "[]"
    if isinstance(content, dict):
        entries = [
            f"{json.dumps(str(key))}: {layout(value, levels, depth + 1)}" for key, value in content.items()
        ]
    else:
        entries = [layout(value, levels, depth + 1) for value in content]
    inner = ",\n".join(f"{indent} {entry}" for entry in entries)
    return f"{start}\n{inner}\n{indent}{end}"


def save(path: Path, text: str) -> None:
    """Write a file of results/ whole or not at all.

    Raises
    ------
    ValueError : if the text tells a folder of this machine.
    """
    private = [place for place in map(str, (Path.home(), FOLDER.parent)) if len(place) > 1 and place in text]
    if private:
        raise ValueError(
            f"results: {path.name} must not tell folders of this machine. It mentions {private[0]}."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text + "\n")


def installed(packages) -> dict[str, str]:
    """The versions of those packages that are there."""
    found = {}
    for package in packages:
        try:
            found[package.removesuffix("-cpu")] = version(package)
        except PackageNotFoundError:
            continue
    return found
