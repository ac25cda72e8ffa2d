"""Recorded figures: written whole or not at all, read only if they are what they claim to be."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from cnnbook import results


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results"


def test_what_was_written_is_read_back_with_where_it_comes_from(folder):
    path = results.write("speed", {"ours": [1.5, 2.5], "who": {"a": 1}}, seconds=12.34, folder=folder, seed=7)
    assert path == folder / "speed.json"
    recording = results.read("speed", folder=folder)
    assert recording.figures == {"ours": [1.5, 2.5], "who": {"a": 1}}
    assert recording["ours"] == [1.5, 2.5]
    told = recording.provenance
    assert (told["seed"], told["seconds"], told["cores"]) == (7, 12.3, os.cpu_count())
    assert told["packages"]["numpy"] == np.__version__
    assert "keras" in told["packages"]
    assert told["date"].endswith("+00:00")


def test_a_recording_says_in_two_lines_where_it_comes_from(folder):
    results.write("speed", {}, seconds=1, folder=folder)
    when, with_what = repr(results.read("speed", folder=folder)).splitlines()
    assert when.startswith("speed: recorded on 20")
    assert f"numpy {np.__version__}" in with_what


def test_a_recording_tells_no_host_and_no_folder(folder):
    text = results.write("speed", {"a": 1}, seconds=1, folder=folder).read_text("utf-8")
    assert str(Path.home()) not in text
    assert str(folder) not in text
    assert set(json.loads(text)["provenance"]) == {
        "date",
        "seconds",
        "machine",
        "cores",
        "python",
        "packages",
    }


@pytest.mark.parametrize("private", [Path.home(), results.store.FOLDER.parent], ids=["home", "repository"])
def test_figures_that_tell_a_folder_of_this_machine_are_refused(folder, refuses, private):
    message = f"results: speed.json must not tell folders of this machine. It mentions {private}."
    with refuses(message):
        results.write("speed", {"data": str(private)}, seconds=1, folder=folder)


@pytest.mark.parametrize("figure", [float("nan"), float("inf"), np.float32(1), np.ones(2)], ids=repr)
def test_figures_that_json_cannot_hold_are_refused_and_leave_nothing(folder, refuses, figure):
    with refuses(
        "results: what is recorded must be what JSON can hold, with finite numbers. Received something else. "
        "Convert NumPy's values with float() or .tolist(), and leave nan out."
    ):
        results.write("speed", {"a": [figure]}, seconds=1, folder=folder)
    assert not folder.exists()


def test_figures_must_be_named(folder, refuses):
    with refuses("results: figures must be a dict. Received figures of type list."):
        results.write("speed", [1, 2], seconds=1, folder=folder)


def test_a_write_that_breaks_off_keeps_the_old_recording(folder, monkeypatch):
    results.write("speed", {"a": 1}, seconds=1, folder=folder)

    def full_disk(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(results.store.os, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        results.write("speed", {"a": 2}, seconds=1, folder=folder)
    assert results.read("speed", folder=folder)["a"] == 1
    assert [path.name for path in folder.iterdir()] == ["speed.json"]


@pytest.mark.parametrize("name", ["", "Speed", "../speed", "speed.json", "1", None])
def test_a_name_is_a_plain_word(folder, refuses, name):
    message = (
        "results: name must be lower-case letters, digits and underscores, starting with a letter. "
        f"Received name={name!r}."
    )
    with refuses(message):
        results.write(name, {}, seconds=1, folder=folder)
    with refuses(message):
        results.read(name, folder=folder)


def test_a_missing_recording_is_refused_with_those_there_are(folder, refuses):
    def message(there):
        return (
            f"results: there is no recording 'sped' in results/. There are: {there}. "
            "In a clone of the book, `make results` records what is missing."
        )

    with refuses(message("none"), FileNotFoundError):
        results.read("sped", folder=folder)
    for name in ("speed", "accuracy"):
        results.write(name, {}, seconds=1, folder=folder)
    with refuses(message("accuracy, speed"), FileNotFoundError):
        results.read("sped", folder=folder)


@pytest.mark.parametrize("keep", [0, 1, 40, -3])
def test_a_truncated_recording_is_refused(folder, refuses, keep):
    path = results.write("speed", {"a": [1, 2, 3]}, seconds=1, folder=folder)
    path.write_text(path.read_text("utf-8")[:keep], "utf-8")
    with refuses("results: speed.json must be whole. It is damaged: it is no JSON. Record it again."):
        results.read("speed", folder=folder)


def test_a_recording_in_another_encoding_is_refused(folder, refuses):
    path = results.write("speed", {}, seconds=1, folder=folder)
    path.write_bytes(b"\xff\xfe\x00")
    with refuses("results: speed.json must be whole. It is damaged: it is no JSON. Record it again."):
        results.read("speed", folder=folder)


@pytest.mark.parametrize(
    ("content", "found"),
    [([1, 2], "'list'"), ({"figures": {}}, "None"), ({"format": "other", "name": "speed"}, "'other'")],
)
def test_a_foreign_file_is_refused(folder, refuses, content, found):
    folder.mkdir()
    (folder / "speed.json").write_text(json.dumps(content), "utf-8")
    with refuses(
        "results: speed.json must be in the format 'cnnbook results 1'. "
        f"Received format={found}. Record it again."
    ):
        results.read("speed", folder=folder)


@pytest.mark.parametrize("part", ["figures", "provenance"])
def test_a_recording_without_its_figures_or_their_provenance_is_refused(folder, refuses, part):
    path = results.write("speed", {"a": 1}, seconds=1, folder=folder)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {part: None}), "utf-8")
    with refuses(
        "results: speed.json must be whole. It is damaged: its figures or their provenance are missing. "
        "Record it again."
    ):
        results.read("speed", folder=folder)


def test_a_recording_under_another_name_is_refused(folder, refuses):
    results.write("speed", {}, seconds=1, folder=folder).rename(folder / "accuracy.json")
    with refuses(
        "results: accuracy.json must hold the recording 'accuracy'. Received the recording 'speed'. "
        "Rename the file."
    ):
        results.read("accuracy", folder=folder)


def test_recordings_are_looked_for_in_the_repository(refuses, monkeypatch, tmp_path):
    assert results.store.locate("speed", None) == Path(__file__).parents[2] / "results" / "speed.json"
    monkeypatch.setattr(results.store, "FOLDER", tmp_path / "site-packages" / "results")
    with refuses(
        "results: what is recorded is part of the book's repository, and cnnbook is not installed "
        "from a clone. Clone the book and `pip install -e .` there, or pass folder=.",
        FileNotFoundError,
    ):
        results.read("speed")


RUNS = [
    {"variant": "plain", "side": "ours", "seed": 0, "epochs": {"loss": [2.0]}},
    {"variant": "plain", "side": "keras", "seed": 0, "epochs": {"loss": [3.0]}},
    {"variant": "wild", "side": "ours", "seed": 1, "epochs": {"loss": [4.0]}},
]


def test_runs_are_found_by_what_is_true_of_them(folder):
    results.write("fashion_cnn", {"runs": RUNS}, seconds=1, folder=folder)
    recording = results.read("fashion_cnn", folder=folder)
    assert recording.runs() == RUNS
    assert recording.runs(side="ours") == [RUNS[0], RUNS[2]]
    assert recording.runs(variant="plain", side="keras", seed=0) == [RUNS[1]]


def test_a_run_that_is_not_there_is_refused_with_those_there_are(folder, refuses):
    results.write("fashion_cnn", {"runs": RUNS}, seconds=1, folder=folder)
    with refuses(
        "results: fashion_cnn has no run with side='module', seed=2. "
        "It has variant: plain, wild; side: ours, keras; seed: 0, 1."
    ):
        results.read("fashion_cnn", folder=folder).runs(side="module", seed=2)


def test_a_recording_without_runs_has_none(folder, refuses):
    results.write("speed", {}, seconds=1, folder=folder)
    with refuses("results: speed has no run with seed=0. It has variant: none; side: none; seed: none."):
        results.read("speed", folder=folder).runs(seed=0)


def test_every_recording_of_the_book_would_be_written_as_it_stands():
    paths = sorted(results.store.FOLDER.glob("*.json"))
    assert paths
    for path in paths:
        content = {"format": results.store.FORMAT, "name": path.stem}
        content |= {key: getattr(results.read(path.stem), key) for key in ("provenance", "figures")}
        assert results.store.encode(content, levels=4) + "\n" == path.read_text("utf-8"), path.name
