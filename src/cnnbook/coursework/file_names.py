"""Each submission's results and feedback stand under a name of their own."""

import hashlib
import os
import re

LONGEST = 200  # bytes of a file's name; file systems take 255


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
