"""Tables for a page of the book and for a notebook: the one place that writes HTML tables.

    Table(["network", "ours", "Keras"], [["mlp", "0.89", "0.88"]], caption="Accuracy")

The first column names the rows. A column of numbers stands to the right, and a line breaks inside a number
only before its ± or /. A table of five columns or more may be wider than a phone: it has a frame of its own
that scrolls, also by keyboard.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NUMBER = re.compile(r"[-+\u2212]?[\d.]")  # what a number begins with
INSIDE = re.compile(r" (?![±/])")  # spaces of a number at which no line may break
WORDS = re.compile(r"(?<=[a-z])(?=[A-Z][a-z]|\dD|\()")  # where a name such as MaxPooling2D may break
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
        note = f"\n<p>{html.escape(self.note)}</p>" if self.note else ""
        name = html.escape(self.caption or ", ".join(self.head))
        scroll = f' tabindex="0" role="group" aria-label="{name}"' if len(self.head) >= WIDE else ""
        return (
            f'<div style="overflow-x: auto"{scroll}><table>\n{title}<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody></table></div>{note}"
        )


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
    name = "<wbr>".join(html.escape(part) for part in WORDS.split(cells[0]))
    row = f'<th scope="row" style="text-align: left; font-weight: normal">{name}</th>'
    for text, side in zip(cells[1:], sides[1:], strict=True):
        held = INSIDE.sub("\N{NO-BREAK SPACE}", text) if side == "right" else text
        row += f'<td style="text-align: {side}">{html.escape(held)}</td>'
    return row
