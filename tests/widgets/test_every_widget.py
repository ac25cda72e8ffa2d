"""What every widget must do, whatever it shows: phone, paper, no JavaScript, live, links, careless hands."""

import random
import re

import numpy as np
import pytest
from pages import screen
from support.tiny_runs import run

import cnnbook.widgets
from cnnbook.widgets import BatchNormLab, DenseUnit, GradientFlow, PoolStepper, ReceptiveField, TrainingPlayer

pytestmark = pytest.mark.pages
# conv-stepper, the first of them, has all this and more in its own files.
OWN_TESTS = {"BookWidget", "ConvStepper", "TrainingLab"}
CONTROLS = ("button", "select", "input", "[role=gridcell]", "[role=application]")
BROKEN = re.compile(r"NaN|undefined|Infinity|\[object|null")


# How to make one, and a link that changes it.
MAKE = {
    PoolStepper: (lambda **state: PoolStepper(**state), "mode=average,view=backward,stride=1"),
    ReceptiveField: (lambda **state: ReceptiveField(**state), "layers=dilated,layer=2"),
    DenseUnit: (lambda **state: DenseUnit(**state), "template=cross,activation=tanh"),
    BatchNormLab: (lambda **state: BatchNormLab(**state), "batch_size=2"),
    GradientFlow: (lambda **state: GradientFlow(**state), "depth=4"),
    TrainingPlayer: (lambda **state: TrainingPlayer(runs=[run(True), run()], **state), "step=1,view=kernels"),
}
every = pytest.mark.parametrize("kind", MAKE, ids=lambda kind: kind.__name__)
# The others ask the rest in their own files, by tests/widget_page.py.
here = pytest.mark.parametrize(
    "kind", [PoolStepper, ReceptiveField, DenseUnit], ids=lambda kind: kind.__name__
)


def figure(kind, **state):
    return MAKE[kind][0](**{"id": "fig", **state}).to_html()


def status(page):
    return page.locator("[role=status]").inner_text()


def look(page):
    """Give the page the eyes of the page gates."""
    page.evaluate(screen.LOOK)
    return page


def test_every_widget_is_here():
    kinds = {name for name in cnnbook.widgets.__all__ if hasattr(getattr(cnnbook.widgets, name), "script")}
    assert {kind.__name__ for kind in MAKE} == kinds - OWN_TESTS


@here
def test_it_fits_a_phone_and_fingers_in_every_view(open_page, kind):
    page = look(open_page(figure(kind), width=390))
    page.evaluate("look.unfold()")
    views = page.get_by_role("group", name="View").get_by_role("button")
    for view in range(max(1, views.count())):
        if views.count():
            views.nth(view).click()
        for width in (320, 390, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            page.evaluate("look.settled()")
            assert page.evaluate("look.small()") == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("look.cutOff()") == []


@here
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_and_follows_the_theme(open_page, kind, theme):
    page = look(open_page(figure(kind), theme=theme))
    first = page.evaluate("look.inks()")
    assert [ink for ink in first if ink["contrast"] < 4.5] == []
    page.evaluate("document.documentElement.dataset.theme = document.documentElement.dataset.theme"
                  " === 'dark' ? 'light' : 'dark'")  # fmt: skip
    page.evaluate("look.settled()")
    second = page.evaluate("look.inks()")
    assert len(first) == len(second) > 5
    assert [ink["name"] for ink, other in zip(first, second, strict=True) if ink["colour"] == other["colour"]
            and not (ink["fixed"] and ink["below"] == other["below"])] == []  # fmt: skip


@here
def test_sixty_random_interactions_raise_no_error_and_every_sum_stays_true(open_page, kind):
    page = open_page(figure(kind))
    host = page.locator(kind.tag)
    before = status(page)
    assert screen.false_sums(before) == []
    chance = random.Random(0)
    for turn in range(60):
        controls = host.locator(", ".join(f"{each}:visible" for each in CONTROLS))
        control = controls.nth(chance.randrange(controls.count()))
        kind_of = control.evaluate("e => e.tagName + (e.type || '')")
        if kind_of.startswith("SELECT"):
            control.select_option(index=chance.randrange(control.locator("option").count()))
        elif kind_of == "INPUTrange":
            control.focus()
            page.keyboard.press(chance.choice(["ArrowRight", "ArrowLeft", "Home", "End", "PageUp"]))
        else:
            control.click(force=True)
            keys = ["Enter", "ArrowRight", "ArrowDown", "Space", "7", "-", "Escape", "x", "End"]
            page.keyboard.press(chance.choice(keys))
        text = status(page)
        assert not BROKEN.search(page.locator(".widget").inner_text() + text), (turn, text)
        wrong = [each for each in screen.false_sums(text) if not each.startswith("no sum")]
        assert wrong == [], turn
    page.get_by_role("button", name="Reset").click()
    assert status(page) == before


@every
def test_it_does_nothing_by_itself_moves_without_gliding_and_prints_without_controls(open_page, kind):
    page = look(open_page(figure(kind), theme="dark", reduced_motion="reduce"))
    before = status(page)
    page.wait_for_timeout(1000)
    assert status(page) == before
    assert page.evaluate("look.moving()") == []
    page.emulate_media(media="print")
    page.wait_for_timeout(50)
    assert page.locator("button:visible, select:visible, input:visible, summary:visible").count() == 0
    colour = "element => getComputedStyle(element).backgroundColor"
    assert page.locator(".widget").evaluate(colour) == "rgb(255, 255, 255)"
    assert page.locator(".widget").inner_text().strip()


@every
def test_in_forced_colours_the_chosen_buttons_and_the_figure_keep_their_marks(open_page, kind):
    page = look(open_page(figure(kind), forced_colors="active"))
    pressed = page.locator(kind.tag).locator("button[aria-pressed=true]")
    width = "buttons => buttons.map((button) => getComputedStyle(button).borderTopWidth)"
    assert set(pressed.evaluate_all(width)) <= {"3px"}
    assert page.locator(kind.tag).evaluate("look.alike") == []


@every
def test_without_javascript_the_picture_and_its_true_sentence_are_there(open_page, kind):
    page = open_page(figure(kind), java_script_enabled=False, width=390)
    picture = page.locator(f"{kind.tag} svg")
    assert picture.is_visible()
    said = page.locator("figcaption").inner_text()
    assert said == picture.get_attribute("aria-label")
    assert [each for each in screen.false_sums(said, 1e-3) if not each.startswith("no sum")] == []


@every
def test_a_link_drives_it_and_an_address_sets_it(open_page, kind):
    link = MAKE[kind][1]
    page = open_page(f'<p></p><a href="#fig:{link}">try</a>' + figure(kind))
    before, steps = status(page), page.evaluate("history.length")
    page.get_by_role("link").click()
    after = status(page)
    assert after != before
    assert page.evaluate("history.length") == steps
    page.get_by_role("button", name="Reset").click()
    assert status(page) == before
    page.evaluate("(link) => { location.hash = ''; location.hash = `#fig:${link}`; }", link)
    page.wait_for_function("(was) => document.querySelector('#fig').shadowRoot"
                           ".querySelector('[role=status]').textContent !== was", arg=before)  # fmt: skip
    assert status(page) == after
    page.evaluate("location.hash = '#fig:nonsense,=3,step=-1,view=none,image=7,size=x,layers=,mode=NaN'")
    assert not BROKEN.search(page.locator(".widget").inner_text() + status(page))


FAKE = """(given) => {
    const values = { id: "fig", ...given }, listeners = {};
    globalThis.model = {
        get: (name) => values[name],
        set(name, value) {
            values[name] = value;
            (listeners[`change:${name}`] ?? []).forEach((listener) => listener());
        },
        on: (event, listener) => { (listeners[event] ??= []).push(listener); },
    };
    globalThis.cleanup = widget.default.render({ model, el: document.getElementById("host") });
}"""
WILD = [None, "", "abc", -1, 0, 1, 2, 3, 1e9, -0.0, 3.14159, True, [], [[]], [[1]], [[1, 2], [3]], [["a"]],
        [0, 0], [99, -1], "digit", "same", "max", {}, {"a": 1}, [{}], [None]]  # fmt: skip


@here
def test_it_lives_with_the_simplest_model_and_python_accepts_what_it_sends(load_module, kind):
    page = load_module(kind)
    twin = MAKE[kind][0](id="twin")
    state = {name: getattr(twin, name) for name in twin.state}
    page.evaluate(FAKE, state)
    before = status(page)
    host = page.locator("#host")
    for control in host.locator("select:visible").all():
        control.select_option(index=1)
    for name, value in page.evaluate("Object.fromEntries(Object.keys(widget.DEFAULTS)"
                                     ".map((n) => [n, model.get(n)]))").items():  # fmt: skip
        if value != getattr(twin, name, None):
            with twin.hold_trait_notifications():
                setattr(twin, name, value)
    changed = status(page)
    assert changed != before
    for name, value in state.items():
        page.evaluate("([name, value]) => model.set(name, value)", [name, value])
    assert status(page) == before
    page.evaluate("cleanup()")


@every
def test_whatever_comes_in_can_be_drawn(load_module, kind):
    page = load_module(kind)
    rng = np.random.default_rng(4)
    twin = MAKE[kind][0](id="twin")
    names = list(twin.state)
    given = {name: getattr(twin, name) for name in names}
    wild = [
        {name: WILD[rng.integers(len(WILD))] for name in names if rng.random() < 0.5} for _ in range(2000)
    ]
    dirty = page.evaluate(
        """([given, wild]) => wild.filter((each) => {
            const once = widget.clean({ ...widget.DEFAULTS, ...given, ...each });
            return /NaN|undefined/.test(JSON.stringify(once) ?? "undefined")
                || JSON.stringify(widget.clean(once)) !== JSON.stringify(once);
        })""",
        [given, wild],
    )
    assert dirty == []
    page.evaluate(FAKE, given)
    for each in wild[:15]:
        page.evaluate(
            "(each) => Object.entries(each).forEach(([name, value]) => model.set(name, value))", each
        )
        assert not BROKEN.search(page.locator(".widget").inner_text() + status(page)), each
