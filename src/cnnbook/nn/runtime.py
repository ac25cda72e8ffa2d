"""The machine under NumPy: two of its habits can cost a network more than all its arithmetic.

Memory. A training step makes the same large arrays again and again. NumPy asks the C library for each and
hands it back after use. glibc, the C library of Linux, returns a large block to the operating system at once;
the next array is then given by the system page by page, and each page of 4 kB is filled with zeros at its
first touch. Elementwise work on 3 MB becomes four times as slow.

Threads. BLAS, which multiplies the matrices, splits every product of some size among all cores. A convolution
here is many small products: its threads wait for each other after each one, and where somebody else needs a
core, too, they wait for long. One thread is as fast on a quiet machine, and many times faster on a busy one.
"""

import functools
import threading
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


class blas_at_one_thread:  # used like contextlib's functions
    """A context in which BLAS computes in the thread that asks, if threadpoolctl is installed.

    Contexts may lie inside each other and in several threads: the first to enter tells BLAS, and the last to
    leave gives it back the threads it had.

    Examples
    --------
    >>> with blas_at_one_thread():
    ...     np.ones((2, 3)) @ np.ones((3, 1))
    array([[3.],
           [3.]])
    """

    lock = threading.Lock()
    inside = 0  # contexts entered and not yet left
    limit: Any = None

    def __enter__(self) -> None:
        here = blas_at_one_thread
        with here.lock:
            if not here.inside and (controller := blas_controller()):
                here.limit = controller.limit(limits=1, user_api="blas")
            here.inside += 1

    def __exit__(self, *error) -> None:
        here = blas_at_one_thread
        with here.lock:
            here.inside -= 1
            if not here.inside and here.limit is not None:
                here.limit.restore_original_limits()
                here.limit = None


@functools.cache
def blas_controller() -> Any:
    """threadpoolctl's list of loaded libraries, made once: looking for them takes milliseconds."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
