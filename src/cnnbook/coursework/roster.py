"""Whose submission is it? What fits nobody on the roster stays a row with its reason."""

import csv
import math
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("id", "name", "email", "login", "section")
NO_POINTS = "no points by hand"


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
    columns, lines = columns_and_lines(path)
    if "id" not in columns:
        raise ValueError(f"{path} must have a column id. It has {', '.join(columns) or 'none'}.")
    if not lines:
        raise ValueError(f"{path} must list your students, one a line. It lists none.")
    if empty := [str(number) for number, line in lines if not line["id"]]:
        raise ValueError(
            f"{path}: the column id must be filled in for every student. Empty: line {', '.join(empty)}."
        )
    students = [{key: line.get(key, "") for key in COLUMNS} for _, line in lines]
    ids = [student["id"] for student in students]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise ValueError(f"{path} must have every id once. These are there twice: {', '.join(twice)}.")
    return students


def columns_and_lines(path: Path) -> tuple[list[str], list[tuple[int, dict]]]:
    """The columns of a CSV file, and its lines as (number in the file, cells by column).

    Raises
    ------
    ValueError : it is not CSV in UTF-8.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            reader.fieldnames = [key.strip().lower() for key in reader.fieldnames or ()]
            return reader.fieldnames, [
                (reader.line_num, {key: (line[key] or "").strip() for key in reader.fieldnames})
                for line in reader
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} must be CSV in UTF-8, and is not: {error}. Save it as CSV UTF-8.") from None


def plain(text: str) -> str:
    """A name as learning platforms write it into file names.

    >>> plain("Doe, Jane-Ann"), plain("jane.doe@x.org")
    ('doejaneann', 'janedoe@xorg')
    """
    return re.sub(r"[^\w@]", "", unicodedata.normalize("NFC", text).casefold())


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

    Platforms write numbers of their own into names. So a number stands for a student only if nothing else
    stands beside it but numbers and the assignment: "7", "7_a03".

    >>> ada = {"id": "7", "name": "Ada Low", "email": "ada@x.org", "login": "", "section": ""}
    >>> match("lowada_7_991_a03", [ada])[0]["id"], match("somebody", [ada])
    ('7', (None, 'nobody on the roster fits this name'))
    """
    top = key.split("/")[0]
    words = {plain(word) for word in (key, top, *top.split("_"), *top.split("-"))} - {""}
    fitting = [student for student in students if words & names_of(student)]
    if len(fitting) == 1:
        by = words & names_of(fitting[0])
        beside = [word for word in re.split(r"[_\W]+", top.casefold()) if not re.fullmatch(r"(a?\d+)?", word)]
        if beside and all(word.isdigit() for word in by):
            number = f"the number {min(by)} stands beside other words and may be a platform's own"
            return None, f"nobody on the roster fits this name: {number}"
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
        row = row_of(result, student or {}, reason, manual.pop(result["submission"], None), more)
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


def row_of(result: dict, student: dict, reason: str, extra: float | None, more: float) -> Row:
    """A result as a row, with `extra` of `more` points by hand; what failed has no score but a reason."""
    score, most = result["score"], result.get("most")
    lacking = NO_POINTS if extra is None and more and result["status"] == "graded" else ""
    reason = "; ".join(each for each in (reason, result["reason"], lacking) if each)
    score, most = (
        None if points is None else points + by_hand
        for points, by_hand in ((score, extra or 0), (most, more))
    )
    return Row(student, result["submission"], score, most, reason)


def read_manual(path: Path, most: float) -> dict[str, float]:
    """Points given by hand, by submission: a CSV file with the columns submission and points.

    Parameters
    ----------
    most : how many there are to give.

    Raises
    ------
    ValueError : a column is missing, points are no number from 0 to `most`, or a submission is there twice.
    """
    columns, lines = columns_and_lines(path)
    if not {"submission", "points"} <= set(columns):
        raise ValueError(
            f"{path} must have the columns submission and points. It has {', '.join(columns) or 'none'}."
        )
    if lines and not most:
        raise ValueError(
            f"{path}: the assignment gives no points by hand: its source.md has no manual_points. "
            "Export without --manual."
        )
    points = {}
    for number, line in lines:
        key, given = line["submission"], line["points"]
        if not key:
            raise ValueError(f"{path}, line {number}: every line must name a submission. This one has none.")
        if key in points:
            raise ValueError(f"{path}, line {number}: every submission must be there once. {key!r} is twice.")
        try:
            points[key] = float(given)
        except ValueError:
            points[key] = math.nan
        if not 0 <= points[key] <= most:
            raise ValueError(
                f"{path}, line {number}: points must be a number from 0 to {most:g}. "
                f"Received points={given!r} for {key!r}. Correct it, or take the line out."
            )
    return points
