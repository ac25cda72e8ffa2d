"""Many runs, by any executor of `concurrent.futures`: what is missing is run, what is done is recorded.

An experiment's runs stand in one recording, results/fashion_cnn.json for "fashion_cnn". It is written again,
whole, after every run, by the one process that called `sweep`: the runs themselves return what they found and
touch no file.
"""

import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from dataclasses import dataclass
from pathlib import Path

from cnnbook import data, results
from cnnbook.experiments.catalogue import EXPERIMENTS
from cnnbook.experiments.run import run
from cnnbook.results import replay


@dataclass(frozen=True)
class Job:
    """One run to do: the arguments of `run`, and about how many minutes of one core it takes."""

    experiment: str
    variant: str
    side: str
    seed: int
    minutes: float

    def __str__(self):
        return f"{self.experiment} {self.variant}, {self.side}, seed {self.seed}"


def jobs(experiments: Iterable[str] | None = None, *, seeds: int | None = None, sides=None) -> Iterator[Job]:
    """All runs of these experiments (None: of all), the first seed of everything before any second seed.

    Parameters
    ----------
    seeds : how many of each, instead of what the experiments say. sides : only these.

    Examples
    --------
    >>> [str(job) for job in jobs(["own_keras_layers"], seeds=2)]
    ['own_keras_layers plain, own layers, seed 0', 'own_keras_layers plain, own layers, seed 1']
    """
    names = list(EXPERIMENTS) if experiments is None else list(experiments)
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        raise ValueError(
            f"jobs: experiments must be among {', '.join(EXPERIMENTS)}. Received {unknown[0]!r}."
        )
    wanted = [
        Job(name, variant, side, seed, setting.minutes[side])
        for name in names
        for variant, setting in EXPERIMENTS[name].variants.items()
        for side, count in setting.seeds.items()
        if sides is None or side in sides
        for seed in range(seeds or count)
    ]
    return iter(sorted(wanted, key=lambda job: job.seed))


def missing(wanted: Iterable[Job], *, folder: Path | str | None = None) -> list[Job]:
    """Those jobs that are not recorded, or were recorded with other settings than today's."""
    wanted = list(wanted)
    done = {
        (experiment, found["variant"], found["side"], found["seed"], found["setting"])
        for experiment in {job.experiment for job in wanted}
        for found in recorded(experiment, folder=folder)
    }

    def today(job):
        setting = EXPERIMENTS[job.experiment].variants[job.variant]
        return job.experiment, job.variant, job.side, job.seed, str(setting)

    return [job for job in wanted if today(job) not in done]


def recorded(experiment: str, *, folder: Path | str | None = None) -> list[dict]:
    """The runs that are recorded for an experiment, in order; none if there is no recording yet."""
    try:
        return results.read(experiment, folder=folder)["runs"]
    except FileNotFoundError:
        return []


def record(experiment: str, found: dict, *, folder: Path | str | None = None) -> None:
    """Put a run into its experiment's recording, in the place of an older one of the same kind."""
    player = found.pop("player", None)
    if player is not None:
        name, _ = EXPERIMENTS[experiment].variants[found["variant"]].player
        replay.write(name, player, folder=folder and Path(folder) / replay.FOLDER)
    order = list(EXPERIMENTS[experiment].variants)

    def key(run):
        place = order.index(run["variant"]) if run["variant"] in order else len(order)
        return place, run["side"] != "ours", run["side"], run["seed"]

    kept = [other for other in recorded(experiment, folder=folder) if key(other) != key(found)]
    runs = sorted([*kept, found], key=key)
    datasets = sorted({setting.dataset for setting in EXPERIMENTS[experiment].variants.values()})
    results.write(
        experiment,
        {
            "title": EXPERIMENTS[experiment].title,
            "claim": dict(EXPERIMENTS[experiment].claim),
            "runs": runs,
        },
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
    run : function of (experiment, variant, side, seed) that does one run. on_done : called with every job
        that ended.

    Returns
    -------
    {job: reason} : the jobs that failed, and why. The others are recorded.
    """
    commit, failed = head(), {}
    waiting = {executor.submit(run, job.experiment, job.variant, job.side, job.seed): job for job in todo}
    try:
        while waiting:
            ended, _ = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
            for future in ended:
                job = waiting.pop(future)
                try:
                    found = future.result()
                    found["made"] |= commit
                    record(job.experiment, found, folder=folder)
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
