"""The TensorFlow mistakes of student notebooks, each small and runnable, beside the class that gets it right.

None of them raises an error where it is made. Importing this module imports Keras.
"""

import numpy as np

from cnnbook.keras_twin import keras, layers, modules, tf


def classify_without_channel_axis(model, images):
    """Feed (N, 28, 28) arrays to a model built for (28, 28, 1): Keras adds the axis and says nothing.

    It works until a layer takes the wrong axis for the channels. `cnnbook.nn` refuses and says what to write.
    """
    return model(np.squeeze(images, axis=-1))


class UnregisteredConv2D(layers.Conv2D):
    """A Keras layer that saves and then does not load: its class is not registered.

    Right: @keras.saving.register_keras_serializable() above the class, as `layers.Conv2D` has it.
    """


@keras.saving.register_keras_serializable(package="cnnbook_bugs")
class BatchNormalizationWithIncompleteConfig(layers.BatchNormalization):
    """Lists too little in get_config: after saving and loading, momentum and epsilon are the defaults again.

    Right: get_config returns every argument of the constructor. (Without any get_config Keras 3
    writes one itself.)
    """

    def get_config(self):
        return keras.layers.Layer.get_config(self)


class BatchNormalizationThatNeverFreezes(layers.BatchNormalization):
    """Looks at `training`, not at `trainable`: frozen for fine-tuning, it still learns the new data's mean.

    Right: a frozen layer normalises with what it remembers, and remembers nothing new.
    """

    def call(self, x, training=False):
        trainable, self._trainable = self._trainable, True
        try:
            return super().call(x, training=training)
        finally:
            self._trainable = trainable


class BatchNormalizationForPythonBools(layers.BatchNormalization):
    """Asks `if training:` while the graph is built, when a tensor has no value yet.

    Right: hand the question to the graph with `keras.ops.where`.
    """

    def call(self, x, training=False):
        if bool(training):
            return super().call(x, training=True)
        return super().call(x, training=False)


class DenseWithOneBias(modules.Dense):
    """One bias for the whole layer: it trains, but all units are lifted together.

    Right: one number per unit.
    """

    def __init__(self, inputs, units, activation="linear", rng=None):
        super().__init__(inputs, units, activation, rng)
        self.bias = tf.Variable(0.0, name="bias")


class DenseThatAcceptsAnyActivation(modules.Dense):
    """Falls through a chain of ifs: with a name it does not know, "rleu" say, it stays linear in silence.

    Right: refuse the name and list those there are.
    """

    def __init__(self, inputs, units, activation="linear", rng=None):
        super().__init__(inputs, units, "linear", rng)
        self.name_of_activation = activation

    def __call__(self, x):
        out = super().__call__(x)
        if self.name_of_activation == "relu":
            return tf.nn.relu(out)
        if self.name_of_activation == "sigmoid":
            return tf.math.sigmoid(out)
        return out


class DenseWithSoftmaxInside(modules.Dense):
    """Hands probabilities to a loss that expects logits and applies softmax once more.

    With ten classes none can then get more than e / (e + 9) of the probability, less than a quarter.

    Right: return logits; softmax lives in the loss.
    """

    def __call__(self, x):
        return tf.nn.softmax(super().__call__(x))


class Conv2DThatAssigns(modules.Conv2D):
    """Computes every output with loops and assigns it into a tf.Variable: the numbers are right.

    Assigning copies a number, not its history. The tape starts anew at the variable, and the gradient with
    respect to the kernel is None. Right: build the output out of new tensors.
    """

    def __call__(self, x):
        k_h, k_w = self.kernel_size
        n, height, width, _ = x.shape
        out = tf.Variable(tf.zeros((n, height - k_h + 1, width - k_w + 1, self.kernel.shape[3])))
        for i, j in np.ndindex(*out.shape[1:3]):
            window = x[:, i : i + k_h, j : j + k_w]
            out[:, i, j].assign(tf.tensordot(window, self.kernel, 3) + self.bias)
        return self.activation(out)
