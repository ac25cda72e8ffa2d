"""A hash of all that decides a result: a finished result with the same one is not made again."""

import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

from cnnbook.coursework.inside.session import versions
from cnnbook.coursework.sandbox import Limits
from cnnbook.coursework.source import Assignment

PACKAGE = Path(__file__).parents[1]
# All of the package that grading runs: the grader, and what hidden tests compare with.
CODE = ("*.py", "nn/**/*.py", "gradcheck/**/*.py", "bugzoo/**/*.py", "coursework/**/*.py")


def fingerprint(content: bytes, assignment: Assignment, seed: int, way: str, limits: Limits) -> str:
    """A hash of a submission's content and of all that it is graded with."""
    total = hashlib.sha256(content)
    for path in assignment.tests:
        total.update(path.read_bytes())
    facts = [assignment.text, assignment.header, assignment.variant, seed, way, versions()]
    facts += [asdict(limits), code_of_the_grader()]
    total.update(json.dumps(facts, sort_keys=True, default=str).encode())
    return total.hexdigest()


@cache
def code_of_the_grader() -> str:
    """A hash of the code that this process grades with."""
    total = hashlib.sha256()
    for path in grader_files():
        total.update(path.read_bytes())
    return total.hexdigest()


def grader_files() -> list[Path]:
    """The files of the package that grading runs, in order."""
    return sorted({path for pattern in CODE for path in PACKAGE.glob(pattern)})
