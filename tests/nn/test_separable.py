"""Separable convolution: its two halves, and the full convolution that it equals."""

import numpy as np
import pytest

from cnnbook.nn import Conv2D, DepthwiseConv2D, SeparableConv2D

rng = np.random.default_rng(0)
SETTINGS = [
    {},
    {"strides": (2, 1), "padding": "same"},
    {"depth_multiplier": 3},
    {"dilation_rate": (1, 2), "depth_multiplier": 2, "padding": "same"},
]


def built(layer, shape=(6, 7, 3)):
    layer.build(shape, np.random.default_rng(1), np.float64)
    return layer


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_it_equals_the_full_convolution_with_the_product_of_its_kernels(settings):
    layer = built(SeparableConv2D(4, (3, 2), **settings))
    layer.params["bias"][:] = [1, 2, 3, 4]
    depthwise, pointwise = layer.params["depthwise_kernel"], layer.params["pointwise_kernel"][0, 0]
    geometry = {name: value for name, value in settings.items() if name != "depth_multiplier"}
    full = built(Conv2D(4, (3, 2), **geometry))
    full.params["kernel"] = np.einsum("uvcm,cmf->uvcf", depthwise, pointwise.reshape(*depthwise.shape[2:], 4))
    full.params["bias"] = layer.params["bias"]
    x = rng.standard_normal((2, 6, 7, 3))
    np.testing.assert_allclose(layer.forward(x), full.forward(x), atol=1e-12)


def test_it_is_a_depthwise_convolution_and_a_1x1_convolution():
    layer, first, second = (
        built(SeparableConv2D(4, 3)),
        built(DepthwiseConv2D(3, use_bias=False)),
        Conv2D(4, 1),
    )
    second.build((4, 5, 3), rng, np.float64)
    first.params["kernel"] = layer.params["depthwise_kernel"]
    second.params["kernel"] = layer.params["pointwise_kernel"]
    x = rng.standard_normal((2, 6, 7, 3))
    np.testing.assert_allclose(layer.forward(x), second.forward(first.forward(x)))


def test_arrays_have_keras_names_and_an_array_that_is_replaced_is_used():
    layer = built(SeparableConv2D(4, (3, 2), depth_multiplier=2))
    shapes = {name: array.shape for name, array in layer.params.items()}
    assert shapes == {"depthwise_kernel": (3, 2, 3, 2), "pointwise_kernel": (1, 1, 6, 4), "bias": (4,)}
    layer.params["pointwise_kernel"] = np.zeros((1, 1, 6, 4))
    layer.params["bias"] = np.arange(4.0)
    assert (layer.forward(np.ones((1, 6, 7, 3))) == np.arange(4.0)).all()


def test_messages_name_the_layer_that_was_made():
    with pytest.raises(ValueError, match="SeparableConv2D: filters must be"):
        SeparableConv2D(0, 3)
    with pytest.raises(ValueError, match="SeparableConv2D: a 9x9 window does not fit"):
        SeparableConv2D(2, 9).output_shape((6, 7, 3))
    with pytest.raises(ValueError, match="SeparableConv2D was built for inputs of shape"):
        built(SeparableConv2D(2, 3)).forward(np.ones((1, 6, 7, 2)))
