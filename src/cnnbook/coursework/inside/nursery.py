"""The first process of a submission's sandbox. It forks a child for every question to a student's code.

The nursery never reads a byte that a student wrote. A child is locked in, answers over a socket of its own,
and ends: nothing that a student's code does outlives one question. Orders come over a socket, one line each:

    {"order": "fork"} with a socket   ->  {"pid": ...}
    {"order": "end", "grace": s}      ->  {"status": as os.waitpid, "alive": it had to be ended}

This file runs inside the sandbox and needs NumPy and its neighbours, nothing else of the book.
"""

import contextlib
import json
import os
import signal
import socket
import time

from cnnbook.coursework.inside import confine
from cnnbook.coursework.inside.session import Session, versions
from cnnbook.coursework.inside.wire import pack, read_frame, unpack


def serve(control: socket.socket, *, alone: bool, memory: int, processes: int, uid: int, filter: str) -> None:
    """Give up what a student's code must not have, then take orders until `control` ends.

    Parameters
    ----------
    alone : True where this process has namespaces of its own. filter : see `sandbox_filter`, as hexadecimal
        digits. The others : see `confine.limit`.
    """
    confine.limit(memory, processes, uid)
    confine.die_with_parent()
    signal.signal(
        signal.SIGABRT, signal.SIG_IGN
    )  # the one signal that a child may send, see `sandbox_filter`
    tell(control, {"ready": versions(), "alone": alone})
    program, child = bytes.fromhex(filter), 0
    while True:
        line, files, _, _ = socket.recv_fds(control, 4096, 1)
        if not line:
            end(child, 0)
            return
        order = json.loads(line)
        if order["order"] == "end":
            tell(control, end(child, order["grace"]))
            child = 0
        else:
            child = os.fork()
            if not child:
                control.close()
                answer(files[0], program)
            os.close(files[0])
            tell(control, {"pid": child})


def tell(control, message) -> None:
    """Answer an order."""
    control.sendall(json.dumps(message).encode() + b"\n")


def end(child: int, grace: float) -> dict:
    """End a child that does not end by itself within `grace` seconds, and say how it ended."""
    until, pid, status = time.monotonic() + grace, 0, 0
    while child and grace and not pid and time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0 if pid else 0.001)
    alive = bool(child) and not pid
    if alive:
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return {"status": status, "alive": alive}


def answer(file: int, program: bytes) -> None:
    """The child: answer requests over the socket `file`, and end."""
    code = 1
    try:
        os.setpgid(0, 0)
        confine.die_with_parent()
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        stream = socket.socket(fileno=file)
        requests, replies = stream.makefile("rb"), stream.makefile("wb")

        def send(content):
            replies.write(content)
            replies.flush()

        def call_host(number, args):
            send(pack({"callback": number, "args": args, "turn": session.turn}, session.keep))
            reply = unpack(read_frame(requests), session.find)
            if "error" in reply:
                raise ValueError(reply["error"])
            return reply["value"]

        session, me = Session(call_host), os.getpid()
        confine.lock(program)
        send(pack({"turn": 0, "value": None}))  # from here on, whatever happens is the student's doing
        while (request := read_frame(requests)) is not None:
            reply = session.handle(request)
            if os.getpid() != me:  # a process that the student's code made: it answers nobody
                break
            send(reply)
        code = 0
    finally:
        os._exit(code)
