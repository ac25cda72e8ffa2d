"""Figures that the reader drives: each is one ES module and one small Python class that holds its state."""

from .batchnorm_lab import BatchNormLab
from .conv_stepper import ConvStepper
from .dense_unit import DenseUnit
from .gradient_flow import GradientFlow
from .pool_stepper import PoolStepper
from .receptive_field import ReceptiveField
from .training_lab import TrainingLab
from .training_player import TrainingPlayer

__all__ = [
    "BatchNormLab",
    "ConvStepper",
    "DenseUnit",
    "GradientFlow",
    "PoolStepper",
    "ReceptiveField",
    "TrainingLab",
    "TrainingPlayer",
]
