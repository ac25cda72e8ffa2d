"""Many runs, by any executor of `concurrent.futures`: what is missing is run, what is done is recorded.

A row's runs stand in one recording, results/fashion_cnn.json for "fashion_cnn". It is written again, whole,
after every run, by the one process that called `sweep`: the runs themselves return what they found and touch
no file.
"""

import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from dataclasses import dataclass
from pathlib import Path

from cnnbook import data, results
from cnnbook.experiments.catalogue import ROWS
from cnnbook.experiments.run import run
from cnnbook.results import replay


@dataclass(frozen=True)
class Job:
    """One run to do: the arguments of `run`, and about how many minutes of one core it takes."""

    row: str
    variant: str
    side: str
    seed: int
    minutes: float

    def __str__(self):
        return f"{self.row} {self.variant}, {self.side}, seed {self.seed}"


def jobs(rows: Iterable[str] | None = None, *, seeds: int | None = None, sides=None) -> Iterator[Job]:
    """All runs of these rows (None: of all rows), the first seed of everything before the second of anything.

    Parameters
    ----------
    seeds : how many of each, instead of what the rows say. sides : only these.

    Examples
    --------
    >>> [str(job) for job in jobs(["own_keras_layers"], seeds=2)]
    ['own_keras_layers plain, own layers, seed 0', 'own_keras_layers plain, own layers, seed 1']
    """
    names = list(ROWS) if rows is None else list(rows)
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise ValueError(f"jobs: rows must be among {', '.join(ROWS)}. Received {unknown[0]!r}.")
    wanted = [
        Job(name, variant, side, seed, setting.minutes[side])
        for name in names
        for variant, setting in ROWS[name].variants.items()
        for side, count in setting.seeds.items()
        if sides is None or side in sides
        for seed in range(seeds or count)
    ]
    return iter(sorted(wanted, key=lambda job: job.seed))


def missing(wanted: Iterable[Job], *, folder: Path | str | None = None) -> list[Job]:
    """Those jobs that are not recorded, or were recorded with other settings than today's."""
    wanted = list(wanted)
    done = {
        (row, found["variant"], found["side"], found["seed"], found["setting"])
        for row in {job.row for job in wanted}
        for found in recorded(row, folder=folder)
    }
    return [
        job
        for job in wanted
        if (job.row, job.variant, job.side, job.seed, str(ROWS[job.row].variants[job.variant])) not in done
    ]


def recorded(row: str, *, folder: Path | str | None = None) -> list[dict]:
    """The runs that are recorded for a row, in order; none if there is no recording yet."""
    try:
        return results.read(row, folder=folder)["runs"]
    except FileNotFoundError:
        return []


def record(row: str, found: dict, *, folder: Path | str | None = None) -> None:
    """Put one run into its row's recording, in the place of an older one of the same kind."""
    player = found.pop("player", None)
    if player is not None:
        name, _ = ROWS[row].variants[found["variant"]].player
        replay.write(name, player, folder=folder and Path(folder) / replay.FOLDER)
    order = list(ROWS[row].variants)

    def key(run):
        place = order.index(run["variant"]) if run["variant"] in order else len(order)
        return place, run["side"] != "ours", run["side"], run["seed"]

    kept = [other for other in recorded(row, folder=folder) if key(other) != key(found)]
    runs = sorted([*kept, found], key=key)
    datasets = sorted({setting.dataset for setting in ROWS[row].variants.values()})
    results.write(
        row,
        {"row": row, "title": ROWS[row].title, "claim": dict(ROWS[row].claim), "runs": runs},
        seconds=sum(run["made"]["seconds"] for run in runs),
        folder=folder,
        sha256={name: dict(data.DATASETS[name]["files"]) for name in datasets},
    )


def sweep(todo: Iterable[Job], executor: Executor, *, folder=None, run=run, on_done=None) -> dict[Job, str]:
    """Do all jobs and record each as soon as it ends. Ctrl-C keeps what is recorded.

    Parameters
    ----------
    todo : see `jobs` and `missing`. executor : any `concurrent.futures.Executor`; Dask's is
        `distributed.Client(address).get_executor()`. folder : where to, if not into results/.
    run : function of (row, variant, side, seed) that does one. on_done : called with every job that ended.

    Returns
    -------
    {job: reason} : the jobs that failed, and why. The others are recorded.
    """
    commit, failed = head(), {}
    waiting = {executor.submit(run, job.row, job.variant, job.side, job.seed): job for job in todo}
    try:
        while waiting:
            ended, _ = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
            for future in ended:
                job = waiting.pop(future)
                try:
                    found = future.result()
                    found["made"] |= commit
                    record(job.row, found, folder=folder)
                except Exception as error:  # one run that fails must not take the others with it
                    failed[job] = f"{type(error).__name__}: {error}"
                if on_done is not None:
                    on_done(job)
            if on_done is not None and not ended:
                on_done(None)
    finally:
        for future in waiting:
            future.cancel()
    return failed


def head() -> dict:
    """The commit of the code, and whether the code has changed since; nothing outside a clone."""
    root = results.store.FOLDER.parent

    def git(*arguments):
        ran = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
        return ran.stdout.strip()

    try:
        return {
            "commit": git("rev-parse", "--short=10", "HEAD"),
            "changed": bool(git("status", "--short", "src")),
        }
    except (OSError, subprocess.CalledProcessError):
        return {}
