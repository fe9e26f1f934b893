"""Code tables, read one way and written the other."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.mapping.codes import code_list, code_table


@dataclass(frozen=True, slots=True)
class Table:
    """Source codes, folded to one size of letters, and the code written for each canonical one."""

    read: Mapping[str, str | None]
    """None: known, and not carried."""
    write: Mapping[str, str]
    fold: Callable[[str], str]


def _table(
    name: str,
    *,
    fold: Callable[[str], str] = str.lower,
    written: Callable[[str], str] = str,
    without: tuple[str, ...] = (),
) -> Table:
    """Of several codes for one canonical code, the first is written; none for those `without`."""
    codes = code_table(name)
    back: dict[str, str] = {}
    for source, target in codes.items():
        if target is not None and target not in without:
            back.setdefault(target, written(source))
    return Table({fold(source): target for source, target in codes.items()}, back, fold)


def _joined(code: str) -> str:
    """`Son-in-law` as the standard has it: SONINLAW."""
    return _BETWEEN.sub("", code).upper()


_BETWEEN = re.compile("[ _-]")

SEX = _table("sex.spdci")
MARITAL = _table("marital_status.spdci", written=str.upper, without=("T",))
"""The standard has no code for partners who are not married."""
RELATIONSHIP = _table("relationship.spdci", fold=_joined, without=("aunt_uncle", "other"))
"""There is no code for an aunt or an uncle without saying which, and none for any other."""
UNIT = _table("assistance_unit.spdci")
TYPE = _table("benefit_type.spdci")
ENROLLMENT = _table("enrollment_status.spdci")
PAYMENT = Table({"1": "completed", "2": "failed"}, {}, str.lower)

ALPHA3_OF = code_table("country.iso2")
ALPHA2_OF = code_table("country_alpha2.iso3")
ALPHA3 = code_list("country")
ALPHA2 = code_list("country_alpha2")
CURRENCIES = code_list("currency")
