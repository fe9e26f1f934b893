"""The standard suite: every installed adapter passes it, and it finds what is wrong."""

import itertools
import json
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from gateway.adapter import GROUP
from gateway.kit import RULES
from gateway.kit.skeleton import make
from gateway.kit.subject import Subject, folder_subjects, installed_subject
from gateway.kit.suite import bounded, inside, pure

FEW = 8
"""Examples of a kind. `corridor adapter check --all` tries more."""

NAMES = sorted(point.name for point in entry_points(group=GROUP))


@pytest.mark.parametrize("name", NAMES)
def test_an_installed_adapter_passes_in_this_process(name: str) -> None:
    report = inside(installed_subject(name), FEW)
    assert list(map(str, report.findings)) == []
    assert report.parse.records > 0
    assert report.render.fields


@pytest.mark.parametrize("name", NAMES)
def test_an_installed_adapter_touches_nothing(name: str) -> None:
    findings, _ = pure(installed_subject(name))
    assert list(map(str, findings)) == []


# `kobo.xml` reads what `kobo` reads; `corridor adapter check --all` measures it all the same.
@pytest.mark.parametrize(
    "name", [name for name in NAMES if name.rpartition(".")[0] not in NAMES or "xlsx" in name]
)
def test_an_installed_adapter_takes_no_more_memory_than_it_needs(name: str) -> None:
    findings, _ = bounded(installed_subject(name), FEW)
    assert list(map(str, findings)) == []


# What the suite finds: the skeleton with one thing wrong

Mutant = Callable[..., Subject]
NUMBERS = itertools.count()


@pytest.fixture
def mutant(tmp_path: Path) -> Mutant:
    """A skeleton of a name nobody else has, with some words of its adapter replaced."""

    def make_one(*changes: tuple[str, str], sample: str | None = None) -> Subject:
        name = f"mutant{next(NUMBERS)}"
        folder = make(name, tmp_path)
        module = folder / f"corridor_{name}" / "__init__.py"
        text = module.read_text(encoding="utf-8")
        for words in changes:
            old, new = (word.replace("@NAME@", name) for word in words)
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        module.write_text(text, encoding="utf-8")
        if sample is not None:
            people = module.parent / "samples" / "people.jsonl"
            people.write_text(sample, encoding="utf-8")
        (subject,) = folder_subjects(folder)
        return subject

    return make_one


def test_the_skeleton_passes(mutant: Mutant) -> None:
    subject = mutant()
    report = inside(subject, FEW)
    assert (report.findings, pure(subject)[0]) == ([], [])
    assert bounded(subject, FEW) == ([], 1)
    assert report.carried > 0


LINE = "            yield _record(found.value, reading, at)\n"
ROW = "            row = _row(record, writing)\n"
TOLD = 'writing.lineage[f"{record_type}.{name}"] = target'
LEFT = 'writing.unrendered.add(f"{record_type}.{name}")'
CODE = """\
    if value not in codes:
        raise SenderError("an unknown code", rule="@NAME@.code", at=f"{at}, {key}")
    return codes[value]
"""
CHAINED = """\
    try:
        return codes[value]
    except KeyError:
        raise SenderError("an unknown code", rule="@NAME@.code", at=f"{at}, {key}")
"""
SEEN = """\
            SEEN.append(at)
            if len(SEEN) < 9:
                yield _record(found.value, reading, at)
"""
HELD = """\
            made.append(_record(found.value, reading, at))
        return made
"""
BEGIN = "        for number, found in"
WRONG: dict[str, tuple[str, *tuple[tuple[str, str], ...]]] = {
    "forgets lineage": (
        "lineage.missing",
        ('reading.lineage[f"person.{FIELDS[key]}"] = key', "pass"),
    ),
    "invents lineage": (
        "lineage.unknown",
        (LINE, LINE + '            reading.lineage["person.email"] = "mail"\n'),
    ),
    "forgets lineage in render": ("lineage.missing", (TOLD, "pass")),
    "says nothing of what it leaves out": ("loss.silent", (LEFT, "pass")),
    "changes a field in silence": (
        "loss.silent",
        ("codes.get(value, value)", 'codes.get(value, value).replace("Amina", "A.")'),
    ),
    "loses a record in silence": (
        "loss.record",
        ("            if row:", '            if row and "born" in row:'),
    ),
    "declares a loss that is none": ("loss.unreal", (TOLD, f"{TOLD}; {LEFT}")),
    "raises KeyError": ("parse.failed", ("    if value not in codes:", "    if value == 0:")),
    "fails on what it does not know": (
        "render.failed",
        ("target = keys.get(name)", "target = keys[name]"),
    ),
    "quotes a value": (
        "told.value",
        ('"an unknown code", rule', 'f"an unknown code {value}", rule'),
    ),
    "shows any key": ("told.key", ('key if KEY.fullmatch(key) else "?"', "key")),
    "chains an error that quotes": ("told.chained", (CODE, CHAINED)),
    "has an error without a rule": ("told.rule", ('rule="@NAME@.text"', 'rule="Text!"')),
    "makes what the schema forbids": (
        "parse.invalid",
        ('{"record_type": "person"}', '{"record_type": "person", "shoe_size": 9}'),
    ),
    "makes no record": ("parse.invalid", (LINE, "            yield found.value\n")),
    "refuses its sample": ("parse.refused", ('"id" not in row', '"shoe" not in row')),
    "finds nothing in its sample": (
        "parse.empty",
        (LINE, f"            if not found:\n    {LINE}"),
    ),
    "keeps the last payload": (
        "protocol.state",
        (BEGIN, f"        self.last = reading.lineage\n{BEGIN}"),
    ),
    "counts on over payloads": (
        "parse.unsteady",
        (LINE, SEEN),
        ("KEY = re", "SEEN: list[str] = []\nKEY = re"),
    ),
    "reads a list at once": (
        "protocol.lazy",
        (LINE, HELD),
        (BEGIN, f"        made = []\n{BEGIN}"),
    ),
    "needs bytes in memory": (
        "parse.failed",
        ("objects(content, _rows)", "objects(type(content)(content.getvalue()), _rows)"),
    ),
    "reads short where it may": (
        "parse.file",
        ("objects(content, _rows)", "objects(io.BytesIO(content.read1(1 << 16)), _rows)"),
        ("import re\n", "import io\nimport re\n"),
    ),
    "needs a list of records": (
        "render.failed",
        ("        for record in records:", "        for record in records[:]:"),
    ),
    "changes the records": ("render.changed", (ROW, f'{ROW}            record.pop("sex", 0)\n')),
    "writes other bytes each time": (
        "render.unsteady",
        (ROW, f"{ROW}            row['id'] += '.' * len(SEEN); SEEN.append(1)\n"),
        ("KEY = re", "SEEN: list[int] = []\nKEY = re"),
    ),
    "never ends": ("parse.endless", (LINE, f"{LINE}            while number == 3:\n    {LINE}")),
    "writes what it cannot read": (
        "render.unread",
        ("yield orjson.dumps(row)", 'yield orjson.dumps({**row, "id": 7})'),
    ),
    "refuses its own records": (
        "render.refused",
        (ROW, f'            raise SenderError("no", rule="a.b")\n{ROW}'),
    ),
    "has no version": ("protocol.attributes", ('version = "1"', 'version = ""')),
    "has another name": ("protocol.attributes", ('name = "@NAME@"', 'name = "other"')),
}
"""What is wrong with it: the rule that must find it, and the words that make it so."""


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_adapter_is_found(what: str, mutant: Mutant) -> None:
    rule, *changes = WRONG[what]
    report = inside(mutant(*changes), FEW)
    assert rule in {one.rule for one in report.findings}, list(map(str, report.findings))


IMPURE = {
    "uses the clock": ("purity.clock", "_ = __import__('time').time()"),
    "asks what day it is": ("purity.clock", "_ = __import__('datetime').date.today()"),
    "throws dice": ("purity.random", "_ = __import__('random').random()"),
    "makes a random id": ("purity.random", "_ = __import__('uuid').uuid4()"),
    "reads the environment": ("purity.environment", "_ = __import__('os').environ.get('HOME')"),
    "opens a file": ("purity.disk", "_ = open('/etc/hosts').close()"),
    "writes a file": ("purity.disk", "__import__('tempfile').TemporaryFile().close()"),
    "opens a connection": ("purity.network", "__import__('socket').socket().close()"),
    "starts a process": ("purity.process", "__import__('subprocess').run(['true'])"),
    "writes in the order of a set": (
        "purity.differs",
        "reading.unmapped.add(str(list({'a', 'b', 'c', 'd', 'e'})))",
    ),
    "breaks off the process": ("memory.died", "__import__('os')._exit(3)"),
}


@pytest.mark.parametrize("what", IMPURE)
def test_an_adapter_that_touches_something_is_found(what: str, mutant: Mutant) -> None:
    rule, code = IMPURE[what]
    subject = mutant((LINE, f"            {code}\n{LINE}"))
    findings, _ = pure(subject)
    assert rule in {one.rule for one in findings}, list(map(str, findings))
    if rule not in ("purity.differs", "memory.died"):
        assert all(f"corridor_{subject.entry}/__init__.py" in one.at for one in findings)


HUNGRY = {
    "reads everything": (
        "memory.growth",
        ("        for number, found in enumerate(objects(content, _rows), 1):",
         "        for number, found in enumerate(list(objects(content, _rows)), 1):"),
    ),
    "renders everything": (
        "memory.growth",
        ("        for record in records:", "        for record in list(records):"),
    ),
    "swells": (
        "memory.hostile",
        (
            "    codes = CODES.get(key)",
            "    _ = [value + str(n) for n in range(len(value) // 400_000)]\n"
            "    codes = CODES.get(key)",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HUNGRY)
def test_an_adapter_that_holds_too_much_is_found(what: str, mutant: Mutant) -> None:
    rule, change = HUNGRY[what]
    findings, measured = bounded(mutant(change), FEW)
    assert {one.rule for one in findings} == {rule}, list(map(str, findings))
    assert measured == 1


def test_a_package_without_samples_is_found(mutant: Mutant) -> None:
    assert {one.rule for one in inside(mutant(sample=""), FEW).findings} == {"parse.refused"}


def test_a_report_says_no_value(mutant: Mutant) -> None:
    rows = [{"id": "relief.example/7", "name": "Wanjiru Kamau", "sex": "unheard"}]
    report = inside(mutant(sample=json.dumps(rows)), FEW)
    assert report.findings
    said = json.dumps(report.told())
    assert "Wanjiru" not in said
    assert "unheard" not in said


def test_every_rule_can_be_found() -> None:
    """By the tests of this file and of `test_kit_subject.py`."""
    tried = {rule for rule, *_ in (*WRONG.values(), *IMPURE.values(), *HUNGRY.values())}
    tried |= {"samples.none", "samples.mapping"}
    assert tried == set(RULES)
