"""Run the long experiments that are not recorded yet, and record them in results/.

    make results                                      all that is missing
    make results ARGS="--list"                        what there is, what is recorded, how long it takes
    make results ARGS="--only mlp fashion_cnn --seeds 5"     these experiments, with five seeds each
    make results ARGS="--executor dask:tcp://host:8786"

Ctrl-C at any time: finished runs are recorded, and the next call goes on from there. A run is repeated only
if its settings have changed, or with --again.
"""

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager

from tqdm import tqdm

from cnnbook.experiments.catalogue import EXPERIMENTS
from cnnbook.experiments.contestants import SIDES, calm_tensorflow
from cnnbook.experiments.sweep import jobs, missing, sweep

PATIENCE = 10  # seconds for a Dask scheduler to answer


def arguments(argv):
    parser = argparse.ArgumentParser(
        prog="tools/record_results.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="EXPERIMENT",
        choices=list(EXPERIMENTS),
        help=f"only these experiments, of {', '.join(EXPERIMENTS)}",
    )
    parser.add_argument("--sides", nargs="+", choices=list(SIDES), help="only these sides of each experiment")
    parser.add_argument("--seeds", type=positive, help="how many seeds, instead of what each experiment says")
    parser.add_argument("--again", action="store_true", help="run what is recorded once more")
    parser.add_argument(
        "--list", action="store_true", help="list experiments, what is recorded, minutes; run nothing"
    )
    parser.add_argument(
        "--executor",
        default="processes",
        type=known_executor,
        help="processes (the default), dask:ADDRESS of a scheduler, or threads: these share one TensorFlow "
        "and its random numbers, so use them with --sides ours",
    )
    parser.add_argument(
        "--workers",
        type=positive,
        default=max(1, (os.cpu_count() or 2) // 2),
        help="how many runs at a time, by threads and processes (default: half the cores, %(default)s here)",
    )
    return parser.parse_args(argv)


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1. Received {value}")
    return value


def known_executor(text):
    if text in ("threads", "processes") or (text.startswith("dask:") and len(text) > len("dask:")):
        return text
    raise argparse.ArgumentTypeError(f"must be threads, processes or dask:ADDRESS. Received {text!r}")


@contextmanager
def executor(name, workers):
    """The executor of that name, closed at the end; runs not yet begun are given up."""
    client = None
    if name.startswith("dask:"):
        try:
            from distributed import Client
        except ImportError:
            raise SystemExit("The Dask executor needs Dask: .venv/bin/pip install distributed") from None
        try:
            client = Client(name.removeprefix("dask:"), timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise SystemExit(f"No Dask scheduler answers at {name.removeprefix('dask:')}: {error}") from None
        pool = client.get_executor()
    elif name == "threads":
        pool = ThreadPoolExecutor(workers)
    else:
        # TensorFlow does not survive a fork.
        pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=client is None, cancel_futures=client is None)
        if client is not None:
            client.close()


def show(wanted, todo):
    """One line per experiment, variant and side."""
    print(f"{'experiment':<20} {'variant':<26} {'side':<11} {'recorded':>8}  {'minutes a run':>13}")
    lines, open_jobs = {}, set(todo)
    for job in wanted:
        done, count, _ = lines.get((job.experiment, job.variant, job.side), (0, 0, 0))
        lines[job.experiment, job.variant, job.side] = done + (job not in open_jobs), count + 1, job.minutes
    for (experiment, variant, side), (done, count, minutes) in lines.items():
        print(f"{experiment:<20} {variant:<26} {side:<11} {f'{done} of {count}':>8}  {minutes:>13.3g}")


def main(argv=None):
    chosen = arguments(argv)
    wanted = list(jobs(chosen.only, seeds=chosen.seeds, sides=chosen.sides))
    todo = wanted if chosen.again else missing(wanted)
    minutes = sum(job.minutes for job in todo)
    if chosen.list:
        show(wanted, todo)
    done = len(wanted) - len(todo)
    print(
        f"{done} of {len(wanted)} runs are recorded; the others take about {minutes:.0f} minutes of one core."
    )
    if chosen.list:
        return 0
    if not todo:
        return 0
    calm_tensorflow()
    start, watched = time.monotonic(), sys.stderr.isatty()
    layout = "{l_bar}{bar}| {n:.0f} of {total:.0f} min of work [{elapsed}, left {remaining}] {postfix}"
    with (
        executor(chosen.executor, chosen.workers) as pool,
        tqdm(total=minutes, bar_format=layout, disable=not watched) as bar,
    ):

        def on_done(job):
            if job is None:
                bar.refresh()
                return
            bar.set_postfix_str(f"last: {job}", refresh=False)
            bar.update(job.minutes)
            if not watched:
                print(f"{time.monotonic() - start:6.0f} s  {job}", flush=True)

        try:
            failed = sweep(todo, pool, on_done=on_done)
        except KeyboardInterrupt:
            print(
                "\nStopped. Finished runs are recorded; the same command goes on from there.", file=sys.stderr
            )
            return 130
    for job, reason in failed.items():
        print(f"{job} failed. {reason}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
