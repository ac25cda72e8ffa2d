"""The command line: `python -m cnnbook.coursework COMMAND`."""

import argparse
import os
import sys

from cnnbook.coursework import course as courses
from cnnbook.coursework.commands import after, before, grading
from cnnbook.coursework.texts import say
from cnnbook.coursework.trouble import Trouble, blame

DETAILS = "CNNBOOK_DETAILS"  # set in the environment, it has unforeseen errors print all they know


def parser() -> argparse.ArgumentParser:
    """All commands with their helps, in the order of a course."""
    top = argparse.ArgumentParser(
        prog="python -m cnnbook.coursework",
        description="Build assignments, grade them in isolation, hand the marks on. "
        "Every command explains itself: COMMAND --help.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    before.add_list(commands)
    before.add_new(commands)
    before.add_build(commands)
    before.add_check(commands)
    before.add_leaks(commands)
    grading.add_sandbox(commands)
    grading.add_grade(commands)
    after.add_export(commands)
    after.add_feedback(commands)
    grading.add_try(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0 all well, 1 something to look at, 2 it could not start."""
    args = parser().parse_args(arguments)
    args.words = sys.argv[1:] if arguments is None else arguments  # to repeat the command
    try:
        course = courses.load(getattr(args, "course", None), getattr(args, "seed_file", None))
        return args.run(args, course)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get(DETAILS):
            raise
        say(f"{args.command}: {sentence(error)}", error=True)
        return 2


def sentence(error: Exception) -> str:
    """An error as the instructor reads it.

    >>> sentence(ValueError("--jobs must be at least 1.")), sentence(PermissionError(13, "Denied", "marks"))
    ('--jobs must be at least 1.', 'marks: Denied.')
    >>> sentence(KeyError("x"))
    "The grader has a fault: KeyError('x'). Start it with CNNBOOK_DETAILS=1 and report what it prints."
    """
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}."
    if isinstance(error, Trouble) or blame(error) == "instructor":
        return str(error)
    return f"The grader has a fault: {error!r}. Start it with {DETAILS}=1 and report what it prints."


if __name__ == "__main__":
    sys.exit(main())
