"""Gradescope's zip, unpacked and run as Gradescope does, by a Python with what setup.sh installs."""

import importlib.metadata
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from cnnbook.coursework import fingerprint, gradescope, source
from cnnbook.coursework.trouble import TRIES


def installed_by(setup):
    """The distributions that setup.sh installs, as pip is asked for them."""
    line = next(line for line in setup.splitlines() if "pip install" in line)
    return [re.match(r"[\w-]+", word)[0] for word in shlex.split(line) if re.search("[<>=]", word)]


def python_with(distributions, folder):
    """A Python whose only libraries are these distributions, taken from where the tests have them."""
    packages = folder / "packages"
    packages.mkdir()
    for name in distributions:
        for file in importlib.metadata.files(name):
            top = file.parts[0]
            if top != ".." and not top.endswith(".dist-info") and not (packages / top).exists():
                (packages / top).symlink_to(Path(file.locate()).parents[len(file.parts) - 1] / top)
    script = folder / "python"
    path = f'PYTHONPATH="$PYTHONPATH:{packages}"'
    script.write_text(f'#!/bin/bash\n{path} exec "{sys.executable}" -S "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture
def autograder(tmp_path, public, isolation):
    """Gradescope's tree of folders with our zip unpacked in it, and a function that runs the grader."""
    top = tmp_path / "autograder"
    for name in ("source", "submission", "results"):
        (top / name).mkdir(parents=True)
    secret = replace(public, seed=99, secret=True, show="values")
    with zipfile.ZipFile(io.BytesIO(gradescope.autograder(secret, "a02"))) as archive:
        archive.extractall(top / "source")
    python = python_with(installed_by((top / "source" / "setup.sh").read_text()), tmp_path)

    def run(code=0):
        env = {"PATH": os.environ["PATH"], "AUTOGRADER": str(top), "PYTHON": str(python)}
        script = ["bash", top / "source" / "run_autograder"]
        done = subprocess.run(script, env=env, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        there = top / "results" / "results.json"
        assert there.exists() == (code == 0)
        return json.loads(there.read_text()) if code == 0 else done.stderr

    return top, run


def test_the_unpacked_zip_alone_grades_the_three_samples(autograder, three):
    top, run = autograder
    scores = {}
    for path in three.iterdir():
        shutil.copy(path, top / "submission" / "hw.py")
        scores[path.stem] = run()["score"]
    assert scores == {"ada": 24, "ben": 6, "cleo": 0}


def test_the_python_that_grades_has_only_what_setup_installs(tmp_path):
    names = installed_by(gradescope.SETUP)
    assert names == ["numpy", "pyyaml", "pyseccomp"]
    python = python_with(names, tmp_path)
    done = subprocess.run([python, "-c", "import numpy, yaml, pytest"], capture_output=True, text=True)
    assert "No module named 'pytest'" in done.stderr


def imported_while_grading(folder, names):
    """The package's files that a fresh Python has imported after it graded these assignments' solutions."""
    code = f"""
        import sys
        from pathlib import Path
        import cnnbook.coursework.gradescope
        from cnnbook.coursework import source
        from cnnbook.coursework.judge import judge
        from cnnbook.coursework.sandbox import Limits, Walls
        folder, walls = Path({str(folder)!r}), Walls("unsafe")
        class Grader:
            def sendall(self, line):
                print(line.decode(), end="")
        for name in {names!r}:
            assignment = source.read(name)
            content = (folder / f"{{name}}.py").read_bytes()
            job = {{"tests": assignment.tests, "variant": assignment.variant, "content": content}}
            judge(Grader(), walls, **job, seed=1, suffix=".py", limits=Limits(), first=0)
        for name, module in sorted(sys.modules.items()):
            if name.split(".")[0] == "cnnbook":
                print("file", module.__file__)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert sum(line.startswith('{"done"') for line in said) == len(names)
    return {Path(line.removeprefix("file ")) for line in said if line.startswith("file ")}


def test_the_zip_holds_every_module_that_grading_any_assignment_imports(tmp_path):
    names = source.find()
    for name in names:
        (tmp_path / f"{name}.py").write_text(source.read(name).solution)
    imported = imported_while_grading(tmp_path, names)
    assert {"gradescope.py", "windows.py", "hints.py", "session.py"} <= {path.name for path in imported}
    assert imported - set(fingerprint.grader_files()) == set()


def test_a_module_that_the_patterns_leave_out_is_noticed(tmp_path, monkeypatch):
    (tmp_path / "a02.py").write_text(source.read("a02").solution)
    fewer = [pattern for pattern in fingerprint.CODE if not pattern.startswith("gradcheck")]
    monkeypatch.setattr(fingerprint, "CODE", fewer)
    lost = imported_while_grading(tmp_path, ["a02"]) - set(fingerprint.grader_files())
    assert {path.parent.name for path in lost} == {"gradcheck"}


def test_gradescopes_zip_has_its_two_scripts_and_the_same_bytes_every_time(public):
    first, second = (gradescope.autograder(public, "a02") for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        names = archive.namelist()
        assert {"setup.sh", "run_autograder"} <= set(names)
        assert archive.getinfo("run_autograder").external_attr >> 16 == 0o755
    assert not any("keras" in name or "widgets" in name for name in names)


def test_gradescope_grades_the_solution_and_reports_every_test(autograder, a02):
    top, run = autograder
    (top / "submission" / "hw.py").write_text(a02.solution)
    said = run()
    assert said["score"] == 24
    assert {"name", "score", "max_score", "output"} == set(said["tests"][0])
    assert sum(test["max_score"] for test in said["tests"]) == 24


def test_gradescope_tells_why_there_are_no_points(autograder, a02):
    top, run = autograder
    assert "Hand in one notebook" in run()["output"]
    (top / "submission" / "hw.py").write_text(a02.blank)
    said = run()
    assert said["score"] == 0
    assert "not written" in said["tests"][0]["output"]
    (top / "submission" / "other.py").write_text(a02.blank)
    assert "There are 2" in run()["output"]


def test_a_student_on_gradescope_reads_neither_tests_nor_seed(autograder, a02):
    top, run = autograder
    spy = re.sub(
        r"def conv2d\(.*",
        "def conv2d(x, kernel, bias):\n    import os\n    return open(os.environ.get('X', "
        f"{str(top / 'source' / 'job.json')!r})).read()\n",
        a02.solution,
        flags=re.DOTALL,
    )
    (top / "submission" / "hw.py").write_text(spy)
    said = run()
    assert said["score"] == 10
    assert "conv2d raised an error" in str(said["tests"])
    assert "No such file" not in str(said["tests"])  # the code's own words stay out of hidden tests


@pytest.fixture
def grading(tmp_path, public, a02, monkeypatch):
    """Gradescope's folders with a submission, and a function that grades in this process."""
    top = tmp_path / "autograder"
    for name in ("source", "submission", "results"):
        (top / name).mkdir(parents=True)
    (top / "source" / "coursework").symlink_to(public.root)
    settings = {"assignment": "a02", "seed": 1, "show": "values", "variant": a02.variant}
    (top / "source" / "job.json").write_text(json.dumps(settings))
    (top / "submission" / "results.py").write_text(a02.solution)
    (top / "results" / "results.json").write_text('{"score": 24}')
    monkeypatch.setattr(gradescope, "proven", lambda *a: "unsafe")
    return top


def test_the_script_that_gradescope_runs_ends_with_an_error_and_no_results(autograder, a02):
    top, run = autograder
    (top / "submission" / "hw.py").write_text(a02.solution)
    assert run()["score"] == 24
    (top / "source" / "coursework" / "a02_convolution" / "hidden_tests.py").write_text("1 +")
    assert run(code=1).count("The grader had trouble: SyntaxError") == 1
    (top / "source" / "job.json").write_text("{")
    run(code=1)


SAID = "OSError: no room\\x1b (tried 3 times)\n"
GRADED = {"status": "graded", "score": 3, "tests": [], "notes": []}


def test_the_graders_own_trouble_is_no_mark_on_gradescope(grading, monkeypatch, capsys):
    tries = []

    def trouble(*rest):
        tries.append(1)
        raise OSError("no room\x1b")

    for place in ("cnnbook.coursework.job.judged", "cnnbook.coursework.gradescope.proven"):
        with monkeypatch.context() as patch:
            patch.setattr(place, trouble)
            assert gradescope.main(grading) == 1
        assert list((grading / "results").iterdir()) == []  # so Gradescope says: failed to execute correctly
        assert len(tries) == TRIES
        assert capsys.readouterr().err == f"The grader had trouble: {SAID}"
        tries.clear()


def test_trouble_that_passes_is_forgotten(grading, monkeypatch):
    tries = []

    def judged(*rest):
        tries.append(1)
        if len(tries) < TRIES:
            raise OSError("busy")
        return GRADED

    monkeypatch.setattr("cnnbook.coursework.job.judged", judged)
    assert gradescope.main(grading) == 0
    assert [path.name for path in (grading / "results").iterdir()] == ["results.json"]
    assert json.loads((grading / "results" / "results.json").read_text())["score"] == 3


def test_a_report_without_a_score_has_none():
    failed = {"status": "failed", "score": None, "reason": "the disk is full"}
    assert gradescope.report(failed, "values") == {"output": "The grader had trouble: the disk is full"}


def test_what_a_student_did_wrong_costs_the_points_and_says_why(grading, monkeypatch):
    monkeypatch.setattr("cnnbook.coursework.job.judged", lambda *a: GRADED)
    submission = grading / "submission"
    (submission / "results.py").unlink()
    for make, said in (
        (lambda: None, "Hand in one notebook. There are 0: no file."),
        (lambda: (submission / "a.py").symlink_to("a.py"), "It is a link to another file."),
        (lambda: os.mkfifo(submission / "a.IPYNB"), "Hand in one notebook. There are 2: a, a.py."),
    ):
        make()
        assert gradescope.main(grading) == 0
        told = json.loads((grading / "results" / "results.json").read_text())
        assert told["score"] == 0
        assert told["output"].startswith(said)
