"""PFIF: four versions read, the last one written and valid, notes wherever they stand."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.pfif import Pfif, envelope
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of
from gateway.record import Parsed, Reading, Record, Writing, check
from tests.canonical_records import comparable, present, records

CANARY = "CanaryAmina"
SAMPLES = Path(__file__).resolve().parent.parent / "adapters/pfif/samples"
REPORTS = (SAMPLES / "reports.xml").read_text()
ID = "<person_record_id>a.example/1</person_record_id>"
DAY = "<source_date>2026-01-02T03:04:05Z</source_date>"
NOTE = f"<note_record_id>a.example/n1</note_record_id>{DAY}"


def person(inside: str = "") -> str:
    return f"<person>{ID}{DAY}{inside}</person>"


def note(inside: str = "", about: str = "a.example/1", number: int = 1) -> str:
    return (
        f"<note><note_record_id>a.example/n{number}</note_record_id>{DAY}"
        f"<person_record_id>{about}</person_record_id>{inside}</note>"
    )


def pfif(inside: str, version: str = "1.4") -> str:
    return f'<pfif xmlns="http://zesty.ca/pfif/{version}">{inside}</pfif>'


def parse(content: str | bytes) -> Parsed:
    parsed = read(Pfif(), content if isinstance(content, bytes) else content.encode())
    for record in parsed.records:
        check(record, at="")
    return parsed


def one(content: str) -> Record:
    (record,) = parse(content).records
    return record


def refused(content: str | bytes) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


def plan_for(name: str) -> Plan:
    table = {"type": "missing-person", "id": {"first": ["id"]}, "fields": {}}
    return plan_of(
        {
            "mapping": "only-the-authority",
            "version": "1",
            "format": name,
            "authority": "a.example",
            "records": [table],
        },
        at="",
    )


@pytest.fixture(scope="module")
def schema(samples: Callable[[str], Path]) -> etree.RelaxNG:
    rnc2rng = pytest.importorskip("rnc2rng")
    grammar = rnc2rng.dumps(rnc2rng.load(str(samples("pfif/schema/pfif-1.4.rnc"))))
    return etree.RelaxNG(etree.fromstring(grammar.encode()))


def test_every_element_of_pfif_has_its_place():
    report, expired, alone = parse(REPORTS).records
    first, second = report["notes"]

    assert report["record_id"] == "find.example/p.101"
    assert report["alternate_names"] == ["Mama Juma", "سلمى"]
    assert report["home_neighborhood"] == "Old bridge"
    assert report["age"] == {"band": "30-40", "as_of": "2026-04-19"}
    assert report["date_of_birth"] == "1991-05"
    assert report["protection"] == {"expiry_date": "2026-10-19"}
    assert report["photo_url"] == ["https://find.example/p/101.jpg"]
    assert (first["status"], first["author_made_contact"]) == ("believed_alive", True)
    assert report["found_contacts"] == [
        {
            "note_record_id": "find.example/n.201",
            "email_of_found_person": "salma@mail.example",
            "phone_of_found_person": "+999 555 0119",
            "last_known_location": "-1.31,36.61",
        }
    ]
    assert second["note_record_id"] == "shelter.example/n.7"
    assert expired.keys() == {
        "record_type", "record_id", "entry_date", "expiry_date", "source_date", "protection",
    }  # fmt: skip
    assert alone["record_id"] == "shelter.example/n.8"
    assert alone["person_record_id"] == "elsewhere.example/p.1"


def test_a_claim_of_death_stays_a_claim():
    record = one(pfif(person(note("<status>believed_dead</status>"))))

    assert record["notes"][0]["status"] == "believed_dead"
    assert "death_date" not in str(record)
    assert "status" not in record


def test_lineage_names_elements_as_they_are_called():
    lineage = parse((SAMPLES / "older.xml").read_bytes()).lineage
    names = {leaf.removeprefix("missing-person."): path for leaf, path in lineage.items()}

    assert names["full_name"] == "pfif/person/first_name + pfif/person/last_name"
    assert names["given_name"] == "pfif/person/first_name"
    assert names["description"] == "pfif/person/other"
    assert names["notes[].author_made_contact"] == "pfif/person/note/found"
    assert names["age.as_of"] == "pfif/person/source_date"


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_what_is_read_is_written_and_valid(name, schema):
    parsed = parse((SAMPLES / name).read_bytes())
    rendered = write(Pfif(), parsed.records)

    assert parse(rendered.content).records == parsed.records
    assert rendered.unrendered == ()
    assert rendered.lineage.keys() == parsed.lineage.keys()
    schema.assertValid(etree.fromstring(rendered.content))


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
def test_older_names_mean_the_same(version):
    old = person(
        "<first_name>A</first_name><last_name>B</last_name><full_name>A B</full_name>"
        "<other>description:\n    C</other><home_zip>D</home_zip>"
        + note("<found>true</found>")
    )  # fmt: skip
    new = person(
        "<given_name>A</given_name><family_name>B</family_name><full_name>A B</full_name>"
        "<description>C</description><home_postal_code>D</home_postal_code>"
        + note("<author_made_contact>true</author_made_contact>")
    )  # fmt: skip

    assert one(pfif(old, version)) == one(pfif(new))


@pytest.mark.parametrize(("version", "made"), [("1.1", True), ("1.2", True), ("1.3", False)])
def test_a_full_name_is_made_where_the_version_has_none(version, made):
    record = one(pfif(person("<first_name>A</first_name>"), version))

    assert ("full_name" in record) == made


@pytest.mark.parametrize(
    ("other", "description"),
    [
        ("description: a", "a"),
        ("description:\n    a\n    b", "a\nb"),
        ("description:\n    a\n      b", "a\n  b"),
        ("a", "a"),
        ("description:\n    a\nother_label:\n    b", "description:\n    a\nother_label:\n    b"),
        ("a\ndescription: b", "a\ndescription: b"),
    ],
)
def test_a_label_is_taken_off_and_other_labels_are_kept(other, description):
    record = one(pfif(person(f"<other>{other}</other>"), "1.3"))

    assert record["description"] == description


def test_new_names_are_unknown_to_old_versions_only_where_they_differ():
    parsed = parse(pfif(person("<first_name>A</first_name>")))

    assert parsed.unmapped == ("pfif/person/first_name",)
    assert "given_name" not in parsed.records[0]


def test_notes_go_to_the_person_of_the_file_wherever_they_stand():
    inside = one(pfif(person(note())))
    before = one(pfif(note() + person()))
    after = one(pfif(person() + note()))

    assert inside == before == after


def test_notes_about_others_are_records_of_their_own():
    found = parse(pfif(note(number=1) + note(number=2) + person().replace("/1<", "/9<"))).records

    assert [record["record_id"] for record in found] == [
        "a.example/n1", "a.example/n2", "a.example/9",
    ]  # fmt: skip
    assert {record["person_record_id"] for record in found[:2]} == {"a.example/1"}


def test_what_was_held_for_nobody_is_given_out(monkeypatch):
    class Sure(envelope.Marks):
        def __contains__(self, text: object) -> bool:
            return True

    monkeypatch.setattr(envelope, "Marks", Sure)
    found = parse(pfif(note() + person().replace("/1<", "/9<"))).records

    assert [record["record_id"] for record in found] == ["a.example/9", "a.example/n1"]


def test_notes_apart_are_held_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(envelope, "HELD", 100)

    assert refused(pfif(person() + note(f"<text>{CANARY * 20}</text>")))[0] == "pfif.notes_apart"
    assert len(parse(pfif(note(f"<text>{CANARY * 20}</text>"))).records) == 1


def test_a_feed_is_read_like_a_file():
    parsed = parse((SAMPLES / "feed.atom").read_bytes())

    assert parsed.records[0]["full_name"] == "Joy Achieng"
    assert "feed/entry/title" in parsed.unmapped


@pytest.mark.parametrize(
    ("inside", "field", "value"),
    [
        ("<author_email>_none_</author_email>", "author_email", "_none_"),
        ("<author_phone>ask Amina</author_phone>", "author_phone", "ask Amina"),
        ("<full_name>\n  A\n </full_name>", "full_name", "A"),
        ("<age>35</age>", "age", {"years": 35, "as_of": "2026-01-02"}),
        ("<entry_date>2026-01-02T03:04:05.25Z</entry_date>", "entry_date",
         "2026-01-02T03:04:05.25Z"),
        ("<entry_date>2026-01-02T03:04:05+01:00</entry_date>", "entry_date",
         "2026-01-02T03:04:05+01:00"),
        ("<sex/>", "sex", None),
        ("<home_country> </home_country>", "home_country", None),
    ],
)  # fmt: skip
def test_reading_is_lenient_where_nothing_is_lost(inside, field, value):
    assert one(pfif(person(inside))).get(field) == value


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("<CanaryAmina/>", "pfif.not_pfif"),
        ('<person xmlns="http://zesty.ca/pfif/1.4"/>', "pfif.not_pfif"),
        (pfif("", "1.5"), "pfif.version"),
        (pfif("", "CanaryAmina"), "pfif.version"),
        (pfif('<person xmlns="http://zesty.ca/pfif/1.3"/>' + person("")), "pfif.version"),
        (pfif(person('<note xmlns="http://zesty.ca/pfif/1.3"/>')), "pfif.version"),
        ("person_record_id,author_name\n1,CanaryAmina\n", "pfif.csv"),
        ("\ufeffauthor_name,person_record_id\n", "pfif.csv"),
        (pfif(f"<person>{DAY}</person>"), "pfif.required"),
        (pfif(f"<person>{ID}</person>"), "pfif.required"),
        (pfif(person(f"<note>{DAY}</note>")), "pfif.required"),
        (pfif(f"<note>{NOTE}</note>"), "pfif.required"),
        (pfif(person(note(about="a.example/CanaryAmina"))), "pfif.other_person"),
        (pfif(person("<sex>male</sex><sex>CanaryAmina</sex>")), "pfif.repeated"),
        (pfif(person("<first_name>A</first_name><given_name>B</given_name>"), "1.3"),
         "pfif.repeated"),
        (pfif(person().replace("a.example/1", "CanaryAmina")), "pfif.record_id"),
        (pfif(person().replace("a.example/1", "A.example/1")), "pfif.record_id"),
        (pfif(person("<sex>CanaryAmina</sex>")), "pfif.sex"),
        (pfif(person("<date_of_birth>1990-13</date_of_birth>")), "pfif.date"),
        (pfif(person("<age>old CanaryAmina</age>")), "pfif.age"),
        (pfif(person("<age>131</age>")), "pfif.age"),
        (pfif(person("<home_country>CanaryAmina</home_country>")), "pfif.country"),
        (pfif(person("<expiry_date>2026-01-02T03:04:05</expiry_date>")), "pfif.time"),
        (pfif(person("<expiry_date>2026-02-30T03:04:05Z</expiry_date>")), "pfif.time"),
        (pfif(person(note("<status>CanaryAmina</status>"))), "pfif.status"),
        (pfif(person(note("<author_made_contact>1</author_made_contact>"))), "pfif.boolean"),
        (pfif(person("<full_name>a<b/></full_name>")), "xml.mixed"),
        (pfif(person("CanaryAmina")), "xml.mixed"),
        ("<!DOCTYPE pfif>" + pfif(""), "xml.doctype"),
        ("", "xml.empty"),
    ],
)  # fmt: skip
def test_what_is_refused_and_by_which_rule(content, rule):
    assert refused(content)[0] == rule


def test_errors_name_line_and_element():
    content = REPORTS.replace("<pfif:sex>female", "<pfif:sex>CanaryAmina")

    assert refused(content) == ("pfif.sex", "line 19, sex")


def test_what_pfif_does_not_know_is_listed_and_stays():
    parsed = parse(pfif(person('<weight>CanaryAmina</weight><full_name lang="x">A</full_name>')))

    assert parsed.unmapped == ("pfif/person/full_name/@lang", "pfif/person/weight")
    assert CANARY not in str(parsed.records)


def test_a_mapping_may_bind_to_one_domain():
    inside = pfif(person()).encode()
    other = pfif(person().replace("a.example", "b.example")).encode()

    assert len(read(Pfif(), inside, plan_for("pfif")).records) == 1
    for content, plan, rule in (
        (other, plan_for("pfif"), "pfif.other_domain"),
        (inside, plan_for("cap"), "mapping.other_format"),
    ):
        with pytest.raises(SenderError) as caught:
            read(Pfif(), content, plan)
        assert caught.value.rule == rule


BASE: Record = {
    "record_type": "missing-person",
    "record_id": "a.example/1",
    "source_date": "2026-01-02T03:04:05Z",
}
SAID = {"note_record_id": "a.example/n1", "source_date": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"sex": "unknown"}, {"sex"}),
        ({"sex": "other"}, set()),
        ({"full_name": " A"}, {"full_name"}),
        ({"full_name": "A\x0b"}, {"full_name"}),
        ({"author_email": "_none_"}, {"author_email"}),
        ({"author_phone": "ask"}, {"author_phone"}),
        ({"alternate_names": ["A", "B\nC"]}, {"alternate_names[]"}),
        ({"photo_url": ["a", "b"]}, {"photo_url[]"}),
        ({"entry_date": "2026-01-02T03:04:05.5Z"}, {"entry_date"}),
        ({"entry_date": "2026-01-02T03:04:05+03:00"}, {"entry_date"}),
        ({"entry_date": "2026-99-02T03:04:05Z"}, {"entry_date"}),
        ({"entry_date": "0001-01-01T00:00:00+01:00"}, {"entry_date"}),
        ({"age": {"years": 7, "as_of": "2026-01-02"}}, set()),
        ({"age": {"years": 7}}, {"age.years"}),
        ({"age": {"years": 7, "as_of": "2025"}}, {"age.years", "age.as_of"}),
        ({"age": {"band": "60+", "as_of": "2026-01-02"}}, {"age.band", "age.as_of"}),
        ({"age": {"years": 7, "band": "5-9", "as_of": "2026-01-02"}}, {"age.band"}),
        ({"expiry_date": "2026-05-01T23:00:00-02:00", "protection": {"expiry_date": "2026-05-02"}},
         {"expiry_date"}),
        ({"expiry_date": "2026-05-01T23:00:00Z", "protection": {"expiry_date": "2026-05"}},
         {"protection.expiry_date"}),
        ({"person_record_id": "a.example/9", "nationality": ["KEN"], "withheld": {"a": "purpose"},
          "place": {"geo": {"type": "Point", "coordinates": [1, 2]}}},
         {"person_record_id", "nationality[]", "withheld", "place.geo"}),
        ({"notes": [{"text": "A", "source_date": "2026-01-02T03:04:05Z"}]},
         {"notes[].text", "notes[].source_date"}),
        ({"notes": [{**SAID, "source_date": "2026"}]},
         {"notes[].note_record_id", "notes[].source_date"}),
        ({"notes": [SAID], "found_contacts": [{"note_record_id": "a.example/n1",
                                               "last_known_location": "here"}]}, set()),
        ({"notes": [SAID], "found_contacts": [{"note_record_id": "a.example/n2",
                                               "last_known_location": "here"}]},
         {"found_contacts[].note_record_id", "found_contacts[].last_known_location"}),
        ({"notes": [SAID], "found_contacts": [{"note_record_id": "a.example/n1",
                                               "phone_of_found_person": "ask"}]},
         {"found_contacts[].note_record_id", "found_contacts[].phone_of_found_person"}),
        ({"notes": [SAID], "found_contacts": [{"last_known_location": "here"}]},
         {"found_contacts[].last_known_location"}),
    ],
)  # fmt: skip
def test_what_pfif_cannot_carry_is_listed(change, lost, schema):
    record = {**BASE, **change}
    check(record, at="")
    rendered = write(Pfif(), [record])

    schema.assertValid(etree.fromstring(rendered.content))
    assert set(rendered.unrendered) == {f"missing-person.{name}" for name in lost}
    back = parse(rendered.content).records
    gone = set(rendered.unrendered)
    assert comparable(back, gone) == comparable([record], gone)


def test_an_offset_is_turned_into_utc():
    record = {**BASE, "source_date": "2026-01-01T23:30:00-02:30"}

    assert parse(write(Pfif(), [record]).content).records[0]["source_date"] == (
        "2026-01-02T02:00:00Z"
    )


@pytest.mark.parametrize("date", [None, "2026", "2026-01-02", "2026-01-02T03:04:05"])
def test_a_report_without_an_instant_is_not_written(date):
    record = {**BASE, "source_date": date}
    if date is None:
        del record["source_date"]
    with pytest.raises(SenderError) as caught:
        write(Pfif(), [BASE, record])
    assert (caught.value.rule, caught.value.at) == ("pfif.required", "record 2, source_date")


def test_records_of_other_types_are_listed():
    rendered = write(Pfif(), [{"record_type": "person", "record_id": "a.example/1"}])

    assert rendered.unrendered == ("person.record_id", "person.record_type")
    assert parse(rendered.content).records == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(records(types=("missing-person",), most=2))
def test_every_report_comes_back_or_is_told_to_be_lost(schema, found):
    several = [
        {**record, "record_id": f"a.example/{number}", "source_date": "2026-01-02T03:04:05Z"}
        for number, record in enumerate(found)
    ]
    rendered = write(Pfif(), several)
    schema.assertValid(etree.fromstring(rendered.content))
    back = parse(rendered.content)

    gone = set(rendered.unrendered)
    assert comparable(back.records, gone) == comparable(several, gone)
    assert present(several) <= rendered.lineage.keys() | gone
    assert gone | rendered.lineage.keys() <= present(several)


class Long(io.RawIOBase):
    """A file of many persons that nobody holds."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._next = -1
        self._rest = b""

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._next, self._rest = -1, b""
        return 0

    def readinto(self, buffer: Any) -> int:
        while len(self._rest) < len(buffer) and self._next <= self._count:
            if self._next == -1:
                part = '<pfif xmlns="http://zesty.ca/pfif/1.4">'
            elif self._next == self._count:
                part = "</pfif>"
            else:
                part = person().replace("/1<", f"/{self._next}<")
            self._next += 1
            self._rest += part.encode()
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def test_persons_are_read_one_by_one():
    file = Long(20_000)
    found = Pfif().parse(file, None, Reading())  # type: ignore[arg-type]
    first = next(found)

    assert first["record_id"] == "a.example/0"
    assert file._next < 2_000
    assert sum(1 for _ in found) == 19_999


def test_persons_are_written_one_by_one():
    class Endless:
        def __iter__(self):
            return ({**BASE, "record_id": f"a.example/{number}"} for number in range(5_000))

    sizes = [len(piece) for piece in Pfif().render(Endless(), None, Writing())]  # type: ignore[arg-type]

    assert max(sizes) < 64 << 10
    assert len(sizes) > 10


@pytest.mark.parametrize("end", range(0, len(REPORTS), 97))
def test_a_cut_file_is_refused(end):
    assert refused(REPORTS[:end])[0].startswith("xml.")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(REPORTS)), st.integers(0, 40), st.text(max_size=8))
def test_any_damage_is_read_or_refused(place, cut, noise):
    content = REPORTS[:place] + noise + REPORTS[place + cut :]
    try:
        parse(content.encode())
    except SenderError as error:
        assert error.rule.partition(".")[0] in ("xml", "pfif", "schema")  # noqa: PT017


def test_real_files(samples, schema):
    for path in sorted(samples("pfif/open").iterdir()):
        if path.suffix == ".csv":
            assert refused(path.read_bytes())[0] == "pfif.csv"
            continue
        parsed = parse(path.read_bytes())
        rendered = write(Pfif(), parsed.records)
        schema.assertValid(etree.fromstring(rendered.content))
        gone = set(rendered.unrendered)
        # Person Finder's own test files have dummies for addresses and numbers.
        assert all("email" in leaf or "phone" in leaf for leaf in gone), path.name
        back = parse(rendered.content).records
        assert comparable(back, gone) == comparable(parsed.records, gone)
