"""Figures for the book: arrays in, one themed picture out. Chapters draw through this room only."""

from cnnbook.figures.charts import bars, curves, images, matrix, panels
from cnnbook.figures.style import INK, Figure, themed

__all__ = ["INK", "Figure", "bars", "curves", "images", "matrix", "panels", "themed"]
