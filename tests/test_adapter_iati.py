"""IATI: the schema by its own judge, what is refused and what stays behind, and what comes back."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.iati import Iati
from adapters.iati.grammar import shape
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of
from gateway.record import Parsed, Record, check
from tests.canonical_records import comparable, present, records

CANARY = "CanaryAmina"
SAMPLES = Path(__file__).resolve().parent.parent / "adapters/iati/samples"
WASH = (SAMPLES / "wash.xml").read_text()
XSD = "{http://www.w3.org/2001/XMLSchema}"

ORG = '<reporting-org ref="XI-1" type="22"><narrative>A</narrative></reporting-org>'
TEXT = "<narrative>A</narrative>"
HEAD = (
    f"<iati-identifier>XI-1-7</iati-identifier>{ORG}<title>{TEXT}</title>"
    f'<description>{TEXT}</description><participating-org role="4"/>'
)
STATUS = '<activity-status code="2"/><activity-date type="2" iso-date="2026-01-02"/>'
POINT = '<location><point srsName="{}"><pos>{}</pos></point></location>'
MONEY = (
    '<transaction><transaction-type code="{}"/><transaction-date iso-date="2026-01-02"/>'
    '<value value-date="2026-01-02"{}>{}</value></transaction>'
)
RESULT = (
    f'<result type="1"><title>{TEXT}</title><indicator measure="{{}}"><title>{TEXT}</title>{{}}'
    "</indicator></result>"
)
PERIOD = (
    '<period><period-start iso-date="2026-01-01"/><period-end iso-date="2026-02-01"/>{}</period>'
)


def activity(inside: str = "", *, head: str = HEAD, status: str = STATUS, said: str = "") -> str:
    return f"<iati-activity{said}>{head}{status}{inside}</iati-activity>"


def file(*activities: str, version: str = "2.03") -> str:
    return f'<iati-activities version="{version}">{"".join(activities)}</iati-activities>'


def parse(content: str | bytes, plan: Plan | None = None) -> Parsed:
    parsed = read(Iati(), content if isinstance(content, bytes) else content.encode(), plan)
    for record in parsed.records:
        check(record, at="")
    return parsed


def one(inside: str = "", **more: str) -> Record:
    (record,) = parse(file(activity(inside, **more))).records
    return record


def refused(content: str, plan: Plan | None = None) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content, plan)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


def plan_for(name: str, authority: str = "desk.example") -> Plan:
    table = {"type": "activity", "id": {"first": ["id"]}, "fields": {}}
    return plan_of(
        {
            "mapping": "only-the-authority",
            "version": "1",
            "format": name,
            "authority": authority,
            "records": [table],
        },
        at="",
    )


@pytest.fixture(scope="module")
def xsd(samples: Callable[[str], Path]) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(samples("iati/schema/iati-activities-schema.xsd")))


# The grammar, held against the standard's own schema.


class Official:
    """The schema of the standard, read element by element."""

    def __init__(self, folder: Path) -> None:
        self.named: dict[tuple[str, str], etree._Element] = {}
        for name in ("iati-activities-schema.xsd", "iati-common.xsd"):
            for node in etree.parse(folder / name).getroot().iterchildren("{*}*"):
                self.named[node.tag, node.get("name", "")] = node

    def body(self, element: etree._Element) -> etree._Element | str:
        """The type of an element: its own, a named one, or a built-in."""
        kind = element.get("type", "")
        if kind.startswith("xsd:"):
            return kind.removeprefix("xsd:")
        body = self.named[f"{XSD}complexType", kind] if kind else element.find(f"{XSD}complexType")
        base = body.find(f"{XSD}complexContent/{XSD}extension")
        return body if base is None else self.named[f"{XSD}complexType", base.get("base")]

    def children(self, body: etree._Element) -> list[tuple[str, str, str, etree._Element]]:
        found = []
        for node in body.findall(f"{XSD}sequence/{XSD}element"):
            own = self.named[f"{XSD}element", node.get("ref")] if node.get("ref") else node
            least, most = node.get("minOccurs", "1"), node.get("maxOccurs", "1")
            found.append((own.get("name"), least, most, own))
        return found

    def attributes(self, body: etree._Element) -> dict[str, tuple[str, bool]]:
        simple = body.find(f"{XSD}simpleContent/{XSD}extension")
        found = {}
        for node in (body if simple is None else simple).findall(f"{XSD}attribute"):
            needed = node.get("use") == "required"
            if node.get("ref") == "xml:lang":
                continue
            own = self.named[f"{XSD}attribute", node.get("ref")] if node.get("ref") else node
            found[own.get("name")] = own.get("type").removeprefix("xsd:"), needed
        return found


def differences(official: Official, element: etree._Element, name: str, path: str) -> list[str]:
    """Where a shape of ours is not what the schema says, and everything below it."""
    ours, body = shape(name), official.body(element)
    if isinstance(body, str):
        return [] if (ours.text, ours.children, ours.attributes) == (body, (), {}) else [path]
    simple = body.find(f"{XSD}simpleContent/{XSD}extension")
    text = None if simple is None else simple.get("base").removeprefix("xsd:")
    whole = body if simple is None else simple
    theirs = official.children(body)
    spelt = {(0, 1): ("0", "1"), (1, 1): ("1", "1"), (0, None): ("0", "unbounded")}
    spelt[1, None] = ("1", "unbounded")
    same = (
        [(c.name, *spelt[c.least, c.most]) for c in ours.children] == [one[:3] for one in theirs],
        {key: (a.kind, a.needed) for key, a in ours.attributes.items()}
        == official.attributes(body),
        ours.text == text,
        ours.open == (whole.find(f"{XSD}anyAttribute") is not None),
    )
    found = [] if all(same) else [f"{path}: {same}"]
    for child, (*_, inner) in zip(ours.children, theirs, strict=False):
        found += differences(official, inner, child.shape, f"{path}/{child.name}")
    return found


def test_every_element_is_as_the_schema_has_it(samples):
    official = Official(samples("iati/schema"))
    root = official.named[f"{XSD}element", "iati-activities"]

    assert differences(official, root, "iati-activities", "") == []


def test_the_comparison_finds_a_difference(samples, monkeypatch):
    official = Official(samples("iati/schema"))
    root = official.named[f"{XSD}element", "iati-activities"]
    date = official.named[f"{XSD}element", "activity-date"].find(f".//{XSD}attribute")
    date.set("use", "optional")

    assert differences(official, root, "iati-activities", "")[0].startswith(
        "/iati-activity/activity-date"
    )


MEANT = {
    "iati.code", "iati.point", "iati.srs", "iati.glide", "iati.version", "iati.not_iati",
    "iati.organisations",
}  # fmt: skip
"""Rules that the schema does not know. `iati.repeated` is also for two dates of one type."""

WORDS = ["", "1", "2026-01-02", "x", "-5", "1.50", "true", "2026-01-02T03:04:05Z", " 7 ", "%zz"]


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A sample of ours with one to three things in it changed."""
    name = draw(st.sampled_from(sorted(path.name for path in SAMPLES.iterdir())))
    root = etree.fromstring((SAMPLES / name).read_bytes())
    for _ in range(draw(st.integers(1, 3))):
        element = draw(st.sampled_from(list(root.iter("*"))[1:] or [root]))
        parent = element.getparent()
        what = draw(st.sampled_from(("drop", "twice", "move", "attribute", "value", "text", "new")))
        if what == "drop" and parent is not None:
            parent.remove(element)
        elif what == "twice" and parent is not None:
            element.addnext(deepcopy(element))
        elif what == "move" and parent is not None:
            parent.insert(draw(st.integers(0, len(parent))), element)
        elif what == "attribute" and element.attrib:
            del element.attrib[draw(st.sampled_from(sorted(element.attrib)))]
        elif what == "value" and element.attrib:
            key = draw(st.sampled_from(sorted(element.attrib)))
            element.set(key, draw(st.sampled_from(WORDS)))
        elif what == "text":
            element.text = draw(st.sampled_from(WORDS))
        elif what == "new":
            element.set(draw(st.sampled_from(("humanitarian", "code", "level", "other"))), "1")
    return etree.tostring(root)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=spoilt())
def test_what_the_schema_forbids_is_refused_and_nothing_else(xsd, content):
    valid = xsd.validate(etree.fromstring(content))
    try:
        parse(content)
        rule = ""
    except SenderError as error:
        rule = error.rule

    if not valid:
        assert rule
    elif rule.startswith("schema."):
        pass  # a text that is longer, or a code that is none, to a record
    else:
        assert rule == "" or rule in MEANT or rule == "iati.repeated"


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_what_is_read_is_written_and_valid(name, xsd):
    parsed = parse((SAMPLES / name).read_bytes())
    rendered = write(Iati(), parsed.records)

    assert xsd.validate(etree.fromstring(rendered.content)), xsd.error_log
    assert rendered.unrendered == ()
    assert parse(rendered.content).records == parsed.records
    assert rendered.lineage == parsed.lineage


def test_every_element_has_its_place():
    first, second = parse(WASH).records

    assert first["record_id"] == "iati.invalid/XI-EX-0042-WASH-7"
    assert first["activity_name"] == "Water for Gelbis"
    assert [one["role"] for one in first["organisations"]] == [
        "reporting", "donor", "implementing", "accountable",
    ]  # fmt: skip
    assert (first["status"], first["source_status"]) == ("completed", "3")
    assert first["start_date"] == "2026-01-15"
    assert first["planned_end_date"] == "2026-12-31"
    assert first["contact"]["email"] == "idil@sahil.example"
    assert first["place"] == {
        "name": "Gelbis camp",
        "site_code": "G1:64435",
        "location_code": "SOM",
        "admin1_code": "SO24",
        "admin2_code": "SO2401",
        "geo": {"type": "Point", "coordinates": [43.65, 3.12]},
        "precision": "exact",
    }
    assert (first["sector_code"], "sector_vocabulary" in first) == ("WSH", False)
    assert [one["percentage"] for one in first["other_sectors"]] == ["80", "20"]
    assert first["glide_number"] == ["DR-2026-000012-SOM"]
    assert first["appeal_code"] == ["HSOM26"]
    assert (first["budget"], first["currency_code"]) == ("250000.00", "USD")
    assert first["transactions"][0]["currency_code"] == "USD"
    assert first["results"][0]["actual"] == "11.5"
    assert first["results"][2] == {"indicator_name": "Wells that give clean water", "unit": "%"}
    assert (first["beneficiaries_targeted"], first["beneficiaries_reached"]) == (5200, 3100)
    assert first["reference_period_end"] == "2026-03-31"
    assert first["source"] == {"source_date": "2026-04-01T10:20:30Z"}
    assert second["place"] == {"location_code": "SOM"}
    assert second["other_places"] == [{"location_code": "KEN"}]


def test_what_nobody_took_is_listed():
    unmapped = set(parse(WASH).unmapped)

    assert {
        "iati-activities/@generated-datetime",
        "iati-activity/@xml:lang",
        "iati-activity/title/narrative[@xml:lang]",
        "iati-activity/description/narrative",
        "iati-activity/other-identifier/@ref",
        "iati-activity/recipient-country/@percentage",
        "iati-activity/contact-info/organisation/narrative",
    } <= unmapped
    assert "iati-activity/title/narrative" not in unmapped
    assert "iati-activity/budget/period-start/@iso-date" not in unmapped


def test_the_language_of_the_activity_is_kept():
    texts = '<narrative xml:lang="en">E</narrative><narrative xml:lang="fr">F</narrative>'
    head = HEAD.replace(f"<title>{TEXT}</title>", f"<title>{texts}</title>")

    assert one(head=head)["activity_name"] == "E"
    assert one(head=head, said=' xml:lang="fr"')["activity_name"] == "F"
    assert one(head=head, said=' xml:lang="FR"')["activity_name"] == "F"
    assert one(head=head, said=' xml:lang="fr-TD"')["activity_name"] == "F"
    swapped = head.replace('"fr"', '"fr-BE"')
    assert one(head=swapped, said=' xml:lang="fr"')["activity_name"] == "F"


@pytest.mark.parametrize(
    ("head", "gone"),
    [
        (HEAD.replace("<description>", '<description type="2">'), "description"),
        (HEAD.replace(f"<description>{TEXT}", "<description><narrative/>"), "description"),
        (HEAD.replace(f"<title>{TEXT}", "<title><narrative> </narrative>"), "activity_name"),
    ],
)
def test_a_text_that_says_nothing_or_something_else_is_none(head, gone):
    assert gone not in one(head=head)
    assert {"description", "activity_name"} - {gone} <= one(head=head).keys()


@pytest.mark.parametrize(
    "identifier",
    ["XI-1-record:nothing", "XI-2-record:desk.example:7", "XI-1-record:desk.example:%zz",
     "XI-1-record:desk.example:%2F", "XI-1-record:desk.example:a%20b"],
)  # fmt: skip
def test_an_identifier_that_only_looks_like_a_record_is_an_identifier(identifier):
    assert one(head=HEAD.replace("XI-1-7", identifier))["activity_id"] == identifier


def test_an_identifier_made_of_a_record_is_one_that_validators_take():
    record = {**BASE, "record_id": "desk.example/a/b&c?d|e"}
    del record["activity_id"]
    made = etree.fromstring(write(Iati(), [record]).content).findtext(".//iati-identifier")

    assert made.startswith("XI-1-")
    assert not set("/&|?") & set(made)


@pytest.mark.parametrize(
    ("narrative", "found"),
    [
        ("<narrative> 2026-01 </narrative>", "2026-01"),
        ("<narrative>2026</narrative>", "2026"),
        ("<narrative>2025</narrative>", "2026-01-02"),
        ("<narrative>2026Q1</narrative>", "2026-01-02"),
        ("<narrative>2026</narrative><narrative>2026</narrative>", "2026-01-02"),
    ],
)
def test_a_date_is_as_exact_as_the_text_beside_it_says(narrative, found):
    status = STATUS.replace('"2026-01-02"/>', f'"2026-01-02">{narrative}</activity-date>')

    assert one(status=status)["start_date"] == found


def test_the_first_or_last_day_stands_for_a_month_and_a_year():
    content = write(Iati(), [{**BASE, "start_date": "2024-02", "end_date": "2024-02"}]).content
    dates = {
        one.get("type"): (one.get("iso-date"), one.findtext("narrative"))
        for one in etree.fromstring(content).iter("activity-date")
    }

    assert dates == {"2": ("2024-02-01", "2024-02"), "4": ("2024-02-29", "2024-02")}
    whole = write(Iati(), [{**BASE, "start_date": "2024", "end_date": "2024"}]).content
    assert b'"2024-01-01"' in whole
    assert b'"2024-12-31"' in whole


@pytest.mark.parametrize(
    ("inside", "places"),
    [
        ('<recipient-country code="SO"/>', [{"location_code": "SOM"}]),
        ('<recipient-country code="SO"/>' + POINT.format("", "3 43"),
         [{"location_code": "SOM", "geo": {"type": "Point", "coordinates": [43, 3]}}]),
        ('<recipient-country code="SO"/><recipient-country code="KE"/>' + POINT.format("", "3 43"),
         [{"geo": {"type": "Point", "coordinates": [43, 3]}}, {"location_code": "SOM"},
          {"location_code": "KEN"}]),
        ('<recipient-country code="XK"/>' + POINT.format("", ".5 43"),
         [{"geo": {"type": "Point", "coordinates": [43, 0.5]}}]),
        (POINT.format("x/4326", "-3.50  +143.25"),
         [{"geo": {"type": "Point", "coordinates": [143.25, -3.5]}}]),
        ('<location><administrative vocabulary="COD-AB" level="+02" code="SO24"/></location>',
         [{"admin2_code": "SO24"}]),
        ('<location><administrative vocabulary="G1" level="1" code="1"/></location>', []),
        ('<location><administrative vocabulary="COD-AB" level="12" code="1"/></location>', []),
    ],
)  # fmt: skip
def test_places(inside, places):
    record = one(inside)

    assert [record[key] for key in ("place",) if key in record] == places[:1]
    assert record.get("other_places", []) == places[1:]


@pytest.mark.parametrize(
    ("inside", "rule"),
    [
        (POINT.format("", "43 91 1"), "iati.point"),
        (POINT.format("", CANARY), "iati.point"),
        (POINT.format("", ""), "iati.point"),
        (POINT.format("", "91 3"), "iati.point"),
        (POINT.format("urn:ogc:def:crs:EPSG::32638", "3 43"), "iati.srs"),
        ('<location><administrative vocabulary="A4" level="0" code="ZZ"/></location>', "iati.code"),
        ('<location><administrative vocabulary="COD-AB" level="1" code="A"/>'
         '<administrative vocabulary="COD-AB" level="1" code="B"/></location>', "iati.repeated"),
        (f'<recipient-country code="{CANARY}"/>', "iati.code"),
        (f'<sector vocabulary="10" code="{CANARY}"/>', "iati.code"),
        (f'<humanitarian-scope type="1" vocabulary="1-2" code="{CANARY}"/>', "iati.glide"),
        (MONEY.format("14", "", "1"), "iati.code"),
        (MONEY.format("3", ' currency="EURO"', "1"), "iati.code"),
        (MONEY.format("3", "", "1e5"), "iati.decimal"),
        (MONEY.format("3", "", ""), "iati.decimal"),
        (RESULT.format("6", ""), "iati.code"),
        (RESULT.format("1", PERIOD.format("")).replace("2026-02-01", "12026-02-01"), "iati.date"),
        (MONEY.format("3", "", "1" * 5000), "iati.decimal"),
        ('<budget><value value-date="2026-01-01">1</value></budget>', "iati.required"),
        (f"<{CANARY}/>", "iati.element"),
        (f'<sector code="1" {CANARY}="1"/>', "iati.attribute"),
        (f'<sector code="1" percentage="{CANARY}"/>', "iati.decimal"),
        ('<related-activity ref="1" type="1" xml:lang="en"/>', "iati.attribute"),
        (f'<legacy-data name="a" value="b" iati-equivalent="{CANARY} x"/>', "iati.token"),
        ('<location><administrative vocabulary="x" code="1" level="-1"/></location>',
         "iati.integer"),
        ('<sector code="1"/><recipient-country code="SO"/>', "iati.order"),
        ('<x:a xmlns:x="urn:x"/><sector code="1"/>', "iati.order"),
        ("<conditions/>", "iati.required"),
        ('<contact-info><website>%zz</website></contact-info>', "iati.uri"),
        (f"<location>{CANARY}</location>", "xml.mixed"),
        ("<contact-info><email><a/></email></contact-info>", "xml.mixed"),
        (f'<tag code="1" vocabulary="1"><narrative xml:lang="{CANARY} x"/></tag>', "iati.language"),
        ('<tag code="1" vocabulary="1" xml:lang="-5"/>', "iati.language"),
    ],
)  # fmt: skip
def test_what_an_activity_may_not_hold(inside, rule):
    assert refused(file(activity(inside)))[0] == rule


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (file(activity(status="")), "iati.required"),
        (file(activity(status=STATUS.replace('"2"', '"7"'))), "iati.code"),
        (file(activity(status=STATUS.replace("01-02", "02-30"))), "iati.date"),
        (file(activity(status=STATUS + '<activity-date type="2" iso-date="2026-01-03"/>')),
         "iati.repeated"),
        (file(activity(head=HEAD.replace('role="4"', 'role="lead"'))), "iati.code"),
        (file(activity(head=HEAD.replace('type="22"', 'type="437"'))), "iati.code"),
        (file(activity(said=' default-currency="usd"')), "iati.code"),
        (file(activity(said=' hierarchy="1.5"')), "iati.integer"),
        (file(activity(said=' last-updated-datetime="2026-01-02"')), "iati.datetime"),
        (file(), "iati.required"),
        (file("<other/>"), "iati.element"),
        (file('<x:a xmlns:x="urn:x"/>', activity()), "iati.order"),
        (file(activity(), version="1.05"), "iati.version"),
        (file(activity(), version="2.1"), "iati.version"),
        (file(activity(), version="3.01"), "iati.version"),
        (file(activity(), version=""), "iati.version"),
        (activity(), "iati.version"),
        ('<iati-organisations version="2.03"/>', "iati.organisations"),
        (f"<{CANARY}/>", "iati.not_iati"),
        ('<iati-activities xmlns="urn:x" version="2.03"/>', "iati.not_iati"),
        ("<!DOCTYPE iati-activities><iati-activities/>", "xml.doctype"),
        ("", "xml.empty"),
    ],
)  # fmt: skip
def test_what_a_file_may_not_be(content, rule):
    assert refused(content)[0] == rule


def test_errors_name_line_and_element():
    content = WASH.replace('role="4"', f'role="{CANARY}"', 1)

    assert refused(content) == ("iati.code", "line 22, participating-org/@role")


def test_codes_of_a_file_without_a_version_stay_behind():
    parsed = parse(file(activity(head=HEAD.replace('role="4"', 'role="X"')), version="xx"))

    assert parsed.unmapped == ("iati-activity/participating-org/@role",)
    assert parsed.records[0]["status"] == "ongoing"
    status = STATUS.replace('code="2"', 'code="X"').replace('type="2"', 'type="start"')
    (record,) = parse(file(activity(status=status), version="xx")).records
    assert not {"status", "start_date"} & record.keys()


@pytest.mark.parametrize(
    ("inside", "left"),
    [
        (MONEY.format("3", "", "1").replace('value-date="2026-01-02"', 'value-date="2026-01-03"'),
         "transaction/value/@value-date"),
        ('<sector vocabulary="99" code="a b"/>', "sector/@code"),
        ('<recipient-country code="XK"/>', "recipient-country/@code"),
        ('<location><administrative vocabulary="A4" level="0" code="XK"/></location>',
         "location/administrative/@code"),
        (MONEY.format("3", "", "1" * 70), "transaction/value"),
        (RESULT.format("5", PERIOD.format('<target value="many"/>')), "result/indicator/@measure"),
        (RESULT.format("1", PERIOD.format('<target value="1"/><target value="2"/>')),
         "result/indicator/period/target/@value"),
        (RESULT.format("1", PERIOD.format('<target value="1"><dimension name="sex" value="f"/>'
                                          "</target>")),
         "result/indicator/period/target/@value"),
        ('<humanitarian-scope type="1" vocabulary="99" code="5"/>', "humanitarian-scope/@code"),
        ('<x:a xmlns:x="urn:x" b="c">d<e/>f</x:a>', "a"),
        ('<contact-info><email>a@b.example</email><email>c@d.example</email></contact-info>',
         "contact-info/email"),
    ],
)  # fmt: skip
def test_what_a_record_has_no_place_for_is_listed(inside, left):
    assert f"iati-activity/{left}" in parse(file(activity(inside))).unmapped


def budget(year: str, value: str = "7", said: str = "", money: str = "") -> str:
    return (
        f'<budget{said}><period-start iso-date="{year}-01-01"/>'
        f'<period-end iso-date="{year}-12-31"/>'
        f'<value{money} value-date="2026-01-01">{value}</value></budget>'
    )


def test_budgets_for_parts_of_the_time_are_added_up():
    parts = budget("2027", "0.25") + budget("2026", "100000000000000000000000000000.5")
    parsed = parse(file(activity(parts)))

    assert one(budget("2026"))["budget"] == "7"
    assert parsed.records[0]["budget"] == "100000000000000000000000000000.75"
    assert "iati-activity/budget/period-end/@iso-date" in parsed.unmapped
    assert one(budget("2026", money=' currency="EUR"') + budget("2027", money=' currency="EUR"'))[
        "currency_code"
    ] == "EUR"  # fmt: skip


@pytest.mark.parametrize(
    "parts",
    [
        budget("2026") * 2,
        budget("2026") + budget("2027", said=' type="2"'),
        budget("2026") + budget("2027", money=' currency="EUR"'),
        budget("2026") + budget("12027"),
        budget("2026") + budget("2027", "1" * 70),
    ],
)
def test_budgets_that_are_not_parts_of_one_are_not_added_up(parts):
    parsed = parse(file(activity(parts, said=' default-currency="USD"')))

    assert "budget" not in parsed.records[0]
    assert parsed.records[0]["currency_code"] == "USD"
    assert "iati-activity/budget/value" in parsed.unmapped


def test_a_currency_that_is_none_is_not_taken_for_the_default():
    money = budget("2026", money=' currency="EURO"') + MONEY.format("3", ' currency="EURO"', "1")
    (record,) = parse(file(activity(money, said=' default-currency="USD"'), version="xx")).records

    assert "budget" not in record
    assert "currency_code" not in record["transactions"][0]
    assert one(MONEY.format("3", ' currency="ZWL"', "1"))["transactions"][0]["currency_code"] == (
        "ZWL"
    )


@pytest.mark.parametrize("value", ["+5", "5.", "5"])
def test_numbers_may_be_spelt_in_several_ways(value):
    inside = RESULT.format("1", PERIOD.format(f'<target value="{value}"/><actual value=".5"/>'))
    (result,) = one(inside)["results"]

    assert (result["target"], result["actual"]) == ("5", "0.5")


@pytest.mark.parametrize(
    ("inside", "flag", "left"),
    [
        ('<sector vocabulary="10" code="11"/>', "1", False),
        ('<humanitarian-scope type="2" vocabulary="2-1" code="HSOM26"/>', "true", False),
        ('<sector vocabulary="10" code="11"/>', "0", True),
        ('<sector code="72010"/>', "1", True),
        ("", "1", True),
    ],
)
def test_the_humanitarian_flag_is_said_by_clusters_emergencies_and_plans(inside, flag, left):
    parsed = parse(file(activity(inside, said=f' humanitarian="{flag}"')))
    written = etree.fromstring(write(Iati(), parsed.records).content)[0]

    assert ("iati-activity/@humanitarian" in parsed.unmapped) is left
    assert (written.get("humanitarian") == "1") is (not left or flag == "0")


def test_an_activity_without_an_identifier_is_known_by_all_it_holds():
    head = HEAD.replace("XI-1-7", "")
    first, second = parse(
        file(activity(head=head), activity('<tag code="1" vocabulary="1"/>', head=head))
    ).records
    again = one(head=head)

    assert first["record_id"].startswith("iati.invalid/sha256:")
    assert first["record_id"] != second["record_id"]
    assert again == first
    assert parse(write(Iati(), [first]).content).records == [first]


def test_a_long_identifier_becomes_its_digest():
    head = HEAD.replace("XI-1-7", "é" * 200)

    assert one(head=head)["record_id"].startswith("iati.invalid/sha256:")


def test_a_mapping_says_whose_numbering_it_is():
    own = file(activity(head=HEAD.replace("XI-1-7", "XI-1-record:other.example:7")))

    (record,) = parse(file(activity()), plan_for("iati")).records
    assert record["record_id"] == "desk.example/XI-1-7"
    assert parse(own).records[0]["record_id"] == "other.example/7"
    assert refused(own, plan_for("iati"))[0] == "iati.other_authority"
    assert refused(own, plan_for("cap"))[0] == "mapping.other_format"


BASE: Record = {
    "record_type": "activity",
    "record_id": "iati.invalid/XI-1-7",
    "activity_id": "XI-1-7",
    "activity_name": "A",
    "organisations": [
        {"org_name": "B", "org_id": "XI-1", "org_type_code": "22", "role": "reporting"},
        {"org_name": "C", "role": "implementing"},
    ],
    "status": "ongoing",
    "start_date": "2026-01-02",
}


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({}, set()),
        ({"record_id": "desk.example/9"}, {"record_id"}),
        ({"activity_id": None, "record_id": "desk.example/9"}, set()),
        ({"status": "suspended", "source_status": "2"}, {"source_status"}),
        ({"status": "completed", "source_status": "3"}, set()),
        ({"end_date": "2026-03", "planned_end_date": "2026-03-01T10:00:00Z"},
         {"planned_end_date"}),
        ({"start_date": "2024", "end_date": "2024-02", "planned_start_date": "0000"},
         {"planned_start_date"}),
        ({"activity_id": None, "record_id": "desk.example/a/b&c?d|%é:1"}, set()),
        ({"activity_id": None, "record_id": "desk.example/" + "é" * 200}, set()),
        ({"planned_start_date": "2026-02-31"}, {"planned_start_date"}),
        ({"activity_name": " A"}, {"activity_name"}),
        ({"description": "\x0b", "comment": "x"}, {"description", "comment"}),
        ({"place": {"admin_level": 1, "admin1_code": "SO24", "admin1_name": "Bay"}},
         {"place.admin_level", "place.admin1_name"}),
        ({"place": {"location_code": "SOM", "geo": {"type": "Point", "coordinates": [1e-7, 2]}}},
         set()),
        ({"place": {"precision": "admin2"}}, {"place.precision"}),
        ({"place": {"location_code": "QQQ"}}, {"place.location_code"}),
        ({"place": {"admin1_name": "Bay"}, "other_places": [{"name": "Wajid"}]},
         {"place.admin1_name", "other_places[].name"}),
        ({"other_places": [{"name": "Wajid"}]}, {"other_places[].name"}),
        ({"place": {"name": "a"}, "other_places": [{"location_code": "SOM"}]}, set()),
        ({"place": {"location_code": "SOM"}, "other_places": [{"location_code": "KEN"}]}, set()),
        ({"sector_code": "WSH", "sector_vocabulary": "10"}, {"sector_vocabulary"}),
        ({"sector_code": "WASH"}, {"sector_code"}),
        ({"sector_code": "1", "sector_vocabulary": "99",
          "other_sectors": [{"sector_name": "x"}, {"sector_code": "HEA", "percentage": "1e1"}]},
         {"other_sectors[].sector_name", "other_sectors[].sector_code",
          "other_sectors[].percentage"}),
        ({"budget": "10", "currency_code": "EUR"}, {"budget"}),
        ({"budget": "1e3", "end_date": "2026-02-01"}, {"budget"}),
        ({"currency_code": "EUR", "transactions": [
            {"transaction_type": "3", "date": "2026-01-02", "value": "1"}]}, {"currency_code"}),
        ({"transactions": [{"transaction_type": "3", "value": "1"}]},
         {"transactions[].transaction_type", "transactions[].value"}),
        ({"results": [{"indicator_name": "x", "unit": "person", "target": "5"}]},
         {"results[].unit", "results[].target"}),
        ({"results": [{"unit": "%"}, {"indicator_name": "x"}]},
         {"results[].unit", "results[].indicator_name"}),
        ({"beneficiaries_reached": 5}, {"beneficiaries_reached"}),
        ({"households_reached": 5, "end_date": "2026-02-01"}, set()),
        ({"reference_period_start": "2026-01-02", "reference_period_end": "2026-02-01",
          "beneficiaries_targeted": 7, "end_date": "2026-02-01"},
         {"reference_period_start", "reference_period_end"}),
        ({"contact": {"name": "Idil", "email": "\x01"}}, {"contact.email"}),
        ({"glide_number": ["DR-2026-000012-SOM"], "appeal_code": [" a"]}, {"appeal_code[]"}),
        ({"source": {"source_date": "2026-01-02T03:04:05Z", "source_name": "desk"}},
         {"source.source_name"}),
        ({"source": {"source_date": "2026-13-02T03:04:05Z"}}, {"source.source_date"}),
    ],
)  # fmt: skip
def test_what_iati_cannot_carry_is_listed(change, lost, xsd):
    record = {key: value for key, value in {**BASE, **change}.items() if value is not None}
    check(record, at="")
    rendered = write(Iati(), [record])

    assert xsd.validate(etree.fromstring(rendered.content)), xsd.error_log
    assert set(rendered.unrendered) == {f"activity.{name}" for name in lost}
    back = parse(rendered.content).records
    gone = set(rendered.unrendered)
    assert comparable(back, gone) == comparable([record], gone)


def test_a_kind_of_organisation_of_ocha_becomes_one_of_iati():
    record = deepcopy(BASE)
    record["organisations"][0]["org_type_code"] = "437"
    record["organisations"][1]["org_type_code"] = "439"
    rendered = write(Iati(), [record])

    first, second = parse(rendered.content).records[0]["organisations"]
    assert first["org_type_code"] == "21"
    assert "org_type_code" not in second
    assert rendered.unrendered == ("activity.organisations[].org_type_code",)


@pytest.mark.parametrize("vocabulary", [{}, {"sector_vocabulary": "10"}])
def test_a_cluster_is_written_with_its_number(vocabulary):
    rendered = write(Iati(), [{**BASE, "sector_code": "WSH", **vocabulary}])

    assert etree.fromstring(rendered.content).find(".//sector").attrib == {
        "vocabulary": "10",
        "code": "11",
    }


def test_an_authority_of_the_mapping_is_no_hindrance_to_writing():
    record = {**BASE, "record_id": "other.example/7"}
    del record["activity_id"]
    rendered = write(Iati(), [record], plan_for("iati"))

    assert rendered.unrendered == ("activity.record_id",)
    assert b"<iati-identifier>XI-1-record:other.example:7</iati-identifier>" in rendered.content


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("activity_name", None, "iati-activity/title"),
        ("status", None, "iati-activity/activity-status"),
        ("start_date", "0000", "iati-activity/activity-date"),
        ("organisations", None, "iati-activity/reporting-org"),
        ("organisations", BASE["organisations"][:1], "iati-activity/participating-org"),
        ("organisations", [{"role": "reporting"}, {"role": "donor"}], "reporting-org/@ref"),
    ],
)
def test_an_activity_without_what_iati_requires_is_not_written(field, value, at):
    record = {**BASE, field: value}
    if value is None:
        del record[field]
    with pytest.raises(SenderError) as caught:
        write(Iati(), [BASE, record])

    assert (caught.value.rule, caught.value.at) == ("iati.required", f"record 2, {at}")


def test_records_of_other_types_are_listed():
    person = {"record_type": "person", "record_id": "a.example/1", "sex": "male"}
    rendered = write(Iati(), [person, BASE])

    assert "person.sex" in rendered.unrendered
    assert parse(rendered.content).records == [BASE]
    with pytest.raises(SenderError) as caught:
        write(Iati(), [person])
    assert caught.value.rule == "iati.no_activity"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(found=records(types=("activity",), most=2))
def test_every_activity_comes_back_or_is_told_to_be_lost(xsd, found):
    needed: dict[str, Any] = {key: value for key, value in BASE.items() if key != "record_id"}
    several = [
        {
            **record,
            **needed,
            "organisations": [*needed["organisations"], *record.get("organisations", [])],
            "record_id": f"a.example/{number}",
        }
        for number, record in enumerate(found)
    ]
    if not several:
        return
    rendered = write(Iati(), several)
    assert xsd.validate(etree.fromstring(rendered.content)), xsd.error_log
    back = parse(rendered.content)

    gone = set(rendered.unrendered)
    assert comparable(back.records, gone) == comparable(several, gone)
    assert present(several) <= rendered.lineage.keys() | gone
    assert gone | rendered.lineage.keys() <= present(several)


REAL = sorted(
    (
        "02-minimal-doc",
        "04-mixed-content-extensibility",
        "22-participating-org",
        "24-results",
        "contact-info__01-contact-info-example",
        "humanitarian__02-humanitarian-transaction-flag",
        "humanitarian__03-humanitarian-scope",
        "location__01-generic-location",
    )
)


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_comes_back_field_by_field(samples, xsd, name):
    """The standard's own documents, with codes where they say `xx`: those cannot be written."""
    root = etree.parse(samples(f"iati/open/should-pass__{name}.xml")).getroot()
    root.set("version", "2.03")
    codes = {"type": "22", "role": "4", "code": "2"}
    for element in root.iter("reporting-org", "participating-org", "activity-status"):
        for key in codes.keys() & set(element.attrib):
            element.set(key, codes[key])
    for number, element in enumerate(root.iter("activity-date"), 2):
        element.set("type", str(number))
    for element in root.iter("transaction-type", "exactness"):
        element.set("code", "1")
    for element in root.iter("indicator"):
        element.set("measure", "1")
    parsed = parse(etree.tostring(root))
    rendered = write(Iati(), parsed.records)

    assert xsd.validate(etree.fromstring(rendered.content)), xsd.error_log
    assert rendered.unrendered == ()
    assert parse(rendered.content).records == parsed.records
