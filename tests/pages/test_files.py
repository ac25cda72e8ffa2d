"""Gates that the built files must pass, whatever opens them."""

import pytest
from pages import files

pytestmark = pytest.mark.pages
PAGES = files.pages_of_the_book()
page = pytest.mark.parametrize("name", PAGES)


def test_every_built_page_is_in_the_table_of_contents(site):
    built = {str(path.relative_to(site))[: -len(".html")] for path in site.rglob("*.html")}
    pages = {name for name in built if not name.startswith("_") and files.read(site, name).leads_to is None}
    assert pages == set(PAGES)


def test_the_front_door_leads_to_a_page(site):
    door = files.read(site, "index")
    assert door.leads_to is None or door.file(site, door.leads_to).is_file()


def test_some_page_has_a_widget(site):
    assert any(files.read(site, name).widgets for name in PAGES)


@page
def test_a_page_has_a_title_a_language_and_no_id_twice(html):
    files.nothing(files.frame(html))


@page
def test_a_page_fetches_nothing_from_elsewhere(html):
    files.nothing(files.elsewhere(html))


@page
def test_a_page_has_each_script_and_style_once(html):
    files.nothing(files.twice(html))


@page
def test_a_page_shows_no_unmeant_error_and_no_path_of_its_builder(html):
    files.nothing(files.leaks(html))


@page
def test_every_link_inside_the_book_leads_somewhere(html, site):
    files.nothing(files.dead_links(html, site))


@page
def test_a_page_carries_the_very_modules_that_are_tested(html):
    files.nothing(files.other_modules(html))


@page
def test_only_a_page_with_a_figure_to_explore_loads_its_script_and_none_loads_plotly(html):
    files.nothing(files.to_explore(html))


def test_the_figures_to_explore_are_where_exploring_tells_something(site):
    having = {name for name in PAGES if 'class="cnn-figure explore"' in files.read(site, name).text}
    wanted = {"training", "batch_normalization", "how_fast", "cnn_from_scratch", "parity_ledger"}
    assert having == {f"chapters/{name}" for name in wanted}


@page
def test_a_page_keeps_within_its_weight(html, site, name, record_property):
    record_property("page", [name, files.weights(html, site)])  # told at the end of the run
    files.nothing(files.overweight(html, site))


@pytest.mark.parametrize("name", files.bundles())
def test_a_widget_keeps_within_its_weight(name):
    files.nothing(files.heavy(name, "".join(map(files.source, files.bundles()[name]))))
