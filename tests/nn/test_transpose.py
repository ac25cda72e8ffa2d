"""Transposed convolution: laid down by loops, turned round from a convolution, sizes, and what is refused."""

import itertools

import numpy as np
import pytest

from cnnbook.nn import Conv2D, Conv2DTranspose
from cnnbook.shapes import output_size, transposed_size

rng = np.random.default_rng(0)


def built(layer, shape):
    layer.build(shape, rng, np.float64)
    return layer


def laid_down(x, layer):
    """Every pixel times the kernel, added where it belongs, one by one; then cut to the layer's size."""
    kernel, (k_h, k_w), (s_h, s_w) = layer.params["kernel"], layer.kernel_size, layer.strides
    (top, _), (left, _) = layer.pads()
    height, width, filters = layer.output_shape(x.shape[1:])
    canvas = np.zeros((len(x), height + k_h + s_h, width + k_w + s_w, filters))
    for n, i, j in np.ndindex(x.shape[:3]):
        for u, v, f in np.ndindex(k_h, k_w, filters):
            canvas[n, i * s_h + u, j * s_w + v, f] += x[n, i, j] @ kernel[u, v, f]
    return canvas[:, top : top + height, left : left + width] + layer.params["bias"]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (2, 3), (4, 2)])
@pytest.mark.parametrize("kernel_size", [(3, 2), (1, 4), (5, 5)])
def test_every_pixel_lays_down_the_kernel_and_overlaps_add_up(kernel_size, strides, padding):
    layer = built(Conv2DTranspose(2, kernel_size, strides, padding), (3, 4, 3))
    layer.params["bias"][:] = [0.5, -1]
    x = rng.standard_normal((2, 3, 4, 3))
    np.testing.assert_allclose(layer.forward(x), laid_down(x, layer), atol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
def test_it_is_the_input_gradient_of_the_convolution_with_the_same_kernel(strides, padding):
    turned = built(Conv2DTranspose(2, (3, 2), strides, padding, use_bias=False), (3, 4, 5))
    size = turned.output_shape((3, 4, 5))
    conv = built(Conv2D(5, (3, 2), strides, padding, use_bias=False), size)
    conv.params["kernel"] = turned.params["kernel"]
    x, y = rng.standard_normal((2, *size)), rng.standard_normal((2, 3, 4, 5))
    assert conv.forward(x, training=True).shape == y.shape
    np.testing.assert_allclose(turned.forward(y, training=True), conv.backward(y), atol=1e-12)
    np.testing.assert_allclose(turned.backward(x), conv.forward(x), atol=1e-12)


def test_the_size_is_one_that_the_convolution_takes_back():
    for size, kernel_size, stride, padding in itertools.product(
        range(1, 7), range(1, 7), range(1, 5), ("valid", "same")
    ):
        length = transposed_size(size, kernel_size, stride, padding)
        assert output_size(length, kernel_size, stride, padding=padding) == size


def test_a_convolution_that_is_turned_round_is_not_undone():
    conv = built(Conv2D(1, 3), (6, 6, 1))
    turned = built(Conv2DTranspose(1, 3), (4, 4, 1))
    turned.params["kernel"] = conv.params["kernel"]
    x = rng.standard_normal((1, 6, 6, 1))
    back = turned.forward(conv.forward(x))
    assert back.shape == x.shape
    assert np.abs(back - x).max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 0, "kernel_size": 3}, "Conv2DTranspose: filters must be a whole number of at least 1"),
        ({"filters": 1, "kernel_size": 0}, "Conv2DTranspose: kernel_size must be"),
        ({"filters": 1, "kernel_size": 3, "padding": "full"}, "Conv2DTranspose: padding must be"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Conv2DTranspose(**arguments)


def test_what_is_no_image_is_refused():
    with pytest.raises(ValueError, match="Conv2DTranspose works on images of shape"):
        Conv2DTranspose(1, 3).output_shape((4,))
