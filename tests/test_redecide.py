"""The other engine gives the same answers, and the entries say what was decided."""

import json

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli_policy_change import register
from gateway.errors import OfficerError
from gateway.policy import Bundle, fuzz_opa
from gateway.redecide import redecide
from gateway.replay_reading import recorded
from tests.policy_servers import needs_opa
from tests.replayed import bundle, deployed


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redecide")
    return deployed(folder / "demo", bundle(folder / "p"), count=300, distinct=8)


def again(deployment, engine="other", **options):
    with recorded(deployment.data, deployment.vkey()) as log:
        return redecide(log, since=0, engine=engine, **options)


@needs_opa
def test_opa_decides_what_the_embedded_engine_decided(logged):
    found = again(logged)

    assert (found.counted, found.compared, found.different) == (300, 300, 0)
    assert (found.not_replayable, found.differences) == (0, [])


@needs_opa
def test_the_command_says_identical(logged):
    app = typer.Typer()
    register(app)
    app.command(name="other")(lambda: None)

    done = CliRunner().invoke(app, ["redecide", "-d", str(logged.directory), "--since", "all"])

    assert done.exit_code == 0, done.output
    assert "300 of 300 decisions compared" in done.stdout
    assert "identical" in done.stdout


def test_the_same_engine_can_decide_again(logged):
    """And what the entries say is compared, with OPA or without."""
    assert again(logged, "embedded").different == 0


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda e: e.__setitem__("rules", sorted({*e["rules"], "red.sale"})), "rules"),
        (lambda e: e["border"].__setitem__("destination", "dest.adequate"), "border"),
        (lambda e: e.__setitem__("obligations", ["seal"]), "obligations"),
        (lambda e: e.__setitem__("outcome", "held"), "outcome"),
    ],
)
def test_an_entry_that_says_something_else_is_found(tmp_path, monkeypatch, change, what):
    """Written by a gateway that logs another thing than what was decided."""
    from bench import transfers

    honest = transfers.transfer

    def lying(*arguments):
        made = honest(*arguments)
        if made["outcome"] == "refused":
            change(made)
        return made

    monkeypatch.setattr(transfers, "transfer", lying)
    deployment = deployed(tmp_path / "demo", bundle(tmp_path / "p"), count=40, distinct=20)

    found = again(deployment, "embedded")

    assert found.different > 0
    assert f"the entry's {what}" in {one["what"] for one in found.differences}
    app = typer.Typer()
    register(app)
    told = CliRunner().invoke(
        app,
        [*("redecide", "-d", str(deployment.directory), "--since", "all"),
         *("--engine", "embedded", "--json")],
    )  # fmt: skip
    assert told.exit_code == 1
    assert json.loads(told.stdout)["different"] == found.different


@needs_opa
def test_an_engine_that_answers_otherwise_is_found(logged, tmp_path, monkeypatch):
    """OPA is given other policies under the name of the recorded ones."""
    honest = Bundle.files
    other = bundle(tmp_path / "other", k=9)

    def swapped(self):
        for name, content in honest(self):
            yield name, content if name != "data.json" else other.data

    monkeypatch.setattr(Bundle, "files", swapped)

    found = again(logged)

    assert {one["what"] for one in found.differences} == {"the engines"}


def test_without_opa_it_says_so(logged, monkeypatch):
    monkeypatch.setattr(fuzz_opa.shutil, "which", lambda _: None)

    with pytest.raises(OfficerError) as refused:
        again(logged)

    assert refused.value.rule == "policy.no_opa"


def test_what_is_not_kept_is_counted(tmp_path):
    from tests.test_replay import _changed

    deployment = deployed(tmp_path / "demo", bundle(tmp_path / "p"), count=40, distinct=20)
    _changed(deployment, "DELETE FROM document WHERE kind = 'question'")
    assert again(deployment, "embedded").not_replayable == 40
    _changed(deployment, "DELETE FROM document WHERE kind = 'bundle'")
    assert again(deployment, "embedded").not_replayable == 40
