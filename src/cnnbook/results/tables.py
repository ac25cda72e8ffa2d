"""Tables for a page of the book and for a notebook: the one place that writes HTML tables.

    Table(["network", "ours", "Keras"], [["mlp", "0.89", "0.88"]], caption="Accuracy")

The first column names the rows. A column of numbers stands to the right; on a phone a line breaks inside a
number before its ± or /, and nowhere else. A table of five columns or more may be wider than a phone: it has
a frame that scrolls, also by keyboard. assets/book.css gives colours and sizes, a notebook its own.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NUMBER = re.compile(r"[≤≥]? ?[-+]?[\d.]")  # what a number begins with
LONG = re.compile(r"\S{13,}")  # words that may break ...
PARTS = re.compile(r"(?<=[a-z])(?=[A-Z][a-z]|\dD|\()|(?<=[_=])")  # ... here, such as Max|Pooling|2D
WIDE = 5  # columns


@dataclass(frozen=True)
class Table:
    """A table of plain text; None and "" are empty cells.

    head : a name per column. rows : a cell per column, the first is the row's name. caption : one line above.
    note : a sentence or more below.

    Examples
    --------
    >>> table = Table(["layer", "ms"], [["ReLU", 1.5], ["Dropout", None]], caption="Time")
    >>> '<th scope="col" style="text-align: right">ms</th>' in table._repr_html_()
    True
    """

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""
    note: str = ""

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.head):
                raise ValueError(
                    f"Table: every row must have {len(self.head)} cells, one for each of {list(self.head)}. "
                    f"Received {list(row)}. Fill empty cells with None."
                )

    def _repr_html_(self) -> str:
        texts = [["" if cell is None else str(cell) for cell in row] for row in self.rows]
        sides = [
            "right" if number and all(NUMBER.match(text) for text in column if text) else "left"
            for number, column in enumerate(zip(*texts, strict=True))
        ] or ["left"] * len(self.head)
        head = "".join(
            f'<th scope="col" style="text-align: {side}">{html.escape(name)}</th>'
            for name, side in zip(self.head, sides, strict=True)
        )
        body = "\n".join(f"<tr>{line(row, sides)}</tr>" for row in texts)
        title = f"<caption>{html.escape(self.caption)}</caption>\n" if self.caption else ""
        table = (
            f'<table style="width: 100%">\n{title}<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody></table>"
        )
        if len(self.head) >= WIDE:
            name = html.escape(self.caption or ", ".join(self.head))
            frame = f'<div style="overflow-x: auto" tabindex="0" role="group" aria-label="{name}">'
            table = f"{frame}{table}</div>"
        return table + (f'\n<p class="table-note">{html.escape(self.note)}</p>' if self.note else "")


@dataclass(frozen=True)
class Folds:
    """Tables that a reader unfolds one by one, by the line that stands for each."""

    tables: Mapping[str, Table]

    def _repr_html_(self) -> str:
        return "\n".join(
            f'<details><summary style="padding: 0.6rem 0; cursor: pointer">{html.escape(name)}</summary>\n'
            f"{table._repr_html_()}</details>"
            for name, table in self.tables.items()
        )


def line(cells: list[str], sides: list[str]) -> str:
    """The cells of a row as HTML."""
    name = LONG.sub(lambda word: "\0".join(PARTS.split(word[0])), cells[0])
    row = f'<th scope="row" style="text-align: left; font-weight: normal">{html.escape(name)}</th>'
    row = row.replace("\0", "<wbr>")
    for text, side in zip(cells[1:], sides[1:], strict=True):
        if side == "right":
            row += f'<td class="number" style="text-align: right">{html.escape(held(text))}</td>'
        else:
            row += f'<td style="text-align: left">{html.escape(text)}</td>'
    return row


def held(number: str) -> str:
    """A number that breaks before ± and / only, and has a real minus.

    >>> held("1e-7 ± 2 ms").encode("ascii", "backslashreplace")
    b'1e\\\\u22127 \\\\xb1\\\\xa02\\\\xa0ms'
    """
    return re.sub(r" (?![±/])", "\N{NO-BREAK SPACE}", re.sub(r"-(?=\d)", "\N{MINUS SIGN}", number))
