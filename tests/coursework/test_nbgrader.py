"""An assignment in nbgrader: what is released, and what its grader says."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from cnnbook.coursework import leaks, nbgrader

ROOT = Path(__file__).parents[2]


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
def released(tmp_path_factory, a02):
    """An nbgrader course with a02 in it, released, and two submissions, one of them with solutions."""
    folder = tmp_path_factory.mktemp("nbgrader")
    place = folder / "source" / "a02"
    place.mkdir(parents=True)
    nbformat.write(nbgrader.source_notebook(a02), place / "a02.ipynb")
    done = nbgrader_says(folder, "generate_assignment", "a02", "--create")
    assert done.returncode == 0, done.stderr
    return folder


def test_nbgraders_release_leaks_nothing(released, public):
    telling = leaks.secrets_of(public.assignments(), leaks.book_text(ROOT))
    release = released / "release" / "a02"
    assert [path.name for path in release.iterdir()] == ["a02.ipynb"]
    assert leaks.leaks_in([release], telling) == []
    assert leaks.leaks_in([released / "source"], telling) != []
    text = (release / "a02.ipynb").read_text()
    assert "YOUR CODE HERE" in text
    assert "HIDDEN" not in text


def test_nbgrader_grades_the_solution_and_the_blank_notebook(released, a02):
    blank = nbformat.read(released / "release" / "a02" / "a02.ipynb", 4)
    solved, answers = blank.copy(), [t for kind, t, tags in a02.cells if kind == "code" and "answer" in tags]
    for name, notebook in (("blank", blank), ("ada", solved)):
        place = released / "submitted" / name / "a02"
        place.mkdir(parents=True)
        if name == "ada":
            ours = [c for c in notebook.cells if c.cell_type == "code" and c.metadata.nbgrader.solution]
            for cell, answer in zip(ours, answers, strict=True):
                cell.source = answer
        nbformat.write(notebook, place / "a02.ipynb")
    done = nbgrader_says(released, "autograde", "a02", "--create")
    assert done.returncode == 0, done.stderr
    done = nbgrader_says(released, "export", "--to", "grades.csv")
    assert done.returncode == 0, done.stderr
    with open(released / "grades.csv") as file:
        grades = {line["student_id"]: float(line["score"]) for line in csv.DictReader(file)}
    assert grades == {"blank": 0, "ada": a02.header["points"]}
