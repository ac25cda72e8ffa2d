"""Lets the tests of the house import `project`, which reads the files they are about."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
