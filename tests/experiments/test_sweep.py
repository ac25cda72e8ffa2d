"""Many runs: none is done twice, none is half recorded, and any executor will do."""

import json
import multiprocessing
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace

import pytest
from support import fake_runs

from cnnbook import results
from cnnbook.experiments import sweep as module
from cnnbook.experiments.catalogue import EXPERIMENTS
from cnnbook.experiments.sweep import Job, jobs, missing, record, recorded, sweep
from cnnbook.results import replay


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def todo():
    return list(jobs(["mlp"], seeds=2))


def keys(folder, experiment="mlp"):
    return [(run["variant"], run["side"], run["seed"]) for run in recorded(experiment, folder=folder)]


class Here(Executor):
    """An executor that does everything at once, in this thread."""

    def submit(self, function, /, *arguments):
        future = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


def test_the_jobs_of_all_rows_are_those_the_rows_ask_for():
    wanted = list(jobs())
    assert (
        len(wanted)
        == len(set(wanted))
        == sum(
            sum(setting.seeds.values())
            for experiment in EXPERIMENTS.values()
            for setting in experiment.variants.values()
        )
    )
    assert [job.seed for job in wanted] == sorted(job.seed for job in wanted)
    assert all(job.minutes > 0 for job in wanted)


def test_jobs_can_be_asked_for_by_experiment_side_and_number_of_seeds():
    assert [str(job) for job in jobs(["fashion_cnn"], seeds=2, sides=["keras"])] == [
        "fashion_cnn plain, keras, seed 0",
        "fashion_cnn plain, keras, seed 1",
    ]


def test_an_unknown_experiment_is_refused_with_those_there_are(refuses):
    with refuses(f"jobs: experiments must be among {', '.join(EXPERIMENTS)}. Received 'S9-9'."):
        jobs(["S9-9"])


def test_every_experiment_has_a_recording_of_its_own_name():
    names = list(EXPERIMENTS)
    assert len(set(names)) == len(EXPERIMENTS)
    for name in names:
        results.store.locate(name, None)


def in_processes():
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("make", [Here, lambda: ThreadPoolExecutor(2), in_processes])
def test_a_sweep_records_every_job_whatever_executes_it(make, todo, folder):
    done = []
    with make() as executor:
        failed = sweep(todo, executor, folder=folder, run=fake_runs.run, on_done=done.append)
    assert failed == {}
    assert {job for job in done if job} == set(todo)
    assert keys(folder) == [
        ("plain", "ours", 0),
        ("plain", "ours", 1),
        ("plain", "keras", 0),
        ("plain", "keras", 1),
    ]
    assert [run["test"]["accuracy"] for run in recorded("mlp", folder=folder)] == [0.5, 0.51] * 2
    assert missing(todo, folder=folder) == []


# Dask's own house-keeping; its workers end a moment after it does.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_sweep_runs_on_a_dask_cluster(todo, folder):
    from distributed import Client, LocalCluster

    settings = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(processes=True, **settings) as cluster, Client(cluster) as client:
        failed = sweep(todo, client.get_executor(), folder=folder, run=fake_runs.run)
    assert failed == {}
    assert missing(todo, folder=folder) == []


def test_what_is_recorded_is_not_missing_and_the_rest_is(todo, folder):
    assert missing(todo, folder=folder) == todo
    record("mlp", fake_runs.run("mlp", "plain", "ours", 1), folder=folder)
    assert missing(todo, folder=folder) == [job for job in todo if (job.side, job.seed) != ("ours", 1)]


def test_a_run_with_other_settings_is_done_again_and_takes_the_old_ones_place(todo, folder):
    old = fake_runs.run("mlp", "plain", "ours", 0) | {"setting": "fewer epochs"}
    record("mlp", old, folder=folder)
    assert todo[0] in missing(todo, folder=folder)
    sweep([todo[0]], Here(), folder=folder, run=fake_runs.run)
    assert [run["setting"] for run in recorded("mlp", folder=folder)] == [
        str(EXPERIMENTS["mlp"].variants["plain"])
    ]


@pytest.mark.parametrize(
    "change", [{"epochs": 9}, {"batch_size": 32}, {"n_train": 100}, {"held_out": 0.1}, {"frozen": (0,)}]
)
def test_whatever_decides_the_outcome_is_told_by_the_setting(change):
    setting = EXPERIMENTS["mlp"].variants["plain"]
    assert str(replace(setting, **change)) != str(setting)


def test_no_two_variants_of_an_experiment_are_the_same():
    for experiment in EXPERIMENTS.values():
        assert len({str(setting) for setting in experiment.variants.values()}) == len(experiment.variants)


def test_a_failed_run_is_told_and_the_others_are_recorded(folder):
    todo = [Job("mlp", "plain", "ours", seed, 1) for seed in (0, 13, 1)]
    failed = sweep(todo, Here(), folder=folder, run=fake_runs.run)
    assert failed == {todo[1]: "ArithmeticError: an unlucky seed"}
    assert [seed for *_, seed in keys(folder)] == [0, 1]


def test_ctrl_c_keeps_what_is_recorded_and_gives_up_what_has_not_begun(todo, folder):
    class Slow(Here):
        given_up = 0

        def submit(self, function, /, *arguments):
            if arguments[2:] == ("ours", 0):
                return super().submit(function, *arguments)
            future = Future()
            future.add_done_callback(self.count)
            return future

        def count(self, future):
            Slow.given_up += future.cancelled()

    def interrupt(job):
        if job:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(todo, Slow(), folder=folder, run=fake_runs.run, on_done=interrupt)
    assert keys(folder) == [("plain", "ours", 0)]
    assert Slow.given_up == 3


def test_a_disk_that_is_full_leaves_the_old_recording_whole(todo, folder, monkeypatch):
    sweep(todo[:1], Here(), folder=folder, run=fake_runs.run)

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(results.store.os, "replace", full)
    failed = sweep(todo[1:], Here(), folder=folder, run=fake_runs.run)
    assert set(failed.values()) == {"OSError: No space left on device"}
    assert keys(folder) == [("plain", "ours", 0)]
    assert [path.name for path in folder.iterdir()] == ["mlp.json"]


def test_the_replay_for_the_player_goes_into_a_file_of_its_own(folder):
    found = fake_runs.run("fashion_cnn", "plain", "ours", 0) | {"player": replay.empty("by hand")}
    record("fashion_cnn", found, folder=folder)
    assert "player" not in recorded("fashion_cnn", folder=folder)[0]
    assert replay.read("fashion_cnn", folder=folder / replay.FOLDER)["title"] == "by hand"


def test_a_recording_says_which_data_code_and_versions_it_comes_from(folder):
    sweep([Job("mnist_cnn", "plain", "ours", 0, 1)], Here(), folder=folder, run=fake_runs.run)
    told = json.loads((folder / "mnist_cnn.json").read_text("utf-8"))
    assert set(told["provenance"]["sha256"]) == {"mnist"}
    assert all(len(digest) == 64 for digest in told["provenance"]["sha256"]["mnist"].values())
    made = told["figures"]["runs"][0]["made"]
    assert set(made) >= {"commit", "changed", "date", "seconds"} or module.head() == {}
