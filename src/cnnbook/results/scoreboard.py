"""The results table: what each notebook claimed, what our network reaches, what its Keras twin reaches.

It is made of the recordings in results/ and of nothing else.
"""

import html
import re
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from cnnbook.results import store

FIGURES = {"accuracy": "", "macro_f1": ", macro-F1", "time ratio": ", time of a step"}

# Row of the notebooks, what it is, figure, where ours stands and where Keras': recording | variant | side.
LINES = [
    ("mlp", "MLP", "accuracy", "mlp | plain | ours", "mlp | plain | keras"),
    (
        "fashion_cnn",
        "CNN with batch normalisation",
        "accuracy",
        "fashion_cnn | plain | ours",
        "fashion_cnn | plain | keras",
    ),
    (
        "own_keras_layers",
        "our layers inside Keras, 12,000 images",
        "accuracy",
        "own_keras_layers | plain | own layers",
        "shuffled_pixels | CNN | keras",
    ),
    (
        "own_keras_layers",
        "our layers inside Keras / Keras'",
        "time ratio",
        "own_keras_layers | plain | own layers",
        "",
    ),
    (
        "small_cnn_one_by_one",
        "CNN, one example at a time",
        "accuracy",
        "small_cnn_one_by_one | book | ours",
        "small_cnn_one_by_one | book | keras",
    ),
    (
        "small_cnn_one_by_one",
        "CNN, one example at a time",
        "macro_f1",
        "small_cnn_one_by_one | book | ours",
        "small_cnn_one_by_one | book | keras",
    ),
    (
        "small_cnn_one_by_one",
        "the same with its author's settings",
        "accuracy",
        "small_cnn_one_by_one | source | ours",
        "",
    ),
    (
        "small_cnn_one_by_one",
        "the same with its author's settings",
        "macro_f1",
        "small_cnn_one_by_one | source | ours",
        "",
    ),
    (
        "small_cnn_one_by_one",
        "the book's with a falling learning rate",
        "accuracy",
        "small_cnn_one_by_one | falling rate | ours",
        "",
    ),
    (
        "small_cnn_one_by_one",
        "the book's with a falling learning rate",
        "macro_f1",
        "small_cnn_one_by_one | falling rate | ours",
        "",
    ),
    (
        "small_cnn_one_by_one",
        "its author's settings, falling rate",
        "accuracy",
        "small_cnn_one_by_one | source, falling rate | ours",
        "",
    ),
    (
        "small_cnn_one_by_one",
        "its author's settings, falling rate",
        "macro_f1",
        "small_cnn_one_by_one | source, falling rate | ours",
        "",
    ),
    (
        "mnist_cnn",
        "CNN on MNIST, finished",
        "accuracy",
        "mnist_cnn | plain | ours",
        "mnist_cnn | plain | keras",
    ),
    ("mnist_cnn", "the same as plain tf.Module", "accuracy", "", "mnist_cnn | plain | module"),
    (
        "stuck_cnn",
        "the network that got stuck, fixed",
        "accuracy",
        "stuck_cnn | fixed | ours",
        "stuck_cnn | fixed | keras",
    ),
    ("stuck_cnn", "the same, as it was", "accuracy", "stuck_cnn | source | ours", ""),
    ("stuck_cnn", "as it was, convolution frozen", "accuracy", "stuck_cnn | source, frozen | ours", ""),
]


@dataclass(frozen=True)
class Figure:
    """One side's figure: a value per seed, and how long a run took."""

    values: tuple[float, ...]
    minutes: float

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return mean(self.values)

    @property
    def spread(self) -> float:
        """From the worst seed to the best."""
        return max(self.values) - min(self.values)

    def __str__(self):
        digits = 2 if self.mean > 1 else 3
        if len(self.values) == 1:
            return f"{self.mean:.{digits}f}"
        furthest = max(abs(value - self.mean) for value in self.values)
        return f"{self.mean:.{digits}f} ± {furthest:.{digits}f}"


@dataclass(frozen=True)
class Score:
    """One line of the table. `claim`, `ours` and `keras` are None where there is no such figure."""

    row: str
    system: str
    measure: str
    claim: float | None
    ours: Figure | None
    keras: Figure | None

    @property
    def time(self) -> str:
        """Minutes of processor time of a run, ours and Keras'."""
        if self.measure != "accuracy":
            return ""
        sides = [figure.minutes for figure in (self.ours, self.keras) if figure is not None]
        return " / ".join(f"{minutes:.1f}" for minutes in sides)


def scores(*, folder: Path | str | None = None) -> list[Score]:
    """All lines of the table that are recorded, in the order of the notebooks.

    Parameters
    ----------
    folder : where the recordings are, if not in the repository's results/.

    Examples
    --------
    >>> best = next(score for score in scores() if score.row == "fashion_cnn")
    >>> best.ours.mean > best.claim
    True
    """
    found = []
    for row, system, measure, *places in LINES:
        ours, keras = (figure(place, measure, folder) for place in places)
        if ours or keras:
            name = (places[0] or places[1]).split(" | ")[0]
            claim = store.read(name, folder=folder)["claim"].get(measure)
            found.append(Score(row, system, measure, claim, ours, keras))
    return found


def figure(place: str, measure: str, folder: Path | str | None = None) -> Figure | None:
    """What is recorded at this place of `LINES`, or None if nothing is."""
    if not place:
        return None
    name, variant, side = place.split(" | ")
    try:
        everything = store.read(name, folder=folder)["runs"]
    except FileNotFoundError:
        return None
    runs = [run for run in everything if (run["variant"], run["side"]) == (variant, side) and "test" in run]
    if not runs:
        return None
    if measure == "time ratio":
        values = tuple(run["step_seconds"]["ratio"] for run in runs)
    else:
        values = tuple(run["test"][measure] for run in runs)
    return Figure(values, mean(run["made"]["cpu_seconds"] for run in runs) / 60)


LEGEND = (
    "Accuracy on the test images unless another figure is named, measured once, with the weights of the "
    "epoch that was best on validation images; the networks trained one example at a time hold nothing out "
    "and are tested after their third and last epoch. Means over the seeds ± the distance of the seed "
    "furthest from the mean; without ±, one seed. Minutes are processor time of one run on one core, ours / "
    "Keras'."
)
HEAD = ["system", "source", "ours", "Keras", "minutes"]


def cells(score: Score) -> list[str]:
    """A line of the table as text: system, the source's claim, ours, Keras', time."""
    claim = "" if score.claim is None else f"{score.claim:.3f}".removesuffix("0")
    sides = ["" if side is None else str(side) for side in (score.ours, score.keras)]
    return [score.system + FIGURES[score.measure], claim, *sides, score.time]


def as_markdown(lines: list[Score]) -> str:
    """The table for a Markdown page."""
    rows = [HEAD, ["---"] * len(HEAD), *map(cells, lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def as_html(lines: list[Score]) -> str:
    """The table for a page of the book; ± and Keras' minutes go below, for narrow pages."""
    body = ""
    for score in lines:
        system, *values = map(html.escape, cells(score))
        broken = (re.sub(r" (?=[±/])", "<br>", value) for value in values)
        figures = "".join(f'<td style="white-space: nowrap">{value}</td>' for value in broken)
        body += f'<tr><th scope="row" style="font-weight: normal">{system}</th>{figures}</tr>'
    head = "".join(f'<th scope="col">{name}</th>' for name in HEAD)
    caption = f'<caption style="caption-side: bottom">{html.escape(LEGEND)}</caption>'
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
