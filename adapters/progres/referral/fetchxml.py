"""Results of a FetchXML query as JSON: rows whose values say their names and kinds.

    {"@morerecords": "0", "result": [{"progres_individual.progres_sex":
        {"@name": "Female", "@formattedvalue": "125080000", "#text": "125080000"}}]}

becomes the row as the gateway sends it. FetchXML prefixes a field with the attribute through
which it was joined, the gateway with a name of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.flat.reading import shown
from adapters.progres.referral.fields import LOGICAL
from adapters.progres.referral.values import guid
from gateway.errors import SenderError
from gateway.record import Reading

_JOINED: Mapping[str, str] = {
    "progres_individual.": "individuals.",
    "progres_individualid.progres_spn": "specificneeds.progres_spn",
    "progres_individualid.": "languages.",
    "progres_childprotectioncase.": "childprotection.",
    "progres_businessowner.": "user.",
}
_NAMED = frozenset((*LOGICAL, "progres_interventiontype2", "progres_interventionsubtype2"))
"""References whose name is read too. Of others only the id is."""


def is_query(value: Mapping[str, Any]) -> bool:
    """A query as JSON, which names an entity and its attributes and holds no value."""
    entity = value.get("entity", value.get("fetch"))
    return isinstance(entity, dict) and "result" not in value


def is_page(value: Mapping[str, Any]) -> bool:
    """A page of results."""
    return "result" in value and any(key.startswith("@") for key in value)


def rows_of(value: Mapping[str, Any], at: str, reading: Reading) -> Iterator[Mapping[str, Any]]:
    """Each result as a row. One result alone is no list."""
    reading.unmapped.update(shown(key) for key in value if key != "result")
    results = value["result"]
    for number, result in enumerate(results if isinstance(results, list) else [results], 1):
        place = f"{at}item {number}"
        if not isinstance(result, dict):
            raise SenderError("not a result", rule="progres.not_a_referral", at=place)
        yield {_renamed(key): _plain(_renamed(key), one, place) for key, one in result.items()}


def _renamed(key: str) -> str:
    for joined, ours in _JOINED.items():
        if key.startswith(joined):
            return ours + key.removeprefix(joined)
    return key


def _plain(key: str, value: Any, at: str) -> Any:
    if not isinstance(value, dict):
        return _bare(value)
    text = value.get("#text")
    if key not in _NAMED:
        return _bare(text)
    name = value.get("@name")
    return {part: one for part, one in (("Id", _bare(text)), ("Name", name)) if one is not None}


def _bare(value: Any) -> Any:
    """An id without its braces."""
    if isinstance(value, str) and value[:1] == "{":
        try:
            return guid(value)
        except ValueError:
            return value
    return value
