"""The one primitive: its pictures, its adjoint, and its loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from support.strategies import geometries

from cnnbook.nn import windows
from cnnbook.nn.geometry import image_pads
from cnnbook.nn.windows import (
    blocks_of_rows,
    crop_images,
    extract_windows,
    pad_images,
    scatter_windows,
    windowed_input_gradient,
    windowed_kernel_gradient,
    windowed_product,
)
from cnnbook.shapes import output_size

valid = geometries(paddings=("valid",))


def places(out_size, window_size, strides, dilation_rate):
    """All (i, j, u, v, row, column): which pixel each tap of each window reads."""
    (s_h, s_w), (d_h, d_w) = strides, dilation_rate
    for i, j, u, v in itertools.product(*map(range, (*out_size, *window_size))):
        yield i, j, u, v, i * s_h + u * d_h, j * s_w + v * d_w


@given(valid)
def test_extract_windows_reads_the_pixels_the_formula_names(case):
    x = case.rng.standard_normal(case.x_shape)
    found = extract_windows(x, *case[3:6])
    out_size = tuple(map(output_size, case.size, *case[3:6]))
    assert found.shape == (case.n, *out_size, *case.window_size, case.channels)
    for i, j, u, v, row, column in places(out_size, *case[3:6]):
        np.testing.assert_array_equal(found[:, i, j, u, v], x[:, row, column])


def test_extract_windows_is_a_view_that_cannot_be_written_to():
    x = np.arange(12.0).reshape(1, 3, 4, 1)
    found = extract_windows(x, (2, 2))
    assert np.shares_memory(found, x)
    assert not found.flags.writeable


def test_extract_windows_works_on_arrays_that_are_not_contiguous():
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 6))
    view = x.transpose(0, 3, 2, 1)[:, ::2]
    np.testing.assert_array_equal(extract_windows(view, (2, 3)), extract_windows(view.copy(), (2, 3)))


@given(valid)
def test_scatter_windows_is_the_adjoint_of_extract_windows(case):
    x = case.rng.standard_normal(case.x_shape)
    found = extract_windows(x, *case[3:6])
    w = case.rng.standard_normal(found.shape)
    back = scatter_windows(w, case.x_shape, *case[4:6])
    assert back.shape == x.shape
    assert np.vdot(found, w) == pytest.approx(np.vdot(x, back), rel=1e-10, abs=1e-10)


@given(valid)
def test_scatter_windows_adds_every_entry_to_the_pixel_it_was_read_from(case):
    out_size = tuple(map(output_size, case.size, *case[3:6]))
    w = case.rng.standard_normal((case.n, *out_size, *case.window_size, case.channels))
    x = np.zeros(case.x_shape)
    for i, j, u, v, row, column in places(out_size, *case[3:6]):
        x[:, row, column] += w[:, i, j, u, v]
    np.testing.assert_allclose(scatter_windows(w, case.x_shape, *case[4:6]), x, atol=1e-12)


@given(valid)
def test_the_windowed_product_and_both_its_gradients_equal_plain_loops(case):
    filters = 4
    x = case.rng.standard_normal(case.x_shape)
    kernel = case.rng.standard_normal((*case.window_size, case.channels, filters))
    out_size = tuple(map(output_size, case.size, *case[3:6]))
    dout = case.rng.standard_normal((case.n, *out_size, filters))
    out, dx, dkernel = np.zeros_like(dout), np.zeros_like(x), np.zeros_like(kernel)
    for i, j, u, v, row, column in places(out_size, *case[3:6]):
        for n, c, f in itertools.product(*map(range, (case.n, case.channels, filters))):
            out[n, i, j, f] += x[n, row, column, c] * kernel[u, v, c, f]
            dx[n, row, column, c] += dout[n, i, j, f] * kernel[u, v, c, f]
            dkernel[u, v, c, f] += x[n, row, column, c] * dout[n, i, j, f]
    np.testing.assert_allclose(windowed_product(x, kernel, *case[4:6]), out, atol=1e-12)
    np.testing.assert_allclose(windowed_kernel_gradient(x, dout, *case[3:6]), dkernel, atol=1e-11)
    np.testing.assert_allclose(windowed_input_gradient(dout, kernel, case.size, *case[4:6]), dx, atol=1e-12)


@pytest.mark.parametrize("images_per_block", [1, 2, 3, 7])
def test_the_block_size_changes_no_number(monkeypatch, images_per_block):
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((7, 5, 6, 2)), rng.standard_normal((2, 3, 2, 4))
    dout = rng.standard_normal((7, 4, 4, 4))
    out, dkernel = windowed_product(x, kernel), windowed_kernel_gradient(x, dout, (2, 3), (1, 1), (1, 1))
    bytes_per_image = 4 * 4 * 2 * 3 * 2 * x.itemsize
    monkeypatch.setattr(windows, "BLOCK_BYTES", images_per_block * bytes_per_image)
    blocks = [images for images, _ in blocks_of_rows(extract_windows(x, (2, 3)))]
    assert blocks[0] == slice(0, images_per_block)
    assert blocks[-1].stop == 7
    np.testing.assert_allclose(windowed_product(x, kernel), out, atol=1e-13)
    np.testing.assert_allclose(windowed_kernel_gradient(x, dout, (2, 3), (1, 1), (1, 1)), dkernel, atol=1e-12)


def test_blocks_of_rows_lay_each_window_out_as_one_row():
    x = np.arange(2 * 3 * 4 * 2.0).reshape(2, 3, 4, 2)
    found = extract_windows(x, (2, 3))
    ((images, rows),) = blocks_of_rows(found)
    assert images == slice(0, 2)
    assert rows.shape == (2, 4, 12)
    np.testing.assert_array_equal(rows[1, 3], found[1, 1, 1].ravel())


def test_a_single_image_larger_than_a_block_is_a_block(monkeypatch):
    monkeypatch.setattr(windows, "BLOCK_BYTES", 1)
    x = np.ones((2, 3, 4, 1))
    assert [images for images, _ in blocks_of_rows(extract_windows(x, (2, 2)))] == [slice(0, 1), slice(1, 2)]


@pytest.mark.parametrize("strides", [(1, 1), (2, 1)])
def test_an_empty_batch_goes_through(strides):
    x, kernel = np.zeros((0, 5, 6, 2), np.float32), np.ones((2, 3, 2, 4), np.float32)
    out = windowed_product(x, kernel, strides)
    assert out.shape == (0, 4 // strides[0], 4, 4)
    assert not windowed_kernel_gradient(x, out, (2, 3), strides, (1, 1)).any()
    assert windowed_input_gradient(out, kernel, (5, 6), strides, (1, 1)).shape == x.shape


@pytest.mark.parametrize("strides", [(1, 1), (2, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_and_gradients_keep_the_dtype(strides, dtype):
    x, kernel = np.ones((2, 5, 6, 2), dtype), np.ones((2, 3, 2, 4), dtype)
    out = windowed_product(x, kernel, strides)
    dkernel = windowed_kernel_gradient(x, out, (2, 3), strides, (1, 1))
    dx = windowed_input_gradient(out, kernel, (5, 6), strides, (1, 1))
    scattered = scatter_windows(extract_windows(x, (2, 2)), x.shape)
    assert {array.dtype for array in (out, dkernel, dx, scattered)} == {np.dtype(dtype)}


def test_pad_images_frames_every_image_with_the_value():
    x = np.arange(1, 13.0, dtype=np.float32).reshape(2, 2, 3, 1)
    padded = pad_images(x, ((1, 2), (3, 1)), value=-np.inf)
    assert padded.shape == (2, 5, 7, 1)
    assert padded.dtype == np.float32
    np.testing.assert_array_equal(padded[:, 1:3, 3:6], x)
    assert np.isinf(padded).sum() == padded.size - x.size


@pytest.mark.parametrize("pads", [((1, 0), (0, 0)), ((0, 1), (0, 0)), ((0, 0), (1, 0)), ((0, 0), (0, 1))])
def test_padding_on_one_side_only_is_padding(pads):
    x = np.ones((1, 2, 2, 1))
    (top, bottom), (left, right) = pads
    padded = pad_images(x, pads)
    assert padded.shape == (1, 2 + top + bottom, 2 + left + right, 1)
    assert padded.sum() == x.sum()
    np.testing.assert_array_equal(padded[:, top : top + 2, left : left + 2], x)


def test_no_padding_hands_back_the_same_array():
    x = np.ones((1, 2, 2, 1))
    assert pad_images(x, ((0, 0), (0, 0))) is x


@given(geometries(paddings=("same",)))
def test_the_input_gradient_leaves_the_frame_out_when_asked(case):
    pads = image_pads(case.size, *case[3:6], "same")
    x = pad_images(case.rng.standard_normal(case.x_shape), pads)
    kernel = case.rng.standard_normal((*case.window_size, case.channels, 4))
    dout = case.rng.standard_normal(windowed_product(x, kernel, *case[4:6]).shape)
    whole = windowed_input_gradient(dout, kernel, x.shape[1:3], *case[4:6])
    inside = windowed_input_gradient(dout, kernel, x.shape[1:3], *case[4:6], pads)
    assert inside.shape == case.x_shape
    np.testing.assert_allclose(inside, crop_images(whole, pads), atol=1e-12)


@pytest.mark.parametrize("pads", [((1, 2), (3, 1)), ((0, 0), (0, 0)), ((0, 1), (2, 0))])
def test_crop_images_takes_away_what_pad_images_put_there(pads):
    x = np.arange(12.0).reshape(1, 2, 3, 2)
    cropped = crop_images(pad_images(x, pads), pads)
    np.testing.assert_array_equal(cropped, x)
