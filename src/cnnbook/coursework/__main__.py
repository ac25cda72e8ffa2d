"""The command line: `python -m cnnbook.coursework COMMAND`."""

import argparse
import sys

from cnnbook.coursework import course as courses
from cnnbook.coursework.commands import after, before, grading
from cnnbook.coursework.texts import say
from cnnbook.coursework.trouble import IsolationError


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
    grading.add_grade(commands)
    after.add_export(commands)
    after.add_feedback(commands)
    grading.add_try(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0 all well, 1 something to look at, 2 it could not start."""
    args = parser().parse_args(arguments)
    try:
        course = courses.load(getattr(args, "course", None), getattr(args, "seed_file", None))
        return args.run(args, course)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"{args.command}: {where}{error.strerror or error}.", error=True)
        return 2
    except (ValueError, IsolationError) as error:
        say(f"{args.command}: {error}", error=True)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
