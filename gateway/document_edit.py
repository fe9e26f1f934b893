"""Small changes to a document that a person wrote, which leave every other character as it was.

What was reviewed and signed stays as it was written, comments and line breaks too: a program
that reads YAML and writes it again would change both. Every change is read again before it is
written, and refused where it says anything but what was meant.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gateway.document import nodes, parse_yaml
from gateway.errors import OfficerError

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9:._-]*")
_WORDS = {"true", "false", "null"}


def with_value(text: str, key: str, value: str, *, at: str) -> str:
    """The document with another text under a key of its first level."""
    document = _read(text, at)
    node = _top(text, at).get(key)
    if not isinstance(node, yaml.ScalarNode):
        new = f"{_ended(text)}{key}: {_scalar(value)}\n"
    else:
        end = node.end_mark.index
        # A text in a block ends with its line.
        line = "\n" if text[:end].endswith("\n") else ""
        new = f"{text[: node.start_mark.index]}{_scalar(value)}{line}{text[end:]}"
    return _checked(new, {**document, key: value}, at)


def with_item(text: str, key: str, item: Mapping[str, Any], *, at: str) -> str:
    """The document with one more item in a list of its first level."""
    document = _read(text, at)
    node = _top(text, at).get(key)
    if not isinstance(node, yaml.SequenceNode):
        new = f"{_ended(text)}{key}:\n{_block(item, 2)}"
    elif not node.value:
        start = text[: node.start_mark.index].rstrip(" ")
        new = f"{start}\n{_block(item, 2).rstrip()}{text[node.end_mark.index :]}"
    elif node.flow_style:
        last = node.end_mark.index - 1
        new = f"{text[:last].rstrip()}, {json.dumps(item)}{text[last:]}"
    else:
        end = _next_line(text, _end(node))
        new = _ended(text[:end]) + _block(item, node.start_mark.column) + text[end:]
    held = document.get(key) or []
    return _checked(new, {**document, key: [*held, dict(item)]}, at)


def without_item(text: str, key: str, number: int, *, at: str) -> str:
    """The document without one item of a list of its first level, written in lines."""
    document = _read(text, at)
    node = _top(text, at).get(key)
    if not isinstance(node, yaml.SequenceNode) or node.flow_style:
        raise OfficerError("this file must be changed by hand", rule="document.edit", at=at)
    item = node.value[number]
    start = text.rfind("\n", 0, item.start_mark.index) + 1
    end = _next_line(text, _end(item))
    rest = [*document[key][:number], *document[key][number + 1 :]]
    if not rest:
        # A list without lines would be nothing, which is not an empty list.
        start = text.rfind(":", 0, start) + 1
        return _checked(f"{text[:start]} []\n{text[end:]}", {**document, key: rest}, at)
    return _checked(text[:start] + text[end:], {**document, key: rest}, at)


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, with the rights it has."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise OfficerError("cannot be written", rule="document.unwritable", at=path.name) from None


def read_text(path: Path) -> str:
    """A document's text. Raises `OfficerError`."""
    try:
        return path.read_bytes().decode()
    except OSError:
        raise OfficerError("cannot be read", rule="document.unreadable", at=path.name) from None
    except UnicodeDecodeError:
        raise OfficerError("not UTF-8", rule="document.not_utf8", at=path.name) from None


def _read(text: str, at: str) -> dict[str, Any]:
    document = parse_yaml(text.encode(), at=at)
    if not isinstance(document, dict):
        raise OfficerError("not an object", rule="document.type", at=at)
    return document


def _top(text: str, at: str) -> dict[str, yaml.Node]:
    root = nodes(text)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise OfficerError("write it in lines, not in brackets", rule="document.edit", at=at)
    return {key.value: value for key, value in root.value}


def _end(node: yaml.Node) -> int:
    """Where the last value inside ends; a list itself ends after the comments that follow it."""
    if not isinstance(node, yaml.CollectionNode) or not node.value or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _next_line(text: str, at: int) -> int:
    if text[:at].endswith("\n"):
        return at
    return text.find("\n", at) + 1 or len(text)


def _block(item: Mapping[str, Any], indent: int) -> str:
    marks = ["- ", *("  " for _ in range(len(item) - 1))]
    pairs = zip(marks, item.items(), strict=True)
    return "".join(f"{' ' * indent}{mark}{key}: {_value(one)}\n" for mark, (key, one) in pairs)


def _value(value: Any) -> str:
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(value: str) -> str:
    if _PLAIN.fullmatch(value) and value not in _WORDS and not value.endswith(":"):
        return value
    return json.dumps(value, ensure_ascii=False)


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _checked(text: str, expected: Mapping[str, Any], at: str) -> str:
    try:
        meant = parse_yaml(text.encode(), at=at) == expected
    except OfficerError:
        meant = False
    if not meant:
        raise OfficerError("this file must be changed by hand", rule="document.edit", at=at)
    return text
