"""Languages and specific needs: what a person has several of."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from adapters.progres.referral import fields
from adapters.progres.referral.filling import Told
from adapters.progres.referral.places import Pair
from adapters.progres.referral.values import CODE
from gateway.errors import SenderError
from gateway.mapping.codes import code_table
from gateway.record import Record

Row = dict[str, Any]

_TAGS = code_table("language.progres_referral")
_NEEDS = code_table("specific_need.progres_referral")
LANGUAGES = "languages"
SPECIFIC = "specificneeds"
"""Keys of `extension`: the rows as they came, for what has no canonical name."""


def _names(codes: Mapping[str, str | None]) -> dict[str, str]:
    back: dict[str, str] = {}
    for name, code in codes.items():
        if code is not None:
            back.setdefault(code, name)
    return back


_NAME_OF_TAG = _names(_TAGS)
_NAME_OF_NEED = _names(_NEEDS)


def read_languages(rows: Sequence[Row], pair: Pair, told: Told) -> None:
    """Names to tags where the table knows them. Names and levels are kept as they came."""
    person = pair.setdefault("person", {})
    _keep(person, "person", LANGUAGES, rows, told)
    tags = _distinct(_TAGS.get(row.get(fields.LANGUAGE_NAME, "")) for row in rows)
    if tags:
        person["language_code"] = tags
        told.line("person.language_code[]", fields.LANGUAGE_NAME)


def _keep(record: Record, record_type: str, key: str, rows: Sequence[Row], told: Told) -> None:
    record.setdefault("extension", {})[key] = list(rows)
    told.line(f"{record_type}.extension", key)


def _distinct(found: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(one for one in found if one is not None))


def read_needs(rows: Sequence[Row], pair: Pair, told: Told, at: str) -> None:
    """Each need as one code: the one that is written, else its name's, else its own id."""
    case = pair["case"]
    _keep(case, "case", SPECIFIC, rows, told)
    case["specific_needs"] = _distinct(need_of(row, at) for row in rows)
    told.line("case.specific_needs[]", fields.NEEDS[0])


def need_of(row: Row, at: str) -> str:
    """The code of a need. The finer one counts. Raises `SenderError` where there is none."""
    for code, need in zip(fields.NEED_CODES, fields.NEEDS, strict=True):
        found = row.get(code) or _NEEDS.get(row.get(f"{need}/Name", "")) or row.get(f"{need}/Id")
        if found is not None:
            return need_code(found, f"{at}, {need}")
    raise SenderError("a need without a code", rule="progres.code", at=f"{at}, {fields.NEEDS[0]}")


def need_code(value: Any, at: str) -> str:
    """A code, or the code of a name."""
    try:
        return str(CODE.read(_NEEDS.get(value, value)))
    except (TypeError, ValueError):
        raise SenderError("a code that is not known", rule="progres.code", at=at) from None


def languages_of(person: Record) -> list[Row]:
    """A row for each language: those that were kept, then those that have only a tag."""
    kept = list(_kept(person, LANGUAGES, frozenset(fields.LANGUAGE_ROW)))
    said = {_TAGS.get(row.get(fields.LANGUAGE_NAME, "")) for row in kept}
    names = [_NAME_OF_TAG.get(tag) for tag in person.get("language_code", ()) if tag not in said]
    return [*kept, *({fields.LANGUAGE_NAME: name} for name in names if name)]


def needs_of(case: Record) -> list[Row]:
    """A row for each need: those that were kept, then those that have only a code."""
    kept = []
    for row in _kept(case, SPECIFIC, frozenset(fields.NEED_ROW)):
        try:
            need_of(row, "")
        except SenderError:
            continue
        kept.append(row)
    said = {need_of(row, "") for row in kept}
    codes = [code for code in case.get("specific_needs", ()) if code not in said]
    return [*kept, *map(_need, codes)]


def _need(code: str) -> Row:
    finer = "-" in code
    row = {fields.NEED_CODES[0 if finer else 1]: code}
    name = _NAME_OF_NEED.get(code)
    return {**row, f"{fields.NEEDS[0 if finer else 1]}/Name": name} if name else row


def _kept(record: Record, key: str, known: frozenset[str]) -> Iterator[Row]:
    rows = record.get("extension", {}).get(key)
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row and row.keys() <= known and _texts(row):
            yield row


def _texts(row: Row) -> bool:
    return all(isinstance(value, str) and value for value in row.values())


def names_in(text: str) -> Iterator[str | None]:
    """Tags of languages written as `Nuer, Dinka, Northeastern`: a name may have a comma in it.

    None for a part that the table does not know.
    """
    parts = text.split(", ")
    while parts:
        for count in (2, 1):
            name = ", ".join(parts[:count])
            if name in _TAGS or count == 1:
                yield _TAGS.get(name)
                del parts[:count]
                break


def named(tags: Iterable[str]) -> str:
    """Languages in one text, those that the table knows."""
    return ", ".join(_NAME_OF_TAG[tag] for tag in tags if tag in _NAME_OF_TAG)
