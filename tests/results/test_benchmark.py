"""The benchmark's record: medians, ratios block by block, targets, tables."""

import pytest

from cnnbook import results
from cnnbook.results import benchmark


def row(case, side, cpu, threads="one"):
    return {
        "case": case,
        "side": side,
        "threads": threads,
        "steps": 25,
        "cpu": cpu,
        "wall": [2 * t for t in cpu],
    }


CASES = {
    "fashion_cnn": "CNN",
    "small_cnn": "one example",
    "small_cnn_loops": "loops",
    "conv_16_32": "conv",
    "conv_first": "first",
    "conv_64_64": "wide",
}


def record(**changed):
    samples = [
        row("fashion_cnn", "plain", [10.0, 20.0, 12.0]),
        row("fashion_cnn", "fused", [8.0, 16.0, 10.0]),
        row("fashion_cnn", "keras", [12.0, 24.0, 15.0]),
        row("fashion_cnn", "shards", [5.0, 5.0, 5.0], "default"),
        row("fashion_cnn", "keras", [6.0, 6.0, 6.0], "default"),
        row("small_cnn", "plain", [1.0, 1.0, 1.0]),
        row("small_cnn", "keras", [5.0, 5.0, 5.0]),
        row("small_cnn_loops", "plain", [1.0, 1.0, 1.0]),
        row("small_cnn_loops", "loops", [120.0, 130.0, 110.0]),
    ]
    for case in ("conv_16_32", "conv_first", "conv_64_64"):
        samples += [row(case, "plain", [1.0, 1.0, 1.0]), row(case, "tf", [2.0, 2.0, 2.0])]
    for value in (8, 16):
        samples.append(row(f"growth/batch/{value}", "plain", [value / 8] * 3))
    figures = {
        "samples": samples,
        "cases": CASES,
        "memory": {"conv_64_64": 32.3, "im2col_64_64": 75.5},
        "logits": {"ours": 1e-5, "keras": 1e-4},
        "start": [{"side": "ours", "wall": [0.3, 0.2, 0.9], "cpu": [0.2] * 3, "megabytes": [57.0] * 3}],
        "peak": {"gmacs": 30.0},
        "multiply_adds": {"fashion_cnn": 3_000_000, "small_cnn": 1_000_000},
    }
    return figures | changed


@pytest.fixture
def bench(tmp_path):
    results.write("bench", record(), seconds=1, folder=tmp_path)
    return benchmark.read(folder=tmp_path)


def test_times_are_medians_and_ratios_are_taken_block_by_block(bench):
    assert bench.time("fashion_cnn", "plain") == 12
    assert bench.time("fashion_cnn", "plain", clock="wall") == 24
    middle, low, high = bench.times_as_fast("fashion_cnn", "plain", "keras")
    assert (middle, low) == (1.2, 1.2)
    assert high == pytest.approx(1.225)
    assert bench.times_as_fast("fashion_cnn", "keras", "plain")[0] == pytest.approx(1 / 1.2)


def test_sides_are_those_that_were_measured_at_these_threads(bench):
    assert bench.sides("fashion_cnn") == ["plain", "fused", "keras"]
    assert bench.sides("fashion_cnn", "default") == ["shards", "keras"]
    assert bench.samples("fashion_cnn", "torch") == []


def test_growth_is_a_curve_and_the_share_of_the_peak_a_fraction(bench):
    assert bench.growth("batch") == [(8, 1.0), (16, 2.0)]
    assert bench.share_of_peak("fashion_cnn", "fashion_cnn", "plain") == pytest.approx(
        64 * 3e6 / 12e-3 / 30e9
    )
    assert bench.share_of_peak("small_cnn", "small_cnn", "plain") == pytest.approx(1e6 / 1e-3 / 30e9)


def test_a_target_says_what_was_promised_what_was_found_and_whether_it_is_met(bench):
    lines = {target.what: target for target in benchmark.targets(bench)}
    plain = lines["Fashion CNN, training / Keras `fit`, one thread: plain"]
    assert (plain.goal, plain.found, plain.met) == ("at least 1.05", "1.20", True)
    assert (lines["the same, fused"].found, lines["the same, fused"].met) == ("1.50", True)
    assert not lines["the same, default threads, two shards (wall)"].met
    assert lines["small CNN, batch 1 / Keras at batch 1"].met
    assert lines["small CNN, batch 1 / loops"].found == "120.00"
    assert lines["first: time / TensorFlow's"].found == "0.5"
    assert lines["64 channels, 32 x 32x32: extra memory"].found == "32 MB"
    assert lines["import and first training step"].found == "0.3 s"
    assert len(lines) == 11


def test_the_tables_hold_every_measured_side_and_leave_blank_what_was_not(bench):
    text = benchmark.as_markdown(bench)
    assert "| the same, default threads, two shards (wall) | at least 1.4 | 1.20 | **no** |" in text
    assert "| CNN | ours, fused, two shards |  |  | 10 ± 0 | 1.20 |" in text
    assert "| conv | 1 ± 0 | 2 ± 0 |  |  | 2.00 |" in text
    assert "| ours | 0.3 s | 0.2 s | 57 MB |" in text


def test_the_lines_for_a_terminal_name_everybody(bench):
    text = "\n".join(benchmark.lines(bench))
    assert "CNN; threads: one; ms: plain 12, fused 10, keras 15; wall: 24, 20, 30" in text
