"""Run hidden tests on one student's code. The tests run here; the code runs where `student` put it."""

import importlib.util
import inspect
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from cnnbook.coursework.expect import Wrong
from cnnbook.coursework.student import StudentError


@dataclass
class Outcome:
    """What one hidden test found. title : what must hold; reason : one word; message : with values."""

    name: str
    title: str
    category: str
    points: float
    worth: float
    reason: str = ""
    message: str = ""
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


def run_tests(tests: list, student, seed: int, variant: dict) -> list[dict]:
    """Run every test and report every outcome; nothing a student's code does can stop the next test.

    Every test begins with a fresh process of the student's code.

    Parameters
    ----------
    tests : see `tests_of`. student : a `Student`. seed : the course's; each test draws from a generator of
        its own, so that neither order nor other tests change its inputs. variant : the assignment's settings.
    """
    outcomes = []
    for test in tests:
        rng = np.random.default_rng([seed, zlib.crc32(test.__name__.encode())])
        offered = {"student": student, "rng": rng, "variant": variant}
        wanted = {name: offered[name] for name in inspect.signature(test).parameters}
        title = " ".join(test.__doc__.split())
        outcome = Outcome(test.__name__, title, test.category, 0, test.points, visible=test.visible)
        try:
            student.fresh()
            test(**wanted)
            outcome.points = test.points
        except (Wrong, StudentError) as error:
            outcome.reason, outcome.message = error.category, str(error)
        except Exception as error:  # an answer of a kind the test did not foresee
            outcome.reason = "type"
            outcome.message = f"the answer could not be judged ({type(error).__name__}: {str(error)[:200]})"
        outcomes.append(asdict(outcome))
    return outcomes
