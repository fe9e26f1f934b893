"""Reading the documents people write by hand: YAML, checked against a schema of ours.

YAML is read as its JSON subset. `no` is a text and not a falsehood, a date is a text, a key
is always a text, and a key that stands twice is refused: in an agreement, guessing costs more
than a correction.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from gateway.canonical import canonical
from gateway.errors import OfficerError
from gateway.record import validator

LIMIT = 4 * 1024 * 1024
"""Bytes. A mapping of a thousand questions has about 100 kB."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2's JSON schema, without tags, anchors that multiply, or repeated keys."""

    # PyYAML looks for this name on the class itself.
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        alias = isinstance(event, yaml.AliasEvent)
        if alias or event.tag is not None:
            problem = "aliases are not read" if alias else "tags are not read"
            raise ConstructorError(None, None, problem, event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise ConstructorError(None, None, "a key must be text", key.start_mark)
            if key.value in found:
                raise ConstructorError(None, None, "a key stands twice", key.start_mark)
            found[key.value] = self.construct_object(value, deep=True)
        return found


def _whole(loader: _Loader, node: MappingNode) -> dict[Any, Any]:
    return loader.construct_mapping(node)


_Loader.add_constructor("tag:yaml.org,2002:map", _whole)
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", "n~"),
    ("int", r"-?(0|[1-9][0-9]{0,15})", "-0123456789"),
    ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", "-0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^$"), [""])


Lines = Mapping[tuple[str | int, ...], int]
"""Path of a value (`("purposes", 0, "from")`) to the line it starts in."""


def parse_yaml(content: bytes, *, at: str) -> Any:
    """The value of a YAML document. `at` names the file in errors."""
    return parse_with_lines(content, at=at)[0]


def parse_with_lines(content: bytes, *, at: str) -> tuple[Any, Callable[[], Lines]]:
    """The value of a YAML document, and what tells where each part stands, counted from one."""
    if len(content) > LIMIT:
        raise OfficerError("the document is too large", rule="document.too_large", at=at)
    try:
        loader = _Loader(content.decode("utf-8-sig"))
        try:
            root = loader.get_single_node()
            value = None if root is None else loader.construct_document(root)
        finally:
            loader.dispose()
    except UnicodeDecodeError:
        raise OfficerError("not UTF-8", rule="document.not_utf8", at=at) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{at}, line {mark.line + 1}" if mark else at
        problem = getattr(error, "problem", None) or "not YAML"
        known = problem if problem in _OURS else "not YAML that we read"
        raise OfficerError(known, rule="document.not_yaml", at=place) from None
    except (ValueError, OverflowError, RecursionError):
        # An escape that is no character, or a thousand brackets.
        raise OfficerError("not YAML that we read", rule="document.not_yaml", at=at) from None
    return value, lambda: {} if root is None else dict(_lines(root, ()))


_OURS = {"aliases are not read", "tags are not read", "a key must be text", "a key stands twice"}


def nodes(text: str) -> yaml.Node | None:
    """The document as what stands where. Raises what PyYAML raises."""
    return yaml.compose(text, _Loader)


def _lines(
    node: yaml.Node, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, MappingNode):
        for key, value in node.value:
            # Where its name stands: a list below it starts a line later.
            yield from _lines(value, (*path, key.value))
            yield (*path, key.value), key.start_mark.line + 1
    elif isinstance(node, SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines(value, (*path, number))


def read_document(path: Path, schema: str) -> dict[str, Any]:
    """A document that follows `schemas/<schema>.json`. Raises `OfficerError` with the place."""
    try:
        content = path.read_bytes()
    except OSError:
        raise OfficerError("cannot be read", rule="document.unreadable", at=path.name) from None
    return check_document(parse_yaml(content, at=path.name), schema, at=path.name)


def check_document(document: Any, schema: str, *, at: str) -> dict[str, Any]:
    """`document` itself where it follows the schema; else `OfficerError` for the first breach.

    What has no canonical form (`1.5`, half a character) is refused too: the log could not name it.
    """
    try:
        canonical(document)
    except ValueError:
        raise OfficerError("has no canonical form", rule="document.form", at=at) from None
    for error in validator(schema).iter_errors(document):
        place = "/".join(str(step) for step in error.instance_path)
        raise OfficerError(
            f"breaks {schema}.json ({error.kind.name})",
            rule=f"document.{error.kind.name}",
            at=f"{at}, {place}" if place else at,
        ) from None
    if not isinstance(document, dict):
        raise OfficerError("not an object", rule="document.type", at=at)
    return document
