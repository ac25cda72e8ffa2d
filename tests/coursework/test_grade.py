"""Grading many: nothing is lost, nothing is done twice, and every executor gives the same grades."""

import json
import re
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cnnbook.coursework import course, grade, roster, sandbox, source
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
    with pytest.raises(ValueError, match="is a course already"):
        course.new(str(folder))
    with pytest.raises(ValueError, match="no variant kernel='sideways'"):
        source.read("a03", variant={"kernel": "sideways"})


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
    ],
)
def test_submissions_are_matched_as_platforms_name_them(key, found):
    assert roster.match(key, ROSTER)[0]["id"] == found


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
    assert len(rows) == 7


def test_a_file_is_open_to_all_only_if_every_folder_above_it_is(tmp_path):
    file = tmp_path / "closed" / "file"
    file.parent.mkdir()
    file.write_text("")
    assert sandbox.open_to_all(Path("/usr/bin/env"))
    file.chmod(0o644)
    file.parent.chmod(0o700)
    assert not sandbox.open_to_all(file)
