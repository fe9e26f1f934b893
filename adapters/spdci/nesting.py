"""Members put into their groups, from records in any order and without holding them all.

A group with its members around it, before or after, is written as soon as they are there. Beyond
`HELD` persons or members that wait, the next ones stand beside their group, which names them.
"""

from collections.abc import Iterable, Iterator

from adapters.spdci.written import Object, Written
from gateway.marks import Marks
from gateway.record import Record

HELD = 20_000

_MEMBER = "reg_records[].member_list"
_BARE = len(("@id", "@type"))


class Ids:
    """A set of ids, of any number. Most messages need no more than one or two of these sets."""

    def __init__(self) -> None:
        self._marks: Marks | None = None

    def add(self, record_id: str) -> None:
        """Put an id in."""
        if self._marks is None:
            self._marks = Marks()
        self._marks.add(record_id)

    def __contains__(self, record_id: object) -> bool:
        return self._marks is not None and record_id in self._marks


class Survey:
    """What one walk over the records says of them."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.persons = Ids()
        self.households = Ids()
        self.wanted = Ids()
        """Persons that a household names."""
        for record in records:
            if record["record_type"] == "person":
                self.persons.add(record["record_id"])
            elif record["record_type"] == "household":
                self.households.add(record["record_id"])
                for name in named(record):
                    self.wanted.add(name)


def named(household: Record) -> list[str]:
    """Ids of members and head, each once."""
    found = [one["member"] for one in household.get("member_list", ()) if "member" in one]
    found += [household["group_head"]] if "group_head" in household else []
    return list(dict.fromkeys(found))


class _Waiting:
    """A group, and which of its members have not come yet."""

    def __init__(self, made: Object) -> None:
        self.made = made
        self.missing: set[str] = set()
        self._members: list[Object] = made.get("member_list", [])
        self._places: dict[str, int] = {}
        for place, one in enumerate(self._members):
            self._places.setdefault(one["@id"], place)

    def put(self, person: Object) -> None:
        """A member, or else the head, in place of the reference to it."""
        place = self._places.get(person["@id"])
        if place is None:
            self.made["group_head_info"] = person
        else:
            self._members[place] = {**person, **self._members[place]}


class Nesting:
    """Persons and groups on their way. Each person is written whole once."""

    def __init__(self, survey: Survey, written: Written) -> None:
        self._survey = survey
        self._written = written
        self._held: dict[str, Object] = {}
        self._awaited: dict[str, _Waiting] = {}
        self._given = Ids()

    def household(self, record: Record) -> Iterator[Object]:
        """A group, where all its members are known; else it waits."""
        waiting = _Waiting(self._written.household(record))
        for name in named(record):
            if name in self._held:
                waiting.put(self._held.pop(name))
                self._given.add(name)
            elif self._is_to_come(name):
                self._awaited[name] = waiting
                waiting.missing.add(name)
        if not waiting.missing:
            yield waiting.made

    def person(self, record: Record) -> Iterator[Object]:
        """Whatever becomes ready with a person: a group, or the person alone."""
        name = record["record_id"]
        wanted = name in self._survey.wanted and name not in self._given
        made = self._written.person(record, _MEMBER if wanted else "reg_records[]")
        waiting = self._awaited.pop(name, None)
        if len(made) == _BARE or (waiting is None and not (wanted and self._is_room(name))):
            yield made
        elif waiting is None:
            self._held[name] = made
        else:
            waiting.put(made)
            self._given.add(name)
        if waiting is not None:
            waiting.missing.discard(name)
            if not waiting.missing:
                yield waiting.made

    def rest(self) -> Iterator[Object]:
        """What waited in vain: groups without some members, members without their group."""
        yield from {id(waiting): waiting.made for waiting in self._awaited.values()}.values()
        yield from self._held.values()

    def _is_to_come(self, name: str) -> bool:
        return (
            name in self._survey.persons
            and name not in self._given
            and name not in self._awaited
            and len(self._awaited) < HELD
        )

    def _is_room(self, name: str) -> bool:
        return name not in self._held and len(self._held) < HELD
