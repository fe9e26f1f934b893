"""Reports as files, over HTTP and as a command; the index they rest on, and both databases."""

import csv
import io
import json
import shutil

import httpx
import openpyxl
import pytest
from openpyxl.utils.exceptions import InvalidFileException
from typer.testing import CliRunner

from gateway import audit_index, log_index_fill, log_place, log_view
from gateway.audit import verify_log
from gateway.cli import app
from gateway.demo import served
from gateway.deployment import new_bearer, read_deployment
from gateway.entry import parse
from gateway.errors import SenderError
from gateway.log import Log
from gateway.reports import REPORTS, Asked, Source, run
from gateway.reports.written import entries, written
from tests.log_database import gateway_on
from tests.report_world import DAY, KEY, ORIGIN, story


def tell(one) -> str:
    """The same few entries each time."""
    one.stands("agr:one", "1", "active")
    first = one.transfer()
    one.transfer(outcome="refused", rules=["red.sale"], count="0", released=[])
    one.say("custody", what="acknowledged", transfer=first, party="org:b")
    one.say("custody", what="recall", state="requested", transfer=first, party="org:b")
    one.say("decision", what="break_glass", decision="b", signers=["officer:x"], transfer=first)
    one.wait(40 * DAY)
    one.transfer(count="1000+", recipient={"party": "org:c", "regimes": []})
    return first


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("reports") / "data"
    with story(directory) as one:
        one.first = tell(one)
        one.directory = directory
        yield one


def report_of(one, name, **asked):
    return run(name, Asked.of(**asked), one.log, one.now)


def test_csv_says_its_checkpoint_above_the_table(world):
    report = report_of(world, "sent", party="org:c")
    lines = written(report, "csv").decode().splitlines()
    head = [line for line in lines if line.startswith("#")]
    rows = list(csv.DictReader(line for line in lines if line not in head))

    assert f"# computed {report.at} from checkpoint {report.size} {report.root}" in head
    assert [line.removeprefix("# note ") for line in head if line.startswith("# note")] == (
        world.log.checkpoint().splitlines()
    )
    assert "# asked party org:c" in head
    assert [row["recipient"] for row in rows] == ["org:c"]


def test_a_workbook_has_the_table_and_what_it_is_from(world):
    report = report_of(world, "denials")
    book = openpyxl.load_workbook(io.BytesIO(written(report, "xlsx")))

    assert [cell.value for cell in book["report"][1]] == list(report.answer.columns)
    assert [cell.value for cell in book["report"][2]][2:] == ["red.sale", "yes", 1]
    assert any(report.root in row[0].value for row in book["about"])


def test_json_is_the_whole_report(world):
    report = report_of(world, "person")
    assert json.loads(written(report, "json")) == report.document()


def test_the_record_of_processing_as_linked_data(world):
    pyld = pytest.importorskip("pyld")
    document = json.loads(written(report_of(world, "processing"), "jsonld"))

    graph = pyld.jsonld.expand(document)
    dpv = "https://w3id.org/dpv#"
    processes = [one for one in graph if one["@type"] == [f"{dpv}Process"]]
    assert [one["@type"] for one in processes] == [[f"{dpv}Process"]] * 2
    assert processes[0][f"{dpv}hasPersonalData"][1] == {"@id": "https://w3id.org/dpv/pd#Name"}
    [record] = [one for one in document["@graph"] if "corridor:about" in one]
    assert record["corridor:about"]["checkpoint"]["size"] == world.log.size()
    with pytest.raises(SenderError):
        written(report_of(world, "sent"), "jsonld")


def test_every_entry_is_streamed_and_narrowed(world):
    def read(form, **asked):
        source = Source(world.log, world.now)
        return b"".join(entries(source, Asked.of(**asked), form))

    whole = [json.loads(line) for line in read("json").splitlines()]
    assert [one["index"] for one in whole] == list(range(world.log.size()))
    text = read("csv").decode()
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    assert [json.loads(row["entry"])["id"] for row in rows] == [row["id"] for row in rows]
    assert len(rows) == world.log.size()
    for asked, expected in (
        ({"party": "org:c"}, ["transfer"]),
        ({"transfer": world.first}, ["transfer", "custody", "custody", "decision"]),
        ({"agreement": "agr:one"}, ["control", "transfer", "transfer", "transfer"]),
        ({"purpose": "hum.health"}, ["transfer"] * 3),
        ({"from_": "2090-01-01"}, []),
    ):
        found = [json.loads(line)["entry"]["type"] for line in read("json", **asked).splitlines()]
        assert found == expected, asked
    with pytest.raises(SenderError):
        read("xlsx")


def test_no_sheet_is_cut_short(world, monkeypatch):
    monkeypatch.setattr("gateway.reports.written.MAX_SHEET", 0)
    with pytest.raises(SenderError) as error:
        written(report_of(world, "sent"), "xlsx")
    assert error.value.rule == "report.too_long"


@pytest.mark.parametrize("name", REPORTS)
def test_both_databases_say_the_same(world, name, on_postgresql):
    asked = {"party": "org:b"} if name == "offboarding" else {}
    asked |= {"from_": "2020-01-01", "to": "2090-01-01"}
    here, there = (report_of(one, name, **asked).answer for one in (world, on_postgresql))
    hidden = [at for at, column in enumerate(here.columns) if column in HIDDEN]

    def shown(answer):
        return [[v for at, v in enumerate(row) if at not in hidden] for row in answer.rows]

    if name != "unchanged":  # as many commits, at other moments
        assert shown(here) == shown(there)
    assert here.found.keys() == there.found.keys()


HIDDEN = ("first", "last", "time", "transfer", "asked", "decided", "reviewed", "month")


@pytest.fixture(scope="module")
def on_postgresql(tmp_path_factory, cluster):
    data = gateway_on(tmp_path_factory.mktemp("pg") / "one", cluster.database())
    with story(data) as one:
        tell(one)
        yield one


def test_a_log_older_than_its_index_gets_one_when_it_is_opened(tmp_path):
    data = tmp_path / "data"
    with story(data) as one:
        tell(one)
        one.log._store._writer.execute("DELETE FROM entry_index")
        one.log._store._writer.execute("DELETE FROM happened")
        at = one.now
    assert index_of(data) == ["index.entry", "index.happened"]
    with Log.open(data, key=KEY, gateway="gw", clock=lambda: at):
        pass
    assert index_of(data) == []


def index_of(data) -> list[str]:
    vkey = vkey_of(data)
    return sorted({problem.rule for problem in verify_log(data, vkey=vkey).problems})


def vkey_of(data) -> str:
    store = log_place.open_store(data)
    [(vkey,)] = store.read("SELECT vkey FROM log")
    store.close()
    return vkey


BROKEN = {
    "UPDATE entry_index SET kind = 'access.report' WHERE kind LIKE 'decision%'": "index.entry",
    "UPDATE entry_index SET time = time + 1 WHERE idx = 3": "index.entry",
    "UPDATE entry_index SET profile = 1 WHERE profile = 2": "index.entry",
    "DELETE FROM entry_index WHERE idx = 5": "index.entry",
    "DELETE FROM happened WHERE kind = 'custody.acknowledged'": "index.happened",
    "UPDATE happened SET place = place + 1": "index.happened",
    "UPDATE happened SET kind = 'custody.deleted'": "index.happened",
    "INSERT INTO happened VALUES ('x', 99999, 'custody.deleted', 1, 1)": "index.happened",
    "UPDATE profile SET value = x'00' WHERE id = 1": "index.profile",
}


@pytest.mark.parametrize("statement", BROKEN)
def test_an_index_that_says_something_else_is_found_and_made_again(tmp_path, world, statement):
    data = tmp_path / "data"
    shutil.copytree(world.directory, data)
    store = log_place.open_store(data)
    store._writer.execute(statement)
    store.close()

    assert BROKEN[statement] in index_of(data)
    store = log_place.open_store(data)
    told = []
    size = log_index_fill.rebuild(store, lambda done, of: told.append((done, of)))
    store.close()
    assert told[-1] == (size, size)
    assert index_of(data) == []


def test_the_index_is_filled_in_parts_from_the_end(tmp_path, world, monkeypatch):
    data = tmp_path / "data"
    shutil.copytree(world.directory, data)
    monkeypatch.setattr(log_index_fill, "PART", 2)
    store = log_place.open_store(data)
    whole = store.read("SELECT * FROM happened ORDER BY idx")
    log_index_fill.rebuild(store)
    assert store.read("SELECT * FROM happened ORDER BY idx") == whole
    assert log_index_fill.missing(store) == 0
    store.close()
    assert index_of(data) == []


def test_where_the_index_is_wrong_is_said(world):
    found = []
    audit = audit_index.IndexAudit(lambda rule, at: found.append((rule, at)))
    rows = {"happened": [], "entry_index": [(4097, 0, "control", 0)], "profile": [(1, b"", b"")]}
    audit.tables(lambda query: next((rows.pop(name) for name in ("happened", "entry_index",
                 "profile") if f"FROM {name}" in query and name in rows), []))  # fmt: skip
    assert ("index.entry", "entries 4096 to 8191") in found


@pytest.fixture(scope="module")
def server(prepared, tmp_path_factory):
    directory = tmp_path_factory.mktemp("served") / "demo"
    shutil.copytree(prepared[0], directory)
    made = CliRunner().invoke(app, ["log", "reader", "court-1", "-d", str(directory)])
    party = new_bearer(directory, "org:border-directorate")
    with served(directory) as address, httpx.Client(base_url=address, timeout=20) as client:
        client.headers["Authorization"] = f"Bearer {made.stdout.strip()}"
        yield client, directory, party


def test_an_auditor_gets_reports_over_http_and_each_is_logged(server):
    client, directory, _ = server
    names = {one["report"] for one in client.get("/v1/log/reports").json()}
    answer = client.get(
        "/v1/log/reports/changes", params={"from": "2020-01-01", "to": "2090-01-01", "party": "x"}
    )

    assert names == set(REPORTS)
    assert answer.json()["report"] == "changes"
    assert answer.headers["Cache-Control"] == "no-store"
    last = [parse(leaf) for _, leaf in log_view.entries(directory / "data")][-1]
    assert (last["who"], last["report"], last["form"]) == ("auditor:court-1", "changes", "json")
    assert (last["party"], last["rows"], last["size"]) == (
        "x", "0", answer.json()["checkpoint"]["size"],
    )  # fmt: skip
    assert last["from"] < last["to"]
    stream = client.get("/v1/log/reports/entries", params={"form": "csv"})
    assert stream.headers["content-type"].startswith("text/csv")
    assert json.loads(client.get("/v1/log/reports/entries").text.splitlines()[0])["index"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [("nothing", 404), ("sent?form=pdf", 422), ("sent?from=x", 422), ("entries?form=xlsx", 422)],
)
def test_what_cannot_be_told_is_refused_and_not_logged(server, path, status):
    client, directory, _ = server
    before = len(list(log_view.entries(directory / "data")))
    assert client.get(f"/v1/log/reports/{path}").status_code == status
    assert len(list(log_view.entries(directory / "data"))) == before


def test_reports_are_for_auditors(server):
    client, _, party = server
    for key, status in (("", 401), (f"Bearer {party}", 403)):
        for path in ("", "/sent", "/entries"):
            answer = client.get(f"/v1/log/reports{path}", headers={"Authorization": key})
            assert answer.status_code == status


def run_command(*words: str):
    return CliRunner().invoke(app, ["log", *words])


def test_the_command_answers_in_each_form(deployment, tmp_path):
    at = ("-d", str(deployment))
    listed = run_command("report", *at).stdout
    assert all(name in listed for name in REPORTS)
    shown = run_command("report", "changes", *at, "--as", "officer:dpo").stdout
    assert "from the checkpoint of" in shown
    assert "not answered: " in run_command("report", "person", *at).stdout
    assert json.loads(run_command("report", "rights", *at, "--json").stdout)["rows"] == []
    assert run_command("report", "rights", *at, "--csv").stdout.startswith("# report rights")
    out = tmp_path / "processing.xlsx"
    assert run_command("report", "processing", *at, "--xlsx", "--out", str(out)).exit_code == 0
    assert openpyxl.load_workbook(out).sheetnames == ["report", "about"]
    found = run_command("report", "entries", *at, "--json", "--party", "officer:dpo").stdout
    assert [json.loads(line)["entry"]["report"] for line in found.splitlines()] == ["changes"]
    assert run_command("report", "sent", *at, "--json", "--csv").exit_code == 2
    assert run_command("report", "sent", *at, "--xlsx").exit_code == 2
    missing = str(tmp_path / "none" / "x.csv")
    assert run_command("report", "sent", *at, "--out", missing).exit_code == 1
    with pytest.raises((InvalidFileException, OSError)):
        openpyxl.load_workbook(missing)


def test_a_long_table_is_cut_on_a_terminal_and_says_so(deployment, monkeypatch):
    monkeypatch.setattr("gateway.cli_log_report.SHOWN", 1)
    for _ in range(2):
        run_command("report", "unchanged", "-d", str(deployment))
    shown = run_command("report", "unchanged", "-d", str(deployment)).stdout
    assert "more rows: --csv" in shown


def test_reindex_by_command(deployment):
    done = run_command("reindex", "-d", str(deployment))
    assert (done.exit_code, "entries indexed" in done.stdout) == (0, True)
    read = read_deployment(deployment)
    assert verify_log(read.data, vkey=read.vkey()).problems == ()


def test_the_origin_of_the_story_is_the_one_asked_for(world):
    assert world.log.checkpoint().startswith(ORIGIN)
