"""The tables of the policies against the schemas, and against the cells of our paper."""

import json

import pytest

from gateway.record import RECORD_TYPES, fields, leaves, load
from tests.strategies_policy import SAMPLES, TAXONOMY

MATRICES = TAXONOMY["matrices"]

FORMS = {
    ("person", "birth_date"): {"band": "age_band", "year": "year"},
    ("person", "place"): {"a2": "admin2", "a3": "admin3", "a4": "admin4"},
}
COLUMNS = (
    "hum.assist.registration", "hum.assist.eligibility", "hum.assist.delivery.cash",
    "hum.assist.verify", "hum.assist.dedup", "hum.assist.pdm", "hum.protect.referral",
    "hum.coord.needs", "hum.account.donor", "hum.stat.open",
)  # fmt: skip
# One column for each purpose above. + may leave as it is; - never; a word names the form it leaves
# in. What leaves "only where it is needed" is +, and the agreement lists it; where a column shows
# figures only (the last three), no record of the type leaves at all.
PEOPLE = {
    ("person", "name"): "+ - - - - - + - - -",
    ("person", "birth_date"): "+ band year - year band + - - -",
    ("person", "sex"): "+ + - - + + + - - -",
    ("person", "photo_url"): "dpo - - - - - - - - -",
    ("person", "identifier"): "+ - - - - - + - - -",
    ("person", "phone_number"): "+ - + - - - + - - -",
    ("person", "email"): "+ - - - - - - - - -",
    ("person", "address"): "+ - - - - - - - - -",
    ("person", "place"): "+ a4 - - a2 a3 a4 - - -",
    ("person", "nationality"): "dpo - - - - - - - - -",
    ("person", "ethnicity"): "dpo - - - - - - - - -",
    ("person", "religion"): "dpo - - - - - - - - -",
    ("person", "is_disabled"): "- + - - - + + - - -",
    ("person", "disability_info"): "- - - - - - - - - -",
    ("household", "group_size"): "+ + + + - + + - - -",
    ("household", "group_head"): "+ + - - - - + - - -",
    ("household", "member_list"): "+ + - - - - - - - -",
    ("person", "extension"): "- - - - - - - - - -",
    ("person", "source"): "- - - - - - - - - -",
}
CASE_COLUMNS = (
    "hum.protect.case", "hum.protect.referral", "hum.health.referral", "hum.rfl.tracing",
    "hum.coord.needs", "hum.stat.open",
)  # fmt: skip
# A case leaves its organisation under hum.protect.case too, so that column is at most what the
# organisation itself may see.
CASES = {
    "record_id": "+ + pseudonym - - -",
    "identifier": "+ - - - - -",
    "incident_type": "+ + - - - -",
    "incident_date": "month month - - - -",
    "incident_place": "admin2 admin2 - - - -",
    "perpetrator": "- - - - - -",
    "incident_account": "- - - - - -",
    "survivor_code": "- - - - - -",
    "caregiver": "- - - - - -",
    "observations": "- - + - - -",
    "worker_notes": "- - - - - -",
    "note": "+ + + - - -",
}
SEARCHES = {
    "full_name": "+ +",
    "alternate_names": "+ +",
    "parent_names": "+ +",
    "date_of_birth": "year -",
    "home_city": "+ -",
    "home_country": "+ -",
    "last_contact_place": "+ +",
    "last_contact_date": "+ +",
    "enquirer": "+ +",
    "photo_url": "dpo -",
    "found_contacts": "dpo -",
}
OTHERS = {
    ("hum.health.public", "person", "place"): "admin2",
    ("hum.health.public", "person", "birth_date"): "age_band",
    ("hum.health.public", "person", "record_id"): "pseudonym",
    ("hum.health.public", "person", "name"): "-",
    ("hum.health.public", "household", "place"): "admin2",
    ("hum.health.public", "case", "location"): "admin2",
    ("hum.health.public", "case", "record_id"): "pseudonym",
    ("hum.health.public", "case", "note"): "-",
    ("hum.health.public", "case", "observations"): "-",
    ("hum.health.disaster", "person", "place"): "admin2",
    ("hum.assist.delivery.cash", "assistance", "payment_reference"): "+",
    ("hum.assist.delivery.cash", "assistance", "payee_name"): "-",
    ("hum.assist.delivery.cash", "assistance", "payee_fa"): "+",
    ("hum.assist.verify", "assistance", "payee_fa"): "-",
    ("hum.assist.feedback", "case", "location"): "admin2",
    ("hum.assist.feedback", "person", "place"): "admin2",
    ("hum.coord.presence", "activity", "place"): "admin2",
    ("hum.coord.presence", "activity", "other_places"): "admin2",
    ("hum.coord.presence", "activity", "start_date"): "month",
    ("hum.coord.presence", "activity", "end_date"): "month",
    ("hum.coord.presence", "activity", "organisations"): "+",
    ("hum.coord.presence", "activity", "contact"): "-",
    ("hum.coord.presence", "facility", "place"): "admin2",
    ("hum.coord.presence", "facility", "geometry"): "-",
    ("hum.coord.presence", "facility", "contact"): "-",
    ("hum.coord.needs", "needs", "place"): "admin2",
    ("hum.account.donor", "needs", "place"): "admin1",
    ("hum.stat.open", "needs", "comment"): "-",
}


def cells():
    for (record_type, name), row in PEOPLE.items():
        yield from ((p, record_type, name, c) for p, c in zip(COLUMNS, row.split(), strict=True))
    for name, row in CASES.items():
        yield from ((p, "case", name, c) for p, c in zip(CASE_COLUMNS, row.split(), strict=True))
    for name, row in SEARCHES.items():
        pair = ("hum.rfl.tracing", "hum.rfl.message")
        yield from ((p, "missing-person", name, c) for p, c in zip(pair, row.split(), strict=True))
    yield from ((*place, cell) for place, cell in OTHERS.items())


@pytest.mark.parametrize(("purpose", "record_type", "name", "cell"), list(cells()))
def test_each_cell_of_the_paper_is_in_the_matrix(purpose, record_type, name, cell):
    assert name in fields(record_type)
    form = MATRICES[purpose].get(record_type, {}).get(name)
    decided = purpose in TAXONOMY["special"].get(record_type, {}).get(name, ())
    words = {"+": "keep", "-": None, "dpo": None, **FORMS.get((record_type, name), {})}

    assert form == words.get(cell, cell)
    assert decided == (cell == "dpo")


def test_fields_that_count_are_those_of_the_schemas():
    counted = {
        name: {leaf.path[0] for leaf in leaves(name).values() if leaf.spec.get("x-count")}
        for name in RECORD_TYPES
    }

    assert {name: set(held) for name, held in TAXONOMY["counts"].items()} == {
        name: held for name, held in counted.items() if held
    }


def test_facts_are_those_of_the_schemas():
    known: dict[str, set[str]] = {}
    for name in RECORD_TYPES:
        for leaf in leaves(name).values():
            if fact := leaf.spec.get("x-fact"):
                values = leaf.spec.get("enum", ()) if fact["as"] == "value" else ()
                known.setdefault(fact["name"], set()).update(values)
    free = {"origin_purpose", "consent_purposes", "consent_recipients"}
    made = {"age_class", "count_class", "expired", "objected"}
    # Policy knows it before the schemas state it.
    early = {"disabled_marker"}

    assert known.keys() - early == (TAXONOMY["facts"].keys() | free) - early
    for name in known.keys() - free - made:
        assert set(TAXONOMY["facts"][name]) == known[name], name


def test_every_record_type_has_a_sensitivity_and_every_level_an_effect():
    levels = TAXONOMY["sensitivity_levels"]

    assert TAXONOMY["type_sensitivity"].keys() == set(RECORD_TYPES)
    assert {TAXONOMY["sensitivity_ranks"][level] for level in levels} == set(range(len(levels)))
    assert sorted(levels, key=TAXONOMY["sensitivity_ranks"].get) == levels
    for audience in ("public", "partner"):
        for effects in TAXONOMY["sensitivity_effects"][audience].values():
            assert list(effects) == levels


def test_no_figure_is_a_record_of_a_person():
    assert not set(TAXONOMY["figure_types"]) & set(TAXONOMY["people_types"])
    assert TAXONOMY["released_as"] == dict.fromkeys(TAXONOMY["figure_types"], "figures")
    assert TAXONOMY["counts"].keys() >= set(TAXONOMY["figure_types"])


def test_the_public_and_the_sensitive_have_the_stricter_threshold():
    public, partner = TAXONOMY["thresholds"]["public"], TAXONOMY["thresholds"]["partner"]

    for one in (public, partner):
        for name, value in one["ordinary"].items():
            assert one["sensitive"][name] >= value or name == "risk_permille"
        assert one["ordinary"]["k"] > TAXONOMY["risk_floor"]
    for level in ("ordinary", "sensitive"):
        assert public[level]["k"] >= partner[level]["k"]
        assert public[level]["min_pop"] >= partner[level]["min_pop"]
        assert public[level]["risk_permille"] <= partner[level]["risk_permille"]


def test_figures_of_cases_name_fields_and_forms_that_exist():
    for record_type, forms in TAXONOMY["case_figures"].items():
        assert record_type in TAXONOMY["figure_types"]
        for name, form in forms.items():
            family = TAXONOMY["fields"][record_type][name]
            named = {"date": TAXONOMY["case_figure_dates"].values()}.get(form, [form])
            assert set(named) <= TAXONOMY["families"][family].keys(), (record_type, name)
        places = {n for n, f in TAXONOMY["fields"][record_type].items() if f in ("place", "date")}
        assert forms.keys() >= places | {"record_id"}


def test_family_links_name_fields_that_exist():
    for record_type, names in TAXONOMY["family_links"].items():
        assert set(names["enquirer"]) | set(names["whereabouts"]) <= fields(record_type).keys()
    kinds = json.dumps(load("party")["properties"]["kind"]["enum"])
    assert all(f'"{kind}"' in kinds for kind in TAXONOMY["family_link_kinds"])
    assert set(TAXONOMY["family_link_instruments"]) <= TAXONOMY["instruments"].keys()


def test_every_sample_states_its_circumstances():
    for name, sample in SAMPLES.items():
        if name in ("comment", "malformed"):
            continue
        context = sample["question"]["context"]
        assert context.keys() >= {"unsigned", "prior", "above_volume", "sensitivity"}, name
        for side in ("sender", "recipient"):
            assert sample["question"][side]["status"] == "active", name
