"""Only what a decision names leaves, in the form it names: for any records and any decision."""

import copy
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.forms import month, pseudonym, pseudonym_key, year
from gateway.minimize import minimize
from gateway.places import Places
from gateway.question import class_of
from gateway.record import fields, leaves, load, resolve, structural, validator, walk
from gateway.records import Received

TODAY = "2026-11-22"
KEY = pseudonym_key(b"k" * 32, "org:a", "org:b", "hum.a")
OTHER_KEY = pseudonym_key(b"k" * 32, "org:a", "org:c", "hum.a")
IDS = ["demo.example/one", "demo.example/two", "demo.example/three"]
PLACE_FORMS = ["admin0", "admin1", "admin2", "admin3", "admin4", "coarse_point"]


@dataclass(frozen=True)
class Limits:
    k: int = 0
    min_pop: int = 0


@dataclass(frozen=True, eq=False)
class Ruling:
    """What `gateway.policy` would answer for one class."""

    allows: bool = True
    forms: dict[str, tuple[str, str]] = field(default_factory=dict)
    rules: tuple[str, ...] = ("some.rule",)
    limits: Limits = field(default_factory=Limits)


# -- records with a value of its own in every leaf ---------------------------------------------


class Canaries:
    """Values that occur once, by the field and leaf they were put into."""

    def __init__(self) -> None:
        self.number = count(1)
        self.put: dict[tuple[int, str], list[tuple[str, str]]] = {}

    def value(self, record: int, path: str, spec: Any, choose: Any) -> Any:
        spec = resolve(spec)
        if "coordinates" in spec.get("properties", ()):
            pair = [20 + next(self.number) / 10_000, 40 + next(self.number) / 10_000]
            for number in pair:
                self._note(record, path, repr(number))
            return {"type": "Point", "coordinates": pair}
        if "properties" in spec:
            names = choose(st.sets(st.sampled_from(sorted(spec["properties"])), min_size=1))
            return {
                name: self.value(record, f"{path}.{name}", spec["properties"][name], choose)
                for name in sorted(names)
            }
        if spec.get("type") == "array":
            return [
                self.value(record, f"{path}[]", spec["items"], choose)
                for _ in range(choose(st.integers(1, 2)))
            ]
        return self._scalar(record, path, spec, choose)

    def _scalar(self, record: int, path: str, spec: Any, choose: Any) -> Any:
        if "const" in spec or "enum" in spec:
            return choose(st.sampled_from(spec.get("enum", [spec.get("const")])))
        if spec["type"] == "object":
            return {"free": self._note(record, path, f"Canary{next(self.number)}Q")}
        if spec["type"] == "boolean":
            return choose(st.booleans())
        if spec["type"] == "integer":
            return choose(st.integers(spec["minimum"], spec["maximum"]))
        if spec.get("x-ref"):
            dangling = f"demo.example/canary{next(self.number)}q"
            found = choose(st.sampled_from([*IDS, dangling]))
            return self._note(record, path, found) if found is dangling else found
        pattern = spec.get("pattern", "")
        if pattern.startswith("^[0-9]{4}"):
            day = str(date(1920, 1, 1) + timedelta(days=next(self.number) * 37))
            return self._note(record, path, f"{day}T09:30:00Z" if "T" in pattern else day)
        value = f"Canary{next(self.number)}Q"
        if pattern and not re.search(pattern, value):
            short = ["org:canary.example"] if pattern.startswith("^(org:") else SHORT[pattern]
            return choose(st.sampled_from(short))
        return self._note(record, path, value)

    def _note(self, record: int, path: str, value: str) -> str:
        name = re.split(r"[.\[]", path)[0]
        self.put.setdefault((record, name), []).append((path, value))
        return value


SHORT = {
    "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$": ["so", "ar-SO"],
    "^[A-Z]{2}$": ["SO", "KE"],
    "^[A-Z]{3}$": ["SOM", "KEN"],
    "^[A-Z][a-z]{3}$": ["Arab"],
    "^[a-z]+(\\.[a-z]+)*$": ["hum.assist"],
    "^lb\\.[a-z]+$": ["lb.public"],
    "^hum(\\.[a-z]+)+$": ["hum.assist.delivery", "hum.health"],
    "^[0-9]{1,3}(-[0-9]{1,3}|\\+)$": ["18-59"],
    "^-?[0-9]+(\\.[0-9]+)?$": ["12.5"],
    "^[a-z0-9][a-z0-9.-]*/[^\\s/][^\\s]*$": IDS,
}


@st.composite
def batches(draw: Any) -> Any:
    canaries = Canaries()
    records = []
    for n in range(draw(st.integers(1, 3))):
        record_type = draw(st.sampled_from(["person", "household"]))
        properties = load(record_type)["properties"]
        names = draw(st.sets(st.sampled_from(sorted(fields(record_type)))))
        record = {"record_type": record_type, "schema_version": "1.0", "record_id": IDS[n]}
        for name in sorted(names - {"record_id"}):
            record[name] = canaries.value(n, name, properties[name], draw)
        if draw(st.booleans()):
            record["withheld"] = {"sex": "purpose"}
        assert validator(record_type).is_valid(record)
        records.append(record)
    return records, canaries


def forms_of(record_type: str, name: str) -> list[str]:
    spec = fields(record_type)[name]
    if name == "record_id":
        return ["keep", "pseudonym"]
    more = {"date": ["year", "month"], "place": PLACE_FORMS, "id": ["pseudonym"], "plain": []}
    band = ["age_band"] if "x-band-into" in load(record_type)["properties"][name] else []
    return ["keep", "drop", "null", *more[spec.family], *band]


@st.composite
def rulings_for(draw: Any, classes: Any) -> Any:
    found = {}
    for one in dict.fromkeys(classes):
        named = draw(st.sets(st.sampled_from(sorted(fields(one[0]))))) | {"record_id"}
        order = draw(st.permutations(sorted(named)))
        reasons = st.sampled_from(["purpose", "agreement", "max_form", "objection"])
        forms = {n: (draw(st.sampled_from(forms_of(one[0], n))), draw(reasons)) for n in order}
        found[one] = Ruling(draw(st.sampled_from([True, True, True, False])), forms)
    return found


def table(records: Any) -> Places:
    """Ancestors for about half of the areas that occur."""
    areas: dict[str, tuple[int, str]] = {}
    for record in records:
        for leaf in leaves(record["record_type"]).values():
            level = leaf.spec.get("x-admin", 0)
            for code in walk(record, leaf.path) if level else ():
                for at in range(level, 0, -1):
                    number = re.sub(r"\D", "", code)
                    if int(number) % 4:
                        name = code if at == level else f"Area{number}.{at}"
                        areas[name] = (at, f"Area{number}.{at - 1}")
    return Places(areas)


@st.composite
def cases(draw: Any) -> Any:
    records, canaries = draw(batches())
    classes = classes_of(records, TODAY)
    return records, canaries, classes, draw(rulings_for(classes))


def classes_of(records: Any, today: str) -> Any:
    return [class_of(record, today) for record in records]


def incoming(records: Any, classes: Any, *, held: bool) -> Received:
    present: Any = {}
    for record, one in zip(records, classes, strict=True):
        present.setdefault(one, set()).update(record)
    counts = Counter(record["record_type"] for record in records)
    return Received(
        lambda: iter(zip(records, classes, strict=True)), held, len(records), 0, present, counts
    )


def both(records: Any, classes: Any, rulings: Any, **options: Any) -> Any:
    """Records that are held, and records that are read again: the same must be left of both."""
    held = minimize(incoming(records, classes, held=True), rulings, today=TODAY, **options)
    again = minimize(incoming(records, classes, held=False), rulings, today=TODAY, **options)
    assert list(again.records) == list(again.records) == held.records
    assert (again.count, again.held_back) == (held.count, held.held_back)
    assert (again.released, again.withheld) == (held.released, held.withheld)
    assert held.count == len(held.records)
    return held


def less(records: Any, classes: Any, rulings: Any, key: bytes = KEY) -> Any:
    return both(records, classes, rulings, key=key, places=table(records))


many = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@many
@given(cases())
def test_only_what_is_named_leaves_and_only_in_its_form(case):
    records, canaries, classes, rulings = case
    before = copy.deepcopy(records)

    found = less(records, classes, rulings)

    assert records == before
    written = json.dumps(found.records, ensure_ascii=False)
    left = iter(found.records)
    for n, (record, one) in enumerate(zip(records, classes, strict=True)):
        forms = {name: form for name, (form, _) in rulings[one].forms.items()}
        ids = {record["record_id"], pseudonym(KEY, record["record_id"])}
        if not rulings[one].allows or not ids & {out["record_id"] for out in found.records}:
            assert_nothing_left(n, ids, canaries, written)
            continue
        out = next(left)
        open_forms = {name: form for name, form in forms.items() if form not in ("drop", "null")}
        allowed = {*open_forms, *structural(record["record_type"])}
        allowed |= {"age"} if forms.get("birth_date") == "age_band" else set()
        assert out.keys() <= allowed
        assert validator(out["record_type"]).is_valid(out)
        for name in record.keys() - set(structural(record["record_type"])):
            assert_form(forms.get(name, "drop"), name, record, out)
            gone = canaries.put.get((n, name), [])
            for path, value in gone:
                if not may_show(forms.get(name, "drop"), path, record["record_type"]):
                    assert value not in written
    assert next(left, None) is None


def assert_nothing_left(n: int, ids: set[str], canaries: Canaries, written: str) -> None:
    for (record, _), put in canaries.put.items():
        if record == n:
            assert [value for _, value in put if value in written] == []
    assert [one for one in ids if f'"{one}"' in written] == []


def may_show(form: str, path: str, record_type: str) -> bool:
    """Whether a leaf's own text may stand in what leaves."""
    if form == "keep":
        return True
    spec = leaves(record_type)[path].spec
    if form in PLACE_FORMS:
        finest = 2 if form == "coarse_point" else int(form[-1])
        return spec.get("x-admin", spec.get("x-admin-name", 9)) <= finest
    return form == "pseudonym" and not spec.get("x-ref")


def assert_form(form: str, name: str, record: Any, out: Any) -> None:
    value = record[name]
    if form in ("drop", "null") and name != "age":
        assert name not in out
    if form == "null":
        assert name in out.get("withheld", {}) or name in out
    else:
        assert name not in out.get("withheld", {})
    if form == "year":
        assert out[name] == year(value)
    if form == "month":
        assert out[name] == month(value)
    if form == "age_band":
        assert name not in out
        assert out["age"].keys() == {"band", "as_of"}
    if form == "keep" and fields(record["record_type"])[name].family in ("date", "place"):
        assert out[name] == value
    if form == "pseudonym" and name == "record_id":
        assert out[name] == pseudonym(KEY, value)


@many
@given(cases())
def test_nothing_refers_to_a_record_that_stays(case):
    records, _, classes, rulings = case

    found = less(records, classes, rulings)

    shown = {out["record_id"] for out in found.records}
    names = {one: {one, pseudonym(KEY, one)} for one in IDS[: len(records)]}
    stayed = set().union(*(ids for ids in names.values() if not ids & shown))
    for out in found.records:
        for leaf in leaves(out["record_type"]).values():
            if leaf.spec.get("x-ref"):
                assert not stayed & set(walk(out, leaf.path))


@many
@given(cases())
def test_every_record_leaves_or_is_accounted_for(case):
    records, _, classes, rulings = case

    found = less(records, classes, rulings)

    refused = [one for one in classes if not rulings[one].allows]
    unplaced = found.held_back["minimize.place_unknown"]
    assert found.held_back["some.rule"] == len(refused)
    assert len(found.records) + len(refused) + unplaced == len(records)
    assert not found.released.keys() & found.withheld.keys()
    held = {
        f"{record['record_type']}.{name}"
        for record in records
        for name in record.keys() - set(structural(record["record_type"]))
    }
    assert found.released.keys() | found.withheld.keys() == held


@many
@given(cases(), st.randoms())
def test_the_order_of_a_decision_changes_nothing(case, random):
    records, _, classes, rulings = case
    shuffled = {}
    for one, ruling in sorted(rulings.items(), key=lambda _: random.random()):
        forms = sorted(ruling.forms.items(), key=lambda _: random.random())
        shuffled[one] = Ruling(ruling.allows, dict(forms), ruling.rules)

    first, second = less(records, classes, rulings), less(records, classes, shuffled)

    assert first.records == second.records
    assert first.released == second.released
    assert first.held_back == second.held_back


@many
@given(cases())
def test_pseudonyms_are_stable_for_a_recipient_and_differ_between_two(case):
    records, _, classes, rulings = case

    once, again = less(records, classes, rulings), less(records, classes, rulings)
    other = less(records, classes, rulings, OTHER_KEY)

    assert once.records == again.records

    def marks(found: Any) -> set[str]:
        return set(re.findall(r"pseudonym/[a-z2-7]+", json.dumps(found.records)))

    assert not marks(once) & marks(other)
    assert len(marks(once)) == len(marks(other))


# -- single cases ------------------------------------------------------------------------------

PERSON = {"record_type": "person", "schema_version": "1.0", "record_id": IDS[0], "sex": "female"}
HOUSEHOLD = {
    "record_type": "household",
    "schema_version": "1.0",
    "record_id": IDS[1],
    "group_head": IDS[0],
    "member_list": [{"member": IDS[0], "is_head": True}, {"member": "demo.example/x"}],
}


def ruled(records: Any, places: Places | None = None, **forms: dict[str, str]) -> Any:
    classes = classes_of(records, TODAY)
    rulings = {
        one: Ruling(one[0] in forms, {n: (f, "purpose") for n, f in forms.get(one[0], {}).items()})
        for one in classes
    }
    places = places or Places()
    return both(records, classes, rulings, key=KEY, places=places)


@pytest.mark.parametrize(
    "forms",
    [
        {},
        {"sex": "keep"},
        {"record_id": "drop"},
        {"record_id": "null"},
        {"record_id": "null", "sex": "keep"},
    ],
)
def test_a_decision_without_an_id_permits_nothing(forms):
    with pytest.raises(GatewayError) as caught:
        ruled([PERSON], person=forms)

    assert caught.value.rule == "minimize.no_record_id"


def test_a_record_that_nobody_decided_about_stops_everything():
    with pytest.raises(GatewayError) as caught:
        both([PERSON], classes_of([PERSON], TODAY), {}, key=KEY, places=Places())

    assert caught.value.rule == "minimize.undecided"


def test_what_was_not_decided_does_not_leave_a_payload_that_changed_either():
    received = incoming([PERSON], classes_of([PERSON], TODAY), held=False)
    rulings = {one: Ruling(True, {"record_id": ("keep", "")}) for one in received.present}
    found = minimize(received, rulings, key=KEY, places=Places(), today=TODAY)
    changed = {**PERSON, "birth_date": "2020-01-01"}
    object.__setattr__(received, "walk", lambda: iter([(changed, class_of(changed, TODAY))]))

    with pytest.raises(GatewayError) as caught:
        list(found.records)

    assert caught.value.rule == "minimize.undecided"


def test_references_to_a_record_that_stays_are_gone_in_every_form():
    kept = {"record_id": "keep", "group_head": "keep", "member_list": "keep"}
    hidden = {"record_id": "keep", "group_head": "pseudonym", "member_list": "pseudonym"}

    first = ruled([PERSON, HOUSEHOLD], household=kept)
    second = ruled([PERSON, HOUSEHOLD], household=hidden)

    assert first.records[0].keys() == {"record_type", "schema_version", "record_id", "member_list"}
    assert first.records[0]["member_list"] == [{"member": "demo.example/x"}]
    assert "group_head" not in second.records[0]
    assert second.records[0]["member_list"] == [{"member": pseudonym(KEY, "demo.example/x")}]
    assert first.held_back == {"some.rule": 1}


def test_a_list_of_which_nothing_is_left_is_gone():
    alone = {**HOUSEHOLD, "member_list": [{"member": IDS[0]}]}

    found = ruled([PERSON, alone], household={"record_id": "keep", "member_list": "keep"})

    assert "member_list" not in found.records[0]


def test_a_place_nobody_can_generalise_holds_its_record_back():
    person = {**PERSON, "place": {"admin3_code": "SO250299"}}
    forms = {"record_id": "keep", "sex": "keep", "place": "admin2"}

    found = ruled(
        [person, HOUSEHOLD], person=forms, household={"record_id": "keep", "group_head": "keep"}
    )

    assert [out["record_type"] for out in found.records] == ["household"]
    assert "group_head" not in found.records[0]
    assert found.held_back == {"minimize.place_unknown": 1}


def test_a_finer_code_in_a_coarser_field_holds_its_record_back():
    person = {**PERSON, "place": {"admin1_code": "SO250201"}}
    places = Places({"SO250201": (3, "SO2502")})

    found = ruled([person], places, person={"record_id": "keep", "place": "admin1"})

    assert (found.records, found.held_back) == ([], {"minimize.place_unknown": 1})


def test_of_an_exact_age_and_a_band_the_band_leaves():
    person = {**PERSON, "age": {"years": 37}, "birth_date": "1989-04-17"}
    orders = [("age", "birth_date"), ("birth_date", "age")]

    for order in orders:
        forms = {"record_id": "keep", **dict.fromkeys(order, "keep"), "birth_date": "age_band"}
        found = ruled([person], person={name: forms[name] for name in ("record_id", *order)})

        assert found.records[0]["age"] == {"band": "18-59", "as_of": TODAY}


def test_what_was_withheld_before_says_nothing_here():
    person = {**PERSON, "withheld": {"religion": "purpose"}}

    found = ruled([person], person={"record_id": "keep", "sex": "null"})

    assert found.records == [
        {
            "record_type": "person",
            "schema_version": "1.0",
            "record_id": IDS[0],
            "withheld": {"sex": "purpose"},
        }
    ]


def test_two_classes_of_one_type_may_leave_in_two_forms():
    adult = {**PERSON, "birth_date": "1980-01-01", "sex": "male", "email": ["a@b"]}
    child = {**PERSON, "record_id": IDS[2], "birth_date": "2020-01-01", "religion": "x"}
    classes = classes_of([adult, child], TODAY)
    rulings = {
        classes[0]: Ruling(True, {n: ("keep", "") for n in ("record_id", "birth_date", "sex")}),
        classes[1]: Ruling(
            True, {"record_id": ("keep", ""), "birth_date": ("year", ""), "sex": ("drop", "local")}
        ),
    }

    found = both([adult, child], classes, rulings, key=KEY, places=Places())

    assert found.released == {
        "person.record_id": "keep",
        "person.birth_date": "keep+year",
        "person.sex": "keep",
    }
    assert found.withheld == {"person.email": "agreement", "person.religion": "agreement"}


def test_an_objection_is_the_reason_for_every_field():
    found = ruled([PERSON])

    assert found.withheld == {"person.record_id": "objection", "person.sex": "objection"}
    assert found.released == {}


def test_a_record_that_broke_its_schema_on_the_way_stops_everything():
    person = {**PERSON, "sex": "Canary"}

    with pytest.raises(GatewayError) as caught:
        ruled([person], person={"record_id": "keep", "sex": "keep"})

    assert (caught.value.rule, caught.value.at) == ("minimize.schema", "person")
    assert "Canary" not in str(caught.value)
    assert "Canary" not in repr(ruled([PERSON], person={"record_id": "keep"}))
