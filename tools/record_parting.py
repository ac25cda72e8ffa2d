"""Train pairs of networks that begin a rounding error apart: results/parting.json. Half a minute.

    python tools/record_parting.py

The chapters "A CNN from scratch" and "The parity ledger" show at which step such a pair parts, and why.
"""

import sys
import time

import numpy as np
from threadpoolctl import threadpool_limits

from cnnbook import data, nn, results
from cnnbook.experiments.parting import part
from cnnbook.keras_twin.training_agreement import dither
from cnnbook.models import fashion_cnn

# variant: optimizer, dtype, how far the weight is moved (None: to the next number), shared winners and signs
VARIANTS = {
    "float32": (nn.RMSprop(1e-3), np.float32, None, False),
    "float32, shared": (nn.RMSprop(1e-3), np.float32, None, True),
    "float32, SGD": (nn.SGD(0.1), np.float32, None, False),
    "float32, SGD, shared": (nn.SGD(0.1), np.float32, None, True),
    "float64, 1e-13": (nn.RMSprop(1e-3), np.float64, 1e-13, False),
    "float64, 1e-7": (nn.RMSprop(1e-3), np.float64, 1e-7, False),
}
SEEDS = range(6)
STEPS, BATCH_SIZE = 50, 16


def rounded(values):
    """Three digits: more would only be the rounding of this machine."""
    return [float(f"{value:.2e}") for value in values]


def main():
    start = time.monotonic()
    images = data.load("fashion_mnist", n_train=STEPS * BATCH_SIZE, n_test=1)
    x, y = dither(images.x_train), images.y_train
    pairs = []
    with threadpool_limits(1):
        for variant, (optimizer, dtype, moved, shared) in VARIANTS.items():
            for seed in SEEDS if dtype == np.float32 else (0,):
                settings = {"moved": moved, "dtype": dtype, "seed": seed, "shared": shared}
                found = part(fashion_cnn, optimizer, x, y, steps=STEPS, batch_size=BATCH_SIZE, **settings)
                found |= {name: rounded(found[name]) for name in ("distance", "loss")}
                pairs.append({"variant": variant, "seed": seed, **found})
    setting = {"network": "fashion_cnn", "steps": STEPS, "batch_size": BATCH_SIZE, "pairs": pairs}
    path = results.write("parting", setting, seconds=time.monotonic() - start, data="fashion_mnist")
    print(f"{len(pairs)} pairs: results/{path.name}, {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
