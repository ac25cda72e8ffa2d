"""What the tests of the coursework share: the isolation they need, and small submissions."""

import os
import re
import sys
from pathlib import Path

import pytest

from cnnbook.coursework import course, source
from cnnbook.coursework.isolation import proven
from cnnbook.coursework.trouble import IsolationError

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "coursework" / "hostile"))


@pytest.fixture(scope="session")
def isolation():
    """The way to isolate. Without one: fail where CI=true, else skip and say what did not run."""
    try:
        return proven("bwrap", [ROOT / "pyproject.toml"])
    except IsolationError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(f"NO SANDBOX: nothing was graded in isolation. {error}")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """Trouble is tried again at once."""
    monkeypatch.setattr("cnnbook.coursework.trouble.PAUSE", 0)


@pytest.fixture(scope="session")
def public():
    """The public course."""
    return course.load()


@pytest.fixture(scope="session")
def a02():
    """The assignment that the graders are tried with."""
    return source.read("a02")


@pytest.fixture
def three(tmp_path, a02):
    """A folder with a right, a half right and a blank submission."""
    folder = tmp_path / "submissions"
    folder.mkdir()
    (folder / "ada.py").write_text(a02.solution)
    (folder / "ben.py").write_text(re.sub(r"def im2col.*", "", a02.solution, flags=re.DOTALL))
    (folder / "cleo.py").write_text(a02.blank)
    return folder
