"""Does anything that is handed out hold a solution or a hidden test?

Every line of the solutions and hidden tests that is long enough to be telling, and that stands nowhere in
what students may see, is looked for in every file: in text, HTML without its tags, decoded JSON, and zips.
"""

import html
import io
import json
import re
import zipfile
from pathlib import Path

from cnnbook.coursework.source import SOLUTION, Assignment, helpers, without_solutions

TELLING = 24  # a line with fewer characters, blanks not counted, may stand anywhere by chance
MARKERS = ("### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS")
PUBLIC = ("src/cnnbook", "chapters")


def secrets_of(assignments: list[Assignment], public: str = "") -> dict[str, str]:
    """The telling lines without their blanks, and where each comes from."""
    handed_out = "".join(without_solutions(one.text.split("## Rubric")[0]) for one in assignments)
    seen, found = squeezed(public + helpers() + handed_out), {}
    for assignment in assignments:
        solutions = "\n".join(body for _, body in SOLUTION.findall(assignment.text))
        sources = {"solution": solutions, "rubric": "\n".join(rubric_of(assignment))}
        sources |= {path.name: path.read_text("utf-8") for path in assignment.tests}
        sources["mutants.py"] = assignment.file("mutants.py").read_text("utf-8")
        for name, text in sources.items():
            for line in text.splitlines():
                short = squeezed(line)
                if (
                    len(short) >= TELLING
                    and short not in seen
                    and not line.strip().startswith(("import", "from"))
                ):
                    found[short] = f"{assignment.id} {name}: {line.strip()[:60]}"
    return found


def rubric_of(assignment: Assignment) -> list[str]:
    """The text of cells that only instructors see."""
    return [text for kind, text, tags in assignment.cells if tags & {"rubric", "solution-note"}]


def book_text(root: Path) -> str:
    """What the book itself shows everybody: its library and its chapters."""
    files = [
        path for top in PUBLIC for path in sorted((root / top).rglob("*.*")) if path.suffix in (".py", ".md")
    ]
    return "\n".join(path.read_text("utf-8") for path in files)


def squeezed(text: str) -> str:
    """Text without blanks, so that line breaks and indents do not hide it."""
    return re.sub(r"\s+", "", text)


def views(name: str, content: bytes):
    """The ways a file can be read, as (name, text): as it is, without HTML's tags, decoded, unzipped."""
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from views(f"{name}!{member}", archive.read(member))
        return
    if b"\0" in content[:2000]:
        return
    text = content.decode("utf-8", errors="replace")
    yield name, text
    if name.endswith((".html", ".htm", ".svg", ".ipynb", ".md", ".js")):
        yield name, html.unescape(re.sub(r"<[^>]*>", "", text))
    if name.endswith((".json", ".ipynb")):
        try:
            yield name, "\n".join(strings(json.loads(text)))
        except ValueError:
            return


def strings(value):
    """Every string inside decoded JSON; the lines of a notebook's cell are put together.

    >>> list(strings({"a": ["x = ", "1"], "b": 2}))
    ['x = 1']
    """
    if isinstance(value, str):
        yield html.unescape(re.sub(r"<[^>]*>", "", value)) if "<" in value else value
    elif isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        yield "".join(value)
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def leaks_in(folders: list[Path], secrets: dict[str, str]) -> list[str]:
    """What leaks, one sentence for each file and line.

    Parameters
    ----------
    folders : folders or files to look through. secrets : see `secrets_of`.
    """
    found = []
    for top in folders:
        for path in [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file()):
            for name, text in views(path.as_posix(), path.read_bytes()):
                short = squeezed(text)
                found += [f"{name} holds {where}" for line, where in secrets.items() if line in short]
                found += [f"{name} holds {marker!r}" for marker in MARKERS if squeezed(marker) in short]
    return list(dict.fromkeys(found))  # each sentence once, however many views show it
