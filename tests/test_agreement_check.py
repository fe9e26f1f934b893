"""What a machine finds wrong in an agreement, and in which line."""

import json

import pytest

from gateway.agreement import statement
from gateway.agreement_check import Finding, findings, read
from gateway.agreement_standing import shipped_tables
from gateway.agreement_terms import months_after
from gateway.document import parse_with_lines
from gateway.errors import OfficerError
from gateway.signing import sign
from tests.signed_world import NOW, RECIPIENT, SENDER, made

DONOR, OFFICE = "org:border-directorate", "org:coordination-office"


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    return made(prepared[0], tmp_path_factory.mktemp("check") / "demo")


@pytest.fixture(scope="module")
def held(world):
    return world.deployment


@pytest.fixture(scope="module")
def tables():
    return shipped_tables()


@pytest.fixture(scope="module")
def drafted(world):
    return json.dumps(read(world.path)[0])


@pytest.fixture
def document(drafted):
    return json.loads(drafted)


@pytest.fixture
def found(held, tables):
    def find(document, now=NOW, tables=tables, deployment=held):
        return [one.rule for one in findings(document, deployment, tables, now)]

    return find


def put(document, path, value):
    """The document with another value at `a/0/b`; None takes it away."""
    *steps, last = [int(one) if one.isdigit() else one for one in path.split("/")]
    place = document
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value


def test_a_draft_of_the_questions_is_clean(document, found):
    assert found(document) == []


GRANT = {"purpose": "hum.health.care", "from": SENDER, "to": RECIPIENT, "legal_basis": "lb.vital"}
DECISION = {
    "decision": "human.two:first",
    "by": ["dpo", "programme"],
    "valid_until": "2027-11-22T08:00:00Z",
    "reason": "The partner was visited twice.",
}
INSTRUMENT = {"type": "own_clauses", "ref": "annex", "to": ["FR"]}


@pytest.mark.parametrize(
    ("path", "value", "rules"),
    [
        # who
        ("parties/1/party", SENDER, {"agreement.party_twice", "agreement.grant"}),
        ("parties/1/party", "org:nobody", {"agreement.no_party", "agreement.grant"}),
        ("parties/1/role", "observer", {"agreement.parties", "agreement.grant"}),
        ("parties/1/regimes", [{"kind": "state", "id": "KE"}], {"agreement.regimes"}),
        ("parties/1/regimes", [{"kind": "state", "id": "FR"}], set()),
        ("notice/recipients_listed", [RECIPIENT, "org:nobody"], {"agreement.no_party"}),
        ("audit/log_visible_to", ["org:nobody"], {"agreement.no_party"}),
        ("rights/handled_by", "org:nobody", {"agreement.no_party"}),
        ("succession", {"to": "org:nobody"}, {"agreement.no_party"}),
        ("release_given", [{"party": "org:nobody", "valid_until": NOW}], {"agreement.no_party"}),
        # when
        ("scope/end", "2028-11-22T00:00:00Z", set()),
        ("scope/end", "2028-11-22T00:00:01Z", {"agreement.too_long"}),
        ("scope/end", "2026-11-22T00:00:00Z", {"agreement.scope", "agreement.ended"}),
        ("scope/start", "2027-11-22T23:59:59Z", {"agreement.scope"}),
        ("scope/end", "2027-02-30T00:00:00Z", {"agreement.instant"}),
        ("kind", "emergency_interim", {"agreement.interim"}),
        ("supersedes", "1", {"agreement.supersedes"}),
        ("supersedes", "1.1", {"agreement.supersedes"}),
        ("supersedes", "0.9", set()),
        # purposes
        ("purposes/0/purpose", "hum.health", set()),
        ("purposes/0/purpose", "hum", {"agreement.purpose_too_broad"}),
        ("purposes/0/purpose", "hum.magic", {"agreement.purpose_unknown"}),
        ("purposes/0/purpose", "red.sale", {"agreement.red_line"}),
        ("purposes/0/to", SENDER, {"agreement.grant_self", "agreement.notice"}),
        ("purposes", [], {"agreement.empty"}),
        # bases
        ("purposes/0/legal_basis", "lb.public", {"agreement.basis_missing"}),
        ("purposes/0/legal_basis", "lb.wish", {"agreement.basis_unknown"}),
        ("legal_bases/0/basis", "lb.wish", {"agreement.basis_missing", "agreement.basis_unknown"}),
        ("legal_bases/0/evidence/harm_if_not", None, {"agreement.evidence_missing"}),
        ("legal_bases/0/evidence/harm_if_not", " ", {"agreement.evidence_missing"}),
        ("legal_bases/0/valid_until", NOW, {"agreement.evidence_expired"}),
        ("legal_bases/0/valid_until", "2027-02-22T08:00:00Z", set()),
        ("legal_bases/0/valid_until", "2027-02-22T08:00:01Z", {"agreement.evidence_long"}),
        ("legal_bases/0/valid_until", "2027-02-30T00:00:00Z", {"agreement.instant"}),
        # data
        (
            "data/0/record_type",
            "vehicle",
            {"agreement.type_unknown", "agreement.retention_missing"},
        ),
        ("data/0/fields", [], {"agreement.empty"}),
        ("data/0/fields", ["record_id", "shoe_size"], {"agreement.field_unknown"}),
        ("data/0/schema", "person@1", set()),
        ("data/0/schema", "person@2", {"agreement.schema"}),
        ("data/0/schema", "case@1", {"agreement.schema"}),
        ("data/0/forms", {"place": "admin2", "birth_date": "age_band"}, set()),
        ("data/0/forms", {"place": "age_band"}, {"agreement.form"}),
        ("data/0/forms", {"email": "null"}, {"agreement.field_unlisted"}),
        ("data/0/key_variables", ["sex", "email"], {"agreement.field_unlisted"}),
        ("data/0/sensitive", ["religion"], {"agreement.field_unlisted"}),
        ("data/0/sensitive", ["is_disabled"], set()),
        ("retention", [], {"agreement.retention_missing"}),
        (
            "retention",
            [{"record_type": "person", "days": 1}] * 2,
            {"agreement.retention_twice"},
        ),
        # safeguards
        ("safeguards/transfer_instruments", [], {"agreement.instrument"}),
        ("safeguards/transfer_instruments/0/to", ["KE"], {"agreement.instrument"}),
        ("safeguards/immunity", {"status": True}, {"agreement.immunity"}),
        ("safeguards/immunity", {"status": True, "instrument": "treaty"}, set()),
        ("safeguards/dpia/next_review", NOW, {"agreement.dpia"}),
        ("safeguards/dpia/outcome", "high", {"agreement.dpia"}),
        ("safeguards/dpia", None, set()),
        # promises
        ("onward", {"allowed": True, "recipients": []}, {"agreement.onward"}),
        ("onward", {"allowed": False, "recipients": [OFFICE]}, {"agreement.onward"}),
        ("onward", {"allowed": True, "recipients": [OFFICE]}, set()),
        ("onward", {"allowed": True, "recipients": ["org:nobody"]}, {"agreement.no_party"}),
        ("red_lines_acknowledged", False, {"agreement.red_lines"}),
        ("notice", None, {"agreement.notice"}),
        ("notice/recipients_listed", [], {"agreement.notice"}),
        ("notice/purposes_listed", [], set()),
        ("parties/0/role", "processor", set()),
        ("scope/countries", [], {"agreement.countries"}),
        ("rights", None, {"agreement.incomplete"}),
        ("incidents", {}, {"agreement.incomplete"}),
        ("compelled", None, {"agreement.incomplete"}),
        ("exit", None, {"agreement.incomplete"}),
        ("kind", "consolidation", {"agreement.contributors"}),
        # decisions
        ("decisions", [DECISION], set()),
        ("decisions", [{**DECISION, "by": ["dpo"]}], {"agreement.decision_roles"}),
        (
            "decisions",
            [{**DECISION, "valid_until": "2027-11-22T08:00:01Z"}],
            {"agreement.decision_long"},
        ),
        (
            "decisions",
            [{**DECISION, "at": "2026-10-01T00:00:00Z"}],
            {"agreement.decision_long"},
        ),
        ("decisions", [{**DECISION, "at": "2026-02-30T00:00:00Z"}], {"agreement.instant"}),
        (
            "decisions",
            [{**DECISION, "officers": ["officer:dpo-1"]}],
            {"agreement.decision_officers"},
        ),
        (
            "decisions",
            [{**DECISION, "officers": ["officer:dpo-1", "officer:nobody"]}],
            {"agreement.decision_officers"},
        ),
        (
            "decisions",
            [{**DECISION, "officers": ["officer:programme-1", "officer:dpo-1"]}],
            {"agreement.decision_officers"},
        ),
        ("decisions", [{**DECISION, "officers": ["officer:dpo-1", "officer:programme-1"]}], set()),
        (
            "decisions",
            [{
                **DECISION,
                "officers": ["officer:dpo-1", "officer:programme-1"],
                "requested_by": "officer:dpo-1",
            }],
            {"agreement.decision_requester"},
        ),
        # publication
        ("publication", {"allowed": True, "thresholds": {"k": 10, "risk_permille": 30}}, set()),
        ("publication", {"allowed": True, "thresholds": {"k": 9}}, {"agreement.thresholds"}),
        ("publication", {"allowed": True, "thresholds": {"l": 1}}, {"agreement.thresholds"}),
        (
            "publication",
            {"allowed": True, "thresholds": {"risk_permille": 31}},
            {"agreement.thresholds"},
        ),
        (
            "publication",
            {"allowed": True, "thresholds": {"min_pop": 4999}},
            {"agreement.thresholds"},
        ),
    ],
)  # fmt: skip
def test_each_finding(document, found, path, value, rules):
    put(document, path, value)

    assert set(found(document)) == rules


def test_somebody_must_be_a_controller(document, found):
    for party in document["parties"]:
        party["role"] = "processor"

    assert found(document) == ["agreement.parties"]


def test_a_grant_to_a_red_line(document, found):
    document["kind"] = "multilateral"
    document["parties"].append({"party": DONOR, "role": "controller"})
    document["purposes"].append({**GRANT, "to": DONOR})
    document["notice"]["recipients_listed"].append(DONOR)

    assert found(document) == ["agreement.red_line"]
    document["kind"] = "bilateral"
    assert set(found(document)) == {"agreement.parties", "agreement.red_line"}


def test_a_suspended_party_is_a_finding(world, document, tables, tmp_path):
    copied = world.copy(tmp_path / "demo")
    path = copied.directory / "parties" / "sante-sans-rivages.yaml"
    path.write_text(path.read_text().replace("status: active", "status: suspended"))

    rules = [one.rule for one in findings(document, copied.deployment, tables, NOW)]
    assert rules == ["agreement.party_suspended"]


def test_a_basis_that_is_never_for_people(document, found, tables):
    names = tables["bases"]["lb.contract"]["evidence"]
    evidence, until = dict.fromkeys(names, "x"), "2027-01-01T00:00:00Z"
    document["legal_bases"].append(
        {"basis": "lb.contract", "evidence": evidence, "valid_until": until}
    )
    assert found(document) == []
    document["purposes"][0]["legal_basis"] = "lb.contract"

    assert found(document) == ["agreement.basis_people"]


def test_the_same_record_type_twice(document, found):
    document["data"].append(document["data"][0])

    assert found(document) == ["agreement.type_twice"]


# -- borders -----------------------------------------------------------------------------------


def crossing(document, sender, recipient, instruments, immunity=None):
    document["parties"] = [{"party": one, "role": "controller"} for one in (sender, recipient)]
    document["purposes"] = [{**GRANT, "from": sender, "to": recipient}]
    document["notice"]["recipients_listed"] = [recipient]
    document["safeguards"]["transfer_instruments"] = instruments
    if immunity:
        document["safeguards"]["immunity"] = {"status": True, "instrument": "a treaty"}
    return document


IO = {"ref": "x", "to": ["io:coordination-office"]}


@pytest.mark.parametrize(
    ("sender", "recipient", "instruments", "immune", "covered"),
    [
        (SENDER, OFFICE, [], False, False),
        (SENDER, OFFICE, [], True, True),
        (SENDER, OFFICE, [{"type": "io_rules", **IO}], False, True),
        # Bound by the GDPR: immunity is no safeguard, and rules of one's own are none.
        (RECIPIENT, OFFICE, [], True, False),
        (RECIPIENT, OFFICE, [{"type": "io_rules", **IO}], True, False),
        (RECIPIENT, OFFICE, [{"type": "admin_arrangement", **IO}], False, True),
        (RECIPIENT, SENDER, [], False, False),
        (RECIPIENT, SENDER, [{"type": "scc_commission", "ref": "x", "to": ["KE"]}], False, True),
        (RECIPIENT, SENDER, [{"type": "scc_commission", "ref": "x", "to": ["SO"]}], False, False),
        # Immunity covers international organisations only.
        (SENDER, RECIPIENT, [], True, False),
    ],
)
def test_each_border_has_an_instrument(
    document, found, sender, recipient, instruments, immune, covered
):
    crossing(document, sender, recipient, instruments, immune)

    assert found(document) == ([] if covered else ["agreement.instrument"])


def test_a_state_found_adequate_and_one_nothing_goes_to(document, found, tables):
    crossing(document, RECIPIENT, SENDER, [])
    assert found(document, tables={**tables, "adequate": ["KE"]}) == []
    crossing(document, SENDER, RECIPIENT, [INSTRUMENT])
    assert found(document, tables={**tables, "prohibited": ["FR"]}) == ["agreement.prohibited"]


def test_one_regime_is_no_border(world, document, tables, tmp_path):
    copied = world.copy(tmp_path / "demo")
    path = copied.directory / "parties" / "sante-sans-rivages.yaml"
    path.write_text(path.read_text().replace("id: FR", "id: KE"))
    document["safeguards"]["transfer_instruments"] = []

    assert findings(document, copied.deployment, tables, NOW) == []


# -- impact assessment, publication ------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, False),
        ({"frequency": "daily"}, True),
        ({"frequency": None}, True),
        ({"volume_limit": 1000}, True),
        ({"volume_limit": None}, True),
        ({"volume_limit": None, "max_form": "agg"}, False),
    ],
)
def test_what_is_large_or_regular_needs_an_assessment(document, found, changes, needed):
    del document["safeguards"]["dpia"]
    for name, value in changes.items():
        put(document, f"data/0/{name}", value)

    assert found(document) == (["agreement.dpia"] if needed else [])
    document["safeguards"]["dpia_ref"] = "DPIA-1"
    assert found(document) == []


def test_publication_follows_the_country(world, document, tables, tmp_path):
    copied = world.copy(tmp_path / "demo")
    folder = copied.directory / "classifications"
    folder.mkdir()
    text = (
        'scheme_id: so\ncountry: SO\nversion: "1"\nvalid_from: 2024-01-01T00:00:00Z\n'
        "rows:\n  - {data_type: person, level: LEVEL}\n"
    )
    document["publication"] = {"allowed": True, "thresholds": {"k": 10}}
    said = {}
    for level in ("low", "high", "severe"):
        (folder / "so.yaml").write_text(text.replace("LEVEL", level))
        rules = [one.rule for one in findings(document, copied.deployment, tables, NOW)]
        said[level] = sorted(rules)

    assert said == {
        "low": [],
        "high": ["agreement.thresholds"],
        "severe": ["agreement.publication", "agreement.thresholds"],
    }


def test_open_data_that_may_not_be_published(document, found):
    document["purposes"][0]["purpose"] = "hum.stat.open"
    document["notice"]["purposes_listed"] = ["hum.stat.open"]

    assert found(document) == ["agreement.publication"]
    document["publication"] = {"allowed": True}
    assert found(document) == []


def test_a_consolidation_needs_its_contributors(document, found):
    document["kind"] = "consolidation"
    document["release_requires"] = {"all_contributors": True}
    assert found(document) == []
    document["release_given"] = [{"party": OFFICE, "valid_until": NOW}]

    assert found(document) == ["agreement.contributors"]


def test_figures_about_nobody_promise_less(world, found):
    document, _ = read(world.directory / "agreements" / "coordination-2026.yaml")

    assert found(document) == []


# -- signatures --------------------------------------------------------------------------------


def test_a_signature_over_another_text(world, document, found):
    entry = {"party": SENDER, "at": NOW}
    entry["signature"] = sign(
        statement(document, entry), world.keys[SENDER], "corridor-agreement+jws"
    )
    document["signed_by"] = [entry]
    assert found(document) == []

    assert found({**document, "title": "Another"}) == ["agreement.signature"]
    assert found({**document, "signed_by": [entry, entry]}) == ["agreement.signed_twice"]
    stranger = {**entry, "party": RECIPIENT}
    assert found({**document, "signed_by": [stranger]}) == ["signature.unknown_key"]


# -- places ------------------------------------------------------------------------------------


def test_a_finding_names_file_and_line(world, document, held, tables, tmp_path):
    text = world.path.read_text().replace("name,", "name, shoe_size,")
    text = text.replace("onward:\n  allowed: false", "onward:\n  allowed: true")
    path = tmp_path / "edited.yaml"
    path.write_text(text)
    document, source = read(path)
    rows = text.splitlines()
    fields = next(n for n, row in enumerate(rows, 1) if "shoe_size" in row)
    onward = rows.index("onward:") + 1

    assert findings(document, held, tables, NOW, source) == [
        Finding("agreement.field_unknown", f"edited.yaml:{fields}", "no such field"),
        Finding(
            "agreement.onward",
            f"edited.yaml:{onward}",
            "says both that it may and that nobody may",
        ),
    ]


@pytest.mark.parametrize(
    ("old", "new", "rule", "row"),
    [
        ("kind: bilateral", "kind: secret", "document.enum", "kind: secret"),
        ("state: draft", "state: draft\nstate: draft", "document.not_yaml", None),
        ("  allowed: false", "  allowed: maybe", "document.type", "  allowed: maybe"),
        ("deletion_certificate_required", "certificate", "document.additionalProperties", None),
    ],
)
def test_what_breaks_the_schema_has_a_line_too(world, tmp_path, old, new, rule, row):
    text = world.path.read_text()
    assert old in text
    path = tmp_path / "edited.yaml"
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(OfficerError) as caught:
        read(path)

    assert caught.value.rule == rule
    if row is not None:
        line = path.read_text().splitlines().index(row) + 1
        assert caught.value.at == f"edited.yaml:{line}"
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(OfficerError) as caught:
        read(tmp_path / "none.yaml")
    assert (caught.value.rule, caught.value.at) == ("document.unreadable", "none.yaml")


def test_lines_of_a_document():
    text = b"a: 1\nb:\n  - c: 2\n    d: [3, 4]\n  -\n    e: 5\n"
    value, lines = parse_with_lines(text, at="x")

    assert value == {"a": 1, "b": [{"c": 2, "d": [3, 4]}, {"e": 5}]}
    assert lines() == {
        (): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 0, "c"): 3, ("b", 0, "d"): 4,
        ("b", 0, "d", 0): 4, ("b", 0, "d", 1): 4, ("b", 1): 6, ("b", 1, "e"): 6,
    }  # fmt: skip
    nothing, lines = parse_with_lines(b"", at="x")
    assert (nothing, lines()) == (None, {})


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-31T10:00:00Z", 1, "2026-02-28T10:00:00"),
        ("2024-01-31T10:00:00Z", 1, "2024-02-29T10:00:00"),
        ("2024-02-29T00:00:00Z", 12, "2025-02-28T00:00:00"),
        ("2026-11-22T08:00:00Z", 24, "2028-11-22T08:00:00"),
        ("2026-12-31T00:00:00Z", 2, "2027-02-28T00:00:00"),
    ],
)
def test_months(start, months, end):
    assert months_after(start, months).isoformat() == f"{end}+00:00"


def test_findings_quote_nothing(document, found, held, tables):
    document["purposes"][0]["purpose"] = "hum.canary"
    document["rights"]["contact"] = "Canary"
    document["data"][0]["fields"].append("canary")

    assert "canary" not in json.dumps(
        [[one.rule, one.at, one.problem] for one in findings(document, held, tables, NOW)]
    )
