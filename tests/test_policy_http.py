"""Every red line, destination, legal basis and human verdict, once over HTTP: the answer, the log
entry and the receipt. And each of them has a Rego test of its own."""

import json
import re

import pytest

from gateway import receipt
from tests.policy_world import FIRST, GERMANY, Builder, decision, opened
from tests.strategies_policy import POLICIES, TAXONOMY

HEALTH = f"human.dpo:further_use.{FIRST}.hum.health.care"
RESEARCH = [
    decision(f"human.dpo:further_use.{FIRST}.hum.stat.research", "dpo"),
    decision("human.dpo:basis.lb.research", "dpo"),
]


def categories(agreement):
    for item in agreement["data"]:
        item["categories"] = ["https://w3id.org/dpv/pd#Fingerprint"]


def role(name):
    def change(agreement):
        agreement["parties"][1]["role"] = name

    return change


def origin(state):
    def change(agreement):
        agreement["scope"]["origin_countries"] = [state]

    return change


def immune(agreement):
    agreement["safeguards"]["immunity"] = {"status": True, "instrument": "Headquarters agreement"}


OWN_WAYS = {
    "red.migration": {"kind": "gov.migration"},
    "red.lawenf": {"kind": "gov.lawenf"},
    "red.natsec": {"kind": "military"},
    "red.sale": {"kind": "broker"},
    "red.donor_crossref": {"kind": "donor"},
    "red.country_of_origin": {"kind": "gov.registry", "law": "SY", "instrument": "own_clauses",
                              "change": origin("SY")},
    "red.vendor_reuse": {"kind": "payment_provider", "declared": ["hum.stat.research"],
                         "change": role("processor")},
    "red.bio_reuse": {"purpose": "hum.health.care", "change": categories},
}  # fmt: skip
"""How these are found where nobody names them. The others are what a recipient is known to do."""

RED = {name: OWN_WAYS.get(name, {"declared": [name]}) for name in TAXONOMY["red_lines"]}

DESTINATIONS = {
    "dest.same": ({}, "released", ""),
    "dest.safeguards": ({"law": "FR", "instrument": "own_clauses"}, "released", ""),
    "dest.adequate": ({"sender": GERMANY, "law": "FR"}, "released", ""),
    "dest.io_immune": ({"kind": "io", "law": "io:b", "change": immune}, "released", ""),
    "dest.vital": (
        {"law": "UG", "basis": "lb.vital", "decisions": [
            decision("human.one:basis.lb.vital", "programme")]},
        "held", "human.one:dest.vital",
    ),
    "dest.public_interest": ({"law": "UG"}, "held", "human.dpo:dest.public_interest"),
    "dest.refused": ({"law": "UG", "basis": "lb.consent"}, "refused", "transfer.no_safeguard"),
    "dest.prohibited": ({"kind": "intel", "law": "UG"}, "refused", "red.natsec"),
}  # fmt: skip
"""What is agreed, the outcome, and the rule that stands in the entry; the destination is there too.
`dest.unknown` is a party without any law, which no party file may be."""

BASES = {
    "lb.public": ({}, "released", ""),
    "lb.consent": ({}, "released", "consent.refused"),
    "lb.vital": ({}, "held", "human.one:basis.lb.vital"),
    "lb.legitimate": ({}, "held", "human.dpo:basis.lb.legitimate"),
    "lb.legal": ({}, "held", "human.two:basis.lb.legal"),
    "lb.contract": ({}, "refused", "basis.contract_not_for_people"),
    "lb.research": ({"purpose": FIRST}, "refused", "basis.research_identified"),
}

HUMAN = {
    "human:one": ({"basis": "lb.vital"}, "human.one:basis.lb.vital", ["security"], []),
    "human:dpo": ({"purpose": "hum.health.care"}, HEALTH, ["dpo"], ["programme"]),
    "human:two": ({"basis": "lb.legal"}, "human.two:basis.lb.legal", ["legal", "dpo"], ["legal"]),
}
"""What is agreed, what has to be decided, who may, and who are too few."""


def named(*parts):
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower())


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    builder = Builder(prepared, tmp_path_factory.mktemp("policy") / "demo")
    scenes = {}
    for name, terms in RED.items():
        scenes[name] = builder.scene(named(name), **terms)
    for name, (terms, _, _) in DESTINATIONS.items():
        scenes[name] = builder.scene(named(name), **terms)
    for name, (terms, _, _) in BASES.items():
        scenes[name] = builder.scene(named(name), basis=name, **terms)
    for who, (terms, decided, roles, few) in HUMAN.items():
        for state, by in (("none", None), ("enough", roles), ("few", few)):
            made = [decision(decided, *by)] if by else []
            scenes[f"{who} {state}"] = builder.scene(named(who, state), decisions=made, **terms)
    scenes["research"] = builder.scene(
        "research", purpose="hum.stat.research", basis="lb.research", decisions=RESEARCH
    )
    world, stack = opened(builder)
    with stack:
        world.scenes = scenes
        yield world


def carried(world, name, payload, outcome):
    """Post one transfer; its entry, after answer, log and receipt said the same."""
    answer = world.post(world.scenes[name], payload)

    assert answer.status_code == {"released": 201, "held": 202, "refused": 403}[outcome], (
        answer.text
    )
    verified = receipt.verify(answer.content, vkey=world.vkey)
    entry = world.entry(verified.entry["id"])
    assert entry == verified.entry
    assert entry["outcome"] == outcome
    # What left waits for its sender; of the rest there is nothing to fetch.
    held = answer.headers["location"] + "/content"
    sender = world.scenes[name][0]
    fetched = world.client.get(held, headers=world.authorized(sender))
    assert fetched.status_code == (200 if outcome == "released" else 404)
    return entry


@pytest.mark.parametrize("line", sorted(RED))
def test_a_red_line_is_refused_whatever_was_agreed(world, payload, line):
    entry = carried(world, line, payload, "refused")

    assert line in entry["rules"]
    assert (entry["count"], entry.get("released", [])) == ("0", [])


@pytest.mark.parametrize("line", sorted(RED))
def test_a_red_line_asked_for_by_name_is_refused(world, payload, line):
    preview = world.post(world.scenes["dest.same"], payload, path="/v1/preview", purpose=line)

    assert preview.status_code == 200
    assert line in preview.text
    assert json.loads(preview.content)["outcome"] == "refused"


@pytest.mark.parametrize("where", sorted(DESTINATIONS))
def test_each_kind_of_destination(world, payload, where):
    _, outcome, rule = DESTINATIONS[where]

    entry = carried(world, where, payload, outcome)

    assert entry["border"]["destination"] == where
    assert not rule or rule in entry["rules"]


@pytest.mark.parametrize("basis", sorted(BASES))
def test_each_legal_basis(world, payload, basis):
    _, outcome, rule = BASES[basis]

    entry = carried(world, basis, payload, outcome)

    assert entry["legal_basis"] == basis
    assert not rule or rule in entry["rules"]


def alike(payload, count):
    """The first household of a payload so many times, each with an id of its own."""
    page = json.loads(payload)
    made = []
    for number in range(count):
        one = json.loads(json.dumps(page["results"][0]))
        name = f"00000000-0000-4000-8000-{number:012d}"
        made.append(one | {"_id": number, "_uuid": name, "meta/instanceID": f"uuid:{name}"})
    return json.dumps(page | {"results": made, "count": count}).encode()


def test_research_on_de_identified_records_leaves_once_enough_of_them_are_alike(world, payload):
    entry = carried(world, "research", alike(payload, 6), "released")

    assert (entry["legal_basis"], entry["purpose"]) == ("lb.research", "hum.stat.research")
    assert "person.birth_date:age_band" in entry["released"]


def test_research_on_people_who_stand_alone_does_not(world, payload):
    entry = carried(world, "research", payload, "refused")

    assert "records.none_releasable" in entry["rules"]


@pytest.mark.parametrize("who", sorted(HUMAN))
def test_each_human_verdict(world, payload, who):
    decided = HUMAN[who][1]

    waiting = carried(world, f"{who} none", payload, "held")
    made = carried(world, f"{who} enough", payload, "released")

    assert decided in waiting["rules"]
    assert decided not in made["rules"]


@pytest.mark.parametrize("who", ["human:dpo", "human:two"])
def test_too_few_people_or_the_wrong_ones_decide_nothing(world, payload, who):
    assert HUMAN[who][1] in carried(world, f"{who} few", payload, "held")["rules"]


def test_the_tables_name_nothing_else():
    """A red line, basis or role that is added needs a line here."""
    assert len(RED) == 15
    assert set(BASES) == set(TAXONOMY["bases"])
    told = (POLICIES / "exchange" / "border.rego").read_text()
    assert set(re.findall(r'"(dest\.[a-z_]+)"', told)) == {*DESTINATIONS, "dest.unknown"}


@pytest.mark.parametrize(
    "name", [*TAXONOMY["red_lines"], *DESTINATIONS, "dest.unknown", *TAXONOMY["bases"], *HUMAN]
)
def test_each_has_a_rego_test(name):
    tests = {path.name: path.read_text() for path in (POLICIES / "exchange").glob("*_test.rego")}

    spoken = name.replace("human:", "human.")
    assert any(f'"{name}"' in text or f'"{spoken}:' in text for text in tests.values())
