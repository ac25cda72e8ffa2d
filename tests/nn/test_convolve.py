"""The convolution under Conv2D: groups, and the rows that are kept for the kernel's gradient."""

import numpy as np
import pytest
from hypothesis import given
from support.strategies import geometries

from cnnbook.nn import windows
from cnnbook.nn.convolve import convolve, convolve_input_gradient, convolve_kernel_gradient
from cnnbook.nn.windows import windowed_input_gradient, windowed_kernel_gradient, windowed_product

valid = geometries(paddings=("valid",))


@given(valid)
def test_one_group_is_the_windowed_product_and_its_gradients(case):
    x, kernel = draw(case)
    out, rows = convolve(x, kernel, *case[4:6])
    assert rows is None
    np.testing.assert_array_equal(out, windowed_product(x, kernel, *case[4:6]))
    dout = case.rng.standard_normal(out.shape)
    dkernel = convolve_kernel_gradient(x, dout, *case[3:6])
    np.testing.assert_array_equal(dkernel, windowed_kernel_gradient(x, dout, *case[3:6]))
    none = ((0, 0), (0, 0))
    dx = convolve_input_gradient(dout, kernel, case.size, *case[4:6], none)
    np.testing.assert_array_equal(dx, windowed_input_gradient(dout, kernel, case.size, *case[4:6], none))


@given(valid)
def test_groups_are_one_convolution_whose_kernel_is_zero_between_groups(case):
    """Independent of how groups are cut: a full kernel with zeros where a filter may not look."""
    groups, filters, channels = 2, 6, 2 * case.channels
    x = case.rng.standard_normal((case.n, *case.size, channels))
    kernel = case.rng.standard_normal((*case.window_size, case.channels, filters))
    full = np.zeros((*case.window_size, channels, filters))
    for group in range(groups):
        inputs = slice(group * case.channels, (group + 1) * case.channels)
        outputs = slice(group * 3, (group + 1) * 3)
        full[:, :, inputs, outputs] = kernel[..., outputs]
    out, _ = convolve(x, kernel, *case[4:6], groups)
    np.testing.assert_allclose(out, windowed_product(x, full, *case[4:6]), atol=1e-12)
    dout = case.rng.standard_normal(out.shape)
    dfull = windowed_kernel_gradient(x, dout, *case[3:6])
    dkernel = convolve_kernel_gradient(x, dout, *case[3:6], groups)
    for group in range(groups):
        inputs = slice(group * case.channels, (group + 1) * case.channels)
        outputs = slice(group * 3, (group + 1) * 3)
        np.testing.assert_allclose(dkernel[..., outputs], dfull[:, :, inputs, outputs], atol=1e-11)
    none = ((0, 0), (0, 0))
    dx = convolve_input_gradient(dout, kernel, case.size, *case[4:6], none, groups)
    np.testing.assert_allclose(dx, windowed_input_gradient(dout, full, case.size, *case[4:6]), atol=1e-11)


@given(valid)
def test_the_kernel_gradient_of_kept_rows_is_the_one_of_rows_copied_again(case):
    x, kernel = draw(case)
    out, rows = convolve(x, kernel, *case[4:6], keep_rows=True)
    assert sum(len(block) for _, block in rows) == case.n
    again, nothing = windowed_kernel_gradient(x, out, *case[3:6]), np.full_like(x, np.nan)
    np.testing.assert_array_equal(convolve_kernel_gradient(nothing, out, *case[3:6], rows=rows), again)


@pytest.mark.parametrize(("block", "channels", "images"), [(10**6, 4, 2), (1, 4, 0), (1, 3, 2)])
def test_rows_are_kept_where_they_are_small(monkeypatch, block, channels, images):
    """All in one block, or of few channels: otherwise they would fill the memory."""
    monkeypatch.setattr(windows, "BLOCK_BYTES", block)
    x, kernel = np.ones((2, 6, 6, channels)), np.ones((3, 3, channels, 5))
    _, rows = convolve(x, kernel, (1, 1), (1, 1), keep_rows=True)
    assert sum(len(kept) for _, kept in rows or []) == images


def draw(case):
    return case.rng.standard_normal(case.x_shape), case.rng.standard_normal(
        (*case.window_size, case.channels, 4)
    )
