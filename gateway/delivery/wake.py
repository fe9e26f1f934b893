"""Telling whoever pushes that there is something to push, so that nobody has to look all the time.

Losing such a word loses nothing: the row stays, and is looked for a few times a second.
"""

from collections.abc import Callable

_listeners: set[Callable[[str], None]] = set()


def listen(listener: Callable[[str], None]) -> Callable[[], None]:
    """Call `listener` with each transfer that is to be pushed, from any thread; how to stop it."""
    _listeners.add(listener)
    return lambda: _listeners.discard(listener)


def wake(transfer: str, but: Callable[[str], None] | None = None) -> None:
    """There is a row for this transfer, durably. `but` is not told: the word came through it."""
    for listener in tuple(_listeners):
        if listener is not but:
            listener(transfer)
