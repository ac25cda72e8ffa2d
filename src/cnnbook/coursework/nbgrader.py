"""An assignment as a source notebook for nbgrader.

`nbgrader generate_assignment` takes the solutions and hidden tests out of it. When it grades, a hidden test
runs in the notebook's own process, beside the student's code, so that a student can reach both. `grade` keeps
them apart.
"""

import os

from cnnbook.coursework import course as courses
from cnnbook.coursework.source import FOR_INSTRUCTORS, Assignment, helpers, opening
from cnnbook.coursework.student import OwnProcess, Student
from cnnbook.coursework.testing import run_tests, tests_of

HIDDEN = """# {title}
### BEGIN HIDDEN TESTS
from cnnbook.coursework.nbgrader import graded

graded("{assignment}", "{test}", globals())
### END HIDDEN TESTS"""


def source_notebook(assignment: Assignment):
    """The notebook to put into a course's source/ folder."""
    import nbformat.v4 as v4

    cells = [locked(v4.new_markdown_cell(opening(assignment)), "opening")]
    cells.append(locked(v4.new_code_cell(helpers()), "helpers"))
    for number, (kind, text, tags) in enumerate(assignment.cells):
        if tags & FOR_INSTRUCTORS:
            continue
        cell = v4.new_code_cell(text) if kind == "code" else v4.new_markdown_cell(text)
        name = f"cell-{number}"
        if "answer" in tags:
            set_marks(cell, name, solution=True)
        elif "manual" in tags:
            points = next(int(tag.split("-")[1]) for tag in tags if tag.startswith("points-"))
            set_marks(cell, name, solution=True, grade=True, points=points)
        else:
            locked(cell, name)
        cells.append(cell)
    for test in tests_of(assignment.tests):
        title = " ".join(test.__doc__.split())
        text = HIDDEN.format(title=title, assignment=assignment.id, test=test.__name__)
        cells.append(
            set_marks(v4.new_code_cell(text), test.__name__, grade=True, locked=True, points=test.points)
        )
    for number, cell in enumerate(cells):
        cell["id"] = f"{assignment.id}-{number:02d}"
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": python})


def set_marks(cell, name, *, solution=False, grade=False, locked=False, points=None):
    """Give a cell nbgrader's marks."""
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": name,
        "solution": solution,
        "grade": grade,
        "locked": locked,
        "task": False,
        **({"points": points} if grade else {}),
    }
    return cell


def locked(cell, name):
    """A cell that students read and cannot change."""
    return set_marks(cell, name, locked=True)


def graded(assignment: str, test: str, names: dict) -> None:
    """Run one hidden test on the names of this notebook; nbgrader takes an error for a failed test.

    The course is the folder that CNNBOOK_COURSE names, or the public one.
    """
    course = courses.load(os.environ.get("CNNBOOK_COURSE"))
    ours = course.assignment(assignment)

    def start():  # the notebook's own names, also where a test asks for a fresh process
        place = OwnProcess(lambda: student)
        place.session.names = names
        return place

    student = Student(b"", ".py", start)
    wanted = [each for each in tests_of(ours.tests) if each.__name__ == test]
    (outcome,) = run_tests(wanted, student, course.seed, ours.variant)
    if outcome["reason"]:
        raise AssertionError(f"{outcome['title']} What was wrong: {outcome['reason']}.")
