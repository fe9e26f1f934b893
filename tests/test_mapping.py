"""Tables: how they are read, and that the fast reading and the slow one are one reading."""

import copy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document import parse_yaml
from gateway.errors import GatewayError, OfficerError, SenderError
from gateway.mapping import Reader, plan_of, read_mapping, reader_of
from gateway.mapping.codes import code_list
from gateway.mapping.interpret import interpret
from gateway.mapping.lookup import Keys, Lookup
from gateway.record import validator
from tests.mapping_tables import (
    HOPE,
    TABLE,
    every_line,
    good_rows,
    good_sources,
    hope,
    odd_rows,
    odd_sources,
    rows,
)

CANARY = "CanaryAmina"


def slowly(plan: Any, source: Any, base: str | None = None) -> Any:
    lookups = {level: Lookup(Keys(slots)) for level, slots in plan.levels().items()}
    try:
        return interpret(plan, lookups, source, at="here", base=base)
    except SenderError as error:
        return (error.rule, error.at)


def fast(plan: Any, source: Any, base: str | None = None) -> Any:
    try:
        return Reader(plan).read(source, at="here", base=base)
    except SenderError as error:
        return (error.rule, error.at)


@settings(max_examples=400, deadline=None)
@given(odd_sources())
def test_compiled_and_interpreted_agree_on_anything(source):
    before = copy.deepcopy(source)
    plan = every_line()

    quick = fast(plan, source)

    assert repr(quick) == repr(slowly(plan, source))
    assert repr(source) == repr(before)


@settings(max_examples=400, deadline=None)
@given(odd_rows(), st.sampled_from([None, "rows.example/known"]))
def test_compiled_and_interpreted_agree_on_typed_rows(row, base):
    before = copy.deepcopy(row)
    plan = rows()

    quick = fast(plan, row, base)

    assert repr(quick) == repr(slowly(plan, row, base))
    assert repr(row) == repr(before)


@settings(max_examples=200, deadline=None)
@given(good_rows())
def test_what_a_typed_system_sends_becomes_valid_records(row):
    [found] = Reader(rows()).read(row, at="here")

    assert validator("facility").is_valid(found)
    assert found == slowly(rows(), row)[0]


@settings(max_examples=50, deadline=None)
@given(st.lists(good_rows() | odd_rows(), min_size=2, max_size=8))
def test_a_reader_that_has_seen_other_rows_reads_alike(several):
    """Layouts are remembered: what was read before must not matter."""
    plan = rows()
    reader = Reader(plan)
    for row in several:
        try:
            found = reader.read(row, at="here")
        except SenderError as error:
            found = (error.rule, error.at)
        assert repr(found) == repr(slowly(plan, row))


@settings(max_examples=200, deadline=None)
@given(good_sources())
def test_what_a_form_sends_becomes_valid_records(source):
    found = Reader(every_line()).read(source, at="here")

    assert [validator(one["record_type"]).is_valid(one) for one in found] == [True] * len(found)
    assert len(found) == 1 + len(source["people"])
    assert found == slowly(every_line(), source)


def read(source: Any, table: Any = None) -> list[Any]:
    plan = plan_of(table, at="t.yaml") if table else every_line()
    return Reader(plan).read(source, at="here")


def refused(source: Any, table: Any = None) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        read(source, table)
    assert CANARY not in str(caught.value)
    return caught.value.rule, caught.value.at


def test_everything_a_table_can_say_at_once():
    household, head, child = read(
        {
            "meta/id": "uuid:77",
            "kind": "h",
            "size": "n/a",
            "g/status": "Host",
            "made": "2026-01-02T23:30:00",
            "g/point": "42.5 2.25 181.0 6.1",
            "g/scope": "b c",
            "card": "007",
            "ticket": "",
            "day": "2026-01-01",
            "people": [
                {"role": "guest"},
                {"people/role": "head", "people/a/name": "Amina", "also": "Mina;;Imi", "sex": "f"},
            ],
        }
    )

    assert household == {
        "record_type": "household",
        "schema_version": "1.0",
        "record_id": "kobo.example/77",
        "group_type": "household",
        "group_head": "kobo.example/77.2",
        "displacement_status": "HST",
        "member_list": [
            {"member": "kobo.example/77.1"},
            {"member": "kobo.example/77.2", "is_head": True, "relationship_head": "head"},
        ],
        "registration_date": "2026-01-02",
        "source": {"source_date": "2026-01-02T23:30:00Z", "source_date_zone": "assumed-utc"},
        "place": {"geo": {"type": "Point", "coordinates": [42.5, 2.25, 181.0]}},
        "protection": {"consent": {"scope": ["b"]}},
        "group_identifier": [{"identifier_type": "card", "identifier_value": "007"}],
    }
    assert head == {
        "record_type": "person",
        "schema_version": "1.0",
        "record_id": "kobo.example/77.1",
        "registration_date": "2026-01-01",
        "relationships": [
            {"related": "kobo.example/77.1"},
            {"related": "kobo.example/77.2", "relationship_type": "head"},
        ],
    }
    # Lines after a walk over the repeat still read the item they belong to.
    assert (child["record_id"], child["sex"]) == ("kobo.example/77.2", "female")
    assert child["name"] == {"full_name": "Amina", "alternate_names": ["Mina", "Imi"]}


BASE = {"meta/id": "uuid:1"}


@pytest.mark.parametrize(
    ("source", "rule", "at"),
    [
        (CANARY, "source.not_object", "here"),
        ([BASE], "source.not_object", "here"),
        (None, "source.not_object", "here"),
        ({}, "mapping.no_id", "here"),
        ({"meta/id": ""}, "mapping.no_id", "here"),
        ({"meta/id": 7}, "value.not_text", "here, meta/id"),
        ({"meta/id": "uuid:"}, "value.not_text", "here, meta/id"),
        ({"meta/id": "", "_uuid": ["x"]}, "value.not_text", "here, _uuid"),
        ({**BASE, "people": CANARY}, "source.not_repeat", "here, people"),
        ({**BASE, "people": 7}, "source.not_repeat", "here, people"),
        ({**BASE, "people": {"name": 7}}, "value.not_text", "here, people[1], */name"),
        ({**BASE, "people": [{}, CANARY]}, "source.not_repeat", "here, people"),
        ({**BASE, "size": "4", "old_size": "5"}, "mapping.ambiguous", "here, size"),
        ({**BASE, "a/card": CANARY, "b/card": "x"}, "mapping.ambiguous", "here"),
        (
            {**BASE, "people": [{"a/name": CANARY, "b/name": "x"}]},
            "mapping.ambiguous",
            "here, people[1]",
        ),
        ({**BASE, "size": CANARY}, "value.not_integer", "here, size"),
        ({**BASE, "size": True}, "value.not_integer", "here, size"),
        ({**BASE, "size": "٤"}, "value.not_integer", "here, size"),
        ({**BASE, "size": 1.0}, "value.float", "here, size"),
        ({**BASE, "size": 10**15}, "value.not_integer", "here, size"),
        ({**BASE, "score": CANARY}, "value.not_decimal", "here, */score"),
        ({**BASE, "score": 1.0}, "value.float", "here, */score"),
        ({**BASE, "score": True}, "value.not_decimal", "here, */score"),
        ({**BASE, "score": Decimal("NaN")}, "value.not_decimal", "here, */score"),
        ({**BASE, "score": Decimal("1E+40")}, "value.not_decimal", "here, */score"),
        ({**BASE, "made": CANARY}, "value.not_instant", "here, made"),
        ({**BASE, "made": "2026-02-30T00:00:00"}, "value.no_such_time", "here, made"),
        ({**BASE, "made": "2026-W23-3T13:05:10"}, "value.not_instant", "here, made"),
        ({**BASE, "made": "20260603T130510.123"}, "value.not_instant", "here, made"),
        ({**BASE, "made": ["2026-06-03T13:05:10"]}, "value.not_instant", "here, made"),
        ({**BASE, "day": "20260101", "people": [{}]}, "value.not_date", "here, people[1], day"),
        ({**BASE, "day": "2026-W01-1", "people": [{}]}, "value.not_date", "here, people[1], day"),
        ({**BASE, "day": ["2026-01-01"], "people": [{}]}, "value.not_date", "here, people[1], day"),
        ({**BASE, "made": "2026-02-03T24:00:00"}, "value.no_such_time", "here, made"),
        ({**BASE, "day": CANARY, "people": [{}]}, "value.not_date", "here, people[1], day"),
        (
            {**BASE, "day": "2026-02-30", "people": [{}]},
            "value.no_such_date",
            "here, people[1], day",
        ),
        (
            {**BASE, "people": [{"born": "1990-13"}]},
            "value.no_such_date",
            "here, people[1], */born",
        ),
        ({**BASE, "people": [{}, {"born": CANARY}]}, "value.not_date", "here, people[2], */born"),
        ({**BASE, "people": [{"name": 7}]}, "value.not_text", "here, people[1], */name"),
        ({**BASE, "people": [{"disabled": CANARY}]}, "code.unknown", "here, people[1], */disabled"),
        ({**BASE, "people": [{"disabled": 1}]}, "value.not_text", "here, people[1], */disabled"),
        ({**BASE, "people": [{"role": CANARY}]}, "code.unknown", "here, people[1], */role"),
        ({**BASE, "point": CANARY}, "value.not_point", "here, */point"),
        ({**BASE, "point": f"1 {CANARY}"}, "value.not_point", "here, */point"),
        ({**BASE, "point": "181 0"}, "value.out_of_range", "here, */point"),
        ({**BASE, "point": "0 91"}, "value.out_of_range", "here, */point"),
        ({**BASE, "point": "nan 0"}, "value.out_of_range", "here, */point"),
        ({**BASE, "point": "1_0 0"}, "value.not_point", "here, */point"),
        ({**BASE, "point": "2,5 42,1"}, "value.not_point", "here, */point"),
        ({**BASE, "point": "0 0 1e99"}, "value.out_of_range", "here, */point"),
        ({**BASE, "scope": f"a {CANARY}"}, "code.unknown", "here, */scope"),
        ({**BASE, "scope": ["a"]}, "value.not_text", "here, */scope"),
        ({**BASE, "status": 1}, "value.not_text", "here, */status"),
    ],
)
def test_a_fault_is_named_by_place_and_rule_and_never_by_value(source, rule, at):
    assert refused(source) == (rule, at)


def test_the_same_answer_twice_is_one_answer():
    [household] = read({**BASE, "a/card": "1", "b/card": "1", "size": "4", "old_size": "4"})

    assert household["group_size"] == 4
    assert household["group_identifier"][0]["identifier_value"] == "1"


def test_an_exact_path_wins_over_a_name_in_any_group():
    table = copy.deepcopy(TABLE)
    table["records"][0]["fields"]["group_size"] = {"from": "a/size", "as": "integer"}
    table["records"][0]["fields"]["poverty_score"] = {"from": "*/size", "as": "decimal"}

    [household] = read({**BASE, "a/size": "1", "b/size": "2"}, table)

    assert (household["group_size"], household["poverty_score"]) == (1, "2")


def test_an_instant_without_a_zone_is_refused_unless_the_table_says_which():
    table = copy.deepcopy(TABLE)
    del table["records"][0]["fields"]["source.source_date"]["assume"]

    assert refused({**BASE, "made": "2026-01-02T03:04:05"}, table) == (
        "value.no_zone",
        "here, made",
    )


def test_a_code_that_is_not_carried_leaves_nothing():
    [household] = read({**BASE, "status": "NONE", "scope": "c", "kind": "x"})

    assert household == {
        "record_type": "household",
        "schema_version": "1.0",
        "record_id": "kobo.example/1",
    }


def test_a_column_that_no_line_names_is_listed_and_never_copied():
    reader = Reader(every_line())

    records = reader.read(
        {**BASE, "vendor_new": CANARY, "people": [{"people/tribe": CANARY, "name": "x"}]}, at="here"
    )

    assert reader.trace(str).unmapped == ("people/tribe", "vendor_new")
    assert CANARY not in repr(records)
    assert reader.names("any/group/card")
    assert not reader.names("any/group/tribe")


def test_lineage_names_the_keys_that_were_met():
    reader = Reader(every_line())
    reader.read(
        {
            **BASE,
            "_uuid": "9",
            "z/card": "1",
            "a/card": "1",
            "scope": "a",
            "people": [{"x/name": "A", "phone": "1", "phone2": "2"}],
        },
        at="here",
    )

    found = reader.trace(str).lineage

    assert found["household.record_id"] == found["person.record_id"] == "meta/id"
    assert found["household.group_identifier[].identifier_value"] == "a/card | z/card"
    assert found["household.group_identifier[].identifier_type"] == "constant"
    assert found["household.protection.consent.scope[]"] == "scope"
    assert found["household.member_list[].member"] == "people"
    assert found["household.group_head"] == "people"
    assert found["person.name.full_name"] == "x/name"
    assert found["person.phone_number[]"] == "phone | phone2"
    assert "person.birth_date" not in found


def test_lineage_does_not_depend_on_what_was_read_before():
    plan = every_line()
    first, second = ({**BASE, "a/card": "1", "b/card": "1"}, {"b/card": "1", "a/card": "1", **BASE})
    fresh = Reader(plan)
    fresh.read(second, at="here")

    reader = Reader(plan)
    reader.read(first, at="here")
    before = reader.trace(str).lineage
    reader.read(second, at="here")

    assert reader.trace(str).lineage == before == fresh.trace(str).lineage


def test_many_sets_of_keys_do_not_pile_up():
    plan = every_line()

    for number in range(300):
        reader = Reader(plan)
        reader.read({**BASE, f"g{number}/card": "1"}, at="here")
        key = "household.group_identifier[].identifier_value"
        assert reader.trace(str).lineage[key] == f"g{number}/card"


def test_each_payload_has_a_reader_of_its_own():
    plan = every_line()
    first, second = reader_of(plan), reader_of(plan)

    first.read({**BASE, "vendor": 1}, at="here")
    second.read({**BASE, "other": 1}, at="here")
    first.read({**BASE, "third": 1}, at="here")

    assert first.trace(str).unmapped == ("third", "vendor")
    assert second.trace(str).unmapped == ("other",)


def test_two_readings_that_disagree_release_nothing():
    reader = Reader(every_line())
    broken = replace(reader.plan.made[0], ids=())
    reader._read = lambda source, base: [broken.ids[0]]

    with pytest.raises(GatewayError) as caught:
        reader.read(BASE, at="here")

    assert (caught.value.rule, caught.value.at) == ("mapping.disagree", "here")


# -- reading the table -------------------------------------------------------------------------


def changed(edit: Any) -> Any:
    table = copy.deepcopy(TABLE)
    edit(table, table["records"][0]["fields"], table["records"][1]["fields"])
    return table


REFUSED = [
    ("document.required", lambda t, h, p: t.pop("authority")),
    ("document.additionalProperties", lambda t, h, p: t.update(x=1)),
    ("document.pattern", lambda t, h, p: t.update(authority="Kobo/x")),
    ("document.form", lambda t, h, p: h.update(group_size={"constant": 1.0})),
    ("document.form", lambda t, h, p: h.update(group_size={"constant": 2**60})),
    ("document.anyOf", lambda t, h, p: h.update(sex={"from": "x", "as": "code"})),
    ("document.anyOf", lambda t, h, p: h.update(group_size={"from": "x", "codes": {"a": "b"}})),
    ("document.anyOf", lambda t, h, p: h.update(group_size={"from": "a/*/b"})),
    ("document.anyOf", lambda t, h, p: h.update(group_size={"from": ""})),
    ("mapping.no_root", lambda t, h, p: t["records"].reverse()),
    ("mapping.no_root", lambda t, h, p: t["records"][0].pop("id")),
    ("mapping.no_each", lambda t, h, p: t["records"][1].pop("each")),
    ("mapping.no_each", lambda t, h, p: t["records"][1].update(id={"first": ["x"]})),
    ("mapping.type_twice", lambda t, h, p: t["records"].append(t["records"][1])),
    ("mapping.record_type", lambda t, h, p: t["records"][1].update(type="dog")),
    ("mapping.no_field", lambda t, h, p: h.update(shoe_size="x")),
    ("mapping.no_field", lambda t, h, p: h.update(place="x")),
    ("mapping.no_field", lambda t, h, p: h.update(record_type={"constant": "household"})),
    ("mapping.no_field", lambda t, h, p: p.update(schema_version="x")),
    ("mapping.no_field", lambda t, h, p: p.update(record_id="x")),
    ("mapping.no_field", lambda t, h, p: p.update({"name.nick": "x"})),
    (
        "mapping.no_field",
        lambda t, h, p: p.update({"email[]": [{"needs": "a", "fields": {"a": "x"}}]}),
    ),
    ("mapping.no_field", lambda t, h, p: p.update(record_type="x", schema_versio="x")),
    (
        "mapping.no_field",
        lambda t, h, p: h.update(group_size={"from": "x", "as": "list", "by": " "}),
    ),
    (
        "mapping.twice",
        lambda t, h, p: h.update(
            {"protection.consent.scope[]": {"from": "x", "as": "list", "by": " "}}
        ),
    ),
    ("mapping.shape", lambda t, h, p: p.update({"email[]": "x"})),
    ("mapping.shape", lambda t, h, p: p.update({"email[]": {"constant": "x"}})),
    ("mapping.shape", lambda t, h, p: p.update(ethnicity=["x"])),
    (
        "mapping.shape",
        lambda t, h, p: h.update(group_head={"each": "people", "fields": {"{0}": "x"}}),
    ),
    ("mapping.needs", lambda t, h, p: h["group_identifier[]"][0].update(needs="value")),
    ("mapping.no_member", lambda t, h, p: h["group_head"].update(member="household")),
    ("mapping.no_member", lambda t, h, p: h["group_head"].update(each="others")),
    ("mapping.no_member", lambda t, h, p: h["group_head"].pop("each")),
    (
        "mapping.no_member",
        lambda t, h, p: h["member_list[]"]["fields"]["member"].update(member="x"),
    ),
    (
        "mapping.code_list",
        lambda t, h, p: h["member_list[]"]["fields"]["relationship_head"]["codes"].update(x="y"),
    ),
    (
        "mapping.no_code_list",
        lambda t, h, p: h["member_list[]"]["fields"]["relationship_head"].update(list="none"),
    ),
    (
        "mapping.no_code_list",
        lambda t, h, p: h["member_list[]"]["fields"]["relationship_head"].update(list="../person"),
    ),
]


@pytest.mark.parametrize(
    ("rule", "edit"), REFUSED, ids=[f"{n}-{r}" for n, (r, _) in enumerate(REFUSED)]
)
def test_a_table_that_cannot_mean_anything_is_refused(rule, edit):
    with pytest.raises(OfficerError) as caught:
        plan_of(changed(edit), at="t.yaml")

    assert caught.value.rule == rule
    assert caught.value.at.startswith("t.yaml")


def test_a_value_cannot_be_an_object_too():
    table = changed(lambda t, h, p: None)
    table["records"][0]["fields"] = {"extension": "x", "extension.y": "z"}

    with pytest.raises(OfficerError) as caught:
        plan_of(table, at="t.yaml")

    assert caught.value.rule == "mapping.type"


def test_an_object_may_need_what_is_always_there():
    table = changed(lambda t, h, p: h["group_identifier[]"][0].update(needs="identifier_type"))
    fields = table["records"][0]["fields"]["group_identifier[]"][0]["fields"]
    fields["issuer"] = "*/issuer"

    [found] = read(BASE, table)

    assert found["group_identifier"] == [{"identifier_type": "card"}]
    assert fast(plan_of(table, at="t"), BASE) == slowly(plan_of(table, at="t"), BASE)


def test_a_repeat_of_which_nothing_is_read_still_makes_records():
    table = changed(lambda t, h, p: None)
    table["records"][0]["fields"] = {"group_head": {"member": "person", "each": "people"}}
    table["records"][1]["fields"] = {"sex": {"constant": "male"}}

    found = read({**BASE, "people": [{}, {"x": 1}]}, table)

    assert [one.get("sex") for one in found] == [None, "male", "male"]
    assert found[0]["group_head"] == "kobo.example/1.1"


def test_a_condition_may_look_into_the_object_around():
    table = changed(lambda t, h, p: h["group_head"].update(when={"from": "../kind", "is": ["h"]}))

    with_head, _ = read({**BASE, "kind": "h", "people": [{}]}, table)
    without, _ = read({**BASE, "kind": "x", "people": [{}]}, table)

    assert with_head["group_head"] == "kobo.example/1.1"
    assert "group_head" not in without


def test_what_an_author_writes_cannot_become_code():
    evil = "'] = 0; raise SystemExit #{}{0}\\"
    table = changed(
        lambda t, h, p: h.update(
            group_size={"from": f"*/{evil}", "as": "integer", "missing": [evil]},
        )
    )
    table["records"][0]["fields"]["source.source_name"] = {
        "constant": evil,
        "when": {"from": evil, "is": [evil]},
    }
    table["records"][0]["id"] = {"first": ["meta/id"], "without": evil}

    [found] = read({"meta/id": f"{evil}1", evil: evil, f"a/{evil}": "3"}, table)

    assert (found["record_id"], found["group_size"]) == ("kobo.example/1", 3)
    assert found["source"] == {"source_name": evil}


def test_the_demo_s_table_is_read_from_its_file():
    plan = hope()

    assert (plan.id, plan.format, plan.record_types) == (
        "hope-registration-kobo",
        "kobo",
        ("household", "person"),
    )
    assert "group_size" in plan.fields("household")
    assert "record_id" in plan.fields("person")
    assert plan.fields("dog") == ()
    assert plan.targets()["person.phone_number[]"] == "*/phone_no_i_c"
    assert plan.digest == read_mapping(HOPE).digest


def test_a_digest_changes_with_the_table_and_not_with_its_spelling():
    one, other = every_line(), plan_of(changed(lambda t, h, p: t.update(version="2")), at="t")
    turned = plan_of(dict(reversed(TABLE.items())), at="t")

    assert one.digest == turned.digest != other.digest


def test_a_code_list_is_a_file_of_the_schemas():
    assert {"head", "spouse", "child"} <= code_list("relationship")


def test_yaml_does_not_turn_a_code_into_a_falsehood():
    text = HOPE.read_text(encoding="utf-8").replace("single: S", "no: S, off: M")

    plan = plan_of(parse_yaml(text.encode(), at="x"), at="x")
    source = {"_uuid": "1", "individual_questions": [{"marital_status_i_c": "no"}]}

    assert Reader(plan).read(source, at="here")[1]["marital_status"] == "S"
