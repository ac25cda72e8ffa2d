"""Who may import whom: the table of rooms inside src/cnnbook, and one room for each third-party library."""

import ast
import subprocess
import sys

import pytest
from support.project_files import ROOT, chapters

SRC = ROOT / "src" / "cnnbook"

# Each room, and the rooms it may import. A module of the package is a room; so is a folder.
MAY_IMPORT = {
    "shapes": set(),
    "data": set(),
    "files": set(),
    "results": {"files"},
    "figures": set(),
    "nn": {"shapes", "files"},
    "fast": {"nn"},
    "gradcheck": {"nn"},
    "bugzoo": {"nn", "shapes", "gradcheck"},
    "models": {"nn"},
    "keras_twin": {"nn", "models"},
    "experiments": {"nn", "models", "data", "bugzoo", "keras_twin", "results"},
    "widgets": {"results", "shapes"},
    "coursework": {"gradcheck", "files"},
}
# What one module may do beyond its room.
EXCEPTIONS = {"widgets/training_lab.py": {"nn", "data"}, "coursework/judge.py": {"nn", "bugzoo"}}

# Each library's room. NumPy is everybody's.
LIBRARIES = {
    "keras": "keras_twin",
    "tensorflow": "keras_twin",
    "matplotlib": "figures",
    "plotly": "figures",
    "anywidget": "widgets",
    "traitlets": "widgets",
    "ipywidgets": "widgets",
    "pooch": "data",
    "requests": "data",
    "sklearn": "data",
    "jupytext": "coursework",
    "nbformat": "coursework",
    "yaml": "coursework",
}
# Used where they are installed, and imported by functions of these modules only.
OPTIONAL = {"tqdm": {"nn/progress"}, "threadpoolctl": {"nn/runtime", "experiments/run"},
            "pyseccomp": {"coursework/system_calls"}}  # fmt: skip


def imports(source, package):
    """Yield (dotted name, is it inside a function) of every import in `source`, a module of `package`."""
    tree = ast.parse(source)
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            up = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield name, id(node) in inside


def wrong_imports(path, source):
    """Say what the module at `path` (inside src/cnnbook) imports and must not."""
    parts = path.removesuffix(".py").split("/")
    room = parts[0]
    if room == "__init__":
        allowed = set()
    elif room in MAY_IMPORT:
        allowed = MAY_IMPORT[room] | {room} | EXCEPTIONS.get(path, set())
    else:
        yield f"{path} is in no room of the table: add the room, and what it may import, to MAY_IMPORT"
        return
    for name, in_function in imports(source, ["cnnbook", *parts[:-1]]):
        top, *rest = name.split(".")
        if top == "cnnbook":
            if (target := rest[0] if rest else "") not in allowed:
                yield f"{path} imports {name}: {room} may not import {target or 'the whole package'}"
        elif top in OPTIONAL:
            if path.removesuffix(".py") not in OPTIONAL[top] or not in_function:
                rooms = " and ".join(sorted(OPTIONAL[top]))
                yield f"{path} imports {name}: only functions of {rooms} may, if it is there"
        elif top not in LIBRARIES:
            if top != "numpy" and top not in sys.stdlib_module_names:
                yield f"{path} imports {name}: this library has no room, add one to LIBRARIES"
        elif room != LIBRARIES[top]:
            yield f"{path} imports {name}: its room is {LIBRARIES[top]}"


def test_every_module_imports_only_what_its_room_may():
    modules = sorted(SRC.rglob("*.py"))
    assert modules
    wrong = [
        complaint
        for module in modules
        for complaint in wrong_imports(module.relative_to(SRC).as_posix(), module.read_text("utf-8"))
    ]
    assert wrong == []


def unused_permissions(modules):
    """Say what the tables permit and no module needs. `modules` are pairs (path, source)."""
    rooms, exceptions, libraries = {}, {}, {}
    for path, source in modules:
        parts = path.removesuffix(".py").split("/")
        for name, _ in imports(source, ["cnnbook", *parts[:-1]]):
            top, *rest = name.split(".")
            if top == "cnnbook" and rest:
                rooms.setdefault(parts[0], set()).add(rest[0])
                exceptions.setdefault(path, set()).add(rest[0])
            else:
                libraries.setdefault(top, set()).update({parts[0], "/".join(parts)})
    for room, targets in MAY_IMPORT.items():
        yield from (f"{room} may import {each} and does not" for each in targets - rooms.get(room, set()))
    for path, targets in EXCEPTIONS.items():
        yield from (
            f"{path} may import {each} and does not" for each in targets - exceptions.get(path, set())
        )
    for library, room in LIBRARIES.items():
        if room not in libraries.get(library, set()):
            yield f"{room} may import {library} and does not"
    for library, places in OPTIONAL.items():
        yield from (
            f"{place} may import {library} and does not" for place in places - libraries.get(library, set())
        )


def all_modules():
    return [(path.relative_to(SRC).as_posix(), path.read_text("utf-8")) for path in sorted(SRC.rglob("*.py"))]


def test_every_permission_is_used():
    assert list(unused_permissions(all_modules())) == []


@pytest.mark.parametrize(
    ("table", "key", "value", "complaint"),
    [
        (MAY_IMPORT, "nn", MAY_IMPORT["nn"] | {"data"}, "nn may import data and does not"),
        (EXCEPTIONS, "nn/conv.py", {"data"}, "nn/conv.py may import data and does not"),
        (LIBRARIES, "scipy", "nn", "nn may import scipy and does not"),
        (OPTIONAL, "tqdm", {"nn/conv"}, "nn/conv may import tqdm and does not"),
    ],
)
def test_a_permission_that_nobody_uses_is_noticed(monkeypatch, table, key, value, complaint):
    monkeypatch.setitem(table, key, value)
    assert complaint in list(unused_permissions(all_modules()))


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("nn/conv.py", "import keras", "its room is keras_twin"),
        ("nn/conv.py", "def f():\n    import matplotlib.pyplot as plt", "its room is figures"),
        ("nn/conv.py", "from cnnbook.figures import images", "nn may not import figures"),
        ("nn/conv.py", "from cnnbook import data", "nn may not import data"),
        ("nn/conv.py", "from .. import data", "nn may not import data"),
        ("nn/conv.py", "from ..keras_twin.convert import to_keras", "nn may not import keras_twin"),
        ("nn/conv.py", "import cnnbook", "nn may not import the whole package"),
        ("nn/progress.py", "import tqdm", "only functions of nn/progress may"),
        ("nn/training.py", "def f():\n    import tqdm", "only functions of nn/progress may"),
        ("experiments/run.py", "def f():\n    import tqdm", "only functions of nn/progress may"),
        (
            "experiments/run.py",
            "import threadpoolctl",
            "only functions of experiments/run",
        ),
        ("nn/conv.py", "import scipy.signal", "this library has no room"),
        ("figures/charts.py", "from cnnbook.nn import Conv2D", "figures may not import nn"),
        ("widgets/conv_stepper.py", "from cnnbook import nn", "widgets may not import nn"),
        ("shapes.py", "from cnnbook.nn import Conv2D", "shapes may not import nn"),
        ("keras_twin/convert.py", "from cnnbook import figures", "keras_twin may not import figures"),
        ("__init__.py", "from cnnbook import nn", "__init__ may not import nn"),
        ("utils.py", "import os", "is in no room of the table"),
    ],
)
def test_a_planted_import_through_the_wall_is_caught(path, source, complaint):
    assert complaint in "".join(wrong_imports(path, source))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "nn/conv.py",
            "import math\nimport numpy as np\nfrom cnnbook.shapes import pads\nfrom .layer import Layer",
        ),
        ("nn/progress.py", "def bar():\n    import tqdm"),
        ("keras_twin/convert.py", "import keras\nfrom cnnbook import nn"),
        ("widgets/training_lab.py", "import anywidget\nfrom cnnbook import data, nn"),
    ],
)
def test_what_the_table_allows_passes(path, source):
    assert list(wrong_imports(path, source)) == []


def third_party_after(statement):
    """Name the libraries, other than ours, that a fresh Python has in memory after `statement`."""
    code = f"import sys; before = set(sys.modules)\n{statement}\nprint(*(set(sys.modules) - before))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    tops = {name.split(".")[0] for name in ran.stdout.split()}
    # Cython's runtime comes with NumPy and is no library of its own.
    ours = {"cnnbook", "cython_runtime"} | {top for top in tops if top.startswith("_cython_")}
    return tops - sys.stdlib_module_names - ours


def test_importing_nn_loads_numpy_and_no_other_library():
    assert third_party_after("import cnnbook.nn") == {"numpy"}


def test_the_look_at_loaded_libraries_sees_one_too_many():
    assert third_party_after("import cnnbook.nn, yaml") == {"numpy", "yaml"}


def test_chapters_draw_through_figures_and_never_with_a_drawing_library():
    may = {"numpy", "cnnbook", "keras", "sklearn", "IPython", "myst_nb", "threadpoolctl"}
    wrong = [
        f"{chapter.name}: {name}"
        for chapter in chapters()
        for cell in chapter.code
        for name, _ in imports(without_magics(cell.source), [])
        if name.split(".")[0] not in may | sys.stdlib_module_names
    ]
    assert wrong == []


def without_magics(source):
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
