"""Time the book's network against Keras, TensorFlow and, where they are installed, PyTorch and JAX.

    make bench                          everything, about 12 minutes; records results/bench.json
    make bench QUICK=1                  fewer and shorter samples, under 3 minutes; records nothing
    make bench ARGS="--only fashion_cnn conv"  the cases whose names begin so; records nothing
    make bench ARGS="--peers PYTHON"    PyTorch and JAX from another Python, if this one has them not
    make bench ARGS="--list"            what there is to time

Every library sits in a process of its own and waits; one at a time is told to run a few steps. A case is
measured in blocks: in each block everyone runs once, in a new random order, so that whatever else the machine
does meanwhile hits all alike. Training steps, inference and three convolutions are timed twice: with one
thread each, and with the threads each library chooses. An interrupted run goes on where it stopped; --fresh
begins anew.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from cases import CASES, PARTS, chosen
from tqdm import tqdm

from cnnbook import results
from cnnbook.files import atomic_write
from cnnbook.results import benchmark

HERE = Path(__file__).resolve().parent
PARTIAL = HERE.parent / "_build" / "bench" / "partial.json"
LIMITS = ("OPENBLAS", "OMP", "MKL", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
ONE_THREAD = {name + ("_THREADS" if name[0] == "T" else "_NUM_THREADS"): "1" for name in LIMITS}
# What the workers are asked besides timings.
QUESTIONS = {"ours": ("peak", "multiply_adds", "memory", "seven_loops"), "tensorflow": ("logits",)}


def environment(threads):
    """The variables a process starts with: libraries read the number of threads once, when they load."""
    kept = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    return kept | (ONE_THREAD if threads == "one" else {}) | {"TF_CPP_MIN_LOG_LEVEL": "3"}


class Worker:
    """A participant's process."""

    def __init__(self, side, python, threads):
        command = [python, str(HERE / "worker.py"), side]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, env=environment(threads), text=True, **pipes)
        self.side, self.hello = side, self.hear()

    def hear(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"missing": "its process ended"}

    def ask(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = self.hear()
        if "failed" in answer or "missing" in answer:
            raise RuntimeError(f"{self.side}, {order}: {answer.get('failed', answer.get('missing'))}")
        return answer

    def close(self):
        with self.process:
            self.process.stdin.close()


def measure(case, threads, workers, options, bar):
    """The samples of one case: a row per participant, milliseconds per step in every block."""
    home = {part: side for side in workers for part in PARTS[side] if part in case.sides}
    if threads == "one":
        home.pop("shards", None)  # two threads are its point
    for side in dict.fromkeys(home.values()):
        workers[side].ask(case=case.key, parts=[part for part in home if home[part] == side])
    rows, shuffle = {}, random.Random(case.key)
    for part, side in home.items():
        once = workers[side].ask(part=part, steps=2)["wall"] / 2
        steps = case.steps or min(500, round(0.1 / once))
        steps = max(1, min(steps, round(options.longest / once)))
        rows[part] = {
            "case": case.key,
            "side": part,
            "threads": threads,
            "steps": steps,
            "cpu": [],
            "wall": [],
        }
    for _ in range(options.blocks):
        for part in shuffle.sample(sorted(rows), len(rows)):
            row = rows[part]
            answer = workers[home[part]].ask(part=part, steps=row["steps"])
            for clock in ("cpu", "wall"):
                row[clock].append(float(f"{answer[clock] / row['steps'] * 1e3:.4g}"))
            bar.update(weight(case) / options.blocks / len(rows))
    return list(rows.values())


def weight(case):
    """Roughly how long a case takes compared with others, for the progress bar."""
    return {"train": 10, "loops": 3, "infer": 2}.get(case.kind, 1.5)


def starts(pythons, options):
    """Fresh processes: import and first training step, in seconds, and the most memory they held."""
    rows = []
    for side, python in pythons.items():
        row = {"side": side, "cpu": [], "wall": [], "megabytes": []}
        for _ in range(options.starts):
            before, start = os.times(), time.perf_counter()
            command = [python, str(HERE / "start.py"), side]
            ran = subprocess.run(command, env=environment("default"), capture_output=True, text=True)
            wall, after = time.perf_counter() - start, os.times()
            if ran.returncode:
                break
            used = after.children_user + after.children_system - before.children_user - before.children_system
            for name, value in (("cpu", used), ("wall", wall), ("megabytes", float(ran.stdout))):
                row[name].append(float(f"{value:.4g}"))
        if row["cpu"]:
            rows.append(row)
    return rows


def main():
    options = arguments()
    cases = chosen(options.only)
    if options.list or not cases:
        print("\n".join(f"{case.key:24} {case.title}" for case in CASES))
        return 0 if options.list else "There is no such case. These are the names."
    whole = not options.only and not options.quick
    plan = {"blocks": options.blocks, "longest": options.longest, "cases": [case.key for case in cases]}
    state = resumed(plan) if whole and not options.fresh else None
    state = state or {"plan": plan, "done": [], "samples": [], "asked": {}, "versions": {}, "seconds": 0}
    begun, load = time.monotonic() - state["seconds"], [round(os.getloadavg()[0], 1)]

    def save():
        state["seconds"] = time.monotonic() - begun
        if whole:
            PARTIAL.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(PARTIAL, json.dumps(state))

    settings = [("one", cases), ("default", [case for case in cases if case.both])]
    todo = [(threads, case) for threads, some in settings for case in some]
    todo = [(threads, case) for threads, case in todo if [threads, case.key] not in state["done"]]
    pythons = {side: options.peers if side in ("torch", "jax") else sys.executable for side in PARTS}
    extras = 20 if not options.only and "start" not in state["asked"] else 0
    form = "{desc:28} {percentage:3.0f}% |{bar:24}| {elapsed} gone, {remaining} left"
    with tqdm(total=sum(weight(case) for _, case in todo) + extras, bar_format=form) as bar:
        for threads in ("one", "default"):
            mine = [case for setting, case in todo if setting == threads]
            if not mine:
                continue
            bar.set_description_str(f"starting, threads: {threads}")
            workers = {side: Worker(side, python, threads) for side, python in pythons.items()}
            for side in [side for side, worker in workers.items() if "missing" in worker.hello]:
                worker = workers.pop(side)
                worker.close()
                if side in ("ours", "tensorflow"):
                    return f"{side} cannot run: {worker.hello['missing']}"
            try:
                for worker in workers.values():
                    state["versions"] |= worker.hello["versions"]
                for case in mine:
                    bar.set_description_str(f"{case.key}, threads: {threads}"[:28])
                    state["samples"] += measure(case, threads, workers, options, bar)
                    state["done"].append([threads, case.key])
                    save()
                if threads == "one" and not options.only:
                    for side, questions in QUESTIONS.items():
                        for question in questions:
                            bar.set_description_str(question)
                            state["asked"][question] = workers[side].ask(ask=question)["found"]
                    save()
            finally:
                for worker in workers.values():
                    worker.close()
        if extras:
            bar.set_description_str("import and first step")
            state["asked"]["start"] = starts(pythons, options)
            bar.update(extras)
            save()
    load.append(round(os.getloadavg()[0], 1))
    figures = {"samples": state["samples"], **state["asked"], "cases": {c.key: c.title for c in cases}}
    folder = None if whole else PARTIAL.parent
    simd = np.show_config(mode="dicts")["SIMD Extensions"].get("found", ["none"])
    about = {"versions": state["versions"], "blocks": options.blocks, "load": load, "simd": simd[-1]}
    path = results.write("bench", figures, seconds=state["seconds"], folder=folder, **about)
    print("\n".join(benchmark.lines(benchmark.read(folder=folder))))
    print(f"{state['seconds'] / 60:.1f} minutes; {path.relative_to(HERE.parent)}")
    if whole:
        PARTIAL.unlink(missing_ok=True)
    return 0


def resumed(plan):
    """What an interrupted run of the same plan has measured, or None."""
    try:
        state = json.loads(PARTIAL.read_text())
    except (OSError, ValueError):
        return None
    if state.get("plan") != plan:
        return None
    print(f"Going on with an interrupted run: {len(state['done'])} cases are done (--fresh begins anew).")
    return state


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="CASE", help="cases whose names begin so")
    parser.add_argument("--quick", action="store_true", help="3 blocks instead of 9, shorter samples")
    parser.add_argument(
        "--peers", default=sys.executable, metavar="PYTHON", help="a Python with torch and jax"
    )
    parser.add_argument("--fresh", action="store_true", help="do not go on with an interrupted run")
    parser.add_argument("--list", action="store_true", help="list the cases")
    options = parser.parse_args()
    options.blocks, options.starts = (3, 1) if options.quick else (9, 3)
    options.longest = 0.1 if options.quick else 2.0  # seconds that one sample may take
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Interrupted. What was measured is kept: run it again to go on.")
