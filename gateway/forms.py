"""What each form does to a value. Pure; the schemas say what a value is made of.

The forms are those of `policies/taxonomy/forms.json`. A form that does not belong to the
family of a field is a `GatewayError`: policy has checked it already, so something is broken.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import GatewayError
from gateway.places import Places
from gateway.record import Record, load, resolve

Transform = Callable[[Any], Any]

BANDS = ((0, 4), (5, 11), (12, 17), (18, 59), (60, None))
"""Age bands in completed years: usual for sex and age disaggregated data."""

COARSE_DECIMALS = 1
"""About 11 km. A finer point can still be one camp."""

COARSE_LEVEL = 2
"""The finest administrative code that may stand beside a coarse point."""


LEVELS = {f"admin{level}": level for level in range(5)}
"""The finest administrative level that stands in each form."""


class Unplaced(ValueError):  # noqa: N818 - a finding about a place; `minimize` counts it
    """A place cannot be generalised, because the table does not know what it lies in."""


@lru_cache(maxsize=1024)
def pseudonym_key(master: bytes, *scope: str) -> bytes:
    """A key for one sender, recipient and purpose, so that two copies cannot be joined.

    HKDF-SHA-256 (RFC 5869). The key must not change while an agreement runs, or one person
    becomes two.
    """
    info = b"corridor/pseudonym/v1\n" + "\n".join(scope).encode()
    return HKDF(SHA256(), 32, salt=None, info=info).derive(master)


def pseudonym(key: bytes, record_id: str) -> str:
    """128 bits of HMAC-SHA-256 in base32, in the shape of a record id. Still personal data."""
    mark = hmac.digest(key, record_id.encode(), hashlib.sha256)[:16]
    return "pseudonym/" + base64.b32encode(mark).decode().rstrip("=").lower()


def year(value: str) -> str:
    """The year of a date."""
    return value[:4]


def month(value: str) -> str:
    """The month of a date, or the year where no more is known."""
    return value[:7]


def band(value: str, today: str) -> str:
    """The age band a date of birth falls into on `today` (`YYYY-MM-DD`).

    Where month or day are unknown, they count as the last: the age can only be too low by one.
    """
    years = int(today[:4]) - int(value[:4]) - (today[5:] < (value + "-99-99")[5:10])
    for low, high in BANDS:
        if high is None or years <= high:
            return f"{low}+" if high is None else f"{low}-{high}"
    raise AssertionError("bands cover every age")


def generalised(level: int, places: Places, spec: Mapping[str, Any]) -> Transform:
    """Keep administrative codes and names down to `level`, and nothing else of a place.

    Where the source gave only a finer code, its ancestor comes from the table. Raises
    `Unplaced` where the table does not know it, or knows a kept code as a finer area's: what
    lies where is never guessed.
    """
    codes, names, depth = _admin(spec)
    kept = {name for name, at in {**codes, **names}.items() if at <= level}
    finer = [name for name, at in codes.items() if at > level]
    missing = [(name, at) for name, at in codes.items() if 0 < at <= level]

    def transform(value: Mapping[str, Any]) -> dict[str, Any]:
        out = {name: part for name, part in value.items() if name in kept}
        if any(places.level(out[name]) > level for name in codes if name in out):
            raise Unplaced  # a finer area's code stands in a coarser field
        fine = next((value[name] for name in finer if name in value), None)
        for name, at in missing:
            if fine is not None and name not in out:
                found = places.ancestor(fine, at)
                if found is None:
                    raise Unplaced
                out[name] = found
        if depth and any(name in out for name in codes):
            out[depth] = max(at for name, at in codes.items() if name in out)
        return out

    return transform


def peopled(level: int, min_pop: int, places: Places, spec: Mapping[str, Any]) -> Transform:
    """Codes and names down to the finest level, at most `level`, with enough people; no point.

    An area counts when its table says that at least `min_pop` people live there. Where nobody
    knows, the next coarser one is looked at; where none is known, the country is left.
    """
    codes, _, _ = _admin(spec)
    at = [generalised(one, places, spec) for one in range(level + 1)]

    def enough(code: str | None) -> bool:
        return code is not None and (places.population(code) or 0) >= min_pop

    def finest(value: Mapping[str, Any]) -> int:
        own = {depth: value[name] for name, depth in codes.items() if name in value}
        for one in range(level, 0, -1):
            fine = next((code for depth, code in own.items() if depth > one), None)
            area = own.get(one) or (fine and places.ancestor(fine, one))
            if enough(area) and all(enough(own[n]) for n in range(1, one) if n in own):
                return one
        return 0

    return lambda value: at[finest(value)](value)


def coarse(places: Places, spec: Mapping[str, Any]) -> Transform:
    """A point rounded to `COARSE_DECIMALS`, and codes down to `COARSE_LEVEL`."""
    area = generalised(COARSE_LEVEL, places, spec)
    properties = spec["properties"]
    points = [name for name, part in properties.items() if part.get("x-point")]
    precision = next((name for name, part in properties.items() if part.get("x-precision")), None)

    def transform(value: Mapping[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = area(value)
        for name in points:
            if name in value:
                pair = value[name]["coordinates"][:2]
                rounded = [round(number, COARSE_DECIMALS) for number in pair]
                out[name] = {"type": "Point", "coordinates": rounded}
                if precision:
                    out[precision] = "coarse"
        return out

    return transform


def _admin(spec: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, int], str | None]:
    properties = spec["properties"]
    codes = {name: part["x-admin"] for name, part in properties.items() if "x-admin" in part}
    # Finest first, so that `finer` above starts with the most exact code a record has.
    codes = dict(sorted(codes.items(), key=lambda item: -item[1]))
    names = {n: part["x-admin-name"] for n, part in properties.items() if "x-admin-name" in part}
    depth = next((name for name, part in properties.items() if part.get("x-admin-depth")), None)
    return codes, names, depth


def references(key: bytes, spec: Mapping[str, Any]) -> Transform:
    """Pseudonyms wherever the schema says that a record id stands."""
    if spec.get("x-ref"):
        return lambda value: pseudonym(key, value)
    if spec.get("type") == "array":
        inner = references(key, resolve(spec["items"]))
        return lambda value: [inner(item) for item in value]
    marked = {name for name, part in spec.get("properties", {}).items() if part.get("x-ref")}
    if not marked:
        raise GatewayError("nothing in the field is a reference", rule="minimize.no_reference")
    return lambda value: {
        name: pseudonym(key, part) if name in marked else part for name, part in value.items()
    }


def transform(
    record_type: str,
    field: str,
    form: str,
    *,
    key: bytes,
    places: Places,
    today: str,
    min_pop: int = 0,
) -> Transform | None:
    """The function for one field and form; None for what stays as it is, and is not copied.

    With `min_pop` a place never leaves finer than `peopled` says, whatever its form.
    """
    spec = resolve(load(record_type)["properties"][field])
    family = spec["x-family"]
    if family == "place":
        return _placed(spec, form, places, min_pop, at=f"{record_type}.{field}")
    if form == "keep":
        return None
    if family == "date" and form in ("year", "month"):
        return year if form == "year" else month
    if family == "date" and form == "age_band" and "x-band-into" in spec:
        return lambda value: {"band": band(value, today), "as_of": today}
    if family == "id" and form == "pseudonym":
        return references(key, spec)
    raise _unfit(f"{record_type}.{field}")


def _unfit(at: str) -> GatewayError:
    return GatewayError("a form that does not fit its field", rule="minimize.form", at=at)


def _placed(
    spec: Mapping[str, Any], form: str, places: Places, min_pop: int, *, at: str
) -> Transform | None:
    finest = {"keep": max(LEVELS.values()), "coarse_point": COARSE_LEVEL, **LEVELS}
    if form not in finest:
        raise _unfit(at)
    level = finest[form]
    if min_pop:
        return _each(spec, lambda part: peopled(level, min_pop, places, part))
    if form == "keep":
        return None
    if form == "coarse_point":
        return _each(spec, lambda part: coarse(places, part))
    return _each(spec, lambda part: generalised(level, places, part))


def ruled(record_type: str, name: str, how: tuple[str, str], min_pop: int) -> tuple[str, str]:
    """The form and reason of a field under `min_pop`: shapes of places do not leave with it."""
    spec = resolve(load(record_type)["properties"][name])
    shape = "coordinates" in spec.get("properties", ())
    return ("drop", "min_pop") if min_pop and shape and how[0] == "keep" else how


def _each(spec: Mapping[str, Any], make: Callable[[Mapping[str, Any]], Transform]) -> Transform:
    if spec.get("type") != "array":
        return make(spec)
    inner = make(resolve(spec["items"]))

    def listed(values: Sequence[Any]) -> list[Any]:
        return [part for part in map(inner, values) if part]

    return listed


def without(record: Record, gone: Container[str]) -> Record:
    """The record without references to `gone`, and without what only consisted of them."""
    return {
        name: less
        for name, value in record.items()
        if (less := _prune(value, resolve(load(record["record_type"])["properties"][name]), gone))
        is not None
    }


def _prune(value: Any, spec: Mapping[str, Any], gone: Container[str]) -> Any:
    """`value` without references to `gone`; None where nothing is left of it."""
    if spec.get("x-ref"):
        return None if value in gone else value
    if spec.get("type") == "array":
        inner = resolve(spec["items"])
        refs = {name for name, part in inner.get("properties", {}).items() if part.get("x-ref")}
        if refs:
            kept = [item for item in value if not any(item.get(name) in gone for name in refs)]
            return kept or None
    return value


def today_of(now: str) -> str:
    """The UTC day of an instant `YYYY-MM-DDTHH:MM:SSZ`."""
    return datetime.fromisoformat(now).astimezone(UTC).date().isoformat()
