"""Answers that take no understanding of a task, as strong as they come. Each must earn nothing.

The solution is asked once under the course's seed and once under another, and every call is written down.
The strategies answer from these records: they spoil the right answer, repeat the answers of the other seed,
or say True and False by a rule. They may keep a state where a student's process would lose it, as if they
could count by the clock or by the number of their process.
"""

from collections import Counter

import numpy as np

from cnnbook.coursework.likeness import digest, digests, distance, errors_of, shapes_of
from cnnbook.coursework.recording import Guesser, Recorder, earned, record
from cnnbook.coursework.trouble import StudentError

OTHER_SEED = 1_000_003  # added to the course's


def faults(assignment, tests: list, seed: int) -> list[str]:
    """One sentence for every test that gives points to a strategy, or that asks the same under two seeds."""
    now, before = record(assignment, tests, seed), record(assignment, tests, seed + OTHER_SEED)
    found = []
    for name in now:
        asked, other = ([(c.path, *map(digest, c.args)) for c in calls[name]] for calls in (now, before))
        if asked == other and asked:
            found.append(f"{name} asks the same under two seeds: draw its cases from rng")
    for name, student in strategies(now, before).items():
        found += [
            f"{test} gives points for {name}" for test in earned(tests, student, seed, assignment.variant)
        ]
    return found


def strategies(now: dict, before: dict) -> dict[str, Guesser]:
    """The strategies by name. now, before : records under the course's seed and under another."""
    rng = np.random.default_rng(1)
    by_order = Replay(before)
    rules = {
        "True, always": lambda path, args, count: True,
        "False, always": lambda path, args, count: False,
        "True and False in turn": lambda path, args, count: count % 2 == 0,
        "False and True in turn": lambda path, args, count: count % 2 == 1,
        "a coin": lambda path, args, count: bool(rng.random() < 0.5),
        "a coin that mostly says True": lambda path, args, count: bool(rng.random() < 0.85),
        "True when shapes are first seen": seen(shapes_of, True),
        "False when shapes are first seen": seen(shapes_of, False),
        "True when arguments are first seen": seen(digests, True),
        "False when arguments are first seen": seen(digests, False),
    }
    chosen = {
        "None": spoiled(now, lambda right, args: None),
        "zeros": spoiled(now, lambda right, args: 0.0 if right is None else np.zeros_like(right)),
        "the input itself": spoiled(
            now, lambda right, args: next((a for a in args if not callable(a)), None)
        ),
        "random numbers": spoiled(
            now, lambda right, args: rng.normal(size=() if right is None else np.shape(right))
        ),
        "the answers under another seed, in the order of calls": by_order,
        "the answers under another seed, by shapes": Replay(before, shapes_of),
        "the usual answer under another seed, by shapes": Replay(before, shapes_of, usual=True),
        "the usual answer under another seed, by errors of callbacks": Replay(before, errors_of, usual=True),
    }
    chosen |= {name: Ruled(before, rule) for name, rule in rules.items()}
    return {name: Guesser(choose) for name, choose in chosen.items()}


class Replay:
    """Recorded answers: those to the calls most alike by `key`, one after the other or the usual one.

    key : makes a list of what is compared from the arguments; without it the order of calls decides.
    """

    def __init__(self, calls, key=lambda args: [], usual=False):
        self.key, self.usual, self.used = key, usual, Counter()
        self.known = {}
        for test, each in calls.items():
            for call in each:
                known = self.known.setdefault((test, call.path), [])
                known.append((key(call.args), call.answer))

    def __call__(self, test, path, args):
        key, known = self.key(args), self.known.get((test, path), [])
        if not known:
            known = [pair for (_, other), pairs in self.known.items() if other == path for pair in pairs]
        distances = [distance(key, each) for each, _ in known]
        least = min(distances, default=0)
        nearest = [answer for (_, answer), d in zip(known, distances, strict=True) if d == least]
        if not nearest:
            return None
        if self.usual:
            counts = Counter(map(digest, nearest))
            return max(nearest, key=lambda answer: counts[digest(answer)])
        self.used[test, path, str(key)] += 1
        return nearest[(self.used[test, path, str(key)] - 1) % len(nearest)]


class Ruled:
    """True and False by a rule where the solution answers so, and recorded answers elsewhere."""

    def __init__(self, calls, rule):
        self.replay, self.rule, self.count = Replay(calls), rule, Counter()
        kinds = {}
        for call in (call for each in calls.values() for call in each):
            kinds.setdefault(call.path, set()).add(isinstance(call.answer, bool | np.bool_))
        self.verdicts = {path for path, found in kinds.items() if found == {True}}

    def __call__(self, test, path, args):
        if path not in self.verdicts:
            return self.replay(test, path, args)
        self.count[path] += 1
        return self.rule(path, args, self.count[path] - 1)


def seen(key, first: bool):
    """A rule: `first` when nothing that `key` finds in the arguments came before, else the contrary."""
    known = set()

    def rule(path, args, count):
        marks = {(path, mark) for mark in ([str(key(args))] if key is shapes_of else key(args))}
        old = bool(marks & known)
        known.update(marks)
        return first != old

    return rule


def spoiled(calls, spoil):
    """The right answer with every number and array of it spoiled: spoil(right or None, arguments)."""
    replay = Replay(calls)

    def choose(test, path, args):
        right = replay(test, path, args)
        if isinstance(right, Recorder):
            return right
        right = None if isinstance(right, StudentError) else right  # a worthless answer refuses nothing
        return each_part(right, lambda part: spoil(part, args))

    return choose


def each_part(answer, change):
    """Apply `change` to every array and number of an answer.

    >>> each_part((1, [2, "a"]), lambda number: number + 1)
    (2, [3, 'a'])
    """
    if isinstance(answer, tuple | list):
        return type(answer)(each_part(part, change) for part in answer)
    if isinstance(answer, dict):
        return {key: each_part(part, change) for key, part in answer.items()}
    return answer if isinstance(answer, str) else change(answer)
