"""A drawing, the same picture as Plotly describes it, and its numbers: what a figure to explore is made of.

The picture for Plotly names the book's colours, "--fig-1" to "--fig-6" and others of `style.INK`. A notebook
gets it with fixed colours; in the built page assets/explore.js takes the colours of the page's theme.
"""

import html
import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cnnbook.figures.style import INK, Figure

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

DIGITS = 5  # of every number; a zoom by a thousand still finds the points apart
PAPER = {"--fig-fg": "#20262e", "--fig-bg": "#ffffff"}  # in a notebook, whose theme we do not know
NOTEBOOK = dict(INK.values()) | PAPER
CONFIG = {"displaylogo": False, "plotlyServerURL": ""}


class Explorable(Figure):
    """A picture that Plotly can take over: a drawing in the page, live in JupyterLab.

    Parameters
    ----------
    svg, alt : as for `Figure`.
    spec : {"data": traces, "layout": layout} as Plotly reads it, with the names of the book's colours.
    table : the numbers as an HTML table.

    Examples
    --------
    >>> spec = {"data": [{"type": "scatter", "y": [1, 2], "line": {"color": "--fig-1"}}], "layout": {}}
    >>> figure = Explorable("<svg></svg>", "It rises.", spec, "<table></table>")
    >>> figure
    Explorable('It rises.')
    >>> figure.plotly().data[0].line.color
    '#0072b2'
    """

    def __init__(self, svg: str, alt: str, spec: dict[str, Any], table: str):
        super().__init__(svg, alt)
        self.spec, self.table = spec, table

    def plotly(self) -> "PlotlyFigure":
        """Give the picture as a Plotly figure in the book's colours, to change or to save."""
        from plotly.graph_objects import Figure as PlotlyFigure

        figure = PlotlyFigure(coloured(self.spec, NOTEBOOK))
        figure.update_layout(template="none")
        return figure

    def _repr_html_(self) -> str:
        data = json.dumps(self.spec, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
        return (
            f'<div class="cnn-figure explore">{self.svg}'
            f'<script type="application/json">{data}</script></div>'
            '<details class="explore-numbers"><summary>The numbers of this figure</summary>'
            '<div tabindex="0" role="group" aria-label="The numbers, scroll here">'
            f"{self.table}</div></details>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, Any]:
        live = self.plotly().to_plotly_json() | {"config": CONFIG}
        return {
            "application/vnd.plotly.v1+json": live,
            "text/html": self._repr_html_(),
            "text/plain": repr(self),
        }


def coloured(spec: Any, colours: dict[str, str]) -> Any:
    """Replace the name of every colour in `spec` by the colour.

    >>> coloured({"color": "--fig-1", "width": 2, "scale": [[0, "--fig-bg"]]}, NOTEBOOK)
    {'color': '#0072b2', 'width': 2, 'scale': [[0, '#ffffff']]}
    """
    if isinstance(spec, dict):
        return {key: coloured(value, colours) for key, value in spec.items()}
    if isinstance(spec, list):
        return [coloured(value, colours) for value in spec]
    return colours.get(spec, spec) if isinstance(spec, str) else spec


def layout(xlabel: str, ylabel: str, *, log: str = "") -> dict[str, Any]:
    """Lay out two axes in the book's look. log : "x", "y" or "xy" for logarithmic axes.

    >>> layout("step", "loss", log="y")["yaxis"]["type"]
    'log'
    """
    text = {"color": "--fig-fg", "size": 14}

    def axis(title, letter):
        return {
            "title": {"text": plain(title), "standoff": 8, "font": text},
            "type": "log" if letter in log else "linear",
            "exponentformat": "power",
            "hoverformat": f".{DIGITS - 1}~g",
            "unifiedhovertitle": {"text": f"{plain(title)}: %{{x}}"},
            "automargin": True,
            "zeroline": False,
            "showline": True,
            "linecolor": "--fig-muted",
            "gridcolor": "--fig-grid",
            "griddash": "dot",
        }

    return {
        "xaxis": axis(xlabel, "x"),
        "yaxis": axis(ylabel, "y"),
        "font": text | {"size": 13},
        "paper_bgcolor": "--fig-bg",
        "plot_bgcolor": "--fig-bg",
        "margin": {"l": 8, "r": 12, "t": 52, "b": 8},
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "--fig-bg",
            "bordercolor": "--fig-muted",
            "font": text,
            "align": "left",
            "namelength": -1,
        },
        "modebar": {"bgcolor": "--fig-bg", "color": "--fig-muted", "activecolor": "--fig-fg"},
        "uirevision": "kept",  # a change of theme keeps the zoom
    }


def plain(text: str) -> str:
    """Text in which Plotly finds no tags.

    >>> plain("a < b")
    'a &lt; b'
    """
    return html.escape(text, quote=False)


def rounded(values: Iterable[float], digits: int = DIGITS) -> list[float | int | None]:
    """Numbers with the digits that a figure can show; None where there is none.

    >>> rounded([1 / 3, 2.0, math.nan, -12_345_678])
    [0.33333, 2, None, -12346000]
    """

    def short(value):
        value = float(f"{value:.{digits}g}")
        return int(value) if value.is_integer() and abs(value) < 1e15 else value

    return [short(value) if math.isfinite(value) else None for value in map(float, values)]


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> str:
    """An HTML table whose first column names the row.

    >>> text = table("Losses", ["step", "loss"], [[1, 2.5]])
    >>> text[text.index("<tbody>") :]
    '<tbody><tr><th scope="row">1</th><td>2.5</td></tr></tbody></table>'
    """

    def cell(value):
        return (
            "" if value is None else html.escape(value if isinstance(value, str) else f"{value:.{DIGITS}g}")
        )

    names = "".join(f'<th scope="col">{cell(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{cell(first)}</th>'
        + "".join(f"<td>{cell(each)}</td>" for each in rest)
        + "</tr>"
        for first, *rest in rows
    )
    title = f"<caption>{html.escape(caption)}</caption>"
    return f"<table>{title}<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
