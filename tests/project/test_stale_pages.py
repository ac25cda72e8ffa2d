"""`make book` never shows a number that today's sources would not give."""

import importlib.util
import json
import re

import pytest
from support.project_files import ROOT

CONFIG = """
title: A tiny book
only_build_toc_files: true
exclude_patterns: [src]
execute: {execute_notebooks: cache, timeout: 60}
"""
PAGE = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
# A page

Some prose.

```{code-cell} python
import secrets
from tiny import answer
print(f"answer={answer} run={secrets.token_hex(4)}")
```
"""


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("book_tool", ROOT / "tools" / "book.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A book of one page that prints a number from its `src` and a mark that is new in every run."""
    for name, text in {
        "_config.yml": CONFIG,
        "_toc.yml": "{format: jb-book, root: index}",
        "index.md": PAGE,
        "src/tiny.py": "answer = 1",
        "chapters/note.md": "A chapter.",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / ".cache"))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("CNNBOOK_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def shown(book):
    page = (book / "_build" / "html" / "index.html").read_text("utf-8")
    return re.search(r"answer=(\d+) run=(\w+)", page).groups()


def test_a_page_shows_what_todays_src_gives_and_runs_again_only_when_it_must(tiny, tool, capfd):
    assert tool.build(tiny) == 0
    answer, first_run = shown(tiny)
    assert answer == "1"

    assert tool.build(tiny) == 0
    assert "up to date" in capfd.readouterr().out

    (tiny / "chapters" / "note.md").write_text("A chapter, edited.")
    assert tool.build(tiny) == 0
    assert shown(tiny) == ("1", first_run), "prose changed, code did not: the last run must be reused"

    (tiny / "src" / "tiny.py").write_text("answer = 2")
    assert tool.build(tiny) == 0
    answer, second_run = shown(tiny)
    assert answer == "2"
    assert second_run != first_run


def change(book, name, text):
    (book / name).parent.mkdir(parents=True, exist_ok=True)
    (book / name).write_text(text)


RERUN = {
    "src": lambda book, env: change(book, "src/tiny.py", "answer = 3"),
    "a new file in src": lambda book, env: change(book, "src/widgets/look.js", "1"),
    "results": lambda book, env: change(book, "results/run.json", "{}"),
    "a data file": lambda book, env: change(book, "data/fashion_mnist/train", "x"),
    "no data folder": lambda book, env: env.delenv("CNNBOOK_DATA_DIR"),
    "data in the cache": lambda book, env: change(book, "home/.cache/cnnbook/mnist/file", "x"),
    "data in Keras' cache": lambda book, env: change(book, "home/.keras/datasets/mnist.npz", "x"),
}
REWRITE = {
    "a chapter": "chapters/note.md",
    "the works cited": "chapters/references.bib",
    "the look": "assets/book.css",
    "an extension": "_ext/book_math.py",
    "a template": "_templates/layout.html",
    "the settings": "_config.yml",
    "the order": "_toc.yml",
    "the tools": "tools/setup.py",
}


@pytest.mark.parametrize("what", RERUN)
def test_what_a_chapters_code_sees_decides_whether_it_runs_again(what, tiny, tool, monkeypatch):
    before = tool.stamps(tiny)
    assert tool.stamps(tiny) == before
    RERUN[what](tiny, monkeypatch)
    assert tool.stamps(tiny)["run"] != before["run"]
    assert tool.stamps(tiny)["write"] != before["write"]


@pytest.mark.parametrize("what", REWRITE)
def test_what_makes_a_page_but_not_its_numbers_rewrites_it_without_running_it(what, tiny, tool):
    before = tool.stamps(tiny)
    change(tiny, REWRITE[what], "changed")
    assert tool.stamps(tiny)["run"] == before["run"]
    assert tool.stamps(tiny)["write"] != before["write"]


def test_another_version_of_a_library_runs_every_chapter_again(tiny, tool, monkeypatch):
    before = tool.stamps(tiny)
    monkeypatch.setattr(tool, "distributions", list)
    assert tool.stamps(tiny)["run"] != before["run"]


def test_a_build_that_failed_is_not_taken_for_up_to_date(tiny, tool, monkeypatch):
    monkeypatch.setattr(tool, "run_jupyter_book", lambda root, output: 1)
    assert tool.build(tiny) == 1
    assert "write" not in json.loads((tiny / "_build" / "stamp.json").read_text())
    assert tool.drop_stale(tiny / "_build", tool.stamps(tiny))
