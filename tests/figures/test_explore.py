"""Figures to explore, in Python: the drawing, what Plotly is told, the numbers, and what is refused."""

import html
import json
import re

import numpy as np
import plotly.graph_objects
import pytest

from cnnbook import figures
from cnnbook.figures import explore
from cnnbook.figures.charts import levels

LABELS = {"alt": "A picture.", "xlabel": "step", "ylabel": "loss"}
LINES = {"ours": ([1, 10, 100], [3.0, 2.0, 1.0]), "Keras <3>": ([1, 10, 100], [3.0, float("nan"), 1 / 3])}
NAMED = {"a": ([1, 2], [2, 4], ["first", "x < 2"]), "b": ([3], [9], ["third"])}
X, Y = np.linspace(-2, 2, 7), np.linspace(-1, 1, 5)
BOWL = X**2 + Y[:, np.newaxis] ** 2 + 0.01
COUNTS = np.array([[9, 1, 0], [0, 8, 2], [0, 0, 10]])
NAMES = ["bag", "boot", "coat"]
DRAWN = {
    "curves": lambda: explore.curves(LINES, log="x", **LABELS),
    "points": lambda: explore.points(NAMED, log="xy", diagonal=True, **LABELS),
    "contours": lambda: explore.contours(X, Y, BOWL, NAMED, **LABELS),
    "matrix": lambda: explore.matrix(COUNTS, names=NAMES, **LABELS),
}


@pytest.fixture(params=DRAWN, name="figure")
def _figure(request):
    return DRAWN[request.param]()


def data_of(page):
    """What the page hands to Plotly."""
    return json.loads(re.search('<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])


def strings(value):
    """Every string in nested lists and dicts."""
    if isinstance(value, dict | list):
        return [
            text for each in (value.values() if isinstance(value, dict) else value) for text in strings(each)
        ]
    return [value] if isinstance(value, str) else []


def rows_of(table):
    """The cells of a table, row by row."""
    rows = re.findall("<tr>(.*?)</tr>", table)
    return [[html.unescape(cell) for cell in re.findall("<t[hd].*?>(.*?)</t[hd]>", row)] for row in rows]


def test_the_drawing_is_the_one_that_the_same_chart_makes():
    two = {name: values[:2] for name, values in NAMED.items()}
    numbered = ["bag 0", "boot 1", "coat 2"]
    labels = {"alt": "A picture.", "xlabel": "step", "ylabel": "", "row_names": numbered}
    charts = {
        "curves": figures.curves(LINES, log="x", **LABELS),
        "points": figures.points(two, log="xy", diagonal=True, **LABELS),
        "contours": figures.contours(X, Y, BOWL, two, **LABELS),
        "matrix": figures.matrix(COUNTS, **labels),
    }
    for name, chart in charts.items():
        assert DRAWN[name]().svg == chart.svg, name


def test_a_page_gets_the_drawing_once_the_data_once_and_the_numbers_folded(figure):
    page = figure._repr_html_()
    assert page.count("<svg") == page.count("<script") == page.count("<details") == page.count("<table") == 1
    assert figure.svg in page
    assert data_of(page) == figure.spec
    assert "<details open" not in page
    assert '<div tabindex="0" role="group" aria-label="The numbers, scroll here"><table>' in page


def test_a_notebook_gets_a_plotly_figure_and_the_drawing_for_those_who_cannot_show_it(figure):
    bundle = figure._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.plotly.v1+json", "text/html", "text/plain"}
    assert bundle["text/html"] == figure._repr_html_()
    assert bundle["text/plain"] == "Explorable('A picture.')"
    live = bundle["application/vnd.plotly.v1+json"]
    json.dumps(live, allow_nan=False)
    assert isinstance(figure.plotly(), plotly.graph_objects.Figure)
    assert len(live["data"]) == len(figure.spec["data"])
    assert live["config"]["plotlyServerURL"] == ""


def test_a_notebook_gets_the_books_colours_and_a_page_their_names(figure):
    live = figure._repr_mimebundle_()["application/vnd.plotly.v1+json"]
    assert not [text for text in strings(live) if "--fig" in text]
    assert "#0072b2" in strings(live)
    hexes = [text for text in strings(figure.spec) if re.fullmatch("#[0-9a-fA-F]{3,8}", text)]
    assert hexes == []
    known = {variable for variable, _ in figures.INK.values()}
    assert {text for text in strings(figure.spec) if text.startswith("--")} <= known


def test_a_page_names_no_address_to_fetch_from(figure):
    page = figure._repr_html_().replace("http://www.w3.org/", "")
    assert "//" not in page


def test_an_attribute_that_plotly_does_not_know_is_refused():
    figure = DRAWN["curves"]()
    figure.spec["data"][0]["colour"] = "red"
    with pytest.raises(ValueError, match="Invalid property specified"):
        figure._repr_mimebundle_()


def test_numbers_have_five_digits_and_gaps_stay_gaps():
    first, second = DRAWN["curves"]().spec["data"]
    assert first["y"] == [3, 2, 1]
    assert second["y"] == [3, None, 0.33333]
    assert json.dumps(first["y"]) == "[3, 2, 1]"


def test_names_reach_plotly_and_the_table_as_they_are_written():
    figure = DRAWN["curves"]()
    assert figure.spec["data"][1]["name"] == "Keras &lt;3&gt;"  # Plotly reads tags
    assert rows_of(figure.table)[0] == ["step", "ours", "Keras <3>"]
    assert "<3>" not in figure._repr_html_()
    points = DRAWN["points"]()
    assert points.spec["data"][1]["text"] == ["first", "x &lt; 2"]
    assert rows_of(points.table)[2] == ["a", "x < 2", "2", "4"]


def test_no_name_can_end_the_script_that_carries_the_data():
    spec = {"data": [{"name": "</script><script>"}], "layout": {}}
    figure = figures.Explorable("<svg></svg>", "A picture.", spec, "<table></table>")
    assert figure._repr_html_().count("</script>") == 1
    assert data_of(figure._repr_html_()) == figure.spec


def test_curves_over_the_same_x_are_read_together_and_others_one_by_one():
    together, apart = DRAWN["curves"](), explore.curves(NAMED, **LABELS)
    assert together.spec["layout"]["hovermode"] == "x unified"
    assert rows_of(together.table)[1:] == [["1", "3", "3"], ["10", "2", ""], ["100", "1", "0.33333"]]
    assert apart.spec["layout"]["hovermode"] == "closest"
    assert rows_of(apart.table)[:2] == [["series", "point", "step", "loss"], ["a", "first", "1", "2"]]


def test_a_long_curve_has_a_table_of_at_most_sixty_rows_that_says_so():
    figure = explore.curves({"a": (range(1000), range(1000))}, markers=False, **LABELS)
    assert len(rows_of(figure.table)) == 1 + 59
    assert "loss by step, every 17th" in figure.table
    assert len(figure.spec["data"][0]["x"]) == 1000


def test_plotly_draws_each_series_in_the_colour_and_shape_of_the_drawing():
    figure = explore.curves({f"line {k}": ([0, 1], [k, k]) for k in range(6)}, **LABELS)
    for number, trace in enumerate(figure.spec["data"], 1):
        assert trace["line"]["color"] == trace["marker"]["color"] == f"--fig-{number}"
    shapes = [trace["marker"]["symbol"] for trace in figure.spec["data"]]
    assert shapes == ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross"]
    assert figures.charts.MARKERS == "osD^vP"


def test_contours_hold_the_logarithm_of_the_height_and_the_lines_of_the_drawing():
    surface, *paths = DRAWN["contours"]().spec["data"]
    np.testing.assert_allclose(10 ** np.array(surface["z"]), BOWL, rtol=3e-3)
    lines = surface["contours"]
    drawn = np.arange(lines["start"], lines["end"] + lines["size"] / 2, lines["size"])
    np.testing.assert_allclose(drawn, levels(BOWL))
    assert levels(BOWL) == [-2, -1.5, -1, -0.5, 0, 0.5]
    assert [path["name"] for path in paths] == ["a", "b"]


def test_a_matrix_says_every_count_and_writes_only_what_is_drawn():
    drawn = np.where(COUNTS > 1, COUNTS, 0)
    figure = explore.matrix(COUNTS, names=NAMES, drawn=drawn, **LABELS)
    (cells,) = figure.spec["data"]
    assert cells["customdata"] == COUNTS.tolist()
    assert cells["text"] == [["9", "", ""], ["", "8", "2"], ["", "", "10"]]
    np.testing.assert_allclose(np.expm1(cells["z"]), COUNTS, rtol=5e-3)
    assert rows_of(figure.table)[:2] == [["loss", *NAMES], ["bag", "9", "1", "0"]]


def test_the_diagonal_runs_from_the_smallest_to_the_largest_number():
    line, *_ = DRAWN["points"]().spec["data"]
    assert line["x"] == line["y"] == [1, 9]
    assert len(explore.points(NAMED, **LABELS).spec["data"]) == 2


def test_what_cannot_be_drawn_is_refused_in_one_sentence(refuses):
    with refuses("curves draws at least one series. Received none."):
        explore.curves({}, **LABELS)
    with refuses(
        "points draws series whose parts are equally long. Received 'a' with parts of shapes "
        "[(2,), (3,), (1,)]."
    ):
        explore.points({"a": ([0, 1], [1, 2, 3], ["x"])}, **LABELS)
    with refuses(
        "curves places only numbers above 0 on a logarithmic axis. Received 'a' with a smallest y of 0."
    ):
        explore.curves({"a": ([0, 1], [1, 0])}, log="y", **LABELS)
    with refuses(
        "matrix takes counts, a row and a column for each of its 2 names. Received values of shape (3, 3), "
        "the smallest 0."
    ):
        explore.matrix(COUNTS, names=["a", "b"], **LABELS)
    with refuses(
        "matrix takes counts, a row and a column for each of its 0 names. Received values of shape (0, 0), "
        "the smallest None."
    ):
        explore.matrix(np.zeros((0, 0)), names=[], **LABELS)
    with refuses(
        "contours draws heights above 0, a row for each of the 5 y and a column for each of the 7 x. "
        "Received z of shape (5, 7), the smallest -0.99."
    ):
        explore.contours(X, Y, BOWL - 1, NAMED, **LABELS)
