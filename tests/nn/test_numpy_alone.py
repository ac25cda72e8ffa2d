"""The network needs NumPy and nothing else: it is imported and trained with every other package blocked."""

import subprocess
import sys

SCRIPT = """
import importlib.abc, sys

class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "numpy", "cnnbook"}:
            raise ModuleNotFoundError(f"blocked: {name}")

sys.meta_path.insert(0, Block())
import numpy as np
from cnnbook import gradcheck, nn

model = nn.Sequential([nn.Conv2D(2, 3), nn.BatchNormalization(), nn.ReLU(), nn.Flatten(), nn.Dense(3)])
model.build((5, 4, 1))
x, y = np.random.default_rng(0).random((6, 5, 4, 1), np.float32), np.arange(6) % 3
run = nn.fit(model, nn.SoftmaxCrossEntropy(), nn.Adam(), x, y, epochs=2, batch_size=3)
gradcheck.check_layer(nn.Conv2D(2, 3), (5, 4, 1), 0)
print(len(run.steps["loss"]), "steps")
"""


def test_everything_runs_with_numpy_alone():
    done = subprocess.run([sys.executable, "-I", "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == "4 steps"
