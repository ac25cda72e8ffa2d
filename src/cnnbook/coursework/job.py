"""Grade one submission: one JSON file with its result, whatever happens.

A result depends on the submission, the tests, the seed, the variant, the limits and the grader's code, and on
nothing else: no times, no names of machines. The same seed gives the same bytes.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cnnbook.coursework import judging, results
from cnnbook.coursework.course import Course
from cnnbook.coursework.file_names import file_name
from cnnbook.coursework.fingerprint import fingerprint
from cnnbook.coursework.sandbox import Limits
from cnnbook.coursework.sealing import MESSAGE
from cnnbook.coursework.source import Assignment
from cnnbook.coursework.submissions import Refused, read
from cnnbook.coursework.texts import plain
from cnnbook.coursework.trouble import Trouble, tried


@dataclass(frozen=True)
class Job:
    """All that grading one submission depends on.

    key : the submission's name in the results. way : of isolation, see `sandbox`.
    limits : what the submission may use; without them, those at the head of the assignment's source.
    """

    key: str
    path: Path
    out: Path
    assignment: str
    course: Course
    way: str = "bwrap"
    limits: Limits | None = None

    @property
    def result_file(self) -> Path:
        """Where the result is written."""
        return self.out / file_name(plain(self.key), ".json")

    def limits_in(self, assignment: Assignment) -> Limits:
        """What the submission may use."""
        return self.limits or Limits(**assignment.header.get("limits", {}))

    def fingerprint(self, assignment: Assignment, content: bytes) -> str:
        """A hash of all that decides the result, see `fingerprint`: the ending says how a file is read."""
        content = os.fsencode(self.path.suffix.lower()) + b"\n" + content
        return fingerprint(content, assignment, self.course.seed, self.way, self.limits_in(assignment))


def grade_one(job: Job) -> dict:
    """Grade one submission, write its result, and return it. It raises nothing that one submission can cause.

    Returns
    -------
    dict : status "graded", "refused" (with a reason, 0 points) or "failed" (the grader's own trouble, three
        times over: no score); score, most, tests, notes. It is in the file when this returns, whole or not at
        all.
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
        result["fingerprint"] = job.fingerprint(assignment, b"")
        content = read(job.path)
        result["fingerprint"] = job.fingerprint(assignment, content)
        done = result | tried(lambda: judged(job, assignment, content))
        return results.write(job.result_file, done, job.course)
    except Refused as refused:
        result |= {"status": refused.status, "reason": str(refused), "score": refused.score}
        result |= {"tests": [], "notes": []}
    except Exception as error:
        result["reason"] = str(error) if isinstance(error, Trouble) else f"{type(error).__name__}: {error}"
    return results.write(job.result_file, result, job.course)


def judged(job: Job, assignment: Assignment, content: bytes) -> dict:
    """The part of a result that the hidden tests decide, see `judging`."""
    found = judging.judged(
        job.way,
        assignment.tests,
        job.limits_in(assignment),
        content=content,
        suffix=job.path.suffix,
        seed=job.course.seed,
        variant=assignment.variant,
    )
    score = min(sum(test["points"] for test in found["tests"]), assignment.header["points"])
    changed = [f"{name} writes into its argument {number + 1}." for name, number in sorted(found["changed"])]
    return {"status": "graded", "score": score, "tests": found["tests"], "notes": found["notes"] + changed}


def finished(job: Job) -> dict | None:
    """The result of an earlier run, if it is as it was written and all that decides it is the same now."""
    try:
        before = results.read(job.result_file, job.course)
        try:
            content, now = read(job.path), {"status": "graded"}
        except Refused as refused:
            content, now = b"", {"status": refused.status, "reason": plain(str(refused), MESSAGE)}
        assignment = job.course.assignment(job.assignment)
        now |= {"assignment": job.assignment, "fingerprint": job.fingerprint(assignment, content)}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):  # a broken or foreign file
        return None
    same = all(before.get(name) == value for name, value in now.items())
    return before if same and before["status"] != "failed" else None
