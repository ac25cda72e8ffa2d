"""Curves to hover and zoom: the drawing and the numbers alone, and what Plotly makes of them in a page."""

import html
import json
import re
import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from support.browser import tab
from support.widget_page import AXE

from cnnbook.hover import compare

ROOT = Path(__file__).parents[1]
STATIC = ROOT / ".venv" / "share" / "cnnbook" / "static"  # what tools/setup.py fetched
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head>
<meta charset="utf-8"><title>Curves</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="book.css">
<script defer src="hover.js"></script><style>html {{ background: var(--fig-bg); color: var(--fig-fg) }}
main {{ max-width: 700px }}</style></head>
<body><main class="bd-article"><h1>Curves</h1>{before}{figures}</main></body></html>"""


def figure():
    return compare(
        {"ours": ([0, 1, 2], [2.3, 1.2, 0.9]), "Keras <3>": ([0, 2], [2.3, float("nan")])},
        alt="Two losses fall over three steps.",
        xlabel="step",
        ylabel="loss (nats)",
    )


def test_the_figure_is_a_drawing_with_its_numbers():
    text = figure()._repr_html_()
    assert text.count("<svg") == 1
    assert 'role="img" aria-label="Two losses fall over three steps."' in text
    data = json.loads(html.unescape(re.search('data-hover="(.*?)"', text)[1]))
    assert data["series"][1] == {"name": "Keras <3>", "x": [0, 2], "y": [2.3, None]}
    rows = re.findall("<tr>(.*?)</tr>", text)
    assert [re.sub("<.*?>", " ", row).split() for row in rows[1:]] == [
        ["0", "2.3", "2.3"],
        ["1", "1.2"],
        ["2", "0.9"],
    ]
    assert "Keras &lt;3&gt;" in rows[0]


def test_a_long_run_has_a_table_of_at_most_sixty_rows():
    table = compare(
        {"a": (range(1000), range(1000))}, alt="It rises.", xlabel="step", ylabel="loss", markers=False
    ).table()
    assert table.count("<tr>") == 1 + 59
    assert "every 17th" in table


def test_what_cannot_be_drawn_is_refused(refuses):
    with refuses("compare draws at least one series. Received none."):
        compare({}, alt="", xlabel="", ylabel="")
    with refuses(
        "compare draws x and y of equal length. Received 'a' with x of shape (2,) and y of shape (3,)."
    ):
        compare({"a": ([0, 1], [1, 2, 3])}, alt="", xlabel="", ylabel="")


@pytest.fixture
def open_curves(chromium, tmp_path):
    """A page with two such figures far below its top, opened from a file."""
    for file in (ROOT / "assets" / "hover.js", ROOT / "assets" / "book.css"):
        shutil.copy(file, tmp_path)
    for folder in ("plotly", "fonts"):
        shutil.copytree(STATIC / folder, tmp_path / folder)
    opened = []

    def open_(*, width=1280, theme="light", far=False, figures=2, **settings):
        before = '<div style="height: 3000px"></div>' if far else ""
        page = PAGE.format(theme=theme, before=before, figures=figure()._repr_html_() * figures)
        (tmp_path / "page.html").write_text(page, encoding="utf-8")
        context = tab(chromium, tmp_path.as_uri(), width=width, theme=theme, **settings)
        opened.append((context, context.__enter__()))
        page = opened[-1][1].page
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url.rsplit("/")[-1]))
        page.goto((tmp_path / "page.html").as_uri())
        return page

    yield open_
    for context, opened_ in opened:
        context.__exit__(None, None, None)
        assert opened_.problems == []


@pytest.mark.pages
def test_plotly_is_loaded_once_and_only_when_a_figure_comes_near(open_curves):
    page = open_curves(far=True)
    page.wait_for_timeout(300)
    assert "plotly-cartesian.min.js" not in page.asked
    assert page.locator(".cnn-figure > svg").count() == 2
    page.locator(".hover-numbers").last.scroll_into_view_if_needed()
    page.locator(".hover-plot .main-svg").last.wait_for()
    assert page.asked.count("plotly-cartesian.min.js") == 1
    assert page.locator(".cnn-figure > svg:visible").count() == 0


@pytest.mark.pages
@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_it_fits_the_page_has_numbers_for_the_keyboard_and_axe_finds_nothing(open_curves, width, theme):
    page = open_curves(width=width, theme=theme, figures=1)
    page.locator(".hover-plot .main-svg").first.wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the fold with the numbers
    assert page.locator(".hover-numbers table").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "The numbers of the figure"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("summary").bounding_box()["height"] >= 44
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": AXE}, "preload": False})
    assert [f"{v['id']}: {v['nodes'][0]['target']}" for v in found.response["violations"]] == []


@pytest.mark.pages
def test_the_theme_recolours_it_zoom_can_be_undone_and_paper_gets_the_drawing(open_curves):
    page = open_curves(figures=1)
    plot = page.locator(".hover-plot")
    plot.locator(".main-svg").first.wait_for()
    colour = "getComputedStyle(document.querySelector('.hover-plot .xtick text')).fill"
    before = page.evaluate(colour)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"{colour} !== '{before}'")
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 100)
    page.locator(".hoverlayer text").first.wait_for()  # hovering tells the numbers
    assert page.locator(".hover-whole:visible").count() == 0
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 200)
    page.mouse.up()
    page.get_by_role("button", name="Show the whole figure").click()
    page.locator(".hover-whole").wait_for(state="hidden")
    page.emulate_media(media="print")
    assert page.locator(".cnn-figure > svg").is_visible()
    assert not plot.is_visible()


@pytest.mark.pages
def test_without_javascript_the_drawing_stays(open_curves):
    page = open_curves(java_script_enabled=False, figures=1)
    assert page.locator(".cnn-figure > svg").is_visible()
    assert page.asked.count("plotly-cartesian.min.js") == 0
