"""A worker process of this machine: how it begins, and that it ends with its gateway.

What is imported here every worker holds, for as long as it lives.
"""

import gc
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait
from pathlib import Path

from gateway import memory
from gateway.bulk.work import prepare

OBJECTS = 50_000
"""So many new ones before they are looked through."""


def begin(directory: str) -> None:
    """In a new worker process."""
    memory.give_back()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    parent = multiprocessing.parent_process()
    if parent is not None:
        # A pool's worker would wait for ever for a parent that was killed.
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    prepare(Path(directory))
    # What is here now stays. A part makes thousands of objects that all live until it is written:
    # to look through them for cycles every few hundred would find none.
    gc.freeze()
    gc.set_threshold(OBJECTS)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
