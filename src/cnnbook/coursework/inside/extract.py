"""What is taken from a submission: its top-level functions, classes, imports and constants. Nothing runs.

Everything else a notebook does (training, plots, prints) stays behind. A cell that is no Python is left out
and named; the others count. This file needs the standard library alone and runs inside the sandbox, too.
"""

import ast
import dis
import json
import re

DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
# A line that is a command to the notebook: %time f(x), !ls, ?f, f?, files = !ls. Never one with !=.
COMMAND = re.compile(r"([ \t]*)(?:[%?]|!(?!=)|[\w.]+\?{1,2}\s*$|\w+[ \t]*=[ \t]*[%!])")
CLOSED = (0, "", False)  # nothing is open, see `scan_line`
LAST = ("\\", "\\\r")  # a backslash at the end of a line
IN_CODE = re.compile(r"""#|\"{3}|'{3}|["'()\[\]{}]|\\\r?$""")
IN_STRING = {quote: re.compile(rf"\\\r?$|\\.|{quote}") for quote in ("'", '"', "'''", '"""')}


def extract(content: bytes, suffix: str):
    """The parts of a submission that are kept.

    Parameters
    ----------
    content : the file's bytes. suffix : ".ipynb", ".py" or ".md", in small letters or capitals.

    Returns
    -------
    (parts, notes) : parts is a list of (cell name, number of the first line, text of one statement), in
        order; notes are sentences about what was left out.

    Examples
    --------
    >>> extract(b"import numpy as np\\nprint('training')\\ndef f(x):\\n    return x", ".py")[0]
    [('the file', 1, 'import numpy as np'), ('the file', 3, 'def f(x):\\n    return x')]
    """
    suffix = suffix.lower()
    notes, parts, rest, texts = [], [], [], []
    for name, source in cells(content, suffix, notes):
        try:
            source, tree = parsed(
                source.replace("\r\n", "\n").replace("\r", "\n"), name, commands=suffix != ".py"
            )
            lines = source.encode().split(b"\n")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f" (line {error.lineno})" if getattr(error, "lineno", None) else ""
            reason = getattr(error, "msg", None) or type(error).__name__
            notes.append(f"{name} is not valid Python{line}: {reason}. It was left out.")
            continue
        for statement in tree.body:
            kept = isinstance(statement, DEFINITIONS) or is_constant(statement)
            (parts if kept else rest).append((name, ast.Module([statement], [])))
            if kept:
                texts.append((name, *text_of(statement, lines)))
    return texts, notes + missed(parts, rest)


def text_of(statement, lines):
    """The number of a statement's first line, and its text with decorators. lines : of the source, in bytes.

    >>> text_of(ast.parse("a = 1; b = (2,\\n 3)").body[1], [b"a = 1; b = (2,", b" 3)"])
    (1, 'b = (2,\\n 3)')
    """
    first, start = statement.lineno, statement.col_offset
    for decorator in getattr(statement, "decorator_list", ()):
        if decorator.lineno < first:
            first, start = decorator.lineno, 0
    kept = lines[first - 1 : statement.end_lineno]
    kept[-1] = kept[-1][: statement.end_col_offset]
    kept[0] = kept[0][start:]
    return first, b"\n".join(kept).decode()


def parsed(source, name, commands):
    """(source, syntax tree). Where `commands` may stand between the code, they count as `pass`."""
    try:
        return source, ast.parse(source, name)
    except SyntaxError:
        if not commands:
            raise
    lines = source.split("\n")
    for number, begins in enumerate(beginnings(lines)):
        command = COMMAND.match(lines[number])
        if command and begins:
            lines[number] = f"{command[1]}pass"
    source = "\n".join(lines)
    return source, ast.parse(source, name)


def beginnings(lines):
    """For each line, True if it begins a statement: no bracket, no string and no backslash is open before it.

    `lines` may be changed up to the line that was given last. Every line is looked at once.

    >>> list(beginnings(["x = 1", "try:", "x = (", "1)", "y = 2"]))
    [True, True, True, False, True]
    """
    state = CLOSED
    for number in range(len(lines)):
        yield state == CLOSED
        state = scan_line(lines[number], state)


def scan_line(line, state):
    """What is open after a line: (number of brackets, the quotes of a string or "", is a backslash last).

    >>> scan_line("x = (1, '[')  # (", CLOSED), scan_line("x = ['", CLOSED)
    ((0, '', False), (1, '', False))
    >>> scan_line("x = ['''", CLOSED)
    (1, "'''", False)
    """
    brackets, quote, _ = state
    place, goes_on = 0, False
    while found := (IN_STRING[quote] if quote else IN_CODE).search(line, place):
        place, token = found.end(), found[0]
        goes_on = token in LAST
        if quote:
            quote = "" if token == quote else quote
        elif token == "#":
            break
        elif token in "([{":
            brackets += 1
        elif token in ")]}":
            brackets = max(0, brackets - 1)
        elif not goes_on:
            quote = token
    if len(quote) == 1 and not goes_on:  # never closed, so no Python: what comes next is judged by itself
        quote = ""
    return brackets, quote, goes_on


def missed(parts, rest):
    """Sentences about what the kept `parts` need, or the tests may, and only the `rest` defines."""
    used, notes = set(), {}
    for name, tree in parts:
        try:
            used |= set(globals_of(compile(tree, name, "exec")))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # whoever runs it will say so
    for name, tree in rest:
        for node in run_now(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                notes[node.name] = (
                    f"{name} defines {node.name} inside another statement, and only the top level is read. "
                    f"Move {node.name} to the top level."
                )
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "seed":
                notes["seed"] = (
                    f"{name} sets a seed outside a function, and only definitions are read. The grader sets "
                    "seeds of its own before every call."
                )
            if isinstance(node, ast.Subscript):
                node, stored = node.value, isinstance(node.ctx, ast.Store)
            else:
                stored = isinstance(getattr(node, "ctx", None), ast.Store)
            if stored and isinstance(node, ast.Name) and node.id in used:
                notes[node.id] = (
                    f"{name} computes {node.id}, and only plain values are read. Your code needs {node.id}: "
                    "write its value down, or compute it inside the function."
                )
    return list(notes.values())


def globals_of(code):
    """The names that code looks up outside itself.

    >>> sorted(globals_of(compile("def f(x):\\n    n = K\\n    return [g(n) for n in x]", "", "exec")))
    ['K', 'g']
    """
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval
    for constant in code.co_consts:
        if hasattr(constant, "co_consts"):
            yield from globals_of(constant)


def cells(content, suffix, notes):
    """The code cells as (name, source)."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = content.decode("utf-16" if wide else "latin-1", errors="replace")
        notes.append("The file is not UTF-8. It was read all the same; save it as UTF-8.")
    if suffix == ".ipynb":
        yield from notebook_cells(text, notes)
    elif suffix == ".md":
        fence = r"^(`{3,})\{?(?:code-cell|python)\b[^\n]*\n(.*?)^\1 *$"
        blocks = re.findall(fence, text, flags=re.DOTALL | re.MULTILINE)
        for number, (_, block) in enumerate(blocks, 1):
            block = re.sub(r"\A---\n.*?^---\n", "", block, flags=re.DOTALL | re.MULTILINE)
            yield f"code cell {number}", re.sub(r"\A(:\w+:.*\n)+", "", block)
    else:
        yield "the file", text


def notebook_cells(text, notes):
    try:
        notebook = json.loads(text)
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        sources = [cell["source"] for cell in code]
        sources = [source if isinstance(source, str) else "".join(source) for source in sources]
    except (ValueError, LookupError, TypeError, RecursionError, AttributeError):
        notes.append("The file is not a notebook: it cannot be read as one.")
        return
    for number, source in enumerate(sources, 1):
        yield f"code cell {number}", source


def is_name(target):
    """A name, or names to set together: H, W."""
    if isinstance(target, ast.Tuple | ast.List):
        return all(map(is_name, target.elts))
    return isinstance(target.value if isinstance(target, ast.Starred) else target, ast.Name)


def run_now(tree):
    """The nodes that are run where they stand: of functions and lambdas the defaults, of classes nothing."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            todo += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif not isinstance(node, ast.ClassDef):
            todo += ast.iter_child_nodes(node)


def is_constant(statement):
    """A name set to a value written down, or computed by NumPy from such values: EPS = 1e-5; H, W = 28, 28.

    What a lambda would do when it is called does not matter: it is a function.

    >>> [is_constant(ast.parse(line).body[0]) for line in ("K = np.array([1, 2])", "net = train(x)")]
    [True, False]
    """
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    else:
        return False
    if not all(map(is_name, targets)):
        return False
    for node in run_now(statement.value):
        if isinstance(node, ast.Call):
            root = node.func
            while isinstance(root, ast.Attribute):
                root = root.value
            if not (isinstance(root, ast.Name) and root.id in ("np", "numpy")):
                return False
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp | ast.Await):
            return False
    return True
