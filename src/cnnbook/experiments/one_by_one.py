"""The small network trained one example at a time: the book's, and with its author's settings."""

from cnnbook import bugzoo, nn


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
