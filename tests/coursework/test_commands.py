"""The commands: the walk-through of the instructors' page as it stands there, and what each refuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cnnbook.coursework import course, results, source
from cnnbook.coursework.__main__ import main, parser
from cnnbook.coursework.file_names import file_name

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "chapters" / "instructors.md").read_text("utf-8")
COMMANDS = ["sandbox", "list", "new", "build", "check", "leaks", "grade", "export", "feedback", "try"]


def steps(page):
    """The walk-through as (command, what it must print)."""
    blocks = re.findall(r"^```console\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    parts = re.split(r"^\$ ", "".join(blocks), flags=re.MULTILINE)[1:]
    return [tuple(part.split("\n", 1)) for part in parts]


def test_the_walk_through_of_the_instructors_page_does_what_it_says(isolation, tmp_path):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    said = steps(PAGE)
    assert len(said) >= 12
    for command, expected in said:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert (command, done.stdout, done.returncode) == (command, expected, 0), done.stderr


def test_a_walk_through_that_says_something_else_is_noticed():
    assert steps("```console\n$ echo a\nb\n```\n") == [("echo a", "b\n")]


def test_every_command_has_a_help_and_the_page_names_no_other(capsys):
    for name in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            parser().parse_args([name, "--help"])
        assert ended.value.code == 0
        assert len(capsys.readouterr().out) > 150
    named = re.findall(r"python -m cnnbook\.coursework (\w+)", PAGE)
    assert set(named) <= set(COMMANDS)


def test_every_command_names_the_function_that_runs_it():
    needed = {
        "new": ["autumn"],
        "leaks": ["notebooks"],
        "grade": ["submissions", "--assignment", "a02"],
        "export": ["--to", "csv"],
        "try": ["mine.ipynb", "--assignment", "a02"],
    }
    for name in COMMANDS:
        assert parser().parse_args([name, *needed.get(name, [])]).run.__name__ == f"run_{name}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["check", "a99"],
            "an assignment must be one of: a01, a02, a03, a04, a05, a06, a07, a08, a09, a10. Received 'a99'.",
        ),
        (
            ["build", "--course", "nowhere"],
            "nowhere must hold a file named seed. Make a course with: new nowhere.",
        ),
        (["leaks", "nowhere"], "leaks needs folders and files that exist. Received nowhere."),
        (["grade", "empty", "--assignment", "a02"], "empty must hold submissions. It holds none"),
        (["export", "empty", "--to", "csv"], "empty must hold results of `grade`. It holds none."),
        (["export", "--to", "gradescope"], "--to gradescope needs --assignment. Received none."),
        (["grade", "some", "--assignment", "a02", "--jobs", "0"], "--jobs must be at least 1. Received 0."),
        (
            ["export", "some", "--to", "csv", "--manual", "no.csv"],
            "export: no.csv: No such file or directory.",
        ),
        (["try", "nowhere.ipynb", "--assignment", "a02"], "There is no file nowhere.ipynb."),
    ],
)
def test_a_command_that_cannot_start_says_why_in_one_sentence(
    arguments, message, tmp_path, monkeypatch, capsys
):
    (tmp_path / "empty").mkdir()
    graded(tmp_path / "some", "s1", 20)
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_roster_is_asked_for_where_a_platform_needs_one(tmp_path, capsys):
    graded(tmp_path, "x", 1)
    assert main(["export", str(tmp_path), "--to", "canvas"]) == 2
    assert "--to canvas needs --roster" in capsys.readouterr().err


def graded(folder, key, score, where=None, **more):
    """A result as `grade` writes it, for the public course or `where`."""
    facts = {"assignment": "a06", "submission": key, "score": score, "most": 20, "reason": ""}
    path = folder / file_name(key, ".json")
    results.write(path, {**facts, "status": "graded", **more}, where or course.load())
    return path


def test_marks_without_points_by_hand_are_counted_and_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    graded(tmp_path / "results", "s1", 20)
    graded(tmp_path / "results", "s2", 7)
    (tmp_path / "manual.csv").write_text("submission,points\ns1,3\n")
    assert main(["export", "--to", "csv", "--manual", "manual.csv"]) == 0
    assert capsys.readouterr().out == "wrote marks-csv.csv: 2 marks\n1 without points by hand: s2\n"
    (tmp_path / "manual.csv").write_text("submission\ns1\n")
    assert main(["export", "--to", "csv", "--manual", "manual.csv"]) == 2
    assert "export: manual.csv must have the columns" in capsys.readouterr().err


def test_feedback_writes_a_page_for_every_submission_whatever_its_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for number, key in enumerate(["a/b", "a__b", "a" * 245]):
        graded(tmp_path / "results", key, number)
    (tmp_path / "results" / "package.json").write_text("{}")
    assert main(["feedback"]) == 1
    told = capsys.readouterr()
    assert told.out == "3 pages in feedback\n"
    assert "package.json is no result of `grade`" in told.err
    pages = [path.read_text() for path in (tmp_path / "feedback").iterdir()]
    assert sorted(re.search(r"(\d+) of 20", page)[1] for page in pages) == ["0", "1", "2"]


def test_a_course_whose_seed_lies_elsewhere_can_do_everything(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "autumn"]) == 0
    (tmp_path / "autumn" / "seed").rename(tmp_path / "elsewhere")
    graded(tmp_path / "results", "s1", 20, course.load("autumn", "elsewhere"))
    (tmp_path / "autumn" / "roster.csv").write_text("id\ns1\n")
    assert main(["export", "--to", "csv", "--course", "autumn", "--seed-file", "elsewhere"]) == 0
    assert main(["feedback", "--course", "autumn", "--seed-file", "elsewhere"]) == 0
    assert main(["new", "autumn"]) == 2
    assert "holds course.json, roster.csv" in capsys.readouterr().err
    assert (tmp_path / "autumn" / "roster.csv").read_text() == "id\ns1\n"


def test_a_student_sees_what_the_grader_reads(tmp_path, capsys):
    source.build([source.read("a02")], tmp_path)
    path = tmp_path / "student" / "a02.ipynb"
    notebook = json.loads(path.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    cells = [cell for cell in code if "YOUR CODE HERE" in "".join(cell["source"])]
    cells[0]["source"] = "def conv2d_loops(x, kernel, bias)\n    return x"
    path.write_text(json.dumps(notebook))
    assert main(["try", str(path), "--assignment", "a02"]) == 0
    printed = capsys.readouterr().out
    assert "The grader finds 2 of 3 functions and classes." in printed
    assert "conv2d_loops is missing" in printed
    assert "is not valid Python (line 1): expected ':'. It was left out." in printed
    assert "[failed]  the hand example comes out\n          NameError" in printed
    assert "[to do]   the first window of the hand image is row 0" in printed


def test_try_says_each_thing_on_a_line_of_its_own(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(source.read("a02").solution)
    assert main(["try", str(path), "--assignment", "a03"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "The grader finds 1 of 4 functions and classes."
    assert printed[3] == "  receptive_field is missing"
    assert printed[4].startswith("[failed]")


def test_try_runs_the_checks_of_a_solution(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(source.read("a01").solution)
    assert main(["try", str(path), "--assignment", "a01"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("[passed]") == 8
    assert "failed" not in printed


def test_unsafe_says_what_it_gives_up(tmp_path, three, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["grade", str(three), "--assignment", "a02", "--unsafe"]) == 0
    told = capsys.readouterr()
    assert "Not isolated: students' code runs as you." in told.err
    assert "The public seed" in told.err
    assert "3 graded, 0 not; results in results" in told.out
