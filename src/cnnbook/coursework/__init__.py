"""Coursework: build assignments, grade them in isolation, hand the marks on. `python -m cnnbook.coursework`."""
