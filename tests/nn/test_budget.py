"""What a training step may cost, counted and not timed: copies, products, memory, dtypes.

The network is one convolution block and a dense layer on batches of 32; all counts are exact on any machine.
"""

import functools
import os
import platform
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from cnnbook import nn
from cnnbook.fast import fuse
from cnnbook.nn import windows
from cnnbook.nn.training import train_step

N, SIZE, CHANNELS, FILTERS = 32, 14, 8, 16
IMAGES = N * SIZE * SIZE  # pixels in a batch
ways = pytest.mark.parametrize("way", [lambda model: model, fuse], ids=["plain", "fused"])


def network():
    first = [nn.Rescaling(1 / 255), nn.Conv2D(CHANNELS, 3, padding="same"), nn.ReLU()]
    block = [nn.Conv2D(FILTERS, 3, padding="same"), nn.BatchNormalization(), nn.ReLU(), nn.MaxPooling2D(2)]
    model = nn.Sequential([*first, *block, nn.Flatten(), nn.Dropout(0.5), nn.Dense(10)])
    model.build((SIZE, SIZE, 1), seed=0)
    return model


def batch(n=N):
    rng = np.random.default_rng(0)
    return (255 * rng.random((n, SIZE, SIZE, 1))).astype(np.float32), rng.integers(0, 10, n)


class Watched(np.ndarray):
    """An array that reports every array computed from it: the function, its dtype, its bytes."""

    reports = None

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **settings):
        inputs, into = ([plain(array) for array in arrays] for arrays in (inputs, out))
        result = getattr(ufunc, method)(*inputs, **settings, **({"out": tuple(into)} if out else {}))
        if Watched.reports is not None and np.ndim(result):
            Watched.reports.append((ufunc.__name__, result.dtype, result.nbytes))
        return out[0] if out else watched(result)


def plain(array):
    return array.view(np.ndarray) if isinstance(array, Watched) else array


def watched(result):
    return result.view(Watched) if isinstance(result, np.ndarray) else result


class WatchedNumPy:
    """NumPy, except that the arrays its functions return are watched, whatever they were made of."""

    def __getattr__(self, name):
        function = getattr(np, name)
        if isinstance(function, type | np.ufunc) or not callable(function):
            return function
        return lambda *arguments, **settings: watched(function(*arguments, **settings))


@pytest.fixture
def reports_of(monkeypatch):
    """`reports_of(model, x, y)`: what one training step computes, after a first one that is not counted."""

    def step(model, x, y, optimizer=None):
        optimizer, loss = optimizer or nn.RMSprop(), nn.SoftmaxCrossEntropy()
        for layer in model.layers:
            for arrays in (layer.params, layer.state):
                arrays.update({name: watched(array) for name, array in arrays.items()})
        for name in [name for name in sys.modules if name.startswith(("cnnbook.nn.", "cnnbook.fast."))]:
            module = sys.modules[name]
            if hasattr(module, "np"):
                monkeypatch.setattr(module, "np", WatchedNumPy())
        train_step(model, loss, optimizer, watched(x), y)
        monkeypatch.setattr(Watched, "reports", [])
        train_step(model, loss, optimizer, watched(x), y)
        return Watched.reports

    return step


def counted_copies(monkeypatch):
    """A list that collects the bytes of every block of rows, from now on."""
    copied, original = [], windows.blocks_of_rows

    def counting(*arguments):
        for images, rows in original(*arguments):
            copied.append(rows.nbytes)
            yield images, rows

    monkeypatch.setattr(windows, "blocks_of_rows", counting)
    return copied


@ways
def test_a_step_copies_windows_three_times_and_those_of_the_first_layer_once(monkeypatch, way):
    copied, model = counted_copies(monkeypatch), way(network())
    train_step(model, nn.SoftmaxCrossEntropy(), nn.RMSprop(), *batch())
    first = IMAGES * 9 * 1 * 4  # kept for backward; nobody asks for its input gradient
    second = 2 * IMAGES * 9 * CHANNELS * 4 + IMAGES * 9 * FILTERS * 4  # forward and kernel; input gradient
    assert sum(copied) == first + second


@ways
def test_a_step_makes_a_stated_number_of_products(reports_of, way):
    made = reports_of(way(network()), *batch())
    blocks = {}
    for channels in (1, CHANNELS, FILTERS):
        per_block = max(1, windows.BLOCK_BYTES // (SIZE * SIZE * 9 * channels * 4))
        blocks[channels] = -(-N // per_block)
    convolutions = 2 * blocks[1] + 2 * blocks[CHANNELS] + blocks[FILTERS]
    assert sum(name == "matmul" for name, _, _ in made) == convolutions + 3


@ways
@pytest.mark.parametrize("make", [nn.SGD, functools.partial(nn.SGD, momentum=0.9), nn.RMSprop, nn.Adam])
def test_no_float64_appears_in_a_float32_step(reports_of, way, make):
    made = reports_of(way(network()), *batch(), make())
    assert {dtype for _, dtype, _ in made if dtype.kind == "f"} == {np.dtype(np.float32)}


class CarelessReLU(nn.ReLU):
    def backward(self, dout, *, input_gradient=True):
        return (super().backward(dout) * np.float64(1)).astype(np.float32)


class CarelessNorm(nn.BatchNormalization):
    def _remember_statistics(self, mean, variance):
        super()._remember_statistics(mean, (variance * np.float64(1)).astype(np.float32))


@pytest.mark.parametrize(("index", "careless"), [(2, CarelessReLU), (4, CarelessNorm)])
def test_a_float64_constant_would_be_seen(reports_of, index, careless):
    model = network()
    model.layers[index] = careless()
    model.build((SIZE, SIZE, 1))
    assert np.dtype(np.float64) in {dtype for _, dtype, _ in reports_of(model, *batch())}


@pytest.mark.parametrize(("way", "most"), [(lambda model: model, 19), (fuse, 14)], ids=["plain", "fused"])
def test_elementwise_work_writes_a_stated_number_of_feature_maps(reports_of, way, most):
    made = reports_of(way(network()), *batch())
    written = sum(size for name, _, size in made if name != "matmul")
    assert written / (IMAGES * FILTERS * 4) < most


def peak_of(function):
    """Most bytes held at once by what `function` allocates."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_a_convolution_of_64_channels_needs_at_most_45_megabytes():
    """im2col of the whole batch would need 151 MB for its rows alone; dx and out are 8.4 MB each."""
    conv, rng = nn.Conv2D(64, 3, padding="same"), np.random.default_rng(0)
    conv.build((32, 32, 64), rng)
    x, dout = rng.random((2, 32, 32, 32, 64), np.float32)

    def step():
        conv.forward(x, training=True)
        conv.backward(dout)

    assert peak_of(step) < 45e6


@ways
def test_a_step_holds_a_stated_number_of_feature_maps_at_once(way):
    model, optimizer, (x, y) = way(network()), nn.RMSprop(), batch(64)
    train_step(model, nn.SoftmaxCrossEntropy(), optimizer, x, y)
    peak = peak_of(lambda: train_step(model, nn.SoftmaxCrossEntropy(), optimizer, x, y))
    assert peak / (2 * IMAGES * FILTERS * 4) < 7


PAGE_FAULTS = """
import resource, numpy as np
from cnnbook import nn
x = np.ones((64, 28, 28, 16), np.float32)
relu = nn.ReLU()
for step in range(30):
    if step == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    relu.forward(relu.forward(relu.forward(x)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc hands freed arrays back at once")
def test_freed_arrays_are_kept_for_the_next_ones():
    """Given back to the system, the 60 arrays of 3.2 MB would be 47,000 pages to fill with zeros anew."""
    # With a limit from the environment (Dask sets one, in its own process too) glibc learns nothing.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    ran = subprocess.run(
        [sys.executable, "-c", PAGE_FAULTS], capture_output=True, text=True, check=True, env=env
    )
    assert int(ran.stdout) < 500
