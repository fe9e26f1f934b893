"""Taking what RapidPro sends apart into contacts, runs and posts, and each into paths."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from adapters.flat.documents import no_empty_lists, note, others, refuse
from adapters.flat.keyed import Keyed, spread
from adapters.flat.nested import Flat
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading

URNS = Keyed("scheme", "path")
GROUPS = "groups"
CONTACT = "contact"
RESULTS = "results"

_URN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9]{0,31}):(?P<path>[^?#]*)(\?(?P<query>[^#]*))?(#(?P<display>.*))?",
    re.DOTALL,
)
MASK = "********"
"""What stands for an address in a workspace that hides them."""
_PAGE = frozenset(("previous", RESULTS))
"""Members of a page that need no mention. `next` does: the payload is not all there is."""

_OTHERS = others(
    "rapidpro",
    ("trigger outputs", "a test of the flow engine, not what a flow posts", "engine_test"),
    ("action inspection", "a test of the flow engine, not what a flow posts", "engine_test"),
    ("action read_error", "a test of the flow engine, not what a flow posts", "engine_test"),
    ("sprints runs", "a session of the flow engine, not what a flow posts", "engine_test"),
    ("detail", "the server's answer to a fault", "error"),
    ("nodes", "a flow's definition", "flow_definition"),
    ("flows", "an export of flows", "flow_definition"),
    ("contacts", "a message to several, or a start of a flow", "not_contacts"),
)
_MARKS = ((b"\xff\xfe", "le"), (b"\xfe\xff", "be"))
_TABLES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", *(mark for mark, _ in _MARKS))
_WIDE = tuple(mark + text.encode(f"utf-16-{end}") for mark, end in _MARKS for text in "{[")
"""How JSON in UTF-16 begins: it is no table, and the JSON reader refuses it as what it is."""
_HEAD = 4096


def refuse_table(content: BinaryIO) -> None:
    """Raise `SenderError` for a file of contacts to import; else it stands at its start again."""
    head = content.read(_HEAD)
    content.seek(0)
    line = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0]
    texts = line[:1] not in (b"{", b"[") and any(one in line for one in (b",", b";", b"\t"))
    if head.startswith(_WIDE):
        return
    if head.startswith(_TABLES) or (texts and b"\0" not in line):
        raise SenderError("a table, which the tabular adapter reads", rule="rapidpro.table")


class Unfold:
    """From a document to its objects. Tells `reading` what else stands in the document."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __call__(self, document: Any) -> Iterator[Any]:
        """The contacts, runs or posts of one document."""
        if isinstance(document, list):
            yield from document
        elif not isinstance(document, dict):
            raise SenderError("neither a contact nor a list", rule="rapidpro.not_contacts")
        elif isinstance(document.get(RESULTS), list):
            if "next" not in document:
                raise SenderError("a page without next", rule="rapidpro.not_a_page")
            note(self._reading, document, _PAGE)
            yield from map(self._posted, document[RESULTS])
        else:
            yield self._posted(document)

    def _posted(self, found: Any) -> Any:
        """What was posted, of an event in the list of those that a resthook had."""
        if isinstance(found, dict) and "resthook" in found and isinstance(found.get("data"), dict):
            note(self._reading, found, frozenset(("data",)))
            return found["data"]
        return found


class Contacts:
    """Contacts, and what was said by one, as flat objects."""

    def __init__(self, plan: Plan) -> None:
        self._flat = Flat(plan, list)

    def __call__(self, value: Any, *, at: str) -> Any:
        """One object, flat. Raises `SenderError` for other objects, or a deleted contact."""
        if not isinstance(value, dict):
            return value
        refuse(value, _OTHERS, at=at)
        if value.get("visibility") == "deleted":
            raise SenderError("a deleted message", rule="rapidpro.deleted", at=at)
        found = dict(value)
        contact = found.get(CONTACT)
        lists: dict[str, Any] = {}
        if isinstance(contact, dict):
            found[CONTACT] = inner = dict(contact)
            lists |= _contact(inner, f"{CONTACT}/", at)
        elif not (isinstance(found.get("fields"), dict) or found.keys() & {"urns", "urn"}):
            raise SenderError("no contact, and of none", rule="rapidpro.not_contacts", at=at)
        lists |= _contact(found, "", at)
        if "values" in found and RESULTS not in found:
            found[RESULTS] = found.pop("values")
        if found.get("id").__class__ is int:
            found["id"] = str(found["id"])  # Numbers of the server's own: none begins with a zero.
        if lists.keys() & found.keys():
            raise SenderError("a path stands twice", rule="json.key_twice", at=at)
        return no_empty_lists(self._flat({**found, **lists}, at=at))


def _contact(found: dict[str, Any], path: str, at: str) -> Iterator[tuple[str, Any]]:
    for name in ("status", "blocked"):
        if name in found and found[name] is None and found.get("name") is None:
            raise SenderError("a deleted contact", rule="rapidpro.deleted", at=at)
    if all(name in found and found[name] is None for name in ("urns", "fields", "name")):
        raise SenderError("a deleted contact", rule="rapidpro.deleted", at=at)
    urns = found.pop("urns", None) or []
    if not isinstance(urns, list):
        raise SenderError("not a list", rule="source.not_a_list", at=f"{at}, {path}urns")
    one = found.pop("urn", None)
    if one is not None and one != "":  # An expression of nothing is an empty text.
        urns = [one, *(other for other in urns if other != one)]
    where = f"{at}, {path}urns"
    yield from spread([_urn(urn, where) for urn in urns], f"{path}urns", URNS, at=where)
    groups = found.get(GROUPS)
    if isinstance(groups, list):
        found[GROUPS] = [{"uuid": one} if isinstance(one, str) else one for one in groups]


def _urn(urn: Any, at: str) -> Mapping[str, Any]:
    """An address as one text, or taken apart as inputs and expanded lists have it."""
    if not isinstance(urn, dict):
        said = _URN.fullmatch(urn) if isinstance(urn, str) else None
        if not said:
            raise SenderError("not an address of a contact", rule="rapidpro.urn", at=at)
        urn = {name: text for name, text in said.groupdict().items() if text is not None}
    return {**urn, "path": None} if urn.get("path") == MASK else urn
