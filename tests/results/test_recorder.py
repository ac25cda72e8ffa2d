"""What a recorder keeps of a training run: the right numbers, and the run as it would be without it."""

import numpy as np
import pytest
from support.tiny_runs import CLASSES, images, network

from cnnbook import nn
from cnnbook.results import recorder as module
from cnnbook.results.packing import unpack_letters
from cnnbook.results.recorder import Recorder
from cnnbook.results.replay import append, empty


def trained(callbacks, model=None, **settings):
    x, y = images()
    settings = {"epochs": 2, "batch_size": 8, **settings}
    return nn.fit(
        model or network(), nn.SoftmaxCrossEntropy(), nn.SGD(0.1), x, y, callbacks=callbacks, **settings
    )


def test_the_numbers_of_every_step_and_epoch_are_those_of_the_history():
    recorder = Recorder("a")
    x, y = images()
    history = trained([recorder], validation_data=(x, y))
    kept = recorder.replay()
    assert kept["steps"]["step"] == list(range(12))
    np.testing.assert_allclose(kept["steps"]["loss"], history.steps["loss"], rtol=1e-3)
    assert kept["epochs"]["step"] == [6, 12]
    np.testing.assert_allclose(kept["epochs"]["val_accuracy"], history.history["val_accuracy"], rtol=1e-3)


def test_a_snapshot_is_the_network_after_so_many_updates():
    x, y = images()
    recorder, model = Recorder("a", images=x[:2], examples=(x, y), classes=CLASSES), network()
    before = model.layers[0].params["kernel"].copy()
    trained([recorder], model)
    shots = {shot["step"]: shot for shot in recorder.replay()["snapshots"]}
    assert list(shots) == [0, 1, 2, 4, 8, 12]
    for step, weights in ((0, before), (12, model.layers[0].params["kernel"])):
        kernels = unpack_letters(shots[step]["kernels"])
        assert kernels.shape == (4, 3, 2)
        np.testing.assert_allclose(
            kernels, np.moveaxis(weights[:, :, 0], 2, 0), atol=np.abs(weights).max() / 50
        )
    maps = model.layers[0].forward(x[:2])
    np.testing.assert_allclose(
        unpack_letters(shots[12]["maps"]), np.moveaxis(maps, 3, 1), atol=np.abs(maps).max() / 12
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
    kept = recorder.replay()
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
def test_the_keras_twin_leaves_the_same_replay():
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
    one, other = ours.replay(), theirs.replay()
    assert one["layers"] == other["layers"]
    for part in ("steps", "epochs"):
        for key in one[part]:
            np.testing.assert_allclose(one[part][key], other[part][key], rtol=2e-3, err_msg=key)
    np.testing.assert_allclose(one["norms"], other["norms"], rtol=2e-2)
    for mine, its in zip(one["snapshots"], other["snapshots"], strict=True):
        assert mine["confusion"] == its["confusion"]
        np.testing.assert_allclose(unpack_letters(mine["kernels"]), unpack_letters(its["kernels"]), atol=0.03)


def test_a_recorder_keeps_one_run(refuses):
    recorder = Recorder("a")
    trained([recorder])
    with refuses(
        "Recorder: one recorder keeps one run. This one has one. Make a new Recorder.", RuntimeError
    ):
        trained([recorder])


def test_a_listener_hears_every_entry_and_can_rebuild_the_replay():
    heard = empty("a")
    recorder = Recorder("a", listener=lambda entry: append(heard, entry))
    trained([recorder])
    assert heard == recorder.replay()


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


def test_maps_larger_than_fourteen_pixels_are_averaged_down():
    shrunk = module.shrink(np.arange(2 * 28 * 20, dtype=float).reshape(2, 28, 20))
    assert shrunk.shape == (2, 14, 10)
    assert shrunk[0, 0, 0] == np.mean([0, 1, 20, 21])
