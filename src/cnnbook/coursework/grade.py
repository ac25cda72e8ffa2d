"""Grade many submissions: nothing is lost, and nothing is graded twice.

`grade_one` is a function of its job, so any executor of `concurrent.futures` can map it: threads here, a Dask
cluster's where a course outgrows a machine.
"""

import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from pathlib import Path

from cnnbook.coursework.course import Course
from cnnbook.coursework.isolation import proven
from cnnbook.coursework.job import Job, finished, grade_one
from cnnbook.coursework.results import refuse_others
from cnnbook.coursework.submissions import ordinary, submissions_in
from cnnbook.coursework.testing import tests_of
from cnnbook.coursework.texts import NAME, plain, say


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
    IsolationError : if students' code cannot be isolated here. ValueError : if nothing was handed in, if
        there is no such shard, or if `out` holds results of another assignment.
    """
    part, count = part_of(shard)
    found = submissions_in(folder)
    if not found:
        raise ValueError(f"{folder} must hold submissions. It holds none: no .ipynb, .py or .md file.")
    tests = course.assignment(assignment).tests
    loadable(tests)
    refuse_others(out, assignment, course)
    secret = [*(path.resolve() for path in tests), *ordinary(found.values())]
    way = proven(way, secret, lambda line: say(line, error=True))
    chosen = list(found.items())[part - 1 :: count]
    return [Job(key, path, out, assignment, course, way, limits) for key, path in chosen]


def loadable(tests: list[Path]) -> None:
    """Refuse hidden tests that cannot be loaded, before anything is graded with them.

    Raises
    ------
    ValueError : if one cannot; the message says which, and why.
    """
    for path in tests:
        try:
            tests_of([path])
        except Exception as error:
            raise ValueError(f"{path} must hold tests. It cannot be loaded: {error!r}.") from error


def part_of(shard: str) -> tuple[int, int]:
    """A shard as numbers: (2, 5) for "2/5".

    Raises
    ------
    ValueError : if it is no such text.
    """
    part, _, count = shard.partition("/")
    if not (part.isdecimal() and count.isdecimal() and 1 <= int(part) <= int(count)):
        raise ValueError(f"--shard must be like 2/5: the second of five parts. Received {shard!r}.")
    return int(part), int(count)


def grade_all(
    jobs: list[Job],
    executor: Executor | None = None,
    threads: int = 2,
    tell: Callable[[str], None] = lambda line: say(line, error=True),
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
        return f"{plain(result['submission'], NAME)}: {result['score']:g} of {result['most']:g}"
    return f"{plain(result['submission'], NAME)}: {result['status']}. {plain(result['reason'])}"


def time_left(seconds: float) -> str:
    """How much longer, in words.

    >>> time_left(30), time_left(200), time_left(0)
    ('  (about 30 s left)', '  (about 3 min left)', '')
    """
    if seconds < 1:
        return ""
    return f"  (about {seconds:.0f} s left)" if seconds < 90 else f"  (about {seconds / 60:.0f} min left)"
