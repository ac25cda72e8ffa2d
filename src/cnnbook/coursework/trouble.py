"""Who is to blame: every error of the coursework belongs to the student, to the grader, or to the instructor.

The student's end in a score with a reason. The grader's own end in no score anywhere: the submission is tried
again, and reported if that does not help. The instructor's end the command with one sentence and exit code 2.
"""

from cnnbook.coursework.inside.wire import WireError

TRIES = 3  # for one submission, before the grader's trouble is reported


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
