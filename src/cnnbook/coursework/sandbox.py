"""Where a student's code runs: a process with no network, no files, no environment, and hard limits.

Three ways. `bwrap`: bubblewrap gives the process an empty file system with Python and NumPy in it, and
nothing else. `uid`: for a disposable container that forbids bubblewrap, as root: the process runs as a new
user, who owns no file; it still has the network. `unsafe`: a plain child process. A real run decides what
works, see `isolation`.
"""

import contextlib
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnnbook.coursework.inside.wire import LARGEST_BODY, LARGEST_HEADER, LENGTHS

INSIDE = Path(__file__).parent / "inside"  # its files are all of the book that the process can see
WAYS = ("bwrap", "uid", "unsafe")


class IsolationError(RuntimeError):
    """Students' code cannot be isolated here."""


class Stopped(Exception):
    """The process is gone: `.category` is "time", "crash" or "protocol"; the message says what happened."""

    def __init__(self, category, message):
        super().__init__(message)
        self.category = category


@dataclass(frozen=True)
class Limits:
    """What one submission may use. seconds : for one call; total : for all calls; memory in bytes."""

    seconds: float = 10
    total: float = 60
    memory: int = 1_500_000_000
    processes: int = 4


USUAL = Limits()


def worker_command(way: str, limits: Limits, uid: int) -> list[str]:
    """The command line that starts a worker in this way."""
    python = os.path.realpath(sys._base_executable)
    packages = Path(np.__file__).parents[1]
    inside = way == "bwrap"
    path = ["/packages"] if inside else [str(INSIDE.parents[2]), str(packages)]
    start = f"import sys; sys.path += {path!r}; from cnnbook.coursework.inside.worker import main; main()"
    # A user of its own makes the limit on processes count; bubblewrap as an ordinary user has one already.
    become = uid if way == "uid" or (inside and os.geteuid() == 0) else 0
    run = [python, "-I", "-S", "-B", "-c", start]
    run += [str(int(limits.memory)), str(limits.processes), str(become)]
    return [*bwrap(python, packages), *run] if inside else run


def bwrap(python: str, packages: Path) -> list[str]:
    """Bubblewrap, and what it shows: Python, NumPy, two devices and the worker's three files, read-only."""
    program = shutil.which("bwrap")
    if not program:
        raise IsolationError("bubblewrap (`bwrap`) is not installed. Debian, Ubuntu: apt install bubblewrap.")
    line = [program, "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--chdir", "/"]
    line += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    if (
        os.geteuid() == 0
    ):  # the worker gives up root itself: in a user namespace of root it would count as root
        line += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        line += ["--unshare-user"]
    shown = {"/usr", sys.base_prefix, str(Path(python).parents[1])}
    for home in sorted(shown):
        if home == "/usr" or not home.startswith("/usr/"):
            line += [*parents(home), "--ro-bind", home, home]
    for name in ("/lib", "/lib64"):
        if os.path.islink(name):
            line += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            line += ["--ro-bind", name, name]
    line += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    for device in ("/dev/null", "/dev/urandom"):
        line += [*parents(device), "--dev-bind", device, device]
    ours = "/packages/cnnbook/coursework/inside"
    line += parents(f"{ours}/x")
    for name in ("numpy", "numpy.libs"):
        if (packages / name).is_dir():
            line += ["--ro-bind", str(packages / name), f"/packages/{name}"]
    for file in sorted(INSIDE.glob("*.py")):
        line += ["--ro-bind", str(file), f"{ours}/{file.name}"]
    return [*line, "--remount-ro", "/"]


def parents(path: str) -> list[str]:
    """Folders above `path`, which everybody may enter."""
    above = [str(folder) for folder in reversed(Path(path).parents)][1:]
    return [word for folder in above for word in ("--perms", "0755", "--dir", folder)]


class Process:
    """A worker: `exchange` sends it one message and waits for one."""

    def __init__(self, way: str, limits: Limits):
        self.way, self.uid = way, 2**30 + secrets.randbelow(2**29)
        quiet = {
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "LC_ALL": "C.UTF-8",
        }
        self.process = subprocess.Popen(
            worker_command(way, limits, self.uid),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=quiet,
            cwd="/",
            start_new_session=True,
        )
        self.ready = False
        for pipe in (self.process.stdin, self.process.stdout):
            os.set_blocking(pipe.fileno(), False)

    def exchange(self, content: bytes, deadline: float) -> bytes:
        """Send one message, return the answer; `deadline` is a time of `time.monotonic`.

        Raises
        ------
        Stopped : if the process took too long, ended, or sent something that is no message. It is ended then.
        """
        try:
            self.send(content, deadline)
            lengths = self.read(LENGTHS.size, deadline)
            header, body = LENGTHS.unpack(lengths)
            if header > LARGEST_HEADER or body > LARGEST_BODY:
                raise Stopped("protocol", "the code sent something that is no answer")
            answer = lengths + self.read(header + body, deadline)
            self.ready = True
            return answer
        except Stopped:
            self.close()
            raise

    def send(self, content, deadline):
        pipe, left = self.process.stdin.fileno(), memoryview(content)
        while left:
            self.wait(pipe, select.POLLOUT, deadline)
            try:
                left = left[os.write(pipe, left[: 1 << 16]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise Stopped("crash", self.reason()) from None

    def read(self, count, deadline):
        pipe, received = self.process.stdout.fileno(), bytearray()
        while len(received) < count:
            self.wait(pipe, select.POLLIN, deadline)
            try:
                part = os.read(pipe, min(count - len(received), 1 << 20))
            except BlockingIOError:
                continue
            if not part:
                raise Stopped("crash", self.reason())
            received += part
        return bytes(received)

    def wait(self, pipe, event, deadline):
        poll = select.poll()
        poll.register(pipe, event)
        if not poll.poll(max(0, deadline - time.monotonic()) * 1000):
            raise Stopped("time", "it took too long")

    def reason(self):
        """Why the process ended, as far as its exit code tells."""
        try:
            code = self.process.wait(2)
        except subprocess.TimeoutExpired:
            return "the code closed its connection to the grader"
        if not self.ready:
            said = self.process.stderr.read().decode(errors="replace").strip()[-300:]
            raise IsolationError(f"The process for students' code did not start ({self.way}): {said}")
        number = -code if code < 0 else code - 128
        if number in set(signal.Signals):
            return f"the interpreter crashed ({signal.Signals(number).name})"
        return f"the code ended the interpreter (exit code {code})"

    def close(self):
        """End the process and everything it started."""
        if self.process.poll() is None:
            self.process.kill()
        if self.way != "bwrap":  # bubblewrap's children die with it
            self.end_children()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    def end_children(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for _ in range(50 if self.way == "uid" else 0):
            ours = [p for p in Path("/proc").iterdir() if p.name.isdigit() and owner(p) == self.uid]
            if not ours:
                return
            for process in ours:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(process.name), signal.SIGKILL)
            time.sleep(0.02)


def owner(path: Path):
    """The user a process belongs to, or None if it has ended."""
    try:
        return path.stat().st_uid
    except OSError:
        return None
