"""A student's names and objects, and what may be asked about them.

It is trusted with nothing: no test, no grade, no file. A function handed to the student's code by the grader
is called back: the request goes out, the answer comes in. This file runs inside the sandbox; it needs NumPy
and its neighbours, nothing else of the book.
"""

import contextlib
import io
import os
import platform
import random
import re

import numpy as np

from cnnbook.coursework.inside.extract import extract
from cnnbook.coursework.inside.wire import WireError, pack, unpack


class Session:
    """One process' share of a submission: its names, its objects, and the answers to requests.

    call_host : called with (number of the grader's function, args) when the student's code calls it.
    """

    def __init__(self, call_host):
        self.call_host = call_host
        self.names = {"__name__": "submission", "np": np}
        self.objects = []
        self.turn = 0

    def handle(self, content: bytes) -> bytes:
        """Answer one request: {"op": "read" | "load" | "call" | "method" | "get" | "run", ...}.

        Every request has a "turn", a number that its reply repeats: what was written in between is no reply.
        A "seed", where there is one, goes to NumPy's and Python's generators of random numbers first.
        The reply is {"value": ...}, or {"error": type, "message": ..., "where": cell and line}.
        """
        answers = {
            "read": self.read,
            "load": self.load,
            "call": self.call,
            "method": self.call,
            "get": self.get,
            "run": self.run,
        }
        try:
            request = unpack(content, self.find)
            self.turn = request["turn"]
            if "seed" in request:
                random.seed(request["seed"])
                np.random.seed(request["seed"])
            return pack(answers[request["op"]](request) | {"turn": self.turn}, self.keep)
        except BaseException as error:
            return pack(describe(error) | {"turn": self.turn})

    def read(self, request):
        """Take the parts of a submission that are kept; nothing of it runs."""
        parts, notes = extract(request["content"].tobytes(), request["suffix"])
        return {"value": parts, "notes": notes}

    def load(self, request):
        """Run the parts, as `read` gave them. The value is the names that are there now."""
        notes = []
        for cell, line, text in request["parts"]:
            try:
                exec(compile("\n" * (line - 1) + text, cell, "exec"), self.names)
            except BaseException as error:
                notes.append(f"{cell}: {describe(error)['message']}")
        own = sorted(name for name in self.names if not name.startswith("__"))
        return {"value": own, "notes": notes}

    def call(self, request):
        """Call a function or a method. "sent" are the arrays among its arguments as they are afterwards."""
        if request["op"] == "method":
            function = getattr(request["object"], request["name"])
        elif request["name"] in self.names:
            function = self.names[request["name"]]
        else:
            return {"error": "Missing", "message": f"{request['name']} is not defined", "where": ""}
        args, kwargs = request["args"], request["kwargs"]
        sent = [arg for arg in (*args, *kwargs.values()) if isinstance(arg, np.ndarray)]
        return {"value": function(*args, **kwargs), "sent": sent}

    def get(self, request):
        """The value of an object's attribute."""
        return {"value": getattr(request["object"], request["name"])}

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
        return {"object": len(self.objects) - 1}

    def find(self, kind, number, rest):
        """What a stand-in in a request stands for."""
        if kind == "object":
            return self.objects[number]
        if kind == "function":
            return lambda *args: self.call_host(number, args)
        raise WireError(f"unknown kind {kind!r}")


def take_chance_from_seeds() -> None:
    """Have generators that are given no seed take theirs from `random`, which every request seeds.

    Covered: `np.random.default_rng()` and the like, which ask `secrets`, and it asks `random._urandom`;
    `random.Random()`; `os.urandom`. Not covered, because no seed decides them: the clock, the addresses of
    objects, and which of two threads is first.
    """
    os.urandom = random._urandom = random.randbytes
    seed = random.Random.seed
    random.Random.seed = lambda self, a=None, version=2: seed(
        self, random.getrandbits(128) if a is None else a, version
    )


def describe(error):
    """An exception as data: its type, its message, and the last line of the student's that it passed."""
    where, step = "", error.__traceback__
    while step:
        name = step.tb_frame.f_code.co_filename
        where = f"{name}, line {step.tb_lineno}" if name.startswith(("code cell", "the file")) else where
        step = step.tb_next
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
