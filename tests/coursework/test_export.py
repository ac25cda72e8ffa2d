"""The files for Canvas, Moodle and plain CSV."""

import csv
import io

import pytest
from support.class_list import RESULTS, STUDENTS

from cnnbook.coursework import export
from cnnbook.coursework.marks import marks_of


def lines(text):
    return list(csv.reader(io.StringIO(text)))


def test_plain_csv_has_every_row_and_no_formula():
    table = lines(export.plain_csv(marks_of(RESULTS, STUDENTS), "A"))
    assert table[0] == ["id", "name", "submission", "score", "most", "reason"]
    assert ["7", "Ada Low", "alow", "24", "24", ""] in table
    assert ["8", "'=Ben", "", "", "", "no submission"] in table
    assert ["", "", "stranger", "6", "24", "nobody on the roster fits this name"] in table


def test_canvas_has_its_columns_and_the_row_of_possible_points():
    table = lines(export.canvas(marks_of(RESULTS, STUDENTS), "Convolution"))
    assert table[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Convolution"]
    assert table[1] == ["    Points Possible", "", "", "", "", "24"]
    assert table[2] == ["Ada Low", "", "7", "alow", "1", "24"]
    assert table[3][5] == ""
    assert len(table) == 4


def test_points_by_hand_count_on_both_sides_and_only_where_there_are_any():
    marks = marks_of(RESULTS, STUDENTS, {"alow": 3}, 4)
    assert [(mark.score, mark.most) for mark in marks if mark.submission == "alow"] == [(27, 28)]
    assert lines(export.canvas(marks, "Convolution"))[1][5] == "28"
    assert marks_of(RESULTS, STUDENTS, None, 4) == marks_of(RESULTS, STUDENTS)


def test_moodle_has_what_its_import_asks_for():
    table = lines(export.moodle(marks_of(RESULTS, STUDENTS), "Convolution"))
    assert table[0] == ["ID number", "Full name", "Email address", "Convolution", "Convolution (feedback)"]
    assert table[1] == ["7", "Ada Low", "ada@x.org", "24", ""]
    assert table[2][4] == "no submission"


@pytest.mark.parametrize("kind", ["canvas", "moodle"])
def test_a_platform_gets_one_line_for_every_student(kind):
    twice = [RESULTS[0], {**RESULTS[0], "submission": "ada"}]
    marks = marks_of(twice, STUDENTS)
    text = export.FORMATS[kind](marks, "A")
    assert text.count("Ada Low") == 1
    assert "24" not in text.split("Ada Low")[1]
    assert [mark.submission for mark in export.unmatched(marks)] == ["alow", "ada"]


def test_what_no_platform_can_take_is_listed_apart():
    marks = marks_of(RESULTS, STUDENTS)
    assert [mark.submission for mark in export.unmatched(marks)] == ["stranger"]
