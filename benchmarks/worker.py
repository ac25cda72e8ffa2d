"""One participant in a process of its own: gets ready for a case, runs as many steps as it is told, reports.

    python benchmarks/worker.py ours

It reads a line of JSON, does what it says, and answers with one:

    {"case": "fashion_cnn", "parts": ["plain"]} -> {"ready": true}  makes the steps, and runs each twice
    {"part": "plain", "steps": 25} -> {"cpu": 0.6, "wall": 0.7}     seconds
    {"ask": "memory"} -> {"found": ...}

or {"missing": reason}, {"failed": reason}. `run.py` starts the workers and talks to one at a time, so that
nobody computes while another is timed.
"""

import contextlib
import importlib
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cases import CASES

BY_KEY = {case.key: case for case in CASES}


def clocks():
    """Processor time of all threads of this process, and the time on the wall, in seconds."""
    return time.process_time(), time.perf_counter()


def steps_timed(step, steps):
    """(processor seconds, wall seconds) of so many steps; a step may bring a clock of its own."""
    if hasattr(step, "timed"):
        return step.timed(steps)
    before = clocks()
    for _ in range(steps):
        step()
    return tuple(after - start for after, start in zip(clocks(), before, strict=True))


def main():
    answers = os.fdopen(os.dup(1), "w")  # what libraries print goes elsewhere
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)

    def answer(**content):
        print(json.dumps(content), file=answers, flush=True)

    try:
        side = importlib.import_module(f"side_{sys.argv[1]}")
    except ImportError as error:
        answer(missing=str(error))
        return
    answer(versions=side.versions())
    steps = {}
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if "case" in order:
                steps = {part: side.prepare(part, BY_KEY[order["case"]]) for part in order["parts"]}
                for step in steps.values():
                    steps_timed(step, 2)  # compiles, fills caches
                answer(ready=True)
            elif "ask" in order:
                answer(found=getattr(side, order["ask"])())
            else:
                cpu, wall = steps_timed(steps[order["part"]], order["steps"])
                answer(cpu=cpu, wall=wall)
        except Exception as error:
            answer(failed=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
