"""What a process gives up before it meets a student's code: memory, files, other processes.

This file runs inside the sandbox and needs the standard library alone.
"""

import contextlib
import ctypes
import os
import resource
import signal

SET_PARENT_DEATH_SIGNAL, SET_SECCOMP, SET_NO_NEW_PRIVILEGES = 1, 22, 38
FILTER_MODE = 2
NEW_PROCESSES, NEW_MESSAGES = 0x20000000, 0x08000000  # CLONE_NEWPID, CLONE_NEWIPC
CAPABILITY_VERSION = 0x20080522
LIBRARY = ctypes.CDLL(None, use_errno=True)


def limit(memory: int, processes: int, uid: int) -> None:
    """Limit this process and all it starts. memory in bytes, or 0 for no limits; uid 0: no change of user."""
    if uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    drop_capabilities()
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))


def die_with_parent() -> None:
    """Have the kernel end this process when the one that made it ends. Elsewhere than on Linux: nothing."""
    parent = os.getppid()
    with contextlib.suppress(AttributeError, OSError):
        prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the kernel was told
            os._exit(1)


def live_alone() -> bool:
    """Have the next process that this one forks see no other processes and no other's messages.

    Returns
    -------
    bool : False where the kernel does not allow it.
    """
    try:
        return LIBRARY.unshare(ctypes.c_int(NEW_PROCESSES | NEW_MESSAGES)) == 0
    except AttributeError:
        return False


def drop_capabilities() -> None:
    """Give up every capability for good."""
    with contextlib.suppress(AttributeError):
        LIBRARY.capset((ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)())


def lock(program: bytes) -> None:
    """Have the kernel refuse system calls for good, see `sandbox_filter`.

    Parameters
    ----------
    program : of the kernel's packet filter; empty where there is none.

    Raises
    ------
    OSError : if the kernel does not take it.
    """
    if not program:
        return

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    given = Program(len(program) // 8, program)
    prctl(SET_NO_NEW_PRIVILEGES, 1)
    prctl(SET_SECCOMP, FILTER_MODE, ctypes.addressof(given))


def prctl(option: int, value: int, more: int = 0) -> None:
    """The system call of this name. Raises OSError if it fails."""
    if LIBRARY.prctl(
        option, ctypes.c_ulong(value), ctypes.c_ulong(more), ctypes.c_ulong(0), ctypes.c_ulong(0)
    ):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def close_all_but(keep: int) -> None:
    """Close every file of this process but `keep`; 0, 1 and 2 become /dev/null."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    most = os.sysconf("SC_OPEN_MAX")
    os.closerange(3, keep)
    os.closerange(keep + 1, min(most, 1 << 16))
