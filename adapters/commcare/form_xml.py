"""One form as a submission."""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from adapters.commcare.case_blocks import META_NS
from adapters.commcare.cases import CASE_NS
from adapters.commcare.elements import made
from adapters.commcare.form_page import nested
from adapters.commcare.forms import is_block
from adapters.commcare.scope import origin
from adapters.commcare.written import Written
from gateway.errors import SenderError
from gateway.source.markup import Element, writable

INSTANCE = "form/meta/instanceID"
SPACES = {
    "form/meta": META_NS,
    "form/meta/appVersion": "http://commcarehq.org/xforms",
    "form/meta/location": "http://commcarehq.org/xforms",
}


def write(written: Written) -> Iterator[bytes]:
    """The submission. Raises `SenderError` for more than one form: HQ takes one at a time."""
    forms = written.objects()
    fields = next(forms, None)
    if fields is None or next(forms, None) is not None:
        raise SenderError("one submission holds one form", rule="commcare.one_submission")
    if "id" in fields:
        fields.setdefault(INSTANCE, fields.pop("id"))
    if not any(map(_is_id, fields.values() if _elsewhere(written) else [fields.get(INSTANCE)])):
        raise SenderError("a form without an id", rule="commcare.no_form_id", at="form 1")
    document = nested(fields, written, "form 1")
    form: dict[str, Any] = document.pop("form")
    for key in fields:
        if key.split("/", 1)[0] in document:
            written.lose(key)
    own = form.pop("@xmlns", origin(written.plan))
    root = made(form.pop("#type", "data"), own)
    _fill(root, form, own, "form", written)
    yield etree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def _elsewhere(written: Written) -> bool:
    """Whether the mapping may take the form's id from a question."""
    return any(source.slot not in ("id", INSTANCE) for source in written.plan.made[0].ids)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and writable(value) and bool(value.strip())


def _fill(element: Element, value: Any, own: str, path: str, written: Written) -> None:
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key.startswith("@"):
            _hold(element, key, inner, f"{path}/{key}", written)
        elif key == "#text":
            _hold(element, "", inner, path, written)
        else:
            for item in inner if isinstance(inner, list) else [inner]:
                space = _space(item, f"{path}/{key}", own)
                _fill(made(key, space, element), item, space, f"{path}/{key}", written)
    if isinstance(value, str):
        _hold(element, "", value, path, written)


def _space(value: Any, path: str, own: str) -> str:
    """The namespace of an element: its own word, or what CommCare's elements always have."""
    inner = value if isinstance(value, dict) else {}
    if "@xmlns" in inner:
        return str(inner["@xmlns"])
    return CASE_NS if is_block(path, inner) else SPACES.get(path, own)


def _hold(element: Element, name: str, value: str, path: str, written: Written) -> None:
    if not writable(value):
        written.lose(path)
    elif not name:
        element.text = value
    elif name != "@xmlns":
        element.set(name[1:], value)
