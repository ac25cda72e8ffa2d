"""Number the assignments in the order of their chapters, and change every name that holds a number.

    .venv/bin/python tools/renumber_assignments.py --list     what would get which number
    .venv/bin/python tools/renumber_assignments.py            do it: folders, pages, tests and texts

The order is that of `_toc.yml`. To put a new assignment between two others, give its folder any free number,
such as a90_subject, name its chapter in the head of its source.md, and run this. Commit before: the change is
then one `git diff`.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
# Numbers stand in names such as a03, a03_convolution, assignment_03 and in texts such as "Assignment 3".
NUMBERED = re.compile(
    r"(?<![A-Za-z0-9#])(a)(\d\d)(?=_[a-z]|\b)|(assignment_)(\d\d)\b|([Aa]ssignment )(\d{1,2})\b"
)
# Not rewritten: records, and examples whose expected values are computed from the name.
LEFT_ALONE = re.compile(r"^(results/|pictures/|src/cnnbook/coursework/file_names\.py$|tools/renumber)")


def order() -> dict[str, str]:
    """The new number of every assignment by its present one, both as two digits.

    Raises ValueError if an assignment names a chapter that is not in the table of contents.
    """
    toc = (ROOT / "_toc.yml").read_text("utf-8")
    places = {name: place for place, name in enumerate(re.findall(r"file: chapters/(\w+)", toc))}
    found = []
    for folder in sorted((ROOT / "coursework").glob("a[0-9][0-9]_*")):
        head = yaml.safe_load((folder / "source.md").read_text("utf-8").split("---\n")[1])
        if head["chapter"] not in places:
            raise ValueError(
                f"{folder.name}: chapter must be a page of _toc.yml. Received {head['chapter']!r}. "
                "Put the page there first."
            )
        found.append((places[head["chapter"]], folder.name[1:3]))
    return {old: f"{new:02d}" for new, (_, old) in enumerate(sorted(found), start=1)}


def renumbered(text: str, numbers: dict[str, str]) -> str:
    """The text with every number of an assignment changed, all at once.

    >>> renumbered("a03, a11_bug_hunt and Assignment 3", {"03": "02", "11": "10"})
    'a02, a10_bug_hunt and Assignment 2'
    """

    def change(match):
        before, digits = [part for part in match.groups() if part]
        new = numbers.get(digits.zfill(2), digits)
        return before + (new if before in ("a", "assignment_") else str(int(new)))

    return NUMBERED.sub(change, text)


def sorted_pages(toc: str) -> str:
    """The table of contents with its assignments in order.

    >>> sorted_pages("- file: chapters/assignment_02\\n- file: chapters/assignment_01\\n").split()[2]
    'chapters/assignment_01'
    """
    page = re.compile(r".*chapters/assignment_\d\d\n")
    lines = iter(sorted(page.findall(toc)))
    return page.sub(lambda _: next(lines), toc)


def rename(paths: list[Path], numbers: dict[str, str]) -> None:
    """Give folders and pages their new names, by way of names that nothing else has."""
    moves = [(path, path.with_name(renumbered(path.name, numbers))) for path in paths]
    moves = [(old, new) for old, new in moves if old != new]
    for old, _ in moves:
        old.rename(old.with_name(f"moving_{old.name}"))
    for old, new in moves:
        old.with_name(f"moving_{old.name}").rename(new)


def main(argv: list[str] | None = None) -> int:
    """Number everything anew, or list what would change; exit code 2 if a chapter is not to be found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="say what would get which number; change nothing")
    wanted = parser.parse_args(argv)
    try:
        numbers = order()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for old, new in sorted(numbers.items(), key=lambda pair: pair[1]):
        (folder,) = (ROOT / "coursework").glob(f"a{old}_*")
        print(f"{folder.name[4:]:<24} a{old} -> a{new}")
    if wanted.list:
        return 0
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        path = ROOT / name
        if LEFT_ALONE.match(name) or path.suffix in (".gz", ".png", ".gif", ".woff2", ".svg", ".css"):
            continue
        text = path.read_text("utf-8")
        if (new := renumbered(text, numbers)) != text:
            path.write_text(new, "utf-8")
    toc = ROOT / "_toc.yml"
    toc.write_text(sorted_pages(toc.read_text("utf-8")), "utf-8")
    rename(sorted((ROOT / "coursework").glob("a[0-9][0-9]_*")), numbers)
    rename(sorted((ROOT / "chapters").glob("assignment_[0-9][0-9].md")), numbers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
