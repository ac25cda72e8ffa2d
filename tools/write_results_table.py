"""Write the results table into README.md, between its two marks: `python tools/write_results_table.py`."""

import re
from pathlib import Path

from cnnbook.files import atomic_write
from cnnbook.results import scoreboard

README = Path(__file__).resolve().parent.parent / "README.md"
MARKED = re.compile(r"(?<=<!-- results -->\n).*?(?=<!-- end of results -->)", re.DOTALL)


def with_table(text, lines):
    """The README's text with the table of these lines."""
    if not MARKED.search(text):
        raise ValueError("README.md must hold <!-- results --> and, after it, <!-- end of results -->.")
    table = scoreboard.as_markdown(lines)
    return MARKED.sub(lambda _: f"{table}\n\n{scoreboard.LEGEND}\n", text)


def main():
    text = with_table(README.read_text("utf-8"), scoreboard.scores())
    atomic_write(README, text)


if __name__ == "__main__":
    main()
