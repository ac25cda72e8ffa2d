"""Figures that the reader drives: each is one ES module and one small Python class that holds its state."""

from .conv_stepper import ConvStepper

__all__ = ["ConvStepper"]
