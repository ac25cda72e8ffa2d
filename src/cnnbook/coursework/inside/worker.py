"""The process in which a student's code runs. It is trusted with nothing: no test, no grade, no file.

It reads requests from stdin, and writes one reply to each to stdout: see `Session.handle`. A function handed
to the student's code by the grader is called back: the request goes out, the answer comes in. This file
needs NumPy and its two neighbours, nothing else of the book.
"""

import contextlib
import io
import os
import platform
import re
import resource
import sys
import traceback

import numpy as np

from cnnbook.coursework.inside.extract import extract
from cnnbook.coursework.inside.wire import LENGTHS, WireError, pack, unpack


class Session:
    """A student's names and objects, and what may be asked about them.

    call_host : called with (number of the grader's function, args) when the student's code calls it.
    """

    def __init__(self, call_host):
        self.call_host = call_host
        self.names = {"__name__": "submission", "np": np}
        self.objects = []
        self.turn = 0

    def handle(self, content: bytes) -> bytes:
        """Answer one request: {"op": "hello" | "load" | "call" | "method" | "get" | "run", ...}.

        Every request has a "turn", a number that its reply repeats: what was written in between is no reply.
        The reply is {"value": ...}, or {"error": type, "message": ..., "where": cell and line}; and
        "changed": the numbers of the arguments that were written to.
        """
        answers = {
            "hello": self.hello,
            "load": self.load,
            "call": self.call,
            "method": self.call,
            "get": self.get,
            "run": self.run,
        }
        try:
            request = unpack(content, self.find)
            self.turn = request["turn"]
            return pack(answers[request["op"]](request) | {"turn": self.turn}, self.keep)
        except BaseException as error:
            return pack(describe(error) | {"turn": self.turn})

    def hello(self, request):
        """The first request: no student's code has been seen yet."""
        return {"value": versions()}

    def load(self, request):
        parts, notes = extract(request["content"].tobytes(), request["suffix"])
        for cell, tree in parts:
            try:
                exec(compile(tree, cell, "exec"), self.names)
            except BaseException as error:
                notes.append(f"{cell}: {describe(error)['message']}")
        own = sorted(name for name in self.names if not name.startswith("__"))
        return {"value": own, "notes": notes[:20]}

    def call(self, request):
        if request["op"] == "method":
            function = getattr(request["object"], request["name"])
        elif request["name"] in self.names:
            function = self.names[request["name"]]
        else:
            return {"error": "Missing", "message": f"{request['name']} is not defined", "where": ""}
        args, kwargs = request["args"], request["kwargs"]
        given = [*args, *kwargs.values()]
        before = [arg.copy() if isinstance(arg, np.ndarray) else None for arg in given]
        value = function(*args, **kwargs)
        changed = [
            number
            for number, (arg, copy) in enumerate(zip(given, before, strict=True))
            if copy is not None and not np.array_equal(arg, copy, equal_nan=copy.dtype.kind in "fc")
        ]
        return {"value": value, "changed": changed}

    def get(self, request):
        return {"value": getattr(request["object"], request["name"]), "changed": []}

    def run(self, request):
        """Run whole cells, one after the other, up to the first error; the value is what they printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            for number, source in enumerate(request["cells"], 1):
                exec(compile(source, f"code cell {number}", "exec"), self.names)
        return {"value": printed.getvalue()}

    def keep(self, value):
        """Keep an object that cannot cross and send its number instead."""
        self.objects.append(value)
        return {"object": len(self.objects) - 1, "type": type(value).__name__}

    def find(self, kind, number, rest):
        if kind == "object":
            return self.objects[number]
        if kind == "function":
            return lambda *args: self.call_host(number, args)
        raise WireError(f"unknown kind {kind!r}")


def describe(error):
    """An exception as data: its type, its message, and the last line of the student's that it passed."""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if re.match("code cell|the file", f.filename)
    ]
    where = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    try:
        message = re.sub("0x[0-9a-f]+", "0x...", str(error))[:400]
    except BaseException:
        message = "an error whose message cannot be printed"
    name = "MemoryError" if isinstance(error, MemoryError) else type(error).__name__
    return {"error": name, "message": f"{name}: {message}" if message else name, "where": where}


def versions():
    """Python's and NumPy's releases, as far as they may change a result.

    >>> sorted(versions())
    ['numpy', 'python']
    """
    return {"python": platform.python_version(), "numpy": np.__version__}


def read_frame(stream):
    """One message from a stream, or None at its end."""
    lengths = stream.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    return lengths + stream.read(sum(LENGTHS.unpack(lengths)))


def main():
    """Give up what a student's code must not have, then answer requests until stdin ends."""
    memory, processes, uid = map(int, sys.argv[1:4])
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, m) for n, m in ((0, "r"), (1, "w"), (2, "w")))
    if uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))

    def call_host(number, args):
        replies.write(pack({"callback": number, "args": args, "turn": session.turn}, session.keep))
        replies.flush()
        answer = unpack(read_frame(requests), session.find)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["value"]

    session, me = Session(call_host), os.getpid()
    while (request := read_frame(requests)) is not None:
        reply = session.handle(request)
        if os.getpid() != me:  # a process that the student's code made: it answers nobody
            os._exit(0)
        replies.write(reply)
        replies.flush()
