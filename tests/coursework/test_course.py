"""A course of one's own: its seed, its settings, its private files."""

import pytest

from cnnbook.coursework import course, source


def test_a_course_of_its_own_changes_seed_variant_tests_and_statement(tmp_path, a02):
    folder = tmp_path / "mine"
    course.new(str(folder))
    (folder / "course.json").write_text('{"show": "names", "variants": {"a02": {"kernel": "turned"}}}')
    own = folder / "coursework" / "a02_convolution"
    own.mkdir()
    (own / "more_tests.py").write_text(
        "from cnnbook.coursework.expect import points\n@points(3, 'mine')\n"
        "def test_mine(student, rng):\n    'Mine.'\n"
    )
    mine = course.load(str(folder))
    assert mine.seed != course.load().seed
    assert mine.secret
    assert mine.show == "names"
    assignment = mine.assignment("a02")
    assert assignment.variant == {"kernel": "turned"}
    assert "turned by half a turn, which the chapter does not do" in assignment.text
    assert "turned by half a turn, which the chapter does not do" not in a02.text
    assert [path.name for path in assignment.tests] == ["hidden_tests.py", "more_tests.py"]
    with pytest.raises(ValueError, match="no variant kernel='sideways'"):
        source.read("a02", variant={"kernel": "sideways"})


@pytest.mark.parametrize("name", ["seed", "course.json", "roster.csv"])
def test_a_new_course_overwrites_nothing(name, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match=f"is a course already: it holds {name}, and nothing is overwritten"):
        course.new(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_course_that_has_lost_its_seed_is_told_how_to_go_on(tmp_path):
    (tmp_path / "roster.csv").write_text("id\n7\n")
    with pytest.raises(ValueError, match=r"must hold a file named seed\. Put it back, or give --seed-file"):
        course.load(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"course\.json must be JSON: "),
        ("[]", r"course\.json must be an object, like \{\"show\": \"names\"\}"),
        ('{"varients": {}}', r"course\.json may hold show and variants\. Received varients"),
        ('{"variants": {"a3": {}}}', r"variants must be of a01, .*, a10\. Received a3"),
        ('{"variants": ["a02"]}', r"variants must be an object"),
        ('{"show": "all"}', r"show must be names or categories or values\. Received show='all'"),
    ],
)
def test_settings_that_no_course_has_are_refused(text, message, tmp_path):
    (tmp_path / "seed").write_text("s" * 16)
    (tmp_path / "course.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        course.load(str(tmp_path))


def test_a_seed_that_could_be_guessed_is_refused(tmp_path):
    (tmp_path / "seed").write_text("1234\n")
    with pytest.raises(ValueError, match=r"at least 16 characters\. It holds 4"):
        course.load(str(tmp_path))
