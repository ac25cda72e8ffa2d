"""Grade many submissions: nothing is lost, and nothing is graded twice.

`grade_one` is a function of its job, so any executor of `concurrent.futures` can map it: threads here, a Dask
cluster's where a course outgrows a machine.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from pathlib import Path

from cnnbook.coursework.course import Course
from cnnbook.coursework.isolation import proven
from cnnbook.coursework.job import Job, finished, grade_one
from cnnbook.coursework.submissions import submissions_in


def jobs_for(
    folder: Path,
    out: Path,
    assignment: str,
    course: Course,
    way: str = "auto",
    shard: str = "1/1",
    limits=None,
) -> list[Job]:
    """The jobs for a folder of submissions, made once a real run has shown that the sandbox holds.

    Parameters
    ----------
    shard : "2/5" is the second of five equal parts, for five machines.

    Raises
    ------
    IsolationError : if students' code cannot be isolated here. ValueError : if nothing was handed in, or
        there is no such shard.
    """
    found = submissions_in(folder)
    if not found:
        raise ValueError(f"{folder} must hold submissions. It holds none: no .ipynb, .py or .md file.")
    part, _, count = shard.partition("/")
    if not (part.isdigit() and count.isdigit() and 1 <= int(part) <= int(count)):
        raise ValueError(f"--shard must be like 2/5: the second of five parts. Received {shard!r}.")
    secret = [*course.assignment(assignment).tests, next(iter(found.values()))]
    way = proven(way, [path.resolve() for path in secret])
    chosen = list(found.items())[int(part) - 1 :: int(count)]
    return [Job(key, path, out, assignment, course, way, limits) for key, path in chosen]


def grade_all(
    jobs: list[Job],
    executor: Executor | None = None,
    threads: int = 2,
    tell: Callable[[str], None] = lambda line: print(line, file=sys.stderr),
) -> list[dict]:
    """Grade many submissions and return their results in the order of `jobs`.

    Parameters
    ----------
    jobs : see `jobs_for`. executor : any of `concurrent.futures`; without one, `threads` threads of this
        process, each waiting for a sandbox. tell : receives one line for every submission.
    """
    results = {job.key: before for job in jobs if (before := finished(job))}
    if results:
        tell(f"{len(results)} of {len(jobs)} are graded already")
    left = [job for job in jobs if job.key not in results]
    own = ThreadPoolExecutor(threads) if executor is None else None
    pool, start, number = executor or own, time.monotonic(), 0
    waiting = {}
    try:
        waiting = {pool.submit(grade_one, job): job for job in left}
        for number, future in enumerate(as_completed(waiting), 1):
            job = waiting[future]
            try:
                results[job.key] = future.result()
            except Exception as error:  # for example, a machine of the cluster is gone
                trouble = {"status": "failed", "reason": f"{type(error).__name__}: {error}", "score": None}
                results[job.key] = {"assignment": job.assignment, "submission": job.key, **trouble}
            each = (time.monotonic() - start) / number
            tell(
                f"[{number}/{len(left)}] {line_for(results[job.key])}{time_left(each * (len(left) - number))}"
            )
    except KeyboardInterrupt:
        for future in waiting:
            future.cancel()
        tell(f"stopped after {number} of {len(left)}: start it again to go on where it stopped")
        raise
    finally:
        if own:
            own.shutdown(cancel_futures=True)
    return [results[job.key] for job in jobs]


def line_for(result: dict) -> str:
    """One line about one result.

    >>> line_for({"submission": "ada", "status": "graded", "score": 3, "most": 4})
    'ada: 3 of 4'
    """
    if result["status"] == "graded":
        return f"{result['submission']}: {result['score']:g} of {result['most']:g}"
    return f"{result['submission']}: {result['status']}. {result['reason']}"


def time_left(seconds: float) -> str:
    """How much longer, in words.

    >>> time_left(30), time_left(200), time_left(0)
    ('  (about 30 s left)', '  (about 3 min left)', '')
    """
    if seconds < 1:
        return ""
    return f"  (about {seconds:.0f} s left)" if seconds < 90 else f"  (about {seconds / 60:.0f} min left)"
