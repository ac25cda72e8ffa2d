"""Replays: small, whole, and refused when their parts do not fit together."""

import gzip
import json

import numpy as np
import pytest
from support.tiny_runs import run

from cnnbook import files
from cnnbook.results import replay, store
from cnnbook.results.packing import pack_letters
from cnnbook.results.replay import append, check, empty, read, write

KEYS = [*empty("").keys()]


def test_a_long_run_is_thinned_and_keeps_true_values():
    kept = empty("long")
    for step in range(5000):
        append(kept, {"step": step, "loss": 1 / (step + 1), "norms": {"0 Dense": float(step)}})
    assert len(kept["steps"]["step"]) <= replay.POINTS
    assert kept["steps"]["step"][:2] == [0, kept["every"]]
    assert kept["norms"][0] == [float(f"{step:.3g}") for step in kept["steps"]["step"]]
    assert kept["steps"]["loss"][1] == float(f"{1 / (kept['every'] + 1):.4g}")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"step": 0, "loss": 1.0},
            "results: the steps of a run must rise. Received step=0 after 0. "
            "Start a new replay for a new run.",
        ),
        (
            {"step": 1},
            "results: an entry must hold 'step' and the same numbers as the one before, ['step', 'loss']. "
            "Received ['step']. Leave nothing out and add nothing on the way.",
        ),
        (
            {"step": 1, "loss": float("nan")},
            "results: the numbers of a run must be finite. Received loss=nan. Stop the run before.",
        ),
    ],
)
def test_an_entry_that_does_not_follow_is_refused(entry, message, refuses):
    kept = empty("a")
    append(kept, {"step": 0, "loss": 2.0})
    with refuses(message):
        append(kept, entry)
    assert kept["steps"] == {"step": [0], "loss": [2.0]}


def test_what_was_written_is_read_back_small(tmp_path):
    kept = run()
    path = write("tiny", kept, folder=tmp_path)
    assert read("tiny", folder=tmp_path) == kept
    assert '": ' not in path.read_text()
    assert len(gzip.compress(path.read_bytes())) < 6_000
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.json"]


def test_a_replay_that_is_too_large_is_refused_and_leaves_nothing(tmp_path):
    kept, rng = run(), np.random.default_rng(0)
    kept["snapshots"] = [
        {**kept["snapshots"][0], "step": step, "maps": pack_letters(rng.normal(size=(4, 8, 14, 14)), 63)}
        for step in range(12)
    ]
    with pytest.raises(ValueError, match=r"at most 40960 bytes gzipped\. It has .*most of them in 'snap"):
        write("large", kept, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_breaks_off_keeps_the_old_replay(tmp_path, monkeypatch):
    write("tiny", run(), folder=tmp_path)
    monkeypatch.setattr(files.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write("tiny", empty("other"), folder=tmp_path)
    assert read("tiny", folder=tmp_path)["title"] == "Without"
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.json"]


@pytest.mark.parametrize("keep", [0, 1, 100, -2])
def test_a_truncated_file_is_refused(tmp_path, refuses, keep):
    path = write("tiny", run(), folder=tmp_path)
    path.write_text(path.read_text()[:keep])
    with refuses("results: tiny.json must be whole. It is damaged: it is no JSON. Record it again."):
        read("tiny", folder=tmp_path)


def test_another_encoding_is_refused(tmp_path, refuses):
    (tmp_path / "tiny.json").write_bytes(b"\xff\xfe\x00")
    with refuses("results: tiny.json must be whole. It is damaged: it is no JSON. Record it again."):
        read("tiny", folder=tmp_path)


@pytest.mark.parametrize(
    ("content", "found"), [({}, None), ([], "list"), ({"format": "cnnbook results 1"}, "cnnbook results 1")]
)
def test_a_foreign_file_is_refused(tmp_path, refuses, content, found):
    (tmp_path / "tiny.json").write_text(json.dumps(content))
    with refuses(
        f"results: tiny.json must be in the format 'cnnbook run'. Received format={found!r}. Record it again."
    ):
        read("tiny", folder=tmp_path)


@pytest.mark.parametrize("version", [2, 0, None, "1"])
def test_another_version_is_refused(refuses, version):
    with refuses(
        f"results: this replay must be of version 1. Received version={version!r}. "
        "Update the book if it is newer, record it again if it is older."
    ):
        check({**run(), "version": version})


def spoiled(change):
    kept = run()
    change(kept)
    return kept


@pytest.mark.parametrize(
    ("change", "why"),
    [
        *(
            (lambda kept, key=key: kept.pop(key), f"{key!r} is missing or of the wrong kind")
            for key in KEYS
            if key not in ("format", "version")
        ),
        (lambda kept: kept["steps"]["loss"].pop(), "the lists of 'steps' are not equally long"),
        (lambda kept: kept["epochs"].update(loss=7), "the lists of 'epochs' are not equally long"),
        (lambda kept: kept["steps"]["loss"].__setitem__(0, "1"), "'steps' holds something that is no finite"),
        (lambda kept: kept["steps"]["loss"].__setitem__(0, float("inf")), "'steps' holds something that is"),
        (lambda kept: kept["steps"]["step"].reverse(), "the steps of 'steps' do not rise"),
        (lambda kept: kept["norms"].pop(), "'norms' must hold a number per layer and kept step"),
        (lambda kept: kept["norms"][0].pop(), "'norms' must hold a number per layer and kept step"),
        (lambda kept: kept["snapshots"].reverse(), "the snapshots' steps do not rise"),
        (lambda kept: kept["snapshots"].__setitem__(0, 3), "the snapshots' steps do not rise"),
        (
            lambda kept: kept["snapshots"][0]["confusion"].pop(),
            "the confusion matrix of step 0 is not square",
        ),
        (
            lambda kept: kept["snapshots"][0]["confusion"][0].__setitem__(0, -1),
            "the confusion matrix of step 0 holds no counts",
        ),
        (lambda kept: kept["snapshots"][1]["kernels"].update(data="!"), "'kernels' of step 1 cannot be"),
        (
            lambda kept: kept["snapshots"][1]["kernels"].update(data="!" * 24),
            "'kernels' of step 1 cannot be unpacked",
        ),
        (lambda kept: kept["snapshots"][1]["kernels"].update(levels=1), "'kernels' of step 1 cannot be"),
        (lambda kept: kept["snapshots"][1]["maps"].update(shape=[1]), "'maps' of step 1 cannot be unpacked"),
        (lambda kept: kept["snapshots"][1].update(maps=3), "'maps' of step 1 cannot be unpacked"),
        (lambda kept: kept["images"].update(low=1, high=1), "'images' cannot be unpacked"),
    ],
)
def test_parts_that_do_not_fit_are_refused_in_one_sentence(change, why):
    with pytest.raises(ValueError, match=r"^results: this replay must be whole. It is damaged: ") as error:
        check(spoiled(change))
    assert why in str(error.value)


def test_a_missing_replay_is_refused_with_those_there_are(tmp_path, refuses):
    write("tiny", run(), folder=tmp_path)
    with refuses(
        f"results: there is no replay 'other' in {tmp_path.name}/. There are: tiny. "
        "In a clone of the book, `make results` records what is missing.",
        FileNotFoundError,
    ):
        read("other", folder=tmp_path)


@pytest.mark.parametrize("name", ["", "A", "../x", "a b", 3])
def test_a_name_is_a_plain_word(refuses, name):
    with refuses(
        "results: name must be lower-case letters, digits and underscores, starting with a letter. "
        f"Received name={name!r}."
    ):
        read(name)


def test_every_replay_of_the_book_is_whole_and_small():
    paths = sorted((store.FOLDER / replay.FOLDER).glob("*.json"))
    assert paths
    for path in paths:
        assert store.encode(read(path.stem)) + "\n" == path.read_text("utf-8")
        assert len(gzip.compress(path.read_bytes())) <= replay.LARGEST, path.name


def test_settings_that_json_cannot_hold_are_refused(tmp_path, refuses):
    with refuses(
        "results: what is recorded must be what JSON can hold, with finite numbers. Received something else. "
        "Convert NumPy's values with float() or .tolist(), and leave nan out."
    ):
        write("tiny", empty("a", {"rate": np.float32(1)}), folder=tmp_path)
