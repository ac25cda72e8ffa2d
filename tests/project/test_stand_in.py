"""What a page says of Fashion-MNIST is not there when other pictures stand in for it."""

import numpy as np
import pytest
from sphinx.application import Sphinx
from support.project_files import ROOT, chapters

from cnnbook.data import Dataset

PAGE = """# A page

<div>{note}</div>

:::{{fashion-mnist}}
Coats and *pullovers* look alike.
:::

The rest.
"""


@pytest.fixture(name="built")
def _built(tmp_path):
    """Build a page with the data note of a real or a stand-in data set; its HTML."""

    def build(is_fallback):
        images, labels = np.zeros((2, 28, 28, 1), np.float32), np.zeros(2, int)
        note = Dataset(images, labels, images, labels, ("one",), "somewhere", is_fallback)._repr_html_()
        source = tmp_path / str(is_fallback)
        source.mkdir()
        (source / "conf.py").write_text(
            f"import sys; sys.path.insert(0, {str(ROOT / '_ext')!r})\n"
            "extensions = ['myst_parser', 'book_data']\nmyst_enable_extensions = ['colon_fence']\n"
        )
        (source / "index.md").write_text(PAGE.format(note=note))
        out = source / "out"
        Sphinx(source, source, out, out / "doctrees", "html", status=None, warning=None).build()
        return (out / "index.html").read_text("utf-8")

    return build


def test_a_page_with_fashion_mnist_says_what_is_true_of_it(built):
    page = built(is_fallback=False)
    assert "<em>pullovers</em> look alike" in page
    assert "left out here" not in page


def test_a_page_with_stand_in_pictures_leaves_it_out_and_says_so(built):
    page = built(is_fallback=True)
    assert "pullovers" not in page
    assert "left out here" in page
    assert "The rest." in page


def test_every_page_with_such_remarks_shows_which_data_it_has():
    """The warning is found in what the cells show: one of them must end in the data set."""
    for chapter in chapters():
        if "{fashion-mnist}" in chapter.text:
            last_lines = [
                cell.source.strip().splitlines()[-1] for cell in chapter.code if cell.source.strip()
            ]
            assert "images" in last_lines, chapter.name
