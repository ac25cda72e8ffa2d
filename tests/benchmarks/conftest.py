"""The benchmark is no package: its folder joins the path, as it does when `make bench` runs it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
