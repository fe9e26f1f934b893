"""Mappings and source objects for property tests."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from gateway.mapping import Plan, plan_of, read_mapping

HOPE = Path(__file__).resolve().parent.parent / "deploy/demo/mappings/hope-registration-kobo.yaml"

TABLE: dict[str, Any] = {
    "mapping": "every-line",
    "version": "1",
    "format": "kobo",
    "authority": "kobo.example",
    "records": [
        {
            "type": "household",
            "id": {"first": ["meta/id", "_uuid"], "without": "uuid:"},
            "fields": {
                "group_type": {"constant": "household", "when": {"from": "kind", "is": ["h", "H"]}},
                "group_head": {
                    "member": "person",
                    "each": "people",
                    "when": {"from": "*/role", "is": ["head"]},
                },
                "group_size": {"from": ["size", "*/old_size"], "as": "integer", "missing": ["n/a"]},
                "poverty_score": {"from": "*/score", "as": "decimal"},
                "displacement_status": {
                    "from": "*/status",
                    "as": "code",
                    "fold": "lower",
                    "codes": {"idp": "IDP", "Host": "HST", "none": None},
                    "otherwise": "OOC",
                },
                "member_list[]": {
                    "each": "people",
                    "fields": {
                        "member": {"member": "person"},
                        "is_head": {"constant": True, "when": {"from": "*/role", "is": ["head"]}},
                        "relationship_head": {
                            "from": "*/role",
                            "as": "code",
                            "list": "relationship",
                            "codes": {"head": "head", "child": "child", "guest": None},
                        },
                    },
                },
                "registration_date": {"from": "made", "as": "written_date"},
                "source.source_date": {"from": "made", "as": "instant", "assume": "UTC"},
                "source.source_date_zone": {"from": "made", "as": "zone_assumed"},
                "place.geo": {"from": "*/point", "as": "point", "order": "lon-lat"},
                "protection.consent.scope": {
                    "from": "*/scope",
                    "as": "codes",
                    "by": " ",
                    "codes": {"a": "a", "b": "b", "c": None},
                },
                "group_identifier[]": [
                    {
                        "needs": "identifier_value",
                        "fields": {
                            "identifier_type": {"constant": "card"},
                            "identifier_value": "*/card",
                        },
                    },
                    {
                        "needs": "identifier_value",
                        "fields": {
                            "identifier_type": {"constant": "ticket"},
                            "identifier_value": {
                                "from": "*/ticket",
                                "when": {"from": "kind", "is": ["h"]},
                            },
                        },
                    },
                ],
            },
        },
        {
            "type": "person",
            "each": "people",
            "fields": {
                "name.full_name": "*/name",
                "name.alternate_names": {"from": "*/also", "as": "list", "by": ";"},
                "birth_date": {"from": "*/born", "as": "partial_date"},
                "registration_date": {"from": "../day", "as": "date"},
                "is_disabled": {
                    "from": "*/disabled",
                    "as": "code",
                    "codes": {"1": True, "0": False},
                },
                "phone_number[]": ["*/phone", {"from": "*/phone2", "missing": ["none"]}],
                "relationships[]": {
                    "each": "people",
                    "fields": {
                        "related": {"member": "person"},
                        "relationship_type": {
                            "from": "*/role",
                            "as": "code",
                            "codes": {"head": "head", "child": "child", "guest": None},
                        },
                    },
                },
                "sex": {
                    "from": "*/sex",
                    "as": "code",
                    "codes": {"m": "male", "f": "female"},
                    "when": {"from": "../kind", "is": ["h"]},
                },
            },
        },
    ],
}
"""A table with every kind of line and every converter."""


ROWS: dict[str, Any] = {
    "mapping": "typed-rows",
    "version": "1",
    "format": "kobo",
    "authority": "rows.example",
    "left": ["internal"],
    "records": [
        {
            "type": "facility",
            "id": {"all": ["site", "round"]},
            "fields": {
                "facility_id": "site",
                "facility_name": {
                    "from": ["name", "*/label"],
                    "missing": {
                        "-": "unknown",
                        "***": "withheld",
                        "": "unanswered",
                        "null": "not_asked",
                    },
                },
                "facility_kind": {
                    "from": "kind",
                    "as": "code",
                    "fold": "lower",
                    "codes": {"Clinic": "Clinic", "camp": "Camp", "none": None},
                    "missing": {"NA": "not_asked"},
                },
                "part_of": {"from": "parent", "as": "reference", "without": "S-"},
                "place.location_code": {
                    "from": "iso",
                    "as": "code",
                    "table": "country.iso2",
                    "list": "country",
                    "missing": {"XX": "withheld"},
                },
                "place.name": {"from": "*/village", "missing": {"": "unanswered"}},
                "place.geo": {"from": "at", "as": "point", "order": "lat-lon"},
                "geometry": {
                    "from": "area",
                    "as": "geometry",
                    "order": "lat-lon",
                    "shape": "polygon",
                },
                "capacity_day": {"from": "day", "as": "integer", "missing": ["-1"]},
                "capacity_night": {
                    "from": "night",
                    "as": "integer",
                    "when": {"from": "counted", "is": [True, 1, "yes"]},
                },
                "comment": {"from": "note", "missing": {"null": "unanswered"}},
                "service[]": {
                    "each": "services",
                    "fields": {
                        "service_name": {"from": "what", "missing": {"": "unanswered"}},
                        "is_available": {
                            "from": "open",
                            "as": "boolean",
                            "missing": {"null": "unknown"},
                        },
                        "available_count": {"from": "count", "as": "integer"},
                    },
                },
            },
        }
    ],
}
"""Typed rows without an id of their own, with every way to say that there is no value."""


def every_line() -> Plan:
    return plan_of(TABLE, at="table")


def rows() -> Plan:
    return plan_of(ROWS, at="rows")


def hope() -> Plan:
    return read_mapping(HOPE)


GOOD = {
    "meta/id": ["uuid:1", "uuid:2"],
    "_uuid": ["3"],
    "kind": ["h", "H", "other"],
    "size": ["4"],
    "g/old_size": ["4"],
    "g/score": ["1.50", "-3"],
    "status": ["idp", "IDP", "host", "none", "elsewhere"],
    "made": ["2026-01-02T03:04:05", "2026-01-02 03:04:05.678+0300", "2026-01-02T03:04:05Z"],
    "a/b/point": ["42.1 2.3 0 0", "42.1,2.3"],
    "scope": ["a", "a b", "c", "b c a"],
    "x/card": ["007", "A 1"],
    "ticket": ["T1"],
    "day": ["2026-01-01"],
}
GOOD_ITEM = {
    "people/role": ["head", "child", "guest"],
    "people/name": ["Amina", "عمر"],
    "people/also": ["A;B", "A;;C", ";"],
    "people/born": ["1990", "1990-05", "1990-05-06"],
    "people/disabled": ["1", "0"],
    "people/phone": ["+252 1"],
    "phone2": ["+252 2", "none"],
    "people/x/sex": ["m", "f"],
    "people/new_column": ["?"],
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.lists(st.integers() | st.text(max_size=2), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.sampled_from(["2026-02-30", "2026-13-01", "٢٠٢٦-٠١-٠١", "999 999", "NaN", " ", "1\n"]),
)


RING = [[42.0, 2.0], [42.5, 2.0], [42.5, 2.5], [42.0, 2.0]]
GOOD_ROW = {
    "site": ["A 1", "B/é:2"],
    "round": [1, 12, "x"],
    "name": ["Halgan", "-", "***", "", None],
    "z/label": ["Halgan", "", None, "-"],
    "kind": ["clinic", "CAMP", "None", "na"],
    "parent": ["S-7", "8"],
    "iso": ["SO", "XX", "ET"],
    "g/village": ["Daru", ""],
    "at": ["2.5 42.25 0 3", {"type": "Point", "coordinates": [42.25, Decimal("2.5"), 7]}],
    "area": [
        "2 42 0 0;2 42.5 0 0;2.5 42.5 0 0;2 42 0 0",
        {"type": "Polygon", "coordinates": [RING]},
    ],
    "day": [7, "8", "-1", 0],
    "night": [7, "8"],
    "counted": [True, 1, "yes", "no", False, 0, "1"],
    "note": ["x", None],
    "internal": ["y"],
}
GOOD_SERVICE = {
    "what": ["birth", ""],
    "open": [True, False, "true", "false", None],
    "count": [0, 3, "4"],
}


def _object(good: dict[str, list[Any]], odd: st.SearchStrategy[Any], always: str = "") -> Any:
    def one(key: str) -> st.SearchStrategy[Any]:
        return st.one_of(*[st.sampled_from(good[key])] * 8, odd)

    first = {always: st.sampled_from(good[always])} if always else {}
    return st.fixed_dictionaries(first, optional={k: one(k) for k in good if k != always})


def good_sources() -> st.SearchStrategy[Any]:
    """Source objects as a form would send them."""
    items = st.lists(_object(GOOD_ITEM, st.none()), max_size=3)
    return st.tuples(_object(GOOD, st.none(), "meta/id"), items).map(
        lambda pair: {**pair[0], "people": pair[1]}
    )


def _services(odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    one = _object(GOOD_SERVICE, odd)
    return st.lists(one, max_size=3) | one


def good_rows() -> st.SearchStrategy[Any]:
    """Rows as a typed system would send them."""
    row = _object(GOOD_ROW, st.none(), "site")
    return st.tuples(row, _services(st.none()), st.sampled_from([1, "2"])).map(
        lambda three: {**three[0], "services": three[1], "round": three[2]}
    )


def odd_rows() -> st.SearchStrategy[Any]:
    """Rows with values, keys and shapes no system sends."""
    typed = ODD | st.decimals(allow_nan=True) | st.sampled_from([RING, {"type": "Polygon"}])
    whole = st.tuples(_object(GOOD_ROW, typed), _services(typed) | typed).map(
        lambda pair: {**pair[0], "services": pair[1]}
    )
    return st.one_of(whole, whole, whole, good_rows(), typed)


def odd_sources() -> st.SearchStrategy[Any]:
    """Source objects with values, keys and shapes no form sends."""
    items = st.lists(_object(GOOD_ITEM, ODD) | ODD, max_size=3) | ODD
    extra = st.dictionaries(
        st.sampled_from(["b/point", "old_size", "y/card", "card", "vendor", "people/born", ""]),
        ODD | st.sampled_from(["4", "007", "1990"]),
        max_size=2,
    )
    whole = st.tuples(_object(GOOD, ODD), items, extra).map(
        lambda three: {**three[0], "people": three[1], **three[2]}
    )
    return st.one_of(whole, whole, whole, _object(GOOD, ODD, "meta/id"), ODD)
