"""Figures to explore: drawn like those of `charts`, and handed to Plotly when the reader asks for it.

The built page shows the drawing, a button below it, and the numbers in a folded table. The button loads the
copy of Plotly that the book carries; print, a page without JavaScript and a phone keep the drawing until
then. In JupyterLab the figure is live at once.
"""

import html
from collections.abc import Sequence

import numpy as np

from cnnbook.figures import charts
from cnnbook.figures.explorable import Explorable, layout, plain, rounded, table

COLOURS = [f"--fig-{number}" for number in range(1, 7)]
SYMBOLS = ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross"]  # as charts.MARKERS
DASHES = ["solid", "dash", "dashdot", "dot", "longdashdot", "2px,2px"]
CELLS = {  # how a matrix looks
    "type": "heatmap",
    "texttemplate": "%{text}",
    "textfont": {"color": "--fig-fg"},
    "colorscale": [[0, "--fig-bg"], [1, "--fig-1"]],
    "opacity": 0.45,
    "showscale": False,
    "xgap": 1,
    "ygap": 1,
}
ROWS = 60  # of a table of curves
Series = tuple[Sequence[float], Sequence[float]] | tuple[Sequence[float], Sequence[float], Sequence[str]]


def curves(
    series: dict[str, Series], *, alt: str, xlabel: str, ylabel: str, log: str = "", markers: bool = True
) -> Explorable:
    """Lines over a shared axis, with the values under the pointer.

    Parameters
    ----------
    series : name -> (x values, y values), or (x values, y values, what each point is called).
    alt, xlabel, ylabel, log, markers : as for `figures.curves`.

    Raises
    ------
    ValueError : if there is no series, if the parts of one are not equally long, or if a logarithmic axis has
        no place for a number.

    Examples
    --------
    >>> losses = {"ours": ([0, 1], [2.3, 1.1]), "Keras": ([0, 1], [2.3, 1.1])}
    >>> curves(losses, alt="Both fall.", xlabel="step", ylabel="loss (nats)")
    Explorable('Both fall.')
    """
    traces = _traces("curves", series, log, "lines+markers" if markers else "lines")
    drawing = charts.curves(
        {name: values[:2] for name, values in series.items()},
        alt=alt,
        xlabel=xlabel,
        ylabel=ylabel,
        log=log,
        markers=markers,
    )
    together = all(trace["x"] == traces[0]["x"] and "text" not in trace for trace in traces)
    if together:
        numbers = _side_by_side(traces, xlabel, ylabel)
    else:
        numbers = _one_below_the_other(traces, xlabel, ylabel)
    _hover(traces, xlabel, ylabel, together)
    look = layout(xlabel, ylabel, log=log) | {"showlegend": len(traces) > 1}
    if together:
        look |= {"hovermode": "x unified", "hoverdistance": -1}  # wherever the pointer is
    return Explorable(drawing.svg, alt, {"data": traces, "layout": look}, numbers)


def points(
    series: dict[str, Series], *, alt: str, xlabel: str, ylabel: str, log: str = "", diagonal: bool = False
) -> Explorable:
    """Points in groups, told apart by colour and shape, with the name and values of the one pointed at.

    Parameters
    ----------
    series : name -> (x values, y values), or (x values, y values, what each point is called).
    alt, xlabel, ylabel, log, diagonal : as for `figures.points`.

    Raises
    ------
    ValueError : as for `curves`.

    Examples
    --------
    >>> points({"ours": ([1, 2], [2, 1], ["one", "two"])}, alt="Two points.", xlabel="x", ylabel="y")
    Explorable('Two points.')
    """
    traces = _traces("points", series, log, "markers")
    drawing = charts.points(
        {name: values[:2] for name, values in series.items()},
        alt=alt,
        xlabel=xlabel,
        ylabel=ylabel,
        log=log,
        diagonal=diagonal,
    )
    numbers = _one_below_the_other(traces, xlabel, ylabel)
    _hover(traces, xlabel, ylabel)
    if diagonal:
        ends = rounded(charts.ends(series))
        line = {"color": "--fig-muted", "dash": "dash", "width": 1.5}
        both = {"type": "scatter", "x": ends, "y": ends, "mode": "lines", "line": line}
        traces.insert(0, both | {"hoverinfo": "skip", "showlegend": False})
    look = layout(xlabel, ylabel, log=log) | {"showlegend": len(series) > 1}
    return Explorable(drawing.svg, alt, {"data": traces, "layout": look}, numbers)


def contours(
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    paths: dict[str, Series],
    *,
    alt: str,
    xlabel: str,
    ylabel: str,
) -> Explorable:
    """Paths over the lines of equal height of a surface, with the values of the step under the pointer.

    Parameters
    ----------
    x, y, z, alt, xlabel, ylabel : as for `figures.contours`. Some dozens of columns and rows: all go into the
        page.
    paths : name -> (x values, y values), or (x values, y values, what each step is called).

    Raises
    ------
    ValueError : if z has another shape or a number that is not positive; for paths as for `curves`.

    Examples
    --------
    >>> x = y = np.linspace(-1, 1, 10)
    >>> path = {"down": ([1, 0.5], [1, 0.2], ["start", "step 1"])}
    >>> contours(x, y, x**2 + y[:, np.newaxis] ** 2, path, alt="A bowl.", xlabel="x", ylabel="y")
    Explorable('A bowl.')
    """
    traces = _traces("contours", paths, "", "lines+markers")
    drawing = charts.contours(
        x, y, z, {name: values[:2] for name, values in paths.items()}, alt=alt, xlabel=xlabel, ylabel=ylabel
    )
    numbers = _one_below_the_other(traces, xlabel, ylabel)
    _hover(traces, xlabel, ylabel)
    levels = charts.levels(z)
    surface = {
        "type": "contour",
        "x": rounded(x),
        "y": rounded(y),
        "z": [rounded(row, 4) for row in np.log10(z)],
        "contours": {
            "coloring": "none",
            "start": levels[0],
            "end": levels[-1],
            "size": levels[1] - levels[0],
        },
        "line": {"color": "--fig-muted", "width": 0.8},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    spec = {"data": [surface, *traces], "layout": layout(xlabel, ylabel)}
    return Explorable(drawing.svg, alt, spec, numbers)


def matrix(
    values: np.ndarray,
    *,
    alt: str,
    xlabel: str,
    ylabel: str,
    names: Sequence[str],
    drawn: np.ndarray | None = None,
) -> Explorable:
    """A square matrix of counts, with the names of row and column under the pointer.

    Parameters
    ----------
    values : (K, K), no number below zero. The darker a cell, the larger the logarithm of its count.
    names : of the K rows, and of the K columns in the same order.
    drawn : (K, K), what the drawing and the cells themselves show, if not all.
    alt, xlabel, ylabel : as for `figures.matrix`.

    Raises
    ------
    ValueError : if the matrix has another shape or holds a negative number.

    Examples
    --------
    >>> matrix(np.eye(2), alt="All right.", xlabel="said", ylabel="is", names=["bag", "boot"])
    Explorable('All right.')
    """
    values, size = np.asarray(values), len(names)
    if not size or values.shape != (size, size) or values.min() < 0:
        raise ValueError(
            f"matrix takes counts, a row and a column for each of its {size} names. Received values of shape "
            f"{values.shape}, the smallest {values.min() if values.size else None}."
        )
    drawn = values if drawn is None else drawn
    numbered = [f"{name} {k}" for k, name in enumerate(names)]
    axes = f"{plain(ylabel)}: %{{y}}<br>{plain(xlabel)}: %{{x}}"
    drawing = charts.matrix(drawn, alt=alt, xlabel=xlabel, ylabel="", row_names=numbered)
    cells = CELLS | {
        "x": [plain(name) for name in numbered],
        "y": [plain(name) for name in numbered],
        "z": [rounded(row, 3) for row in np.log1p(values)],
        "text": [[f"{count:g}" if count else "" for count in row] for row in drawn],
        "customdata": [rounded(row) for row in values],
        "hovertemplate": f"{axes}<br>count: %{{customdata}}<extra></extra>",
    }
    look = layout(xlabel, "")
    look["xaxis"] |= {"type": "category", "tickvals": cells["x"], "ticktext": list(map(str, range(size)))}
    look["xaxis"] |= {"showgrid": False, "showline": False}
    look["yaxis"] |= {"type": "category", "autorange": "reversed", "showgrid": False, "showline": False}
    rows = [[name, *row] for name, row in zip(names, values.tolist(), strict=True)]
    numbers = table(f"Rows: {ylabel}. Columns: {xlabel}.", [ylabel, *names], rows)
    return Explorable(drawing.svg, alt, {"data": [cells], "layout": look}, numbers)


def _traces(kind, series, log, mode):
    """A Plotly trace per series, its numbers rounded, its look that of `charts`."""
    if not series:
        raise ValueError(f"{kind} draws at least one series. Received none.")
    traces = []
    for number, (name, (xs, ys, *words)) in enumerate(series.items()):
        shapes = [np.shape(part) for part in (xs, ys, *words)]
        if any(len(shape) != 1 or shape != shapes[0] for shape in shapes):
            raise ValueError(
                f"{kind} draws series whose parts are equally long. Received {name!r} with parts of shapes "
                f"{shapes}."
            )
        for letter, values in (("x", xs), ("y", ys)):
            if letter in log and not np.all(np.asarray(values) > 0):
                raise ValueError(
                    f"{kind} places only numbers above 0 on a logarithmic axis. Received {name!r} with a "
                    f"smallest {letter} of {min(values):.3g}."
                )
        colour = COLOURS[number % 6]
        trace = {"type": "scatter", "name": plain(name), "mode": mode, "x": rounded(xs), "y": rounded(ys)}
        if words:
            trace["text"] = [plain(word) for word in words[0]]
        if "markers" in mode:
            trace["marker"] = {"symbol": SYMBOLS[number % 6], "size": 7, "color": colour}
        if "lines" in mode:
            trace["line"] = {"color": colour, "dash": DASHES[number % 6], "width": 2}
        traces.append(trace)
    return traces


def _hover(traces, xlabel, ylabel, together=False):
    """Say what stands beside the pointer: one line per curve at the same x, or all about one point."""
    for trace in traces:
        if not together:
            called = "<b>%{text}</b><br>" if "text" in trace else ""
            axes = f"{plain(xlabel)}: %{{x}}<br>{plain(ylabel)}: %{{y}}"
            trace["hovertemplate"] = f"{trace['name']}<br>{called}{axes}<extra></extra>"


def _side_by_side(traces, xlabel, ylabel):
    """A table with a row per x and a column per curve, at most 60 rows, evenly taken."""
    every = -(-len(traces[0]["x"]) // ROWS)
    columns = [traces[0]["x"], *(trace["y"] for trace in traces)]
    head = [xlabel, *(html.unescape(trace["name"]) for trace in traces)]
    some = f", every {every}th" if every > 1 else ""
    return table(f"{ylabel} by {xlabel}{some}", head, list(zip(*columns, strict=True))[::every])


def _one_below_the_other(traces, xlabel, ylabel):
    """A table with a row per point of every series."""
    named = any("text" in trace for trace in traces)
    rows = [
        [html.unescape(part) if isinstance(part, str) else part for part in (trace["name"], *point)]
        for trace in traces
        for point in zip(
            *([trace.get("text", [""] * len(trace["x"]))] if named else []),
            trace["x"],
            trace["y"],
            strict=True,
        )
    ]
    return table(f"{ylabel} by {xlabel}", ["series", *(["point"] if named else []), xlabel, ylabel], rows)
