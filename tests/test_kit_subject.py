"""Finding adapters, their samples and mappings; and the command line of the kit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli_adapter import adapter as commands
from gateway.errors import OfficerError
from gateway.kit import findings
from gateway.kit.skeleton import make
from gateway.kit.subject import folder_subjects, installed_subject, installed_subjects

ROOT = Path(__file__).resolve().parent.parent
APP = typer.Typer()
APP.add_typer(commands, name="adapter")

MAPPING = """\
mapping: visits
version: "1"
format: visits
authority: relief.example
records:
  - type: person
    id: {first: [id]}
    fields: {name.full_name: name}
"""


def ran(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(APP, ["adapter", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output


def package(tmp_path: Path, name: str) -> Path:
    folder = make(name, tmp_path)
    return folder / f"corridor_{name}" / "samples"


# Samples and their mappings


def test_a_mapping_is_for_all_samples_or_for_one(tmp_path: Path) -> None:
    samples = package(tmp_path, "visits")
    (samples / "other.jsonl").write_bytes(b'{"id": "relief.example/1"}')
    (samples / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    one = MAPPING.replace("mapping: visits", "mapping: other")
    (samples / "other.jsonl.mapping.yaml").write_text(one, encoding="utf-8")
    (subject,) = folder_subjects(tmp_path / "visits")
    found = {sample.name: sample.mapping.id for sample in subject.samples if sample.mapping}
    assert found == {"people.jsonl": "visits", "other.jsonl": "other"}
    assert {plan.id for plan in subject.plans if plan} == {"visits", "other"}


def test_a_mapping_that_cannot_be_read_is_found(tmp_path: Path) -> None:
    samples = package(tmp_path, "crooked")
    (samples / "mapping.yaml").write_text("mapping: 7\n", encoding="utf-8")
    (subject,) = folder_subjects(tmp_path / "crooked")
    assert [(one.rule, one.at) for one in subject.faults] == [("samples.mapping", "people.jsonl")]


def test_a_package_without_samples_is_found(tmp_path: Path) -> None:
    samples = package(tmp_path, "bare")
    (samples / "people.jsonl").unlink()
    (subject,) = folder_subjects(tmp_path / "bare")
    assert [one.rule for one in subject.faults] == ["samples.none"]


def test_an_adapter_has_its_own_samples_where_there_is_a_folder_of_its_name(
    tmp_path: Path,
) -> None:
    samples = package(tmp_path, "owned")
    (samples / "owned").mkdir()
    (samples / "owned" / "mine.jsonl").write_bytes(b"{}")
    (subject,) = folder_subjects(tmp_path / "owned")
    assert [sample.name for sample in subject.samples] == ["mine.jsonl"]


def test_what_cannot_be_imported_says_so(tmp_path: Path) -> None:
    samples = package(tmp_path, "broken_one")
    (samples.parent / "__init__.py").write_text("raise ValueError('Amina')\n", encoding="utf-8")
    with pytest.raises(OfficerError, match="ValueError") as caught:
        folder_subjects(tmp_path / "broken_one")
    assert (caught.value.rule, "Amina" in str(caught.value)) == ("adapter.import", False)


def test_a_folder_without_entry_points_says_so(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    with pytest.raises(OfficerError) as caught:
        folder_subjects(tmp_path)
    assert caught.value.rule == "adapter.no_package"


def test_every_installed_adapter_has_samples() -> None:
    lacking = [subject.entry for subject in installed_subjects() if not subject.samples]
    assert lacking == []


def test_an_unknown_name_is_never_guessed() -> None:
    with pytest.raises(OfficerError) as caught:
        installed_subject("kob")
    assert caught.value.rule == "adapter.unknown"


# The commands


def test_list_shows_every_adapter() -> None:
    code, said = ran("list", "--json")
    found = {one["name"]: one for one in json.loads(said)}
    assert code == 0
    assert found["fhir.r4"]["media_type"] == "application/fhir+json"
    assert found["kobo"]["record_types"] is None
    assert found["kobo"]["package"] == "adapters.kobo"
    code, said = ran("list")
    assert code == 0
    assert all(name in said for name in found)
    assert "by mapping" in said


def test_new_makes_a_package_that_passes_unedited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = ran("new", "wells")
    assert code == 0
    assert "made wells/corridor_wells/samples/people.jsonl" in said
    assert findings(tmp_path / "wells", examples=4) == []
    code, said = ran("check", "./wells", "--examples", "4")
    assert (code, "no findings" in said) == (0, True)
    assert [path.name for path in tmp_path.iterdir()] == ["wells"]
    assert "parse   1 samples, 3 records, 4 fields mapped, 1 unmapped" in said


def test_new_overwrites_nothing(tmp_path: Path) -> None:
    assert ran("new", "wells", "--into", str(tmp_path))[0] == 0
    before = (tmp_path / "wells" / "pyproject.toml").stat().st_mtime_ns
    code, said = ran("new", "wells", "--into", str(tmp_path))
    assert (code, "adapter.exists" in said) == (1, True)
    assert (tmp_path / "wells" / "pyproject.toml").stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["Wells", "1st", "a-b", "../x", "a.b", "", "kobo", "a" * 41])
def test_new_refuses_other_names(name: str, tmp_path: Path) -> None:
    code, _ = ran("new", name, "--into", str(tmp_path))
    assert code == 2
    assert list(tmp_path.iterdir()) == []


def test_check_says_what_is_wrong_and_how_to_mend_it(tmp_path: Path) -> None:
    samples = package(tmp_path, "silent")
    module = samples.parent / "__init__.py"
    text = module.read_text(encoding="utf-8")
    line = 'reading.lineage[f"person.{FIELDS[key]}"] = key'
    assert line in text
    module.write_text(text.replace(line, "pass"), encoding="utf-8")
    folder = str(tmp_path / "silent")
    code, said = ran("check", folder, "--examples", "2")
    assert code == 1
    assert "lineage.missing at people.jsonl (parse: person.birth_date)" in said
    assert "mend: say where each leaf came from" in said
    code, said = ran("check", folder, "--examples", "2", "--json")
    [report] = json.loads(said)
    assert code == 1
    assert {one["rule"] for one in report["findings"]} == {"lineage.missing"}
    assert report["parse"] == {"samples": 1, "records": 3, "fields": 0, "unmapped": ["tent"]}


def test_check_takes_other_samples(tmp_path: Path) -> None:
    package(tmp_path, "others")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "two.jsonl").write_bytes(b'[{"id": "a.example/1"}, {"id": "a.example/2"}]')
    words = ("check", str(tmp_path / "others"), "--samples", str(elsewhere), "--json")
    code, said = ran(*words, "--examples", "2")
    assert (code, json.loads(said)[0]["parse"]["records"]) == (0, 2)


@pytest.mark.parametrize("words", [["check"], ["check", "kobo", "--all"], ["check", "a", "b"]])
def test_wrong_usage(words: list[str]) -> None:
    assert ran(*words)[0] == 2


def test_check_of_a_name_nobody_has() -> None:
    code, said = ran("check", "nobody")
    assert (code, "adapter.unknown" in said) == (1, True)


def test_without_hypothesis_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, said = ran("check", "kobo")
    assert (code, "corridor[kit]" in said) == (2, True)


def test_nothing_else_needs_hypothesis() -> None:
    code = "import sys; sys.modules['hypothesis'] = None; import gateway.cli_adapter"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_installed_package_is_found_without_any_registration(tmp_path: Path) -> None:
    """Built and installed as its README says, into a folder of this test's own."""
    make("wells", tmp_path)
    site = tmp_path / "site"
    quiet = ["-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    pip = [sys.executable, "-m", "pip", "install", *quiet, "--target", str(site)]
    subprocess.run([*pip, str(tmp_path / "wells")], check=True, cwd=tmp_path)
    code = "from gateway.cli_adapter import adapter as a; a(['list', '--json'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert found["wells"]["package"] == "corridor_wells"
    assert found["wells"]["record_types"] == ["person"]
    assert (site / "corridor_wells" / "samples" / "people.jsonl").is_file()


def test_a_new_packages_own_test_passes(tmp_path: Path) -> None:
    folder = make("ponds", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
