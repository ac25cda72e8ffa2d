"""An assignment's source, and the notebooks made from it: one for students, one for instructors.

coursework/a02_convolution/source.md         a MyST text notebook below a YAML head, see `read`
                           hidden_tests.py   graded
                           mutants.py        named wrong answers
_build/coursework/student/a02.ipynb, .md     without solutions
                  instructor/a02.ipynb, .md  with solutions, rubric and hidden tests
"""

import inspect
import json
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from cnnbook.coursework import visible
from cnnbook.files import atomic_write

ROOT = Path(__file__).parents[3] / "coursework"
FOR_INSTRUCTORS = {"rubric", "solution-note"}
SOLUTION = re.compile(
    r"^([ \t]*)### BEGIN SOLUTION[^\n]*\n(.*?)^[ \t]*### END SOLUTION[^\n]*$", re.DOTALL | re.MULTILINE
)
TEXTS = ("title", "subject", "objective", "chapter")
NEEDED = (*TEXTS, "minutes", "points")


@dataclass(frozen=True)
class Assignment:
    """One assignment as a course has it.

    header : the YAML head between the --- lines. text : the source below it, for this variant.
    folders : where its files are, the course's own folder last. variant : its settings.
    """

    id: str
    header: dict
    text: str
    folders: tuple[Path, ...]
    variant: dict

    @property
    def tests(self) -> list[Path]:
        """Hidden tests: every *_tests.py; a file in the course's own folder replaces one of the same name."""
        files = {path.name: path for folder in self.folders for path in sorted(folder.glob("*_tests.py"))}
        return list(files.values())

    def file(self, name: str) -> Path:
        """The file `name`, the course's own if it has one."""
        return next(f / name for f in reversed(self.folders) if (f / name).exists())

    @property
    def cells(self) -> list[tuple[str, str, set]]:
        """The source's cells as (kind, text, tags)."""
        import jupytext

        notebook = jupytext.reads(self.text, fmt="md:myst")
        return [(c.cell_type, c.source, set(c.metadata.get("tags", []))) for c in notebook.cells]

    @property
    def solution(self) -> str:
        """All code of the solution as one Python file."""
        return "\n\n".join(
            text for kind, text, tags in self.cells if kind == "code" and "visible-test" not in tags
        )

    @property
    def blank(self) -> str:
        """The same file as a student receives it."""
        return without_solutions(self.solution)


def find(root: Path = ROOT, overlay: Path | None = None) -> list[str]:
    """The ids of all assignments, in order: ["a01", "a02", ...]."""
    folders = [folder for top in (root, overlay) if top and top.is_dir() for folder in top.glob("a[0-9]*_*")]
    return sorted({folder.name.split("_")[0] for folder in folders if folder.is_dir()})


def read(
    name: str, root: Path = ROOT, overlay: Path | None = None, variant: dict | None = None
) -> Assignment:
    """Read one assignment.

    Parameters
    ----------
    name : "a02". root : the folder of all assignments. overlay : a course's private folder of the same shape.
    variant : settings to change, of those the header's `variants` offers; the first of each is the default.

    Raises
    ------
    ValueError : if there is no such assignment, its head is not YAML or lacks what is needed, or the head
        does not offer this variant.
    """
    folders = tuple(
        f for top in (root, overlay) if top and top.is_dir() for f in sorted(top.glob(f"{name}_*"))
    )
    if not folders:
        there = ", ".join(find(root, overlay)) or f"none in {root}"
        raise ValueError(f"an assignment must be one of: {there}. Received {name!r}.")
    path = next(folder / "source.md" for folder in reversed(folders) if (folder / "source.md").exists())
    head, _, text = path.read_text("utf-8").removeprefix("---\n").partition("\n---\n")
    header = read_head(head, f"{path.name} of {name}")
    offered = header.get("variants", {})
    settings = {key: choices[0] for key, choices in offered.items()}
    for key, value in (variant or {}).items():
        if value not in offered.get(key, ()):
            raise ValueError(f"{name} has no variant {key}={value!r}. It offers {json.dumps(offered)}.")
        settings[key] = value
    return Assignment(name, header, for_variant(text, settings), folders, settings)


def read_head(head: str, where: str) -> dict:
    """What the YAML head of a source says.

    >>> head = "title: Pool\\nsubject: pooling\\nobjective: p\\nchapter: pooling\\nminutes: 90\\npoints: 9"
    >>> read_head(head, "source.md")["minutes"]
    90

    Raises
    ------
    ValueError : if it is not YAML, or lacks what is needed.
    """
    try:
        header = yaml.safe_load(head)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{where} must begin with a YAML head between two lines of ---. It cannot be read: {reason}. "
            "Put a text that holds a colon or a quote into quotes."
        ) from None
    if not isinstance(header, dict):
        raise ValueError(
            f"{where} must begin with a YAML head between two lines of ---, such as title: Pooling. "
            f"Received {head[:40]!r}."
        )
    if missing := [key for key in NEEDED if key not in header]:
        raise ValueError(f"{where} needs a head with {', '.join(missing)}.")
    if wrong := [key for key in TEXTS if not isinstance(header[key], str)]:
        raise ValueError(f"{where}: {wrong[0]} must be a text, in quotes. Received {header[wrong[0]]!r}.")
    if type(header["points"]) not in (int, float):
        raise ValueError(f"{where}: points must be a number. Received {header['points']!r}.")
    return header


def for_variant(text: str, settings: dict) -> str:
    """Keep the lines of this variant: those between `@if key=value` and `@end`, and all outside.

    >>> text = "a\\n@if kernel=flipped\\nb\\n@end\\n@if kernel=as it is\\nc\\n@end\\n"
    >>> for_variant(text, {"kernel": "flipped"})
    'a\\nb\\n'
    """

    def keep(match):
        key, value, body = match.groups()
        return body if settings.get(key) == value else ""

    return re.sub(r"^@if (\w+)=(.*)\n((?:.*\n)*?)@end\n", keep, text, flags=re.MULTILINE)


def functions_of(assignment: Assignment) -> list[str]:
    """The names that a student has to write, in order."""
    answers = "\n".join(text for kind, text, tags in assignment.cells if kind == "code" and "answer" in tags)
    return re.findall(r"^(?:def|class) (\w+)", answers, flags=re.MULTILINE)


def given(assignment: Assignment) -> list[str]:
    """The code cells that are there to be used: neither answers nor checks."""
    return [
        text
        for kind, text, tags in assignment.cells
        if kind == "code" and not tags & {"answer", "visible-test"}
    ]


def without_solutions(code: str) -> str:
    """Replace every solution by a line that says it is missing.

    >>> print(without_solutions("def f(x):\\n    ### BEGIN SOLUTION\\n    return x\\n    ### END SOLUTION"))
    def f(x):
        # YOUR CODE HERE
        raise NotImplementedError
    """
    return SOLUTION.sub(r"\1# YOUR CODE HERE\n\1raise NotImplementedError", code)


def helpers() -> str:
    """The source of the helpers that a student's notebook carries, without examples."""
    functions = (visible.compare, visible.slopes, visible.check)
    code = "\n\n".join(inspect.getsource(function) for function in functions)
    code = re.sub(
        r"\n\n    Examples\n.*?(?=\n    \"\"\")|\n\n    >>> .*?(?=\n    \"\"\")", "", code, flags=re.DOTALL
    )
    return f"# Helpers for the checks below: nothing to write here.\nimport numpy as np\n\n\n{code}"


def notebook(assignment: Assignment, kind: str):
    """The notebook of an assignment for `kind`, "student" or "instructor"."""
    import nbformat.v4 as v4

    cells = [v4.new_markdown_cell(opening(assignment))]
    started = False
    for cell_kind, text, tags in assignment.cells:
        if kind == "student" and tags & FOR_INSTRUCTORS:
            continue
        if cell_kind == "code" and not started:
            cells.append(v4.new_code_cell(helpers(), metadata={"tags": ["given", "hide-input"]}))
            started = True
        if cell_kind == "code" and kind == "student":
            text = without_solutions(text)
        new = v4.new_code_cell if cell_kind == "code" else v4.new_markdown_cell
        cells.append(new(text, metadata={"tags": sorted(tags)} if tags else {}))
    if kind == "instructor":
        for path in assignment.tests:
            cells.append(
                v4.new_markdown_cell(
                    f"## Hidden tests: {path.name}\n\n```python\n{path.read_text('utf-8')}```"
                )
            )
    for number, cell in enumerate(cells):
        cell["id"] = f"{assignment.id}-{number:02d}"  # the same in every build
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": python, "assignment": assignment.id})


def opening(assignment: Assignment) -> str:
    """Title, objective, time, and how to hand in."""
    head, number = assignment.header, assignment.id[1:].lstrip("0")
    return (
        f"# Assignment {number}: {head['title']}\n\n"
        f"**You will be able to** {head['objective']}. "
        f"About {head['minutes']} minutes, after the chapter *{head['chapter'].replace('_', ' ')}*. "
        "You need Python and NumPy.\n\n"
        "Write your code where it says `YOUR CODE HERE`, keep the names of the functions, and hand in this "
        "notebook. The checks below each task show you how far you are; the tests that grade you ask for the "
        "same things of other inputs. They read your functions, classes, imports and constants, no outputs."
    )


def build(assignments: list[Assignment], folder: Path) -> list[Path]:
    """Write the notebooks of all assignments for both kinds into `folder`, as .ipynb and as MyST .md."""
    import jupytext
    import nbformat

    written = []
    for kind in ("student", "instructor"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for assignment in assignments:
            made = notebook(assignment, kind)
            for suffix, text in (
                ("ipynb", nbformat.writes(made) + "\n"),
                ("md", jupytext.writes(made, fmt="md:myst")),
            ):
                path = folder / kind / f"{assignment.id}.{suffix}"
                atomic_write(path, text)
                written.append(path)
    return written
