"""The commands that hand results on: marks for a platform, the assignment for another grader, feedback."""

from pathlib import Path

from cnnbook.coursework import course as courses
from cnnbook.coursework import export, gradescope, nbgrader, roster
from cnnbook.coursework.commands import add_command
from cnnbook.coursework.feedback import page
from cnnbook.coursework.file_names import file_name
from cnnbook.coursework.marks import NO_POINTS, Mark, marks_of, read_manual
from cnnbook.coursework.results import results_in
from cnnbook.coursework.texts import NAME, plain, say
from cnnbook.files import atomic_write


def add_results(command) -> None:
    """Add the argument that `export` and `feedback` share: where the results are."""
    command.add_argument(
        "results", nargs="?", type=Path, default=Path("results"), help="folder of results (%(default)s)"
    )


def add_export(commands) -> None:
    """`export` takes a platform, and what belongs to the marks."""
    command = add_command(
        commands, "export", run_export, "write the marks for a platform, or the assignment for another grader"
    )
    add_results(command)
    command.add_argument(
        "--to", required=True, choices=[*export.FORMATS, *GRADERS], help="the platform or the grader"
    )
    command.add_argument(
        "--roster",
        type=Path,
        metavar="FILE",
        help="CSV with id, name, email, login, section (without it, the course's roster.csv)",
    )
    command.add_argument(
        "--manual",
        type=Path,
        metavar="FILE",
        help="CSV with submission, points: what you graded by hand; it is added",
    )
    command.add_argument("--assignment", metavar="aNN", help="the assignment, for gradescope and nbgrader")
    command.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="file to write (marks-FORMAT.csv, aNN-autograder.zip, aNN.ipynb)",
    )


def run_export(args, course) -> int:
    """Write one file for a platform or a grader."""
    if args.to not in GRADERS:
        return export_marks(args, course)
    if not args.assignment:
        raise ValueError(f"--to {args.to} needs --assignment. Received none.")
    suffix, content = GRADERS[args.to]
    out = args.out or Path(f"{args.assignment}{suffix}")
    atomic_write(out, content(course, args.assignment))
    say(f"wrote {out}")
    return 0


def nbgrader_notebook(course, name: str) -> str:
    """The notebook of one assignment for nbgrader, as text."""
    import nbformat

    return nbformat.writes(nbgrader.source_notebook(course.assignment(name)))


GRADERS = {
    "gradescope": ("-autograder.zip", gradescope.autograder),
    "nbgrader": (".ipynb", nbgrader_notebook),
}


def export_marks(args, course) -> int:
    """Write the marks, and say which submissions need a look."""
    results = results_in(args.results, course)
    kinds = {result["assignment"] for result in results if result["status"] != "changed"}
    if len(kinds) > 1:
        raise ValueError(
            f"{args.results} must hold one assignment's results. It holds {', '.join(sorted(kinds))}."
        )
    students = students_for(args, course)
    assignment = course.assignment(kinds.pop())
    by_hand = assignment.header.get("manual_points", 0)
    manual = read_manual(args.manual, by_hand) if args.manual else None
    marks = marks_of(results, students, manual, by_hand)
    out = args.out or Path(f"marks-{args.to}.csv")
    atomic_write(out, export.FORMATS[args.to](marks, assignment.header["title"]))
    count = sum(mark.score is not None and bool(mark.student or not students) for mark in marks)
    say(f"wrote {out}: {count} marks")
    if without := [mark.submission for mark in marks if NO_POINTS in mark.reason]:
        say(f"{len(without)} without points by hand: {', '.join(without)}")
    if students:
        write_unmatched(marks, out)
    return 1 if any(result["status"] == "changed" for result in results) else 0


def students_for(args, course) -> list[dict]:
    """The students of the roster; plain CSV can do without one."""
    path = args.roster or (course.folder / "roster.csv" if course.folder else None)
    if args.to != "csv" and not path:
        raise ValueError(f"--to {args.to} needs --roster, a CSV with id, name, email, login, section.")
    return roster.read(path) if path else []


def write_unmatched(marks: list[Mark], out: Path) -> None:
    """Write the marks that no platform can take into a file beside `out`, if there are any, and list them."""
    if unmatched := export.unmatched(marks):
        beside = out.with_name(f"{out.stem}-unmatched.csv")
        atomic_write(beside, export.plain_csv(unmatched, ""))
        say(f"wrote {beside}: {len(unmatched)} to look at")
        say(*(f"  {plain(mark.submission, NAME)}: {mark.reason}" for mark in unmatched))


def add_feedback(commands) -> None:
    """`feedback` takes how much to show."""
    command = add_command(commands, "feedback", run_feedback, "write one page for every student")
    add_results(command)
    command.add_argument(
        "--show",
        choices=courses.POLICIES,
        help="how much to show of hidden tests (without it, the course's choice)",
    )
    command.add_argument(
        "--out",
        type=Path,
        default=Path("feedback"),
        metavar="FOLDER",
        help="folder to write into (%(default)s)",
    )


def run_feedback(args, course) -> int:
    """Write a page for every result that verifies, and name what has none."""
    results = results_in(args.results, course)
    args.out.mkdir(parents=True, exist_ok=True)
    good = [result for result in results if result["status"] != "changed"]
    written = sum(write_page(result, args, course) for result in good)
    say(f"{written} pages in {args.out}")
    return 0 if written == len(results) else 1


def write_page(result: dict, args, course) -> bool:
    """Write one page. Where that fails, say why and return False: the others get theirs."""
    path = args.out / file_name(result["submission"], ".html")
    try:
        title = course.assignment(result["assignment"]).header["title"]
        atomic_write(path, page(result, title, args.show or course.show))
    except (OSError, ValueError) as error:
        say(f"{path}: there is no page: {getattr(error, 'strerror', None) or error}.", error=True)
        return False
    return True
