"""The book's network: plain layers, the fused way, two shards; and loops."""

import time
import tracemalloc

import loops
import numpy as np

from cnnbook import models, nn
from cnnbook.fast import fuse
from cnnbook.nn.training import train_step

WRAP = {"plain": lambda model: model, "fused": fuse, "shards": lambda model: fuse(model, shards=2)}
OPTIMIZERS = {"small_cnn": lambda: nn.SGD(0.005)}


def versions():
    return {"numpy": np.__version__}


def batch(n, image=(28, 28, 1), classes=10):
    """Pixels 0 .. 255 and labels, random: what they show does not matter for the time they take."""
    rng = np.random.default_rng(0)
    return (255 * rng.random((n, *image))).astype(np.float32), rng.integers(0, classes, n)


def prepare(part, case):
    if part == "loops":
        net, (x, y) = loops.LoopNet(np.random.default_rng(0)), batch(1)
        return lambda: net.step(x[0] / 255 - 0.5, y[0])
    if case.kind == "layer":
        return layer_step(case)
    model = getattr(models, case.what)()
    model.build((28, 28, 1))
    model, (x, y) = WRAP[part](model), batch(case.batch)
    if case.kind == "infer":
        return lambda: model.forward(x)
    loss, optimizer = nn.SoftmaxCrossEntropy(), OPTIMIZERS.get(case.what, nn.RMSprop)()
    return lambda: train_step(model, loss, optimizer, x, y)


def built_layer(case):
    """The case's layer, its input, and a gradient of its output."""
    what, rng = case.what, np.random.default_rng(0)
    if "layer" in what:
        layer = getattr(nn, what["layer"])(**what["arguments"])
    else:
        settings = {"padding": "same", "use_bias": False, "strides": what.get("strides", 1)}
        layer = nn.Conv2D(what["filters"], what["kernel_size"], **settings)
    shape = layer.build(what["image"], rng)
    x, dout = (rng.standard_normal((case.batch, *s), np.float32) for s in (what["image"], shape))
    return layer, x, dout


def layer_step(case):
    layer, x, dout = built_layer(case)

    spared = {"input_gradient": False} if case.what.get("first") else {}

    def step():
        layer.forward(x, training=True)
        layer.backward(dout, **spared)

    return step


def peak():
    """Billions of multiply-adds per second that the product of two large float32 matrices reaches."""
    a, b = np.random.default_rng(0).random((2, 1024, 1024), np.float32)
    out, best = np.empty_like(a), []
    for _ in range(12):
        start = time.process_time()
        np.matmul(a, b, out=out)
        best.append(time.process_time() - start)
    return {"gmacs": 1024**3 / min(best[2:]) / 1e9}


def multiply_adds():
    """Multiply-adds of one training step of each network, in products of layers that learn."""
    counts = {}
    for name in ("fashion_cnn", "mlp", "small_cnn"):
        model = getattr(models, name)()
        model.build((28, 28, 1))
        learners = [layer for layer in model.layers if "kernel" in layer.params]
        counts[name] = sum(
            layer.params["kernel"].size * int(np.prod(layer.output_shape(layer.input_shape)[:-1]))
            * (3 if layer is not learners[0] else 2)
            for layer in learners
        )  # fmt: skip
    return counts


def memory():
    """Megabytes the 64-channel convolution allocates at most, forward and backward, beside its input."""
    from cases import chosen

    (case,) = chosen(["conv_64_64"])
    layer, x, dout = built_layer(case)
    tracemalloc.start()
    layer.forward(x, training=True)
    layer.backward(dout)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    positions, taps = x.size // x.shape[3], layer.params["kernel"][..., 0].size
    return {"conv_64_64": most / 1e6, "im2col_64_64": positions * taps * x.itemsize / 1e6}


def seven_loops():
    """Nanoseconds for one multiply-add in seven nested loops."""
    rng = np.random.default_rng(0)
    x, kernel = rng.random((1, 16, 16, 4)).tolist(), rng.random((3, 3, 4, 8)).tolist()
    samples = []
    for _ in range(5):
        start = time.process_time()
        loops.seven_loops(x, kernel)
        samples.append((time.process_time() - start) / (14 * 14 * 9 * 4 * 8) * 1e9)
    return {"nanoseconds": samples}
