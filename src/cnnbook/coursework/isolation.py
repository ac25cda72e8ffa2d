"""Proof that a sandbox holds, before any student's code is run in it.

`self_test` starts a submission that tries to break out, and reports what it reached. `proven` refuses to
grade where anything was reached.
"""

import os
import socket
import tempfile
import time
from pathlib import Path

import numpy as np

from cnnbook.coursework.inside.wire import WireError, pack, unpack
from cnnbook.coursework.sandbox import USUAL, IsolationError, Limits, Process, Stopped

PROBE = """
import os, socket

def tries(action):
    try:
        return str(action())
    except BaseException as error:
        return ""

def probe(port, files, folders, memory):
    found = {}
    def connect(address):
        socket.create_connection(address, 0.5).close()
        return "reached"
    found["network"] = tries(lambda: connect(("127.0.0.1", port)))
    found["files"] = [path for path in files if tries(lambda: open(path, "rb").read(1) and "read")]
    found["environment"] = sorted(
        name for name in os.environ
        if not name.endswith("_NUM_THREADS") and name not in ("PWD", "LC_ALL", "LC_CTYPE")
    ) + [path for path in ("/proc/1/environ", "/proc/self/environ") if b"CNNBOOK_PROBE" in read(path)]
    found["writing"] = [
        folder for folder in folders if tries(lambda: write(folder + "/cnnbook-probe"))
    ]
    found["root"] = tries(lambda: os.setuid(0) or "root") if os.getuid() else "is root"
    found["memory"] = tries(lambda: len(bytearray(memory + 10**8)))
    found["processes"] = children()
    return found

def read(path):
    try:
        return open(path, "rb").read()
    except OSError:
        return b""

def write(path):
    with open(path, "w") as file:
        file.close()
    os.remove(path)
    return "wrote"

def children():
    count = 0
    try:
        for count in range(60):
            child = os.fork()
            if child == 0:
                import time
                time.sleep(1)
                os._exit(0)
    except OSError:
        return count
    return 60
"""


def self_test(way: str, secret: list[Path], limits: Limits = USUAL) -> list[str]:
    """Try to break out, and say what was reached: nothing, an empty list, if the sandbox holds.

    Parameters
    ----------
    way : "bwrap" or "uid". secret : files that students' code must never read: hidden tests, submissions.

    Raises
    ------
    IsolationError : if the process does not start.
    """
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.NamedTemporaryFile() as canary:
        canary.write(b"secret")
        canary.flush()
        os.chmod(canary.name, 0o600)
        files = [*map(str, secret), canary.name, "/etc/passwd" if way == "bwrap" else canary.name]
        folders = ["/", "/dev", "/dev/shm", "/tmp", "/packages"] if way == "bwrap" else []
        folders += sorted({str(Path(path).parent) for path in secret})
        arguments = [server.getsockname()[1], files, folders, int(limits.memory)]
        os.environ["CNNBOOK_PROBE"] = "CNNBOOK_PROBE"
        try:
            found = ask_once(way, limits, PROBE, "probe", arguments)
        finally:
            del os.environ["CNNBOOK_PROBE"]
    escapes = [f"it reads {path}" for path in found["files"]]
    escapes += [f"it writes into {folder}" for folder in found["writing"]]
    escapes += [f"it sees the environment: {name}" for name in found["environment"]]
    if found["network"] and way != "uid":
        escapes.append("it has the network")
    if found["root"]:
        escapes.append("it is root or can become it")
    if found["memory"]:
        escapes.append("its memory is not limited")
    if found["processes"] > limits.processes:
        escapes.append(f"it can start {found['processes']} processes")
    return escapes


def ask_once(way, limits, source, name, args):
    """Run one function of `source` in a fresh process and return its value."""
    process = Process(way, limits)
    try:
        process.exchange(pack({"op": "hello", "turn": 0}), time.monotonic() + 30)
        load = {"op": "load", "turn": 1, "content": np.frombuffer(source.encode(), np.uint8), "suffix": ".py"}
        deadline = time.monotonic() + 30
        process.exchange(pack(load), deadline)
        reply = unpack(
            process.exchange(
                pack({"op": "call", "turn": 2, "name": name, "args": args, "kwargs": {}}), deadline
            )
        )
        if "error" in reply:
            raise IsolationError(f"The self-test of the sandbox did not run: {reply['message']}")
        return reply["value"]
    except (Stopped, WireError) as error:
        raise IsolationError(f"The self-test of the sandbox did not run: {error}.") from error
    finally:
        process.close()


def proven(way: str, secret: list[Path]) -> str:
    """Return the way to isolate after a real run has shown that it holds; "auto" is bubblewrap.

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
        escapes = self_test(way, secret)
    except (IsolationError, OSError) as error:
        escapes = [str(error)]
    if escapes:
        raise IsolationError(
            f"Students' code cannot be isolated here with {way}: {'; '.join(escapes)}. Install bubblewrap "
            "and allow user namespaces, or grade in a disposable container with --isolation uid. --unsafe "
            "runs it as an ordinary process that can read your files and use your network."
        )
    return way


def open_to_all(path: Path) -> bool:
    """True if every user may read this file: so its permissions say, and those of all folders above it."""
    return bool(path.stat().st_mode & 0o004) and all(folder.stat().st_mode & 0o001 for folder in path.parents)
