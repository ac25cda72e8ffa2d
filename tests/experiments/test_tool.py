"""`make results`: what it says, what it refuses, and that it goes on where it stopped."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from support import fake_runs

from cnnbook import results
from cnnbook.experiments import sweep as module
from cnnbook.experiments.catalogue import EXPERIMENTS

ROOT = Path(__file__).parents[2]


@pytest.fixture(name="tool")
def _tool(monkeypatch, tmp_path):
    """The tool, with a results folder of its own, and runs that take no time."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    import record_results

    monkeypatch.setattr(results.store, "FOLDER", tmp_path / "results")
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(record_results, "sweep", partial(module.sweep, run=fake_runs.run))
    monkeypatch.setattr(
        record_results, "ProcessPoolExecutor", lambda workers, **_: ThreadPoolExecutor(workers)
    )
    yield record_results
    sys.modules.pop("record_results")


def test_missing_runs_are_done_once_and_then_nothing_is_left(tool, capsys):
    assert tool.main(["--only", "mlp", "--seeds", "2"]) == 0
    told = capsys.readouterr().out
    assert "0 of 4 runs are recorded; the others take about 3 minutes of one core." in told
    assert told.count("mlp plain, ") == 4
    assert tool.main(["--only", "mlp", "--seeds", "2"]) == 0
    assert (
        capsys.readouterr().out == "4 of 4 runs are recorded; the others take about 0 minutes of one core.\n"
    )


def test_more_seeds_add_to_what_is_there_and_again_repeats_it(tool, capsys):
    tool.main(["--only", "mlp", "--sides", "ours", "--seeds", "1"])
    tool.main(["--only", "mlp", "--sides", "ours", "--seeds", "3"])
    assert "1 of 3 runs are recorded" in capsys.readouterr().out
    tool.main(["--only", "mlp", "--sides", "ours", "--again"])
    assert capsys.readouterr().out.count("mlp plain, ours") == 3
    assert [run["seed"] for run in module.recorded("mlp")] == [0, 1, 2]


def test_the_list_names_every_experiment_and_runs_nothing(tool, capsys):
    assert tool.main(["--list"]) == 0
    told = capsys.readouterr().out
    assert all(
        experiment in told and variant in told
        for experiment in EXPERIMENTS
        for variant in EXPERIMENTS[experiment].variants
    )
    assert "0 of 3" in told
    assert not results.store.FOLDER.exists()


def test_a_failed_run_is_told_at_the_end_and_the_tool_says_so(tool, monkeypatch, capsys):
    def unlucky(*arguments):
        raise ArithmeticError("an unlucky day")

    monkeypatch.setattr(tool, "sweep", partial(module.sweep, run=unlucky))
    assert tool.main(["--only", "own_keras_layers"]) == 1
    assert (
        "own_keras_layers plain, own layers, seed 0 failed. ArithmeticError: an unlucky day"
        in capsys.readouterr().err
    )


def test_ctrl_c_says_how_to_go_on(tool, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(tool, "sweep", interrupted)
    assert tool.main(["--only", "own_keras_layers"]) == 130
    assert "Finished runs are recorded; the same command goes on from there." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "S9-9"], "invalid choice: 'S9-9'"),
        (["--seeds", "0"], "must be at least 1. Received 0"),
        (["--executor", "gpu"], "must be threads, processes or dask:ADDRESS. Received 'gpu'"),
        (["--executor", "dask:"], "must be threads, processes or dask:ADDRESS. Received 'dask:'"),
    ],
)
def test_what_cannot_be_is_refused(tool, capsys, arguments, complaint):
    with pytest.raises(SystemExit):
        tool.main(arguments)
    assert complaint in capsys.readouterr().err


# Dask's own house-keeping when nobody answers.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_scheduler_that_does_not_answer_is_one_sentence(tool, monkeypatch):
    monkeypatch.setattr(tool, "PATIENCE", 1)
    with (
        pytest.raises(SystemExit, match=r"^No Dask scheduler answers at tcp://127\.0\.0\.1:9: "),
        tool.executor("dask:tcp://127.0.0.1:9", 1),
    ):
        pass


def test_help_shows_how_to_call_it():
    command = [sys.executable, ROOT / "tools" / "record_results.py", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert 'make results ARGS="--list"' in told
    assert {"--only", "--sides", "--seeds", "--again", "--list", "--executor", "--workers"} <= set(
        told.split()
    )
