"""What the hidden tests ask of the solution, written down; and students who answer by a rule instead."""

from dataclasses import dataclass

from cnnbook.coursework.own_process import trusted
from cnnbook.coursework.student import Remote, Student
from cnnbook.coursework.testing import run_tests
from cnnbook.coursework.trouble import StudentError


@dataclass
class Call:
    """What the solution was asked and answered. answer : a value, or the `StudentError` that it raised."""

    path: str
    args: tuple
    answer: object


class Recorder:
    """The solution as a `Student`; every call is written down in `calls`, by test."""

    def __init__(self, target, calls=None, path=""):
        self._target, self._path = target, path
        self.calls = {} if calls is None else calls
        if isinstance(target, Student):
            self.changed, self.memory = target.changed, target.memory

    def begin(self, test: str):
        """What follows belongs to this test."""
        self.calls[test] = []

    def fresh(self, seed: int | None = None):
        """As `Student.fresh`."""
        self._target.fresh(seed)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*args, **kwargs):
            given = [arg._target if isinstance(arg, Recorder) else arg for arg in args]
            return self._note(name, (*args, *kwargs.values()), lambda: self._asked(name)(*given, **kwargs))

        return call

    def get(self, name):
        """An attribute, written down like a call."""
        return self._note(name, (), lambda: self._target.get(name))

    def _asked(self, name):
        return getattr(self._target, name)

    def _note(self, name, args, ask):
        path = f"{self._path}{name}"
        try:
            answer = ask()
        except StudentError as error:
            answer = error
        if isinstance(answer, Remote):
            answer = Recorder(answer, self.calls, f"{path}.")
        self.calls[list(self.calls)[-1]].append(Call(path, args, answer))
        if isinstance(answer, StudentError):
            raise answer
        return answer


class Guesser:
    """A student whose every answer is `choose(test, path, args)`."""

    def __init__(self, choose, path="", test=""):
        self._choose, self._path, self._test = choose, path, test
        self.changed, self.memory = set(), {}

    def begin(self, test: str):
        """What follows belongs to this test."""
        self._test = test

    def fresh(self, seed: int | None = None):
        """Nothing is forgotten."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.get(name, (*args, *kwargs.values()))

    def get(self, name, args=()):
        """The answer to a call, or the value of an attribute."""
        answer = self._choose(self._test, f"{self._path}{name}", args)
        if isinstance(answer, StudentError):
            raise answer
        return Guesser(self._choose, answer._path, self._test) if isinstance(answer, Recorder) else answer


def record(assignment, tests: list, seed: int) -> dict[str, list[Call]]:
    """What each test asks of the solution under this seed, and what it answers."""
    recorder = Recorder(trusted(assignment.solution))
    earned(tests, recorder, seed, assignment.variant)
    return recorder.calls


def earned(tests: list, student, seed: int, variant: dict) -> list[str]:
    """The names of the tests that give points to a `Recorder` or a `Guesser`."""
    names = []
    for test in tests:
        student.begin(test.__name__)
        names += [each["name"] for each in run_tests([test], student, seed, variant) if each["points"]]
    return names
