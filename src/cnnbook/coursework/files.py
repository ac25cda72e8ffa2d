"""Files that are written: whole or not at all, and each submission's under a name of its own."""

import hashlib
import os
import re
import secrets
from pathlib import Path

LONGEST = 200  # bytes of a file's name; file systems take 255


def write_whole(path: Path, text: str | bytes) -> None:
    """Write a file whole or not at all: what was there stays until the new one is complete.

    Raises
    ------
    OSError : it cannot be written; nothing has changed.
    """
    half = path.with_name(f".{secrets.token_hex(8)}.half")
    try:
        half.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


def file_name(key: str, suffix: str) -> str:
    """The name of the file about one submission: no two submissions share one, and none is too long.

    A folder's "/" becomes "__". Where that could be read in two ways, or is too long, a hash follows.

    >>> file_name("ada/a03", ".json"), file_name("ada__a03", ".json")
    ('ada__a03.json', 'ada__a03~805cb1a0f8595f56.json')
    """
    name = key.replace("/", "__")
    if re.sub("__(?!_)", "/", name) != key or "~" in key or len(os.fsencode(name)) > LONGEST:
        start = os.fsencode(name)[:LONGEST].decode("utf-8", errors="ignore")
        name = f"{start}~{hashlib.sha256(os.fsencode(key)).hexdigest()[:16]}"
    return name + suffix
