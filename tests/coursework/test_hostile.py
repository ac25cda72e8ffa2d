"""Whatever is handed in, its score is what its answers are worth, and nobody else's grading suffers."""

import re
from pathlib import Path

import clumsy
import forgeries
import pytest
import submissions

from cnnbook.coursework import grade
from cnnbook.coursework.sandbox import Limits

IMPATIENT = Limits(seconds=2, total=60, memory=600_000_000)

# What reaches its limit of time is not graded a second time: each costs four seconds.
SLOW = {"infinite-loop", "sleeps", "loops-at-the-top", "a-message-drop-by-drop"}


@pytest.fixture(scope="module")
def graded(tmp_path_factory, isolation, public, a02):
    folder = tmp_path_factory.mktemp("hostile")
    expected = written(folder, a02.solution)
    return expected, grade_folder(folder, tmp_path_factory.mktemp("results"), isolation, public)


def grade_folder(folder, out, isolation, public):
    """The results of all submissions in a folder, by name."""
    jobs = grade.jobs_for(folder, out, "a02", public, isolation, limits=IMPATIENT)
    return {result["submission"]: result for result in grade.grade_all(jobs, tell=lambda line: None)}


def written(folder, solution):
    """Write all submissions into a folder. Returns what each must get, by name."""
    expected = submissions.write(folder, solution)
    expected |= submissions.write_table(folder, solution, forgeries.TABLE)
    return expected | submissions.write_table(folder, solution, clumsy.TABLE)


NAMES = [*re.findall(r'(?:spoiled|add)\(\s*"([\w-]+)"', Path(submissions.__file__).read_text()), "link"]
NAMES += [*forgeries.TABLE, *clumsy.TABLE]


def test_every_hostile_submission_has_a_result(graded):
    expected, results = graded
    assert sorted(results) == sorted(expected) == sorted(set(NAMES))
    assert len(expected) >= 115


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_submission_gets_exactly_its_score_and_a_reason(graded, name):
    expected, results = graded
    result = results[name]
    tests = [f"{test['message']} {test['detail']}" for test in result["tests"]]
    said = " ".join([result["reason"], *result["notes"], *tests])
    assert (result["score"], said) == (expected[name].score, said)
    assert expected[name].reason in said


def test_results_hold_no_address_in_memory_and_no_path_of_the_machine(graded, tmp_path_factory):
    _, results = graded
    text = str(results)
    assert not re.search(r"0x[0-9a-f]{6}", text)
    assert str(tmp_path_factory.getbasetemp()) not in text


def test_a_second_grading_gives_the_same_results(graded, tmp_path, isolation, public, a02):
    _, results = graded
    (tmp_path / "again").mkdir()
    written(tmp_path / "again", a02.solution)
    for name in SLOW:
        (tmp_path / "again" / f"{name}.py").unlink()
    again = grade_folder(tmp_path / "again", tmp_path / "out", isolation, public)
    assert again == {name: result for name, result in results.items() if name not in SLOW}
