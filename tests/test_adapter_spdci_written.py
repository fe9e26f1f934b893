"""SPDCI as it is written: what comes back, what is told as lost, and members in their groups."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.spdci import Spdci, nesting
from adapters.spdci.envelope import NO_ID, NO_MOMENT, addressed
from adapters.tabular import Tabular
from gateway.adapter import read, write
from gateway.errors import GatewayError
from gateway.kit import generate
from gateway.mapping import read_mapping
from gateway.record import Record, Rendered, leaves, walk
from tests.test_adapter_spdci import plan_for

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "adapters/spdci/samples"
MAPPINGS = ROOT / "deploy/crosswalks/mappings"
REAL = [
    row["file"] for row in json.loads((ROOT / "tests/real/spdci.json").read_bytes())
    if "records" in row
]  # fmt: skip
ADA = "a.example/ada"
BEN = "a.example/ben"
HOME = "a.example/home"


def ada(**more: Any) -> Record:
    return {"record_type": "person", "record_id": ADA, "sex": "female", **more}


def ben(**more: Any) -> Record:
    return {"record_type": "person", "record_id": BEN, "sex": "male", **more}


def home(*members: str, number: str = HOME, **more: Any) -> Record:
    listed = [{"member": one} for one in members]
    return {"record_type": "household", "record_id": number, "member_list": listed, **more}


def given_to(who: str, **more: Any) -> Record:
    number = "a.example/gift"
    return {"record_type": "assistance", "record_id": number, "beneficiary": who, **more}


def written(*records: Record) -> Rendered:
    return write(Spdci(), records)


def objects(rendered: Rendered) -> list[dict[str, Any]]:
    body = json.loads(rendered.content)
    found: list[dict[str, Any]] = body["message"]["search_response"][0]["data"]["reg_records"]
    return found


def by_id(records: list[Record]) -> dict[str, Record]:
    return {one["record_id"]: one for one in records}


def assert_only_told_is_lost(records: list[Record], rendered: Rendered) -> None:
    """Field by field: what does not come back as it was stands in `unrendered`."""
    back = by_id(read(Spdci(), rendered.content).records)
    assert back.keys() == by_id(records).keys()
    for record in records:
        again = back[record["record_id"]]
        kind = record["record_type"]
        assert again["record_type"] == kind
        for name, leaf in leaves(kind).items():
            if list(walk(record, leaf.path)) != list(walk(again, leaf.path)):
                assert f"{kind}.{name}" in rendered.unrendered


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_what_is_read_is_written(name: str):
    records = read(Spdci(), (SAMPLES / name).read_bytes()).records
    rendered = written(*records)

    assert_only_told_is_lost(records, rendered)
    never = {"person.name.full_name", *(f"assistance.{one}" for one in PAYROLL)}
    never.add("person.birth_date")  # a year without its day
    assert set(rendered.unrendered) <= never


PAYROLL = ("delivered_on", "delivered_value", "status")


@pytest.mark.parametrize("file", REAL)
def test_real_records_come_back(file: str, samples: Callable[[str], Path]):
    records = read(Spdci(), samples(file).read_bytes()).records
    distinct = list(by_id(records).values())
    rendered = written(*distinct)

    assert_only_told_is_lost(distinct, rendered)
    assert set(rendered.unrendered) <= {f"assistance.{one}" for one in PAYROLL}


@settings(max_examples=25)
@given(generate.records(["person", "household", "assistance"], most=5))
def test_whatever_a_record_has_comes_back_or_is_told(records: list[Record]):
    distinct = list(by_id(records).values())

    assert_only_told_is_lost(distinct, written(*distinct))


def test_the_vocabulary_is_written():
    person = ada(
        name={"surname": "A", "given_name": "B"},
        birth_date="1990-05-02",
        death_date="2020-01-31",
        marital_status="L",
        is_disabled=False,
        nationality=["SOM"],
        place={"geo": {"type": "Point", "coordinates": [42.25, 2.5]}},
        relationships=[{"relationship_type": "spouse", "related": BEN}],
    )
    (made,) = objects(written(person))

    assert made == {
        "@id": f"https://corridor.invalid/id/{ADA}",
        "@type": "Member",
        "demographic_info": {
            "@type": "Person",
            "name": {"@type": "Name", "surname": "A", "given_name": "B"},
            "sex": "female",
            "birth_date": "1990-05-02T00:00:00Z",
            "death_date": "2020-01-31T00:00:00Z",
            "nationality": ["ISO 3166-2:SO"],
            "address": [
                {
                    "@type": "Address",
                    "geo_location": {"@type": "GeoLocation", "longitude": 42.25, "latitude": 2.5},
                }
            ],
        },
        "is_disabled": False,
        "marital_status": "L",
        "related_person": [
            {
                "@type": "RelatedPerson",
                "relationship_type": "SPS",
                "related_member": {
                    "@id": f"https://corridor.invalid/id/{BEN}",
                    "@type": "Member",
                },
            }
        ],
    }


@pytest.mark.parametrize(
    ("record", "lost"),
    [
        (ada(name={"full_name": "A B"}), {"person.name.full_name"}),
        (ada(age={"years": 7}), {"person.age.years"}),
        (ada(marital_status="T"), {"person.marital_status"}),
        (ada(birth_date="1985"), {"person.birth_date"}),
        (ada(language_code=["english"]), {"person.language_code[]"}),
        (given_to(ADA, benefit_date="2025-03"), {"assistance.benefit_date"}),
        (given_to(ADA, status_change_dates=["2025"]), {"assistance.status_change_dates[]"}),
        (ada(birth_date="2001-02-31"), {"person.birth_date"}),
        (ada(nationality=["QQQ"]), {"person.nationality[]"}),
        (ada(ethnicity=" "), {"person.ethnicity"}),
        (
            ada(identifier=[{"identifier_type": "UIN", "issuer": "SOM"}]),
            {"person.identifier[].identifier_type", "person.identifier[].issuer"},
        ),
        (
            ada(relationships=[{"relationship_type": "aunt_uncle", "related": BEN}]),
            {"person.relationships[].relationship_type"},
        ),
        (home(ADA, member_list=[{"is_head": True}]), {"household.member_list[].is_head"}),
        (home(ADA, place={"admin1_code": "SO1"}), {"household.place.admin1_code"}),
        (given_to(ADA, currency_code="USD"), {"assistance.currency_code"}),
        (given_to(ADA, benefit_value="5", currency_code="QQQ"), {"assistance.currency_code"}),
        (given_to(ADA, benefit_value="9" * 50), {"assistance.benefit_value"}),
        (
            given_to(ADA, programme_identifier=["A", "B"], programme_name="C"),
            {"assistance.programme_name"},
        ),
        (
            {"record_type": "alert", "record_id": "a.example/1", "status": "Actual"},
            {"alert.record_type", "alert.record_id", "alert.status"},
        ),
    ],
)
def test_what_cannot_be_said_is_told(record: Record, lost: set[str]):
    assert set(written(record).unrendered) == lost


def test_money_and_enrolment_are_those_of_a_beneficiary():
    gift = given_to(
        HOME,
        assistance_unit="family",
        benefit_value="85.50",
        currency_code="EUR",
        benefit_type="in-kind",
        programme_identifier=["A"],
        programme_name="One",
        enrollment_status="graduated",
        enrollment_date="2025-01-01",
    )
    (made,) = objects(written(gift))

    assert made["group"]["@type"] == "Group"
    assert (made["assistance_unit"], made["enrollment_status"]) == ("3", "3")
    assert made["enrollment_date"] == "2025-01-01"
    assert made["benefits"] == [
        {"@type": "Benefit", "benefit_type": "3", "benefit_value": "EUR 85.50"}
    ]
    assert made["programme_identifier"] == [
        {"@type": "Programme", "programme_identifier": "A", "programme_name": "One"}
    ]


def test_a_beneficiary_that_is_a_household_here_is_a_group():
    (_, group), (_, member) = (
        objects(written(home(number=HOME), given_to(HOME))),
        objects(written(home(number=HOME), given_to(ADA))),
    )

    assert "group" in group
    assert "member" in member


@pytest.mark.parametrize(
    "records",
    [
        [home(ADA, BEN, group_head=ADA), ada(), ben()],
        [ada(), ben(), home(ADA, BEN, group_head=ADA)],
        [ben(), home(ADA, BEN, group_head=ADA), ada()],
    ],
)
def test_members_are_put_into_their_group_from_any_place(records: list[Record]):
    rendered = written(*records)
    (group,) = objects(rendered)

    assert [one["demographic_info"]["sex"] for one in group["member_list"]] == ["female", "male"]
    assert group["group_head_info"] == {
        "@id": f"https://corridor.invalid/id/{ADA}",
        "@type": "Member",
    }
    path = rendered.lineage["person.sex"]
    assert path == "reg_records[].member_list.demographic_info.sex"


def test_a_head_who_is_no_member_stands_at_the_head():
    (group,) = objects(written(home(BEN, group_head=ADA), ada(), ben()))

    assert group["group_head_info"]["demographic_info"]["sex"] == "female"


def test_a_person_is_written_whole_once():
    other = "a.example/other"
    records = [home(ADA), home(ADA, number=other), ada(), home(BEN), ben()]
    first, second, third = objects(written(*records))

    assert "demographic_info" not in first["member_list"][0]
    assert "demographic_info" in second["member_list"][0]
    assert "demographic_info" in third["member_list"][0]


@pytest.mark.parametrize(
    ("records", "whole"),
    [
        ([home(ADA, BEN), ada()], [0]),
        ([ada(), home(BEN)], []),
        ([home(ADA), {"record_type": "person", "record_id": ADA}], []),
        ([{"record_type": "person", "record_id": ADA}, home(ADA)], []),
        ([ada(), ada(), home(ADA)], [0]),
        ([home(ADA), ada(), ada()], [0]),
    ],
)
def test_nobody_is_waited_for_in_vain(records: list[Record], whole: list[int]):
    rendered = written(*records)
    groups = [one for one in objects(rendered) if one["@type"] == "Group"]
    listed = groups[0]["member_list"]

    assert len(groups) == 1
    assert [n for n, one in enumerate(listed) if "demographic_info" in one] == whole
    assert len(read(Spdci(), rendered.content).records) == len(records)


def test_beyond_a_bound_members_stand_beside_their_group(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(nesting, "HELD", 1)
    records = [ada(), ben(), home(ADA, BEN)]
    late = [home(ADA, BEN), ben(), ada()]

    for several in (records, late):
        rendered = written(*several)
        assert [one["@type"] for one in objects(rendered)].count("Member") == 1
        assert_only_told_is_lost(several, rendered)


def test_records_of_nobody_are_a_message_without_records():
    assert objects(written()) == []
    assert read(Spdci(), written().content).records == []


def test_the_same_records_make_the_same_bytes():
    assert written(ada(), home(ADA)).content == written(ada(), home(ADA)).content


def test_a_message_waits_for_its_address():
    body = written(ada()).content
    header = json.loads(body)["header"]

    assert (header["message_id"], header["message_ts"]) == (NO_ID, NO_MOMENT)
    assert (header["action"], header["status"], header["total_count"]) == ("on-search", "succ", 1)
    assert header["sender_id"] == "spdci.invalid"
    named = write(Spdci(), [ada()], plan_for("spdci"))
    assert json.loads(named.content)["header"]["sender_id"] == "a.example"

    sent = addressed(
        body,
        sender_id="registry.example",
        receiver_id="relief.example",
        message_id="m-1",
        message_ts="2026-03-02T08:15:00Z",
        correlation_id="c-1",
        reference_id="r-1",
    )
    message = json.loads(sent)
    assert message["header"]["sender_id"] == "registry.example"
    assert message["header"]["receiver_id"] == "relief.example"
    assert message["message"]["transaction_id"] == "m-1"
    assert message["message"]["correlation_id"] == "c-1"
    (item,) = message["message"]["search_response"]
    assert (item["reference_id"], item["timestamp"]) == ("r-1", "2026-03-02T08:15:00Z")
    assert item["data"] == json.loads(body)["message"]["search_response"][0]["data"]
    assert NO_ID not in sent.decode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"header": {}}',
        b'{"header": {"message_id": "1", "message_ts": "2"}, "message": {}}',
    ],
)
def test_only_a_message_that_waits_is_addressed(body: bytes):
    with pytest.raises(GatewayError) as caught:
        addressed(body, sender_id="a", receiver_id="b", message_id="c", message_ts="d")
    assert caught.value.rule == "spdci.addressed"


INVENTED = ROOT / "deploy/crosswalks/payloads/registry.json"


@pytest.mark.parametrize("file", [None, "processflow2res.json", "processflow1-1res.json"])
def test_a_registry_s_people_become_a_list_of_beneficiaries(
    samples: Callable[[str], Path], file: str | None
):
    registry = read_mapping(MAPPINGS / "spdci-registry.yaml")
    table = read_mapping(MAPPINGS / "beneficiary-list.yaml")
    path = INVENTED if file is None else samples(f"spdci/open/social__{file}")
    records = read(Spdci(), path.read_bytes(), registry).records
    people = [one for one in records if one["record_type"] == "person"]
    rendered = write(Tabular(), records, table)
    back = by_id(read(Tabular(), rendered.content, table).records)

    assert people
    for person in people:
        again = back[person["record_id"]]
        again.pop("schema_version")
        assert again == {key: one for key, one in person.items() if key not in UNLISTED}
    lost = {leaf for leaf in rendered.unrendered if leaf.startswith("person.")}
    assert lost == (LEFT if file is None else set())


UNLISTED = ("ethnicity", "source")
LEFT = {"person.ethnicity", "person.source.source_date"}


def test_the_invented_answer_has_all_that_the_real_one_has(samples: Callable[[str], Path]):
    content = samples("spdci/open/social__processflow2res.json").read_bytes()
    real, invented = read(Spdci(), content), read(Spdci(), INVENTED.read_bytes())

    assert real.lineage.items() <= invented.lineage.items()
    assert set(real.unmapped) <= set(invented.unmapped)
    household = next(one for one in invented.records if one["record_type"] == "household")
    assert len(household["member_list"]) == household["group_size"] == 4


@settings(max_examples=20)
@given(st.permutations([home(ADA, BEN), ada(), ben(), home(ADA, number="a.example/2")]))
def test_the_order_of_records_says_nothing(records: list[Record]):
    rendered = written(*records)

    assert by_id(read(Spdci(), rendered.content).records) == by_id(records)
    assert rendered.unrendered == ()
    assert orjson.loads(rendered.content)
