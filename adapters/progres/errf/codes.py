"""Codes of proGres that mean a canonical code. All others are kept as they stand."""

from collections.abc import Mapping

from gateway.mapping.codes import code_table

SEX = code_table("sex.progres")
MARITAL_STATUS = code_table("marital_status.progres")
COUNTRY = code_table("country.progres")
RELATIONSHIP = code_table("relationship.progres")
PRIORITY: Mapping[str, str | None] = {
    "NR": "routine",
    "UG": "urgent",
    "EM": "stat",
    "U": None,
    "-": None,
}

STATELESS = "ZZZ"
"""Has no nationality, which is not to say that nobody knows it."""
APPLICANT = "PA"
HEAD = "head"

AS_THEY_STAND: Mapping[str, str | None] = {"U": None, "-": None}
"""Religion and ethnicity: every code but `unknown` is taken over."""


def back(table: Mapping[str, str | None]) -> Mapping[str, str]:
    """Canonical code to the first source code that means it."""
    found: dict[str, str] = {}
    for source, target in table.items():
        if target is not None:
            found.setdefault(target, source)
    return found


def _by_sex() -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for code, kind in RELATIONSHIP.items():
        if kind in (None, HEAD, "other"):
            continue
        sex = "female" if (kind, "female") not in found else "male"
        found.setdefault((kind, sex), code)
    return found


SEX_BACK = back(SEX)
MARITAL_STATUS_BACK = back(MARITAL_STATUS)
COUNTRY_BACK = back(COUNTRY)
PRIORITY_BACK = back(PRIORITY)
RELATIONSHIP_BACK = _by_sex()
"""Relation and sex of the member to the code: proGres has a son or a daughter, and no child."""
