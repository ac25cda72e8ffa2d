"""How long a function, how full a module, how long a file may be: what fits in a reader's head."""

import ast
import io
import tokenize

import pytest
from support.project_files import ROOT

SRC = ROOT / "src" / "cnnbook"
MODULES = sorted(SRC.rglob("*.py"))
FUNCTION_LINES, PUBLIC_NAMES, FILE_LINES = 40, 12, 350

LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def code_lines(source):
    """The numbers of the lines that hold code: no docstrings, comments or blank lines."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if text and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    return lines - {source.count("\n") + 1}


def faults(path, source):
    """Say where the module goes over a budget."""
    lines, tree = code_lines(source), ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            length = len(lines & set(range(node.lineno, node.end_lineno + 1)))
            if length > FUNCTION_LINES:
                yield f"{path}: {node.name} has {length} lines of code, at most {FUNCTION_LINES}"
    public = [
        node.name
        for node in tree.body
        if isinstance(node, FUNCTIONS | ast.ClassDef) and not node.name.startswith("_")
    ]
    if len(public) > PUBLIC_NAMES:
        yield f"{path}: defines {len(public)} public names, at most {PUBLIC_NAMES}: {', '.join(public)}"
    if source.count("\n") > FILE_LINES:
        yield f"{path}: has {source.count(chr(10))} lines, at most {FILE_LINES}"


def test_every_module_keeps_the_budgets():
    wrong = [
        fault
        for path in MODULES
        for fault in faults(path.relative_to(SRC).as_posix(), path.read_text("utf-8"))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def f():\n" + "    x = 1\n" * 41, "f has 42 lines"),
        ("class A:\n    def f(self):\n" + "        x = 1\n" * 41, "f has 42 lines"),
        ("".join(f"def f{i}(): pass\n" for i in range(13)), "defines 13 public names"),
        ("\n" * 351, "has 351 lines"),
    ],
)
def test_a_planted_excess_is_caught(source, fault):
    assert [fault in found for found in faults("planted.py", source)] == [True]


def test_docstrings_comments_blank_lines_and_private_names_are_free():
    lines = ['"""Text.', "", 'More."""', "", 'x = """a', 'b"""  # why', "", "", "# Why.", "def f():"]
    lines += ['    """Doc."""', "    return (", "        1)", ""]
    assert code_lines("\n".join(lines)) == {5, 6, 10, 12, 13}
    assert list(faults("a.py", "".join(f"def _f{i}(): pass\n" for i in range(20)))) == []
