"""The seal of a result: who does not know the course's seed cannot change a score and not be noticed.

What students' code wrote is cleaned and cut before it is sealed. The public course's seed is known to all:
there, a seal shows damage and slips, not intent.
"""

import hashlib
import hmac
import json

from cnnbook.coursework.course import Course
from cnnbook.coursework.texts import plain

MESSAGE, NOTE, NOTES = 500, 300, 20  # characters of a message and of a note, and how many notes
LARGEST = 200_000  # bytes of a result
LONGEST_KEY = 50_000  # characters of a submission's name with all its folders


def seal(result: dict, course: Course) -> dict:
    """The result as it is written: texts cleaned and cut, and a field "seal" over all the rest.

    >>> course = Course(seed=1)
    >>> sealed = seal({"reason": "no\\x07 file", "score": None}, course)
    >>> sealed["reason"], verified(sealed, course), verified(sealed | {"score": 20}, course)
    ('no\\\\x07 file', True, False)
    """
    rest = {key: value for key, value in result.items() if key != "seal"}
    for most in (MESSAGE, MESSAGE // 4, MESSAGE // 16):
        clean = cleaned(rest, most)
        if len(text_of(clean)) <= LARGEST:
            break
    return {**clean, "seal": seal_of(clean, course)}


def cleaned(result: dict, most: int) -> dict:
    """A result with texts of at most `most` characters, and notes of at most NOTE."""
    clean = clean_value(result, most)
    if isinstance(key := result.get("submission"), str):
        clean["submission"] = plain(key, LONGEST_KEY)
    if isinstance(notes := result.get("notes"), list | tuple):
        clean["notes"] = [plain(str(note), min(most, NOTE)) for note in notes[:NOTES]]
        if len(notes) > NOTES:
            clean["notes"][-1] = f"And {len(notes) - NOTES + 1} more notes."
    return clean


def clean_value(value, most: int):
    """Every text inside a value cleaned and cut."""
    if isinstance(value, str):
        return plain(value, most)
    if isinstance(value, dict):
        return {plain(str(key), most): clean_value(each, most) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [clean_value(each, most) for each in value]
    return value


def seal_of(rest: dict, course: Course) -> str:
    """The HMAC-SHA256 of a result without its seal, as JSON in one form, keyed by the course's seed."""
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    key = f"a result of the course with the seed {course.seed}"
    return hmac.new(key.encode(), text.encode("ascii"), hashlib.sha256).hexdigest()


def verified(result, course: Course) -> bool:
    """True if `result` is a result of this course, exactly as `seal` returned it."""
    if not isinstance(result, dict) or not isinstance(given := result.get("seal"), str):
        return False
    try:
        right = seal_of({key: value for key, value in result.items() if key != "seal"}, course)
    except (ValueError, TypeError, RecursionError):
        return False
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def text_of(result: dict) -> bytes:
    """A result as it stands in its file."""
    return (json.dumps(result, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
