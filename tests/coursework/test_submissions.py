"""Which files count as handed in, and what they are called."""

import os
from pathlib import Path

from cnnbook.coursework.submissions import submissions_in


def test_a_name_that_is_not_utf_8_can_be_written_down_everywhere(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in (b"M\xfcller.py", b"M\\xfcller.py", "Müller.py".encode()):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_text("x = 1")
    found = submissions_in(folder)
    assert sorted(found) == ["M\\xfcller", "M\\xfcller.py", "Müller"]
    assert len({path.stat().st_ino for path in found.values()}) == 3
