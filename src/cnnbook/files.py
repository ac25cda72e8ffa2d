"""Files that are written whole or not at all."""

import os
import secrets
from pathlib import Path


def atomic_write(path: Path | str, text: str | bytes) -> None:
    """Write a file whole or not at all: what was there stays until the new one is complete.

    Raises
    ------
    OSError : if it cannot be written; nothing has changed then.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     atomic_write(f"{folder}/marks.csv", "ada,9\\n")
    ...     print(Path(folder, "marks.csv").read_text(), os.listdir(folder))
    ada,9
     ['marks.csv']
    """
    path = Path(path)
    half = path.with_name(f".{secrets.token_hex(8)}.half")
    try:
        half.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
