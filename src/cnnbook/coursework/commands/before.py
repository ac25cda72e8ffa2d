"""The commands before anything is handed in: make a course and its notebooks, and check both."""

import time
from pathlib import Path

from cnnbook.coursework import course as courses
from cnnbook.coursework import source
from cnnbook.coursework.check import check_assignment
from cnnbook.coursework.commands import add_command
from cnnbook.coursework.leaks import book_text, leaks_in, secrets_of
from cnnbook.coursework.texts import say

BUILT = Path("_build/coursework")


def add_list(commands) -> None:
    """`list` has no arguments of its own."""
    add_command(commands, "list", run_list, "list the assignments")


def run_list(args, course) -> int:
    """Print one line for each assignment."""
    for one in course.assignments():
        head = one.header
        say(f"{one.id}  {head['title']}  ({head['points']} points, about {head['minutes']} minutes)")
    return 0


def add_new(commands) -> None:
    """`new` takes the folder to make."""
    command = add_command(
        commands, "new", run_new, "make a course's folder with a secret seed of its own", course=False
    )
    command.add_argument("folder", help="the folder to make; it must not hold a course yet")


def run_new(args, course) -> int:
    """Make a course's folder."""
    for path in courses.new(args.folder):
        say(f"wrote {path}")
    say("Keep the seed, and keep it to yourself: it decides what is asked.")
    return 0


def add_build(commands) -> None:
    """`build` takes the folder to write into."""
    command = add_command(commands, "build", run_build, "make the notebooks for students and for instructors")
    command.add_argument(
        "--out", type=Path, default=BUILT, metavar="FOLDER", help="folder to write into (%(default)s)"
    )


def run_build(args, course) -> int:
    """Write the notebooks of all assignments."""
    written = source.build(course.assignments(), args.out)
    for kind in ("student", "instructor"):
        say(f"{sum(path.parent.name == kind for path in written)} files in {args.out / kind}")
    return 0


def add_check(commands) -> None:
    """`check` takes the assignments to check."""
    command = add_command(
        commands,
        "check",
        run_check,
        "say whether an assignment is fit to be given: the solution must earn every point, worthless answers "
        "none, and every named mistake and every single change of the solution must cost points",
    )
    command.add_argument(
        "assignments", nargs="*", metavar="aNN", help="the assignments to check (without any: all)"
    )


def run_check(args, course) -> int:
    """Print what is wrong with each assignment."""
    faults = 0
    for name in args.assignments or source.find(course.root, course.overlay):
        start = time.monotonic()
        found = check_assignment(course.assignment(name))
        verdict = f"{len(found.faults)} faults" if found.faults else "fit to be given"
        say(
            f"{name}: {verdict}; {found.mutants} mutants and {found.changes} changes tried",
            *(f"  {fault}" for fault in found.faults),
        )
        say(f"  {time.monotonic() - start:.0f} s", error=True)
        faults += len(found.faults)
    return 1 if faults else 0


def add_leaks(commands) -> None:
    """`leaks` takes what is about to be handed out."""
    command = add_command(
        commands, "leaks", run_leaks, "look for solutions and hidden tests in what you are about to hand out"
    )
    command.add_argument(
        "folders", nargs="+", type=Path, metavar="FOLDER", help="folders, files or zips to look through"
    )


def run_leaks(args, course) -> int:
    """Print one line for each solution, rubric or hidden test that was found."""
    if missing := [str(folder) for folder in args.folders if not folder.exists()]:
        raise ValueError(f"leaks needs folders and files that exist. Received {', '.join(missing)}.")
    found = leaks_in(args.folders, secrets_of(course.assignments(), book_text(source.ROOT.parent)))
    say(*found, f"{len(found)} leaks" if found else "nothing leaks")
    return 1 if found else 0
