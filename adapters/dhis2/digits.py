"""Whether a JSON file writes values as numbers: then their digits are worth a slower reading."""

import re
from typing import BinaryIO

_NUMBER = re.compile(rb'"value"\s*:\s*-?[0-9]')
_CHUNK = 64 << 10
_OVERLAP = 64


def values_are_numbers(content: BinaryIO) -> bool:
    """Looks through a file and goes back to its start. DHIS2 itself writes every value as text."""
    before = b""
    found = False
    while not found and (chunk := content.read(_CHUNK)):
        found = _NUMBER.search(before + chunk) is not None
        before = chunk[-_OVERLAP:]
    content.seek(0)
    return found
