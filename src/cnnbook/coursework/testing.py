"""Run hidden tests on one student's code. The tests run here; the code runs where `student` put it."""

import importlib.util
import inspect
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from cnnbook.coursework.trouble import StudentError, Trouble, Wrong


@dataclass
class Outcome:
    """What one hidden test found.

    title : what must hold. reason : one word. message : with values. detail : what the student's code itself
    wrote, which may hold what the test asked.
    """

    name: str
    title: str
    category: str
    points: float
    worth: float
    reason: str = ""
    message: str = ""
    detail: str = ""
    visible: bool = False


def tests_of(paths: list[Path]) -> list:
    """The hidden tests in these files, in order: every function named test_*."""
    found = []
    for path in paths:
        spec = importlib.util.spec_from_file_location(f"hidden_{path.parent.name}_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        tests = [
            value for name, value in vars(module).items() if name.startswith("test_") and callable(value)
        ]
        for test in tests:
            if not hasattr(test, "points") or not test.__doc__:
                raise ValueError(
                    f"{path.name}: {test.__name__} needs @points(...) and a docstring, its title."
                )
        found += tests
    return found


def outcomes(
    tests: list, student, seed: int, variant: dict, begun: Callable[[Outcome], None] = lambda outcome: None
) -> Iterator[dict]:
    """Run one test after the other; nothing a student's code does can stop the next one.

    Parameters
    ----------
    tests : see `tests_of`. student : a `Student`. seed : the course's; each test draws from a generator of
        its own, so that neither order nor other tests change its inputs. variant : the assignment's settings.
    begun : receives the outcome that counts if the test is never finished.

    Yields
    ------
    dict : the fields of an `Outcome`.

    Raises
    ------
    Trouble : if the grader itself fails, see `trouble`.
    """
    for test in tests:
        number = zlib.crc32(test.__name__.encode())
        rng = np.random.default_rng([seed, number])
        offered = {"student": student, "rng": rng, "variant": variant}
        wanted = {name: offered[name] for name in inspect.signature(test).parameters}
        title = " ".join(test.__doc__.split())
        outcome = Outcome(test.__name__, title, test.category, 0, test.points, visible=test.visible)
        begun(outcome)
        try:
            student.fresh(seed ^ number)
            test(**wanted)
            outcome.points = test.points
        except (Wrong, StudentError) as error:
            outcome.reason, outcome.message = error.category, str(error)
            outcome.detail = getattr(error, "detail", "")
        except MemoryError:
            outcome.reason, outcome.message = "memory", "The answer needs too much memory to be judged."
        except (Trouble, OSError):
            raise
        except Exception as error:  # an answer of a kind the test did not foresee
            outcome.reason, outcome.message = "type", "The answer could not be judged: it is of another kind."
            outcome.detail = f"{type(error).__name__}: {error}"[:200]
        yield asdict(outcome)


def run_tests(tests: list, student, seed: int, variant: dict) -> list[dict]:
    """Run every test and report every outcome, see `outcomes`."""
    return list(outcomes(tests, student, seed, variant))
