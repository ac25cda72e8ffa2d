"""What a student gets back: one page for each submission.

How much it says of hidden tests is the course's choice.
"""

from html import escape

from cnnbook.coursework.texts import plain

STYLE = (
    "body { font: 1rem/1.5 system-ui, sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem; "
    "color-scheme: light dark } li { margin: .5rem 0 } p, li { overflow-wrap: anywhere }"
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><h1>{title}</h1><p><strong>{score}</strong></p>{body}</body></html>
"""


def page(result: dict, title: str, show: str) -> str:
    """One submission's feedback as HTML.

    Parameters
    ----------
    result : of `grade_one`. title : of the assignment.
    show : "names" (which tests passed), "categories" (also what kind of mistake it was) or "values" (also the
        first wrong number). A test marked visible always shows its values.
    """
    score = (
        "not graded yet" if result["score"] is None else f"{result['score']:g} of {result['most']:g} points"
    )
    body = f"<p>{as_html(result['reason'])}</p>" if result["reason"] else ""
    items = [list_item(test, show) for test in result.get("tests", [])]
    if items:
        body += f"<h2>Tests</h2><ul>{''.join(items)}</ul>"
    if notes := result.get("notes"):
        body += f"<h2>Notes</h2><ul>{''.join(f'<li>{as_html(note)}</li>' for note in notes)}</ul>"
    return PAGE.format(style=STYLE, title=as_html(title), score=as_html(score), body=body)


def as_html(text: str) -> str:
    r"""A text as HTML: no element, no control character.

    >>> print(as_html("<b>\x07"))
    &lt;b&gt;\x07
    """
    return escape(plain(text))


def list_item(test: dict, show: str) -> str:
    """One test as a list item."""
    return f"<li>{as_html(told(test, show))}</li>"


def told(test: dict, show: str) -> str:
    """One test as a sentence, as far as the policy allows.

    What the student's code itself wrote, a test's "detail", can carry a hidden input: it is told only for
    visible tests, whatever the policy.

    >>> test = {"title": "It adds.", "points": 0, "worth": 2, "reason": "values", "message": "3, not 4"}
    >>> told(test | {"visible": False}, "categories"), told(test | {"visible": True}, "names")
    ('0 of 2: It adds. What was wrong: values.', '0 of 2: It adds. What was wrong: values. 3, not 4')
    """
    text = f"{test['points']:g} of {test['worth']:g}: {test['title']}"
    if not test["reason"]:
        return text
    if show == "names" and not test["visible"]:
        return f"{text} Not passed."
    parts = [text, f"What was wrong: {test['reason']}."]
    if show == "values" or test["visible"]:
        parts.append(test["message"])
    if test["visible"]:
        parts.append(test.get("detail", ""))
    return " ".join(filter(None, parts))
