"""The students of a course, and whose submission a file is."""

import csv
import re
import unicodedata
from pathlib import Path

COLUMNS = ("id", "name", "email", "login", "section")


def read(path: Path) -> list[dict]:
    """The students of a roster: a CSV file with a column id, and name, email, login, section where known.

    Raises
    ------
    ValueError : if there is no column id, a student has none, or two have the same.
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
    ValueError : if it is not CSV in UTF-8.
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


def platform_name(text: str) -> str:
    """A name as learning platforms write it into file names.

    >>> platform_name("Doe, Jane-Ann"), platform_name("jane.doe@x.org")
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
    return {platform_name(each) for each in called if each}


def match(key: str, students: list[dict]) -> tuple[dict | None, str]:
    """The one student a submission's name fits, or None and the reason.

    Platforms write numbers of their own into names. So a number stands for a student only if nothing else
    stands beside it but numbers and the assignment: "7", "7_a02".

    >>> ada = {"id": "7", "name": "Ada Low", "email": "ada@x.org", "login": "", "section": ""}
    >>> match("lowada_7_991_a02", [ada])[0]["id"], match("somebody", [ada])
    ('7', (None, 'nobody on the roster fits this name'))
    """
    top = key.split("/")[0]
    words = {platform_name(word) for word in (key, top, *top.split("_"), *top.split("-"))} - {""}
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
