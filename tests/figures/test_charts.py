"""Figures: themed, labelled, reproducible, and safe to stand on one page together."""

import re

import numpy as np
import pytest

from cnnbook import figures

DRAWN = {
    "images": lambda: figures.images([np.eye(4), -np.eye(4)], ["a", "b"], alt="Two.", signed=[False, True]),
    "curves": lambda: figures.curves(
        {"up": ([1, 2, 3], [1.0, 2.0, 4.0]), "down": ([1, 2, 3], [4.0, 2.0, 1.0])},
        alt="One rises.",
        xlabel="step",
        ylabel="loss",
        log="y",
    ),
    "bars": lambda: figures.bars(
        {"dense": 1e6, "conv": 100}, alt="Dense is longer.", xlabel="count", log=True
    ),
    "matrix": lambda: figures.matrix(
        np.eye(3) - np.eye(3, k=1), alt="Two diagonals.", xlabel="in", ylabel="out"
    ),
    "panels": lambda: figures.panels(
        {"a": [1, 2], "b": [1, 3], "c": [2, 1], "d": [0, 1]},
        [1, 2],
        alt="One falls.",
        xlabel="epoch",
        ylabel="accuracy",
    ),
}


@pytest.fixture(params=DRAWN, name="figure")
def _figure(request):
    return DRAWN[request.param]()


def test_a_figure_takes_its_ink_from_the_page_and_leaves_no_fixed_colour_behind(figure):
    assert "var(--fig-fg, currentColor)" in figure.svg
    assert set(re.findall(r"#[0-9a-fA-F]{6}\b", figure.svg)) <= {ink[1] for ink in figures.INK.values()}


def test_a_figure_is_an_image_with_a_label_for_those_who_cannot_see_it(figure):
    assert 'role="img"' in figure.svg
    assert f'aria-label="{figure.alt}"' in figure.svg


def test_a_figure_scales_to_the_page_and_uses_the_pages_font(figure):
    head = figure.svg[: figure.svg.index(">")]
    assert "width: 100%" in head
    assert "viewBox" in head
    assert "font-family" not in figure.svg
    assert not re.search(r"font: [\d.]+px '", figure.svg)


def test_the_same_arrays_give_the_same_bytes():
    for draw in DRAWN.values():
        assert draw().svg == draw().svg


def test_two_figures_on_one_page_share_no_id():
    ids = [set(re.findall(r'\bid="([^"]+)"', draw().svg)) for draw in DRAWN.values()]
    assert any(ids)
    assert sum(map(len, ids)) == len(set.union(*ids))
    for draw in DRAWN.values():
        svg = draw().svg
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(re.findall(r'\bid="([^"]+)"', svg))


def test_a_figure_carries_no_page_wide_style_and_no_date(figure):
    assert "<style" not in figure.svg
    assert "<metadata" not in figure.svg


def test_the_label_is_escaped():
    figure = figures.bars({"a": 1.0, "b": 2.0}, alt='5 < 6 & "so on"', xlabel="x")
    assert 'aria-label="5 &lt; 6 &amp; &quot;so on&quot;"' in figure.svg


def test_the_number_at_a_bars_end_is_written_out():
    figure = figures.bars({"a": 35837.2, "b": 440842, "c": 1.2784}, alt="x", xlabel="x", log=True, unit=" ms")
    for written in ("35,837 ms", "440,842 ms", "1.278 ms"):
        assert f">{written}<" in figure.svg


def test_each_scale_is_shared_by_its_own_images_and_the_signed_one_is_stated():
    figure = figures.images([np.eye(2), 3 * np.eye(2), -8 * np.eye(2)], alt="x", signed=[False, True, True])
    assert "orange -8, white 0, blue +8" in figure.svg
    assert "orange" not in figures.images([np.eye(2)], alt="x").svg


def test_empty_cells_of_a_matrix_stay_empty():
    assert figures.matrix(np.zeros((2, 2)), alt="x", xlabel="", ylabel="").svg.count("fill: var(--fig-1") == 0


def test_arrays_that_are_no_images_are_refused_in_one_sentence():
    message = "images draws one or more arrays of shape (H, W) or (H, W, 1). Received shapes [(2, 2, 3)]."
    with pytest.raises(ValueError, match=re.escape(message)):
        figures.images([np.zeros((2, 2, 3))], alt="x")


def test_an_axis_of_whole_numbers_has_no_ticks_between_them():
    def ticks(xs):
        drawn = figures.curves({"a": (xs, [0, 40])}, alt="A line.", xlabel="shift", ylabel="size")
        return re.findall(r">([\d.]+)</text>", drawn.svg)

    assert not any("." in tick for tick in ticks([0, 4]))
    assert "0.5" in ticks([0.0, 4.0])


def test_marks_stand_beside_the_lines_and_have_a_name_of_their_own():
    line = {"a": ([1, 2, 3], [1.0, 2.0, 4.0])}
    drawn = figures.curves(
        line, marks={"here": ([2, 3], [1.0, 1.0])}, alt="A line.", xlabel="step", ylabel="size"
    )
    assert ">here</text>" in drawn.svg
    assert ">a</text>" in drawn.svg


def test_every_panel_is_named_and_drawn_beside_the_same_dashed_curve():
    drawn = DRAWN["panels"]()
    assert [name for name in "abcd" if f">{name}</text>" in drawn.svg] == list("abcd")
    assert drawn.svg.count("stroke-dasharray: 5.55,2.4") == 4


def test_a_matrix_can_name_its_rows():
    drawn = figures.matrix(np.eye(2), alt="Two.", xlabel="in", ylabel="out", row_names=["bag", "boot"])
    assert ">bag</text>" in drawn.svg
    assert ">boot</text>" in drawn.svg
