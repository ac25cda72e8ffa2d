"""The marks of a course: one for every student and every submission; none is dropped silently."""

import math
from dataclasses import dataclass
from pathlib import Path

from cnnbook.coursework.roster import columns_and_lines, match

NO_POINTS = "no points by hand"


@dataclass(frozen=True)
class Mark:
    """The mark of a student of the roster, or of a submission that fits none: then `student` is empty.

    score : None where there is no mark, and `reason` says why.
    """

    student: dict
    submission: str = ""
    score: float | None = None
    most: float | None = None
    reason: str = ""


def marks_of(
    results: list[dict], students: list[dict], manual: dict | None = None, most_by_hand: float = 0
) -> list[Mark]:
    """One mark for every student, and one for every submission that fits none.

    Parameters
    ----------
    results : of `grade_one`. students : of the roster. manual : points given by hand, by submission.
    most_by_hand : how many there are to give; they count where `manual` is given.
    """
    by_hand, most_by_hand = dict(manual or {}), 0 if manual is None else most_by_hand
    fitting, others = {student["id"]: [] for student in students}, []
    for result in sorted(results, key=lambda result: result["status"] == "changed"):
        student, reason = match(result["submission"], students) if students else (None, "")
        if student and fitting[student["id"]] and result["status"] == "changed":
            student = None  # a spoiled file beside a good one takes nothing from it
        mark = mark_of(result, student or {}, reason, by_hand.pop(result["submission"], None), most_by_hand)
        (fitting[student["id"]] if student else others).append(mark)
    marks = [mark for student in students for mark in marks_of_student(student, fitting[student["id"]])]
    reason = "points by hand for a submission that was not graded"
    return marks + [Mark({}, key, reason=reason) for key in by_hand] + others


def marks_of_student(student: dict, marks: list[Mark]) -> list[Mark]:
    """One student's marks: of several submissions none counts, because nobody can say which."""
    if len(marks) > 1:
        reason = f"{len(marks)} submissions of one student: keep one, then export again"
        return [Mark(student, mark.submission, None, mark.most, reason) for mark in marks]
    return marks or [Mark(student, reason="no submission")]


def mark_of(result: dict, student: dict, reason: str, by_hand: float | None, most_by_hand: float) -> Mark:
    """The mark for one result, with the points by hand; a result without a score has a reason instead."""
    score, most = result["score"], result.get("most")
    lacking = NO_POINTS if by_hand is None and most_by_hand and result["status"] == "graded" else ""
    return Mark(
        student,
        result["submission"],
        None if score is None else score + (by_hand or 0),
        None if most is None else most + most_by_hand,
        "; ".join(each for each in (reason, result["reason"], lacking) if each),
    )


def read_manual(path: Path, most: float) -> dict[str, float]:
    """Points given by hand, by submission: a CSV file with the columns submission and points.

    Parameters
    ----------
    most : how many there are to give.

    Raises
    ------
    ValueError : if a column is missing, points are no number from 0 to `most`, or a submission is there
        twice.
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
