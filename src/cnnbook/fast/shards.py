"""Threads that each work on a shard of the batch, and add up what all of them need."""

import contextlib
import contextvars
import functools
import operator
import threading
from collections.abc import Callable
from typing import Any

from cnnbook.nn.runtime import blas_at_one_thread


class Threads:
    """One thread for each shard of a batch. `all_reduce` gives every thread the sum of all threads' parts.

    NumPy releases Python's lock while it computes, so threads share the cores. BLAS is held at one thread
    meanwhile: its own threads would fight with these over the same cores.

    Parameters
    ----------
    shards : how many threads work together.

    Examples
    --------
    >>> threads = Threads(2)
    >>> threads.run(lambda shard: threads.all_reduce(shard, 10 + shard))
    [21, 21]
    """

    def __init__(self, shards: int):
        self.shards, self.parts, self.barrier = shards, [None] * shards, threading.Barrier(shards)

    def all_reduce(self, shard: int, part: Any) -> Any:
        """Wait for all threads; the sum of their parts, added up in one order, so that all round alike."""
        self.parts[shard] = part
        self.barrier.wait()  # until every part is there
        total = functools.reduce(operator.add, self.parts)
        self.barrier.wait()  # until all have read
        return total

    def run(self, work: Callable[[int], Any]) -> list:
        """[work(0), work(1), ...], all at once; an error in one ends the others and is raised here."""
        results, errors = [None] * self.shards, []

        def guarded(shard):
            try:
                results[shard] = work(shard)
            except BaseException as error:
                errors.append(error)
                self.barrier.abort()

        # A copy of the context carries np.errstate over into the thread.
        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(guarded, shard))
            for shard in range(1, self.shards)
        ]
        with blas_at_one_thread() if threads else contextlib.nullcontext():
            for thread in threads:
                thread.start()
            guarded(0)
            for thread in threads:
                thread.join()
        if errors:
            raise next((e for e in errors if not isinstance(e, threading.BrokenBarrierError)), errors[0])
        return results
