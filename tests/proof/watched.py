"""A process under load, seen from outside: what it said so far, and how it is killed.

The processes are forked from one that has imported everything (`Forge`), so that a trial costs
milliseconds and not a start of the interpreter.
"""

import json
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Self

from tests.proof.load import load, one
from tests.proof.places import ROOT, Place

PATIENCE = 30.0
"""Seconds that a process may take to say something. Only a fault makes it take so long."""

MESSAGE = 1 << 16


class Forge:
    """A process without threads that forks others; it ends when this one does."""

    def __init__(self) -> None:
        self._to, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "tests.proof.watched", str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=ROOT)
        theirs.close()

    def start(self, pipe: int, *arguments: Any) -> int:
        """Fork a process that runs `load` and has this pipe; its id."""
        socket.send_fds(self._to, [pickle.dumps(arguments)], [pipe])
        return int(self._to.recv(MESSAGE))

    def close(self) -> None:
        self._to.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def forge(socket_: socket.socket) -> None:
    """The other end: a fork for each message."""
    children: set[int] = set()
    while True:
        message, fds, _, _ = socket.recv_fds(socket_, MESSAGE, 1)
        if not message:
            return
        # Not sooner: an id must mean its process until whoever asked for it has opened it.
        children = {one for one in children if os.waitpid(one, os.WNOHANG) == (0, 0)}
        child = os.fork()
        if not child:
            socket_.close()
            place, *rest = pickle.loads(message)  # noqa: S301 - from ourselves
            load(place, fds[0], *rest)
            os._exit(0)
        os.close(fds[0])
        children.add(child)
        socket_.send(str(child).encode())


class Watched:
    """One process under load."""

    def __init__(
        self,
        forge_: Forge,
        place: Place,
        gateway: str = "gw-1",
        threads: int = 4,
        work: Callable[..., None] = one,
    ) -> None:
        self._from, to = os.pipe()
        self.id = forge_.start(to, place, gateway, threads, work)
        os.close(to)
        self._process = os.pidfd_open(self.id)
        self._rest = b""
        self._over = self._killed = False
        self.said: list[dict[str, Any]] = []

    def read(self, seconds: float) -> None:
        """Take in what it says for so long, so that its pipe never fills."""
        end = time.monotonic() + seconds
        while not self._over and (left := end - time.monotonic()) > 0:
            if select.select([self._from], [], [], left)[0]:
                self._take()

    def wait_for(self, what: Callable[[dict[str, Any]], bool], patience: float = PATIENCE) -> bool:
        """Until it says such a thing; false when it ends before, or never says it."""
        at, end = len(self.said), time.monotonic() + patience
        while not self._over and (left := end - time.monotonic()) > 0:
            if select.select([self._from], [], [], left)[0]:
                self._take()
            if any(what(said) for said in self.said[at:]):
                return True
            at = len(self.said)
        return False

    def send(self, signal_: int) -> None:
        signal.pidfd_send_signal(self._process, signal_)

    def kill(self) -> list[dict[str, Any]]:
        """SIGKILL, and everything it ever said. A half line was never said."""
        if self._killed:
            return self.said
        self._killed = True
        if not select.select([self._process], [], [], 0)[0]:
            self.send(signal.SIGKILL)
        while not self._over:
            self._take()
        # The pipe may be closed before the log's file is: only now it has let go of everything.
        select.select([self._process], [], [])
        os.close(self._process)
        os.close(self._from)
        return self.said

    def _take(self) -> None:
        part = os.read(self._from, MESSAGE)
        self._over = not part
        *lines, self._rest = (self._rest + part).split(b"\n")
        self.said += [json.loads(line) for line in lines]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


if __name__ == "__main__":
    forge(socket.socket(fileno=int(sys.argv[1])))
