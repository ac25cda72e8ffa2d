"""An autograder for Gradescope: a zip with this package, the assignment, the course's seed, and two scripts.

Gradescope runs it as root in a container that is thrown away. Where bubblewrap works there, it is used; else
the student's code runs as a user of its own that can read neither tests nor seed.
"""

import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path

from cnnbook.coursework.course import Course
from cnnbook.coursework.feedback import told
from cnnbook.coursework.fingerprint import PACKAGE, grader_files
from cnnbook.coursework.isolation import proven
from cnnbook.coursework.job import Job, grade_one
from cnnbook.coursework.sealing import MESSAGE
from cnnbook.coursework.submissions import Refused, accepted, ordinary, submissions_in
from cnnbook.coursework.texts import plain, say
from cnnbook.coursework.trouble import IsolationError, tried
from cnnbook.files import atomic_write

SETUP = """#!/bin/bash
# Gradescope runs this once, when it builds the image. Choose an image with Ubuntu 24.04 or later.
set -e
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \\
    python3 python3-pip bubblewrap libseccomp2
python3 -m pip install --quiet --break-system-packages "numpy>=2.0,<3" "pyyaml>=6,<7" "pyseccomp>=0.1.2,<0.2"
"""

RUN = """#!/bin/bash
# Gradescope runs this for every submission.
top="${AUTOGRADER:-/autograder}"
cd "$top/source" && chmod -R go= "$top/source" "$top/submission"
PYTHONPATH="$top/source/src" exec "${PYTHON:-python3}" -B -m cnnbook.coursework.gradescope "$top"
"""


def autograder(course: Course, name: str) -> bytes:
    """The zip to upload as the autograder of one assignment. The same course gives the same bytes."""
    assignment = course.assignment(name)
    files = {"setup.sh": SETUP, "run_autograder": RUN}
    for path in grader_files():
        files[f"src/cnnbook/{path.relative_to(PACKAGE).as_posix()}"] = path.read_text("utf-8")
    for folder in assignment.folders:
        for path in sorted(folder.glob("*.*")):
            files[f"coursework/{folder.name}/{path.name}"] = path.read_text("utf-8")
    files["job.json"] = json.dumps(
        {"assignment": name, "seed": course.seed, "show": course.show, "variant": assignment.variant}
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if path in ("setup.sh", "run_autograder") else 0o600) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return out.getvalue()


def report(result: dict, show: str) -> dict:
    """A result in the form that Gradescope reads; one without a score where the grader had trouble."""
    if result["score"] is None:
        return {"output": plain(f"The grader had trouble: {result['reason']}", MESSAGE)}
    tests = [
        {
            "name": plain(test["title"]),
            "score": test["points"],
            "max_score": test["worth"],
            "output": plain(told(test, show)),
        }
        for test in result["tests"]
    ]
    notes = [*filter(None, [result["reason"]]), *result["notes"]]
    return {"score": result["score"], "output": "\n".join(map(plain, notes)), "tests": tests}


def main(top: Path) -> int:
    """Grade what lies in top/submission, write top/results/results.json, and return the exit code.

    The grader's own trouble is no mark. Gradescope asks every results.json for a score, so a file that only
    told of the trouble would have to say 0. Therefore there is none, after three tries, and the exit code
    is 1: Gradescope's manual ("Troubleshooting") says that a student then reads "The autograder failed to
    execute correctly", without a score. The instructor reads the reason among the autograder's output, and
    runs it again.
    """
    out = top / "results" / "results.json"
    out.parent.mkdir(exist_ok=True)
    out.unlink(missing_ok=True)
    settings = json.loads((top / "source" / "job.json").read_text("utf-8"))
    try:
        said = grade_submission(top, settings)
    except Refused as refused:
        said = {"score": 0, "output": plain(str(refused), MESSAGE)}
    except Exception as error:
        said = {"output": f"The grader had trouble: {error}"}
    if "score" not in said:
        say(said["output"], error=True)
        return 1
    atomic_write(out, json.dumps(said, allow_nan=False))
    return 0


def grade_submission(top: Path, settings: dict) -> dict:
    """Grade the one submission in top/submission and report it.

    Parameters
    ----------
    settings : what `autograder` wrote into job.json.

    Raises
    ------
    Refused : if there is not exactly one submission. IsolationError : if students' code cannot be isolated
        here.
    """
    name = settings["assignment"]
    course = Course(
        seed=settings["seed"],
        secret=True,
        show=settings["show"],
        variants={name: settings["variant"]},
        root=top / "source" / "coursework",
    )
    found = submissions_in(top / "submission")
    wanted = {key: path for key, path in found.items() if accepted(path)} or found
    if len(wanted) != 1:
        names = ", ".join(sorted(wanted)) or "no file"
        raise Refused(f"Hand in one notebook. There are {len(wanted)}: {names}.")
    ((key, path),) = wanted.items()
    secret = [*course.assignment(name).tests, *ordinary([path])]
    way = tried(lambda: isolated(secret))
    with tempfile.TemporaryDirectory() as out:
        result = grade_one(Job(key, path, Path(out), name, course, way))
    return report(result, settings["show"])


def isolated(secret: list[Path]) -> str:
    """The way to isolate in Gradescope's container: bubblewrap where it works."""
    try:
        return proven("bwrap", secret)
    except IsolationError:
        return proven("uid", secret)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
