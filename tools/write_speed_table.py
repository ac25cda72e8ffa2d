"""Write the benchmark's tables into README.md, between their marks: `python tools/write_speed_table.py`."""

import re
from pathlib import Path

from cnnbook.files import atomic_write
from cnnbook.results import benchmark

README = Path(__file__).resolve().parent.parent / "README.md"
MARKED = re.compile(r"(?<=<!-- speed -->\n).*?(?=<!-- end of speed -->)", re.DOTALL)


def with_tables(text, tables):
    """The README's text with these tables."""
    if not MARKED.search(text):
        raise ValueError("README.md must hold <!-- speed --> and, after it, <!-- end of speed -->.")
    return MARKED.sub(lambda _: f"{tables}\n\n" if tables else "", text)


def main():
    try:
        tables = benchmark.as_markdown(benchmark.read())
    except FileNotFoundError:
        tables = ""  # nothing is recorded yet
    text = with_tables(README.read_text("utf-8"), tables)
    atomic_write(README, text)


if __name__ == "__main__":
    main()
