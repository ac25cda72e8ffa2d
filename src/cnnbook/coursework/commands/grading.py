"""The commands that run students' code: `grade` in a sandbox, `try` on the student's own machine."""

import shlex
import time
from pathlib import Path

from cnnbook.coursework import source
from cnnbook.coursework.commands import add_command
from cnnbook.coursework.grade import grade_all, jobs_for, line_for, part_of
from cnnbook.coursework.isolation import self_test, table
from cnnbook.coursework.lock import only_grader
from cnnbook.coursework.sandbox import WAYS, Limits, Sandbox, Walls
from cnnbook.coursework.student import Student
from cnnbook.coursework.submissions import Refused, read
from cnnbook.coursework.texts import say
from cnnbook.coursework.trouble import StudentError


def add_sandbox(commands) -> None:
    """`sandbox` takes the way to isolate."""
    command = add_command(
        commands,
        "sandbox",
        run_sandbox,
        "try to break out of the sandbox, and say what holds on this machine and what does not",
        course=False,
    )
    command.add_argument(
        "--isolation",
        choices=WAYS,
        default="bwrap",
        help="bwrap: bubblewrap; uid: a user of its own, as root; unsafe: no isolation (%(default)s)",
    )


def run_sandbox(args, course) -> int:
    """Print the table. The exit code is 1 if nothing may be graded here."""
    start = time.monotonic()
    rows = self_test(args.isolation, [])
    say(*table(rows).split("\n"))
    bad = [row.what for row in rows if row.needed and row.reached]
    say(f"Not fit for grading: {', '.join(bad)}." if bad else "Fit for grading.")
    say(f"{time.monotonic() - start:.1f} s", error=True)
    return 1 if bad else 0


def add_grade(commands) -> None:
    """`grade` takes the submissions, where the results go, and how to isolate."""
    command = add_command(
        commands,
        "grade",
        run_grade,
        "grade a folder of submissions; start it again and it goes on where it stopped",
    )
    command.add_argument("submissions", type=Path, help="folder with .ipynb, .py or .md files")
    command.add_argument(
        "--assignment", required=True, metavar="aNN", help="the assignment that was handed in"
    )
    command.add_argument(
        "--out",
        type=Path,
        default=Path("results"),
        metavar="FOLDER",
        help="folder to write into, one JSON file for each submission (%(default)s)",
    )
    command.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="grade N at the same time (%(default)s)"
    )
    command.add_argument(
        "--shard", default="1/1", metavar="I/N", help="grade only part I of N, for N machines"
    )
    how = command.add_mutually_exclusive_group()
    how.add_argument(
        "--isolation",
        choices=["auto", "bwrap", "uid"],
        default="auto",
        help="bwrap: bubblewrap; uid: a user of its own, inside a disposable container, as root "
        "(%(default)s: bubblewrap)",
    )
    how.add_argument(
        "--unsafe",
        action="store_true",
        help="no isolation: students' code can read your files, the hidden tests too, and use your network",
    )


def run_grade(args, course) -> int:
    """Grade all submissions, and print what was not graded."""
    way = "unsafe" if args.unsafe else args.isolation
    if args.jobs < 1:
        raise ValueError(f"--jobs must be at least 1. Received {args.jobs}.")
    if args.unsafe:
        say("Not isolated: students' code runs as you.", error=True)
    if not course.secret:
        say("The public seed: students can know the inputs. Make a course with `new`.", error=True)
    with only_grader(args.out, *part_of(args.shard)):
        jobs = jobs_for(args.submissions, args.out, args.assignment, course, way, args.shard)
        results = grade_all(jobs, threads=args.jobs)
    odd = [result for result in results if result["status"] != "graded"]
    say(f"{len(results) - len(odd)} graded, {len(odd)} not; results in {args.out}")
    say(*(f"  {line_for(result)}" for result in odd))
    if not any(result["status"] == "failed" for result in results):
        return 0
    again = shlex.join(["python", "-m", "cnnbook.coursework", *args.words])
    say(f"The failed ones have no score. Only they are graded again by: {again}")
    return 1


def add_try(commands) -> None:
    """`try` takes a student's notebook."""
    command = add_command(
        commands,
        "try",
        run_try,
        "for students: show what the grader reads of your notebook, and run the visible checks",
    )
    command.add_argument("notebook", type=Path, help="your notebook")
    command.add_argument("--assignment", required=True, metavar="aNN", help="the assignment it answers")


def run_try(args, course) -> int:
    """Print what the grader finds in a notebook, and what the visible checks say."""
    assignment = course.assignment(args.assignment)
    if not args.notebook.is_file():
        raise ValueError(f"try needs your notebook. There is no file {args.notebook}.")
    try:
        content = read(args.notebook)
    except Refused as refused:
        raise ValueError(f"{args.notebook} would not be graded: {refused}") from None
    limits = Limits(seconds=120, total=300, memory=0)
    walls = Walls("unsafe")
    student = Student(content, args.notebook.suffix, Sandbox(walls, limits), limits)
    try:
        wanted = source.functions_of(assignment)
        there = [name for name in wanted if name in student.names]
        say(
            f"The grader finds {len(there)} of {len(wanted)} functions and classes.",
            *(f"  {name} is missing" for name in wanted if name not in there),
            *student.notes,
        )
        cells = [text for kind, text, tags in assignment.cells if kind == "code" and "visible-test" in tags]
        printed = student.run_cells([source.helpers(), *source.given(assignment), *cells])
        say(*printed.removesuffix("\n").split("\n"))
    except StudentError as error:
        say(f"The checks stopped: {error} {error.detail}".strip())
        return 1
    finally:
        student.close()
        walls.close()
    return 0
