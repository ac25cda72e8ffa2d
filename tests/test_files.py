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


def test_a_new_file_has_the_usual_permissions_and_may_have_the_longest_name(tmp_path):
    path = tmp_path / ("n" * 255)
    atomic_write(path, "marks\n")
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask():
    """The mask of this process."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
