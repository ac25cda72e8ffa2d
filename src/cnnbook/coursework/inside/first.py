"""The first process behind a sandbox's walls. It loads NumPy once, and forks a nursery for each submission.

It never reads a byte that a student wrote. Requests come over file 0: the settings of `nursery.serve`, with
the socket that the nursery answers on.
"""

import gc
import json
import os
import signal
import socket
import sys

import numpy.fft  # these are loaded here once, and not in every child
import numpy.linalg
import numpy.random  # noqa: F401

from cnnbook.coursework.inside import confine, nursery
from cnnbook.coursework.inside.session import take_chance_from_seeds


def main() -> None:
    """Fork a nursery for every request, until file 0 ends."""
    requests = socket.socket(fileno=os.dup(0))
    confine.die_with_parent()
    os.write(1, b"ready\n")
    confine.close_all_but(requests.fileno())
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, m) for n, m in ((0, "r"), (1, "w"), (2, "w")))
    take_chance_from_seeds()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries what ends
    gc.freeze()  # what is here now is never collected, so that no child copies its pages
    gc.enable()
    while True:
        settings, files, _, _ = socket.recv_fds(requests, 1 << 16, 1)
        if not settings:
            return
        if os.fork() == 0:
            requests.close()
            keep(socket.socket(fileno=files[0]), json.loads(settings))
        os.close(files[0])


def keep(control: socket.socket, settings: dict) -> None:
    """Fork the nursery into namespaces of its own where it may, and wait for its end."""
    code = 1
    try:
        confine.die_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        alone = settings.pop("alone") and confine.live_alone()
        first = os.fork()
        if first:
            control.close()
            os.waitpid(first, 0)
        else:
            nursery.serve(control, alone=alone, **settings)
        code = 0
    finally:
        os._exit(code)
