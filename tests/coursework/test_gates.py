"""The gates every assignment passes before it is given to anybody."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnnbook.coursework import leaks, nbgrader, source
from cnnbook.coursework.check import check_assignment
from cnnbook.coursework.inside.wire import pack, unpack
from cnnbook.coursework.isolation import self_test
from cnnbook.coursework.job import Job, grade_one
from cnnbook.coursework.sandbox import Limits, Sandbox, Walls

ROOT = Path(__file__).parents[2]

ALL = source.find()
VARIANTS = [
    (name, {key: value})
    for name in ALL
    for key, values in source.read(name).header.get("variants", {}).items()
    for value in values[1:]
]


def test_there_are_ten_assignments():
    assert [f"a{number:02}" for number in range(1, 11)] == ALL


@pytest.mark.parametrize("name", ALL)
def test_gate_1_the_solution_earns_every_point_in_the_sandbox(name, isolation, public, tmp_path):
    path = tmp_path / "solution.py"
    path.write_text(source.read(name).solution)
    result = grade_one(Job("solution", path, tmp_path, name, public, isolation))
    assert [test["message"] for test in result["tests"] if test["reason"]] == []
    assert (result["score"], result["notes"]) == (result["most"], [])


@pytest.mark.parametrize("name", ALL)
def test_gates_2_and_3_no_worthless_answer_gets_points_and_every_mutant_dies(name):
    found = check_assignment(source.read(name))
    assert found.faults == []
    assert found.mutants >= 12
    assert found.changes >= 16 or source.read(name).header["random_changes"] == 0


@pytest.mark.parametrize(("name", "variant"), VARIANTS, ids=str)
def test_gates_2_and_3_hold_for_every_variant(name, variant):
    assert check_assignment(source.read(name, variant=variant), changes=0).faults == []


def test_gates_1_to_3_catch_a_solution_a_payment_and_a_survivor(a02):
    wrong = replace(a02, text=a02.text.replace("+= bias[f]", "+= 0 * bias[f]"))
    assert "the solution fails" in check_assignment(wrong).faults[0]
    given = replace(a02, text=re.sub(r"    ### (BEGIN|END) SOLUTION\n", "", a02.text))
    assert any(
        "gives points for a blank notebook" in fault for fault in check_assignment(given, changes=0).faults
    )
    few = replace(a02, text=a02.text.replace("    return out\n", "    unused = 3 + 4\n    return out\n"))
    assert any("no test notices the change" in fault for fault in check_assignment(few).faults)


@pytest.fixture(scope="module")
def telling(public):
    return leaks.secrets_of(public.assignments(), leaks.book_text(ROOT))


def test_gate_4_nothing_leaks_into_what_students_receive(public, telling, tmp_path):
    source.build(public.assignments(), tmp_path)
    assert leaks.leaks_in([tmp_path / "student"], telling) == []
    assert len(leaks.leaks_in([tmp_path / "instructor"], telling)) > 100
    for name in ALL:
        assert any(where.startswith(name) and "solution" in where for where in telling.values())
        assert any(where.startswith(name) and "hidden_tests.py" in where for where in telling.values())


@pytest.mark.parametrize("dress", ["html", "json", "zip", "text"])
def test_gate_4_sees_through_every_dress(dress, telling, tmp_path, a02):
    import html
    import zipfile

    line = "    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, k_h * k_w * x.shape[3])"
    if dress == "html":
        coloured = re.sub(r"(\w+)", r'<span class="n">\1</span>', html.escape(line))
        (tmp_path / "page.html").write_text(f"<pre>{coloured}</pre>")
    elif dress == "json":
        (tmp_path / "n.ipynb").write_text(json.dumps({"cells": [{"source": [line[:30], line[30:]]}]}))
    elif dress == "zip":
        with zipfile.ZipFile(tmp_path / "files.zip", "w") as archive:
            archive.writestr("deep/solution.py", line)
    else:
        (tmp_path / "solution.txt").write_text(line)
    assert len(leaks.leaks_in([tmp_path], telling)) == 1


def ran(cells):
    """What whole cells print in the sandbox, where there is NumPy and nothing else, or their error."""
    walls = Walls("bwrap")
    sandbox = Sandbox(walls, Limits())
    try:
        sandbox.begin()
        return unpack(sandbox.exchange(pack({"op": "run", "turn": 1, "seed": 1, "cells": cells}), 60))
    finally:
        sandbox.close()
        walls.close()


@pytest.mark.parametrize("name", ALL)
def test_gate_5_a_blank_student_notebook_runs_top_to_bottom_with_numpy_alone(name, isolation):
    notebook = source.notebook(source.read(name), "student")
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    reply = ran(cells)
    assert "error" not in reply
    printed = reply["value"].splitlines()
    assert len(printed) >= 3
    assert {line.split("]")[0] for line in printed} == {"[to do"}
    assert all("YOUR CODE HERE" in cell for cell in cells if "raise NotImplementedError" in cell)


@pytest.mark.parametrize("name", ALL)
def test_the_solution_passes_every_visible_check(name, isolation):
    notebook = source.notebook(source.read(name), "instructor")
    reply = ran([cell.source for cell in notebook.cells if cell.cell_type == "code"])
    assert "error" not in reply
    assert {line.split("]")[0] for line in reply["value"].splitlines()} == {"[passed"}


@pytest.mark.parametrize(("name", "variant"), VARIANTS, ids=str)
def test_the_solution_of_every_variant_passes_its_visible_checks(name, variant, isolation):
    notebook = source.notebook(source.read(name, variant=variant), "instructor")
    reply = ran([cell.source for cell in notebook.cells if cell.cell_type == "code"])
    assert "error" not in reply
    assert {line.split("]")[0] for line in reply["value"].splitlines()} == {"[passed"}


def test_gate_7_the_same_seed_gives_the_same_bytes_and_another_seed_other_inputs(
    isolation, public, three, tmp_path
):
    def graded(out, course):
        grade_one(Job("ben", three / "ben.py", tmp_path / out, "a02", course, isolation))
        return (tmp_path / out / "ben.json").read_bytes()

    assert graded("one", public) == graded("two", public)
    wrong = three / "ben.py"
    wrong.write_text(wrong.read_text().replace("+= bias[f]", "-= bias[f]"))
    one, other = (graded(f"{seed}", replace(public, seed=seed)) for seed in (1, 2))
    messages = [[test["message"] for test in json.loads(text)["tests"]] for text in (one, other)]
    assert messages[0][0] != messages[1][0]


def test_gate_8_nothing_gets_out_of_the_sandbox(isolation):
    rows = self_test("bwrap", [ROOT / "pyproject.toml", ROOT / "coursework"])
    assert [row for row in rows if row.reached] == []


def test_gate_8_the_self_test_sees_what_a_plain_process_reaches(tmp_path, monkeypatch):
    monkeypatch.setattr("cnnbook.coursework.sandbox.sandbox_filter", lambda: b"")
    secret = tmp_path / "secret"
    secret.write_text("24 points")
    rows = self_test("unsafe", [secret], Limits(memory=0))
    reached = " ".join(text for row in rows for text in row.reached)
    for word in (f"reads {secret}", f"writes into {tmp_path}", "the network", "memory is not", "processes"):
        assert word in reached
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_every_page_of_hints_has_three_levels_and_every_task_checks():
    for name in ALL:
        text = source.read(name).text
        tasks = text.count(":tags: [answer]")
        assert [text.count(f"<summary>Hint {level}") for level in (1, 2, 3)] == [tasks] * 3
        assert text.count(":tags: [visible-test]") == tasks
        assert re.search(r"\d", source.read(name).header["objective"]) is None or name == "a09"


def test_the_points_of_manual_tasks_are_those_of_the_header_and_of_the_rubric():
    for name in ALL:
        assignment = source.read(name)
        tagged = sum(int(n) for n in re.findall(r'"manual", "points-(\d+)"', assignment.text))
        assert tagged == assignment.header.get("manual_points", 0)
        assert bool(tagged) == ("rubric" in assignment.text)
        rubric = "\n".join(leaks.rubric_of(assignment))
        assert sum(int(n) for n in re.findall(r"^\| (\d+) \|", rubric, flags=re.MULTILINE)) == tagged


def test_the_nbgrader_source_holds_one_graded_cell_for_every_hidden_test(a02):
    notebook = nbgrader.source_notebook(a02)
    marks = [cell.metadata["nbgrader"] for cell in notebook.cells]
    assert len({mark["grade_id"] for mark in marks}) == len(marks)
    graded = [m for m in marks if m["grade"] and not m["solution"]]
    assert sum(mark["points"] for mark in graded) == a02.header["points"]


def test_grading_needs_numpy_and_pyyaml_and_no_other_library():
    code = "import sys; before = set(sys.modules)\nimport cnnbook.coursework.__main__\n"
    code += "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    others = set(out.split()) - sys.stdlib_module_names - {"cnnbook", "cython_runtime"}
    assert {name for name in others if not name.startswith("_cython")} == {"numpy", "yaml"}
    assert np.__version__
