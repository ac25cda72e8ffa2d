"""The figures on the instructors' page are those of the records and of the tests."""

import re

from support.project_files import ROOT

from cnnbook import results
from cnnbook.coursework import source
from cnnbook.coursework.sandbox import Limits

PAGE = (ROOT / "chapters" / "instructors.md").read_text("utf-8")


def test_the_time_for_three_hundred_is_the_recorded_one():
    record = results.read("grading")
    seconds = round(record["seconds"])
    assert (
        f"{seconds} seconds for {record['submissions']} right answers to assignment 2, two at a time" in PAGE
    )
    assert (record["assignment"], record["jobs"]) == ("a02", 2)
    assert record["seconds"] < 600
    assert "a second for the solution, four minutes at the limit" in PAGE
    assert 0.5 < record["each"]["a09"] < 1.5
    assert sorted(record["each"]) == source.find()
    assert 4 <= Limits(**source.read("a09").header["limits"]).total / 60 < 5


def test_a_loop_without_an_end_costs_what_the_page_says():
    assert "up to 20 seconds for each function that does not end, a minute for a submission at most" in PAGE
    assert (2 * Limits().seconds, Limits().total) == (20, 60)


def test_the_hostile_submissions_and_the_failures_are_as_many_as_the_page_says():
    hostile = (ROOT / "tests" / "coursework" / "test_hostile.py").read_text()
    assert "More than a hundred hostile" in PAGE
    assert int(re.search(r"len\(expected\) >= (\d+)", hostile)[1]) > 100
    failures = (ROOT / "tests" / "coursework" / "test_failures.py").read_text()
    assert "A hundred failures" in PAGE
    assert int(re.search(r"len\(FAILURES\) >= (\d+)", failures)[1]) >= 100


def test_what_a_coin_expects_of_the_bug_hunt():
    cases = re.findall(
        r'"(\w+)": Case\("([\w ]+)", .*, (\d)\),', source.read("a10").file("hidden_tests.py").read_text()
    )
    assert len(cases) == 15
    right = {kind: sum(int(t) for _, other, t in cases if other == kind) for _, kind, _ in cases}
    worth = {"ties": 2, "use": 2}
    expected = sum(worth.get(name, 1) * 0.5 ** (right[kind] + int(times)) for name, kind, times in cases)
    assert "a coin expects a fiftieth of a point, of 17" in PAGE
    assert round(1 / expected) in range(45, 56)
