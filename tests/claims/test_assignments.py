"""What the pages of the assignments and of the instructors say there is. The commands: tests/coursework."""

import re

import pytest
import yaml
from support.project_files import ROOT

COURSEWORK = ROOT / "coursework"
ASSIGNMENTS = (ROOT / "chapters" / "assignments.md").read_text("utf-8")
INSTRUCTORS = (ROOT / "chapters" / "instructors.md").read_text("utf-8")
SOURCES = {path.parent.name[:3]: path.read_text("utf-8") for path in sorted(COURSEWORK.glob("a*/source.md"))}


def header(name):
    return yaml.safe_load(SOURCES[name].split("---\n")[1])


def test_there_are_eight_assignments():
    assert len(SOURCES) == 8
    assert ASSIGNMENTS.split("\n\n")[1].startswith("Eight assignments go with the chapters.")
    assert "eight [assignments](assignments.md) to give" in INSTRUCTORS


def test_the_capstone_is_9_for_a_whole_network_and_the_bug_hunt_11_for_the_bug_zoo():
    assert "the capstone is 9, for a whole network, and the bug hunt 11, for" in ASSIGNMENTS
    assert [path.name[:3] for path in COURSEWORK.glob("*_capstone")] == ["a09"]
    assert [path.name[:3] for path in COURSEWORK.glob("*_bug_hunt")] == ["a10"]
    assert (header("a09")["chapter"], header("a10")["chapter"]) == ("cnn_from_scratch", "bug_zoo")


@pytest.mark.parametrize("name", SOURCES)
def test_every_hint_of_an_assignment_has_three_levels(name):
    levels = re.findall(r"<summary>Hint (\d)", SOURCES[name])
    assert levels
    assert levels == ["1", "2", "3"] * (len(levels) // 3)


def test_the_variants_that_instructors_are_offered_exist():
    assert '"variants": {"a02": {"kernel": "turned"}}' in INSTRUCTORS
    assert (
        'Assignment 3 offers `"odd_zero": "before"`, assignment 5 `"layout": "channels first"`' in INSTRUCTORS
    )
    assert "turned" in header("a02")["variants"]["kernel"]
    assert "before" in header("a03")["variants"]["odd_zero"]
    assert "channels first" in header("a05")["variants"]["layout"]


def test_the_assignments_of_five_weeks_exist():
    (named,) = re.findall(r"assignments ([\d, ]+), one a week", INSTRUCTORS)
    assert {f"a{int(number):02}" for number in named.split(",")} <= SOURCES.keys()


def test_more_than_forty_hostile_submissions_are_graded():
    """tests/coursework/test_hostile.py grades exactly those that are named here."""
    text = (COURSEWORK / "hostile" / "submissions.py").read_text("utf-8")
    assert len(set(re.findall(r'(?:spoiled|add)\(\s*"([\w-]+)"', text))) > 40
    assert "More than forty hostile submissions" in INSTRUCTORS
