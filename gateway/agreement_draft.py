"""An agreement as a file for people: YAML, in the order of the schema, with a word on each part."""

from collections.abc import Mapping
from typing import Any

import yaml

from gateway.document import check_document, parse_yaml
from gateway.errors import OfficerError
from gateway.record import load

_WIDTH = 100


def written(document: Mapping[str, Any], *, at: str) -> str:
    """The document as commented YAML. Raises `OfficerError` where it would not be read as meant."""
    schema = load("agreement")["properties"]
    head = "# Drafted by `corridor agreement new`. Read every line before anybody signs.\n"
    text = head + "".join(_part(name, document, schema) for name in schema if name in document)
    read = check_document(parse_yaml(text.encode(), at=at), "agreement", at=at)
    if read != document:
        raise OfficerError("an answer that cannot be written down", rule="answers.form", at=at)
    return text


def _part(name: str, document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    body = yaml.dump(
        {name: document[name]}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH
    )
    if not isinstance(document[name], dict | list):
        return body
    return f"\n# {schema[name]['description']}\n{body}"


class _Dumper(yaml.SafeDumper):
    """Lists indented below their name, as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _listed(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    # Lists of words in one line, lists of objects in lines.
    flow = not any(isinstance(one, dict) for one in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flow)


_Dumper.add_representer(list, _listed)
_Dumper.add_representer(
    str,
    # What another reader of YAML takes for a date or a falsehood is put in quotes by PyYAML.
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text),
)
