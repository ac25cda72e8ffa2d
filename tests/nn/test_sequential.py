"""The network as a whole: order, names, counts, and files that come back or fail with a sentence."""

import io
import json
import zipfile

import numpy as np
import pytest

from cnnbook.nn import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    HeNormal,
    LeakyReLU,
    MaxPooling2D,
    ReLU,
    Rescaling,
    Sequential,
    load,
)

IMAGES = (6, 5, 2)


def small_cnn(seed=0, dtype=np.float32):
    model = Sequential(
        [
            Conv2D(4, (3, 2), padding="same", kernel_initializer=HeNormal()),
            BatchNormalization(),
            LeakyReLU(0.1),
            MaxPooling2D(2),
            Flatten(),
            Dropout(0.3),
            Dense(3),
        ]
    )
    model.build(IMAGES, seed=seed, dtype=dtype)
    return model


def draw(shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def test_forward_goes_through_all_layers_in_order():
    model, x = Sequential([Rescaling(2.0), Rescaling(1.0, offset=3.0)]), np.array([[1.0]])
    model.build((1,), dtype=np.float64)
    assert model.forward(x).tolist() == [[5]]


def test_backward_goes_through_all_layers_in_reverse():
    model = Sequential([Dense(3), ReLU(), Dense(2)])
    model.build((4,), seed=0, dtype=np.float64)
    x, dout = draw((5, 4), np.float64), draw((5, 2), np.float64)
    model.forward(x, training=True)
    dx = model.backward(dout)
    first, _, last = model.layers
    hidden = x @ first.params["kernel"] + first.params["bias"]
    dhidden = dout @ last.params["kernel"].T * (hidden > 0)
    np.testing.assert_allclose(dx, dhidden @ first.params["kernel"].T)
    np.testing.assert_allclose(first.grads["kernel"], x.T @ dhidden)
    np.testing.assert_allclose(last.grads["kernel"], np.maximum(hidden, 0).T @ dout)


def test_only_the_first_layer_is_spared_its_input_gradient():
    model = small_cnn()
    out = model.forward(draw((2, *IMAGES)), training=True)
    assert model.backward(out, input_gradient=False) is None
    assert all(np.abs(grad).max() > 0 for name, _, grad in model.parameters() if name != "0/bias")


def test_the_way_back_ends_at_the_first_layer_that_learns():
    class Counted(ReLU):
        asked = ()

        def backward(self, dout, *, input_gradient=True):
            self.asked = (*self.asked, input_gradient)
            return super().backward(dout, input_gradient=input_gradient)

    below, above = Counted(), Counted()
    model = Sequential([below, Dense(4, trainable=False), between := Counted(), Dense(3), above, Dense(2)])
    model.build((5,))
    x = draw((2, 5)).astype(np.float32)
    out = model.forward(x, training=True)
    assert model.backward(out, input_gradient=False) is None
    assert (below.asked, between.asked, above.asked) == ((), (), (True,))
    assert model.layers[1].grads == {}
    out = model.forward(x, training=True)
    assert model.backward(out).shape == x.shape
    assert (below.asked, between.asked, above.asked) == ((True,), (True,), (True, True))


def test_layers_below_the_first_that_learns_forget_what_they_kept():
    model = Sequential([ReLU(), Dense(4), Dense(2)])
    model.build((5,))
    x = draw((2, 5)).astype(np.float32)
    model.backward(model.forward(x, training=True), input_gradient=False)
    with pytest.raises(RuntimeError, match="needs a forward pass of its own"):
        model.layers[0].backward(x)


def test_a_network_that_learns_nothing_walks_all_the_way_back():
    model = Sequential([Dense(4, trainable=False), ReLU()])
    model.build((5,))
    out = model.forward(draw((2, 5)).astype(np.float32), training=True)
    assert model.backward(out, input_gradient=False) is None
    assert set(model.layers[0].grads) == {"kernel", "bias"}


def test_inference_switches_training_off_in_every_layer():
    model = small_cnn()
    x, before = draw((4, *IMAGES)), {name: array.copy() for name, array in model.weights().items()}
    np.testing.assert_array_equal(model.forward(x), model.forward(x))
    for name, array in model.weights().items():
        np.testing.assert_array_equal(array, before[name])
    assert not np.array_equal(model.forward(x, training=True), model.forward(x, training=True))


def test_the_seed_decides_all_weights_and_masks():
    x = draw((4, *IMAGES))
    same = [small_cnn(seed=3).forward(x, training=True) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert not np.array_equal(small_cnn(seed=4).forward(x, training=True), same[0])


def test_every_layer_has_a_generator_of_its_own():
    """Equal layers start unlike each other, and weights do not depend on what the layers before drew."""
    model = Sequential([Dense(4), Dense(4), Dense(4)])
    model.build((4,), seed=0)
    kernels = [layer.params["kernel"] for layer in model.layers]
    assert not np.array_equal(kernels[0], kernels[1])
    other = Sequential([ReLU(), Dense(4), Dense(4)])
    other.build((4,), seed=0)
    np.testing.assert_array_equal(other.layers[2].params["kernel"], kernels[2])


def test_parameters_are_named_by_index_and_leave_frozen_layers_out():
    model = small_cnn()
    names = ["0/kernel", "0/bias", "1/gamma", "1/beta", "6/kernel", "6/bias"]
    assert [name for name, _, _ in model.parameters()] == names
    assert all(grad is None for _, _, grad in model.parameters())
    model.layers[0].trainable = False
    assert [name for name, _, _ in model.parameters()] == names[2:]


def test_weights_hold_learned_and_unlearned_arrays_in_keras_order():
    model = small_cnn()
    names = "0/kernel 0/bias 1/gamma 1/beta 1/moving_mean 1/moving_variance 6/kernel 6/bias"
    assert list(model.weights()) == names.split()
    assert model.weights()["1/moving_mean"] is model.layers[1].state["moving_mean"]


def test_the_counts_are_the_ones_keras_prints(capsys):
    mlp = Sequential([Flatten(), Dense(256), ReLU(), Dense(128), ReLU(), Dropout(0.5), Dense(10)])
    mlp.build((28, 28, 1))
    mlp.summary()
    assert (
        "Total params: 235,146\nTrainable params: 235,146\nNon-trainable params: 0\n"
        in capsys.readouterr().out
    )
    conv = [
        layer
        for filters in (16, 32)
        for layer in (Conv2D(filters, 3, padding="same"), BatchNormalization(), ReLU(), MaxPooling2D(2))
    ]
    cnn = Sequential([*conv, Flatten(), Dense(256), ReLU(), Dense(128), ReLU(), Dropout(0.5), Dense(10)])
    cnn.build((28, 28, 1))
    cnn.summary()
    printed = capsys.readouterr().out
    assert "Total params: 440,842\nTrainable params: 440,746\nNon-trainable params: 96\n" in printed
    assert "5  BatchNormalization       (N, 14, 14, 32)             128\n" in printed
    cnn.layers[9].trainable = False
    cnn.summary()
    assert "Trainable params: 39,082\nNon-trainable params: 401,760\n" in capsys.readouterr().out


def test_something_that_is_no_layer_is_refused(refuses):
    with refuses("Sequential: layers must be layer objects. Received 'relu' as layer 1."):
        Sequential([Dense(3), "relu"])
    with refuses(f"Sequential: layers must be layer objects. Received {ReLU!r} as layer 0."):
        Sequential([ReLU])


def test_a_layer_used_twice_is_refused(refuses):
    relu = ReLU()
    with refuses(
        "Sequential: every layer must be an object of its own. Received layer 2 (ReLU) twice. "
        "Make a second one."
    ):
        Sequential([relu, Dense(3), relu])


def test_no_layers_are_refused(refuses):
    with refuses("Sequential needs at least one layer. Received an empty list."):
        Sequential([])


def test_a_layer_that_does_not_fit_is_named_with_its_own_complaint(refuses):
    with refuses(
        "Layer 1 cannot be built. Dense works on vectors of shape (features,). "
        "Received input_shape=(26, 26, 4). Put Flatten() before it."
    ):
        Sequential([Conv2D(4, 3), Dense(10)]).build((28, 28, 1))


@pytest.mark.parametrize("what", ["forward", "summary", "save"])
def test_an_unbuilt_network_is_refused(refuses, what, tmp_path):
    model = Sequential([Dense(3)])
    arguments = {"forward": [np.ones((1, 3))], "summary": [], "save": [tmp_path / "model.npz"]}[what]
    with refuses(
        f"Sequential is not built yet. Call build(input_shape, seed) once before {what}.", RuntimeError
    ):
        getattr(model, what)(*arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_saved_network_comes_back_with_layers_weights_and_statistics(tmp_path, dtype):
    model, x = small_cnn(seed=5, dtype=dtype), draw((4, *IMAGES), dtype)
    model.layers[2].trainable = False
    model.forward(x, training=True)
    model.save(tmp_path / "model.npz")
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
    model.save(path)
    before = path.read_bytes()

    def fails(file, **arrays):
        file.write(b"half a file")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fails)
    with pytest.raises(OSError, match="disk full"):
        model.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.npz"]


def test_a_saved_file_holds_no_pickle(tmp_path):
    small_cnn().save(tmp_path / "model.npz")
    with zipfile.ZipFile(tmp_path / "model.npz") as archive:
        for name in archive.namelist():
            np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)


DAMAGED = "load: {path} must be a complete npz file. It is damaged or something else. Save the model again."
FOREIGN = "load: {path} must hold a model written by model.save. It is an npz file of something else."


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
    small_cnn().save(path)
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
