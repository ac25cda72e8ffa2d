"""One mark for every student, with points by hand; what fits nobody is kept with its reason."""

import pytest
from support.class_list import RESULTS, ROSTER, STUDENTS

from cnnbook.coursework.marks import marks_of, read_manual


def test_what_fits_nobody_or_two_stays_a_mark_with_its_reason():
    results = [
        {"submission": key, "score": 5, "most": 24, "reason": "", "status": "graded", "assignment": "a02"}
        for key in ("alow", "stranger", "7_8", "ben", "borr")
    ]
    marks = marks_of(results, ROSTER, {"alow": 2.5, "nobody": 1})
    by = {(mark.student.get("id"), mark.submission): (mark.score, mark.reason) for mark in marks}
    assert by["7", "alow"] == (7.5, "")
    assert by["9", ""] == (None, "no submission")
    assert by[None, "stranger"] == (5, "nobody on the roster fits this name")
    assert by[None, "7_8"] == (5, "more than one student fits: 7, 8")
    assert (
        by["8", "ben"]
        == by["8", "borr"]
        == (None, "2 submissions of one student: keep one, then export again")
    )
    assert by[None, "nobody"] == (None, "points by hand for a submission that was not graded")
    assert len(marks) == 8


def test_a_graded_submission_without_points_by_hand_says_so():
    failed = {**RESULTS[1], "submission": "borr", "score": None, "reason": "no disk", "status": "failed"}
    refused = {
        **failed,
        "submission": "empty",
        "score": 0,
        "reason": "The file is empty.",
        "status": "refused",
    }
    marks = marks_of([*RESULTS, failed, refused], STUDENTS, {"stranger": 3}, 4)
    by = {mark.submission: (mark.score, mark.most, mark.reason) for mark in marks}
    assert by["alow"] == (24, 28, "no points by hand")
    assert by["stranger"] == (9, 28, "nobody on the roster fits this name")
    assert by["borr"] == (None, 28, "no disk")
    assert by["empty"] == (0, 28, "nobody on the roster fits this name; The file is empty.")


def hand_in(tmp_path, text):
    """A file of points by hand, read where the assignment has 4 to give."""
    path = tmp_path / "manual.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_manual(path, 4)


def test_points_by_hand_are_read_however_the_columns_are_written(tmp_path):
    text = "\ufeffName, Points ,Submission\nAda,2.5, alow \nBen,0,borr\n,4,x\n"
    assert hand_in(tmp_path, text) == {"alow": 2.5, "borr": 0, "x": 4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have the columns submission and points. It has none."),
        (
            "submission,mark\nalow,2\n",
            "must have the columns submission and points. It has submission, mark.",
        ),
        ("submission;points\nalow;2\n", "It has submission;points."),
        (
            "submission,points\nalow,\n",
            "line 2: points must be a number from 0 to 4. Received points='' for 'alow'.",
        ),
        ("submission,points\nalow\n", "line 2: points must be a number from 0 to 4. Received points=''"),
        (
            "submission,points\na,1\nalow,two\n",
            "line 3: points must be a number from 0 to 4. Received points='two'",
        ),
        ("submission,points\nalow,nan\n", "Received points='nan' for 'alow'."),
        ("submission,points\nalow,inf\n", "Received points='inf' for 'alow'."),
        ("submission,points\nalow,-1\n", "Received points='-1' for 'alow'."),
        ("submission,points\nalow,4.5\n", "Received points='4.5' for 'alow'."),
        ("submission,points\n,3\n", "line 2: every line must name a submission."),
        (
            "submission,points\nalow,1\nborr,1\nalow,2\n",
            "line 4: every submission must be there once. 'alow' is twice.",
        ),
        ("submission,points\nÜ,1\n".encode("latin-1"), "must be CSV in UTF-8, and is not"),
    ],
)
def test_points_by_hand_that_cannot_count_are_refused(text, message, tmp_path):
    with pytest.raises(ValueError, match=r"manual\.csv") as refused:
        hand_in(tmp_path, text)
    assert message in str(refused.value)


def test_points_by_hand_for_an_assignment_without_any_are_refused(tmp_path):
    path = tmp_path / "manual.csv"
    path.write_text("submission,points\nalow,1\n")
    with pytest.raises(ValueError, match=r"gives no points by hand: its source\.md has no manual_points"):
        read_manual(path, 0)
