"""What a student's process says is believed only after it was checked: here, and nowhere else."""

from cnnbook.coursework.inside.wire import WireError, unpack
from cnnbook.coursework.texts import plain

NAMES, NOTES, PARTS = 2_000, 20, 10_000  # the most that is kept of each
# What each reply must hold besides its turn: by key, the type of its value and the most characters of a text.
ANSWER = {"value": (object, 0), "sent": (list, 0)}
VALUE = {"value": (object, 0)}
LISTS = {"value": (list, 0), "notes": (list, 0)}
ERROR = {"error": (str, 60), "message": (str, 500), "where": (str, 80)}
CALLBACK = {"callback": (int, 0), "args": (tuple, 0)}


def checked(content: bytes, turn: int, find, forms: tuple) -> dict:
    """A reply, once it is known to have one of these forms.

    Parameters
    ----------
    turn : the number that it must repeat. find : see `unpack`. forms : of the module's constants.

    Raises
    ------
    WireError : if it has none of the forms; nothing of it is believed then.
    """
    reply = unpack(content, find)
    if not isinstance(reply, dict) or type(reply.get("turn")) is not int or reply.pop("turn") != turn:
        raise WireError("the answer is no answer")
    for form in forms:
        if reply.keys() == form.keys():
            return {key: part(reply[key], *form[key]) for key in form}
    raise WireError("the answer does not have the parts of one")


def part(value, kind: type, most: int):
    """One part of a reply, if it has the right type; texts are cleaned and cut."""
    if kind is not object and (not isinstance(value, kind) or isinstance(value, bool)):
        raise WireError("a part of the answer has a wrong type")
    return plain(value, most) if kind is str else value


def texts(values: list, count: int, most: int) -> list[str]:
    """The first `count` texts of a list. Raises WireError if one is no text."""
    if not all(isinstance(value, str) for value in values):
        raise WireError("the answer lists what is no text")
    return [plain(value, most) for value in values[:count]]


def parts(values: list) -> list[tuple[str, int, str]]:
    """The parts of a submission: (cell, first line, text). Raises WireError if they are none."""
    for value in values:
        if not isinstance(value, tuple) or [type(each) for each in value] != [str, int, str]:
            raise WireError("the answer lists what is no part of a submission")
        if not 1 <= value[1] < 10**6:
            raise WireError("the answer names an impossible line")
    return [(plain(cell, 60), line, text) for cell, line, text in values[:PARTS]]
