"""Whose submission is it? What fits nobody on the roster stays a row with its reason."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("id", "name", "email", "login", "section")


@dataclass(frozen=True)
class Row:
    """One line of the marks: a student of the roster, or a submission that fits none (no student then)."""

    student: dict
    submission: str = ""
    score: float | None = None
    most: float | None = None
    reason: str = ""


def read(path: Path) -> list[dict]:
    """The students of a roster: a CSV file with a column id, and name, email, login, section where known.

    Raises
    ------
    ValueError : no column id, a student without one, or two with the same.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = [{(key or "").strip().lower(): (value or "").strip() for key, value in line.items() if key}
                 for line in csv.DictReader(file)]  # fmt: skip
    students = [{key: line.get(key, "") for key in COLUMNS} for line in lines]
    ids = [student["id"] for student in students]
    if not lines or "id" not in lines[0] or not all(ids):
        raise ValueError(
            f"{path} must have a column id, filled in for every student. Its columns: id,name,email,..."
        )
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise ValueError(f"{path} must have every id once. These are there twice: {', '.join(twice)}.")
    return students


def plain(text: str) -> str:
    """A name as learning platforms write it into file names.

    >>> plain("Doe, Jane-Ann"), plain("jane.doe@x.org")
    ('doejaneann', 'janedoe@xorg')
    """
    return re.sub(r"[^\w@]", "", text.casefold())


def names_of(student: dict) -> set[str]:
    """All a student may be called in a file name."""
    words = re.split(r"[\s,]+", student["name"].strip())
    turned = words[-1:] + words[:-1], words[1:] + words[:1]
    called = [
        student["id"],
        student["login"],
        student["email"],
        student["email"].split("@")[0],
        student["name"],
    ]
    called += ["".join(order) for order in turned] if len(words) > 1 else []
    return {plain(each) for each in called if each}


def match(key: str, students: list[dict]) -> tuple[dict | None, str]:
    """The one student a submission's name fits, or None and the reason.

    >>> ada = {"id": "7", "name": "Ada Low", "email": "ada@x.org", "login": "", "section": ""}
    >>> match("lowada_7_991_a03", [ada])[0]["id"], match("somebody", [ada])
    ('7', (None, 'nobody on the roster fits this name'))
    """
    top = key.split("/")[0]
    words = {plain(word) for word in (key, top, *top.split("_"), *top.split("-"))} - {""}
    fitting = [student for student in students if words & names_of(student)]
    if len(fitting) == 1:
        return fitting[0], ""
    if fitting:
        return None, f"more than one student fits: {', '.join(student['id'] for student in fitting)}"
    return None, "nobody on the roster fits this name"


def rows(
    results: list[dict], students: list[dict], manual: dict | None = None, most_by_hand: float = 0
) -> list[Row]:
    """One row for every student and one for every submission that fits none; nothing is dropped.

    Parameters
    ----------
    results : of `grade_one`. manual : points given by hand, by submission. most_by_hand : how many there are
        to give; they count where `manual` is there.
    """
    more = 0 if manual is None else most_by_hand
    manual, of, loose = dict(manual or {}), {}, []
    for result in results:
        student, reason = match(result["submission"], students) if students else (None, "")
        row = row_of(result, student or {}, reason, manual.pop(result["submission"], 0), more)
        if student:
            of.setdefault(student["id"], []).append(row)
        else:
            loose.append(row)
    table = []
    for student in students:
        mine = of.get(student["id"], [])
        if len(mine) > 1:
            reason = f"{len(mine)} submissions of one student: keep one, then export again"
            table += [Row(student, row.submission, None, row.most, reason) for row in mine]
        else:
            table += mine or [Row(student, reason="no submission")]
    table += [
        Row({}, key, None, None, "points by hand for a submission that was not graded") for key in manual
    ]
    return table + loose


def row_of(result: dict, student: dict, reason: str, extra: float, more: float) -> Row:
    """A result as a row, with `extra` of `more` points by hand; what failed has no score but a reason."""
    score, most = result["score"], result.get("most")
    reason = "; ".join(each for each in (reason, result["reason"]) if each)
    score, most = (
        None if points is None else points + by_hand for points, by_hand in ((score, extra), (most, more))
    )
    return Row(student, result["submission"], score, most, reason)


def read_manual(path: Path) -> dict[str, float]:
    """Points given by hand: a CSV file with the columns submission and points."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return {line["submission"]: float(line["points"]) for line in csv.DictReader(file)}
