"""Nothing of an assignment's solution, hidden tests or rubric is in the built book, its sources included."""

import shutil
from pathlib import Path

import pytest

from cnnbook.coursework import course, leaks, source

pytestmark = pytest.mark.pages
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def telling():
    return leaks.secrets_of(course.load().assignments(), leaks.book_text(ROOT))


def test_the_built_book_holds_no_solution_and_no_hidden_test(site, telling):
    assert len(telling) > 500
    assert leaks.leaks_in([site], telling) == []


def test_every_assignment_has_its_page_and_its_notebook(site):
    for name in source.find():
        page = (site / "chapters" / f"assignment_{name[1:]}.html").read_text("utf-8")
        assert f'href="../_static/coursework/{name}.ipynb"' in page
        assert "YOUR CODE HERE" in page
        assert (site / "_static" / "coursework" / f"{name}.ipynb").is_file()
        assert f"urlpath=lab/tree/_build/coursework/student/{name}.ipynb" in page


def test_a_source_that_slips_into_the_book_is_caught(site, telling, tmp_path):
    folder = tmp_path / "_sources"
    folder.mkdir()
    shutil.copy(source.ROOT / "a02_convolution" / "source.md", folder / "assignment_02.md")
    assert leaks.leaks_in([tmp_path], telling) != []
