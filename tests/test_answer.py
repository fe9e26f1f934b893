"""`corridor adapter answer`: what a server's answer means for each object that was sent by hand."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.adapter import Answering, installed, outcomes
from gateway.cli import app

REFUSED = {"error": {"code": "x", "fieldErrors": {"names[0].givenName": [{"code": "too.long"}]}}}
TAKEN = {"uuid": "8d87", "display": "Amina Yusuf"}


def answered(tmp_path: Path, body: object, *words: str) -> tuple[int, str]:
    file = tmp_path / "answer.json"
    file.write_text(body if isinstance(body, str) else json.dumps(body), encoding="utf-8")
    done = CliRunner().invoke(app, ["adapter", "answer", *words[:1], str(file), *words[1:]])
    return done.exit_code, done.output


def test_an_object_that_was_taken(tmp_path: Path) -> None:
    code, said = answered(tmp_path, TAKEN, "openmrs", "--sent", "1")

    assert code == 0
    assert "accepted 1" in said
    assert "Amina" not in said


def test_an_object_that_was_refused_says_where(tmp_path: Path) -> None:
    code, said = answered(tmp_path, REFUSED, "openmrs", "--sent", "1", "--json")

    assert code == 1
    assert json.loads(said) == [
        {"index": 0, "state": "refused", "code": "too.long", "at": "names[0].givenName"}
    ]


@pytest.mark.parametrize("body", ["{}", "", "<html>502 Bad Gateway</html>", "[]", "null"])
def test_what_is_not_clearly_accepted_is_unknown(tmp_path: Path, body: str) -> None:
    code, said = answered(tmp_path, body, "openmrs", "--sent", "1")

    assert code == 1
    assert "unknown 1" in said


def test_a_format_without_answers_says_so(tmp_path: Path) -> None:
    code, said = answered(tmp_path, "{}", "pfif", "--sent", "1")

    assert code == 1
    assert "adapter.no_answers" in said


HOSTILE = ("", "{}", "[]", "null", "true", "7", '"Amina"', "<html>Amina</html>", "{", '{"a": [{}]}')


@pytest.mark.parametrize(
    "name", sorted(name for name, one in installed().items() if isinstance(one, Answering))
)
@pytest.mark.parametrize("body", HOSTILE)
def test_no_system_s_silence_is_taken_for_yes(name: str, body: str) -> None:
    adapter = installed()[name]
    assert isinstance(adapter, Answering)

    found = outcomes(adapter, body.encode(), 2)

    assert found
    assert {one.state for one in found} <= {"refused", "unknown"}
    assert "Amina" not in repr(found)
