"""Result files: the one place that writes and reads them."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

from cnnbook.coursework.course import Course
from cnnbook.coursework.file_names import file_name
from cnnbook.coursework.result_fields import fault
from cnnbook.coursework.sealing import LARGEST, LONGEST_KEY, seal, text_of, verified
from cnnbook.coursework.texts import plain, say
from cnnbook.files import atomic_write

NEEDED = {"assignment", "submission", "status", "score", "seal"}
CHANGED = "was changed after grading: grade it again"


class Unverified(ValueError):
    """A file that is no result of this course as `grade` wrote it; the message says what to do."""


def write(path: Path, result: dict, course: Course) -> dict:
    """Seal a result, write it whole or not at all, and return it as it was written.

    Raises
    ------
    ValueError : if it is no result; the message names the field.
    """
    sealed = seal(result, course)
    if wrong := fault(sealed):
        raise ValueError(f"The grader made no result: {wrong}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text_of(sealed))
    return sealed


def read(path: Path, course: Course) -> dict:
    """The result in a file.

    Raises
    ------
    Unverified : if it is not as `grade` wrote it for this course and this submission.
    """
    found = content_of(path)
    if found is None or not found.keys() >= NEEDED:
        raise Unverified(f"is no result of `grade`, or {CHANGED}, or move it elsewhere")
    if not verified(found, course) or fault(found):
        raise Unverified(CHANGED)
    if file_name(found["submission"], ".json") != path.name:
        raise Unverified(f"is a copy of another submission's result, or {CHANGED}")
    return found


def content_of(path: Path) -> dict | None:
    """The JSON object in a file, or None. It reads ordinary files of a result's size and nothing else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                found = json.loads(file.read(5 * LARGEST).decode("utf-8"))
        finally:
            os.close(descriptor)
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def files_in(folder: Path) -> list[Path]:
    """The files in a folder that may be results."""
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def results_in(folder: Path, course: Course, tell: Callable[[str], None] | None = None) -> list[dict]:
    """All results in a folder, by submission.

    Parameters
    ----------
    tell : receives a sentence about every file that does not verify (without it, standard error does). Such
        a file is in the list with the status "changed", without a score.

    Raises
    ------
    ValueError : if there are none, or not one verifies.
    """
    tell, found, changed = tell or (lambda line: say(line, error=True)), [], []
    for path in files_in(folder):
        try:
            found.append(read(path, course))
        except Unverified as error:
            changed.append((path, str(error)))
    if not found and not changed:
        raise ValueError(f"{folder} must hold results of `grade`. It holds none.")
    if not found:
        raise ValueError(
            f"{folder} must hold results of this course, as `grade` wrote them with its seed. None of its "
            f"{len(changed)} files is one. Give --course (or --seed-file) if it is missing, or grade again."
        )
    for path, reason in changed:
        tell(f"{path} {reason}.")
    found += [row_for(path, reason) for path, reason in changed]
    return sorted(found, key=lambda result: result["submission"])


def row_for(path: Path, reason: str) -> dict:
    """What stands for a file that does not verify: whose it was, as far as its name tells, and no score."""
    content = content_of(path) or {}
    key = content.get("submission")
    if not isinstance(key, str) or file_name(plain(key), ".json") != path.name:
        key = os.fsencode(path.stem).decode("utf-8", "backslashreplace")
    return {
        "assignment": "",
        "submission": plain(key, LONGEST_KEY),
        "status": "changed",
        "reason": reason,
        "score": None,
        "most": None,
    }


def refuse_others(folder: Path, assignment: str, course: Course) -> None:
    """Refuse to write where results of another assignment are: they would be overwritten.

    A single file beside results of this assignment that merely says so, without the seal, stops nothing.

    Raises
    ------
    ValueError : if there are any.
    """
    ours, others = False, []
    for path in files_in(folder):
        content = content_of(path) or {}
        if not content.keys() >= NEEDED - {"seal"}:
            continue
        if content["assignment"] == assignment:
            ours = True
        else:
            others.append((not verified(content, course), path.name, plain(str(content["assignment"]), 60)))
    if others and (not ours or not min(others)[0]):
        _, name, other = min(others)
        raise ValueError(
            f"{folder} must hold results of {assignment} only. {name} is one of {other}. "
            "Choose another folder with --out."
        )
