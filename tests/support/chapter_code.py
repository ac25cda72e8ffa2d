"""Runs a chapter's code as the book does, once for each process, and hands over the names it made."""

import ast
import functools
import io
import os
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import jupytext

ROOT = Path(__file__).parents[2]


class Run:
    """A chapter that has run: `run["x"]` is what its cells left in x, `run.printed` what they printed."""

    def __init__(self, names: dict[str, Any], printed: list[str], text: str = ""):
        self.names, self.printed = names, printed
        self.text = " ".join(text.split())  # its source, whatever the line breaks

    def __getitem__(self, name: str) -> Any:
        return self.names[name]


@functools.cache
def run_of(chapter: str) -> Run:
    """Run the chapter's cells in order; one tagged raises-exception must raise, any other must not."""
    text = (ROOT / "chapters" / f"{chapter}.md").read_text("utf-8")
    names, printed, before = {"__name__": f"chapter_{chapter}"}, [], Path.cwd()
    os.chdir(ROOT / "chapters")
    try:
        with warnings.catch_warnings():  # of the whole page: a filter that it sets lasts to its end
            warnings.simplefilter("default")
            for number, cell in enumerate(jupytext.reads(text, fmt="md:myst").cells):
                if cell.cell_type == "code":
                    run_cell(chapter, number, cell, names, printed)
    finally:
        os.chdir(before)
    return Run(names, printed, text)


def run_cell(chapter, number, cell, names, printed):
    """Run one cell in `names`, as a notebook would but without showing anything."""
    code = compile(ast.parse(cell.source), f"<{chapter}, cell {number}>", "exec")
    out, must_raise = io.StringIO(), "raises-exception" in cell.metadata.get("tags", [])
    with redirect_stdout(out):
        try:
            exec(code, names)
        except Exception:
            if not must_raise:
                raise
        else:
            if must_raise:
                raise AssertionError(f"{chapter}, cell {number} must raise an exception. It did not.")
    printed.append(out.getvalue())
