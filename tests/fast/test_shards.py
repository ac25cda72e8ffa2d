"""Threads that meet: sums, order, errors."""

import threading

import numpy as np
import pytest

from cnnbook.fast.shards import Threads


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_everybody_leaves_with_the_sum_of_all_parts_at_every_meeting(shards):
    threads = Threads(shards)
    work = threads.run(
        lambda shard: [threads.all_reduce(shard, np.array([shard, step])) for step in range(20)]
    )
    for totals in work:
        expected = [[sum(range(shards)), shards * step] for step in range(20)]
        assert [total.tolist() for total in totals] == expected


def test_results_come_back_in_the_order_of_the_shards_from_threads_of_their_own():
    seen = Threads(3).run(lambda shard: (shard, threading.current_thread()))
    assert [shard for shard, _ in seen] == [0, 1, 2]
    assert len({thread for _, thread in seen}) == 3
    assert seen[0][1] is threading.current_thread()


@pytest.mark.parametrize("culprit", [0, 1, 2])
def test_an_error_in_one_shard_ends_all_and_is_the_one_raised(culprit):
    threads, before = Threads(3), threading.active_count()

    def work(shard):
        if shard == culprit:
            raise ValueError(f"shard {shard} failed")
        threads.all_reduce(shard, 1)

    with pytest.raises(ValueError, match=f"shard {culprit} failed"):
        threads.run(work)
    assert threading.active_count() == before


def test_the_threads_inherit_what_numpy_is_told_about_overflow():
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        Threads(2).run(lambda shard: np.float32(1e30) * np.float32(1e30) if shard else None)
    with np.errstate(over="ignore"):
        assert Threads(2).run(lambda shard: np.float32(1e30) * np.float32(1e30)) == [np.inf, np.inf]
