"""What every chapter keeps, whatever its subject: the template, the budget, clean cells, no typed results."""

import ast
import re
from statistics import median

import pytest
from support.project_files import ROOT, Chapter, chapters, project_files, toc_parts

# The template's fixed headings, in order; between Setup and Check yourself a chapter names its own parts.
OPENING = ["You will be able to", "Setup"]
CLOSING = ["Check yourself", "Exercises", "In short", "Next, and sources"]

# Typed numbers that no cell could compute: releases, licences, a setting in two conventions.
ALLOWED = {"3.11", "3.12", "3.13", "CC BY 4.0", "0.99 here is 0.01 there"}
TYPED = re.compile(r"\d[\d,]*\.\d+|\d+ ?(?:%|percent|per cent)")


def finished():
    """The chapters readers are led to: those in a numbered part of _toc.yml."""
    names = [name.split("/")[-1] for part, pages in toc_parts() if part.get("numbered") for name in pages]
    return [chapter for chapter in chapters() if chapter.name in names]


def template_faults(chapter):
    """Say what the chapter lacks of the template."""
    if len(chapter.headings(1)) != 1:
        yield f"needs one title, has {len(chapter.headings(1))}"
    parts = chapter.headings(2)
    if parts[: len(OPENING)] != OPENING:
        yield f"must open with {OPENING}, opens with {parts[: len(OPENING)]}"
    if parts[-len(CLOSING) :] != CLOSING:
        yield f"must close with {CLOSING}, closes with {parts[-len(CLOSING) :]}"
    middle = len(parts) - len(OPENING) - len(CLOSING)
    if not 5 <= middle <= 9:
        yield f"needs 5 to 9 parts between Setup and Check yourself, has {middle}"
    questions = chapter.body.split("## Check yourself")[-1].split("## Exercises")[0].count("{dropdown}")
    if not 3 <= questions <= 5:
        yield f"needs 3 to 5 questions with folded answers, has {questions}"
    exercises = re.findall(r"\{exercise\}.*\n:label: ([\w-]+)", chapter.body)
    solved = re.findall(r"\{solution-start\} ([\w-]+)", chapter.body)
    if not 4 <= len(exercises) <= 6 or exercises != solved:
        yield f"needs 4 to 6 exercises, each with its solution; has {exercises} and solves {solved}"


def budget_faults(chapter):
    """Say where the visible code goes over its budget: 10 to 20 cells, median 6 lines, none over 15."""
    lengths = [sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in chapter.visible_code]
    if not 10 <= len(lengths) <= 20:
        yield f"needs 10 to 20 visible cells, has {len(lengths)}"
    elif median(lengths) > 6:
        yield f"the median cell must have at most 6 lines, has {median(lengths)}"
    yield from (f"a visible cell has {length} lines, at most 15" for length in lengths if length > 15)


def glue_faults(chapter):
    """Say where the cells that no reader sees hold more than glue: at most 20 lines, and no assertion.

    What a page claims is asserted in tests/claims, or in a cell that the reader sees.
    """
    hidden = [cell.source for cell in chapter.code if "remove-cell" in cell.metadata.get("tags", [])]
    lines = sum(bool(line.strip()) for source in hidden for line in source.splitlines())
    if lines > 20:
        yield f"has {lines} lines in remove-cell cells, at most 20"
    for source in hidden:
        if any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source))):
            yield "asserts in a remove-cell cell: make it a named test in tests/claims"


def hygiene_faults(chapter):
    """Say what would keep the page from running top to bottom anywhere."""
    code = "\n".join(cell.source for cell in chapter.code)
    for pattern, name in (
        (r"\bpip install\b|%pip|%conda", "installs packages"),
        (r"\bsys\.path\b", "changes sys.path"),
        (r"^\s*[!%]", "uses notebook magics"),
        (r"\bnp\.random\.(?!default_rng|Generator)\w+", "uses NumPy's global generator"),
        (r"time\.sleep", "sleeps"),
    ):
        if re.search(pattern, code, flags=re.MULTILINE):
            yield name
    if chapter.code and not chapter.runs:
        yield "has code, so its header needs jupytext's format_name: myst and a kernelspec"
    if sum("raises-exception" in cell.metadata.get("tags", []) for cell in chapter.code) > 1:
        yield "raises more than one exception on purpose"


def typed_numbers(chapter):
    """Name the decimals and percentages that stand in the prose as if somebody had measured them."""
    prose = chapter.prose
    for allowed in ALLOWED:
        prose = prose.replace(allowed, "")
    return TYPED.findall(prose)


def faults(check, of):
    return [f"{chapter.name} {fault}" for chapter in of for fault in check(chapter)]


def test_every_chapter_is_in_the_table_of_contents_and_every_entry_exists():
    listed = sorted(name for _, pages in toc_parts() for name in pages)
    assert listed == sorted(f"chapters/{path.stem}" for path in (ROOT / "chapters").glob("*.md"))


def test_chapters_keep_the_template():
    assert finished()
    assert faults(template_faults, finished()) == []


def test_chapters_keep_their_cell_budget():
    assert faults(budget_faults, finished()) == []


def test_hidden_cells_hold_glue_and_nothing_else():
    assert faults(glue_faults, chapters()) == []


def test_every_chapter_that_readers_are_led_to_has_its_claims():
    claims = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "claims").glob("test_*.py")}
    assert {chapter.name for chapter in finished()} <= claims


def test_chapters_run_anywhere_from_top_to_bottom():
    assert faults(hygiene_faults, chapters()) == []


def test_no_chapter_types_a_decimal_or_a_percentage_that_a_cell_should_give():
    assert faults(typed_numbers, chapters()) == []


def test_no_notebook_with_outputs_is_part_of_the_project():
    assert [path for path in project_files() if path.suffix == ".ipynb"] == []


HEADER = """---
jupytext:
  text_representation:
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
# Title
"""
CELL = "```{code-cell} python\n%s\n```\n\n"
GOOD = (
    HEADER
    + "".join(f"## {name}\n" for name in [*OPENING, "See it", "Say it", "Build it", "Check it", "Use it"])
    + CELL % "x = 1" * 12
    + "## Check yourself\n"
    + ":::{dropdown} Why?\nBecause $1.5 > 1$ and `2.5` and {glue:}`ratio`.\n:::\n" * 3
    + "## Exercises\n"
    + "".join(
        f"```{{exercise}} One\n:label: ex-{i}\n```\n```{{solution-start}} ex-{i}\n```\n"
        + CELL % "y = 2"
        + "```{solution-end}\n```\n"
        for i in range(4)
    )
    + "## In short\n## Next, and sources\nIt needs Python 3.11.\n"
)


@pytest.mark.parametrize(
    "check", [template_faults, budget_faults, glue_faults, hygiene_faults, typed_numbers]
)
def test_a_chapter_as_it_should_be_passes(check):
    assert list(check(Chapter("good", GOOD))) == []


@pytest.mark.parametrize(
    ("check", "before", "after"),
    [
        (template_faults, "## Setup\n", ""),
        (template_faults, "## In short\n", ""),
        (template_faults, "## Build it\n", ""),
        (template_faults, "# Title\n", ""),
        (template_faults, ":::{dropdown} Why?", ":::{note} Why?"),
        (template_faults, "{solution-start} ex-3", "{solution-start} ex-9"),
        (budget_faults, CELL % "x = 1" * 12, CELL % "x = 1" * 9),
        (budget_faults, CELL % "x = 1" * 12, CELL % "x = 1" * 21),
        (budget_faults, CELL % "x = 1" * 12, CELL % ("x = 1\n" * 7) * 12),
        (budget_faults, CELL % "x = 1" * 12, CELL % "x = 1" * 12 + CELL % ("x = 1\n" * 16)),
        (glue_faults, "x = 1", ":tags: [remove-cell]\nassert 1 + 1 == 2"),
        (glue_faults, "x = 1", ":tags: [remove-cell]\n" + "x = 1\n" * 21),
        (hygiene_faults, "x = 1", "%pip install numpy"),
        (hygiene_faults, "x = 1", "import sys; sys.path.insert(0, 'src')"),
        (hygiene_faults, "x = 1", "!ls"),
        (hygiene_faults, "x = 1", "np.random.seed(0)"),
        (
            hygiene_faults,
            "kernelspec:\n  display_name: Python 3\n  language: python\n  name: python3\n",
            "author: me\n",
        ),
        (hygiene_faults, "x = 1", ":tags: [raises-exception]\nx = 1"),
        (typed_numbers, "It needs", "It reaches 0.891. It needs"),
        (typed_numbers, "It needs", "It reaches 89 %. It needs"),
        (typed_numbers, "It needs", "It is 12,345.6 times. It needs"),
        (typed_numbers, "It needs", ":::{note}\nIt reaches 89 percent.\n:::\nIt needs"),
    ],
)
def test_a_planted_fault_in_a_chapter_is_caught(check, before, after):
    assert before in GOOD
    assert list(check(Chapter("bad", GOOD.replace(before, after)))) != []
