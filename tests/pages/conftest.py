"""The built book, a browser to open it in, and a word about what its pages weigh."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pages import files, screen
from support.browser import served


@pytest.fixture(scope="package")
def site():
    """Give the folder of the built book, built by the same door as `make book` unless it is up to date.

    BOOK_SITE names the folder of a book that was built elsewhere, to be looked at as it is.
    """
    if named := os.environ.get("BOOK_SITE"):
        return Path(named).resolve()
    build = [sys.executable, "tools/book.py", "build"]
    done = subprocess.run(build, cwd=files.ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"the book does not build:\n{done.stdout}\n{done.stderr}", pytrace=False)
    return files.ROOT / "_build" / "html"


@pytest.fixture(scope="package")
def home(site):
    """Give the address of the book on this machine, to which page names are appended."""
    with served(site) as origin:
        yield f"{origin}/"


@pytest.fixture
def html(site, name):
    return files.read(site, name)


@pytest.fixture(scope="module")
def shared_tab(chromium, home):
    """Open a page once for all tests that only look at it; the next page takes its place."""
    opened = {}

    def look_at(name, width):
        if (name, width) not in opened:
            close_all()
            visit = screen.visit(chromium, home, name, width=width, height=844, reduced_motion="reduce")
            opened[name, width] = visit, visit.__enter__().page
        return opened[name, width][1]

    def close_all():
        while opened:
            opened.popitem()[1][0].__exit__(None, None, None)

    yield look_at
    close_all()


def pytest_terminal_summary(terminalreporter):
    """Report what gate 10 counts apart."""
    ended = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    pages = [value for report in ended for key, value in report.user_properties if key == "page"]
    if pages:
        terminalreporter.write_sep("-", "what a page weighs, KB gz")
    for name, parts in pages:
        terminalreporter.write_line(
            f"{name:28} " + "  ".join(f"{kind} {size:.0f}" for kind, size in parts.items())
        )
