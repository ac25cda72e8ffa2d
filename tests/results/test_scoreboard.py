"""The results table: made of the recordings, shown on the front page."""

import re
from pathlib import Path

import pytest

from cnnbook import results
from cnnbook.experiments.catalogue import EXPERIMENTS
from cnnbook.results import scoreboard
from cnnbook.results.scoreboard import LINES, Measured, scores, table

ROOT = Path(__file__).parents[2]


def run(variant, side, seed, accuracy, seconds=60):
    made = {"seconds": 999, "cpu_seconds": seconds}
    test = {"accuracy": accuracy, "macro_f1": accuracy - 0.01}
    step = {"step_seconds": {"ratio": 1.5}} if side == "own layers" else {}
    return {"variant": variant, "side": side, "seed": seed, "made": made, "test": test, **step}


def places():
    """(recording, variant, side) of everything the table shows."""
    both = [
        (name, place) for name, lines in LINES.items() for *_, ours, keras in lines for place in (ours, keras)
    ]
    return {tuple(f"{name} | {place}".split(" | "))[-3:] for name, place in both if place}


@pytest.fixture(name="folder")
def _folder(tmp_path):
    """Recordings of every line: two runs of ours and one of each other side."""
    there = places()
    for name in {name for name, *_ in there}:
        runs = []
        for _, variant, side in sorted(place for place in there if place[0] == name):
            seeds = (0, 1) if side == "ours" else (0,)
            accuracy, seconds = (0.8, 60) if side == "ours" else (0.7, 120)
            runs += [run(variant, side, seed, accuracy + seed / 100, seconds) for seed in seeds]
        claim = {"accuracy": 0.86, "macro_f1": 0.85, "time ratio": 1.25}
        results.write(name, {"claim": claim, "runs": runs}, seconds=1, folder=tmp_path)
    return tmp_path


def test_what_was_measured_is_told_as_the_mean_and_how_far_the_furthest_seed_is_from_it():
    several = Measured((0.8764, 0.8771, 0.8702), 2.0)
    assert str(several) == "0.875 ± 0.004"
    assert several.spread == pytest.approx(0.0069)
    assert str(Measured((0.8764,), 2.0)) == "0.876"
    assert str(Measured((1.254,), 2.0)) == "1.25"


def test_a_run_that_was_stopped_has_no_figure_and_breaks_nothing(folder):
    recorded = results.read("stuck_cnn", folder=folder)
    runs = [dict(run) for run in recorded["runs"]]
    for stopped in (run for run in runs if run["variant"] == "source" and run["seed"] == 1):
        del stopped["test"]
        stopped["stopped"] = "the loss must stay finite"
    results.write("stuck_cnn", {"claim": recorded["claim"], "runs": runs}, seconds=1, folder=folder)
    line = next(score for score in scores(folder=folder) if score.system == "the same, as it was")
    assert line.ours.values == (0.8,)


def test_a_line_has_the_claim_ours_keras_and_minutes_of_processor_time(folder):
    (line,) = scores("mlp", folder=folder)
    assert (line.claim, line.ours.values, line.keras.values) == (0.86, (0.8, 0.81), (0.7,))
    assert line.time == "1.0 / 2.0"
    (row,) = table([line]).rows
    assert list(map(str, row)) == ["MLP", "0.86", "0.805 ± 0.005", "0.700", "1.0 / 2.0"]


def test_figures_are_taken_from_where_they_stand(folder):
    lines = scores(folder=folder)
    assert len(lines) == sum(len(line[1].split(", ")) for lines in LINES.values() for line in lines)
    by_system = {(score.system, score.measure): score for score in lines}
    assert by_system["our layers inside Keras / Keras'", "time ratio"].ours.values == (1.5,)
    assert by_system["CNN, one example at a time", "macro_f1"].ours.mean == pytest.approx(0.795)
    assert by_system["the same as plain tf.Module", "accuracy"].ours is None
    assert by_system["the same as plain tf.Module", "accuracy"].keras.values == (0.7,)


def test_lines_of_which_nothing_is_recorded_yet_are_left_out(folder):
    (folder / "mlp.json").unlink()
    shown = {score.system for score in scores(folder=folder)}
    assert {line[0] for lines in LINES.values() for line in lines} - shown == {"MLP"}


def test_every_place_of_the_table_is_a_run_that_is_asked_for():
    asked = {
        (name, variant, side)
        for name, those in EXPERIMENTS.items()
        for variant, setting in those.variants.items()
        for side in setting.seeds
    }
    assert places() <= asked


def test_the_table_has_a_row_for_every_line_and_says_how_to_read_it(folder):
    lines = scores(folder=folder)
    shown = table(lines)
    assert [row[2] for row in shown.rows] == [line.ours for line in lines]
    assert [row[3] for row in shown.rows] == [line.keras for line in lines]
    assert shown.note == scoreboard.LEGEND
    page = shown._repr_html_()
    assert page.count("<tr>") == 1 + len(lines)
    assert "0.805 ±\N{NO-BREAK SPACE}0.005" in page


def test_the_front_page_makes_its_table_of_the_record():
    page = (ROOT / "chapters" / "index.md").read_text("utf-8")
    assert re.search(r"scoreboard\.table\(scoreboard\.scores\(\)\)", page)
