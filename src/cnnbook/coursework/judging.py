"""The grader's side of judging: it starts judges, and believes of what they say only what was checked.

The grader never computes on a student's arrays. What ends a judge while a test runs is sorted here: its
limits of time and memory are the student's doing and cost that test; all else is the grader's own trouble.
"""

import atexit
import contextlib
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

from cnnbook.coursework.judge import OUT_OF_MEMORY, SIZE
from cnnbook.coursework.sandbox import QUIET, Limits
from cnnbook.coursework.testing import Outcome
from cnnbook.coursework.texts import plain
from cnnbook.coursework.trouble import Trouble

PACKAGES = Path(__file__).parents[2]
LONGEST = 100_000  # bytes of one message of a judge
SILENCE = 300  # seconds without a word, beyond what the submission may use, until a judge is given up


class Server:
    """A process that has the book loaded and forks judges, see `judge.serve`. way : of isolation."""

    def __init__(self, way: str):
        path = [str(PACKAGES), *map(os.path.abspath, sys.path)]
        start = f"import sys; sys.path[:] = {path!r}; "
        start += f"from cnnbook.coursework.judge import main; main({way!r})"
        self.control, theirs = socket.socketpair()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", start],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                env=os.environ | QUIET,
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            self.control.close()
            raise
        finally:
            theirs.close()
        self.owner = os.getpid()

    def connection(self) -> socket.socket:
        """A connection to a new judge."""
        ours, theirs = socket.socketpair()
        try:
            socket.send_fds(self.control, [b"judge"], [theirs.fileno()])
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def close(self) -> None:
        """End the server. Its judges, and their sandboxes, end with it."""
        self.control.close()
        self.process.kill()
        self.process.wait()


LOCK = threading.Lock()
SERVERS: dict[str, Server] = {}  # those that this process has started, by way of isolation


def connect(way: str) -> socket.socket:
    """A connection to a new judge; the first one starts the server, and so does the one after its end."""
    with LOCK:
        server = SERVERS.get(way)
        if server and server.owner == os.getpid() and server.process.poll() is not None:
            server.close()
            server = None
        try:
            if server is None or server.owner != os.getpid():
                SERVERS.pop(way, None)
                server = SERVERS[way] = Server(way)
            return server.connection()
        except OSError as error:
            if server := SERVERS.pop(way, None):
                server.close()
            raise Trouble(f"no judge can be started: {error.strerror}") from None


@atexit.register
def close() -> None:
    """End this process' servers."""
    while SERVERS:
        _, server = SERVERS.popitem()
        if server.owner == os.getpid():
            server.close()


def judged(way: str, paths: list[Path], limits: Limits, **job) -> dict:
    """Judge one submission.

    Parameters
    ----------
    way : of isolation. paths : of hidden tests. limits : of the submission.
    job : what `judge.judge` takes besides.

    Returns
    -------
    dict : "tests" (the fields of an `Outcome` each), "notes", "changed".

    Raises
    ------
    Trouble : if the grader itself failed.
    """
    result = {"tests": [], "notes": [], "changed": set(), "count": None}
    while len(result["tests"]) != result["count"]:
        job |= {"tests": paths, "limits": limits, "first": len(result["tests"])}
        if lost := heard(way, result, job):
            result["tests"].append(lost)
        elif len(result["tests"]) != result["count"]:
            raise Trouble(f"the judge ran {len(result['tests'])} of {result['count']} tests")
    return result


def heard(way: str, result: dict, job: dict) -> dict | None:
    """Let one judge run and add to the result what it says.

    Returns
    -------
    The outcome of the test that ended it, or None if none did.
    """
    begun = None
    for what, value in messages(way, job):
        if what == "trouble":
            raise Trouble(plain(str(value), 500))
        if what == "read":
            result["count"] = int(value["tests"])
            result["notes"] = [plain(str(note), 300) for note in value["notes"]]
        elif what == "begun":
            begun = outcome_of(value)
        elif what == "outcome":
            result["tests"].append(vars(outcome_of(value)))
            begun = None
        elif what == "done":
            result["changed"] |= {(str(name), int(number)) for name, number in value["changed"]}
            return None
        elif what == "ended":
            return vars(outcome_of_lost(begun, value))
    raise Trouble("the judge has gone without a word")


def outcome_of_lost(begun: Outcome | None, code: int) -> Outcome:
    """The outcome of a test whose judge ended with this exit code."""
    if begun and code == -signal.SIGXCPU:
        return replace(begun, reason="time", message="What the answer needs computed takes too long.")
    if begun and code in (OUT_OF_MEMORY, -signal.SIGSEGV):
        return replace(begun, reason="memory", message="The answer needs too much memory to be judged.")
    raise Trouble(f"the judge ended by itself (exit code {code})")


def messages(way: str, job: dict) -> Iterator[tuple[str, object]]:
    """Everything that a new judge says about a job."""
    content, judge, part = pickle.dumps(job), None, b""
    with connect(way) as connection:
        connection.settimeout(SILENCE + job["limits"].total)
        try:
            connection.sendall(SIZE.pack(len(content)) + content)
            while received := connection.recv(1 << 16):
                *lines, part = (part + received).split(b"\n")
                if len(part) > LONGEST:
                    raise Trouble("the judge said too much")
                for line in lines:
                    ((what, value),) = json.loads(line).items()
                    if what == "judge":
                        judge = value
                    else:
                        yield what, value
        except TimeoutError:
            raise Trouble("the judge said nothing for too long") from None
        except OSError as error:
            raise Trouble(f"the judge is gone: {error.strerror}") from None
        finally:
            if judge:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(judge, signal.SIGKILL)


def outcome_of(value) -> Outcome:
    """An outcome as a judge reported it. Raises Trouble if it is none."""
    kinds = {field.name: field.type for field in fields(Outcome)}
    numbers = {"points", "worth"}
    if not isinstance(value, dict) or value.keys() != kinds.keys():
        raise Trouble("the judge reported what is no outcome")
    for key, part in value.items():
        right = (int, float) if key in numbers else bool if key == "visible" else str
        if not isinstance(part, right):
            raise Trouble("the judge reported what is no outcome")
        if right is str:
            value[key] = plain(part, 500)
    return Outcome(**value)
