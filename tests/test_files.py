"""A file is written whole or not at all."""

import os

import pytest

from cnnbook import files
from cnnbook.files import atomic_write


def test_a_file_is_replaced_by_text_or_bytes(tmp_path):
    atomic_write(tmp_path / "a.txt", "größer\n")
    atomic_write(str(tmp_path / "b.bin"), b"\0\xff")
    assert (tmp_path / "a.txt").read_text("utf-8") == "größer\n"
    assert (tmp_path / "b.bin").read_bytes() == b"\0\xff"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.bin"]


@pytest.mark.parametrize("fails", ["replace", "write"])
def test_what_was_there_stays_if_writing_breaks_off(tmp_path, monkeypatch, fails):
    def full_disk(*_):
        raise OSError("No space left on device")

    atomic_write(tmp_path / "a.txt", "old")
    if fails == "replace":
        monkeypatch.setattr(files.os, "replace", full_disk)
    else:
        monkeypatch.setattr(files.Path, "write_bytes", lambda self, _: self.touch() or full_disk())
    with pytest.raises(OSError, match="No space left"):
        atomic_write(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_marks_keep_the_permissions_of_a_new_file_and_the_longest_name_works(tmp_path, monkeypatch):
    path = tmp_path / "marks.csv"
    atomic_write(path, "old\n")
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()
    monkeypatch.setattr(files.os, "replace", lambda *a: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space left"):
        atomic_write(path, "new, and longer\n")
    assert [each.name for each in tmp_path.iterdir()] == ["marks.csv"]
    assert path.read_text() == "old\n"
    monkeypatch.undo()
    atomic_write(path, b"\x00bytes")
    assert path.read_bytes() == b"\x00bytes"
    atomic_write(tmp_path / ("n" * 255), "the longest name there is")


def umask():
    """The mask of this process."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
