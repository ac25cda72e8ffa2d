"""The record in results/: complete, small, made by today's settings, and what the book says it is.

A short part of it is run again here and must come out alike, see `AGAIN`.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from cnnbook import data, nn, recording, results, scoreboard
from cnnbook.experiments.rows import ROWS
from cnnbook.experiments.run import first_losses, prepare
from cnnbook.experiments.sweep import file_of, jobs, missing, recorded

with_real_files = pytest.mark.skipif(
    not (Path(os.environ.get("CNNBOOK_DATA_DIR", "")) / "fashion_mnist").is_dir(),
    reason="needs the real files: set CNNBOOK_DATA_DIR",
)

# Rerun: row, variant, side, how many of the first steps, and how far each loss may lie from the recorded one
# (nats). Rounding differs between machines, and training multiplies it: most where RMSprop trains the CNN.
AGAIN = [
    ("S0-2", "plain", "ours", 30, 1e-3),
    ("S0-3", "plain", "ours", 5, 1e-2),
    ("S1-7", "book", "ours", 50, 1e-3),
    ("S1-7", "source", "ours", 50, 1e-3),
    ("S3-5", "fixed", "ours", 10, 1e-3),
]
AGAIN_IN_KERAS = [("S1-7", "book", "keras", 50, 1e-3), ("S3-5", "fixed", "keras", 10, 1e-3)]


def only(row, variant, side, seed):
    (run,) = (
        run for run in recorded(row) if (run["variant"], run["side"], run["seed"]) == (variant, side, seed)
    )
    return run


def accuracies(row, variant, side="ours"):
    return [
        run["test"]["accuracy"] for run in recorded(row) if (run["variant"], run["side"]) == (variant, side)
    ]


def test_nothing_is_missing():
    assert [str(job) for job in missing(jobs())] == []


def test_the_record_is_small():
    files = list(results.FOLDER.rglob("*.json"))
    assert sum(path.stat().st_size for path in files) < 3_000_000


def test_every_run_says_where_it_comes_from():
    for row in ROWS:
        told = results.read(file_of(row)).provenance
        for setting in ROWS[row].variants.values():
            assert told["sha256"][setting.dataset] == data.DATASETS[setting.dataset]["files"]
        for run in recorded(row):
            assert {"date", "seconds", "cpu_seconds", "packages", "commit", "changed"} <= set(run["made"])


def test_every_epoch_of_every_run_is_there():
    for row in ROWS:
        for run in recorded(row):
            setting = ROWS[row].variants[run["variant"]]
            if "stopped" not in run:
                assert {len(values) for values in run["epochs"].values()} == {setting.epochs}


def test_each_players_recording_is_there_and_whole():
    for row in ROWS.values():
        for setting in row.variants.values():
            if setting.player:
                name, title = setting.player
                assert recording.read(name)["title"] == title


# What the book promises.


@pytest.mark.parametrize(
    ("row", "variant", "at_least"),
    [
        ("S0-2", "plain", 0.86),
        ("S0-3", "plain", 0.90),
        ("S1-7", "book", 0.88),
        ("S1-7", "source", 0.88),
        ("S2-8", "plain", 0.97),
        ("S3-5", "fixed", 0.85),
    ],
)
def test_the_mean_over_the_seeds_reaches_what_is_promised(row, variant, at_least):
    assert np.mean(accuracies(row, variant)) >= at_least


def test_the_marks_of_s1_are_reached():
    claim = ROWS["S1-7"].claim
    run = max(
        (run for run in recorded("S1-7") if run["side"] == "ours"), key=lambda run: run["test"]["accuracy"]
    )
    assert run["test"]["accuracy"] >= claim["accuracy"]
    assert run["test"]["macro_f1"] >= claim["macro_f1"]


def test_s1_is_not_below_its_twin():
    f1 = {
        side: np.mean(
            [
                run["test"]["macro_f1"]
                for run in recorded("S1-7")
                if (run["variant"], run["side"]) == ("book", side)
            ]
        )
        for side in ("ours", "keras")
    }
    spread = np.ptp(
        [
            run["test"]["macro_f1"]
            for run in recorded("S1-7")
            if (run["variant"], run["side"]) == ("book", "ours")
        ]
    )
    assert f1["ours"] >= f1["keras"] - spread


def test_ours_and_keras_differ_by_less_than_the_seeds_do():
    both = [score for score in scoreboard.scores() if score.ours and score.keras]
    apart = {
        f"{score.row} {score.measure}": (score.ours.mean, score.keras.mean)
        for score in both
        if abs(score.ours.mean - score.keras.mean) > max(score.ours.spread, score.keras.spread)
    }
    assert len(both) >= 5
    assert apart == {}


def test_the_stuck_network_is_worse_than_its_own_frozen_version_in_every_seed():
    assert max(accuracies("S3-5", "source")) < min(accuracies("S3-5", "source, frozen"))


def test_with_sane_weights_the_mixed_up_gradient_is_worse_than_none_and_the_right_one_better():
    means = {
        name: np.mean(accuracies("S3-ablation", f"sane, {name}")) for name in ("none", "frozen", "mixed up")
    }
    assert means["mixed up"] < means["frozen"] < means["none"]


@pytest.mark.parametrize("weights", ["sane", "wild"])
def test_the_unrotated_kernel_changes_nothing_where_no_layer_lies_below(weights):
    """Nobody asks the first layer for its input gradient: the runs are equal number by number."""
    for seed in range(3):
        for right, wrong in (("none", "unrotated"), ("mixed up", "both")):
            one, other = (only("S3-ablation", f"{weights}, {name}", "ours", seed) for name in (right, wrong))
            assert one["epochs"] == other["epochs"]


def test_shuffled_pixels_cost_the_mlp_nothing_and_the_cnn_a_lot():
    cost = {
        net: np.mean(accuracies("S1-1", net)) - np.mean(accuracies("S1-1", f"{net}, shuffled"))
        for net in ("MLP", "CNN")
    }
    spread = np.ptp(accuracies("S1-1", "MLP"))
    assert abs(cost["MLP"]) < max(spread, 0.01)
    assert cost["CNN"] > 3 * abs(cost["MLP"])


# A part of it, once more.


@with_real_files
@pytest.mark.parametrize(("row", "variant", "side", "steps", "tolerance"), AGAIN)
def test_the_first_steps_of_recorded_runs_come_out_again(row, variant, side, steps, tolerance):
    again = first_losses(row, variant, side, 0, steps)
    assert len(again) == steps
    assert again == pytest.approx(only(row, variant, side, 0)["first_steps"][:steps], abs=tolerance)


@with_real_files
@pytest.mark.keras
@pytest.mark.parametrize(("row", "variant", "side", "steps", "tolerance"), AGAIN_IN_KERAS)
def test_the_first_steps_of_keras_come_out_again(row, variant, side, steps, tolerance):
    again = first_losses(row, variant, side, 0, steps)
    assert again == pytest.approx(only(row, variant, side, 0)["first_steps"][:steps], abs=tolerance)


@with_real_files
def test_the_recorded_weights_of_s1_predict_what_was_recorded():
    run = only("S1-7", "book", "ours", 0)
    _, images, model, trainer = prepare("S1-7", "book", "ours", 0)
    for name, weight in model.weights().items():
        weight[...] = results.unpack(run["arrays"][name])
    guesses = trainer.logits(images.test[0]).argmax(axis=1)
    recorded_guesses = results.unpack(run["arrays"]["predictions"])
    assert (guesses != recorded_guesses).sum() <= 3  # a tie may fall to the other side on another machine
    assert nn.accuracy(images.test[1], recorded_guesses) == pytest.approx(run["test"]["accuracy"], abs=1e-4)
