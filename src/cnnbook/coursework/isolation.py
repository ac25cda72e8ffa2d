"""Proof that a sandbox holds, before any student's code is run in it.

`self_test` runs a submission that tries to break out, and says of each try whether the sandbox held.
`proven` refuses to grade where something was reached that must not be.
"""

import contextlib
import os
import platform
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cnnbook.coursework.probe import CALLS, PROBE
from cnnbook.coursework.sandbox import USUAL, Limits, Sandbox, Walls
from cnnbook.coursework.student import Student
from cnnbook.coursework.system_calls import sandbox_filter
from cnnbook.coursework.trouble import IsolationError, StudentError, Trouble


@dataclass(frozen=True)
class Row:
    """One thing that a student's code must not reach.

    reached : what it reached; empty where the sandbox holds. by : what holds it.
    needed : nothing is graded where it is reached.
    """

    what: str
    reached: tuple[str, ...]
    by: str
    needed: bool = True


def self_test(way: str, secret: list[Path], limits: Limits = USUAL) -> list[Row]:
    """Try to break out, and say what was reached: the rows of a table.

    Parameters
    ----------
    way : see `sandbox`. secret : files that students' code must never read: hidden tests, submissions.

    Raises
    ------
    IsolationError : if the sandbox does not start, or the self-test does not run in it.
    """
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.NamedTemporaryFile() as canary:
        canary.write(b"secret")
        canary.flush()
        os.chmod(canary.name, 0o600)
        files = [*map(str, secret), canary.name, "/etc/passwd" if way == "bwrap" else canary.name]
        folders = ["/", "/dev", "/dev/shm", "/tmp", "/packages"] if way == "bwrap" else []
        folders += sorted({str(Path(path).parent) for path in secret})
        calls = [(name, numbers.get(platform.machine(), -1), args) for name, (numbers, args) in CALLS.items()]
        arguments = [server.getsockname()[1], files, folders, int(limits.memory), calls]
        os.environ["CNNBOOK_PROBE"] = "CNNBOOK_PROBE"
        try:
            found = asked_once(way, limits, arguments)
        finally:
            del os.environ["CNNBOOK_PROBE"]
    return rows(way, found, limits)


def asked_once(way: str, limits: Limits, arguments: list) -> dict:
    """What the probe found, as two submissions: the second looks for what the first left."""
    walls = Walls(way)
    try:
        with contextlib.closing(Student(PROBE.encode(), ".py", Sandbox(walls, limits), limits)) as student:
            student.leave_a_note()
        with contextlib.closing(Student(PROBE.encode(), ".py", Sandbox(walls, limits), limits)) as student:
            alone = student._place.alone or way != "bwrap"
            return student.probe(*arguments) | {"note": student.find_the_note(), "alone": alone}
    except (StudentError, Trouble) as error:
        detail = getattr(error, "detail", "")
        raise IsolationError(f"the self-test of the sandbox did not run: {error} {detail}".strip()) from None
    finally:
        walls.close()


def rows(way: str, found: dict, limits: Limits) -> list[Row]:
    """The table of what was tried."""
    inside = way == "bwrap"
    calls = "seccomp: a filter of system calls" if sandbox_filter() else "nothing: libseccomp is missing"
    files = "an empty file system" if inside else "a user of its own"
    network = "a network of its own" if inside else calls
    memory = (
        f"one process of at most {limits.memory / 1e9:.2g} GB, and no shared memory (no cgroup is needed)"
    )
    one = calls if sandbox_filter() else "the limit on processes"
    spaces = "of processes and of messages for every submission, of the network for all"
    table = [
        Row("files", tuple(f"it reads {path}" for path in found["files"]), files),
        Row("writing", tuple(f"it writes into {path}" for path in found["writing"]), files),
        Row("environment", tuple(f"it sees {name}" for name in found["environment"]), "an empty environment"),
        Row("network", told("it has the network", found["network"]), network, needed=way != "uid"),
        Row("root", told("it is root or can become it", found["root"]), "a user of its own"),
        Row("memory", told("its memory is not limited", found["memory"]), memory),
        Row("one process", told(f"it starts {found['processes']} processes", found["processes"]), one),
        Row("notes for the next", told("they are found", found["note"]), "no keyring in common"),
        Row("namespaces", told("submissions share them", not found["alone"]), spaces, needed=False),
    ]
    groups = {}
    for name, group, reached in found["calls"]:
        groups.setdefault(group, []).extend([f"it may call {name}"] if reached else [])
    return table + [Row(group, tuple(reached), calls, needed=False) for group, reached in groups.items()]


def told(sentence: str, reached) -> tuple[str, ...]:
    """The sentence as what was reached, or nothing."""
    return (sentence,) if reached else ()


def table(rows: list[Row]) -> str:
    """The rows as text, one line each."""
    width = max(len(row.what) for row in rows)
    lines = []
    for row in rows:
        verdict = "held" if not row.reached else "NOT HELD" if row.needed else "not held"
        lines.append(f"{row.what:<{width}}  {verdict:<8}  {'; '.join(row.reached) or row.by}")
    return "\n".join(lines)


def proven(way: str, secret: list[Path], tell=lambda line: None) -> str:
    """Return the way to isolate after a real run has shown that it holds; "auto" is bubblewrap.

    Parameters
    ----------
    secret : see `self_test`. tell : receives a sentence about what this system cannot hold, if there is any.

    Raises
    ------
    IsolationError : if it does not hold; the message says what was reached, and what to do.
    """
    if way == "unsafe":
        return way
    way = "bwrap" if way == "auto" else way
    if way == "uid" and os.geteuid() != 0:
        raise IsolationError(
            "--isolation uid must run as root inside a container that is thrown away afterwards."
        )
    if way == "uid" and not open_to_all(Path(os.__file__)):
        raise IsolationError(
            "--isolation uid needs a Python that every user may read. "
            f"This one lies in {Path(os.__file__).parent}, which is closed. Use one installed for the system."
        )
    try:
        found = self_test(way, secret)
        escapes = [text for row in found if row.needed for text in row.reached]
    except (IsolationError, OSError) as error:
        found, escapes = [], [str(error)]
    if escapes:
        raise IsolationError(
            f"Students' code cannot be isolated here with {way}: {'; '.join(escapes)}. Install bubblewrap "
            "and allow user namespaces, or grade in a disposable container with --isolation uid. --unsafe "
            "runs it as an ordinary process that can read your files and use your network."
        )
    if weak := [row.what for row in found if row.reached]:
        tell(f"Not held here: {', '.join(weak)}. `python -m cnnbook.coursework sandbox` says more.")
    return way


def open_to_all(path: Path) -> bool:
    """True if every user may read this file: so its permissions say, and those of all folders above it."""
    return bool(path.stat().st_mode & 0o004) and all(folder.stat().st_mode & 0o001 for folder in path.parents)
