"""The submission with which `isolation` tries to break out of a sandbox, and the system calls it tries."""

INTEL, ARM = "x86_64", "aarch64"
KEY = 0x434E4E  # of shared memory and the like that nobody has made


def numbers(intel: int, arm: int) -> dict[str, int]:
    """A system call's number by machine."""
    return {INTEL: intel, ARM: arm}


# By name: its number, and arguments that a kernel which lets it through does not answer "not permitted".
CALLS = {
    "keyctl": (numbers(250, 219), (0, -3, 0)),  # which session keyring is mine?
    "add_key": (numbers(248, 217), (0, 0, 0, 0, -3)),
    "request_key": (numbers(249, 218), (0, 0, 0, -3)),
    "unshare": (numbers(272, 97), (0x10000000,)),  # a user namespace
    "clone": (numbers(56, 220), (0x10000000 | 17, 0, 0, 0, 0)),
    "setns": (numbers(308, 268), (-1, 0)),
    "ptrace": (numbers(101, 117), (16, -1, 0, 0)),
    "process_vm_readv": (numbers(310, 270), (1, 0, 0, 0, 0, 0)),
    "process_vm_writev": (numbers(311, 271), (1, 0, 0, 0, 0, 0)),
    "pidfd_open": (numbers(434, 434), (1, 0)),
    "kill": (numbers(62, 129), (2, 0)),
    "tgkill": (numbers(234, 131), (2, 2, 0)),
    "timer_create": (numbers(222, 107), (0, 0, 0)),
    "prlimit64": (numbers(302, 261), (2, 7, 0, 0)),
    "setrlimit": (numbers(160, 164), (7, 0)),
    "bpf": (numbers(321, 280), (0, 0, 0)),
    "io_uring_setup": (numbers(425, 425), (1, 0)),
    "perf_event_open": (numbers(298, 241), (0, 0, -1, -1, 0)),
    "userfaultfd": (numbers(323, 282), (1,)),
    "mount": (numbers(165, 40), (0, 0, 0, 0, 0)),
    "shmget": (numbers(29, 194), (KEY, 4096, 0)),
    "memfd_create": (numbers(319, 279), (0, 0)),
    "semget": (numbers(64, 190), (KEY, 1, 0)),
    "msgget": (numbers(68, 186), (KEY, 0)),
    "socket": (numbers(41, 198), (1, 1, 0)),
    "execve": (numbers(59, 221), (0, 0, 0)),
}

PROBE = """
import ctypes, errno, os, socket

GROUPS = {
    "the kernel's keyrings": "keyctl add_key request_key",
    "new namespaces, mounts": "unshare clone setns mount",
    "other processes": "ptrace process_vm_readv process_vm_writev pidfd_open prlimit64 execve",
    "signals": "kill tgkill timer_create setrlimit",
    "shared memory": "shmget memfd_create",
    "messages between processes": "semget msgget socket",
    "the kernel's wide doors": "bpf io_uring_setup perf_event_open userfaultfd",
}

def tries(action):
    try:
        return str(action())
    except BaseException as error:
        return ""

def probe(port, files, folders, memory, calls):
    found = {}
    def connect(address):
        socket.create_connection(address, 0.5).close()
        return "reached"
    found["network"] = tries(lambda: connect(("127.0.0.1", port)))
    found["files"] = [path for path in files if tries(lambda: open(path, "rb").read(1) and "read")]
    found["environment"] = sorted(
        name for name in os.environ
        if not name.endswith("_NUM_THREADS")
        and name not in ("PWD", "LC_ALL", "LC_CTYPE", "PYTHONHASHSEED")
    ) + [path for path in ("/proc/1/environ", "/proc/self/environ") if b"CNNBOOK_PROBE" in read(path)]
    found["writing"] = [
        folder for folder in folders if tries(lambda: write(folder + "/cnnbook-probe"))
    ]
    found["root"] = tries(lambda: os.setuid(0) or "root") if os.getuid() else "is root"
    found["memory"] = tries(lambda: len(bytearray(memory + 10**8)))
    found["processes"] = children()
    call = ctypes.CDLL(None, use_errno=True).syscall
    group = {name: title for title, names in GROUPS.items() for name in names.split()}
    found["calls"] = [(name, group[name], reaches(call, number, args)) for name, number, args in calls]
    return found

def reaches(call, number, args):
    if number < 0:
        return False
    if call(ctypes.c_long(number), *map(ctypes.c_long, args)) == 0 and number in (56, 220):
        os._exit(0)  # the child of a clone
    return ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS, errno.EACCES)

def read(path):
    try:
        return open(path, "rb").read()
    except OSError:
        return b""

def write(path):
    with open(path, "w") as file:
        file.close()
    os.remove(path)
    return "wrote"

def children():
    count = 0
    try:
        for count in range(60):
            child = os.fork()
            if child == 0:
                import time
                time.sleep(1)
                os._exit(0)
    except OSError:
        return count
    return 60

def keyring(operation, *args):
    number = {"x86_64": (248, 250), "aarch64": (217, 219)}.get(os.uname().machine)
    if not number:
        return -1
    return ctypes.CDLL(None).syscall(ctypes.c_long(number[operation]), *args)

def leave_a_note():
    user, name, text = (ctypes.c_char_p(each) for each in (b"user", b"cnnbook-probe", b"note"))
    keyring(0, user, name, text, ctypes.c_long(4), ctypes.c_long(-3))
    return None

def find_the_note():
    user, name = (ctypes.c_char_p(each) for each in (b"user", b"cnnbook-probe"))
    key = keyring(1, ctypes.c_long(10), ctypes.c_long(-3), user, name, ctypes.c_long(0))
    if key > 0:
        keyring(1, ctypes.c_long(9), ctypes.c_long(key), ctypes.c_long(-3))  # take it away again
    return key > 0
"""
