"""What each command of `python -m cnnbook.coursework` takes and does.

`add_NAME(commands)` adds the command's parser, which names the function that runs it: that function takes the
arguments and the course, and returns the exit code.
"""

import argparse
from collections.abc import Callable


def add_command(commands, name: str, run: Callable, help: str, *, course=True) -> argparse.ArgumentParser:
    """Add one command; `course` ones take the options that choose a course."""
    command = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
    command.set_defaults(run=run)
    if course:
        command.add_argument(
            "--course",
            metavar="FOLDER",
            help="your course's folder, made by `new`; without it, the public course",
        )
        command.add_argument(
            "--seed-file",
            metavar="FILE",
            help="file with a secret of at least 16 characters, instead of the course's seed",
        )
    return command
