"""Ushahidi: posts of both versions, what is refused, signatures, and the posts that are written."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.ushahidi import Ushahidi, wkt
from adapters.ushahidi.answers import outcomes
from adapters.ushahidi.signature import sign, verify
from gateway.adapter import Outcome, read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed, Record, check
from tests.canonical_records import comparable

CANARY = "CanaryAmina"
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "adapters/ushahidi/samples"
REPORTS = read_mapping(SAMPLES / "mapping.yaml")
HOOK = read_mapping(SAMPLES / "hook.json.mapping.yaml")
USHAHIDI = Ushahidi()
FIELDS: dict[str, Any] = {
    "facility_name": "title",
    "comment": "values/remark",
    "place.geo": {"from": "values/where", "as": "point", "order": "lat-lon"},
    "geometry": {"from": "values/area", "as": "geometry", "order": "lon-lat", "shape": "polygon"},
    "alternate_names": {"from": "values/also", "as": "list", "by": "\n"},
    "capacity_day": {"from": "values/beds", "as": "integer"},
    "part_of": {"from": "form/id", "as": "reference"},
}


def plan(fields: Any = None, *, name: str = "ushahidi") -> Plan:
    return plan_of(
        {
            "mapping": "places",
            "version": "1",
            "format": name,
            "authority": "map.example",
            "records": [{"type": "facility", "id": {"first": ["id"]}, "fields": fields or FIELDS}],
        },
        at="test",
    )


def post(**values: Any) -> dict[str, Any]:
    return {"id": 7, "title": "A", "values": values}


def five(*fields: Any) -> dict[str, Any]:
    return {"id": 7, "title": "A", "post_content": [{"id": 1, "fields": list(fields)}]}


def parse(document: Any, mapping: Plan | None = None) -> Parsed:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    parsed = read(USHAHIDI, content, mapping or plan())
    for record in parsed.records:
        check(record, at="")
    return parsed


def one(**values: Any) -> Record:
    (record,) = parse(post(**values)).records
    return record


def refused(document: Any, mapping: Plan | None = None) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(document, mapping)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


def test_a_page_of_posts():
    parsed = parse((SAMPLES / "report.json").read_bytes(), REPORTS)
    first, second = parsed.records

    assert first["record_id"] == "reports.bahari.example/4711"
    assert first["place"] == {
        "admin2_code": "SO2401", "geo": {"type": "Point", "coordinates": [43.65, 3.125]},
    }  # fmt: skip
    assert first["geometry"]["type"] == "Polygon"
    assert first["geometry"]["coordinates"][0][2] == [43.7, 3.2]
    assert first["cause"] == ["Clean water", "Tents, large"]
    assert second["cause"] == ["Clean water"]
    assert {"author_realname", "author_email", "values/photo/id"} <= set(parsed.unmapped)


def test_what_is_read_is_written():
    parsed = parse((SAMPLES / "report.json").read_bytes(), REPORTS)
    rendered = write(USHAHIDI, parsed.records, REPORTS)
    first, second = map(json.loads, rendered.content.splitlines())

    assert rendered.unrendered == ()
    assert parse(rendered.content, REPORTS).records == parsed.records
    assert first["id"] == 4711
    assert first["values"]["point"] == [{"lat": 3.125, "lon": 43.65}]
    assert first["values"]["people"] == [120]
    assert first["values"]["needs"] == ["Clean water", "Tents, large"]
    assert first["values"]["reach"] == ["POLYGON((43.6 3.1,43.7 3.1,43.7 3.2,43.6 3.1))"]
    assert second["values"]["needs"] == ["Clean water"]


def test_version_5_and_webhooks():
    parsed = parse((SAMPLES / "hook.json").read_bytes(), HOOK)
    (record,) = parsed.records

    assert record["facility_name"] == "Gelbis health post"
    assert record["place"]["geo"]["coordinates"] == [43.651, 3.126]
    assert record["status_date"] == "2026-04-20T07:00:00.000Z"
    assert record["capacity_day"] == 12
    assert record["alternate_names"] == ["Daru A", "Daru old"]
    assert "post_content/id-13/value_meta/from_tz" in parsed.unmapped
    assert "webhook_uuid" in parsed.unmapped
    lost = write(USHAHIDI, parsed.records, HOOK).unrendered
    assert set(lost) == {
        f"facility.{name}"
        for name in ("facility_name", "place.geo", "status_date", "capacity_day",
                     "alternate_names[]")
    }  # fmt: skip


def test_every_envelope_says_the_same():
    found = parse(post(remark=["x"])).records

    assert parse([post(remark=["x"])]).records == found
    assert parse({"count": 1, "results": [post(remark=["x"])], "next": "n"}).records == found
    assert parse({"result": post(remark=["x"])}).records == found
    assert parse(json.dumps(post(remark=["x"])).encode() + b"\n").records == found
    assert parse({"results": [], "next": "n", "count": 0}).unmapped == ("next",)


@pytest.mark.parametrize(
    ("values", "field", "value"),
    [
        ({"remark": ["a"]}, "comment", "a"),
        ({"remark": []}, "comment", None),
        ({"remark": [None]}, "comment", None),
        ({"remark": "a"}, "comment", "a"),
        ({"where": [{"lat": 3, "lon": 43.5}]}, "place",
         {"geo": {"type": "Point", "coordinates": [43.5, 3]}}),
        ({"where": [{"lat": "-3", "lon": "43.5"}]}, "place",
         {"geo": {"type": "Point", "coordinates": [43.5, -3]}}),
        ({"where": [{"lat": None, "lon": None}]}, "place", None),
        ({"where": [{}]}, "place", None),
        ({"also": ["a", 2, True]}, "alternate_names", ["a", "2", "true"]),
        ({"also": [1]}, "alternate_names", ["1"]),
        ({"beds": [12]}, "capacity_day", 12),
        ({"area": ["polygon ((1 2, 3 4 ,5 6,1 2),(1 2,3 4,5 6,1 2))"]}, "geometry",
         {"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 6], [1, 2]]] * 2}),
    ],
)  # fmt: skip
def test_values(values, field, value):
    assert one(**values).get(field) == value


def test_no_values_may_be_an_empty_list():
    assert len(parse({"id": 7, "title": "A", "values": []}).records) == 1


def test_the_second_of_several_points_has_a_place_of_its_own():
    fields = FIELDS | {"place.geo": {"from": "values/where#2", "as": "point", "order": "lat-lon"}}
    points = [{"lat": 1, "lon": 2}, {"lat": 3, "lon": 4}]
    parsed = parse(post(where=points), plan(fields))

    assert parsed.records[0]["place"]["geo"]["coordinates"] == [4, 3]
    assert "values/where" in parsed.unmapped
    both = plan({
        "place.geo": {"from": "values/where", "as": "point", "order": "lat-lon"},
        "comment": "values/kind#2",
        "facility_kind": "values/kind",
    })  # fmt: skip
    written = write(USHAHIDI, [{**parsed.records[0], "comment": "x"}], both)
    assert json.loads(written.content)["values"] == {"where": [{"lat": 3.0, "lon": 4.0}],
                                                     "kind": ["x"]}  # fmt: skip
    assert "facility.comment" in written.unrendered


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ({"message": CANARY, "direction": "outgoing"}, "ushahidi.message"),
        ({"name": "x", "shared_secret": CANARY}, "ushahidi.webhook_settings"),
        ({"event_type": "create", "entity_type": "post"}, "ushahidi.webhook_settings"),
        ({"type": "FeatureCollection", "features": []}, "ushahidi.geojson"),
        ({"type": "Feature", "geometry": None, "properties": {}}, "ushahidi.geojson"),
        ({"errors": [{"title": CANARY}]}, "ushahidi.error"),
        ({"error": 422, "messages": {}}, "ushahidi.error"),
        ({CANARY: 1}, "ushahidi.not_a_post"),
        ([7], "ushahidi.not_a_post"),
        (b"apikeys:\n", "json.invalid"),
        (post(remark=["a", "b"]), "value.not_text"),
        (post(remark=[7]), "value.not_text"),
        (post(also=["a\nb"]), "ushahidi.line_break"),
        (post(where=[{"lat": CANARY, "lon": 1}]), "ushahidi.point"),
        (post(where=[{"lat": 1}]), "ushahidi.point"),
        (post(where=[{"lat": True, "lon": 1}]), "ushahidi.point"),
        (post(where=[{"lat": "3,1", "lon": "1"}]), "ushahidi.point"),
        (post(where=[{"lat": "", "lon": ""}]), "ushahidi.point"),
        (post(where=[{"lat": 91, "lon": 1}]), "value.out_of_range"),
        (post(area=["POLYGON((0 0,1 1,2 2,0 1))"]), "value.ring_not_closed"),
        (post(area=["MULTIPOLYGON(((0 0,1 1,2 2,0 0)))"]), "value.not_point"),
        (post(area=["LINESTRING(0 0,1 1)"]), "value.not_geometry"),
        (post() | {"values/remark": "x", "values": {"remark": ["y"]}}, "ushahidi.twice"),
        (five({"key": "a"}, {"key": "a"}), "ushahidi.twice"),
        (five({"value": 1}), "ushahidi.field"),
        (five({"id": True}), "ushahidi.field"),
        (five(7), "ushahidi.field"),
        ({"post_content": [7]}, "ushahidi.stage"),
        ({"post_content": [{"id": 1}]}, "ushahidi.stage"),
        (b'{"id": 7, "title": "A", "title": "B", "values": {}}', "json.key_twice"),
    ],
)  # fmt: skip
def test_what_is_refused_and_by_which_rule(document, rule):
    assert refused(document)[0] == rule


def test_errors_name_the_line_and_the_field():
    lines = [post(), post(where=[{"lat": CANARY, "lon": 1}])]
    content = b"\n".join(json.dumps(line).encode() for line in lines)

    assert refused(content) == ("ushahidi.point", "line 2, values/where")


def test_several_values_that_nobody_maps_are_listed():
    parsed = parse(post(tags1=[1, 2], nested=[[1], [2]], **{f"{CANARY} x": ["a"]}))

    assert parsed.unmapped == ("?", "values/nested", "values/nested#2", "values/tags1")


@pytest.mark.parametrize("mapping", [None, plan(name="kobo")])
def test_a_mapping_is_needed(mapping):
    with pytest.raises(SenderError) as caught:
        read(USHAHIDI, b"{}", mapping)
    assert caught.value.rule in ("mapping.missing", "mapping.other_format")


def test_keys_of_a_post_itself_keep_their_shape():
    mapping = plan({"alternate_names": {"from": "tags", "as": "list", "by": "\n"},
                    "part_of": {"from": "form/id", "as": "reference"},
                    "comment": "completed_stages"})  # fmt: skip
    record = {
        "record_type": "facility", "schema_version": "1.0", "record_id": "map.example/new",
        "alternate_names": ["a", "b"], "part_of": "map.example/3", "comment": "1",
    }  # fmt: skip
    rendered = write(USHAHIDI, [record], mapping)

    assert json.loads(rendered.content) == {
        "id": "new", "tags": ["a", "b"], "form": {"id": 3}, "completed_stages": ["1"],
        "values": {},
    }  # fmt: skip
    assert parse(rendered.content, mapping).records == [record]


@pytest.mark.parametrize(
    "said", [{"form": {"id": 3, "url": "x"}}, {"form": {"id": "3"}}, {"form": {"id": 3}}]
)
def test_the_survey_of_a_post_is_a_reference(said):
    parsed = parse(post() | said)

    assert parsed.records[0]["part_of"] == "map.example/3"
    assert json.loads(write(USHAHIDI, parsed.records, plan()).content)["form"] == {"id": 3}


def test_a_height_and_a_line_break_have_no_place():
    record = {
        **one(), "alternate_names": ["a\nb"],
        "place": {"geo": {"type": "Point", "coordinates": [1.0, 2.0, 3.0]}},
    }  # fmt: skip

    assert set(write(USHAHIDI, [record], plan()).unrendered) == {
        "facility.alternate_names[]", "facility.place.geo",
    }  # fmt: skip


def test_items_of_a_field_may_be_walked_one_by_one():
    mapping = plan({
        "service[]": {"each": "values/photo", "fields": {"service_name": "values/photo/caption"}},
        "comment": {"from": "values/remark", "missing": {"null": "unanswered"}},
    })  # fmt: skip
    parsed = parse(post(photo=[{"caption": "a", "id": 1}, {"caption": "b"}], remark=[]), mapping)
    rendered = write(USHAHIDI, parsed.records, mapping)

    assert parsed.records[0]["service"] == [{"service_name": "a"}, {"service_name": "b"}]
    assert "values/photo/id" in parsed.unmapped
    assert parsed.records[0]["absent"] == {"comment": "unanswered"}
    assert json.loads(rendered.content)["values"] == {
        "photo": [{"caption": "a"}, {"caption": "b"}], "remark": [],
    }  # fmt: skip
    assert parse(rendered.content, mapping).records == parsed.records


@pytest.mark.parametrize(
    "text", ["POINT(1 2)", "POLYGON()", "POLYGON((1 2,3))", "POLYGON((1 2)x)", "LINESTRING(a b)"]
)
def test_what_is_no_line_or_area(text):
    assert wkt.geojson(text) is None


POSITION = st.tuples(st.integers(-180, 180), st.integers(-90, 90)).map(list)
LINE = st.lists(POSITION, min_size=3, max_size=5)


@given(st.lists(LINE, min_size=1, max_size=3))
def test_shapes_come_back(lines):
    rings = [[*line, line[0]] for line in lines]
    for shape in (
        {"type": "Polygon", "coordinates": rings},
        {"type": "LineString", "coordinates": lines[0]},
    ):
        assert wkt.geojson(wkt.text(shape)) == shape


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
RECORDS = st.fixed_dictionaries(
    {"record_type": st.just("facility"), "schema_version": st.just("1.0")},
    optional={
        "facility_name": WORDS,
        "comment": WORDS,
        "place": st.fixed_dictionaries(
            {"geo": st.builds(lambda at: {"type": "Point", "coordinates": at}, POSITION)}
        ),
        "geometry": LINE.map(lambda line: {"type": "Polygon", "coordinates": [[*line, line[0]]]}),
        "alternate_names": st.lists(WORDS, min_size=1, max_size=3),
        "capacity_day": st.integers(0, 999),
        "operator": st.just({"org_name": "x"}),
    },
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(RECORDS, min_size=1, max_size=3))
def test_every_record_comes_back_or_is_told_to_be_lost(found):
    several = [
        {**record, "record_id": f"map.example/{number}"} for number, record in enumerate(found)
    ]
    rendered = write(USHAHIDI, several, plan())
    gone = set(rendered.unrendered)

    assert comparable(parse(rendered.content).records, gone) == comparable(several, gone)
    assert gone <= {"facility.operator.org_name", "facility.alternate_names[]"}


REAL = {
    "v3_post_create": "ushahidi-places.yaml",
    "v3_post_media": "ushahidi-posts.yaml",
    "v3_post_no_form": "ushahidi-posts.yaml",
    "v3_post_partial_update": "ushahidi-posts.yaml",
    "v3_post_update": "ushahidi-places.yaml",
    "v3_post_utf8": "ushahidi-posts.yaml",
}


@pytest.mark.parametrize(("name", "mapping"), REAL.items())
def test_a_real_post_comes_back_field_by_field(samples, name, mapping):
    plan = read_mapping(ROOT / "tests/real/mappings" / mapping)
    parsed = parse(samples(f"ushahidi/open/{name}.json").read_bytes(), plan)
    rendered = write(USHAHIDI, parsed.records, plan)

    assert rendered.unrendered == ()
    assert parse(rendered.content, plan).records == parsed.records


def test_a_real_post_is_written_as_it_was_sent(samples):
    plan = read_mapping(ROOT / "tests/real/mappings/ushahidi-places.yaml")
    content = samples("ushahidi/open/v3_post_create.json").read_bytes()
    sent = json.loads(content)
    written = json.loads(write(USHAHIDI, parse(content, plan).records, plan).content)

    assert written["values"] == {
        key: sent["values"][key] for key in ("last_location_point", "geometry_test")
    }


# Signatures, against the definition of HMAC (RFC 2104).

ADDRESS = "https://corridor.example/v1/routes/reports"
SECRET = b"f2416258639b0584c909dd9c"


def by_definition(message: bytes, secret: bytes) -> str:
    block = secret.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(one ^ 0x36 for one in block) + message).digest()
    outer = hashlib.sha256(bytes(one ^ 0x5C for one in block) + inner).digest()
    return base64.b64encode(outer).decode()


PHP = (
    rb'{"title":"SUMMARY (\u062a\u0642\u0631\u064a\u0631)","web":"https:\/\/a.example","n":[1.50]}'
)


def test_a_signature_is_what_the_definition_says():
    assert sign(ADDRESS, PHP, SECRET) == by_definition(ADDRESS.encode() + PHP, SECRET)


@pytest.mark.parametrize(
    "body",
    [
        PHP,
        '{"title": "SUMMARY (تقرير)", "web": "https://a.example", "n": [1.50]}'.encode(),
        PHP.replace(rb"\/", b"/"),
        PHP.replace(b":", b" : ").replace(b"https : ", b"https:"),
        '{"title":"SUMMARY (تقرير)",\n "web":"https:\\/\\/a.example","n":[1.50]}\n'.encode(),
    ],
)
def test_the_same_document_in_another_spelling_is_still_signed(body):
    signature = sign(ADDRESS, PHP, SECRET)

    assert verify(ADDRESS, body, SECRET, signature)
    assert not verify(f"{ADDRESS}/", body, SECRET, signature)
    assert not verify(ADDRESS, body, b"another", signature)
    assert not verify(ADDRESS, body, SECRET, signature[:-2] + "A=")
    assert not verify(ADDRESS, body.replace(b"1.50", b"1.5"), SECRET, signature)
    assert not verify(ADDRESS, body.replace(b"a.example", b"b.example"), SECRET, signature)


@pytest.mark.parametrize(
    "body",
    [b'"' + b'\\"' * 500_000, b"", b'{"a": "\\x"}', b'{"a": 1 2}', b'"\xff"', b"[" * 100_000],
)
def test_what_is_no_json_is_only_signed_as_it_is(body):
    assert verify(ADDRESS, body, SECRET, sign(ADDRESS, body, SECRET))
    assert not verify(ADDRESS, body, SECRET, sign(ADDRESS, body + b" ", SECRET))


def test_white_space_in_texts_is_part_of_them():
    signature = sign(ADDRESS, b'{"a":"b c"}', SECRET)

    assert verify(ADDRESS, b'{ "a": "b c" }', SECRET, signature)
    assert not verify(ADDRESS, b'{"a":"bc"}', SECRET, signature)


def test_what_only_becomes_json_without_its_white_space_is_none():
    assert not verify(ADDRESS, b'{"a":1 2}', SECRET, sign(ADDRESS, b'{"a":12}', SECRET))


def test_no_secret_signs_nothing():
    assert not verify(ADDRESS, PHP, b"", sign(ADDRESS, PHP, b""))
    assert not verify(ADDRESS, PHP, SECRET, "é")


@pytest.mark.parametrize(
    ("answer", "sent", "expected"),
    [
        ({"id": 9, "url": "x", "values": {}}, 1, [Outcome(0, "accepted")]),
        ({"result": {"id": 9}}, 1, [Outcome(0, "accepted")]),
        ({"id": "9"}, 1, [Outcome(0, "unknown")]),
        ({"id": True}, 1, [Outcome(0, "unknown")]),
        ({"result": "saved"}, 1, [Outcome(0, "unknown")]),
        ({"id": 9}, 2, [Outcome(None, "unknown")]),
        ({"errors": [{"status": 422, "title": CANARY, "source": {"pointer": "/values/area"}},
                     {"status": 422, "source": {"pointer": f"/{CANARY} of Bay"}}, 7]}, 1,
         [Outcome(0, "refused", "422", "values/area"), Outcome(0, "refused", "422"),
          Outcome(0, "refused")]),
        ({"errors": []}, 1, [Outcome(0, "refused")]),
        ({"error": 422, "messages": {"title": [CANARY]}}, 1,
         [Outcome(0, "refused", "422", "title")]),
        ({"error": 404, "messages": []}, 3, [Outcome(None, "refused", "404")]),
        ({"error": CANARY}, 1, [Outcome(0, "refused")]),
        ([], 1, [Outcome(0, "unknown")]),
    ],
)  # fmt: skip
def test_what_a_server_answers(answer, sent, expected):
    assert outcomes(json.dumps(answer).encode(), sent) == expected
