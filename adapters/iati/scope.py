"""What for: sectors, and the emergencies and plans an activity belongs to."""

import re
from typing import Any

from adapters.iati import kinds
from adapters.iati.node import Node, broken, said
from adapters.iati.terms import (
    CLUSTER_IDS,
    CLUSTER_VOCABULARY,
    CLUSTERS,
    CODE,
    DAC_VOCABULARY,
    GLIDE_VOCABULARY,
    PLAN_VOCABULARY,
    Tongue,
    plain,
)

_GLIDE = re.compile(r"[A-Z]{2}-[0-9]{4}-[0-9]{6}-[A-Z]{3}")
_SCOPES = {GLIDE_VOCABULARY: ("1", "glide_number"), PLAN_VOCABULARY: ("2", "appeal_code")}
"""Vocabulary of a scope: its type, and the field its code is."""

_PARTS = ("sector_code", "sector_name", "sector_vocabulary")


def read_sectors(activity: Node, tongue: Tongue) -> dict[str, Any]:
    """The first sector, and `other_sectors`. A first one with a percentage stands there too.

    Clusters (vocabulary 10) are the cluster list, which records do not name.
    """
    found = [_sector(node, tongue) for node in activity.all("sector")]
    found = [one for one in found if one.keys() & {"sector_code", "sector_name"}]
    if not found:
        return {}
    first = {key: value for key, value in found[0].items() if key in _PARTS}
    others = found if "percentage" in found[0] else found[1:]
    return first | ({"other_sectors": others} if others else {})


def _sector(node: Node, tongue: Tongue) -> dict[str, Any]:
    vocabulary = plain(node, "vocabulary") or DAC_VOCABULARY
    name = tongue.spoken(node)
    share = kinds.decimal(node.get("percentage") or "")
    found: dict[str, Any] = {"sector_name": name}
    if vocabulary == CLUSTER_VOCABULARY:
        code = tongue.code(node, "code", CLUSTERS)
        found["sector_code"] = None if code is None else CLUSTERS[code]
    else:
        found |= {"sector_code": plain(node, "code"), "sector_vocabulary": vocabulary}
    found["percentage"] = share if node.attributes.get("percentage") else None
    return {key: value for key, value in found.items() if value is not None}


def write_sectors(activity: Node, record: dict[str, Any]) -> None:
    """Every sector with a code. One without a vocabulary must be of the cluster list."""
    first = {key: record[key] for key in _PARTS if key in record}
    others = list(record.get("other_sectors", ()))
    same = others and first == {key: value for key, value in others[0].items() if key in _PARTS}
    if not (same and "percentage" in others[0]):
        others.insert(0, first)
    for one in others:
        code, vocabulary = one.get("sector_code", ""), one.get("sector_vocabulary")
        if vocabulary in (None, CLUSTER_VOCABULARY):
            code, vocabulary = CLUSTER_IDS.get(code, ""), CLUSTER_VOCABULARY
        if not CODE.fullmatch(code):
            if one is first:
                return
            continue
        share = one.get("percentage")
        node = activity.add(
            "sector",
            vocabulary=vocabulary,
            code=code,
            percentage=None if share is None else kinds.decimal_written(share),
        )
        name = said(one.get("sector_name"))
        if name:
            node.add("narrative", name)


def read_scopes(activity: Node, tongue: Tongue) -> dict[str, Any]:
    """`glide_number` and `appeal_code`. Scopes of other vocabularies stay behind."""
    found: dict[str, list[str]] = {}
    for node in activity.all("humanitarian-scope"):
        vocabulary, kind = node.attributes["vocabulary"], node.attributes["type"]
        known, field = _SCOPES.get(vocabulary, ("", ""))
        code = node.attributes["code"].strip()
        if kind != known or not code:
            continue
        if vocabulary == GLIDE_VOCABULARY and not _GLIDE.fullmatch(code):
            raise broken("not a GLIDE number", "iati.glide", node, "@code")
        node.taken |= {"vocabulary", "type", "code"}
        found.setdefault(field, []).append(code)
    return dict(found)


def take_flag(activity: Node, record: dict[str, Any]) -> None:
    """Take the humanitarian flag where clusters, emergencies or plans of the record say it too."""
    sectors = (record, *record.get("other_sectors", ()))
    clusters = any("sector_code" in one and "sector_vocabulary" not in one for one in sectors)
    said = clusters or record.keys() & {"glide_number", "appeal_code"}
    if said and activity.attributes.get("humanitarian", "").strip() in ("1", "true"):
        activity.taken.add("humanitarian")


def write_flag(activity: Node) -> None:
    """The humanitarian flag, where clusters, emergencies or plans were written."""
    clusters = (
        one.attributes["vocabulary"] == CLUSTER_VOCABULARY for one in activity.all("sector")
    )
    if activity.all("humanitarian-scope") or any(clusters):
        activity.attributes["humanitarian"] = "1"


def write_scopes(activity: Node, record: dict[str, Any]) -> None:
    """A scope for each."""
    for vocabulary, (kind, field) in _SCOPES.items():
        for value in record.get(field, ()):
            code = said(value)
            if code and code == code.strip():
                activity.add("humanitarian-scope", type=kind, vocabulary=vocabulary, code=code)
