"""Grade submissions: one JSON file for each, whatever happens, and never one twice.

A result depends on the submission, the tests, the seed, the variant, the limits and the grader's code, and on
nothing else: no times, no names of machines. The same seed gives the same bytes. `grade_one` is a function of
its arguments, so any executor of `concurrent.futures` can map it: threads here, a Dask cluster's where a
course outgrows a machine.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from cnnbook.coursework.course import Course
from cnnbook.coursework.file_names import file_name
from cnnbook.coursework.inside.worker import versions
from cnnbook.coursework.sandbox import IsolationError, Limits, Process, proven
from cnnbook.coursework.student import Student
from cnnbook.coursework.testing import run_tests, tests_of
from cnnbook.files import atomic_write

ACCEPTED = (".ipynb", ".py", ".md")
LARGEST = 20_000_000  # bytes of one submission
PACKAGE = Path(__file__).parents[1]
# All of the package that grading runs.
CODE = ("*.py", "nn/*.py", "gradcheck/*.py", "bugzoo/*.py", "coursework/**/*.py")


@dataclass(frozen=True)
class Job:
    """All that grading one submission depends on. key : the submission's name in the results."""

    key: str
    path: Path
    out: Path
    assignment: str
    course: Course
    way: str = "bwrap"
    limits: Limits | None = None


def submissions(folder: Path) -> dict[str, Path]:
    """The files handed in below `folder`, by key: the file's name, or "folder/name" for one folder each.

    Hidden files and folders are left out; everything else gets a key, whether it can be graded or not.
    """
    if folder.is_file():
        return {printable(Path(folder.stem)): folder}
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if (path.is_file() or path.is_symlink()) and not any(part.startswith(".") for part in inside.parts):
            key = printable(inside.with_suffix(""))
            found[key if key not in found else printable(inside)] = path
    return found


def printable(path: Path) -> str:
    """A path as text that every file and terminal takes: bytes that are not UTF-8 are written as \\xfc."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def fingerprint(job: Job, content: bytes) -> str:
    """A hash of all that decides the result; a finished result with the same one is not made again."""
    total, assignment = hashlib.sha256(content), job.course.assignment(job.assignment)
    for path in assignment.tests:
        total.update(path.read_bytes())
    facts = [assignment.text, assignment.header, assignment.variant, job.course.seed, job.way, versions()]
    facts += [asdict(limits_of(job, assignment)), code_of_the_grader()]
    total.update(json.dumps(facts, sort_keys=True).encode())
    return total.hexdigest()


@cache
def code_of_the_grader() -> str:
    """A hash of the code that this process grades with."""
    total = hashlib.sha256()
    for path in sorted(path for pattern in CODE for path in PACKAGE.glob(pattern)):
        total.update(path.read_bytes())
    return total.hexdigest()


def limits_of(job: Job, assignment) -> Limits:
    """What the submission may use: the job's limits, or those at the head of the assignment's source."""
    return job.limits or Limits(**assignment.header.get("limits", {}))


def result_file(job: Job) -> Path:
    """Where the result of a job is written."""
    return job.out / file_name(job.key, ".json")


def grade_one(job: Job) -> dict:
    """Grade one submission, write its result, and return it. It raises nothing that one submission can cause.

    Returns
    -------
    dict : status "graded", "refused" (with a reason, 0 points) or "failed" (the grader's own trouble, no
        score); score, most, tests, notes. It is in the file when this returns, whole or not at all.
    """
    result = {
        "assignment": job.assignment,
        "submission": job.key,
        "status": "failed",
        "reason": "",
        "score": None,
    }
    try:
        assignment = job.course.assignment(job.assignment)
        result["most"] = assignment.header["points"]
        reason = refusal(job.path)
        content = b"" if reason else job.path.read_bytes()
        result["fingerprint"] = fingerprint(job, content)
        if reason:
            result |= {"status": "refused", "reason": reason, "score": 0, "tests": [], "notes": []}
        else:
            result |= judged(job, assignment, content)
    except Exception as error:
        result["reason"] = f"{type(error).__name__}: {error}"
    job.out.mkdir(parents=True, exist_ok=True)
    atomic_write(result_file(job), json.dumps(result, indent=1, sort_keys=True) + "\n")
    return result


def refusal(path: Path) -> str:
    """Why a file is not graded, or ""."""
    if path.is_symlink():
        return "It is a link to another file. Hand in the file itself."
    if path.suffix not in ACCEPTED:
        return f"It must be a notebook (.ipynb), .py or .md. It is {path.suffix or 'without an ending'}."
    if (size := path.stat().st_size) > LARGEST:
        megabytes = f"It has {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}."
        return f"{megabytes} Clear the notebook's outputs, then hand it in again."
    return "" if size else "The file is empty."


def judged(job: Job, assignment, content: bytes) -> dict:
    """Run the hidden tests on one submission in a process of its own."""
    limits = limits_of(job, assignment)
    student = Student(content, job.path.suffix, lambda: Process(job.way, limits), limits)
    try:
        if student.versions and not same_release(student.versions):
            raise IsolationError(
                f"the sandbox runs {student.versions}, the grader {versions()}: they must agree"
            )
        tests = run_tests(tests_of(assignment.tests), student, job.course.seed, assignment.variant)
    finally:
        student.close()
    score = min(sum(test["points"] for test in tests), assignment.header["points"])
    changed = [f"{name} writes into its argument {number + 1}." for name, number in sorted(student.changed)]
    return {"status": "graded", "score": score, "tests": tests, "notes": student.notes + changed}


def same_release(theirs: dict) -> bool:
    """True when Python and NumPy agree in their first two numbers."""
    ours = versions()
    return all(str(theirs.get(key)).split(".")[:2] == value.split(".")[:2] for key, value in ours.items())


def finished(job: Job) -> dict | None:
    """The result of an earlier run, if all that decides it is the same now; see `fingerprint`."""
    try:
        before = json.loads(result_file(job).read_text("utf-8"))
        content = b"" if refusal(job.path) else job.path.read_bytes()
        fits = before["status"] != "failed" and before["fingerprint"] == fingerprint(job, content)
        return before if fits else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):  # a broken or foreign file
        return None


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
            except Exception as error:  # a machine of the cluster is gone, say
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


def jobs_for(
    folder: Path,
    out: Path,
    assignment: str,
    course: Course,
    way: str = "auto",
    shard: str = "1/1",
    limits=None,
) -> list[Job]:
    """The jobs for a folder of submissions, after the sandbox has proven itself.

    Parameters
    ----------
    shard : "2/5" is the second of five equal parts, for five machines.

    Raises
    ------
    IsolationError : no isolation here. ValueError : nothing handed in, or no such shard.
    """
    found = submissions(folder)
    if not found:
        raise ValueError(f"{folder} must hold submissions. It holds none: no .ipynb, .py or .md file.")
    part, _, count = shard.partition("/")
    if not (part.isdigit() and count.isdigit() and 1 <= int(part) <= int(count)):
        raise ValueError(f"--shard must be like 2/5: the second of five parts. Received {shard!r}.")
    secret = [*course.assignment(assignment).tests, next(iter(found.values()))]
    way = proven(way, [path.resolve() for path in secret])
    chosen = list(found.items())[int(part) - 1 :: int(count)]
    return [Job(key, path, out, assignment, course, way, limits) for key, path in chosen]
