"""The benchmark's record: medians, ratios block by block, targets, tables."""

from pathlib import Path

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
    plain = lines["Fashion CNN, training step, one thread: times as fast as Keras"]
    assert (plain.goal, plain.found, plain.met) == ("≥ 1.05", "1.20", True)
    assert (lines["the same, fused"].found, lines["the same, fused"].met) == ("1.50", True)
    assert not lines["the same in two shards, own threads, by the clock"].met
    assert lines["small CNN, one example at a time: times as fast as Keras"].met
    assert lines["small CNN, one example at a time: times as fast as loops"].found == "120.00"
    assert lines["first: time, TensorFlow's = 1"].found == "0.5"
    assert lines["wide: extra memory"].found == "32 MB"
    assert lines["import and first training step"].found == "0.3 s"
    assert len(lines) == 11


def test_the_table_of_targets_says_yes_or_no(bench):
    rows = benchmark.target_table(bench).rows
    assert ("the same in two shards, own threads, by the clock", "≥ 1.4", "1.20", "no") in rows
    assert len(rows) == len(benchmark.targets(bench))


def test_a_networks_table_holds_every_side_and_leaves_blank_what_was_not_measured(bench):
    tables = benchmark.network_tables(bench)
    assert tables["CNN"].rows == [
        ["ours, fused, two shards", "", "", "10.0 ± 0", "1.20"],
        ["Keras, fit", "15.0 ± 3", "1.00", "12.0 ± 0", "1.00"],
    ]
    assert list(tables) == ["CNN", "one example"]


def test_who_answers_is_not_called_after_fitting(tmp_path):
    figures = record(cases=CASES | {"one_image": "one image"})
    figures["samples"] += [row("one_image", side, [1.0, 1.0], "default") for side in ("plain", "keras", "tf")]
    results.write("bench", figures, seconds=1, folder=tmp_path)
    table = benchmark.network_tables(benchmark.read(folder=tmp_path))["one image"]
    names = [name for name, *_ in table.rows]
    assert names == ["ours, plain layers", "Keras, predict_on_batch", "TensorFlow, bare call"]


def test_the_table_of_layers_holds_the_layers_and_neither_networks_nor_growth(bench):
    assert bench.layers() == ["conv_16_32", "conv_first", "conv_64_64"]
    assert benchmark.layer_table(bench).rows[0] == ["conv", "1.00 ± 0", "2.00 ± 0", "", "", "2.00"]


def test_a_spread_is_written_out_and_not_in_powers_of_ten(tmp_path):
    samples = [row("fashion_cnn", "plain", [400.0, 650.0, 1000.0])]
    results.write("bench", record(samples=samples), seconds=1, folder=tmp_path)
    bench = benchmark.read(folder=tmp_path)
    assert benchmark.milliseconds(bench, "fashion_cnn", "plain") == "650 ± 200"


def test_the_table_of_starts_tells_medians(bench):
    assert benchmark.start_table(bench).rows == [("ours", "0.3 s", "0.2 s", "57 MB")]


# ---------------------------------------------------------------- the record of the book


def test_the_chapter_says_which_three_targets_the_record_misses():
    missed = [target.what for target in benchmark.targets(benchmark.read()) if not target.met]
    assert missed == [
        "the same in two shards, own threads, by the clock",
        "small CNN, one example at a time: times as fast as Keras",
        "small CNN, one example at a time: times as fast as loops",
    ]
    page = (Path(__file__).parents[2] / "chapters" / "how_fast.md").read_text("utf-8")
    told = " ".join(page.split("(how-fast-record)=")[1].split("(how-fast-not)=")[0].split())
    assert "Three targets are missed. In two shards" in told
    assert "One example at a time, we are faster than Keras and than loops, but not by as much" in told


def test_the_record_says_on_what_machine_and_with_which_libraries_it_was_made():
    told = dict(benchmark.machine_table(benchmark.read()).rows)
    provenance = benchmark.read().recording.provenance
    assert f"{provenance['cores']} cores" in told["machine"]
    assert all(f"{name} {number}" in told["libraries"] for name, number in provenance["versions"].items())
    assert {"made on", "load of the machine", "Python", "peak", "blocks"} < set(told)


def test_the_lines_for_a_terminal_name_everybody(bench):
    text = "\n".join(benchmark.lines(bench))
    assert "CNN; threads: one; ms: plain 12, fused 10, keras 15; wall: 24, 20, 30" in text
