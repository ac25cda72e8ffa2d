"""Curves to hover and zoom: a drawing that Plotly takes over where the page has it.

The built book carries one copy of Plotly, and `assets/hover.js` loads it when the first such figure comes
near the screen. On paper, without JavaScript and in a live notebook the drawing itself is shown. The numbers
stand below it in a table, for the keyboard and for those who want to copy them.
"""

import html
import json
from collections.abc import Sequence

import numpy as np

from cnnbook.figures import Figure, curves

ROWS = 60  # of the table


class HoverFigure(Figure):
    """A picture that is its own SVG text, with its numbers.

    Parameters
    ----------
    svg, alt : as for `Figure`.
    data : what Plotly draws: series, and the names of the axes.
    """

    def __init__(self, svg: str, alt: str, data: dict):
        super().__init__(svg, alt)
        self.data = data

    def _repr_html_(self) -> str:
        data = html.escape(json.dumps(self.data, separators=(",", ":"), ensure_ascii=False))
        return (
            f'<div class="cnn-figure hover-figure" data-hover="{data}">{self.svg}</div>'
            '<details class="hover-numbers"><summary>The numbers</summary>'
            f'<div tabindex="0" role="region" aria-label="The numbers of the figure">{self.table()}</div>'
            "</details>"
        )

    def table(self) -> str:
        """The numbers as an HTML table: a row per x, at most 60 of them, evenly taken."""
        series, head = self.data["series"], html.escape(self.data["xlabel"])
        places = sorted({x for line in series for x in line["x"]})
        every = -(-len(places) // ROWS)
        values = [dict(zip(line["x"], line["y"], strict=True)) for line in series]
        names = "".join(f'<th scope="col">{html.escape(line["name"])}</th>' for line in series)
        rows = "".join(
            f'<tr><th scope="row">{x:g}</th>'
            + "".join(f"<td>{number(line.get(x))}</td>" for line in values)
            + "</tr>"
            for x in places[::every]
        )
        some = f", every {every}th" if every > 1 else ""
        caption = f"<caption>{html.escape(self.data['ylabel'])} by {head}{some}</caption>"
        return f'<table>{caption}<tr><th scope="col">{head}</th>{names}</tr>{rows}</table>'


def compare(
    series: dict[str, tuple[Sequence[float], Sequence[float]]],
    *,
    alt: str,
    xlabel: str,
    ylabel: str,
    log: str = "",
    markers: bool = True,
) -> HoverFigure:
    """Draw curves that can be hovered and zoomed, each told apart by colour, dash and marker.

    Parameters
    ----------
    series, alt, xlabel, ylabel, log, markers : as for `cnnbook.figures.curves`.

    Raises
    ------
    ValueError : no series, or one whose x and y are not equally long.

    Examples
    --------
    >>> figure = compare({"ours": ([0, 1], [2.3, 1.1]), "Keras": ([0, 1], [2.3, 1.1])}, alt="Both fall.",
    ...                  xlabel="step", ylabel="loss (nats)")
    >>> figure
    HoverFigure('Both fall.')
    >>> figure.table().count("<tr>")
    3
    """
    lines = []
    for name, (xs, ys) in series.items():
        xs, ys = (np.asarray(values, dtype=float) for values in (xs, ys))
        if xs.ndim != 1 or xs.shape != ys.shape:
            raise ValueError(
                f"compare draws x and y of equal length. Received {name!r} with x of shape {xs.shape} and "
                f"y of shape {ys.shape}."
            )
        seen = [None if not np.isfinite(y) else float(f"{y:.5g}") for y in ys]
        lines.append({"name": name, "x": [float(f"{x:.7g}") for x in xs], "y": seen})
    if not lines:
        raise ValueError("compare draws at least one series. Received none.")
    drawn = curves(series, alt=alt, xlabel=xlabel, ylabel=ylabel, log=log, markers=markers)
    data = {"series": lines, "xlabel": xlabel, "ylabel": ylabel, "log": log, "markers": markers}
    return HoverFigure(drawn.svg, alt, data)


def number(value: float | None) -> str:
    """A number as the table writes it, nothing where there is none.

    >>> number(0.25), number(None)
    ('0.25', '')
    """
    return "" if value is None else f"{value:.5g}"
