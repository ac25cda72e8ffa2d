"""A page with nothing but a widget on it, opened from a file, the network taken away."""

import contextlib

import pytest
from support.browser import tab

from cnnbook.widgets.base import BookWidget

PAGE = """<!doctype html><html lang="en" {theme}><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>A widget</title>
<style>body {{ margin: 0; font-family: sans-serif; background: #fff; color: #1b2430 }}
main {{ max-width: 700px; margin: 0 auto; padding: 16px }} p {{ height: 120vh }}
[data-theme=dark] body {{ background: #14181e; color: #e8ecf1 }}
[data-theme=dark] a {{ color: #85b5ff }}</style></head>
<body><main><h1>A widget</h1>{html}</main></body></html>"""


@pytest.fixture(autouse=True)
def fresh_page(monkeypatch):
    """Every test is the first page of its process: its first figure carries the code."""
    monkeypatch.setattr(BookWidget, "_carriers", {})


@pytest.fixture
def open_page(chromium, tmp_path):
    """Open HTML from a file. The test fails if the page throws, logs an error or asks for anything else."""
    tabs = []
    with contextlib.ExitStack() as stack:

        def open_(html, *, fragment="", theme=None, **settings):
            file = tmp_path / f"page{len(tabs)}.html"
            named = f'data-theme="{theme}"' if theme else ""
            file.write_text(PAGE.format(html=html, theme=named), encoding="utf-8")
            settings = {"height": 844, "theme": theme or "light"} | settings
            tabs.append(stack.enter_context(tab(chromium, tmp_path.as_uri(), **settings)))
            tabs[-1].page.set_default_timeout(30_000)
            tabs[-1].page.goto(file.as_uri() + fragment)
            return tabs[-1].page

        yield open_
    assert [problem for one in tabs for problem in one.problems] == []


@pytest.fixture
def load_module(open_page):
    """Open an empty page and import a widget's module, as Jupyter does, into `globalThis.widget`."""

    def load(widget):
        page = open_page("<div id='host'></div>")
        page.evaluate(
            """async (text) => {
                const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
                globalThis.widget = await import(url);
            }""",
            widget._esm,
        )
        return page

    return load
