"""Compares the derivative that a page states with measured slopes."""

import numpy as np

from cnnbook.gradcheck import check_gradient


def measured(gradient, f, at):
    """Are the slopes of `f`, a function of an array, those that `gradient` says?"""
    found = check_gradient("at", f, np.atleast_1d(at).astype(float), np.atleast_1d(gradient).astype(float))
    return found.error < 1e-8 and found.kinks == 0
