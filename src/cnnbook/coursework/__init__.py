"""Coursework: build assignments, grade them in isolation, hand the marks on.

It is started with `python -m cnnbook.coursework`. One submission goes this way, and each step trusts the next
one less:

    grade -> job -> judging     the grader: reads files, writes results, computes on nothing of a student's
    judge -> testing, student   a process with the hidden tests and the book's functions, under limits
    sandbox -> channel          its connection to a student's process; replies says what is believed of it
    inside/first -> nursery -> session     behind the walls: a process for every question, locked in
"""
