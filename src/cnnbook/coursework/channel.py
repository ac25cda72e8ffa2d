"""The grader's end of a connection to a student's process: messages both ways, each within a time."""

import contextlib
import os
import select
import socket
import struct
import time

from cnnbook.coursework.inside.wire import LARGEST_HEADER, LENGTHS, WireError

CREDENTIALS = struct.Struct("iII")  # process, user and group, as Linux adds them to a message
SOON = 0.05  # seconds in which most answers come
PATIENCE = 10  # a message may take this many times its seconds if the machine is busy with other things


class Closed(Exception):
    """The other side has closed the connection."""


class Late(Exception):
    """No answer came in time. starved : the process wanted to run all the while, and was not let."""

    def __init__(self, starved):
        super().__init__("no answer came in time")
        self.starved = starved


class Channel:
    """One connection. Only the time counts in which the other process could run, see `waited`."""

    def __init__(self, stream: socket.socket):
        self.stream, self.pid, self.times = stream, None, None
        self.polls = {event: select.poll() for event in (select.POLLIN, select.POLLOUT)}
        for event, poll in self.polls.items():
            poll.register(stream, event)
        self.received = bytearray()  # what has come and was not asked for yet
        stream.setblocking(False)
        if hasattr(socket, "SO_PASSCRED"):
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def exchange(self, content: bytes, seconds: float, largest: int) -> bytes:
        """Send one message, if `content` is not empty, and return the answer.

        Parameters
        ----------
        seconds : in which the answer must be here. largest : the most bytes of its arrays.

        Raises
        ------
        Late, Closed. WireError : if what came is no message or is too large.
        """
        self.start, self.waited_before, self.seconds = time.monotonic(), self.waited(), seconds
        left = memoryview(content)
        while left:
            try:
                left = left[self.stream.send(left[: 1 << 20]) :]
            except BlockingIOError:
                self.wait(select.POLLOUT)
            except OSError:
                raise Closed from None
        lengths = self.read(LENGTHS.size)
        header, body = LENGTHS.unpack(lengths)
        if header > LARGEST_HEADER or body > largest:
            raise WireError(f"the answer is larger than {largest / 1e6:g} MB, or is none")
        return lengths + self.read(header + body)

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        while len(self.received) < count:
            self.wait(select.POLLIN)
            try:
                part, extra, _, _ = self.stream.recvmsg(max(count - len(self.received), 1 << 16), 256)
            except BlockingIOError:
                continue
            except OSError:
                raise Closed from None
            if not part:
                raise Closed
            if extra and self.pid is None and extra[0][1] == getattr(socket, "SCM_CREDENTIALS", None):
                self.pid = CREDENTIALS.unpack(extra[0][2][: CREDENTIALS.size])[0]
                with contextlib.suppress(OSError):
                    self.times = os.open(f"/proc/{self.pid}/schedstat", os.O_RDONLY)
            self.received += part
        content = bytes(self.received[:count])
        del self.received[:count]
        return content

    def wait(self, event: int) -> None:
        """Wait until the connection is ready, or until the exchange has taken too long."""
        poll = self.polls[event]
        if time.monotonic() - self.start < self.seconds and poll.poll(min(SOON, self.seconds) * 1000):
            return
        while True:
            left = self.seconds - self.used()
            if left <= 0:
                raise Late(starved=False)
            if time.monotonic() - self.start > PATIENCE * self.seconds:
                raise Late(starved=True)
            if poll.poll(left * 1000):
                return

    def used(self) -> float:
        """Seconds of this exchange, without those in which the process waited for a processor."""
        return time.monotonic() - self.start - (self.waited() - self.waited_before)

    def waited(self) -> float:
        """How many seconds the process has waited for a processor so far; 0 where the kernel does not say."""
        try:
            return int(os.pread(self.times, 100, 0).split()[1]) / 1e9 if self.times else 0.0
        except (OSError, ValueError, IndexError):
            return 0.0

    def close(self) -> None:
        """Close the connection."""
        self.stream.close()
        if self.times:
            os.close(self.times)
            self.times = None
