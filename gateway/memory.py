"""Memory that was freed goes back to the system, where glibc would keep it for a next time.

Payloads are megabytes for a moment, on several threads. Each thread would get a heap of its own
that keeps its largest moment for ever.
"""

import ctypes
from contextlib import suppress

TRIM, MMAP, ARENAS = -1, -3, -8
"""Of `mallopt`, as `malloc.h` has them."""

LARGE = 256 << 10


def give_back() -> None:
    """One heap for all threads, and large pieces outside of it. Other systems need no telling."""
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        for name, value in ((ARENAS, 1), (MMAP, LARGE), (TRIM, LARGE)):
            mallopt(name, value)
