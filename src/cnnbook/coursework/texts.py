"""Text that others wrote, made safe to print, to store and to put into a table."""

import sys
import unicodedata

NAME = 200  # characters of a name that are printed
RISKY = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format and bidirectional characters, half a pair, line ends


def plain(text: str, most: int | None = None, keep: str = "") -> str:
    """The text with every control and format character written as its escape, cut to `most` characters.

    A text that has been through it does not change when it goes through again. Characters in `keep` stay.

    >>> plain("Ada\\x1b[2J\\n\\u202e"), plain("x" * 9, 4)
    ('Ada\\\\x1b[2J\\\\n\\\\u202e', 'xxx…')
    """
    if most is not None:
        text = text[: most + 1]
    if not text.isprintable():
        text = "".join(
            each if each in keep or unicodedata.category(each) not in RISKY else escaped(each)
            for each in text
        )
    return text if most is None or len(text) <= most else f"{text[: most - 1]}…"


def escaped(character: str) -> str:
    """One character as Python writes it: \\\\x1b, \\\\n, \\\\u202e."""
    return character.encode("unicode_escape").decode("ascii")


def say(*lines: str, error: bool = False) -> None:
    """Print lines that others may have written parts of. No terminal and no encoding can object to them.

    Parameters
    ----------
    error : to standard error instead of standard output.
    """
    stream = sys.stderr if error else sys.stdout
    encoding = stream.encoding or "utf-8"
    for line in lines:
        safe = plain(str(line)).encode(encoding, "backslashreplace").decode(encoding)
        print(safe, file=stream)
