"""The same run on each side: ours, Keras, Keras with our own layers, plain tf.Module.

A side is made of our built network, so that all of them start from the same weights. It can `fit`, give and
take back its `weights`, and return `logits`.
"""

import copy
import os
import time
from statistics import median

import numpy as np

from cnnbook import nn


def calm_tensorflow() -> None:
    """One thread for TensorFlow, which reads this when it starts: many runs share the machine."""
    for name in ("INTRAOP", "INTEROP"):
        os.environ.setdefault(f"TF_NUM_{name}_THREADS", "1")


class Ours:
    """Our own network."""

    def __init__(self, model, setting, seed):
        self.model, self.setting = model, setting

    def fit(self, *data, callbacks=(), **settings):
        optimizer = copy.deepcopy(self.setting.optimizer)
        settings["augment"] = self.setting.augment
        if self.setting.rates:
            callbacks = [*callbacks, Rates(optimizer, self.setting.rates)]
        return nn.fit(self.model, self.setting.loss, optimizer, *data, callbacks=callbacks, **settings)

    def weights(self):
        return [weight.copy() for weight in self.model.weights().values()]

    def restore(self, weights):
        for weight, kept in zip(self.model.weights().values(), weights, strict=True):
            weight[...] = kept

    def logits(self, x):
        return nn.predict(self.model, x)


class Rates:
    """A callback that gives every epoch its own learning rate."""

    def __init__(self, optimizer, rates):
        self.optimizer, self.rates = optimizer, rates
        optimizer.learning_rate = rates[0]

    def on_epoch(self, model, epoch, logs):
        self.optimizer.learning_rate = self.rates[min(epoch + 1, len(self.rates) - 1)]


class Keras:
    """The network's Keras twin: the same weights, the same batches; dropout masks of its own."""

    def __init__(self, model, setting, seed):
        calm_tensorflow()
        from cnnbook.keras_twin import keras

        keras.utils.set_random_seed(seed)
        self.setting = setting
        self.model = self.twin(model)

    def twin(self, model):
        from cnnbook.keras_twin import to_keras

        return to_keras(model)

    def fit(self, *data, **settings):
        from cnnbook.keras_twin import training

        settings["augment"] = self.setting.augment
        return training.fit(self.model, self.setting.loss, self.setting.optimizer, *data, **settings)

    def weights(self):
        return self.model.get_weights()

    def restore(self, weights):
        self.model.set_weights(weights)

    def logits(self, x):
        batches = (x[start : start + 256] for start in range(0, len(x), 256))
        return np.concatenate([np.asarray(self.model(batch, training=False)) for batch in batches])


class OwnLayers(Keras):
    """The Keras twin with this book's Conv2D and BatchNormalization in place of Keras'."""

    def twin(self, model):
        from cnnbook.keras_twin import keras, layers, to_keras

        twins = []
        for layer in model.layers:
            twin = to_keras(layer)
            if isinstance(layer, nn.Conv2D | nn.BatchNormalization):
                own = getattr(layers, layer.name)
                names = own.__init__.__code__.co_varnames[1 : own.__init__.__code__.co_argcount]
                arguments = {name: getattr(layer, name) for name in names if hasattr(layer, name)}
                arguments.pop("kernel_initializer", None)
                twin, theirs = own(**arguments), twin
                twin.build((None, *layer.input_shape))
                twin.set_weights(theirs.get_weights())
            twins.append(twin)
        return keras.Sequential([keras.Input(model.input_shape), *twins])


class Module(Keras):
    """The network as plain tf.Module: no Keras layer in it; Keras' optimizer and loss train its variables."""

    def twin(self, model):
        from cnnbook.keras_twin import modules

        channels, pieces = model.input_shape[-1], []
        rng = np.random.default_rng(0)  # the weights are replaced below
        for layer, after in zip(model.layers, [*model.layers[1:], None], strict=True):
            activation = "relu" if isinstance(after, nn.ReLU) else "linear"
            if isinstance(layer, nn.Conv2D):
                arguments = layer.kernel_size, layer.strides, layer.padding, activation
                pieces.append(modules.Conv2D(channels, layer.filters, *arguments, rng=rng))
                channels = layer.filters
            elif isinstance(layer, nn.Dense):
                pieces.append(modules.Dense(*layer.input_shape, layer.units, activation, rng))
            elif isinstance(layer, nn.MaxPooling2D):
                pieces.append(modules.MaxPooling2D(layer.pool_size, layer.strides))
            elif isinstance(layer, nn.Flatten):
                pieces.append(modules.Flatten())
            elif not isinstance(layer, nn.ReLU):
                raise ValueError(
                    f"Module has no counterpart of {layer.name}. Use layers of keras_twin.modules."
                )
        module = modules.Sequential(pieces)
        parts = [piece for piece in pieces if hasattr(piece, "kernel")]
        ours = [layer for layer in model.layers if layer.params]
        for piece, layer in zip(parts, ours, strict=True):
            piece.kernel.assign(layer.params["kernel"])
            piece.bias.assign(layer.params["bias"])
        return module

    def fit(self, *data, **settings):
        from cnnbook.keras_twin import to_keras, training

        loss = to_keras(self.setting.loss, dtype="float32")
        return training.fit(self.model, loss, self.setting.optimizer, *data, **settings)

    def weights(self):
        return [variable.numpy() for variable in self.model.variables]

    def restore(self, weights):
        for variable, kept in zip(self.model.variables, weights, strict=True):
            variable.assign(kept)

    def logits(self, x):
        batches = (x[start : start + 256] for start in range(0, len(x), 256))
        return np.concatenate([self.model(batch).numpy() for batch in batches])


SIDES = {"ours": Ours, "keras": Keras, "own layers": OwnLayers, "module": Module}


def step_seconds(
    own: OwnLayers, theirs: Keras, images, *, blocks: int = 9, steps: int = 25
) -> dict[str, float]:
    """Seconds of processor time for a training step of each, and their ratio; measured in turns, medians."""
    from cnnbook.keras_twin import to_keras, training

    x, y = (part[: own.setting.batch_size] for part in images.train)
    loss, times, step = to_keras(own.setting.loss, dtype="float32"), {}, {}
    for name, side in (("own", own), ("keras", theirs)):
        step[name], _ = training.compiled_steps(side.model, loss, to_keras(own.setting.optimizer))
        step[name](x, y)
    for _ in range(blocks):
        for name, train_step in step.items():
            start = time.process_time()
            for _ in range(steps):
                train_step(x, y)
            times.setdefault(name, []).append((time.process_time() - start) / steps)
    found = {name: median(values) for name, values in times.items()}
    ratio = median(own / theirs for own, theirs in zip(times["own"], times["keras"], strict=True))
    return {name: round(value, 5) for name, value in (found | {"ratio": ratio}).items()}
