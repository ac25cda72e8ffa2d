"""The judge: a process that runs the hidden tests on one submission, under limits of its own.

It computes on a student's arrays, so it may run out of memory or of time; the grader, in another process,
reads nothing but its short messages. A server, see `serve`, has everything loaded and forks a judge for every
submission. A judge says, one JSON object a line:

    {"read": {"notes": [...], "tests": n}}    what was left out of the submission; how many tests there are
    {"begun": outcome}                a test begins; this is its outcome if the judge does not survive it
    {"outcome": outcome}              it is over
    {"done": {"changed": [...]}}      all tests are over
    {"trouble": sentence}             the grader's own trouble
    {"ended": code}                   from the process that waits for the judge: how it ended
"""

import contextlib
import gc
import json
import os
import pickle
import resource
import signal
import socket
import struct
from dataclasses import asdict

from cnnbook.coursework.inside import confine
from cnnbook.coursework.inside.session import versions
from cnnbook.coursework.sandbox import Limits, Sandbox, Walls
from cnnbook.coursework.student import Student
from cnnbook.coursework.system_calls import sandbox_filter
from cnnbook.coursework.testing import outcomes, tests_of
from cnnbook.coursework.trouble import IsolationError, Trouble, blame

SIZE = struct.Struct(">Q")
OUT_OF_MEMORY = 3  # exit code


def main(way: str) -> None:
    """Serve the grader that started this process; it is file 0. way : of isolation, see `sandbox`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the grader hears Ctrl+C, and ends this process
    from cnnbook import bugzoo, nn  # what hidden tests compare with: loaded once, for every judge

    del bugzoo, nn
    sandbox_filter()
    gc.freeze()  # what is here now is never collected, so that no judge copies its pages
    serve(socket.socket(fileno=os.dup(0)), way)


def serve(control: socket.socket, way: str) -> None:
    """Fork a judge for every connection that comes over `control`, until that ends."""
    walls = None
    while True:
        line, files, _, _ = socket.recv_fds(control, 16, 1)
        if not line:
            return
        connection = socket.socket(fileno=files[0])
        try:
            if walls and walls.process.poll() is not None:
                walls.close()
                walls = None
            walls = walls or Walls(way)
        except IsolationError as error:
            say(connection, "trouble", str(error))
            connection.close()
            continue
        if os.fork() == 0:
            control.close()
            try:
                keep(connection, walls)
            finally:
                os._exit(0)
        connection.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # bury the keepers whose judges are done
                continue


def keep(connection: socket.socket, walls: Walls) -> None:
    """Fork the judge, wait for it, and say how it ended."""
    confine.die_with_parent()
    judge = os.fork()
    if judge == 0:
        confine.die_with_parent()
        code = OUT_OF_MEMORY
        try:
            work(connection, walls)
            code = 0
        finally:
            os._exit(code)
    say(connection, "judge", judge)
    _, status = os.waitpid(judge, 0)
    say(connection, "ended", os.waitstatus_to_exitcode(status))


def say(connection: socket.socket, what: str, value) -> None:
    """One message to the grader. One that has gone needs none."""
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps({what: value}).encode() + b"\n")


def work(connection: socket.socket, walls: Walls) -> None:
    """Receive a job, and say what the hidden tests find. What goes wrong here is the grader's trouble."""
    try:
        (size,) = SIZE.unpack(received(connection, SIZE.size))
        judge(connection, walls, **pickle.loads(received(connection, size)))
    except MemoryError:
        raise
    except BaseException as error:
        known = blame(error) == "instructor" or isinstance(error, Trouble)
        say(connection, "trouble", str(error) if known else f"{type(error).__name__}: {error}")


def received(connection: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes of the grader's."""
    content = bytearray()
    while len(content) < count:
        part = connection.recv(min(count - len(content), 1 << 20))
        if not part:
            os._exit(0)
        content += part
    return bytes(content)


def judge(connection, walls, *, tests, variant, seed, content, suffix, limits: Limits, first: int) -> None:
    """Run the hidden tests from number `first` on.

    Parameters
    ----------
    tests : the files of hidden tests. content, suffix : the submission.
    """
    sandbox = Sandbox(walls, limits)
    try:
        found = tests_of(tests)
        if not same_release(sandbox.versions):
            raise IsolationError(
                f"the sandbox runs {sandbox.versions}, the grader {versions()}: they must agree"
            )
        limit_memory(limits.memory)
        student = Student(content, suffix, Timed(sandbox, limits), limits)
        say(connection, "read", {"notes": student.notes, "tests": len(found)})

        def begun(outcome):
            limit_time(limits.seconds)  # also for what a test computes before it asks anything
            say(connection, "begun", asdict(outcome))

        for outcome in outcomes(found[first:], student, seed, variant, begun):
            say(connection, "outcome", outcome)
        say(connection, "done", {"changed": sorted(student.changed)})
    finally:
        sandbox.close()


class Timed:
    """A sandbox; whenever it is asked something, the judge gets new seconds for its own computing."""

    def __init__(self, sandbox, limits):
        self.sandbox, self.limits = sandbox, limits

    def __getattr__(self, name):
        return getattr(self.sandbox, name)

    def exchange(self, content, seconds):
        """As `Sandbox.exchange`."""
        limit_time(seconds)
        return self.sandbox.exchange(content, seconds)


def limit_time(seconds: float) -> None:
    """End this process once it has computed that much longer; time in which it waits does not count."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


def limit_memory(memory: int) -> None:
    """Allow this process so many bytes more than it has. Where the kernel does not say, so many in all."""
    if memory:
        with contextlib.suppress(OSError):
            with open("/proc/self/statm") as file:
                memory += int(file.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))


def same_release(theirs: dict) -> bool:
    """True when Python and NumPy agree in their first two numbers."""
    ours = versions()
    return all(str(theirs.get(key)).split(".")[:2] == value.split(".")[:2] for key, value in ours.items())
