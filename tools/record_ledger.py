"""Run the parity ledger and record it: results/parity_ledger.json. Some minutes.

    python tools/record_ledger.py

Exits with 1, and records nothing, if a row is red.
"""

import sys
import time

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from cnnbook import data, results
from cnnbook.keras_twin import agreement, cases, training_agreement

STATISTICS = ("moving_mean", "moving_variance")


def rounded(value):
    """Two digits: more would only be the rounding of this machine."""
    return float(f"{value:.1e}")


def layer_row(case, found):
    """A line of the ledger: by group of arrays, how far the two are apart and each from the referee."""
    row = {"setting": case.label}
    groups = {"out": ["out"], "dx": ["dx"], "weights": [], "statistics": []}
    for name in found.differences:
        if name not in ("out", "dx"):
            groups["statistics" if name in STATISTICS else "weights"].append(name)
    for group, names in groups.items():
        if names := [name for name in names if name in found.differences]:
            columns = found.differences, found.ours, found.keras
            row[group] = [rounded(max(column[name] for name in names)) for column in columns]
    row["float64"] = rounded(max(found.referees.values()))
    return row | ({"stops": list(found.refused)} if found.refused else {})


def net_row(found):
    """A whole network's line; the curves are kept as distances from the referee's."""
    exact = np.array(found.curves["referee"])
    away = {who: np.abs(np.array(curve) - exact) for who, curve in found.curves.items() if who != "referee"}
    return {
        "setting": found.setting,
        "may_part": found.may_part,
        "logits": {who: rounded(value) for who, value in found.logits.items()},
        "gradients": rounded(max(found.gradients.values())),
        "statistics": rounded(max(found.statistics.values(), default=0)),
        "excluded": {name: rounded(value) for name, value in found.excluded.items()},
        "apart": rounded(found.apart()),
        "loss": [round(float(value), 4) for value in exact],
        "away": {who: [rounded(value) for value in curve] for who, curve in away.items()},
    }


def main():
    start, red = time.monotonic(), []
    images = data.load("fashion_mnist", n_train=3200, n_test=1)
    x, y = training_agreement.dither(images.x_train), images.y_train
    layers, trained = {}, []
    lines, plans = list(cases.cases()), list(training_agreement.plans())
    with threadpool_limits(1), tqdm(total=len(lines) + 10 * len(plans), unit="case") as bar:
        for case in lines:
            bar.set_postfix_str(case.family, refresh=False)
            found = case.run()
            layers.setdefault(case.family, []).append(layer_row(case, found))
            red += [f"{case.family}({case.label}) {fault}" for fault in found.faults]
            bar.update()
        for plan in plans:
            bar.set_postfix_str(plan[0].__name__)
            found = training_agreement.compare_training(*plan, x, y)
            trained.append(net_row(found))
            red += [f"{found.setting}: {fault}" for fault in found.faults]
            bar.update(10)
    if red:
        print("The ledger is red, and was not recorded:", *red, sep="\n  ", file=sys.stderr)
        return 1
    limits = {"near": agreement.NEAR, "far": agreement.FAR, "float64": agreement.REFEREES}
    limits |= {
        "logits": training_agreement.LOGITS,
        "gradients": training_agreement.GRADIENTS,
        "curves": training_agreement.CURVES,
        "curves_64": training_agreement.CURVES_64,
    }
    path = results.write(
        "parity_ledger",
        {"limits": limits, "layers": layers, "nets": trained},
        seconds=time.monotonic() - start,
        seed=0,
        data="fashion_mnist",
    )
    size = path.stat().st_size / 1000
    print(f"{len(lines)} layers and {len(plans)} networks: results/{path.name}, {size:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
