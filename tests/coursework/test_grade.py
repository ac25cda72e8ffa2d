"""Grading many: nothing is lost, nothing is done twice, and every executor gives the same grades."""

import json
import re
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from cnnbook.coursework import job, judging
from cnnbook.coursework.grade import grade_all, grade_one, jobs_for


def quiet(line):
    """Tell nobody."""


def scores(results):
    return {result["submission"]: result["score"] for result in results}


def test_a_right_a_half_right_and_a_blank_submission(isolation, public, three, tmp_path):
    results = grade_all(jobs_for(three, tmp_path / "out", "a02", public), tell=quiet)
    assert scores(results) == {"ada": 24, "ben": 6, "cleo": 0}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ada.json", "ben.json", "cleo.json"]


def test_a_finished_submission_is_not_graded_twice_and_a_changed_one_is(
    isolation, public, three, tmp_path, monkeypatch
):
    out, started = tmp_path / "out", []
    grade_all(jobs_for(three, out, "a02", public), tell=quiet)
    real = judging.judged
    monkeypatch.setattr(judging, "judged", lambda *a, **k: started.append(1) or real(*a, **k))
    jobs = jobs_for(three, out, "a02", public)
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

    jobs = jobs_for(three, out, "a02", public)
    with pytest.raises(KeyboardInterrupt):
        grade_all(jobs, threads=1, tell=interrupted)
    for path in out.iterdir():
        assert json.loads(path.read_text())["status"] == "graded"
    assert "start it again" in told[-1]
    results = grade_all(jobs, tell=told.append)
    assert scores(results) == {"ada": 24, "ben": 6, "cleo": 0}
    assert any("graded already" in line for line in told)


def test_one_bad_submission_never_stops_the_rest(isolation, public, three, tmp_path, monkeypatch):
    real = job.judged

    def trouble(job, *rest):
        if job.key == "ben":
            raise OSError("the disk is on fire")
        return real(job, *rest)

    monkeypatch.setattr("cnnbook.coursework.job.judged", trouble)
    jobs = jobs_for(three, tmp_path / "out", "a02", public)
    results = {result["submission"]: result for result in grade_all(jobs, tell=quiet)}
    assert (results["ben"]["status"], results["ben"]["score"]) == ("failed", None)
    assert "the disk is on fire" in results["ben"]["reason"]
    assert (results["ada"]["score"], results["cleo"]["score"]) == (24, 0)
    monkeypatch.undo()
    assert scores(grade_all(jobs, tell=quiet)) == {"ada": 24, "ben": 6, "cleo": 0}


def test_progress_says_how_many_and_how_much_longer(isolation, public, three, tmp_path):
    lines = []
    grade_all(jobs_for(three, tmp_path / "out", "a02", public), threads=1, tell=lines.append)
    assert [re.match(r"\[\d/3\] \w+: \d+ of 24", line)[0] for line in lines]
    assert lines[0].startswith("[1/3] ")


def test_shards_cover_every_submission_once(isolation, public, three, tmp_path):
    parts = [[j.key for j in jobs_for(three, tmp_path, "a02", public, shard=f"{i}/2")] for i in (1, 2)]
    assert sorted(parts[0] + parts[1]) == ["ada", "ben", "cleo"]
    for wrong in ("0/2", "3/2", "half"):
        with pytest.raises(ValueError, match="--shard must be like 2/5"):
            jobs_for(three, tmp_path, "a02", public, shard=wrong)


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_threads_one_after_the_other_and_a_dask_cluster_give_the_same_bytes(
    isolation, public, three, tmp_path
):
    jobs = {name: jobs_for(three, tmp_path / name, "a02", public) for name in ("single", "threads", "dask")}
    for each in jobs["single"]:
        grade_one(each)
    with ThreadPoolExecutor(3) as pool:
        grade_all(jobs["threads"], pool, tell=quiet)
    script = f"""
        from pathlib import Path
        from dask.distributed import Client
        from cnnbook.coursework import course, grade
        if __name__ == "__main__":
            out, folder = Path({str(tmp_path / "dask")!r}), Path({str(three)!r})
            jobs = grade.jobs_for(folder, out, "a02", course.load())
            with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
                results = grade.grade_all(jobs, client.get_executor())
            print(*(result["score"] for result in results))
    """
    path = tmp_path / "cluster.py"
    path.write_text(textwrap.dedent(script))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == ["24", "6", "0"], done.stderr
    assert bytes_of(tmp_path / "single") == bytes_of(tmp_path / "threads") == bytes_of(tmp_path / "dask")


def test_sixty_submissions_are_judged_sixty_times(isolation, public, three, tmp_path, monkeypatch):
    started, real = [], judging.judged
    monkeypatch.setattr(judging, "judged", lambda *a, **k: started.append(1) or real(*a, **k))
    for number in range(57):
        (three / f"student{number}.py").write_text((three / "ada.py").read_text())
    results = grade_all(jobs_for(three, tmp_path / "out", "a02", public), tell=quiet)
    assert sorted(scores(results).values()) == [0, 6, *[24] * 58]
    assert len(started) == 60
