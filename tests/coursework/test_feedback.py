"""The page that a student gets back."""

from cnnbook.coursework import course, feedback, gradescope

RESULT = {
    "submission": "<b>eve</b>",
    "score": 2,
    "most": 4,
    "reason": "",
    "notes": ["<script>alert(1)</script>"],
    "tests": [
        {
            "title": "Secret.",
            "points": 0,
            "worth": 2,
            "reason": "values",
            "message": "1 < 2",
            "visible": False,
        },
        {"title": "Open.", "points": 2, "worth": 2, "reason": "", "message": "", "visible": True},
    ],
}


def test_feedback_says_what_the_course_wants_said_and_runs_no_code_of_a_student():
    pages = {show: feedback.page(RESULT, "A", show) for show in course.POLICIES}
    assert not any("<script>" in page for page in pages.values())
    assert "2 of 4 points" in pages["names"]
    assert "values" not in pages["names"]
    assert "What was wrong: values." in pages["categories"]
    assert "1 &lt; 2" not in pages["categories"]
    assert "1 &lt; 2" in pages["values"]


def test_what_a_students_code_wrote_is_told_for_visible_tests_only():
    hidden, visible = ({**test, "reason": "error", "detail": "secret 0.123"} for test in RESULT["tests"])
    for show in course.POLICIES:
        said = feedback.page({**RESULT, "tests": [hidden]}, "A", show)
        assert "secret" not in said
        assert "secret 0.123" in feedback.page({**RESULT, "tests": [visible]}, "A", show)
        assert "secret" not in str(gradescope.report({**RESULT, "tests": [hidden]}, show))
        assert "secret 0.123" in str(gradescope.report({**RESULT, "tests": [visible]}, show))
