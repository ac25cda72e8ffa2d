"""Which files count as handed in, what they are called, and how they are read."""

import contextlib
import json
import os
import socket
import subprocess
import unicodedata
from pathlib import Path

import pytest

from cnnbook.coursework import submissions
from cnnbook.coursework.grade import grade_all, jobs_for
from cnnbook.coursework.submissions import Refused, Unreadable, ordinary, printable, read, submissions_in


def test_a_name_that_is_not_utf_8_can_be_written_down_everywhere(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in (b"M\xfcller.py", b"M\\xfcller.py", "Müller.py".encode()):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_text("x = 1")
    found = submissions_in(folder)
    assert sorted(found) == ["M\\xfcller", "M\\xfcller.py", "Müller"]
    assert len({path.stat().st_ino for path in found.values()}) == 3


def test_names_that_become_the_same_text_keep_a_row_each(tmp_path):
    for name in (b"M\xfc.py", b"M\\xfc.py", b"M\\xfc.py.py", b"M\xfc.md", b"M\\xfc.md"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x = 1")
    assert len({path.stat().st_ino for path in submissions_in(tmp_path).values()}) == 5


def test_nothing_of_a_name_reaches_a_terminal_raw():
    risky = [chr(n) for n in range(1, 0x110000) if unicodedata.category(chr(n)) in ("Cc", "Cf", "Zl", "Zp")]
    assert len(risky) > 200
    for each in risky:
        assert printable(Path(f"a{each}b")).isascii()
        assert printable(Path(f"a{each}b")).isprintable()
    assert printable(Path("\x1b[2Jada\u202e\n")) == "\\x1b[2Jada\\u202e\\n"
    assert printable(Path("Zoë 李 👩 देव")) == "Zoë 李 👩 देव"


def nested(folder, name, depth):
    """Make folders in folders with a file at the bottom, one step at a time: no path needs to be short."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("deep.py", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


@pytest.fixture
def clumsy(tmp_path):
    """A folder in which one entry is ordinary and every other one is odd."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "ordinary.py").write_text("x = 1")
    (folder / "0-device.py").symlink_to("/dev/zero")
    (folder / "1-itself.py").symlink_to("1-itself.py")
    (folder / "2-nowhere.py").symlink_to("nothing here")
    (folder / "3-folder").symlink_to("..")
    os.mkfifo(folder / "4-pipe.py")
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(folder):
        server.bind("5-socket.py")  # the whole path may be too long for a socket
    nested(folder, "d", 1100)
    (folder / "7-\x1b]0;hello\x07\u202e.txt").write_text("x")
    (Path(os.fsdecode(os.fsencode(folder) + b"/8-\xff\xfe.py"))).write_bytes(b"")
    yield folder
    subprocess.run(["rm", "-rf", folder / "d"], check=True)  # too deep for Python


WHY = {
    "0-device": "It is a link to another file. Hand in the file itself.",
    "1-itself": "It is a link to another file. Hand in the file itself.",
    "2-nowhere": "It is a link to another file. Hand in the file itself.",
    "3-folder": "It is a link to another file. Hand in the file itself.",
    "4-pipe": "It is a pipe. Hand in an ordinary file.",
    "5-socket": "It is a socket. Hand in an ordinary file.",
    "/".join(
        "d" * 21
    ): "It is a folder inside 20 others, and no deeper one is read. Hand in the file itself.",
    "7-\\x1b]0;hello\\x07\\u202e": "It must be a notebook (.ipynb), .py or .md. It is .txt.",
    "8-\\xff\\xfe": "The file is empty.",
}


def test_every_odd_entry_is_a_row_of_its_own_with_a_sentence(clumsy):
    found = submissions_in(clumsy)
    assert sorted(found) == sorted([*WHY, "ordinary"])
    assert read(found.pop("ordinary")) == b"x = 1"
    for key, path in found.items():
        with pytest.raises(Refused) as refused:
            read(path)
        assert (key, str(refused.value)) == (key, WHY[key])


def test_an_odd_entry_costs_nobody_else_the_grading(isolation, public, clumsy, tmp_path, a02):
    (clumsy / "ordinary.py").write_text(a02.solution)
    lines = []
    results = grade_all(jobs_for(clumsy, tmp_path / "out", "a02", public), tell=lines.append)
    assert {r["submission"]: r["score"] for r in results} == {**dict.fromkeys(WHY, 0), "ordinary": 24}
    assert {r["submission"]: r["reason"] for r in results} == {**WHY, "ordinary": ""}
    assert all(line.isprintable() for line in lines)


def test_the_sandbox_is_tried_with_an_ordinary_file(clumsy):
    found = submissions_in(clumsy)
    assert ordinary(found.values()) == [(clumsy / "ordinary.py").resolve()]
    del found["ordinary"]
    assert ordinary([found["8-\\xff\\xfe"], *found.values()]) == []


def test_a_folder_with_nothing_but_odd_entries_is_graded_too(isolation, public, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "zero.py").symlink_to("/dev/zero")
    (result,) = grade_all(jobs_for(tmp_path / "in", tmp_path / "out", "a02", public), tell=lambda line: None)
    assert result["status"] == "refused"


def test_a_name_too_long_for_the_system_is_a_row(tmp_path):
    nested(tmp_path, "x" * 250, 19)
    (path,) = submissions_in(tmp_path).values()
    with pytest.raises(Unreadable, match=r"^It cannot be read: File name too long\. "):
        read(path)


def test_a_folder_or_file_that_may_not_be_read_is_a_row_without_a_score(
    isolation, public, tmp_path, a02, monkeypatch
):
    folder = tmp_path / "in"
    (folder / "closed").mkdir(parents=True)
    (folder / "ada.py").write_text(a02.solution)
    (folder / "ben.py").write_text(a02.solution)
    real_scan, real_open = os.scandir, os.open

    def scan(path):
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return real_scan(path)

    def open_(path, *args, **kwargs):
        if os.fspath(path).endswith("ben.py"):
            raise PermissionError(13, "Permission denied", path)
        return real_open(path, *args, **kwargs)

    monkeypatch.setattr(submissions.os, "scandir", scan)
    monkeypatch.setattr(submissions.os, "open", open_)
    assert sorted(submissions_in(folder)) == ["ada", "ben", "closed"]
    jobs = jobs_for(folder, tmp_path / "out", "a02", public)
    results = {r["submission"]: r for r in grade_all(jobs, tell=lambda line: None)}
    assert results["ada"]["score"] == 24
    for key in ("ben", "closed"):
        assert (results[key]["status"], results[key]["score"]) == ("failed", None)
        assert results[key]["reason"] == (
            "It cannot be read: Permission denied. See to it that you may read it, then grade again."
        )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda place: place.symlink_to("/dev/zero"), "It is a link to another file."),
        (os.mkfifo, "It is a pipe."),
        (os.mkdir, "It is a folder"),
    ],
)
def test_a_file_exchanged_after_the_look_at_it_is_refused(make, reason, tmp_path, monkeypatch):
    path, real = tmp_path / "ada.py", os.open
    path.write_text("x = 1")

    def exchanged(name, *args, **kwargs):
        path.unlink()
        make(path)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(submissions.os, "open", exchanged)
    with pytest.raises(Refused, match=reason):
        read(path)


def test_a_device_is_refused_and_what_is_gone_cannot_be_read(tmp_path):
    with pytest.raises(Refused, match=r"^It is a device\. Hand in an ordinary file\.$"):
        read(Path("/dev/zero"))
    with pytest.raises(Unreadable, match=r"^It cannot be read: No such file or directory\."):
        read(tmp_path / "gone.py")
    with pytest.raises(OSError, match="No such file"):
        submissions_in(tmp_path / "gone")


def test_what_is_too_large_is_refused_even_when_it_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "LARGEST", 10)
    path = tmp_path / "ada.py"
    path.write_bytes(b"x" * 11)
    with pytest.raises(Refused, match="Clear the notebook's outputs"):
        read(path)
    path.write_bytes(b"x" * 10)
    assert len(read(path)) == 10
    real = os.fstat
    monkeypatch.setattr(submissions.os, "fstat", lambda file: path.write_bytes(b"x" * 12) and real(file))
    with pytest.raises(Refused, match="Clear the notebook's outputs"):
        read(path)


def test_an_ending_in_capitals_is_accepted(isolation, public, tmp_path, a02):
    folder = tmp_path / "in"
    folder.mkdir()
    cell = {"cell_type": "code", "source": a02.solution}
    (folder / "ada.IPYNB").write_text(json.dumps({"cells": [cell]}))
    (folder / "ben.Py").write_text(a02.solution)
    results = grade_all(jobs_for(folder, tmp_path / "out", "a02", public), tell=lambda line: None)
    assert [result["score"] for result in results] == [24, 24]
