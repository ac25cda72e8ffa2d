"""What the fields of a result must be."""

STATUSES = ("graded", "refused", "failed")


def is_number(value, most: float = 1e6) -> bool:
    """True for a real number from 0 to `most`; no True, no nan."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def fault(result) -> str:
    """The first field of a result that is not what it must be, as a sentence, or "".

    >>> good = {"assignment": "a02", "submission": "ada", "status": "graded", "reason": "", "score": 3}
    >>> fault({**good, "most": 4}), fault({**good, "most": 2})
    ('', 'score must be a number from 0 to most for a graded or refused submission, else None')
    """
    if not isinstance(result, dict):
        return "a result must be an object"
    for name in ("assignment", "submission", "status", "reason"):
        if not isinstance(result.get(name), str):
            return f"{name} must be a text"
    if result["status"] not in STATUSES:
        return f"status must be {', '.join(STATUSES[:-1])} or {STATUSES[-1]}"
    most, score = result.get("most"), result.get("score")
    if not (is_number(most) or (most is None and score is None)):
        return "most must be a number"
    if (score is None) != (result["status"] == "failed") or not (score is None or is_number(score, most)):
        return "score must be a number from 0 to most for a graded or refused submission, else None"
    if not isinstance(result.get("fingerprint", ""), str):
        return "fingerprint must be a text"
    notes, tests = result.get("notes", []), result.get("tests", [])
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        return "notes must be a list of texts"
    if not isinstance(tests, list):
        return "tests must be a list"
    return next(filter(None, map(fault_of_test, tests)), "")


def fault_of_test(test) -> str:
    """The first field of one test's outcome that is not what it must be, as a sentence, or ""."""
    if not isinstance(test, dict):
        return "a test must be an object"
    for name in ("name", "title", "category", "reason", "message"):
        if not isinstance(test.get(name), str):
            return f"a test's {name} must be a text"
    if not isinstance(test.get("detail", ""), str):
        return "a test's detail must be a text"
    if not isinstance(test.get("visible"), bool):
        return "a test's visible must be true or false"
    if not is_number(worth := test.get("worth")) or not is_number(test.get("points"), worth):
        return "a test's points must be a number from 0 to its worth"
    return ""
