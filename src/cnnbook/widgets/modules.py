"""The widgets' JavaScript modules in ``js/``, and how they are joined where a module cannot import another.

The files import each other by real ES imports, so that editors and Node can follow them. Jupyter takes one
module, and a page opened from a disk may not import files: for both, the imports are taken out here.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "js"
IMPORT = re.compile(r'^import \{\s*(\w+(?:,\s*\w+)*),?\s*\} from "\./(\w+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?:function|const|class) (\w+)\b", re.MULTILINE)


@cache
def text(name: str) -> str:
    """Read one JavaScript file, without comment lines and indentation, and check the form of its imports."""
    lines = (line.strip() for line in (FOLDER / name).read_text(encoding="utf-8").splitlines())
    code = "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"
    if wrong := re.search(r".*\bimport\b.*", IMPORT.sub("", code)):
        raise ValueError(
            f'{name}: an import must have the form `import {{ a, b }} from "./file.js";`. '
            f"Received {wrong[0]!r}. "
            "Name in braces what is used, without `as`, and write the word import nowhere else."
        )
    if wrong := re.search(r"^export (?!(?:function|const|class) \w|default ).*", code, re.MULTILINE):
        raise ValueError(
            f"{name}: an export must be a function, a const, a class or the default. Received {wrong[0]!r}. "
            f"Write `export` in front of the declaration."
        )
    return code


def imports(name: str) -> list[tuple[str, list[str]]]:
    """List what one file imports: pairs of another file and the names taken from it.

    Examples
    --------
    >>> imports("chance.js")
    [('numbers.js', ['range'])]
    """
    return [(file, re.findall(r"\w+", names)) for names, file in IMPORT.findall(text(name))]


def exports(name: str) -> list[str]:
    """List the names that one file exports, without its default.

    Examples
    --------
    >>> exports("transport.js")
    ['transport', 'TRANSPORT_STYLE']
    """
    return EXPORT.findall(text(name))


def source(name: str) -> str:
    """Give the code of one file without its imports: the text that every joined form contains.

    Examples
    --------
    >>> source("chance.js").splitlines()[0]
    'export function uniforms(seed) {'
    """
    return IMPORT.sub("", text(name))


def order(name: str, above: tuple[str, ...] = ()) -> tuple[str, ...]:
    """List one file and all that it imports, directly or through others, every file after those it imports.

    Examples
    --------
    >>> order("transport.js")
    ('numbers.js', 'elements.js', 'transport.js')
    """
    way = (*above, name)
    if name in above:
        raise ValueError(
            f"{name}: a file must not import itself, directly or through others. "
            f"Received {' -> '.join(way)}. Move what both sides need into a third file."
        )
    return (*dict.fromkeys(file for other, _ in imports(name) for file in order(other, way)), name)


def joined(name: str) -> str:
    """Write one file and all that it imports as a single module, for Jupyter. It keeps every export."""
    return "".join(map(source, order(name)))


def page_script(name: str) -> str:
    """Write one file as an inline script of a page: it takes its imports from those before it by a global.

    Examples
    --------
    >>> print(page_script("chance.js"))  # doctest: +ELLIPSIS
    const { range } = globalThis.cnnbook["numbers.js"];
    export function uniforms(seed) {
    ...
    (globalThis.cnnbook ??= {})["chance.js"] = { uniforms, normals };
    """
    takes = [
        f'const {{ {", ".join(names)} }} = globalThis.cnnbook["{file}"];\n' for file, names in imports(name)
    ]
    gives = f'(globalThis.cnnbook ??= {{}})["{name}"] = {{ {", ".join(exports(name))} }};\n'
    return "".join(takes) + source(name) + gives
