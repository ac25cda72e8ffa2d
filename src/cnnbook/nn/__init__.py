"""The network: NumPy only, one layer family per file.

>>> from cnnbook.nn import Conv2D, Dense, Flatten, ReLU, Sequential

A faster way through a built model, with the same numbers, is `cnnbook.fast.fuse`.
"""

from cnnbook.nn.activations import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh, softmax
from cnnbook.nn.batchnorm import BatchNormalization, fold
from cnnbook.nn.callbacks import EarlyStopping
from cnnbook.nn.conv import Conv2D
from cnnbook.nn.dense import Dense
from cnnbook.nn.depthwise import DepthwiseConv2D
from cnnbook.nn.dropout import Dropout
from cnnbook.nn.initializers import GlorotNormal, GlorotUniform, HeNormal, HeUniform, RandomNormal, Zeros
from cnnbook.nn.layer import Layer
from cnnbook.nn.log import History
from cnnbook.nn.losses import MeanSquaredError, SoftmaxCrossEntropy
from cnnbook.nn.metrics import accuracy, confusion_matrix, macro_f1, precision_recall_f1
from cnnbook.nn.normalization import GroupNormalization, LayerNormalization
from cnnbook.nn.optimizers import SGD, Adam, AdamW, RMSprop
from cnnbook.nn.padding import ReflectionPadding2D, ReplicationPadding2D, ZeroPadding2D
from cnnbook.nn.pooling import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D
from cnnbook.nn.reshape import Flatten, Rescaling
from cnnbook.nn.residual import Residual
from cnnbook.nn.runtime import keep_freed_memory
from cnnbook.nn.saving import load, save
from cnnbook.nn.schedules import CosineDecay, PiecewiseConstantDecay
from cnnbook.nn.separable import SeparableConv2D
from cnnbook.nn.sequential import Sequential
from cnnbook.nn.training import evaluate, fit, predict
from cnnbook.nn.transpose import Conv2DTranspose
from cnnbook.nn.upsampling import UpSampling2D

__all__ = [
    "SGD", "Adam", "AdamW", "AveragePooling2D", "BatchNormalization", "Conv2D", "Conv2DTranspose",
    "CosineDecay", "Dense", "DepthwiseConv2D", "Dropout", "EarlyStopping", "Flatten",
    "GlobalAveragePooling2D", "GlorotNormal", "GlorotUniform", "GroupNormalization", "HeNormal",
    "HeUniform", "History", "Layer", "LayerNormalization", "LeakyReLU", "MaxPooling2D", "MeanSquaredError",
    "PiecewiseConstantDecay", "RMSprop", "RandomNormal", "ReLU", "ReflectionPadding2D",
    "ReplicationPadding2D", "Rescaling", "Residual", "SeparableConv2D", "Sequential", "Sigmoid", "Softmax",
    "SoftmaxCrossEntropy", "Tanh", "UpSampling2D", "ZeroPadding2D", "Zeros", "accuracy",
    "confusion_matrix", "evaluate", "fit", "fold", "load", "macro_f1", "precision_recall_f1", "predict",
    "save", "softmax",
]  # fmt: skip

keep_freed_memory()
