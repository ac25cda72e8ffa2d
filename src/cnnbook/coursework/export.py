"""Marks as learning platforms take them: plain CSV, Canvas, Moodle."""

import csv
import io
import unicodedata

from cnnbook.coursework.marks import Mark
from cnnbook.coursework.texts import RISKY, plain

FORMULA = "=+-@"  # what a spreadsheet takes for a formula, in any width
STRIPPED = ("Zs", *RISKY)  # what it may skip before one
JOINERS = "\u200c\u200d"  # names in some scripts need them


def text_of(lines: list[list]) -> str:
    """Lines as CSV. Numbers stay numbers; texts are made harmless, see `cell`.

    >>> print(text_of([["=1+1", 2], ["a,b", None]]), end="")
    '=1+1,2
    "a,b",
    """
    out = io.StringIO()
    for line in lines:
        csv.writer(out, lineterminator="\n").writerow(
            [cell(each) if isinstance(each, str) else each for each in line]
        )
    return out.getvalue()


def cell(text: str) -> str:
    r"""A text as one cell: control characters as escapes, and a quote before what could run as a formula.

    >>> print(cell("\n=1+1"), ascii(cell("\uff1d1+1")), cell("1 + 1"))
    '\n=1+1 "'\uff1d1+1" 1 + 1
    """
    first = next((each for each in text if unicodedata.category(each) not in STRIPPED), "")
    risky = text[:1] in ("\t", "\r", "\n") or unicodedata.normalize("NFKC", first)[:1] in (*FORMULA,)
    return ("'" if risky else "") + plain(text, keep=JOINERS)


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
