"""Code lists of IATI, and what their codes are in a record."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from adapters.iati.node import LANGUAGE, Node, broken
from gateway.mapping.codes import code_list, code_table

DATES: Mapping[str, str] = {
    "1": "planned_start_date",
    "2": "start_date",
    "3": "planned_end_date",
    "4": "end_date",
}
STATUS: Mapping[str, str] = {
    "1": "planned",
    "2": "ongoing",
    "4": "completed",
    "3": "completed",
    "5": "cancelled",
    "6": "suspended",
}
FINALISING = "3"
"""The work is done and the books are open: `completed`, and the code says more."""

ROLES: Mapping[str, str] = {
    "1": "donor",
    "2": "accountable",
    "3": "extending",
    "4": "implementing",
}
ORG_TYPES = code_table("org_type.iati").keys()
"""Two digits. The three of OCHA's list cannot be taken for them."""

OCHA_TO_IATI: dict[str, str] = {"434": "10", "447": "40"}
for _iati, _ocha in code_table("org_type.iati").items():
    if _ocha is not None:
        OCHA_TO_IATI.setdefault(_ocha, _iati)
"""Kinds of organisation of OCHA's list, where one of IATI's holds all of it."""

TRANSACTIONS = frozenset(map(str, range(1, 14)))
MEASURES: Mapping[str, str | None] = {"1": None, "2": "%", "3": None, "4": None, "5": None}
CLUSTERS = code_table("cluster.ocha")
CLUSTER_IDS: Mapping[str, str] = {
    cluster: code for code, cluster in CLUSTERS.items() if code.isdigit() and cluster is not None
}
COUNTRIES: Mapping[str, str | None] = {**code_table("country.iso2"), "AN": None, "XK": None}
"""With the two of IATI's list that ISO does not have, or no more: they stay behind."""

ISO2: Mapping[str, str] = {iso3: iso2 for iso2, iso3 in COUNTRIES.items() if iso3 is not None}
CURRENCIES = code_list("currency") | {
    "ANG", "BGN", "BYR", "CUC", "EEK", "HRK", "LTL", "LVL", "MRO", "SLL", "STD", "USS", "VEF",
    "XBT", "ZMK", "ZWL",
}  # fmt: skip
"""With those that IATI's list keeps for older payments."""

CLUSTER_VOCABULARY = "10"
DAC_VOCABULARY = "1"
"""Of a sector that names no vocabulary: OECD DAC purpose codes of five digits."""

GLIDE_VOCABULARY = "1-2"
PLAN_VOCABULARY = "2-1"
COUNTRY_VOCABULARY = "A4"
PCODE_VOCABULARY = "COD-AB"
"""Ours: IATI's list of geographic vocabularies has none for p-codes."""

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,95}")
"""What a record can hold as a code."""


@dataclass(frozen=True, slots=True)
class Tongue:
    """How an activity is to be understood."""

    strict: bool
    """Whether the file names a version, and so code lists. A code they do not have is refused;
    where no version is named, it stays behind."""
    language: str | None = None
    """Of texts that do not say theirs."""

    def code(self, node: Node, attribute: str, known: Collection[str]) -> str | None:
        """A code of a list."""
        value = node.get(attribute)
        if value is None or value in known:
            return value
        if self.strict:
            raise broken("a code that IATI does not have", "iati.code", node, f"@{attribute}")
        node.taken.discard(attribute)
        return None

    def spoken(self, node: Node | None) -> str | None:
        """The text in the language of the activity; where there is none, the first."""
        if node is None:
            return None
        texts = [one for one in node.all("narrative") if one.text.strip()]
        own = [one for one in texts if self._is_own(one, whole=True)]
        if own:
            own[0].taken.add(LANGUAGE)
        near = own or [one for one in texts if self._is_own(one, whole=False)]
        found = next(iter(near or texts), None)
        return None if found is None else found.own()

    def _is_own(self, narrative: Node, *, whole: bool) -> bool:
        """Whether a text is in the language of the activity, or, not `whole`, in a variety."""
        said = narrative.attributes.get(LANGUAGE, "").strip().lower()
        own = (self.language or "").strip().lower()
        return said in ("", own) if whole else said.partition("-")[0] == own.partition("-")[0]


def plain(node: Node, attribute: str) -> str | None:
    """A code of a list that is not held here. What no record can hold stays behind."""
    value = node.get(attribute)
    if value is not None and not CODE.fullmatch(value):
        node.taken.discard(attribute)
        return None
    return value
