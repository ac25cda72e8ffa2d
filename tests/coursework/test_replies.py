"""A reply is believed only if it has exactly the parts of its form, each of the right type."""

import pytest

from cnnbook.coursework import replies
from cnnbook.coursework.inside.wire import WireError, pack

GOOD = [
    (replies.ANSWER, {"value": 7, "sent": []}),
    (replies.VALUE, {"value": None}),
    (replies.LISTS, {"value": ["f"], "notes": []}),
    (replies.ERROR, {"error": "ValueError", "message": "no", "where": ""}),
    (replies.CALLBACK, {"callback": 0, "args": (1, 2)}),
]


def checked(message, form):
    return replies.checked(pack(message), 3, None, (form,))


@pytest.mark.parametrize(("form", "parts"), GOOD)
def test_a_reply_of_the_right_form_is_believed(form, parts):
    assert checked({"turn": 3} | parts, form) == parts


@pytest.mark.parametrize(("form", "parts"), GOOD)
@pytest.mark.parametrize("change", [{"score": 24}, {"turn": 4}, {"turn": True}, {"turn": "3"}])
def test_a_reply_with_another_part_or_turn_is_not_believed(form, parts, change):
    with pytest.raises(WireError):
        checked({"turn": 3} | parts | change, form)


@pytest.mark.parametrize(("form", "parts"), GOOD)
def test_a_reply_that_lacks_a_part_is_not_believed(form, parts):
    for lacking in ["turn", *parts]:
        whole = {"turn": 3} | parts
        del whole[lacking]
        with pytest.raises(WireError):
            checked(whole, form)


@pytest.mark.parametrize(
    ("form", "parts"),
    [
        (replies.ANSWER, {"value": 7, "sent": "x"}),
        (replies.LISTS, {"value": ("f",), "notes": []}),
        (replies.LISTS, {"value": [], "notes": 7}),
        (replies.ERROR, {"error": 7, "message": "no", "where": ""}),
        (replies.ERROR, {"error": "ValueError", "message": None, "where": ""}),
        (replies.CALLBACK, {"callback": True, "args": ()}),
        (replies.CALLBACK, {"callback": 0, "args": []}),
    ],
)
def test_a_part_of_a_wrong_type_is_not_believed(form, parts):
    with pytest.raises(WireError):
        checked({"turn": 3} | parts, form)


def test_texts_and_parts_of_a_submission_are_what_they_must_be():
    for values in ([7], ["a", None]):
        with pytest.raises(WireError):
            replies.texts(values, 5, 5)
    assert replies.texts(["abcdefgh", "b", "c"], 2, 5) == ["abcd…", "b"]
    for value in (["cell", 1, "x"], ("cell", 0, "x"), ("cell", True, "x"), ("cell", 1), 7):
        with pytest.raises(WireError):
            replies.parts([value])
