"""GeoJSON: every envelope, what RFC 7946 forbids, our own features, and those of others."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adapters.geojson import GeoJson, GeoJsonSeq
from adapters.geojson.own import DRAWN, drawable
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import RECORD_TYPES, Parsed, Reading, Record, Writing, check, leaves
from tests.canonical_records import comparable, present, records

CANARY = "CanaryAmina"
SAMPLES = Path(__file__).resolve().parent.parent / "adapters/geojson/samples"
OWN = (SAMPLES / "own.geojson").read_bytes()
SHELTERS = (SAMPLES / "shelters.geojson").read_bytes()
RING = [[0, 0], [0, 1], [1, 1], [0, 0]]


def point(longitude: Any = 1, latitude: Any = 2, *more: Any) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude, *more]}


def shape(kind: str, coordinates: Any) -> dict[str, Any]:
    return {"type": kind, "coordinates": coordinates}


def feature(geometry: Any = None, **more: Any) -> dict[str, Any]:
    given = {"type": "Feature", "id": "a.example/1", "geometry": geometry}
    return {**given, "properties": {"record_type": "facility"}, **more}


def collection(*features: Any, **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **more}


def parse(content: Any, plan: Plan | None = None) -> Parsed:
    found = content if isinstance(content, bytes) else json.dumps(content).encode()
    parsed = read(GeoJson(), found, plan)
    for record in parsed.records:
        check(record, at="")
    return parsed


def refused(content: Any, plan: Plan | None = None) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content, plan)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


def plan_for(fields: dict[str, Any], *ids: str, form: str = "geojson") -> Plan:
    return plan_of(
        {
            "mapping": "m",
            "version": "1",
            "format": form,
            "authority": "map.example",
            "records": [
                {"type": "facility", "id": {"all": list(ids or ("id",))}, "fields": fields}
            ],
        },
        at="",
    )


def shelters() -> Plan:
    return read_mapping(SAMPLES / "shelters.geojson.mapping.yaml")


@pytest.fixture(scope="module")
def schema(samples: Callable[[str], Path]) -> jsonschema.Draft7Validator:
    found = json.loads(samples("geojson/schema/FeatureCollection.json").read_bytes())
    return jsonschema.Draft7Validator(found)


def hold(collection: Any, schema: jsonschema.Draft7Validator) -> None:
    """As the schema of geojson.org says, and every ring closed, which it cannot say."""
    schema.validate(collection)
    for one in collection["features"]:
        geometry = one["geometry"]
        if geometry and geometry["type"].endswith("Polygon"):
            several = geometry["coordinates"]
            rings = several if geometry["type"] == "Polygon" else [r for p in several for r in p]
            assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in rings)


LINES = [json.dumps(feature(point(), id=f"a.example/{number}")).encode() for number in (1, 2)]


@pytest.mark.parametrize(
    "content",
    [
        b'{"type":"FeatureCollection","features":[' + b",".join(LINES) + b"]}",
        b"\xef\xbb\xbf" + json.dumps(collection(*map(json.loads, LINES)), indent=2).encode(),
        b"\n".join(LINES),
        b"\r\n".join(LINES) + b"\r\n",
        b"".join(b"\x1e" + line + b"\n" for line in LINES),
        b"\x1e\x1e" + json.dumps(json.loads(LINES[0]), indent=1).encode() + b"\x1e" + LINES[1],
    ],
    ids=["collection", "bom and indent", "lines", "crlf", "sequence", "indented sequence"],
)
def test_every_envelope_holds_the_same_features(content):
    assert [record["record_id"] for record in parse(content).records] == [
        "a.example/1", "a.example/2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        point(180, -90),
        point(1.5, 2, 300),
        shape("MultiPoint", []),
        shape("MultiPoint", [[1, 2]]),
        shape("LineString", [[1, 2], [3, 4, 5]]),
        shape("MultiLineString", [[[1, 2], [3, 4]]]),
        shape("Polygon", [RING, RING]),
        shape("MultiPolygon", [[RING], [RING]]),
        {"type": "GeometryCollection", "geometries": [point(), shape("LineString", RING)]},
        {**point(), "bbox": [1, 2, 1, 2], "crs": {"properties": {"name": "EPSG:4326"}}},
    ],
)
def test_every_geometry_is_read(geometry):
    parsed = parse(feature(geometry))

    assert len(parsed.records) == 1
    assert parsed.unmapped == (("geometry",) if geometry else ())


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ({"type": CANARY}, "geojson.not_geojson"),
        ({"type": "Topology", "objects": {}}, "geojson.not_geojson"),
        ([feature()], "geojson.not_geojson"),
        ({"type": "FeatureCollection"}, "geojson.features"),
        ({"type": "FeatureCollection", "features": {}}, "geojson.features"),
        (collection(CANARY), "geojson.feature"),
        (collection(point()), "geojson.feature"),
        ({"type": "Feature", "properties": {}}, "geojson.geometry"),
        ({"type": "Feature", "geometry": None}, "geojson.properties"),
        (feature(properties=[CANARY]), "geojson.properties"),
        (feature(id=True), "geojson.id"),
        (feature(id=None), "geojson.id"),
        (feature(id=[CANARY]), "geojson.id"),
        (feature(CANARY), "geojson.geometry"),
        (feature({"type": CANARY, "coordinates": []}), "geojson.geometry"),
        (feature({"type": ["Point"]}), "geojson.geometry"),
        (feature({"type": "GeometryCollection"}), "geojson.geometry"),
        (feature({"type": "Point"}), "geojson.position"),
        (feature(shape("Point", [[]])), "geojson.position"),
        (b'{"type":"Point","coordinates":[1,2,1e400]}', "json.invalid"),
        (feature(shape("Point", [1])), "geojson.position"),
        (feature(point(1, 2, 3, 4)), "geojson.position"),
        (feature(point("1", 2)), "geojson.position"),
        (feature(point(True, 2)), "geojson.position"),
        (feature(point(1, None)), "geojson.position"),
        (feature(shape("LineString", CANARY)), "geojson.position"),
        (feature(point(36.8, -91)), "geojson.out_of_range"),
        (feature(point(181, 0)), "geojson.out_of_range"),
        (feature(shape("LineString", [[1, 2]])), "geojson.line"),
        (feature(shape("MultiPolygon", [[]])), "geojson.ring"),
        (feature(shape("Polygon", [RING[:3]])), "geojson.ring"),
        (feature(shape("Polygon", [[*RING[:3], [5, 5]]])), "geojson.ring"),
        (feature({"type": "GeometryCollection", "geometries": [point(), point(0, 91)]}),
         "geojson.out_of_range"),
        (collection(feature(), crs={"type": "name", "properties": {"name": "EPSG:3857"}}),
         "geojson.crs"),
        (collection(feature(), crs=None), "geojson.crs"),
        (feature(crs={"type": "link", "properties": {"href": CANARY}}), "geojson.crs"),
        (feature({**point(), "crs": CANARY}), "geojson.crs"),
        (feature(bbox=[1, 2, 3]), "geojson.bbox"),
        (collection(bbox=CANARY), "geojson.bbox"),
        (b'{"type":"Feature","id":"a","id":"b","geometry":null,"properties":{}}', "json.key_twice"),
        (b'{"type":"Point","coordinates":[1,2]', "json.truncated"),
        (b'{"type":"Point","coordinates":[1,NaN]}', "json.invalid"),
        (b"\x1e" + LINES[0][:-1], "json.truncated"),
        (b"\x1e{}\x1e", "geojson.not_geojson"),
        (b"", "json.empty"),
        (feature(properties={"name": CANARY}), "mapping.missing"),
        (point(), "mapping.missing"),
        (feature(properties={"record_type": CANARY}), "geojson.record_type"),
        (feature(properties={"record_type": ["facility"]}), "geojson.record_type"),
        (feature(id=7), "geojson.record_id"),
        (feature(properties={"record_type": "facility", "drawn": CANARY}), "geojson.drawn"),
        (feature(properties={"record_type": "facility", "drawn": "geometry"}), "geojson.drawn"),
        (feature(properties={"record_type": "facility", "drawn": ["geometry"]}), "geojson.drawn"),
        (feature(shape("MultiPolygon", [[RING]]),
                 properties={"record_type": "alert", "drawn": "info[].area[].polygon[]"}),
         "geojson.drawn"),
    ],
)  # fmt: skip
def test_what_is_refused_and_by_which_rule(content, rule):
    assert refused(content)[0] == rule


@pytest.mark.parametrize("kind", ["Point", "LineString", "Polygon"])
def test_a_geometry_without_a_position_is_none(kind):
    parsed = parse(feature(shape(kind, [])))

    assert parsed.unmapped == ()
    assert parsed.records == parse(feature()).records


def test_errors_name_the_feature():
    assert refused(collection(feature(), feature(point(0, 91))))[1] == "feature 2"
    assert refused(b"\n".join([*LINES, b"\x1e"]))[1].startswith("line 3")
    assert refused(b"\x1e" + LINES[0] + b"\x1e{}")[1] == "text 2"


def test_a_sequence_without_end_is_refused_early():
    class Endless:
        taken = 0

        def seek(self, place: int) -> None:
            pass

        def read(self, size: int) -> bytes:
            self.taken += size
            return b"\x1e" if size == 1 else b"x" * size

    file = Endless()
    with pytest.raises(SenderError, match="too long"):
        list(GeoJson().parse(file, None, Reading()))  # type: ignore[arg-type]
    assert file.taken < 20 << 20


@pytest.mark.parametrize("adapter", [GeoJson(), GeoJsonSeq()])
def test_our_own_features_come_back_whole(adapter, schema):
    parsed = parse(OWN)
    rendered = write(adapter, parsed.records)

    assert parse(rendered.content).records == parsed.records
    assert rendered.unrendered == ()
    assert rendered.lineage == parsed.lineage
    assert parsed.unmapped == ()
    if adapter.name == "geojson":
        hold(json.loads(rendered.content), schema)
        assert json.loads(rendered.content)["features"] == json.loads(OWN)["features"]


def test_an_empty_collection_is_written_and_read(schema):
    rendered = write(GeoJson(), [])

    hold(json.loads(rendered.content), schema)
    assert parse(rendered.content).records == []


def test_what_stands_where():
    clinic, needs, alert, household = json.loads(OWN)["features"]
    found = parse(OWN)

    assert found.records[0]["place"]["geo"] == clinic["geometry"]
    assert found.records[1]["geometry"] == needs["geometry"]
    assert found.lineage["facility.place.geo"] == "geometry"
    assert found.lineage["facility.service[].service_name"] == "properties/service"
    assert found.lineage["alert.info[].area[].polygon[]"] == "properties/info"
    assert found.lineage["needs.record_id"] == "id"
    assert (alert["geometry"]["type"], household["geometry"]) == ("MultiPolygon", None)


def test_every_type_of_record_can_be_drawn():
    for record_type in RECORD_TYPES:
        assert drawable(record_type), record_type
        assert DRAWN not in leaves(record_type)
    assert drawable("facility") == ("geometry", "place.geo")


def test_what_is_no_field_is_listed_and_stays():
    odd = {"record_type": "facility", "weight": CANARY, "place": {"name": CANARY}, "a b": CANARY}
    parsed = parse(collection(feature(properties=odd, title=CANARY), bbox=[0, 0, 1, 1], name="n"))

    assert parsed.unmapped == (
        "bbox", "name", "properties/?", "properties/place", "properties/weight", "title",
    )  # fmt: skip
    assert CANARY not in str(parsed.records)


def test_a_shape_that_is_not_closed_is_not_drawn(schema):
    record = {
        "record_type": "facility",
        "record_id": "a.example/1",
        "geometry": shape("Polygon", [[*RING[:3], [5, 5]]]),
        "place": {"geo": point()},
    }
    rendered = write(GeoJson(), [record])

    hold(json.loads(rendered.content), schema)
    assert rendered.unrendered == ("facility.geometry",)
    assert parse(rendered.content).records[0]["place"] == {"geo": point()}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(records(types=RECORD_TYPES, most=3))
def test_every_record_comes_back_or_is_told_to_be_lost(schema, found):
    rendered = write(GeoJson(), found)
    hold(json.loads(rendered.content), schema)
    back = parse(rendered.content)

    gone = set(rendered.unrendered)
    assert comparable(back.records, gone) == comparable(found, gone)
    assert present(found) <= rendered.lineage.keys() | gone
    assert gone | rendered.lineage.keys() <= present(found)
    assert all(leaf.endswith("geometry") for leaf in gone)


def test_features_of_others_become_records():
    parsed = parse(SHELTERS, shelters())
    school, camp, clinic = parsed.records

    assert school["place"]["geo"]["coordinates"] == [36.62, -1.31, 1612.5]
    assert (school["capacity_day"], school["resource_need"]) == (120, ["water", "blankets"])
    assert camp["geometry"]["type"] == "Polygon"
    assert "geometry" not in clinic
    assert parsed.lineage["facility.place.geo"] == "geometry/Point"
    assert parsed.unmapped == ("bbox", "crs", "name", "properties/beds", "properties/marker-color")


@pytest.mark.parametrize("adapter", [GeoJson(), GeoJsonSeq()])
def test_features_of_others_go_back(adapter, schema):
    parsed = parse(SHELTERS, shelters())
    rendered = write(adapter, parsed.records, shelters())

    assert parse(rendered.content, shelters()).records == parsed.records
    assert rendered.unrendered == ()
    assert rendered.lineage == parsed.lineage
    if adapter.name == "geojson":
        hold(json.loads(rendered.content), schema)
        assert json.loads(rendered.content)["features"][0]["properties"]["beds"] == {
            "day": 120,
            "night": 80,
        }


def test_a_mapping_says_which_geometries_it_takes():
    named = {"place.geo": {"from": "geometry", "as": "point", "order": "lon-lat"}}
    line = feature(shape("LineString", RING), properties={})

    assert parse(feature(point(), properties={}), plan_for(named)).unmapped == ()
    assert refused(line, plan_for(named))[0] == "value.not_point"
    assert parse(line, plan_for({})).unmapped == ("geometry/LineString",)


def test_a_feature_without_an_id_is_named_by_its_content():
    plan = plan_for({"facility_name": "properties/name"}, "feature/digest")
    one, same, other = (
        {"type": "Feature", "geometry": point(1, latitude), "properties": {"name": name}}
        for latitude, name in ((2.5, "A"), (2.5, "A"), (2.5, "B"))
    )
    found = [record["record_id"] for record in parse(collection(one, same, other), plan).records]

    assert found[0] == found[1] != found[2]
    turned = json.dumps(one, sort_keys=True).encode()
    assert parse(turned, plan).records[0]["record_id"] == found[0]
    written = write(GeoJson(), parse(one, plan).records, plan)
    assert written.unrendered == ("facility.record_id",)
    assert b"digest" not in written.content


def test_the_kind_of_geometry_can_be_asked_for():
    plan = plan_for({"description": "geometry/type"}, "geometry/type")

    assert parse(shape("MultiPoint", [[1, 2]]), plan).records[0]["record_id"] == (
        "map.example/MultiPoint"
    )


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"a": {"b": {"c": "x"}}}, "x"),
        ({"a": {"b/c": "x"}}, "x"),
        ({"a": {}}, None),
        ({"a": {"b": {"c": ["x", "y"]}}}, "x;y"),
        ({"a": {"b": {"c": []}}}, None),
    ],
)
def test_properties_are_paths(properties, name):
    plan = plan_for({"facility_name": "properties/a/b/c"})

    assert parse(feature(properties=properties), plan).records[0].get("facility_name") == name


def test_two_properties_of_one_path_are_refused():
    content = feature(properties={"a/b": CANARY, "a": {"b": "x"}})

    assert refused(content, plan_for({}))[0] == "geojson.property"


def test_an_array_of_objects_is_a_repeat():
    fields = {
        "service[]": {
            "each": "properties/services",
            "fields": {"service_name": "properties/services/name"},
        }
    }
    content = feature(properties={"services": [{"name": "A"}, {"name": "B", "x": 1}]})
    parsed = parse(content, plan_for(fields))

    assert parsed.records[0]["service"] == [{"service_name": "A"}, {"service_name": "B"}]
    assert parsed.unmapped == ("properties/services/x",)


def test_decimals_keep_their_digits():
    plan = plan_for({"description": "id", "place.name": {"from": "properties/x", "as": "decimal"}})

    found = parse(b'{"type":"Feature","id":7,"geometry":null,"properties":{"x":1.50}}', plan)

    assert found.records[0]["place"]["name"] == "1.50"
    assert found.records[0]["record_id"] == "map.example/7"


def test_a_feature_has_one_geometry(schema):
    outline = shape("Polygon", [RING])
    record = {
        "record_type": "facility",
        "record_id": "map.example/1",
        "place": {"geo": point()},
        "geometry": outline,
    }
    rendered = write(GeoJson(), [record], shelters())

    hold(json.loads(rendered.content), schema)
    assert json.loads(rendered.content)["features"][0]["geometry"] == outline
    assert rendered.unrendered == ("facility.place.geo",)


def test_a_mapping_for_another_format_is_refused():
    for use in (
        lambda plan: read(GeoJson(), OWN, plan),
        lambda plan: write(GeoJson(), [], plan),
    ):
        with pytest.raises(SenderError) as caught:
            use(plan_for({}, form="kobo"))
        assert caught.value.rule == "mapping.other_format"


def test_features_are_written_one_by_one():
    record: Record = {"record_type": "facility", "record_id": "a.example/1"}

    class Endless:
        def __iter__(self):
            return (record for _ in range(1000))

    pieces = list(GeoJson().render(Endless(), None, Writing()))  # type: ignore[arg-type]

    assert len(pieces) == 1001
    assert len(json.loads(b"".join(pieces))["features"]) == 1000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(OWN)), st.integers(0, 30), st.binary(max_size=6))
@example(0, 0, b"\x1e")
def test_any_damage_is_read_or_refused(place, cut, noise):
    content = OWN[:place] + noise + OWN[place + cut :]
    for plan in (None, shelters()):
        try:
            parse(content, plan)
        except SenderError as error:
            assert error.rule.partition(".")[0] in (  # noqa: PT017
                "json", "geojson", "schema", "mapping", "value", "source",
            )  # fmt: skip


REAL = {
    "bad__bad-featurelist.geojson": "geojson.position",
    "bad__bad-json.geojson": "json.invalid",
    "bad__no-geometry.json": "geojson.geometry",
    "bad__point-toofew.geojson": "geojson.position",
    "sierra-leone-districts.geojson": "geojson.ring",
}


def test_real_files(samples):
    plan = plan_for({"description": "properties/popupContent"}, "feature/digest")
    for path in sorted(samples("geojson/open").iterdir()):
        if path.name in REAL:
            assert refused(path.read_bytes(), plan)[0] == REAL[path.name], path.name
            continue
        records = parse(path.read_bytes(), plan).records
        assert len({record["record_id"] for record in records}) == len(records) > 0, path.name
