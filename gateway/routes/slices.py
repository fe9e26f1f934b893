"""Parts of a JSON text, as they were written.

An adapter must see the very text a system sent: written anew, numbers lose digits and keys that
stood twice stand once.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import SenderError

BOM = "\ufeff"
_SPACE = " \t\n\r"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Slice:
    """A value, and the text it was read from."""

    value: Any = field(repr=False)
    text: str = field(repr=False)

    def items(self) -> "list[Slice]":
        """The parts of a list."""
        found: list[Slice] = []
        at = _after(self.text, 1)
        while self.text[at] != "]":
            value, end = _DECODER.raw_decode(self.text, at)
            found.append(Slice(value, self.text[at:end]))
            at = _after(self.text, end)
            at = _after(self.text, at + 1) if self.text[at] == "," else at
        return found

    def members(self) -> "dict[str, Slice]":
        """The parts of an object. Raises `SenderError` where a key stands twice."""
        found: dict[str, Slice] = {}
        at = _after(self.text, 1)
        while self.text[at] != "}":
            key, end = _DECODER.raw_decode(self.text, at)
            at = _after(self.text, _after(self.text, end) + 1)
            value, end = _DECODER.raw_decode(self.text, at)
            if key in found:
                raise SenderError("a key of the envelope stands twice", rule="json.key_twice")
            found[key] = Slice(value, self.text[at:end])
            at = _after(self.text, end)
            at = _after(self.text, at + 1) if self.text[at] == "," else at
        return found


def whole(content: bytes) -> Slice:
    """One JSON document. Raises `SenderError` for anything else."""
    try:
        text = content.decode().removeprefix(BOM).strip(_SPACE)
        value = json.loads(text)
    except UnicodeDecodeError:
        raise SenderError("not UTF-8", rule="json.not_utf8") from None
    except RecursionError:
        raise SenderError("nested too deeply", rule="json.too_deep") from None
    except ValueError:
        raise SenderError("not JSON", rule="json.invalid") from None
    return Slice(value, text)


def _after(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def said(value: Any, *paths: str) -> str:
    """The first of these paths that says something; empty where none does.

    A path's steps are parted by blanks: keys of forms have slashes and dots in them.
    """
    return next(_said(value, paths), "")


def _said(value: Any, paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        found = value
        for step in path.split(" "):
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, dict):  # CommCare: an element with an attribute
            found = found.get("#text")
        if isinstance(found, int) and not isinstance(found, bool):
            found = str(found)
        if isinstance(found, str) and found.strip():
            yield found.strip()
