"""Grade one submission: one JSON file with its result, whatever happens.

A result depends on the submission, the tests, the seed, the variant, the limits and the grader's code, and on
nothing else: no times, no names of machines. The same seed gives the same bytes.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from cnnbook.coursework import judging
from cnnbook.coursework.course import Course
from cnnbook.coursework.file_names import file_name
from cnnbook.coursework.fingerprint import fingerprint
from cnnbook.coursework.sandbox import Limits
from cnnbook.coursework.source import Assignment
from cnnbook.coursework.submissions import refusal
from cnnbook.coursework.trouble import TRIES, Trouble
from cnnbook.files import atomic_write

PAUSE = 0.5  # seconds before the first new try


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
        return self.out / file_name(self.key, ".json")

    def limits_in(self, assignment: Assignment) -> Limits:
        """What the submission may use."""
        return self.limits or Limits(**assignment.header.get("limits", {}))

    def fingerprint(self, assignment: Assignment, content: bytes) -> str:
        """A hash of all that decides the result, see `fingerprint`."""
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
        reason = refusal(job.path)
        content = b"" if reason else job.path.read_bytes()
        result["fingerprint"] = job.fingerprint(assignment, content)
        if reason:
            result |= {"status": "refused", "reason": reason, "score": 0, "tests": [], "notes": []}
        else:
            result |= judged(job, assignment, content)
    except Exception as error:
        result["reason"] = f"{error}" if isinstance(error, Trouble) else f"{type(error).__name__}: {error}"
    job.out.mkdir(parents=True, exist_ok=True)
    atomic_write(job.result_file, json.dumps(result, indent=1, sort_keys=True) + "\n")
    return result


def judged(job: Job, assignment: Assignment, content: bytes) -> dict:
    """The part of a result that the hidden tests decide, see `judging`. Trouble is tried again."""
    for number in range(1, TRIES + 1):
        try:
            found = judging.judged(
                job.way,
                assignment.tests,
                job.limits_in(assignment),
                content=content,
                suffix=job.path.suffix,
                seed=job.course.seed,
                variant=assignment.variant,
            )
            break
        except Trouble as trouble:
            if number == TRIES:
                raise Trouble(f"{trouble} (tried {TRIES} times)") from None
            time.sleep(PAUSE * number)
    score = min(sum(test["points"] for test in found["tests"]), assignment.header["points"])
    changed = [f"{name} writes into its argument {number + 1}." for name, number in sorted(found["changed"])]
    return {"status": "graded", "score": score, "tests": found["tests"], "notes": found["notes"] + changed}


def finished(job: Job) -> dict | None:
    """The result of an earlier run, if all that decides it is the same now; see `fingerprint`."""
    try:
        before = json.loads(job.result_file.read_text("utf-8"))
        content = b"" if refusal(job.path) else job.path.read_bytes()
        now = job.fingerprint(job.course.assignment(job.assignment), content)
        return before if before["status"] != "failed" and before["fingerprint"] == now else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):  # a broken or foreign file
        return None
