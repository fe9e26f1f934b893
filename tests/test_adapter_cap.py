"""CAP: every envelope, what is tolerated and what is refused, and what comes back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.cap import Cap
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of
from gateway.record import Parsed, Record, Writing, check
from tests.canonical_records import comparable, present, records

CANARY = "CanaryAmina"
SAMPLES = Path(__file__).resolve().parent.parent / "adapters/cap/samples"
FLOOD = (SAMPLES / "flood.cap").read_text()
CAP = "urn:oasis:names:tc:emergency:cap:1.2"
ATOM = "{http://www.w3.org/2005/Atom}"

INFO = (
    "<info><category>Met</category><event>Rain</event><urgency>Past</urgency>"
    "<severity>Minor</severity><certainty>Likely</certainty>{}</info>"
)
AREA = INFO.format("<area><areaDesc>Here</areaDesc>{}</area>")


def alert(inside: str = "", *, scope: str = "Public", head: str = "", space: str = CAP) -> str:
    return (
        f'<alert xmlns="{space}"><identifier>1</identifier><sender>a@b.example</sender>'
        "<sent>2026-01-02T03:04:05+00:00</sent><status>Actual</status><msgType>Alert</msgType>"
        f"<scope>{scope}</scope>{head}{inside}</alert>"
    )


def parse(content: str | bytes) -> Parsed:
    parsed = read(Cap(), content if isinstance(content, bytes) else content.encode())
    for record in parsed.records:
        check(record, at="")
    return parsed


def one(content: str) -> Record:
    (record,) = parse(content).records
    return record


def refused(content: str) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


def plan_for(name: str) -> Plan:
    table = {"type": "alert", "id": {"first": ["id"]}, "fields": {}}
    return plan_of(
        {
            "mapping": "only-the-authority",
            "version": "1",
            "format": name,
            "authority": "warn.example",
            "records": [table],
        },
        at="",
    )


@pytest.fixture(scope="module")
def xsd(samples: Callable[[str], Path]) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(samples("cap/schema/cap12.xsd")))


def test_every_element_of_cap_has_its_place():
    record = one(FLOOD)
    info, other = record["info"]
    area = info["area"][0]

    assert record["record_id"] == (
        "hydromet.example/warnings@hydromet.example,2.49.0.0.999.0.FLOOD-0418,2026-04-18T05:40:00Z"
    )
    assert record["sent"] == "2026-04-18T05:40:00Z"
    assert record["addresses"] == ["Districts of the lower valley", "all-radio"]
    assert record["incidents"] == ["FL-2026-000123-KEN", "Lower valley"]
    assert record["references"][1] == {
        "sender": "duty officer",
        "identifier": "FLOOD 0416",
        "sent": "2026-04-17T06:00:00Z",
    }
    assert info["response_type"] == ["Evacuate", "Monitor"]
    assert info["onset"] == "2026-04-18T11:00:00+03:00"
    assert info["parameter"][1] == {"value_name": "remark"}
    assert info["resource"][0]["size"] == 20480
    assert area["polygon"][1]["coordinates"][0][0] == [36.5, -1.6]
    assert area["circle"] == [
        {"centre": {"type": "Point", "coordinates": [36.625, -1.375]}, "radius_km": "7.50"}
    ]
    assert (area["altitude"], area["ceiling"]) == ("0", "120.5")
    assert other["language"] == "sw"


def test_lineage_names_elements():
    lineage = parse(FLOOD).lineage

    assert lineage["alert.info[].area[].polygon[]"] == "alert/info/area/polygon"
    assert lineage["alert.info[].area[].circle[].radius_km"] == "alert/info/area/circle"
    assert lineage["alert.references[].sent"] == "alert/references"
    assert lineage["alert.alert_source"] == "alert/source"
    assert lineage["alert.info[].event_code[].value_name"] == "alert/info/eventCode/valueName"


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_what_is_read_is_written_and_valid(name, xsd):
    parsed = parse((SAMPLES / name).read_bytes())
    rendered = write(Cap(), parsed.records)
    root = etree.fromstring(rendered.content)
    alerts = [root] if len(parsed.records) == 1 else root.findall(f".//{{{CAP}}}alert")

    assert parse(rendered.content).records == parsed.records
    assert rendered.unrendered == ()
    assert rendered.lineage == parsed.lineage
    assert len(alerts) == len(parsed.records)
    for element in alerts:
        xsd.assertValid(etree.fromstring(etree.tostring(element)))


def test_several_alerts_are_an_atom_feed():
    records = parse((SAMPLES / "feed.atom").read_bytes()).records
    feed = etree.fromstring(write(Cap(), records).content)
    entries = feed.findall(f"{ATOM}entry")

    assert [feed.tag, feed.findtext(f"{ATOM}updated")] == [f"{ATOM}feed", records[0]["sent"]]
    assert len({entry.findtext(f"{ATOM}id") for entry in (feed, *entries)}) == 3
    for entry, record in zip(entries, records, strict=True):
        assert entry.findtext(f"{ATOM}updated") == record["sent"]
        assert entry.findtext(f"{ATOM}author/{ATOM}name") == record["sender"]
        assert entry.findtext(f"{ATOM}title")
        assert entry.find(f"{ATOM}content").get("type") == "application/cap+xml"
    assert feed.findtext(f"{ATOM}title")


@pytest.mark.parametrize(
    "content",
    [
        alert(),
        alert(space="urn:oasis:names:tc:emergency:cap:1.1"),
        f'<feed xmlns="{ATOM[1:-1]}"><entry><content>{alert()}</content></entry></feed>',
        f'<entry xmlns="{ATOM[1:-1]}"><content>{alert()}</content></entry>',
        f"<rss><channel><title>t</title><item>{alert()}</item></channel></rss>",
        '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns="http://purl.org/rss/1.0/"><channel/><item>{alert()}</item></r:RDF>',
        '<d:EDXLDistribution xmlns:d="urn:oasis:names:tc:emergency:EDXL:DE:1.0"><d:contentObject>'
        f"<d:xmlContent><d:embeddedXMLContent>{alert()}</d:embeddedXMLContent></d:xmlContent>"
        "</d:contentObject></d:EDXLDistribution>",
        '<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:edxl:de:2.0"><content>'
        f"<contentObject><contentXML><embeddedXMLContent>{alert()}</embeddedXMLContent>"
        "</contentXML></contentObject></content></EDXLDistribution>",
    ],
    ids=["1.2", "1.1", "atom", "atom entry", "rss", "rss 1.0", "edxl-de 1.0", "edxl-de 2.0"],
)
def test_every_envelope_holds_the_same_alert(content):
    assert one(content) == one(alert())


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<note/>", {}),
        ("<incidents> \n</incidents>", {}),
        ("<info/>", None),
        (INFO.format("<web>www.b.example</web>"), {"web": "www.b.example"}),
        (INFO.format("<effective>2026-01-02T03:04:05.25Z</effective>"),
         {"effective": "2026-01-02T03:04:05.25Z"}),
        (INFO.format("<description>a &lt;br/&gt; b</description>"), {"description": "a <br/> b"}),
        (INFO.format("<description> a\n</description>"), {"description": " a\n"}),
        (INFO.format("").replace("Likely", " Very Likely "), {"certainty": "Likely"}),
        (INFO.format("<onset/>"), {}),
        (AREA.format("<polygon/>"), {"area": [{"area_desc": "Here"}]}),
        (AREA.format("<altitude>+.50</altitude>"),
         {"area": [{"area_desc": "Here", "altitude": "0.50"}]}),
        (INFO.format("<resource><resourceDesc>r</resourceDesc><mimeType>a/b</mimeType>"
                     "<uri>b.png</uri></resource>"),
         {"resource": [{"resource_desc": "r", "mime_type": "a/b", "uri": "b.png"}]}),
    ],
)  # fmt: skip
def test_what_loses_nothing_is_read(inside, expected):
    if expected is None:
        assert refused(alert(inside)) == ("cap.required", "line 1, category")
        return
    found = one(alert(inside))
    for key, value in expected.items():
        assert found["info"][0][key] == value
    assert not {"note", "incidents", "onset"} & (found.keys() | found.get("info", [{}])[0].keys())


def test_the_order_of_elements_says_nothing():
    turned = alert().replace("<scope>Public</scope>", "")
    turned = turned.replace("<sender>", "<scope>Public</scope><sender>")

    assert one(turned) == one(alert())


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("<CanaryAmina/>", "cap.not_cap"),
        ("<alert/>", "cap.namespace"),
        (alert(space="urn:CanaryAmina"), "cap.not_cap"),
        (alert(space="http://www.incident.com/cap/1.0"), "cap.version"),
        (f'<feed xmlns="{ATOM[1:-1]}"><entry><link href="CanaryAmina"/></entry></feed>',
         "cap.links_only"),
        (f'<feed xmlns="{ATOM[1:-1]}"><entry>{alert()}</entry><entry><id>CanaryAmina</id></entry>'
         "</feed>", "cap.links_only"),
        ("<EDXLDistribution><contentObject/></EDXLDistribution>", "cap.no_alert"),
        ("<EDXLDistribution><keyXMLContent>" + alert() + "</keyXMLContent></EDXLDistribution>",
         "cap.no_alert"),
        (alert().replace("<identifier>1</identifier>", ""), "cap.required"),
        (alert().replace("<sender>a@b.example</sender>", "<sender> </sender>"), "cap.required"),
        (alert(INFO.format("<area/>")), "cap.required"),
        (alert(INFO.format("<parameter><value>CanaryAmina</value></parameter>")), "cap.required"),
        (alert(INFO.format("<resource><resourceDesc>a</resourceDesc></resource>")), "cap.required"),
        (alert(INFO.format("").replace("<event>Rain</event>", "<event/>")), "cap.required"),
        (alert("<identifier>CanaryAmina</identifier>"), "cap.repeated"),
        (alert(INFO.format("<event>CanaryAmina</event>")), "cap.repeated"),
        (alert("<note>a<CanaryAmina/></note>"), "xml.mixed"),
        (alert("CanaryAmina"), "xml.mixed"),
        (alert().replace("Actual", "CanaryAmina"), "cap.code"),
        (alert().replace("Actual", "actual"), "cap.code"),
        (alert(INFO.format("").replace("Met", "CanaryAmina")), "cap.code"),
        (alert("<restriction>CanaryAmina</restriction>"), "cap.restriction"),
        (alert(scope="Private"), "cap.addresses"),
        (alert('<addresses>"CanaryAmina</addresses>'), "cap.list"),
        (alert("<references/>"), "cap.references"),
        (alert("<references>CanaryAmina</references>"), "cap.references"),
        (alert("<references>a,b,2026-01-01T00:00:00</references>"), "cap.references"),
        (alert("<references>a,b,2027-01-01T00:00:00Z</references>"), "cap.references"),
        (alert("<references>a@b.example,1,2026-01-02T03:04:05+00:00</references>"),
         "cap.references"),
        (alert(INFO.format("<language>en_CanaryAmina</language>")), "cap.language"),
        (alert(INFO.format("<resource><resourceDesc>a</resourceDesc><mimeType>a/b</mimeType>"
                           "<size>CanaryAmina</size></resource>")), "cap.integer"),
        (alert(AREA.format("<altitude>CanaryAmina</altitude>")), "cap.decimal"),
        (alert(AREA.format("<ceiling>5</ceiling>")), "cap.ceiling"),
        (alert(AREA.format("<altitude>6</altitude><ceiling>5</ceiling>")), "cap.ceiling"),
        (alert(AREA.format("<polygon>1,1 1,2 2,2 2,1</polygon>")), "cap.polygon"),
        (alert(AREA.format("<polygon>1,1 1,2 1,1</polygon>")), "cap.polygon"),
        (alert(AREA.format("<polygon>1,1,0 1,2,0 2,2,0 1,1,0</polygon>")), "cap.polygon"),
        (alert(AREA.format("<polygon>91,1 1,2 2,2 91,1</polygon>")), "cap.polygon"),
        (alert(AREA.format("<polygon>1, 1 1, 2 2, 2 1, 1</polygon>")), "cap.polygon"),
        (alert(AREA.format("<polygon>nan,1 1,2 2,2 nan,1</polygon>")), "cap.polygon"),
        (alert(AREA.format("<circle>1,181 5</circle>")), "cap.circle"),
        (alert(AREA.format("<circle>1,1 -5</circle>")), "cap.circle"),
        (alert(AREA.format("<circle>1,1</circle>")), "cap.circle"),
        *((alert().replace("2026-01-02T03:04:05+00:00", time), "cap.time") for time in (
            "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05,01:00",
            "2026-02-30T03:04:05Z", "2026-01-02T03:04:05+15:00", "2026-01-02T03:04:05.1234567Z",
            "2026-01-02T24:00:00Z", "2026-01-02T03:04:05+01:60", "0000-01-02T03:04:05Z")),
    ],
)  # fmt: skip
def test_what_is_refused_and_by_which_rule(content, rule):
    assert refused(content)[0] == rule


def test_errors_name_line_and_element():
    content = FLOOD.replace("<urgency>Immediate", "<urgency>CanaryAmina", 1)

    assert refused(content) == ("cap.code", "line 23, urgency")


def test_what_cap_does_not_know_is_listed_and_stays():
    inside = (
        "<reference>CanaryAmina</reference>"
        '<s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"><s:X/></s:Signature>'
        '<_CanaryAmina_-_is_a_long_name_of_an_element_that_could_be_anything_you_can_think_of/>'
    )  # fmt: skip
    content = alert(inside, head='<note lang="CanaryAmina">n</note>')
    content = content.replace(
        "<alert ",
        '<alert id="CanaryAmina" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="x" ',
    )
    parsed = parse(content)

    assert set(parsed.unmapped) == {
        "alert/@id",
        "alert/note/@lang",
        "alert/reference",
        "alert/Signature",
        "alert/?",
    }
    assert CANARY not in str(parsed.records)


def test_what_an_envelope_says_is_listed():
    parsed = parse((SAMPLES / "distribution.xml").read_bytes())

    assert "EDXLDistribution/combinedConfidentiality" in parsed.unmapped
    assert not any("alert" in path for path in parsed.unmapped)


@pytest.mark.parametrize(
    ("sender", "authority"),
    [
        ("a@B.example", "b.example"),
        ("https://C.example:80/x?y", "c.example"),
        ("Met Office", "cap.invalid"),
        ("urn:oid:2.49.0", "cap.invalid"),
        ("@.example", "cap.invalid"),
    ],
)
def test_the_authority_is_the_senders_domain(sender, authority):
    record = one(alert().replace("a@b.example", sender))

    assert record["record_id"].partition("/")[0] == authority


def test_ids_stay_apart_and_short():
    plain = [("a", "b,c"), ("a,b", "c"), ("a", "b%2Cc"), ("ሀ" * 200, "c"), ("ሀ" * 200, "d")]
    ids = {
        one(alert().replace("a@b.example", sender).replace(">1<", f">{name}<"))["record_id"]
        for sender, name in plain
    }

    assert len(ids) == len(plain)


def test_a_mapping_may_name_the_authority():
    plan = plan_for("cap")
    records = read(Cap(), alert().encode(), plan).records

    assert records[0]["record_id"].startswith(f"{plan.authority}/a@b.example,1,")
    assert write(Cap(), records, plan).unrendered == ()
    assert write(Cap(), records).unrendered == ("alert.record_id",)
    with pytest.raises(SenderError) as caught:
        read(Cap(), alert().encode(), plan_for("geojson"))
    assert caught.value.rule == "mapping.other_format"


BASE: Record = {
    "record_type": "alert",
    "record_id": "b.example/a@b.example,1,2026-01-02T03:04:05Z",
    "identifier": "1",
    "sender": "a@b.example",
    "sent": "2026-01-02T03:04:05Z",
    "status": "Actual",
    "msg_type": "Alert",
    "scope": "Public",
}
WHAT = {
    "category": ["Met"],
    "event": "Rain",
    "urgency": "Past",
    "severity": "Minor",
    "certainty": "Likely",
}
HERE = {"area_desc": "Here"}
RING = [[0, 0], [0, 1], [1, 1], [0, 0]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"record_id": "b.example/7"}, {"record_id"}),
        ({"sent": "2026-01-02T03:04:05.5Z"}, {"record_id", "sent"}),
        ({"sent": "2026-01-02T03:04:05-00:00"}, {"record_id", "sent"}),
        ({"schema_version": "1.0", "protection": {"consent": {"status": "given"}}},
         {"schema_version", "protection.consent.status"}),
        ({"note": " "}, {"note"}),
        ({"note": "a\x0bb"}, {"note"}),
        ({"addresses": ['a"b']}, {"addresses[]"}),
        ({"code": ["a", " "]}, {"code[]"}),
        ({"references": [{"sender": "a,b", "identifier": "1", "sent": "2026-01-01T00:00:00Z"}]},
         {"references[].sender", "references[].identifier", "references[].sent"}),
        ({"references": [{"sender": "a", "identifier": "1"}]},
         {"references[].sender", "references[].identifier"}),
        ({"info": [{**WHAT, "expires": "2026-99-01T00:00:00Z"}]}, {"info[].expires"}),
        ({"info": [{**WHAT, "resource": [{"resource_desc": "r"}]}]},
         {"info[].resource[].resource_desc"}),
        ({"info": [{**WHAT, "area": [{"altitude": "1"}]}]}, {"info[].area[].altitude"}),
        ({"info": [{**WHAT, "area": [{**HERE, "altitude": "1e3"}]}]}, {"info[].area[].altitude"}),
        ({"info": [{**WHAT, "area": [{**HERE, "polygon": [polygon(RING, RING)]}]}]},
         {"info[].area[].polygon[]"}),
        ({"info": [{**WHAT, "area": [{**HERE, "polygon": [polygon([*RING[:3], [2, 2]])]}]}]},
         {"info[].area[].polygon[]"}),
        ({"info": [{**WHAT, "area": [{**HERE, "circle": [{"radius_km": "5"}]}]}]},
         {"info[].area[].circle[].radius_km"}),
        ({"info": [{**WHAT, "area": [{**HERE, "circle": [
            {"radius_km": "5", "centre": {"type": "Point", "coordinates": [1, 2, 3]}}]}]}]},
         {"info[].area[].circle[].centre"}),
    ],
)  # fmt: skip
def test_what_cap_cannot_carry_is_listed(change, lost, xsd):
    record = {**BASE, **change}
    check(record, at="")
    rendered = write(Cap(), [record])

    xsd.assertValid(etree.fromstring(rendered.content))
    assert set(rendered.unrendered) == {f"alert.{name}" for name in lost}
    parse(rendered.content)


GENERATED = records(types=("alert",), most=2)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(GENERATED)
def test_every_alert_comes_back_or_is_told_to_be_lost(xsd, found):
    several = [
        {**alert, **{key: BASE[key] for key in BASE.keys() - {"record_id"}}, "identifier": str(n)}
        for n, alert in enumerate(found)
    ]
    for alert in several:
        alert.pop("restriction", None)
        for reference in alert.get("references", ()):
            # One to a later alert is refused, which another test sees to.
            if reference.get("sent", "") > BASE["sent"]:
                reference["sent"] = BASE["sent"]
        alert["info"] = [{**info, **WHAT} for info in alert.get("info", ())]
        for info in alert["info"]:
            for area in info.get("area", ()):
                area.pop("ceiling", None)
    if not several:
        return
    rendered = write(Cap(), several)
    root = etree.fromstring(rendered.content)
    for element in [root] if len(several) == 1 else root.iter(f"{{{CAP}}}alert"):
        xsd.assertValid(etree.fromstring(etree.tostring(element)))
    back = parse(rendered.content)

    gone = {*rendered.unrendered, "alert.record_id"}
    assert comparable(back.records, gone) == comparable(several, gone)
    assert present(several) <= rendered.lineage.keys() | set(rendered.unrendered)
    assert set(rendered.unrendered) | rendered.lineage.keys() <= present(several)


def test_numbers_are_written_without_exponents(xsd):
    ring = [[1e-7, 2.5], [0.1, 1], [1, 1.0000001], [1e-7, 2.5]]
    record = {**BASE, "info": [{**WHAT, "area": [{**HERE, "polygon": [polygon(ring)]}]}]}
    rendered = write(Cap(), [record])

    assert b"2.5,0.0000001 " in rendered.content
    assert rendered.unrendered == ()
    assert parse(rendered.content).records == [record]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"identifier": None}, "cap.required"),
        ({"sender": "\x0b"}, "cap.required"),
        ({"scope": None}, "cap.required"),
        ({"info": [{**WHAT, "event": " "}]}, "cap.required"),
        ({"info": [WHAT, {"event": "Rain"}]}, "cap.required"),
        ({"scope": "Private"}, "cap.addresses"),
        ({"restriction": "r"}, "cap.restriction"),
        ({"info": [{**WHAT, "area": [{**HERE, "ceiling": "5"}]}]}, "cap.ceiling"),
    ],
)
def test_an_alert_cap_forbids_is_not_written(change, rule):
    record = {key: value for key, value in {**BASE, **change}.items() if value is not None}
    with pytest.raises(SenderError) as caught:
        write(Cap(), [record])
    assert caught.value.rule == rule
    assert caught.value.at.startswith("alert 1")


def test_without_an_alert_there_is_nothing_to_write():
    with pytest.raises(SenderError) as caught:
        write(Cap(), [{"record_type": "facility", "record_id": "a.example/1"}])
    assert caught.value.rule == "cap.no_alert"


def test_records_of_other_types_are_listed():
    other = {"record_type": "facility", "record_id": "a.example/1", "facility_name": "F"}
    rendered = write(Cap(), [other, BASE])

    assert set(rendered.unrendered) == {
        "facility.record_type",
        "facility.record_id",
        "facility.facility_name",
    }
    assert parse(rendered.content).records == [BASE]


def test_feeds_are_read_and_written_entry_by_entry():
    class Endless:
        """Alerts that nobody could hold."""

        def __iter__(self):
            return ({**BASE, "identifier": str(number)} for number in range(2_000))

    pieces = Cap().render(Endless(), None, Writing())  # type: ignore[arg-type]
    found = [len(piece) for piece in pieces]

    assert max(found) < 64 << 10
    assert len(found) > 10


@pytest.mark.parametrize("end", range(0, len(FLOOD), 97))
def test_a_cut_file_is_refused(end):
    assert refused(FLOOD[:end])[0].startswith("xml.")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(FLOOD)), st.integers(0, 40), st.text(max_size=8))
def test_any_damage_is_read_or_refused(place, cut, noise):
    content = FLOOD[:place] + noise + FLOOD[place + cut :]
    try:
        parse(content.encode())
    except SenderError as error:
        assert error.rule.partition(".")[0] in ("xml", "cap", "schema")  # noqa: PT017


REAL = {
    "canada_errors.cap": "cap.references",
    "invalid.cap": "cap.required",
    "xee.cap": "xml.doctype",
}


def test_real_alerts(samples, xsd):
    for path in sorted(samples("cap/open").iterdir()):
        if path.name in REAL:
            assert refused(path.read_bytes())[0] == REAL[path.name]
            continue
        parsed = parse(path.read_bytes())
        rendered = write(Cap(), parsed.records)
        assert rendered.unrendered == (), path.name
        assert parse(rendered.content).records == parsed.records, path.name
        xsd.assertValid(etree.fromstring(rendered.content))


@pytest.mark.parametrize("web", [":", "http://[", "%zz"])
def test_an_address_that_is_none_is_told_to_be_lost(xsd, web):
    info = {**WHAT, "web": web, "resource": [{"resource_desc": "map", "mime_type": "a/b"}]}
    info["resource"][0]["uri"] = web

    rendered = write(Cap(), [{**BASE, "info": [info]}])

    xsd.assertValid(etree.fromstring(rendered.content))
    assert {"alert.info[].web", "alert.info[].resource[].uri"} <= set(rendered.unrendered)
