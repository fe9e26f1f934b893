"""A real OPA as a child of this process, for as long as something is tried on it."""

import http.client
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import OfficerError
from gateway.policy.bundle import Bundle

HOST = "127.0.0.1"


@contextmanager
def serving(bundle: Bundle, *, replaceable: bool = False) -> Iterator[int]:
    """The port of an OPA that answers from the bundle. Raises where there is no `opa`.

    With `replaceable` the policies are plain files to it, so that one of them can be put in the
    place of another; its answers then name no revision.
    """
    program = shutil.which("opa")
    if program is None:
        raise OfficerError("opa is not on PATH", rule="policy.no_opa")
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = int(free.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        bundle.write(Path(folder))
        load = [] if replaceable else ["--bundle"]
        arguments = ["run", "--server", "--addr", f"{HOST}:{port}", "--log-level", "error"]
        child = subprocess.Popen(  # noqa: S603 - the program is found on PATH, no text is run
            [program, *arguments, "--disable-telemetry", *load, folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(port, child)
            yield port
        finally:
            child.terminate()
            child.wait(10)


def _wait(port: int, child: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        if child.poll() is not None:
            break
        asked = http.client.HTTPConnection(HOST, port, timeout=1)
        try:
            asked.request("GET", "/health")
            if asked.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            asked.close()
        time.sleep(0.05)
    raise OfficerError("opa does not start with this bundle", rule="policy.no_opa")
