"""Gates that every widget must pass on the page where the reader meets it."""

import pytest
from pages import files, screen

pytestmark = pytest.mark.pages
PAGES = files.pages_of_the_book()
page = pytest.mark.parametrize("name", PAGES)


@page
def test_every_widget_works_by_keyboard_alone(chromium, home, html, name):
    if not html.widgets:
        return
    with screen.visit(chromium, home, name) as opened:
        hosts = screen.widgets(opened.page)
        assert hosts
        files.nothing([each for host in hosts for each in screen.keyboard(opened.page, host)])


@page
def test_every_step_of_a_stepper_says_its_whole_sum_and_playing_is_silent(chromium, home, html, name):
    if screen.STEPPER not in html.widgets:
        return
    with screen.visit(chromium, home, name) as opened:
        for host in screen.steppers(opened.page):
            files.nothing(screen.sums(opened.page, host) + screen.chatter(opened.page, host))


@page
def test_every_widget_says_true_sums_and_is_silent_while_it_plays(chromium, home, html, name):
    if not set(html.widgets) - {screen.STEPPER}:
        return
    with screen.visit(chromium, home, name) as opened:
        for host in screen.widgets(opened.page):
            if host.evaluate("(host) => host.localName") == screen.STEPPER:
                continue
            silent = screen.chatter(opened.page, host) if host.evaluate(screen.PLAYS) else []
            files.nothing(screen.talk(host) + silent)


@page
def test_a_widget_fits_on_one_screen_of_a_phone(chromium, home, html, name):
    if not html.widgets:
        return
    with screen.visit(chromium, home, name, width=390, height=844) as opened:
        files.nothing(screen.too_tall(opened.page))


def test_every_kind_of_widget_is_on_a_page(first_page):
    assert set(first_page) == set(files.KINDS)


@pytest.fixture
def first_page(site):
    """Give, for each kind of widget, the first page that has one."""
    return {kind: name for name in reversed(PAGES) for kind in files.read(site, name).widgets}


@pytest.mark.parametrize("state", screen.STATES)
def test_a_stepper_says_its_whole_sum_in_every_view_and_setting(chromium, home, first_page, state):
    with screen.visit(chromium, home, first_page[screen.STEPPER]) as opened:
        files.nothing(screen.sums(opened.page, screen.steppers(opened.page)[0], [state]))


@pytest.mark.parametrize(
    ("theme", "width", "only"),
    [("light", 1280, None), ("dark", 1280, screen.COLOURS), ("light", 390, screen.WIDTH)],
)
def test_axe_finds_nothing_in_any_view_of_any_widget(chromium, home, first_page, theme, width, only):
    """All rules once; then only what the dark theme or a phone can change."""
    for kind, name in first_page.items():
        with screen.visit(chromium, home, name, width=width, theme=theme, reduced_motion="reduce") as opened:
            files.nothing(screen.violations_in_views(opened.page, kind, only))
