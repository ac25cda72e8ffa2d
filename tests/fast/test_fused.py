"""The fused way: the plain layers' numbers, in one shard and in several, and what it refuses."""

import copy

import numpy as np
import pytest

from cnnbook import nn
from cnnbook.fast.fused import Block, cut, fuse, steps_of

ROUNDING = {"rtol": 1e-5, "atol": 1e-5}


def network(pool=None, conv=None, norm=None, dtype=np.float32, image=(9, 10, 2)):
    """Two blocks, the second with overlap, stride, padding and negative gammas, dropout and a dense head."""
    first = [nn.Rescaling(0.5), nn.Conv2D(4, 3, padding="same"), nn.BatchNormalization(), nn.ReLU()]
    second = [conv or nn.Conv2D(6, (2, 3)), norm or nn.BatchNormalization(0.7), nn.ReLU()]
    second.append(pool or nn.MaxPooling2D((2, 3), strides=(2, 1), padding="same"))
    head = [nn.Flatten(), nn.Dense(8), nn.ReLU(), nn.Dropout(0.5), nn.Dense(5)]
    model = nn.Sequential([*first, nn.MaxPooling2D(2), *second, *head])
    model.build(image, seed=3, dtype=dtype)
    rng = np.random.default_rng(4)
    for layer in model.layers:
        for arrays in (layer.params, layer.state):
            for name, array in arrays.items():
                if name != "kernel":
                    array[...] = rng.uniform(0.5, 1.5, array.shape)
        if "gamma" in layer.params:
            layer.params["gamma"][::2] *= -1
    return model


def batch(n=7, dtype=np.float32, image=(9, 10, 2)):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, *image)).astype(dtype), rng.integers(0, 5, n)


def there_and_back(model, x, dtype=np.float32):
    out = model.forward(x, training=True)
    dx = model.backward(np.random.default_rng(1).standard_normal(out.shape).astype(dtype))
    arrays = {"out": out, "dx": dx}
    arrays |= {f"{name}, gradient": grad for name, _, grad in model.parameters()}
    return arrays | {
        f"{index}/{name}": array
        for index, layer in enumerate(model.layers)
        for name, array in layer.state.items()
    }


def assert_same(found, expected, **tolerance):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        scale = max(1, np.abs(array).max())
        np.testing.assert_allclose(found[name] / scale, array / scale, err_msg=name, **tolerance)


VARIANTS = {
    "overlap, padding": {},
    "no bias": {"conv": nn.Conv2D(6, 2, use_bias=False)},
    "stride, groups": {"conv": nn.Conv2D(6, 2, strides=(1, 2), groups=2, padding="same")},
    "dilation": {"conv": nn.Conv2D(6, 2, dilation_rate=(1, 2))},
    "left over": {"pool": nn.MaxPooling2D(2)},
    "gaps": {"pool": nn.MaxPooling2D((1, 2), strides=(2, 3))},
    "no gamma": {"norm": nn.BatchNormalization(scale=False)},
    "no beta": {"norm": nn.BatchNormalization(center=False)},
    "frozen norm": {"norm": nn.BatchNormalization(trainable=False)},
    "frozen conv": {"conv": nn.Conv2D(6, 2, trainable=False)},
}


@pytest.mark.parametrize("shards", [1, 2, 3])
@pytest.mark.parametrize("variant", VARIANTS)
def test_outputs_gradients_and_statistics_are_the_plain_layers(variant, shards):
    model = network(**copy.deepcopy(VARIANTS[variant]), dtype=np.float64)
    x, _ = batch(dtype=np.float64)
    found = there_and_back(fuse(copy.deepcopy(model), shards=shards), x, np.float64)
    assert_same(found, there_and_back(model, x, np.float64), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shards", [1, 2])
def test_in_float32_they_agree_to_rounding_and_stay_float32(shards):
    model, (x, _) = network(), batch(16)
    found, expected = there_and_back(fuse(copy.deepcopy(model), shards=shards), x), there_and_back(model, x)
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    for name in ("1/bias, gradient", "5/bias, gradient"):  # truly 0; plain layers find rounding
        assert not found.pop(name).any()
        assert np.abs(expected.pop(name)).max() < 1e-4
    assert_same(found, expected, **ROUNDING)


@pytest.mark.parametrize("shards", [1, 2])
def test_ties_send_the_blame_to_the_first_maximum_as_plain_pooling_does(shards):
    model = network(dtype=np.float64)
    x = np.random.default_rng(0).integers(0, 2, (6, 9, 10, 2)).astype(np.float64)
    x[:, 2:7, 3:9] = 1  # flat: whole windows of equal numbers
    found = there_and_back(fuse(copy.deepcopy(model), shards=shards), x, np.float64)
    assert_same(found, there_and_back(model, x, np.float64), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shards", [1, 2])
def test_inference_uses_the_moving_statistics_and_leaves_no_trace(shards):
    model, (x, _) = network(), batch()
    before, fused = copy.deepcopy(model.weights()), fuse(model, shards=shards)
    np.testing.assert_allclose(fused.forward(x), model.forward(x), **ROUNDING)
    for name, array in model.weights().items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(RuntimeError, match="needs a forward pass of its own"):
        fused.backward(np.ones((7, 5), np.float32))


@pytest.mark.parametrize("shards", [1, 2])
@pytest.mark.parametrize("optimizer", [nn.SGD(0.05, momentum=0.9), nn.RMSprop(1e-4), nn.Adam(1e-3)])
def test_training_gives_the_same_losses_with_the_same_dropout_masks(shards, optimizer):
    x, y = batch(40, np.float64)
    runs = []
    for wrap in (lambda model: model, lambda model: fuse(model, shards=shards)):
        model = network(dtype=np.float64)
        settings = {"epochs": 3, "batch_size": 13, "seed": 5, "validation_data": (x[:9], y[:9])}
        runs.append(nn.fit(wrap(model), nn.SoftmaxCrossEntropy(), copy.deepcopy(optimizer), x, y, **settings))
    np.testing.assert_allclose(runs[1].steps["loss"], runs[0].steps["loss"], rtol=1e-6)
    np.testing.assert_allclose(runs[1].history["val_loss"], runs[0].history["val_loss"], rtol=1e-4)


def test_the_layers_are_shared_so_training_one_trains_the_other():
    model, (x, y) = network(), batch(16)
    before = copy.deepcopy(model.weights())
    fused = fuse(model)
    assert all(mine is theirs for mine, theirs in zip(fused.layers, model.layers, strict=True))
    nn.fit(fused, nn.SoftmaxCrossEntropy(), nn.SGD(0.1), x, y, epochs=1, batch_size=8)
    assert not np.array_equal(model.weights()["1/kernel"], before["1/kernel"])
    np.testing.assert_allclose(fused.forward(x), model.forward(x), **ROUNDING)


def test_save_writes_the_plain_model(tmp_path):
    model, (x, _) = network(), batch()
    nn.save(fuse(model, shards=2), tmp_path / "model.npz")
    again = nn.load(tmp_path / "model.npz")
    assert type(again) is nn.Sequential
    np.testing.assert_array_equal(again.forward(x), model.forward(x))


@pytest.mark.parametrize("shards", [1, 2])
def test_results_are_never_overwritten_and_inputs_never_written_to(shards):
    fused, (x, _) = fuse(network(), shards=shards), batch()
    kept_x = x.copy()
    first = there_and_back(fused, x)
    copies = {name: array.copy() for name, array in first.items()}
    dout = np.ones((7, 5), np.float32)
    fused.forward(x, training=True)
    fused.backward(dout)
    np.testing.assert_array_equal(x, kept_x)
    assert (dout == 1).all()
    for name, array in copies.items():
        np.testing.assert_array_equal(first[name], array, err_msg=name)


def test_the_input_gradient_is_left_out_and_layers_below_the_first_learner_are_not_asked():
    fused, (x, _) = fuse(network()), batch()
    out = fused.forward(x, training=True)
    assert fused.backward(out, input_gradient=False) is None
    assert all(grad is not None for _, _, grad in fused.parameters())


def test_a_frozen_start_is_not_walked_back_through():
    model, (x, _) = network(), batch()
    for layer in model.layers[:5]:
        layer.trainable = False
    found, plain = fuse(copy.deepcopy(model)), model
    for way in (found, plain):
        out = way.forward(x, training=True)
        way.backward(np.ones_like(out), input_gradient=False)
    assert found.layers[1].grads == plain.layers[1].grads == {}
    np.testing.assert_allclose(found.layers[5].grads["kernel"], plain.layers[5].grads["kernel"], **ROUNDING)


def test_every_block_of_four_is_found_and_nothing_else():
    layers = network().layers
    kinds = {index: type(step).__name__ for index, step in steps_of(layers).items()}
    assert {index for index, kind in kinds.items() if kind == "Block"} == {1, 5}
    assert sorted(kinds) == [0, 1, 5, 9, 10, 11, 12, 13]

    class MyConv(nn.Conv2D):
        """A convolution of somebody's own: its forward may do anything."""

    assert not any(isinstance(step, Block) for step in steps_of([MyConv(4, 3), *layers[2:5]]).values())


@pytest.mark.parametrize(("n", "shards"), [(7, 2), (7, 7), (3, 5), (1, 2), (64, 2)])
def test_a_batch_is_cut_into_pieces_that_cover_it_in_order(n, shards):
    pieces = cut(n, shards)
    assert [i for piece in pieces for i in range(n)[piece]] == list(range(n))
    sizes = [piece.stop - piece.start for piece in pieces]
    assert len(pieces) == min(n, shards)
    assert max(sizes) - min(sizes) <= 1


def test_an_empty_batch_goes_through_at_inference():
    fused = fuse(network(), shards=2)
    assert fused.forward(np.zeros((0, 9, 10, 2), np.float32)).shape == (0, 5)


def test_a_batch_norm_outside_a_block_runs_in_one_shard_and_is_refused_in_two(refuses):
    model = nn.Sequential([nn.Dense(4), nn.BatchNormalization(), nn.ReLU(), nn.Dense(2)])
    model.build((3,))
    x = np.random.default_rng(0).random((5, 3), np.float32)
    expected = there_and_back(copy.deepcopy(model), x)
    assert_same(there_and_back(fuse(model), x), expected, **ROUNDING)
    with refuses(
        "fuse: with shards=2 every BatchNormalization must stand right after a Conv2D and before a ReLU and "
        "a MaxPooling2D. Received one that does not. Use shards=1."
    ):
        fuse(model, shards=2)


def test_a_layer_of_your_own_runs_in_one_shard_and_is_refused_in_two(refuses):
    class Double(nn.Layer):
        def forward(self, x, *, training=False):
            self.remember(training, x.shape)
            return 2 * x

        def backward(self, dout, *, input_gradient=True):
            self.recall(dout)
            return 2 * dout

    model = nn.Sequential([nn.Dense(4), Double()])
    model.build((3,))
    x = np.ones((5, 3), np.float32)
    np.testing.assert_array_equal(fuse(model).forward(x), model.forward(x))
    with refuses(
        "fuse: with shards=2 every layer must be one of cnnbook.nn. Received a Double. Use shards=1."
    ):
        fuse(model, shards=2)


@pytest.mark.parametrize("model", [nn.Sequential([nn.Dense(4)]), nn.Dense(4)])
def test_a_model_that_is_not_built_is_refused(refuses, model):
    with refuses(
        "fuse needs a built Sequential. Call build(input_shape, seed) once before fuse.", RuntimeError
    ):
        fuse(model)


def test_shards_must_be_a_whole_number(refuses):
    with refuses("fuse: shards must be a whole number of at least 1. Received shards=0."):
        fuse(network(), shards=0)


@pytest.mark.parametrize("shards", [1, 2])
def test_a_wrong_input_and_a_second_backward_are_refused_in_the_layers_words(shards):
    fused, (x, _) = fuse(network(), shards=shards), batch()
    with pytest.raises(ValueError, match="was built for inputs of shape"):
        fused.forward(x[:, 1:], training=True)
    out = fused.forward(x, training=True)
    with pytest.raises(ValueError, match="expects dout in the shape of the output"):
        fused.backward(out[:, 1:])
    out = fused.forward(x, training=True)
    fused.backward(out)
    with pytest.raises(RuntimeError, match=r"FusedSequential\.backward needs a forward pass of its own"):
        fused.backward(out)


def test_residual_connections_run_as_they_are_and_never_in_pieces(refuses):
    inside = [nn.Conv2D(3, 3, padding="same"), nn.BatchNormalization(), nn.Dropout(0.5)]
    model = nn.Sequential([nn.Conv2D(3, 3), nn.Residual(inside), nn.Flatten(), nn.Dense(2)])
    model.build((6, 5, 1), seed=0)
    x = np.random.default_rng(0).random((4, 6, 5, 1), np.float32)
    plain = copy.deepcopy(model)
    np.testing.assert_array_equal(fuse(model).forward(x, training=True), plain.forward(x, training=True))
    with refuses(
        "fuse: with shards=2 no layer may be a Residual, whose layers may need all shards. Received one. "
        "Use shards=1."
    ):
        fuse(model, shards=2)
