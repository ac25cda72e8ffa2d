"""Figures for the book: arrays in, one themed picture out.

Every function returns a `Figure`. Nothing here computes results.
"""

from collections.abc import Sequence

import numpy as np

from cnnbook.figures.style import DASHES, FG, GRID, MARKERS, MUTED, SERIES, WIDTH, Figure, drawn


def images(
    arrays: Sequence[np.ndarray],
    titles: Sequence[str] = (),
    *,
    alt: str,
    columns: int | None = None,
    signed: bool | Sequence[bool] = False,
) -> Figure:
    """Small images side by side: grey for brightness, orange-white-blue for numbers of both signs.

    Parameters
    ----------
    arrays : (H, W) or (H, W, 1) each. titles : one line above each image.
    columns : images per row; by default all in one row, up to four.
    signed : for all images or for each. Orange is below zero, blue above, white is zero. All signed images
        share one zero-centred scale, stated under the figure; all grey images share one from their darkest
        to their brightest pixel.

    Raises
    ------
    ValueError : if an image is not 2-D.

    Examples
    --------
    >>> images([np.eye(3), 1 - np.eye(3)], ["a", "b"], alt="Two diagonals.")
    Figure('Two diagonals.')
    """
    arrays = [array[..., 0] if array.shape[2:] == (1,) else array for array in map(np.asarray, arrays)]
    if not arrays or any(array.ndim != 2 for array in arrays):
        shapes = [array.shape for array in arrays]
        raise ValueError(
            f"images draws one or more arrays of shape (H, W) or (H, W, 1). Received shapes {shapes}."
        )
    both_signs = np.broadcast_to(signed, len(arrays))
    grey = [array for array, sign in zip(arrays, both_signs, strict=True) if not sign]
    scales = {False: (min((a.min() for a in grey), default=0), max((a.max() for a in grey), default=1))}
    high = max((np.abs(a).max() for a, sign in zip(arrays, both_signs, strict=True) if sign), default=0)
    scales[True] = (-(high or 1.0), high or 1.0)

    columns = min(columns or 4, len(arrays))
    rows = -(-len(arrays) // columns)
    tallest = max(array.shape[0] / array.shape[1] for array in arrays)
    height = rows * (WIDTH / columns * tallest + (0.25 if titles else 0)) + (0.25 if any(both_signs) else 0)
    with drawn((WIDTH, height), alt) as (figure, result):
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis in axes[len(arrays) :]:
            axis.set_axis_off()
        for number, (array, sign) in enumerate(zip(arrays, both_signs, strict=True)):
            low, high = scales[bool(sign)]
            colormap = _diverging() if sign else "gray"
            axes[number].set(xticks=[], yticks=[])
            axes[number].spines[:].set(visible=True, color=GRID, linewidth=0.8)
            axes[number].imshow(array, cmap=colormap, vmin=low, vmax=high, interpolation="nearest")
            if number < len(titles):
                axes[number].set_title(titles[number], loc="center", fontsize=10)
        if any(both_signs):
            high = scales[True][1]
            figure.supxlabel(f"orange -{high:.3g}, white 0, blue +{high:.3g}", fontsize=9, color=FG)
    return result


def curves(
    series: dict[str, tuple[Sequence[float], Sequence[float]]],
    *,
    alt: str,
    xlabel: str,
    ylabel: str,
    log: str = "",
    markers: bool = True,
    marks: dict[str, tuple[Sequence[float], Sequence[float]]] | None = None,
) -> Figure:
    """Lines over a shared axis, told apart by colour, dash and marker, each labelled at its legend entry.

    Parameters
    ----------
    series : name -> (x values, y values). marks : the same, for triangles without a line.
    log : "x", "y" or "xy" for logarithmic axes.

    Examples
    --------
    >>> curves({"loss": ([0, 1], [2.3, 1.1])}, alt="It falls.", xlabel="step", ylabel="loss (nats)")
    Figure('It falls.')
    """
    with drawn((WIDTH, 3.2), alt) as (figure, result):
        axis = figure.subplots()
        _lines(axis, series, markers)
        for name, (xs, ys) in (marks or {}).items():
            axis.scatter(xs, ys, label=name, marker="^", s=18, color=FG, linewidths=0, zorder=3)
        axis.set(xlabel=xlabel, ylabel=ylabel)
        if "x" in log:
            axis.set_xscale("log")
        elif all(isinstance(x, int | np.integer) for xs, _ in series.values() for x in xs):
            axis.xaxis.get_major_locator().set_params(integer=True)
        if "y" in log:
            axis.set_yscale("log")
        if len(series) > 1 or marks:
            axis.legend()
    return result


def points(
    series: dict[str, tuple[Sequence[float], Sequence[float]]],
    *,
    alt: str,
    xlabel: str,
    ylabel: str,
    log: str = "",
    diagonal: bool = False,
) -> Figure:
    """Points in groups, told apart by colour and shape.

    Parameters
    ----------
    series : name -> (x values, y values).
    log : "x", "y" or "xy" for logarithmic axes.
    diagonal : draw the line on which x and y are equal.

    Examples
    --------
    >>> points({"ours": ([1, 2], [2, 1])}, alt="Two points.", xlabel="x", ylabel="y", diagonal=True)
    Figure('Two points.')
    """
    with drawn((WIDTH, 4.2), alt) as (figure, result):
        axis = figure.subplots()
        if diagonal:
            axis.plot(*[ends(series)] * 2, color=MUTED, linestyle="--", linewidth=1.5)
        for number, (name, (xs, ys)) in enumerate(series.items()):
            style = {"color": SERIES[number % 6], "marker": MARKERS[number % 6], "s": 22, "linewidths": 0}
            axis.scatter(xs, ys, label=name, **style)
        axis.set(xlabel=xlabel, ylabel=ylabel)
        axis.set_xscale("log" if "x" in log else "linear")
        axis.set_yscale("log" if "y" in log else "linear")
        if len(series) > 1:
            axis.legend()
    return result


def ends(series: dict[str, tuple[Sequence[float], ...]]) -> list[float]:
    """The smallest and the largest number among all x and y.

    >>> ends({"a": ([1, 2], [3, 4]), "b": ([0], [5])})
    [0.0, 5.0]
    """
    every = [float(value) for values in series.values() for part in values[:2] for value in part]
    return [min(every), max(every)]


def contours(
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    paths: dict[str, tuple[Sequence[float], Sequence[float]]],
    *,
    alt: str,
    xlabel: str,
    ylabel: str,
) -> Figure:
    """Paths over the lines of equal height of a surface; from line to line the height changes by one factor.

    Parameters
    ----------
    x : (columns,) y : (rows,) z : (rows, columns), every height above zero.
    paths : name -> (x values, y values).

    Raises
    ------
    ValueError : if z has another shape, or a height is not above zero.

    Examples
    --------
    >>> x = y = np.linspace(-1, 1, 10)
    >>> bowl = x**2 + y[:, np.newaxis] ** 2
    >>> contours(x, y, bowl, {"down": ([1, 0.5], [1, 0.2])}, alt="A bowl.", xlabel="x", ylabel="y")
    Figure('A bowl.')
    """
    z = np.asarray(z)
    if z.shape != (len(y), len(x)) or not (z > 0).all():
        raise ValueError(
            f"contours draws heights above 0, a row for each of the {len(y)} y and a column for each of the "
            f"{len(x)} x. Received z of shape {z.shape}, the smallest {z.min():.3g}."
        )
    with drawn((WIDTH, 3.6), alt) as (figure, result):
        axis = figure.subplots()
        axis.contour(
            x, y, np.log10(z), levels(z), colors=MUTED, linewidths=0.6, linestyles="solid", alpha=0.8
        )
        _lines(axis, paths, markers=True)
        axis.set(xlabel=xlabel, ylabel=ylabel)
        axis.grid(visible=False)
        figure.legend(loc="outside lower left", ncols=4)
    return result


def levels(z: np.ndarray) -> list[float]:
    """The logarithms to base 10 at which `contours` draws lines: all multiples of a half.

    >>> levels(np.array([1, 100]))
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    low, high = np.log10(np.min(z)), np.log10(np.max(z))
    return (np.arange(np.ceil(2 * low), np.floor(2 * high) + 1) / 2).tolist()


def bars(values: dict[str, float], *, alt: str, xlabel: str, log: bool = False, unit: str = "") -> Figure:
    """One horizontal bar per name, with its number written at its end.

    Examples
    --------
    >>> bars({"dense": 1e6, "conv": 320}, alt="Dense needs far more.", xlabel="parameters", log=True)
    Figure('Dense needs far more.')
    """
    with drawn((WIDTH, 0.65 + 0.42 * len(values)), alt) as (figure, result):
        axis = figure.subplots()
        names, numbers = list(values), list(values.values())
        shown = axis.barh(names, numbers, color=SERIES[0], height=0.6)
        labels = [f"{number:,.0f}{unit}" if number >= 1000 else f"{number:.4g}{unit}" for number in numbers]
        axis.bar_label(shown, labels, padding=4, color=FG)
        axis.set_xlabel(xlabel)
        axis.invert_yaxis()
        axis.grid(axis="y", visible=False)
        if log:
            axis.set_xscale("log")
            axis.set_xlim(min(numbers) / 3, max(numbers) * 30)
        else:
            axis.set_xlim(0, max(numbers) * 1.25)
    return result


def matrix(
    values: np.ndarray,
    *,
    alt: str,
    xlabel: str,
    ylabel: str,
    row_lines: Sequence[int] = (),
    row_names: Sequence[str] = (),
) -> Figure:
    """A matrix as a grid of cells: empty where it is zero, filled and labelled with the number elsewhere.

    Parameters
    ----------
    values : (rows, columns), a few dozen cells each way at most.
    row_lines : draw a line above these rows, to show blocks.
    row_names : what stands beside each row, instead of its number.

    Examples
    --------
    >>> matrix(np.eye(3), alt="Ones on the diagonal.", xlabel="input", ylabel="output")
    Figure('Ones on the diagonal.')
    """
    rows, columns = values.shape
    with drawn((WIDTH, 0.7 + 4.4 * rows / columns), alt) as (figure, result):
        axis = figure.subplots()
        for i, j in np.argwhere(values):
            color = SERIES[0] if values[i, j] > 0 else SERIES[1]
            axis.fill(
                [j, j + 1, j + 1, j], [i, i, i + 1, i + 1], facecolor=color, alpha=0.35, edgecolor=color
            )
            axis.text(
                j + 0.5, i + 0.54, f"{values[i, j]:.3g}", ha="center", va="center", fontsize=8, color=FG
            )
        axis.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal", xlabel=xlabel, ylabel=ylabel)
        step = 5 if columns > 12 else 1
        axis.set_xticks(np.arange(0, columns, step) + 0.5, range(0, columns, step), minor=False)
        axis.set_yticks(np.arange(rows) + 0.5, row_names or range(rows))
        axis.tick_params(length=0, labelsize=9)
        axis.grid(visible=False)
        for spine in axis.spines.values():
            spine.set_visible(True)
        for line in row_lines:
            axis.axhline(line, color=MUTED, linewidth=0.8)
        for column in range(step, columns, step):
            axis.axvline(column, color=GRID, linewidth=0.6, alpha=0.6)
    return result


def panels(
    values: dict[str, Sequence[float]],
    beside: Sequence[float] | dict[str, Sequence[float]],
    *,
    alt: str,
    xlabel: str,
    ylabel: str,
    columns: int = 3,
) -> Figure:
    """Many short curves, each in a small drawing of its own beside a dashed one, on shared axes.

    Parameters
    ----------
    values : name -> one number for 1, 2, 3, ...
    beside : the curve to compare with, dashed in every drawing; or name -> the dashed curve of this drawing.

    Examples
    --------
    >>> panels({"a": [1, 2], "b": [1, 3]}, [1, 2], alt="b rises more.", xlabel="epoch", ylabel="accuracy")
    Figure('b rises more.')
    """
    rows = -(-len(values) // columns)
    with drawn((WIDTH, 0.5 + 1.05 * rows), alt) as (figure, result):
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axis in axes[len(values) :]:
            axis.set_axis_off()
        for axis, (name, numbers) in zip(axes, values.items(), strict=False):
            dashed = beside[name] if isinstance(beside, dict) else beside
            axis.plot(range(1, len(dashed) + 1), dashed, color=MUTED, linestyle="--", linewidth=1.5)
            axis.plot(range(1, len(numbers) + 1), numbers, color=SERIES[1])
            axis.set_title(name, fontsize=9)
            axis.tick_params(labelsize=9)
            axis.xaxis.get_major_locator().set_params(integer=True)
        figure.supxlabel(xlabel, fontsize=11, color=FG)
        figure.supylabel(ylabel, fontsize=11, color=FG)
    return result


def _diverging():
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("orange_white_blue", ["#b34a00", "#ffffff", "#00538a"])


def _lines(axis, series, markers):
    """One line per series, told apart by colour, dash and marker."""
    for number, (name, (xs, ys)) in enumerate(series.items()):
        style = {"color": SERIES[number % 6], "linestyle": DASHES[number % 6]}
        axis.plot(xs, ys, label=name, marker=MARKERS[number % 6] if markers else None, markersize=5, **style)
