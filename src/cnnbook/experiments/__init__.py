"""The long runs of the book: which there are (`catalogue`), one of them (`run`), many of them (`sweep`).

`make results` runs what is missing and records it in results/; pages read it through `cnnbook.results`.
"""
