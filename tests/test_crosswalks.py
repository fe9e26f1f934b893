"""docs/crosswalks: the commands run, on invented and on real payloads, and the tables are true."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hxl
import orjson
import pytest
from fhir.resources.R4B.bundle import Bundle
from lxml import etree

from gateway import crosswalk
from gateway.crosswalk import PAGES, Line, Step, laid_out, lines_of, made, table
from gateway.errors import OfficerError

ROOT = Path(__file__).resolve().parent.parent
NAMES = sorted(path.stem for path in PAGES.glob("*.md"))
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MADE = re.compile(
    rf"^{re.escape(crosswalk.BEGIN)}(.*?)^{re.escape(crosswalk.END)}", re.MULTILINE | re.DOTALL
)

Samples = Callable[[str], Path]
Judge = Callable[[Path, Samples], None]
STRUCTURAL = (".record_type", ".schema_version")

REAL: dict[str, list[dict[str, str]]] = {
    "3w-iati": [{"PAYLOAD": "ocha-3w-cod/open/3w_tcd_avr2025.xlsx"}],
    "commcare-fhir": [{"PAYLOAD": "commcare/open/lwala_case_malaria.json"}],
    "dhis2-hxl": [{"PAYLOAD": "dhis2-aggregate/open/dataValueSetB.csv"}],
    "dtm-hxl": [{"PAYLOAD": "iom-dtm/open/displacement-admin1-admin0pcode-tcd.json"}],
    "kobo-hope": [{"PAYLOAD": "kobo/open/hope_kobo_submissions.json"}],
    "primero-progres": [
        {
            "PAYLOAD": "primero/open/outbound_referral.json",
            "DECISION": "progres/open/decision_flow2.json",
        }
    ],
    "spdci-tabular": [{"PAYLOAD": "spdci/open/social__processflow2res.json"}],
}
"""What each page is run on besides its own payload: variables of its commands to real files."""


@dataclass(frozen=True)
class Told:
    """One table of a page."""

    kept: frozenset[tuple[str, ...]]
    """Read from, canonical field, leaves as, written to."""
    lost: frozenset[tuple[str, ...]]
    """Read from, canonical field, because."""

    @classmethod
    def of(cls, text: str) -> "Told":
        rows = [
            tuple(cell.strip().strip("`").replace("\\|", "|") for cell in _cells(line))
            for line in text.splitlines()
            if line.startswith("|") and not line.startswith(("| read from", "|---"))
        ]
        return cls(
            frozenset(row for row in rows if len(row) == 4),
            frozenset(row for row in rows if len(row) == 3),
        )


def _cells(line: str) -> list[str]:
    return line.strip("|").split(" | ")


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def told(name: str) -> list[Told]:
    return [Told.of(text) for text in MADE.findall(page(name))]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return laid_out(folder)


def run(name: str, here: Path, variables: dict[str, str]) -> list[dict[str, Any]]:
    """The receipts' details of a page's commands, in order."""
    binaries = Path(sys.executable).parent
    environment = {
        **{key: os.environ[key] for key in ("LANG", "HOME") if key in os.environ},
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUTF8": "1",
        **variables,
    }
    found = []
    for script in FENCE.findall(page(name)):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=here,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        receipt = here / Step.of(script).options["receipt"]
        found.append(orjson.loads(receipt.read_bytes())["details"])
    return found


def carried(details: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Canonical field, form and target of everything that a receipt says has left."""
    for one in details["lineage"]:
        if not one["field"].endswith(STRUCTURAL):
            field = ".".join(one["field"].replace("[]", "").split(".")[:2])
            form = details["fields"].get(field, {"form": "keep"})["form"]
            yield one["field"], form, one["target"]


def uncarried(details: dict[str, Any]) -> set[str]:
    return {leaf for leaf in details["unrendered"] if not leaf.endswith(STRUCTURAL)}


def test_there_is_a_page_for_each_way_that_matters() -> None:
    assert set(NAMES) == set(REAL)
    assert len(NAMES) == 7


def test_the_pages_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert crosswalk.main(["--check"]) == 0, capsys.readouterr().out


# -- what leaves, judged by tools we did not write -------------------------------------------------


def is_fhir(here: Path, samples: Samples) -> None:
    assert Bundle.model_validate_json((here / "follow-ups.fhir.json").read_bytes()).entry


def is_iati(here: Path, samples: Samples) -> None:
    schema = etree.XMLSchema(file=str(samples("iati/schema/iati-activities-schema.xsd")))
    schema.assertValid(etree.parse(str(here / "activities.iati.xml")))


def is_hxl(name: str) -> Judge:
    def judge(here: Path, samples: Samples) -> None:
        source = hxl.data(hxl.make_input(io.BytesIO((here / name).read_bytes())))
        assert list(source)
        assert all(column.tag for column in source.columns)

    return judge


JUDGES: dict[str, Judge] = {
    "3w-iati": is_iati,
    "commcare-fhir": is_fhir,
    "dhis2-hxl": is_hxl("figures.csv"),
    "dtm-hxl": is_hxl("displacement.csv"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_page_s_commands_release_what_its_tables_say(
    name: str, here: Path, samples: Samples
) -> None:
    receipts = run(name, here, {})

    assert len(receipts) == len(told(name)) > 0
    for details, one in zip(receipts, told(name), strict=True):
        assert set(carried(details)) == {row[1:] for row in one.kept}
        assert uncarried(details) <= {row[1] for row in one.lost}
        assert set(details["unmapped"]) == {row[0] for row in one.lost if row[1] == "–"}
    if name in JUDGES:
        JUDGES[name](here, samples)


@pytest.mark.parametrize(
    ("name", "variables"), [(name, real) for name in REAL for real in REAL[name]], ids=repr
)
def test_a_real_payload_loses_what_the_tables_say(
    name: str, variables: dict[str, str], here: Path, samples: Samples
) -> None:
    real = {key: str(samples(path).resolve()) for key, path in variables.items()}
    for details, one in zip(run(name, here, real), told(name), strict=True):
        assert details["records"]["released"] > 0
        # Where a value goes may hang on the value: what the page says is lost may fit this time.
        known = {row[1:3] for row in one.kept} | {(row[1], "") for row in one.lost}
        found = {(leaf, form) for leaf, form, _ in carried(details)}
        assert {one for one in found if one not in known and (one[0], "") not in known} == set()
        assert uncarried(details) <= {row[1] for row in one.lost}
    if name in JUDGES:
        JUDGES[name](here, samples)


# -- how a page is read and made ----------------------------------------------------------------

SCRIPT = """corridor exchange "${PAYLOAD:-a b.json}" --deployment d --format kobo --into hope \\
    --agreement agr:x --purpose hum.rights --out o --receipt r
"""


def test_a_command_is_read_as_a_shell_reads_it() -> None:
    step = Step.of(SCRIPT)

    assert step.payload == "a b.json"
    assert step.options["deployment"] == "d"
    asked = step.asked
    assert (asked.source, asked.target, asked.agreement, asked.recipient) == (
        *("kobo", "hope", "agr:x", None),
    )


def test_an_option_twice_is_refused() -> None:
    with pytest.raises(OfficerError) as caught:
        Step.of(SCRIPT.replace("--out o", "--format odk --out o"))

    assert caught.value.rule == "crosswalk.option_twice"


DETAILS: dict[str, Any] = {
    "fields": {
        "person.name": {"form": "keep"},
        "person.place": {"form": "admin2"},
        "person.religion": {"form": "drop", "reason": "purpose"},
        "person.email": {"form": "keep"},
    },
    "lineage": [
        {"source": "n", "field": "person.name.full_name", "target": "Name"},
        {"source": "p", "field": "person.place.admin2_code", "target": "District"},
        {"source": "t", "field": "person.record_type", "target": "Kind"},
    ],
    "unrendered": ["person.email[]"],
    "unmapped": ["shoe", "desk"],
    "records": {"read": 2, "released": 1},
}
READ = {
    "person.name.full_name": "n",
    "person.place.geo": "gps",
    "person.religion": "r",
    "person.email[]": "m",
}


def test_every_leaf_is_carried_or_lost_for_a_reason() -> None:
    assert list(lines_of(DETAILS, READ, {"desk"})) == [
        Line("person.email[]", "m", "keep", "", "the target format has no place for it"),
        Line("person.name.full_name", "n", "keep", "Name"),
        Line("person.place.admin2_code", "p", "admin2", "District"),
        Line("person.place.geo", "gps", "admin2", "", "made coarser, or empty in this payload"),
        Line("person.religion", "r", "", "", "not needed for the purpose"),
        Line("", "shoe", "", "", "nothing reads it"),
        Line("", "desk", "", "", "left out on purpose"),
    ]


def test_a_table_says_what_is_kept_and_what_is_lost() -> None:
    lines = tuple(lines_of(DETAILS, READ, ()))
    text = table(crosswalk.Walked(lines, DETAILS, b""))

    assert text.startswith("1 of 2 records of the payload leave. 2 leaves are carried, 5 are lost.")
    assert Told.of(text).kept == {
        ("n", "person.name.full_name", "keep", "Name"),
        ("p", "person.place.admin2_code", "admin2", "District"),
    }
    assert ("shoe", "–", "nothing reads it") in Told.of(text).lost
    assert "Lost" not in table(crosswalk.Walked((Line("a.b", "c", "keep", "d"),), DETAILS, b""))


def test_a_page_that_is_not_current_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = page("commcare-fhir")
    (tmp_path / "commcare-fhir.md").write_text(
        text.replace("`case.status`", "`case.state`"), "utf8"
    )
    monkeypatch.setattr(crosswalk, "PAGES", tmp_path)

    assert crosswalk.main(["--check"]) == 1
    assert "docs/crosswalks/commcare-fhir.md is not current" in capsys.readouterr().out
    assert crosswalk.main([]) == 0
    assert (tmp_path / "commcare-fhir.md").read_text(encoding="utf-8") == text
    assert crosswalk.main(["--chek"]) == 2


def test_a_way_that_is_refused_is_no_crosswalk(here: Path) -> None:
    text = page("commcare-fhir").replace(
        "hum.health.care", "hum.rights --basis lb.public --from org:amal-relief"
    )

    with pytest.raises(OfficerError) as caught:
        made(text, here)

    assert caught.value.rule == "crosswalk.not_released"
