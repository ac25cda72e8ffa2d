"""Gates that every page must pass in a browser."""

import pytest
from pages import files, screen

pytestmark = pytest.mark.pages
PAGES = files.pages_of_the_book()
page = pytest.mark.parametrize("name", PAGES)
WIDE, PHONE, NARROW = 1280, 390, 320


@page
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_page_asks_for_nothing_from_elsewhere_and_throws_no_error(chromium, site, home, name, scheme):
    with screen.visit(chromium, home if scheme == "http" else f"{site.as_uri()}/", name) as opened:
        files.nothing(screen.fetched(opened))


@page
def test_a_page_reads_with_javascript_off(chromium, site, name):
    with screen.visit(chromium, f"{site.as_uri()}/", name, java_script_enabled=False) as opened:
        files.nothing(screen.unreadable(opened.page) + opened.problems)


@pytest.mark.parametrize("name", PAGES, scope="module")
@pytest.mark.parametrize("width", [WIDE, PHONE], scope="module")
class TestLook:
    """One visit a page and width: the tests only look, and axe, which thins the page out, comes last."""

    def test_every_drawing_has_words(self, shared_tab, name, width):
        files.nothing(screen.unnamed(shared_tab(name, width)))

    def test_nothing_moves_when_less_motion_is_asked_for(self, shared_tab, name, width):
        files.nothing(screen.moving(shared_tab(name, width)))

    def test_nothing_is_cut_off(self, shared_tab, name, width):
        files.nothing(screen.cut_off(shared_tab(name, width)))

    def test_fingers_find_every_control(self, shared_tab, name, width):
        files.nothing(screen.small(shared_tab(name, width)))

    def test_axe_finds_nothing(self, shared_tab, name, width):
        """All rules on the wide page in light; then only what the dark theme or a phone can change."""
        tab = shared_tab(name, width)
        if width == PHONE:
            files.nothing(screen.violations(tab, only=screen.WIDTH))
            return
        screen.set_theme(tab, "dark")
        dark = screen.violations(tab, only=screen.COLOURS)
        screen.set_theme(tab, "light")
        files.nothing(dark + screen.violations(tab))


@page
def test_a_page_has_one_heading_one_logo_and_one_search_box(shared_tab, name):
    files.nothing(screen.furniture(shared_tab(name, WIDE)))


@pytest.mark.parametrize("name", files.chapters_of_the_book())
def test_a_chapters_first_figure_comes_within_two_phone_screens_of_its_title(shared_tab, name):
    assert screen.screens_to_the_first_figure(shared_tab(name, PHONE), files.KINDS) < 2


@page
def test_nothing_is_cut_off_on_a_narrow_phone(chromium, home, name):
    with screen.visit(chromium, home, name, width=NARROW, height=700, reduced_motion="reduce") as opened:
        opened.page.evaluate("look.unfold()")
        files.nothing(screen.cut_off(opened.page))


@page
def test_the_theme_button_recolours_figures_and_widgets(chromium, home, name):
    with screen.visit(chromium, home, name, reduced_motion="reduce") as opened:
        files.nothing(screen.stuck_colours(opened.page))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_with_search_and_sidebar_open(chromium, home, theme):
    with screen.visit(chromium, home, PAGES[0], theme=theme, reduced_motion="reduce") as opened:
        opened.page.keyboard.press("Control+k")
        opened.page.locator("dialog[open] input[type=search]").wait_for()
        found = screen.violations(opened.page, "dialog[open]")
    with screen.visit(chromium, home, PAGES[0], theme=theme, width=PHONE, reduced_motion="reduce") as opened:
        opened.page.locator("button.primary-toggle").locator("visible=true").first.click()
        opened.page.locator(".book-sidebar").locator("visible=true").wait_for()
        opened.page.evaluate("look.settled()")
        found += screen.violations(opened.page)
    files.nothing(found)
