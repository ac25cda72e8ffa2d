"""From a bare Python to the end of the first training step of the fashion CNN:
`python benchmarks/start.py ours`.

Prints the most memory the process ever held, in megabytes.
"""

import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))


def ours():
    import numpy as np

    from cnnbook import nn

    blocks = []
    for filters in (16, 32):
        blocks += [nn.Conv2D(filters, 3, padding="same"), nn.BatchNormalization(), nn.ReLU()]
        blocks += [nn.MaxPooling2D(2)]
    head = [nn.Flatten(), nn.Dense(256), nn.ReLU(), nn.Dense(128), nn.ReLU(), nn.Dropout(0.5), nn.Dense(10)]
    model = nn.Sequential([nn.Rescaling(1 / 255), *blocks, *head])
    model.build((28, 28, 1))
    x, y = np.zeros((64, 28, 28, 1), np.float32), np.zeros(64, int)
    nn.training.train_step(model, nn.SoftmaxCrossEntropy(), nn.RMSprop(), x, y)


def other(name):
    import importlib

    from cases import chosen

    (case,) = (case for case in chosen(["fashion_cnn"]) if case.key == "fashion_cnn")
    side = importlib.import_module(f"side_{name}")
    step = side.prepare({"tensorflow": "keras"}.get(name, name), case)
    step.timed(1) if hasattr(step, "timed") else step()


if __name__ == "__main__":
    ours() if sys.argv[1] == "ours" else other(sys.argv[1])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3))
