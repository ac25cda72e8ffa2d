"""The benchmark's record as medians, ratios and tables. Reads results/bench.json, computes; times nothing.

A sample is milliseconds per step in one block of one case. In a block everyone ran once, so a ratio of two is
taken block by block and then as a median: what the machine did beside it hit both.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from cnnbook.results import store
from cnnbook.results.tables import Table

NAMES = {
    "plain": "ours, plain layers",
    "fused": "ours, fused",
    "shards": "ours, fused, two shards",
    "loops": "loops",
    "keras": "Keras, fit",
    "tf": "TensorFlow, bare loop",
    "torch": "PyTorch, eager",
    "jax": "JAX, jitted",
}
ANSWERING = NAMES | {"keras": "Keras, predict_on_batch", "tf": "TensorFlow, bare call"}  # nothing is fitted
STEPS = ("fashion_cnn", "mlp", "small_cnn", "small_cnn_batch")  # cases that train
ANSWERS = ("one_image", "many_images")  # cases that only predict
LAYER_SIDES = ("plain", "tf", "torch", "jax")


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

    def layers(self) -> list[str]:
        """The cases that are a single layer, forward and backward, which TensorFlow did too."""
        networks = {*STEPS, *ANSWERS}
        return [
            case
            for case in self.recording["cases"]
            if case not in networks and not case.startswith("growth/") and self.samples(case, "tf")
        ]

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
        lines.append(Target(what, f"≥ {goal:g}", f"{found:.2f}", found >= goal))

    def at_most(what, goal, found, unit=""):
        lines.append(Target(what, f"≤ {goal:g}{unit}", f"{found:.2g}{unit}", found <= goal))

    def faster(case, side, other, **settings):
        return bench.times_as_fast(case, side, other, **settings)[0]

    net = "fashion_cnn"
    plain = "Fashion CNN, training step, one thread: times as fast as Keras"
    at_least(plain, 1.05, faster(net, "plain", "keras"))
    at_least("the same, fused", 1.25, faster(net, "fused", "keras"))
    both = {"threads": "default", "clock": "wall"}
    at_least("the same in two shards, own threads, by the clock", 1.4, faster(net, "shards", "keras", **both))
    at_least(
        "small CNN, one example at a time: times as fast as Keras", 4, faster("small_cnn", "plain", "keras")
    )
    at_least(
        "small CNN, one example at a time: times as fast as loops",
        110,
        faster("small_cnn_loops", "plain", "loops"),
    )
    for case, goal in (("conv_16_32", 1.05), ("conv_first", 0.6), ("conv_64_64", 1.6)):
        what = bench.recording["cases"][case]
        at_most(f"{what}: time, TensorFlow's = 1", goal, 1 / faster(case, "plain", "tf"))
    asked = bench.recording.figures
    at_most(f"{what}: extra memory", 45, asked["memory"]["conv_64_64"], " MB")
    at_most("logits: distance from a float64 referee", 2e-5, asked["logits"]["ours"])
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


def target_table(bench: Bench) -> Table:
    """What was to be reached and what was measured, met or not."""
    rows = [(line.what, line.goal, line.found, "yes" if line.met else "no") for line in targets(bench)]
    return Table(["target", "goal", "measured", "met"], rows)


def network_tables(bench: Bench) -> dict[str, Table]:
    """A table for each step or answer of a whole network: everybody's time, and speed as times Keras'.

    With one thread it is processor time; with as many threads as each likes, time by the clock.
    """
    tables, titles = {}, bench.recording["cases"]
    for case in [case for case in (*STEPS, *ANSWERS) if case in titles]:
        names, rows = ANSWERING if case in ANSWERS else NAMES, []
        for side in bench.sides(case, "default"):
            row = [names[side]]
            for threads, clock in (("one", "cpu"), ("default", "wall")):
                row += [milliseconds(bench, case, side, threads, clock)]
                row += [ratio(bench, case, side, "keras", threads, clock)]
            rows.append(row)
        head = ["program", "ms, one thread", "speed, one thread", "ms, own threads", "speed, own threads"]
        tables[titles[case]] = Table(head, rows, caption=f"{titles[case]}. Speed: Keras = 1")
    return tables


def layer_table(bench: Bench) -> Table:
    """Milliseconds of single layers, one thread, and our speed as times TensorFlow's."""
    rows = [
        [
            bench.recording["cases"][case],
            *(milliseconds(bench, case, side) for side in LAYER_SIDES),
            ratio(bench, case, "plain", "tf"),
        ]
        for case in bench.layers()
    ]
    head = ["forward and backward", "ours", "TensorFlow", "PyTorch", "JAX", "speed"]
    return Table(head, rows, caption="Milliseconds, one thread. Speed: ours, TensorFlow = 1")


def start_table(bench: Bench) -> Table:
    """What a fresh process needs to import a library and to make the first training step."""
    rows = []
    for row in bench.recording["start"]:
        wall, cpu, megabytes = (median(row[key]) for key in ("wall", "cpu", "megabytes"))
        name = {"ours": "ours", "tensorflow": "Keras and TensorFlow", "torch": "PyTorch", "jax": "JAX"}
        rows.append((name[row["side"]], f"{wall:.2g} s", f"{cpu:.2g} s", f"{megabytes:.0f} MB"))
    return Table(["import and first step", "wall", "processor", "peak memory"], rows)


def machine_table(bench: Bench) -> Table:
    """Where, when and with what the record was made."""
    p = bench.recording.provenance
    before, after = p["load"]
    rows = [
        ("made on", f"{p['date'][:10]}, in {p['seconds'] / 60:.0f} minutes"),
        ("machine", f"{p['machine']}, {p['cores']} cores, vector instructions {p['simd']}"),
        ("load of the machine", f"{before} before, {after} after"),
        ("Python", p["python"]),
        ("libraries", ", ".join(f"{name} {number}" for name, number in p["versions"].items())),
        ("peak", f"{bench.recording['peak']['gmacs']:.0f} billion multiply-adds per second on one core"),
        ("blocks", f"{p['blocks']}: in each everyone ran once"),
    ]
    return Table(["the record", "where and how it was made"], rows)


def milliseconds(bench: Bench, case: str, side: str, threads: str = "one", clock: str = "cpu") -> str:
    """Median with the quartiles' half distance, or nothing if it was not measured."""
    samples = bench.samples(case, side, threads, clock)
    if not samples:
        return ""
    low, middle, high = quantiles(samples, n=4, method="inclusive")
    return f"{middle:#.3g}".rstrip(".") + f" ± {float(f'{(high - low) / 2:.1g}'):g}"


def ratio(bench: Bench, case: str, side: str, other: str, threads: str = "one", clock: str = "cpu") -> str:
    """How many times as fast as `other`, or nothing if one of them was not measured."""
    if not bench.samples(case, side, threads) or not bench.samples(case, other, threads):
        return ""
    return f"{bench.times_as_fast(case, side, other, threads, clock)[0]:.2f}"
