"""Tables: headers that say what they head, numbers to the right, text that cannot become markup."""

import re

import pytest

from cnnbook.results.tables import Folds, Table

NBSP, MINUS = "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}"


def cells(table, tag="td"):
    """(side, text) of every cell, in order."""
    return re.findall(rf'<{tag}[^>]*style="text-align: (\w+)[^>]*>(.*?)</{tag}>', table._repr_html_())


def test_every_column_and_every_row_has_a_header_and_the_caption_stands_in_the_table():
    page = Table(["layer", "ms"], [["ReLU", 1], ["Dense", 2]], caption="Time")._repr_html_()
    assert page.count('<th scope="col"') == 2
    assert page.count('<th scope="row"') == 2
    assert page.index("<table") < page.index("<caption>Time</caption>") < page.index("<thead>")


def test_columns_of_numbers_stand_to_the_right_with_their_header_and_words_to_the_left():
    table = Table(
        ["1st", "number", "words", "gaps", "small"],
        [["1", "0.9 ± 0.1", "at most 3", None, "-1e-7"], ["2", "12 MB", "7 of 8", "≤ 3", ".5"]],
    )
    assert [side for side, _ in cells(table)] == ["right", "left", "right", "right"] * 2
    assert [side for side, _ in cells(table, "th")][:5] == ["left", "right", "left", "right", "right"]


def test_a_number_breaks_before_its_spread_only_and_words_anywhere():
    table = Table(["", "a", "b", "c", "d"], [["x", "0.9 ± 0.1", "12 MB / 3 MB", "1e-7", "at most 3-4"]])
    assert [text for _, text in cells(table)] == [
        f"0.9 ±{NBSP}0.1",
        f"12{NBSP}MB /{NBSP}3{NBSP}MB",
        f"1e{MINUS}7",
        "at most 3-4",
    ]


def test_text_cannot_become_markup():
    table = Table(["<i>"], [["<b>it's</b>"]], caption="a & <u>", note="<s>")
    page = Folds({"<q>": table})._repr_html_()
    for text in ("&lt;i&gt;", "&lt;b&gt;it&#x27;s&lt;/b&gt;", "a &amp; &lt;u&gt;", "&lt;s&gt;", "&lt;q&gt;"):
        assert text in page
    assert not re.search("<[ibusq]>", page)


def test_a_long_name_may_break_between_its_words():
    names = ["GlobalAveragePooling2D(3)", "TensorFlow's = 64 x 14x14x16", "kernel_size=(3, 2)"]
    page = Table(["a"], [[name] for name in names])._repr_html_()
    assert ">Global<wbr>Average<wbr>Pooling<wbr>2D(3)<" in page
    assert ">TensorFlow&#x27;s = 64 x 14x14x16<" in page
    assert ">kernel_<wbr>size=<wbr>(3, 2)<" in page


def test_a_wide_table_can_be_scrolled_by_keyboard_and_says_what_it_is():
    head = ["a", "b", "c", "d", "e"]
    frame = '<div style="overflow-x: auto" tabindex="0" role="group" aria-label="{}">'
    assert frame.format("a, b, c, d, e") in Table(head, [])._repr_html_()
    assert frame.format("&quot;Time&quot;") in Table(head, [], caption='"Time"')._repr_html_()
    assert "tabindex" not in Table(head[:4], [])._repr_html_()


def test_a_note_stands_below_the_frame_where_it_need_not_be_scrolled():
    assert (
        Table(["a"], [["b"]], note="Means.")
        ._repr_html_()
        .endswith('</table>\n<p class="table-note">Means.</p>')
    )


def test_folded_tables_have_a_line_each():
    page = Folds({"one": Table(["a"], [["x"]]), "two": Table(["a"], [["y"]])})._repr_html_()
    assert re.findall(r"<summary[^>]*>(\w+)</summary>", page) == ["one", "two"]
    assert page.count("<details>") == page.count("</table></details>") == 2


def test_a_row_that_is_too_short_is_refused(refuses):
    with refuses(
        "Table: every row must have 2 cells, one for each of ['a', 'b']. Received ['x']. "
        "Fill empty cells with None."
    ):
        Table(["a", "b"], [["x"]])


@pytest.mark.parametrize("rows", [[], [["x", None]]])
def test_a_table_may_be_empty(rows):
    assert Table(["a", "b"], rows)._repr_html_().count("<tr>") == 1 + len(rows)
