"""What is taken from a submission: its top-level functions, classes, imports and constants. Nothing runs.

Everything else a notebook does (training, plots, prints) stays behind. A cell that is no Python is left out
and named; the others count. This file needs the standard library alone and runs inside the sandbox, too.
"""

import ast
import json
import re

DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def extract(content: bytes, suffix: str):
    """The parts of a submission that are kept.

    Parameters
    ----------
    content : the file's bytes. suffix : ".ipynb", ".py" or ".md".

    Returns
    -------
    (parts, notes) : parts is a list of (cell name, syntax tree with one statement), in order; notes are
        sentences about what was left out.

    Examples
    --------
    >>> parts, notes = extract(b"import numpy as np\\nprint('training')\\ndef f(x):\\n    return x", ".py")
    >>> [type(tree.body[0]).__name__ for _, tree in parts], notes
    (['Import', 'FunctionDef'], [])
    """
    notes, parts = [], []
    for name, source in cells(content, suffix, notes):
        source = re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)  # notebook commands
        try:
            tree = ast.parse(source, name)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f" (line {error.lineno})" if getattr(error, "lineno", None) else ""
            reason = getattr(error, "msg", None) or type(error).__name__
            notes.append(f"{name} is not valid Python{line}: {reason}. It was left out.")
            continue
        for statement in tree.body:
            if isinstance(statement, DEFINITIONS) or is_constant(statement):
                parts.append((name, ast.Module([statement], [])))
    return parts, notes


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


def is_constant(statement):
    """A name set to a value written down, or computed by NumPy from such values: EPS = 1e-5.

    >>> [is_constant(ast.parse(line).body[0]) for line in ("K = np.array([1, 2])", "net = train(x)")]
    [True, False]
    """
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    else:
        return False
    if not all(isinstance(target, ast.Name) for target in targets):
        return False
    for node in ast.walk(statement.value):
        if isinstance(node, ast.Call):
            root = node.func
            while isinstance(root, ast.Attribute):
                root = root.value
            if not (isinstance(root, ast.Name) and root.id in ("np", "numpy")):
                return False
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp | ast.Await):
            return False
    return True
