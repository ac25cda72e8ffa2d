"""A student's code as the tests see it: `student.conv2d(x, kernel)` runs in the sandbox."""

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from cnnbook.coursework import replies
from cnnbook.coursework.inside.wire import WireError, pack
from cnnbook.coursework.sandbox import USUAL, Limits, Stopped
from cnnbook.coursework.texts import plain
from cnnbook.coursework.trouble import StudentError, Trouble

PATIENCE = 2  # a function that took too long this often is not called again
START = 2  # to read a submission and to run its top level takes at most so many times a call's seconds

CATEGORIES = {
    "Missing": "missing",
    "NotImplementedError": "not written",
    "MemoryError": "memory",
    "WireError": "type",
    "ImportError": "import",
    "ModuleNotFoundError": "import",
}
NEUTRAL = "The function that you were given needs arrays of the task's shapes and kinds. See the task."


class Remote:
    """An object that stays in the student's process; its methods are called there."""

    def __init__(self, student, number, made_by, process):
        self._student, self._number, self._made_by, self._process = student, number, made_by, process

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Method(self, name)

    def get(self, name):
        """The value of an attribute."""
        return self._student._ask({"op": "get", "object": self, "name": name}, f"{self._made_by}.{name}")

    def __repr__(self):
        return f"<what the student's {self._made_by} returned>"


class Method:
    """A method of a `Remote`."""

    def __init__(self, remote, name):
        self.remote, self.name = remote, name

    def __call__(self, *args, **kwargs):
        request = {"op": "method", "object": self.remote, "name": self.name}
        request |= {"args": list(args), "kwargs": kwargs}
        return self.remote._student._ask(request, f"{self.remote._made_by}.{self.name}")


@dataclass
class Read:
    """What was read of a submission: its kept parts, the names they define, and sentences about the rest.

    broken : why it cannot be run at all, or "".
    """

    parts: list = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    broken: str = ""


class Student:
    """The functions and classes of one submission.

    Parameters
    ----------
    content, suffix : the submission, as `cnnbook.coursework.inside.extract` takes it.
    place : makes one process after the other, see `Sandbox`. limits : see `Limits`.

    Attributes
    ----------
    changed : (function, number of the array among its arguments) for every array that was written to. The
        arguments come back with each answer, and are compared here with what was sent; a function that works
        on copies changes none.
    memory : the judge's own, for tests that share a long computation. No student's code sees it.

    Raises
    ------
    Trouble : if the place fails before the student's code was reached.
    """

    def __init__(self, content: bytes, suffix: str, place, limits: Limits = USUAL):
        self._place, self._limits, self._start = place, limits, START * limits.seconds
        self._functions, self._slow, self._made_by = [], Counter(), "object"
        self._process = self._turn = self._seed = 0
        self._alive = self._used = False
        self.changed, self.memory = set(), {}
        self._read = self._opened(content, suffix)

    @property
    def names(self) -> list[str]:
        """The names that the submission defines."""
        return self._read.names

    @property
    def notes(self) -> list[str]:
        """Sentences about what was left out of the submission."""
        return self._read.notes

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*args, **kwargs):
            return self._ask({"op": "call", "name": name, "args": list(args), "kwargs": kwargs}, name)

        return call

    def fresh(self, seed: int | None = None) -> None:
        """End the process: the next call starts another one, which knows nothing of the calls before.

        Parameters
        ----------
        seed : of the generators of random numbers in the calls that follow.
        """
        if seed is not None:
            self._seed, self._turn = seed, 0
        if self._alive and self._used:
            self._end()

    def run_cells(self, cells: list[str]) -> str:
        """Run whole notebook cells after the submission and return what they printed."""
        return plain(str(self._ask({"op": "run", "cells": cells}, "a cell")), 100_000, keep="\n")

    def close(self):
        """End the process and the place."""
        self._alive = False
        self._place.close()

    def _begin(self):
        self._place.begin()
        self._process += 1
        self._alive, self._used = True, False

    def _end(self):
        self._alive = False
        self._place.end()

    def _opened(self, content, suffix) -> Read:
        """Read the submission and run its top level once: nothing was asked yet that its notes could tell."""
        read, what = Read(), "the first lines of the submission"
        try:
            self._begin()
            request = {"op": "read", "content": np.frombuffer(content, np.uint8), "suffix": suffix}
            reply = self._exchange(request, "the submission", self._start, replies.LISTS)
            read.notes = replies.texts(reply.get("notes", []), replies.NOTES, 300)
            read.parts = replies.parts(reply.get("value", []))
            reply = self._exchange({"op": "load", "parts": read.parts}, what, self._start, replies.LISTS)
            read.names = replies.texts(reply.get("value", []), replies.NAMES, 100)
            read.notes += replies.texts(reply.get("notes", []), replies.NOTES, 300)
        except (StudentError, WireError) as error:
            read.broken = f"The submission cannot be loaded: {error}"
            read.notes.append(read.broken)
        read.notes = list(dict.fromkeys(read.notes))[: replies.NOTES]
        return read

    def _ask(self, request, name):
        if self._read.broken:
            raise StudentError("crash", self._read.broken)
        if self._slow[name] >= PATIENCE:
            raise StudentError("time", f"{name} took too long before and was not called again.")
        if self._place.used > self._limits.total:
            raise StudentError("time", f"All {self._limits.total:g} seconds of this submission are used up.")
        if not self._alive:
            self._begin()
            load = {"op": "load", "parts": self._read.parts}
            self._exchange(load, "the first lines of the submission", self._start, replies.LISTS)
        self._functions, self._used = [], True
        self._made_by = str(request.get("name", name))
        reply = self._exchange(request, name, self._limits.seconds, replies.ANSWER, replies.VALUE)
        if "error" in reply:
            raise student_error(name, reply)
        self._note_changes(request, name, reply.get("sent", []))
        return reply["value"]

    def _note_changes(self, request, name, back):
        """Compare the arrays that were sent with what came back."""
        given = [*request.get("args", ()), *request.get("kwargs", {}).values()]
        sent = [(number, each) for number, each in enumerate(given) if isinstance(each, np.ndarray)]
        if len(back) != len(sent):
            raise StudentError("type", f"{name} did not answer properly: arguments are missing.")
        for (number, array), other in zip(sent, back, strict=True):
            same = isinstance(other, np.ndarray) and other.shape == array.shape
            if not (same and np.array_equal(array, other, equal_nan=array.dtype.kind in "fc")):
                self.changed.add((name, number))

    def _exchange(self, request, name, seconds, *forms):
        self._turn += 1
        seed = hashlib.blake2b(f"{self._seed} {self._turn}".encode(), digest_size=4)
        request = request | {"turn": self._turn, "seed": int.from_bytes(seed.digest(), "big")}
        forms = (replies.ERROR, replies.CALLBACK, *forms)
        try:
            return self._conversation(pack(request, self._keep), seconds, forms)
        except Stopped as stopped:
            self._alive = False
            if stopped.category == "time":
                self._slow[name] += 1
                raise StudentError("time", f"{name} took more than {seconds:g} seconds.") from None
            if stopped.category == "protocol":
                raise StudentError("type", f"{name} did not answer properly: {stopped}.") from None
            raise StudentError("crash", f"{name}: {stopped}.") from None
        except WireError as error:
            self._end()
            raise StudentError("type", f"{name} did not answer properly: {error}.") from None

    def _conversation(self, content, seconds, forms):
        """Send a request, answer every call back, and return the reply, all of it within so many seconds."""
        start = self._place.used + time.process_time()
        while True:
            left = seconds - (self._place.used + time.process_time() - start)
            if left <= 0:
                self._end()
                raise Stopped("time", "it took too long")
            answer = self._place.exchange(content, left)
            reply = replies.checked(answer, self._turn, self._find, forms)
            if "callback" not in reply:
                return reply
            content = self._call_back(reply)

    def _call_back(self, reply):
        """Answer a call back. Whatever goes wrong, the student's code gets the same sentence."""
        try:
            if not 0 <= reply["callback"] < len(self._functions):
                raise WireError("the answer calls a function that was not handed over")
            return pack({"value": self._functions[reply["callback"]](*reply["args"])}, self._keep)
        except (WireError, Trouble):
            raise
        except Exception:
            return pack({"error": NEUTRAL})

    def _keep(self, value):
        if isinstance(value, Remote):
            if value._process != self._process:
                raise StudentError("crash", f"what {value._made_by} returned was lost with its process.")
            return {"object": value._number}
        if callable(value):
            self._functions.append(value)
            return {"function": len(self._functions) - 1}
        return None

    def _find(self, kind, number, rest):
        if kind != "object" or type(number) is not int or rest:
            raise WireError("the answer holds an unknown kind of value")
        return Remote(self, number, self._made_by, self._process)


def student_error(name: str, reply: dict) -> StudentError:
    """The error that a student's code raised. Its own words are the detail."""
    kind, where = reply["error"], reply["where"]
    detail = reply["message"] + (f" ({where})" if where else "")
    category = CATEGORIES.get(kind, "error")
    if kind == "WireError":
        return StudentError(category, f"{name} returned what cannot be compared.", kind, detail)
    if kind == "NotImplementedError":
        return StudentError(category, f"{name} is not written yet.", kind)
    if kind == "Missing":
        return StudentError(category, f"{name} is not defined.", kind)
    return StudentError(category, f"{name} raised an error.", kind, detail)
