"""BLAS at one thread where it counts, and never for longer. (That memory stays is counted in test_budget.)"""

import contextlib
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from cnnbook import nn
from cnnbook.fast.shards import Threads
from cnnbook.nn import runtime, windows
from cnnbook.nn.runtime import blas_at_one_thread


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def _two_threads_outside():
    with threadpool_limits(2, "blas"):
        yield


def test_blas_has_one_thread_inside_and_what_it_had_after():
    with blas_at_one_thread():
        assert blas_threads() == {1}
        with blas_at_one_thread():
            assert blas_threads() == {1}
        assert blas_threads() == {1}
    assert blas_threads() == {2}


def test_an_error_inside_sets_it_back():
    with pytest.raises(ValueError, match="inside"), blas_at_one_thread():
        raise ValueError("inside")
    assert blas_threads() == {2}
    assert blas_at_one_thread.inside == 0


class OneLibrary:
    """threadpoolctl's controller and limiter of a BLAS with two threads that takes its time to be found."""

    def __init__(self):
        self.threads, self.told_by = 2, []
        self.both, self.lock = threading.Barrier(2), threading.Lock()

    def find(self):
        with contextlib.suppress(threading.BrokenBarrierError):
            self.both.wait(timeout=0.3)  # time enough for the other thread to look for it, too
        return self

    def limit(self, limits, user_api):
        with self.lock:
            self.told_by.append(threading.current_thread())
            limiter = contextlib.ExitStack()
            limiter.callback(setattr, self, "threads", self.threads)
            self.threads = limits
        limiter.restore_original_limits = limiter.close
        return limiter


def test_two_threads_that_enter_first_at_the_same_moment_leave_all_as_it_was(monkeypatch):
    library, together, first_is_out = OneLibrary(), threading.Barrier(2), threading.Event()
    monkeypatch.setattr(runtime, "blas_controller", library.find)

    def enter():
        with blas_at_one_thread():
            together.wait()
            if threading.current_thread() is not library.told_by[0]:
                first_is_out.wait()
        first_is_out.set()

    threads = [threading.Thread(target=enter) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert library.threads == 2


def test_the_limit_holds_until_the_last_of_overlapping_contexts_is_left():
    first, second = blas_at_one_thread(), blas_at_one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__()
    assert blas_threads() == {1}
    second.__exit__()
    assert blas_threads() == {2}


def test_the_products_of_a_convolution_are_made_in_one_thread(monkeypatch):
    seen, original = [], windows.blocks_of_rows

    def watching(*arguments):
        for block in original(*arguments):
            seen.append(blas_threads())
            yield block

    monkeypatch.setattr(windows, "BLOCK_BYTES", 1)  # one image a block
    monkeypatch.setattr(windows, "blocks_of_rows", watching)
    conv, x = nn.Conv2D(3, 3), np.ones((2, 6, 6, 4), np.float32)
    conv.build((6, 6, 4), np.random.default_rng(0))
    conv.backward(conv.forward(x, training=True))
    assert seen == [{1}] * (3 * 2)


def test_a_training_step_and_shards_compute_in_one_thread():
    class Watching(nn.ReLU):
        def forward(self, x, *, training=False):
            assert blas_threads() == {1}
            return super().forward(x, training=training)

    model = nn.Sequential([nn.Dense(3), Watching()])
    model.build((4,))
    x, y = np.ones((6, 4), np.float32), np.zeros(6, int)
    nn.fit(model, nn.SoftmaxCrossEntropy(), nn.SGD(), x, y, epochs=1, batch_size=3)
    assert Threads(2).run(lambda shard: blas_threads()) == [{1}, {1}]


def test_without_threadpoolctl_nothing_is_limited_and_nothing_fails(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    runtime.blas_controller.cache_clear()
    try:
        with blas_at_one_thread():
            assert Threads(2).run(lambda shard: shard) == [0, 1]
    finally:
        runtime.blas_controller.cache_clear()
