"""The line before the log: entries that wait for their place, and releases that finished."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from gateway import entry
from gateway.errors import GatewayError
from gateway.log_waiting import Waiting

MAX_WAITING = 2048
MAX_BATCH = 512
MAX_BATCH_BYTES = 1 << 20
IDLE_SECONDS = 0.2
"""How long a finished release may wait for an entry to travel with."""
COMPANY = 16
"""So many in line are taken without being called."""
MAX_YIELDS = 8
"""How often the log gives way to others who have entries in the making."""


class Line:
    """Any thread may enter; one thread takes batches out."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        """`stopped` says whether the log takes nothing more."""
        self._stopped = stopped
        self._queue: deque[Waiting] = deque()
        self._done: deque[str] = deque()
        self._done_since = 0.0
        self._closing = False
        self._ready = threading.Condition()  # guards all above

    def enter(self, waiting: Waiting, *, calling: bool = False) -> None:
        """Wait for a place. Raises `GatewayError` when nothing more is taken.

        `calling`: whoever enters will call `rouse` in a moment, when others have entered too.
        """
        with self._ready:
            if self._closing or self._stopped():
                raise GatewayError("the log has stopped; open it again", rule="log.stopped")
            if len(self._queue) >= MAX_WAITING:
                raise GatewayError("too many entries wait for the log", rule="log.overloaded")
            self._queue.append(waiting)
            if not calling or len(self._queue) >= COMPANY:
                self._ready.notify()

    def rouse(self) -> None:
        """Have what waits taken now."""
        with self._ready:
            self._ready.notify()

    def done(self, transfer: str) -> None:
        """A release finished."""
        with self._ready:
            if not self._done:
                self._done_since = time.monotonic()
            self._done.append(transfer)
            self._ready.notify()

    def __len__(self) -> int:
        return len(self._queue)

    def finished(self) -> tuple[str, ...]:
        """Releases that finished and are in no batch."""
        with self._ready:
            return tuple(self._done)

    def close(self) -> bool:
        """Take nothing more; False where that was said before."""
        with self._ready:
            first, self._closing = not self._closing, True
            self._ready.notify()
            return first

    def give_back(self, done: Sequence[str]) -> None:
        """These finished, and could not be logged: they travel with a later batch."""
        with self._ready:
            self._done.extendleft(reversed(done))
            self._done_since = time.monotonic()

    def refuse_all(self) -> None:
        """The log has stopped: whoever waits is told so."""
        with self._ready:
            while self._queue:
                stopped = GatewayError("the log has stopped", rule="log.stopped")
                self._queue.popleft().future.set_exception(stopped)

    def _let_others_in(self) -> None:
        """Give way for as long as entries keep coming, so that one commit serves many.

        There is no timer in it: where nobody else has work to do, to give way takes no time.
        A commit costs ten times what an entry adds to it, in the interpreter that both share.
        """
        for _ in range(MAX_YIELDS):
            waiting = len(self._queue)
            time.sleep(0)
            if len(self._queue) == waiting:
                return

    def next_batch(self) -> tuple[list[Waiting], list[str]] | None:
        """The next batch, as soon as there is one; None when the log closes and none is left."""
        with self._ready:
            while not (self._queue or self._closing or self._due() == 0):
                self._ready.wait(self._due())
        self._let_others_in()
        with self._ready:
            while not (self._queue or self._closing or self._due() == 0):
                self._ready.wait(self._due())
            if not self._queue and self._closing:
                return None
            batch: list[Waiting] = []
            room = MAX_BATCH_BYTES
            while self._queue and len(batch) < MAX_BATCH:
                room -= len(self._queue[0])
                if batch and room < 0:
                    break
                waiting = self._queue.popleft()
                # From here on nobody can cancel it. Until here one could, and did not get in.
                if waiting.future.set_running_or_notify_cancel():
                    batch.append(waiting)
            done = [self._done.popleft() for _ in range(min(len(self._done), entry.MAX_IDS))]
            return batch, done

    def _due(self) -> float | None:
        """Seconds until finished releases are logged on their own; None when there are none."""
        if not self._done or self._stopped():
            return None
        if len(self._done) >= entry.MAX_IDS:
            return 0
        return max(0.0, self._done_since + IDLE_SECONDS - time.monotonic())
