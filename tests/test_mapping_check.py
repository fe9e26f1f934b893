"""`corridor mapping check`: every fault, every line, every open question, and a sample tried."""

import copy
import io
import json
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from adapters.kobo import Kobo
from gateway.cli_mapping import mapping
from gateway.errors import OfficerError
from gateway.mapping import plan_of
from gateway.mapping.explain import explain
from gateway.mapping.sampled import sampled
from gateway.mapping.table import examined
from gateway.record import Reading
from tests.mapping_tables import HOPE, TABLE, every_line, rows

CANARY = "CanaryAmina"
PAYLOAD = HOPE.parent.parent / "payloads" / "households.json"

app = typer.Typer()
app.add_typer(mapping, name="mapping")


def run(*arguments: Any) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["mapping", "check", *map(str, arguments)])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, found.output


def written(tmp_path, table, name="t.yaml"):
    path = tmp_path / name
    path.write_text(yaml.safe_dump(table, sort_keys=False), encoding="utf-8")
    return path


def changed(edit):
    table = copy.deepcopy(TABLE)
    edit(table, table["records"][0]["fields"], table["records"][1]["fields"])
    return table


QUESTION = {
    "source": "*/quartier",
    "question": "Is this the village, or the part of a town?",
    "confidence": "low",
    "candidates": ["household.place.name", "household.place.admin4_name"],
}


def test_every_fault_is_told_at_once(tmp_path):
    path = written(
        tmp_path,
        changed(
            lambda t, h, p: (
                h.update(shoe_size="x", group_type={"constant": "tribe"}, group_size="size"),
                p.update(sex={"from": "x", "as": "code", "codes": {"m": "man"}}),
            )
        ),
    )

    code, output = run(path)

    assert code == 1
    assert output.splitlines() == [
        "t.yaml, records/0/fields/group_type: the field does not take this (mapping.not_allowed)",
        "t.yaml, records/0/fields/group_size: the field takes another type (mapping.type)",
        "t.yaml, records/0/fields/shoe_size: no such canonical field (mapping.no_field)",
        "t.yaml, records/1/fields/sex: the field does not take this (mapping.not_allowed)",
    ]


@pytest.mark.parametrize(
    ("edit", "rules"),
    [
        (lambda t, h, p: t.pop("authority"), {"document.required"}),
        (
            lambda t, h, p: (t.update(version=1), h.update(sex={"from": "x", "as": "code"})),
            {"document.type", "document.required"},
        ),
        (lambda t, h, p: h.update(sex={"from": "x", "has": 1}), {"document.additionalProperties"}),
        (lambda t, h, p: h.update(sex={"from": "x", "as": "texts"}), {"document.enum"}),
        (lambda t, h, p: h.update(group_size=1.5), {"document.form"}),
        (
            lambda t, h, p: t["records"].append(copy.deepcopy(t["records"][1])),
            {"mapping.type_twice"},
        ),
        (lambda t, h, p: t["records"].reverse(), {"mapping.no_root", "mapping.no_each"}),
        (lambda t, h, p: h["group_head"].pop("each"), {"mapping.no_member"}),
    ],
)
def test_a_fault_is_named_as_near_as_can_be(edit, rules):
    content = yaml.safe_dump(changed(edit)).encode()

    _, plan, faults = examined(content, at="t.yaml")

    assert plan is None
    assert {one.rule for one in faults} >= rules
    assert all(one.at.startswith("t.yaml") for one in faults)


def test_what_is_not_yaml_is_told_too(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text("a: [")

    assert run(path)[0] == 1
    assert json.loads(run(path, "--json")[1])["faults"][0]["rule"] == "document.not_yaml"
    assert run(tmp_path / "none.yaml")[0] == 1


def test_a_mapping_with_open_questions_is_explained_and_not_used(tmp_path):
    table = changed(lambda t, h, p: t.update(open=[QUESTION], left=["deviceid"]))
    path = written(tmp_path, table)

    code, output = run(path)

    assert code == 1
    assert "question about */quartier: Is this the village" in output
    assert "household.place.admin4_name" in output
    assert "left out on purpose: deviceid" in output
    with pytest.raises(OfficerError) as caught:
        plan_of(table, at="t.yaml")
    assert (caught.value.rule, caught.value.at) == ("mapping.open_questions", "t.yaml, open")
    assert plan_of(changed(lambda t, h, p: t.update(open=[])), at="t").left == frozenset()


def test_lines_say_where_values_come_from_and_what_is_not_restored():
    lines = {line.leaf: line for line in explain(every_line()).lines}

    assert lines["household.record_id"].sources == ("meta/id", "_uuid")
    assert lines["household.group_size"].sources == ("size", "*/old_size")
    assert lines["household.group_size"].why == "written to the first path"
    assert (lines["household.poverty_score"].converter, lines["household.poverty_score"].back) == (
        "decimal",
        "yes",
    )
    assert lines["household.registration_date"].back == "no"
    assert "time of day" in lines["household.registration_date"].why
    assert "letter case" in lines["household.displacement_status"].why
    assert lines["household.member_list[].relationship_head"].codes == "relationship"
    assert lines["household.group_type"].when == "kind"
    assert lines["person.registration_date"].sources == ("../day",)
    assert "enclosing" in lines["person.registration_date"].why
    assert lines["person.sex"].when == "../kind"
    assert lines["person.name.alternate_names[]"].back == "yes"


def test_a_table_of_all_parts_and_tables_is_explained():
    explained = explain(rows())
    lines = {line.leaf: line for line in explained.lines}

    assert lines["facility.record_id"].sources == ("site", "round")
    assert lines["facility.place.location_code"].codes == "country.iso2"
    assert lines["facility.service[].is_available"].sources == ("open",)
    assert "access" in explained.not_filled["facility"]
    assert "place" not in explained.not_filled["facility"]
    assert explained.left == ("internal",)


def test_the_demo_s_mapping_is_checked_on_its_payload():
    code, output = run(HOPE, "--sample", PAYLOAD)

    assert code == 0
    assert "sample: 3 household, 7 person" in output
    assert "person.birth_date <- */birth_date_i_c  (date)" in output
    assert "source fields nobody mapped: " in output
    assert "deviceid" in output


def test_machines_are_told_the_same():
    code, output = run(HOPE, "--sample", PAYLOAD, "--json")
    found = json.loads(output)

    assert code == 0
    assert found["mapping"]["id"] == "hope-registration-kobo"
    assert found["faults"] == found["open"] == []
    assert found["sample"]["records"] == {"household": 3, "person": 7}
    assert "deviceid" in found["sample"]["unmapped"]
    assert "person.name.second_name" in found["sample"]["never_filled"]
    assert "person.name.full_name" not in found["sample"]["never_filled"]


ODD = [
    {"meta/id": "uuid:1", "size": "many", "status": CANARY, "people": [{"sex": CANARY}] * 3},
    {"meta/id": "uuid:2", "people": [{"role": CANARY}, {"name": "x" * 5000}]},
    {"meta/id": "uuid:3", "deviceid": "x", "g/left": "y", "kind": "h", "people": [{"sex": CANARY}]},
]


def test_everything_that_does_not_fit_is_counted_and_nothing_shown(tmp_path):
    table = changed(lambda t, h, p: t.update(left=["*/left"]))
    path, sample = written(tmp_path, table), tmp_path / "s.json"
    sample.write_text(json.dumps(ODD))

    code, output = run(path, "--sample", sample)
    _, as_json = run(path, "--sample", sample, "--json")

    assert code == 1
    assert CANARY not in output + as_json
    assert (
        "refused 1 times: household.group_size from size | */old_size (value.not_integer)" in output
    )
    found = json.loads(as_json)["sample"]
    refused = {(one["leaf"], one["rule"]): one["count"] for one in found["refused"]}
    assert refused == {
        ("household.group_size", "value.not_integer"): 1,
        ("household.member_list[].relationship_head", "code.unknown"): 1,
        ("person.relationships[].relationship_type", "code.unknown"): 2,
        ("person.sex", "code.unknown"): 1,
    }
    assert found["records"] == {"household": 3, "person": 6}
    assert found["broken"] == [
        {"at": "person/name/full_name", "rule": "schema.maxLength", "count": 1}
    ]
    assert found["unmapped"] == ["deviceid"]


def test_a_sample_that_cannot_be_read_says_where(tmp_path):
    sample = tmp_path / "s.json"
    sample.write_text(json.dumps([{"meta/id": "uuid:1"}, {"size": CANARY}]))

    code, output = run(written(tmp_path, TABLE), "--sample", sample)

    assert code == 1
    assert "the reading stopped: no id in any of the mapping's places at submission 2" in output
    assert CANARY not in output
    assert run(written(tmp_path, TABLE), "--sample", tmp_path / "none.json")[0] == 1


def test_a_sample_needs_the_format_s_adapter(tmp_path):
    sample = tmp_path / "s.json"
    sample.write_text("[]")
    table = changed(lambda t, h, p: t.update(format="nobody.knows"))

    assert run(written(tmp_path, table), "--sample", sample)[0] == 1
    assert run(written(tmp_path, table))[0] == 0


def test_trying_a_sample_leaves_the_plan_strict():
    plan = every_line()
    content = json.dumps(ODD).encode()
    found = sampled(plan, lambda one, reading: Kobo().parse(io.BytesIO(content), one, reading))

    assert not found.fits
    with pytest.raises(Exception, match="does not read as integer"):
        list(Kobo().parse(io.BytesIO(content), plan, Reading()))


def test_wrong_usage_is_told_apart():
    assert run()[0] == 2
