"""A real OPA server for one test, and a place that serves it bundles."""

import http.server
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

needs_opa = pytest.mark.skipif(not shutil.which("opa"), reason="opa is not on PATH")
PATIENCE = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(happened: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        assert process is None or process.poll() is None, "opa ended"
        time.sleep(0.02)


def answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=2).close()
    except OSError:
        return False
    return True


@contextmanager
def opa_server(
    *arguments: str | Path, wait_for: str = "health?bundles", port: int = 0
) -> Iterator[int]:
    """The port of an OPA server, once it answers what is waited for."""
    port = port or free_port()
    process = subprocess.Popen(
        ["opa", "run", "--server", "--addr", f"127.0.0.1:{port}", "--disable-telemetry",
         "--log-level", "error", *map(str, arguments)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/{wait_for}"), process)
        yield port
    finally:
        # It would wait for its connections to end.
        process.kill()
        process.wait()


def opa_refuses(bundle: Path, arguments: Sequence[str | Path]) -> str:
    """What OPA says when it does not start with a bundle; empty when it starts."""
    try:
        done = subprocess.run(
            ["opa", "run", "--server", "--addr", f"127.0.0.1:{free_port()}", "--disable-telemetry",
             "--bundle", str(bundle), *map(str, arguments)],
            capture_output=True, text=True, timeout=3, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return ""
    assert done.returncode != 0
    return done.stdout + done.stderr


class BundlePlace:
    """Serves what `content` is now, under a new ETag each time it changes."""

    def __init__(self) -> None:
        self.content = b""
        self.asked = 0
        place = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place.asked += 1
                content = place.content
                self.send_response(200)
                self.send_header("ETag", f'"{hash(content)}"')
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
