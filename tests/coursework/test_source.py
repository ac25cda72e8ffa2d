"""How the source of an assignment is read: its YAML head, and what is said about a broken one."""

import datetime

import pytest

from cnnbook.coursework import source
from cnnbook.coursework.fingerprint import fingerprint
from cnnbook.coursework.sandbox import USUAL

HEAD = """title: "Pooling: there and back"
subject: pooling
objective: 'write max pooling'
minutes: 90
chapter: pooling
points: 12.5
variants:
  layout: [channels last, channels first]
limits: {seconds: 40}
due: 2031-05-01"""


def course_with(head, folder):
    """A folder of assignments with one in it."""
    (folder / "a04_mine").mkdir()
    text = f"---\n{head}\n---\n\n@if layout=channels first\nfirst\n@end\nThe end.\n"
    (folder / "a04_mine" / "source.md").write_text(text)
    return folder


def test_the_head_of_an_assignment_is_yaml(tmp_path):
    root = course_with(HEAD, tmp_path)
    assignment = source.read("a04", root, variant={"layout": "channels first"})
    assert assignment.header["title"] == "Pooling: there and back"
    assert assignment.header["points"] == 12.5
    assert assignment.header["limits"] == {"seconds": 40}
    assert assignment.text == "\nfirst\nThe end.\n"
    assert source.read("a04", root).variant == {"layout": "channels last"}


def test_a_date_in_the_head_does_not_stop_the_grading(tmp_path):
    one = source.read("a04", course_with(HEAD, tmp_path))
    assert one.header["due"] == datetime.date(2031, 5, 1)
    assert fingerprint(b"", one, 0, "bwrap", USUAL) == fingerprint(b"", one, 0, "bwrap", USUAL)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"Pooling: there and back"', "Pooling: there", "It cannot be read: mapping values are not allowed"),
        ('"Pooling: there and back"', "yes", "title must be a text, in quotes. Received True."),
        ("points: 12.5", "points: many", "points must be a number. Received 'many'."),
        ("points: 12.5", "worth: 12", "needs a head with points."),
        ("minutes: 90\nchapter: pooling\n", "", "needs a head with chapter, minutes."),
        (HEAD, "Pooling", "such as title: Pooling. Received 'Pooling'."),
    ],
)
def test_a_head_that_cannot_be_used_is_refused_in_one_sentence(before, after, message, tmp_path):
    root = course_with(HEAD.replace(before, after), tmp_path)
    with pytest.raises(ValueError, match=r"source\.md of a04") as refused:
        source.read("a04", root)
    assert message in str(refused.value)
