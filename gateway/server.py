"""How the API is served: uvicorn with our bounds, and an end that loses nothing."""

import logging
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from gateway import journal
from gateway.deployment import read_deployment
from gateway.limits.connection import Served
from gateway.settings import Settings


class Server(uvicorn.Server):
    """Says first that it is going, and goes when nobody sends to it any more."""

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop. Being told by a keyboard is no failure."""
        with suppress(KeyboardInterrupt):
            super().run(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM drains; SIGINT, and a second signal, does not wait."""
        state = self.config.app.state  # type: ignore[union-attr]
        allowances = getattr(state, "allowances", None)
        seconds = self.config.bounds.drain_seconds  # type: ignore[attr-defined]
        if sig != signal.SIGTERM or allowances is None or allowances.draining or not seconds:
            super().handle_exit(sig, frame)
            return
        allowances.draining = True
        journal.say("draining", seconds=seconds)
        waiting = threading.Timer(seconds, super().handle_exit, (sig, frame))
        waiting.daemon = True
        waiting.start()


def server_of(app: FastAPI, settings: Settings, **more: Any) -> Server:
    """A server of this application. `more` are uvicorn's own settings."""
    bounds = settings.server
    # Its notes on requests that were no HTTP; `journal` has ours.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return Server(
        Served(
            app,
            bounds,
            access_log=False,
            log_config=None,
            server_header=False,
            # Who is believed about addresses is ours to say: uvicorn believes its own machine.
            proxy_headers=False,
            timeout_graceful_shutdown=bounds.shutdown_seconds,
            **more,
        )
    )


def settings_of(directory: Path) -> Settings:
    """The settings of a deployment that is to be served."""
    return read_deployment(directory).settings
