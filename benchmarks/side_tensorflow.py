"""Keras as everyone uses it (`fit`), and a bare tf.function loop over the same model."""

import numpy as np
import side_ours

from cnnbook import data, models, nn
from cnnbook.keras_twin import keras, tf, to_keras


def versions():
    return {"tensorflow": tf.__version__, "keras": keras.__version__}


def prepare(part, case):
    if case.kind == "layer":
        return layer_step(case)
    model = getattr(models, case.what)()
    model.build((28, 28, 1))
    twin, (x, y) = to_keras(model), side_ours.batch(case.batch)
    if case.kind == "infer":
        if part == "keras":
            return lambda: twin.predict_on_batch(x)
        answer, images = tf.function(lambda images: twin(images, training=False)), tf.constant(x)
        return lambda: answer(images).numpy()
    optimizer = to_keras(side_ours.OPTIMIZERS.get(case.what, nn.RMSprop)())
    loss = to_keras(nn.SoftmaxCrossEntropy())
    if part == "keras":
        twin.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
        return FitSteps(twin, x, y)
    return loop_step(twin, optimizer, loss, x, y)


class FitSteps:
    """Steps of one `fit`, timed from the end of its first step: starting `fit` is not part of them."""

    def __init__(self, model, x, y):
        self.model, self.x, self.y = model, x, y

    def timed(self, steps):
        import worker

        marks = []

        class Clock(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if batch in (0, steps):
                    marks.append(worker.clocks())

        x, y = np.tile(self.x, (steps + 1, 1, 1, 1)), np.tile(self.y, steps + 1)
        self.model.fit(x, y, batch_size=len(self.x), verbose=0, shuffle=False, callbacks=[Clock()])
        return tuple(after - before for before, after in zip(*marks, strict=True))


def loop_step(twin, optimizer, loss, x, y):
    optimizer.build(twin.trainable_variables)

    @tf.function
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            value = loss(labels, twin(images, training=True))
        variables = twin.trainable_variables
        optimizer.apply(tape.gradient(value, [v.value for v in variables]), variables)
        return value

    images, labels = tf.constant(x), tf.constant(y)
    return lambda: train_step(images, labels).numpy()


def layer_step(case):
    layer, x, dout = side_ours.built_layer(case)
    twin, x, dout = to_keras(layer), tf.constant(x), tf.constant(dout)
    first = case.what.get("first", False)

    @tf.function
    def there_and_back(x, dout):
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = twin(x, training=True)
        wanted = [v.value for v in twin.trainable_variables] + ([] if first else [x])
        return out, tape.gradient(out, wanted, output_gradients=dout)

    return lambda: there_and_back(x, dout)


def logits():
    """How far float32 logits are from the same network's in float64, after 50 steps on real images."""
    from cnnbook.nn.training import train_step

    model, images = (
        models.fashion_cnn(),
        data.load("fashion_mnist", n_train=3200, n_test=1, fallback="digits"),
    )
    model.build((28, 28, 1), seed=0)
    pixels, labels, loss, optimizer = (
        255 * images.x_train,
        images.y_train,
        nn.SoftmaxCrossEntropy(),
        nn.RMSprop(),
    )
    for batch in nn.training.batches(len(pixels), 64):
        train_step(model, loss, optimizer, pixels[batch], labels[batch])
    x = pixels[:256]
    referee = models.fashion_cnn()
    referee.build((28, 28, 1), dtype=np.float64)
    for exact, weight in zip(referee.weights().values(), model.weights().values(), strict=True):
        exact[...] = weight
    right, twin = referee.forward(x.astype(np.float64)), to_keras(model)
    found = {"ours": model.forward(x), "keras": twin.predict_on_batch(x)}
    return {who: float(np.abs(out - right).max()) for who, out in found.items()} | {
        "largest": float(np.abs(right).max()),
        "data": images.source,
    }
