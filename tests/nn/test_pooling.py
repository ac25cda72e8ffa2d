"""Pooling: by hand, against plain loops with ties and overlap, padding that never counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import geometries

from cnnbook.nn import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D
from cnnbook.shapes import output_size, pad_amounts

cases = geometries(max_dilation=1)


def real_pixels(case):
    """For every window (i, j): the pixels of the image it covers, row by row; padding left out."""
    axes = []
    for size, k, s in zip(case.size, case.window_size, case.strides, strict=True):
        before, _ = pad_amounts(size, k, s, 1, case.padding)
        starts = [i * s - before for i in range(output_size(size, k, s, 1, case.padding))]
        axes.append([[p for p in range(start, start + k) if 0 <= p < size] for start in starts])
    for i, rows in enumerate(axes[0]):
        for j, columns in enumerate(axes[1]):
            yield i, j, [(row, column) for row in rows for column in columns]


def there_and_back(pool, case, x):
    out = pool.forward(x, training=True)
    dout = case.rng.standard_normal(out.shape)
    assert out.shape == (case.n, *pool.output_shape(x.shape[1:]))
    return out, dout, pool.backward(dout)


@given(cases, st.sampled_from([0, 1000]))
def test_max_pooling_equals_plain_loops_and_the_first_maximum_wins_ties(case, depth):
    x = case.rng.integers(-3, 3, case.x_shape).astype(float) - depth
    out, dout, dx = there_and_back(MaxPooling2D(case.window_size, case.strides, case.padding), case, x)
    slow_dx = np.zeros_like(x)
    for i, j, pixels in real_pixels(case):
        for n, c in np.ndindex(case.n, case.channels):
            winner = max(pixels, key=lambda pixel: x[n, *pixel, c])
            assert out[n, i, j, c] == x[n, *winner, c]
            slow_dx[n, *winner, c] += dout[n, i, j, c]
    np.testing.assert_allclose(dx, slow_dx, atol=1e-12)


@given(cases)
def test_average_pooling_equals_plain_loops_over_the_real_pixels(case):
    x = case.rng.standard_normal(case.x_shape)
    out, dout, dx = there_and_back(AveragePooling2D(case.window_size, case.strides, case.padding), case, x)
    slow_dx = np.zeros_like(x)
    for i, j, pixels in real_pixels(case):
        np.testing.assert_allclose(out[:, i, j], sum(x[:, *pixel] for pixel in pixels) / len(pixels))
        for pixel in pixels:
            slow_dx[:, *pixel] += dout[:, i, j] / len(pixels)
    np.testing.assert_allclose(dx, slow_dx, atol=1e-12)


def test_a_tie_sends_the_gradient_to_one_pixel_only():
    pool = MaxPooling2D(2)
    pool.forward(np.ones((1, 2, 2, 1)), training=True)
    assert pool.backward(np.full((1, 1, 1, 1), 7.0)).ravel().tolist() == [7, 0, 0, 0]


def test_padding_never_wins_among_negative_numbers():
    pool = MaxPooling2D(2, padding="same")
    out = pool.forward(np.full((1, 3, 3, 1), -5.0))
    assert (out == -5).all()


def test_a_nan_is_not_hidden():
    x = np.zeros((1, 2, 4, 1))
    x[0, 1, 1] = np.nan
    assert np.isnan(MaxPooling2D(2).forward(x)).ravel().tolist() == [True, False]
    assert np.isnan(AveragePooling2D(2).forward(x)).ravel().tolist() == [True, False]


def test_a_window_of_more_than_255_pixels_still_knows_its_winner():
    x = np.arange(300.0).reshape(1, 15, 20, 1)
    pool = MaxPooling2D((15, 20))
    pool.forward(x, training=True)
    assert np.flatnonzero(pool.backward(np.ones((1, 1, 1, 1)))).tolist() == [299]


@pytest.mark.parametrize("cls", [MaxPooling2D, AveragePooling2D])
def test_windows_do_not_overlap_unless_asked(cls):
    assert cls().strides == cls().pool_size == (2, 2)
    assert cls((3, 2)).strides == (3, 2)
    assert cls(3, strides=1).strides == (1, 1)
    assert cls(2).output_shape((7, 9, 4)) == (3, 4, 4)
    assert cls(2, padding="same").output_shape((7, 9, 4)) == (4, 5, 4)


@pytest.mark.parametrize("cls", [MaxPooling2D, AveragePooling2D])
def test_an_unbuilt_pooling_follows_every_image_size(cls):
    pool = cls(2, padding="same")
    for size in [(4, 5), (7, 2)]:
        x = np.random.default_rng(0).standard_normal((2, *size, 3))
        out = pool.forward(x, training=True)
        assert out.shape[1:] == pool.output_shape((*size, 3))
        assert pool.backward(out).shape == x.shape


def test_global_average_pooling_averages_each_channel_of_each_image():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    pool = GlobalAveragePooling2D()
    out = pool.forward(x, training=True)
    for n, c in np.ndindex(2, 5):
        assert out[n, c] == pytest.approx(sum(x[n, i, j, c] for i, j in np.ndindex(3, 4)) / 12)
    dout = np.random.default_rng(1).standard_normal((2, 5))
    dx = pool.backward(dout)
    for n, i, j, c in np.ndindex(x.shape):
        assert dx[n, i, j, c] == pytest.approx(dout[n, c] / 12)


@pytest.mark.parametrize("pool", [MaxPooling2D(), AveragePooling2D(), GlobalAveragePooling2D()])
def test_the_input_gradient_can_be_written_to(pool):
    out = pool.forward(np.ones((1, 2, 4, 1)), training=True)
    pool.backward(out)[0, 0, 0, 0] = 3


@pytest.mark.parametrize("cls", [MaxPooling2D, AveragePooling2D])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"pool_size": 0},
            "pool_size must be a whole number of at least 1 or a pair (height, width) of them. "
            "Received pool_size=0.",
        ),
        (
            {"strides": (2, 0)},
            "strides must be a whole number of at least 1 or a pair (height, width) of them. "
            "Received strides=(2, 0).",
        ),
        ({"padding": 1}, "padding must be 'valid' or 'same'. Received padding=1."),
    ],
)
def test_the_constructor_refuses_impossible_values(refuses, cls, arguments, message):
    with refuses(f"{cls.__name__}: {message}"):
        cls(**arguments)


@pytest.mark.parametrize("cls", [MaxPooling2D, AveragePooling2D])
def test_a_window_larger_than_the_image_is_refused(refuses, cls):
    sentence = (
        f"{cls.__name__}: a 3x2 window does not fit a 2x5 input with padding='valid'. "
        "Use padding='same' or a smaller pool_size."
    )
    with refuses(sentence):
        cls((3, 2)).build((2, 5, 1))
    with refuses(sentence):
        cls((3, 2)).forward(np.ones((1, 2, 5, 1)))


def test_global_pooling_refuses_what_is_no_image(refuses):
    with refuses(
        "GlobalAveragePooling2D works on images of shape (height, width, channels), all at least 1. "
        "Received input_shape=(10,)."
    ):
        GlobalAveragePooling2D().build((10,))
