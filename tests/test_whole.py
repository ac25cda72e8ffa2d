"""A file is written whole or not at all."""

import pytest

from cnnbook import whole
from cnnbook.whole import write_whole


def test_a_file_is_replaced_by_text_or_bytes(tmp_path):
    write_whole(tmp_path / "a.txt", "größer\n")
    write_whole(str(tmp_path / "b.bin"), b"\0\xff")
    assert (tmp_path / "a.txt").read_text("utf-8") == "größer\n"
    assert (tmp_path / "b.bin").read_bytes() == b"\0\xff"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.bin"]


@pytest.mark.parametrize("fails", ["replace", "write"])
def test_what_was_there_stays_if_writing_breaks_off(tmp_path, monkeypatch, fails):
    def full_disk(*_):
        raise OSError("No space left on device")

    write_whole(tmp_path / "a.txt", "old")
    if fails == "replace":
        monkeypatch.setattr(whole.os, "replace", full_disk)
    else:
        monkeypatch.setattr(whole.Path, "write_bytes", lambda self, _: self.touch() or full_disk())
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
