"""Time the grader on right submissions: results/grading.json.

    python tools/record_grading.py

Each assignment's solution is graded a few times, one after the other; then 300 submissions of assignment 2 by
the command line, two at a time. The instructors' page takes its figures from here.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from cnnbook import results
from cnnbook.coursework import course, source
from cnnbook.coursework.job import Job, grade_one

REPEATS, MANY, MANY_OF, JOBS = 5, 300, "a02", 2


def one_by_one(folder: Path) -> dict[str, float]:
    """The median of the seconds that one right submission takes, by assignment."""
    public, seconds = course.load(), {}
    for name in tqdm(source.find(), disable=not sys.stderr.isatty()):
        path = folder / f"{name}.py"
        path.write_text(source.read(name).solution)
        times = []
        for _ in range(REPEATS + 1):
            start = time.monotonic()
            result = grade_one(Job(name, path, folder / "one", name, public))
            times.append(time.monotonic() - start)
            if result["score"] != result["most"]:
                raise RuntimeError(f"The solution of {name} must get full marks. It got {result}.")
        seconds[name] = round(statistics.median(times[1:]), 3)  # the first one starts the grader
    return seconds


def many(folder: Path) -> float:
    """The seconds of grading MANY submissions of one assignment, all different, with the command line."""
    submissions = folder / "submissions"
    submissions.mkdir()
    for number in range(MANY):
        text = f"# student {number}\n{source.read(MANY_OF).solution}"
        (submissions / f"s{number}.py").write_text(text)
    words = ["grade", str(submissions), "--assignment", MANY_OF, "--out", str(folder / "many")]
    start = time.monotonic()
    line = [sys.executable, "-m", "cnnbook.coursework", *words, "--jobs", str(JOBS)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    seconds = time.monotonic() - start
    if f"{MANY} graded, 0 not" not in done.stdout:
        raise RuntimeError(f"All {MANY} must be graded. {done.stdout}")
    return round(seconds, 1)


def main() -> int:
    """Record both."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        figures = {"each": one_by_one(Path(place)), "assignment": MANY_OF, "submissions": MANY}
        figures |= {"jobs": JOBS, "seconds": many(Path(place))}
    path = results.write("grading", figures, seconds=time.monotonic() - start)
    print(f"{MANY} submissions of {MANY_OF} in {figures['seconds']} s: results/{path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
