"""A real NATS server of the tests' own, on a free loopback port, with its files in a folder."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def program() -> str:
    """Where `nats-server` is, if it is installed."""
    found = shutil.which("nats-server", path="/usr/sbin:/usr/local/bin:/usr/bin:/bin")
    if found is None:
        pytest.skip("nats-server is not installed")
    return found


class NatsServer:
    """A server with JetStream. Started again after `kill`, it has what was stored."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.url = f"nats://127.0.0.1:{self.port}"
        self._settings = folder / "nats.conf"
        self._settings.write_text(
            f"host: 127.0.0.1\nport: {self.port}\n"
            f'jetstream {{ store_dir: "{folder / "store"}" }}\n{settings}\n'
        )
        self._server: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def made(cls, folder: Path, settings: str = "") -> Iterator["NatsServer"]:
        """A running server, gone when the block ends."""
        server = cls(folder, settings)
        server.start()
        try:
            yield server
        finally:
            server.kill()

    def start(self) -> None:
        """Start, and return when it answers."""
        with (self.folder / "nats.log").open("ab") as log:
            self._server = subprocess.Popen(
                [program(), "-c", str(self._settings)], stdout=log, stderr=log
            )
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < end, "the server did not start"
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """`kill -9`, where it runs."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def lose(self) -> None:
        """Lose all it stored."""
        shutil.rmtree(self.folder / "store", ignore_errors=True)
