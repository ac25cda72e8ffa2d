"""The files that students handed in, and which of them are refused."""

import os
from pathlib import Path

ACCEPTED = (".ipynb", ".py", ".md")
LARGEST = 20_000_000  # bytes of one submission


def submissions_in(folder: Path) -> dict[str, Path]:
    """The files handed in below `folder`, by key: the file's name, or "folder/name" for one folder each.

    Hidden files and folders are left out; everything else gets a key, whether it can be graded or not.
    """
    if folder.is_file():
        return {printable(Path(folder.stem)): folder}
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if (path.is_file() or path.is_symlink()) and not any(part.startswith(".") for part in inside.parts):
            key = printable(inside.with_suffix(""))
            found[key if key not in found else printable(inside)] = path
    return found


def printable(path: Path) -> str:
    """A path as text that every file and terminal takes: bytes that are not UTF-8 are written as \\xfc."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def refusal(path: Path) -> str:
    """Why a file is not graded, or ""."""
    if path.is_symlink():
        return "It is a link to another file. Hand in the file itself."
    if path.suffix not in ACCEPTED:
        return f"It must be a notebook (.ipynb), .py or .md. It is {path.suffix or 'without an ending'}."
    if (size := path.stat().st_size) > LARGEST:
        megabytes = f"It has {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}."
        return f"{megabytes} Clear the notebook's outputs, then hand it in again."
    return "" if size else "The file is empty."
