"""A folder with one right submission that is graded while something fails."""

import os
import shutil
import threading
import time
from pathlib import Path

from cnnbook.coursework import grade, judging
from cnnbook.coursework.__main__ import main
from cnnbook.coursework.results import content_of

BWRAP = shutil.which("bwrap")


class FailingGrader:
    """What a test sets up, and the command that grades.

    Attributes
    ----------
    submissions, out : folders. words : more words for the command line.
    after : called when the self-test has passed, before anything is graded.
    during : called in a thread of its own, again and again, while the command runs.
    """

    def __init__(self, folder: Path, solution: str, monkeypatch, capsys):
        self.folder, self.solution = folder, solution
        self.monkeypatch, self.capsys = monkeypatch, capsys
        self.submissions, self.out, self.words = folder / "submissions", folder / "results", []
        self.submissions.mkdir()
        (self.submissions / "ada.py").write_text(solution)
        self.after = self.during = None

    def bwrap(self, script: str) -> None:
        """Put this shell script in bubblewrap's place. In it, "$REAL" is the real one."""
        programs = self.folder / "programs"
        programs.mkdir(exist_ok=True)
        program = programs / "bwrap"
        program.write_text(f"#!/bin/sh\nREAL={BWRAP}\ncount={programs / 'count'}\n{script}\n")
        program.chmod(0o755)
        self.monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    def grade(self) -> tuple[int, float | None, str]:
        """Grade. Returns the exit code, the score in the result's file, and what was printed."""
        judging.close()  # the next judges are made by a server that finds what was set up here
        real = grade.jobs_for

        def jobs_for(*args, **rest):
            jobs = real(*args, **rest)
            if self.after:
                self.after()
            return jobs

        self.monkeypatch.setattr("cnnbook.coursework.commands.grading.jobs_for", jobs_for)
        over = threading.Event()
        beside = threading.Thread(target=self.beside, args=(over,))
        beside.start()
        try:
            words = ["grade", str(self.submissions), "--assignment", "a02", "--out", str(self.out)]
            code = main(words + self.words)
        finally:
            over.set()
            beside.join()
            judging.close()
        printed = self.capsys.readouterr()
        return code, self.score(), printed.out + printed.err

    def beside(self, over: threading.Event) -> None:
        """Call `during` until the command is over."""
        while self.during and not over.is_set():
            self.during()
            time.sleep(0.005)

    def score(self) -> float | None:
        """The score in the result's file, if there is one."""
        return (content_of(self.out / "ada.json") or {}).get("score")

    def slow(self) -> None:
        """Have one function of the submission wait, so that there is time to kill something."""
        code = self.solution.replace("def conv2d(", "def right(")
        code += "\n\ndef conv2d(x, kernel, bias):\n    import time\n    time.sleep(0.1)\n"
        code += "    return right(x, kernel, bias)\n"
        (self.submissions / "ada.py").write_text(code)


def family(role: str) -> list[int]:
    """The processes of one role among those that grade for this process, by where they stand in the tree.

    Roles: server, keeper, judge; bwrap, inner bwrap, first, waiter, nursery, child.
    """
    servers = [server.process.pid for server in list(judging.SERVERS.values())]
    if role == "server":
        return servers
    keepers, walls = [], []
    for server in servers:
        for child in children(server):
            (walls if "bwrap" in words_of(child)[0] else keepers).append(child)
    generations = {"keeper": (keepers, 0), "judge": (keepers, 1)}
    names = ["bwrap", "inner bwrap", "first", "waiter", "nursery", "child"]
    generations |= {name: (walls, number) for number, name in enumerate(names)}
    found, depth = generations[role]
    for _ in range(depth):
        found = [child for parent in found for child in children(parent)]
    return found


def children(process: int) -> list[int]:
    """The processes that this one has made."""
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def words_of(process: int) -> list[str]:
    """The command line of a process."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return [""]
