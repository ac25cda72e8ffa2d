"""What leaves the grader: files for Canvas, Moodle, nbgrader and Gradescope, and pages for students."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from cnnbook import files
from cnnbook.coursework import course, export, feedback, gradescope, leaks, nbgrader, roster
from cnnbook.files import atomic_write

ROOT = Path(__file__).parents[2]

STUDENTS = [
    {"id": "7", "name": "Ada Low", "email": "ada@x.org", "login": "alow", "section": "1"},
    {"id": "8", "name": "=Ben", "email": "ben@x.org", "login": "borr", "section": "1"},
]
RESULTS = [
    {"submission": "alow", "score": 24, "most": 24, "reason": "", "status": "graded", "assignment": "a03"},
    {"submission": "stranger", "score": 6, "most": 24, "reason": "", "status": "graded", "assignment": "a03"},
]


def lines(text):
    return list(csv.reader(io.StringIO(text)))


def test_plain_csv_has_every_row_and_no_formula():
    table = lines(export.plain(roster.rows(RESULTS, STUDENTS), "A"))
    assert table[0] == ["id", "name", "submission", "score", "most", "reason"]
    assert ["7", "Ada Low", "alow", "24", "24", ""] in table
    assert ["8", "'=Ben", "", "", "", "no submission"] in table
    assert ["", "", "stranger", "6", "24", "nobody on the roster fits this name"] in table


def test_canvas_has_its_columns_and_the_row_of_possible_points():
    table = lines(export.canvas(roster.rows(RESULTS, STUDENTS), "Convolution"))
    assert table[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Convolution"]
    assert table[1] == ["    Points Possible", "", "", "", "", "24"]
    assert table[2] == ["Ada Low", "", "7", "alow", "1", "24"]
    assert table[3][5] == ""
    assert len(table) == 4


def test_points_by_hand_count_on_both_sides_and_only_where_there_are_any():
    rows = roster.rows(RESULTS, STUDENTS, {"alow": 3}, 4)
    assert [(row.score, row.most) for row in rows if row.submission == "alow"] == [(27, 28)]
    assert lines(export.canvas(rows, "Convolution"))[1][5] == "28"
    assert roster.rows(RESULTS, STUDENTS, None, 4) == roster.rows(RESULTS, STUDENTS)


def test_moodle_has_what_its_import_asks_for():
    table = lines(export.moodle(roster.rows(RESULTS, STUDENTS), "Convolution"))
    assert table[0] == ["ID number", "Full name", "Email address", "Convolution", "Convolution (feedback)"]
    assert table[1] == ["7", "Ada Low", "ada@x.org", "24", ""]
    assert table[2][4] == "no submission"


@pytest.mark.parametrize("kind", ["canvas", "moodle"])
def test_a_platform_gets_one_line_for_every_student(kind):
    twice = [RESULTS[0], {**RESULTS[0], "submission": "ada"}]
    rows = roster.rows(twice, STUDENTS)
    text = export.FORMATS[kind](rows, "A")
    assert text.count("Ada Low") == 1
    assert "24" not in text.split("Ada Low")[1]
    assert [row.submission for row in export.unmatched(rows)] == ["alow", "ada"]


def test_what_no_platform_can_take_is_listed_apart():
    rows = roster.rows(RESULTS, STUDENTS)
    assert [row.submission for row in export.unmatched(rows)] == ["stranger"]


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


def hand_in(tmp_path, text):
    """A file of points by hand, read where the assignment has 4 to give."""
    path = tmp_path / "manual.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return roster.read_manual(path, 4)


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
        roster.read_manual(path, 0)


def test_a_graded_submission_without_points_by_hand_says_so():
    failed = {**RESULTS[1], "submission": "borr", "score": None, "reason": "no disk", "status": "failed"}
    refused = {
        **failed,
        "submission": "empty",
        "score": 0,
        "reason": "The file is empty.",
        "status": "refused",
    }
    rows = roster.rows([*RESULTS, failed, refused], STUDENTS, {"stranger": 3}, 4)
    by = {row.submission: (row.score, row.most, row.reason) for row in rows}
    assert by["alow"] == (24, 28, "no points by hand")
    assert by["stranger"] == (9, 28, "nobody on the roster fits this name")
    assert by["borr"] == (None, 28, "no disk")
    assert by["empty"] == (0, 28, "nobody on the roster fits this name; The file is empty.")


def test_a_foreign_file_among_the_results_is_named_and_the_others_count(tmp_path, capsys):
    (tmp_path / "alow.json").write_text(json.dumps(RESULTS[0]))
    foreign = {"list": "[1]", "other": '{"a": 1}', "half": '{"submission": "x', "deep": "[" * 100_000}
    for name, text in foreign.items():
        (tmp_path / f"{name}.json").write_text(text)
    (tmp_path / "picture.json").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "folder.json").mkdir()
    assert export.results_in(tmp_path) == RESULTS[:1]
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 6
    for name, line in zip(sorted([*foreign, "picture", "folder"]), told, strict=True):
        assert line == (
            f"{tmp_path / name}.json must be a result of `grade`, and is none: it was left out. "
            "Move it elsewhere, or grade again."
        )
    (tmp_path / "alow.json").unlink()
    with pytest.raises(ValueError, match=r"must hold results of `grade`\. It holds none\."):
        export.results_in(tmp_path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "marks.csv"
    atomic_write(path, "old\n")
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()
    monkeypatch.setattr(files.os, "replace", lambda *a: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space left"):
        atomic_write(path, "new, and longer\n")
    assert [each.name for each in tmp_path.iterdir()] == ["marks.csv"]
    assert path.read_text() == "old\n"
    monkeypatch.undo()
    atomic_write(path, b"\x00bytes")
    assert path.read_bytes() == b"\x00bytes"
    atomic_write(tmp_path / ("n" * 255), "the longest name there is")


def umask():
    """The mask of this process."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


RESULT = {
    "submission": "<b>eve</b>",
    "score": 2,
    "most": 4,
    "reason": "",
    "notes": ["<script>alert(1)</script>"],
    "tests": [
        {
            "title": "Secret.",
            "points": 0,
            "worth": 2,
            "reason": "values",
            "message": "1 < 2",
            "visible": False,
        },
        {"title": "Open.", "points": 2, "worth": 2, "reason": "", "message": "", "visible": True},
    ],
}


def test_feedback_says_what_the_course_wants_said_and_runs_no_code_of_a_student():
    pages = {show: feedback.page(RESULT, "A", show) for show in course.POLICIES}
    assert not any("<script>" in page for page in pages.values())
    assert "2 of 4 points" in pages["names"]
    assert "values" not in pages["names"]
    assert "What was wrong: values." in pages["categories"]
    assert "1 &lt; 2" not in pages["categories"]
    assert "1 &lt; 2" in pages["values"]


# ---------------------------------------------------------------- nbgrader


def nbgrader_says(folder, *arguments, **more):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls alembic
    environment = {
        **os.environ,
        "PATH": path,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "HOME": str(folder),
        **more,
    }
    command = [sys.executable, "-W", "ignore", "-m", "nbgrader", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def released(tmp_path_factory, a03):
    """An nbgrader course with a03 in it, released, and two submissions, one of them with solutions."""
    folder = tmp_path_factory.mktemp("nbgrader")
    place = folder / "source" / "a03"
    place.mkdir(parents=True)
    nbformat.write(nbgrader.source_notebook(a03), place / "a03.ipynb")
    done = nbgrader_says(folder, "generate_assignment", "a03", "--create")
    assert done.returncode == 0, done.stderr
    return folder


def test_nbgraders_release_leaks_nothing(released, public):
    telling = leaks.secrets_of(public.assignments(), leaks.book_text(ROOT))
    release = released / "release" / "a03"
    assert [path.name for path in release.iterdir()] == ["a03.ipynb"]
    assert leaks.leaks([release], telling) == []
    assert leaks.leaks([released / "source"], telling) != []
    text = (release / "a03.ipynb").read_text()
    assert "YOUR CODE HERE" in text
    assert "HIDDEN" not in text


def test_nbgrader_grades_the_solution_and_the_blank_notebook(released, a03):
    blank = nbformat.read(released / "release" / "a03" / "a03.ipynb", 4)
    solved, answers = blank.copy(), [t for kind, t, tags in a03.cells if kind == "code" and "answer" in tags]
    for name, notebook in (("blank", blank), ("ada", solved)):
        place = released / "submitted" / name / "a03"
        place.mkdir(parents=True)
        if name == "ada":
            ours = [c for c in notebook.cells if c.cell_type == "code" and c.metadata.nbgrader.solution]
            for cell, answer in zip(ours, answers, strict=True):
                cell.source = answer
        nbformat.write(notebook, place / "a03.ipynb")
    done = nbgrader_says(released, "autograde", "a03", "--create")
    assert done.returncode == 0, done.stderr
    done = nbgrader_says(released, "export", "--to", "grades.csv")
    assert done.returncode == 0, done.stderr
    with open(released / "grades.csv") as file:
        grades = {line["student_id"]: float(line["score"]) for line in csv.DictReader(file)}
    assert grades == {"blank": 0, "ada": a03.header["points"]}


# ---------------------------------------------------------------- Gradescope


@pytest.fixture
def autograder(tmp_path, public, isolation):
    """Gradescope's tree of folders with our zip unpacked in it."""
    top = tmp_path / "autograder"
    for name in ("source", "submission", "results"):
        (top / name).mkdir(parents=True)
    secret = replace(public, seed=99, secret=True, show="values")
    with zipfile.ZipFile(io.BytesIO(gradescope.autograder(secret, "a03"))) as archive:
        archive.extractall(top / "source")

    def run():
        env = {"PATH": os.environ["PATH"], "AUTOGRADER": str(top), "PYTHON": sys.executable}
        script = ["bash", top / "source" / "run_autograder"]
        done = subprocess.run(script, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads((top / "results" / "results.json").read_text())

    return top, run


def test_gradescopes_zip_has_its_two_scripts_and_the_same_bytes_every_time(public):
    first, second = (gradescope.autograder(public, "a03") for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        names = archive.namelist()
        assert {"setup.sh", "run_autograder"} <= set(names)
        assert archive.getinfo("run_autograder").external_attr >> 16 == 0o755
    assert not any("keras" in name or "widgets" in name for name in names)


def test_gradescope_grades_the_solution_and_reports_every_test(autograder, a03):
    top, run = autograder
    (top / "submission" / "hw.py").write_text(a03.solution)
    said = run()
    assert said["score"] == 24
    assert {"name", "score", "max_score", "output"} == set(said["tests"][0])
    assert sum(test["max_score"] for test in said["tests"]) == 24


def test_gradescope_tells_why_there_are_no_points(autograder, a03):
    top, run = autograder
    assert "Hand in one notebook" in run()["output"]
    (top / "submission" / "hw.py").write_text(a03.blank)
    said = run()
    assert said["score"] == 0
    assert "not written" in said["tests"][0]["output"]
    (top / "submission" / "other.py").write_text(a03.blank)
    assert "There are 2" in run()["output"]


def test_a_student_on_gradescope_reads_neither_tests_nor_seed(autograder, a03):
    top, run = autograder
    spy = re.sub(
        r"def conv2d\(.*",
        "def conv2d(x, kernel, bias):\n    import os\n    return open(os.environ.get('X', "
        f"{str(top / 'source' / 'job.json')!r})).read()\n",
        a03.solution,
        flags=re.DOTALL,
    )
    (top / "submission" / "hw.py").write_text(spy)
    said = run()
    assert said["score"] == 10
    assert "FileNotFoundError" in str(said["tests"]) or "PermissionError" in str(said["tests"])
