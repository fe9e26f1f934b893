"""What stands in a file, object by object: cases and forms, in JSON or in XML."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from adapters.commcare.cases import CASE_NS, Fields, block_fields, case_fields, merge
from adapters.commcare.elements import shaped
from adapters.commcare.forms import Form
from adapters.commcare.found import Found
from adapters.commcare.links import Census, Family
from adapters.commcare.scope import CASE_TYPE, Scope, origin, shown
from gateway.errors import SenderError
from gateway.source.markup import Markup, local, namespace
from gateway.source.objects import objects

OTHER_TYPE = "case of another type"
NO_PLACE = "child case without a place"
REPEATED = "case that stands twice"
NO_CASE = "form without a case"
NOT_FOUND = "error"

MAX_LEFT = 20_000
"""Different keys that stay behind. A form has hundreds."""

_RESPONSE = "OpenRosaResponse"
_DEFINITIONS = ("http://www.w3.org/1999/xhtml", "http://www.w3.org/2002/xforms")


@dataclass(slots=True)
class Sources:
    """One file being read for one mapping."""

    scope: Scope
    left: set[str] = field(default_factory=set)
    """What has no place in any source object, as reports may show it."""
    repeated: set[str] = field(default_factory=set)
    """Unmapped keys that stood twice in one object."""
    _census: Census | None = None

    def read(self, content: BinaryIO) -> Iterator[Found]:
        """Every source object the mapping is for. Raises `SenderError` with place and rule."""
        kept = 0
        for found in self._together(content):
            if self._wanted(found):
                kept += 1
                yield found
            else:
                self.left.add(OTHER_TYPE)
        if not kept and OTHER_TYPE in self.left:
            raise SenderError("no case of a type the mapping names", rule="commcare.case_type")
        if not kept and NO_CASE in self.left:
            raise SenderError("forms, and no case in them", rule="commcare.no_case")

    def _wanted(self, found: Found) -> bool:
        if not self.scope.cases or not self.scope.types:
            return True
        kind = found.fields.get(CASE_TYPE)
        return (isinstance(kind, str) and kind in self.scope.types) or (found.ours and not kind)

    def _together(self, content: BinaryIO) -> Iterator[Found]:
        linked = self.scope.cases and bool(self.scope.linked)
        markup = _is_markup(content)
        if linked or (self.scope.cases and markup):
            census = Census()
            for found in self._objects(content, markup):
                census.add(found.fields)
            content.seek(0)
            self._census = census
        if not linked or self._census is None:
            yield from self._objects(content, markup)
            return
        family = Family(self._census, self.scope)
        for found in self._objects(content, markup):
            yield from family.take(found)
        yield from family.rest()
        if family.homeless:
            self.left.add(NO_PLACE)
        if family.repeated:
            self.left.add(REPEATED)

    def _objects(self, content: BinaryIO, markup: bool) -> Iterator[Found]:
        for found in self._xml(content) if markup else self._json(content):
            yield found
            if len(self.left) > MAX_LEFT:
                raise SenderError("too many different keys", rule="source.too_many_keys")

    # -- JSON -----------------------------------------------------------------------------------

    def _json(self, content: BinaryIO) -> Iterator[Found]:
        for number, found in enumerate(objects(content, _unfold), 1):
            at = found.at or f"object {number}"
            self._check_twice(found.twice, at)
            yield from self._object(found.value, at=at)

    def _check_twice(self, keys: Iterable[str], at: str) -> None:
        for key in keys:
            if self.scope.touches(key):
                raise SenderError(
                    "a mapped key stands twice with different values",
                    rule="json.key_twice",
                    at=f"{at}, {shown(key)}",
                )
            self.repeated.add(shown(key))

    def _object(self, value: Any, *, at: str) -> Iterable[Found]:
        if not isinstance(value, dict):
            raise SenderError("not an object", rule="source.not_object", at=at)
        if _is_form(value):
            return self._form(value, at=at)
        if _is_bare_form(value):
            return self._form({"form": value}, at=at)
        if "form_id" in value and "case_ids" in value:
            raise SenderError(
                "a notice that a form arrived, without the form", rule="commcare.stub", at=at
            )
        if not _is_case(value):
            raise SenderError("neither a case nor a form", rule="commcare.not_objects", at=at)
        if NOT_FOUND in value and len(value) == 2:
            self.left.add(NOT_FOUND)
            return ()
        self._check_cases(at)
        asked = "create" in value or "case_id" not in value
        return (Found(case_fields(value, self.scope, at=at), at, asked),)

    def _check_cases(self, at: str) -> None:
        if not self.scope.cases:
            raise SenderError("a case, and the mapping is for forms", rule="commcare.case", at=at)

    def _form(self, value: Mapping[str, Any], *, at: str) -> Iterator[Found]:
        form = Form(self.scope, at)
        form.read(value)
        if not self.scope.cases:
            yield Found(form.fields, at)
            return
        self.left.update(map(shown, form.fields))
        cases = merge(form.cases(), self.scope, at=at)
        if not cases and form.holds_answers:
            self.left.add(NO_CASE)
        for number, case in enumerate(cases, 1):
            yield Found(case, f"{at}, case {number}")

    # -- XML ------------------------------------------------------------------------------------

    def _xml(self, content: BinaryIO) -> Iterator[Found]:
        markup = Markup(content)
        name, space = local(markup.root), namespace(markup.root)
        if space in _DEFINITIONS:
            raise SenderError("a form's definition, not a form", rule="commcare.definition")
        if space == CASE_NS and name == "case":
            yield self._block(shaped(markup.whole()), at="case 1")
        elif space == CASE_NS:
            raise SenderError("a part of a case", rule="commcare.not_objects")
        elif name == _RESPONSE:
            yield from self._response(markup)
        elif self.scope.cases:
            yield from self._cases(markup, ours=space == origin(self.scope.plan))
        else:
            root = _as_object(shaped(markup.whole()))
            yield from self._form({"form": {"#type": name, **root}}, at="form 1")

    def _block(self, block: Any, *, at: str) -> Found:
        self._check_cases(at)
        return Found(block_fields(_as_object(block), self.scope, at=at), at)

    def _response(self, markup: Markup) -> Iterator[Found]:
        """A server's answer holds data where it is a restore: case blocks beside the message."""
        number = 0
        for child in markup.items():
            if namespace(child) == CASE_NS and local(child) == "case":
                number += 1
                yield self._block(shaped(child), at=f"case {number}")
            elif local(child) != "message":
                self.left.add(shown(local(child)))
        if not number:
            raise SenderError("a server's answer, without data", rule="commcare.response")

    def _cases(self, markup: Markup, *, ours: bool) -> Iterator[Found]:
        """The case blocks of a form, part by part: a form of ours may hold a million of them."""
        space = namespace(markup.root)
        several: list[Fields] = []
        number = 0
        answers = False
        self.left.update(f"form/@{shown(name)}" for name in map(str, markup.root.attrib))
        for child in markup.items():
            form = Form(self.scope, "form 1", count=number)
            form.read({"form": {local(child): shaped(child, space)}})
            answers |= form.holds_answers
            self.left.update(map(shown, form.fields))
            for case in form.cases():
                number += 1
                if self._census is not None and self._census.twice(case):
                    several.append(case)
                else:
                    yield Found(case, f"form 1, case {number}", ours)
        for case in merge(several, self.scope, at="form 1"):
            yield Found(case, "form 1", ours)
        if answers and not number:
            self.left.add(NO_CASE)


def _is_markup(content: BinaryIO) -> bool:
    head = content.read(256)
    content.seek(0)
    # In UTF-16 every other byte of these is zero.
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0").startswith(b"<")


def _unfold(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise SenderError("neither a case or form nor a list of them", rule="commcare.not_objects")
    if _is_form(document) or _is_case(document) or _is_bare_form(document):
        return [document]
    for key in ("objects", "cases"):
        if isinstance(document.get(key), list):
            if key == "objects" and "meta" not in document:
                raise SenderError("a page without meta", rule="commcare.not_a_page")
            return list(document[key])
    for key in ("case", "data"):
        if isinstance(document.get(key), dict):
            return _unfold(document[key])
    return [document]


def _is_form(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("form"), dict)


def _is_bare_form(value: Mapping[str, Any]) -> bool:
    return "@xmlns" in value or "@uiVersion" in value


def _is_case(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("properties"), dict) or any(
        isinstance(value.get(key), str) for key in ("case_id", "case_type", "external_id")
    )


def _as_object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {"#text": value}
