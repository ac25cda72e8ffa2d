"""One submission: a result of its own, made again when anything that decides it has changed."""

import pickle
import shutil
from dataclasses import replace

import pytest

from cnnbook.coursework import fingerprint, judge, results
from cnnbook.coursework.file_names import file_name
from cnnbook.coursework.job import Job, finished, grade_one
from cnnbook.coursework.sandbox import Limits, Walls
from cnnbook.coursework.trouble import IsolationError


@pytest.mark.parametrize("change", ["the limits", "the grader's code"])
def test_changed_limits_and_a_changed_grader_grade_again(change, public, three, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "cnnbook.coursework.job.judged", lambda *a: {"status": "graded", "score": 1, "tests": [], "notes": []}
    )
    job = Job("ada", three / "ada.py", tmp_path / "out", "a02", public)
    assert finished(job) is None
    grade_one(job)
    assert finished(job)["score"] == 1
    if change == "the limits":
        job = replace(job, limits=Limits(seconds=1))
    else:
        code = tmp_path / "cnnbook"
        shutil.copytree(fingerprint.PACKAGE, code)
        monkeypatch.setattr(fingerprint, "PACKAGE", code)
        fingerprint.code_of_the_grader.cache_clear()
        assert finished(job)["score"] == 1  # the same code in another folder
        with open(code / "coursework" / "visible.py", "a") as file:
            file.write("# another checker\n")
        fingerprint.code_of_the_grader.cache_clear()
    assert finished(job) is None
    fingerprint.code_of_the_grader.cache_clear()


LONG = "a" * 245


KEYS = [
    "a/b",
    "a__b",
    "a/_b",
    "a_/b",
    "a___b",
    "a__b~c",
    "a/b~c",
    "a/b~63e5c1c455d01d5c",  # looks like the file of "a__b"
    LONG,
    f"{LONG}b",
    f"{LONG}/b",
    "ü" * 120,
    "x/" * 150,
]


def test_every_submission_has_a_result_of_its_own_whatever_its_name(public, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "cnnbook.coursework.job.judged",
        lambda job, *a: {"status": "graded", "score": len(job.key) / 100, "tests": [], "notes": []},
    )
    path, out = tmp_path / "x.py", tmp_path / "out"
    path.write_text("x = 1")
    for key in KEYS:
        grade_one(Job(key, path, out, "a02", public))
    found = {result["submission"]: result["score"] for result in results.results_in(out, public)}
    assert found == {key: len(key) / 100 for key in KEYS}
    assert sorted(path.name for path in out.iterdir() if len(path.name) < 11) == ["a___b.json", "a__b.json"]


def test_a_moodle_folder_keeps_a_readable_name():
    assert file_name("Ben Orr_555_assignsubmission_file_/a02", ".json") == (
        "Ben Orr_555_assignsubmission_file___a02.json"
    )


def test_a_broken_file_in_the_place_of_a_result_is_graded_over(public, three, tmp_path):
    for text in ("[]", "7", "{", "null", '{"status": "graded"}'):
        (tmp_path / "ada.json").write_text(text)
        assert finished(Job("ada", three / "ada.py", tmp_path, "a02", public)) is None


def test_the_sandbox_with_another_numpy_is_refused(isolation, a02, monkeypatch):
    monkeypatch.setattr(judge, "versions", lambda: {"python": "3.11.2", "numpy": "1.0.0"})
    walls = Walls(isolation)
    job = {"tests": a02.tests, "variant": a02.variant, "content": b"", "suffix": ".py", "seed": 1}
    with pytest.raises(IsolationError, match="they must agree"):
        judge.judge(None, walls, **job, limits=Limits(), first=0)
    walls.close()


def test_a_job_can_be_sent_to_another_process(public, tmp_path):
    job = Job("ada", tmp_path / "ada.py", tmp_path, "a02", public)
    assert pickle.loads(pickle.dumps(job)) == job
