"""What a sender asks for, and what is filled in because nothing else could be meant."""

from dataclasses import replace

import pytest

from gateway.deployment import read_deployment
from gateway.errors import SenderError
from gateway.terms import Asked, plan_of, terms_of

SENDER, RECIPIENT = "org:amal-relief", "org:sante-sans-rivages"
KNOWN = {
    "purposes": {
        "hum.assist": {"leaf": False},
        "hum.assist.registration": {"leaf": True},
        "hum.assist.eligibility": {"leaf": True},
        "hum.health.care": {"leaf": True},
        "red.line": {},
    },
    "bases": {"lb.public": {}, "lb.consent": {}},
}
ASKED = Asked(
    agreement="agr:registration-2026",
    purpose="hum.assist.registration",
    source="kobo",
    deliver="return",
)
CANARY = "Amina Yusuf"


@pytest.fixture
def world(prepared):
    return read_deployment(prepared[0])


def grants(world, *purposes):
    agreement = world.agreements["agr:registration-2026"]
    changed = {**agreement, "purposes": [dict(one) for one in purposes]}
    return replace(world, agreements={"agr:registration-2026": changed})


def grant(purpose="hum.assist.registration", start=SENDER, end=RECIPIENT, basis="lb.public"):
    return {"purpose": purpose, "from": start, "to": end, "legal_basis": basis}


def test_an_agreement_with_one_grant_says_the_rest(world):
    found = terms_of(ASKED, world, KNOWN)

    assert (found.sender, found.recipient, found.legal_basis) == (SENDER, RECIPIENT, "lb.public")
    assert (found.source, found.target, found.deliver) == ("kobo", "fhir.r4", "return")
    assert (found.mapping, found.target_mapping) == ("hope-registration-kobo", None)
    assert [one.name for one in found.adapters()] == ["kobo", "fhir.r4"]
    assert plan_of(found.mapping, world) is world.mappings["hope-registration-kobo"]
    assert plan_of(None, world) is None


def test_what_is_said_wins(world):
    asked = replace(
        ASKED,
        sender=SENDER,
        recipient="org:border-directorate",
        legal_basis="lb.consent",
        target="hxl",
        deliver="inbox",
        mapping="hope-registration-kobo",
    )

    found = terms_of(asked, world, KNOWN)

    assert (found.recipient, found.legal_basis) == ("org:border-directorate", "lb.consent")
    assert (found.target, found.deliver) == ("hxl", "inbox")


@pytest.mark.parametrize(
    ("change", "rule", "at"),
    [
        ({"agreement": None}, "agreement.missing", "agreement"),
        ({"agreement": ""}, "agreement.missing", "agreement"),
        ({"agreement": CANARY}, "agreement.unknown", "agreement"),
        ({"purpose": None}, "purpose.missing", "purpose"),
        ({"purpose": CANARY}, "purpose.unknown", "purpose"),
        ({"purpose": "hum.health.care", "sender": CANARY}, "sender.unknown", "sender"),
        ({"purpose": "hum.assist"}, "purpose.too_broad", "purpose"),
        ({"purpose": "hum.assist.eligibility"}, "sender.missing", "sender"),
        ({"purpose": "red.line"}, "sender.missing", "sender"),
        ({"sender": RECIPIENT}, "to.missing", "to"),
        ({"recipient": CANARY}, "to.unknown", "to"),
        ({"recipient": SENDER}, "terms.one_party", "to"),
        ({"legal_basis": CANARY}, "basis.unknown", "basis"),
        ({"source": None}, "format.missing", "format"),
        ({"source": CANARY}, "format.unknown", ""),
        ({"target": CANARY}, "format.unknown", ""),
        ({"deliver": None}, "deliver.unknown", "deliver"),
        ({"deliver": CANARY}, "deliver.unknown", "deliver"),
        ({"mapping": CANARY}, "mapping.unknown", "mapping"),
        ({"mapping": ""}, "mapping.missing", "mapping"),
    ],
)
def test_a_name_nobody_knows_never_becomes_a_transfer(world, change, rule, at):
    with pytest.raises(SenderError) as caught:
        terms_of(replace(ASKED, **change), world, KNOWN)

    assert (caught.value.rule, caught.value.at) == (rule, at)
    assert CANARY not in str(caught.value)


def test_a_format_nobody_installed_is_415(world):
    with pytest.raises(SenderError) as caught:
        terms_of(replace(ASKED, source="xlsx"), world, KNOWN)

    assert caught.value.http_status == 415


def test_nothing_is_chosen_between_two(world):
    both = grants(world, grant(), grant(end="org:border-directorate", basis="lb.consent"))

    with pytest.raises(SenderError) as caught:
        terms_of(ASKED, both, KNOWN)
    with pytest.raises(SenderError) as again:
        terms_of(replace(ASKED, recipient=RECIPIENT), both, KNOWN)

    assert (caught.value.rule, again.value.rule) == ("to.missing", "basis.missing")
    found = terms_of(replace(ASKED, recipient=RECIPIENT, legal_basis="lb.public"), both, KNOWN)
    assert found.recipient == RECIPIENT


def test_the_grants_of_another_sender_fill_in_nothing(world):
    both = grants(world, grant(), grant(start=RECIPIENT, end=SENDER, basis="lb.consent"))

    found = terms_of(replace(ASKED, sender=RECIPIENT), both, KNOWN)

    assert (found.recipient, found.legal_basis) == (SENDER, "lb.consent")


def test_a_grant_of_a_parent_purpose_is_a_grant_of_its_leaves(world):
    parent, other = grants(world, grant("hum.assist")), grants(world, grant("hum.ass"))

    assert terms_of(ASKED, parent, KNOWN).recipient == RECIPIENT
    with pytest.raises(SenderError) as caught:
        terms_of(ASKED, other, KNOWN)

    assert caught.value.rule == "sender.missing"


def test_a_format_without_a_mapping_of_the_party_has_none(world):
    assert terms_of(replace(ASKED, source="hxl"), world, KNOWN).mapping is None


@pytest.mark.parametrize(("party", "at"), [(SENDER, "sender"), (RECIPIENT, "to")])
def test_a_suspended_party_neither_sends_nor_receives(world, party, at):
    parties = {**world.parties, party: {**world.parties[party], "status": "suspended"}}

    with pytest.raises(SenderError) as caught:
        terms_of(ASKED, replace(world, parties=parties), KNOWN)

    error = caught.value
    assert (error.rule, error.at, error.http_status) == ("party.suspended", at, 403)
