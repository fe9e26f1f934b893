"""One bundle for every engine, named by its digest."""

import json
import shutil
import tarfile

import pytest

from gateway.errors import OfficerError
from gateway.policy import read_bundle
from tests.strategies_policy import POLICIES


@pytest.fixture
def policies(tmp_path):
    return shutil.copytree(POLICIES, tmp_path / "policies")


def test_the_same_files_are_the_same_bundle(policies):
    assert read_bundle(policies).revision == read_bundle(POLICIES).revision
    assert read_bundle(policies).revision.startswith("sha256:")


def test_a_test_beside_a_rule_changes_nothing(policies):
    (policies / "exchange" / "more_test.rego").write_text("package exchange_test\n")

    assert read_bundle(policies).revision == read_bundle(POLICIES).revision


def test_a_rule_or_a_table_changes_the_revision(policies):
    before = read_bundle(policies).revision
    rule = policies / "exchange" / "consent.rego"
    rule.write_text(rule.read_text() + "\n# more\n")
    changed = read_bundle(policies).revision
    table = policies / "taxonomy" / "destinations.json"
    table.write_text(json.dumps(json.loads(table.read_text()) | {"prohibited": ["XX"]}))

    assert len({before, changed, read_bundle(policies).revision}) == 3


@pytest.mark.parametrize("name", ["b.tar.gz", "b"])
def test_it_is_written_as_opa_reads_it(tmp_path, name):
    bundle = read_bundle(POLICIES)
    bundle.write(tmp_path / name)
    if name.endswith(".gz"):
        first = (tmp_path / name).read_bytes()
        with tarfile.open(tmp_path / name) as archive:
            archive.extractall(tmp_path / "b", filter="data")
        assert len(first) > 1000

    manifest = json.loads((tmp_path / "b" / ".manifest").read_text())
    assert manifest["revision"] == bundle.revision
    assert set(manifest["roots"]) == {"exchange", "local", "samples", "taxonomy"}
    assert json.loads((tmp_path / "b" / "data.json").read_text()).keys() == {"samples", "taxonomy"}
    assert (tmp_path / "b" / "exchange" / "decision.rego").exists()
    assert (tmp_path / "b" / "local" / "none.rego").read_text() == "package local\n"


def test_the_same_bundle_is_the_same_tarball(tmp_path):
    for name in ("a.tar.gz", "b.tar.gz"):
        read_bundle(POLICIES).write(tmp_path / name)

    packed = [(tmp_path / name).read_bytes() for name in ("a.tar.gz", "b.tar.gz")]
    assert packed[0] == packed[1]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("package exchange\n\nobjections := set()\n", "bundle.policy"),
        ("package local\n\nobjections := data.exchange.objections\n", "bundle.policy"),
        ("package local\n\nnarrow := time.now_ns()\n", "bundle.policy"),
        ("not rego", "bundle.policy"),
    ],
)
def test_an_operators_policy_has_its_place(tmp_path, text, rule):
    (tmp_path / "own.rego").write_text(text)

    with pytest.raises(OfficerError) as refused:
        read_bundle(POLICIES, tmp_path)

    assert refused.value.rule == rule
    assert refused.value.at.startswith("local/own.rego:")


@pytest.mark.parametrize("text", ["{", "[]", '{"x": 1.5}', '{"forms": {}}'])
def test_a_table_is_whole_and_named_once(policies, text):
    (policies / "taxonomy" / "more.json").write_text(text)

    with pytest.raises(OfficerError) as refused:
        read_bundle(policies)

    assert (refused.value.rule, refused.value.at) == ("bundle.table", "more.json")


def test_no_policies_is_an_error(tmp_path):
    with pytest.raises(OfficerError) as refused:
        read_bundle(tmp_path)

    assert refused.value.rule == "bundle.missing"
