"""Our convolution against Keras': outputs, gradients and weights, on shapes that tell the axes apart."""

import subprocess
import sys

import numpy as np
import pytest

from cnnbook.keras_twin import compare, keras, to_keras
from cnnbook.nn import Conv2D

pytestmark = pytest.mark.keras

# Keras refuses strides together with dilation; tests/nn compares those with a plain loop.
SETTINGS = [
    {},
    {"padding": "same"},
    {"strides": (2, 3)},
    {"strides": (2, 1), "padding": "same"},
    {"strides": 3, "padding": "same"},
    {"dilation_rate": (2, 1)},
    {"dilation_rate": (1, 3), "padding": "same"},
    {"groups": 2},
    {"groups": 2, "padding": "same", "strides": 2},
    {"use_bias": False},
]


@pytest.mark.parametrize("kernel_size", [(3, 2), (2, 3), (4, 4), (1, 1), (1, 5)], ids=str)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_output_and_every_gradient_agree_with_keras(settings, kernel_size):
    agreement = compare(Conv2D(4, kernel_size, **settings), (9, 13, 2))
    assert agreement.worst < 2e-6, agreement


def test_in_float64_the_two_agree_to_the_last_digits():
    agreement = compare(Conv2D(4, (3, 2), strides=2, padding="same"), (9, 8, 2), dtype=np.float64)
    assert agreement.worst < 1e-14, agreement


def test_compare_sees_a_wrong_gradient():
    class Unrotated(Conv2D):
        def backward(self, dout, *, input_gradient=True):
            dx = super().backward(dout, input_gradient=input_gradient)
            return dx[:, ::-1]

    Unrotated.__name__ = "Conv2D"
    assert compare(Unrotated(4, 3, padding="same"), (9, 8, 2)).differences["dx"] > 0.1


def test_compare_leaves_the_layer_as_it_was():
    layer = Conv2D(4, 3)
    compare(layer, (9, 8, 2))
    assert layer.input_shape is None
    assert layer.params == {}


def test_the_twin_has_copies_of_our_weights_under_keras_names():
    layer = Conv2D(5, (3, 2), strides=2, padding="same", dilation_rate=1)
    layer.build((9, 8, 2), np.random.default_rng(0))
    twin = to_keras(layer)
    assert isinstance(twin, keras.layers.Conv2D)
    assert (twin.filters, twin.kernel_size, twin.strides, twin.padding) == (5, (3, 2), (2, 2), "same")
    for ours, theirs in zip(layer.params.values(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    layer.params["kernel"][:] = 0
    assert np.abs(twin.get_weights()[0]).max() > 0


def test_an_unbuilt_layer_has_nothing_to_hand_over():
    with pytest.raises(
        RuntimeError,
        match=r"^Conv2D has no weights to hand over\. Call build\(input_shape, rng\) before to_keras\.$",
    ):
        to_keras(Conv2D(4, 3))


def test_loading_keras_prints_nothing_and_waits_until_it_is_needed():
    code = (
        "import sys, cnnbook.keras_twin as twin\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
        "twin.keras.layers.Dense(2)(twin.tf.zeros((1, 2)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
