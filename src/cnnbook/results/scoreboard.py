"""The results table: what each notebook claimed, what our network reaches, what its Keras twin reaches.

It is made of the recordings in results/ and of nothing else.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from cnnbook.results import store
from cnnbook.results.tables import Table

MEASURES = {"accuracy": "", "macro_f1": ", macro-F1", "time ratio": ", time of a step"}  # told in the table

# By recording: what was trained, which measures, and where ours and Keras' stand, as variant | side; a place
# in another recording names that one first.
LINES = {
    "mlp": [("MLP", "accuracy", "plain | ours", "plain | keras")],
    "fashion_cnn": [("CNN with batch normalisation", "accuracy", "plain | ours", "plain | keras")],
    "residual_cnn": [
        ("residual network, modern recipe", "accuracy, macro_f1", "plain | ours", "plain | keras"),
    ],
    "own_keras_layers": [
        (
            "our layers inside Keras, 12,000 images",
            "accuracy",
            "plain | own layers",
            "shuffled_pixels | CNN | keras",
        ),
        ("our layers inside Keras / Keras'", "time ratio", "plain | own layers", ""),
    ],
    "small_cnn_one_by_one": [
        ("CNN, one example at a time", "accuracy, macro_f1", "book | ours", "book | keras"),
        ("the same with its author's settings", "accuracy, macro_f1", "source | ours", ""),
        ("the book's with a falling learning rate", "accuracy, macro_f1", "falling rate | ours", ""),
        ("its author's settings, falling rate", "accuracy, macro_f1", "source, falling rate | ours", ""),
    ],
    "mnist_cnn": [
        ("CNN on MNIST, finished", "accuracy", "plain | ours", "plain | keras"),
        ("the same as plain tf.Module", "accuracy", "", "plain | module"),
    ],
    "stuck_cnn": [
        ("the network that got stuck, fixed", "accuracy", "fixed | ours", "fixed | keras"),
        ("the same, as it was", "accuracy", "source | ours", ""),
        ("as it was, convolution frozen", "accuracy", "source, frozen | ours", ""),
    ],
}


@dataclass(frozen=True)
class Measured:
    """What one side reached: a value per seed, and how long a run took."""

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
    """One line of the table. `claim`, `ours` and `keras` are None where there is no such value."""

    recording: str
    system: str
    measure: str
    claim: float | None
    ours: Measured | None
    keras: Measured | None

    @property
    def time(self) -> str:
        """Minutes of processor time of a run, ours and Keras'."""
        if self.measure != "accuracy":
            return ""
        return " / ".join(f"{side.minutes:.1f}" for side in (self.ours, self.keras) if side is not None)


def scores(*names: str, folder: Path | str | None = None) -> list[Score]:
    """All lines of the table that are recorded, in the order of the notebooks.

    Parameters
    ----------
    names : only the lines of these recordings. folder : where they are, if not in the repository's results/.

    Examples
    --------
    >>> (best,) = scores("fashion_cnn")
    >>> best.ours.mean > best.claim
    True
    """
    found = []
    for name in names or LINES:
        for system, measures, *places in LINES[name]:
            for measure in measures.split(", "):
                ours, keras = (measured(name, place, measure, folder) for place in places)
                if ours or keras:
                    claim = store.read(name, folder=folder)["claim"].get(measure)
                    found.append(Score(name, system, measure, claim, ours, keras))
    return found


def measured(name: str, place: str, measure: str, folder: Path | str | None = None) -> Measured | None:
    """What stands at this place of `LINES`, or None if nothing is recorded there."""
    if not place:
        return None
    *other, variant, side = place.split(" | ")
    try:
        everything = store.read(other[0] if other else name, folder=folder)["runs"]
    except FileNotFoundError:
        return None
    runs = [run for run in everything if (run["variant"], run["side"]) == (variant, side) and "test" in run]
    if not runs:
        return None
    if measure == "time ratio":
        values = tuple(run["step_seconds"]["ratio"] for run in runs)
    else:
        values = tuple(run["test"][measure] for run in runs)
    return Measured(values, mean(run["made"]["cpu_seconds"] for run in runs) / 60)


LEGEND = (
    "Accuracy on the test images unless something else is named, measured once, with the weights of the "
    "epoch that was best on validation images; the networks trained one example at a time hold nothing out "
    "and are tested after their third and last epoch. MNIST stands for the 10,000 images of its official "
    "test file, 8,000 to train with and 2,000 to test with: these are not scores on the usual test set. "
    "Means over the seeds ± the distance of the seed furthest from the mean; without ±, one seed. Minutes "
    "are processor time of one run on one core, ours / Keras'."
)


def table(scores: list[Score]) -> Table:
    """These lines as a table: what was trained, what its source claims, ours, Keras', minutes."""
    rows = []
    for score in scores:
        claim = "" if score.claim is None else f"{score.claim:.3f}".removesuffix("0")
        rows.append([score.system + MEASURES[score.measure], claim, score.ours, score.keras, score.time])
    return Table(["system", "source", "ours", "Keras", "minutes"], rows, note=LEGEND)
