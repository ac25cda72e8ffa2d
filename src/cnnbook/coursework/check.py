"""Is an assignment fit to be given? Its tests must pass the solution, and pay for nothing less.

1 the solution passes everything. 2 a blank notebook and thoughtless answers (None, zeros, the input itself,
random numbers of the right shape) earn nothing. 3 every named mutant fails a test, every test fails at least
three mutants, and single random changes of the solution are noticed but for those listed as harmless.
All of this is our own code, so it runs in this process.
"""

import ast
import importlib.util
import warnings
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from cnnbook.coursework.source import functions_of
from cnnbook.coursework.student import Student, StudentError, trusted
from cnnbook.coursework.testing import run_tests, tests_of

KILLS_NEEDED = 3
MOST_CHANGES = 60  # random changes of one solution that are tried


@dataclass
class Finding:
    """What `check` found out about one assignment; `faults` is empty when it is fit to be given."""

    name: str
    faults: list[str] = field(default_factory=list)
    mutants: int = 0
    changes: int = 0
    kills: Counter = field(default_factory=Counter)


def check(assignment, seed: int = 0, changes: int = MOST_CHANGES) -> Finding:
    """Check one assignment.

    Parameters
    ----------
    assignment : see `source.read`. seed : the course's. changes : how many random changes to try.
    """
    found, tests = Finding(assignment.id), tests_of(assignment.tests)
    worth = sum(test.points for test in tests)
    if worth < assignment.header["points"]:
        found.faults.append(f"the tests are worth {worth}, the header says {assignment.header['points']}")

    def failed_by(student):
        return [
            outcome["name"]
            for outcome in run_tests(tests, student, seed, assignment.variant)
            if outcome["reason"]
        ]

    def dies(source):
        """Names the tests that notice; kills are counted."""
        killers = failed_by(trusted(source))
        found.kills.update(killers)
        return killers

    changes = assignment.header.get("random_changes", changes)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for outcome in run_tests(tests, trusted(assignment.solution), seed, assignment.variant):
            if outcome["reason"]:
                found.faults.append(f"the solution fails {outcome['name']}: {outcome['message']}")
        if found.faults:
            return found
        for name, student in thoughtless(assignment).items():
            failed = failed_by(student)
            found.faults += [f"{t.__name__} pays for {name}" for t in tests if t.__name__ not in failed]
        named, harmless = mutants_of(assignment)
        for name, source in named.items():
            found.mutants += 1
            if not dies(source):
                found.faults.append(f"no test notices the mutant {name!r}")
        for name, source in random_changes(assignment.solution, functions_of(assignment), changes):
            if name in harmless:
                continue
            found.changes += 1
            if not dies(source):
                found.faults.append(f"no test notices the change {name!r}")
    for test in tests:
        if found.kills[test.__name__] < KILLS_NEEDED:
            found.faults.append(
                f"{test.__name__} notices {found.kills[test.__name__]} mutants, fewer than {KILLS_NEEDED}"
            )
    return found


class Thoughtless:
    """Answers without thinking: it knows the right answer and spoils it.

    spoil : called with (right answer or None, arguments) for every answer of a function or method.
    """

    def __init__(self, solution, spoil):
        self.solution, self.spoil, self.changed, self.memory = solution, spoil, set(), {}

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*args, **kwargs):
            try:
                answer = getattr(self.solution, name)(*args, **kwargs)
            except StudentError:
                answer = None  # it would not know what to refuse
            if hasattr(answer, "get") and not isinstance(answer, dict):
                return Thoughtless(answer, self.spoil)
            return each_part(answer, lambda part: self.spoil(part, args))

        return call

    def get(self, name):
        """An attribute, spoiled like an answer."""
        return each_part(self.solution.get(name), lambda part: self.spoil(part, ()))


def each_part(answer, change):
    """Apply `change` to every array and number of an answer.

    >>> each_part((1, [2, "a"]), lambda number: number + 1)
    (2, [3, 'a'])
    """
    if isinstance(answer, tuple | list):
        return type(answer)(each_part(part, change) for part in answer)
    if isinstance(answer, dict):
        return {key: each_part(part, change) for key, part in answer.items()}
    if isinstance(answer, str):
        return answer
    return change(answer)


def thoughtless(assignment) -> dict:
    """A blank notebook, and the answers somebody gives who has understood nothing, by name."""
    rng = np.random.default_rng(1)

    def spoiled(spoil) -> Student:
        return Thoughtless(trusted(assignment.solution), spoil)

    return {
        "a blank notebook": trusted(assignment.blank),
        "None": spoiled(lambda right, args: None),
        "zeros": spoiled(lambda right, args: np.zeros_like(right) if right is not None else 0.0),
        "the input itself": spoiled(lambda right, args: next((a for a in args if not callable(a)), None)),
        "random numbers": spoiled(
            lambda right, args: rng.normal(size=np.shape(right) if right is not None else ())
        ),
    }


def mutants_of(assignment):
    """The named mutants as {name: source}, and the names of random changes that change nothing."""
    path = assignment.file("mutants.py")
    spec = importlib.util.spec_from_file_location(f"mutants_{assignment.id}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    default = {key: choices[0] for key, choices in assignment.header.get("variants", {}).items()}
    named = {}
    for name, change in module.MUTANTS.items():
        source = assignment.solution
        if isinstance(change, str):
            named[name] = f"{source}\n\n{change}"
            continue
        lacking = [before for before, _ in change if before not in source]
        if lacking and assignment.variant == default:
            raise ValueError(
                f"{assignment.id}: the mutant {name!r} changes {lacking[0]!r}, which the solution lacks."
            )
        if lacking:
            continue  # a variant's solution is written differently in places
        for before, after in change:
            source = source.replace(before, after)
        named[name] = source
    return named, module.HARMLESS


SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Div}
TURNS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


def random_changes(source: str, names: list[str], count: int):
    """Yield (name, changed source): one operator, comparison or number changed, evenly spread over the code.

    names : the functions and classes to change.

    >>> [name for name, _ in random_changes("def f(x):\\n    return x + 2", ["f"], 9)]
    ['f: x + 2 -> x - 2', 'f: 2 -> 3']
    """
    tree = ast.parse(source)
    places = []
    for top in tree.body:
        if getattr(top, "name", None) in names:
            quiet = {id(n) for left in ast.walk(top) if left_alone(left) for n in ast.walk(left)}
            places += [(top.name, node) for node in ast.walk(top) if id(node) not in quiet and changed(node)]
    for top, node in places[:: max(1, -(-len(places) // max(count, 1)))] if count else []:
        kept = ast.unparse(node)
        undo = changed(node)()
        yield f"{top}: {kept} -> {ast.unparse(node)}", ast.unparse(tree)
        undo()


def left_alone(node):
    """True for what is given or changes nothing: a function's head, messages of errors, -1."""
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.arguments | ast.Raise) or negative


def changed(node):
    """A function that changes this node and returns one that changes it back, or None."""

    def put(name, value):
        before = getattr(node, name)
        setattr(node, name, value)
        return lambda: setattr(node, name, before)

    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        return lambda: put("op", SWAPS[type(node.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in TURNS:
        return lambda: put("ops", [TURNS[type(node.ops[0])](), *node.ops[1:]])
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return lambda: put("value", node.value + 1)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return lambda: put("op", ast.UAdd())
    return None
