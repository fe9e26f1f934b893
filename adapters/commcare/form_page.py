"""Forms as a page of API v1: flat keys nested again."""

from collections.abc import Iterator
from typing import Any

import orjson

from adapters.commcare.case_blocks import block
from adapters.commcare.cases import Fields
from adapters.commcare.elements import shaped
from adapters.commcare.written import Written, name, text

CHUNK = 64 << 10
ENVELOPE = frozenset({"form", "metadata"})


def write(written: Written) -> Iterator[bytes]:
    """The page, in chunks; its counts stand at the end."""
    buffer = bytearray(b'{"objects":[')
    number = 0
    for number, fields in enumerate(written.objects(), 1):
        buffer += b"\n" if number == 1 else b",\n"
        buffer += orjson.dumps(nested(fields, written, f"form {number}"))
        if len(buffer) >= CHUNK:
            yield bytes(buffer)
            buffer.clear()
    page = {"limit": number, "next": None, "offset": 0, "previous": None, "total_count": number}
    yield bytes(buffer) + b'\n],"meta":' + orjson.dumps(page) + b"}\n"


def nested(fields: Fields, written: Written, at: str) -> dict[str, Any]:
    """One form as HQ gives it."""
    found: dict[str, Any] = {"form": {}}
    for key, value in fields.items():
        if key == "case" or key.startswith("case/"):
            _blocks(found, key, value, written, at)
        elif isinstance(value, list):
            path = _path(key, written)
            items = [_item(item, key, written, at) for item in value]
            if items:
                _put(found, path, items[0] if items[0] and len(items) == 1 else items, key, written)
        elif "/" in key or not written.scope.says(key):
            _put(found, _path(key, written), text(value, at), key, written)
        else:
            found[key] = value
    return found


def _path(key: str, written: Written) -> list[str]:
    # `*/q` is written as `q`: a question that stands in no group.
    steps = key.split("/") if key.split("/", 1)[0] in ENVELOPE else ["form", *key.split("/")]
    for step in steps:
        if step not in ("#text", "#type", "@xmlns"):
            name(step.removeprefix("@"), written.scope)
    return steps


def _item(item: Fields, repeat: str, written: Written, at: str) -> Any:
    found: dict[str, Any] = {}
    for key, value in item.items():
        if key.startswith(f"{repeat}/"):
            _put(found, key.removeprefix(f"{repeat}/").split("/"), text(value, at), key, written)
        else:
            written.lose(key)
    return found or ""


def _blocks(
    found: dict[str, Any], key: str, items: list[Fields], written: Written, at: str
) -> None:
    for number, item in enumerate(items, 1):
        case = {key.removeprefix("case/"): value for key, value in item.items()}
        place = str(case.pop("@place", "form/case"))
        if key != "case":
            case.setdefault("properties/case_type", key.removeprefix("case/"))
        shape = shaped(block(case, written, f"{at}, {key}[{number}]"))
        _put(found, _path(place, written), shape, key, written, many=True)


def _put(
    found: dict[str, Any],
    path: list[str],
    value: Any,
    key: str,
    written: Written,
    *,
    many: bool = False,
) -> None:
    for step in path[:-1]:
        inner = found.setdefault(step, {})
        if isinstance(inner, str):
            inner = found[step] = {"#text": inner}
        if not isinstance(inner, dict):
            written.lose(key)
            return
        found = inner
    held = found.get(path[-1])
    if held is None:
        found[path[-1]] = value
    elif many:
        found[path[-1]] = [*held, value] if isinstance(held, list) else [held, value]
    elif isinstance(held, dict) and isinstance(value, str):
        held["#text"] = value
    else:
        written.lose(key)
