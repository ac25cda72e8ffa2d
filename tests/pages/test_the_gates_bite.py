"""Every gate shown to bite: a fault planted in a page is named by the very function that guards the pages."""

import os
import random
import re

import pytest
from pages import files, screen
from support.browser import need_chromium

pytestmark = pytest.mark.pages
PAGES = files.pages_of_the_book()
NOISE = "".join(random.Random(0).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=300_000))


def bites(problems, expected):
    assert [each for each in problems if re.search(expected, each)], f"no {expected!r} in {problems}"


@pytest.fixture
def name(site):
    """Give the lightest page with a stepper."""
    pages = [files.read(site, name) for name in PAGES]
    return min((len(html.text), html.name) for html in pages if screen.STEPPER in html.widgets)[1]


# ---------------------------------------------------------------- files

HEAD, BODY = "</head>", "</article>"
IN_FILES = {
    "no title": (files.frame, r"<title>.*?</title>", "<title></title>", "title: 0"),
    "no language": (files.frame, '<html lang="en"', "<html", "lang="),
    "an id twice": (files.frame, BODY, '<i id="planted"></i><i id="planted"></i>', "planted"),
    "a foreign image": (files.elsewhere, BODY, '<img src="https://example.com/planted.png">', "planted"),
    "a foreign script": (
        files.elsewhere,
        HEAD,
        '<script src="//example.com/planted.js"></script>',
        "planted",
    ),
    "a foreign style": (
        files.elsewhere,
        HEAD,
        "<style>@import 'https://example.com/planted.css'</style>",
        "planted",
    ),
    "a call ahead": (files.elsewhere, HEAD, '<link rel="preconnect" href="https://planted.org">', "planted"),
    "a loader": (files.elsewhere, HEAD, '<script>load("https://cdn.planted.org/x")</script>', r"cdn\."),
    "thebe": (files.elsewhere, HEAD, '<script>const THEBE_JS_URL = ""</script>', "THEBE"),
    "saved widgets": (
        files.elsewhere,
        BODY,
        '<script type="application/vnd.jupyter.widget-state+json">{}</script>',
        "repeats",
    ),
    "a script twice": (files.twice, HEAD, '<script src="planted.js"></script>' * 2, "planted"),
    "an inline script twice": (files.twice, HEAD, "<script>let planted</script>" * 2, "planted"),
    "a path": (files.leaks, BODY, f"<p>{files.ROOT}/src</p>", "path of the machine"),
    "stderr": (
        files.leaks,
        BODY,
        '<div class="cell docutils"><div class="cell_output"><div class="output stderr">x</div></div></div>',
        "stderr",
    ),
    "a traceback": (
        files.leaks,
        BODY,
        '<div class="cell docutils"><div class="cell_output">Traceback (most recent call last)</div></div>',
        "Traceback",
    ),
    "another shared part": (
        files.other_modules,
        re.escape("export const h = ("),
        "export const h = ( ",
        "elements.js is in 0",
    ),
    "another grid of numbers": (
        files.other_modules,
        re.escape("export function numberGrid("),
        "export function numberGrid (",
        "grid.js is in 0",
    ),
    "a script for figures that are not there": (
        files.to_explore,
        HEAD,
        '<script src="explore.js"></script>',
        r"explore\.js is there 1",
    ),
    "Plotly at once": (files.to_explore, HEAD, '<script src="plotly-cartesian.min.js"></script>', "Plotly"),
    "a figure to explore without its parts": (
        files.to_explore,
        BODY,
        '<div class="cnn-figure explore"></div>',
        "data is there 0 times, wanted 1",
    ),
    "no widget module": (
        files.other_modules,
        '<script type="module">',
        "<script>",
        "conv_stepper.js is in 0",
    ),
}


@pytest.mark.parametrize("plant", IN_FILES)
def test_a_gate_for_files_bites(site, name, plant):
    gate, where, what, expected = IN_FILES[plant]
    end = where in (HEAD, BODY)
    text, count = re.subn(where, lambda found: what + found[0] if end else what, files.read(site, name).text)
    assert count
    bites(gate(files.Html(name, text)), expected)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('<a href="planted.html">', "leads nowhere"),
        ('<img src="../_static/planted.png">', "leads nowhere"),
        ('<a href="#planted">', "names nothing"),
        ('<a href="#main-content:stride=2">', "no widget"),
    ],
)
def test_a_dead_link_is_found(site, name, link, expected):
    html = files.Html(name, files.read(site, name).text.replace(BODY, link + BODY))
    bites(files.dead_links(html, site), expected)


def test_too_much_weight_is_found(site, name):
    text = files.read(site, name).text
    script = f'<script type="module">"{NOISE[:80_000]}"</script>'
    bites(files.overweight(files.Html(name, text.replace(BODY, script + BODY)), site), "all own js")
    bites(files.overweight(files.Html(name, text.replace(BODY, NOISE + BODY)), site), "in all")
    bites(files.heavy("every widget", NOISE[:10_000]), "more than 6")
    bites(files.heavy("conv-stepper", NOISE[:25_000]), "more than 14")
    bites(files.heavy("pool-stepper", NOISE[:14_000]), "more than 8")
    bites(files.heavy("grid.js", NOISE[:5_000]), "more than 2.5")


# ---------------------------------------------------------------- pages in a browser

ARTICLE = "document.querySelector('.bd-article > section, .bd-article').insertAdjacentHTML('beforeend', `{}`)"
HOST = "const host = document.querySelector('conv-stepper'), shadow = host.shadowRoot;"
SHEET = "const sheet = new CSSStyleSheet(); sheet.replaceSync(`{}`); shadow.adoptedStyleSheets.push(sheet)"


def html(text):
    return ARTICLE.format(text)


def inside(script):
    return f"{HOST} {script}"


def sheet(css):
    return inside(SHEET.format(css))


SEES = {
    "a wide box": (screen.cut_off, html('<div style="width: 1000px">planted</div>'), "planted"),
    "a clipped box": (
        screen.cut_off,
        html('<div style="overflow: hidden"><div style="width: 1000px">planted</div></div>'),
        "planted",
    ),
    "a clipped drawing": (
        screen.cut_off,
        html('<svg width="50" height="20"><text y="40">planted</text></svg>'),
        "planted.*cut off",
    ),
    "a small button": (
        screen.small,
        html('<button style="width: 20px; height: 20px; padding: 0">planted</button>'),
        "planted",
    ),
    "a small button in a widget": (
        screen.small,
        sheet("button { min-height: 20px; height: 20px }"),
        "conv-stepper.*20 px",
    ),
    "a small cell": (screen.small, sheet(".cell { width: 30px !important }"), "less than 32"),
    "a tall stepper": (
        screen.too_tall,
        sheet("[aria-label=Sum] { margin-top: 700px !important }"),
        "the screen has",
    ),
    "a stepper without its sum": (
        screen.too_tall,
        inside("shadow.querySelector('[aria-label=Sum]').remove()"),
        "does not show: Sum",
    ),
    "a transition": (
        screen.moving,
        html('<p style="transition: color 1s !important">planted</p>'),
        "planted.*transition",
    ),
    "an animation in a widget": (
        screen.moving,
        sheet("@keyframes planted { to { opacity: 0 } } button { animation: planted 1s }"),
        "conv-stepper.*animation planted",
    ),
    "smooth scrolling": (
        screen.moving,
        "document.documentElement.style.setProperty('scroll-behavior', 'smooth', 'important')",
        "smoothly",
    ),
    "a drawing without a role": (
        screen.unnamed,
        html('<svg width="50" height="50" class="planted"><rect width="9" height="9"/></svg>'),
        "planted.*role",
    ),
    "a drawing without words": (
        screen.unnamed,
        html('<svg width="50" height="50" role="img" aria-label="planted"></svg>'),
        "planted.*no sentence",
    ),
    "an image without words": (
        screen.unnamed,
        html('<img alt="" src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=" class="planted">'),
        "planted.*no sentence",
    ),
    "a second heading": (screen.furniture, html("<h1>planted</h1>"), "2 h1"),
    "a missing image": (
        screen.furniture,
        html('<img width="20" height="20" src="data:image/png,planted">'),
        "no image",
    ),
    "a second search box": (
        screen.furniture,
        "document.querySelector('.bd-header-article').insertAdjacentHTML('beforeend', '<input type=search>')",
        "search boxes instead of one",
    ),
    "a second logo": (
        screen.furniture,
        "const logo = document.querySelector('.navbar-brand'); logo.after(logo.cloneNode(true))",
        "logos",
    ),
    "a button without a name": (
        lambda page: screen.violations(page, ".planted"),
        html('<div class="planted"><button></button></div>'),
        "button-name",
    ),
    "pale text": (
        lambda page: screen.violations(page, ".planted", only=screen.COLOURS),
        html('<p class="planted" style="background: #fff; color: #ccc">planted</p>'),
        "color-contrast",
    ),
    "a button without a name in a widget": (
        lambda page: screen.violations_in_views(page, screen.STEPPER),
        inside("shadow.querySelector('.widget').append(document.createElement('button'))"),
        "im2col: button-name",
    ),
}


@pytest.mark.parametrize("plant", SEES)
def test_a_gate_for_looks_bites(chromium, home, name, plant):
    gate, script, expected = SEES[plant]
    width = 1280 if gate is screen.furniture else 390
    with screen.visit(chromium, home, name, width=width, height=844, reduced_motion="reduce") as opened:
        opened.page.evaluate(f"() => {{ {script} }}")
        bites(gate(opened.page), expected)


FETCHES = {
    "a foreign image": (
        "new Image().src = 'http://example.com/planted.png'",
        "asks for http://example.com/planted",
    ),
    "a foreign request": (
        "fetch('http://127.0.0.1:9/planted').catch(() => {})",
        "asks for http://127.0.0.1:9/planted",
    ),
    "a missing file": ("new Image().src = 'planted.png'", "(misses|cannot load).*planted.png"),
    "an error": ("setTimeout(() => { throw new Error('planted') })", "throws.*planted"),
    "a message": ("console.error('planted')", "logs an error: planted"),
    "a dead widget": (
        "document.body.append(document.createElement('planted-widget'))",
        "planted-widget.*not start",
    ),
}


@pytest.mark.parametrize("scheme", ["http", "file"])
@pytest.mark.parametrize("plant", FETCHES)
def test_the_gate_for_requests_and_errors_bites(chromium, site, home, name, plant, scheme):
    script, expected = FETCHES[plant]
    with screen.visit(chromium, home if scheme == "http" else f"{site.as_uri()}/", name) as opened:
        opened.page.evaluate(f"() => {{ {script} }}")
        bites(screen.fetched(opened), expected)


UNREADABLE = {
    "no picture": ("document.querySelector('conv-stepper svg').remove()", "shows no picture"),
    "no caption": ("document.querySelector('conv-stepper figcaption').remove()", "shows no caption"),
    "a raw formula": (html('<span class="math">planted</span>'), "planted.*nobody rendered"),
    "a hidden paragraph": (html('<p style="opacity: 0">planted</p>'), "planted.*cannot be seen"),
}


@pytest.mark.parametrize("plant", UNREADABLE)
def test_the_gate_for_pages_without_javascript_bites(chromium, site, name, plant):
    script, expected = UNREADABLE[plant]
    with screen.visit(chromium, f"{site.as_uri()}/", name, java_script_enabled=False) as opened:
        opened.page.evaluate(f"() => {{ {script} }}")
        bites(screen.unreadable(opened.page), expected)


ON_KEY = "addEventListener('keydown', (event) => {{ {} }}, true)"
IN_FIELD = "event.composedPath()[0].matches('input')"
NEXT = "look.press(host, '^One step on')"
KEYS = {
    "a control that Tab skips": (
        screen.tab_reaches,
        f"{NEXT}.tabIndex = -1",
        "Tab does not reach.*One step on",
    ),
    "a figure that Tab skips": (
        screen.tab_reaches,
        "const out = shadow.querySelector('[aria-label=Output]');"
        "out.querySelectorAll('[tabindex]').forEach((cell) => (cell.tabIndex = -1))",
        "Tab does not reach.*Output",
    ),
    "a trap": (
        screen.tab_reaches,
        f"{NEXT}.addEventListener('keydown', (event) => event.key === 'Tab' && event.preventDefault())",
        "Tab does not leave",
    ),
    "focus that cannot be seen": (
        screen.tab_reaches,
        SHEET.format("button:focus-visible { outline: none !important; box-shadow: none !important }"),
        "nothing shows",
    ),
    "focus lost": (
        screen.focus_stays,
        f"{NEXT}.addEventListener('click', (event) => event.currentTarget.blur())",
        "loses the focus",
    ),
    "a deaf figure": (
        screen.figure_obeys,
        ON_KEY.format("event.key.startsWith('Arrow') && event.stopImmediatePropagation()"),
        "takes a step",
    ),
    "Space that does not play": (
        screen.figure_obeys,
        ON_KEY.format(f"event.key === ' ' && !{IN_FIELD} && event.stopImmediatePropagation()"),
        "does not play",
    ),
    "Space that plays anywhere": (
        screen.figure_obeys,
        ON_KEY.format(
            "event.key === ' ' && event.target === document.body && look.press(host, '^Play')?.click()"
        ),
        "plays while the focus is elsewhere",
    ),
    "Space stolen from fields": (
        screen.fields_keep_keys,
        ON_KEY.format(f"event.key === ' ' && {IN_FIELD} && event.preventDefault()"),
        "give '12'",
    ),
    "arrows stolen from fields": (
        screen.fields_keep_keys,
        ON_KEY.format(f"event.key === 'ArrowLeft' && {IN_FIELD} && event.preventDefault()"),
        "caret at 3",
    ),
    "arrows stolen from choices": (
        screen.choices_keep_keys,
        ON_KEY.format("event.composedPath()[0].matches('select') && event.preventDefault()"),
        "does not get its arrow keys",
    ),
}


@pytest.mark.parametrize("plant", KEYS)
def test_the_gate_for_the_keyboard_bites(chromium, home, name, plant):
    gate, script, expected = KEYS[plant]
    with screen.visit(chromium, home, name) as opened:
        opened.page.evaluate(f"() => {{ {inside(script)} }}")
        bites(gate(opened.page, screen.steppers(opened.page)[0]), expected)


def said(text, taps=2, cells=(("out[0, 1]: 5", "5"), ("out[0, 0]: 1", "1"))):
    named = [{"label": label, "text": text} for label, text in cells]
    return {"text": f"The window. {text}", "taps": taps, "live": "polite", "cells": named}


def test_a_true_sum_passes():
    assert screen.wrong_sums(said("out[0, 1] = (1·2) + (3·1) = 2 + 3 = 5.")) == []
    third = "\N{MINUS SIGN}0.333333333333"
    cell = (f"filter 1 [0, 1]: {third}", "≈\N{MINUS SIGN}0.33")
    rounded = said(f"out[0, 1, 1] = (1·{third}) + (0·1) = {third}.", cells=[cell])
    assert screen.wrong_sums(rounded) == []


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (said("out[0, 1] = (1·2) + (3·1) = 2 + 3 = 6."), "not true"),
        (said("out[0, 1] = (1·2) + (3·1) = 2 + 2 = 5."), "not true"),
        (said("out[0, 1] = (5·1) = 5."), "1 products; the kernel has 2"),
        (said("out[0, 1] = 5."), "0 products"),
        (said("out[0, 1] = (1·2) + (3·1) = 5.", cells=[("out[0, 1]: 7", "5")]), "says 7"),
        (said("out[0, 1] = (1·2) + (3·1) = 5.", cells=[("out[0, 1]: 5", "7")]), "shows '7'"),
        (said("out[0, 1] = (1·2) + (3·1) = 5.", cells=[("dout[0, 1]: 5", "5")]), "0 cells"),
        (said("Nothing to say."), "no sum"),
        (said("out[0, 1] = (1·2 = 5."), "cannot work out"),
    ],
)
def test_a_wrong_sum_is_found(step, expected):
    bites(screen.wrong_sums(step), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The mean. out[0, 0] = (1 + 2) / 2 = 1.5.", None),
        ("z = (12 + (\N{MINUS SIGN}2)) / 4 + 1 = 3.5; relu(z) = max(0, 3.5) = 3.5; slope there 1.", None),
        ("size = 4 + (3 \N{MINUS SIGN} 1)·2 = 8; first column = \N{MINUS SIGN}3 + 2·2 = 2.", "not true"),
        ("z = (12 + 2) / 4 = 3.5; relu(z) = max(0, 3.5) = 3.", "not true"),
        ("out[0] = (1·2 = 2.", "cannot work out"),
        ("Nothing to say.", "no sum"),
    ],
)
def test_a_false_sum_of_any_widget_is_found(text, expected):
    if expected:
        bites(screen.false_sums(text), expected)
    else:
        assert screen.false_sums(text) == []


POOL = "const host = document.querySelector('pool-stepper'), shadow = host.shadowRoot;"
ANY_WIDGET = {
    "a wrong sum": (
        lambda page: screen.talk(page.locator("pool-stepper")),
        "const line = shadow.querySelector('[role=status]');"
        "Object.defineProperty(line, 'textContent', { get: () => line.innerText,"
        "set: (text) => line.replaceChildren(text.replace(/= \\S+$/, '= 99.')) })",
        "not true",
    ),
    "a widget without its sum": (
        screen.too_tall,
        "shadow.querySelector('[aria-label=Sum]').remove()",
        "pool-stepper.*does not show: Sum",
    ),
    "pale text in a drawing of a widget": (
        screen.stuck_colours,
        "shadow.querySelector('.widget').insertAdjacentHTML('beforeend',"
        '\'<svg width="80" height="30"><text y="20" fill="#999">planted</text></svg>\')',
        "planted.*keeps its colour",
    ),
    "a red and a green line": (
        screen.alike,
        "shadow.querySelector('.widget').insertAdjacentHTML('beforeend', '<svg width=\"80\" height=\"30\">'"
        ' + \'<path d="M0 9L80 5" stroke="#b04030"/><path d="M0 19L80 15" stroke="#4a6a20"/></svg>\')',
        "look alike to eyes with protanopia",
    ),
    "a small button in any widget": (
        screen.small,
        SHEET.format("button { min-height: 20px; height: 20px }"),
        "pool-stepper.*20 px",
    ),
}


@pytest.mark.parametrize("plant", ANY_WIDGET)
def test_a_gate_for_every_widget_bites(chromium, home, site, plant):
    gate, script, expected = ANY_WIDGET[plant]
    name = next(name for name in PAGES if "pool-stepper" in files.read(site, name).widgets)
    with screen.visit(chromium, home, name, width=390, height=844, reduced_motion="reduce") as opened:
        opened.page.evaluate(f"() => {{ {POOL} {script} }}")
        bites(gate(opened.page), expected)


LINE = "const line = shadow.querySelector('[role=status]');"
SPEECH = {
    "a wrong sum": (
        screen.sums,
        "Object.defineProperty(line, 'textContent', { get: () => line.innerText,"
        "set: (text) => line.replaceChildren(text.replace(/= \\S+$/, '= 99.')) })",
        "not true",
    ),
    "a sentence that stays": (
        screen.sums,
        "Object.defineProperty(line, 'textContent', { get: () => 'x', set() {} })",
        "different things",
    ),
    "chatter while playing": (screen.chatter, "line.getAttribute = () => 'polite'", "while playing.*polite"),
    "silence at rest": (
        screen.chatter,
        "line.getAttribute = () => 'off'",
        "at rest.*off",
    ),
}


@pytest.mark.parametrize("plant", SPEECH)
def test_the_gate_for_the_sentence_bites(chromium, home, name, plant):
    gate, script, expected = SPEECH[plant]
    with screen.visit(chromium, home, name) as opened:
        opened.page.evaluate(f"() => {{ {inside(LINE + script)} }}")
        bites(gate(opened.page, screen.steppers(opened.page)[0]), expected)


TEXT = '<svg width="200" height="60"><text y="30" {}>planted</text></svg>'
COLOURS = {
    "a drawing that keeps its colour": (html(TEXT.format('fill="#767676"')), "planted.*keeps its colour"),
    "a drawing that cannot be read": (
        html(TEXT.format('fill="currentColor" opacity=".2"')),
        "planted.*contrast",
    ),
    "a widget that keeps its colour": (
        sheet("* { color: #777 !important }"),
        "conv-stepper.*keeps its colour",
    ),
    "code that cannot be read": (
        html('<div class="highlight"><span style="opacity: .3">planted</span></div>'),
        "planted.*contrast",
    ),
    "a page loaded anew": (
        ON_KEY.replace("keydown", "click").format("location.reload()"),
        "loaded anew",
    ),
    "no button": (
        f"document.querySelectorAll('{screen.SWITCH}').forEach((button) => button.remove())",
        "no button",
    ),
    "a button that does nothing": (
        ON_KEY.replace("keydown", "click").format("event.stopImmediatePropagation()"),
        "leaves the theme",
    ),
    "a widget that forgets": (
        inside("look.press(host, '^One step on').click();")
        + "new MutationObserver(() => look.press(host, '^Reset').click())"
        + ".observe(document.documentElement, { attributes: true })",
        "forgets",
    ),
}


@pytest.mark.parametrize("plant", COLOURS)
def test_the_gate_for_the_theme_bites(chromium, home, name, plant):
    script, expected = COLOURS[plant]
    with screen.visit(chromium, home, name, reduced_motion="reduce") as opened:
        opened.page.evaluate(f"() => {{ {script} }}")
        bites(screen.stuck_colours(opened.page), expected)


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_without_a_browser_the_tests_say_what_did_not_run_and_fail_in_ci(monkeypatch, ci, outcome):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(os.environ, "CI", ci)
    monkeypatch.setattr("support.browser.NAMES", ("no-such-browser",))
    with pytest.raises(outcome, match="NO CHROMIUM: nothing that needs a browser was tested"):
        need_chromium()
