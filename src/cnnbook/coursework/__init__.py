"""Coursework: build assignments, grade them in isolation, hand the marks on.

It is started with `python -m cnnbook.coursework`.
"""
