"""Grading many: nothing is lost, nothing is done twice, and every executor gives the same grades."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cnnbook.coursework import course, export, grade, roster, sandbox, source
from cnnbook.coursework.file_names import file_name
from cnnbook.coursework.grade import Job, grade_all, grade_one, jobs_for
from cnnbook.coursework.sandbox import IsolationError


def quiet(line):
    """Tell nobody."""


def scores(results):
    return {result["submission"]: result["score"] for result in results}


def test_a_right_a_half_right_and_a_blank_submission(isolation, public, three, tmp_path):
    results = grade_all(jobs_for(three, tmp_path / "out", "a03", public), tell=quiet)
    assert scores(results) == {"ada": 24, "ben": 6, "cleo": 0}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ada.json", "ben.json", "cleo.json"]


def test_a_finished_submission_is_not_graded_twice_and_a_changed_one_is(
    isolation, public, three, tmp_path, monkeypatch
):
    out, started = tmp_path / "out", []
    grade_all(jobs_for(three, out, "a03", public), tell=quiet)
    real = sandbox.Process
    monkeypatch.setattr(grade, "Process", lambda *a: started.append(1) or real(*a))
    jobs = jobs_for(three, out, "a03", public)
    assert scores(grade_all(jobs, tell=quiet)) == {"ada": 24, "ben": 6, "cleo": 0}
    assert started == []
    (three / "cleo.py").write_text((three / "ada.py").read_text() + "\n")
    assert scores(grade_all(jobs, tell=quiet)) == {"ada": 24, "ben": 6, "cleo": 24}
    assert len(started) == 1
    grade_all([replace(job, course=replace(public, seed=7)) for job in jobs], tell=quiet)
    assert len(started) == 4


def test_an_interrupted_run_leaves_nothing_half_written_and_goes_on(
    isolation, public, three, tmp_path, monkeypatch
):
    out, told = tmp_path / "out", []

    def interrupted(line):
        told.append(line)
        if line.startswith("[1/"):
            raise KeyboardInterrupt

    jobs = jobs_for(three, out, "a03", public)
    with pytest.raises(KeyboardInterrupt):
        grade_all(jobs, threads=1, tell=interrupted)
    for path in out.iterdir():
        assert json.loads(path.read_text())["status"] == "graded"
    assert "start it again" in told[-1]
    results = grade_all(jobs, tell=told.append)
    assert scores(results) == {"ada": 24, "ben": 6, "cleo": 0}
    assert any("graded already" in line for line in told)


def test_one_bad_submission_never_stops_the_rest(isolation, public, three, tmp_path, monkeypatch):
    real = grade.judged

    def trouble(job, *rest):
        if job.key == "ben":
            raise OSError("the disk is on fire")
        return real(job, *rest)

    monkeypatch.setattr(grade, "judged", trouble)
    jobs = jobs_for(three, tmp_path / "out", "a03", public)
    results = {result["submission"]: result for result in grade_all(jobs, tell=quiet)}
    assert (results["ben"]["status"], results["ben"]["score"]) == ("failed", None)
    assert "the disk is on fire" in results["ben"]["reason"]
    assert (results["ada"]["score"], results["cleo"]["score"]) == (24, 0)
    monkeypatch.undo()
    assert scores(grade_all(jobs, tell=quiet)) == {"ada": 24, "ben": 6, "cleo": 0}


def test_progress_says_how_many_and_how_much_longer(isolation, public, three, tmp_path):
    lines = []
    grade_all(jobs_for(three, tmp_path / "out", "a03", public), threads=1, tell=lines.append)
    assert [re.match(r"\[\d/3\] \w+: \d+ of 24", line)[0] for line in lines]
    assert lines[0].startswith("[1/3] ")


def test_shards_cover_every_submission_once(isolation, public, three, tmp_path):
    parts = [[j.key for j in jobs_for(three, tmp_path, "a03", public, shard=f"{i}/2")] for i in (1, 2)]
    assert sorted(parts[0] + parts[1]) == ["ada", "ben", "cleo"]
    for wrong in ("0/2", "3/2", "half"):
        with pytest.raises(ValueError, match="--shard must be like 2/5"):
            jobs_for(three, tmp_path, "a03", public, shard=wrong)


@pytest.mark.parametrize("change", ["the limits", "the grader's code"])
def test_changed_limits_and_a_changed_grader_grade_again(change, public, three, tmp_path, monkeypatch):
    monkeypatch.setattr(
        grade, "judged", lambda *a: {"status": "graded", "score": 1, "tests": [], "notes": []}
    )
    job = Job("ada", three / "ada.py", tmp_path / "out", "a03", public)
    assert grade.finished(job) is None
    grade_one(job)
    assert grade.finished(job)["score"] == 1
    if change == "the limits":
        job = replace(job, limits=sandbox.Limits(seconds=1))
    else:
        code = tmp_path / "cnnbook"
        shutil.copytree(grade.PACKAGE, code)
        monkeypatch.setattr(grade, "PACKAGE", code)
        grade.code_of_the_grader.cache_clear()
        assert grade.finished(job)["score"] == 1  # the same code in another folder
        with open(code / "coursework" / "visible.py", "a") as file:
            file.write("# another checker\n")
        grade.code_of_the_grader.cache_clear()
    assert grade.finished(job) is None
    grade.code_of_the_grader.cache_clear()


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
        grade, "judged", lambda job, *a: {"status": "graded", "score": len(job.key), "tests": [], "notes": []}
    )
    path, out = tmp_path / "x.py", tmp_path / "out"
    path.write_text("x = 1")
    for key in KEYS:
        grade_one(Job(key, path, out, "a03", public))
    found = {result["submission"]: result["score"] for result in export.results_in(out)}
    assert found == {key: len(key) for key in KEYS}
    assert sorted(path.name for path in out.iterdir() if len(path.name) < 11) == ["a___b.json", "a__b.json"]


def test_a_name_that_is_not_utf_8_can_be_written_down_everywhere(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in (b"M\xfcller.py", b"M\\xfcller.py", "Müller.py".encode()):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_text("x = 1")
    found = grade.submissions(folder)
    assert sorted(found) == ["M\\xfcller", "M\\xfcller.py", "Müller"]
    assert len({path.stat().st_ino for path in found.values()}) == 3


def test_a_moodle_folder_keeps_a_readable_name():
    assert file_name("Ben Orr_555_assignsubmission_file_/a03", ".json") == (
        "Ben Orr_555_assignsubmission_file___a03.json"
    )


def test_a_broken_file_in_the_place_of_a_result_is_graded_over(public, three, tmp_path):
    for text in ("[]", "7", "{", "null", '{"status": "graded"}'):
        (tmp_path / "ada.json").write_text(text)
        assert grade.finished(Job("ada", three / "ada.py", tmp_path, "a03", public)) is None


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_threads_one_after_the_other_and_a_dask_cluster_give_the_same_bytes(
    isolation, public, three, tmp_path
):
    jobs = {name: jobs_for(three, tmp_path / name, "a03", public) for name in ("single", "threads", "dask")}
    for job in jobs["single"]:
        grade_one(job)
    with ThreadPoolExecutor(3) as pool:
        grade_all(jobs["threads"], pool, tell=quiet)
    script = f"""
        from pathlib import Path
        from dask.distributed import Client
        from cnnbook.coursework import course, grade
        if __name__ == "__main__":
            out, folder = Path({str(tmp_path / "dask")!r}), Path({str(three)!r})
            jobs = grade.jobs_for(folder, out, "a03", course.load())
            with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
                results = grade.grade_all(jobs, client.get_executor())
            print(*(result["score"] for result in results))
    """
    path = tmp_path / "cluster.py"
    path.write_text(textwrap.dedent(script))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == ["24", "6", "0"], done.stderr
    assert bytes_of(tmp_path / "single") == bytes_of(tmp_path / "threads") == bytes_of(tmp_path / "dask")


def test_sixty_submissions_start_sixty_processes(isolation, public, three, tmp_path, monkeypatch):
    started, real = [], sandbox.Process
    monkeypatch.setattr(grade, "Process", lambda *a: started.append(1) or real(*a))
    for number in range(57):
        (three / f"student{number}.py").write_text((three / "ada.py").read_text())
    results = grade_all(jobs_for(three, tmp_path / "out", "a03", public), tell=quiet)
    assert sorted(scores(results).values()) == [0, 6, *[24] * 58]
    assert len(started) == 60


def test_the_sandbox_with_another_numpy_is_refused(isolation, public, three, tmp_path, monkeypatch):
    job = jobs_for(three, tmp_path, "a03", public)[0]
    ours = {"python": "3.11.2", "numpy": "1.0.0"}
    monkeypatch.setattr(grade, "versions", lambda: ours)
    result = grade_one(job)
    assert (result["status"], result["score"]) == ("failed", None)
    assert "they must agree" in result["reason"]


def test_without_isolation_nothing_is_graded(three, tmp_path, public, monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(
        IsolationError, match=r"bubblewrap .* is not installed.*--unsafe runs it as an ordinary"
    ):
        jobs_for(three, tmp_path, "a03", public)


def test_isolation_that_leaks_is_refused(three, tmp_path, public, monkeypatch):
    monkeypatch.setattr(sandbox, "self_test", lambda *a: ["it has the network"])
    with pytest.raises(IsolationError, match="cannot be isolated here with bwrap: it has the network"):
        jobs_for(three, tmp_path, "a03", public)


def test_a_user_of_its_own_isolates_where_the_files_are_closed_to_others(three, tmp_path, public):
    if sandbox.os.geteuid() != 0:
        with pytest.raises(IsolationError, match="must run as root inside a container"):
            sandbox.proven("uid", [])
        return
    if not sandbox.open_to_all(Path(sandbox.os.__file__)):
        with pytest.raises(IsolationError, match="needs a Python that every user may read"):
            sandbox.proven("uid", [])
        return
    secret = tmp_path / "secret.py"
    secret.write_text("expected = 24")
    secret.chmod(0o600)
    assert sandbox.self_test("uid", [secret]) == []
    secret.chmod(0o644)
    tmp_path.chmod(0o755)
    reached = sandbox.self_test("uid", [secret])
    assert reached in ([], [f"it reads {secret}"])


def test_a_course_of_its_own_changes_seed_variant_tests_and_statement(tmp_path, a03):
    folder = tmp_path / "mine"
    course.new(str(folder))
    (folder / "course.json").write_text('{"show": "names", "variants": {"a03": {"kernel": "turned"}}}')
    own = folder / "coursework" / "a03_convolution"
    own.mkdir()
    (own / "more_tests.py").write_text(
        "from cnnbook.coursework.expect import points\n@points(3, 'mine')\n"
        "def test_mine(student, rng):\n    'Mine.'\n"
    )
    mine = course.load(str(folder))
    assert mine.seed != course.load().seed
    assert mine.secret
    assert mine.show == "names"
    assignment = mine.assignment("a03")
    assert assignment.variant == {"kernel": "turned"}
    assert "turned by half a turn, which the chapter does not do" in assignment.text
    assert "turned by half a turn, which the chapter does not do" not in a03.text
    assert [path.name for path in assignment.tests] == ["hidden_tests.py", "more_tests.py"]
    with pytest.raises(ValueError, match="no variant kernel='sideways'"):
        source.read("a03", variant={"kernel": "sideways"})


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
        ('{"variants": {"a3": {}}}', r"variants must be of a02, .*, a11\. Received a3"),
        ('{"variants": ["a03"]}', r"variants must be an object"),
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


def test_a_job_can_be_sent_to_another_process(public, tmp_path):
    import pickle

    job = Job("ada", tmp_path / "ada.py", tmp_path, "a03", public)
    assert pickle.loads(pickle.dumps(job)) == job


ROSTER = [
    {"id": "7", "name": "Low, Ada", "email": "ada@x.org", "login": "alow", "section": "1"},
    {"id": "8", "name": "Ben Orr", "email": "ben@x.org", "login": "borr", "section": "1"},
    {"id": "9", "name": "Cleo Orr", "email": "cleo@x.org", "login": "corr", "section": "2"},
    {"id": "10", "name": "Zo\u00eb", "email": "z@x.org", "login": "zoe10", "section": "2"},
]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("7", "7"),
        ("alow", "7"),
        ("adalow_7_123_a03", "7"),
        ("lowada_99_123_a03", "7"),
        ("Ben Orr_555_assignsubmission_file_/a03", "8"),
        ("cleo@x.org", "9"),
        ("cleo", "9"),
        ("7_a03", "7"),
        ("a03-8", "8"),
        ("7/a03", "7"),
        ("7/zoelow", "7"),
        ("zoe\u0308", "10"),
        ("Zo\u00eb", "10"),
        ("adalow_LATE_555_123_a03", "7"),
    ],
)
def test_submissions_are_matched_as_platforms_name_them(key, found):
    assert roster.match(key, ROSTER)[0]["id"] == found


@pytest.mark.parametrize(
    "key", ["zoelow_9_a03", "9_zoelow_a03", "zoe1_9_a03", "Zoe Low_9_assignsubmission_file_/a03"]
)
def test_a_number_beside_another_name_chooses_nobody(key):
    student, reason = roster.match(key, ROSTER)
    assert student is None
    assert reason == (
        "nobody on the roster fits this name: the number 9 stands beside other words and may be "
        "a platform's own"
    )


def test_a_number_that_speaks_for_another_student_than_the_name_chooses_nobody():
    assert roster.match("adalow_8_a03", ROSTER) == (None, "more than one student fits: 7, 8")


def test_what_fits_nobody_or_two_stays_a_row_with_its_reason():
    results = [
        {"submission": key, "score": 5, "most": 24, "reason": "", "status": "graded", "assignment": "a03"}
        for key in ("alow", "stranger", "7_8", "ben", "borr")
    ]
    rows = roster.rows(results, ROSTER, {"alow": 2.5, "nobody": 1})
    by = {(row.student.get("id"), row.submission): (row.score, row.reason) for row in rows}
    assert by["7", "alow"] == (7.5, "")
    assert by["9", ""] == (None, "no submission")
    assert by[None, "stranger"] == (5, "nobody on the roster fits this name")
    assert by[None, "7_8"] == (5, "more than one student fits: 7, 8")
    assert (
        by["8", "ben"]
        == by["8", "borr"]
        == (None, "2 submissions of one student: keep one, then export again")
    )
    assert by[None, "nobody"] == (None, "points by hand for a submission that was not graded")
    assert len(rows) == 8


def test_a_file_is_open_to_all_only_if_every_folder_above_it_is(tmp_path):
    file = tmp_path / "closed" / "file"
    file.parent.mkdir()
    file.write_text("")
    assert sandbox.open_to_all(Path("/usr/bin/env"))
    file.chmod(0o644)
    file.parent.chmod(0o700)
    assert not sandbox.open_to_all(file)
