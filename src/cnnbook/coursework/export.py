"""Marks as learning platforms take them: plain CSV, Canvas, Moodle."""

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

from cnnbook.coursework.marks import Mark

NEEDED = {"assignment", "submission", "status", "score", "reason"}


def results_in(
    folder: Path, tell: Callable[[str], None] = lambda line: print(line, file=sys.stderr)
) -> list[dict]:
    """All results in a folder, by submission.

    Parameters
    ----------
    tell : receives a sentence about every other .json file there; it is left out.

    Raises
    ------
    ValueError : if there are none.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            result = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            result = None
        if isinstance(result, dict) and result.keys() >= NEEDED:
            found.append(result)
        else:
            tell(
                f"{path} must be a result of `grade`, and is none: it was left out. "
                "Move it elsewhere, or grade again."
            )
    if not found:
        raise ValueError(f"{folder} must hold results of `grade`. It holds none.")
    return sorted(found, key=lambda result: result["submission"])


def text_of(lines: list[list]) -> str:
    """Lines as CSV. A cell that a spreadsheet would run as a formula gets a quote in front.

    >>> print(text_of([["=1+1", 2], ["a,b", None]]), end="")
    '=1+1,2
    "a,b",
    """
    out = io.StringIO()
    for line in lines:
        cells = ["" if cell is None else cell for cell in line]
        risky = [isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") for cell in cells]
        csv.writer(out, lineterminator="\n").writerow(
            [f"'{cell}" if risk else cell for cell, risk in zip(cells, risky, strict=True)]
        )
    return out.getvalue()


def number(score: float | None):
    """A score as text, without a needless .0."""
    return None if score is None else f"{score:g}"


def plain_csv(marks: list[Mark], title: str) -> str:
    """Every mark: who, which submission, how many points, and the reason if something is the matter."""
    lines = [["id", "name", "submission", "score", "most", "reason"]]
    for mark in marks:
        who = mark.student
        points = number(mark.score), number(mark.most)
        lines.append([who.get("id"), who.get("name"), mark.submission, *points, mark.reason])
    return text_of(lines)


def one_for_each_student(marks: list[Mark]) -> list[Mark]:
    """The students' marks: of several submissions of one student, none of which has a score, the last."""
    return list({mark.student["id"]: mark for mark in marks if mark.student}.values())


def canvas(marks: list[Mark], title: str) -> str:
    """A Canvas gradebook with one column; a student without a score keeps the old one."""
    most = next((mark.most for mark in marks if mark.most is not None), None)
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title]
    lines = [head, ["    Points Possible", "", "", "", "", number(most)]]
    for mark in one_for_each_student(marks):
        who = mark.student
        lines.append([who["name"], "", who["id"], who["login"], who["section"], number(mark.score)])
    return text_of(lines)


def moodle(marks: list[Mark], title: str) -> str:
    """For Moodle's grade import: map "ID number" or "Email address" to the student, the title to the item."""
    lines = [["ID number", "Full name", "Email address", title, f"{title} (feedback)"]]
    for mark in one_for_each_student(marks):
        who = mark.student
        lines.append([who["id"], who["name"], who["email"], number(mark.score), mark.reason])
    return text_of(lines)


FORMATS = {"csv": plain_csv, "canvas": canvas, "moodle": moodle}


def unmatched(marks: list[Mark]) -> list[Mark]:
    """The marks that no platform can take: of submissions that fit no student, or without a score."""
    return [mark for mark in marks if not mark.student or (mark.submission and mark.score is None)]
