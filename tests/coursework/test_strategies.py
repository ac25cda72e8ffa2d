"""Answers without understanding earn nothing, also those that remember what they were asked before."""

import pytest

from cnnbook.coursework.own_process import trusted
from cnnbook.coursework.trouble import StudentError

REMEMBERS = """
seen = []
def count():
    seen.append(1)
    return len(seen)
class Thing:
    def number(self):
        return 7
"""


def test_a_fresh_process_knows_nothing_of_the_calls_before():
    student = trusted(REMEMBERS)
    student.memory["kept"] = 1
    thing = student.Thing()
    assert (student.count(), student.count(), thing.number()) == (1, 2, 7)
    student.fresh()
    assert student.count() == 1
    assert student.memory == {"kept": 1}
    with pytest.raises(StudentError, match="lost"):
        thing.number()
