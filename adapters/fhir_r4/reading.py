"""What the readers of one file and of one resource keep: what was read, and what was left."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from adapters.fhir_r4 import terms
from adapters.fhir_r4.strict import shown
from gateway.errors import SenderError
from gateway.record import Reading, Record, leaves

Json = dict[str, Any]
Resolve = Callable[[Json], str | None]
"""From a Reference to the record id of what it refers to, if it can be told."""


@dataclass(slots=True)
class Reader:
    """One resource, on its way to one record.

    Paths are relative to the resource (`name.given`). Types are R4's and strict; a value of
    the right type that the canonical leaf does not allow stays behind and is listed.
    """

    reading: Reading
    root: str
    before: str
    """`entry 3, ` or `line 3, `, or nothing where the file is the resource."""
    record: Record
    resolve: Resolve = lambda reference: None
    kind_of: Callable[[Json], str] = lambda reference: ""
    """From a Reference to the type of the resource it refers to, or nothing."""
    given: set[str] = field(default_factory=set)
    """Fields that our extensions gave as a whole: elements repeat them, and are passed over."""

    def refuse(self, rule: str, problem: str, path: str) -> SenderError:
        """The error for a place in this resource."""
        at = f"{self.before}{self.root}.{path}" if path else f"{self.before}{self.root}"
        return SenderError(problem, rule=rule, at=at)

    def leave(self, path: str) -> None:
        """List a path as left behind."""
        self.reading.unmapped.add(f"{self.root}.{path}")

    def leave_rest(self, path: str, element: Json, taken: Collection[str]) -> None:
        """List every member of an element that nobody took."""
        for key in element:
            if key not in taken:
                self.leave(f"{path}.{shown(key)}" if path else shown(key))

    def note(self, leaf: str, path: str) -> None:
        """Keep where a leaf came from."""
        self.reading.lineage[f"{self.record['record_type']}.{leaf}"] = f"{self.root}.{path}"

    def accept(self, leaf: str, value: Any, path: str, kind: type = str) -> bool:
        """Whether a value becomes this leaf. Notes it, or leaves it behind."""
        if type(value) is not kind:
            raise self.refuse("fhir.type", "a value of another type", path)
        if not _fits(self.record["record_type"], leaf, value):
            self.leave(path)
            return False
        self.note(leaf, path)
        return True

    def put(self, target: Json, leaf: str, value: Any, path: str, kind: type = str) -> None:
        """Put a value under the last step of its leaf path, which must be free."""
        key = leaf.rsplit(".", 1)[-1]
        if key in target:
            raise self.refuse("fhir.repeated", "more than one value for one field", path)
        if self.accept(leaf, value, path, kind):
            target[key] = value

    def take(self, target: Json, leaf: str, element: Json, key: str, path: str) -> None:
        """Put a text member of an element, if the element has it."""
        if key in element:
            self.put(target, leaf, element[key], path)

    def add(self, leaf: str, value: Any, path: str) -> None:
        """Append a text to the array of the record that a leaf `field[]` names."""
        if self.accept(leaf, value, path):
            self.record.setdefault(leaf.removesuffix("[]"), []).append(value)

    def object(self, holder: Json, key: str, path: str) -> Json:
        """A member that must be an object; empty where there is none."""
        value = holder.get(key, {})
        if not isinstance(value, dict):
            raise self.refuse("fhir.type", "not an object", path)
        return value

    def items(self, holder: Json, key: str, path: str) -> list[Json]:
        """A member that must be an array of objects; empty where there is none."""
        value = holder.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.refuse("fhir.type", "not an array of objects", path)
        return value

    def texts(self, holder: Json, key: str, path: str) -> list[str]:
        """A member that must be an array of texts; a null in it stands beside an extension."""
        value = holder.get(key, [])
        if not isinstance(value, list):
            raise self.refuse("fhir.type", "not an array", path)
        found = [item for item in value if item is not None]
        if not all(isinstance(item, str) for item in found):
            raise self.refuse("fhir.type", "not an array of texts", path)
        return found

    def extensions(self, holder: Json, path: str) -> Iterator[tuple[str, Json, str]]:
        """The address, the extension and the path it has in lineage, one by one."""
        inside = f"{path}.extension" if path else "extension"
        for item in self.items(holder, "extension", inside):
            url = item.get("url")
            if not isinstance(url, str):
                raise self.refuse("fhir.extension", "an extension without an address", inside)
            yield url, item, f"{inside}.{shown_name(url)}"

    def parts(self, extension: Json, path: str) -> Iterator[tuple[str, Json, str]]:
        """The extensions inside an extension that stands at this path."""
        for url, item, _ in self.extensions(extension, path):
            yield url, item, f"{path}.{shown_name(url)}"

    def masked(self, element: Json, path: str) -> bool:
        """Whether an element says why it has no value. Keeps which field and why."""
        found = False
        for url, item, where in self.extensions(element, path):
            if url in MISSING:
                self.missing(MISSING[url], item, where)
                found = True
        return found

    def missing(self, kind: str, extension: Json, path: str) -> None:
        """Keep what one extension says about a field that is withheld or absent."""
        parts: Json = {}
        for url, part, where in self.parts(extension, path):
            value = part.get("valueCode")
            if url not in {"field", "reason"} or type(value) is not str:
                raise self.refuse(f"fhir.{kind}", "not a field and its reason", where)
            parts[url] = value
        if parts.keys() != {"field", "reason"}:
            raise self.refuse(f"fhir.{kind}", "not a field and its reason", path)
        self.record.setdefault(kind, {})[parts["field"]] = parts["reason"]
        self.note(kind, f"extension.{kind}")

    def why(self, name: str, element: Json, path: str) -> None:
        """Keep what an element beside a value, or in place of one, says of a missing value.

        Our extensions say it exactly. Where there is none, HL7's is read in words we know.
        """
        ours = self.masked(element, path)
        for url, item, where in self.extensions(element, path):
            code = item.get("valueCode")
            if url == terms.ABSENT and isinstance(code, str) and code in terms.ABSENT_REASONS:
                if not ours:
                    self.record.setdefault("absent", {})[name] = terms.ABSENT_REASONS[code]
                    self.note("absent", where)
            elif url not in MISSING:
                self.leave(where)
        self.leave_rest(path, element, {"extension"})


MISSING = {terms.WITHHELD: "withheld", terms.WHY_ABSENT: "absent"}
"""Our extensions that name a field and a reason, to the canonical field they are kept in."""

_OURS = re.compile(r"https?://(?:hl7\.org|corridor\.invalid)/(?:[A-Za-z0-9-]+/)*([A-Za-z0-9_-]+)")


def shown_name(url: str) -> str:
    """An extension by its name, where it is one of ours, of HL7, or a part of a larger one."""
    match = _OURS.fullmatch(url)
    return match[1] if match else shown(url)


def _fits(record_type: str, leaf: str, value: Any) -> bool:
    spec = leaves(record_type)[leaf].spec
    if isinstance(value, str):
        pattern, longest = spec.get("pattern"), spec.get("maxLength", len(value))
        if len(value) > longest or (pattern and not re.fullmatch(pattern, value)):
            return False
    elif isinstance(value, int) and not spec.get("minimum", value) <= value <= spec.get(
        "maximum", value
    ):
        return False
    return len(str(value)) >= spec.get("minLength", 0) and value in spec.get("enum", (value,))
