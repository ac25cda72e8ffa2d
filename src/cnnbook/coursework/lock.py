"""One grader at a time for a folder of results and a shard."""

import contextlib
import errno
import fcntl
from collections.abc import Iterator
from pathlib import Path

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


@contextlib.contextmanager
def only_grader(folder: Path, part: int, count: int) -> Iterator[None]:
    """Hold the lock of one shard of a folder of results. It ends with its process, however that ends.

    A file system without locks gets none.

    Raises
    ------
    ValueError : if another grader holds it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, only_grader(Path(folder), 1, 1):
    ...     with only_grader(Path(folder), 1, 1):  # doctest: +ELLIPSIS
    ...         pass
    Traceback (most recent call last):
        ...
    ValueError: ... must have one grader at a time. Another one is at work: wait for it, or stop it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f".grading-{part}-of-{count}.lock", "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            which = "" if count == 1 else f", and part {part} of {count}"
            raise ValueError(
                f"{folder}{which} must have one grader at a time. Another one is at work: "
                "wait for it, or stop it."
            ) from None
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise
        yield
