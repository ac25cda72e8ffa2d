"""Where a student's code runs: processes with no network, no files, no environment, and hard limits.

Every submission has a sandbox of its own: a nursery, see `inside.nursery`, which forks a child for every
question. Three ways. `bwrap`: bubblewrap gives it an empty file system with Python and NumPy in it, and
nothing else. `uid`: for a disposable container that forbids bubblewrap, as root: it runs as a new user, who
owns no file. `unsafe`: plain child processes. A real run decides what works, see `isolation`.
"""

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from cnnbook.coursework.bubblewrap import command
from cnnbook.coursework.channel import Channel, Closed, Late
from cnnbook.coursework.inside.wire import WireError
from cnnbook.coursework.system_calls import sandbox_filter
from cnnbook.coursework.trouble import IsolationError, Trouble

WAYS = ("bwrap", "uid", "unsafe")
# Seconds for what the grader itself does: starting a sandbox, forking a child.
PATIENCE = float(os.environ.get("CNNBOOK_PATIENCE", 60))
GRACE = 0.5  # seconds in which a process that closed its connection may end by itself
QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
ENVIRONMENT = QUIET | {"PYTHONHASHSEED": "0"}
# What a child may bring on itself although it can send no signal but SIGABRT; others come from outside.
ITS_OWN = {"SIGABRT", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGSYS", "SIGTRAP", "SIGXCPU", "SIGXFSZ"}
ITS_OWN |= {"SIGPIPE", "SIGALRM", "SIGVTALRM", "SIGPROF"}


class Stopped(Exception):
    """A child is gone, and the student's code is the reason: `.category` is "time", "crash" or "protocol"."""

    def __init__(self, category, message):
        super().__init__(message)
        self.category = category


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    seconds : for one call; total : for all calls. Time in which the machine was busy with other things does
    not count. memory : of its one process, in bytes. processes : threads included. message : the most bytes
    of one answer.
    """

    seconds: float = 10
    total: float = 60
    memory: int = 1_500_000_000
    processes: int = 8
    message: int = 8_000_000


USUAL = Limits()


class Walls:
    """A process behind the walls of one way of isolation, with NumPy loaded, see `inside.first`.

    Raises
    ------
    IsolationError : if it does not start.
    """

    def __init__(self, way: str):
        self.way, line = way, command(way)
        self.requests, theirs = socket.socketpair()
        try:
            self.process = subprocess.Popen(
                line,
                stdin=theirs,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            self.requests.close()
            raise IsolationError(f"the sandbox ({way}) cannot be started: {error.strerror}") from None
        finally:
            theirs.close()
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        if not ready or self.process.stdout.read(1) != b"r":
            self.process.kill()
            said = self.process.stderr.read().decode(errors="replace").strip().splitlines()
            self.close()
            why = said[-1][:300] if said else ""
            why = why or ("it said nothing" if ready else f"it said nothing for {PATIENCE} seconds")
            raise IsolationError(f"the sandbox ({way}) did not start: {why}")

    def close(self) -> None:
        """End the process and everything behind the walls."""
        self.requests.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class Sandbox:
    """A nursery and at most one child: `begin` forks it, `exchange` asks it, `end` ends it.

    used : the seconds of all exchanges so far, see `Limits`. versions : of Python and NumPy in it.

    Raises
    ------
    Trouble : if the sandbox does not start, or is lost. No student's code is the reason.
    """

    def __init__(self, walls: Walls, limits: Limits):
        self.walls, self.way, self.limits = walls, walls.way, limits
        self.channel, self.used = None, 0.0
        self.uid = 2**30 + secrets.randbelow(2**29)
        self.control, theirs = socket.socketpair()
        self.lines = self.control.makefile("r")
        self.control.settimeout(PATIENCE)
        # A user of its own makes the limit on processes count. Bubblewrap as an ordinary user has one.
        become = self.uid if self.way == "uid" or (self.way == "bwrap" and os.geteuid() == 0) else 0
        settings = {"alone": self.way == "bwrap", "uid": become, "filter": sandbox_filter().hex()}
        # Without the filter the limit on processes has to keep the code to one: the nursery and its child.
        processes = limits.processes if sandbox_filter() else 2
        settings |= {"memory": int(limits.memory), "processes": processes}
        try:
            with theirs:
                socket.send_fds(walls.requests, [json.dumps(settings).encode()], [theirs.fileno()])
            said = self.heard()
        except (OSError, Trouble) as error:
            self.close()
            raise Trouble(f"the sandbox ({self.way}) makes no process: {error}") from None
        self.versions, self.alone = said["ready"], said["alone"]

    def heard(self) -> dict:
        """The nursery's answer to an order."""
        try:
            return json.loads(self.lines.readline())
        except (OSError, ValueError):
            raise Trouble(f"the sandbox ({self.way}) is gone or does not answer") from None

    def begin(self) -> None:
        """Fork a child that no student's code has run in."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self.control, [b'{"order": "fork"}'], [theirs.fileno()])
            except OSError:
                ours.close()
                raise Trouble(f"the sandbox ({self.way}) is gone") from None
        self.channel = Channel(ours)
        self.heard()
        try:
            self.channel.exchange(b"", PATIENCE, 1000)
        except (Closed, Late, WireError) as error:
            self.end(0)
            raise Trouble(f"a process of the sandbox ({self.way}) did not start: {error}") from None

    def exchange(self, content: bytes, seconds: float) -> bytes:
        """Send one message and return the answer. A child that does not answer is ended.

        Raises
        ------
        Stopped : if it took too long, ended, or sent something that is no message.
        Trouble : if something else ended it.
        """
        channel = self.channel
        try:
            return channel.exchange(content, seconds, self.limits.message)
        except Late as late:
            self.end(0)
            if late.starved:
                raise Trouble("the machine was too busy to run the submission") from None
            raise Stopped("time", "it took too long") from None
        except WireError as error:
            self.end(0)
            raise Stopped("protocol", str(error)) from None
        except Closed:
            raise self.reason(self.end(GRACE)) from None
        finally:
            self.used += channel.used()

    def end(self, grace: float = 0) -> dict:
        """End the child, if there is one, and return how it ended, see `inside.nursery`."""
        if self.channel is None:
            return {}
        self.channel.close()
        self.channel = None
        try:
            self.control.sendall(json.dumps({"order": "end", "grace": grace}).encode())
        except OSError:
            raise Trouble(f"the sandbox ({self.way}) is gone") from None
        return self.heard()

    def reason(self, how: dict) -> Exception:
        """Why a child ended that closed its connection."""
        code = os.waitstatus_to_exitcode(how["status"])
        if how["alive"]:
            return Stopped("crash", "the code closed its connection to the grader")
        if code >= 0:
            return Stopped("crash", f"the code ended the interpreter (exit code {code})")
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        if name in ITS_OWN or not sandbox_filter():
            return Stopped("crash", f"the interpreter crashed ({name})")
        return Trouble(f"something outside the sandbox ended a process in it ({name})")

    def close(self) -> None:
        """End the sandbox and everything in it."""
        if self.channel:
            self.channel.close()
            self.channel = None
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_WR)  # the nursery ends its child, then itself
            self.lines.read()
        self.lines.close()
        self.control.close()
        if self.way == "uid":
            self.end_everything()

    def end_everything(self) -> None:
        """End every process of the sandbox's user."""
        for _ in range(50):
            ours = [p for p in Path("/proc").iterdir() if p.name.isdigit() and owner(p) == self.uid]
            if not ours:
                return
            for process in ours:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(process.name), signal.SIGKILL)
            time.sleep(0.02)


def owner(path: Path) -> int | None:
    """The user a process belongs to, or None if it has ended."""
    try:
        return path.stat().st_uid
    except OSError:
        return None
