"""Saved networks come back as they were, or fail to with a sentence."""

import io
import json
import zipfile
from dataclasses import dataclass

import numpy as np
import pytest
from nn.test_sequential import IMAGES, draw, small_cnn

from cnnbook import nn
from cnnbook.nn import Conv2D, ReLU, Sequential, load, save
from cnnbook.nn.saving import CLASSES


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_saved_network_comes_back_with_layers_weights_and_statistics(tmp_path, dtype):
    model, x = small_cnn(seed=5, dtype=dtype), draw((4, *IMAGES), dtype)
    model.layers[2].trainable = False
    model.forward(x, training=True)
    save(model, tmp_path / "model.npz")
    again = load(str(tmp_path / "model.npz"))
    assert repr(again) == repr(model)
    assert [layer.trainable for layer in again.layers] == [layer.trainable for layer in model.layers]
    assert (again.input_shape, again.dtype) == (model.input_shape, model.dtype)
    np.testing.assert_array_equal(again.forward(x), model.forward(x))
    assert again.weights().keys() == model.weights().keys()
    again.backward(again.forward(x, training=True))
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_saving_replaces_the_old_file_only_when_the_new_one_is_whole(tmp_path, monkeypatch):
    path, model = tmp_path / "model.npz", small_cnn()
    save(model, path)
    before = path.read_bytes()

    def fails(file, **arrays):
        file.write(b"half a file")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fails)
    with pytest.raises(OSError, match="disk full"):
        save(model, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.npz"]


def test_a_saved_file_holds_no_pickle(tmp_path):
    save(small_cnn(), tmp_path / "model.npz")
    with zipfile.ZipFile(tmp_path / "model.npz") as archive:
        for name in archive.namelist():
            np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)


DAMAGED = "load: {path} must be a complete npz file. It is damaged or something else. Save the model again."
FOREIGN = "load: {path} must hold a model written by nn.save. It is an npz file of something else."


def changed(path, **changes):
    """Write the saved file again with some arrays replaced, or left out when None."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays |= changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def reconfigured(path, change):
    """Write the saved file again with a changed configuration."""
    with np.load(path) as archive:
        config = json.loads(str(archive["config"]))
    change(config)
    changed(path, config=json.dumps(config))


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.npz"
    save(small_cnn(), path)
    return path


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.999])
def test_a_truncated_file_is_refused(refuses, saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with refuses(DAMAGED.format(path=saved)):
        load(saved)


def test_a_flipped_bit_in_the_weights_is_refused(refuses, saved):
    content = bytearray(saved.read_bytes())
    kernel = small_cnn().layers[6].params["kernel"].tobytes()
    content[content.find(kernel) + 5] ^= 1
    saved.write_bytes(content)
    with refuses(DAMAGED.format(path=saved)):
        load(saved)


@pytest.mark.parametrize("content", [b"hello", b"\x80\x04N.", b"PK\x03\x04 and then nonsense"])
def test_a_file_of_something_else_is_refused(refuses, saved, content):
    saved.write_bytes(content)
    with refuses(DAMAGED.format(path=saved)):
        load(saved)


def test_a_single_array_is_refused(refuses, saved):
    with open(saved, "wb") as file:
        np.save(file, np.ones(3))
    with refuses(DAMAGED.format(path=saved)):
        load(saved)


def test_a_pickled_object_is_refused_and_not_run(refuses, saved, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("trapped").touch, ())

    changed(saved, config=np.array([Trap()], dtype=object))
    with refuses(DAMAGED.format(path=saved)):
        load(saved)
    assert not tmp_path.joinpath("trapped").exists()


@pytest.mark.parametrize(
    "config", [None, "no json", "[]", "3", '{"version": 1}', np.ones(3)], ids=lambda config: repr(config)
)
def test_an_npz_file_of_something_else_is_refused(refuses, saved, config):
    changed(saved, config=config)
    with refuses(FOREIGN.format(path=saved)):
        load(saved)


@pytest.mark.parametrize(
    "layer", [3, {"class": "Dense"}, {"arguments": {}}, {"class": "ReLU", "arguments": 3}]
)
def test_a_configuration_without_layers_is_refused(refuses, saved, layer):
    reconfigured(saved, lambda config: config["layers"].append(layer))
    with refuses(FOREIGN.format(path=saved)):
        load(saved)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_refused(refuses, saved, version):
    reconfigured(saved, lambda config: config.update(version=version))
    with refuses(
        f"load: {saved} must be a saved model of version 1. Received version={version!r}. "
        "Load it with the cnnbook that wrote it."
    ):
        load(saved)


@pytest.mark.parametrize("name", ["Evil", "os", "Layer.build", "Adam", "GlorotUniform", "load", "Sequential"])
def test_a_class_that_is_no_layer_of_the_library_is_refused(refuses, saved, name):
    reconfigured(saved, lambda config: config["layers"][0].update({"class": name}))
    with refuses(
        f"load: layers and initializers must be classes of cnnbook.nn. Received class {name!r}. "
        "Build this model in code and copy its arrays."
    ):
        load(saved)


@pytest.mark.parametrize("name", ["eval", "__class__"])
def test_an_initializer_that_is_no_class_of_the_library_is_refused(refuses, saved, name):
    def change(config):
        config["layers"][0]["arguments"]["kernel_initializer"]["class"] = name

    reconfigured(saved, change)
    with refuses(
        f"load: layers and initializers must be classes of cnnbook.nn. Received class {name!r}. "
        "Build this model in code and copy its arrays."
    ):
        load(saved)


def test_arguments_the_class_does_not_have_are_refused(refuses, saved):
    reconfigured(saved, lambda config: config["layers"][4]["arguments"].update(colour=3))
    with refuses(
        "load: Flatten cannot be made from {'trainable': True, 'colour': 3}. "
        "Flatten.__init__() got an unexpected keyword argument 'colour'."
    ):
        load(saved)


def test_values_the_class_refuses_are_refused(refuses, saved):
    reconfigured(saved, lambda config: config["layers"][5]["arguments"].update(rate=2))
    with refuses("Dropout: rate must be a number in [0, 1). Received rate=2."):
        load(saved)


@pytest.mark.parametrize(
    ("changes", "missing", "unexpected"),
    [
        ({"6/bias": None}, ["6/bias"], []),
        ({"7/kernel": np.ones(3)}, [], ["7/kernel"]),
        ({"1/gamma": None, "1/beta": None, "a": np.ones(3)}, ["1/beta", "1/gamma"], ["a"]),
    ],
)
def test_missing_and_unexpected_arrays_are_named(refuses, saved, changes, missing, unexpected):
    changed(saved, **changes)
    with refuses(
        f"load: {saved} must hold one array for every weight of its layers. "
        f"Missing {missing}, unexpected {unexpected}. Save the model again."
    ):
        load(saved)


def test_an_array_of_another_shape_or_dtype_is_refused(refuses, saved):
    changed(saved, **{"6/bias": np.ones(4, np.float32)})
    with refuses(
        f"load: 6/bias in {saved} must have shape (3,) and dtype float32. "
        "Received shape (4,) and dtype float32. Save the model again."
    ):
        load(saved)
    changed(saved, **{"6/bias": np.ones(3)})
    with refuses(
        f"load: 6/bias in {saved} must have shape (3,) and dtype float32. "
        "Received shape (3,) and dtype float64. Save the model again."
    ):
        load(saved)


@pytest.mark.parametrize("dtype", ["float16", "object", "nonsense", 3])
def test_a_dtype_that_cannot_be_built_is_refused(refuses, saved, dtype):
    reconfigured(saved, lambda config: config.update(dtype=dtype))
    with refuses(f"Layer 0 cannot be built. Conv2D computes in float32 or float64. Received dtype={dtype}."):
        load(saved)


def test_a_file_that_does_not_exist_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.npz"):
        load(tmp_path / "nothing.npz")


class Convolution:  # a namespace, so that the class has the library's name
    @dataclass(eq=False)
    class Conv2D(Conv2D):
        """A reader's own layer under the library's name."""


class Own(ReLU):
    """A reader's own layer."""


OWN = {
    "layer": [Own()],
    "layer of a library's name": [Convolution.Conv2D(2, 1)],
    "initializer": [Conv2D(2, 1, kernel_initializer=lambda shape, rng, dtype: np.zeros(shape, dtype))],
}


@pytest.mark.parametrize("layers", OWN.values(), ids=OWN)
def test_what_load_could_not_make_again_is_not_saved(layers, tmp_path):
    model = Sequential(layers)
    model.build(IMAGES)
    with pytest.raises(ValueError, match="save: layers and initializers must be classes"):
        save(model, tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []


def test_every_public_layer_and_initializer_can_be_saved():
    kinds = [kind for kind in map(vars(nn).get, nn.__all__) if isinstance(kind, type)]
    layers = {kind.__name__ for kind in kinds if issubclass(kind, nn.Layer) and kind is not nn.Layer}
    initializers = {
        name for name in nn.__all__ if name.endswith(("Normal", "Uniform", "Zeros")) and name[0].isupper()
    }
    assert len(initializers) == 6
    assert layers | initializers <= set(CLASSES)
    assert set(CLASSES) - layers - initializers == {"Normalization", "Pooling2D"}  # what several layers share


def test_a_file_as_it_was_first_written_still_loads(tmp_path):
    """The format of version 1, spelled out: names and layout must not change under files that people have."""
    layers = [
        {
            "class": "Conv2D",
            "arguments": {
                "trainable": True,
                "filters": 2,
                "kernel_size": [3, 2],
                "strides": [1, 1],
                "padding": "same",
                "dilation_rate": [1, 1],
                "groups": 1,
                "use_bias": True,
                "kernel_initializer": {"class": "GlorotUniform", "arguments": {}},
            },
        },
        {"class": "BatchNormalization", "arguments": {"trainable": True, "momentum": 0.9, "epsilon": 0.01}},
        {"class": "Flatten", "arguments": {"trainable": True}},
    ]
    config = {"version": 1, "input_shape": [4, 5, 1], "dtype": "float32", "layers": layers}
    two = np.array([1, 2], np.float32)
    arrays = {"0/kernel": np.arange(12, dtype=np.float32).reshape(3, 2, 1, 2), "0/bias": two}
    arrays |= {f"1/{name}": two for name in ("gamma", "beta", "moving_mean", "moving_variance")}
    np.savez(tmp_path / "old.npz", config=json.dumps(config), **arrays)
    model = load(tmp_path / "old.npz")
    assert [layer.name for layer in model.layers] == ["Conv2D", "BatchNormalization", "Flatten"]
    np.testing.assert_array_equal(model.weights()["0/kernel"], arrays["0/kernel"])
