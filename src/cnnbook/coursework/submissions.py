"""The files that students handed in, what they are called, and how one is read."""

import errno
import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cnnbook.coursework.texts import plain

ACCEPTED = (".ipynb", ".py", ".md")
LARGEST = 20_000_000  # bytes of one submission
DEEPEST = 20  # folders inside each other that are looked into
ODD = {
    stat.S_IFLNK: "It is a link to another file. Hand in the file itself.",
    stat.S_IFIFO: "It is a pipe. Hand in an ordinary file.",
    stat.S_IFSOCK: "It is a socket. Hand in an ordinary file.",
    stat.S_IFCHR: "It is a device. Hand in an ordinary file.",
    stat.S_IFBLK: "It is a device. Hand in an ordinary file.",
}


class Refused(Exception):
    """A file that is not graded, and why: the student hands in another one. It is worth 0 points."""

    status, score = "refused", 0


class Unreadable(Refused):
    """A file that the system does not let us read: not the student's fault, so there is no score."""

    status, score = "failed", None

    def __init__(self, error: OSError):
        super().__init__(
            f"It cannot be read: {error.strerror or type(error).__name__}. "
            "See to it that you may read it, then grade again."
        )


def submissions_in(folder: Path) -> dict[str, Path]:
    """The files handed in below `folder`, by key: the file's name, or "folder/name" for one folder each.

    Hidden files and folders are left out; everything else gets a key, whether it can be graded or not.

    Raises
    ------
    OSError : if there is no such folder, or it cannot be opened.
    """
    if not folder.is_dir():
        os.lstat(folder)
        return {printable(Path(folder.stem)): folder}
    found = {}
    for path in sorted(entries(folder)):
        full = printable(path.relative_to(folder))
        key = full if path.suffix == path.name else printable(path.relative_to(folder).with_suffix(""))
        names = itertools.chain([key, full], (f"{full} [{number}]" for number in itertools.count(2)))
        found[next(name for name in names if name not in found)] = path
    return found


def entries(folder: Path) -> Iterator[Path]:
    """Everything below `folder` that is no folder to look into: a folder too deep or closed is an entry."""
    todo = [(folder, 0)]
    while todo:
        place, depth = todo.pop()
        try:
            with os.scandir(place) as listed:
                inside = [entry for entry in listed if not entry.name.startswith(".")]
        except OSError:
            if place is folder:
                raise
            yield place
            continue
        for entry in inside:
            if depth < DEEPEST and is_folder(entry):
                todo.append((Path(entry.path), depth + 1))
            else:
                yield Path(entry.path)


def is_folder(entry: os.DirEntry) -> bool:
    """True for a folder itself, False for a link to one."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def printable(path: Path) -> str:
    """A path as text that every file and terminal takes: bytes that are not UTF-8 become \\xfc."""
    return plain(os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace"))


def ordinary(paths) -> list[Path]:
    """The first ordinary file with an ordinary name and something in it: a list of one file or none."""
    for path in paths:
        try:
            found = os.lstat(path)
            if stat.S_ISREG(found.st_mode) and found.st_size and printable(path) == path.as_posix():
                return [Path(os.path.realpath(path))]
        except OSError:
            continue
    return []


def accepted(path: Path) -> bool:
    """True if the file's ending is one that is graded, in small letters or capitals."""
    return path.suffix.lower() in ACCEPTED


def read(path: Path) -> bytes:
    """What a student handed in. What is read is what was checked, even if the file is exchanged meanwhile.

    Raises
    ------
    Refused : if it is no ordinary file, of another kind, empty, or larger than LARGEST.
    Unreadable : if the system does not let us read it.
    """
    try:
        refuse_odd(path, os.lstat(path).st_mode)
        if not accepted(path):
            ending = path.suffix or "without an ending"
            raise Refused(f"It must be a notebook (.ipynb), .py or .md. It is {ending}.")
        content, size = read_ordinary(path)
    except OSError as error:
        raise Unreadable(error) from None
    if size > LARGEST:
        megabytes = f"It has {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}."
        raise Refused(f"{megabytes} Clear the notebook's outputs, then hand it in again.")
    if not content:
        raise Refused("The file is empty.")
    return content


def read_ordinary(path: Path) -> tuple[bytes, int]:
    """The first LARGEST bytes of a file, and how many bytes it has. It follows no link and never waits."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):  # it has become a link
            raise Refused(ODD[stat.S_IFLNK]) from None
        raise
    try:
        status = os.fstat(descriptor)
        refuse_odd(path, status.st_mode)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(LARGEST + 1)
    finally:
        os.close(descriptor)
    return content, max(status.st_size, len(content))


def refuse_odd(path: Path, mode: int) -> None:
    """Raise `Refused` for whatever is no ordinary file, and OSError for a folder that cannot be opened."""
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        os.scandir(path).close()
        raise Refused(
            f"It is a folder inside {DEEPEST} others, and no deeper one is read. Hand in the file itself."
        )
    raise Refused(ODD.get(stat.S_IFMT(mode), "It is no ordinary file. Hand in an ordinary file."))
