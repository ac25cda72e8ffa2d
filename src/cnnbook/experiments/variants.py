"""The networks of the long runs, beyond those of `cnnbook.keras_twin.training_agreement`."""

from cnnbook import bugzoo, nn
from cnnbook.models import fashion_cnn

# The small network trained one example at a time, with its author's settings, one at a time and together.


def _small_cnn(conv, initializer, grey_frame):
    """Two 5x5 convolutions of six filters. Without the grey frame the first sees black around the image."""
    first = conv(6, 5, padding="same" if grey_frame else "valid", kernel_initializer=initializer)
    second = conv(6, 5, padding="same", kernel_initializer=initializer)
    start = [] if grey_frame else [nn.ZeroPadding2D(2)]
    start.append(nn.Rescaling(1 / 255, offset=-0.5))
    after = [nn.MaxPooling2D(2), nn.Flatten(), nn.Dense(10)]
    return nn.Sequential([*start, first, nn.ReLU(), second, nn.ReLU(), *after])


def one_by_one():
    """One bias per filter, He's initialisation, black around the image."""
    return _small_cnn(nn.Conv2D, nn.HeNormal(), False)


def one_by_one_glorot():
    """The book's with Keras' default, Glorot's initialisation."""
    return _small_cnn(nn.Conv2D, nn.GlorotUniform(), False)


def one_by_one_pixel_bias():
    """The book's with one bias per pixel."""
    return _small_cnn(bugzoo.BiasPerPixel, nn.HeNormal(), False)


def one_by_one_small_weights():
    """The book's with randn / k^2."""
    return _small_cnn(nn.Conv2D, bugzoo.NormalOverWindowArea(), False)


def one_by_one_grey_frame():
    """The book's with zeros around an image whose black is -.5."""
    return _small_cnn(nn.Conv2D, nn.HeNormal(), True)


def one_by_one_source():
    """All three, as in the source."""
    return _small_cnn(bugzoo.BiasPerPixel, bugzoo.NormalOverWindowArea(), True)


# One convolution below a dense layer, right and wrong: the network that got stuck.


class BothGradientsWrong(bugzoo.UnrotatedKernel, bugzoo.PatchRowsMixedUp):
    """Both mistakes of the source in one layer."""


def _tanh_cnn(conv, initializer):
    kernel = {"kernel_initializer": initializer}
    return nn.Sequential(
        [
            conv(16, 5, padding="same", use_bias=False, **kernel),
            nn.Tanh(),
            nn.Flatten(),
            nn.Dense(10, **kernel),
        ]
    )


def tanh_cnn():
    """Right gradients, Glorot's initialisation."""
    return _tanh_cnn(nn.Conv2D, nn.GlorotUniform())


def tanh_cnn_mixed_up():
    """Glorot's initialisation, kernel gradient from mixed-up rows."""
    return _tanh_cnn(bugzoo.PatchRowsMixedUp, nn.GlorotUniform())


def tanh_cnn_unrotated():
    """Glorot's initialisation, input gradient through the unrotated kernel."""
    return _tanh_cnn(bugzoo.UnrotatedKernel, nn.GlorotUniform())


def tanh_cnn_both():
    """Glorot's initialisation, both gradients wrong."""
    return _tanh_cnn(BothGradientsWrong, nn.GlorotUniform())


def tanh_cnn_wild():
    """Right gradients, weights of standard deviation 1."""
    return _tanh_cnn(nn.Conv2D, nn.RandomNormal(1.0))


def tanh_cnn_wild_mixed_up():
    """Weights of standard deviation 1, kernel gradient from mixed-up rows."""
    return _tanh_cnn(bugzoo.PatchRowsMixedUp, nn.RandomNormal(1.0))


def tanh_cnn_wild_unrotated():
    """Weights of standard deviation 1, input gradient through the unrotated kernel."""
    return _tanh_cnn(bugzoo.UnrotatedKernel, nn.RandomNormal(1.0))


def tanh_cnn_wild_both():
    """Weights of standard deviation 1, both gradients wrong: as in the source."""
    return _tanh_cnn(BothGradientsWrong, nn.RandomNormal(1.0))


# Pooling and its rivals: the convolutional network with another way to make maps smaller.


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
