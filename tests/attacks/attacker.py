"""Somebody with a log, its key, and dice."""

from gateway import entry
from tests.small_logs import Author, leaf


class Impossible(Exception):  # noqa: N818 - no error, only other dice
    """This log has nothing that the attack could be made on."""


class Attack:
    """One log, one attacker's dice."""

    def __init__(self, log, rng):
        self.log, self.rng = log, rng

    def some(self, kind=None, after=3):
        """The index of an entry, of this type where one is named, that follows the beginning."""
        known = range(after, len(self.log.leaves))
        if kind is not None:
            known = [at for at in known if b'"type":"%b"' % kind in self.log.leaves[at]]
        if not known:
            raise Impossible
        return self.rng.choice(known)

    def said(self, at):
        return entry.parse(self.log.leaves[at])

    def author(self):
        """Somebody who can go on where the log ended."""
        author = Author(self.rng)
        for at, one in enumerate(self.log.leaves):
            if b'"what":"policy"' in one:
                author.bundle = self.said(at)["digest"]
        return author

    def add(self, said, time):
        """Log an entry as the gateway would, and have it witnessed."""
        self.log.leaves.append(spelt(said, time))
        self.log.commit()
        self.log.witness()


def spelt(said, time):
    """An entry's bytes, whether an entry may say that or not."""
    said = {name: part for name, part in said.items() if name != "time"}
    try:
        return leaf(said, time)
    except Exception:
        return entry.canonical({**said, "time": time})
