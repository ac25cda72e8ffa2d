"""The judge computes on a student's arrays under limits, and only its own short words reach the grader."""

import textwrap

import pytest

from cnnbook.coursework import judging
from cnnbook.coursework.sandbox import Limits

LIMITS = Limits(seconds=1, total=30, memory=500_000_000, message=2_000_000)
HEAD = "import numpy as np\nfrom cnnbook.coursework.expect import points, same, require\n"


@pytest.fixture
def judged(tmp_path, isolation):
    """Judge a student's code by hidden tests: `judged(tests, code)` is the outcomes by name, and the rest."""

    def run(tests, code, seed=1, limits=LIMITS):
        path = tmp_path / "hidden_tests.py"
        path.write_text(HEAD + textwrap.dedent(tests))
        job = {"content": textwrap.dedent(code).encode(), "suffix": ".py", "seed": seed, "variant": {}}
        found = judging.judged(isolation, [path], limits, **job)
        return {test["name"]: test for test in found["tests"]}, found

    return run


ONE = """
    @points(1, "a")
    def test_one(student, rng):
        "One."
        {body}

    @points(1, "b")
    def test_two(student, rng):
        "Two."
        same(student.two(), 2)
"""
TWO = "def two(): return 2\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("np.ones(int(student.size()))", "memory"),
        ("np.ones(int(student.size())).sum()", "memory"),
        ("student.size()\n        while True: pass", "time"),
        ("np.array([1]).reshape(student.size())", "type"),
        ("{}[student.size()]", "type"),
        ("raise MemoryError", "memory"),
    ],
)
def test_what_the_judge_cannot_do_costs_one_test(judged, body, reason):
    tests, found = judged(
        ONE.format(body=body), TWO + "def size(): return 10**9 if two.__doc__ is None else 1"
    )
    assert tests["test_one"]["reason"] == reason
    assert tests["test_one"]["points"] == 0
    assert tests["test_two"]["points"] == 1
    assert found["notes"] == []


CALL = """
    class Secret(Exception):
        pass

    def f(x):
        if x.shape != (2,):
            raise Secret("the answer is 24")
        return {"a": 1}["b"] if x[0] else x

    @points(1, "a", visible=True)
    def test_one(student, rng):
        "One."
        answer = student.call(f)
        require(False, "values", f"it said {answer}")
"""


@pytest.mark.parametrize(
    "argument", ["np.ones(3)", "np.ones(2)", "7", "None", "'x'", "np.zeros((2, 0, 10**9))"]
)
def test_every_refusal_of_a_callback_is_the_same_sentence(judged, argument):
    code = f"""
        import numpy as np
        def call(f):
            try:
                return f({argument})
            except BaseException as error:
                return f"{{type(error).__name__}}: {{error}}"
    """
    tests, _ = judged(CALL, code)
    assert tests["test_one"]["message"] == (
        "it said ValueError: The function that you were given needs arrays of the task's shapes and kinds. "
        "See the task."
    )


@pytest.mark.parametrize(
    "argument",
    ["np.zeros(10**6)", "np.zeros((400_000, 7, 6, 4), bool)", "[np.zeros(10**5)] * 9", "'x' * 10**7"],
)
def test_an_argument_larger_than_the_task_allows_never_reaches_the_function(judged, argument):
    code = f"import numpy as np\ndef call(f): return f({argument})"
    tests, _ = judged(CALL, code)
    assert tests["test_one"]["reason"] in ("type", "error")
    assert "it said" not in tests["test_one"]["message"]


def test_calling_back_for_ever_takes_too_long(judged):
    tests, _ = judged(CALL, "import numpy as np\ndef call(f):\n    while True: f(np.zeros(2))")
    assert tests["test_one"]["message"] == "call took more than 1 seconds."


@pytest.mark.parametrize("number", ["7", "-1", "True", "'0'", "None", "2**70"])
def test_a_callback_that_was_not_handed_over_is_no_callback(judged, number):
    code = f"""
        import gc
        from cnnbook.coursework.inside.session import Session
        def call(f):
            session = next(each for each in gc.get_objects() if isinstance(each, Session))
            return session.call_host({number}, ())
    """
    tests, _ = judged(CALL, code)
    assert tests["test_one"]["reason"] in ("type", "error")
    assert "it said" not in tests["test_one"]["message"]


CHANCE = """
    @points(1, "a", visible=True)
    def test_one(student, rng):
        "One."
        require(False, "values", f"{student.draw()} {student.draw()}")
"""
DRAWS = {
    "np.random": "np.random.rand()",
    "default_rng": "np.random.default_rng().random()",
    "RandomState": "np.random.RandomState().rand()",
    "random": "random.random()",
    "Random": "random.Random().random()",
    "SystemRandom": "random.SystemRandom().random()",
    "secrets": "secrets.randbits(40)",
    "urandom": "os.urandom(4).hex()",
    "uuid": "uuid.uuid4().hex",
    "shuffled": "random.sample(range(10**6), 3)",
}


@pytest.mark.parametrize("name", DRAWS)
def test_chance_comes_from_the_courses_seed(judged, name):
    code = f"import numpy as np, os, random, secrets, uuid\ndef draw(): return str({DRAWS[name]})"
    first, again, other = (judged(CHANCE, code, seed)[0]["test_one"]["message"] for seed in (1, 1, 2))
    assert first == again
    assert first != other
    half = len(first) // 2
    assert first[:half] != first[half + 1 :]  # two calls draw different numbers


def test_hash_of_a_text_is_the_same_for_everybody(judged):
    code = "def draw(): return hash('conv')"
    first, again = (judged(CHANCE, code, seed)[0]["test_one"]["message"] for seed in (1, 2))
    assert first == again


STATE = """
    @points(1, "a", visible=True)
    def test_one(student, rng):
        "One."
        said = [student.count(), student.count()]
        student.fresh()
        require(False, "values", f"{said} {student.count()}")

    @points(1, "a", visible=True)
    def test_two(student, rng):
        "Two."
        require(False, "values", f"{student.count()}")
"""


@pytest.mark.parametrize(
    ("start", "step"),
    [
        ("COUNT = [0]", "COUNT[0] += 1\n    return COUNT[0]"),
        ("import numpy as np", "np.seen = getattr(np, 'seen', 0) + 1\n    return np.seen"),
        ("import os", "os.environ['N'] = str(int(os.environ.get('N', 0)) + 1)\n    return os.environ['N']"),
        (
            "import sys",
            "sys.setrecursionlimit(sys.getrecursionlimit() + 1)\n    return sys.getrecursionlimit() - 1000",
        ),
        (
            "from cnnbook.coursework.inside import session",
            "session.seen = getattr(session, 'seen', 0) + 1\n    return session.seen",
        ),
    ],
)
def test_no_state_outlives_a_process(judged, start, step):
    tests, _ = judged(STATE, f"{start}\ndef count():\n    {step}\n")
    assert tests["test_one"]["message"].replace("'", "") == "[1, 2] 1"
    assert tests["test_two"]["message"] == "1"


def test_texts_of_the_student_are_cut_and_cleaned(judged):
    code = "class Odd(Exception): pass\ndef two(): raise Odd('\\ud800\\x1b[2J\\u202e' + 'x' * 10**6)\n"
    code += "def size(): return 1"
    tests, _ = judged(ONE.format(body="student.size()"), code)
    two = tests["test_two"]
    assert two["message"] == "two raised an error."
    assert two["detail"].startswith("Odd: \\ud800\\x1b[2J\\u202exxx")
    assert len(two["detail"]) <= 500
    two["detail"].encode()


def test_names_that_a_student_gives_to_classes_stay_out_of_messages(judged):
    tests = """
        @points(1, "a")
        def test_one(student, rng):
            "One."
            student.make(3).forward()
    """
    code = """
        def make(x):
            return type("Secret" + str(x), (), {"forward": lambda self: 1 / 0})()
    """
    outcomes, _ = judged(tests, code)
    assert outcomes["test_one"]["message"] == "make.forward raised an error."


def test_an_argument_that_was_written_to_is_known_whatever_the_process_says(judged):
    tests = """
        @points(1, "a")
        def test_one(student, rng):
            "One."
            student.write(np.zeros(3))
            require(not student.changed, "in place", "an argument was written to")
    """
    outcomes, found = judged(tests, "def write(x): x += 1")
    assert outcomes["test_one"]["reason"] == "in place"
    assert found["changed"] == {("write", 0)}


def test_a_process_that_hides_its_arguments_did_not_answer(judged):
    tests = """
        @points(1, "a")
        def test_one(student, rng):
            "One."
            student.write(np.zeros(3))
            student.write(np.zeros(3))
    """
    forged = """
        from cnnbook.coursework.inside import session
        real = session.pack
        def write(x):
            session.pack = lambda message, keep=None: real({**message, "sent": []}, keep)
    """
    outcomes, _ = judged(tests, forged)
    assert outcomes["test_one"]["message"] == "write did not answer properly: arguments are missing."
