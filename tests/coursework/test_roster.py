"""Whose submission is it?"""

import pytest
from support.class_list import ROSTER

from cnnbook.coursework import roster


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nAda\n", "must have a column id"),
        ("id,name\n,Ada\n", "filled in for every student"),
        ("id\n7\n7\n", "every id once. These are there twice: 7"),
    ],
)
def test_a_roster_that_cannot_work_is_refused(text, message, tmp_path):
    (tmp_path / "roster.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        roster.read(tmp_path / "roster.csv")


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("7", "7"),
        ("alow", "7"),
        ("adalow_7_123_a02", "7"),
        ("lowada_99_123_a02", "7"),
        ("Ben Orr_555_assignsubmission_file_/a02", "8"),
        ("cleo@x.org", "9"),
        ("cleo", "9"),
        ("7_a02", "7"),
        ("a02-8", "8"),
        ("7/a02", "7"),
        ("7/zoelow", "7"),
        ("zoe\u0308", "10"),
        ("Zo\u00eb", "10"),
        ("adalow_LATE_555_123_a02", "7"),
    ],
)
def test_submissions_are_matched_as_platforms_name_them(key, found):
    assert roster.match(key, ROSTER)[0]["id"] == found


@pytest.mark.parametrize(
    "key", ["zoelow_9_a02", "9_zoelow_a02", "zoe1_9_a02", "Zoe Low_9_assignsubmission_file_/a02"]
)
def test_a_number_beside_another_name_chooses_nobody(key):
    student, reason = roster.match(key, ROSTER)
    assert student is None
    assert reason == (
        "nobody on the roster fits this name: the number 9 stands beside other words and may be "
        "a platform's own"
    )


def test_a_number_that_speaks_for_another_student_than_the_name_chooses_nobody():
    assert roster.match("adalow_8_a02", ROSTER) == (None, "more than one student fits: 7, 8")
