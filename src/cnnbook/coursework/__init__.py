"""Coursework: build assignments, grade them in isolation, hand the marks on.

The door is `python -m cnnbook.coursework`.
"""
