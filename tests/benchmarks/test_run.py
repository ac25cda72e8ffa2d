"""The one who conducts: fair turns, honest samples, nothing lost when it is interrupted."""

import json
import sys
from types import SimpleNamespace

import pytest
import run
from cases import CASES, chosen


class FakeWorker:
    """Remembers what it was asked; a step takes two milliseconds of processor time and three on the wall."""

    def __init__(self, log):
        self.log = log

    def ask(self, **order):
        self.log.append(order)
        return {"cpu": 0.002 * order.get("steps", 0), "wall": 0.003 * order.get("steps", 0)}


@pytest.fixture
def options():
    return SimpleNamespace(blocks=4, longest=2.0)


def measured(key, options, threads="default", sides=("ours", "tensorflow", "torch", "jax")):
    log, (case,) = [], [case for case in CASES if case.key == key]
    bar = SimpleNamespace(update=lambda amount: None)
    return run.measure(case, threads, {side: FakeWorker(log) for side in sides}, options, bar), log


def test_in_every_block_everyone_runs_once_and_not_always_in_the_same_order(options):
    rows, log = measured("fashion_cnn", options)
    turns = [order["part"] for order in log if order.get("steps") == 25]
    blocks = [turns[start : start + 7] for start in range(0, len(turns), 7)]
    assert len(blocks) == 4
    assert all(sorted(block) == sorted(row["side"] for row in rows) for block in blocks)
    assert len({tuple(block) for block in blocks}) > 1


def test_a_sample_is_milliseconds_per_step(options):
    rows, _ = measured("fashion_cnn", options)
    assert {(row["steps"], *row["cpu"], *row["wall"]) for row in rows} == {(25, *[2.0] * 4, *[3.0] * 4)}


def test_two_shards_are_not_timed_at_one_thread(options):
    rows, _ = measured("fashion_cnn", options, threads="one")
    assert "shards" not in {row["side"] for row in rows}


def test_who_is_not_there_has_no_row(options):
    rows, _ = measured("fashion_cnn", options, sides=("ours", "tensorflow"))
    assert {row["side"] for row in rows} == {"plain", "fused", "shards", "keras", "tf"}


def test_short_steps_are_repeated_until_a_sample_lasts_a_tenth_of_a_second(options):
    rows, _ = measured("relu", options)
    assert {row["steps"] for row in rows} == {33}
    options.longest = 0.03
    rows, _ = measured("relu", options)
    assert {row["steps"] for row in rows} == {10}


def test_a_worker_in_a_process_of_its_own_runs_steps_and_says_what_went_wrong():
    worker = run.Worker("ours", sys.executable, "one")
    try:
        assert "numpy" in worker.hello["versions"]
        worker.ask(case="relu", parts=["plain"])
        answer = worker.ask(part="plain", steps=3)
        assert answer["cpu"] > 0
        assert answer["wall"] > 0
        with pytest.raises(RuntimeError, match=r"ours, .*KeyError"):
            worker.ask(part="nobody", steps=1)
    finally:
        worker.close()


def test_a_library_that_is_not_installed_is_missing_and_says_why(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    worker = run.Worker("torch", sys.executable, "one")
    worker.close()
    assert worker.hello == {"missing": "no torch here"}


def test_one_thread_is_set_before_a_process_starts_and_left_to_the_library_otherwise(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    names = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"}
    assert {run.environment("one")[name] for name in names} == {"1"}
    assert not names & run.environment("default").keys()


def test_an_interrupted_run_of_the_same_plan_goes_on_and_any_other_does_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "PARTIAL", tmp_path / "partial.json")
    plan = {"blocks": 9}
    assert run.resumed(plan) is None
    run.PARTIAL.write_text(json.dumps({"plan": plan, "done": [["one", "fashion_cnn"]]}))
    assert run.resumed(plan)["done"] == [["one", "fashion_cnn"]]
    assert "1 cases are done" in capsys.readouterr().out
    assert run.resumed({"blocks": 3}) is None
    run.PARTIAL.write_text('{"plan": ')
    assert run.resumed(plan) is None


def test_list_names_every_case_and_an_unknown_name_is_answered_with_them(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["run.py", "--list"])
    assert run.main() == 0
    assert all(case.key in capsys.readouterr().out for case in chosen(["fashion_cnn"]))
    monkeypatch.setattr(sys, "argv", ["run.py", "--only", "nonsense"])
    assert run.main() == "There is no such case. These are the names."
