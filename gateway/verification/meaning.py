"""What entries say of each other, and whether the log bears it out.

A log that was signed may still tell a story that cannot be: a release under policies that did
not stand, an outcome of a transfer there never was. Nobody can write that with this gateway.
"""

from array import array
from collections.abc import Callable

from gateway.verification.bundle import OPEN, Part
from gateway.verification.found import Found

ID = 16
_BEGINNINGS = {"rights": "received", "incident": "opened"}
_CHANGED = {"policy": "release.policy", "agreement": "release.agreement"}


class Meaning:
    """One walk through the entries, a bundle at a time, in order."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self.times: array[int] = array("q")
        self.documents: dict[str, int] = {}
        self.keys: list[tuple[int, str]] = []
        """Entries that name a key of the log, with its digest."""
        self.unfounded = 0
        self._kinds = bytearray()
        self._places: dict[bytes, int] = {}
        self._standing: dict[tuple[str, str], tuple[str, str, str]] = {}
        """Version, state and digest of what was activated."""
        self._cases: dict[bytes, tuple[str, str]] = {}
        self._frozen = -1
        """The entry that says that nothing follows."""
        self._stops = 0
        self._by_name: dict[str, Callable[..., None]] = {
            "closes": self._closes,
            "control": self._control,
            "changes": self._changes,
            "key": lambda index, name: self.keys.append((index, name)),
            "relies": self._relies,
            "names": self._names,
            "case": self._case,
        }

    @property
    def open(self) -> int:
        """Releases that nothing became of yet."""
        return self._kinds.count(OPEN)

    def take(self, part: Part) -> None:
        """Judge one bundle, which follows those taken before."""
        if part.start == 0 and not any(
            name == "control" and index == 0 and said == ("init",)
            for name, index, said in part.events
        ):
            self._found.add("entry.first", "entry 0")
        self._take_times(part)
        for at in range(len(part.kinds)):
            name = part.ids[at * ID : at * ID + ID]
            if self._places.setdefault(name, part.start + at) != part.start + at:
                self._found.add("entry.id_twice", f"entry {part.start + at}")
        self._kinds += part.kinds
        for digest, index in part.documents.items():
            self.documents.setdefault(digest, index)
        for event, index, said in part.events:
            self._by_name[event](index, *said)

    def close(self) -> None:
        """All of it was taken."""
        after = len(self._kinds) - self._frozen - 1
        # The gateway that froze the log may still say that it stops.
        if self._frozen >= 0 and after > self._stops:
            self._found.add("entry.after_freeze", f"entry {self._frozen}")

    def _take_times(self, part: Part) -> None:
        last = self.times[-1] if self.times else 0
        for at, time in enumerate(part.times):
            if 0 <= time < last:
                self._found.add("entry.time", f"entry {part.start + at}")
            last = time if time >= 0 else last
            self.times.append(last)

    def _closes(self, index: int, state: int, names: list[bytes]) -> None:
        for name in names:
            place = self._before(index, name)
            if place is None or self._kinds[place] != OPEN:
                self._found.add("outcome.transfer", f"entry {index}")
            else:
                self._kinds[place] = state

    def _control(self, index: int, what: str) -> None:
        if what == "init" and index:
            self._found.add("entry.first", f"entry {index}")
        if self._frozen < 0 and what == "freeze":
            self._frozen = index
        elif what == "stop" and self._frozen >= 0:
            self._stops += 1

    def _changes(
        self, index: int, kind: str, name: str, version: str, state: str, digest: str
    ) -> None:
        old = self._standing.get((kind, name))
        ended = old is not None and old[1] in ("terminated", "removed")
        same = old is not None and state == "active" and old[0] == version
        if ended and same:
            self._found.add("change.ended", f"entry {index}")
        self._standing[kind, name] = (version, state, digest)

    def _relies(self, index: int, agreement: str, version: str, bundle: str, count: int) -> None:
        policy = self._standing.get(("policy", "policy"))
        held = self._standing.get(("agreement", agreement))
        if policy is None or held is None:
            self.unfounded += count
        if policy is not None and policy[1:] != ("active", bundle):
            self._found.add("release.policy", f"entry {index}")
        if held is not None and held[:2] != (version, "active"):
            self._found.add("release.agreement", f"entry {index}")

    def _names(self, index: int, kinds: tuple[int, ...], name: bytes) -> None:
        place = self._before(index, name)
        if place is None or self._kinds[place] not in kinds:
            self._found.add("entry.names_nothing", f"entry {index}")

    def _case(self, index: int, kind: str, case: bytes, state: str) -> None:
        begins = state == _BEGINNINGS[kind]
        known = self._cases.get(case)
        if begins != (known is None) or (known is not None and known != (kind, "")):
            self._found.add("case.order", f"entry {index}")
        self._cases[case] = (kind, "closed" if state == "closed" else "")

    def _before(self, index: int, name: bytes) -> int | None:
        place = self._places.get(name)
        return place if place is not None and place < index else None
