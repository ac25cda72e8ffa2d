"""What came out: the recorded long runs of the book, and what is made of them. Only it opens results/.

>>> from cnnbook import results
>>> run = results.read("fashion_cnn").runs(side="ours", seed=0)[0]
>>> len(run["epochs"]["val_accuracy"])
10

A recording is what `read` returns: figures, and where they come from. A replay is what the training player
shows of one run. `store` reads and writes recordings, `replay` replays; a `recorder` makes a replay;
`packing` makes text of arrays. `scoreboard`, `benchmark` and `parity` read recordings, and `tables` writes
the tables.
"""

from cnnbook.results.packing import pack, unpack
from cnnbook.results.store import Recording, read, write

__all__ = ["Recording", "pack", "read", "unpack", "write"]
