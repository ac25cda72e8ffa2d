"""What came out: the recorded long runs of the book, and what is made of them. The one door to results/.

>>> from cnnbook import results
>>> run = results.read("fashion_cnn").runs(side="ours", seed=0)[0]
>>> len(run["epochs"]["val_accuracy"])
10

`store` reads and writes recordings, `replay` those of the training player; `scoreboard`, `benchmark` and
`parity` make tables of them.
"""

from cnnbook.results.store import Recording, pack, read, unpack, write

__all__ = ["Recording", "pack", "read", "unpack", "write"]
