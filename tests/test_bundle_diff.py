"""What changed between two bundles, and a bundle by its name."""

import json
import tarfile

import pytest
import typer
from typer.testing import CliRunner

from gateway.bundle_diff import diff, only_local
from gateway.bundle_named import named
from gateway.canonical import canonical
from gateway.cli_policy_change import register
from gateway.errors import OfficerError
from gateway.policy import read_bundle
from gateway.session import POLICIES
from tests.replayed import DECISION, TAXONOMY, bundle, deployed, policies


def run(*arguments):
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_the_same_bundle_differs_in_nothing(tmp_path):
    found = diff(bundle(tmp_path / "a"), bundle(tmp_path / "b"))

    assert (found["files"], found["tables"], found["weaker"]) == ([], [], [])
    assert "the same bundle" in run("diff", tmp_path / "a", tmp_path / "b").stdout


@pytest.mark.parametrize(
    ("table", "value", "path", "weaker"),
    [
        ("k", 4, "taxonomy/k", True),
        ("k", 6, "taxonomy/k", False),
        ("red_lines", {}, "taxonomy/red_lines/red.sale", True),
        ("red_lines", TAXONOMY["red_lines"] | {"red.x": {}}, "taxonomy/red_lines/red.x", False),
        ("forms", {**TAXONOMY["forms"], "year": 1}, "taxonomy/forms/year", True),
        ("leaving", {"person": {**TAXONOMY["leaving"]["person"], "birth_date": "keep"}},
         "taxonomy/leaving/person/birth_date", True),
        ("leaving", {"person": {**TAXONOMY["leaving"]["person"], "birth_date": "age_band"}},
         "taxonomy/leaving/person/birth_date", False),
        ("matrices", {"hum.rights": {"person": {"sex": "keep"}}}, "taxonomy/matrices", True),
        ("always_drop", ["flags"], "taxonomy/always_drop", False),
        ("interim_days", 30, "taxonomy/interim_days", True),
        ("barred", ["hum.account.audit", "hum.rights"], "taxonomy/barred/hum.rights", False),
        ("ends", "2027-07-01T00:00:00Z", "taxonomy/ends", False),
    ],
)  # fmt: skip
def test_tables_by_path_and_what_is_weaker(tmp_path, table, value, path, weaker):
    found = diff(bundle(tmp_path / "a"), bundle(tmp_path / "b", **{table: value}))

    [told] = found["tables"]
    assert (told["path"], told["weaker"]) == (path, weaker)
    assert found["weaker"] == ([path] if weaker else [])


def test_comments_are_no_difference(tmp_path):
    found = diff(bundle(tmp_path / "a"), bundle(tmp_path / "b", k_comment="fewer"))

    assert found["tables"] == []


def test_rego_line_by_line(tmp_path):
    changed = DECISION.replace('"max_form": "id"', '"max_form": "ps"')
    one, other = policies(tmp_path / "a"), policies(tmp_path / "b", decision=changed, k=4)

    done = run("diff", one, other)
    told = json.loads(run("diff", one, other, "--json").stdout)

    assert done.exit_code == 0
    added = [line[1:].strip() for line in done.stdout.splitlines() if line.startswith("+")]
    assert '"max_form": "ps",' in added
    assert "weaker taxonomy/k: 5 > 4" in done.stdout
    assert told["files"][0]["name"] == "exchange/decision.rego"
    assert told["weaker"] == ["taxonomy/k"]


def test_what_only_the_operator_changed(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "own.rego").write_text('package local\n\nnarrow := {"person": {"sex": "drop"}}\n')
    folder = policies(tmp_path / "a")
    plain, narrowed = read_bundle(folder), read_bundle(folder, own)

    assert only_local(plain, narrowed)
    assert not only_local(plain, bundle(tmp_path / "b", k=6))
    assert not only_local(plain, bundle(tmp_path / "c", decision=DECISION + "\n# more\n"))


@pytest.mark.parametrize("name", ["made", "made.tar.gz"])
def test_a_bundle_that_was_written_is_read_again(tmp_path, name):
    made = bundle(tmp_path / "p")
    made.write(tmp_path / name)

    assert named(str(tmp_path / name), None).bundle == made


def test_the_folders_are_the_shipped_policies():
    assert named("folders", None).bundle == read_bundle(POLICIES)


def test_a_revision_of_the_log(tmp_path):
    made = bundle(tmp_path / "p")
    deployment = deployed(tmp_path / "demo", made, count=1, distinct=1)

    assert named(made.revision, deployment).bundle == made
    assert named(made.revision[7:19], deployment).bundle == made
    for name in (made.revision[7:14], "0" * 12, ""):
        with pytest.raises(OfficerError) as refused:
            named(name or "none", deployment)
        assert refused.value.rule == "bundle.missing"


def test_a_name_of_nothing_is_refused(tmp_path):
    with pytest.raises(OfficerError) as refused:
        named(str(tmp_path / "none"), None)

    assert (refused.value.rule, refused.value.at) == ("bundle.missing", "none")


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        (".manifest", b"{}", "bundle.file"),
        (".manifest", canonical({"revision": "sha256:0"}), "bundle.revision"),
        ("data.json", b'{"samples": {}, "taxonomy": {}}', "bundle.revision"),
        ("exchange/decision.rego", b"package exchange\n\nx := {", "bundle.policy"),
        ("exchange/more.rego", b"package exchange\n\nmore := 1\n", "bundle.revision"),
        ("exchange/more.rego", b"\xff", "bundle.policy"),
        ("local/own.rego", b"package local\n\nnarrow := 1\n", "bundle.policy"),
        ("other/own.rego", b"package other\n", "bundle.file"),
        ("readme.txt", b"", "bundle.file"),
    ],
)
def test_a_bundle_that_somebody_touched_is_refused(tmp_path, name, content, rule):
    bundle(tmp_path / "p").write(tmp_path / "made")
    target = tmp_path / "made" / name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(content)

    with pytest.raises(OfficerError) as refused:
        named(str(tmp_path / "made"), None)

    assert refused.value.rule == rule


@pytest.mark.parametrize("kind", ["text", "folder"])
def test_a_file_that_is_no_bundle_is_refused(tmp_path, kind):
    path = tmp_path / "made.tar.gz"
    path.write_text("no")
    if kind == "folder":
        with tarfile.open(path, "w:gz") as archive:
            archive.addfile(tarfile.TarInfo("exchange"))
            link = tarfile.TarInfo("data.json")
            link.type = tarfile.SYMTYPE
            archive.addfile(link)

    with pytest.raises(OfficerError) as refused:
        named(str(path), None)

    assert refused.value.rule == "bundle.file"
