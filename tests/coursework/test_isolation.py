"""Without proof that the sandbox holds, nothing is graded."""

import os
from pathlib import Path

import pytest

from cnnbook.coursework import bubblewrap
from cnnbook.coursework.__main__ import main
from cnnbook.coursework.grade import jobs_for
from cnnbook.coursework.isolation import Row, open_to_all, proven, self_test
from cnnbook.coursework.trouble import IsolationError


def test_without_isolation_nothing_is_graded(three, tmp_path, public, monkeypatch):
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda name: None)
    with pytest.raises(
        IsolationError, match=r"bubblewrap .* is not installed.*--unsafe runs it as an ordinary"
    ):
        jobs_for(three, tmp_path, "a02", public)


LEAKS = [Row("network", ("it has the network",), ""), Row("files", (), "an empty file system")]


def test_isolation_that_leaks_is_refused(three, tmp_path, public, monkeypatch):
    monkeypatch.setattr("cnnbook.coursework.isolation.self_test", lambda *a: LEAKS)
    with pytest.raises(IsolationError, match="cannot be isolated here with bwrap: it has the network"):
        jobs_for(three, tmp_path, "a02", public)


def test_a_user_of_its_own_isolates_where_the_files_are_closed_to_others(three, tmp_path, public):
    if os.geteuid() != 0:
        with pytest.raises(IsolationError, match="must run as root inside a container"):
            proven("uid", [])
        return
    if not open_to_all(Path(os.__file__)):
        with pytest.raises(IsolationError, match="needs a Python that every user may read"):
            proven("uid", [])
        return
    secret = tmp_path / "secret.py"
    secret.write_text("expected = 24")
    secret.chmod(0o600)
    assert [row for row in self_test("uid", [secret]) if row.reached] == []
    secret.chmod(0o644)
    tmp_path.chmod(0o755)
    reached = [text for row in self_test("uid", [secret]) for text in row.reached]
    assert reached in ([], [f"it reads {secret}"])


def test_a_file_is_open_to_all_only_if_every_folder_above_it_is(tmp_path):
    file = tmp_path / "closed" / "file"
    file.parent.mkdir()
    file.write_text("")
    assert open_to_all(Path("/usr/bin/env"))
    file.chmod(0o644)
    file.parent.chmod(0o700)
    assert not open_to_all(file)


def test_the_table_says_of_each_thing_whether_it_is_held(isolation, capsys):
    assert main(["sandbox"]) == 0
    printed = capsys.readouterr().out
    assert "NOT HELD" not in printed
    for what in (
        "files",
        "network",
        "memory",
        "one process",
        "namespaces",
        "keyrings",
        "shared memory",
        "signals",
    ):
        assert f"{what} " in printed
    assert printed.endswith("Fit for grading.\n")
    assert main(["sandbox", "--isolation", "unsafe"]) == 1
    assert "files  " in capsys.readouterr().out


def test_without_the_filter_the_table_says_what_is_not_held(isolation, monkeypatch):
    for module in ("sandbox", "isolation"):
        monkeypatch.setattr(f"cnnbook.coursework.{module}.sandbox_filter", lambda: b"")
    rows = {row.what: row for row in self_test(isolation, [])}
    assert rows["the kernel's keyrings"].reached
    assert [row.what for row in rows.values() if row.reached and row.needed] == []
    told = []
    assert proven(isolation, [], told.append) == isolation
    assert told[0].startswith("Not held here: the kernel's keyrings")
