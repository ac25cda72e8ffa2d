"""Is an assignment fit to be given? Its tests must accept the solution and no lesser answer.

1 The solution passes every test. 2 A blank notebook and thoughtless answers fail every test: zeros, a
coin, a counter, the answers under another seed and the others of strategies.py. Every test asks something
else under another seed. 3 Every named mutant fails a test, every test fails at
least three mutants, and every single change of the solution fails a test, except those listed as harmless.
All of this is the course's own code, so it runs in this process.
"""

import ast
import importlib.util
import math
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cnnbook.coursework import strategies
from cnnbook.coursework.mutations import changes_of
from cnnbook.coursework.own_process import trusted
from cnnbook.coursework.source import functions_of
from cnnbook.coursework.testing import run_tests, tests_of

KILLS_NEEDED = 3
MOST_CHANGES = 60  # single changes of one solution that are tried


@dataclass
class Finding:
    """What is wrong with one assignment; `faults` is empty when it is fit to be given.

    mutants, changes : how many were tried. kills : how many of them each test noticed.
    """

    name: str
    faults: list[str] = field(default_factory=list)
    mutants: int = 0
    changes: int = 0
    kills: Counter = field(default_factory=Counter)


def check_assignment(assignment, seed: int = 0, changes: int = MOST_CHANGES) -> Finding:
    """Check one assignment.

    Parameters
    ----------
    assignment : see `source.read`. seed : the course's. changes : how many single changes to try.
    """
    found, tests = Finding(assignment.id), tests_of(assignment.tests)

    def reasons(student) -> dict[str, str]:
        """Why the student fails, by test."""
        outcomes = run_tests(tests, student, seed, assignment.variant)
        return {each["name"]: each["message"] for each in outcomes if each["reason"]}

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try_solution(assignment, tests, reasons, found)
        if not found.faults:
            try_worthless_answers(assignment, tests, reasons, found, seed)
            try_wrong_solutions(assignment, tests, reasons, found, changes)
    return found


def try_solution(assignment, tests: list, reasons: Callable, found: Finding) -> None:
    """The solution passes every test, and the tests have points for the whole mark."""
    worth = sum(test.points for test in tests)
    if worth < assignment.header["points"]:
        found.faults.append(f"the tests are worth {worth}, the header says {assignment.header['points']}")
    for name, message in reasons(trusted(assignment.solution)).items():
        found.faults.append(f"the solution fails {name}: {message}")


def try_worthless_answers(assignment, tests: list, reasons: Callable, found: Finding, seed: int) -> None:
    """No test gives a point for an answer that shows no understanding, and every test depends on the seed."""
    failed = reasons(trusted(assignment.blank))
    names = [test.__name__ for test in tests if test.__name__ not in failed]
    found.faults += [f"{name} gives points for a blank notebook" for name in names]
    found.faults += strategies.faults(assignment, tests, seed)


def try_wrong_solutions(assignment, tests: list, reasons: Callable, found: Finding, changes: int) -> None:
    """Every named mutant and every single change is noticed, and every test notices enough of them."""
    named, harmless = mutants_of(assignment)
    changes = assignment.header.get("random_changes", changes)
    changed = single_changes(assignment.solution, functions_of(assignment), changes)
    found.mutants, found.changes = len(named), len(changed)
    tried = [("mutant", *each) for each in named.items()] + [("change", *each) for each in changed]
    for kind, name, source in tried:
        failed = reasons(trusted(source))
        found.kills.update(failed.keys())
        if not failed and name not in harmless:
            found.faults.append(f"no test notices the {kind} {name!r}")
    for test in tests:
        if found.kills[test.__name__] < KILLS_NEEDED:
            found.faults.append(
                f"{test.__name__} notices {found.kills[test.__name__]} mutants, fewer than {KILLS_NEEDED}"
            )


def mutants_of(assignment) -> tuple[dict[str, str], dict[str, str]]:
    """The named mutants as {name: source}, and the single changes that change no result as {name: why}."""
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


def single_changes(source: str, names: list[str], count: int) -> list[tuple[str, str]]:
    """About `count` single changes, evenly spread over the code, as (name, changed source).

    names : the functions and classes to change. Their heads are given to students and stay as they are.

    >>> [name for name, _ in single_changes("def f(x):\\n    return x + 2", ["f"], 9)]
    ['f: x + 2 -> x - 2', 'f: x + 2 -> x', 'f: 2 -> 3']
    """
    answers = [node for node in ast.parse(source).body if getattr(node, "name", None) in names]
    found = [
        (f"{answer.name}: {change}", change)
        for change in changes_of(source, skip=(ast.arguments,))
        for answer in answers
        if answer.lineno <= change.line <= answer.end_lineno
    ]
    step = max(1, math.ceil(len(found) / max(count, 1)))
    return [(name, change.made_in(source)) for name, change in (found[::step] if count else [])]
