"""The gates that need a browser. Each function takes an open page and returns what is wrong with it.

The same functions serve the tests of the real pages and the tests that plant a fault in one. What they ask of
the page is in look.js.
"""

import ast
import json
import math
import operator
import re
from contextlib import contextmanager, suppress
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from support.browser import tab

LOOK = (Path(__file__).parent / "look.js").read_text("utf-8")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]  # what a theme can change
WIDTH = ["target-size", "scrollable-region-focusable", "meta-viewport"]  # what a width can change
STEPPER = "conv-stepper"
REACHABLE = """() => [...document.querySelectorAll("pre")].every(
    (pre) => pre.scrollWidth <= pre.clientWidth + 1 || pre.tabIndex >= 0
)"""
PLAYS = "(host) => Boolean(look.press(host, '^Play'))"


@contextmanager
def visit(chromium, home, name, **settings):
    """Open a page of the book that stands at `home` and wait until it stands still."""
    with tab(chromium, home, **settings) as opened:
        opened.page.goto(f"{home}{name}.html")
        opened.page.evaluate(LOOK)
        if settings.get("java_script_enabled", True):
            opened.page.evaluate("look.settled()")
        yield opened


def widgets(page):
    """Find every widget that came alive."""
    kinds = page.evaluate(
        "[...new Set(look.widgets().filter((widget) => widget.shadowRoot).map((widget) => widget.localName))]"
    )
    return [host for kind in kinds for host in page.locator(kind).all()]


def steppers(page):
    return page.locator(STEPPER).all()


def view(host):
    """Tell which view a widget shows, by the label of its pressed button; "" where it has one view only."""
    pressed = "(host) => look.all('[aria-label=View] [aria-pressed=true]', host.shadowRoot).map(look.label)"
    return (host.evaluate(pressed) or [""])[0]


def set_theme(page, theme):
    """Let the reader's system change its theme, which a page follows until its own button was pressed."""
    page.emulate_media(color_scheme=theme)
    page.wait_for_function("(theme) => document.documentElement.dataset.theme === theme", arg=theme)
    page.evaluate("look.settled()")


# ---------------------------------------------------------------- whole pages


def fetched(opened):
    """Gate 1: use all there is on a page; find foreign requests, missing files, errors and dead widgets."""
    page = opened.page
    page.evaluate("look.useEverything()")
    page.wait_for_load_state("networkidle")
    dead = page.evaluate("look.widgets().filter((widget) => !widget.shadowRoot).map(look.name)")
    return [*opened.problems, *(f"{name} does not start" for name in dead)]


def unreadable(page):
    """Gate 1: with JavaScript off, find text, formulas, widget pictures and captions that cannot be seen."""
    return page.evaluate("look.unreadable()")


def violations(page, within=None, only=None):
    """Gate 2: what axe finds on the whole page, or in what the selector `within` names, with folds opened.

    `only` names rules: a second run in the other theme needs COLOURS alone, one at another width WIDTH alone,
    since nothing else has changed.
    """
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE)
    page.evaluate("look.unfold()")
    # The theme waits a moment before it makes wide code in a fold that was opened reachable by keyboard.
    with suppress(PlaywrightTimeout):
        page.wait_for_function(REACHABLE, timeout=2000)
    page.evaluate("look.thin()")
    page.evaluate("look.settled()")
    rules = {"type": "rule", "values": only} if only else {"type": "tag", "values": TAGS}
    context = {"include": [[within or "html"]], "exclude": [[".katex-html"]]}
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = page.evaluate("([context, options]) => axe.run(context, options)", [context, options])
    return [
        f"{rule['id']} ({rule['impact']}): {json.dumps(node['target'])} {node.get('failureSummary')}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def alike(page):
    """Gate 6: find marks of widgets that some eyes cannot tell apart, because nothing but colour does."""
    return [each for host in widgets(page) for each in host.evaluate("look.alike")]


def violations_in_views(page, kind, only=None):
    """Gates 2, 6, 8: what axe, other eyes and fingers find in the first widget of a kind, in each view.

    `only` is as in `violations`.
    """
    host = page.locator(kind).first
    views = host.evaluate("(host) => look.all('[aria-label=View] button', host.shadowRoot).map(look.label)")
    problems = []
    for view in views or [None]:
        if view:
            _press(host, f"^{view}$")
        found = violations(page, kind, only) + host.evaluate("look.small") + host.evaluate("look.alike")
        problems += [f"{view}: {each}" for each in found]
    return problems


def unnamed(page):
    """Find drawings without role=img, and pictures without a sentence for those who cannot see them."""
    return page.evaluate("look.unnamed()")


def furniture(page):
    """Find a logo, title or search box that is there twice or not at all, and images that are missing."""
    return page.evaluate("look.furniture()")


def moving(page):
    """Gate 7: find transitions and animations left for a reader who asked for less motion."""
    return page.evaluate("look.moving()")


def screens_to_the_first_figure(page, kinds):
    """How many screens lie between a chapter's title and its first figure or widget, on this page's screen.

    kinds : the widgets' tags. Infinity for a page without any.
    """
    return page.evaluate(
        """(kinds) => {
        const top = (node) => node.getBoundingClientRect().top;
        const figures = document.querySelectorAll(`article figure, article .cell_output svg, ${kinds}`);
        const shown = [...figures].filter((node) => node.getBoundingClientRect().height > 40);
        const first = Math.min(...shown.map(top));
        return (first - top(document.querySelector("article h1"))) / window.innerHeight;
    }""",
        ",".join(kinds),
    )


def cut_off(page):
    """Gate 8: find what is wider than the window and does not scroll, and drawings cut off at their edge."""
    return page.evaluate("look.cutOff()")


def small(page):
    """Gate 8: find buttons and fields under 44 px, and cells under 32."""
    return page.evaluate("look.small()")


def too_tall(page):
    """Gate 8: find widgets whose figures and written-out sum are not on the screen together."""
    problems = []
    for host in widgets(page):
        needs = host.evaluate("look.needs")
        stepper = host.evaluate("(host) => host.localName") == STEPPER
        figures = {"Input", "Output"} if view(host) != "Backward" else {"Gradient"}
        missing = (figures | {"Kernel", "Sum"} if stepper else {"Sum"}) - set(needs["parts"])
        name = host.evaluate("look.name")
        if missing:
            problems.append(f"{name} does not show: {', '.join(sorted(missing))}")
        elif needs["height"] > needs["free"]:
            problems.append(f"{name} needs {needs['height']:.0f} px; the screen has {needs['free']:.0f}")
    return problems


# ---------------------------------------------------------------- gate 3: keyboard


def keyboard(page, host):
    """Gate 3: Tab reaches all of a widget, focus stays, figure and fields each get their keys."""
    name = host.evaluate("look.name")
    checks = (tab_reaches, focus_stays, figure_obeys, choices_keep_keys, fields_keep_keys)
    return [f"{name}: {problem}" for check in checks for problem in check(page, host)]


def _press(host, label):
    host.evaluate("(host, label) => look.press(host, label)?.click()", label)


def tab_reaches(page, host):
    """Gate 3: find what Tab does not reach, focus that cannot be seen, and traps."""
    names = host.evaluate("look.numberStops")
    problems, reached = [], set()
    for _ in range(len(names) + 1):
        page.keyboard.press("Tab")
        stop = page.evaluate("look.tabStop()")
        if stop["at"] < 0:
            break
        reached.add(stop["at"])
        if not stop["ring"]:
            problems.append(f"nothing shows that {stop['name']} has the focus")
    else:
        problems.append("Tab does not leave it")
    problems += [f"Tab does not reach {name}" for at, name in enumerate(names) if at not in reached]
    return problems if names else ["there is nothing to reach by Tab"]


def focus_stays(page, host):
    """Gate 3: find buttons that lose the focus when they are pressed."""
    problems = []
    find = "look.stops(host).find((each) => each.matches('button') && look.label(each) === label)"
    for label in host.evaluate(
        "(host) => look.stops(host).filter((each) => each.matches('button')).map(look.label)"
    ):
        if host.evaluate(
            f"(host, label) => {{ const button = {find}; button?.focus(); return !button; }}", label
        ):
            continue  # an earlier press renamed or hid it
        page.keyboard.press("Enter")
        if not host.evaluate("look.holds"):
            problems.append(f"{label!r} loses the focus when it is pressed")
        _press(host, "^Pause")
    _press(host, "^Reset")
    return problems


def figure_obeys(page, host):
    """Gate 3: find figures that do not step on arrow keys, or play on Space when and only when in focus."""
    for index in range(host.evaluate("(host) => look.figures(host).length")):
        _press(host, "^First")
        host.evaluate("(host, index) => (globalThis.figure = look.figures(host)[index]).focus()", index)
        before = host.evaluate("look.status")
        page.keyboard.press("ArrowRight")
        if host.evaluate("look.status") == before:
            continue  # in this grid arrows move the focus, not the step
        problems = []
        if not page.evaluate("look.gridOf(figure).contains(look.active())"):
            problems.append("an arrow key takes the focus out of the figure")
        page.keyboard.press("ArrowLeft")
        if host.evaluate("look.status") != before:
            problems.append("the left arrow does not go back where the right one came from")
        if host.evaluate("(host) => Boolean(look.press(host, '^Play'))"):
            page.keyboard.press("Space")
            if not host.evaluate("look.playing"):
                problems.append("Space does not play when the figure has the focus")
            page.keyboard.press("Space")
            if host.evaluate("look.playing"):
                problems.append("Space does not pause when the figure has the focus")
            page.evaluate("look.active().blur()")
            page.keyboard.press("Space")
            if host.evaluate("look.playing"):
                problems.append("Space plays while the focus is elsewhere on the page")
            _press(host, "^Pause")
        return problems
    return ["no part of the figure takes a step on an arrow key"]


def choices_keep_keys(page, host):
    """Gate 3: turn each choice and slider by its arrow keys, one way and back: the last has only one."""
    problems = []
    for index in range(host.evaluate("(host) => look.selects(host).length")):
        own = host.evaluate(
            "(host, index) => look.listen(globalThis.field = look.selects(host)[index])", index
        )
        for key in ("ArrowDown", "ArrowUp") if own["select"] else ("ArrowRight", "ArrowLeft"):
            page.keyboard.press(key)
        if own["choices"] > 1 and not page.evaluate("field.heard"):
            problems.append(f"{own['label']!r} does not get its arrow keys")
        if page.evaluate("look.active() !== field"):
            problems.append(f"{own['label']!r} loses the focus when its value changes")
    _press(host, "^Reset")
    return problems


def fields_keep_keys(page, host):
    """Gate 3: type into every field: those that a cell opens on Enter, and those that stand there."""
    problems, typed = [], 0
    editable = host.evaluate("(host) => look.all('[role=grid]', host.shadowRoot).length > 0")
    open_ = "[...look.figures(host), ...look.fields(host)]"
    for index in range(host.evaluate(f"(host) => {open_}.length")):
        host.evaluate(f"(host, index) => {open_}[index].focus()", index)
        if page.evaluate("look.active().matches('[role=gridcell]')"):
            page.keyboard.press("Enter")
        if not page.evaluate("look.active().matches('input, textarea')"):
            continue
        typed += 1
        before = host.evaluate("look.status")
        label = page.evaluate("(look.active().value = '', look.label(look.active()))")
        for key in ("1", "Space", "2", "ArrowLeft"):
            page.keyboard.press(key)
        text, caret = page.evaluate("[look.active().value, look.active().selectionStart]")
        if (text, caret) != ("1 2", 2):
            problems.append(f"{label!r}: 1, Space, 2, left arrow give {text!r} with the caret at {caret}")
        if host.evaluate("look.playing"):
            problems.append(f"{label!r}: Space in the field plays")
        if host.evaluate("look.status") != before:
            problems.append(f"{label!r}: typing moves the figure")
        page.keyboard.press("Escape")
        if not host.evaluate("look.holds"):
            problems.append(f"{label!r}: Escape loses the focus")
        _press(host, "^Pause")
    return problems if typed or not editable else ["no number can be edited by keyboard"]


# ---------------------------------------------------------------- gate 4: the sentence

OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}
SIGNS = str.maketrans({"\N{MIDDLE DOT}": "*", "\N{MULTIPLICATION SIGN}": "*", "\N{MINUS SIGN}": "-"})
ABOUT = "\N{ALMOST EQUAL TO}"


def evaluate(text):
    """Work out a sum as a sentence writes it.

    Examples
    --------
    >>> evaluate("(1·2 + 0·(-3)) + max(1, 4)")
    6
    """

    def value(node):
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.UnaryOp):
            return OPERATIONS[type(node.op)](value(node.operand))
        if isinstance(node, ast.BinOp):
            return OPERATIONS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.Call) and node.func.id in ("max", "min"):
            return {"max": max, "min": min}[node.func.id](map(value, node.args))
        raise SyntaxError(ast.dump(node))

    return value(ast.parse(text.translate(SIGNS).strip(), mode="eval").body)


ATOM = r"(?:max|min|\d+(?:\.\d+)?(?:e[-+\u2212]?\d+)?|[-+\u2212\u00b7\u00d7/(),\s])+"


def said_sums(text):
    """Find every `sum = value` of a sentence, as (what it says, the values of its sides).

    Examples
    --------
    >>> said_sums("Pixel 3. out[0, 1] = max(2, 3) = 3; slope 1")
    [('max(2, 3) = 3', [3, 3])]
    """
    found = []
    for run in re.findall(rf"{ATOM}(?:={ATOM})+", text):
        sides = [side.strip(" ,\n") for side in run.split("=")]
        sides = [side for side in sides if re.search(r"\d", side)]
        if len(sides) > 1:
            found.append((" = ".join(sides), [evaluate(side) for side in sides]))
    return found


def false_sums(text, rel_tol=1e-9):
    """Gate 4, for any widget: its sentence holds a sum, and every sum in it is true."""
    try:
        found = said_sums(text)
    except (SyntaxError, KeyError, AttributeError, TypeError) as error:
        return [f"cannot work out a sum in {text!r}: {error}"]
    problems = [] if found else [f"no sum in {text!r}"]
    return problems + [
        f"{said!r} is not true: its sides are {values}"
        for said, values in found
        if not all(close(value, values[-1], rel_tol) for value in values)
    ]


def close(one, other, rel_tol=1e-9):
    return math.isclose(one, other, rel_tol=rel_tol, abs_tol=1e-9)


def wrong_sums(said, whole=True):
    """Gate 4, one step: the sum is true, complete, and ends in the number that the figure shows."""
    found = re.search(
        r"(?P<name>\w+)\[(?P<at>\d+, \d+)(, (?P<filter>\d+))?\] = (?P<sum>.*?)\.?$", said["text"]
    )
    if not found:
        return [f"no sum in {said['text']!r}"]
    sides = found["sum"].split(" = ")
    try:
        values = [evaluate(side) for side in sides]
    except (SyntaxError, KeyError, AttributeError) as error:
        return [f"cannot work out {found['sum']!r}: {error}"]
    exact, products = values[-1], sides[0].count("\N{MIDDLE DOT}")
    problems = []
    if not all(close(value, exact) for value in values):
        problems.append(f"{found['sum']!r} is not true: its sides are {values}")
    if whole and (len(sides) < 2 or products != said["taps"]):
        problems.append(f"{found['sum']!r} has {products} products; the kernel has {said['taps']} numbers")
    # out[1, 2, 0] is the cell [1, 2] of "filter 0"; out[1, 2] and dx[1, 2] are named so in their own grid.
    place = (
        f"{found['name'] if found['filter'] is None else 'filter ' + found['filter'] + ' '}[{found['at']}]: "
    )
    cells = [cell for cell in said["cells"] if (cell["label"] or "").startswith(place)]
    shown = [(evaluate(cell["label"].removeprefix(place)), cell["text"]) for cell in cells]
    if len(shown) != 1:
        return [*problems, f"{len(shown)} cells are named {place!r}"]
    value, text = shown[0]
    if not close(value, exact):
        problems.append(f"the figure says {value} where the sum gives {exact}")
    if not text or not close(
        evaluate(text.removeprefix(ABOUT)), exact, 0.06 if text.startswith(ABOUT) else 1e-9
    ):
        problems.append(f"the figure shows {text!r} where the sum gives {exact}")
    return problems


STATES = (
    *("view=im2col", "view=channels", "view=backward", "view=backward,target=weight"),
    *(
        "stride=2,padding=same",
        "padding=1,pad_mode=edge,kernel=sobel-x,image=edge",
        "dilation=2,kernel=blur,image=digit",
    ),
)


def drive(page, host, state):
    """Follow a link of the prose to a state of the figure."""
    address = f"#{host.get_attribute('id')}:{state}"
    page.evaluate(
        """(address) => new Promise((done) => {
            addEventListener("hashchange", () => setTimeout(done), { once: true });
            location.hash = address;
        })""",
        address,
    )


def sums(page, host, states=("",)):
    """Gate 4: every step of a stepper, as the page shows it (""), and in states that a link can ask for."""
    problems = []
    for state in states:
        if state:
            drive(page, host, state)
        steps = host.evaluate("look.walk")
        whole = view(host) != "Backward"  # there a pixel at the border meets part of the kernel only
        found = [each for step in steps for each in wrong_sums(step, whole=whole)]
        if len({step["text"] for step in steps}) < max(2, len(steps)):
            found.append(f"{len(steps)} steps do not say different things")
        problems += [f"{state or 'as it is'}: {each}" for each in found]
    return problems


def talk(host):
    """Gate 4, for any widget: every step says something true, with a sum, and they differ."""
    texts = [step["text"] for step in host.evaluate("look.walk")]
    problems = [each for text in texts for each in false_sums(text)]
    if len(texts) > 1 and len(set(texts)) < len(texts):
        problems.append(f"{len(texts)} steps do not say different things")
    return problems


def chatter(page, host):
    """Gate 4: while the widget plays, its sentence is not read aloud; when it stops, it is."""

    def live(expected, when):
        now = host.evaluate("(host) => look.told(host).live")
        return [] if now == expected else [f"{when} the status sentence is aria-live={now!r}"]

    _press(host, "^First")
    before = host.evaluate("look.status")
    problems = live("polite", "at rest")
    _press(host, "^Play")
    problems += live("off", "while playing")
    if not host.evaluate("(host, before) => look.nextStep(host, before, 20000)", before):
        problems.append("playing does not step on")
    if host.evaluate("look.playing"):
        problems += live("off", "after a step of playing")
    _press(host, "^Pause")
    return problems + live("polite", "after a pause")


# ---------------------------------------------------------------- gate 12: the theme

SWITCH = "button.theme-switch-button"


def switch_theme(page):
    """Press the page's own button until the theme is the other one, as a reader does."""
    before = page.evaluate("document.documentElement.dataset.theme")
    for _ in range(3):
        page.locator(SWITCH).locator("visible=true").first.click()
        page.wait_for_load_state()
        if page.evaluate("document.documentElement.dataset.theme") != before:
            break


def stuck_colours(page):
    """Gate 12: the theme's button recolours every text of figures and widgets at once; all stay readable."""
    if not page.locator(SWITCH).locator("visible=true").count():
        return ["there is no button that switches the theme"]

    def snapshot():
        statuses = "look.widgets().filter((widget) => widget.shadowRoot).map(look.status)"
        return page.evaluate(f"[document.documentElement.dataset.theme, look.inks(), {statuses}]")

    page.evaluate("globalThis.stillTheSamePage = true")
    page.evaluate("look.unfold()")
    page.evaluate("look.settled()")
    was, before, said = snapshot()
    switch_theme(page)
    if not page.evaluate("globalThis.stillTheSamePage === true"):
        return ["the page is loaded anew when the theme changes"]
    page.evaluate("look.settled()")
    now, after, says = snapshot()
    problems = []
    if now == was:
        problems.append(f"the button leaves the theme at {was}")
    if says != said:
        problems.append("a widget forgets its state when the theme changes")
    one_by_one = [[ink for ink in inks if ink["kind"] != "text"] for inks in (before, after)]
    if len(one_by_one[0]) != len(one_by_one[1]):
        problems.append(f"{len(one_by_one[0])} texts before the change, {len(one_by_one[1])} after it")
    for one, other in zip(*one_by_one, strict=False):
        # Text on a coloured shape of the drawing may keep its colour together with that shape.
        together = one["fixed"] and one["below"] == other["below"]
        if one["colour"] == other["colour"] and not together:
            problems.append(f"{one['name']} keeps its colour {one['colour'][:3]} in {now}")
    for theme, inks in ((was, before), (now, after)):
        found = [
            f"{ink['name']} has contrast {ink['contrast']:.2f} in {theme}"
            for ink in inks
            if ink["contrast"] < 4.5
        ]
        problems += found
    return problems
