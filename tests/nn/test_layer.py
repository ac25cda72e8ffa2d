"""The contract itself: the doors, the memory between forward and backward, and the value checks."""

from dataclasses import dataclass

import numpy as np
import pytest

from cnnbook.nn import Conv2D, GlorotUniform, Layer
from cnnbook.nn.arguments import (
    check_initializer,
    check_number,
    check_padding,
    check_pair,
    check_positive,
    check_rng,
    check_shape,
)

rng = np.random.default_rng


@dataclass(eq=False)
class Double(Layer):
    """The smallest layer: no parameters, any shape."""

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        self.remember(training, x.shape, "kept")
        return 2 * x

    def backward(self, dout, *, input_gradient=True):
        (kept,) = self.recall(dout)
        assert kept == "kept"
        return 2 * dout if input_gradient else None


def built_conv(input_shape=(28, 28, 3)):
    conv = Conv2D(4, 3)
    conv.build(input_shape, rng(0))
    return conv


def test_a_layer_without_parameters_works_unbuilt_on_any_shape():
    for shape in [(2, 3), (2, 3, 4, 5)]:
        layer, x = Double(), np.ones(shape)
        assert layer.forward(x, training=True).shape == shape
        assert layer.backward(x).shape == shape


def test_a_layer_that_overrides_nothing_says_what_is_missing(refuses):
    with refuses("Layer must define forward.", NotImplementedError):
        Layer().forward(np.ones((1, 1)))
    with refuses("Layer must define backward.", NotImplementedError):
        Layer().backward(np.ones((1, 1)))


def test_build_fixes_shape_and_dtype_and_starts_over():
    layer = Double()
    layer.grads["old"] = layer.state["old"] = layer.params["old"] = np.ones(1)
    layer.forward(np.ones((1, 2)), training=True)
    assert layer.build([2, 3], dtype="float64") == (2, 3)
    assert layer.input_shape == (2, 3)
    assert layer.dtype == np.float64
    assert layer.params == layer.grads == layer.state == {}
    with pytest.raises(RuntimeError):
        layer.backward(np.ones((1, 2)))


def test_output_shape_changes_nothing():
    conv = Conv2D(4, 3)
    assert conv.output_shape((28, 27, 3)) == (26, 25, 4)
    assert conv.input_shape is None
    assert conv.params == {}


def test_repr_shows_what_the_layer_is_and_not_what_it_learned():
    assert repr(built_conv()) == (
        "Conv2D(filters=4, kernel_size=(3, 3), strides=(1, 1), padding='valid', dilation_rate=(1, 1), "
        "groups=1, use_bias=True, kernel_initializer=GlorotUniform())"
    )


def test_layers_do_not_share_their_dictionaries():
    one, other = Double(), Double()
    assert one.params is not other.params
    assert one.grads is not other.grads
    assert one.state is not other.state


def test_forward_before_build_is_refused(refuses):
    with refuses("Conv2D is not built yet. Call build(input_shape, rng) once before forward.", RuntimeError):
        Conv2D(4, 3).forward(np.ones((1, 28, 28, 3), np.float32))


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((32, 3, 28, 28), " Channels come last: try x.transpose(0, 2, 3, 1)."),
        ((28, 28, 3), " Add the batch axis: try x[np.newaxis]."),
        ((32, 28, 28, 1), ""),
        ((), ""),
        ((32,), ""),
    ],
)
def test_an_input_of_another_shape_is_refused_with_advice(refuses, shape, advice):
    with refuses(
        f"Conv2D was built for inputs of shape (N, 28, 28, 3). Received x of shape {shape}.{advice}"
    ):
        built_conv().forward(np.ones(shape, np.float32))


def test_a_missing_channel_axis_is_named(refuses):
    with refuses(
        "Conv2D was built for inputs of shape (N, 28, 28, 1). Received x of shape (32, 28, 28). "
        "Add the channel axis: try x[..., np.newaxis]."
    ):
        built_conv((28, 28, 1)).forward(np.ones((32, 28, 28), np.float32))


@pytest.mark.parametrize("dtype", ["float64", "uint8", "int64"])
def test_an_input_of_another_dtype_is_refused(refuses, dtype):
    with refuses(
        f"Conv2D was built to compute in float32. Received x of dtype {dtype}. "
        "Convert it with x.astype(np.float32)."
    ):
        built_conv().forward(np.ones((1, 28, 28, 3), dtype))


def test_an_input_that_is_no_array_is_refused(refuses):
    with refuses(
        "Conv2D works on NumPy arrays. Received x of type list. Convert it with np.asarray(x, np.float32)."
    ):
        built_conv().forward([[1.0]])


def test_an_inference_pass_leaves_no_trace(refuses):
    layer = Double()
    layer.forward(np.ones((2, 3)))
    with refuses(
        "Double.backward needs a forward pass of its own: "
        "call forward(x, training=True) before every backward(dout).",
        RuntimeError,
    ):
        layer.backward(np.ones((2, 3)))


def test_an_inference_pass_between_forward_and_backward_disturbs_nothing():
    layer = Double()
    layer.forward(np.ones((2, 3)), training=True)
    layer.forward(np.ones((5, 5)))
    assert layer.backward(np.ones((2, 3))).shape == (2, 3)


def test_a_second_backward_is_refused():
    layer = Double()
    layer.forward(np.ones((2, 3)), training=True)
    layer.backward(np.ones((2, 3)))
    with pytest.raises(RuntimeError, match="needs a forward pass of its own"):
        layer.backward(np.ones((2, 3)))


def test_a_dout_of_another_shape_is_refused_and_the_right_one_still_accepted(refuses):
    layer = Double()
    layer.forward(np.ones((2, 3)), training=True)
    with refuses(
        "Double.backward expects dout in the shape of the output, (2, 3). Received dout of shape (3, 2)."
    ):
        layer.backward(np.ones((3, 2)))
    assert layer.backward(np.ones((2, 3))).shape == (2, 3)


def test_a_dout_of_another_dtype_is_refused(refuses):
    conv = built_conv()
    out = conv.forward(np.ones((1, 28, 28, 3), np.float32), training=True)
    with refuses(
        "Conv2D was built to compute in float32. Received dout of dtype float64. "
        "Convert it with dout.astype(np.float32)."
    ):
        conv.backward(out.astype(np.float64))


@pytest.mark.parametrize(
    ("dtype", "received"),
    [("float16", "float16"), (np.float16, "float16"), (np.dtype("int64"), "int64"), (int, "int"), (3, "3")],
)
def test_a_dtype_nobody_trains_in_is_refused(refuses, dtype, received):
    with refuses(f"Double computes in float32 or float64. Received dtype={received}."):
        Double().build((3,), dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float32, "float32", np.dtype("float32")])
def test_a_dtype_may_be_a_name_a_type_or_a_dtype(dtype):
    layer = Double()
    layer.build((3,), dtype=dtype)
    assert layer.dtype == np.float32


@pytest.mark.parametrize("input_shape", [28, (), (28, 0), (28, -1), (28, 1.0), None, "28"])
def test_a_shape_that_no_example_has_is_refused(refuses, input_shape):
    with refuses(
        "Double: input_shape must be the shape of one example, such as (28, 28, 1), without the batch axis "
        f"and with all sizes at least 1. Received input_shape={input_shape!r}."
    ):
        Double().build(input_shape)


@pytest.mark.parametrize("missing", [None, 0, np.random])
def test_random_weights_need_a_generator(refuses, missing):
    with refuses(
        f"Conv2D.build needs a generator to draw from. Received rng={missing!r}. "
        "Use rng=np.random.default_rng(seed)."
    ):
        Conv2D(4, 3).build((28, 28, 3), missing)


def test_checks_hand_back_plain_python_values():
    assert check_positive("A", "n", np.int32(3)) == 3
    assert type(check_positive("A", "n", np.int32(3))) is int
    assert check_positive("A", "n", 1) == 1
    assert check_pair("A", "n", 1) == (1, 1)
    assert check_pair("A", "n", [2, np.int64(1)]) == (2, 1)
    assert [type(n) for n in check_pair("A", "n", np.int64(1))] == [int, int]
    assert check_padding("A", "valid") == "valid"
    assert check_shape("A", (np.int64(3), 1)) == (3, 1)
    assert type(check_shape("A", (np.int64(3),))[0]) is int
    generator, initializer = rng(0), GlorotUniform()
    assert check_rng("A", generator) is generator
    assert check_initializer("A", "kernel_initializer", initializer) is initializer


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3", None, (3,)])
def test_a_count_is_a_whole_number_of_at_least_one(refuses, value):
    with refuses(f"Dense: units must be a whole number of at least 1. Received units={value!r}."):
        check_positive("Dense", "units", value)


@pytest.mark.parametrize("value", [0, (1, 0), (0, 1), (1, 2, 3), (1.5, 1), True, (1, True), "ab", None, ()])
def test_a_pair_is_two_whole_numbers_of_at_least_one(refuses, value):
    with refuses(
        "Conv2D: strides must be a whole number of at least 1 or a pair (height, width) of them. "
        f"Received strides={value!r}."
    ):
        check_pair("Conv2D", "strides", value)


@pytest.mark.parametrize("value", ["full", "SAME", 1, None])
def test_padding_is_valid_or_same(refuses, value):
    with refuses(f"Conv2D: padding must be 'valid' or 'same'. Received padding={value!r}."):
        check_padding("Conv2D", value)


@pytest.mark.parametrize("value", ["glorot_uniform", GlorotUniform, None, 0.05])
def test_an_initializer_is_an_object(refuses, value):
    with refuses(
        "Conv2D: kernel_initializer must be an initializer object such as GlorotUniform(). "
        f"Received kernel_initializer={value!r}."
    ):
        check_initializer("Conv2D", "kernel_initializer", value)


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        ("[0, 1)", [0, 0.5, np.float32(0.25), np.int64(0)], [-0.1, 1, 1.0]),
        ("(0, 1]", [1, 0.1], [0, 0.0, 1.1]),
        ("(0, inf)", [1e-9, 1e9], [0, -1, float("inf"), float("nan")]),
    ],
)
def test_a_number_lies_in_its_interval(refuses, interval, inside, outside):
    for value in inside:
        assert check_number("A", "rate", value, interval) == value
        assert type(check_number("A", "rate", value, interval)) is float
    for value in [*outside, "0.5", None, True]:
        with refuses(f"A: rate must be a number in {interval}. Received rate={value!r}."):
            check_number("A", "rate", value, interval)
