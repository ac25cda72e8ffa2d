"""Figures for the book: arrays in, one themed picture out. Chapters draw through this room only.

`explore` holds those that a reader can hover and zoom.
"""

from cnnbook.figures import explore
from cnnbook.figures.charts import bars, contours, curves, images, matrix, panels, points
from cnnbook.figures.explorable import Explorable
from cnnbook.figures.style import INK, Figure, themed

__all__ = [
    "INK",
    "Explorable",
    "Figure",
    "bars",
    "contours",
    "curves",
    "explore",
    "images",
    "matrix",
    "panels",
    "points",
    "themed",
]
