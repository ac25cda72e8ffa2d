"""One convolution below a dense layer, right and wrong: the network that got stuck."""

from cnnbook import bugzoo, nn


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
