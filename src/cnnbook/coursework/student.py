"""A student's code as the tests see it: `student.conv2d(x, kernel)` runs in the sandbox."""

import time
from collections import Counter

import numpy as np

from cnnbook.coursework.inside.wire import WireError, pack, unpack
from cnnbook.coursework.inside.worker import Session
from cnnbook.coursework.sandbox import USUAL, Limits, Stopped

PATIENCE = 2  # a function that took too long this often is not called again
START = 20  # seconds to start Python and to read a submission


class StudentError(AssertionError):
    """A student's code did not return an answer. category : why, in one word; kind : the error's type."""

    def __init__(self, category: str, message: str, kind: str = ""):
        super().__init__(message)
        self.category, self.kind = category, kind


CATEGORIES = {
    "Missing": "missing",
    "NotImplementedError": "not written",
    "MemoryError": "memory",
    "WireError": "type",
    "ImportError": "import",
    "ModuleNotFoundError": "import",
}


class Remote:
    """An object that stays in the student's process; its methods are called there."""

    def __init__(self, student, number, type_name, process):
        self._student, self._number, self._type, self._process = student, number, type_name, process

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Method(self, name)

    def get(self, name):
        """The value of an attribute."""
        return self._student._ask({"op": "get", "object": self, "name": name}, f"{self._type}.{name}")

    def __repr__(self):
        return f"<the student's {self._type}>"


class Method:
    """A method of a `Remote`."""

    def __init__(self, remote, name):
        self.remote, self.name = remote, name

    def __call__(self, *args, **kwargs):
        request = {
            "op": "method",
            "object": self.remote,
            "name": self.name,
            "args": list(args),
            "kwargs": kwargs,
        }
        return self.remote._student._ask(request, f"{self.remote._type}.{self.name}")


class Student:
    """The functions and classes of one submission.

    Parameters
    ----------
    content, suffix : the submission, as `cnnbook.coursework.inside.extract` takes it.
    start : makes a process with `exchange(content, deadline)` and `close()`; called again after a crash.
    limits : see `Limits`.

    Attributes
    ----------
    changed : (function, number of the argument) for every argument that was written to.
    notes : sentences about what was left out of the submission. versions : of the worker.
    """

    def __init__(self, content: bytes, suffix: str, start, limits: Limits = USUAL):
        self._content, self._suffix, self._start, self._limits = content, suffix, start, limits
        self._process, self._functions, self._slow, self._left = None, [], Counter(), limits.total
        self._turn = self._loaded = 0
        self.changed, self.notes, self.versions, self.names = set(), [], {}, []
        self.memory = {}  # for tests that share a long computation
        self._open()

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*args, **kwargs):
            return self._ask({"op": "call", "name": name, "args": list(args), "kwargs": kwargs}, name)

        return call

    def run_cells(self, cells: list[str]) -> str:
        """Run whole notebook cells after the submission and return what they printed."""
        return self._ask({"op": "run", "cells": cells}, "a cell")

    def fresh(self):
        """End the process if it was asked anything: the next call begins in one that knows nothing before it.

        `Remote` objects are lost. `memory` belongs to the tests and stays.
        """
        if self._turn > self._loaded:
            self.close()

    def close(self):
        """End the process."""
        if self._process:
            self._process.close()
            self._process = None

    def _open(self):
        self._process = self._start()
        load = {"op": "load", "content": np.frombuffer(self._content, np.uint8), "suffix": self._suffix}
        try:
            self.versions = self._exchange({"op": "hello"}, "Python", START)["value"]
            reply = self._exchange(load, "the first lines of the submission", START)
        except StudentError as error:
            self.notes = [f"The submission cannot be loaded: {error}"]
            self._process = None
            return
        if "error" in reply:
            self.notes = [f"The submission cannot be loaded: {reply['message']}"]
        self.notes = list(map(str, reply.get("notes", self.notes)))
        self.names = reply.get("value", [])
        self._loaded = self._turn

    def _ask(self, request, name):
        if self._process is None:
            if not self.names:
                raise StudentError(
                    "crash", self.notes[0] if self.notes else "the submission cannot be loaded"
                )
            self._open()
            if self._process is None:
                raise StudentError("crash", self.notes[0])
        if self._slow[name] >= PATIENCE:
            raise StudentError("time", f"{name} took too long before and was not called again")
        if self._left <= 0:
            raise StudentError(
                "time", f"all {self._limits.total:g} seconds of this submission were used up before"
            )
        self._functions = []
        reply = self._exchange(request, name)
        if "error" in reply:
            kind, where = str(reply["error"]), str(reply.get("where", ""))
            message = str(reply["message"])
            if kind == "WireError":
                message = f"{name} returned what cannot be compared: {message.removeprefix('WireError: ')}"
            elif kind == "NotImplementedError":
                message = f"{name} is not written yet"
            elif kind != "Missing":
                message = f"{name} raised {message}" + (f" ({where})" if where else "")
            raise StudentError(CATEGORIES.get(kind, "error"), message, kind)
        self.changed |= {(name, number) for number in reply.get("changed", ())}
        return reply.get("value")

    def _exchange(self, request, name, seconds=None):
        self._turn += 1
        content = pack(request | {"turn": self._turn}, self._keep)
        began, seconds = time.monotonic(), seconds or self._limits.seconds
        deadline = began + min(seconds, max(self._left, 0.1))
        try:
            while True:
                answer = unpack(self._process.exchange(content, deadline), self._find)
                if not isinstance(answer, dict) or answer.get("turn") != self._turn:
                    raise WireError("the answer is no answer")
                if "callback" not in answer:
                    return answer
                content = self._call_back(answer)
        except Stopped as stopped:
            self._process = None
            if stopped.category == "time":
                self._slow[name] += 1
                raise StudentError("time", f"{name} took more than {seconds:g} seconds") from None
            raise StudentError("crash", f"{name}: {stopped}") from None
        except (WireError, LookupError, TypeError) as error:
            self.close()
            raise StudentError("type", f"{name} did not answer properly: {error}") from None
        finally:
            self._left -= time.monotonic() - began

    def _call_back(self, answer):
        try:
            function = self._functions[answer["callback"]]
            return pack({"value": function(*answer["args"])}, self._keep)
        except Exception as error:  # what the student passed may be anything
            return pack({"error": f"{type(error).__name__}: {error}"[:300]})

    def _keep(self, value):
        if isinstance(value, Remote):
            if value._process is not self._process:
                raise StudentError("crash", f"the {value._type} was lost when its process ended")
            return {"object": value._number}
        if callable(value):
            self._functions.append(value)
            return {"function": len(self._functions) - 1}
        return None

    def _find(self, kind, number, rest):
        if kind != "object":
            raise WireError(f"unknown kind {kind!r}")
        return Remote(self, number, str(rest.get("type", "object"))[:60], self._process)


class OwnProcess:
    """A worker in the grader's own process, for code that is trusted: solutions and mutants.

    student : called for the `Student` that asks, which does not exist yet when the worker is made.
    """

    def __init__(self, student):
        self.session, self.student = Session(self.call_host), student

    def exchange(self, content, deadline):
        """As `sandbox.Process.exchange`, without a limit."""
        return self.session.handle(content)

    def call_host(self, number, args):
        """Answer a call back, over the same bytes as a real process."""
        student = self.student()
        asked = unpack(pack({"callback": number, "args": args}, self.session.keep), student._find)
        answer = unpack(student._call_back(asked), self.session.find)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["value"]

    def close(self):
        """Nothing to end."""


def trusted(source: str, limits: Limits = USUAL) -> Student:
    """Trusted code as a `Student`, in this process.

    >>> trusted("def twice(x):\\n    return 2 * x").twice(np.array([1, 2]))
    array([2, 4])
    """
    student = Student(source.encode(), ".py", lambda: OwnProcess(lambda: student), limits)
    return student
