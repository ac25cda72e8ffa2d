"""Result files: written and read in one place, sealed, checked, cut, and written by one grader at a time."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from support.class_list import RESULTS

from cnnbook.coursework import grade, job, results, texts
from cnnbook.coursework.__main__ import main
from cnnbook.coursework.file_names import file_name
from cnnbook.coursework.job import Job, finished, grade_one
from cnnbook.coursework.lock import only_grader
from cnnbook.coursework.result_fields import fault

TEST = {
    "name": "test_it",
    "title": "It adds.",
    "category": "values",
    "points": 1,
    "worth": 2.5,
    "reason": "values",
    "message": "3, not 4",
    "visible": False,
}
GOOD = {
    "assignment": "a02",
    "submission": "ada",
    "status": "graded",
    "reason": "",
    "score": 3,
    "most": 24,
    "fingerprint": "f00",
    "tests": [TEST],
    "notes": ["conv2d writes into its argument 1."],
}


def written(folder, course, **changes):
    """GOOD with changes, written as `grade` does; returns its path."""
    result = {**GOOD, **changes}
    path = folder / file_name(result["submission"], ".json")
    results.write(path, result, course)
    return path


def edited(path, **changes):
    """Change fields of a result without its seal."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def rewritten(path):
    """The same result in another layout."""
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4))


def test_what_was_written_is_read_and_verifies(public, tmp_path):
    path = written(tmp_path, public)
    found = results.read(path, public)
    assert {name: value for name, value in found.items() if name != "seal"} == GOOD
    rewritten(path)
    assert results.read(path, public) == found
    assert not results.verified(found, replace(public, seed=public.seed + 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"score": 24},
        {"score": 3.5},
        {"score": "20"},
        {"score": True},
        {"most": 3},
        {"status": "refused"},
        {"submission": "ben"},
        {"assignment": "a03"},
        {"fingerprint": "f01"},
        {"reason": None},
        {"tests": []},
        {"tests": [{**TEST, "points": 2}]},
        {"notes": None},
        {"seal": None},
        {"seal": ""},
        {"seal": "\u00fc\ud800"},
        {"seal": 7},
        {"another": 1},
    ],
    ids=str,
)
def test_whatever_is_changed_the_seal_notices(changes, public, tmp_path):
    path = written(tmp_path, public)
    edited(path, **changes)
    assert not results.verified(json.loads(path.read_text()), public)
    with pytest.raises(results.Unverified, match="was changed after grading: grade it again"):
        results.read(path, public)


def test_a_removed_field_is_noticed(public, tmp_path):
    for name in (*GOOD, "seal"):
        path = written(tmp_path, public)
        rest = json.loads(path.read_text())
        del rest[name]
        path.write_text(json.dumps(rest))
        with pytest.raises(results.Unverified):
            results.read(path, public)


@pytest.mark.parametrize(
    "changes",
    [
        {"score": "20"},
        {"score": None},
        {"score": True},
        {"score": -1},
        {"score": 25},
        {"score": float("nan")},
        {"score": 10**400},
        {"score": [3]},
        {"most": float("inf")},
        {"most": None},
        {"most": "24"},
        {"status": "passed"},
        {"status": "failed"},
        {"status": ["graded"]},
        {"reason": None},
        {"submission": 7},
        {"assignment": None},
        {"fingerprint": 1},
        {"tests": {}},
        {"tests": [7]},
        {"tests": [{}]},
        {"tests": [{**TEST, "points": "1"}]},
        {"tests": [{**TEST, "points": 3}]},
        {"tests": [{**TEST, "worth": None}]},
        {"tests": [{**TEST, "visible": "yes"}]},
        {"tests": [{**TEST, "title": None}]},
        {"tests": [{**TEST, "message": 7}]},
        {"tests": [{**TEST, "detail": 7}]},
        {"notes": "one"},
        {"notes": [7]},
    ],
    ids=str,
)
def test_a_field_of_another_kind_is_no_result_even_with_a_seal(changes, public, tmp_path):
    assert fault(GOOD) == ""
    assert fault({**GOOD, "tests": [{**TEST, "detail": "x"}]}) == ""
    assert fault({**GOOD, **changes}).partition(" must be ")[1]
    path = tmp_path / "ada.json"
    try:
        path.write_bytes(results.text_of(results.seal({**GOOD, **changes}, public)))
    except ValueError:  # no JSON: nan
        return
    if changes.keys() != {"notes"}:  # notes are made texts before they are sealed
        with pytest.raises(results.Unverified):
            results.read(path, public)


def test_nothing_a_submission_writes_makes_a_result_large_or_unreadable(public, tmp_path):
    nasty = "\x00\x1b[2J\r\n\u202e\ud800👩‍🔬" * 100_000
    test = {**TEST, "message": nasty, "detail": nasty, "reason": nasty, "category": nasty}
    path = written(tmp_path, public, tests=[test] * 40, notes=[nasty] * 1000, reason=nasty)
    assert path.stat().st_size <= 200_000
    found = results.read(path, public)
    assert len(found["notes"]) == 20
    assert found["notes"][-1] == "And 981 more notes."
    assert max(map(len, found["notes"])) <= 300
    texts_in = [
        found["reason"],
        *found["notes"],
        *(text for each in found["tests"] for text in each.values()),
    ]
    assert all(text.isprintable() and len(text) <= 500 for text in texts_in if isinstance(text, str))
    assert len(written(tmp_path, public, tests=[{**TEST, "message": "x" * 9999}]).read_text()) < 2000
    assert len(results.read(path, public)["tests"][0]["message"]) == 500


def test_a_grader_that_makes_no_result_has_failed_and_says_so(public, three, tmp_path, monkeypatch):
    for score in (float("nan"), "24", 25, -1, {1}):
        made = {"status": "graded", "score": score, "tests": [], "notes": []}
        monkeypatch.setattr(job, "judged", lambda *a, made=made: made)
        result = grade_one(Job("ada", three / "ada.py", tmp_path / "out", "a02", public))
        assert (result["status"], result["score"]) == ("failed", None)
        assert result["reason"]
        assert results.read(tmp_path / "out" / "ada.json", public) == result


@pytest.fixture
def once(monkeypatch):
    """Grading that gives one point, and the list of what was graded."""
    asked = []

    def judged(job, *rest):
        asked.append(job.key)
        return {"status": "graded", "score": 1, "tests": [], "notes": []}

    monkeypatch.setattr(job, "judged", judged)
    monkeypatch.setattr(grade, "proven", lambda *a: "unsafe")
    return asked


def test_a_result_that_does_not_verify_is_graded_again(once, public, three, tmp_path):
    out = tmp_path / "out"

    def run():
        once.clear()
        graded = grade.grade_all(grade.jobs_for(three, out, "a02", public), threads=1, tell=lambda line: None)
        assert [result["score"] for result in graded] == [1, 1, 1]
        return sorted(once)

    assert run() == ["ada", "ben", "cleo"]
    assert run() == []
    edited(out / "ada.json", score=24)
    assert run() == ["ada"]
    (out / "ben.json").write_bytes((out / "ben.json").read_bytes()[:40])
    shutil.copy(out / "ada.json", out / "cleo.json")
    assert run() == ["ben", "cleo"]
    (out / "ada.json").unlink()
    os.mkfifo(out / "ada.json")
    assert run() == ["ada"]
    assert run() == []


def test_what_was_refused_is_looked_at_again_when_the_reason_is_another(once, public, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "ada.py").symlink_to("nowhere")
    ask = Job("ada", folder / "ada.py", tmp_path / "out", "a02", public)
    assert "link" in grade_one(ask)["reason"]
    assert finished(ask)["status"] == "refused"
    (folder / "ada.py").unlink()
    (folder / "ada.py").write_text("")
    assert finished(ask) is None
    assert grade_one(ask)["reason"] == "The file is empty."


def test_another_ending_is_another_submission(once, public, tmp_path):
    for name in ("ada.py", "ada.ipynb"):
        (tmp_path / name).write_text("x = 1")
        assert finished(Job("ada", tmp_path / name, tmp_path / "out", "a02", public)) is None
        grade_one(Job("ada", tmp_path / name, tmp_path / "out", "a02", public))
    assert finished(Job("ada", tmp_path / "ada.ipynb", tmp_path / "out", "a02", public))


def test_results_of_another_assignment_are_not_overwritten(once, public, three, tmp_path, capsys):
    path = written(tmp_path / "out", public, assignment="a01")
    before = path.read_bytes()
    arguments = ["grade", str(three), "--assignment", "a02", "--out", str(tmp_path / "out"), "--unsafe"]
    assert main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"grade: {tmp_path / 'out'} must hold results of a02 only. ada.json is one of a01. "
        "Choose another folder with --out."
    )
    assert path.read_bytes() == before
    edited(path, score=0)
    assert main(arguments) == 2
    path.unlink()
    (tmp_path / "out" / "package.json").write_text('{"assignment": "a01"}')
    assert main(arguments) == 0
    written(tmp_path / "out", public, submission="late", assignment="a01")
    assert main(arguments) == 2


def test_a_result_edited_to_be_of_another_assignment_stops_nobody(once, public, three, tmp_path):
    arguments = ["grade", str(three), "--assignment", "a02", "--out", str(tmp_path / "out"), "--unsafe"]
    assert main(arguments) == 0
    edited(tmp_path / "out" / "ada.json", assignment="a01")
    once.clear()
    assert main(arguments) == 0
    assert once == ["ada"]


def test_two_graders_at_once_are_one_too_many_and_a_dead_one_holds_nothing(once, three, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["grade", str(three), "--assignment", "a02", "--out", str(out), "--unsafe"]
    code = (
        "import os, sys; from pathlib import Path; from cnnbook.coursework.lock import only_grader\n"
        f"with only_grader(Path({str(out)!r}), 1, 1):\n"
        "    print('held', flush=True); sys.stdin.read(); os._exit(9)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "held\n"
    assert main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"grade: {out} must have one grader at a time. Another one is at work: wait for it, or stop it."
    )
    assert once == []
    with only_grader(out, 1, 2):
        assert main([*arguments, "--shard", "2/2"]) == 0
        assert main([*arguments, "--shard", "1/2"]) == 2
    other.kill()
    other.communicate()
    assert main(arguments) == 0
    assert sorted(once) == ["ada", "ben", "cleo"]


# What export and feedback do with files that do not verify.


def spoil(folder, public):
    """Nine results, and one more of every kind of bad file; returns the keys of the bad ones."""
    for number in range(9):
        written(folder, public, submission=f"s{number}", score=number)
    edited(written(folder, public, submission="edited"), score=24)
    edited(written(folder, public, submission="text"), score="20")
    cut = written(folder, public, submission="cut")
    cut.write_bytes(cut.read_bytes()[:50])
    written(folder, replace(public, seed=3), submission="foreign")
    shutil.copy(folder / "s8.json", folder / "copy.json")
    for name, text in {"list": "[1]", "other": '{"a": 1}', "half": '{"submission": "x', "nan": "NaN"}.items():
        (folder / f"{name}.json").write_text(text)
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "picture.json").write_bytes(b"\xff\xd8\xff")
    (folder / "large.json").write_bytes(b" " * 10**7)
    (folder / "folder.json").mkdir()
    (folder / "loop.json").symlink_to("loop.json")
    os.mkfifo(folder / "pipe.json")
    (folder / ".hidden.json").write_text("{}")
    bad = ["edited", "text", "cut", "foreign", "copy", "list", "other", "half", "nan", "deep", "picture"]
    return sorted([*bad, "large", "folder", "loop", "pipe"])


def test_every_file_that_does_not_verify_is_a_row_without_a_score(public, tmp_path):
    bad, told = spoil(tmp_path, public), []
    found = results.results_in(tmp_path, public, told.append)
    assert {r["submission"]: r["score"] for r in found if r["status"] == "graded"} == {
        f"s{number}": number for number in range(9)
    }
    changed = {r["submission"]: r for r in found if r["status"] == "changed"}
    assert sorted(changed) == bad
    assert all(result["score"] is None for result in changed.values())
    assert all("was changed after grading: grade it again" in r["reason"] for r in changed.values())
    assert [line.split(".json ")[0] for line in told] == [str(tmp_path / name) for name in bad]


def test_the_key_of_a_bad_file_is_the_submissions_as_far_as_it_can_be_known(public, tmp_path):
    written(tmp_path, public)
    edited(written(tmp_path, public, submission="ben/a02"), score=24)
    edited(written(tmp_path, public, submission="cleo"), submission="ada")
    found = results.results_in(tmp_path, public, lambda line: None)
    assert [(r["submission"], r["score"]) for r in found] == [("ada", 3), ("ben/a02", None), ("cleo", None)]


@pytest.mark.parametrize("kind", ["csv", "canvas", "moodle"])
def test_export_and_feedback_go_on_past_bad_results_and_say_so(kind, public, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    bad = spoil(tmp_path / "results", public)
    lines = ["id,name", *(f"s{number},Student {number}" for number in range(9)), *(f"{b},{b}" for b in bad)]
    (tmp_path / "roster.csv").write_text("\n".join(lines))
    assert main(["export", "--to", kind, "--roster", "roster.csv"]) == 1
    told = capsys.readouterr()
    assert told.out.startswith(f"wrote marks-{kind}.csv: 9 marks\n")
    assert told.err.count("was changed after grading: grade it again") == len(bad)
    text = (tmp_path / f"marks-{kind}.csv").read_text()
    for line in text.splitlines():
        if any(line.startswith(f"{name},") for name in bad):
            assert "24," not in line.replace(",24,", "", 1)
            assert "20" not in line
    assert main(["feedback"]) == 1
    assert capsys.readouterr().out == "9 pages in feedback\n"
    assert sorted(path.stem for path in (tmp_path / "feedback").iterdir()) == [f"s{n}" for n in range(9)]


def test_a_bad_file_beside_a_good_one_takes_nothing_from_it(public, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "results", public)
    (tmp_path / "results" / "ada_2.json").write_text("{")
    (tmp_path / "roster.csv").write_text("id,name\nada,Ada Low\n")
    assert main(["export", "--to", "csv", "--roster", "roster.csv"]) == 1
    assert "ada,Ada Low,ada,3,24,\n" in (tmp_path / "marks-csv.csv").read_text()
    assert "  ada_2: is no result of `grade`, or was changed" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["export", "--to", "csv"], ["feedback"]])
def test_where_nothing_verifies_the_course_may_be_missing(command, public, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for result in RESULTS:
        written(tmp_path / "results", replace(public, seed=5), **result)
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "results of this course, as `grade` wrote them with its seed. None of its 2 files is one." in line
    assert "Give --course (or --seed-file) if it is missing, or grade again." in line


def test_a_page_that_cannot_be_written_costs_no_other_one(public, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("ada", "ben", "cleo"):
        written(tmp_path / "results", public, submission=name)
    (tmp_path / "feedback" / "ben.html").mkdir(parents=True)
    written(tmp_path / "results", public, submission="dora", assignment="a99")
    assert main(["feedback"]) == 1
    told = capsys.readouterr()
    assert told.out == "2 pages in feedback\n"
    assert "ben.html: there is no page: Is a directory." in told.err
    assert "dora.html: there is no page: an assignment must be one of" in told.err


def test_what_the_commands_print_is_clean_whatever_the_terminal_takes(capsys, monkeypatch):
    texts.say("a\x1b[2J\n\u202eb\ud800", "Zoë")
    assert capsys.readouterr().out == "a\\x1b[2J\\n\\u202eb\\ud800\nZoë\n"
    code = "from cnnbook.coursework.texts import say; say('Zo\\u00eb')"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "Zo\\xeb\n"
    line = grade.line_for({"submission": "a\x07", "status": "failed", "reason": "\x9b31m"})
    assert line == "a\\x07: failed. \\x9b31m"
