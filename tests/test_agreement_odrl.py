"""The ODRL view, read by a JSON-LD processor that is not ours."""

import json

import pytest
from pyld import jsonld

from gateway.agreement_check import read
from gateway.agreement_odrl import DPV, ODRL, STATES, URN, odrl
from gateway.agreement_standing import shipped_tables
from gateway.agreement_words import sentences
from tests.signed_world import NOW, RECIPIENT, SENDER, made


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    return made(prepared[0], tmp_path_factory.mktemp("odrl") / "demo")


@pytest.fixture(scope="module")
def tables():
    return shipped_tables()


@pytest.fixture
def document(world):
    return read(world.path)[0]


def refused(url, options):
    raise AssertionError(f"something was to be fetched: {url}")


def expanded(found):
    [whole] = jsonld.expand(json.loads(json.dumps(found)), {"documentLoader": refused})
    return whole


def ids(values):
    return [one["@id"] for one in values]


def operand(constraints, name):
    return [
        (one[ODRL + "operator"][0]["@id"], one[ODRL + "rightOperand"][0])
        for one in constraints
        if ids(one[ODRL + "leftOperand"]) == [ODRL + name]
    ]


def test_it_is_an_agreement_with_a_permission_for_each_grant(document, tables):
    whole = expanded(odrl(document, tables, "active"))

    assert whole["@type"] == [ODRL + "Agreement"]
    assert whole["@id"] == f"{URN}agr:clinics-2026:1"
    assert ids(whole[DPV + "hasStatus"]) == [DPV + "ContractActive"]
    [permission] = whole[ODRL + "permission"]
    assert ids(permission[ODRL + "assigner"]) == [URN + SENDER]
    assert ids(permission[ODRL + "assignee"]) == [URN + RECIPIENT]
    assert ids(permission[ODRL + "action"]) == [ODRL + "distribute"]
    [target] = permission[ODRL + "target"]
    parts = target["http://purl.org/dc/terms/hasPart"]
    assert ids(parts) == [f"{URN}field:person:{name}" for name in document["data"][0]["fields"]]


def test_purpose_place_and_time_are_constraints(document, tables):
    [permission] = expanded(odrl(document, tables, "draft"))[ODRL + "permission"]
    constraints = permission[ODRL + "constraint"]

    [(operator, purpose)] = operand(constraints, "purpose")
    assert (operator, purpose["@id"]) == (ODRL + "eq", f"{URN}hum.health.care")
    broad = purpose["http://www.w3.org/2004/02/skos/core#broadMatch"]
    assert ids(broad) == ["https://w3id.org/dpv#ImproveHealthcare"]
    [(operator, place)] = operand(constraints, "spatial")
    assert (operator, place) == (ODRL + "isAnyOf", {"@list": [{"@value": "SO"}]})
    kind = "http://www.w3.org/2001/XMLSchema#dateTime"
    assert operand(constraints, "dateTime") == [
        (ODRL + "gteq", {"@type": kind, "@value": document["scope"]["start"]}),
        (ODRL + "lteq", {"@type": kind, "@value": document["scope"]["end"]}),
    ]


def test_each_red_line_is_a_prohibition_with_its_dpv_terms(document, tables):
    prohibited = expanded(odrl(document, tables, "draft"))[ODRL + "prohibition"]

    assert len(prohibited) == len(tables["red_lines"]) == 15
    found = {}
    for one in prohibited:
        assert sorted(ids(one[ODRL + "assignee"])) == sorted([URN + SENDER, URN + RECIPIENT])
        [(operator, right)] = operand(one[ODRL + "constraint"], "purpose")
        assert operator == ODRL + "isAnyOf"
        first, *terms = ids(right["@list"])
        found[first.removeprefix(URN)] = set(terms)
    declared = {
        name: {iri for iri, line in tables["red_declared"].items() if line == name} - {name}
        for name in tables["red_lines"]
    }
    assert found == declared


def test_retention_certificate_and_notice_are_duties(document, tables):
    [permission] = expanded(odrl(document, tables, "draft"))[ODRL + "permission"]
    delete, certificate, notice = permission[ODRL + "duty"]

    assert ids(delete[ODRL + "action"]) == [ODRL + "delete"]
    [(operator, days)] = operand(delete[ODRL + "constraint"], "elapsedTime")
    assert (operator, days["@value"]) == (ODRL + "lteq", "P365D")
    assert days["@type"].endswith("#duration")
    assert ids(certificate[ODRL + "assignee"]) == [URN + RECIPIENT]
    assert ids(notice[ODRL + "assignee"]) == [URN + SENDER]


def test_less_is_said_where_less_is_agreed(document, tables):
    document["scope"]["countries"] = []
    del document["notice"], document["deletion_certificate_required"], document["title"]
    document["purposes"][0]["purpose"] = "hum.rfl.tracing"
    [permission] = expanded(odrl(document, tables, "draft"))[ODRL + "permission"]

    assert len(permission[ODRL + "duty"]) == 1
    assert operand(permission[ODRL + "constraint"], "spatial") == []


def test_it_survives_as_triples(document, tables):
    document["scope"]["countries"] = ["SO", "KE"]
    triples = jsonld.to_rdf(odrl(document, tables, "active"), {"format": "application/n-quads"})

    assert f"<{URN}agr:clinics-2026:1>" in triples
    assert triples.count(f"<{ODRL}Prohibition>") == 15
    # Every state has a word of DPV, and relative names would have been dropped.
    assert {len(STATES), triples.count(f"<{DPV}ContractActive>")} == {5, 1}


# -- in plain words ----------------------------------------------------------------------------


def words(document, tables, world):
    names = {name: one["name"] for name, one in world.deployment.parties.items()}
    return "\n".join(f"{head}: {one}" for head, one in sentences(document, tables, names))


def test_plain_words(document, tables, world):
    said = words(document, tables, world)

    assert f"From {NOW[:10]} to 2027-11-22, in SO." in said
    assert "From Amal Relief to Santé sans rivages, for: treatment." in said
    assert "somebody's vital interest, shown until 2027-02-22" in said
    assert "person, with names, on demand, at most 999 at once; kept 365 days, then it is" in said
    assert "The recipient passes nothing on." in said
    assert "To FR under own_clauses: annex 2 of the agreement." in said
    assert "red lines: acknowledged" in said


def test_plain_words_hide_no_gap(document, tables, world):
    document["scope"]["countries"] = []
    document["retention"] = []
    document["legal_bases"] = []
    document["red_lines_acknowledged"] = False
    document["onward"] = {"allowed": True, "recipients": ["org:coordination-office", "org:x"]}
    document["purposes"][0] |= {"purpose": "hum.magic", "legal_basis": "lb.wish", "to": "org:x"}
    document["data"][0] = {
        "record_type": "person", "fields": ["place", "name"], "max_form": "rec",
        "forms": {"place": "admin2"},
    }  # fmt: skip
    said = words(document, tables, world)

    assert "no country named" in said
    assert (
        "to org:x, for: unknown purpose. On the basis of an unknown legal basis, of which" in said
    )
    assert "kept nobody knows how long. Fields: place (admin2), name." in said
    assert "pass it on to Humanitarian Coordination Office, Horn, org:x, and to nobody else" in said
    assert "NOT acknowledged" in said
