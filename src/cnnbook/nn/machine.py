"""The machine under NumPy: two of its habits can cost a network more than all its arithmetic.

Memory. A training step makes the same large arrays again and again. NumPy asks the C library for each and
hands it back after use. glibc, the C library of Linux, returns a large block to the operating system at once;
the next array is then given by the system page by page, and each page of 4 kB is filled with zeros at its
first touch. Elementwise work on 3 MB becomes four times as slow.

Threads. BLAS, which multiplies the matrices, splits every product of some size among all cores. A convolution
here is many small products: its threads wait for each other after each one, and where somebody else needs a
core, too, they wait for long. One thread is as fast on a quiet machine, and many times faster on a busy one.
"""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

# glibc keeps blocks up to the largest size it has seen freed, if that is at most 32 MiB, its header included.
LARGEST_KEPT = 32 * 2**20 - 8192


def keep_freed_memory() -> None:
    """Teach the C library to keep freed arrays up to 32 MB for the next array of the process.

    glibc learns from what it sees: whenever a block larger than its limit is freed, blocks of that size are
    kept from then on (up to twice the limit stay in hand in all). One free of the largest block it can learn
    from is enough. The block's pages are never touched, so they cost no memory, and elsewhere than on glibc
    nothing happens.

    Source: the GNU C Library's manual page mallopt(3), M_MMAP_THRESHOLD.

    Examples
    --------
    >>> keep_freed_memory()
    """
    np.empty(LARGEST_KEPT, np.uint8)


def blas_at_one_thread() -> contextlib.AbstractContextManager:
    """A context in which BLAS computes in the thread that asks, if threadpoolctl is installed.

    Examples
    --------
    >>> with blas_at_one_thread():
    ...     np.ones((2, 3)) @ np.ones((3, 1))
    array([[3.],
           [3.]])
    """
    return contextlib.nullcontext() if inside else tell_blas()  # the outermost tells it, and once is enough


inside = False  # whether BLAS has been told


@contextlib.contextmanager
def tell_blas() -> Iterator[None]:
    """Limit BLAS to one thread until the end of the context."""
    global inside
    controller = blas_controller()
    inside = True
    try:
        with controller.limit(limits=1, user_api="blas") if controller else contextlib.nullcontext():
            yield
    finally:
        inside = False


@functools.cache
def blas_controller() -> Any:
    """threadpoolctl's list of loaded libraries, made once: looking for them takes milliseconds."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
