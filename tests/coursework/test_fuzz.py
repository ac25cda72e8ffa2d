"""Whatever bytes a student's process sends, they end in a value or in WireError: `make fuzz` tries more."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_hundred_thousand_random_messages_are_read_or_refused():
    line = [sys.executable, ROOT / "tools" / "fuzz.py", "--messages", "100000", "--seed", "0"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {what: int(count) for count, what in re.findall(r"(\d+) (refused|read|believed)", done.stdout)}
    assert sum(counts.values()) == 100_000
    assert min(counts.values()) > 3_000  # none of the three is rare
