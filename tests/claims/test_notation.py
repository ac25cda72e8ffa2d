"""What the page "Notation" claims, one test each; the arrays are those of the page's own cells."""

import pytest
from support.chapter_code import run_of

from cnnbook.shapes import pad_amounts


@pytest.fixture(scope="module")
def page():
    return run_of("notation")


def test_transpose_leaves_every_pixel_in_its_channel(page):
    stacked = page["stacked"]
    assert all((stacked.transpose(2, 0, 1)[c] == stacked[:, :, c]).all() for c in range(3))


def test_reshape_puts_pixels_into_the_wrong_channel(page):
    assert (page["misread"][0] != page["stacked"][:, :, 0]).any()


def test_same_puts_the_odd_zero_last_where_symmetric_padding_has_one_on_each_side():
    assert pad_amounts(28, 3, 2, padding="same") == (0, 1)


def test_a_layer_that_receives_the_wrong_order_says_what_to_do(page):
    assert "x.transpose(0, 2, 3, 1)" in page.printed[-1]
