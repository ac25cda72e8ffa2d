"""Assignments as pages of the book: each is made from its source when the book builds, without solutions.

The stub `chapters/assignment_02.md` becomes the page of assignment a02; where `chapters/assignments.md` says
`<!-- assignments -->` stands the table of all. The notebooks to download are put beside the pages.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

from cnnbook.coursework import source

STUB = re.compile(r"chapters/assignment_(\d\d)$")
TABLE = "<!-- assignments -->"
BUILT = "_build/coursework/student"  # where binder/postBuild makes the notebooks


def page(assignment, config):
    """The student's text as a page: code as text, and ways to get it as a notebook."""
    title, _, rest = source.opening(assignment).partition("\n\n")
    parts = [title, buttons(assignment.id, config), rest]
    for kind, text, tags in assignment.cells:
        if tags & source.FOR_INSTRUCTORS:
            continue
        if kind == "markdown":
            parts.append(text)
        else:
            parts.append(f"```python\n{source.without_solutions(text).strip()}\n```")
    parts.append(
        "The helpers `check`, `compare` and `slopes` stand in the notebook's first cell. What the grader "
        f"reads of your notebook: `python -m cnnbook.coursework try NOTEBOOK --assignment {assignment.id}`."
    )
    return "\n\n".join(parts) + "\n"


def buttons(name, config):
    """Links to the notebook: a file to download, and Binder, where it is made when it starts."""
    repository, branch = config["repository_url"], config["repository_branch"]
    owner, project = urlsplit(repository).path.strip("/").split("/")[-2:]
    hub = config["launch_buttons"]["binderhub_url"]
    binder = f"{hub}/v2/gh/{owner}/{project}/{branch}?urlpath=lab/tree/{BUILT}/{name}.ipynb"
    button = '<a class="btn btn-outline-primary" href='
    download = f'{button}"../_static/coursework/{name}.ipynb" download>Download the notebook</a>'
    return f'<p class="assignment-links">{download} {button}"{binder}">Open it on Binder</a></p>'


def table(assignments):
    """All assignments with their objectives, for students and instructors to choose from."""
    lines = ["| assignment | you will be able to | minutes | points |", "|---|---|---|---|"]
    for one in assignments:
        head, hand = one.header, one.header.get("manual_points", 0)
        points = f"{head['points']}" + (f" + {hand} by hand" if hand else "")
        link = f"[{head['title']}](assignment_{one.id[1:]}.md)"
        lines.append(f"| {link} | {head['objective']} | {head['minutes']} | {points} |")
    return "\n".join(lines)


def fill(app, docname, text):
    if found := STUB.match(docname):
        text[0] = page(source.read(f"a{found[1]}"), app.config.html_theme_options)
    elif TABLE in text[0]:
        text[0] = text[0].replace(TABLE, table([source.read(name) for name in source.find()]))


def put_notebooks(app, exception):
    """Put the students' notebooks where the pages' links lead."""
    if exception is None and app.builder.format == "html":
        import nbformat

        folder = Path(app.outdir) / "_static" / "coursework"
        folder.mkdir(parents=True, exist_ok=True)
        for name in source.find():
            text = nbformat.writes(source.notebook(source.read(name), "student"))
            (folder / f"{name}.ipynb").write_text(text + "\n", "utf-8")


def setup(app):
    app.connect("source-read", fill)
    app.connect("build-finished", put_notebooks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
