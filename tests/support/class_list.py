"""Students and results that the tests of roster, marks and export share."""

ROSTER = [
    {"id": "7", "name": "Low, Ada", "email": "ada@x.org", "login": "alow", "section": "1"},
    {"id": "8", "name": "Ben Orr", "email": "ben@x.org", "login": "borr", "section": "1"},
    {"id": "9", "name": "Cleo Orr", "email": "cleo@x.org", "login": "corr", "section": "2"},
    {"id": "10", "name": "Zo\u00eb", "email": "z@x.org", "login": "zoe10", "section": "2"},
]


STUDENTS = [
    {"id": "7", "name": "Ada Low", "email": "ada@x.org", "login": "alow", "section": "1"},
    {"id": "8", "name": "=Ben", "email": "ben@x.org", "login": "borr", "section": "1"},
]


RESULTS = [
    {"submission": "alow", "score": 24, "most": 24, "reason": "", "status": "graded", "assignment": "a02"},
    {"submission": "stranger", "score": 6, "most": 24, "reason": "", "status": "graded", "assignment": "a02"},
]
