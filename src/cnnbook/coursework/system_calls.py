"""The system calls that a student's code may not make, as a program for the kernel.

The program refuses; it does not watch. It is built by libseccomp, see https://github.com/seccomp/libseccomp,
and given to the kernel in the child that will run the code, see `inside.confine.lock`.
"""

import errno
import signal
import tempfile
from functools import cache

REFUSED = {
    "other processes and programs": "fork vfork execve execveat ptrace process_vm_readv process_vm_writev "
    "pidfd_open pidfd_getfd pidfd_send_signal kcmp process_madvise move_pages migrate_pages",
    "signals": "kill tkill rt_sigqueueinfo rt_tgsigqueueinfo timer_create setrlimit",
    "new namespaces and mounts": "unshare setns mount umount2 pivot_root chroot fsopen fsconfig fsmount "
    "fspick move_mount open_tree mount_setattr",
    "notes that outlive a process": "keyctl add_key request_key",
    "memory that no limit counts": "shmget shmat shmctl memfd_create memfd_secret",
    "messages between processes": "semget semctl semop semtimedop msgget msgsnd msgrcv msgctl "
    "mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify socket socketpair",
    "the kernel's wide doors": "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter "
    "io_uring_register kexec_load kexec_file_load init_module finit_module delete_module "
    "open_by_handle_at name_to_handle_at fanotify_init lookup_dcookie modify_ldt personality "
    "sched_setaffinity sched_setscheduler sched_setattr setpriority ioprio_set",
}
THREAD = 0x10000  # CLONE_THREAD: a clone with it is a thread of the same process, and may be made
SET_PARENT_DEATH_SIGNAL = 1
SET_OWNER, SET_SIGNAL, SET_OWNER_EX = 8, 10, 15  # of fcntl: whom a file sends which signal
SET_LEASE, NOTIFY = 1024, 1026  # of fcntl: SIGIO when another process opens a file, when a folder changes
FILE_OWNER, SOCKET_OWNER = 0x8901, 0x8902  # of ioctl: as SET_OWNER


@cache
def sandbox_filter() -> bytes:
    """The program, or b"" where pyseccomp or libseccomp is missing.

    Of signals only SIGABRT may be sent, as `abort` does: whatever else ends a child came from outside. New
    threads may be made; `clone3`, whose flags a filter cannot read, does not exist for the child, and the C
    library falls back to `clone`.
    """
    try:
        import pyseccomp as seccomp
    except (ImportError, OSError, RuntimeError):
        return b""
    refuse = seccomp.ERRNO(errno.EPERM)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)

    def add(action, name, *arguments):
        try:
            rules.add_rule(action, name, *arguments)
        except (OSError, ValueError):  # a call that this architecture or this libseccomp does not know
            return

    for names in REFUSED.values():
        for name in names.split():
            add(refuse, name)
    add(seccomp.ERRNO(errno.ENOSYS), "clone3")
    add(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, THREAD, 0))
    add(refuse, "tgkill", seccomp.Arg(2, seccomp.NE, signal.SIGABRT))
    add(refuse, "prctl", seccomp.Arg(0, seccomp.EQ, SET_PARENT_DEATH_SIGNAL))
    add(refuse, "prlimit64", seccomp.Arg(0, seccomp.NE, 0))
    add(refuse, "prlimit64", seccomp.Arg(2, seccomp.NE, 0))  # a limit of time of its own ends by SIGKILL
    for command in (FILE_OWNER, SOCKET_OWNER):
        add(refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, command))
    for command in (SET_OWNER, SET_SIGNAL, SET_OWNER_EX, SET_LEASE, NOTIFY):
        add(refuse, "fcntl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, command))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
