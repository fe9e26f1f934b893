"""FHIR R4: what is written, judged by HL7's own validator, which we did not write.

`.ci/fhir/install` fetches it. It runs once for all files, without a network and so without the
terminology servers: of code systems it knows those that R4 itself defines.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from adapters.fhir_r4 import FhirR4Ndjson
from gateway.adapter import write
from gateway.record import load
from tests.fhir_files import CASES, FAMILY, FHIR, made

TOOLS = Path(__file__).resolve().parent.parent / ".tools" / "fhir"
TYPES = ["person", "household", *["case"] * 4, "facility"] * 3

ACCEPTED: Mapping[tuple[str, str], str] = {
    ("information", "Extension_EXT_Unknown"): "our extensions have no definition it could find",
    ("information", "Details_for__matching_against_Profile_"): "a reference that fits",
    ("information", "Terminology_TX_NoValid_3_CC"): "a code outside a preferred value set",
    ("warning", "Terminology_TX_NoValid_2_CC"): "a code outside an extensible value set",
    ("warning", "Terminology_TX_NoValid_13"): "a code outside an extensible value set",
    ("warning", "Terminology_TX_Code_ValueSet_Ext"): "a type in words instead of a code",
    ("warning", "TERMINOLOGY_TX_SYSTEM_NO_CODE"): "a source had a system, and its code no system",
    ("warning", "Reference_REF_NoDisplay"): "a reference that says it refers to nobody known",
    ("warning", "http://hl7.org/fhir/StructureDefinition/DomainResource#dom-6"): (
        "a narrative would repeat everything the fields say, as HTML"
    ),
    ("warning", "All_observations_should_have_a_performer"): "best practice, not known here",
    ("warning", "All_observations_should_have_a_subject"): "best practice, not known here",
    (
        "warning",
        "All_observations_should_have_an_effectiveDateTime_or_an_effectivePeriod",
    ): "best practice, not known here",
    ("warning", "null"): "a coding without a system, as the source has it",
    ("warning", "Terminology_PassThrough_TX_Message"): "a code system it has no copy of",
}
"""Severity and message id to why it is no fault of ours. Every other issue fails the test."""

REGIONAL = "is not in valueset: http://hl7.org/fhir/ValueSet/languages"
"""Said as an error of `fr-TD`, because the list of common languages has only `fr`. The list is
no more than preferred (Patient.communication.language), and any BCP 47 code is valid."""


class Issue(NamedTuple):
    severity: str
    rule: str
    place: str
    message: str


def accepted(issue: Issue) -> bool:
    regional = issue.rule == "Terminology_PassThrough_TX_Message" and issue.message.endswith(
        REGIONAL
    )
    return regional or (issue.severity, issue.rule) in ACCEPTED


def broken(content: bytes) -> dict[str, bytes]:
    """One file for each kind of fault, to see that the validator would find it in ours."""
    return {
        "broken-code": content.replace(b'"gender":"female"', b'"gender":"F"'),
        "broken-element": content.replace(b'"birthDate"', b'"birthday"'),
        "broken-required": content.replace(b'"actual":true,', b""),
        "broken-date": content.replace(b'"1987-03"', b'"1987-13"'),
    }


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Issue]]:
    """File name to everything the validator says of it."""
    java = shutil.which("java")
    if java is None or not (TOOLS / "stamp").exists():
        pytest.skip("no HL7 validator: needs java, and .ci/fhir/install")
    folder = tmp_path_factory.mktemp("fhir")
    files = {f"made-{seed}": _made(seed) for seed in SEEDS}
    files["family"] = write(FHIR, FAMILY).content
    files["cases"] = write(FHIR, CASES).content
    examples = [load(f"examples/{name}") for name in sorted(FHIR.record_types)]
    files["examples"] = write(FHIR, [record for found in examples for record in found]).content
    files.update(_lines())
    files.update(broken(files["family"]))
    for name, content in files.items():
        (folder / f"{name}.json").write_bytes(content)
    classes = f"{TOOLS / 'classes'}:{TOOLS / 'jars'}/*"
    done = subprocess.run(
        [java, "-XX:TieredStopAtLevel=1", "-cp", classes, "Validate", str(folder)],
        check=True,
        capture_output=True,
    )
    found: dict[str, list[Issue]] = {name: [] for name in files}
    for line in done.stdout.decode().splitlines():
        name, *columns = line.split("\t")
        issue = Issue(*columns)
        if issue.severity == "done":
            continue
        found[name.removesuffix(".json")].append(issue)
    assert done.stdout.count(b"\tdone\t") == len(files)
    return found


SEEDS = (0, 1, 2, 3, 4, 12, 21)
"""Together they make every resource we write."""


def _made(seed: int) -> bytes:
    chance = Random(seed)
    return write(FHIR, [made(name, chance) for name in TYPES]).content


def _lines() -> dict[str, bytes]:
    lines = write(FhirR4Ndjson(), [*FAMILY, *CASES]).content.splitlines()
    return {f"line-{number}": line for number, line in enumerate(lines)}


def test_nothing_written_has_a_fault(judged: dict[str, list[Issue]]) -> None:
    faults = [
        (name, issue)
        for name, issues in judged.items()
        if not name.startswith("broken-")
        for issue in issues
        if not accepted(issue)
    ]
    assert faults == []


def test_every_exception_is_needed(judged: dict[str, list[Issue]]) -> None:
    seen = {(issue.severity, issue.rule) for issues in judged.values() for issue in issues}
    assert set(ACCEPTED) <= seen


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("broken-code", "gender"),
        ("broken-element", ""),
        ("broken-required", ""),
        ("broken-date", "birthDate"),
    ],
)
def test_a_fault_is_found(judged: dict[str, list[Issue]], name: str, place: str) -> None:
    found = [issue for issue in judged[name] if issue.severity in {"error", "fatal"}]
    assert any(place in issue.place and not accepted(issue) for issue in found)


def test_the_files_hold_every_resource_we_write(judged: dict[str, list[Issue]]) -> None:
    kinds: set[Any] = set()
    for seed in SEEDS:
        kinds |= {entry["resource"]["resourceType"] for entry in json.loads(_made(seed))["entry"]}
    assert kinds == {
        *("Patient", "Group", "Location", "ServiceRequest", "Task", "Encounter", "Observation"),
        "RelatedPerson",
    }
