"""What the front page claims, one test each. Its table of results has its own tests, in tests/results."""

import re

import pytest
from support.chapter_code import run_of
from support.project_files import ROOT, toc_parts

from cnnbook import data
from cnnbook.data.sources import DATASETS
from cnnbook.gradcheck import check_layer
from cnnbook.nn import Conv2D
from cnnbook.results import scoreboard

NUMBERS = ["no", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"]


@pytest.fixture(scope="module")
def page():
    return run_of("index")


@pytest.fixture(scope="module")
def report():
    """What the page shows for its one layer."""
    conv = Conv2D(filters=4, kernel_size=(3, 2), strides=2, padding="same")
    return check_layer(conv, input_shape=(7, 6, 3), rng=0)


def test_the_pages_last_cell_checks_the_layer_that_is_checked_here(page):
    assert (
        'Conv2D(filters=4, kernel_size=(3, 2), strides=2, padding="same"), input_shape=(7, 6, 3)' in page.text
    )


def test_the_layers_slopes_and_the_measured_ones_agree_to_about_ten_digits(report):
    assert report.error < 1e-9


def test_they_are_compared_for_the_input_the_kernel_and_the_bias(report):
    assert [comparison.name for comparison in report.comparisons] == ["x", "kernel", "bias"]


def test_the_table_leads_to_every_numbered_chapter_in_the_books_order(page):
    table = page.text.split("## What is here")[1].split("Behind them")[0]
    numbered = [name for part, names in toc_parts() if part.get("numbered") for name in names]
    assert [f"chapters/{name}" for name in re.findall(r"\((\w+)\.md\) \|", table)][1:] == numbered


def test_as_many_assignments_come_with_the_book_as_the_page_says(page):
    count = len(list((ROOT / "chapters").glob("assignment_*.md")))
    assert f"{NUMBERS[count]} [assignments](assignments.md)" in page.text


def test_the_python_versions_the_page_names_are_those_the_package_accepts(page):
    required = re.search(
        r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (ROOT / "pyproject.toml").read_text("utf-8")
    )
    *first, last = [f"3.{minor}" for minor in range(int(required[1]), int(required[2]))]
    assert f"you need Python {', '.join(first)} or {last}" in page.text


@pytest.fixture(scope="module")
def told():
    """Everything that shows a score on MNIST: the page, the note below its table, and the README."""
    readme = (ROOT / "README.md").read_text("utf-8")
    return [run_of("index").text, scoreboard.LEGEND, readme]


def test_mnist_stands_here_for_its_test_file_cut_into_8000_and_2000_wherever_a_score_is_shown(told):
    assert DATASETS["mnist"]["sizes"] == (8_000, 2_000)
    for text in told:
        assert "official test file" in text
        assert "8,000 to train with and 2,000 to test with" in text


def test_the_loader_hands_out_8000_and_2000_images_of_mnist():
    digits = data.load("mnist", fallback="digits")
    if digits.is_fallback:
        pytest.skip("a claim about MNIST; scikit-learn's digits stand in for it here")
    assert (len(digits.x_train), len(digits.x_test)) == (8_000, 2_000)
