"""Every failure belongs to one class, and none ends in a traceback, a lost mark or a mark that is not earned.

NOBODY notices it: the right mark stands there. GRADER: no score anywhere, a reason, tried three times, and
the next run grades it. INSTRUCTOR: one sentence and exit code 2, before anything is graded.
"""

import contextlib
import errno
import json
import os
import pkgutil
import signal
import time

import pytest
from support.failing_grader import FailingGrader, family

from cnnbook.coursework import judging, trouble
from cnnbook.coursework.lock import only_grader
from cnnbook.coursework.results import write

RIGHT = 24
NOBODY, GRADER, INSTRUCTOR = "nobody", "grader", "instructor"
FAILURES = {}


def failure(name: str, whose: str):
    """Enter a failure into the table. The decorated function makes it happen."""

    def enter(function):
        assert name not in FAILURES
        FAILURES[name] = whose, function
        return function

    return enter


def bwrap(name: str, whose: str, script: str, *, later: bool = False):
    """Enter a failure of bubblewrap: this script is in its place, from the start or after the self-test."""

    @failure(f"bubblewrap {name}{' later' if later else ''}", whose)
    def happens(place):
        if later:
            place.after = lambda: place.bwrap(script)
        else:
            place.bwrap(script)


COUNT = 'echo x >> "$count"; n=$(wc -l < "$count")'
bwrap("is right", NOBODY, 'exec "$REAL" "$@"')
bwrap("is slow", NOBODY, 'sleep 1; exec "$REAL" "$@"')
bwrap("refuses", INSTRUCTOR, 'echo "bwrap: No permissions to create new namespace" >&2; exit 1')
bwrap("ends without a word", INSTRUCTOR, "exit 0")
bwrap("says something else", INSTRUCTOR, "echo hello; exit 0")
bwrap("is killed", INSTRUCTOR, "kill -9 $$")
bwrap("isolates nothing", INSTRUCTOR, 'while [ "$1" != "-s" ]; do last=$1; shift; done; exec "$last" "$@"')
bwrap("shows an empty Python", INSTRUCTOR, 'exec "$REAL" --ro-bind / / /bin/true')
bwrap("hangs", INSTRUCTOR, "exec sleep 1000")
bwrap("refuses", GRADER, 'echo "bwrap: Resource temporarily unavailable" >&2; exit 1', later=True)
bwrap("ends without a word", GRADER, "exit 0", later=True)
bwrap("hangs", GRADER, "exec sleep 1000", later=True)
bwrap("is killed", GRADER, "kill -9 $$", later=True)
bwrap("is slow", NOBODY, 'sleep 1; exec "$REAL" "$@"', later=True)
bwrap("fails once", NOBODY, f'{COUNT}; [ $n -gt 1 ] || exit 1; exec "$REAL" "$@"', later=True)
bwrap("fails twice", NOBODY, f'{COUNT}; [ $n -gt 2 ] || exit 1; exec "$REAL" "$@"', later=True)
bwrap("fails three times", GRADER, f'{COUNT}; [ $n -gt 3 ] || exit 1; exec "$REAL" "$@"', later=True)
bwrap("ends soon", GRADER, '"$REAL" "$@" & sleep 0.15; kill -9 $!', later=True)


@failure("bubblewrap is missing", INSTRUCTOR)
def missing(place):
    place.monkeypatch.setenv("PATH", str(place.folder))


@failure("bubblewrap cannot be run", INSTRUCTOR)
def cannot_be_run(place):
    place.bwrap("exit 0")
    (place.folder / "programs" / "bwrap").write_bytes(b"\x7fELF nonsense")


ROLES = ["server", "keeper", "judge", "bwrap", "inner bwrap", "first", "waiter", "nursery", "child"]


def killed(role: str, number: signal.Signals, *, always: bool):
    """Enter a process that is killed from outside while it is at work, once or every time."""

    @failure(
        f"the {role} is killed by {number.name} {'every time' if always else 'once'}",
        GRADER if always else NOBODY,
    )
    def happens(place):
        place.slow()
        done = []

        def during():
            for process in family("child") and family(role):
                if process not in done and (always or not done):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, number)
                    done.append(process)

        place.during = during


for each in ROLES:
    killed(each, signal.SIGKILL, always=False)
    killed(each, signal.SIGKILL, always=True)
for each in ("child", "judge", "first"):
    killed(each, signal.SIGTERM, always=True)
killed("child", signal.SIGHUP, always=True)


def out_of(name: str, code: int, target: str, whose: str, *, times: int = 99):
    """Enter a call that the system refuses: `target` raises OSError with this code, so many times."""

    @failure(name, whose)
    def happens(place):
        def refuse():
            real, left = pkgutil.resolve_name(target), [times]

            def call(*args, **rest):
                left[0] -= 1
                if left[0] >= 0:
                    raise OSError(code, os.strerror(code))
                return real(*args, **rest)

            place.monkeypatch.setattr(target, call)

        place.after = refuse


WRITE = "cnnbook.coursework.results.atomic_write"
out_of("the disk is full", errno.ENOSPC, WRITE, GRADER)
out_of("the disk is read-only by now", errno.EROFS, WRITE, GRADER)
out_of("the quota is used up", errno.EDQUOT, WRITE, GRADER)
out_of("the disk fails", errno.EIO, WRITE, GRADER)
out_of("no process can be made", errno.EAGAIN, "cnnbook.coursework.judging.subprocess.Popen", GRADER)
out_of(
    "no process can be made once",
    errno.EAGAIN,
    "cnnbook.coursework.judging.subprocess.Popen",
    NOBODY,
    times=1,
)
out_of("too many files are open", errno.EMFILE, "cnnbook.coursework.judging.socket.socketpair", GRADER)
out_of(
    "too many files are open once",
    errno.ENFILE,
    "cnnbook.coursework.judging.socket.socketpair",
    NOBODY,
    times=1,
)
out_of("there is no memory for a judge", errno.ENOMEM, "cnnbook.coursework.judging.socket.send_fds", GRADER)
out_of("the submission cannot be read", errno.EIO, "cnnbook.coursework.submissions.os.lstat", GRADER)


@failure("there is no room for the canary", INSTRUCTOR)
def no_canary(place):
    def full(*args, **rest):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    place.monkeypatch.setattr("cnnbook.coursework.isolation.tempfile.NamedTemporaryFile", full)


@failure("the folder of results is a file", INSTRUCTOR)
def out_is_a_file(place):
    place.out.write_text("marks")


@failure("the folder of results is inside a file", INSTRUCTOR)
def out_in_a_file(place):
    (place.folder / "file").write_text("marks")
    place.out = place.folder / "file" / "results"


@failure("the folder of results is a link to nowhere", INSTRUCTOR)
def out_is_a_link(place):
    place.out.symlink_to(place.folder / "nowhere" / "deep")


@failure("the folder of results has too long a name", INSTRUCTOR)
def out_is_long(place):
    place.out = place.folder / ("x" * 300)


@failure("the folder of results cannot be locked", INSTRUCTOR)
def lock_fails(place):
    place.out.mkdir()
    (place.out / ".grading-1-of-1.lock").mkdir()


@failure("another grader is at work", INSTRUCTOR)
def two_graders(place):
    place.during, other = None, only_grader(place.out, 1, 1)
    other.__enter__()
    place.undo = lambda: other.__exit__(None, None, None)


@failure("another grader is at work on another part", NOBODY)
def two_parts(place):
    other = only_grader(place.out, 2, 2)
    other.__enter__()
    place.undo = lambda: other.__exit__(None, None, None)
    place.words = ["--shard", "1/2"]


def found(name: str, whose: str = NOBODY):
    """Enter a file that lies where the result belongs; the decorated function makes it."""

    def enter(function):
        @failure(f"in the result's place there is {name}", whose)
        def happens(place):
            place.out.mkdir()
            function(place, place.out / "ada.json")

    return enter


GRADED = {"assignment": "a02", "submission": "ada", "status": "graded", "reason": "", "score": 3, "most": 24}


def before(public, **changes):
    """A result as an earlier run may have left it."""
    return GRADED | {"tests": [], "notes": [], "fingerprint": "0" * 64} | changes


@found("an edited score")
def edited(place, path):
    write(path, before(place.public), place.public)
    path.write_text(path.read_text().replace('"score": 3', '"score": 20'))


@found("a score that is a text")
def score_is_text(place, path):
    path.write_text(json.dumps(before(place.public, score="24", seal="0")))


@found("a score that is no number")
def score_is_nan(place, path):
    path.write_text(json.dumps(before(place.public, score=float("nan"), seal="0")))


@found("half a result")
def truncated(place, path):
    write(path, before(place.public), place.public)
    path.write_bytes(path.read_bytes()[:100])


@found("an empty file")
def empty(place, path):
    path.write_bytes(b"")


@found("foreign JSON")
def foreign(place, path):
    path.write_text('{"score": 24}')


@found("something that is no JSON")
def binary(place, path):
    path.write_bytes(bytes(range(256)))


@found("JSON in JSON in JSON")
def nested(place, path):
    path.write_text("[" * 100_000)


@found("a result of another course")
def other_course(place, path):
    other = place.public.__class__(seed=7)
    write(path, before(other), other)


@found("another student's result")
def copied(place, path):
    write(path, before(place.public, submission="ben", score=23), place.public)


@found("a result of an earlier version")
def earlier(place, path):
    path.write_text(json.dumps(before(place.public)))


@found("a failed one")
def failed_before(place, path):
    write(path, before(place.public, status="failed", score=None), place.public)


@found("a link to a file elsewhere")
def linked(place, path):
    (place.folder / "precious").write_text("mine")
    path.symlink_to(place.folder / "precious")
    place.unharmed = place.folder / "precious"


@found("a pipe")
def pipe(place, path):
    os.mkfifo(path)


@found("a folder", GRADER)
def folder(place, path):
    path.mkdir()


@found("a result of another assignment", INSTRUCTOR)
def other_assignment(place, path):
    write(path, before(place.public, assignment="a03"), place.public)


def wrong(name: str, *words: str):
    """Enter words on the command line that cannot be followed."""

    @failure(name, INSTRUCTOR)
    def happens(place):
        place.words = list(words)


wrong("no job at a time", "--jobs", "0")
wrong("a shard that is none", "--shard", "3/2")
wrong("an assignment that is none", "--assignment", "a99")
wrong("a course that is none", "--course", "/nowhere")
wrong("a seed that is not there", "--seed-file", "/nowhere/seed")
wrong("a seed that is empty", "--seed-file", os.devnull)


@failure("nothing was handed in", INSTRUCTOR)
def nothing(place):
    (place.submissions / "ada.py").unlink()


@failure("the submissions are not there", INSTRUCTOR)
def no_folder(place):
    place.submissions = place.folder / "nowhere"


def hidden(name: str, text: str):
    """Enter hidden tests of the course's own that cannot be loaded."""

    @failure(f"hidden tests {name}", INSTRUCTOR)
    def happens(place):
        course = place.folder / "course"
        own = course / "coursework" / "a02_convolution"
        own.mkdir(parents=True)
        (course / "seed").write_text("a secret of more than sixteen")
        public = place.public.assignment("a02")
        for path in public.folders[0].iterdir():
            if path.is_file():
                (own / path.name).write_bytes(path.read_bytes())
        (own / "hidden_tests.py").write_text(text)
        place.words = ["--course", str(course)]


hidden("that are no Python", "def test_(")
hidden("that need what is not there", "import nowhere")
hidden("without points", 'def test_x(student):\n    "It works."')


@failure("the clock jumps back and forth", NOBODY)
def clock(place):
    real, jump = time.time, [0.0]

    def jumps():
        jump[0] = 1e8 - jump[0]
        return real() - jump[0]

    place.monkeypatch.setattr(time, "time", jumps)


def said(name: str, lines: list):
    """Enter a judge that says these lines, and nothing else."""

    @failure(f"the judge {name}", GRADER)
    def happens(place):
        def connect(way):
            ours, theirs = judging.socket.socketpair()
            with theirs:
                for line in lines:
                    theirs.sendall((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
                if lines:
                    theirs.shutdown(judging.socket.SHUT_WR)
                    place.kept.append(theirs.dup())
                else:
                    place.kept.append(theirs.dup())
            return ours

        place.monkeypatch.setattr(judging, "SILENCE", 0.2)
        place.monkeypatch.setattr(judging, "connect", connect)


OUTCOME = {"name": "t", "title": "T", "category": "c", "points": 1, "worth": 1, "reason": "", "message": ""}
OUTCOME |= {"detail": "", "visible": False}
BEGIN = {"read": {"notes": [], "tests": 1}}
said("goes without a word", [b""])
said("says what is no JSON", [b"all points, please"])
said("says a number", [7])
said("says an unknown word", [{"praise": 24}, {"ended": 0}])
said("begins and ends", [BEGIN, {"ended": 0}])
said("has trouble", [BEGIN, {"trouble": "no room"}])
said("ends in the middle", [BEGIN, {"begun": OUTCOME}, {"ended": -9}])
said("reports half an outcome", [BEGIN, {"outcome": {"name": "t"}}])
said("reports points that are a text", [BEGIN, {"outcome": OUTCOME | {"points": "24"}}])
said(
    "reports more points than there are",
    [BEGIN, {"outcome": OUTCOME | {"points": 9}}, {"done": {"changed": []}}],
)
said("is done too early", [BEGIN, {"done": {"changed": []}}])
said("says too much", [b"x" * 150_000])


@failure("the judge says nothing", GRADER)
def silent(place):
    def connect(way):
        ours, theirs = judging.socket.socketpair()
        place.kept.append(theirs)
        return ours

    place.monkeypatch.setattr(judging, "SILENCE", -59.8)
    place.monkeypatch.setattr(judging, "connect", connect)


@pytest.fixture
def place(tmp_path, isolation, public, a02, monkeypatch, capsys):
    """See `FailingGrader`."""
    place = FailingGrader(tmp_path, a02.solution, monkeypatch, capsys)
    place.public, place.unharmed, place.kept, place.undo = public, None, [], lambda: None
    yield place
    place.undo()
    for stream in place.kept:
        stream.close()


def test_the_table_has_many_failures_of_every_class():
    assert len(FAILURES) >= 100
    assert {whose for whose, _ in FAILURES.values()} == {NOBODY, GRADER, INSTRUCTOR}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_whose_the_table_says(name, place, monkeypatch):
    whose, happens = FAILURES[name]
    patience = 2 if "hangs" in name else 60  # seconds; a busy machine may need many
    monkeypatch.setenv("CNNBOOK_PATIENCE", str(patience))
    monkeypatch.setattr("cnnbook.coursework.sandbox.PATIENCE", patience)
    happens(place)
    place.score_before = place.score()
    code, score, printed = place.grade()
    assert "Traceback" not in printed
    if whose == NOBODY:
        assert (code, score) == (0, RIGHT), printed
    elif whose == GRADER:
        assert (code, score) == (1, None), printed
        assert "1 not;" in printed
        assert "Only they are graded again by: python -m cnnbook.coursework grade" in printed
    else:
        assert (code, score) == (2, place.score_before), printed
        assert printed.rstrip().splitlines()[-1].startswith("grade: ")
    if place.unharmed:
        assert place.unharmed.read_text() == "mine"


def test_trouble_is_tried_three_times_and_says_so(place, monkeypatch):
    tries = []

    def judged(*args, **rest):
        tries.append(1)
        raise trouble.Trouble("no room")

    monkeypatch.setattr(judging, "judged", judged)
    _, _, printed = place.grade()
    assert len(tries) == 3
    assert "ada: failed. no room (tried 3 times)" in printed
    monkeypatch.undo()
    code, score, _ = place.grade()
    assert (code, score) == (0, RIGHT)
