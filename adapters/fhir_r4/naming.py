"""Which record a resource is, and which record a Reference means."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from adapters.fhir_r4 import terms
from adapters.fhir_r4.reading import Json, Reader
from gateway.record import Record

NOWHERE = "fhir.invalid"
"""Authority of ids that came without one. `.invalid` never resolves (RFC 2606)."""

ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_RECORD_ID = re.compile(r"[a-z0-9][a-z0-9.-]*/[^\s/]\S*")
_RELATIVE = re.compile(r"([A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_RESTFUL = re.compile(r"(https?://\S+/)([A-Za-z]+)/[A-Za-z0-9\-.]{1,64}")


@dataclass(slots=True)
class Names:
    """The resources that are read together: one Bundle, or one line."""

    authority: str
    ids: dict[str, str] = field(default_factory=dict)
    """Full address, or `Type/id`, to record id."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Full address to the type of the resource there, of those that are no records too."""

    def keep(self, full_url: str, resource: Json, record_id: str) -> None:
        """Let references find a record."""
        for key in filter(None, (full_url, _local(resource))):
            self.ids.setdefault(key, record_id)

    def keys(self, full_url: str, resource: Json, record: Record) -> list[str]:
        """Everything that a Reference may say of a resource."""
        return [key for key in (full_url, _local(resource), record["record_id"]) if key]

    def give(self, reader: Reader, resource: Json, full_url: str) -> None:
        """Put the record id. Raises `SenderError` where nothing names the record."""
        for item in reader.items(resource, "identifier", "identifier"):
            if item.get("system") == terms.RECORD_ID:
                record_id, path = item.get("value"), "identifier.value"
                break
        else:
            record_id, path = self._id_of(full_url, _local(resource)), "id"
        if record_id is None:
            raise reader.refuse("fhir.no_id", "nothing that names the record", "id")
        reader.put(reader.record, "record_id", record_id, path)
        if "record_id" not in reader.record:
            raise reader.refuse("fhir.record_id", "not an id a record can have", path)
        self.keep(full_url, resource, reader.record["record_id"])

    def resolve(self, full_url: str, reference: Json) -> str | None:
        """The record id a Reference means, of a resource that stands at this address."""
        identifier = reference.get("identifier")
        if isinstance(identifier, dict) and identifier.get("system") == terms.RECORD_ID:
            value = identifier.get("value")
            return value if isinstance(value, str) else None
        address = reference.get("reference")
        if not isinstance(address, str):
            return None
        address = address.split("/_history/", 1)[0]
        base = _RESTFUL.fullmatch(full_url)
        if _RELATIVE.fullmatch(address):
            whole = base[1] + address if base else ""
            found = self.ids.get(whole) or self.ids.get(address)
            found = found or self._id_of(whole, address)
        elif ABSOLUTE.fullmatch(address):
            found = self.ids.get(address) or self._id_of(address, "")
        else:
            return None
        return found if found and _RECORD_ID.fullmatch(found) else None

    def kind_of(self, reference: Json) -> str:
        """The type of the resource a Reference refers to, if it can be told."""
        said, address = reference.get("type"), reference.get("reference")
        if isinstance(said, str):
            return said
        if not isinstance(address, str):
            return ""
        match = _RELATIVE.fullmatch(address)
        if match:
            return match[1]
        restful = _RESTFUL.fullmatch(address)
        return self.kinds.get(address) or (restful[2] if restful else "")

    def _id_of(self, full_url: str, local: str) -> str | None:
        if full_url.startswith(("http://", "https://")):
            return _of_address(full_url)
        if local:
            return f"{self.authority}/{local}"
        return f"{self.authority}/{full_url.removeprefix('urn:')}" if full_url else None


def _local(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}" if "id" in resource else ""


def _of_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.hostname
        port = parts.port
    except ValueError:
        return ""
    if not host or parts.query or parts.fragment:
        return ""
    return f"{host}-{port}{parts.path}" if port else f"{host}{parts.path}"
