"""Does the suite notice? Plant single faults in the network, one at a time, and see whether a test fails.

    python tools/mutate.py                    80 faults, chosen at random with a fixed seed
    python tools/mutate.py --faults 300 --seed 7 --only conv batchnorm

Each fault is one changed expression of `src/cnnbook/nn` or `src/cnnbook/fast`: a sign, an operator, a
constant, an axis, a comparison, a transpose or a dropped term, as `cnnbook.coursework.mutations` lists them.
It works on a copy; the sources are not touched. Exit code 1 when fewer than 97 % of the faults that change
behaviour are noticed.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cnnbook.coursework.mutations import changes_of

ROOT = Path(__file__).resolve().parent.parent
ROOMS = Path("src/cnnbook/nn"), Path("src/cnnbook/fast")
LEFT_OUT = {"__init__"}
LIMIT = 300  # seconds for one run of the tests; a fault that makes them hang counts as noticed

# Faults that change nothing anybody could see, by "file: before -> after", and why.
HARMLESS = {
    "windows: 512 * 1024 -> 512 / 1024": "how much is copied at a time changes the speed, not the numbers",
    "windows: 512 -> 513": "how much is copied at a time changes the speed, not the numbers",
    "windows: 1024 -> 1025": "how much is copied at a time changes the speed, not the numbers",
    "windows: 512 * 1024 -> 512": "how much is copied at a time changes the speed, not the numbers",
    "windows: channels < FEW_CHANNELS -> channels <= FEW_CHANNELS": "two ways to copy the same rows",
    "windows: 4 -> 5": "two ways to copy the same rows",
    "training: 256 -> 257": "how many examples are evaluated at a time changes memory, not the result",
    "training: False -> True": "whether the progress bar is redrawn at once",
}


def noticed(copy, module):
    """Does a test fail? The file's own tests first, then all that need neither Keras nor a browser."""
    own = copy / "tests" / module.parent.name / f"test_{module.stem}.py"
    rest = ["tests/nn", "tests/fast", "tests/gradcheck", "tests/bugzoo", *map(str, ROOMS)]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header"]
    for tests in ([str(own)] if own.exists() else [], rest):
        if not tests:
            continue
        where = {"cwd": copy, "env": environment, "capture_output": True, "timeout": LIMIT}
        try:
            ran = subprocess.run([*command, *tests], **where, check=False)
        except subprocess.TimeoutExpired:
            return True
        if ran.returncode:
            return True
    return False


def main():
    """Plant, test, report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", type=int, default=80, help="how many to plant (80)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (0)")
    parser.add_argument("--only", nargs="*", default=[], help="names of files, such as conv")
    options = parser.parse_args()

    modules = [path for room in ROOMS for path in sorted((ROOT / room).glob("*.py"))]
    files = [path for path in modules if path.stem not in LEFT_OUT]
    if options.only:
        files = [p for p in files if p.stem in options.only]
    possible = [(path, fault) for path in files for fault in changes_of(path.read_text("utf-8"))]
    chosen = random.Random(options.seed).sample(possible, min(options.faults, len(possible)))
    print(f"{len(possible)} single faults are possible in {len(files)} files; planting {len(chosen)}")

    survivors, harmless, start = [], 0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        for part in ("src", "tests"):
            shutil.copytree(
                ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
            )
        for part in ("conftest.py", "pyproject.toml"):
            shutil.copy(ROOT / part, copy / part)
        if noticed(copy, ROOMS[0] / "layer.py"):
            sys.exit("The tests must pass before faults are planted, and they fail. Run `make test` first.")
        for number, (path, fault) in enumerate(chosen, start=1):
            target = copy / path.relative_to(ROOT)
            target.write_text(fault.made_in(path.read_text("utf-8")), "utf-8")
            caught = noticed(copy, path)
            shutil.copy(path, target)
            name = f"{path.stem}: {fault}"
            if not caught and name in HARMLESS:
                harmless += 1
            elif not caught:
                survivors.append(f"{path.relative_to(ROOT)}:{fault.line}  {fault}")
            left = (time.perf_counter() - start) / number * (len(chosen) - number)
            verdict = "noticed" if caught else "SURVIVED"
            print(f"{number}/{len(chosen)}  {verdict}  {name}  ({left / 60:.0f} min left)", flush=True)
    effective = len(chosen) - harmless
    share = 1 - len(survivors) / effective
    print(f"\nnoticed {effective - len(survivors)} of {effective} that change behaviour ({share:.1%}); "
          f"{harmless} change nothing visible")  # fmt: skip
    print("\n".join(["survivors:", *survivors]) if survivors else "no survivors")
    sys.exit(share < 0.97)


if __name__ == "__main__":
    main()
