"""What the gallery says about its figures, one test each; tests/widgets tests what the figures compute."""

import numpy as np
import pytest
from support.chapter_code import run_of

from cnnbook import widgets
from cnnbook.nn import BatchNormalization, Sigmoid
from cnnbook.shapes import receptive_field
from cnnbook.widgets import ReceptiveField


@pytest.fixture(scope="module")
def page():
    return run_of("widget_gallery")


def conv(kernel, dilation=1):
    return {"kernel": kernel, "dilation": dilation, "padding": "same"}


def seen(field, unit, size):
    """The pixels one unit depends on, on one axis, and how many of them are padding."""
    first = field.start + unit * field.jump
    pixels = range(first, first + field.size)
    return len(pixels), sum(not 0 <= pixel < size for pixel in pixels)


def test_the_gallery_shows_each_of_the_eight_kinds_of_figure_once(page):
    assert len(widgets.__all__) == 8
    assert "# The gallery: eight figures to drive" in page.text
    assert [page.text.count(f"{kind}(id=") for kind in widgets.__all__] == [1] * 8


def test_three_convolutions_of_3_by_3_see_as_far_as_one_of_7_by_7_with_27_weights_for_49():
    threes, seven = (receptive_field([(k, 1, 1, 0)] * layers) for k, layers in ((3, 3), (7, 1)))
    assert threes.size == seven.size
    assert (3 * 3 * 3, 7 * 7) == (27, 49)


def test_with_two_convolutions_before_each_pooling_what_a_step_adds_grows_with_the_jump():
    blocks = [(3, 1, 1, 1), (3, 1, 1, 1), (2, 2, 1, 0)] * 2
    fields = [receptive_field(blocks[:layers]) for layers in range(7)]
    added = np.diff([field.size for field in fields])
    assert added.tolist() == [(k - 1) * field.jump for (k, *_), field in zip(blocks, fields, strict=False)]


def test_dilations_1_2_and_4_see_fifteen_pixels_and_skip_none():
    figure = ReceptiveField(id="dilated", layers=[conv(3), conv(3, 2), conv(3, 4)])
    taps = {a + 2 * b + 4 * c for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)}
    assert figure.field().size == len(taps) == 15


def test_a_unit_in_the_corner_looks_at_100_places_of_which_51_are_padding(page):
    figure = ReceptiveField(id="corner", layer=4, unit=(0, 0))
    places, padding = seen(figure.field(), unit=0, size=28)
    assert (places**2, places**2 - (places - padding) ** 2) == (100, 51)
    assert "looks at 100 places; 51 of them are padding" in page.text


def test_in_batches_of_two_every_output_is_close_to_1_or_minus_1_whatever_came_in():
    layer = BatchNormalization()
    layer.build((4,), dtype=np.float64)
    out = layer.forward(np.random.default_rng(0).normal(20, 12, (2, 4)), training=True)
    np.testing.assert_allclose(np.abs(out), 1, atol=0.01)


def test_the_slope_of_a_sigmoid_is_at_most_a_quarter():
    layer, x = Sigmoid(), np.linspace(-6, 6, 121).reshape(1, -1)
    layer.forward(x, training=True)
    slopes = layer.backward(np.ones_like(x))
    assert slopes.max() == pytest.approx(1 / 4)
