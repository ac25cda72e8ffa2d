"""Networks beside `fashion_cnn`: other ways to smaller maps, no batch normalisation, other first weights."""

from cnnbook import nn
from cnnbook.models import fashion_cnn


def _replaced(change):
    """The layers of `fashion_cnn`, each as `change` returns it: a list of layers."""
    return nn.Sequential([new for layer in fashion_cnn().layers for new in change(layer)])


def average_pooling():
    """Average pooling in place of max pooling."""
    return _replaced(lambda old: [nn.AveragePooling2D(2)] if isinstance(old, nn.MaxPooling2D) else [old])


def strides():
    """Convolutions that move two pixels at a time, and no pooling."""

    def change(old):
        if isinstance(old, nn.Conv2D):
            return [nn.Conv2D(old.filters, 3, strides=2, padding="same")]
        return [] if isinstance(old, nn.MaxPooling2D) else [old]

    return _replaced(change)


def global_pooling():
    """Global average pooling in place of Flatten: the dense layer reads 32 numbers instead of 1,568."""
    return _replaced(lambda old: [nn.GlobalAveragePooling2D()] if isinstance(old, nn.Flatten) else [old])


# Batch normalisation and initialisation.


def cnn_without_batch_norm():
    """`fashion_cnn` without its two batch normalisations."""
    return _replaced(lambda old: [] if isinstance(old, nn.BatchNormalization) else [old])


def _deep(initializer):
    hidden = [layer for _ in range(8) for layer in (nn.Dense(128, kernel_initializer=initializer), nn.ReLU())]
    output = nn.Dense(10, kernel_initializer=initializer)
    return nn.Sequential([nn.Flatten(), *hidden, output])


def deep_he():
    """Eight dense layers with ReLU, He's initialisation."""
    return _deep(nn.HeNormal())


def deep_glorot():
    """The same, Glorot's initialisation."""
    return _deep(nn.GlorotNormal())


def deep_wild():
    """The same, weights of standard deviation 1."""
    return _deep(nn.RandomNormal(1.0))


def deep_small():
    """The same, weights of standard deviation .01."""
    return _deep(nn.RandomNormal(0.01))
