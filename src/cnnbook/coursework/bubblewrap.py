"""The command line that starts a sandbox: what bubblewrap shows, and how Python starts in it."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np

from cnnbook.coursework.trouble import IsolationError

INSIDE = Path(__file__).parent / "inside"  # this folder is all of the book that the sandbox can see


def command(way: str) -> list[str]:
    """The command line that starts the first process in the sandbox of this way."""
    python = os.path.realpath(sys._base_executable)
    packages = Path(np.__file__).parents[1]
    inside = way == "bwrap"
    path = ["/packages"] if inside else [str(INSIDE.parents[2]), str(packages)]
    start = f"import gc, sys; gc.disable(); sys.path[:] = sys.path[1:] + {path!r}; "
    start += "from cnnbook.coursework.inside.first import main; main()"
    run = [python, "-s", "-S", "-B", "-c", start]
    return [*bwrap(python, packages), *run] if inside else run


def bwrap(python: str, packages: Path) -> list[str]:
    """Bubblewrap, and what it shows: Python, NumPy, two devices and the folder `inside`, read-only."""
    program = shutil.which("bwrap")
    if not program:
        raise IsolationError("bubblewrap (`bwrap`) is not installed. Debian, Ubuntu: apt install bubblewrap.")
    line = [program, "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--chdir", "/"]
    line += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    # To give every submission namespaces and, as root, a user of its own whose processes end with their
    # parent. The nursery gives all of this up.
    needed = ["SYS_ADMIN"]
    if os.geteuid() == 0:
        needed += ["SETUID", "SETGID", "KILL"]
    else:
        line.append("--unshare-user")
    line += [word for name in needed for word in ("--cap-add", f"CAP_{name}")]
    shown = {"/usr", sys.base_prefix, str(Path(python).parents[1])}
    for home in sorted(shown):
        if home == "/usr" or not home.startswith("/usr/"):
            line += [*parents(home), "--ro-bind", home, home]
    for name in ("/lib", "/lib64"):
        if os.path.islink(name):
            line += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            line += ["--ro-bind", name, name]
    line += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    for device in ("/dev/null", "/dev/urandom"):
        line += [*parents(device), "--dev-bind", device, device]
    ours = "/packages/cnnbook/coursework/inside"
    line += [*parents(ours), "--ro-bind", str(INSIDE), ours]
    for name in ("numpy", "numpy.libs"):
        if (packages / name).is_dir():
            line += ["--ro-bind", str(packages / name), f"/packages/{name}"]
    return [*line, "--remount-ro", "/"]


def parents(path: str) -> list[str]:
    """Folders above `path`, which everybody may enter."""
    above = [str(folder) for folder in reversed(Path(path).parents)][1:]
    return [word for folder in above for word in ("--perms", "0755", "--dir", folder)]
