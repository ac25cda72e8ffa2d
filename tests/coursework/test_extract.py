"""What is read of a submission: functions, classes, imports and constants, as they were written."""

import io
import json
import tokenize
from pathlib import Path

import pytest

from cnnbook.coursework.inside import extract as module
from cnnbook.coursework.inside.extract import extract


def notebook(*cells):
    """Cells as the bytes of a notebook."""
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}).encode()


def names(parts):
    """What the kept statements are called, and the values they give."""
    space = {}
    for cell, line, text in parts:
        exec(compile("\n" * (line - 1) + text, cell, "exec"), space)
    return {name: value for name, value in space.items() if name != "__builtins__"}


CODE = {
    "a remainder at the start of a line": "def f(a, b):\n    return (\n        a\n        % b\n    )\n",
    "a comparison as Black writes it": (
        "def f(a, b):\n    if (\n        a[0]\n        != b[0]\n    ):\n        return 1\n"
    ),
    "a text with a command in it": 'def f():\n    return """\n%d images\n!ls\n"""\n',
    "a remainder behind a backslash": "def f(a, b):\n    return a \\\n        % b\n",
}


@pytest.mark.parametrize("suffix", [".py", ".ipynb", ".md"])
@pytest.mark.parametrize("name", CODE)
def test_valid_python_is_read_as_it_was_written(name, suffix):
    source = CODE[name]
    content = {
        ".py": source.encode(),
        ".ipynb": notebook(source),
        ".md": f"```python\n{source}```\n".encode(),
    }[suffix]
    parts, notes = extract(content, suffix)
    assert notes == []
    (function,) = names(parts).values()
    if not function.__code__.co_argcount:
        assert function() == "\n%d images\n!ls\n"
    elif "!=" in source:
        assert function([1], [2]) == 1
    else:
        assert function(7, 4) == 3


@pytest.mark.parametrize("name", CODE)
def test_commands_to_the_notebook_are_left_out_and_the_code_beside_them_stays(name):
    commands = "%%time\n%matplotlib inline\n!pip install torch\n?print\nprint?\nfiles = !ls\n"
    inside = "def g():\n    %time print(1)\n    return 2\n"
    parts, notes = extract(notebook(commands + CODE[name] + inside), ".ipynb")
    assert notes == []
    found = names(parts)
    assert sorted(found) == ["f", "g"]
    assert found["g"]() == 2
    assert (
        found["f"].__code__.co_consts == names(extract(CODE[name].encode(), ".py")[0])["f"].__code__.co_consts
    )


def test_a_line_that_begins_with_a_comparison_is_no_command():
    parts, notes = extract(notebook("K = 1\n!= 2\n"), ".ipynb")
    assert parts == []
    assert "code cell 1 is not valid Python (line 2)" in notes[0]


def test_a_python_file_has_no_commands_and_a_cell_of_another_language_is_named():
    parts, notes = extract(b"%matplotlib inline\nK = 3\n", ".py")
    assert parts == []
    assert "the file is not valid Python (line 1)" in notes[0]
    parts, notes = extract(notebook("%%bash\nls -l *.py", "K = 3"), ".ipynb")
    assert names(parts) == {"K": 3}
    assert "code cell 1 is not valid Python (line 2)" in notes[0]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("H, W = 28, 28", {"H": 28, "W": 28}),
        ("[A, (B, *C)] = 1, (2, 3, 4)", {"A": 1, "B": 2, "C": [3, 4]}),
        ("a = b = 5", {"a": 5, "b": 5}),
    ],
)
def test_constants_may_be_set_together(line, kept):
    parts, notes = extract(line.encode(), ".py")
    assert (names(parts), notes) == (kept, [])


def test_a_lambda_is_a_function_like_any_other():
    parts, notes = extract(b"relu = lambda x: max(0, x)\nscale = lambda x, by=train(): by * x", ".py")
    assert notes == []
    assert names(parts)["relu"](-1) == 0
    assert len(parts) == 1


@pytest.mark.parametrize(
    "line",
    [
        "K = train()",
        "H, K = sizes(image)",
        "for K in range(3): pass",
        "K = 3\nK += 1",
        "K = [1]\nK[0] = 2",
        "K = [n for n in range(3)]",
    ],
)
def test_a_value_that_a_function_needs_and_that_is_left_out_is_named(line):
    function = "def f(x):\n    return [K * each for each in x]\n"
    _, notes = extract(notebook(function, line), ".ipynb")
    assert notes == [
        "code cell 2 computes K, and only plain values are read. Your code needs K: write its value down, "
        "or compute it inside the function."
    ]


@pytest.mark.parametrize(
    "head", ["def conv2d(x):", "class conv2d:\n        K = 1\n        def forward(self):"]
)
def test_a_function_inside_another_statement_is_left_out_and_named(head):
    _, notes = extract(notebook(f"if True:\n    {head}\n            K = 2\n", "def f(): return K"), ".ipynb")
    assert notes == [
        "code cell 1 defines conv2d inside another statement, and only the top level is read. "
        "Move conv2d to the top level."
    ]


def test_a_sum_of_thousands_of_terms_is_a_constant():
    parts, notes = extract(f"K = {'+'.join(['1'] * 2000)}\ndef f(): return 1".encode(), ".py")
    assert (len(parts), notes) == (2, [])


def test_what_no_function_needs_is_left_out_without_a_word():
    _, notes = extract(
        notebook(
            "def f(x):\n    total = 0\n    for i in range(9):\n        total += x[i]\n    return total\n",
            "total = f(x)\nfor i in range(3):\n    print(i)\nfig, ax = plt.subplots()",
        ),
        ".ipynb",
    )
    assert notes == []


def test_twenty_thousand_commands_in_one_cell_cost_neither_the_cell_nor_the_time(monkeypatch):
    scanned = []
    real = module.scan_line
    monkeypatch.setattr(module, "scan_line", lambda line, state: scanned.append(line) or real(line, state))
    lines = ["%time print(1)", "x = [1", "% 2]", "!ls"] * 5_000
    parts, notes = extract(notebook("\n".join([*lines, "def f():", "    return 1"])), ".ipynb")
    assert notes == []
    assert names(parts)["f"]() == 1
    assert len(scanned) <= len(lines) + 2  # no line is looked at twice


@pytest.mark.parametrize(
    "before",
    [
        "x = (",
        "x = [1, {2: (3,",
        'x = """',
        "x = '''\n\"\"\"",
        'x = r"""\\"""',
        "x = 1 + \\",
        'x = "a\\',
        'x = """a\\"""',
        "x = [  # a comment )]}",
        "x = ('#', \"]\", '''\n)''',",
        'x = ("\\"]",',
    ],
)
def test_no_line_inside_something_open_is_a_command(before):
    assert not complete(before.split("\n"))
    lines = module.beginnings([*before.split("\n"), "% y"])
    assert list(lines)[-1] is False


@pytest.mark.parametrize(
    "before",
    [
        "",
        "x = 1",
        "try:",
        "x = ()[1:]",
        'x = """a"""',
        "x = '''\n\"\"\"\n'''",
        'x = "#"  # it\'s ( a comment """',
        r'x = "\\"',
        r"x = '\''",
        'x = ""',
        'x = "a\\\nb"',
        "x = 1 + \\\n    2",
        'x = f"{1}"',
        'x = \'"""\'',
        "def f():\n    return (\n        1\n    )",
    ],
)
def test_a_line_after_something_closed_begins_a_statement(before):
    assert complete(before.split("\n"))
    assert list(module.beginnings([*before.split("\n"), "% y"]))[-1] is True


def complete(lines):
    """What Python's own tokenizer says: True if the next line begins a statement."""
    try:
        list(tokenize.generate_tokens(io.StringIO("\n".join([*lines, ""])).readline))
    except (tokenize.TokenError, SyntaxError):
        return False
    return True


def insides(source):
    """The numbers of the lines inside a statement: from its second to its last, by Python's tokenizer."""
    found, start = set(), None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            found.update(range(start + 1, token.end[0] + 1))
            start = None
        elif start is None and token.type not in OUTSIDE:
            start = token.start[0]
    return found


OUTSIDE = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def test_the_scanner_agrees_with_pythons_tokenizer_on_the_books_own_code():
    paths = sorted(Path(module.__file__).parents[2].rglob("*.py"))
    assert len(paths) > 80
    for path in paths:
        source = path.read_text("utf-8")
        marks = module.beginnings(source.split("\n"))
        assert {n for n, begins in enumerate(marks, 1) if not begins} == insides(source), path


@pytest.mark.parametrize(
    "line", ["np.random.seed(0)", "import random\nrandom.seed(7)", "for _ in [1]: np.random.seed(1)"]
)
def test_a_seed_that_is_left_out_is_named(line):
    _, notes = extract(notebook(f"import numpy as np\n{line}\ndef f():\n    np.random.seed(3)\n"), ".ipynb")
    assert notes == [
        "code cell 1 sets a seed outside a function, and only definitions are read. The grader sets seeds of "
        "its own before every call."
    ]
