"""The parity ledger's record as verdicts, tables and the numbers its page tells. Compares nothing itself.

A row holds, for each group of arrays it has, three distances: ours from Keras, ours from the float64 referee,
Keras from the referee. Every function takes the recording, `results.read("parity_ledger")`, or one row of it.
"""

import re
from typing import Any

from cnnbook.results.store import Recording
from cnnbook.results.tables import Folds, Table

GROUPS = ("out", "dx", "weights", "statistics")
APART, OURS, KERAS = range(3)


def worst(row: dict[str, Any], column: int = APART) -> float:
    """The largest distance of a row's arrays.

    >>> worst({"out": [2e-7, 1e-7, 1e-7], "dx": [5e-7, 3e-7, 4e-7]}, KERAS)
    4e-07
    """
    return max(row[group][column] for group in GROUPS if group in row)


def nearer(row: dict[str, Any]) -> str:
    """Who came nearer to the referee in the worst array: "ours", "Keras" or "equal"."""
    ours, keras = worst(row, OURS), worst(row, KERAS)
    return "equal" if ours == keras else "ours" if ours < keras else "Keras"


def is_red(row: dict[str, Any], limits: dict[str, float]) -> bool:
    """True if the two differ in float64, or in float32 by more than rounding may.

    More is allowed where ours is the one that is nearer to the referee.
    """
    groups = [row[group] for group in GROUPS if group in row]
    allowed = [limits["near" if ours > keras else "far"] for _, ours, keras in groups]
    too_far = any(not apart <= most for (apart, _, _), most in zip(groups, allowed, strict=True))
    return too_far or not row["float64"] <= limits["float64"]


def net_is_red(net: dict[str, Any], limits: dict[str, float]) -> bool:
    """True if a run left Keras', in float64 or, where the float32 curves must stay together, in float32."""
    kept = [
        net["logits"]["ours"] <= limits["logits"],
        net["gradients"] <= limits["gradients"],
        max(net["away"]["keras referee"]) <= limits["curves_64"],
        net["apart"] <= limits["curves"] or net["may_part"],
    ]
    return not all(kept)


def rows(ledger: Recording) -> list[dict[str, Any]]:
    """The rows of all layers."""
    return [row for settings in ledger["layers"].values() for row in settings]


def red(ledger: Recording) -> list[str]:
    """The settings of all red rows, layers and networks; empty for a record that may be shown."""
    limits = ledger["limits"]
    layers = [row["setting"] for row in rows(ledger) if is_red(row, limits)]
    return layers + [net["setting"] for net in ledger["nets"] if net_is_red(net, limits)]


def summary(ledger: Recording) -> dict[str, float]:
    """The numbers that the page's sentences tell."""
    everything, nets = rows(ledger), ledger["nets"]
    who = [nearer(row) for row in everything]
    off = max((row for row in everything if "off centre" in row["setting"]), key=worst)
    parting = next(net["away"] for net in nets if net["may_part"])
    return {
        "n_cases": len(everything),
        "n_families": len(ledger["layers"]),
        "n_nets": len(nets),
        "n_stops": sum("stops" in row for row in everything),
        "worst_ordinary": max(worst(row) for row in everything if "off centre" not in row["setting"]),
        "worst_64": max(row["float64"] for row in everything),
        "ours_nearer": who.count("ours"),
        "keras_nearer": who.count("Keras"),
        "equal": who.count("equal"),
        "off_apart": worst(off),
        "off_ours": worst(off, OURS),
        "off_keras": worst(off, KERAS),
        "part_ours": max(parting["ours"]),
        "part_keras": max(parting["keras"]),
        "part_64": max(parting["keras referee"]),
        "worst_curve_64": max(max(net["away"]["keras referee"]) for net in nets),
        "bias_noise": max(noise for net in nets for noise in net["excluded"].values()),
    }


def layers_table(ledger: Recording) -> Table:
    """The worst row of every layer, and who was nearer in how many of its settings."""
    lines = []
    for family, settings in ledger["layers"].items():
        who = [nearer(row) for row in settings]
        counts = [who.count(side) for side in ("ours", "Keras", "equal")]
        lines.append([f"{family}, {len(settings)}", short(max(map(worst, settings))), *counts])
    return Table(["layer, settings", "apart", "ours nearer", "Keras nearer", "equal"], lines)


def settings_tables(ledger: Recording) -> Folds:
    """A folded table for each layer, the worst array of every setting; † marks checks at every stop."""
    folds = {}
    for family, settings in ledger["layers"].items():
        lines = [
            [row["setting"] + " †" * ("stops" in row), *(short(worst(row, i)) for i in (APART, OURS, KERAS))]
            for row in settings
        ]
        folds[f"{family}: {len(settings)} settings"] = Table(["setting", "apart", "ours", "Keras"], lines)
    return Folds(folds)


def networks_table(ledger: Recording) -> Table:
    """A line for each training run. ‡ marks the one whose float32 curves need not stay together."""
    lines = []
    for net in ledger["nets"]:
        name = re.sub(", batches of [0-9]+", "", net["setting"]) + " ‡" * net["may_part"]
        away = max(net["away"]["keras referee"])
        distances = net["logits"]["ours"], net["gradients"], net["apart"], away
        lines.append([name, *map(short, distances)])
    return Table(["network", "logits", "gradients", "loss", "float64"], lines)


def short(value: float) -> str:
    """One digit, for a column of a phone.

    >>> short(1.2e-07), short(0)
    ('1e-7', '0')
    """
    return "0" if value == 0 else f"{value:.0e}".replace("e-0", "e-")


def scientific(value: float) -> str:
    """Two digits, as a person writes them.

    >>> scientific(1.2e-07), scientific(0.29)
    ('1.2 · 10⁻⁷', '0.29')
    """
    if 0.01 <= abs(value) < 100:
        return f"{value:.2g}"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits} · 10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
