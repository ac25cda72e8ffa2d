"""What "Using this book" claims: versions, commands, its example, how to cite."""

import re
import tomllib

import pytest
import yaml
from support.project_files import ROOT

from cnnbook.gradcheck import check_layer
from cnnbook.nn import Conv2D

PAGE = (ROOT / "chapters" / "using_this_book.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))


def test_the_versions_of_python_are_those_that_the_package_takes():
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"]).groups()
    *first, last = (f"3.{minor}" for minor in range(int(low), int(high)))
    assert f"You need Python {', '.join(first)} or {last}," in PAGE


def test_every_make_command_of_the_page_exists():
    named = set(re.findall(r"`make ([a-z-]+)`", PAGE))
    there = set(re.findall(r"^([a-z][a-z-]*):(?!=)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"book", "serve", "test"} <= named <= there


def test_the_extra_that_pip_is_told_to_install_exists():
    extras = re.findall(r'pip install -e "\.\[(\w+)\]"', PAGE)
    assert extras
    assert set(extras) <= PROJECT["optional-dependencies"].keys()


def test_the_example_of_check_layer_passes():
    assert ">>> check_layer(Conv2D(4, 3), (7, 6, 2))" in PAGE
    check_layer(Conv2D(4, 3), (7, 6, 2))


def test_the_check_tells_which_gradient_of_a_layer_of_ones_own_is_wrong_where_and_by_how_much():
    class Forgetful(Conv2D):
        def backward(self, dout, *, input_gradient=True):
            dx = super().backward(dout, input_gradient=input_gradient)
            self.grads["bias"][1] = 0
            return dx

    with pytest.raises(AssertionError, match=r"dbias is wrong\. At \(1,\) .*relative error") as error:
        check_layer(Forgetful(4, 3), (7, 6, 2))
    assert "dkernel" not in str(error.value)


def test_the_reference_is_that_of_the_citation_file():
    assert f"*{CITATION['title']}: " in PAGE
    assert (
        f"> {CITATION['authors'][0]['name'].replace(CITATION['title'], '*' + CITATION['title'] + '*')}."
        in PAGE
    )
    assert f"{CITATION['date-released'][:4]}." in PAGE


def test_the_licences_are_those_of_the_citation_file():
    assert CITATION["license"] == ["MIT", "CC-BY-4.0"]
    assert "The text is licensed under CC BY 4.0, the code under MIT" in PAGE
