"""Records as flat submissions: what OpenRosa adds to any flat object."""

from collections.abc import Mapping
from typing import Any

from adapters.flat.back import Back as FlatBack
from gateway.errors import SenderError

INSTANCE_ID = "meta/instanceID"


class Back(FlatBack):
    """The submissions that `records` become, read once, in order."""

    def instance_id(self, fields: Mapping[str, Any]) -> str:
        """`uuid:` and what the authority numbers the submission with."""
        local = self.local_id(fields)
        return local if local.startswith("uuid:") else f"uuid:{local}"

    def compare(self, fields: Mapping[str, Any], read: Mapping[str, Any]) -> None:
        """As every flat object. An instance has its id in one place only."""
        try:
            super().compare(fields, read)
        except SenderError:
            raise SenderError(
                f"the mapping takes no id from {INSTANCE_ID}", rule="openrosa.no_instance_id"
            ) from None
