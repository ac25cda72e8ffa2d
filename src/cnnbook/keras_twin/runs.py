"""One training run, ours or Keras', step by step with given dropout masks: what `nets` compares."""

import copy

import numpy as np

from cnnbook import nn
from cnnbook.keras_twin.convert import to_keras
from cnnbook.nn.layer import Layer


class GivenMask(Layer):
    """A dropout whose next mask (scaled, as dropout applies it) is put into `mask` from outside."""

    mask = None

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        self.remember(training, x.shape, self.mask)
        return x * self.mask.astype(x.dtype)

    def backward(self, dout):
        (mask,) = self.recall(dout)
        return dout * mask.astype(dout.dtype)


def draw_masks(model: nn.Sequential, batch_size: int, steps: int) -> list[list[np.ndarray]]:
    """The masks that the model's dropouts are going to draw, by step, found out on copies."""
    dropouts = [copy.deepcopy(layer) for layer in model.layers if isinstance(layer, nn.Dropout)]
    ones = [np.ones((batch_size, *layer.input_shape), layer.dtype) for layer in dropouts]
    return [
        [layer.forward(x, training=True) for layer, x in zip(dropouts, ones, strict=True)]
        for _ in range(steps)
    ]


def train_ours(model: nn.Sequential, optimizer, x, y, batches, masks=None):
    """Train; return the first batch's logits, gradients and statistics by name, and every batch's loss."""
    optimizer, loss, losses = copy.deepcopy(optimizer), nn.SoftmaxCrossEntropy(), []
    given = [layer for layer in model.layers if isinstance(layer, GivenMask)]
    for step, batch in enumerate(batches):
        for layer, mask in zip(given, masks[step] if given else [], strict=True):
            layer.mask = mask
        logits = model.forward(x[batch].astype(model.dtype), training=True)
        losses.append(loss.forward(logits, y[batch]))
        model.backward(loss.backward(), input_gradient=False)
        if step == 0:
            first = logits, {name: grad for name, _, grad in model.parameters()}, statistics(model)
        optimizer.step(model)
    return *first, losses


def train_keras(model: nn.Sequential, optimizer, x, y, batches, masks):
    """Train the Keras twin of `model`, which stays as it is; return what `train_ours` returns."""
    from cnnbook.keras_twin import tf

    dtype, batch_size = model.dtype.name, len(x[batches[0]])
    twin, given = twin_with_masks(model, batch_size)
    loss, optimizer = to_keras(nn.SoftmaxCrossEntropy(), dtype=dtype), to_keras(optimizer)
    optimizer.build(twin.trainable_variables)

    @tf.function
    def train_step(x, y):
        with tf.GradientTape() as tape:
            logits = twin(x, training=True)
            value = loss(y, logits)
        grads = tape.gradient(value, [variable.value for variable in twin.trainable_variables])
        optimizer.apply(grads, twin.trainable_variables)
        return logits, value, grads

    losses = []
    for step, batch in enumerate(batches):
        for layer, mask in zip(given, masks[step], strict=True):
            layer.mask.assign(mask)
        logits, value, grads = train_step(x[batch].astype(dtype), y[batch])
        losses.append(float(value))
        if step == 0:
            names = [name for name, _, _ in model.parameters()]
            gradients = {name: grad.numpy() for name, grad in zip(names, grads, strict=True)}
            first = logits.numpy(), gradients, keras_statistics(model, twin)
    return *first, losses


def twin_with_masks(model: nn.Sequential, batch_size: int):
    """The Keras twin of `model`, and its layers that stand for dropouts: they multiply by a mask."""
    from cnnbook.keras_twin import keras

    class Mask(keras.layers.Layer):
        def build(self, input_shape):
            shape = (batch_size, *input_shape[1:])
            self.mask = self.add_weight(shape=shape, initializer="ones", trainable=False)

        def call(self, inputs):
            return inputs * self.mask

    dtype = model.dtype.name
    layers = [
        Mask(dtype=dtype) if isinstance(layer, nn.Dropout | GivenMask) else to_keras(layer)
        for layer in model.layers
    ]
    start = keras.Input(model.input_shape, batch_size=batch_size, dtype=dtype)
    return keras.Sequential([start, *layers]), [layer for layer in layers if isinstance(layer, Mask)]


def keras_statistics(model: nn.Sequential, twin) -> dict[str, np.ndarray]:
    """All moving statistics of the Keras twin, under the names of `statistics`."""
    return {
        f"{index}/{name}": np.array(weight.numpy())
        for index, (ours, layer) in enumerate(zip(model.layers, twin.layers, strict=True))
        for name, weight in zip(ours.weights(), layer.weights, strict=False)
        if name in ours.state
    }


def statistics(model: nn.Sequential) -> dict[str, np.ndarray]:
    """All moving statistics by name."""
    return {
        f"{i}/{name}": array for i, layer in enumerate(model.layers) for name, array in layer.state.items()
    }
