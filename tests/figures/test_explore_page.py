"""Figures to explore, in a browser: nothing before the press, Plotly after it, and a way back."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from support.browser import served, tab
from support.widget_page import AXE

from cnnbook.figures import explore

pytestmark = pytest.mark.pages
ROOT = Path(__file__).parents[2]
STATIC = ROOT / ".venv" / "share" / "cnnbook" / "static"  # what tools/setup.py fetched
BUNDLE = "plotly-cartesian.min.js"
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head>
<meta charset="utf-8"><title>Figures</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="book.css">
<script defer src="explore.js"></script><style>html {{ background: var(--fig-bg); color: var(--fig-fg) }}
main {{ max-width: 700px }}</style></head>
<body><main class="bd-article"><h1>Figures</h1>{figures}</main></body></html>"""
LABELS = {"alt": "Two losses fall over three steps.", "xlabel": "step", "ylabel": "loss (nats)"}
X = np.linspace(-1, 1, 12)
KINDS = {
    "curves": explore.curves(
        {"ours": ([0, 1, 2], [2.3, 1.2, 0.9]), "Keras": ([0, 1, 2], [2, 1, 1])}, **LABELS
    ),
    "points": explore.points(
        {"ours": ([1, 2, 4], [1, 3, 2], ["one", "two", "four"])}, diagonal=True, **LABELS
    ),
    "contours": explore.contours(
        X, X, X**2 + X[:, np.newaxis] ** 2, {"path": ([1, 0.5, 0], [1, 0.2, 0])}, **LABELS
    ),
    "matrix": explore.matrix(np.diag([9, 8]) + 1, names=["bag", "boot"], **LABELS),
}


@pytest.fixture
def open_figures(chromium, tmp_path):
    """A page with some of these figures; it may ask this one address for files and no other."""
    for file in ("explore.js", "book.css"):
        shutil.copy(ROOT / "assets" / file, tmp_path)
    for folder in ("plotly", "fonts"):
        shutil.copytree(STATIC / folder, tmp_path / folder)
    opened = []

    def open_(*kinds, width=1280, theme="light", **settings):
        figures = "".join(KINDS[kind]._repr_html_() for kind in kinds)
        (tmp_path / "page.html").write_text(PAGE.format(theme=theme, figures=figures), encoding="utf-8")
        context = tab(chromium, home, width=width, theme=theme, **settings)
        opened.append((context, context.__enter__()))
        page = opened[-1][1].page
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url.removeprefix(home)))
        page.goto(f"{home}/page.html")
        page.wait_for_load_state("networkidle")
        return page

    with served(tmp_path) as home:
        yield open_
        for context, opened_ in opened:
            context.__exit__(None, None, None)
            assert opened_.problems == []


def explored(page, number=0):
    """Press the button of a figure and wait for Plotly."""
    page.locator(".explore-button").nth(number).click()
    plot = page.locator(".explore-plot").nth(number)
    plot.locator(".main-svg").first.wait_for()
    page.locator(".explore-note").nth(number).get_by_text("its numbers").wait_for()
    return plot


def shows(page):
    """What can be seen: drawings, plots."""
    drawings, plots = page.locator(".cnn-figure > svg:visible"), page.locator(".explore-plot:visible")
    return drawings.count(), plots.count()


def test_nothing_is_asked_for_before_the_press_and_only_the_books_own_bundle_after_it(open_figures):
    page = open_figures(*KINDS)
    assert not [file for file in page.asked if "plotly" in file]
    assert shows(page) == (len(KINDS), 0)
    for number in range(len(KINDS)):
        explored(page, number)
    page.wait_for_load_state("networkidle")
    assert [file for file in page.asked if "plotly" in file] == [f"/plotly/{BUNDLE}"]  # once
    assert shows(page) == (0, len(KINDS))


def test_a_press_that_finds_no_bundle_says_so_keeps_the_drawing_and_can_be_repeated(open_figures):
    page = open_figures("curves")
    page.route(f"**/{BUNDLE}", lambda route: route.abort("aborted"))
    page.get_by_role("button", name="Explore this figure").click()
    page.get_by_text("could not be loaded").wait_for()
    assert shows(page) == (1, 0)
    page.unroute(f"**/{BUNDLE}")
    explored(page)
    assert shows(page) == (0, 1)


def test_the_keyboard_reaches_button_tools_and_numbers_and_leads_back(open_figures):
    page = open_figures("curves")
    at = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    page.keyboard.press("Tab")
    assert page.evaluate(at) == "Explore this figure"
    page.keyboard.press("Enter")
    page.locator(".explore-plot .main-svg").first.wait_for()
    assert page.evaluate(at) == "Back to the drawing"  # the focus stays on it
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator(".explore-numbers table").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate(at) == "The numbers, scroll here"
    for _ in range(2):
        page.keyboard.press("Shift+Tab")
    tools = []
    for _ in range(5):
        page.keyboard.press("Shift+Tab")
        tools.insert(0, page.evaluate(at))
    assert tools == ["Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"]
    whole = page.evaluate("document.querySelector('.explore-plot').layout.xaxis.range.slice()")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Zoom in
    closer = page.evaluate("document.querySelector('.explore-plot').layout.xaxis.range.slice()")
    assert closer[1] - closer[0] < 0.6 * (whole[1] - whole[0])
    page.get_by_role("button", name="Back to the drawing").press("Enter")
    assert shows(page) == (1, 0)
    assert page.get_by_role("button", name="Explore this figure").is_visible()


def test_the_button_stays_under_the_pointer_when_the_figure_changes_its_height(open_figures):
    page = open_figures("matrix", "curves", "matrix", width=390)
    button = page.locator(".explore-button").nth(1)
    button.scroll_into_view_if_needed()
    for _ in range(2):
        before = button.bounding_box()["y"]
        button.click()
        page.wait_for_timeout(1000)
        assert abs(button.bounding_box()["y"] - before) < 2


def test_the_pointer_finds_the_numbers_and_a_drag_zooms_in_until_reset(open_figures):
    page = open_figures("curves")
    plot = explored(page)
    box = plot.locator(".nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    plot.locator(".hoverlayer text", has_text="Keras : 1").wait_for()
    assert "step: 1" in plot.locator(".hoverlayer").text_content()
    ends = "document.querySelector('.explore-plot').layout.xaxis.range"
    extent = f"({ends}[1] - {ends}[0])"
    whole = page.evaluate(extent)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.9, steps=5)
    page.mouse.up()
    page.wait_for_function(f"{extent} < {0.3 * whole}")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_timeout(500)
    assert page.evaluate(extent) < 0.3 * whole  # another theme keeps the zoom
    plot.get_by_role("button", name="Reset axes").click()
    page.wait_for_function(f"Math.abs({extent} - {whole}) < 1e-9")


INK = """(name) => {
    const style = getComputedStyle(document.documentElement);
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = style.getPropertyValue(name).trim();
    const wanted = canvas.fillStyle;
    const found = (selector, key) => {
        canvas.fillStyle = getComputedStyle(document.querySelector(selector))[key];
        return canvas.fillStyle;
    };
    const line = found(".explore-plot .lines path", "stroke");
    return { wanted, line, text: found(".explore-plot .xtick text", "fill") };
}"""


def test_the_plot_has_the_colours_of_the_theme_and_follows_it(open_figures):
    page = open_figures("curves")
    explored(page)
    seen = set()
    for theme in ("light", "dark", "light"):
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        line = f"({INK})('--fig-1')"
        page.wait_for_function(f"(() => {{ const {{ wanted, line }} = {line}; return wanted === line; }})()")
        text = page.evaluate(INK, "--fig-fg")
        assert text["wanted"] == text["text"]
        seen.add(text["text"])
    assert len(seen) == 2


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_after_the_press_axe_finds_nothing_fingers_find_every_control_and_the_page_is_no_wider(
    open_figures, width, theme
):
    page = open_figures(*KINDS, width=width, theme=theme, has_touch=width == 390)
    for number in range(len(KINDS)):
        explored(page, number)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for control in page.locator("button:visible, summary").all():
        box = control.bounding_box()
        assert min(box["height"], box["width"]) >= 44, control.text_content()
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": AXE}, "preload": False})
    assert [f"{v['id']}: {v['nodes'][0]['target']}" for v in found.response["violations"]] == []


def test_nothing_moves_when_less_motion_is_asked_for(open_figures):
    page = open_figures("curves", reduced_motion="reduce")
    plot = explored(page)
    plot.get_by_role("button", name="Zoom in").click()
    assert page.evaluate("document.getAnimations().length") == 0
    moving = """[...document.querySelectorAll(".explore-plot, .explore-plot *")].filter((each) =>
        getComputedStyle(each).transitionDuration.split(", ").some((time) => parseFloat(time) > 0)).length"""
    assert page.evaluate(moving) == 0


def test_paper_gets_the_drawing_and_neither_plot_nor_button_nor_numbers(open_figures):
    page = open_figures("curves")
    explored(page)
    page.emulate_media(media="print")
    assert shows(page) == (1, 0)
    assert page.locator("button:visible, summary:visible").count() == 0
    page.emulate_media(media="screen")
    assert shows(page) == (0, 1)


def test_without_javascript_there_is_the_drawing_and_its_numbers_and_no_button(open_figures):
    page = open_figures("curves", java_script_enabled=False)
    assert shows(page) == (1, 0)
    assert page.locator("button").count() == 0
    page.locator("summary").click()
    assert page.locator("table").is_visible()
