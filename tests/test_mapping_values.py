"""What each converter takes, refuses, and writes back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.bad import Bad
from gateway.mapping.convert import build

RING = [[42.0, 2.0], [42.5, 2.0], [42.5, 2.5], [42.0, 2.0]]
POLYGON = {"as": "geometry", "order": "lat-lon", "shape": "polygon"}
LINE = {"as": "geometry", "order": "lon-lat", "shape": "line"}
POINT = {"as": "point", "order": "lat-lon"}
REFERENCE = {"as": "reference", "without": "H-"}


def convert(spec, value):
    return build(spec, spec.get("codes"), "here.example").forward(value)


@pytest.mark.parametrize(
    ("spec", "value", "found"),
    [
        ({"as": "integer"}, 7, 7),
        ({"as": "integer"}, "-7", -7),
        ({"as": "decimal"}, 7, "7"),
        ({"as": "decimal"}, Decimal("7.50"), "7.50"),
        ({"as": "decimal"}, Decimal("1E+3"), "1000"),
        ({"as": "decimal"}, "7.50", "7.50"),
        ({"as": "number"}, "7.50", 7.5),
        ({"as": "number"}, Decimal("0.1"), 0.1),
        ({"as": "number"}, 7, 7),
        ({"as": "boolean"}, True, True),
        ({"as": "boolean"}, "false", False),
        (POINT, "2.5 42.25", {"type": "Point", "coordinates": [42.25, 2.5]}),
        (POINT, "2.5 42.25 0 5", {"type": "Point", "coordinates": [42.25, 2.5]}),
        (POINT, "2.5 42.25 -7.5 5", {"type": "Point", "coordinates": [42.25, 2.5, -7.5]}),
        (POINT, " 2.5,42.25 ", {"type": "Point", "coordinates": [42.25, 2.5]}),
        (POINT, "2.5, 42.25, 12", {"type": "Point", "coordinates": [42.25, 2.5, 12.0]}),
        (POINT, "4.0E-5 1", {"type": "Point", "coordinates": [1.0, 4e-05]}),
        (
            POINT,
            {
                "type": "Point",
                "coordinates": [42, Decimal("2.5"), 0],
                "properties": {"accuracy": 4},
            },
            {"type": "Point", "coordinates": [42.0, 2.5]},
        ),
        (
            {**POINT, "order": "lon-lat"},
            {"type": "Point", "coordinates": [120, 2.5]},
            {"type": "Point", "coordinates": [120.0, 2.5]},
        ),
        (
            POLYGON,
            "2 42 0 0;2 42.5 0 0;2.5 42.5 0 0;2 42 0 0;",
            {"type": "Polygon", "coordinates": [RING]},
        ),
        (
            POLYGON,
            {"type": "Polygon", "coordinates": [RING, RING]},
            {"type": "Polygon", "coordinates": [RING, RING]},
        ),
        (LINE, "42 2;42.5 2 9", {"type": "LineString", "coordinates": [[42, 2], [42.5, 2, 9]]}),
        (
            LINE,
            {"type": "LineString", "coordinates": [[42, 2], [42.5, 2]]},
            {"type": "LineString", "coordinates": [[42, 2], [42.5, 2]]},
        ),
        (REFERENCE, "H-7", "here.example/7"),
        ({**REFERENCE, "authority": "there.example"}, "7", "there.example/7"),
        ({"as": "list", "by": ";"}, "a;;b", ["a", "b"]),
        ({"as": "list", "by": ";"}, ";", None),
        ({"as": "instant"}, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ({"as": "instant"}, "2026-01-02 03:04:05.5+0130", "2026-01-02T03:04:05.5+01:30"),
        ({"as": "instant", "assume": "UTC"}, "2026-01-02T03:04:05", "2026-01-02T03:04:05Z"),
        ({"as": "zone_assumed"}, "2026-01-02T03:04:05", "assumed-utc"),
        ({"as": "zone_assumed"}, "2026-01-02T03:04:05.1", "assumed-utc"),
        ({"as": "zone_assumed"}, "2026-01-02T03:04:05Z", None),
    ],
)
def test_a_value_is_read_as_what_it_is(spec, value, found):
    read = convert(spec, value)

    assert read == found
    assert read.__class__ is found.__class__


@pytest.mark.parametrize(
    ("spec", "value", "rule"),
    [
        ({"as": "integer"}, True, "value.not_integer"),
        ({"as": "integer"}, 7.0, "value.float"),
        ({"as": "integer"}, Decimal(7), "value.not_integer"),
        ({"as": "integer"}, 10**15, "value.not_integer"),
        ({"as": "integer"}, "7.0", "value.not_integer"),
        ({"as": "decimal"}, 0.1, "value.float"),
        ({"as": "decimal"}, False, "value.not_decimal"),
        ({"as": "decimal"}, Decimal("Infinity"), "value.not_decimal"),
        ({"as": "decimal"}, Decimal("1E+999999"), "value.not_decimal"),
        ({"as": "decimal"}, "1e3", "value.not_decimal"),
        ({"as": "number"}, 0.1, "value.float"),
        ({"as": "number"}, "0.1000000000000001", "value.not_decimal"),
        ({"as": "number"}, "123456789012345.123456", "value.not_exact"),
        ({"as": "number"}, "NaN", "value.not_decimal"),
        ({"as": "boolean"}, 1, "value.not_boolean"),
        ({"as": "boolean"}, "True", "value.not_boolean"),
        ({"as": "boolean"}, "yes", "value.not_boolean"),
        ({}, 7, "value.not_text"),
        ({}, Decimal(7), "value.not_text"),
        (POINT, "2,5 42,1", "value.not_point"),
        (POINT, "2.5", "value.not_point"),
        (POINT, "1 2 3 4 5", "value.not_point"),
        (POINT, "1_0 2", "value.not_point"),
        (POINT, "1_0 2 0 5", "value.not_point"),
        (POINT, "٢ 42 0 0", "value.not_point"),
        (POINT, "٢ 42", "value.not_point"),
        (POINT, "1 2 3 x", "value.not_point"),
        (POINT, [42, 2], "value.not_point"),
        (POINT, "102.5 12 0 0", "value.out_of_range"),
        (POINT, "nan 2 0 0", "value.out_of_range"),
        (POINT, "1 2 inf 0", "value.out_of_range"),
        (POINT, {"type": "Point", "coordinates": [2.5, 102]}, "value.out_of_range"),
        (POINT, {"type": "Point", "coordinates": [2, 10**400]}, "value.out_of_range"),
        (POINT, {"type": "Point", "coordinates": ["2", 1]}, "value.not_point"),
        (POINT, {"type": "Point", "coordinates": [True, 1]}, "value.not_point"),
        (POINT, {"type": "Point", "coordinates": [1]}, "value.not_point"),
        (POINT, {"type": "Point"}, "value.not_point"),
        (POINT, {"type": "Polygon", "coordinates": [RING]}, "value.not_point"),
        (POINT, {"type": "Point", "coordinates": [1, 2], "crs": "x"}, "value.not_point"),
        (POLYGON, "2 42;2 43;3 43;2 42.1", "value.ring_not_closed"),
        (POLYGON, "2 42;2 43;2 42", "value.not_geometry"),
        (POLYGON, {"type": "Polygon", "coordinates": []}, "value.not_geometry"),
        (POLYGON, {"type": "Polygon", "coordinates": "x"}, "value.not_geometry"),
        (POLYGON, {"type": "LineString", "coordinates": RING}, "value.not_geometry"),
        (POLYGON, 7, "value.not_geometry"),
        (LINE, "42 2", "value.not_geometry"),
        (LINE, "200 2;42 2", "value.out_of_range"),
        (REFERENCE, "H-", "value.not_reference"),
        (REFERENCE, "a b", "value.not_reference"),
        (REFERENCE, "/7", "value.not_reference"),
        (REFERENCE, 7, "value.not_text"),
        ({"as": "instant"}, "2026-01-02T03:04:05", "value.no_zone"),
        ({"as": "instant", "assume": "UTC"}, "2026-02-30T03:04:05", "value.no_such_time"),
        ({"as": "instant", "assume": "UTC"}, "2026-W01-1T03:04:05", "value.not_instant"),
        ({"as": "instant", "assume": "UTC"}, "20260102T030405.123", "value.not_instant"),
        ({"as": "zone_assumed"}, "x", "value.not_instant"),
    ],
)
def test_a_value_that_is_something_else_is_refused_and_never_mended(spec, value, rule):
    with pytest.raises(Bad) as caught:
        convert(spec, value)

    assert caught.value.rule == rule
    assert caught.value.args == (rule,)


KINDS = [
    ({"as": "integer"}, st.integers(-(10**14), 10**14)),
    ({"as": "decimal"}, st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", fullmatch=True)),
    ({"as": "number"}, st.integers(-(10**14), 10**14) | st.sampled_from([0.5, 1e-07, -2.25])),
    ({"as": "boolean"}, st.booleans()),
    (
        POINT,
        st.tuples(st.floats(-180, 180), st.floats(-90, 90), st.floats(1, 9000)).map(
            lambda three: {"type": "Point", "coordinates": list(three)}
        ),
    ),
    (POLYGON, st.just({"type": "Polygon", "coordinates": [RING]})),
    (LINE, st.just({"type": "LineString", "coordinates": RING})),
    (REFERENCE, st.from_regex(r"here\.example/[A-Za-z0-9:%-]{1,9}", fullmatch=True)),
    ({"as": "instant"}, st.datetimes().map(lambda one: f"{one:%Y-%m-%dT%H:%M:%S}Z".zfill(20))),
]


@pytest.mark.parametrize(("spec", "values"), KINDS, ids=[kind["as"] for kind, _ in KINDS])
def test_what_is_written_back_is_text_that_reads_the_same(spec, values):
    converter = build(spec, None, "here.example")

    @given(values)
    def back(value):
        written = converter.back(value)
        assert written.__class__ is str
        assert converter.forward(written) == value

    back()


def test_an_area_with_a_hole_has_no_text():
    with pytest.raises(Bad):
        build(POLYGON).back({"type": "Polygon", "coordinates": [RING, RING]})


def test_another_authority_s_record_has_no_number_here():
    with pytest.raises(Bad):
        build(REFERENCE, None, "here.example").back("there.example/7")
