"""What a training run leaves behind: the right numbers, small, whole, and refused when they are not."""

import gzip
import json

import numpy as np
import pytest
from support.tiny_runs import CLASSES, images, network, run

from cnnbook import files, nn
from cnnbook.results import replay
from cnnbook.results.replay import Recorder, append, check, empty, pack, read, unpack, write

KEYS = [*empty("").keys()]


def trained(callbacks, model=None, **settings):
    x, y = images()
    settings = {"epochs": 2, "batch_size": 8, **settings}
    return nn.fit(
        model or network(), nn.SoftmaxCrossEntropy(), nn.SGD(0.1), x, y, callbacks=callbacks, **settings
    )


# ---------------------------------------------------------------- what is kept


def test_the_numbers_of_every_step_and_epoch_are_those_of_the_history():
    recorder = Recorder("a")
    x, y = images()
    history = trained([recorder], validation_data=(x, y))
    kept = recorder.recording()
    assert kept["steps"]["step"] == list(range(12))
    np.testing.assert_allclose(kept["steps"]["loss"], history.steps["loss"], rtol=1e-3)
    assert kept["epochs"]["step"] == [6, 12]
    np.testing.assert_allclose(kept["epochs"]["val_accuracy"], history.history["val_accuracy"], rtol=1e-3)


def test_a_snapshot_is_the_network_after_so_many_updates():
    x, y = images()
    recorder, model = Recorder("a", images=x[:2], examples=(x, y), classes=CLASSES), network()
    before = model.layers[0].params["kernel"].copy()
    trained([recorder], model)
    shots = {shot["step"]: shot for shot in recorder.recording()["snapshots"]}
    assert list(shots) == [0, 1, 2, 4, 8, 12]
    for step, weights in ((0, before), (12, model.layers[0].params["kernel"])):
        kernels = unpack(shots[step]["kernels"])
        assert kernels.shape == (4, 3, 2)
        np.testing.assert_allclose(
            kernels, np.moveaxis(weights[:, :, 0], 2, 0), atol=np.abs(weights).max() / 50
        )
    maps = model.layers[0].forward(x[:2])
    np.testing.assert_allclose(
        unpack(shots[12]["maps"]), np.moveaxis(maps, 3, 1), atol=np.abs(maps).max() / 12
    )
    guesses = model.forward(x).argmax(axis=1)
    table = [[int(((y == t) & (guesses == g)).sum()) for g in range(3)] for t in range(3)]
    assert shots[12]["confusion"] == table


def test_the_norms_are_the_lengths_of_each_layers_gradient():
    class Keep:
        def on_step(self, model, step, logs):
            flat = [np.concatenate([g.ravel() for g in model.layers[k].grads.values()]) for k in (0, 3)]
            lengths.append([float(np.linalg.norm(g.astype(float))) for g in flat])

    lengths, recorder = [], Recorder("a")
    trained([Keep(), recorder])
    kept = recorder.recording()
    assert kept["layers"] == ["0 Conv2D", "3 Dense"]
    np.testing.assert_allclose(np.transpose(kept["norms"]), lengths, rtol=1e-2)


def test_recording_changes_nothing_about_the_run():
    x, y = images()
    with_, without = network(batchnorm=True), network(batchnorm=True)
    trained([Recorder("a", images=x[:1], examples=(x, y))], with_)
    trained([], without)
    for name, weights in with_.weights().items():
        np.testing.assert_array_equal(weights, without.weights()[name])


@pytest.mark.keras
def test_the_keras_twin_leaves_the_same_recording():
    from cnnbook.keras_twin import to_keras
    from cnnbook.keras_twin.training import fit

    x, y = images()
    ours, theirs = (Recorder("a", images=x[:1], examples=(x, y), classes=CLASSES) for _ in range(2))
    model = network()
    twin = to_keras(model)
    trained([ours], model)
    fit(
        twin,
        nn.SoftmaxCrossEntropy(),
        nn.SGD(0.1),
        x,
        y,
        epochs=2,
        batch_size=8,
        callbacks=[theirs],
    )
    one, other = ours.recording(), theirs.recording()
    assert one["layers"] == other["layers"]
    for part in ("steps", "epochs"):
        for key in one[part]:
            np.testing.assert_allclose(one[part][key], other[part][key], rtol=2e-3, err_msg=key)
    np.testing.assert_allclose(one["norms"], other["norms"], rtol=2e-2)
    for mine, its in zip(one["snapshots"], other["snapshots"], strict=True):
        assert mine["confusion"] == its["confusion"]
        np.testing.assert_allclose(unpack(mine["kernels"]), unpack(its["kernels"]), atol=0.03)


def test_a_long_run_is_thinned_and_keeps_true_values():
    kept = empty("long")
    for step in range(5000):
        append(kept, {"step": step, "loss": 1 / (step + 1), "norms": {"0 Dense": float(step)}})
    assert len(kept["steps"]["step"]) <= replay.POINTS
    assert kept["steps"]["step"][:2] == [0, kept["every"]]
    assert kept["norms"][0] == [float(f"{step:.3g}") for step in kept["steps"]["step"]]
    assert kept["steps"]["loss"][1] == float(f"{1 / (kept['every'] + 1):.4g}")


def test_a_recorder_keeps_one_run(refuses):
    recorder = Recorder("a")
    trained([recorder])
    with refuses(
        "Recorder: one recorder keeps one run. This one has one. Make a new Recorder.", RuntimeError
    ):
        trained([recorder])


def test_a_listener_hears_every_entry_and_can_rebuild_the_recording():
    heard = empty("a")
    recorder = Recorder("a", listener=lambda entry: append(heard, entry))
    trained([recorder])
    assert heard == recorder.recording()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"step": 0, "loss": 1.0},
            "recording: steps must rise. Received step=0 after 0. Start a new recording for a new run.",
        ),
        (
            {"step": 1},
            "recording: an entry must hold 'step' and the same numbers as the one before, ['step', 'loss']. "
            "Received ['step']. Leave nothing out and add nothing on the way.",
        ),
        (
            {"step": 1, "loss": float("nan")},
            "recording: numbers must be finite. Received loss=nan. Stop the run before.",
        ),
    ],
)
def test_an_entry_that_does_not_follow_is_refused(entry, message, refuses):
    kept = empty("a")
    append(kept, {"step": 0, "loss": 2.0})
    with refuses(message):
        append(kept, entry)
    assert kept["steps"] == {"step": [0], "loss": [2.0]}


def test_images_and_examples_are_checked_at_once(refuses):
    with refuses(
        "Recorder: images must be 1 to 4 images of shape (n, H, W, C). Received images of shape (8, 6). "
        "Choose a few, such as x_test[:2]."
    ):
        Recorder("a", images=np.zeros((8, 6)))
    with refuses(
        "Recorder: examples must be a pair (x, y). Received examples of type ndarray. "
        "Pass (x_test[:500], y_test[:500])."
    ):
        Recorder("a", examples=np.zeros((2, 3)))


# ---------------------------------------------------------------- packed


@pytest.mark.parametrize("levels", [16, 63])
def test_unpacking_gives_every_number_to_half_a_level(levels):
    rng = np.random.default_rng(0)
    for low in (-1, 0):
        values = rng.uniform(low, 1, (3, 5, 4))
        packed = pack(values, levels)
        half = (packed["high"] - packed["low"]) / (packed["levels"] - 1) / 2
        assert np.abs(unpack(packed) - values).max() <= half * 1.02  # the scale itself has three digits
    assert unpack(pack(np.array([-3.0, 0.0, 1.0]), levels))[1] == 0


def test_maps_larger_than_fourteen_pixels_are_averaged_down():
    shrunk = replay.shrink(np.arange(2 * 28 * 20, dtype=float).reshape(2, 28, 20))
    assert shrunk.shape == (2, 14, 10)
    assert shrunk[0, 0, 0] == np.mean([0, 1, 20, 21])


# ---------------------------------------------------------------- on disk


def test_what_was_written_is_read_back_small(tmp_path):
    kept = run()
    path = write("tiny", kept, folder=tmp_path)
    assert read("tiny", folder=tmp_path) == kept
    assert '": ' not in path.read_text()
    assert len(gzip.compress(path.read_bytes())) < 6_000
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.json"]


def test_a_recording_that_is_too_large_is_refused_and_leaves_nothing(tmp_path):
    kept, rng = run(), np.random.default_rng(0)
    kept["snapshots"] = [
        {**kept["snapshots"][0], "step": step, "maps": pack(rng.normal(size=(4, 8, 14, 14)), 63)}
        for step in range(12)
    ]
    with pytest.raises(ValueError, match=r"at most 40960 bytes gzipped\. It has .*most of them in 'snap"):
        write("large", kept, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_breaks_off_keeps_the_old_recording(tmp_path, monkeypatch):
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
    with refuses("recording: tiny must be a whole recording. It is damaged: it is no JSON. Record it again."):
        read("tiny", folder=tmp_path)


def test_another_encoding_is_refused(tmp_path, refuses):
    (tmp_path / "tiny.json").write_bytes(b"\xff\xfe\x00")
    with refuses("recording: tiny must be a whole recording. It is damaged: it is no JSON. Record it again."):
        read("tiny", folder=tmp_path)


@pytest.mark.parametrize(
    ("content", "found"), [({}, None), ([], "list"), ({"format": "cnnbook results 1"}, "cnnbook results 1")]
)
def test_a_foreign_file_is_refused(tmp_path, refuses, content, found):
    (tmp_path / "tiny.json").write_text(json.dumps(content))
    with refuses(
        f"recording: tiny must be a recorded run in the format 'cnnbook run'. Received format={found!r}. "
        "Record it with a Recorder."
    ):
        read("tiny", folder=tmp_path)


@pytest.mark.parametrize("version", [2, 0, None, "1"])
def test_another_version_is_refused(refuses, version):
    with refuses(
        f"recording: this must be of version 1. Received version={version!r}. "
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
    with pytest.raises(
        ValueError, match=r"^recording: this must be a whole recording. It is damaged: "
    ) as error:
        check(spoiled(change))
    assert why in str(error.value)


def test_a_missing_recording_is_refused_with_those_there_are(tmp_path, refuses):
    write("tiny", run(), folder=tmp_path)
    with refuses(
        f"recording: there is no recording 'other' in {tmp_path.name}/. There are: tiny. "
        "In a clone of the book, `make results` records what is missing.",
        FileNotFoundError,
    ):
        read("other", folder=tmp_path)


@pytest.mark.parametrize("name", ["", "A", "../x", "a b", 3])
def test_a_name_is_a_plain_word(refuses, name):
    with refuses(
        "recording: name must be lower-case letters, digits and underscores, starting with a letter. "
        f"Received name={name!r}."
    ):
        read(name)


def test_every_recording_of_the_book_is_whole_and_small():
    for path in sorted(replay.FOLDER.glob("*.json")):
        read(path.stem)
        assert len(gzip.compress(path.read_bytes())) <= replay.LARGEST, path.name


def test_settings_that_json_cannot_hold_are_refused(tmp_path, refuses):
    with refuses(
        "recording: settings and numbers must be what JSON can hold, and finite. Received something else. "
        "Convert NumPy's values with float() or .tolist()."
    ):
        write("tiny", empty("a", {"rate": np.float32(1)}), folder=tmp_path)
