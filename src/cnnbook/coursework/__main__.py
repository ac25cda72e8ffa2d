"""The commands of `python -m cnnbook.coursework`."""

import argparse
import sys
import time
from pathlib import Path

from cnnbook.coursework import course as courses
from cnnbook.coursework import export, gradescope, nbgrader, roster, source
from cnnbook.coursework.check import check_assignment
from cnnbook.coursework.feedback import page
from cnnbook.coursework.file_names import file_name
from cnnbook.coursework.grade import grade_all, jobs_for, line_for, refusal
from cnnbook.coursework.leaks import book_text, leaks, secrets_of
from cnnbook.coursework.sandbox import IsolationError, Limits, Process
from cnnbook.coursework.student import Student, StudentError
from cnnbook.files import atomic_write

BUILT = Path("_build/coursework")


def parser() -> argparse.ArgumentParser:
    """All commands with their helps."""
    top = argparse.ArgumentParser(
        prog="python -m cnnbook.coursework",
        description="Build assignments, grade them in isolation, hand the marks on. "
        "Every command explains itself: COMMAND --help.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, help, *, course=True):
        one = commands.add_parser(name, help=help, description=help)
        if course:
            one.add_argument(
                "--course", metavar="FOLDER", help="your course's folder (see new); else the public one"
            )
            one.add_argument(
                "--seed-file",
                metavar="FILE",
                help="file with a secret of at least 16 characters, instead of the course's seed",
            )
        return one

    one = command("list", "list the assignments")
    one = command("new", "make a course's folder with a secret seed of its own", course=False)
    one.add_argument("folder", help="where; it must not be a course yet")
    one = command("build", "make the notebooks for students and for instructors")
    one.add_argument(
        "--out", type=Path, default=BUILT, metavar="FOLDER", help="folder to write into (%(default)s)"
    )
    one = command(
        "check",
        "is an assignment fit to be given: the solution earns every point, thoughtless answers none, "
        "and every named mistake and random change costs points",
    )
    one.add_argument("assignments", nargs="*", metavar="aNN", help="which (all)")
    one = command("leaks", "look for solutions and hidden tests in what you are about to hand out")
    one.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="folders, files, zips")
    one = command("grade", "grade a folder of submissions; start it again and it goes on where it stopped")
    one.add_argument("submissions", type=Path, help="folder with .ipynb, .py or .md files")
    one.add_argument("--assignment", required=True, metavar="aNN", help="which assignment they are")
    one.add_argument(
        "--out",
        type=Path,
        default=Path("results"),
        metavar="FOLDER",
        help="folder to write into, one JSON file for each (%(default)s)",
    )
    one.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="how many at the same time (%(default)s)"
    )
    one.add_argument("--shard", default="1/1", metavar="I/N", help="grade only part I of N, for N machines")
    how = one.add_mutually_exclusive_group()
    how.add_argument(
        "--isolation",
        choices=["auto", "bwrap", "uid"],
        default="auto",
        help="bubblewrap, or a user of its own inside a disposable container (%(default)s: bubblewrap)",
    )
    how.add_argument(
        "--unsafe",
        action="store_true",
        help="no isolation: students' code can read your files, the hidden tests too, and use your network",
    )
    one = command("export", "write the marks for a platform, or the assignment for another grader")
    one.add_argument(
        "results", nargs="?", type=Path, default=Path("results"), help="folder of results (%(default)s)"
    )
    one.add_argument(
        "--to", required=True, choices=[*export.FORMATS, "gradescope", "nbgrader"], help="for what"
    )
    one.add_argument(
        "--roster",
        type=Path,
        metavar="FILE",
        help="CSV with id, name, email, login, section (the course's)",
    )
    one.add_argument(
        "--manual",
        type=Path,
        metavar="FILE",
        help="CSV with submission, points: what you graded by hand; it is added",
    )
    one.add_argument("--assignment", metavar="aNN", help="for gradescope and nbgrader: which")
    one.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="file to write (marks-FORMAT.csv, aNN-autograder.zip, aNN.ipynb)",
    )
    one = command("feedback", "write one page for every student")
    one.add_argument(
        "results", nargs="?", type=Path, default=Path("results"), help="folder of results (%(default)s)"
    )
    one.add_argument(
        "--show", choices=courses.POLICIES, help="how much of hidden tests (the course's choice)"
    )
    one.add_argument(
        "--out",
        type=Path,
        default=Path("feedback"),
        metavar="FOLDER",
        help="folder to write into (%(default)s)",
    )
    one = command("try", "for students: what the grader will read of your notebook, and the visible checks")
    one.add_argument("notebook", type=Path, help="your notebook")
    one.add_argument("--assignment", required=True, metavar="aNN", help="which assignment it is")
    return top


def do_list(args, course):
    for one in course.assignments():
        head = one.header
        print(f"{one.id}  {head['title']}  ({head['points']} points, about {head['minutes']} minutes)")


def do_new(args, course):
    for path in courses.new(args.folder):
        print(f"wrote {path}")
    print("Keep the seed, and keep it to yourself: it decides what is asked.")


def do_build(args, course):
    written = source.build(course.assignments(), args.out)
    for kind in ("student", "instructor"):
        print(f"{sum(p.parent.name == kind for p in written)} files in {args.out / kind}")


def do_check(args, course):
    faults = 0
    for name in args.assignments or source.find(course.root, course.overlay):
        start = time.monotonic()
        found = check_assignment(course.assignment(name))
        verdict = f"{len(found.faults)} faults" if found.faults else "fit to be given"
        print(
            f"{name}: {verdict}; {found.mutants} mutants and {found.changes} changes tried",
            *found.faults,
            sep="\n  ",
        )
        print(f"  {time.monotonic() - start:.0f} s", file=sys.stderr)
        faults += len(found.faults)
    return 1 if faults else 0


def do_leaks(args, course):
    if missing := [str(folder) for folder in args.folders if not folder.exists()]:
        raise ValueError(f"leaks needs folders and files that exist. Received {', '.join(missing)}.")
    found = leaks(args.folders, secrets_of(course.assignments(), book_text(source.ROOT.parent)))
    print(*found, f"{len(found)} leaks" if found else "nothing leaks", sep="\n")
    return 1 if found else 0


def do_grade(args, course):
    way = "unsafe" if args.unsafe else args.isolation
    if args.jobs < 1:
        raise ValueError(f"--jobs must be at least 1. Received {args.jobs}.")
    if args.unsafe:
        print("Not isolated: students' code runs as you.", file=sys.stderr)
    if not course.secret:
        print("The public seed: students can know the inputs. Make a course with `new`.", file=sys.stderr)
    jobs = jobs_for(args.submissions, args.out, args.assignment, course, way, args.shard)
    results = grade_all(jobs, threads=args.jobs)
    odd = [result for result in results if result["status"] != "graded"]
    print(f"{len(results) - len(odd)} graded, {len(odd)} not; results in {args.out}")
    for result in odd:
        print(f"  {line_for(result)}")
    return 1 if any(result["status"] == "failed" for result in results) else 0


def do_export(args, course):
    if args.to in ("gradescope", "nbgrader"):
        if not args.assignment:
            raise ValueError(f"--to {args.to} needs --assignment. Received none.")
        if args.to == "gradescope":
            out = args.out or Path(f"{args.assignment}-autograder.zip")
            atomic_write(out, gradescope.autograder(course, args.assignment))
        else:
            import nbformat

            out = args.out or Path(f"{args.assignment}.ipynb")
            atomic_write(out, nbformat.writes(nbgrader.source_notebook(course.assignment(args.assignment))))
        print(f"wrote {out}")
        return 0
    results = export.results_in(args.results)
    kinds = {result["assignment"] for result in results}
    if len(kinds) > 1:
        raise ValueError(
            f"{args.results} must hold one assignment's results. It holds {', '.join(sorted(kinds))}."
        )
    list_of_students = args.roster or (course.folder / "roster.csv" if course.folder else None)
    if args.to != "csv" and not list_of_students:
        raise ValueError(f"--to {args.to} needs --roster, a CSV with id, name, email, login, section.")
    students = roster.read(list_of_students) if list_of_students else []
    assignment = course.assignment(kinds.pop())
    by_hand = assignment.header.get("manual_points", 0)
    manual = roster.read_manual(args.manual, by_hand) if args.manual else None
    rows = roster.rows(results, students, manual, by_hand)
    out = args.out or Path(f"marks-{args.to}.csv")
    atomic_write(out, export.FORMATS[args.to](rows, assignment.header["title"]))
    marks = sum(row.score is not None and bool(row.student or not students) for row in rows)
    print(f"wrote {out}: {marks} marks")
    if without := [row.submission for row in rows if roster.NO_POINTS in row.reason]:
        print(f"{len(without)} without points by hand: {', '.join(without)}")
    if students and (loose := export.unmatched(rows)):
        beside = out.with_name(f"{out.stem}-unmatched.csv")
        atomic_write(beside, export.plain(loose, ""))
        print(f"wrote {beside}: {len(loose)} to look at")
        for row in loose:
            print(f"  {row.submission}: {row.reason}")
    return 0


def do_feedback(args, course):
    results = export.results_in(args.results)
    args.out.mkdir(parents=True, exist_ok=True)
    for result in results:
        title = course.assignment(result["assignment"]).header["title"]
        path = args.out / file_name(result["submission"], ".html")
        atomic_write(path, page(result, title, args.show or course.show))
    print(f"{len(results)} pages in {args.out}")


def do_try(args, course):
    assignment = course.assignment(args.assignment)
    if not args.notebook.is_file():
        raise ValueError(f"try needs your notebook. There is no file {args.notebook}.")
    if reason := refusal(args.notebook):
        raise ValueError(f"{args.notebook} would not be graded: {reason}")
    limits = Limits(seconds=120, total=300, memory=0)
    student = Student(
        args.notebook.read_bytes(), args.notebook.suffix, lambda: Process("unsafe", limits), limits
    )
    try:
        wanted = source.functions_of(assignment)
        there = [name for name in wanted if name in student.names]
        print(
            f"The grader finds {len(there)} of {len(wanted)} functions and classes.",
            *(f"  {name} is missing" for name in wanted if name not in there),
            *student.notes,
            sep="\n",
        )
        cells = [text for kind, text, tags in assignment.cells if kind == "code" and "visible-test" in tags]
        print(student.run_cells([source.helpers(), *source.given(assignment), *cells]), end="")
    except StudentError as error:
        print(f"The checks stopped: {error}")
        return 1
    finally:
        student.close()
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0 all well, 1 something to look at, 2 it could not start."""
    args = parser().parse_args(arguments)
    try:
        folder, seed_file = getattr(args, "course", None), getattr(args, "seed_file", None)
        course = courses.load(folder, seed_file)
        return globals()[f"do_{args.command}"](args, course) or 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"{args.command}: {where}{error.strerror or error}.", file=sys.stderr)
        return 2
    except (ValueError, IsolationError) as error:
        print(f"{args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
