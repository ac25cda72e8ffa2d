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

from cnnbook.coursework import course, export, feedback, gradescope, leaks, nbgrader, roster

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
