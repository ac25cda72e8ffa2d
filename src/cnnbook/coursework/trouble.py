"""Who is to blame: every error of the coursework belongs to the student, to the grader, or to the instructor.

The student's end in a score with a reason. The grader's own end in no score anywhere: the submission is tried
again, and reported if that does not help. The instructor's end the command with one sentence and exit code 2.
"""

import time
from collections.abc import Callable

from cnnbook.coursework.inside.wire import WireError

TRIES = 3  # before the grader's own trouble is reported
PAUSE = 0.5  # seconds before the second try; the third waits twice as long


class StudentError(AssertionError):
    """A student's code did not return an answer.

    category : why, in one word. kind : the error's type. detail : what the student's code itself wrote, which
    is shown for visible tests only, because it may hold what the test asked.
    """

    def __init__(self, category: str, message: str, kind: str = "", detail: str = ""):
        super().__init__(message)
        self.category, self.kind, self.detail = category, kind, detail


class Wrong(AssertionError):
    """A wrong answer. category : one word; the message holds values, and is shown by policy."""

    def __init__(self, category: str, message: str):
        super().__init__(message)
        self.category = category


class Trouble(RuntimeError):
    """The grader's own trouble: no student caused it, and nobody loses a point for it."""


class IsolationError(Trouble):
    """Students' code cannot be isolated here."""


def blame(error: BaseException) -> str:
    """Whose error it is: "student", "instructor" or "grader". What nobody foresaw is the grader's.

    >>> blame(Wrong("values", "")), blame(ValueError("--jobs must be at least 1")), blame(KeyError("x"))
    ('student', 'instructor', 'grader')
    """
    if isinstance(error, StudentError | Wrong | WireError):
        return "student"
    return "instructor" if isinstance(error, ValueError | OSError) else "grader"


def tried(action: Callable):
    """What `action()` returns. The grader's own trouble is tried again, TRIES times in all.

    Raises
    ------
    Trouble : if it does not pass; the message says what it was, and how often it was tried.
    """
    for number in range(1, TRIES + 1):
        try:
            return action()
        except Exception as error:
            if number == TRIES:
                known = isinstance(error, Trouble)
                said = str(error) if known else f"{type(error).__name__}: {error}"
                raise (type(error) if known else Trouble)(f"{said} (tried {TRIES} times)") from error
            time.sleep(PAUSE * number)
