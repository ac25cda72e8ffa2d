"""The benchmark's record as medians, ratios and tables. Reads results/bench.json, computes; times nothing.

A sample is milliseconds per step in one block of one case. In a block everyone ran once, so a ratio of two is
taken block by block and then as a median: what the machine did beside it hit both.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from cnnbook.results import store

NAMES = {
    "plain": "ours, plain layers",
    "fused": "ours, fused",
    "shards": "ours, fused, two shards",
    "loops": "loops",
    "keras": "Keras `fit`",
    "tf": "bare `tf.function` loop",
    "torch": "PyTorch, eager",
    "jax": "JAX, jitted",
}


@dataclass(frozen=True)
class Bench:
    """A record of `make bench`. threads is "one" or "default", clock "cpu" or "wall"."""

    recording: store.Recording

    def samples(self, case: str, side: str, threads: str = "one", clock: str = "cpu") -> list[float]:
        """Milliseconds per step, one number for each block; empty if this was not measured."""
        for row in self.recording["samples"]:
            if (row["case"], row["side"], row["threads"]) == (case, side, threads):
                return row[clock]
        return []

    def sides(self, case: str, threads: str = "one") -> list[str]:
        """Who took part."""
        return [side for side in NAMES if self.samples(case, side, threads)]

    def time(self, case: str, side: str, threads: str = "one", clock: str = "cpu") -> float:
        """Median milliseconds per step."""
        return median(self.samples(case, side, threads, clock))

    def times_as_fast(
        self, case: str, side: str, other: str, threads: str = "one", clock: str = "cpu"
    ) -> tuple[float, float, float]:
        """How many times as fast as `other`: (median, lower quartile, upper quartile) over blocks."""
        pairs = zip(
            self.samples(case, other, threads, clock), self.samples(case, side, threads, clock), strict=True
        )
        ratios = [theirs / mine for theirs, mine in pairs]
        low, _, high = quantiles(ratios, n=4, method="inclusive")
        return median(ratios), low, high

    def growth(self, name: str, side: str = "plain") -> list[tuple[int, float]]:
        """(value, milliseconds) for every measured batch, size, channels or kernel_size."""
        rows = [row for row in self.recording["samples"] if row["case"].startswith(f"growth/{name}/")]
        return [
            (int(row["case"].rpartition("/")[2]), median(row["cpu"])) for row in rows if row["side"] == side
        ]

    def share_of_peak(self, case: str, network: str, side: str) -> float:
        """Multiply-adds of a step over those the machine's matrix product makes in the same time."""
        count = self.recording["multiply_adds"][network] * (1 if case == "small_cnn" else 64)
        return count / (self.time(case, side) / 1e3) / (self.recording["peak"]["gmacs"] * 1e9)


@dataclass(frozen=True)
class Target:
    """One line of the target table: what was promised, what was measured."""

    what: str
    goal: str
    found: str
    met: bool


def read(*, folder: Path | str | None = None) -> Bench:
    """The record of the last whole run of `make bench`."""
    return Bench(store.read("bench", folder=folder))


def targets(bench: Bench) -> list[Target]:
    """What was to be reached, and how far it was reached."""
    lines = []

    def at_least(what, goal, found):
        lines.append(Target(what, f"at least {goal:g}", f"{found:.2f}", found >= goal))

    def at_most(what, goal, found, unit=""):
        lines.append(Target(what, f"at most {goal:g}{unit}", f"{found:.2g}{unit}", found <= goal))

    def faster(case, side, other, **settings):
        return bench.times_as_fast(case, side, other, **settings)[0]

    net = "fashion_cnn"
    at_least("Fashion CNN, training / Keras `fit`, one thread: plain", 1.05, faster(net, "plain", "keras"))
    at_least("the same, fused", 1.25, faster(net, "fused", "keras"))
    both = {"threads": "default", "clock": "wall"}
    at_least("the same, default threads, two shards (wall)", 1.4, faster(net, "shards", "keras", **both))
    at_least("small CNN, batch 1 / Keras at batch 1", 4, faster("small_cnn", "plain", "keras"))
    at_least("small CNN, batch 1 / loops", 110, faster("small_cnn_loops", "plain", "loops"))
    for case, goal in (("conv_16_32", 1.05), ("conv_first", 0.6), ("conv_64_64", 1.6)):
        what = bench.recording["cases"][case]
        at_most(f"{what}: time / TensorFlow's", goal, 1 / faster(case, "plain", "tf"))
    asked = bench.recording.figures
    at_most("64 channels, 32 x 32x32: extra memory", 45, asked["memory"]["conv_64_64"], " MB")
    at_most("logits from a float64 referee", 2e-5, asked["logits"]["ours"])
    start = {row["side"]: median(row["wall"]) for row in asked["start"]}
    at_most("import and first training step", 0.5, start["ours"], " s")
    return lines


def lines(bench: Bench) -> list[str]:
    """Everything that was timed, as text for a terminal."""
    text = []
    for case, title in bench.recording["cases"].items():
        for threads in ("one", "default"):
            sides = bench.sides(case, threads)
            times = [f"{side} {bench.time(case, side, threads):.3g}" for side in sides]
            walls = [f"{bench.time(case, side, threads, 'wall'):.3g}" for side in sides]
            if sides:
                text.append(f"{title}; threads: {threads}; ms: {', '.join(times)}; wall: {', '.join(walls)}")
    return text


def as_markdown(bench: Bench) -> str:
    """The tables of README.md: targets, networks, layers, starting; wins and losses alike."""
    met = {True: "yes", False: "**no**"}
    rows = [(t.what, t.goal, t.found, met[t.met]) for t in targets(bench)]
    tables = [table(("target", "goal", "measured", "met"), rows)]
    rows = []
    for case in ("fashion_cnn", "mlp", "small_cnn", "small_cnn_batch", "one_image", "many_images"):
        for side in bench.sides(case, "default"):
            cells = [NAMES[side] if case not in ("one_image", "many_images") else inference_name(side)]
            for threads, clock in (("one", "cpu"), ("default", "wall")):
                cells += [milliseconds(bench, case, side, threads, clock)]
                cells += [ratio(bench, case, side, "keras", threads, clock)]
            rows.append((bench.recording["cases"][case], *cells))
    head = ("a step of", "by", "ms, one thread", "x Keras", "ms, default threads", "x Keras")
    tables.append(table(head, rows))
    rows = [
        (
            title,
            *[milliseconds(bench, case, side) for side in ("plain", "tf", "torch", "jax")],
            ratio(bench, case, "plain", "tf"),
        )
        for case, title in bench.recording["cases"].items()
        if bench.samples(case, "tf") and not case.startswith(("growth/", "s", "one", "many"))
    ]
    head = ("forward and backward of", "ours, ms", "TensorFlow", "PyTorch", "JAX", "ours x TensorFlow")
    tables.append(table(head, rows))
    rows = []
    for row in bench.recording["start"]:
        wall, cpu, megabytes = (median(row[key]) for key in ("wall", "cpu", "megabytes"))
        rows.append((row["side"], f"{wall:.2g} s", f"{cpu:.2g} s", f"{megabytes:.0f} MB"))
    tables.append(table(("import and first step of fashion_cnn", "wall", "processor", "peak memory"), rows))
    return "\n\n".join(tables)


def inference_name(side: str) -> str:
    """Names for who answers: nobody fits here."""
    return {"keras": "Keras `predict_on_batch`", "tf": "bare `tf.function`"}.get(side, NAMES[side])


def milliseconds(bench: Bench, case: str, side: str, threads: str = "one", clock: str = "cpu") -> str:
    """Median with the quartiles' half distance, or nothing if it was not measured."""
    samples = bench.samples(case, side, threads, clock)
    if not samples:
        return ""
    low, middle, high = quantiles(samples, n=4, method="inclusive")
    return f"{middle:.3g} ± {(high - low) / 2:.1g}"


def ratio(bench: Bench, case: str, side: str, other: str, threads: str = "one", clock: str = "cpu") -> str:
    """How many times as fast as `other`, or nothing if one of them was not measured."""
    if not bench.samples(case, side, threads) or not bench.samples(case, other, threads):
        return ""
    return f"{bench.times_as_fast(case, side, other, threads, clock)[0]:.2f}"


def table(head: tuple, rows: list[tuple]) -> str:
    """A Markdown table.

    >>> print(table(("a", "b"), [(1, 2)]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    body = [f"| {' | '.join(map(str, row))} |" for row in (head, *rows)]
    return "\n".join([body[0], "|---" * len(head) + "|", *body[1:]])
