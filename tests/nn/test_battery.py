"""What holds for every layer in the table: the contract of architecture and `cnnbook.nn.layer`."""

import copy

import numpy as np
import pytest
from support.battery import LAYERS, NAMES

from cnnbook import nn
from cnnbook.gradcheck import check_layer
from cnnbook.nn.saving import from_config, to_config

every_layer = pytest.mark.parametrize(("layer", "input_shape"), LAYERS, ids=NAMES)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def built(layer, input_shape, dtype=np.float64, seed=0):
    layer = copy.deepcopy(layer)
    layer.build(input_shape, np.random.default_rng(seed), dtype)
    return layer


def draw(shape, dtype=np.float64, seed=1):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def test_every_public_layer_has_a_row():
    public = {getattr(nn, name) for name in nn.__all__}
    layers = {cls for cls in public if isinstance(cls, type) and issubclass(cls, nn.Layer)} - {nn.Layer}
    assert layers == {type(layer) for layer, _ in LAYERS}


@every_layer
def test_gradients_agree_with_finite_differences(layer, input_shape):
    report = check_layer(layer, input_shape, rng=0)
    assert report.error < 1e-6
    assert {c.name for c in report.comparisons} == {"x", *built(layer, input_shape).params}
    assert all(c.kinks == 0 for c in report.comparisons)


@every_layer
@both_dtypes
def test_shape_and_dtype_come_out_as_announced(layer, input_shape, dtype):
    layer = built(layer, input_shape, dtype)
    out = layer.forward(draw((2, *input_shape), dtype), training=True)
    dx = layer.backward(draw(out.shape, dtype))
    assert out.shape == (2, *layer.output_shape(input_shape))
    assert dx.shape == (2, *input_shape)
    arrays = [out, dx, *layer.params.values(), *layer.grads.values(), *layer.state.values()]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    assert {name: grad.shape for name, grad in layer.grads.items()} == {
        name: param.shape for name, param in layer.params.items()
    }


@every_layer
def test_build_returns_the_output_shape_and_the_same_seed_builds_the_same_layer(layer, input_shape):
    one, other = built(layer, input_shape), copy.deepcopy(layer)
    assert other.build(input_shape, np.random.default_rng(0), np.float64) == layer.output_shape(input_shape)
    x = draw((3, *input_shape))
    np.testing.assert_array_equal(one.forward(x, training=True), other.forward(x, training=True))


@every_layer
def test_inference_leaves_no_trace(layer, input_shape):
    layer = built(layer, input_shape)
    before = copy.deepcopy((layer.params, layer.state))
    layer.forward(draw((3, *input_shape)))
    for arrays, copies in zip((layer.params, layer.state), before, strict=True):
        for name in arrays:
            np.testing.assert_array_equal(arrays[name], copies[name])
    assert layer.grads == {}
    with pytest.raises(RuntimeError, match="needs a forward pass of its own"):
        layer.backward(draw((3, *layer.output_shape(input_shape))))


@every_layer
def test_inference_answers_for_each_example_alone(layer, input_shape):
    layer = built(layer, input_shape)
    layer.forward(draw((4, *input_shape), seed=2), training=True)
    x = draw((3, *input_shape))
    together = layer.forward(x)
    for n in range(3):
        np.testing.assert_allclose(layer.forward(x[n : n + 1])[0], together[n], atol=1e-12)
    assert layer.forward(x[:0]).shape == (0, *layer.output_shape(input_shape))


@every_layer
def test_results_are_never_overwritten_by_a_later_call(layer, input_shape):
    layer = built(layer, input_shape)
    kept, copies = [], []
    for seed in range(2):
        out = layer.forward(draw((3, *input_shape), seed=seed), training=True)
        results = [out, layer.backward(draw(out.shape, seed=seed + 5)), *layer.grads.values()]
        results += layer.state.values()
        kept += results
        copies += [result.copy() for result in results]
    for array, copied in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(array, copied)


@every_layer
def test_the_configuration_makes_the_same_layer_again(layer, input_shape):
    config = to_config(layer)
    again = from_config(config["class"], config["arguments"], nn.Layer)
    assert repr(again) == repr(layer)
    assert again.trainable == layer.trainable


@every_layer
def test_a_wrong_shape_is_refused_at_the_door(layer, input_shape):
    layer = built(layer, input_shape)
    wrong = (*input_shape[:-1], input_shape[-1] + 1)
    with pytest.raises(ValueError, match="was built for inputs of shape"):
        layer.forward(np.ones((2, *wrong)))
    with pytest.raises(ValueError, match="was built to compute in float64"):
        layer.forward(np.ones((2, *input_shape), np.float32))
    out = layer.forward(np.ones((2, *input_shape)), training=True)
    with pytest.raises(ValueError, match="Received dout of dtype float32"):
        layer.backward(out.astype(np.float32))
